"""Logs of events as people really have them: what of them is in raw, and what is said."""

import gzip
import json
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from support.extracting import RecordedProgress, drop, extracted, rows
from test_privacy import everything_in

from extract.declared.sources import read_sources
from extract.files import shape_of
from extract.privacy import privacy_of
from extract.readers import read_file, texts_of_records
from extract.registry import SOURCES
from extract.source import SourceConfig

EVENTS = Path(__file__).parents[1] / "cases" / "events"
KEY = "a key of sixteen or more"
TEN_OCLOCK = int(datetime(2026, 11, 2, 10, tzinfo=UTC).timestamp()) * 1_000_000
SECOND = 1_000_000


def declared(home: Path, text: str) -> Mapping[str, SourceConfig]:
    home.mkdir(exist_ok=True)
    (home / "sources.yml").write_text(text)
    return SOURCES | read_sources(home / "sources.yml", SOURCES)


def taken(home: Path, *paths: Path, sources: str = "") -> list[str]:
    """Extracts files, each from the inbox of its name or else of impressions; gives what the run says."""
    configs = declared(home, sources)
    for path in paths:
        name = path.name.partition(".")[0]
        drop(home, path.name, path.read_bytes(), source=name if name in configs else "impressions")
    said = RecordedProgress()
    extracted(home, sources=list(configs.values()), privacy_key=KEY, said=said)
    return said.messages


def case(name: str) -> list[Path]:
    return sorted(path for path in (EVENTS / name).iterdir() if path.is_file())


def rejected(home: Path) -> list[tuple[object, ...]]:
    return rows(home, "rejected_records", "line, reason, field, value", "_source, line")


def remarks(home: Path) -> dict[str, object]:
    return {name: said and json.loads(said) for name, said in rows(home, "loaded_files", "file_name, remarks")}


def test_a_time_means_one_instant_or_is_named(tmp_path: Path) -> None:
    taken(tmp_path, *case("times_as_written"))
    fractions = {"t09": 250_000, "t10": 123_456, "t11": 250_000}
    expected: dict[str, int | None] = {
        name: TEN_OCLOCK + fractions.get(name, 0) for name in (f"t{number:02}" for number in range(1, 12))
    }
    expected |= {"t15": 2_026_110_210 * SECOND, "t17": None, "t18": 0}  # the day with its hour is an epoch, of 2034
    assert dict(rows(tmp_path, "clicks", "click_id, event_time")) == expected
    assert rejected(tmp_path) == [
        (13, "imprecise_time", "event_time", "1.7936136E9"),
        (14, "imprecise_time", "event_time", "1.79361E+12"),
        (15, "unreadable_time", "event_time", "20261102100000"),
        (17, "unreadable_time", "event_time", "02/11/2026 10:00"),
        (20, "unreadable_time", "event_time", "Mon Nov 02 2026 10:00:00 GMT+0000"),
    ]


def test_nobody_is_null_and_a_device_is_one_in_any_case(tmp_path: Path) -> None:
    taken(tmp_path, *case("nobody_ids"))
    users = [user for (user,) in rows(tmp_path, "impressions", "user_id", "_position")]
    assert users[:8] == [None] * 8
    assert users[8] == users[9]
    assert len({*users[8:]}) == 2
    assert rows(tmp_path, "conversions", "user_id is null", "_position") == [(True,), (False,), (True,), (False,)]


def test_ids_keep_their_digits(tmp_path: Path) -> None:
    (said,) = taken(tmp_path, *case("big_ids"))
    ids = ["9007199254740992", "9007199254740993", "18446744073709551615", "7"]
    assert rows(tmp_path, "impressions", "impression_id", "_position") == [(one,) for one in ids]
    ids[2] = "1.8446744073709552e+19"
    assert rows(tmp_path, "clicks", "impression_id", "_position") == [(one,) for one in ids]
    assert "1 id with an exponent, such as impression_id 1.8446744073709552e+19" in said


