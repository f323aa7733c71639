"""Logs of events through the real command, the later days in an earlier run: the marts are the simulator's truth."""

import csv
import json
import shutil
import subprocess
from collections import Counter
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import COMMAND, TODAY, Workspace
from support.event_files import drop_events, eventful_world, records_in_landing

from simulate.event_truth import EventTruth, truth_of_events
from simulate.event_truth.credit import MODELS
from simulate.event_truth.records import FIELDS
from simulate.event_truth.rules import EventRules, Place

KEY = "a key of these tests"
DAYS = [TODAY - timedelta(days=age) for age in (6, 5, 4, 3)]
PROJECT = Path(__file__).parents[2]
SEEDS = PROJECT / "seeds"
# Its clocks are not put back any more from November 2026 on: DuckDB's zone data know that, Python's may not yet.
UNSETTLED = "CA-BC"
Rows = Counter[tuple[Any, ...]]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    house = Workspace(
        tmp_path_factory.mktemp("events") / "data", {"ADHOUSE_API_URL": "none", "ADHOUSE_PRIVACY_KEY": KEY}
    )
    for days in (DAYS[2:], DAYS[:2]):
        drop_events(house.home / "inbox", eventful_world(), days, impressions_a_day=2_000)
        ended = house.adhouse("run")
        assert ended.returncode == 0, ended.stdout + ended.stderr
    return house


@pytest.fixture(scope="module")
def truth(house: Workspace) -> EventTruth:
    with (SEEDS / "platform_categories.csv").open() as file:
        platforms = {row["platform"]: row["category"] for row in csv.DictReader(file)}
    with (SEEDS / "place_aliases.csv").open() as file:
        aliases = {row["alias"]: row["place"] for row in csv.DictReader(file)}
    with (SEEDS / "places.csv").open() as file:
        known = {
            row["place"]: Place(
                row["country"], row["state"] or None, row["time_zone"] or None, row["is_southern"] == "true"
            )
            for row in csv.DictReader(file)
        }
    with (SEEDS / "device_types.csv").open() as file:
        devices = {row["code"]: row["device_type"] for row in csv.DictReader(file)}
    with (SEEDS / "loss_reasons.csv").open() as file:
        reasons = {row["written_reason"]: row["loss_reason"] for row in csv.DictReader(file)}
    rules = EventRules(
        privacy_key=KEY.encode(),
        platforms=platforms,
        places=aliases,
        known_places=known,
        device_types=devices,
        loss_reasons=reasons,
    )
    return truth_of_events(records_in_landing(house.home / "landing"), rules)


def told(house: Workspace, query: str) -> Rows:
    """The rows of a query on the published marts."""
    with duckdb.connect(str(house.home / "published" / "marts.duckdb"), read_only=True) as connection:
        return Counter(connection.execute(f"set schema = 'marts'; {query}").fetchall())


def test_every_record_is_where_the_truth_has_it(house: Workspace, truth: EventTruth) -> None:
    summed = """
        select
            source, sum(records_read), sum(records_rejected), sum(records_quarantined), sum(records_duplicate),
            sum(records_kept)
        from data_quality
        where source in ('impressions', 'clicks', 'conversions', 'bid_requests', 'bids') group by source
    """
    expected = Counter(
        (kind, one.read, one.rejected.total(), one.quarantined.total(), one.duplicates, one.kept)
        for kind, one in truth.balances.items()
    )
    assert told(house, summed) == expected
    reasons = told(house, "select kind, reason, count(*) from quarantined_events group by all")
    assert reasons == Counter(
        (kind, reason, count) for kind, one in truth.balances.items() for reason, count in one.quarantined.items()
    )
    assert {*FIELDS} == {kind for kind, one in truth.balances.items() if one.quarantined}, "a kind has no fault"


@pytest.mark.cases
def test_ids_that_come_back_on_another_day_are_warned_of(house: Workspace, truth: EventTruth) -> None:
    ended = house.adhouse("run", "--full-refresh")
    assert f"{truth.returning_ids} ids of impressions come on several days, such as" in " ".join(ended.stderr.split())


def test_every_impression_has_what_followed(house: Workspace, truth: EventTruth) -> None:
    columns = (
        "impression_id, ad_id, campaign_id, user_id, platform_category, is_premium_ad, media_cost, clicks, net_clicks, "
        "engagement_duration, click_revenue, interaction_depth, invalid_reason, geo_location, country, state, "
        "part_of_day, day_of_week, is_weekend, season"
    )
    clocks = ("part_of_day", "day_of_week", "is_weekend")

    def cell(row: dict[str, Any], name: str) -> object:
        if name in clocks and row["geo_location"] == UNSETTLED:
            return None
        return int(row[name]) if name == "engagement_duration" and row[name] is not None else row[name]

    expected = Counter(tuple(cell(row, name) for name in columns.split(", ")) for row in truth.ad_events)
    settled = ", ".join(
        f"case when geo_location = '{UNSETTLED}' then null else {name} end as {name}" for name in clocks
    )
    assert told(house, f"with known as (select * replace ({settled}) from ad_events) select {columns} from known") == (
        expected
    )
    assert {row["interaction_depth"] for row in truth.ad_events} == {0, 1, 2}
    assert {row["part_of_day"] for row in truth.ad_events} == {"night", "morning", "afternoon", "evening"}
    assert {row["season"] for row in truth.ad_events} == {"autumn", "spring"}  # of November, north and south


