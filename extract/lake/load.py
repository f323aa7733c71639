"""Load: everything in landing that the ledger in the lake does not have, oldest first, as one load package."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

from extract.lake.lake import Lake
from extract.lake.ledger import Ledger
from extract.lake.package import Package
from extract.landing import LandedUnit
from extract.source import Source

_log = logging.getLogger("extract")


class Progress(Protocol):
    """Where a step says how far it is."""

    def start(self, label: str, total: int | None) -> None:
        """A step begins; `total` is how much there is to do, if that is known."""

    def advance(self, n: int = 1) -> None:
        """So much more of it is done."""

    def message(self, text: str) -> None:
        """Something a person should know."""


def clear_away(working: Path, lake: Lake) -> None:
    """Removes what a killed load left: its files in the lake, which count for nothing, and its working folder.

    Afterwards every file in the lake belongs to a complete package.
    """
    if working.exists() or not lake.root.is_local:  # the load that was killed may have run on another machine
        lake.sweep(lake.completed_loads())
    if working.exists():
        shutil.rmtree(working)


def load(
    working: Path,
    lake: Lake,
    ledger: Ledger,
    units: Iterable[LandedUnit],
    sources: Mapping[str, Source],
    progress: Progress,
    through: int,
) -> Mapping[str, list[Mapping[str, Any]]]:
    """Loads the units, if there are any; the first load makes all tables, so that a reader finds every one.

    A kill at any point leaves a package that does not count; `clear_away`, and the same call again, make it anew.

    Args:
        working: A folder for the package while it is made, on the lake's file system if that is a disk.
        lake: Where it goes.
        ledger: What it has.
        units: What is to be loaded.
        sources: The sources by name; each reads its own units.
        progress: Is told the number of records.
        through: The receipt number up to which the lake then has everything in landing.

    Returns:
        The rows that were added to each ledger.
    """
    missing = lake.missing_tables()
    units = sorted(units)
    if not units and not missing:
        lake.note_through(through)
        return {}
    from extract.lake import dlt_pipeline

    added: dict[str, list[Mapping[str, Any]]] = {}

    def write(load_id: str) -> dict[str, list[Path]]:
        package = Package(working / "parquet", load_id)
        for unit in units:
            started = time.monotonic()
            source = sources[unit.source]
            with package.unit(source.config, unit) as rows:
                entries = source.read(unit, rows)
                read = rows.read
            package.enter(unit, ledger.readings(unit.path) + 1, entries)
            _log_line("unit", started, source=unit.source, unit=unit.path, records_read=read)
        added.update(package.ledgers)
        return package.finish(missing)

    progress.start("load", None)
    started = time.monotonic()
    dlt_pipeline.load(working, lake, write)
    lake.note_through(through)
    _log_line("load package", started, units=len(units))
    return added


def _log_line(what: str, started: float, **facts: object) -> None:
    _log.info(what, extra={**facts, "seconds": round(time.monotonic() - started, 3)})
