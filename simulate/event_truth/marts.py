"""The marts that add up: by hour, by people reached, by credited conversion (RULES.md, "Events")."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from simulate.event_truth.accepted import Row
from simulate.event_truth.credit import MODELS
from simulate.event_truth.rules import MICROSECONDS, EventRules
from simulate.event_truth.values import EXACT

_NOTHING = Decimal(0)
_DIMENSIONS = ("campaign_id", "ad_id", "publisher_id", "platform", "device_type", "geo_location")
_PREFIXES = {"click": "", "impression": "view_through_", "unattributed": "unattributed_"}
_UNKNOWN = {"campaign_id": "unknown_campaign", "ad_id": "unknown_ad"}


def report_time(at: int, rules: EventRules) -> datetime:
    """A time on the clock of the reports."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)).astimezone(rules.report_timezone)


def hour_at(at: int, rules: EventRules) -> int:
    """The instant at which the clock hour of a time began."""
    clock = report_time(at, rules)
    return at - (clock.minute * 60 + clock.second) * MICROSECONDS - clock.microsecond


def hourly_performance(events: list[Row], rules: EventRules) -> list[Row]:
    """Sums of `ad_events`: a click counts in the hour and dimensions of its impression."""
    groups: dict[tuple[Any, ...], Row] = {}
    for event in events:
        dimensions = {name: event[name] or _UNKNOWN.get(name, "Unknown") for name in _DIMENSIONS}
        key = {"hour_at": hour_at(event["event_time"], rules), **dimensions}
        measures = ("impressions", "net_impressions", "clicks", "net_clicks")
        empty = {**key, **dict.fromkeys(measures, 0), "media_cost": _NOTHING, "click_revenue": _NOTHING}
        group = groups.setdefault(tuple(key.values()), empty)
        group["impressions"] += 1
        group["net_impressions"] += event["invalid_reason"] is None
        group["clicks"] += event["clicks"]
        group["net_clicks"] += event["net_clicks"]
        for name in ("media_cost", "click_revenue"):
            group[name] = EXACT.add(group[name], event[name] or _NOTHING)
    return [group for _, group in sorted(groups.items())]


def reach_frequency(impressions: list[Row], rules: EventRules) -> list[Row]:
    """Different people by campaign and day, week or flight; `distribution` counts people by their impressions."""
    groups: dict[tuple[str, str, date], Counter[str | None]] = defaultdict(Counter)
    for impression in impressions:
        campaign = impression["campaign_id"] or _UNKNOWN["campaign_id"]
        day = report_time(impression["event_time"], rules).date()
        periods = [("day", day), ("week", day - timedelta(days=day.weekday()))]
        periods += [
            ("flight", flight.start)
            for flight in rules.flights
            if flight.campaign_id == campaign and flight.start <= day <= flight.end
        ]
        for period, start in periods:
            groups[campaign, period, start][impression["user_id"]] += 1
    return [_reach(*key, people) for key, people in sorted(groups.items())]


def _reach(campaign: str, period: str, start: date, people: Counter[str | None]) -> Row:
    without_user = people.pop(None, 0)
    return {
        "campaign_id": campaign,
        "period": period,
        "period_start": start,
        "reach": len(people),
        "impressions_with_user": people.total(),
        "impressions_without_user": without_user,
        "distribution": dict(Counter(people.values())),
    }


def campaign_attribution(attributed: list[Row], rules: EventRules) -> list[Row]:
    """Credited conversions and their value, in whole units of 10^-18: a credit has 12 decimals, a count and a value 6.

    `conversions` and `value` are those of clicks; those of views and of nobody have columns of their own, so that all
    three add up to what there was. A touch without credit in a model is in no group of it.
    """
    groups: dict[tuple[str, date, str, str, str], Counter[str]] = defaultdict(Counter)
    for row in attributed:
        converted_on = report_time(row["converted_at"], rules).date()
        touched_on = report_time(row["touched_at"], rules).date() if row["touch"] else converted_on
        for model in MODELS:
            if row[model] == 0:
                continue
            for base, day in (("touch", touched_on), ("conversion", converted_on)):
                group = groups[row["campaign_id"], day, row["conversion_type"], model, base]
                for name in ("conversions", "value"):
                    credited = row[model] * _millionths(row[name])
                    for touch_type, prefix in _PREFIXES.items():
                        group[prefix + name] += credited if row["touch_type"] == touch_type else 0
    names = ("campaign_id", "date", "conversion_type", "model", "base")
    return [{**dict(zip(names, key, strict=True)), **sums} for key, sums in sorted(groups.items())]


def _millionths(amount: Decimal | None) -> int:
    return 0 if amount is None else int(amount.scaleb(6, EXACT))
