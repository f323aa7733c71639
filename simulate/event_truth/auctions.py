"""Bid requests, their opportunities and what became of the bids on them (RULES.md, "OpenRTB" and "Auctions")."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import Any

from simulate.event_truth.accepted import LIMIT, OLDEST, Row, converted, exchange_rate, sha256, utc_date
from simulate.event_truth.marts import report_time
from simulate.event_truth.places import located
from simulate.event_truth.records import Record, Rejected
from simulate.event_truth.rules import EventRules
from simulate.event_truth.standing import Standing
from simulate.event_truth.values import EXACT, boolean_of, decimal_of, id_of, microseconds_of, text_of

_NOTHING = Decimal(0)
_DIMENSIONS = ("date", "exchange", "publisher_id", "device_type", "geo_location")
_COUNTS = (
    "opportunities",
    "opportunities_without_request",
    "opportunities_bid_on",
    "requested_and_bid_on",
    "wins",
    "opportunities_with_floor",
    "bids",
    "bids_won",
    "bids_lost",
    "bids_undecided",
    "bids_cleared",
)


def cast_request(record: Record, rules: EventRules) -> Row:
    """What a bid request says: its imps by their ids, of several with one the first, with their floors.

    Raises:
        Rejected: The record cannot be read.
    """
    if isinstance(record.fields, str):
        raise Rejected(record.fields)
    fields = record.fields
    at = fields.get("timestamp")
    if at is None:
        raise Rejected("missing_field")
    imps: dict[str, tuple[Decimal | None, str]] = {}
    for imp in fields.get("imp") or []:
        name = id_of(imp.get("id"))
        if name is None:
            raise Rejected("missing_field")
        # A floor of 0 is no floor.
        floor = decimal_of(imp.get("bidfloor")) or None
        imps.setdefault(name, (floor, (text_of(imp.get("bidfloorcur")) or "USD").upper()))
    page = fields.get("site") or fields.get("app") or {}
    device = fields.get("device") or {}
    return {
        "exchange": id_of(fields.get("exchange")) or "",
        "auction_id": id_of(fields.get("id")),
        "event_time": at,
        "is_test": boolean_of(fields.get("test")) or False,
        "imps": imps,
        "publisher_id": id_of((page.get("publisher") or {}).get("id")),
        "device": text_of(device.get("devicetype")),
        "written_place": "-".join(filter(None, ((device.get("geo") or {}).get(one) for one in ("country", "region")))),
        # Which of several rows of one time stands decides nothing here, so what they say is compared in any form.
        "payload": sha256(repr(fields)),
        "receipt": (record.number, record.file, record.position),
        "received_at": microseconds_of(record.received_at),
    }


def broken_rule_of_request(row: Row, rules: EventRules) -> str | None:
    """Why a bid request is quarantined: the first rule that it breaks."""
    if row["event_time"] < OLDEST:
        return "out_of_range"
    if row["event_time"] > row["received_at"] + rules.future_tolerance:
        return "future_event"
    if row["auction_id"] is None:
        return "null_auction_id"
    if row["is_test"]:
        return "test_request"
    broken = (_broken_floor(floor, currency, row["event_time"], rules) for floor, currency in row["imps"].values())
    return next(filter(None, broken), None)


def _broken_floor(floor: Decimal | None, currency: str, at: int, rules: EventRules) -> str | None:
    if floor is None:
        return None
    if floor < 0:
        return "negative_price"
    if floor >= LIMIT:
        return "out_of_range"
    if not (len(currency) == 3 and currency.isascii() and currency.isalpha()):
        return "bad_currency"
    return "no_exchange_rate" if exchange_rate(currency, utc_date(at), rules) is None else None


def standing_requests(rows: list[Row]) -> Standing:
    """The requests among accepted rows: an id is one of its exchange and UTC day."""
    events: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in rows:
        events[utc_date(row["event_time"]), row["exchange"], row["auction_id"]].append(row)
    found = Standing()
    for _, same in sorted(events.items()):
        stands = min(same, key=lambda row: (row["event_time"], row["receipt"]))
        found.rows.append(stands)
        found.duplicates += len(same) - 1
        found.conflicts += [row for row in same if row["payload"] != stands["payload"]]
    return found


def auctions(requests: list[Row], tests: list[Row], bids: list[Row], rules: EventRules) -> list[Row]:
    """One row per opportunity, the imp of a request or what only bids are known of, with its `bids`."""
    opportunities = [_of_imp(request, name, rules) for request in requests for name in request["imps"]]
    offered: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for one in opportunities:
        offered[one["auction_id"], one["imp_id"]].append(one)
    tested = {(test["auction_id"], test["exchange"]) for test in tests}
    unasked: dict[tuple[str, str], Row] = {}
    for bid in bids:
        key = bid["auction_id"], bid["imp_id"]
        found = [one for one in offered[key] if _may_be_of(one["exchange"], bid["exchange"])]
        if found:
            min(found, key=lambda one: _distance(one, bid))["bids"].append(bid)
        elif not any(auction == key[0] and _may_be_of(exchange, bid["exchange"]) for auction, exchange in tested):
            unasked.setdefault(key, {"is_requested": False, "floor": None, "bids": []})["bids"].append(bid)
    for one in unasked.values():
        days = [report_time(bid["event_time"], rules).date() for bid in one["bids"]]
        exchanges = {bid["exchange"] for bid in one["bids"]}
        one |= dict.fromkeys(_DIMENSIONS, "Unknown") | {"date": min(days)}
        if len(exchanges) == 1:
            one["exchange"] = exchanges.pop() or "Unknown"
    return [*opportunities, *unasked.values()]


def _of_imp(request: Row, name: str, rules: EventRules) -> Row:
    at = request["event_time"]
    floor, currency = request["imps"][name]
    return {
        "auction_id": request["auction_id"],
        "imp_id": name,
        "event_time": at,
        "is_requested": True,
        "date": report_time(at, rules).date(),
        "exchange": request["exchange"],
        "publisher_id": request["publisher_id"],
        "device_type": rules.device_types.get(request["device"], request["device"]),
        "geo_location": located(request["written_place"], at, rules).place,
        "floor": None if floor is None else converted(floor, currency, utc_date(at), rules),
        "bids": [],
    }


def _may_be_of(exchange: str, other: str) -> bool:
    return exchange == other or not exchange or not other


def _distance(opportunity: Row, bid: Row) -> tuple[Any, ...]:
    """What is smallest of the opportunity that a bid is for: of its exchange, before it, and near it."""
    since = bid["event_time"] - opportunity["event_time"]
    return opportunity["exchange"] != bid["exchange"], since < 0, abs(since), opportunity["exchange"]


def auction_performance(decided: list[Row], rules: EventRules) -> list[Row]:
    """Counts and sums by day, exchange, publisher, device and place; what is not known is `Unknown`."""
    groups: dict[tuple[Any, ...], Row] = {}
    for one in decided:
        key = _key(one)
        empty = {**dict.fromkeys(_COUNTS, 0), "floor_prices": _NOTHING, "clearing_prices": _NOTHING}
        group = groups.setdefault(key, {**dict(zip(_DIMENSIONS, key, strict=True)), **empty})
        won = [bid for bid in one["bids"] if bid["is_won"]]
        cleared = [bid for bid in won if bid["clearing_price"] is not None]
        lost = [bid for bid in one["bids"] if bid["is_won"] is False]
        group["opportunities" if one["is_requested"] else "opportunities_without_request"] += 1
        group["opportunities_bid_on"] += bool(one["bids"])
        group["requested_and_bid_on"] += one["is_requested"] and bool(one["bids"])
        group["wins"] += bool(won)
        group["opportunities_with_floor"] += one["floor"] is not None
        group["bids"] += len(one["bids"])
        group["bids_won"] += len(won)
        group["bids_lost"] += len(lost)
        group["bids_undecided"] += len(one["bids"]) - len(won) - len(lost)
        group["bids_cleared"] += len(cleared)
        group["floor_prices"] = EXACT.add(group["floor_prices"], one["floor"] or _NOTHING)
        for bid in cleared:
            price = converted(bid["clearing_price"], bid["clearing_currency"], utc_date(bid["event_time"]), rules)
            group["clearing_prices"] = EXACT.add(group["clearing_prices"], price or _NOTHING)
    return [group for _, group in sorted(groups.items())]


def auction_losses(decided: list[Row]) -> list[Row]:
    """Lost bids by the same groups and the reason why they lost."""
    groups: dict[tuple[Any, ...], int] = defaultdict(int)
    for one in decided:
        for bid in one["bids"]:
            if bid["is_won"] is False:
                groups[*_key(one), bid["loss_reason"] or "Unknown"] += 1
    names = (*_DIMENSIONS, "loss_reason", "bids_lost")
    return [dict(zip(names, (*key, count), strict=True)) for key, count in sorted(groups.items())]


def _key(one: Row) -> tuple[Any, ...]:
    return tuple(one[name] or "Unknown" for name in _DIMENSIONS)
