"""Columns that Arrow has parsed, accepted only as far as `extract.convert` would have made the same of them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from extract.convert import BYTE_ORDER_MARK, LONGEST_TEXT, RecordRejected, text_of, unwrapped
from extract.profile import ONE, PLAIN_COLUMN, Column
from extract.readers.events import instants, known_ids, known_people, without_macros
from extract.readers.numbers import Bytes, characters_of, plain_numbers, power_of_ten, shifted
from extract.readers.unreadable import UnreadableFile
from extract.records import Batch, RecordShape
from extract.remarks import UNEXPANDED_MACRO, WHOLE_DAY, Remarked
from extract.schema import DECIMAL_PLACES, FieldType

MOST_COLUMNS = 2_000
COUNT_OF_THOUSANDS = r"^\s*[+-]?[1-9][0-9]{0,2}[.][0-9]{3}\s*$"
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

_SURE_BELOW = 10**14


class Remarks:
    """What is to be said of some columns.

    Attributes:
        counts: How often what is to be said.
        whole_days: Which times were dates alone, if any was.
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.whole_days: pa.BooleanArray | None = None


class Guess:
    """The column types to try, the ones that fitted last first.

    Attributes:
        widest: Those that take whatever any of them takes.
    """

    def __init__(self, shape: RecordShape, wide: pa.DataType = WIDE) -> None:
        """Takes the type for numbers that are not as plain as most."""
        widest = dict.fromkeys(_NUMBERS, wide)  # and text for what is yes or no
        tried = (_PLAIN, _FRACTIONS, widest) if shape.profile.decimal_sign == "." else (widest,)
        self._types: list[dict[str, pa.DataType]] = []
        for types in tried:
            asked: dict[str, pa.DataType] = {}
            for name, theirs in shape.names.items():
                type_ = _asked_type(name, types, shape)
                asked[theirs] = type_ if asked.get(theirs, type_) == type_ else pa.string()
            if asked not in self._types:
                self._types.append(asked)
        self.widest = self._types[-1]

    def parsed(self, parse: Callable[[dict[str, pa.DataType]], pa.Table | None]) -> pa.Table | None:
        """The first table that comes of it, given a mapping from the source's names, in our order, to types."""
        for types in self._types:
            table = parse(types)
            if table is not None:
                self._types.sort(key=lambda tried: tried is not types)
                return table
        return None


def _asked_type(name: str, types: Mapping[FieldType, pa.DataType], shape: RecordShape) -> pa.DataType:
    field_type, column = shape.type.fields[name], shape.column(name)
    if column != PLAIN_COLUMN and field_type in _NUMBERS:
        if _power_of(column) is None:
            return pa.string()  # to be looked at one by one
        if column.divide_by != ONE and types is _PLAIN:
            return pa.int64()  # as micros are written
    return types.get(field_type, pa.string())


def _power_of(column: Column) -> int | None:
    """The power of ten by which the numbers of a column are divided; None if each is to be looked at by itself."""
    return None if column.multiply_by != ONE or column.nulls else power_of_ten(column.divide_by)


def plain_name(name: str) -> str:
    """A column's name without what makes no difference: case, blanks, underscores, a byte order mark."""
    return "".join(name.replace("\N{ZERO WIDTH NO-BREAK SPACE}", "").replace("_", "").split()).casefold()


def _headed(header: Iterable[str], shape: RecordShape) -> RecordShape:
    """The shape with the first of a field's possible names that is among the columns of a file."""
    present = set(map(plain_name, header))
    names = {
        name: next((one for one in possible if plain_name(one) in present), possible[0])
        for name, possible in shape.choices.items()
    }
    return replace(shape, names={**shape.names, **names}, is_settled=True)


def missing_columns(header: Iterable[str], shape: RecordShape) -> list[str]:
    """What the source calls the required fields that are not among the columns of a file."""
    header = list(header)
    present, shape = set(map(plain_name, header)), _headed(header, shape)
    return sorted({shape.names[name] for name in shape.required if plain_name(shape.names[name]) not in present})


