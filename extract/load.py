"""Load: everything in landing that the ledger in the lake does not have, oldest first, as one load package."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

from extract.lake import Lake
from extract.landing import Unit
from extract.package import Package, UnitRows


class Progress(Protocol):
    """Where a step says how far it is."""

    def start(self, label: str, total: int | None) -> None:
        """A step begins; `total` is how much there is to do, if that is known."""

    def advance(self, n: int = 1) -> None:
        """So much more of it is done."""

    def message(self, text: str) -> None:
        """Something a person should know."""


Reader = Callable[[Unit, UnitRows], tuple[str, Mapping[str, Any]]]
"""Reads a unit into rows, keeps them if they are good, and says in which ledger to enter what became of it."""


def finish_pending(working: Path, lake: Lake) -> bool:
    """Finishes what a killed load left, and removes what no load will finish. Says whether there was any.

    Afterwards every file in the lake belongs to a complete package.
    """
    if not working.exists():
        return False
    from extract import pipeline

    pipeline.finish(working, lake.root)
    lake.sweep(lake.completed_loads())
    return True


def load(working: Path, lake: Lake, units: Iterable[Unit], readers: Mapping[str, Reader], progress: Progress) -> None:
    """Loads the units; makes all tables at the first load, so that a reader finds every one.

    A kill at any point leaves a package that does not count, and is finished or made again by the next load.

    Args:
        working: A folder for the package while it is made, on the lake's file system if that is a disk.
        lake: Where it goes.
        units: What is to be loaded, oldest first.
        readers: How to read a unit, by source.
        progress: Is told the number of records.
    """
    missing = lake.missing_tables()
    units = sorted(units)
    if not units and not missing:
        return
    from extract import pipeline

    def write(load_id: str) -> dict[str, list[Path]]:
        package = Package(working / "parquet", load_id)
        for unit in units:
            with package.unit(unit) as rows:
                table, entry = readers[unit.source](unit, rows)
            package.enter(table, unit, entry)
        return package.finish(missing)

    progress.start("load", None)
    pipeline.load(working, lake.root, write)
