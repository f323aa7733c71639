"""One row per impression, with its click, its cost and how far it went (RULES.md, "ad_events")."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal

from simulate.event_truth.accepted import Row, converted, utc_date
from simulate.event_truth.places import located
from simulate.event_truth.records import FIELDS
from simulate.event_truth.rules import EventRules
from simulate.event_truth.touches import is_click
from simulate.event_truth.values import EXACT, elapsed

_DEFAULT_MODEL = "last_click_else_view"


def ad_events(
    impressions: list[Row], clicks: list[Row], bids: list[Row], attributed: list[Row], rules: EventRules
) -> list[Row]:
    """The impressions with what followed; `event` is the impression itself."""
    clicks_of: dict[int, list[Row]] = defaultdict(list)
    for click in clicks:
        if click["impression"] is not None:
            clicks_of[id(click["impression"])].append(click)
    credited = {
        id(touch["impression"]) if is_click(touch) else id(touch)
        for touch in (row["touch"] for row in attributed if row["touch"] and row[_DEFAULT_MODEL])
    }
    wins: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for bid in bids:
        if bid["is_won"] and bid["clearing_price"] is not None:
            wins[bid["auction_id"], bid["imp_id"]].append(bid)
    return [
        _one(
            impression,
            clicks_of[id(impression)],
            # None of the keys is null, so an impression without one finds no bid.
            wins.get((impression["auction_id"], impression["imp_id"]), []),
            id(impression) in credited,
            rules,
        )
        for impression in impressions
    ]


def _one(impression: Row, clicks: list[Row], wins: list[Row], is_credited: bool, rules: EventRules) -> Row:
    net = [click for click in clicks if click["invalid_reason"] is None]
    click = min(net, key=lambda one: (one["event_time"], one["click_id"]), default=None)
    bid = min(wins, key=lambda one: (one["event_time"], one["exchange"], one["bid_id"]), default=None)
    price = impression["bid_price"]
    where = located(impression["geo_location"], impression["event_time"], rules)
    return {name: impression[name] for name in FIELDS["impressions"]} | {
        **where.columns,
        "geo_location": where.place,
        "event": impression,
        "invalid_reason": impression["invalid_reason"],
        "clicked_at": click and click["event_time"],
        "clicks": len(clicks),
        "net_clicks": len(net),
        "is_premium_ad": price is not None and price >= rules.premium_bid_price,
        "engagement_duration": click and _seconds(elapsed(impression["event_time"], click["event_time"])),
        "click_revenue": click and click["click_price"],
        "platform_category": rules.platforms.get((impression["platform"] or "").lower(), "other"),
        "interaction_depth": 2 if is_credited else 1 if net else 0,
        "media_cost": _media_cost(bid, price, rules),
        "processed_time": max(row["received_at"] for row in _known([impression, *clicks, bid])),
    }


def _seconds(microseconds: int) -> Decimal:
    return Decimal(microseconds).scaleb(-6, EXACT)


def _media_cost(bid: Row | None, bid_price: Decimal | None, rules: EventRules) -> Decimal | None:
    """What the impression cost, exactly: prices are for a thousand."""
    price = bid_price
    if bid:
        price = converted(bid["clearing_price"], bid["clearing_currency"], utc_date(bid["event_time"]), rules)
    return None if price is None else price.scaleb(-3, EXACT)


def _known(rows: Iterable[Row | None]) -> Iterable[Row]:
    return (row for row in rows if row is not None)
