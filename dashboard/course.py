"""The buckets of a period: its days, weeks or months, also those in which nothing happened."""

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from typing import Any

from dashboard import queries
from dashboard.measures import DELIVERY, Measure
from dashboard.published import Rows
from dashboard.queries import Selection

MOST_EMPTY_DAYS = 800  # a longer period is drawn from its first to its last delivery


def course(
    selection: Selection, grain: str, measures: Iterable[Measure], read: Callable[[], Rows]
) -> list[dict[str, Any]]:
    """The measures in every bucket of a period, those of the period before by `before_` and name.

    Args:
        selection: The period.
        grain: What a bucket is: `day`, `week` or `month`.
        measures: What each row has.
        read: Gives the buckets in which something happened; in the others sums are 0 and rates undefined.
    """
    rows = {row["bucket"]: row for row in read().dicts()}
    if not rows:
        return []
    since, until = selection.since, selection.until
    if (until - since).days > MOST_EMPTY_DAYS:
        since, until = max(since, min(rows)), min(until, max(rows))
    nothing = {measure.name: None if measure.denominator else 0 for measure in measures}
    undefined = {f"before_{name}": None for name in nothing}
    nothing_before = {f"before_{name}": value for name, value in nothing.items()}
    found = []
    for bucket in buckets(since, until, grain):
        first, last = max(bucket, selection.since), min(end_of(bucket, grain), selection.until)
        is_compared = selection.compared_days(first, last)
        row = rows.get(bucket, {"bucket": bucket, **nothing, **nothing_before})
        found.append(row if is_compared else {**row, **undefined})
    return found


def delivery_course(selection: Selection, grain: str) -> list[dict[str, Any]]:
    """The delivery in every bucket of a period."""
    return course(selection, grain, DELIVERY.values(), lambda: queries.delivery(selection, grain=grain, limit=None))


def buckets(since: date, until: date, grain: str) -> list[date]:
    """The first day of each day, week (from Monday) or month that the period touches."""
    if grain == "week":
        since -= timedelta(days=since.weekday())
    elif grain == "month":
        since = since.replace(day=1)
    found = []
    while since <= until:
        found.append(since)
        since = end_of(since, grain) + timedelta(days=1)
    return found


def end_of(bucket: date, grain: str) -> date:
    """The last day of a bucket."""
    if grain == "month":
        return (bucket + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return bucket + timedelta(days=6 if grain == "week" else 0)