def test_a_macro_is_null_and_counted_and_any_other_price_is_rejected(tmp_path: Path) -> None:
    (said,) = taken(tmp_path, *case("price_macros"))
    assert rows(tmp_path, "impressions", "count(*), count(bid_price), count(user_id)", "1") == [(6, 3, 3)]
    assert rejected(tmp_path) == [(7, "wrong_type", "bid_price", "Zk3pQAAHxLk7c1WWbTr90uQvXo2Ah5sEw8yNmQ")]
    assert remarks(tmp_path) == {"impressions.jsonl": {"unexpanded_macro": 6}}
    assert "warning: impressions: 'impressions.jsonl': 6 macros that nobody expanded" in said


def test_a_header_in_the_middle_is_no_record(tmp_path: Path) -> None:
    (path,) = case("header_repeated")
    taken(tmp_path, path)
    assert rows(tmp_path, "clicks", "click_id, _position, click_price", "_position") == [
        (f"h{number}", number, Decimal(number) / 10) for number in range(1, 6)
    ]
    assert rejected(tmp_path) == []
    assert remarks(tmp_path) == {"clicks.csv": {"repeated_header": 2}}
    config = SOURCES["clicks"]
    privacy = privacy_of(config.kinds, config.fields, KEY)
    received = texts_of_records(path, shape_of(config, config.kinds[0], ZoneInfo("UTC"), privacy))
    assert [(line, text[:2]) for line, text in received] == [(2, b"h1"), (3, b"h2"), (5, b"h3"), (6, b"h4"), (8, b"h5")]


def test_every_container_is_read_whole_or_not_at_all(tmp_path: Path) -> None:
    said = taken(tmp_path, *case("containers"))
    status = "file_name, status, reason, records_loaded"
    assert rows(tmp_path, "loaded_files", status, "file_name") == [
        ("bom.jsonl", "loaded", None, 2),
        ("connect_envelope.jsonl", "quarantined", "too_many_rejected", 0),
        ("cut.jsonl", "quarantined", "cut_off", 0),
        ("firehose.json", "loaded", None, 3),
        ("no_newline_at_end.jsonl", "loaded", None, 2),
        ("pretty_array.json", "loaded", None, 2),
        ("two_members.jsonl.gz", "loaded", None, 4),
    ]
    assert any("its fields lie inside payload: set `records: payload` in `files` of the source" in one for one in said)
    whole = EVENTS / "containers" / "later" / "cut.jsonl"
    taken(tmp_path, whole, sources="sources: {impressions: {files: {records: payload}}}")
    assert rows(tmp_path, "impressions", "count(distinct impression_id), count(*)", "1") == [(19, 19)]
    assert rows(tmp_path, "loaded_files", status, "file_name")[1:4] == [
        ("connect_envelope.jsonl", "loaded", None, 2),
        ("cut.jsonl", "quarantined", "cut_off", 0),
        ("cut.jsonl", "loaded", None, 4),
    ]


def test_equal_rows_without_an_id_are_said_unless_each_is_an_event(tmp_path: Path) -> None:
    (path,) = case("no_event_ids")
    (said,) = taken(tmp_path / "plain", path)
    assert "'impressions.csv': 3 rows are the same as another one of the file, without an id" in said
    assert remarks(tmp_path / "plain") == {"impressions.csv": {"identical_row": 3}}
    assert rows(tmp_path / "plain", "impressions", "distinct _identical_rows", "1") == [(None,)]
    assert taken(tmp_path / "plain", EVENTS / "no_event_ids" / "again" / "impressions.csv.gz") == []
    assert rows(tmp_path / "plain", "loaded_files", "status", "receipt_number") == [("loaded",), ("duplicate",)]

    assert taken(tmp_path / "count", path, sources="sources: {impressions: {identical_rows: count}}") == []
    assert rows(tmp_path / "count", "impressions", "any_value(_identical_rows), count(*)", "1") == [("count", 6)]


