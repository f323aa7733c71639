"""Records of Avro field by field: each different value of a field is converted once."""

from __future__ import annotations

import marshal
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import numpy as np
import pyarrow as pa

from extract.convert import LONGEST_TEXT, RecordRejected
from extract.records import Batch, RecordShape, convert_records, interleaved
from extract.remarks import WHOLE_DAY, Remarked
from extract.schema import FieldType

Convert = Callable[[Any], object]


@dataclass(frozen=True)
class Field:
    """A field of a record of Avro.

    Attributes:
        key: Its name in a decoded record.
        name: The name that it gets in that of JSON.
        convert: How its values become those of JSON.
        members: Its own fields, if its values are records.
    """

    key: str
    name: str
    convert: Convert
    members: Sequence[Field] = ()


_MOST_KNOWN, _LONGEST_KNOWN = 16_384, 2_048  # values of a field, and their bytes
_BY_VALUE = 2  # the version of `marshal` whose bytes say what a value is, and not which objects it is made of


class _Refused:
    """What a value becomes for which its record is to be looked at by itself."""


class AvroColumns:
    """Makes of decoded records what `convert_records` makes of them; the few that need it are given to it."""

    def __init__(self, fields: Iterable[Field], as_json: Convert, shape: RecordShape) -> None:
        """Takes what its writer's schema says, and how the records are written.

        Args:
            fields: The fields of a record, by the names that `shape` has.
            as_json: How a whole record becomes JSON's.
            shape: Without filter, paths and notes.
        """
        self._as_json, self._shape = as_json, shape
        theirs = {field.name: field for field in fields}
        self._columns = {name: _column(theirs[said], name, shape) for name, said in shape.names.items()}
        others = [theirs[name] for name in theirs.keys() - {*shape.names.values()} - shape.skip]
        self._extras = _extras(others, shape) if others else None

    def batch(self, records: Sequence[object]) -> Batch:
        """The next records as they were decoded, or the `RecordRejected` that says why one is none."""
        numbers = np.flatnonzero([isinstance(one, dict) for one in records])
        rows: list[Any] = [records[number] for number in numbers.tolist()]
        is_odd = np.zeros(len(rows), np.bool_)
        said: list[tuple[int, str]] = []
        cells = {name: column.cells(rows, is_odd, said) for name, column in self._columns.items()}
        extras = None if self._extras is None else self._extras.cells(rows, is_odd, said)
        for name in self._shape.type.needed:
            is_odd |= [cell is None for cell in cells.get(name, [None] * len(rows))]
        kept = np.flatnonzero(~is_odd)
        said = [(row, remark) for row, remark in said if not is_odd[row]]
        table = self._table(cells, extras, {row for row, remark in said if remark == WHOLE_DAY}, len(rows)).take(kept)
        table = table.append_column("_position", pa.array(np.arange(1, len(kept) + 1)))
        batch = Batch(table.cast(self._shape.type.schema), [], remarks=Counter(remark for _, remark in said))
        if len(kept) == len(records):
            return batch
        others = np.ones(len(records), np.bool_)
        others[numbers[kept]] = False
        odd = np.flatnonzero(others)
        found = (records[number] for number in odd.tolist())
        values = (self._as_json(one) if isinstance(one, dict) else one for one in found)
        return interleaved([(batch, numbers[kept] + 1), (convert_records(values, self._shape), odd + 1)], 0)

    def _table(
        self, cells: Mapping[str, list[object]], extras: list[object] | None, whole_days: set[int], count: int
    ) -> pa.Table:
        types, constants = self._shape.type.fields, self._shape.constants
        columns = {
            name: pa.array(cells[name], field_type.raw_type)
            if name in cells
            else pa.repeat(pa.scalar(constants.get(name), field_type.raw_type), count)
            for name, field_type in types.items()
        }
        if self._shape.type.is_event:
            columns["_is_whole_day"] = pa.array([row in whole_days for row in range(count)], pa.bool_())
        columns["_extra"] = pa.nulls(count, pa.string()) if extras is None else pa.array(extras, pa.string())
        return pa.table(columns)


class _Column:
    """The values of a field, and what became of those that came before."""

    def __init__(self, value_of: Convert, make: Convert) -> None:
        self._value_of, self._make = value_of, make
        self._known: dict[object, object] = {}

    def cells(self, rows: Sequence[Any], is_odd: np.ndarray[Any, Any], said: list[tuple[int, str]]) -> list[object]:
        """The raw values; marks the rows that are to be looked at one by one, and adds what is to be said of a row."""
        found: list[object] = []
        for row, value in enumerate(map(self._value_of, rows)):
            cell = self.cell(value)
            if type(cell) is Remarked:
                said.append((row, cell.remark))
                cell = cell.value
            if cell is _Refused:
                is_odd[row], cell = True, None
            found.append(cell)
        return found

    def cell(self, value: Any) -> object:
        """The raw value of one, with what is to be said of it; or that it is refused."""
        key = value if type(value) is str else marshal.dumps(value, _BY_VALUE)
        known = self._known
        if key in known:
            return known[key]
        try:
            made = self._make(value)
        except (RecordRejected, RecursionError):
            made = _Refused
        if len(known) >= _MOST_KNOWN:
            known.clear()
        if len(key) <= _LONGEST_KNOWN:
            known[key] = made
        return made


def _column(field: Field, name: str, shape: RecordShape) -> _Column:
    """The column of a field; an object that is new may have members that are not."""
    convert = _cell(shape, name)
    parts = shape.type.parts.get(name)
    if not field.members or parts is None or parts.key is not None:
        return _Column(itemgetter(field.key), lambda value: _made(field.convert(value), convert))

    def of_member(member: Field) -> Convert:
        return _Column(lambda row: row, lambda value: convert({member.name: member.convert(value)})).cell

    last = {one.name: one for one in field.members}  # of two with one alias the last counts, as in a record
    members = [(last[name].key, of_member(last[name])) for name in sorted(last)]

    def joined(value: Any) -> object:
        if value is None:
            return None
        texts = []
        for key, cell in members:
            text = cell(value[key])
            if isinstance(text, str):
                texts.append(text[1:-1])
            elif text is not None:
                return _Refused  # what is said of several, only the whole tells
        return "{" + ",".join(texts) + "}" if texts else None

    return _Column(itemgetter(field.key), joined)


def _made(json_value: object, convert: Convert) -> object:
    return None if json_value is None else convert(json_value)


def _cell(shape: RecordShape, name: str) -> Convert:
    """How a value of a field becomes its raw value, if it is one that needs no more than that."""
    convert, privacy = shape.converter(name), shape.privacy
    is_private = privacy is not None and name in shape.type.private
    is_text = shape.type.fields[name] is FieldType.TEXT and name not in shape.type.private

    def cell(value: object) -> object:
        found = convert(value)
        text = found.value if isinstance(found, Remarked) else found
        if isinstance(text, str) and is_text and len(text) > LONGEST_TEXT:
            return _Refused
        if isinstance(text, str) and is_private and privacy is not None:
            return privacy.pseudonym(text)
        return found

    return cell


def _extras(others: Sequence[Field], shape: RecordShape) -> _Column:
    """What comes beside the fields, as one column."""

    def text(values: list[Any]) -> str | None:
        return shape.extra_text({one.name: one.convert(value) for one, value in zip(others, values, strict=True)})

    return _Column(lambda row: [row[one.key] for one in others], text)
