"""Logs of events as people really have them, each through the real command.

The files lie in `tests/cases/events/`, a folder a case; each is dropped into the inbox that its name begins with.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from conftest import Workspace

pytestmark = pytest.mark.cases
CASES = Path(__file__).parents[1] / "cases" / "events"
FILES = {"ADHOUSE_API_URL": "none", "ADHOUSE_PRIVACY_KEY": "a key of these tests"}

IMPRESSIONS = "select count(*), count(user_id) from ad_events"
REACH = """
    select sum(impressions), sum(impressions_without_user), sum(reach) from reach_frequency where period = 'day'
"""
CREDIT = """
    select conversion_id, conversion_type, touch_type, touch_id from attributed_conversions
    where last_click_else_view = 1 order by conversion_id, conversion_type
"""
ORPHANS = "select click_id, orphan_reason from orphan_clicks order by click_id"
BALANCE = """
    select source, sum(records_rejected), sum(records_quarantined), sum(records_duplicate), sum(records_kept)
    from data_quality group by source order by source
"""
COST = "select cast(sum(media_cost) as varchar) from ad_events"
PLAIN: dict[str, dict[str, list[tuple[Any, ...]]]] = {
    "nobody_ids": {
        IMPRESSIONS: [(11, 3)],
        REACH: [(3, 8, 2)],
        CREDIT: [
            ("v1", "purchase", "unattributed", None),
            ("v2", "purchase", "impression", "n10"),
            ("v3", "sign_up", "unattributed", None),
            ("v4", "purchase", "impression", "n11"),
        ],
    },
    "win_rows_apart": {
        BALANCE: [("bids", 0, 0, 4, 5), ("impressions", 0, 0, 0, 3)],
        COST: [("0.006910000",)],
        "select sum(opportunities), sum(bids), sum(wins) from campaign_funnel": [(4, 5, 3)],
    },
    "price_macros": {
        BALANCE: [("impressions", 1, 0, 0, 6)],
        "select count(bid_price), count(user_id) from ad_events": [(3, 3)],
        COST: [("0.004000000",)],
        "select count(*) from ad_events where is_premium_ad": [(1,)],
    },
    "order_ids_shared": {
        BALANCE: [("conversions", 0, 0, 3, 5)],
        "select conversion_type, count(*), cast(sum(conversion_value) as varchar) from attributed_conversions "
        "group by 1 order by 1": [("purchase", 3, "260.000000"), ("refund", 1, "-30.000000"), ("sign_up", 1, None)],
        "select cast(conversion_value as varchar) from attributed_conversions where conversion_id = 'o-1003'": [
            ("80.000000",)
        ],
        "select kind, event_id, conflict_count, "
        "substr(standing_payload, strpos(standing_payload, ' | c1 | ')), "
        "substr(conflicting_payload, strpos(conflicting_payload, ' | c1 | ')) from event_conflicts order by 2": [
            (
                "conversions",
                "o-1001",
                1,
                " | c1 | 1793620800000000 | purchase | 120.000000 | USD |  |  | ",
                " | c1 | 1793620841000000 | purchase | 120.000000 | USD |  |  | ",
            ),
            (
                "conversions",
                "o-1003",
                1,
                " | c1 | 1793700000000000 | purchase | 80.000000 | USD |  |  | ",
                " | c1 | 1793786400000000 | purchase | 75.000000 | USD |  |  | ",
            ),
        ],
    },
    "conversions_by_click_id": {
        CREDIT: [
            ("t1", "purchase", "click", "k1"),
            ("t2", "purchase", "click", "k1"),
            ("t3", "sign_up", "click", "k2"),
            ("t4", "purchase", "unattributed", None),
            ("t5", "purchase", "unattributed", None),
            ("t6", "purchase", "unattributed", None),
        ],
    },
    "date_only_conversions": {
        CREDIT: [
            ("s1", "purchase", "click", "k1"),
            ("s2", "purchase", "click", "k2"),
            ("s3", "purchase", "unattributed", None),
            ("s4", "purchase", "unattributed", None),
        ],
        "select cast(conversion_date as varchar), cast(conversion_value as varchar) from attributed_conversions "
        "order by 1": [
            ("2026-11-02", "10.000000"),
            ("2026-11-03", "200.000000"),
            ("2026-11-04", "5.000000"),
            ("2026-11-05", "50.000000"),
        ],
    },
    "clock_resolution": {
        ORPHANS: [("q4", "before_impression")],
        "select impression_id, clicks, net_clicks, engagement_duration from ad_events order by 1": [
            ("r1", 1, 0, None),
            ("r2", 1, 1, 1),
            ("r3", 1, 1, 5),
            ("r4", 0, 0, None),
        ],
        CREDIT: [("w1", "purchase", "click", "q3")],
    },
    "header_repeated": {
        BALANCE: [("clicks", 0, 0, 0, 5)],
        "select cast(sum(click_price) as varchar) from orphan_clicks": [("1.500000",)],
    },
    "big_ids": {
        ORPHANS: [("g3", "no_impression")],
        "select impression_id, clicks from ad_events order by 1": [
            ("18446744073709551615", 0),
            ("7", 1),
            ("9007199254740992", 1),
            ("9007199254740993", 1),
        ],
        REACH: [(4, 0, 1)],
    },
    "times_as_written": {
        BALANCE: [("clicks", 5, 3, 0, 11)],
        "select event_id, reason from quarantined_events order by 1": [
            ("t15", "future_event"),
            ("t17", "null_event_time"),
            ("t18", "out_of_range"),
        ],
        "select count(*), count(distinct event_time) from orphan_clicks "
        "where click_id not in ('t09', 't10', 't11') and event_time = timestamp '2026-11-02 10:00:00'": [(8, 1)],
        "select click_id, cast(event_time as varchar) from orphan_clicks where click_id in ('t09', 't10', 't11') "
        "order by 1": [
            ("t09", "2026-11-02 10:00:00.25"),
            ("t10", "2026-11-02 10:00:00.123456"),
            ("t11", "2026-11-02 10:00:00.25"),
        ],
    },
    "no_event_ids": {BALANCE: [("impressions", 0, 0, 3, 3)]},
    "personal_columns": {BALANCE: [("clicks", 1, 0, 0, 2)]},
}


def dropped(house: Workspace, case: str, folder: str = "", **inboxes: str) -> Workspace:
    """Drops the files of a case, each into the inbox of its name unless another one is said."""
    for file in sorted(path for path in (CASES / case / folder).iterdir() if path.is_file()):
        stem = file.name.partition(".")[0]
        house.drop(file.name, file.read_bytes(), inboxes.get(stem, stem.partition("_batch")[0]))
    return house


def ran(house: Workspace) -> str:
    ended = house.adhouse("run")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


def told(house: Workspace, query: str) -> list[tuple[Any, ...]]:
    """What readers see."""
    said = house.adhouse("sql", query, "--json")
    assert said.returncode == 0, said.stderr
    return [tuple(row.values()) for row in json.loads(said.stdout)]


@pytest.mark.parametrize("case", PLAIN)
def test_a_log_of_events_comes_to_what_is_right(case: str, tmp_path: Path) -> None:
    house = dropped(Workspace(tmp_path / "data", FILES), case)
    ran(house)
    assert {query: told(house, query) for query in PLAIN[case]} == PLAIN[case]


def declared(house: Workspace, text: str) -> Workspace:
    """Says how the sources write."""
    path = house.home.parent / "sources.yml"
    path.write_text(text)
    house.settings["ADHOUSE_SOURCES"] = str(path)
    return house


def test_nobody_is_no_flood_and_an_id_that_is_missing_joins_nothing(own_project: Workspace, tmp_path: Path) -> None:
    own_project.settings.update(FILES)
    settings = tmp_path / "project" / "dbt_project.yml"
    written = re.sub(r"most_impressions_an_hour: \d+", "most_impressions_an_hour: 3", settings.read_text())
    settings.write_text(re.sub(r"most_clicks_a_day: \d+", "most_clicks_a_day: 2", written))
    house = dropped(own_project, "missing_ids")
    ran(house)
    counted = "select sum(impressions), sum(net_impressions), sum(clicks), sum(net_clicks) from campaign_funnel"
    assert told(house, counted) == [(8, 8, 6, 6)]
    assert told(house, ORPHANS) == [(f"k{number}", "no_impression") for number in range(1, 5)]
    reached = """
        select reach, cast(frequency as varchar), impressions_without_user from reach_frequency where period = 'day'
    """
    assert told(house, reached) == [(2, "1.5", 5)]


def test_equal_rows_count_each_where_the_source_says_so(tmp_path: Path) -> None:
    house = declared(Workspace(tmp_path / "data", dict(FILES)), "sources: {impressions: {identical_rows: count}}")
    dropped(house, "no_event_ids")
    house.adhouse("extract")
    dropped(house, "no_event_ids", "again", impressions="impressions")
    house.adhouse("extract")
    dropped(house, "no_event_ids", "resent")
    ran(house)
    assert told(house, BALANCE) == [("impressions", 0, 0, 6, 6)]
    files = "select sum(files), sum(files_duplicate) from data_quality"
    assert told(house, files) == [(3, 1)]


def test_a_log_without_names_is_read_as_its_source_says(tmp_path: Path) -> None:
    house = Workspace(tmp_path / "data", dict(FILES))
    text = """
    sources:
      impressions:
        timezone: Asia/Shanghai
        files:
          header: [impression_id, event_time, type, user_id, site_domain, bid_price, campaign_id, ad_id]
          skip: type
          date_format: "%Y%m%d%H%M%S%f"
        columns:
          bid_price: {divide_by: 100}
          user_id: {nulls: "null"}
          site_domain: {nulls: "null"}
    """
    ran(dropped(declared(house, text), "headerless_tsv", imp="impressions"))
    by_day = "select cast(event_date as varchar), count(*) from ad_events group by 1 order by 1"
    assert told(house, by_day) == [("2026-11-01", 3), ("2026-11-02", 2)]
    assert told(house, REACH) == [(4, 1, 3)]
    assert told(house, COST) == [("0.007690000",)]


def test_one_log_feeds_several_kinds_and_balances_once(tmp_path: Path) -> None:
    house = Workspace(tmp_path / "data", dict(FILES))
    text = """
    sources:
      feed:
        kind_of: {column: event_type, kinds: {impressions: imp, clicks: click, conversions: [pc_conv, pv_conv]}}
        files: {nulls: "NULL"}
        columns:
          impression_id: auction_id
          event_time: ts
          ad_id: creative_id
          site_domain: site
          bid_price: cost_cpm
          conversion_type: conv_name
          conversion_value: order_value
          currency: order_currency
      clicks_and_conversions:
        kind_of: {column: conversion_type, kinds: {clicks: ""}, otherwise: conversions}
        columns: {click_id: event_id}
    """
    ran(dropped(declared(house, text), "mixed_log"))
    assert told(house, BALANCE) == [("clicks_and_conversions", 0, 0, 0, 5), ("feed", 1, 0, 0, 7)]
    clicked = "select impression_id, net_clicks from ad_events order by 1"
    assert told(house, clicked) == [
        ("7000000000000000001", 1),
        ("7000000000000000002", 0),
        ("7000000000000000003", 1),
    ]
    assert told(house, COST) == [("0.007750000",)]
    credited = """
        select touch_type, cast(sum(conversion_value) as varchar) from attributed_conversions
        where source = 'feed' group by 1 order by 1
    """
    assert told(house, credited) == [("click", "25.000000"), ("impression", "10.000000")]


def test_avro_is_read_in_whatever_shape_it_comes(tmp_path: Path) -> None:
    house = Workspace(tmp_path / "data", dict(FILES))
    for file in sorted((CASES / "avro_shapes").iterdir()):
        house.drop(file.name, file.read_bytes(), "bid_requests")
    said = ran(house)
    assert "'two_joined.avro' is quarantined: several_files" in said
    assert "'wire_frames.avro' is quarantined: broken_avro: messages with the header of a schema registry" in said
    assert told(house, BALANCE) == [("bid_requests", 0, 0, 0, 9)]
    assert told(house, "select sum(files), sum(files_quarantined) from data_quality") == [(7, 2)]
    floors = "select sum(opportunities), sum(opportunities_with_floor), cast(sum(floor_prices) as varchar)"
    assert told(house, f"{floors} from auction_performance") == [(10, 4, "12347.278000")]


def test_bid_requests_have_the_time_that_their_source_names(own_project: Workspace, tmp_path: Path) -> None:
    own_project.settings.update(FILES)
    house = dropped(own_project, "openrtb_as_sent")
    said = ran(house)
    assert "too_many_rejected" in said
    assert "timestamp is missing: if the source writes it elsewhere, say where in `columns`" in said

    with (tmp_path / "project" / "seeds" / "exchange_rates.csv").open("a") as seed:
        seed.write("2026-11-01,EUR,USD,1.1\n")
    ran(declared(house, "sources: {bid_requests: {columns: {timestamp: ext.ts}}}"))
    assert told(house, BALANCE) == [("bid_requests", 1, 1, 1, 5)]
    assert told(house, "select event_id, reason from quarantined_events") == [("R-4", "test_request")]
    floors = """
        select geo_location, sum(opportunities), sum(opportunities_with_floor), cast(sum(floor_prices) as varchar)
        from auction_performance group by 1 order by 1
    """
    assert told(house, floors) == [("US-CA", 2, 1, "0.500000"), ("Unknown", 3, 1, "1.320000")]

    days = ("2026-11-01", "2026-11-03")
    again = [{"id": "again", "imp": [{"id": "1"}], "ext": {"ts": f"{day}T10:00:00Z"}} for day in days]
    house.drop("again.jsonl", "\n".join(map(json.dumps, again)).encode(), "bid_requests")
    assert "bid_requests: 1 ids of bid requests come on several days, such as again" in ran(house)


@pytest.mark.parametrize("first", [0, 1])
def test_an_hour_that_is_delivered_again_is_replaced(tmp_path: Path, first: int) -> None:
    house = Workspace(tmp_path / "data", dict(FILES))
    text = r"""
    sources:
      impressions:
        replaces: {name_part: 'impression_[0-9]{10}'}
        columns: {bid_price: CPM}
    """
    files = sorted((CASES / "hour_file_again").iterdir())
    declared(house, text)
    for file in (files, files[::-1])[first]:
        house.drop(file.name, file.read_bytes(), "impressions")
        ran(house)
    superseded = "select sum(records_superseded), sum(records_kept) from data_quality"
    assert told(house, superseded) == [(3, 4)]
    assert told(house, "select cast(sum(bid_price) as varchar) from ad_events") == [("27.500000",)]


def test_an_hour_that_comes_again_without_a_word_in_its_profile_is_told(tmp_path: Path) -> None:
    house = declared(Workspace(tmp_path / "data", dict(FILES)), "sources: {impressions: {columns: {bid_price: CPM}}}")
    files = sorted((CASES / "hour_file_again").iterdir())
    for file in files:
        house.drop(file.name, file.read_bytes(), "impressions")
        said = ran(house)
    assert told(house, BALANCE) == [("impressions", 0, 0, 2, 5)]
    hours = "in the hours from 2026-11-02 10 to 2026-11-02 10 UTC"
    decided = f"of X2 the record in {files[0].name} counts, and that in {files[1].name} does not"
    assert f"impressions: two files say different things of 1 impressions, {hours}; {decided}; " in said
    [(standing, conflicting)] = told(house, "select standing_payload, conflicting_payload from event_conflicts")
    assert (" | 2.000000 | " in standing, " | 2.500000 | " in conflicting) == (True, True)


def test_objects_are_read_however_they_are_packed(tmp_path: Path) -> None:
    house = Workspace(tmp_path / "data", dict(FILES))
    for folder, kept in (("", 13), ("later", 17)):
        for file in sorted(path for path in (CASES / "containers" / folder).iterdir() if path.is_file()):
            house.drop(file.name, file.read_bytes(), "impressions")
        ran(house)
        assert told(house, "select count(*) from ad_events") == [(kept,)]
    told_of = house.adhouse("quarantine").stdout
    assert "connect_envelope.jsonl" in told_of
    assert "records: payload" in told_of
