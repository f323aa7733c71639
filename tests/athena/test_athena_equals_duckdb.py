"""Two engines, one answer: the same landing files through the real command, on DuckDB and on the local Athena."""

import json
import math
import secrets
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import TODAY, Workspace
from support.athena_workspace import columns_of_marts
from support.dashboard_queries import assert_same_answers
from support.event_files import drop_events, eventful_world
from support.extracting import lines, record

from adhouse.warehouse.athena import AthenaWarehouse
from adhouse.warehouse.athena_pages import AthenaPages
from extract.athena import Athena
from local_athena.server import LocalAthena
from simulate.delivery import delivery
from simulate.files import write
from simulate.world import World

pytestmark = pytest.mark.timeout(1800)  # seconds; each builds several times on both engines
MARTS = (
    "processed_campaign_data",
    "campaign_summary",
    "campaign_performance",
    "creative_performance",
    "daily_performance",
    "quarantined_deliveries",
    "source_balances",
    "data_quality",
    "quarantine_reasons",
    "kpi_alerts",
    "dim_ads",
    "dim_campaigns",
)
EVENT_MARTS = (
    "ad_events",
    "orphan_clicks",
    "attributed_conversions",
    "campaign_attribution",
    "campaign_funnel",
    "hourly_performance",
    "site_performance",
    "reach_frequency",
    "conversion_lag",
    "audience_segments",
    "reconciliation",
    "auction_performance",
    "auction_losses",
    "quarantined_events",
    "event_conflicts",
)
OF_ONE_ENGINE = {"build_id", "_dlt_load_id"}
# British Columbia's clocks are not put back any more from November 2026 on: only newer zone data know that.
UNSETTLED, CLOCKS = "CA-BC", {"part_of_day", "day_of_week", "is_weekend"}
Rows = list[dict[str, Any]]
Marts = dict[str, Rows]


class Engines:
    """Two houses that receive the same files at the same times."""

    def __init__(self, folder: Path, athena: LocalAthena, monkeypatch: pytest.MonkeyPatch) -> None:
        self.marts: tuple[str, ...] = MARTS
        self.bucket = f"two-engines-{secrets.token_hex(4)}"  # tables of another test may have left files in another one
        results = f"s3://{self.bucket}/results/"
        files_alone = {"ADHOUSE_API_URL": "none", "ADHOUSE_PRIVACY_KEY": "a key of these tests"}
        in_cloud = {
            **athena.environment,
            "ADHOUSE_TARGET": "athena",
            "ADHOUSE_LAKE_URL": f"s3://{self.bucket}/ads",
            "ADHOUSE_ATHENA_RESULTS": results,
            "ADHOUSE_ATHENA_WORKGROUP": "primary",
        }
        self.disk = Workspace(folder / "disk", files_alone)
        self.cloud = Workspace(folder / "cloud", files_alone | in_cloud)
        self.s3 = athena.client("s3")
        self.s3.create_bucket(Bucket=self.bucket)
        for name, value in athena.environment.items():
            monkeypatch.setenv(name, value)
        self.athena = Athena(results, "primary")

    def run(self, *arguments: str) -> str:
        """Runs the command on both, the second one with what the first has landed; gives what the cloud's said."""
        ended = self.disk.adhouse(*arguments)
        assert ended.returncode == 0, ended.stderr
        landing = self.disk.home / "landing"
        for path in landing.rglob("*"):
            if path.is_file():
                self.s3.upload_file(str(path), self.bucket, f"ads/landing/{path.relative_to(landing)}")
        ended = self.cloud.adhouse(*arguments)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    def on_disk(self, mart: str) -> Rows:
        with duckdb.connect(str(self.disk.home / "published" / "marts.duckdb"), read_only=True) as connection:
            answer = connection.execute(f"select * from marts.{mart}")
            names = [column[0] for column in answer.description or ()]
            return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]

    def in_cloud(self) -> Marts:
        """Every mart as readers in Athena see it."""
        names = columns_of_marts(self.athena)
        return {
            mart: [dict(zip(names[mart], row, strict=True)) for row in self.athena.rows(f"select * from marts.{mart}")]
            for mart in self.marts
        }

    def assert_same_cells(self) -> Marts:
        """Compares every mart on both; gives the cloud's."""
        cloud = self.in_cloud()
        for mart in self.marts:
            ours, theirs = _comparable(self.on_disk(mart)), _comparable(cloud[mart])
            assert len(ours) == len(theirs), mart
            for one, other in zip(ours, theirs, strict=True):
                assert one.keys() == other.keys(), mart
                for name in one:
                    assert _is_same(one[name], other[name]), (mart, name, one, other)
        return cloud

    def assert_same_alerts(self) -> set[str]:
        """Compares what both tell people, the digest too; gives the kinds of alerts."""
        disk, cloud = (self._told(house) for house in (self.disk, self.cloud))
        assert disk == cloud
        return {alert["kind"] for alert in cloud["open"]}

    @staticmethod
    def _told(house: Workspace) -> dict[str, Any]:
        ended = house.adhouse("alerts", "--digest", "--dry-run", "--json", ADHOUSE_ALERTS="json://127.0.0.1:9/")
        assert ended.returncode == 0, ended.stderr
        told: dict[str, Any] = json.loads(ended.stdout)
        for sent in told["sent"]:
            sent["body"], as_of = sent["body"].rsplit("\n\n", 1)
            assert as_of.startswith("As of ")
        told["open"] = [alert | dict.fromkeys(("build_id", "noted_at")) for alert in told["open"]]
        return told

    def assert_same_pages(self) -> None:
        """Compares what the dashboard's queries give on both."""
        warehouse = AthenaWarehouse(self.cloud.settings["ADHOUSE_LAKE_URL"], self.athena.results, "primary")
        link = self.disk.home / "published" / "marts.duckdb"
        assert_same_answers(link, AthenaPages(warehouse))


