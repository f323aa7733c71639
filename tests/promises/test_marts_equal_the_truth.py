"""The real command over a platform that restates and withdraws, day after day: every cell is the simulator's truth."""

import json
from collections import Counter
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from conftest import Workspace, quiet
from support.marts import as_rows, assert_is_true, cells

from adhouse.settings import read_settings
from simulate.delivery import delivery
from simulate.files import write
from simulate.mock_api import DEMO_TOKEN, create_app
from simulate.serve import serving
from simulate.truth import Delivered, Truth, fetched, truth_of
from simulate.world import World

SINCE = date(2026, 11, 1)
MARTS = ("campaign_summary", "campaign_performance", "creative_performance", "daily_performance")
TABLES = (*MARTS, "processed_campaign_data", "quarantined_deliveries", "source_balances", "data_quality")


def landed(house: Workspace, source: str) -> list[Path]:
    """What a source has in landing, the oldest first."""
    return sorted((house.home / "landing" / source).glob("*/*"))


def receipt(place: Path) -> dict[str, Any]:
    """What landing knows of what it received."""
    told: dict[str, Any] = json.loads((place / ".receipt.json").read_text())
    return told


def fetches(house: Workspace, world: World, today_at: dict[str, date]) -> list[Delivered]:
    """Each answer of the platform, with what it knew on the day it was asked."""
    deliveries = []
    for place in landed(house, "campaign_api"):
        told = receipt(place)
        day, at = date.fromisoformat(told["report_date"]), datetime.fromisoformat(told["fetched_at"])
        deliveries.append(fetched(world, day, at, today_at[place.name]))
    return deliveries


@pytest.fixture(scope="module")
def ran(world: World, tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, Truth]:
    """A house after three runs on three days, and what it should have."""
    house = Workspace(
        tmp_path_factory.mktemp("ran") / "data", {"ADHOUSE_API_TOKEN": DEMO_TOKEN, "ADHOUSE_SINCE": str(SINCE)}
    )
    today_at: dict[str, date] = {}
    exported = delivery(world, SINCE - timedelta(days=1), SINCE + timedelta(days=9))
    corrected = exported.slice(0, exported.num_rows // 2)
    for today, file in [
        (SINCE + timedelta(days=3), (exported, "export.csv")),
        (SINCE + timedelta(days=4), (exported.slice(0, 40), "more.jsonl.gz")),
        (SINCE + timedelta(days=6), (corrected, "export.csv")),
    ]:
        records, name = file
        inbox = house.home / "inbox" / "campaign_files"
        inbox.mkdir(parents=True, exist_ok=True)
        quiet(write(records, inbox / name))
        with serving(create_app(world, today=partial(date.fromordinal, today.toordinal()))) as url:
            ended = house.adhouse("run", ADHOUSE_API_URL=url, ADHOUSE_UNTIL=str(today - timedelta(days=1)))
        assert ended.returncode == 0, ended.stdout + ended.stderr
        today_at |= {place.name: today for place in landed(house, "campaign_api") if place.name not in today_at}

    deliveries = fetches(house, world, today_at)
    for place, records in zip(
        landed(house, "campaign_files"), [exported, exported.slice(0, 40), corrected], strict=True
    ):
        (path,) = place.glob("[!.]*")
        told = receipt(place)
        source = str(path.relative_to(house.home / "landing"))
        received_at = datetime.fromisoformat(told["received_at"])
        replaces = f"campaign_files/{path.name}"
        deliveries.append(Delivered(source, records, received_at, replaces=replaces, number=told["number"]))
    return house, truth_of(deliveries)


def test_three_days_of_runs_end_in_the_truth_cell_by_cell(ran: tuple[Workspace, Truth]) -> None:
    house, truth = ran
    assert truth.balance["campaign_api"].superseded > 0
    assert any(row["conversions"] % 1 for row in truth.processed)
    assert set(truth.spend_sources) == {"observed", "ad_country", "ad", "brand_country", "brand"}

    settings = read_settings(house.environment)
    for mart in MARTS:
        assert_is_true(as_rows(settings, mart), truth.marts[mart])
    assert_is_true(
        [
            {name: value for name, value in row.items() if name != "_received_at"}
            for row in as_rows(settings, "processed_campaign_data")
            if row["_source"].startswith("campaign_files")
        ],
        [row for row in truth.processed if row["_source"].startswith("campaign_files")],
    )
    assert Counter(row["reason"] for row in as_rows(settings, "quarantined_deliveries")) == truth.quarantined
    assert Counter(row["spend_source"] for row in as_rows(settings, "processed_campaign_data")) == truth.spend_sources
    for source, balance in json.loads(house.adhouse("status", "--json").stdout)["sources"].items():
        counts = {name: balance[name] for name in ("loaded", "superseded", "quarantined", "kept")}
        assert counts == {name: getattr(truth.balance[source], name) for name in counts}


@pytest.mark.cases
def test_made_anew_every_cell_is_the_same(ran: tuple[Workspace, Truth]) -> None:
    house, _ = ran
    settings = read_settings(house.environment)
    incremental = {table: cells(settings, table) for table in TABLES}
    assert house.adhouse("build", "--full-refresh", ADHOUSE_API_URL="none").returncode == 0
    assert {table: cells(settings, table) for table in TABLES} == incremental
    assert house.adhouse("rebuild", ADHOUSE_API_URL="none").returncode == 0
    ledgers = {"source_balances"}  # names the load package, which is another one
    assert {table: cells(settings, table) for table in TABLES if table not in ledgers} == {
        table: rows for table, rows in incremental.items() if table not in ledgers
    }
