"""Short histories of events for tests: good records, with the differences that a test names."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from simulate.event_truth import truth_of_events
from simulate.event_truth.records import Record
from simulate.event_truth.rules import EventRules

RECEIVED = datetime(2026, 12, 20, tzinfo=UTC)


def clock(time: str, day: int = 2) -> str:
    """A time of November 2026, UTC."""
    return f"2026-11-{day:02}T{time}Z"


def impression(name: str, time: str, **fields: Any) -> Record:
    """An impression of ad a1 of campaign c1, seen by user u1."""
    good = {"impression_id": name, "ad_id": "a1", "campaign_id": "c1", "user_id": "u1", "event_time": time}
    return _record("impressions", {**good, "platform": "youtube", "bid_price": "1.5"}, fields)


def click(name: str, time: str, **fields: Any) -> Record:
    """A click of user u1 on ad a1 of campaign c1, that names no impression."""
    good = {"click_id": name, "ad_id": "a1", "campaign_id": "c1", "user_id": "u1", "event_time": time}
    return _record("clicks", {**good, "click_price": "0.5"}, fields)


def conversion(name: str, time: str, **fields: Any) -> Record:
    """A purchase of user u1 for 10 USD in campaign c1."""
    good = {"conversion_id": name, "user_id": "u1", "campaign_id": "c1", "event_time": time}
    return _record("conversions", {**good, "conversion_type": "purchase", "conversion_value": "10"}, fields)


def bid(auction: str, time: str, **fields: Any) -> Record:
    """A row of the bid on imp 1 of an auction of exchange x; it says nothing else."""
    return _record("bids", {"auction_id": auction, "imp_id": "1", "exchange": "x", "event_time": time}, fields)


def _record(kind: str, good: dict[str, Any], fields: dict[str, Any]) -> Record:
    """The names of `Record` say where and when it came, all others are fields."""
    came = {
        name: fields.pop(name) for name in ("received_at", "number", "file", "position", "is_counted") & fields.keys()
    }
    return Record(kind, good | fields, **({"received_at": RECEIVED} | came))


def clicks_of(*records: Record, **rules: Any) -> dict[str, tuple[str | None, str | None, str | None, str | None]]:
    """By click id: its impression, how it was joined, why it is an orphan, why it is invalid."""
    return {
        one["click_id"]: (
            one["impression"] and one["impression"]["impression_id"],
            one["joined_by"],
            one["orphan_reason"],
            one["invalid_reason"],
        )
        for one in truth_of_events(records, EventRules(**rules)).clicks
    }


def touches_of(*records: Record, **rules: Any) -> list[str | None]:
    """The ids of the touches of the only conversion, in order; None stands for nobody."""
    return [row["touch_id"] for row in truth_of_events(records, EventRules(**rules)).attributed_conversions]
