"""The raw lake: append-only Parquet, one folder per table. Only the rows of complete load packages count."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache

import pyarrow as pa
import pyarrow.parquet as pq

from extract.athena import OTHER_LAKE, Athena, AthenaError
from extract.lake.index import FILE, MERGED, Index, index_from_json
from extract.lake.tables import LEDGERS, RAW_TABLES
from extract.storage import Entry, Folder

DATASET = "raw"
LOADS = "_dlt_loads"
_COMPLETED = "select load_id from raw._dlt_loads where status = 0"
_ENDINGS = (".parquet", ".jsonl")
_FORMAT = 2  # counts up when the same columns get another meaning
MERGING = "_merging"  # a folder that no reader looks into, for merged files in the making
JOURNAL = "_merging.json"  # there while readers may find rows twice: which merged file replaces which files


class LakeDamagedError(Exception):
    """A file of the lake is missing or unreadable. Loading the lake again from landing repairs it."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"{path} {why}")
        self.path = path
        self.why = why


@cache
def formats() -> dict[str, str]:
    """The format of each table as this version of the project writes it."""
    described = {table: ", ".join(f"{one.name} {one.type}" for one in raw.schema) for table, raw in RAW_TABLES.items()}
    return {
        table: f"{_FORMAT}-{hashlib.sha256(columns.encode()).hexdigest()[:8]}" for table, columns in described.items()
    }


