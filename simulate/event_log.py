"""A day's events of some campaigns as entries of five logs: of the ad server, tracker, shop, bidder and exchanges.

Impressions, clicks and conversions are those of which delivery is counted. What delivery does not count is added:
conversions after a mere view, refunds, the bids that won the impressions or lost others, and the requests for them and
for what nobody bid on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from simulate.draws import address, bits
from simulate.events import events
from simulate.world import World

LATEST_DAY = 32
"""How many days after its impression the last event can happen: a conversion after 29, its refund after 3 more."""

_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
_HAVE_NO_AUCTION = {"google_search"}
_LOST_TO_A_HIGHER_BID, _BELOW_THE_FLOOR, _TOO_LATE = 102, 100, 2
_DEVICE_TYPES = {"mobile": 4, "desktop": 2, "tablet": 5, "ctv": 3}  # as OpenRTB counts them
_COUNTRIES = {"US": "USA", "GB": "GBR"}  # three letters, as OpenRTB wants; other exchanges write two
_LOSS_REASONS = (_LOST_TO_A_HIGHER_BID, _LOST_TO_A_HIGHER_BID, _LOST_TO_A_HIGHER_BID, _BELOW_THE_FLOOR, _TOO_LATE)


@dataclass(frozen=True)
class Entry:
    """One row of a log.

    Attributes:
        kind: The log: `impressions`, `clicks`, `conversions`, `bid_requests` or `bids`.
        at: When it happened, in microseconds since 1970.
        seen_at: When the impression that it comes from was seen.
        fields: Its fields by name; without `event_time` the log writes `at`.
        days_later: How many days after its own it comes.
        is_last: It stands at the end of its file, out of order.
        is_broken: A part of it is missing.
        fault: What is wrong with it.
    """

    kind: str
    at: int
    seen_at: int
    fields: dict[str, Any]
    days_later: int = 0
    is_last: bool = False
    is_broken: bool = False
    fault: str = ""


def logging_campaigns(world: World, impressions_a_day: int) -> list[str]:
    """The campaigns whose events are logged: the smallest ones, as many as show about so many impressions a day."""
    places, campaigns = world.places, len(world.campaign_ids)
    people = np.bincount(places.country_index[world.user_place], minlength=len(places.countries))
    shown = np.zeros(campaigns, np.int64)
    for country, slots in enumerate(world.bookings_shown):
        shown += people[country] * np.bincount(world.booking_campaign[slots], minlength=campaigns)
    smallest_first = np.argsort(shown, kind="stable")
    volume = np.cumsum(shown[smallest_first]) * world.impressions_per_day // shown.sum()
    number = max(1, int(np.searchsorted(volume, impressions_a_day, side="right")))
    return sorted(world.campaign_ids[one] for one in smallest_first[:number])


def entries(world: World, day: date, campaigns: Collection[str], *, conversions_only: bool = False) -> Iterator[Entry]:
    """The entries that a day's impressions lead to, in all logs or the shop's alone, with what happens later."""
    happened = events(world, day, campaigns)
    ids = happened.impressions.column("impression_id").to_pylist()
    seen_at = dict(zip(ids, _microseconds(happened.impressions).to_pylist(), strict=True))
    numbers = np.array([int(one.rpartition("-")[2]) for one in ids], np.int64)
    draws = bits(address(world.seed, "logs", day.toordinal()), numbers).tolist()
    drawn = dict(zip(ids, draws, strict=True))
    asked = dict(zip(ids, bits(address(world.seed, "requests", day.toordinal()), numbers).tolist(), strict=True))

    for row in [] if conversions_only else _rows(happened.impressions):
        at = row.pop("event_time")
        logged = [*_impression(row, at, drawn[row["impression_id"]])]
        yield from logged
        yield from _requests(row, [entry for entry in logged if entry.kind == "bids"], asked[row["impression_id"]])
    for row in [] if conversions_only else _rows(happened.clicks):
        yield Entry("clicks", row.pop("event_time"), seen_at[row["impression_id"]], row)
    for row in _rows(happened.conversions):
        yield from _conversion(row, seen_at[row["impression_id"]], drawn[row["impression_id"]])
    clicked = set(happened.clicks.column("impression_id").to_pylist())
    viewed = [place for place, draw in enumerate(draws) if _is_converted(draw) and ids[place] not in clicked]
    for row in _rows(happened.impressions.take(pa.array(viewed, pa.int64()))):
        yield _view_through(row, drawn[row["impression_id"]])


def _rows(table: pa.Table) -> list[dict[str, Any]]:
    """The rows of a table, with times as whole microseconds."""
    place = table.schema.get_field_index("event_time")
    rows: list[dict[str, Any]] = table.set_column(place, "event_time", _microseconds(table)).to_pylist()
    return rows


def _microseconds(table: pa.Table) -> pa.ChunkedArray:
    return table.column("event_time").cast(pa.int64())


def _impression(impression: dict[str, Any], seen_at: int, draw: int) -> Iterator[Entry]:
    """An impression, the bid that won it, and for some a lost bid for the other place of the page.

    What the winner pays is the price that delivery counts; it had offered up to a quarter more. One exchange says `won`
    and why a bid lost, the other one has a code for all of it.
    """
    if impression["platform"] in _HAVE_NO_AUCTION:
        yield Entry("impressions", seen_at, seen_at, impression)
        return
    paid = impression["bid_price"]
    offered = (paid * (100 + draw % 26)).scaleb(-2)
    is_north = draw >> 8 & 1 == 0
    auction = f"auc{impression['impression_id'][3:]}"
    impression |= {"bid_price": offered, "auction_id": auction, "imp_id": str(1 + (draw >> 9 & 1))}
    yield Entry("impressions", seen_at, seen_at, impression)
    shared = {
        "auction_id": auction,
        "exchange": "north" if is_north else "south",
        "currency": "USD" if is_north else None,
        "campaign_id": impression["campaign_id"],
        "ad_id": impression["ad_id"],
    }
    at = seen_at // 1_000 * 1_000 - 1_000 * (50 + (draw >> 16) % 950)
    won = {"imp_id": impression["imp_id"], "bid_price": offered, "clearing_price": paid}
    won |= {"bid_id": f"{auction}-w", "won": True} if is_north else {"loss_reason": 0}
    yield Entry("bids", at, seen_at, shared | won)
    if (draw >> 32) % 10 < 3:
        reason = _LOSS_REASONS[(draw >> 40) % len(_LOSS_REASONS)]
        lost = {"imp_id": str(2 - (draw >> 9 & 1)), "bid_price": paid}
        lost |= {"bid_id": f"{auction}-l", "won": False, "loss_reason": str(reason)} if is_north else {}
        yield Entry("bids", at, seen_at, {"loss_reason": reason, **shared, **lost})


def _requests(impression: dict[str, Any], bids: list[Entry], draw: int) -> Iterator[Entry]:
    """The request that the bids of an impression answered; for some a test, or another one that nobody bid on.

    No bid that won lies below its floor, and one that lost because of the floor does.
    """
    if not bids:
        return
    auction = bids[0].fields["auction_id"]
    imps = {bid.fields["imp_id"]: _floor(bid, draw >> 8 * number) for number, bid in enumerate(bids)}
    if draw >> 16 & 1:
        imps.setdefault("3", {})
    at = bids[0].at - 1_000 * (5 + draw % 40)
    request = _request(impression, bids[0].fields["exchange"], draw)
    asked = [{"id": name} | floor for name, floor in sorted(imps.items())]
    yield Entry("bid_requests", at, bids[0].seen_at, {"id": auction, "test": 0, "imp": asked, **request})
    for name, is_there, is_test in (("n", draw >> 20 & 7 == 0, 0), ("t", draw >> 24 & 63 == 0, 1)):
        if is_there:
            imp: list[dict[str, Any]] = [{"id": "1", "bidfloor": 0.1 * (draw >> 30 & 7), "bidfloorcur": "USD"}]
            fields = {"id": f"{auction}-{name}", "test": is_test, "imp": imp, **request}
            yield Entry("bid_requests", at + 1_000, bids[0].seen_at, fields)


def _floor(bid: Entry, draw: int) -> dict[str, Any]:
    price = bid.fields["bid_price"]
    if int(bid.fields.get("loss_reason") or 0) == _BELOW_THE_FLOOR:
        return {"bidfloor": float((price * 2).quantize(Decimal("0.01"))), "bidfloorcur": "USD"}
    floor = float((price / 2).quantize(Decimal("0.01")))
    return ({}, {"bidfloor": 0.0}, {"bidfloor": floor}, {"bidfloor": floor, "bidfloorcur": " usd"})[draw & 3]


def _request(impression: dict[str, Any], exchange: str, draw: int) -> dict[str, Any]:
    """What a request says beside its id and its imps."""
    country, _, region = impression["geo_location"].partition("-")
    page = {"publisher": {"id": impression["publisher_id"]}, "cat": [f"IAB{1 + draw % 20}"]}
    is_app = impression["platform"] == "mobile_app"
    return {
        "exchange": exchange,
        "at": 1 + (draw >> 40 & 1),
        "tmax": 100 + 20 * (draw >> 41 & 3),
        "site": None if is_app else {"domain": impression["site_domain"], **page},
        "app": {"bundle": f"app.{impression['site_domain']}", **page} if is_app else None,
        "device": {
            "devicetype": _DEVICE_TYPES[impression["device_type"]],
            "geo": {"country": _COUNTRIES.get(country, country), "region": region or None},
        },
        "user": {"id": impression["user_id"], "data": [{"id": "dmp", "segment": [{"id": f"s{draw >> 44 & 31}"}]}]},
    }


def _conversion(row: dict[str, Any], seen_at: int, draw: int) -> Iterator[Entry]:
    """A conversion after a click, perhaps without naming what the shop does not know, and perhaps its refund."""
    at = row.pop("event_time")
    tail = row.pop("impression_id")[3:]
    knows = draw % 8
    if knows < 2:
        row["click_id"] = f"clk{tail}"
    if knows == 0:
        row["user_id"] = None
    if knows == 7:
        row["campaign_id"] = None
    if (draw >> 8) % 20 == 0:
        row["conversion_count"] = "2"
    if (draw >> 16) % 10 == 0:
        row["currency"] = " usd"
    yield Entry("conversions", at, seen_at, row)
    if row["conversion_type"] == "purchase" and (draw >> 24) % 25 == 0:
        refund = row | {"conversion_type": "refund", "conversion_value": -row["conversion_value"]}
        yield Entry("conversions", at + _DAY * (1 + (draw >> 32) % 3), seen_at, refund)


def _is_converted(draw: int) -> bool:
    """One impression in 400 leads to a conversion without a click."""
    return (draw >> 24) % 400 == 0


def _view_through(impression: dict[str, Any], draw: int) -> Entry:
    """A conversion without a click, within 30 hours, so that some miss the look-back."""
    seen_at = impression["event_time"]
    row = {
        "conversion_id": f"cnv{impression['impression_id'][3:]}v",
        "user_id": impression["user_id"],
        "campaign_id": impression["campaign_id"],
        "conversion_type": "sign_up",
        "conversion_value": Decimal(500 + draw % 2000).scaleb(-2),
        "currency": "USD",
        "impression_id": impression["impression_id"] if draw & 1 else None,
    }
    return Entry("conversions", seen_at + _SECOND * (60 + (draw >> 34) % 108_000), seen_at, row)
