"""A day's events of some campaigns as entries of four logs: the ad server's, the tracker's, the shop's, the bidder's.

Impressions, clicks and conversions are those of which delivery is counted. What delivery does not count is added:
conversions after a mere view, refunds, and the bids that won the impressions or lost others.
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
_LOSS_REASONS = (_LOST_TO_A_HIGHER_BID, _LOST_TO_A_HIGHER_BID, _LOST_TO_A_HIGHER_BID, _BELOW_THE_FLOOR, _TOO_LATE)


@dataclass(frozen=True)
class Entry:
    """One row of a log.

    Attributes:
        kind: The log: `impressions`, `clicks`, `conversions` or `bids`.
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

    for row in [] if conversions_only else _rows(happened.impressions):
        at = row.pop("event_time")
        yield from _impression(row, at, drawn[row["impression_id"]])
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
