"""Invalid traffic: the first rule that flags a click or an impression (RULES.md, "Invalid traffic")."""

from __future__ import annotations

from collections import Counter

from simulate.event_truth.accepted import Row
from simulate.event_truth.rules import DAY, EventRules
from simulate.event_truth.values import elapsed

_HOUR = DAY // 24


def flag_clicks(clicks: list[Row], rules: EventRules) -> None:
    """Gives each joined or orphaned click an `invalid_reason`; None: it is a net click."""
    first: dict[int, Row] = {}
    for click in sorted(clicks, key=lambda click: (click["event_time"], click["click_id"])):
        if click["impression"] is not None:
            first.setdefault(id(click["impression"]), click)
    on_day = Counter(_bucket(click, DAY) for click in clicks if click["user_id"] is not None)
    for click in clicks:
        impression = click["impression"]
        if impression is not None and first[id(impression)] is not click:
            reason = "repeat_click"
        elif impression and elapsed(impression["event_time"], click["event_time"]) < rules.fastest_click:
            reason = "fast_click"
        elif on_day[_bucket(click, DAY)] > rules.most_clicks_a_day:
            reason = "click_flood"
        else:
            reason = None
        click["invalid_reason"] = reason


def flag_impressions(impressions: list[Row], rules: EventRules) -> None:
    """Gives each impression an `invalid_reason`; None: it is a net impression."""
    in_hour = Counter(_bucket(one, _HOUR) for one in impressions if one["user_id"] is not None)
    for impression in impressions:
        is_flood = in_hour[_bucket(impression, _HOUR)] > rules.most_impressions_an_hour
        impression["invalid_reason"] = "impression_flood" if is_flood else None


def _bucket(event: Row, size: int) -> tuple[str, int]:
    """The user, and the UTC calendar day or hour."""
    return event["user_id"], event["event_time"] // size
