"""The touches of a conversion, and the credit that each gets (RULES.md, "Touches" and "Credit")."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

from simulate.event_truth.accepted import Row, converted, currency_of, utc_date
from simulate.event_truth.credit import MODELS, WHOLE, Touch, credits_of
from simulate.event_truth.rules import EventRules
from simulate.event_truth.values import elapsed

_UNATTRIBUTED = "unattributed"


class Traffic:
    """The net clicks and impressions, by what a conversion can find them by."""

    def __init__(self, clicks: list[Row], impressions: list[Row], rules: EventRules) -> None:
        self._rules = rules
        self._clicks: dict[tuple[str, str], list[Row]] = defaultdict(list)
        self._impressions: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for name, events, found in (
            ("click_id", clicks, self._clicks),
            ("impression_id", impressions, self._impressions),
        ):
            for event in events:
                if event["invalid_reason"] is None:
                    found["id", event[name]].append(event)
                    if event["user_id"] is not None:
                        found["user", event["user_id"]].append(event)

    def touches(self, conversion: Row) -> list[Row]:
        """The touches in order; each is the click or the impression itself."""
        rules, at = self._rules, conversion["event_time"]
        clicks: list[Row] = []
        views: list[Row] = []
        for found, events, name, look_back in (
            (clicks, self._clicks, "click_id", rules.click_look_back),
            (views, self._impressions, "impression_id", rules.view_look_back),
        ):
            of_user = [
                event
                for event in events.get(("user", conversion["user_id"]), [])
                if conversion["campaign_id"] in (None, campaign_of(event))
            ]
            named = events.get(("id", conversion[name]), [])
            in_time = [event for event in named if 0 <= elapsed(event["event_time"], at) <= look_back]
            # Whoever names an id means the latest such event.
            latest = sorted(in_time, key=lambda event: event["event_time"])[-1:]
            found += [event for event in of_user if 0 <= elapsed(event["event_time"], at) <= look_back]
            found += [event for event in latest if not any(event is other for other in found)]
        clicked = [click["impression"] for click in clicks]
        views = [view for view in views if not any(view is impression for impression in clicked)]
        return sorted(views + clicks, key=lambda touch: (touch["event_time"], is_click(touch), _id(touch)))


def is_click(touch: Row) -> bool:
    """Whether a touch is a click."""
    return "click_id" in touch


def campaign_of(event: Row) -> str | None:
    """The campaign of an impression, or of a click: its own, else its impression's."""
    campaign: str | None = event["campaign_id"]
    if campaign is None and is_click(event) and event["impression"] is not None:
        campaign = event["impression"]["campaign_id"]
    return campaign


def _id(touch: Row) -> str:
    return str(touch["click_id"] if is_click(touch) else touch["impression_id"])


def attributed(conversions: list[Row], traffic: Traffic, rules: EventRules) -> list[Row]:
    """One row per conversion and touch, or for a conversion without touch; `touch` is the touched event itself.

    Credits are whole units of 10^-12.
    """
    rows = []
    for conversion in conversions:
        touches = traffic.touches(conversion)
        at = conversion["event_time"]
        shares = (
            credits_of([Touch(is_click(one), elapsed(one["event_time"], at)) for one in touches]) if touches else {}
        )
        value, count = conversion["conversion_value"], conversion["conversion_count"]
        currency = currency_of(conversion, rules)
        shared: Row = {
            "conversion_type": conversion["conversion_type"] or "",
            "conversion_id": conversion["conversion_id"],
            "converted_at": at,
            "conversions": Decimal(1) if count is None else count,
            "value": None if value is None else converted(value, currency, utc_date(at), rules),
        }
        if not touches:
            nobody: Row = {"touch": None, "touch_type": _UNATTRIBUTED, "touch_id": None, "touched_at": None}
            campaign = conversion["campaign_id"] or _UNATTRIBUTED
            rows.append({**shared, **nobody, "campaign_id": campaign, **dict.fromkeys(MODELS, WHOLE)})
        for place, touch in enumerate(touches):
            rows.append(
                {
                    **shared,
                    "touch": touch,
                    "touch_type": "click" if is_click(touch) else "impression",
                    "touch_id": _id(touch),
                    "touched_at": touch["event_time"],
                    "campaign_id": campaign_of(touch) or "unknown_campaign",
                    **{model: shares[model][place] for model in MODELS},
                }
            )
    return rows
