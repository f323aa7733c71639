"""Which impression a click is of, or why of none (RULES.md, "Click ⨝ impression")."""

from __future__ import annotations

from collections import defaultdict

from simulate.event_truth.accepted import Row, utc_date
from simulate.event_truth.rules import EventRules
from simulate.event_truth.values import elapsed


def join(clicks: list[Row], impressions: list[Row], rules: EventRules) -> None:
    """Gives each click its `impression` and `joined_by`; one that has none gets an `orphan_reason`."""
    with_id: dict[str, list[Row]] = defaultdict(list)
    of_user: dict[str, list[Row]] = defaultdict(list)
    for impression in impressions:
        with_id[impression["impression_id"]].append(impression)
        if impression["user_id"] is not None:
            of_user[impression["user_id"]].append(impression)
    for click in clicks:
        click |= {"impression": None, "joined_by": None, "orphan_reason": None}
        if click["impression_id"] is not None:
            candidates, by = with_id[click["impression_id"]], "id"
        elif click["user_id"] is not None:
            candidates = [one for one in of_user[click["user_id"]] if _is_of_same_ad(click, one)]
            by = "user"
        else:
            candidates, by = [], ""
        in_window = [one for one in candidates if _is_in_window(click, one, rules)]
        if in_window:
            # The latest; of several the one with the smaller id.
            click["impression"] = min(in_window, key=lambda one: (-one["event_time"], one["impression_id"]))
            click["joined_by"] = by
        else:
            click["orphan_reason"] = _why_orphan(click, with_id)


def _is_of_same_ad(click: Row, impression: Row) -> bool:
    if click["ad_id"] is not None:
        return bool(click["ad_id"] == impression["ad_id"])
    return click["campaign_id"] is not None and click["campaign_id"] == impression["campaign_id"]


def _is_in_window(click: Row, impression: Row, rules: EventRules) -> bool:
    return 0 <= elapsed(impression["event_time"], click["event_time"]) <= rules.click_window


def _why_orphan(click: Row, with_id: dict[str, list[Row]]) -> str:
    day = utc_date(click["event_time"])
    near = [
        impression
        for impression in with_id.get(click["impression_id"], [])
        if abs((utc_date(impression["event_time"]) - day).days) <= 1
    ]
    if not near:
        return "no_impression"
    is_later = [elapsed(impression["event_time"], click["event_time"]) < 0 for impression in near]
    return "before_impression" if all(is_later) else "outside_window"


def orphan_clicks(clicks: list[Row]) -> list[Row]:
    """The clicks without an impression, and why."""
    names = ("click_id", "orphan_reason", "invalid_reason", "campaign_id", "event_time")
    orphans = [click for click in clicks if click["impression"] is None]
    return [{name: click[name] for name in names} | {"date": utc_date(click["event_time"])} for click in orphans]
