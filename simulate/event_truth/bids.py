"""The rows of a bid, an offer and perhaps a later outcome, are one bid (RULES.md, "Bids")."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from simulate.event_truth.accepted import Row, currency_of
from simulate.event_truth.rules import EventRules

_WON = "0"


def folded(rows: list[Row], rules: EventRules) -> list[Row]:
    """One row per bid, in the order of auction, imp, exchange and bid id.

    `is_won` is None where no row has an outcome. `currency` is the price's, `clearing_currency` the clearing price's.
    """
    offers: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for row in rows:
        offers[row["auction_id"], row["imp_id"], row["exchange"] or ""].append(row)
    bids: dict[tuple[str, str, str, str], list[Row]] = defaultdict(list)
    for offer, same in offers.items():
        has_bid_ids = all(row["bid_id"] is not None for row in same)
        for row in same:
            bids[(*offer, row["bid_id"] if has_bid_ids else "")].append(row)
    return [_one(key, same, rules) for key, same in sorted(bids.items())]


def _one(key: tuple[str, str, str, str], rows: list[Row], rules: EventRules) -> Row:
    rows = sorted(rows, key=lambda row: (row["event_time"], row["payload"], row["receipt"]))

    def earliest(has: Callable[[Row], bool]) -> Row | None:
        return next((row for row in rows if has(row)), None)

    priced = earliest(lambda row: row["bid_price"] is not None)
    decided = earliest(lambda row: _is_won(row) is not None)
    campaign = earliest(lambda row: row["campaign_id"] is not None)
    ad = earliest(lambda row: row["ad_id"] is not None)
    timed = priced or rows[0]
    bid: Row = dict(zip(("auction_id", "imp_id", "exchange", "bid_id"), key, strict=True))
    bid |= {
        "event_time": timed["event_time"],
        "bid_price": timed["bid_price"],
        "currency": currency_of(timed, rules),
        "is_won": None,
        "clearing_price": None,
        "clearing_currency": currency_of(timed, rules),
        "loss_reason": None,
        "campaign_id": campaign and campaign["campaign_id"],
        "ad_id": ad and ad["ad_id"],
        "rows": len(rows),
        "received_at": max(row["received_at"] for row in (timed, decided) if row),
    }
    if decided:
        bid["is_won"] = _is_won(decided)
        bid["clearing_price"] = decided["clearing_price"]
        bid["clearing_currency"] = currency_of(decided if decided["currency"] else timed, rules)
        reason = decided["loss_reason"]
        if reason not in (None, _WON):
            bid["loss_reason"] = rules.loss_reasons.get(reason.lower(), reason)
    return bid


def _is_won(row: Row) -> bool | None:
    """What a row says about the outcome; without `won`, reason 0 is won and any other one is lost."""
    if row["won"] is not None or row["loss_reason"] is None:
        won: bool | None = row["won"]
        return won
    return bool(row["loss_reason"] == _WON)
