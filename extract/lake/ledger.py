"""The ledger: what the lake says was received, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from extract.lake.lake import LEDGERS, Lake


@dataclass(frozen=True)
class Ledger:
    """Every unit that a complete load package has, by its path in landing."""

    fetches: Mapping[str, Mapping[str, Any]]
    loaded_files: Mapping[str, Mapping[str, Any]]

    def __contains__(self, path: str) -> bool:
        """Whether the unit was loaded, or convert_records not to be."""
        return path in self.fetches or path in self.loaded_files


def read_ledger(lake: Lake) -> Ledger:
    """Reads the ledger; an empty one from a lake that is not there yet."""
    loads = lake.completed_loads()
    return Ledger(**{table: {row["_source"]: row for row in lake.rows(table, loads)} for table in LEDGERS})