@dataclass
class Lake:
    """The raw tables in the folder `raw`: files named `<load id>.<file id>.parquet`, or `merged-<first of them>`.

    A file counts if the index names it, and the index is written when a load is complete. Readers of the tables go by
    `_dlt_loads`, which dlt writes just before. A kill

    - before dlt writes `_dlt_loads` leaves files that count for nobody;
    - between the two leaves a load that counts for readers and not for us. It is whole, so what they see is right. The
      next run removes it and loads its units again. It first removes what makes the rows count: on a disk the load's
      line in `_dlt_loads`, in a bucket its rows of the ledgers, as a record counts only with its unit in the ledger;
    - after the index is written leaves nothing to do.

    The index says that it is open while files are written or removed. A run that finds it open removes every file that
    it does not name. While it is closed there are none, so a run need not list the tables.

    A missing or damaged index is made again from the files. Merged files count then, and those of complete loads.

    Attributes:
        root: The folder that has the folder `raw`.
        athena: Where the tables are registered too, if the lake is a bucket. `_dlt_loads` is then a table there, and
            otherwise a folder of JSON lines.
    """

    root: Folder
    athena: Athena | None = None
    _index: Index | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def folder(self) -> Folder:
        """Where the tables are."""
        return self.root.below(DATASET)

    @property
    def index(self) -> Index:
        """The index, read once: only the run that holds the lock writes it."""
        if self._index is None:
            self._index = self._stored_index() or self._index_of_files()
        return self._index

    @property
    def through(self) -> int | None:
        """The receipt number up to which the lake has everything in landing; None if that is not known."""
        return self.index.through

    @property
    def is_outdated(self) -> bool:
        """Whether the lake has an older format, or was not emptied to the end: it is to be emptied and loaded again."""
        ours = formats()
        return any(ours.get(table, written) != written for table, written in self.index.formats.items())

    @property
    def stored_tables(self) -> tuple[str, ...]:
        """The folders whose files the index names, in the order in which leftovers are removed."""
        others = [table for table in RAW_TABLES if table not in LEDGERS]
        return (*(() if self.athena else (LOADS,)), *LEDGERS, *others)

    def missing_tables(self) -> set[str]:
        """The tables that no reader can find yet."""
        return {table for table in RAW_TABLES if not self.index.files.get(table)}

    def units_in_files(self) -> set[str]:
        """The paths of the units in every ledger file that can be read, of whatever format."""
        found: set[str] = set()
        for table in LEDGERS:
            for entry in self._files(table):
                try:
                    content = pa.BufferReader(self.folder.read(f"{table}/{entry.name}"))
                    rows = pq.ParquetFile(content).read(["_source"], use_threads=False)
                except (pa.ArrowException, OSError):
                    continue
                found.update(rows.column("_source").to_pylist())
        return found

    def write_index(self, index: Index) -> None:
        """Replaces the index."""
        if index != self.index:
            self.folder.write(FILE, index.to_json())
            self._index = index

    def open(self) -> None:
        """Notes that files are about to be written or removed.

        Raises:
            LakeDamagedError: On a disk, where listing costs nothing: a file that the index names is missing or changed.
        """
        for table in self.stored_tables if self.folder.is_local else ():
            sizes = {entry.name: entry.size for entry in self._files(table)}
            for name, size in self.index.files.get(table, {}).items():
                if sizes.get(name) != size:
                    why = "has another size than it had" if name in sizes else "is missing"
                    raise LakeDamagedError(self.folder.path(f"{table}/{name}"), why)
        self.write_index(replace(self.index, is_open=True))

    def add_load(
        self,
        load_id: str,
        tables: Iterable[str],
        through: int | None,
        units: Collection[str],
        read_with: Mapping[str, str],
        *,
        is_change: bool,
    ) -> None:
        """Lets the files of a load count, which is thereby complete.

        Args:
            load_id: The load.
            tables: The tables it has files of.
            through: The receipt number up to which the lake now has everything in landing; None if that is not known.
            units: The paths of the units it has.
            read_with: What decided how the records of each source were read.
            is_change: Whether it can change a mart.
        """
        index = self.index
        for table in {*tables, LOADS} & {*self.stored_tables}:
            entries = self.folder.below(table).entries()
            index = index.with_files(table, {one.name: one.size for one in entries if load_id in one.name})
        self.write_index(
            replace(
                index,
                formats=formats(),
                through=through,
                loads_to_merge=index.loads_to_merge + 1,
                loads_to_optimize=index.loads_to_optimize + 1,
                is_open=False,
                newest_change=load_id if is_change else index.newest_change,
                postponed=tuple(path for path in index.postponed if path not in units),
                read_with={**index.read_with, **read_with},
            )
        )

    def note_through(self, through: int | None, read_with: Mapping[str, str], postponed: Iterable[str] = ()) -> None:
        """Notes that nothing in landing up to a receipt number is left to load, except these notes."""
        if through is not None:
            added = tuple(dict.fromkeys([*self.index.postponed, *postponed]))
            known = {**self.index.read_with, **read_with}
            self.write_index(replace(self.index, through=through, postponed=added, read_with=known))

    def note_withdrawn(self, paths: Iterable[str]) -> None:
        """Notes which files the ledger knows to be withdrawn."""
        self.write_index(replace(self.index, withdrawn=tuple(sorted(paths))))

    def sweep(self) -> None:
        """Removes every file that the index does not name, and closes the index.

        Raises:
            LakeDamagedError: A file is missing that the index names.
        """
        index = self.index
        for table in self.stored_tables:
            found = {entry.name for entry in self._files(table)}
            named = index.files.get(table, {})
            for name in named:
                if name not in found:
                    raise LakeDamagedError(self.folder.path(f"{table}/{name}"), "is missing")
            self.folder.remove_all(f"{table}/{name}" for name in sorted(found - named.keys()))
        for entry in self.folder.entries():
            if entry.name in (JOURNAL, MERGING):
                self.folder.remove(entry.name)
        self.write_index(replace(index, is_open=False))

    def empty(self) -> None:
        """Removes everything, the tables' descriptions in Athena too. After a kill the lake is outdated, or empty."""
        self.check_owner()
        self.write_index(Index(formats=dict.fromkeys(RAW_TABLES, ""), is_open=True))
        if self.athena is not None:
            self.athena.drop_tables(DATASET)
        for entry in sorted(self.folder.entries(), key=lambda entry: entry.name != LOADS):
            if entry.name != FILE:
                self.folder.remove(entry.name)
        self.write_index(Index(origin=secrets.token_hex(4)))

    def check_owner(self) -> None:
        """Checks that the tables in Athena are those of this lake.

        Raises:
            AthenaError: They are those of another lake.
        """
        place = self.athena.location(DATASET, LOADS) if self.athena else None
        if place is not None and not place.startswith(f"{self.folder.url}/"):
            raise AthenaError(f"{OTHER_LAKE} {place.rpartition(f'/{DATASET}/')[0]}")

    def read(self, table: str, columns: Collection[str]) -> pa.Table:
        """Reads some columns of all rows; meant for a ledger, not for data.

        Raises:
            LakeDamagedError: A file is missing or cannot be read.
        """
        schema = pa.schema([RAW_TABLES[table].schema.field(name) for name in columns])
        parts = [file.read([*columns], use_threads=False) for file in self._opened(table, self.index.names(table))]
        return pa.concat_tables([schema.empty_table(), *parts])

    def _opened(self, table: str, names: Collection[str]) -> Iterator[pq.ParquetFile]:
        paths = [f"{table}/{name}" for name in names]
        try:
            # From bytes, in this thread: Arrow's own threads must not hold Python's files when the process ends.
            contents = self.folder.read_all(paths)
        except FileNotFoundError as error:
            raise LakeDamagedError(str(error.filename or error), "is missing") from error
        for path in paths:
            try:
                yield pq.ParquetFile(pa.BufferReader(contents[path]))
            except (pa.ArrowException, OSError) as error:
                raise LakeDamagedError(self.folder.path(path), "is not a whole Parquet file") from error

    def _stored_index(self) -> Index | None:
        try:
            return index_from_json(self.folder.read(FILE))
        except FileNotFoundError:
            return None

    def _index_of_files(self) -> Index:
        """Makes the index again; an open one, so that the next run sweeps, unless there is nothing."""
        found = {table: {entry.name: entry.size for entry in self._files(table)} for table in self.stored_tables}
        if not any(found.values()):
            return Index()
        complete, uncounted = self._completed_loads(), self._uncounted()
        files = {
            table: {
                name: size
                for name, size in named.items()
                if name.endswith(_ENDINGS)
                and f"{table}/{name}" not in uncounted
                and (name.startswith(MERGED) or any(load_id in complete for load_id in _load_ids(name)))
            }
            for table, named in found.items()
        }
        for table, raw in RAW_TABLES.items():
            for file in self._opened(table, [*files[table]][:1]):
                if not file.schema_arrow.equals(raw.schema):
                    return Index(formats={table: "older"}, is_open=True)
        return Index(formats(), None, files, is_open=True, newest_change=f"unknown-{secrets.token_hex(8)}")

    def _completed_loads(self) -> set[str]:
        """The load packages that dlt calls complete; asks Athena if the lake is a bucket."""
        if self.athena is not None:
            if self.athena.location(DATASET, LOADS) is None:
                return set()  # no load has made the table yet
            return {load for (load,) in self.athena.rows(_COMPLETED)}
        loads = self.folder.below(LOADS)
        completed = set()
        for entry in self._files(LOADS):
            try:
                lines = [json.loads(line) for line in loads.read(entry.name).splitlines()]
                completed |= {line["load_id"] for line in lines if line["status"] == 0}
            except (ValueError, TypeError, KeyError) as error:
                raise LakeDamagedError(loads.path(entry.name), "is not a list of loads") from error
        return completed

    def _uncounted(self) -> set[str]:
        """The files that do not count after a killed merge: the replaced ones, if the merged one is there."""
        try:
            journal = json.loads(self.folder.read(JOURNAL))
        except FileNotFoundError:
            return set()
        except ValueError as error:
            raise LakeDamagedError(self.folder.path(JOURNAL), "is not a list of merged files") from error
        return {
            path for merged, replaced in journal.items() for path in (replaced if self.folder.has(merged) else [merged])
        }

    def _files(self, table: str) -> list[Entry]:
        """The files of a table, with those that were never finished, whose names end with something more."""
        entries = self.folder.below(table).entries()
        return [entry for entry in entries if any(ending in entry.name for ending in _ENDINGS)]


def _load_ids(name: str) -> Iterator[str]:
    """What may be the load id in the name of a file that dlt wrote: a table's, or one of `_dlt_loads`."""
    yield name.removesuffix(".parquet").rpartition(".")[0]
    yield name.removesuffix(".jsonl").rpartition("__")[2]