def test_a_file_without_a_header_needs_the_names(tmp_path: Path) -> None:
    (path,) = case("headerless_tsv")
    taken(tmp_path / "plain", path)
    assert rows(tmp_path / "plain", "loaded_files", "status, reason") == [("quarantined", "missing_column")]
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
    taken(tmp_path, path, sources=text)
    found = rows(tmp_path, "impressions", "impression_id, event_time, bid_price, _extra, _position", "_position")
    midnight = TEN_OCLOCK - 10 * 3600 * SECOND
    assert found == [
        ("0b1f01", midnight + (64 - 8 * 3600) * SECOND + 8_000, Decimal("2.77"), None, 1),
        ("0b1f02", midnight + (64 - 8 * 3600) * SECOND + 9_000, Decimal("0.7"), None, 2),
        ("0b1f03", midnight - 1_000, Decimal(3), None, 3),
        ("0b1f04", midnight, Decimal("0.22"), None, 4),
        ("0b1f05", midnight + (16 * 3600 - 1) * SECOND, Decimal(1), None, 5),
    ]
    assert rows(tmp_path, "impressions", "count(user_id), count(distinct user_id), count(site_domain)", "1") == [
        (4, 3, 4)
    ]


def test_one_log_feeds_several_kinds(tmp_path: Path) -> None:
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
    taken(tmp_path, *case("mixed_log"), sources=text)
    counts = "source, kind, records_read, records_loaded, records_rejected"
    assert rows(tmp_path, "loaded_files", counts, "source, kind") == [
        ("clicks_and_conversions", "clicks", 3, 3, 0),
        ("clicks_and_conversions", "conversions", 2, 2, 0),
        ("feed", "clicks", 2, 2, 0),
        ("feed", "conversions", 2, 2, 0),
        ("feed", "impressions", 4, 3, 1),
    ]
    assert rejected(tmp_path) == [(9, "unknown_event_type", "event_type", "vid_start")]
    assert rows(tmp_path, "impressions", "sum(bid_price), count(user_id)", "1") == [(Decimal("7.75"), 1)]
    assert rows(tmp_path, "clicks", "sum(click_price), count(click_id)", "1") == [(Decimal("0.9"), 3)]
    assert rows(tmp_path, "conversions", "conversion_value, currency", "_source, _position") == [
        (Decimal(30), "USD"),
        (None, None),
        (Decimal(25), "usd"),
        (Decimal(10), "usd"),
    ]


@pytest.mark.parametrize("name", ["feed.csv", "feed.jsonl"])
@pytest.mark.parametrize("otherwise", [True, False])
def test_the_column_that_has_a_value_tells_the_kind(tmp_path: Path, name: str, otherwise: bool) -> None:
    sales, clicked = ["", "12.5", "0", "none"], ["1", "true", "No", "0.0"]
    records = [
        {"id": f"{sale}/{click}", "ad_id": "a", "ts": "2026-11-02T10:00:00Z", "sale value": sale, "clicked": click}
        for sale in sales
        for click in clicked
    ]
    path = tmp_path / name
    if path.suffix == ".csv":
        pacsv.write_csv(pa.Table.from_pylist(records), path)
    else:
        path.write_text("".join(json.dumps(record) + "\n" for record in records))
    text = f"""
    sources:
      feed:
        kind_of: {{columns: {{conversions: sale value, clicks: clicked}}{", otherwise: impressions" * otherwise}}}
        files: {{nulls: none}}
        columns: {{impression_id: id, click_id: id, conversion_id: id, event_time: ts, conversion_value: sale value}}
    """
    taken(tmp_path / "home", path, sources=text)
    home = tmp_path / "home"
    counts = rows(home, "loaded_files", "kind, records_read, records_loaded, records_rejected", "kind")
    if not otherwise:
        assert counts == [("clicks", 6, 6, 0), ("conversions", 10, 4, 6)]
        assert {(reason, field) for _, reason, field, _ in rejected(home)} == {("unknown_event_type", None)}
        return
    assert counts == [("clicks", 6, 6, 0), ("conversions", 4, 4, 0), ("impressions", 6, 6, 0)]
    assert rows(home, "conversions", "distinct conversion_value", "1") == [(Decimal("12.5"),)]
    said = {tuple(one.split("/")) for (one,) in rows(home, "impressions", "impression_id")}
    assert said == {(sale, click) for sale in ("", "0", "none") for click in ("No", "0.0")}


