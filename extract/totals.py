"""Totals are not facts: a row of a report that sums up the others is found and rejected, whatever stands in it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date
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
_SAMPLE = 200  # records of a batch by which to tell how many decimals the source writes
_SAYS_TOTAL = re.compile(
    r"((grand|overall|report|account|campaign|page|sub)[ -]?)?(totals?|totales?|totaal|totali)\s*([:(\u2013\u2014-].*)?"
    r"|totals? (for|of|general|général|geral)\b.*|(report )?summary|overall"
    r"|\(?all( (accounts|ads|campaigns|countries))?\)?"
    r"|insgesamt|gesamt(summe|ergebnis|wert)?|(zwischen)?summe|suma|razem|toplam|итого|всего"
    r"|合計|総計|总计|合计|總計|합계|총계",
    re.IGNORECASE,
)
# What such a name contains in small letters; to look for these few bytes costs next to nothing.
_HINTS = (b"tot", b"summ", b"samt", b"suma", b"razem", b"toplam", b"all")
_OTHER_HINTS = tuple(map(str.encode, ("того", "сего", "合計", "総計", "总计", "合计", "總計", "합계", "총계")))  # noqa: RUF001


class WithoutTotals:
    """Passes the records of one unit on, but for those that are totals of the others.

    A record may be a total if a key or name says `Total` or the like, if it has no key, or if it has no date where
    others have one. *The others* are all records without any such sign. What may be a total is held back until all are
    known, and is one if

    - it says so, in whatever column, and lacks its date or a key;
    - its measures equal the sums of the others, up to what rounding makes of fractions;
    - it lacks its date and every key, and any of its counts equals the sum: a total need not add up in conversions that
      are counted once a person; or
    - it is one of several fewer than the others, alike in what they lack, which together equal the sums: subtotals.
    """

    def __init__(self, record_type: RecordType, add: Callable[[Batch], None], *, dated: bool = True) -> None:
        """Takes the fields of the records, where those go that count, and whether any of them has a date."""
        fields = record_type.fields
        self._type = record_type
        self._add = add
        self._keys = record_type.keys
        self._names = (*record_type.keys, *record_type.labels)
        self._measures = [name for name, field_type in fields.items() if field_type in NUMBERS]
        self._counts = [name for name in self._measures if fields[name] is FieldType.COUNT]
        self._dates = [name for name, field_type in fields.items() if field_type is FieldType.DATE and dated]
        self._sums: dict[str, Decimal] = dict.fromkeys(self._measures, Decimal(0))
        self._places: dict[str, int] = dict.fromkeys(self._measures, 0)
        self._others = 0
        self._days: set[date] = set()
        self._has: set[str] = set()  # the keys that records have at all
        self._held: list[pa.Table] = []
        self._called_total: list[Mapping[str, Any]] = []

    def add(self, batch: Batch) -> None:
        """Adds the next records."""
        records, batch = batch.records, replace(batch, rejected=list(map(_total_if_called_so, batch.rejected)))
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
            What is to be said of totals that are not the sum of the others.
        """
        if self._held and not self._others and self._dates:
            return self._finish_undated()
        held = pa.concat_tables(self._held) if self._held else None
        rows = held.to_pylist() if held is not None else []
        is_total = [self._is_of_their_days(row) and (self._is_sum(row) or self._is_nearly_sum(row)) for row in rows]
        alike: dict[tuple[bool, ...], list[int]] = {}
        for place, row in enumerate(rows):
            if not is_total[place] and self._is_of_their_days(row):
                alike.setdefault(self._lacks(row), []).append(place)
        for places in alike.values():
            sums = {name: sum(rows[place][name] or 0 for place in places) for name in self._measures}
            if 1 < len(places) < self._others and self._is_sum(sums):
                for place in places:
                    is_total[place] = True
        if held is not None:
            kept = held.filter(pa.array([not one for one in is_total], pa.bool_()))
            self._add(Batch(kept, [_rejected(row) for row, one in zip(rows, is_total, strict=True) if one]))
        self._held = []
        self._called_total += [row for row in rows if self._is_nearly_sum(row)]
        return [*self._differences()]

    def _finish_undated(self) -> list[str]:
        """Decides where no record has a date: then none is missing."""
        undated = WithoutTotals(self._type, self._add, dated=False)
        undated._called_total = self._called_total
        for records in self._held:
            undated.add(Batch(records, []))
        return undated.finish()

    def _signs(self, records: pa.Table) -> tuple[pa.Array, pa.Array] | None:
        """Which records may be totals, and which are called so and lack their date or a key; None if none may be."""
        nobody = pa.repeat(pa.scalar(value=False), records.num_rows)
        says_total = _any((_says_total(records.column(name)) for name in self._names), nobody)
        no_date = _any((_nulls(records.column(name)) for name in self._dates), nobody)
        keys = [_nulls(records.column(name)) for name in self._keys]
        self._has.update(name for name in self._keys if records.column(name).null_count < records.num_rows)
        no_keys = reduce(pc.and_, keys) if all(mask is not None for mask in keys) else nobody
        may_be = _any((says_total, no_date, no_keys), nobody)
        if not pc.any(may_be).as_py():
            return None
        lacks = _any(
            (no_date, *(mask for name, mask in zip(self._keys, keys, strict=True) if name in self._has)), nobody
        )
        if pc.any(bare := pc.and_(may_be, lacks)).as_py():
            says_total = pc.or_(says_total, _any((_extra_says_total(records.column("_extra"), bare),), nobody))
        return may_be, pc.and_(says_total, lacks)

    def _count(self, records: pa.Table) -> None:
        self._others += records.num_rows
        for name in self._dates:
            self._days.update(pc.unique(records.column(name)).to_pylist())
        for name in self._measures:
            column = records.column(name)
            self._sums[name] += Decimal(pc.sum(column).as_py() or 0)
            if name not in self._counts:
                sample = column.slice(0, _SAMPLE).drop_null().to_pylist()
                self._places[name] = max(self._places[name], max(map(_places_of, sample), default=0))

    def _hold(self, records: pa.Table) -> None:
        if records.num_rows:
            self._held.append(records)
        if sum(table.num_rows for table in self._held) > MOST_HELD:
            for table in self._held:
                self._add(Batch(table, []))
            self._held, self._keys = [], ()

    def _is_of_their_days(self, row: Mapping[str, Any]) -> bool:
        """Whether a record can be a total of the others: if it has a date, one of them has it too."""
        return all(row[name] is None or row[name] in self._days for name in self._dates)

    def _is_sum(self, row: Mapping[str, Any]) -> bool:
        """Whether measures equal the sums of the others; fractions may be rounded sums of what was rounded."""
        said = {name: row[name] for name in self._measures if row[name] is not None}
        is_counted = any(said.get(name) for name in self._counts)

        def equals(name: str) -> bool:
            unit = Decimal(1).scaleb(-self._places[name]) if self._places[name] and is_counted else Decimal(0)
            difference: Decimal = abs(said[name] - self._sums[name])
            return difference <= unit * (self._others + 1) / 2

        return self._others > 0 and any(said.values()) and all(map(equals, said))

    def _is_nearly_sum(self, row: Mapping[str, Any]) -> bool:
        """Whether a record without date and keys has any count that equals the sum of the others."""
        lacks = [row[name] is None for name in (*self._dates, *self._keys)]
        equals = [self._sums[name] > 0 and row[name] == self._sums[name] for name in self._counts]
        return bool(self._dates) and all(lacks) and any(equals)

    def _lacks(self, row: Mapping[str, Any]) -> tuple[bool, ...]:
        names = [text for name in self._names if (text := row[name]) and _SAYS_TOTAL.fullmatch(text)]
        return (bool(names), *(row[name] is None for name in (*self._dates, *self._keys)))

    def _differences(self) -> Iterator[str]:
        for row in self._called_total[:MOST_WARNINGS]:
            said = {name: row[name] for name in self._measures if row[name] is not None}
            if not self._is_sum(said) and (wrong := next((n for n in said if said[n] != self._sums[n]), None)):
                shown = next(
                    (repr(row[name]) for name in self._names if row[name] is not None), "without date and keys"
                )
                others = _plain(self._sums[wrong])
                yield f"the row {shown} says {wrong} {_plain(said[wrong])}, but the others sum up to {others}"


