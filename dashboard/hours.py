"""When in the week ads do best, by the logs of events and the clocks of the report time zone."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC
from typing import Any
from zoneinfo import ZoneInfo

import streamlit as st

from dashboard import charts, queries
from dashboard.filters import COLUMNS, LABELS
from dashboard.queries import Selection
from dashboard.text import formatted

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def weekdays_and_hours(selection: Selection) -> None:
    """Shows the CTR of each weekday and hour of the period; nothing where there are no events."""
    hours = queries.hours(selection).dicts()
    if not hours:
        return
    st.header("By weekday and hour", anchor=False)
    said = f"Net CTR by the logs of events, by the clocks of {selection.build.time_zone}."
    unapplied = [
        LABELS[name] for name, column in COLUMNS.items() if column in selection.columns() - {"campaign_id", "ad_id"}
    ]
    if unapplied:
        said += f" Not filtered by {', '.join(unapplied)}: these logs have only campaign and ad."
    st.caption(said)
    charts.heat_map(
        by_weekday_and_hour(hours, selection.build.time_zone), WEEKDAYS, alt="Net CTR by weekday and hour of day"
    )


def by_weekday_and_hour(hours: Sequence[dict[str, Any]], time_zone: str) -> list[dict[str, Any]]:
    """The sums of each weekday and hour of day, as the clocks of the zone show them, and their ratio."""
    sums: dict[tuple[int, int], list[int]] = defaultdict(lambda: [0, 0])
    for row in hours:
        local = row["hour_at"].replace(tzinfo=UTC).astimezone(ZoneInfo(time_zone))
        cell = sums[local.weekday(), local.hour]
        cell[0] += int(row["impressions"])
        cell[1] += int(row["clicks"])
    return [
        {
            "row": WEEKDAYS[weekday],
            "hour": hour,
            "value": clicks / impressions if impressions else None,
            "text": formatted(clicks / impressions if impressions else None, "percent", ""),
            "impressions": f"{impressions:,}",
        }
        for (weekday, hour), (impressions, clicks) in sorted(sums.items())
    ]
