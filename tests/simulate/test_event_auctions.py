"""The truth of auctions, on short histories whose outcome is plain, and what the simulated exchanges ask for."""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from support.event_files import eventful_world, records_in
from support.event_records import RECEIVED, bid, clock

from simulate.event_fault_rates import NO_EVENT_FAULTS
from simulate.event_files import write_event_files
from simulate.event_truth import EventTruth, truth_of_events
from simulate.event_truth.records import Record
from simulate.event_truth.rules import EventRules

NOON = 1793620800000000


def request(auction: str, *imps: dict[str, Any], at: int = NOON, **fields: Any) -> Record:
    """A request of exchange x at noon of November 2."""
    said = {"exchange": "x", "id": auction, "timestamp": at, "test": 0, "imp": [*imps] or [{"id": "1"}]}
    return Record("bid_requests", said | fields, received_at=RECEIVED)


def told(found: EventTruth, *names: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in names) for row in found.auction_performance]


def test_an_opportunity_is_an_imp_and_the_first_of_its_id() -> None:
    imps: list[dict[str, Any]] = [
        {"id": "1", "bidfloor": Decimal("0.5")},
        {"id": "1", "bidfloor": Decimal(9)},
        {"id": 2, "bidfloor": 0},
        {"id": "3", "bidfloor": Decimal("1.2"), "bidfloorcur": "eur"},
    ]
    rates = {("EUR", date(2026, 11, 2)): Decimal("1.1")}
    found = truth_of_events([request("A", *imps), request("B", imp=[])], EventRules(exchange_rates=rates))
    assert told(found, "opportunities", "opportunities_with_floor", "floor_prices") == [(3, 2, Decimal("1.820000"))]


def test_a_floor_without_currency_is_in_dollars_whatever_the_warehouse_has() -> None:
    rates = {("USD", date(2026, 11, 2)): Decimal("0.9")}
    rules = EventRules(currency="EUR", exchange_rates=rates)
    found = truth_of_events([request("A", {"id": "1", "bidfloor": Decimal("0.5")})], rules)
    assert told(found, "floor_prices") == [(Decimal("0.450000"),)]


def test_a_bid_is_for_the_opportunity_of_its_exchange() -> None:
    found = truth_of_events(
        [
            request("A", exchange="x"),
            request("A", exchange="y"),
            request("B", exchange=None),
            bid("A", clock("13:00:00"), exchange="y", bid_price="1", won=True, clearing_price="0.5"),
            bid("A", clock("13:00:00"), exchange="z", bid_price="2", won=False, loss_reason="7"),
            bid("B", clock("13:00:00"), exchange="z", bid_price="3"),
        ]
    )
    names = ("exchange", "opportunities", "opportunities_without_request", "bids", "wins", "clearing_prices")
    nothing = Decimal(0)
    assert told(found, *names) == [
        ("Unknown", 1, 0, 1, 0, nothing),
        ("x", 1, 0, 0, 0, nothing),
        ("y", 1, 0, 1, 1, Decimal("0.500000")),
        ("z", 0, 1, 1, 0, nothing),
    ]
    assert [(row["exchange"], row["loss_reason"], row["bids_lost"]) for row in found.auction_losses] == [("z", "7", 1)]


def test_a_test_is_quarantined_and_its_bids_count_nowhere() -> None:
    found = truth_of_events([request("A", test=1), bid("A", clock("13:00:00"), bid_price="1", won=True)])
    assert found.balances["bid_requests"].quarantined == {"test_request": 1}
    assert found.balances["bids"].kept == 1
    assert found.auction_performance == []


def test_a_request_is_one_of_its_exchange_and_day_and_the_bid_is_for_the_one_before_it() -> None:
    day = 86_400_000_000
    records = [
        request("A"),
        request("A", at=NOON + 1_000),
        request("A", at=NOON + day),
        bid("A", clock("13:00:00", day=3), bid_price="1"),
        bid("A", clock("13:00:00"), bid_id="b", exchange="x", imp_id="9", bid_price="1"),
    ]
    found = truth_of_events(records)
    balance = found.balances["bid_requests"]
    assert (balance.kept, balance.duplicates, balance.conflicts) == (2, 1, 1)
    assert told(found, "date", "opportunities", "bids", "opportunities_without_request") == [
        (date(2026, 11, 2), 1, 1, 1),  # the bid on imp 9 is on one that no request has
        (date(2026, 11, 3), 1, 1, 0),
    ]


def test_simulated_bids_answer_requests_and_keep_to_their_floors(tmp_path: Path) -> None:
    days = [date(2026, 11, 3) + timedelta(days=one) for one in range(2)]
    write_event_files(eventful_world(), days, tmp_path, impressions_a_day=600, rates=NO_EVENT_FAULTS)
    found = truth_of_events(records_in(tmp_path))
    floors = {
        (row["exchange"], row["auction_id"], imp): floor
        for row in found.bid_requests
        for imp, (floor, _) in row["imps"].items()
    }
    below = [
        (bid["bid_price"] < (floors[bid["exchange"], bid["auction_id"], bid["imp_id"]] or 0), bid["loss_reason"])
        for bid in found.bids
    ]
    assert {is_below for is_below, reason in below if reason == "100"} == {True}
    assert {is_below for is_below, reason in below if reason != "100"} == {False}
    sums = {
        name: sum(row[name] for row in found.auction_performance) for name in ("opportunities", "opportunities_bid_on")
    }
    assert 1.1 < sums["opportunities"] / sums["opportunities_bid_on"] < 2
    assert found.balances["bid_requests"].quarantined["test_request"] > 0
    assert {None, Decimal(0)} & {*floors.values()} == {None}
