"""Load: everything in landing that the ledger in the lake does not have, oldest first, as one load package."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

from extract.lake.lake import Lake
from extract.lake.package import Package, UnitRows
from extract.landing import LandedUnit


class Progress(Protocol):
    """Where a step says how far it is."""

    def start(self, label: str, total: int | None) -> None:
        """A step begins; `total` is how much there is to do, if that is known."""

    def advance(self, n: int = 1) -> None:
        """So much more of it is done."""

    def message(self, text: str) -> None:
        """Something a person should know."""


Reader = Callable[[LandedUnit, UnitRows], tuple[str, Mapping[str, Any]]]
"""Reads a unit into rows, keeps them if they are good, and says in which ledger to enter what became of it."""


def clear_away(working: Path, lake: Lake) -> None:
    """Removes what a killed load left: its files in the lake, which count for nothing, and its working folder.

    Afterwards every file in the lake belongs to a complete package.
    """
    if working.exists() or not lake.root.is_local:  # the load that was killed may have run on another machine
        lake.sweep(lake.completed_loads())
    if working.exists():
        shutil.rmtree(working)


def load(
    working: Path, lake: Lake, units: Iterable[LandedUnit], readers: Mapping[str, Reader], progress: Progress
) -> bool:
    """Loads the units, if there are any; the first load makes all tables, so that a reader finds every one.

    A kill at any point leaves a package that does not count; `clear_away`, and the same call again, make it anew.

    Args:
        working: A folder for the package while it is made, on the lake's file system if that is a disk.
        lake: Where it goes.
        units: What is to be loaded, oldest first.
        readers: How to read a unit, by source.
        progress: Is told the number of records.

    Returns:
        Whether there was anything to do.
    """
    missing = lake.missing_tables()
    units = sorted(units)
    if not units and not missing:
        return False
    from extract.lake import dlt_pipeline

    def write(load_id: str) -> dict[str, list[Path]]:
        package = Package(working / "parquet", load_id)
        for unit in units:
            with package.unit(unit) as rows:
                table, entry = readers[unit.source](unit, rows)
            package.enter(table, unit, entry)
        return package.finish(missing)

    progress.start("load", None)
    dlt_pipeline.load(working, lake, write)
    return True