def test_every_orphan_has_its_reason(house: Workspace, truth: EventTruth) -> None:
    found = told(house, "select click_id, orphan_reason, invalid_reason from orphan_clicks")
    assert found == Counter(
        (row["click_id"], row["orphan_reason"], row["invalid_reason"]) for row in truth.orphan_clicks
    )
    assert {row["orphan_reason"] for row in truth.orphan_clicks} == {
        "no_impression",
        "before_impression",
        "outside_window",
    }


def test_every_conversion_is_credited_as_the_truth_says(house: Workspace, truth: EventTruth) -> None:
    units = ", ".join(f"cast({model} * 1000000000000 as bigint)" for model in MODELS)
    found = told(
        house,
        f"""
        select conversion_type, conversion_id, touch_type, touch_id, campaign_id, {units} from attributed_conversions
        """,
    )
    ids = {"click": "click_id", "impression": "impression_id"}
    assert found == Counter(
        (
            row["conversion_type"],
            row["conversion_id"],
            row["touch_type"],
            row["touch"][ids[row["touch_type"]]] if row["touch"] else None,
            row["campaign_id"],
            *(row[model] for model in MODELS),
        )
        for row in truth.attributed_conversions
    )


def test_campaigns_have_their_share_of_conversions_and_value(house: Workspace, truth: EventTruth) -> None:
    prefixes = ("", "view_through_", "unattributed_")
    counts = [f"{prefix}conversions" for prefix in prefixes]
    values = ["conversion_value", "view_through_value", "unattributed_value"]
    found = told(
        house,
        f"""
        select campaign_id, date, conversion_type, model, date_base, {", ".join(counts + values)}
        from campaign_attribution
        """,
    )

    def rounded(units: int, places: int) -> Decimal:
        return Decimal(units).scaleb(-18).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)

    assert found == Counter(
        (
            *(row[name] for name in ("campaign_id", "date", "conversion_type", "model", "base")),
            *(rounded(row[f"{prefix}conversions"], 12) for prefix in prefixes),
            *(rounded(row[f"{prefix}value"], 6) for prefix in prefixes),
        )
        for row in truth.campaign_attribution
    )


def test_people_are_counted_once(house: Workspace, truth: EventTruth) -> None:
    columns = "campaign_id, period, period_start, impressions, impressions_without_user, reach"
    distribution = ", ".join((*(f"reached_{times}" for times in range(1, 10)), "reached_10_or_more"))
    assert told(house, f"select {columns}, {distribution} from reach_frequency") == Counter(
        (
            *(row[name] for name in ("campaign_id", "period", "period_start")),
            row["impressions_with_user"],
            row["impressions_without_user"],
            row["reach"],
            *(row["distribution"].get(times, 0) for times in range(1, 10)),
            sum(people for times, people in row["distribution"].items() if times >= 10),
        )
        for row in truth.reach_frequency
    )


def test_auctions_come_to_what_the_truth_has(house: Workspace, truth: EventTruth) -> None:
    for mart, rows in (("auction_performance", truth.auction_performance), ("auction_losses", truth.auction_losses)):
        columns = [*rows[0]]
        expected = Counter(tuple(row[name] for name in columns) for row in rows)
        assert told(house, f"select {', '.join(columns)} from {mart}") == expected, mart
    sums = Counter[str]()
    for row in truth.auction_performance:
        sums.update({name: row[name] for name in row if isinstance(row[name], int)})
    assert sums["opportunities"] > sums["requested_and_bid_on"] > sums["wins"]
    assert sums["opportunities"] > sums["opportunities_with_floor"] > 0
    assert min(sums[name] for name in ("opportunities_without_request", "bids_lost", "bids_undecided")) > 0
    assert {"lost_to_higher_bid", "below_auction_floor"} <= {row["loss_reason"] for row in truth.auction_losses}


@pytest.mark.cases
def test_by_hand_a_table_of_changes_that_is_new_hides_no_impression(house: Workspace, tmp_path: Path) -> None:
    shutil.copytree(house.home, tmp_path / "data", symlinks=True)
    other = Workspace(tmp_path / "data", house.settings)
    with duckdb.connect(str(other.home / "warehouse.duckdb")) as connection:
        connection.execute("drop table intermediate.int_impressions_changed")
    shown = {"impression_id": "late", "ad_id": "a1", "event_time": f"{DAYS[0]}T10:00:00Z"}
    other.drop("late.jsonl", f"{json.dumps(shown)}\n".encode(), source="impressions")
    assert other.adhouse("extract").returncode == 0
    command = [str(COMMAND.with_name("dbt")), "build", "--exclude-resource-type", "unit_test"]
    places = {"DBT_PROJECT_DIR": str(PROJECT), "DBT_TARGET_PATH": str(tmp_path), "DBT_LOG_PATH": str(tmp_path)}
    ended = subprocess.run(
        command, cwd=PROJECT, env=other.environment | places, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout
    with duckdb.connect(str(other.home / "marts.duckdb"), read_only=True) as connection:
        found = connection.execute("select ad_id from marts.marts.ad_events where impression_id = 'late'").fetchall()
    assert found == [("a1",)]
