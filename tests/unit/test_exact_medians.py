"""Both engines' way of taking a median gives the exact one: compared with plain Python over any groups of decimals."""

from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import duckdb
import jinja2
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

MACROS = Path(__file__).parents[2] / "macros" / "engine" / "exact_median.sql"
MICRO = Decimal("0.000001")

spends = st.integers(-(10**18) + 1, 10**18 - 1).map(lambda micros: Decimal(micros).scaleb(-6))
near = st.integers(-3, 3).map(lambda micros: Decimal(micros).scaleb(-6))
observations = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["US", "DE"]), spends | near), max_size=40)


def median(values: list[Decimal]) -> Decimal:
    """The middle value, or half up of the mean of the two in the middle."""
    ordered = sorted(values)
    lower, upper = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    return ((lower + upper) / 2).quantize(MICRO, rounding=ROUND_HALF_UP)


@pytest.mark.parametrize("variant", ["default__exact_median", "duckdb__exact_median"])
@given(rows=observations)
@settings(max_examples=60)
def test_median_is_exact_on_every_engine(variant: str, rows: list[tuple[str, str, Decimal]]) -> None:
    module = jinja2.Environment(extensions=["jinja2.ext.do"]).from_string(MACROS.read_text()).module
    median_of = getattr(module, variant)("spend")
    query = f"select ad_id, country, {median_of} from observed group by ad_id, country"
    observed = pa.table(
        {
            "ad_id": pa.array([ad for ad, _, _ in rows], pa.string()),
            "country": pa.array([country for _, country, _ in rows], pa.string()),
            "spend": pa.array([spend for _, _, spend in rows], pa.decimal128(18, 6)),
        }
    )
    with duckdb.connect() as connection:
        connection.register("observed", observed)
        got = {(ad, country): value for ad, country, value in connection.execute(query).fetchall()}

    groups = defaultdict(list)
    for ad, country, spend in rows:
        groups[ad, country].append(spend)
    assert got == {key: median(values) for key, values in groups.items()}
