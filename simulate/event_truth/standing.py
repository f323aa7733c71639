"""Which rows are one event, and which of them stands (RULES.md, "Event ids" and "Duplicates")."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable
from dataclasses import dataclass, field

from simulate.event_truth.accepted import Row, sha256, utc_date

OWN_ID = {"impressions": "impression_id", "clicks": "click_id", "conversions": "conversion_id"}


@dataclass
class Standing:
    """The events of a kind, and the rows that are none.

    Attributes:
        rows: One per event, in order of their ids.
        duplicates: How many other rows there are.
        conflicts: Those of the other rows that differ from the standing one.
        returning_ids: Ids of impressions of several days.
    """

    rows: list[Row] = field(default_factory=list)
    duplicates: int = 0
    conflicts: list[Row] = field(default_factory=list)
    returning_ids: int = 0


def standing(kind: str, rows: list[Row]) -> Standing:
    """The events among accepted impressions, clicks or conversions."""
    _give_ids(OWN_ID[kind], rows)
    events: dict[tuple[Hashable, ...], list[Row]] = defaultdict(list)
    for row in rows:
        events[_key(kind, row)].append(row)
    found = Standing()
    for _, same in sorted(events.items()):
        stands = min(same, key=lambda row: (row["event_time"], row["payload"], row["receipt"]))
        found.rows.append(stands)
        found.duplicates += len(same) - 1
        found.conflicts += [row for row in same if row["payload"] != stands["payload"]]
    if kind == "impressions":
        days_of_ids = Counter(row["impression_id"] for row in found.rows)
        found.returning_ids = sum(days > 1 for days in days_of_ids.values())
    return found


def _give_ids(name: str, rows: list[Row]) -> None:
    """A row without an id is named after what it says, so that the same log delivered twice counts once."""
    equal_rows: Counter[tuple[str, str]] = Counter()
    for row in sorted(rows, key=lambda row: row["receipt"]):
        row["has_own_id"] = row[name] is not None
        if not row["has_own_id"]:
            _, file, _ = row["receipt"]
            equal_rows[file, row["said"]] += 1
            nth = equal_rows[file, row["said"]] if row["is_counted"] else 1
            row[name] = "h_" + sha256(row["said"] if nth == 1 else f"{row['said']}\x1f{nth}")[:32]


def _key(kind: str, row: Row) -> tuple[Hashable, ...]:
    if kind == "impressions":
        return utc_date(row["event_time"]), row["impression_id"]
    if kind == "conversions":
        return row["conversion_type"] or "", row["conversion_id"]
    return (row["click_id"],)
