"""The event files of the world agree with its delivery, never change, and have the faults that they count."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import fastavro
import pytest
from support.cases import always
from support.event_files import drop_events, eventful_world, files_in, records_in, records_in_landing
from support.extracting import extracted
from support.extracting import rows as raw_rows

from extract.registry import SOURCES
from simulate.delivery import delivery
from simulate.event_fault_rates import NO_EVENT_FAULTS, EventFaultRates
from simulate.event_faults import FAULTS
from simulate.event_files import write_event_files
from simulate.event_log import logging_campaigns
from simulate.event_truth import EventTruth, truth_of_events
from simulate.event_truth.accepted import utc_date
from simulate.event_truth.records import FIELDS

DAY = date(2026, 11, 3)


def days_from(first: date, number: int) -> list[date]:
    return [first + timedelta(days=one) for one in range(number)]


def written(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in files_in(folder)}


# Files


def test_the_files_of_a_day_are_the_same_whatever_other_days_are_asked(tmp_path: Path) -> None:
    write_event_files(eventful_world(), days_from(DAY, 4), tmp_path / "all", impressions_a_day=600)
    write_event_files(eventful_world(), [DAY + timedelta(days=2)], tmp_path / "one", impressions_a_day=600)
    everything, alone = written(tmp_path / "all"), written(tmp_path / "one")
    assert alone.items() <= everything.items()
    assert len(alone) == 5
    assert len(everything) == 20


def test_the_bytes_of_a_seed_never_change(tmp_path: Path) -> None:
    # Published numbers must be reproducible next year: whoever changes this on purpose changes it here too.
    write_event_files(eventful_world(), [DAY], tmp_path, impressions_a_day=600)
    files = written(tmp_path)
    # Of Avro what the records say: another version of a codec packs them otherwise.
    requests = [*fastavro.reader(io.BytesIO(files.pop(f"bid_requests-{DAY}.avro")))]
    assert hashlib.sha256(repr(requests).encode()).hexdigest()[:16] == "8bd059214c24eb08"
    content = b"".join(files.values())
    assert hashlib.sha256(content).hexdigest()[:16] == "4df45fd912f96645"


def test_each_log_has_its_format_and_all_fields_in_order(tmp_path: Path) -> None:
    counts = write_event_files(eventful_world(), [DAY], tmp_path, impressions_a_day=600, rates=NO_EVENT_FAULTS)
    assert [path.relative_to(tmp_path).as_posix() for path in files_in(tmp_path)] == [
        "bid_requests/bid_requests-2026-11-03.avro",
        "bids/bids-2026-11-03.jsonl",
        "clicks/clicks-2026-11-03.csv",
        "conversions/conversions-2026-11-03.csv",
        "impressions/impressions-2026-11-03.jsonl",
    ]
    for path in files_in(tmp_path):
        kind = path.parent.name
        if path.suffix == ".avro":
            rows = [[*one] for one in fastavro.reader(io.BytesIO(path.read_bytes())) if isinstance(one, dict)]
            assert all(row == [name for name in FIELDS[kind] if name in row] for row in rows)
        elif path.suffix == ".csv":
            header, *rows = csv.reader(path.read_text().splitlines())
            assert header == list(FIELDS[kind])
        else:
            rows = [list(json.loads(line)) for line in path.read_text().splitlines()]
            assert all(row == list(FIELDS[kind]) for row in rows)
        assert len(rows) == counts[kind, "records"] > 0
    assert set(counts) == {(kind, "records") for kind in FIELDS}


def test_the_smallest_campaigns_log_as_many_as_show_so_many_impressions() -> None:
    world = eventful_world()
    shown: Counter[str] = Counter()
    for row in delivery(world, DAY, DAY + timedelta(days=9)).to_pylist():
        shown[row["campaign_id"]] += row["impressions"]
    for wanted in (1, 600, 1_500, 4_000):
        logging = logging_campaigns(world, wanted)
        volume = sum(shown[campaign] for campaign in logging)
        others = [shown[campaign] for campaign in shown if campaign not in logging]
        assert volume < 1.15 * max(wanted, min(shown.values()))
        assert not others or volume + min(others) > 0.85 * wanted
        assert not others or max(shown[campaign] for campaign in logging) < 1.15 * min(others)


# Agreement with delivery


def test_without_faults_the_logs_have_what_delivery_counts_on_the_day_of_the_impression(tmp_path: Path) -> None:
    world = eventful_world()
    campaigns = logging_campaigns(world, 600)
    assert len(campaigns) > 1
    write_event_files(world, days_from(DAY, 31), tmp_path, impressions_a_day=600, rates=NO_EVENT_FAULTS)
    found = truth_of_events(records_in(tmp_path))
    for kind, balance in found.balances.items():
        assert balance.read == balance.kept + balance.quarantined["test_request"] > 50, kind

    def of_day(rows: list[dict[str, Any]], name: str) -> Counter[str]:
        mark = f"-{DAY:%Y%m%d}-"
        return Counter(row["campaign_id"] for row in rows if mark in row[name])

    reported: dict[str, dict[str, Any]] = {one: Counter() for one in campaigns}
    for row in delivery(world, DAY, DAY + timedelta(days=9)).to_pylist():
        if row["campaign_id"] in campaigns:
            for name in ("impressions", "clicks", "conversions", "spend"):
                reported[row["campaign_id"]][name] += row[name]
    costs: Counter[str] = Counter()
    for event in found.ad_events:
        if f"-{DAY:%Y%m%d}-" in event["impression_id"]:
            costs[event["campaign_id"]] += event["media_cost"]
    # Ids say what happened after which impression: cnv-…v is a conversion after a mere view.
    campaign_of = {row["impression_id"][3:]: row["campaign_id"] for row in found.impressions}
    after_clicks = [
        {"conversion_id": row["conversion_id"], "campaign_id": campaign_of.get(row["conversion_id"][3:])}
        for row in found.conversions
        if row["conversion_type"] != "refund" and not row["conversion_id"].endswith("v")
    ]
    logged = {
        "impressions": of_day(found.impressions, "impression_id"),
        "clicks": of_day(found.clicks, "click_id"),
        "conversions": of_day(after_clicks, "conversion_id"),
        "spend": costs,
    }
    for name, counts in logged.items():
        assert counts == {campaign: reported[campaign][name] for campaign in campaigns if reported[campaign][name]}, (
            name
        )


def test_the_logs_have_what_makes_attribution_worth_while(tmp_path: Path) -> None:
    rates = EventFaultRates(click_before_impression=0.05)
    counts = drop_events(tmp_path, eventful_world(), days_from(DAY, 14), impressions_a_day=600, rates=rates)
    found = truth_of_events(records_in(tmp_path))
    seen_by = Counter(row["user_id"] for row in found.impressions)
    assert sum(number > 3 for number in seen_by.values()) > 20
    assert {row["joined_by"] for row in found.clicks} == {"id", "user", None}
    assert {row["orphan_reason"] for row in found.clicks} == {
        None,
        "before_impression",
        "outside_window",
        "no_impression",
    }
    assert {row["touch_type"] for row in found.attributed_conversions} == {"click", "impression", "unattributed"}
    clicked = {row["impression_id"][3:] for row in found.clicks if row["impression_id"]}
    views = {row["conversion_id"][3:-1] for row in found.conversions if row["conversion_id"].endswith("v")}
    assert views
    assert not views & clicked
    waits = [row["converted_at"] - row["touched_at"] for row in found.attributed_conversions if row["touch"]]
    assert max(waits) > 10 * 86_400_000_000
    touches = Counter(row["conversion_id"] for row in found.attributed_conversions)
    assert max(touches.values()) > 3
    assert {row["conversion_type"] for row in found.conversions} >= {"refund", "purchase", "sign_up"}
    assert {row["is_won"] for row in found.bids} == {True, False, None}
    assert len({row["loss_reason"] for row in found.bids}) > 3
    assert sum(number for (_, what), number in counts.items() if what == "records") == sum(
        one.read for one in found.balances.values()
    )


# Faults

Count = Callable[[EventTruth], int]


def quarantined(kind: str, reason: str) -> Count:
    return lambda found: found.balances[kind].quarantined[reason]


def rejected(kind: str, reason: str) -> Count:
    return lambda found: found.balances[kind].rejected[reason]


def rows(kind: str, **fields: Any) -> Count:
    """Standing rows that have these values."""
    return lambda found: sum(all(row[name] == value for name, value in fields.items()) for row in getattr(found, kind))


def of_each(faults: dict[str, Callable[[str], Count]], *kinds: str) -> list[tuple[str, str, Count]]:
    return [(kind, fault, count(kind)) for fault, count in faults.items() for kind in kinds]


def of_lost_impressions(found: EventTruth) -> int:
    """Others without impression are there too: just after midnight of the first day."""
    orphans = [row for row in found.orphan_clicks if row["orphan_reason"] == "no_impression"]
    lost = {row["click_id"] for row in found.clicks if str(row["impression_id"]).endswith("-lost")}
    return sum(row["click_id"] in lost for row in orphans)


PEOPLE = ("impressions", "clicks", "conversions")
TEXTS = (*PEOPLE, "bids")
CASES: list[tuple[str, str, Count]] = [
    *of_each({"conflicting": lambda kind: lambda found: found.balances[kind].conflicts}, *PEOPLE, "bid_requests"),
    *of_each({"broken_line": lambda kind: rejected(kind, "broken_json")}, "impressions", "bids"),
    *of_each({"broken_line": lambda kind: rejected(kind, "wrong_shape")}, "clicks", "conversions"),
    *of_each({"future": lambda kind: quarantined(kind, "future_event")}, *FIELDS),
    *of_each({"missing_time": lambda kind: quarantined(kind, "null_event_time")}, *TEXTS),
    *of_each({"text_price": lambda kind: rejected(kind, "wrong_type")}, *TEXTS),
    *of_each({"huge_price": lambda kind: quarantined(kind, "out_of_range")}, *FIELDS),
    *of_each({"missing_id": lambda kind: rows(kind, has_own_id=False)}, *PEOPLE),
    *of_each(
        {"negative_price": lambda kind: quarantined(kind, "negative_price")},
        *("impressions", "clicks", "bid_requests", "bids"),
    ),
    ("bid_requests", "missing_time", rejected("bid_requests", "missing_field")),
    ("bid_requests", "missing_imp", rejected("bid_requests", "missing_field")),
    ("bid_requests", "missing_auction", quarantined("bid_requests", "null_auction_id")),
    ("bid_requests", "bad_currency", quarantined("bid_requests", "bad_currency")),
    ("bid_requests", "foreign_currency", quarantined("bid_requests", "no_exchange_rate")),
    ("impressions", "macro_price", rows("impressions", bid_price=None)),
    ("clicks", "macro_price", rows("clicks", click_price=None)),
    ("bids", "macro_price", rows("bids", bid_price=None)),
    ("impressions", "nobody", rows("impressions", user_id=None)),
    ("clicks", "nobody", rows("clicks", user_id=None)),
    ("impressions", "missing_ad", quarantined("impressions", "null_ad_id")),
    ("impressions", "impression_flood", rows("impressions", invalid_reason="impression_flood")),
    ("clicks", "click_before_impression", rows("clicks", orphan_reason="before_impression")),
    ("clicks", "without_impression_id", rows("clicks", impression_id=None)),
    ("clicks", "orphan", of_lost_impressions),
    ("clicks", "fast_click", rows("clicks", invalid_reason="fast_click")),
    ("clicks", "repeat_click", rows("clicks", invalid_reason="repeat_click")),
    ("conversions", "negative_count", quarantined("conversions", "negative_count")),
    ("conversions", "bad_currency", quarantined("conversions", "bad_currency")),
    ("conversions", "foreign_currency", quarantined("conversions", "no_exchange_rate")),
    ("bids", "missing_auction", quarantined("bids", "null_auction_id")),
    ("bids", "missing_imp", quarantined("bids", "null_imp_id")),
    ("bids", "no_outcome", rows("bids", is_won=None)),
]


def with_one_fault(
    folder: Path, fault: str, days: int, rate: float = 0.1
) -> tuple[Counter[tuple[str, str]], EventTruth]:
    changes: dict[str, Any] = {fault: 0.01 if fault.endswith("_flood") else 0.3}
    rates = replace(NO_EVENT_FAULTS, **changes)
    counts = write_event_files(eventful_world(), days_from(DAY, days), folder, impressions_a_day=600, rates=rates)
    return counts, truth_of_events(records_in(folder))


@pytest.fixture(scope="module")
def logs_with(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Counter[tuple[str, str]], EventTruth]]:
    """Two days of logs with one fault, made once for all kinds that have it."""
    return cache(lambda fault: with_one_fault(tmp_path_factory.mktemp(fault), fault, days=2))


# A quarter for every run, of all kinds.
SPREAD = [case for part in range(4) for case in CASES[part::4]]


@pytest.mark.parametrize(
    ("kind", "fault", "count"), always(14, SPREAD), ids=[f"{kind}-{fault}" for kind, fault, _ in SPREAD]
)
def test_a_fault_is_found_as_often_as_it_is_counted(
    logs_with: Callable[[str], tuple[Counter[tuple[str, str]], EventTruth]], kind: str, fault: str, count: Count
) -> None:
    counts, found = logs_with(fault)
    assert count(found) == counts[kind, fault] > 0
    assert {one for _, one in counts} == {"records", fault}


def test_every_fault_of_every_kind_is_counted_somewhere_here() -> None:
    elsewhere = {"duplicate", "late", "out_of_order", "returning_id", "apart", "click_flood"}
    tried = {(kind, fault) for kind, fault, _ in CASES} | {("conversions", "nobody")}
    assert {(kind, fault) for kind, faults in FAULTS.items() for fault in faults if fault not in elsewhere} == tried


def days_late(row: dict[str, Any]) -> int:
    """How many days after its own a standing row came, by the name of its file."""
    return (date.fromisoformat(Path(row["receipt"][1]).stem[-10:]) - utc_date(row["event_time"])).days


def test_a_duplicate_comes_at_once_or_a_day_later(tmp_path: Path) -> None:
    counts, found = with_one_fault(tmp_path, "duplicate", days=3)
    for kind in PEOPLE:
        # On the first day some come whose first row came the day before.
        lone = sum(days_late(row) == 1 for row in getattr(found, kind))
        assert lone > 0
        assert found.balances[kind].duplicates == counts[kind, "duplicate"] - lone > lone
        assert found.balances[kind].conflicts == 0
    assert 0.9 * counts["bids", "duplicate"] > found.balances["bids"].duplicates > 0.6 * counts["bids", "duplicate"]


def test_a_late_entry_comes_one_to_ten_days_later(tmp_path: Path) -> None:
    counts, found = with_one_fault(tmp_path, "late", days=3)
    for kind in PEOPLE:
        late = Counter(days_late(row) for row in getattr(found, kind))
        assert late.keys() <= {0, 1, 2, 5, 10}
        assert late.total() - late[0] == counts[kind, "late"]
    assert {days_late(row) for row in found.impressions} == {0, 1, 2, 5, 10}


def test_what_is_out_of_order_stands_at_the_end_of_its_file(tmp_path: Path) -> None:
    counts, found = with_one_fault(tmp_path, "out_of_order", days=1)
    for kind in PEOPLE:
        times = [row["event_time"] for row in sorted(getattr(found, kind), key=lambda row: row["receipt"])]
        in_order = len(times) - counts[kind, "out_of_order"]
        assert 0 < in_order < len(times)
        assert times[:in_order] == sorted(times[:in_order])
        assert times[in_order:] == sorted(times[in_order:])
        assert times != sorted(times)


def test_a_click_before_its_impression_comes_with_it_also_from_the_day_before(tmp_path: Path) -> None:
    counts, found = with_one_fault(tmp_path, "click_before_impression", days=5)
    early = [row for row in found.clicks if row["orphan_reason"] == "before_impression"]
    assert len(early) == counts["clicks", "click_before_impression"]
    assert {days_late(row) for row in early} == {0, 1}


def test_an_id_comes_back_on_the_next_day(tmp_path: Path) -> None:
    first_day, _ = with_one_fault(tmp_path / "a day", "returning_id", days=1)
    counts, found = with_one_fault(tmp_path / "days", "returning_id", days=3)
    # What comes back on the first day was there on the day before.
    returning = counts["impressions", "returning_id"] - first_day["impressions", "returning_id"]
    assert found.returning_ids == returning > 0
    assert found.balances["impressions"].duplicates == 0


def test_a_bid_and_its_outcome_come_apart(tmp_path: Path) -> None:
    counts, found = with_one_fault(tmp_path, "apart", days=3)
    whole = [bid for bid in found.bids if bid["rows"] == 2]
    outcomes = [bid for bid in found.bids if bid["bid_price"] is None]
    offers = [bid for bid in found.bids if bid["is_won"] is None]
    assert len(whole) + len(outcomes) == counts["bids", "apart"]
    assert len(whole) > len(outcomes) > 0, "some outcomes came on the first day, of offers of the day before"
    assert len(whole) > len(offers) > 0, "some outcomes come after the last day"
    assert all(bid["bid_price"] is not None and bid["is_won"] is not None for bid in whole)


def test_a_bot_clicks_sixty_times_on_six_impressions(tmp_path: Path) -> None:
    counts, found = with_one_fault(tmp_path, "click_flood", days=2)
    reasons = Counter(row["invalid_reason"] for row in found.clicks)
    assert counts["clicks", "click_flood"] == reasons["click_flood"] + reasons["repeat_click"] > 0
    assert reasons["click_flood"] == 6 * len({row["user_id"] for row in found.clicks if row["invalid_reason"]})
    assert reasons["repeat_click"] == 9 * reasons["click_flood"]


def test_rates_that_no_log_can_have_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="late is a share"):
        EventFaultRates(late=1.5)
    rates = replace(NO_EVENT_FAULTS, late=0.6, duplicate=0.5)
    with pytest.raises(ValueError, match=r"the faults of impressions add up to 1\.100"):
        write_event_files(eventful_world(), [DAY], tmp_path, rates=rates)


def test_by_default_every_fault_but_foreign_currencies_comes(tmp_path: Path) -> None:
    rates = EventFaultRates()
    often = EventFaultRates(**{name: min(20 * rate, 0.05) for name, rate in vars(rates).items()})
    counts = write_event_files(eventful_world(), days_from(DAY, 7), tmp_path, impressions_a_day=600, rates=often)
    assert {fault for _, fault in counts} == {"records", *vars(rates)} - {"foreign_currency"}


def test_the_truth_is_the_same_in_any_order_of_the_records(tmp_path: Path) -> None:
    often = EventFaultRates(duplicate=0.1, conflicting=0.1, repeat_click=0.1, apart=0.3, missing_id=0.1)
    write_event_files(eventful_world(), days_from(DAY, 3), tmp_path, impressions_a_day=600, rates=often)
    records = records_in(tmp_path)
    shuffled = sorted(records, key=lambda record: hashlib.sha256(repr(record).encode()).digest())
    assert truth_of_events(records) == truth_of_events(shuffled)


def test_landing_says_how_the_records_were_received(tmp_path: Path) -> None:
    rates = replace(NO_EVENT_FAULTS, out_of_order=0.1)
    drop_events(tmp_path / "inbox", eventful_world(), days_from(DAY, 2), impressions_a_day=600, rates=rates)
    # What is landed is the same whatever it is read as, and raw says where and when it came.
    extracted(tmp_path, sources=[replace(SOURCES["campaign_files"], name="bids")])
    records = records_in_landing(tmp_path / "landing")
    assert {one.number for one in records} == {1, 2}
    told = [
        (one.fields["ad_id"], one.file, one.position, one.received_at.replace(tzinfo=None))
        for one in records
        if isinstance(one.fields, dict)
    ]
    columns = "ad_id, _source, _position, _received_at"
    assert told == raw_rows(tmp_path, "campaign_delivery", columns, order="_source, _position")
