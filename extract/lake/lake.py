"""The raw lake: append-only Parquet, a folder a table, of which only the rows of complete load packages count."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from extract.athena import OTHER_LAKE, Athena, AthenaError
from extract.lake.tables import RAW_TABLES
from extract.storage import Folder

DATASET = "raw"
LOADS = "_dlt_loads"
_COMPLETED = "select load_id from raw._dlt_loads where status = 0"
_FORGET = "delete from raw._dlt_loads"
_THROUGH = "_through.json"


@dataclass(frozen=True)
class Lake:
    """The raw tables in the folder `raw`, each file named `<load id>.<file id>.parquet`.

    Attributes:
        root: The folder that has the folder `raw`.
        athena: Where the tables are registered too, if the lake is a bucket; the list of complete load packages is then
            a table there, and else a folder of JSON lines.
    """

    root: Folder
    athena: Athena | None = None

    @property
    def folder(self) -> Folder:
        """Where the tables are."""
        return self.root.below(DATASET)

    def completed_loads(self) -> set[str]:
        """The load packages that came to their end.

        Raises:
            AthenaError: The tables in the account and region are those of another lake.
        """
        if self.athena is not None:
            place = self.athena.location(DATASET, LOADS)
            if place is None:
                return set()  # no load has made the table yet
            if not place.startswith(f"{self.folder.url}/"):
                raise AthenaError(f"{OTHER_LAKE} {place.rpartition(f'/{DATASET}/')[0]}")
            return {load for (load,) in self.athena.rows(_COMPLETED)}
        loads = self.folder.below(LOADS)
        lines = (json.loads(loads.read(entry.name)) for entry in loads.entries() if entry.name.endswith(".jsonl"))
        return {line["load_id"] for line in lines if line["status"] == 0}

    @property
    def through(self) -> int | None:
        """The receipt number up to which the lake has everything in landing; None if that is not known."""
        try:
            return int(json.loads(self.folder.read(_THROUGH))["through"])
        except (FileNotFoundError, ValueError, TypeError, KeyError):
            return None

    def note_through(self, through: int) -> None:
        """Notes that nothing in landing up to a receipt number is left to load."""
        if through != self.through:
            self.folder.write(_THROUGH, json.dumps({"through": through}).encode())

    def rows(self, table: str, loads: Collection[str]) -> list[dict[str, Any]]:
        """All rows of these load packages, each as a dict; meant for a ledger, not for data."""
        names = self._files(table, lambda load: load in loads)
        # From bytes, in this thread: Arrow's own threads must not hold Python's files when the process ends.
        contents = self.folder.below(table).read_all(names)
        files = (pq.ParquetFile(pa.BufferReader(contents[name])) for name in names)
        return [row for file in files for row in file.read(use_threads=False).to_pylist()]

    def missing_tables(self) -> set[str]:
        """The tables that no reader can find yet."""
        return {table for table in RAW_TABLES if not self._files(table, lambda _: True)}

    def sweep(self, loads: Collection[str]) -> None:
        """Removes the files of every load package but these, which are what is left of packages given up."""
        for table in RAW_TABLES:
            for name in self._files(table, lambda load: load not in loads):
                self.folder.remove(f"{table}/{name}")

    def empty(self) -> None:
        """Removes everything; what a kill leaves of it counts or not, package by package, as ever."""
        self.folder.remove(_THROUGH)
        if self.athena is None:
            self.folder.remove(LOADS)
            self.folder.remove()
            return
        if self.completed_loads():
            self.athena.rows(_FORGET)
        self.sweep(())

    def _files(self, table: str, is_wanted: Callable[[str], bool]) -> list[str]:
        names = (entry.name for entry in self.folder.below(table).entries() if ".parquet" in entry.name)
        return sorted(name for name in names if is_wanted(name.rsplit(".parquet", 1)[0].rpartition(".")[0]))
