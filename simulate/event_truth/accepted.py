"""Which records are events: each is cast, and has at most one reason why it is none."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from simulate.event_truth.records import FIELDS, Record, Rejected
from simulate.event_truth.rules import EventRules
from simulate.event_truth.values import (
    EXACT,
    boolean_of,
    decimal_of,
    id_of,
    microseconds_of,
    moment_of,
    price_of,
    text_of,
    user_of,
)

Row = dict[str, Any]

_IDS = {
    "impression_id",
    "click_id",
    "conversion_id",
    "ad_id",
    "campaign_id",
    "publisher_id",
    "auction_id",
    "imp_id",
    "bid_id",
}
_PRICES = {"bid_price", "click_price", "clearing_price"}
_AMOUNTS = {"conversion_value", "conversion_count"}
_REQUIRED = {"impressions": ("ad_id",), "bids": ("auction_id", "imp_id"), "clicks": (), "conversions": ()}
OLDEST = microseconds_of(datetime(2000, 1, 1, tzinfo=UTC))
LIMIT = Decimal(10**12)
_MICRO = Decimal("0.000001")


def cast(record: Record, rules: EventRules) -> Row:
    """A record's fields as they are stored, what it `said`, the sha256 of that as `payload`, and where it came from.

    Raises:
        Rejected: The record cannot be read.
    """
    if isinstance(record.fields, str):
        raise Rejected(record.fields)
    if not record.fields.keys() & set(FIELDS[record.kind]):
        raise Rejected("no_known_field")
    row: Row = {name: _cast(name, record.fields.get(name), rules) for name in FIELDS[record.kind]}
    moment = row["event_time"]
    row["event_time"] = moment and moment.at
    row["earliest"] = moment and moment.earliest
    row["said"] = _canonical([row[name] for name in FIELDS[record.kind]])
    row["payload"] = sha256(row["said"])
    row["receipt"] = (record.number, record.file, record.position)
    row["received_at"] = microseconds_of(record.received_at)
    row["is_counted"] = record.is_counted
    return row


def _cast(name: str, value: Any, rules: EventRules) -> Any:
    if name == "user_id":
        return user_of(value, rules.privacy_key)
    if name in _IDS:
        return id_of(value)
    if name == "event_time":
        return moment_of(value, rules.timezone)
    if name in _PRICES:
        return price_of(value)
    if name in _AMOUNTS:
        return decimal_of(value)
    if name == "won":
        return boolean_of(value)
    text = text_of(value)
    return text and text.upper() if name == "currency" else text


def _canonical(values: list[Any]) -> str:
    """The canonical payload: the fields joined by U+001F, a null being empty."""
    texts = [str(value).lower() if isinstance(value, bool) else str(value) for value in values]
    return "\x1f".join("" if value is None else text for value, text in zip(values, texts, strict=True))


def sha256(text: str) -> str:
    """The digest of a text in UTF-8, in hex digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def broken_rule(kind: str, row: Row, rules: EventRules) -> str | None:
    """Why a record is quarantined: the first rule that it breaks."""
    for name in ("event_time", *_REQUIRED[kind]):
        if row[name] is None:
            return f"null_{name}"
    prices = [row[name] for name in sorted(_PRICES) if row.get(name) is not None]
    amounts = [row[name] for name in sorted(_AMOUNTS) if row.get(name) is not None]
    if row["event_time"] < OLDEST or any(abs(amount) >= LIMIT for amount in prices + amounts):
        return "out_of_range"
    if any(price < 0 for price in prices):
        return "negative_price"
    if (row.get("conversion_count") or 0) < 0:
        return "negative_count"
    if row["earliest"] > row["received_at"] + rules.future_tolerance:
        return "future_event"
    if "currency" in row:
        currency = currency_of(row, rules)
        if not (len(currency) == 3 and currency.isascii() and currency.isalpha()):
            return "bad_currency"
        is_priced = prices or row.get("conversion_value") is not None
        if is_priced and exchange_rate(currency, utc_date(row["event_time"]), rules) is None:
            return "no_exchange_rate"
    return None


def currency_of(row: Row, rules: EventRules) -> str:
    """The code of the currency that a row's prices are in."""
    currency: str = row["currency"] or rules.currency
    return currency


def utc_date(at: int) -> date:
    """The UTC date of a time in microseconds."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)).date()


def exchange_rate(currency: str, day: date, rules: EventRules) -> Decimal | None:
    """The newest rate on or before a day, at most seven days old."""
    if currency == rules.currency:
        return Decimal(1)
    days = (day - timedelta(days=age) for age in range(8))
    return next((rules.exchange_rates[currency, one] for one in days if (currency, one) in rules.exchange_rates), None)


def converted(amount: Decimal, currency: str, day: date, rules: EventRules) -> Decimal | None:
    """An amount in the currency of the warehouse, half up at six decimals; None without a rate."""
    rate = exchange_rate(currency, day, rules)
    return None if rate is None else EXACT.multiply(amount, rate).quantize(_MICRO, context=EXACT)
