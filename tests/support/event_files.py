"""Event files of a simulated world, dropped as systems drop them, and what they say, for the truth."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np

from simulate.data_faults import NO_FAULTS
from simulate.event_files import write_event_files
from simulate.event_truth.records import FIELDS, Record, read
from simulate.world import World, make_world
from support.event_records import RECEIVED


def eventful_world(**sizes: Any) -> World:
    """A small world in which one impression in five is clicked, and one click in three leads to a conversion.

    Its smallest campaign shows some 75 impressions a day, its two smallest 450; delivery has no faults.
    """
    small: dict[str, Any] = {"campaigns": 8, "ads_per_campaign": 4, "brands": 4, "zips": 40, "users": 500}
    world = make_world(**{"seed": 7, "impressions_per_day": 4_000, "rates": NO_FAULTS, **small, **sizes})
    bookings = len(world.booking_ad)
    return replace(
        world,
        booking_click_threshold=np.full(bookings, 2**32 // 5, np.uint32),
        booking_conversion_threshold=np.full(bookings, 2**32 // 3, np.uint32),
    )


def drop_events(inbox: Path, world: World, days: Iterable[date], **settings: Any) -> Counter[tuple[str, str]]:
    """Writes the event files of some days into an inbox, where they look as if they had been quiet for a minute."""
    counts = write_event_files(world, days, inbox, **settings)
    for path in files_in(inbox):
        a_minute_ago = path.stat().st_mtime - 60
        os.utime(path, (a_minute_ago, a_minute_ago))
    return counts


def files_in(folder: Path) -> list[Path]:
    """The event files in an inbox, by kind and day."""
    return sorted(path for path in folder.glob("*/*") if not path.name.startswith("."))


def records_in(folder: Path, received_at: datetime = RECEIVED) -> list[Record]:
    """The records of the event files in an inbox, received in the order of their names."""
    return [
        record
        for number, path in enumerate(files_in(folder), start=1)
        for record in read(path.parent.name, path.read_bytes(), received_at, number, path.name)
    ]


def records_in_landing(landing: Path) -> list[Record]:
    """The records of all event files in landing, received as their receipts say; named as their sources are kinds."""
    found: list[Record] = []
    for receipt in sorted(landing.glob("*/*/*/.receipt.json")):
        told = json.loads(receipt.read_text())
        received_at = datetime.fromisoformat(told["received_at"])
        for path in sorted(receipt.parent.rglob("[!.]*")):
            if told["source"] in FIELDS and path.is_file():
                name = path.relative_to(landing).as_posix()
                found += read(told["source"], path.read_bytes(), received_at, told["number"], name)
    return found