def test_nothing_personal_is_left_beside_the_fields(tmp_path: Path) -> None:
    taken(tmp_path, *case("personal_columns"))
    assert rows(tmp_path, "clicks", "count(*), count(user_id)", "1") == [(2, 2)]
    assert rejected(tmp_path) == [(4, "wrong_type", "click_price", "not a price")]
    everything = everything_in(tmp_path / "lake")
    for canary in ("canary", "CA9A41", "ca9a41", "0100 771", "203.0.113.77", "198.51.100.23", "1319:8a2e"):
        assert canary not in everything
    for canary in ("37.774912", "48.856613"):
        assert canary not in everything
    extras = json.loads(rows(tmp_path, "clicks", "_extra", "_position")[0][0])
    told = {name: extras[name] for name in ("ip", "x_forwarded_for", "lat", "lon")}
    assert told == {
        "ip": "203.0.113.0/24",
        "x_forwarded_for": "203.0.113.0/24, 198.51.100.0/24",
        "lat": "37.7",
        "lon": "-122.4",
    }


def test_an_event_is_the_same_in_every_format(tmp_path: Path) -> None:
    events: list[dict[str, str | None]] = [
        {"click_id": "k1", "event_time": "2026-11-02T10:00:00.25Z", "user_id": "ann", "click_price": "1.5"},
        {"click_id": "none", "event_time": "2026-11-02", "user_id": "0", "click_price": "{{price}}"},
        {"click_id": None, "event_time": "1793613600", "user_id": "__IDFA__", "click_price": None},
    ]
    header = ",".join(events[0])
    csv = "\n".join([header, *(",".join(value or "" for value in one.values()) for one in events)]) + "\n"
    parquet = tmp_path / "clicks.parquet"
    pq.write_table(pa.Table.from_pylist(events), parquet)
    contents = {
        "clicks.csv": csv.encode(),
        "clicks.jsonl": "".join(json.dumps(one) + "\n" for one in events).encode(),
        "clicks.json": json.dumps(events, indent=1).encode(),
        "clicks.ndjson": "".join(map(json.dumps, events)).encode(),
        "clicks.csv.gz": gzip.compress(csv.encode()),
        "clicks.parquet": parquet.read_bytes(),
    }
    for name, content in contents.items():
        home = tmp_path / f"of {name}"
        drop(home, name, content, source="clicks")
        extracted(home, sources=[SOURCES["clicks"]], privacy_key=KEY)
        assert rows(
            home, "clicks", "click_id, event_time, _is_whole_day, user_id is null, click_price", "_position"
        ) == [
            ("k1", TEN_OCLOCK + 250_000, False, False, Decimal("1.5")),
            (None, TEN_OCLOCK + (14 * 3600 - 1) * SECOND, True, True, None),
            (None, TEN_OCLOCK, False, True, None),
        ], name
        assert remarks(home) == {name: {"unexpanded_macro": 2, "whole_day": 1}}


@pytest.mark.parametrize(
    ("says", "ids", "extra"),
    [
        ("{}", ("i1", "a1"), None),
        ("{id: none}", (None, "a1"), '{"impression_id":"i1"}'),
        ("{id_prefix: 'x:'}", ("x:i1", "x:a1"), None),
        ("{id: [auction_id, ad_id], id_prefix: 'x:'}", ("x:x:a1|ad1", "x:a1"), '{"impression_id":"i1"}'),
        ("{id: [impression_id, event_time]}", ("i1|1793613600000000", "a1"), None),
        ("{id: [campaign_id, ad_id]}", (None, "a1"), '{"impression_id":"i1"}'),
        ("{id: [auction_id]}", ("a1", "a1"), '{"impression_id":"i1"}'),
    ],
)
def test_a_source_may_say_what_its_ids_are_worth(
    tmp_path: Path, says: str, ids: tuple[str | None, str], extra: str | None
) -> None:
    log = tmp_path / "impressions.csv"
    log.write_text("impression_id,ad_id,event_time,auction_id\ni1,ad1,2026-11-02T10:00:00Z,a1\n")
    taken(tmp_path / "home", log, sources=f"sources: {{impressions: {says}}}")
    found = rows(tmp_path / "home", "impressions", "impression_id, auction_id, ad_id, _extra")
    assert found == [(*ids, "ad1", extra)]