def named(header: Sequence[str], shape: RecordShape) -> tuple[list[str], RecordShape]:
    """Finds our fields among the columns of a file, whose names may differ in case, blanks and underscores.

    Returns:
        A name for every column, each another one, and the shape with the names as this file writes them.

    Raises:
        UnreadableFile: `too_many_columns`, `missing_column`, or `duplicate_column` if two may be the same field.
    """
    if len(header) > MOST_COLUMNS:
        raise UnreadableFile("too_many_columns", f"{len(header):,} columns are more than {MOST_COLUMNS:,}")
    columns = _told_apart(header)
    places = defaultdict(list)
    for name, column in zip(header, columns, strict=True):
        places[plain_name(name)].append(column)
    shape = _headed(header, shape)
    if missing := missing_columns(header, shape):
        raise UnreadableFile("missing_column", ", ".join(missing))
    found = {name: places[plain_name(theirs)] for name, theirs in shape.names.items()}
    if twice := sorted({shape.names[name] for name, of_name in found.items() if len(of_name) > 1}):
        raise UnreadableFile("duplicate_column", ", ".join(twice))
    shape = replace(
        shape,
        names={name: of_name[0] for name, of_name in found.items() if of_name},
        skip=frozenset(column for name in map(plain_name, shape.skip) for column in places[name]),
    )
    if shape.filter is None:
        return columns, shape
    telling = {}
    for column in [name for name, _ in shape.filter.columns] or [shape.filter.column]:
        choices = places[plain_name(column)]
        if len(choices) != 1:
            raise UnreadableFile("duplicate_column" if choices else "missing_column", column)
        telling[column] = choices[0]
    several = tuple((telling[name], is_wanted) for name, is_wanted in shape.filter.columns)
    one = telling.get(shape.filter.column, "")
    return columns, replace(shape, filter=replace(shape.filter, column=one, columns=several))


def header_again(values: Sequence[object], header: Sequence[str], shape: RecordShape) -> RecordRejected | None:
    """Why a row is no record that names columns: one of the same table, as where files were put together, or another.

    Args:
        values: What the row has.
        header: The names of the columns of the table.
        shape: How its records are written, with the names as its header has them.
    """
    numbers = {plain_name(theirs) for name, theirs in shape.names.items() if shape.type.fields[name] in _NUMBERS}
    said = [plain_name(value) if isinstance(value, str) else "" for value in values]
    if len(numbers & {*said}) < min(2, len(numbers)):
        return None
    is_same = said == list(map(plain_name, header))
    return RecordRejected("repeated_header" if is_same else "several_tables")


def _told_apart(header: Iterable[str]) -> list[str]:
    """The names of columns, with a number behind those that came before."""
    columns: dict[str, None] = {}
    for number, name in enumerate(header, 1):
        column = name.replace("\N{ZERO WIDTH NO-BREAK SPACE}", "").strip() or f"column_{number}"
        while column in columns:
            column = f"{column}_{number}"
        columns[column] = None
    return [*columns]


def convert_columns(
    table: pa.Table, shape: RecordShape, extras: Iterable[str | None] | None = None, lines: int = 0
) -> Batch | None:
    """The raw columns made of parsed ones, or None if any value needs a closer look.

    Args:
        table: The fields of `shape` that have a name in it, by that name; numbers as integers, decimals or text, all
            else as text or already of its raw type. No text holds NUL, and no number is one that `may_break_decimals`.
        shape: How the source writes its records.
        extras: What came beside the fields, as JSON text, if anything did.
        lines: How many lines the records take up.
    """
    schema = shape.type.schema
    if shape.is_read_one_by_one:
        return None
    remarks = Remarks()
    try:
        table.validate(full=True)  # that texts are UTF-8 and decimals no longer than their type
        count = table.num_rows
        columns = [
            convert_column(table.column(shape.names[name]), name, field_type, shape, remarks)
            if name in shape.names
            else pa.repeat(pa.scalar(shape.constants.get(name), field_type.raw_type), count)
            for name, field_type in shape.type.fields.items()
        ]
    except (pa.ArrowInvalid, RecordRejected):
        return None
    if shape.type.is_event:
        columns += [pa.repeat(False, count) if remarks.whole_days is None else remarks.whole_days]
    columns += [pa.nulls(count, pa.string()) if extras is None else pa.array(extras, pa.string())]
    columns += [pa.array(np.arange(1, count + 1))]
    return Batch(pa.table(columns, schema=schema), [], lines, remarks=remarks.counts, noted=_noted(table, shape))


