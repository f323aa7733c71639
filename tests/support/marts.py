"""What the tests of the marts share: their rows, and comparing them with the truth."""

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from adhouse.console import Terminal
from adhouse.dbt import build as dbt_build
from adhouse.dbt.results import BuildPlan
from adhouse.settings import Settings
from adhouse.warehouse.files import opened
from extract.run import Places, extract
from extract.source import SourceConfig
from support.extracting import RecordedProgress

AS_OF = datetime(2026, 11, 6, tzinfo=UTC)


def cells(house: Settings, table: str) -> list[tuple[Any, ...]]:
    """All rows of a mart, in the order of all their columns."""
    with opened(house.marts, read_only=True) as connection:
        return connection.execute(f"select * from marts.{table} order by all").fetchall()


def as_rows(house: Settings, mart: str) -> list[dict[str, Any]]:
    with opened(house.marts, read_only=True) as connection:
        answer = connection.execute(f"select * from marts.{mart} order by all")
        names = [column[0] for column in answer.description or ()]
        return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]


def assert_is_true(got: list[dict[str, Any]], wanted: list[dict[str, Any]]) -> None:
    """Every cell is the same: text, counts, dates and money exactly, rates to twelve digits."""
    assert len(got) == len(wanted)
    grain = [name for name, value in (wanted or got or [{}])[0].items() if isinstance(value, str | date)]
    by_grain = {tuple(row[name] for name in grain): row for row in got}
    for row in wanted:
        other = by_grain[tuple(row[name] for name in grain)]
        assert {k: v for k, v in other.items() if not isinstance(v, float)} == {
            k: v for k, v in row.items() if not isinstance(v, float)
        }
        rates = [name for name, value in row.items() if isinstance(value, float)]
        assert [other[name] for name in rates] == pytest.approx([row[name] for name in rates], rel=1e-12)


def build(house: Settings, source: SourceConfig, *, full_refresh: bool = False) -> None:
    """Extracts from a source without events, and builds and tests the models."""
    extract(
        places=Places(house.home, str(house.home), house.lake_url),
        sources=[source],
        apis={},
        report_timezone=ZoneInfo("UTC"),
        now=lambda: datetime.now(UTC),
        progress=RecordedProgress(),
    )
    plan = BuildPlan("build", "test", AS_OF, "", full_refresh)
    is_first = full_refresh or not house.marts.exists()
    result = dbt_build.build(house, plan, None, Terminal(str), has_events=False, makes_every_table=is_first)
    assert not result.errors, result.errors
