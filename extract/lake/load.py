"""Load: everything in landing that the ledger in the lake does not have, oldest first, as one load package."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from extract.lake.lake import JOURNAL, Lake
from extract.lake.ledger import Ledger
from extract.lake.package import LedgerRow, Package
from extract.lake.tables import FETCHES
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
    """Removes what a killed run left: files that do not count, and the folder it worked in.

    An outdated lake is left as it is: it is to be emptied.

    Raises:
        AthenaError: The tables in Athena are those of another lake.
        LakeDamagedError: A file of the lake is missing.
    """
    lake.check_owner()
    is_left = lake.index.is_open or working.exists() or (lake.folder.is_local and lake.folder.has(JOURNAL))
    if is_left and not lake.is_outdated:
        lake.sweep()
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
    read_with: Mapping[str, str],
    report_timezone: ZoneInfo,
) -> Mapping[str, list[Mapping[str, Any]]]:
    """Loads the units, if there are any; the first load makes all tables, so that a reader finds every one.

    A kill at any point leaves a package that does not count; `clear_away`, and the same call again, make it again.
    Small files of earlier loads are merged from time to time.

    Args:
        working: A folder for the package while it is made, on the lake's file system if that is a disk.
        lake: Where it goes.
        ledger: What it has.
        units: What is to be loaded.
        sources: The sources by name; each reads its own units.
        progress: Is told the number of records.
        through: The receipt number up to which the lake then has everything in landing.
        read_with: What decides how the records of each source are read.
        report_timezone: Where the time of a receipt becomes a report date.

    Returns:
        The rows that were added to each ledger.
    """
    missing = lake.missing_tables()
    units = sorted(units)
    if not units and not missing:
        lake.note_through(through, read_with)
        return {}
    from extract.lake import dlt_pipeline
    from extract.lake.merge import merge_if_due

    added: dict[str, list[Mapping[str, Any]]] = {}
    loaded: dict[str, dict[str, list[Path]]] = {}

    def write(load_id: str) -> dict[str, list[Path]]:
        package = Package(working / "parquet", load_id, report_timezone)
        for source, unit in _due(units, sources):
            started = time.monotonic()
            with package.unit(source.config, unit) as rows:
                entries = source.read(unit, rows)
            package.enter(unit, ledger.readings(unit.path) + 1, entries)
            _log_line("read", started, source=unit.source, unit=unit.path, **_facts(entries))
        added.update(package.ledgers)
        loaded[load_id] = package.finish(missing)
        return loaded[load_id]

    progress.start("load", None)
    started = time.monotonic()
    lake.open()
    dlt_pipeline.load(working, lake, write)
    for load_id, files in loaded.items():
        tables = [table for table, paths in files.items() if paths]
        is_change = any(not is_note(table, row) for table, rows in added.items() for row in rows)
        lake.add_load(load_id, tables, through, {unit.path for unit in units}, read_with, is_change=is_change)
    _log_line("load", started, units=len(units))
    started = time.monotonic()
    if count := merge_if_due(lake):
        _log_line("merge", started, files=count)
    return added


def _due(units: Sequence[LandedUnit], sources: Mapping[str, Source]) -> Iterator[tuple[Source, LandedUnit]]:
    for name in dict.fromkeys(unit.source for unit in units):
        waiting = [unit for unit in units if unit.source == name]
        yield from ((sources[name], unit) for unit in sources[name].due(waiting))


def _facts(entries: Sequence[LedgerRow]) -> dict[str, object]:
    """What the log says of a unit that was read, of all its kinds of record together."""
    told = [entry.values for entry in entries]
    status = "loaded" if told[0].get("complete") else "failed"
    facts: dict[str, object] = {"status": told[0].get("status", status), "bytes": told[0].get("bytes")}
    for count in ("records_read", "records_loaded", "records_rejected"):
        facts[count] = sum(values[count] for values in told)
    return facts


def is_note(table: str, row: Mapping[str, Any]) -> bool:
    """Whether a row of the ledger only notes that a fetch failed or brought nothing new."""
    return table == FETCHES and (row["unchanged"] or not row["complete"])


def _log_line(what: str, started: float, **facts: object) -> None:
    _log.info(what, extra={"phase": what, **facts, "seconds": round(time.monotonic() - started, 3)})
