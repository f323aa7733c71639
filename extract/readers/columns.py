"""Columns that Arrow has parsed, accepted only as far as `extract.convert` would have made the same of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from extract.convert import LONGEST_TEXT, Batch, FieldType, RecordRejected, RecordShape, RecordType, date_of
from extract.readers.chunks import UnreadableFile

WIDE = pa.decimal256(76, 18)
# What to ask Arrow for. Numbers as most sources write them; then also in quotes, as 12.0, and with the many decimals of
# a printed double. Dates always as text, for there are many ways to write them and few different ones in a file.
_PLAIN = {
    FieldType.TEXT: pa.string(),
    FieldType.COUNT: pa.int64(),
    FieldType.MONEY: pa.decimal128(38, 12),
    FieldType.DATE: pa.string(),
}

_SMALL_EXPONENTS = (re.compile(rb"e-[0-9]+[^0-9\w-]"), re.compile(rb"E-[0-9]+[^0-9\w-]"))
_SURE_BELOW = 10**14
_MANY_ZEROS = b".0000000000000"
_FOUR_ZEROS = int.from_bytes(b"0000", "little")


class Guess:
    """The column types to try, the ones that fitted last first."""

    def __init__(self, shape: RecordShape, wide: pa.DataType = WIDE) -> None:
        """Takes the type for numbers that are not as plain as most."""
        theirs = {ours: name for name, ours in shape.names.items()}
        self._types = [
            {theirs[name]: types[kind] for name, kind in shape.type.fields.items() if name in theirs}
            for types in (_PLAIN, {**_PLAIN, FieldType.COUNT: wide, FieldType.MONEY: wide})
        ]

    def parsed(self, parse: Callable[[dict[str, pa.DataType]], pa.Table | None]) -> pa.Table | None:
        """The first table that comes of it, given a mapping from the source's names, in our order, to types."""
        for types in self._types:
            table = parse(types)
            if table is not None:
                self._types.sort(key=lambda tried: tried is not types)
                return table
        return None


def may_break_decimals(text: bytes) -> bool:
    """Whether Arrow might misread a decimal in the text: one that begins 39 or more places behind its type's last.

    Arrow 26 then reads a power of ten from behind the end of a table: `1e-77` becomes some other number, `1e-999999999`
    ends the process. It takes a negative exponent, or as many zeros as `_MANY_ZEROS` has for types of 12 decimals.
    """
    # Looking for single bytes, and for fours of them, costs a third of `in`; it is seldom that more is to be done.
    if _has_signed_exponent(text) and any(exponent.search(text) for exponent in _SMALL_EXPONENTS):
        return True
    fours = np.frombuffer(text, "<u4", len(text) // 4) == _FOUR_ZEROS
    return bool((fours[:-1] & fours[1:]).any()) and _MANY_ZEROS in text


def _has_signed_exponent(text: bytes) -> bool:
    """Whether `e-` stands behind a digit or a point somewhere; a name such as `creative-7` has it behind a letter."""
    bytes_ = np.frombuffer(text, np.uint8)
    signs = np.flatnonzero(bytes_ == ord("-"))
    signs = signs[signs > 1]
    exponents = signs[(bytes_[signs - 1] | 0x20) == ord("e")]
    return any(byte in b"0123456789." for byte in np.unique(bytes_[exponents - 2]))


def named(header: Sequence[str], record_type: RecordType) -> tuple[list[str], dict[str, str]]:
    """Finds our fields among the columns of a file, by their names in any case.

    Returns:
        A name for every column, and the mapping of those that are ours to our names.

    Raises:
        UnreadableFile: `missing_column`, or `duplicate_column` if two have one name.
    """
    columns = [name.strip() or f"column_{number}" for number, name in enumerate(header, 1)]
    mapping = {name: name.lower() for name in columns if name.lower() in record_type.fields}
    if missing := sorted(record_type.required - set(mapping.values())):
        raise UnreadableFile("missing_column", ", ".join(missing))
    for names in (columns, list(mapping.values())):
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise UnreadableFile("duplicate_column", ", ".join(twice))
    return columns, mapping


def convert_columns(table: pa.Table, shape: RecordShape, extras: Iterable[str | None] | None = None) -> Batch | None:
    """The raw columns made of parsed ones, or None if any value needs a closer look.

    Args:
        table: The fields in the order of `shape.type`, of any name; dates as text or dates, counts and money as
            integers, decimals or text. No text holds NUL, and no number is one that `may_break_decimals`.
        shape: How the source writes its records.
        extras: What came beside the fields, as JSON text, if anything did.
    """
    schema = shape.type.schema
    try:
        table.validate(full=True)  # that texts are UTF-8 and decimals no longer than their type
        fields = zip(table.columns, shape.type.fields.values(), strict=True)
        columns = [_convert_column(column, kind, shape) for column, kind in fields]
    except (pa.ArrowInvalid, RecordRejected):
        return None
    count = table.num_rows
    columns += [pa.nulls(count, pa.string()) if extras is None else pa.array(extras, pa.string())]
    columns += [pa.array(np.arange(1, count + 1))]
    return Batch(pa.table(columns, schema=schema), [])


def _convert_column(column: pa.ChunkedArray, kind: FieldType, shape: RecordShape) -> pa.ChunkedArray | pa.Array:
    if kind is FieldType.TEXT:
        longest = pc.max(pc.binary_length(column)).as_py() or 0
        if longest > LONGEST_TEXT and pc.max(pc.utf8_length(column)).as_py() > LONGEST_TEXT:
            raise RecordRejected("too_long")
        return column
    if kind is FieldType.DATE and pa.types.is_string(column.type):
        encoded = column.combine_chunks().dictionary_encode()
        dates = [date_of(text, shape.report_timezone) for text in encoded.dictionary.to_pylist()]
        return pa.array(dates, pa.date32()).take(encoded.indices)
    if pa.types.is_string(column.type):
        column = column.cast(WIDE)
    if pa.types.is_decimal(column.type):
        # Arrow notices most overflows when it gives a decimal more places, but not all; what it does not notice is
        # larger than this in all the types used here.
        bounds = pc.min_max(column).as_py()
        if bounds["max"] is not None and max(-bounds["min"], bounds["max"]) >= _SURE_BELOW:
            raise RecordRejected("out_of_range")
        if kind is FieldType.MONEY and column.type.scale > kind.value.scale:
            column = pc.round(column, kind.value.scale, "half_towards_infinity")  # away from zero, as in decimal
    return column.cast(kind.value)
