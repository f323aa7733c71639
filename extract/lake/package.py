"""A load package in the making: finished Parquet files, in which every unit is whole or not at all."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from extract.lake.table_file import REPEATED, TableFile, stored_schema
from extract.lake.tables import RAW_TABLES, REJECTED_RECORDS
from extract.landing import LandedUnit
from extract.records import Batch
from extract.schema import Kind
from extract.source import SourceConfig

HELD_BYTES = 64 << 20  # a unit with more rows than this gets a file of its own
_REJECTED_FIELDS = ("_position", "line", "reason", "field", "value", "payload")
_REJECTED = pa.schema([RAW_TABLES[REJECTED_RECORDS].schema.field(name) for name in (*_REJECTED_FIELDS, "kind")])


@dataclass(frozen=True)
class LedgerRow:
    """What the ledger says of one reading of a unit, for one of the kinds that it may have records of.

    Attributes:
        table: Which of the ledgers.
        values: Its columns, but for those that a package gives every row.
    """

    table: str
    values: Mapping[str, Any]


class Package:
    """Collects the rows of one load package.

    Small units share a file a table; what is held in memory is never more than a row group and `HELD_BYTES` a table.

    Attributes:
        ledgers: The rows of each ledger so far.
    """

    def __init__(self, folder: Path, load_id: str, report_timezone: ZoneInfo) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._load_id = load_id
        self._report_timezone = report_timezone
        self._shared: dict[str, TableFile] = {}
        self._finished: list[TableFile] = []
        self.ledgers: dict[str, list[Mapping[str, Any]]] = {}

    @contextmanager
    def unit(self, source: SourceConfig, unit: LandedUnit) -> Iterator[UnitRows]:
        """Gives where to put a unit's rows; they are dropped unless it is told to keep them before the block ends."""
        rows = UnitRows(self, source, unit)
        try:
            yield rows
            rows.settle()
        except BaseException:
            rows.drop()
            raise

    def enter(self, unit: LandedUnit, reading: int, rows: Iterable[LedgerRow]) -> None:
        """Adds what became of a unit to the ledgers."""
        constants = {
            "source": unit.source,
            "_source": unit.path,
            "receipt_number": unit.number,
            "reading": reading,
            "_received_at": unit.received_at,
            "_dlt_load_id": self._load_id,
        }
        for row in rows:
            self.ledgers.setdefault(row.table, []).append({**row.values, **constants})

    def finish(self, required: set[str]) -> dict[str, list[Path]]:
        """Closes all files, with an empty one for each required table that has no rows, and gives them by table."""
        for table, rows in self.ledgers.items():
            self.shared(table).write(pa.Table.from_pylist(rows, schema=RAW_TABLES[table].schema))
        for table in required - {file.table for file in (*self._shared.values(), *self._finished)}:
            self.shared(table)
        files = [*self._shared.values(), *self._finished]
        for file in files:
            file.close()
        return {table: [file.path for file in files if file.table == table] for table in RAW_TABLES}

    def shared(self, table: str) -> TableFile:
        """The file that the table's small units share."""
        if table not in self._shared:
            self._shared[table] = self.file(table, "shared")
        return self._shared[table]

    def file(self, table: str, name: str) -> TableFile:
        """A new file."""
        return TableFile(self._folder / f"{table}-{name}.parquet", table)

    def hand_over(self, file: TableFile) -> None:
        """Takes a finished file of one unit."""
        self._finished.append(file)

    def constants(self, source: SourceConfig, unit: LandedUnit) -> dict[str, object]:
        """What every row of a unit says."""
        return {
            "source": source.name,
            "_asked_date": None,
            "_identical_rows": "count" if source.profile.counts_identical_rows else None,
            "_received_date": unit.received_at.astimezone(self._report_timezone).date(),
            "_source": unit.path,
            "_received_at": unit.received_at,
            "_dlt_load_id": self._load_id,
        }


