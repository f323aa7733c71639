"""The truth of events counts an event once: which rows are one, which of them stands, and what a bid's rows say."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from decimal import Decimal
from itertools import permutations
from typing import Any

from support.event_records import bid, click, clock, conversion, impression

from simulate.event_truth import EventTruth, truth_of_events
from simulate.event_truth.records import Record
from simulate.event_truth.rules import EventRules

NOON = clock("12:00:00")


def balance(found: EventTruth, kind: str) -> tuple[int, int, int]:
    one = found.balances[kind]
    assert one.read == one.loaded == one.quarantined.total() + one.duplicates + one.kept
    return one.kept, one.duplicates, one.conflicts


def test_of_equal_rows_the_first_receipt_stands_whatever_the_clock_says() -> None:
    late_clock, early_clock = datetime(2026, 12, 2, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
    rows = [
        click("k", NOON, number=2, received_at=early_clock),
        click("k", NOON, number=1, received_at=late_clock, file="b", position=1),
        click("k", NOON, number=1, received_at=late_clock, file="a", position=10),
        click("k", NOON, number=1, received_at=late_clock, file="a", position=9),
    ]
    for order in permutations(rows):
        found = truth_of_events(order)
        assert balance(found, "clicks") == (1, 3, 0)
        assert found.clicks[0]["receipt"] == (1, "a", 9)


def test_of_differing_rows_the_earliest_stands_then_the_smaller_digest() -> None:
    rows = [
        click("k", clock("12:00:01"), number=1, ad_id="a0"),
        *(click("k", NOON, number=2 + number, ad_id=f"a{number}") for number in range(1, 6)),
    ]
    payloads = [
        f"k\x1f\x1fa{number}\x1fc1\x1f\x1f\x1f1793620800000000\x1f\x1f\x1f\x1f0.500000" for number in range(1, 6)
    ]
    smallest = min(payloads, key=lambda one: hashlib.sha256(one.encode()).hexdigest())
    found = truth_of_events(
        [Record(one.kind, {**one.fields, "user_id": "0"}) for one in rows if isinstance(one.fields, dict)]
    )
    assert found.clicks[0]["ad_id"] == smallest.split("\x1f")[2]
    assert found.clicks[0]["ad_id"] != "a1", "the rows must tell a digest from an order"
    assert balance(found, "clicks") == (1, 5, 5)


def test_only_rows_that_pass_the_rules_compete() -> None:
    found = truth_of_events([impression("i", NOON, bid_price="-1"), impression("i", clock("13:00:00"))])
    assert balance(found, "impressions") == (1, 0, 0)


def test_an_impression_is_its_id_on_a_utc_day_and_a_click_its_id_alone() -> None:
    times = (clock("23:59:59"), clock("00:00:00", 3), clock("23:59:59", 3))
    found = truth_of_events(
        [*(impression("i", time) for time in times), impression("j", NOON), *(click("k", time) for time in times)],
        EventRules(report_timezone=UTC),
    )
    assert balance(found, "impressions") == (3, 1, 1)
    assert found.returning_ids == 1
    assert balance(found, "clicks") == (1, 2, 2)


def test_the_id_of_a_conversion_has_its_type() -> None:
    found = truth_of_events(
        [
            conversion("o1", NOON),
            conversion("o1", NOON),
            conversion("o1", NOON, conversion_type="refund", conversion_value="-10"),
            conversion("o1", NOON, conversion_type=None),
            conversion("o1", NOON, conversion_type=" "),
        ]
    )
    assert balance(found, "conversions") == (3, 2, 0)


def test_a_row_without_id_is_named_after_what_it_says() -> None:
    record = click("", "2026-11-02T13:00:00.5+01:00", user_id="", click_price="0.1234565", platform=" web ")
    found = truth_of_events(
        [record, click("none", clock("12:00:00.500"), user_id=None, click_price="0.123457", platform="web")]
    )
    payload = "\x1f\x1fa1\x1fc1\x1f\x1f\x1f1793620800500000\x1f\x1f\x1fweb\x1f0.123457"
    assert [one["click_id"] for one in found.clicks] == [f"h_{hashlib.sha256(payload.encode()).hexdigest()[:32]}"]
    assert found.clicks[0]["has_own_id"] is False
    assert balance(found, "clicks") == (1, 1, 0)
    sold = truth_of_events([conversion("", NOON, currency=code) for code in ("usd", " USD")])
    assert balance(sold, "conversions") == (1, 1, 0), "a code is stored in upper case"


def test_with_identical_rows_counted_the_nth_equal_row_of_a_file_is_its_nth_event() -> None:
    def twice(file: str, **fields: Any) -> list[Record]:
        return [impression("", NOON, file=file, position=nth, is_counted=True, **fields) for nth in (1, 2)]

    found = truth_of_events([*twice("a"), *twice("b"), *twice("b", ad_id="a2")])
    assert balance(found, "impressions") == (4, 2, 0)
    assert not any(one["has_own_id"] for one in found.impressions)
    said = found.impressions[0]["said"]
    ids = {f"h_{hashlib.sha256(text.encode()).hexdigest()[:32]}" for text in (said, f"{said}\x1f2")}
    assert ids <= {one["impression_id"] for one in found.impressions}


# Bids


def bids(*records: Record, **rules: Any) -> list[tuple[Any, ...]]:
    names = (
        "auction_id",
        "imp_id",
        "exchange",
        "bid_id",
        "bid_price",
        "is_won",
        "clearing_price",
        "loss_reason",
        "rows",
    )
    return [tuple(one[name] for name in names) for one in truth_of_events(records, EventRules(**rules)).bids]


def test_price_and_time_are_of_the_earliest_row_with_a_price_the_outcome_of_the_earliest_with_one() -> None:
    rows = [
        bid("q", clock("12:00:03"), won=True, clearing_price="2", campaign_id="c2"),
        bid("q", clock("12:00:04"), won=False, loss_reason="102"),
        bid("q", clock("12:00:02"), bid_price="4"),
        bid("q", clock("12:00:01"), bid_price="3", campaign_id="c1"),
        bid("q", clock("12:00:00"), ad_id="a9"),
    ]
    for order in permutations(rows):
        found = truth_of_events(order)
        one = found.bids[0]
        assert (one["bid_price"], one["is_won"], one["clearing_price"], one["loss_reason"]) == (3, True, 2, None)
        assert (one["campaign_id"], one["ad_id"]) == ("c1", "a9")
        assert one["event_time"] % 60_000_000 == 1_000_000
        assert balance(found, "bids") == (1, 4, 0)


def test_no_outcome_is_neither_won_nor_lost_and_reason_0_is_won() -> None:
    assert bids(
        bid("a", NOON, bid_price="1"),
        bid("b", NOON, bid_price="1", loss_reason=0),
        bid("c", NOON, bid_price="1", loss_reason=100),
        bid("d", NOON, bid_price="1", won="0", loss_reason="Below Floor"),
        bid("e", NOON, clearing_price="1"),
        loss_reasons={"100": "below_floor", "below floor": "below_floor"},
    ) == [
        ("a", "1", "x", "", 1, None, None, None, 1),
        ("b", "1", "x", "", 1, True, None, None, 1),
        ("c", "1", "x", "", 1, False, None, "below_floor", 1),
        ("d", "1", "x", "", 1, False, None, "below_floor", 1),
        ("e", "1", "x", "", None, None, None, None, 1),
    ]


def test_a_bid_id_counts_only_if_every_row_has_one() -> None:
    assert bids(
        bid("a", NOON, bid_id="1", bid_price="1"),
        bid("a", NOON, bid_id="2", bid_price="2"),
        bid("a", NOON, exchange="y", bid_id="1", bid_price="3"),
        bid("a", clock("12:00:01"), exchange="y", won=True),
        bid("a", NOON, exchange=None, bid_price="4"),
        bid("a", NOON, imp_id="2", bid_price="5"),
    ) == [
        ("a", "1", "", "", 4, None, None, None, 1),
        ("a", "1", "x", "1", 1, None, None, None, 1),
        ("a", "1", "x", "2", 2, None, None, None, 1),
        ("a", "1", "y", "", 3, True, None, None, 2),
        ("a", "2", "x", "", 5, None, None, None, 1),
    ]


def test_a_clearing_price_is_in_its_own_currency_else_in_that_of_the_offer() -> None:
    def currencies(**outcome: Any) -> tuple[str, str]:
        offer = bid("q", NOON, bid_price="1", currency="eur")
        rates = {(code, datetime(2026, 11, 2, tzinfo=UTC).date()): Decimal(2) for code in ("EUR", "GBP")}
        found = truth_of_events(
            [offer, bid("q", clock("12:00:01"), won=True, **outcome)], EventRules(exchange_rates=rates)
        )
        return found.bids[0]["currency"], found.bids[0]["clearing_currency"]

    assert currencies(clearing_price="1") == ("EUR", "EUR")
    assert currencies(clearing_price="1", currency="GBP") == ("EUR", "GBP")