def _noted(table: pa.Table, shape: RecordShape) -> Counter[str]:
    """What is to be noted of all records, each different text looked at once."""
    noted = Counter({what: table.num_rows - table.column(theirs).null_count for theirs, what in shape.named})
    for theirs, note in shape.notes:
        column = table.column(theirs)
        if pa.types.is_string(column.type) and any(map(_has_more_than_digits, column.chunks)):
            found = pc.value_counts(column)
            for text, count in zip(found.field("values").to_pylist(), found.field("counts").to_pylist(), strict=True):
                if what := note(text):
                    noted[what] += count
    return noted


def _has_more_than_digits(texts: pa.StringArray) -> bool:
    """Whether any text is more than a number: a currency sign, or the colon of a time."""
    return not bool(_OF_NUMBERS.take(characters_of(texts)[0]).all())


def convert_column(
    column: pa.ChunkedArray, name: str, field_type: FieldType, shape: RecordShape, remarks: Remarks
) -> pa.ChunkedArray | pa.Array:
    """The raw column of a field, from one that `convert_columns` would take.

    Raises:
        pa.ArrowInvalid: A value needs a closer look.
        RecordRejected: Likewise.
    """
    is_text = pa.types.is_string(column.type)
    if field_type is FieldType.TEXT:
        return _convert_texts(column, name, shape, remarks)
    if field_type not in _NUMBERS:
        if not is_text:
            return column.cast(field_type.raw_type)
        if field_type is FieldType.TIMESTAMP and not (shape.profile.date_format or shape.profile.time_origin):
            is_utc = shape.timezone in (None, ZoneInfo("UTC"))
            found = [instants(texts, is_utc=is_utc) for texts in column.chunks]
            if None not in found:
                return pa.chunked_array(found, field_type.raw_type)
        return _mapped(column, shape.converter(name), field_type, remarks)
    power = _power_of(shape.column(name))
    if is_text:
        if shape.type.is_event and field_type is FieldType.MONEY:
            column = _each(column, without_macros, remarks)
        if field_type is FieldType.COUNT and _may_be_of_thousands(column, shape):
            raise RecordRejected("ambiguous_number")
        numbers = None if power is None else _numbers_of(column, shape)
        if numbers is None:
            return _mapped(column, shape.converter(name), field_type, remarks)
        column = numbers
    if power is None:
        raise RecordRejected("wrong_type")  # only one by one are they divided by just anything
    if power:
        column = pa.chunked_array([shifted(numbers, power) for numbers in column.chunks])
    if pa.types.is_decimal(column.type):
        # Arrow notices most overflows when it gives a decimal more places, but not all; what it does not notice is
        # larger than this in all the types used here.
        bounds = pc.min_max(column).as_py()
        if bounds["max"] is not None and max(-bounds["min"], bounds["max"]) >= _SURE_BELOW:
            raise RecordRejected("out_of_range")
        if field_type is not FieldType.COUNT and column.type.scale > DECIMAL_PLACES:
            column = pc.round(column, DECIMAL_PLACES, "half_towards_infinity")  # away from zero, as in decimal
    return column.cast(field_type.raw_type)


def _convert_texts(
    column: pa.ChunkedArray, name: str, shape: RecordShape, remarks: Remarks
) -> pa.ChunkedArray | pa.Array:
    texts = pa.chunked_array([_trimmed(texts) for texts in column.chunks], pa.string())
    if nulls := shape.nulls(name):
        begins = np.zeros(256, np.bool_)
        begins[[text.encode()[0] for text in nulls if text]] = True
        if any(begins.take(_first_bytes(one)).any() for one in texts.chunks):
            is_null = pc.is_in(texts, pa.array(sorted(nulls), pa.string()))
            texts = pc.if_else(is_null, pa.scalar(None, pa.string()), texts)
    if name in shape.type.ids and any(map(_has_point, texts.chunks)):
        texts = pc.replace_substring_regex(texts, r"^([0-9]+)\.0+$", r"\1")
    if name in shape.type.private and shape.privacy is not None:
        if shape.type.is_event:
            texts = _each(texts, known_people, remarks)
        return shape.privacy.pseudonyms(texts)
    if name in shape.type.ids and shape.type.is_event:
        texts = _each(texts, known_ids, remarks)
        if prefix := shape.id_prefix(name):
            texts = pc.binary_join_element_wise(pa.scalar(prefix), texts, "")
            if (pc.max(pc.utf8_length(texts)).as_py() or 0) > LONGEST_TEXT:
                raise RecordRejected("too_long")
    return texts


