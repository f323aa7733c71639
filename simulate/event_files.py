"""Writes the events of a world as files that systems drop: for each day and log, what came on that day."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from simulate.event_avro import avro_file
from simulate.event_fault_rates import EventFaultRates
from simulate.event_faults import LATEST, with_faults
from simulate.event_log import LATEST_DAY, Entry, entries, logging_campaigns
from simulate.event_truth.records import FIELDS
from simulate.world import World

_START = datetime(1970, 1, 1, tzinfo=UTC)
_TRACKER = timezone(timedelta(hours=2))
_EXTENSIONS = {
    "impressions": ".jsonl",
    "clicks": ".csv",
    "conversions": ".csv",
    "bid_requests": ".avro",
    "bids": ".jsonl",
}
# A price has under 16 digits, so the shortest text of its nearest float is the price, digit by digit.
_JSON = json.JSONEncoder(separators=(",", ":"), default=float)
_DAY = 86_400_000_000


def write_event_files(
    world: World,
    days: Iterable[date],
    folder: Path,
    *,
    impressions_a_day: int = 9_000,
    rates: EventFaultRates | None = None,
) -> Counter[tuple[str, str]]:
    """Writes `<folder>/<kind>/<kind>-<day>.jsonl`, `.csv` or `.avro` for each day and kind of which something came.

    The events are those of the smallest campaigns (`logging_campaigns`), all of theirs that delivery counts. A file has
    what came on its day, by the UTC day of the event, late entries and conversions of older impressions among them. So
    it is the same whatever other days are asked for, and writing it again writes the same bytes.

    Args:
        world: Whose events they are.
        days: UTC days, at least one.
        folder: An inbox: its folders are those of the kinds.
        impressions_a_day: About how many impressions a day are logged, of at least one campaign.
        rates: What goes wrong; the default has all faults.

    Returns:
        By kind, how many `records` the files have, and how many of them each fault of `EventFaultRates`.
    """
    rates = EventFaultRates() if rates is None else rates
    campaigns = logging_campaigns(world, impressions_a_day)
    wanted = sorted(set(days))
    counts: Counter[tuple[str, str]] = Counter()
    coming: dict[date, list[Entry]] = defaultdict(list)
    for day in _days(wanted[0] - timedelta(days=LATEST_DAY + LATEST), wanted[-1]):
        # Of older impressions only conversions can still come: the others happen on the same day or in the next hours.
        is_old = day < wanted[0] - timedelta(days=1 + LATEST)
        happened = entries(world, day, campaigns, conversions_only=is_old)
        for entry in with_faults(world, day, happened, rates):
            # A click or a bid before its impression may be of the day before: it comes with it.
            came_on = max(day, (_START + timedelta(days=entry.at // _DAY)).date()) + timedelta(days=entry.days_later)
            if wanted[0] <= came_on:
                coming[came_on].append(entry)
        came = coming.pop(day, [])
        if day in wanted:
            for kind, extension in _EXTENSIONS.items():
                path = folder / kind / f"{kind}-{day}{extension}"
                _write([entry for entry in came if entry.kind == kind], path, day)
            for entry in came:
                counts[entry.kind, "records"] += 1
                counts[entry.kind, entry.fault] += bool(entry.fault)
    return +counts


def _days(first: date, last: date) -> Iterable[date]:
    return (first + timedelta(days=number) for number in range((last - first).days + 1))


def _write(rows: list[Entry], path: Path, day: date) -> None:
    """Writes a log in the order of its times; the file appears under its name only when it is whole."""
    if not rows:
        return
    rows.sort(key=lambda entry: (entry.is_last, entry.at))
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    if path.suffix == ".avro":
        part.write_bytes(avro_file(map(_request, rows), path.stem, is_newer=day.toordinal() % 2 == 1))
    else:
        text = _csv(rows) if path.suffix == ".csv" else "".join(map(_json_line, rows))
        part.write_bytes(text.encode())
    part.rename(path)


def _request(entry: Entry) -> dict[str, Any]:
    """What a request says; the exchanges' clocks count milliseconds."""
    return {"timestamp": entry.at // 1_000 * 1_000} | entry.fields


def _values(entry: Entry) -> dict[str, Any]:
    fields = entry.fields
    values = {name: fields.get(name) for name in FIELDS[entry.kind]}
    if "event_time" not in fields:
        values["event_time"] = _clock(entry)
    return values


def _clock(entry: Entry) -> str | int:
    """The time as its log writes it.

    The bidder counts milliseconds, the shop has whole seconds and no zone, the tracker a zone of its own.
    """
    if entry.kind == "bids":
        return entry.at // 1_000
    at = _START + timedelta(microseconds=entry.at)
    if entry.kind == "conversions":
        return at.strftime("%Y-%m-%d %H:%M:%S")
    if entry.kind == "clicks":
        return at.astimezone(_TRACKER).isoformat()
    return at.isoformat().replace("+00:00", "Z")


def _csv(rows: list[Entry]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(FIELDS[rows[0].kind])
    for entry in rows:
        values = list(_values(entry).values())
        writer.writerow(values[:-2] if entry.is_broken else values)
    return text.getvalue()


def _json_line(entry: Entry) -> str:
    text = _JSON.encode(_values(entry))
    return (text[: len(text) // 2] if entry.is_broken else text) + "\n"