class UnitRows:
    """The rows of one unit on their way into a package.

    Attributes:
        read: Records read, of all kinds.
    """

    def __init__(self, package: Package, source: SourceConfig, unit: LandedUnit) -> None:
        kinds = [kind.name for kind in source.kinds]
        self._tables = {table: _Held(package, table, source, unit) for table in (*kinds, REJECTED_RECORDS)}
        self._loaded = dict.fromkeys(kinds, 0)
        self._rejected = dict.fromkeys(kinds, 0)
        self._remarks: dict[str, Counter[str]] = {kind: Counter() for kind in kinds}
        self._is_kept = False

    @property
    def read(self) -> int:
        """All records there were."""
        return sum(self._loaded.values()) + sum(self._rejected.values())

    def counts(self, kind: Kind) -> dict[str, int]:
        """What the ledger says of the number of records of a kind."""
        loaded, rejected = self._loaded[kind.name], self._rejected[kind.name]
        return {"records_read": loaded + rejected, "records_loaded": loaded, "records_rejected": rejected}

    def remarks(self, kind: Kind) -> str | None:
        """What is to be said of the records of a kind and how often, as JSON; null if nothing is."""
        said = self._remarks[kind.name]
        return json.dumps(said, sort_keys=True) if said else None

    def add(self, kind: Kind, batch: Batch) -> None:
        """Adds the next records of a kind."""
        self._remarks[kind.name].update(batch.remarks)
        self._loaded[kind.name] += batch.records.num_rows
        self._rejected[kind.name] += len(batch.rejected)
        self._tables[kind.name].add(batch.records)
        if batch.rejected:
            rows = [
                {
                    "_position": one.position,
                    "line": one.line,
                    "reason": one.reason,
                    "field": one.field,
                    "value": one.value,
                    "payload": one.payload,
                    "kind": kind.name,
                }
                for one in batch.rejected
            ]
            self._tables[REJECTED_RECORDS].add(pa.Table.from_pylist(rows, schema=_REJECTED))

    def asked(self, day: date | None) -> None:
        """The unit answers a question for this report day; to be said before records are added."""
        for held in self._tables.values():
            held.constants["_asked_date"] = day

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
        for counts in (self._loaded, self._rejected):
            counts.update(dict.fromkeys(counts, 0))
        for said in self._remarks.values():
            said.clear()
        for held in self._tables.values():
            held.drop()


class _Held:
    """A unit's rows of one table: in memory while they are few, else in a file of their own."""

    def __init__(self, package: Package, table: str, source: SourceConfig, unit: LandedUnit) -> None:
        self._package = package
        self._table = table
        self.constants = package.constants(source, unit)
        self._own_name = str(unit.number)
        self._few: list[pa.Table] = []
        self._bytes = 0
        self._own: TableFile | None = None

    def add(self, rows: pa.Table) -> None:
        if not rows.num_rows:
            return
        rows = _with_constants(rows, self._table, self.constants)
        if self._own is not None:
            self._own.write(rows)
            return
        self._few.append(rows)
        self._bytes += rows.nbytes
        if self._bytes > HELD_BYTES:
            self._own = self._package.file(self._table, self._own_name)
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

    def _empty_into(self, file: TableFile) -> None:
        for rows in self._few:
            file.write(rows)
        self._few = []


def _with_constants(rows: pa.Table, table: str, constants: Mapping[str, object]) -> pa.Table:
    columns = []
    for field in stored_schema(table):
        if field.name in REPEATED:
            value = constants[field.name]
            index = pa.scalar(None if value is None else 0, pa.int32())
            values = pa.array([] if value is None else [value], pa.string())
            columns.append(pa.DictionaryArray.from_arrays(pa.repeat(index, rows.num_rows), values))
        elif field.name in constants:
            value = constants[field.name]
            columns.append(pa.repeat(pa.scalar(value, field.type), rows.num_rows))
        else:
            columns.append(rows.column(field.name))
    return pa.table(columns, schema=stored_schema(table))
