"""What `kpi_alerts` says of any history of campaigns is what plain Python says of it, cell by cell."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa
from conftest import Workspace
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.alerts import CampaignDay, alerts_of
from support.marts import assert_is_true

DAYS = pa.schema(
    {
        "campaign_id": pa.string(),
        "date": pa.date32(),
        "impressions": pa.int64(),
        "clicks": pa.int64(),
        "conversions": pa.decimal128(38, 6),
        "spend": pa.decimal128(38, 6),
    }
)


@contextmanager
def warehouse(house: Workspace) -> Iterator[tuple[duckdb.DuckDBPyConnection, str, date]]:
    """A house's models over any days of campaigns: `given_days` takes the place of what was delivered."""
    [compiled] = (house.home / "dbt" / "compiled").rglob("kpi_alerts.sql")
    with duckdb.connect(str(house.home / "warehouse.duckdb")) as connection:
        connection.execute(f"attach '{house.home / 'marts.duckdb'}' as marts (read_only)")
        [(as_of,)] = connection.execute("select cast(max(as_of) as date) from marts.ops.builds").fetchall()
        connection.execute("drop view intermediate.int_campaign_days")
        yield connection, compiled.read_text(), as_of


def found(connection: duckdb.DuckDBPyConnection, compiled: str, days: list[CampaignDay]) -> list[dict[str, Any]]:
    given_days = pa.Table.from_pylist([vars(day) for day in days], schema=DAYS)
    connection.register("given_days", given_days)
    connection.execute("create or replace table intermediate.int_campaign_days as from given_days")
    answer = connection.execute(compiled)
    names = [column[0] for column in answer.description or ()]
    return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]


def a_day(campaign: str, day: date, impressions: int, clicks: int, conversions: int, spend: int) -> CampaignDay:
    """Money in micros, conversions in thousandths; clicks and conversions are never more than what they come of."""
    clicks = min(clicks, impressions)
    return CampaignDay(
        campaign,
        day,
        impressions,
        clicks,
        min(Decimal(conversions).scaleb(-3), Decimal(clicks)),
        Decimal(spend).scaleb(-6),
    )


def history(seed: int, as_of: date) -> list[CampaignDay]:
    """Two seasons of campaigns with gaps, pauses, credits and days that are far off, up to the day after the run's."""
    chance = random.Random(seed)
    days = []
    for number, size in enumerate((30, 300, 3_000, 40_000, 10**9)):
        for age in range(-1, 150):
            if chance.random() < 0.15:
                continue
            impressions = int(size * chance.choice((0, 0.5, 0.9, 0.95, 1, 1, 1, 1.05, 1.1, 3)))
            clicks = int(impressions * chance.choice((0.01, 0.019, 0.02, 0.02, 0.021, 0.06)))
            conversions = int(clicks * chance.choice((0, 50, 50, 51, 55, 200)))
            spend = int(clicks * chance.choice((-1, 250_000, 300_000, 300_000, 333_333, 900_000)))
            days.append(a_day(f"c{number}", as_of - timedelta(days=age), impressions, clicks, conversions, spend))
    return days


numbers = st.sampled_from([0, 1, 49, 50, 51, 125, 200, 250, 948, 949, 999, 1000, 1001, 1051, 1052, 1100, 5000])
drawn_days = st.dictionaries(
    st.tuples(st.sampled_from("ab"), st.integers(0, 10)),
    st.tuples(numbers, numbers, numbers, numbers.map(lambda micros: micros - 49)),
    min_size=5,
    max_size=22,
)


def test_alerts_are_those_of_plain_python(house: Workspace) -> None:
    with warehouse(house) as (connection, compiled, as_of):
        days = history(7, as_of)
        wanted = alerts_of(days, as_of)
        assert_is_true(found(connection, compiled, days), wanted)
        assert {row["metric"] for row in wanted} == {
            "impressions", "clicks", "conversions", "spend", "ctr", "cpm", "cpc", "cvr", "cpa",
        }  # fmt: skip
        assert {row["moved"] for row in wanted} == {"numerator", "denominator", "both", None}
        assert max(row["date"] for row in wanted) == as_of - timedelta(days=1)

        @given(drawn=drawn_days)
        @settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
        def any_days(drawn: dict[tuple[str, int], tuple[int, int, int, int]]) -> None:
            days = [a_day(name, as_of - timedelta(days=1 + 7 * week), *day) for (name, week), day in drawn.items()]
            assert_is_true(found(connection, compiled, days), alerts_of(days, as_of))

        any_days()