def _each(
    column: pa.ChunkedArray, cleaned: Callable[[pa.StringArray], tuple[pa.StringArray, int]], remarks: Remarks
) -> pa.ChunkedArray:
    """The texts of a column without macros, which are counted."""
    chunks = []
    for texts in column.chunks:
        kept, count = cleaned(texts)
        chunks.append(kept)
        if count:
            remarks.counts[UNEXPANDED_MACRO] += count
    return pa.chunked_array(chunks, pa.string())


def _may_be_of_thousands(counts: pa.ChunkedArray, shape: RecordShape) -> bool:
    if shape.says_numbers or not any(map(_has_point, counts.chunks)):
        return False
    return bool(pc.any(pc.match_substring_regex(counts, COUNT_OF_THOUSANDS)).as_py())


def _has_point(texts: pa.StringArray) -> bool:
    return bool((characters_of(texts)[0] == ord(".")).any())


def _first_bytes(texts: pa.StringArray) -> Bytes:
    bytes_, edges = characters_of(texts)
    return bytes_.take(edges[:-1][edges[:-1] < edges[1:]])


def _numbers_of(column: pa.ChunkedArray, shape: RecordShape) -> pa.ChunkedArray | None:
    """The numbers that texts stand for, as the source writes them; None if one is better looked at by itself."""
    if not shape.profile.writes_numbers:
        return column.cast(WIDE)
    texts = [plain_numbers(texts, shape.profile) for texts in column.chunks]
    if None in texts:
        return None
    plain = pa.chunked_array(texts, pa.string())
    for type_ in (pa.int64(), pa.decimal128(38, 12)):
        try:
            return plain.cast(type_)
        except pa.ArrowInvalid:
            continue
    return plain.cast(WIDE)


def _mapped(
    column: pa.ChunkedArray | pa.Array, convert: Callable[[str], object], field_type: FieldType, remarks: Remarks
) -> pa.Array:
    """Converts each different text once."""
    texts = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    encoded = texts.dictionary_encode()
    values = [convert(text) for text in encoded.dictionary.to_pylist()]
    said = [value.remark if isinstance(value, Remarked) else None for value in values]
    for remark in {one for one in said if one is not None}:
        where = pa.array([one == remark for one in said]).take(encoded.indices).fill_null(False)
        remarks.counts[remark] += where.true_count
        if remark == WHOLE_DAY:
            remarks.whole_days = where
    plain = [value.value if isinstance(value, Remarked) else value for value in values]
    return pa.array(plain, field_type.raw_type).take(encoded.indices)


def _trimmed(texts: pa.StringArray) -> pa.StringArray:
    """The texts as `text_of` makes them, given that none holds NUL; nearly always they are so already.

    Raises:
        RecordRejected: One is so long that it must be cut.
    """
    bytes_, edges = characters_of(texts)
    if not len(bytes_):
        return pa.nulls(len(texts), pa.string())
    starts, ends = edges[:-1], edges[1:]
    lengths = ends - starts
    if lengths.max(initial=0) > LONGEST_TEXT and pc.max(pc.utf8_length(texts)).as_py() > LONGEST_TEXT:
        raise RecordRejected("too_long")
    has_text = lengths > 0
    if not has_text.all():
        starts, ends = starts[has_text], ends[has_text]
        has_text &= np.asarray(texts.is_valid())
    may_begin, may_end = _MAY_BEGIN_ODDLY.take(bytes_.take(starts)), _MAY_END_SPACE.take(bytes_.take(ends - 1))
    if may_begin.any() or may_end.any():
        texts = pc.utf8_trim_whitespace(texts)  # exactly the characters that `str.strip` trims
        if pc.any(pc.or_(pc.starts_with(texts, '="'), pc.starts_with(texts, BYTE_ORDER_MARK))).as_py():
            return _mapped(texts, lambda text: text_of(unwrapped(text)), FieldType.TEXT, Remarks())
        return pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)
    if np.count_nonzero(has_text) + texts.null_count == len(texts):
        return texts
    return pc.if_else(pa.array(has_text), texts, pa.scalar(None, pa.string()))


def _edge_bytes(place: int, others: bytes = b"") -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    found = np.zeros(256, np.bool_)
    found[[space.encode()[place] for space in SPACES]] = True
    found[[*others]] = True
    return found


_OF_NUMBERS = np.zeros(256, np.bool_)
_OF_NUMBERS[[*b"0123456789.,-"]] = True
_MAY_BEGIN_ODDLY, _MAY_END_SPACE = _edge_bytes(0, b"=\xef"), _edge_bytes(-1)
