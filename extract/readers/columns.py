"""Columns that Arrow has parsed, accepted only as far as `extract.convert` would have made the same of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from extract.convert import LONGEST_TEXT, RecordRejected, converter_of
from extract.readers.chunks import UnreadableFile
from extract.records import Batch, RecordShape
from extract.schema import DECIMAL_PLACES, FieldType

MOST_COLUMNS = 2_000
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
_SIGNED_EXPONENTS = tuple(int.from_bytes(text, "little") for text in (b"e-", b"E-"))
_MOST_PLACES = 1000


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
    # Looking for bytes by twos and fours costs a fraction of `in`; it is seldom that more is to be done.
    if _has_signed_exponent(text) and any(exponent.search(text) for exponent in _SMALL_EXPONENTS):
        return True
    fours = np.frombuffer(text, "<u4", len(text) // 4) == _FOUR_ZEROS
    places = np.flatnonzero(fours[:-1] & fours[1:]) * 4
    if len(places) > _MOST_PLACES:
        return _MANY_ZEROS in text
    return any(_MANY_ZEROS in text[max(place - 8, 0) : place + 16] for place in places.tolist())


def _has_signed_exponent(text: bytes) -> bool:
    """Whether `e-` stands behind a digit or a point somewhere; a name such as `creative-7` has it behind a letter."""
    for start in (0, 1):
        twos = np.frombuffer(text, "<u2", max(len(text) - start, 0) // 2, min(start, len(text)))
        places = np.flatnonzero((twos == _SIGNED_EXPONENTS[0]) | (twos == _SIGNED_EXPONENTS[1])) * 2 + start
        befores = np.frombuffer(text, np.uint8)[places[places > 0] - 1]
        if any(byte in b"0123456789." for byte in np.unique(befores)):
            return True
    return False


def named(header: Sequence[str], shape: RecordShape) -> tuple[list[str], RecordShape]:
    """Finds our fields among the columns of a file, by their names in any case.

    Returns:
        A name for every column, and the shape with the names as this file writes them.

    Raises:
        UnreadableFile: `too_many_columns`, `missing_column`, or `duplicate_column` if two have one name.
    """
    if len(header) > MOST_COLUMNS:
        raise UnreadableFile("too_many_columns", f"{len(header):,} columns are more than {MOST_COLUMNS:,}")
    columns = [name.strip() or f"column_{number}" for number, name in enumerate(header, 1)]
    ours = {theirs.lower(): ours for theirs, ours in shape.names.items()}
    mapping = {name: ours[name.lower()] for name in columns if name.lower() in ours}
    absent = shape.type.required - set(mapping.values())
    if missing := sorted(theirs for theirs, name in shape.names.items() if name in absent):
        raise UnreadableFile("missing_column", ", ".join(missing))
    for names in (columns, list(mapping.values())):
        if twice := sorted(name for name, count in Counter(names).items() if count > 1):
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
        table: The fields that have a name in `shape`, in the order of its type, of any name; numbers as integers,
            decimals or text, all else as text or already of its raw type. No text holds NUL, and no number is one that
            `may_break_decimals`.
        shape: How the source writes its records.
        extras: What came beside the fields, as JSON text, if anything did.
        lines: How many lines the records take up.
    """
    schema = shape.type.schema
    try:
        table.validate(full=True)  # that texts are UTF-8 and decimals no longer than their type
        found = [name for name in shape.type.fields if name in shape.names.values()]
        fields = dict(zip(found, table.columns, strict=True))
        count = table.num_rows
        columns = [
            _convert_column(fields[name], name, field_type, shape)
            if name in fields
            else pa.repeat(pa.scalar(shape.constants.get(name), field_type.raw_type), count)
            for name, field_type in shape.type.fields.items()
        ]
    except (pa.ArrowInvalid, RecordRejected):
        return None
    columns += [pa.nulls(count, pa.string()) if extras is None else pa.array(extras, pa.string())]
    columns += [pa.array(np.arange(1, count + 1))]
    return Batch(pa.table(columns, schema=schema), [], lines)


def _convert_column(
    column: pa.ChunkedArray, name: str, field_type: FieldType, shape: RecordShape
) -> pa.ChunkedArray | pa.Array:
    is_text = pa.types.is_string(column.type)
    if field_type is FieldType.TEXT:
        trimmed = pa.chunked_array([_trimmed(texts) for texts in column.chunks], pa.string())
        if name in shape.type.private and shape.privacy is not None:
            return _mapped(trimmed, shape.privacy.pseudonym, pa.string())
        return trimmed
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
    return _mapped(column, converter_of(field_type, shape.report_timezone), field_type.raw_type)


def _mapped(column: pa.ChunkedArray, convert: Callable[[str], object], type_: pa.DataType) -> pa.Array:
    """Converts each different text once."""
    encoded = column.combine_chunks().dictionary_encode()
    values = [convert(text) for text in encoded.dictionary.to_pylist()]
    return pa.array(values, type_).take(encoded.indices)


def _trimmed(texts: pa.StringArray) -> pa.StringArray:
    """The texts as `text_of` makes them, given that none holds NUL; nearly always they are so already.

    Raises:
        RecordRejected: One is so long that it must be cut.
    """
    _, offsets, characters = texts.buffers()
    if characters is None:
        return pa.nulls(len(texts), pa.string())
    edges = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    starts, ends = edges[:-1], edges[1:]
    lengths = ends - starts
    if lengths.max(initial=0) > LONGEST_TEXT and pc.max(pc.utf8_length(texts)).as_py() > LONGEST_TEXT:
        raise RecordRejected("too_long")
    has_text = lengths > 0
    if not has_text.all():
        starts, ends = starts[has_text], ends[has_text]
        has_text &= np.asarray(texts.is_valid())
    bytes_ = np.frombuffer(characters, np.uint8)
    may_begin, may_end = _MAY_BEGIN_SPACE.take(bytes_.take(starts)), _MAY_END_SPACE.take(bytes_.take(ends - 1))
    if may_begin.any() or may_end.any():
        texts = pc.utf8_trim_whitespace(texts)  # exactly the characters that `str.strip` trims
        return pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)
    if np.count_nonzero(has_text) + texts.null_count == len(texts):
        return texts
    return pc.if_else(pa.array(has_text), texts, pa.scalar(None, pa.string()))


def _edge_bytes(place: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    found = np.zeros(256, np.bool_)
    found[[space.encode()[place] for space in SPACES]] = True
    return found


_MAY_BEGIN_SPACE, _MAY_END_SPACE = _edge_bytes(0), _edge_bytes(-1)