def _builds(marts: Marts) -> set[str]:
    return {row["build_id"] for rows in marts.values() for row in rows}


def _all_comparable(marts: Marts) -> Marts:
    return {mart: _comparable(rows) for mart, rows in marts.items()}


def _comparable(rows: Rows) -> Rows:
    kept = [{name: value for name, value in row.items() if name not in OF_ONE_ENGINE} for row in rows]
    for row in kept:
        if row.get("geo_location") == UNSETTLED:
            row |= dict.fromkeys(CLOCKS & row.keys())
    return sorted(kept, key=lambda row: [str(value) for value in row.values() if not isinstance(value, float)])


def _is_same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-12)
    return bool(one == other) and type(one) is type(other)


@pytest.fixture
def engines(tmp_path: Path, athena: LocalAthena, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engines]:
    yield Engines(tmp_path, athena, monkeypatch)
    for database in athena.client("glue").get_databases()["DatabaseList"]:
        athena.client("glue").delete_database(Name=database["Name"])


def days_of(world: World, file: Path, *ages: int, restated: bool = False) -> bytes:
    """The records of some days, as the platform knew them a day later, or nine days later."""
    days = [TODAY - timedelta(days=age) for age in ages]
    later = timedelta(days=9 if restated else 1)
    file.parent.mkdir(parents=True, exist_ok=True)
    return b"".join(write(delivery(world, day, day + later), file).read_bytes() for day in days)


def weeks_of_a_campaign() -> bytes:
    """Twelve weeks of a campaign, of which each of the last seven days is unusual."""
    records = []
    for age in range(1, 85):
        times = 4 if age < 8 else 1
        clicks = 400 + 137 * age % 90
        measures = {
            "impressions": 9000 + 13 * age % 50 + 900 * times,
            "clicks": clicks * times,
            "conversions": clicks // 9,
            "spend": clicks * times**2 / 7,
        }
        records.append(record(age, campaign_id="weekly", date=str(TODAY - timedelta(days=age)), **measures))
    return lines(*records)


@pytest.mark.cases
def test_both_engines_give_the_same_cells(engines: Engines, world: World, tmp_path: Path) -> None:
    file = tmp_path / "file.jsonl"
    engines.disk.drop("first.jsonl", days_of(world, file, 5))
    engines.disk.drop("weeks.jsonl", weeks_of_a_campaign())
    engines.disk.drop("broken.jsonl", b'{"ad_id": "ad1"\n{"ad_id": "ad2", "clicks": "many"}\n' + lines(record(99)))
    engines.run("run")
    engines.assert_same_cells()

    engines.disk.drop("second.jsonl", days_of(world, file, 4, 3))
    engines.disk.drop("first.jsonl", days_of(world, file, 5, restated=True))
    said = engines.run("run")
    incremental = engines.assert_same_cells()
    [published] = _builds(incremental)
    assert f"published build {published}" in said
    assert {row["metric"] for row in incremental["kpi_alerts"]} >= {"impressions", "spend", "ctr", "cpc", "cpa"}
    assert engines.assert_same_alerts() >= {"test"}  # the days of these metrics are long ago


@pytest.mark.cases
def test_both_engines_give_the_same_cells_of_events(engines: Engines, world: World, tmp_path: Path) -> None:
    engines.marts = (*MARTS, *EVENT_MARTS)
    filled = set()
    for age in (4, 5):
        engines.disk.drop(f"{age}.jsonl", days_of(world, tmp_path / "file.jsonl", age))
        days = [TODAY - timedelta(days=age)]
        drop_events(engines.disk.home / "inbox", eventful_world(), days, impressions_a_day=200)
        without_ad = {"impression_id": f"without ad {age}", "event_time": f"{days[0]}T10:00:00Z"}
        told_twice = without_ad | {"impression_id": f"told twice {age}", "ad_id": "a1", "campaign_id": "c1"}
        odd = lines(without_ad, told_twice, told_twice | {"bid_price": 2})
        engines.disk.drop(f"odd-{age}.jsonl", odd, source="impressions")
        engines.run("run")
        filled |= {mart for mart, rows in engines.assert_same_cells().items() if rows}
    assert filled >= {*EVENT_MARTS}
    engines.assert_same_pages()


@pytest.mark.cases
def test_rebuilt_tidied_and_rolled_back_both_engines_still_give_the_same_cells(
    engines: Engines, world: World, tmp_path: Path
) -> None:
    file = tmp_path / "file.jsonl"
    engines.disk.drop("first.jsonl", days_of(world, file, 5))
    engines.run("run")
    engines.disk.drop("second.jsonl", days_of(world, file, 4))
    engines.run("run")
    first = engines.assert_same_cells()
    [published] = _builds(first)

    engines.run("run", "--full-refresh")
    assert _all_comparable(engines.assert_same_cells()) == _all_comparable(first)
    tidied = engines.cloud.adhouse("maintain")
    assert tidied.returncode == 0, tidied.stderr
    engines.assert_same_cells()

    back = engines.cloud.adhouse("rollback")
    assert f"rolled back: readers see build {published}" in back.stdout
    shown = engines.in_cloud()
    assert _builds(shown) == {published}
    assert _all_comparable(shown) == _all_comparable(first)
    status = json.loads(engines.cloud.adhouse("status", "--json").stdout)
    assert status["published"]["build_id"] == published
    assert engines.cloud.adhouse("docs").returncode == 0