def _total_if_called_so(one: RejectedRecord) -> RejectedRecord:
    """A record that cannot be read because `Total` stands where a date should be is a total."""
    if one.value is None or not _SAYS_TOTAL.fullmatch(one.value.strip()):
        return one
    return replace(one, reason="total_row", field=None, value=None)


def _says_total(column: pa.ChunkedArray) -> pa.Array | None:
    if not any(_has_hint(chunk) for chunk in column.chunks):
        return None
    totals = [text for text in pc.unique(column).to_pylist() if text and _SAYS_TOTAL.fullmatch(text)]
    return pc.is_in(column, pa.array(totals, pa.string())) if totals else None


def _extra_says_total(extras: pa.ChunkedArray, bare: pa.Array) -> pa.Array | None:
    """Which of these records are called a total in a column that nobody asked for."""
    if not any(_has_hint(chunk) for chunk in extras.chunks):
        return None
    texts = [text if is_bare else None for text, is_bare in zip(extras.to_pylist(), bare.to_pylist(), strict=True)]
    values = [json.loads(text).values() if text else () for text in texts]
    return pa.array([any(isinstance(one, str) and _SAYS_TOTAL.fullmatch(one.strip()) for one in row) for row in values])


def _places_of(number: Decimal) -> int:
    return max(-int(number.normalize().as_tuple().exponent), 0)


def _any(masks: Iterable[pa.Array | None], nobody: pa.Array) -> pa.Array:
    return reduce(pc.or_, (mask for mask in masks if mask is not None), nobody)


def _nulls(column: pa.ChunkedArray) -> pa.Array | None:
    return column.is_null() if column.null_count else None


def _has_hint(chunk: pa.StringArray) -> bool:
    characters = chunk.buffers()[2]
    if characters is None:
        return False
    text = characters.to_pybytes().lower()
    hints = _HINTS if text.isascii() else _HINTS + _OTHER_HINTS
    return any(hint in text for hint in hints)


def _rejected(row: Mapping[str, Any]) -> RejectedRecord:
    said = {name: value for name, value in row.items() if value is not None and not name.startswith("_")}
    payload = {name: Number(_plain(one)) if isinstance(one, int | Decimal) else str(one) for name, one in said.items()}
    return RejectedRecord(row["_position"], "total_row", canonical(payload))


def _plain(value: Any) -> str:
    text = f"{value:f}" if isinstance(value, Decimal) else str(value)
    return text.rstrip("0").rstrip(".") if "." in text else text