def test_ids_of_several_fields_are_one_only_where_all_fields_are(tmp_path: Path) -> None:
    log = tmp_path / "impressions.jsonl"
    pairs = [("a|b", "c"), ("a", "b|c"), ("a\\", "b"), ("a", "\\b"), ("a", "b|c"), ("", "c")]
    log.write_text(
        "".join(
            json.dumps({"auction_id": one, "ad_id": other, "event_time": "2026-11-02T10:00:00Z", "n": {}}) + "\n"
            for one, other in pairs
        )
    )
    text = "sources: {impressions: {id: [auction_id, ad_id]}}"
    taken(tmp_path / "home", log, sources=text)
    assert rows(tmp_path / "home", "impressions", "impression_id", "_position") == [
        (r"a\|b|c",), (r"a|b\|c",), (r"a\\|b",), (r"a|\\b",), (r"a|b\|c",), (None,),
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["impressions.csv", "impressions.jsonl", "impressions.parquet"])
def test_times_may_count_from_an_instant_of_their_own(tmp_path: Path, name: str) -> None:
    seconds = ["0", "1.5", "-0.0000015", "1793613600", "2026-11-02T10:00:00Z", "1e3", "soon", "999999999999", None]
    table = pa.table({"ad_id": [f"a{number}" for number in range(len(seconds))], "at": pa.array(seconds, pa.string())})
    path = tmp_path / name
    match path.suffix:
        case ".csv":
            pacsv.write_csv(table, path)
        case ".jsonl":
            path.write_text("".join(json.dumps(row) + "\n" for row in table.to_pylist()))
        case _:
            pq.write_table(table, path)
    text = """
    sources:
      impressions:
        timezone: Europe/Berlin
        files: {time_origin: "2026-11-01T00:00:00+01:00"}
        columns: {event_time: at}
    """
    taken(tmp_path / "home", path, sources=text)
    start = TEN_OCLOCK - 35 * 3600 * SECOND
    assert rows(tmp_path / "home", "impressions", "event_time", "_position") == [
        (start,), (start + 1_500_000,), (start - 2,), (start + 1_793_613_600 * SECOND,), (TEN_OCLOCK,), (None,),
    ]  # fmt: skip
    assert [reason for _, reason, *_ in rejected(tmp_path / "home")] == [
        "imprecise_time", "unreadable_time", "out_of_range",
    ]  # fmt: skip


def test_numbers_of_a_whole_file_count_from_an_instant(tmp_path: Path) -> None:
    log = tmp_path / "clicks.csv"
    log.write_text("click_id,event_time\nk1,0\nk2,1500\n")
    text = """
    sources:
      clicks: {files: {time_origin: "2026-11-02T10:00:00Z"}, columns: {event_time: {divide_by: 1000}}}
    """
    taken(tmp_path / "home", log, sources=text)
    assert rows(tmp_path / "home", "clicks", "event_time", "_position") == [(TEN_OCLOCK,), (TEN_OCLOCK + 1_500_000,)]


def test_a_price_of_one_impression_becomes_that_of_a_thousand(tmp_path: Path) -> None:
    log = tmp_path / "impressions.csv"
    log.write_text("ad_id\x01event_time\x01cost\na\x011793613600\x010.00277\nb\x011793613601\x01\n")
    text = "sources: {impressions: {files: {delimiter: 0x01}, columns: {bid_price: {name: cost, multiply_by: 1000}}}}"
    taken(tmp_path / "home", log, sources=text)
    assert rows(tmp_path / "home", "impressions", "bid_price", "_position") == [(Decimal("2.77"),), (None,)]


