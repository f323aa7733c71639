"""A load package in the making: finished Parquet files, in which every unit is whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from extract.convert import Batch
from extract.lake.lake import RAW_TABLES
from extract.landing import LandedUnit

HELD_BYTES = 64 << 20  # a unit with more rows than this gets a file of its own
_ROW_GROUP = 4 * 122_880  # whole vectors of DuckDB, and enough groups for every core
_REPEATED = {"_source", "_dlt_load_id", "source"}
_REJECTED = pa.schema([RAW_TABLES["rejected_records"].field(name) for name in ("_position", "reason", "payload")])


class Package:
    """Collects the rows of one load package.

    Small units share a file a table; what is held in memory is never more than a row group and `HELD_BYTES` a table.
    """

    def __init__(self, folder: Path, load_id: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._load_id = load_id
        self._ledgers: dict[str, list[Mapping[str, Any]]] = {}
        self._shared: dict[str, _File] = {}
        self._finished: list[_File] = []

    @contextmanager
    def unit(self, unit: LandedUnit) -> Iterator[UnitRows]:
        """Gives where to put a unit's rows; they are dropped unless it is told to keep them before the block ends."""
        rows = UnitRows(self, unit)
        try:
            yield rows
            rows.settle()
        except BaseException:
            rows.drop()
            raise

    def enter(self, table: str, unit: LandedUnit, entry: Mapping[str, Any]) -> None:
        """Adds what became of a unit to a ledger."""
        constants = {"source": unit.source, "_source": unit.path, "_received_at": unit.received_at}
        self._ledgers.setdefault(table, []).append({**entry, **constants, "_dlt_load_id": self._load_id})

    def finish(self, required: set[str]) -> dict[str, list[Path]]:
        """Closes all files, with an empty one for each required table that has no rows, and gives them by table."""
        for table, entries in self._ledgers.items():
            self.shared(table).write(pa.Table.from_pylist(entries, schema=RAW_TABLES[table]))
        for table in required - {file.table for file in (*self._shared.values(), *self._finished)}:
            self.shared(table)
        files = [*self._shared.values(), *self._finished]
        for file in files:
            file.close()
        return {table: [file.path for file in files if file.table == table] for table in RAW_TABLES}

    def shared(self, table: str) -> _File:
        """The file that the table's small units share."""
        if table not in self._shared:
            self._shared[table] = self.file(table, "shared")
        return self._shared[table]

    def file(self, table: str, name: str) -> _File:
        """A new file."""
        return _File(self._folder / f"{table}-{name}.parquet", table)

    def hand_over(self, file: _File) -> None:
        """Takes a finished file of one unit."""
        self._finished.append(file)

    def constants(self, unit: LandedUnit) -> dict[str, object]:
        """What every row of a unit says."""
        return {
            "source": unit.source,
            "_source": unit.path,
            "_received_at": unit.received_at,
            "_dlt_load_id": self._load_id,
        }


class UnitRows:
    """The rows of one unit on their way into a package.

    Attributes:
        loaded: Records added.
        rejected: Records that could not be read, added with their reasons.
    """

    def __init__(self, package: Package, unit: LandedUnit) -> None:
        self._tables = {table: _Held(package, table, unit) for table in ("campaign_delivery", "rejected_records")}
        self._is_kept = False
        self.loaded = 0
        self.rejected = 0

    @property
    def read(self) -> int:
        """All records there were."""
        return self.loaded + self.rejected

    def add(self, batch: Batch) -> None:
        """Adds the next records."""
        self.loaded += batch.records.num_rows
        self.rejected += len(batch.rejected)
        self._tables["campaign_delivery"].add(batch.records)
        if batch.rejected:
            rows = [{"_position": one.position, "reason": one.reason, "payload": one.payload} for one in batch.rejected]
            self._tables["rejected_records"].add(pa.Table.from_pylist(rows, schema=_REJECTED))

    def keep(self) -> None:
        """The unit was read to its end and is good."""
        self._is_kept = True

    def settle(self) -> None:
        """Puts the rows where they are to stay, or drops them."""
        if not self._is_kept:
            self.drop()
        for held in self._tables.values():
            held.settle()

    def drop(self) -> None:
        """Forgets the rows."""
        self.loaded = self.rejected = 0
        for held in self._tables.values():
            held.drop()


class _Held:
    """A unit's rows of one table: in memory while they are few, else in a file of their own."""

    def __init__(self, package: Package, table: str, unit: LandedUnit) -> None:
        self._package = package
        self._table = table
        self._unit = unit
        self._few: list[pa.Table] = []
        self._bytes = 0
        self._own: _File | None = None

    def add(self, rows: pa.Table) -> None:
        if not rows.num_rows:
            return
        rows = _with_constants(rows, self._table, self._package.constants(self._unit))
        if self._own is not None:
            self._own.write(rows)
            return
        self._few.append(rows)
        self._bytes += rows.nbytes
        if self._bytes > HELD_BYTES:
            self._own = self._package.file(self._table, self._unit.path.split("/")[1])
            self._empty_into(self._own)

    def settle(self) -> None:
        if self._own is not None:
            self._package.hand_over(self._own)
            self._own = None
        elif self._few:
            self._empty_into(self._package.shared(self._table))

    def drop(self) -> None:
        self._few = []
        if self._own is not None:
            self._own.drop()
            self._own = None

    def _empty_into(self, file: _File) -> None:
        for rows in self._few:
            file.write(rows)
        self._few = []


class _File:
    """A Parquet file in the making, written a row group at a time."""

    def __init__(self, path: Path, table: str) -> None:
        self.path = path
        self.table = table
        self._schema = _stored(table)
        self._waiting: list[pa.Table] = []
        self._rows = 0
        texts = [one.name for one in RAW_TABLES[table] if one.type in (pa.string(), pa.date32())]
        self._writer = pq.ParquetWriter(
            path,
            self._schema,
            compression="snappy",
            use_dictionary=[name for name in texts if name != "payload"],
            write_statistics=["date", "_source", "_received_at", "_dlt_load_id", "_position"]
            if "date" in texts
            else True,
            store_schema=False,
        )

    def write(self, rows: pa.Table) -> None:
        self._waiting.append(rows)
        self._rows += rows.num_rows
        if self._rows >= _ROW_GROUP:
            self._flush()

    def close(self) -> None:
        if self._rows:
            self._flush()
        self._writer.close()

    def drop(self) -> None:
        self._writer.close()
        self.path.unlink()

    def _flush(self) -> None:
        rows = pa.concat_tables(self._waiting).cast(self._schema)
        self._writer.write_table(rows, row_group_size=_ROW_GROUP)
        self._waiting, self._rows = [], 0


def _stored(table: str) -> pa.Schema:
    """The schema to write: what repeats itself in every row is written once, and read again as text."""
    fields = RAW_TABLES[table]
    repeated = pa.dictionary(pa.int32(), pa.string())
    return pa.schema([field.with_type(repeated) if field.name in _REPEATED else field for field in fields])


def _with_constants(rows: pa.Table, table: str, constants: Mapping[str, object]) -> pa.Table:
    columns = []
    for field in _stored(table):
        if field.name in _REPEATED:
            zeros = pa.repeat(pa.scalar(0, pa.int32()), rows.num_rows)
            columns.append(pa.DictionaryArray.from_arrays(zeros, pa.array([constants[field.name]], pa.string())))
        elif field.name in constants:
            value = constants[field.name]
            columns.append(pa.repeat(pa.scalar(value, field.type), rows.num_rows))
        else:
            columns.append(rows.column(field.name))
    return pa.table(columns, schema=_stored(table))
