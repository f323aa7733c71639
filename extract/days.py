"""Which days of which accounts a file has, where the newest file of a day replaces that day."""

from __future__ import annotations

import json
from datetime import date

import pyarrow as pa

Days = frozenset[tuple[str, date]]
"""An account and a day; the account is empty where the records name none."""


def days_in(records: pa.Table) -> Days:
    """The days that records name. A record without a date names none."""
    named = records.select(["account", "date"]).group_by(["account", "date"]).aggregate([]).to_pylist()
    return frozenset((one["account"] or "", one["date"]) for one in named if one["date"] is not None)


def text_of(days: Days) -> str:
    """The days as the ledger keeps them: JSON with the days of each account."""
    listed: dict[str, list[str]] = {}
    for account, day in sorted(days):
        listed.setdefault(account, []).append(day.isoformat())
    return json.dumps(listed, separators=(",", ":"))


def from_text(text: str | None) -> Days:
    """The days that the ledger tells; none of a file that has no days."""
    listed: dict[str, list[str]] = json.loads(text) if text else {}
    return frozenset((account, date.fromisoformat(day)) for account, days in listed.items() for day in days)
