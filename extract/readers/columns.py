"""Columns that Arrow has parsed, accepted only as far as `extract.convert` would have made the same of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from extract.convert import LONGEST_TEXT, RecordRejected, converter_of
from extract.readers.chunks import UnreadableFile
from extract.records import Batch, RecordShape
from extract.schema import DECIMAL_PLACES, FieldType

WIDE = pa.decimal256(76, 18)
SPACES = "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)
# What to ask Arrow for, where it is not text. First as most sources write it; then with fractions where they are rare;
# then also in quotes, as 12.0, and with the many decimals of a printed double. Dates always as text, for there are many
# ways to write them and few different ones in a file.
_PLAIN = {
    FieldType.COUNT: pa.int64(),
    FieldType.DECIMAL: pa.int64(),
    FieldType.MONEY: pa.decimal128(38, 12),
    FieldType.BOOLEAN: pa.bool_(),
}
_NUMBERS = {FieldType.COUNT, FieldType.DECIMAL, FieldType.MONEY}
_FRACTIONS = {**_PLAIN, FieldType.DECIMAL: pa.decimal128(38, 12)}

_SMALL_EXPONENTS = (re.compile(rb"e-[0-9]+[^0-9\w-]"), re.compile(rb"E-[0-9]+[^0-9\w-]"))
_SURE_BELOW = 10**14
_MANY_ZEROS = b".0000000000000"
_FOUR_ZEROS = int.from_bytes(b"0000", "little")


class Guess:
    """The column types to try, the ones that fitted last first."""

    def __init__(self, shape: RecordShape, wide: pa.DataType = WIDE) -> None:
        """Takes the type for numbers that are not as plain as most."""
        theirs = {ours: name for name, ours in shape.names.items()}
        widest = dict.fromkeys(_NUMBERS, wide)  # and text for what is yes or no
        self._types: list[dict[str, pa.DataType]] = []
        for types in (_PLAIN, _FRACTIONS, widest):
            fields = shape.type.fields.items()
            asked = {theirs[name]: types.get(field_type, pa.string()) for name, field_type in fields if name in theirs}
            if asked not in self._types:
                self._types.append(asked)

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


def named(header: Sequence[str], shape: RecordShape) -> tuple[list[str], RecordShape]:
    """Finds our fields among the columns of a file, by their names in any case.

    Returns:
        A name for every column, and the shape with the names as this file writes them.

    Raises:
        UnreadableFile: `missing_column`, or `duplicate_column` if two have one name.
    """
    columns = [name.strip() or f"column_{number}" for number, name in enumerate(header, 1)]
    ours = {theirs.lower(): ours for theirs, ours in shape.names.items()}
    mapping = {name: ours[name.lower()] for name in columns if name.lower() in ours}
    absent = shape.type.required - set(mapping.values())
    if missing := sorted(theirs for theirs, name in shape.names.items() if name in absent):
        raise UnreadableFile("missing_column", ", ".join(missing))
    for names in (columns, list(mapping.values())):
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise UnreadableFile("duplicate_column", ", ".join(twice))
    if shape.filter is None:
        return columns, replace(shape, names=mapping)
    choice = next((name for name in columns if name.lower() == shape.filter.column.lower()), None)
    if choice is None:
        raise UnreadableFile("missing_column", shape.filter.column)
    return columns, replace(shape, names=mapping, filter=replace(shape.filter, column=choice))


def convert_columns(
    table: pa.Table, shape: RecordShape, extras: Iterable[str | None] | None = None, lines: int = 0
) -> Batch | None:
    """The raw columns made of parsed ones, or None if any value needs a closer look.

    Args:
        table: The fields in the order of `shape.type`, of any name; numbers as integers, decimals or text, all else as
            text or already of its raw type. No text holds NUL, and no number is one that `may_break_decimals`.
        shape: How the source writes its records.
        extras: What came beside the fields, as JSON text, if anything did.
        lines: How many lines the records take up.
    """
    schema = shape.type.schema
    try:
        table.validate(full=True)  # that texts are UTF-8 and decimals no longer than their type
        fields = zip(table.columns, shape.type.fields.values(), strict=True)
        columns = [_convert_column(column, field_type, shape) for column, field_type in fields]
    except (pa.ArrowInvalid, RecordRejected):
        return None
    count = table.num_rows
    columns += [pa.nulls(count, pa.string()) if extras is None else pa.array(extras, pa.string())]
    columns += [pa.array(np.arange(1, count + 1))]
    return Batch(pa.table(columns, schema=schema), [], lines)


def _convert_column(column: pa.ChunkedArray, field_type: FieldType, shape: RecordShape) -> pa.ChunkedArray | pa.Array:
    is_text = pa.types.is_string(column.type)
    if field_type is FieldType.TEXT:
        longest = pc.max(pc.binary_length(column)).as_py() or 0
        if longest > LONGEST_TEXT and pc.max(pc.utf8_length(column)).as_py() > LONGEST_TEXT:
            raise RecordRejected("too_long")
        return _trimmed(column)
    if field_type not in _NUMBERS:
        return _converted_by_text(column, field_type, shape) if is_text else column.cast(field_type.raw_type)
    if is_text:
        column = column.cast(WIDE)
    if pa.types.is_decimal(column.type):
        # Arrow notices most overflows when it gives a decimal more places, but not all; what it does not notice is
        # larger than this in all the types used here.
        bounds = pc.min_max(column).as_py()
        if bounds["max"] is not None and max(-bounds["min"], bounds["max"]) >= _SURE_BELOW:
            raise RecordRejected("out_of_range")
        if field_type is not FieldType.COUNT and column.type.scale > DECIMAL_PLACES:
            column = pc.round(column, DECIMAL_PLACES, "half_towards_infinity")  # away from zero, as in decimal
    return column.cast(field_type.raw_type)


def _converted_by_text(column: pa.ChunkedArray, field_type: FieldType, shape: RecordShape) -> pa.Array:
    """Converts each different text once."""
    encoded = column.combine_chunks().dictionary_encode()
    convert = converter_of(field_type, shape.report_timezone)
    values = [convert(text) for text in encoded.dictionary.to_pylist()]
    return pa.array(values, field_type.raw_type).take(encoded.indices)


def _trimmed(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The texts as `text_of` makes them, given that none holds NUL; nearly always they are so already."""
    chunks = [_without_spaces(chunk) if _may_have_spaces(chunk) else chunk for chunk in column.chunks]
    return pa.chunked_array(chunks, pa.string())


def _without_spaces(texts: pa.StringArray) -> pa.StringArray:
    # This trims exactly the characters that `str.strip` does.
    trimmed = pc.utf8_trim_whitespace(texts)
    return pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, pa.string()), trimmed)


def _may_have_spaces(texts: pa.StringArray) -> bool:
    """Whether a text is empty, or begins or ends with a byte of white space: quicker told than trimmed."""
    _, offsets, characters = texts.buffers()
    if characters is None:
        return bool(texts.null_count < len(texts))
    edges = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    starts, ends = edges[:-1], edges[1:]
    filled = starts < ends
    if np.count_nonzero(filled) + texts.null_count < len(texts):
        return True
    bytes_ = np.frombuffer(characters, np.uint8)
    firsts, lasts = bytes_[starts[filled]], bytes_[ends[filled] - 1]
    return bool(_MAY_BEGIN_SPACE[firsts].any() or _MAY_END_SPACE[lasts].any())


def _edge_bytes(place: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    found = np.zeros(256, np.bool_)
    found[[space.encode()[place] for space in SPACES]] = True
    return found


_MAY_BEGIN_SPACE, _MAY_END_SPACE = _edge_bytes(0), _edge_bytes(-1)
