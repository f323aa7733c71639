"""The ledger: what the lake says was received, and what became of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from extract.lake.lake import Lake
from extract.lake.tables import FETCHES, LEDGERS, LOADED_FILES


@dataclass(frozen=True)
class Ledger:
    """Every unit that a complete load package has.

    Attributes:
        rows: The rows of each ledger: one for each unit, reading and kind.
        through: Every landed unit with a number up to this one is in the ledger; None if that is not known.
    """

    rows: Mapping[str, list[dict[str, Any]]]
    through: int | None

    def __contains__(self, path: str) -> bool:
        """Whether the unit was loaded, or refused."""
        return path in self._readings

    def readings(self, path: str) -> int:
        """How often the unit was read."""
        return self._readings.get(path, 0)

    def loaded_hashes(self, source: str) -> Collection[str]:
        """The sha256 of each file of a source that was loaded."""
        return {row["sha256"] for row in self._of(LOADED_FILES, source) if row["status"] == "loaded"}

    def fetches(self, source: str) -> list[dict[str, Any]]:
        """What the ledger says of each fetch of a source."""
        return self._of(FETCHES, source)

    @cached_property
    def _readings(self) -> dict[str, int]:
        readings: dict[str, int] = {}
        for table in LEDGERS:
            for row in self.rows[table]:
                readings[row["_source"]] = max(row["reading"], readings.get(row["_source"], 0))
        return readings

    def _of(self, table: str, source: str) -> list[dict[str, Any]]:
        return [row for row in self.rows[table] if row["source"] == source]


def read_ledger(lake: Lake) -> Ledger:
    """Reads the ledger; an empty one from a lake that is not there yet."""
    loads = lake.completed_loads()
    return Ledger({table: lake.rows(table, loads) for table in LEDGERS}, lake.through)
