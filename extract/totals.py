"""Totals are not facts: a row of a report that sums up the others is found and rejected, whatever stands in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from functools import reduce
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from extract.convert import Number, canonical
from extract.records import Batch, RejectedRecord
from extract.schema import NUMBERS, FieldType, RecordType

MOST_HELD = 10_000  # records that may be totals; of more than this, none is one
MOST_WARNINGS = 3
_SAYS_TOTAL = re.compile(
    r"((grand|overall|report|account|campaign)[ -]?|sub[ -]?)?totals?\s*([:(\u2013\u2014-].*)?"
    r"|total (for|of|general|général)\b.*|summary|insgesamt|gesamt(summe|ergebnis)?|summe|合計|总计",
    re.IGNORECASE,
)
# What such a name contains; to look for these few bytes costs next to nothing.
_HINTS = tuple(word.encode() for word in ("otal", "OTAL", "ummary", "UMMARY", "esamt", "ESAMT", "umme", "合計", "总计"))


class WithoutTotals:
    """Passes the records of one unit on, but for those that are totals of the others.

    A record may be a total if a key or name says `Total` or the like, if it has no key, or if it has no date where
    others have one. It is one if its measures equal the sums of all records without any such sign, and in any case if
    it says so and lacks its date or a key. What may be one is held back until all others are known.
    """

    def __init__(self, record_type: RecordType, add: Callable[[Batch], None]) -> None:
        """Takes the fields of the records, and where those go that count."""
        fields = record_type.fields
        self._add = add
        self._keys = record_type.keys
        self._names = (*record_type.keys, *record_type.labels)
        self._measures = [name for name, field_type in fields.items() if field_type in NUMBERS]
        self._dates = [name for name, field_type in fields.items() if field_type is FieldType.DATE]
        self._sums: dict[str, Decimal] = dict.fromkeys(self._measures, Decimal(0))
        self._others = 0
        self._held: list[pa.Table] = []
        self._called_total: list[Mapping[str, Any]] = []

    def add(self, batch: Batch) -> None:
        """Adds the next records."""
        records = batch.records
        signs = self._signs(records) if self._keys and records.num_rows else None
        if signs is None:
            self._count(records)
            self._add(batch)
            return
        may_be, is_called = signs
        called = records.filter(is_called).to_pylist()
        self._called_total += called[: MOST_WARNINGS - len(self._called_total)]
        others = records.filter(pc.invert(may_be))
        self._count(others)
        self._add(replace(batch, records=others, rejected=[*batch.rejected, *map(_rejected, called)]))
        self._hold(records.filter(pc.and_not(may_be, is_called)))

    def finish(self) -> list[str]:
        """Decides the records that were held back, now that all are known.

        Returns:
            What is to be said of rows that are called a total and are not the sum of the others.
        """
        for records in self._held:
            rows = records.to_pylist()
            is_total = [self._is_sum(row) for row in rows]
            kept = records.filter(pa.array([not one for one in is_total], pa.bool_()))
            rejected = [_rejected(row) for row, is_one in zip(rows, is_total, strict=True) if is_one]
            self._add(Batch(kept, rejected))
        self._held = []
        return [*self._differences()]

    def _signs(self, records: pa.Table) -> tuple[pa.Array, pa.Array] | None:
        """Which records may be totals, and which are called so and lack their date or a key; None if none may be."""
        nobody = pa.repeat(pa.scalar(value=False), records.num_rows)
        says_total = _any((self._says_total(records.column(name)) for name in self._names), nobody)
        no_date = _any((_nulls(records.column(name)) for name in self._dates), nobody)
        keys = [_nulls(records.column(name)) for name in self._keys]
        no_keys = reduce(pc.and_, keys) if all(mask is not None for mask in keys) else nobody
        may_be = _any((says_total, no_date, no_keys), nobody)
        if not pc.any(may_be).as_py():
            return None
        return may_be, pc.and_(says_total, _any((no_date, *keys), nobody))

    def _says_total(self, column: pa.ChunkedArray) -> pa.Array | None:
        if not any(_has_hint(chunk) for chunk in column.chunks):
            return None
        totals = [text for text in pc.unique(column).to_pylist() if text and _SAYS_TOTAL.fullmatch(text)]
        return pc.is_in(column, pa.array(totals, pa.string())) if totals else None

    def _count(self, records: pa.Table) -> None:
        self._others += records.num_rows
        for name in self._measures:
            self._sums[name] += Decimal(pc.sum(records.column(name)).as_py() or 0)

    def _hold(self, records: pa.Table) -> None:
        if records.num_rows:
            self._held.append(records)
        if sum(table.num_rows for table in self._held) > MOST_HELD:
            for table in self._held:
                self._add(Batch(table, []))
            self._held, self._keys = [], ()

    def _is_sum(self, row: Mapping[str, Any]) -> bool:
        said = {name: row[name] for name in self._measures if row[name] is not None}
        return self._others > 0 and any(said.values()) and all(said[name] == self._sums[name] for name in said)

    def _differences(self) -> Iterator[str]:
        for row in self._called_total:
            said = {name: row[name] for name in self._measures if row[name] is not None}
            if wrong := next((name for name in said if said[name] != self._sums[name]), None):
                shown = next(row[name] for name in (*self._keys, *row) if row[name] is not None)
                others = _plain(self._sums[wrong])
                yield f"the row {shown!r} says {wrong} {_plain(said[wrong])}, but the others sum up to {others}"


def _any(masks: Iterable[pa.Array | None], nobody: pa.Array) -> pa.Array:
    return reduce(pc.or_, (mask for mask in masks if mask is not None), nobody)


def _nulls(column: pa.ChunkedArray) -> pa.Array | None:
    return column.is_null() if column.null_count else None


def _has_hint(chunk: pa.StringArray) -> bool:
    characters = chunk.buffers()[2]
    return characters is not None and any(hint in characters.to_pybytes() for hint in _HINTS)


def _rejected(row: Mapping[str, Any]) -> RejectedRecord:
    said = {name: value for name, value in row.items() if value is not None and not name.startswith("_")}
    payload = {name: Number(_plain(one)) if isinstance(one, int | Decimal) else str(one) for name, one in said.items()}
    return RejectedRecord(row["_position"], "total_row", canonical(payload))


def _plain(value: Any) -> str:
    text = f"{value:f}" if isinstance(value, Decimal) else str(value)
    return text.rstrip("0").rstrip(".") if "." in text else text
