"""What came later counts, and builds keep their order, whatever the clock says."""

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from conftest import Workspace
from support.extracting import TOKEN, lines, record
from support.platform import answering, page
from support.wrong_clock import adhouse_at, needs_faketime

from adhouse.dbt.results import BuildPlan, BuildResult, Finding
from adhouse.errors import CommandError, Exit
from adhouse.warehouse.base import audited, next_build_id
from adhouse.warehouse.duckdb import DuckDBWarehouse

AHEAD, BACK = "20261228T100000Z-aaaa", "20261128T100000Z-bbbb"
OF_AN_EARLIER_VERSION = "20270101T000000Z-cccc"
FAILED = BuildResult(tests=1, findings=[Finding("grain", "test", "fail", 1, "")])


@needs_faketime
@pytest.mark.cases
def test_a_correction_counts_though_the_clock_was_a_month_ahead(tmp_path: Path) -> None:
    home = Workspace(tmp_path / "data", {"ADHOUSE_API_URL": "none"})
    home.drop("export.jsonl", lines(record(100, spend=1, clicks=1, conversions=0)))
    adhouse_at("+30 days", home, "run")
    home.drop("export.jsonl", lines(record(100, spend=2, clicks=1, conversions=0)))
    ended = home.adhouse("run")
    assert ended.returncode == 0, ended.stderr
    (warning,) = (line for line in ended.stderr.splitlines() if "clock_behind" in line)
    assert warning.count("T") >= 2
    assert spend(home) == [2]
    first, second = sorted(path.parent.name for path in (home.home / "published").glob("*/adhouse.duckdb"))
    assert (first[:7], second[:7]) == ("000001-", "000002-")
    assert f"readers see build {first}" in home.adhouse("rollback").stdout
    assert spend(home) == [1]
    assert f"published build {second}" in home.adhouse("publish").stdout
    assert spend(home) == [2]


@needs_faketime
@pytest.mark.cases
@pytest.mark.parametrize("shift", ["+30 days", "-30 days"])
def test_a_corrected_day_counts_though_the_clock_was_wrong(tmp_path: Path, shift: str) -> None:
    spends = [1]

    def answer(asked: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        return page(asked, record(100, date=asked["date"], spend=spends[-1], clicks=1, conversions=0))

    with answering(answer) as (url, _):
        days = {"ADHOUSE_SINCE": "2026-06-01", "ADHOUSE_UNTIL": "2026-06-01"}
        home = Workspace(tmp_path / "data", {"ADHOUSE_API_URL": url, "ADHOUSE_API_TOKEN": TOKEN, **days})
        adhouse_at(shift, home, "extract")
        spends.append(2)
        ended = home.adhouse("run")
    assert ended.returncode == 0, ended.stderr
    assert ("clock_behind" in ended.stderr) == (shift == "+30 days")
    assert spend(home) == [2]


def spend(home: Workspace) -> list[int]:
    with duckdb.connect(home.home / "published" / "marts.duckdb", read_only=True) as connection:
        found = connection.execute("select total_spend from marts.campaign_summary").fetchall()
    return [int(value) for (value,) in found]


@pytest.fixture
def warehouse(tmp_path: Path) -> DuckDBWarehouse:
    return DuckDBWarehouse(
        tmp_path / "warehouse.duckdb", tmp_path / "marts.duckdb", tmp_path / "published", str(tmp_path / "lake")
    )


def built(warehouse: DuckDBWarehouse, run_id: str, result: BuildResult | None, fingerprint: str = "same") -> str:
    """Puts a build on record; without a result it was killed."""
    build_id = next_build_id(warehouse.greatest_number(), run_id)
    record_of(warehouse, build_id, result, fingerprint)
    return build_id


def record_of(warehouse: DuckDBWarehouse, build_id: str, result: BuildResult | None, fingerprint: str = "same") -> None:
    plan = BuildPlan(build_id, "run", datetime(2026, 11, 28, tzinfo=UTC), fingerprint, is_full_refresh=False)
    warehouse.begin(plan)
    if result is not None:
        warehouse.finish(plan, result, (0, 0, 0))


@pytest.fixture(autouse=True)
def no_lake(monkeypatch: pytest.MonkeyPatch) -> None:
    empty = """
        select '' as reason, '' as source, '' as _source, 1 as _position, false as is_repaired, false as is_broken_rule
        where false
    """
    monkeypatch.setattr("adhouse.warehouse.duckdb.quarantined", lambda *_, **__: empty)


def test_a_build_that_failed_is_the_newest_though_the_clock_went_back(warehouse: DuckDBWarehouse) -> None:
    first = built(warehouse, AHEAD, BuildResult())
    assert audited(warehouse.newest()) == first
    warehouse.publish(first)
    built(warehouse, BACK, FAILED, "other")
    with pytest.raises(CommandError) as raised:
        audited(warehouse.newest())
    assert raised.value.code == Exit.AUDIT
    with pytest.raises(CommandError):
        warehouse.publish(first)  # what the file holds now is not what passed this build's audit
    assert warehouse.published() == first
    assert warehouse.why_full_refresh("same") is not None


def test_builds_are_numbered_above_all_that_are_known_and_pruned_by_number(warehouse: DuckDBWarehouse) -> None:
    ids = []
    for run_id in (AHEAD, BACK, AHEAD, BACK):
        ids.append(built(warehouse, run_id, BuildResult()))
        warehouse.publish(ids[-1])
    assert [one[:7] for one in ids] == ["000001-", "000002-", "000003-", "000004-"]
    assert sorted(path.parent.name for path in warehouse.published_folder.glob("*/adhouse.duckdb")) == ids[1:]
    assert warehouse.rollback(None) == ids[2]
    built(warehouse, BACK, FAILED)
    assert warehouse.greatest_number() == 5
    for path in (warehouse.marts, warehouse.working):
        path.unlink(missing_ok=True)  # as for a rebuild
    assert warehouse.greatest_number() == 4
    assert built(warehouse, BACK, BuildResult()).startswith("000005-")


def test_builds_of_earlier_versions_come_before_all_numbered_ones(warehouse: DuckDBWarehouse) -> None:
    record_of(warehouse, OF_AN_EARLIER_VERSION, BuildResult())
    warehouse.publish(OF_AN_EARLIER_VERSION)
    numbered = built(warehouse, BACK, BuildResult())
    warehouse.publish(numbered)
    assert (numbered[:7], audited(warehouse.newest())) == ("000001-", numbered)
    assert warehouse.rollback(None) == OF_AN_EARLIER_VERSION