@pytest.mark.parametrize("broken", ["", "ad6\x01u6\n"])
def test_a_quote_is_text_between_control_characters(tmp_path: Path, broken: str) -> None:
    """As Hive writes logs; else all between two stray quotes would be one text, with the user ids in it."""
    ads = ['"ad1', 'ad"2', '"best" ad', '"', "ad5"]
    lines = [f"{ad}\x01u{number}\x011793613600\n" for number, ad in enumerate(ads)]
    log = tmp_path / "impressions.txt"
    log.write_text("".join([*lines, broken, *lines]))
    text = "sources: {impressions: {files: {delimiter: 0x01, header: [ad_id, user_id, event_time]}}}"
    taken(tmp_path / "home", log, sources=text)
    assert rows(tmp_path / "home", "impressions", "ad_id", "_position") == [(ad,) for ad in ads * 2]
    assert [reason for _, reason, *_ in rejected(tmp_path / "home")] == (["wrong_shape"] if broken else [])


def test_times_that_clocks_repeat_or_leave_out_are_said(tmp_path: Path) -> None:
    log = tmp_path / "clicks.csv"
    log.write_text("click_id,event_time\na,2026-11-01 01:30:00\nb,2026-03-08 02:30:00\nc,2026-11-01 12:00:00\n")
    said = taken(tmp_path / "home", log, sources="sources: {clicks: {timezone: America/New_York}}")
    assert remarks(tmp_path / "home") == {"clicks.csv": {"ambiguous_time": 1, "nonexistent_time": 1}}
    assert [one.partition("'clicks.csv': ")[2][:32] for one in said] == [
        "1 time in an hour that comes twi",
        "1 time in an hour that is left o",
    ]


@pytest.mark.parametrize("first", [0, 1])
def test_the_later_rest_of_a_name_counts_whichever_came_first(tmp_path: Path, first: int) -> None:
    text = r"""
    sources:
      impressions:
        replaces: {name_part: 'impression_[0-9]{10}'}
        columns: {bid_price: CPM}
    """
    early, late = case("hour_file_again")
    for path in ((early, late), (late, early))[first]:
        taken(tmp_path, path, sources=text)
    assert rows(tmp_path, "loaded_files", "file_name, status, _replaces, _version, replaces_by", "_version") == [
        (
            path.name,
            "loaded",
            "impressions/impression_2026110210",
            path.name.replace("impression_2026110210", ""),
            "name_part",
        )
        for path in (early, late)
    ]
    assert rows(tmp_path, "impressions", "count(*)", "1") == [(7,)]


@pytest.mark.parametrize("size", [40, 1 << 20])
def test_rows_follow_a_header_with_its_names_in_another_order(tmp_path: Path, size: int) -> None:
    log = tmp_path / "clicks.csv"
    log.write_text(
        "click_id,event_time,click_price\na,1793613600,1\nb,1793613601,2\n\n\n\n"
        + "\n" * 100
        + "click_id,event_time,click_price\n"
        "c,1793613602,3\nclick_price,click_id,event_time\n4,d,1793613603\n5,e,soon\nclick_id,event_time,click_price\n"
        "f,1793613605,6\n"
    )
    config = SOURCES["clicks"]
    privacy = privacy_of(config.kinds, config.fields, KEY)
    shape = shape_of(config, config.kinds[0], ZoneInfo("UTC"), privacy)
    batches = [*read_file(log, shape, size)]
    found = [row for batch in batches for row in batch.records.to_pylist()]
    loaded = [(row["_position"], row["click_id"], int(row["click_price"])) for row in found]
    assert loaded == [(1, "a", 1), (2, "b", 2), (3, "c", 3), (4, "d", 4), (6, "f", 6)]
    (late,) = (one for batch in batches for one in batch.rejected)
    assert (late.position, late.line, late.value) == (5, 111, "soon")
    assert sum((batch.remarks for batch in batches), Counter()) == {"repeated_header": 3}
    assert [text.strip() for _, text in texts_of_records(log, shape)][4] == b"5,e,soon"
