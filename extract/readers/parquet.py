"""Parquet: each column as its own type says, a record at a time where that is not ours."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from extract.convert import Moment, NotFinite, Number
from extract.profile import Profile
from extract.readers.chunks import LONGEST_RECORD
from extract.readers.columns import convert_columns, named
from extract.readers.unreadable import UnreadableFile
from extract.records import Batch, RecordShape, RejectedRecord, convert_records, renumbered
from extract.schema import FieldType

_ROWS, _BYTES, _SMALL_BYTES = 65_536, 64 << 20, 4 << 20
# What is so much larger than its file is a bomb; a real export is perhaps fifty times as large.
_BOMB_BYTES, _BOMB_PAGES, _BOMB_RATIO = 1 << 30, 256 << 20, 200
# Of lists, one record may have all that a row group has, and all of it is in memory then.
_LISTED_BYTES, _BYTES_OF_LISTED = 512 << 20, 16

_TEXTS = {"STRING", "NONE"}
Sizes: TypeAlias = np.ndarray[tuple[int], np.dtype[np.int64]]


def read_parquet(path: Path, shape: RecordShape, rows: int = _ROWS) -> Iterator[Batch]:
    """Reads a Parquet file, some tens of thousands of records at once, or fewer if they are large once decoded.

    Raises:
        UnreadableFile: `broken_parquet`, `decoded_too_large`, `too_many_columns`, `missing_column`, `duplicate_column`,
            or `unreadable_encoding`.
    """
    try:
        with _opened(path) as file:
            columns, shape = named(file.schema_arrow.names, shape)
            count = 0
            for piece in _pieces(file, path.stat().st_size, min(rows, _rows_in_memory(file.metadata))):
                batch = _parsed_piece(piece.rename_columns(columns), shape)
                if batch:
                    yield renumbered(batch, count)
                count += len(batch)
    except UnicodeDecodeError as error:
        raise UnreadableFile("unreadable_encoding", f"not UTF-8: {error.reason}") from None


def parquet_rows(path: Path, positions: Collection[int]) -> Iterator[tuple[int, dict[str, object]]]:
    """Some rows by their numbers, from 1; only the row groups that hold one of them are read.

    Raises:
        UnreadableFile: `broken_parquet`.
    """
    try:
        with pq.ParquetFile(path) as file:
            first = 1
            for group in range(file.metadata.num_row_groups):
                behind = first + file.metadata.row_group(group).num_rows
                wanted = sorted(position for position in positions if first <= position < behind)
                if wanted:
                    table = file.read_row_group(group).take([position - first for position in wanted])
                    yield from zip(wanted, _rows(table), strict=True)
                first = behind
    except (pa.ArrowException, OSError) as error:
        raise UnreadableFile("broken_parquet", str(error)) from None


def _opened(path: Path) -> pq.ParquetFile:
    """The file, with a text that repeats itself kept once, as it is stored: a small file may have many of a large one.

    Raises:
        UnreadableFile: `broken_parquet`, or `decoded_too_large` if a column swells as no data does.
    """
    with _damage():
        metadata = pq.read_metadata(path)
        leaves = [metadata.schema.column(number) for number in range(metadata.num_columns)]
        for number in range(metadata.num_row_groups):
            group = metadata.row_group(number)
            for chunk, leaf in zip(map(group.column, range(group.num_columns)), leaves, strict=True):
                listed = chunk.num_values * _BYTES_OF_LISTED if leaf.max_repetition_level else 0
                decoded, stored = max(chunk.total_uncompressed_size, listed), chunk.total_compressed_size
                if listed > _LISTED_BYTES or (decoded > _BOMB_PAGES and decoded > _BOMB_RATIO * stored):
                    raise UnreadableFile(
                        "decoded_too_large", f"{stored:,} bytes of {chunk.path_in_schema} swell to {decoded:,}"
                    )
        texts = [leaf for leaf in leaves if leaf.physical_type == "BYTE_ARRAY" and leaf.logical_type.type in _TEXTS]
        return pq.ParquetFile(path, metadata=metadata, read_dictionary=[leaf.path for leaf in texts])


@contextmanager
def _damage() -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno):
            raise  # the machine's fault, not the file's
        raise UnreadableFile("broken_parquet", str(error)) from None


def _pieces(file: pq.ParquetFile, file_size: int, rows: int) -> Iterator[pa.Table]:
    """The records in order, cut so that no piece is much larger than `_BYTES` once its texts are decoded.

    A record that is too long is a piece by itself.

    Raises:
        UnreadableFile: `broken_parquet` or `decoded_too_large`.
    """
    blocks = file.iter_batches(rows)
    while True:
        with _damage():
            block = next(blocks, None)
        if block is None:
            return
        sizes = _added(block.columns, len(block))
        ends = np.cumsum(sizes)
        total = int(ends[-1]) if len(ends) else 0
        if total > max(_BOMB_BYTES, _BOMB_RATIO * file_size):
            raise UnreadableFile("decoded_too_large", f"{len(block):,} records swell to {total:,} bytes")
        start = 0
        long = np.append(np.flatnonzero(sizes > LONGEST_RECORD), len(block))
        while start < len(block):
            before = int(ends[start - 1]) if start else 0
            next_long = int(long[np.searchsorted(long, start)])
            end = max(min(int(np.searchsorted(ends, before + _BYTES, "right")), next_long), start + 1)
            yield pa.Table.from_batches([block.slice(start, end - start)])
            start = end


def _decoded_sizes(column: pa.Array) -> Sizes:
    """How many bytes each value takes once it is no longer a place in a dictionary."""
    kind = column.type
    if pa.types.is_dictionary(kind) and _is_text(kind.value_type):
        lengths = pc.binary_length(column.dictionary)
        longest = pc.max(lengths).as_py() or 0
        if longest * len(column) <= _SMALL_BYTES:  # as nearly always: no need to look at each
            return np.full(len(column), longest, np.int64)
        return _numbers(lengths.take(column.indices))
    if _is_text(kind):
        return _numbers(pc.binary_length(column))
    if pa.types.is_struct(kind):
        return _added(column.flatten(), len(column))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_map(kind):
        values = [column.keys, column.items] if pa.types.is_map(kind) else [column.values]
        ends = np.cumsum(_added(values, len(values[0])))
        return np.diff(np.append(np.int64(0), ends)[_numbers(column.offsets)])
    return np.full(len(column), max(column.nbytes // max(len(column), 1), 1), np.int64)


def _added(columns: Iterable[pa.Array], length: int) -> Sizes:
    total = np.zeros(length, np.int64)
    for column in columns:
        total += _decoded_sizes(column)
    return total


def _numbers(column: pa.Array) -> Sizes:
    return np.asarray(pc.fill_null(column.cast(pa.int64()), 0))


def _is_text(kind: pa.DataType) -> bool:
    return kind in (pa.string(), pa.binary(), pa.large_string(), pa.large_binary())


def _parsed_piece(table: pa.Table, shape: RecordShape) -> Batch:
    if table.num_rows == 1 and sum(int(_decoded_sizes(one.chunk(0))[0]) for one in table.columns) > LONGEST_RECORD:
        return Batch(shape.type.schema.empty_table(), [RejectedRecord(1, "too_long")])
    for number, name in enumerate(table.column_names):
        if name in shape.names.values():
            table = table.set_column(number, name, _readable(table.column(number)))
    return _parse_fast(table, shape) or convert_records(_records(table), shape)


def _rows_in_memory(metadata: pq.FileMetaData) -> int:
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    widest = max((group.total_byte_size / max(group.num_rows, 1) for group in groups), default=1)
    return max(1, int(_BYTES / max(widest, 1)))


def _parse_fast(table: pa.Table, shape: RecordShape) -> Batch | None:
    if shape.is_read_one_by_one or shape.profile.has_odd_nulls or shape.doubts:
        return None
    try:
        fields = {
            name: _parsed(table.column(theirs), shape.type.fields[name], shape.profile)
            for name, theirs in shape.names.items()
        }
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None
    extras = table.select([name for name in table.column_names if name not in shape.names.values()])
    extras = extras.drop_columns([name for name in extras.column_names if name in shape.skip])
    texts = list(map(shape.extra_text, _records(extras))) if extras.num_columns else None
    return convert_columns(pa.table(fields), replace(shape, names={name: name for name in fields}), texts)


def _readable(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column with times, binary texts and doubles as text, so that both ways see the same digits."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    source = column.type
    if pa.types.is_timestamp(source) and source.tz:
        column = column.cast(pa.timestamp(source.unit, "UTC"))
    if _is_text(source) or pa.types.is_timestamp(source) or pa.types.is_floating(source):
        column = _as_text(column)
    return column


def _as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column as text.

    Raises:
        UnreadableFile: `unreadable_encoding`.
    """
    try:
        column = column.cast(pa.string())
        column.validate(full=True)
    except pa.ArrowInvalid as error:
        raise UnreadableFile("unreadable_encoding", f"not UTF-8: {error}") from None
    return column


def _parsed(column: pa.ChunkedArray, field_type: FieldType, profile: Profile) -> pa.ChunkedArray:
    """What `convert_columns` takes.

    Raises:
        pa.ArrowInvalid: A value needs a closer look.
    """
    source = column.type
    is_text, is_integer = pa.types.is_string(source), pa.types.is_integer(source)
    is_decimal, is_date = pa.types.is_decimal(source), pa.types.is_date(source)
    match field_type:
        case _ if pa.types.is_null(source):
            return column.cast(field_type.raw_type)
        case FieldType.TEXT if is_text and not _holds(column, "\\x00"):
            return column
        case FieldType.DATE if is_text or is_date:
            return column
        case FieldType.DATE | FieldType.TIMESTAMP if profile.date_format and not is_text:
            pass  # the format is that of texts
        case FieldType.BOOLEAN if is_text or pa.types.is_boolean(source):
            return column
        case FieldType.TIMESTAMP | FieldType.JSON if is_text:
            return column
        case FieldType.TIMESTAMP if is_date:
            return column.cast(pa.string())
        case FieldType.TEXT | FieldType.DATE | FieldType.TIMESTAMP | FieldType.BOOLEAN if is_integer:
            return column.cast(pa.string())
        case FieldType.COUNT if is_integer or is_decimal:
            return column
        case FieldType.DECIMAL | FieldType.MONEY if is_integer:
            return column.cast(field_type.raw_type)
        case FieldType.DECIMAL | FieldType.MONEY if is_decimal:
            return column
        case FieldType.COUNT | FieldType.DECIMAL | FieldType.MONEY if is_text and not _holds(column, "[eE]-|[.]0{13}"):
            return column
    raise pa.ArrowInvalid(f"{source} is not {field_type}")


def _records(table: pa.Table) -> Iterator[dict[str, object]]:
    for row in _rows(table):
        yield {name: _plain(value) for name, value in row.items()}


def _rows(table: pa.Table) -> Iterator[dict[str, object]]:
    for row in zip(*map(_values, table.columns), strict=True):
        yield dict(zip(table.column_names, row, strict=True))


def _values(column: pa.ChunkedArray) -> list[object]:
    """The values for Python; as text where Python has none such, as the nanoseconds of a time.

    Of a type with nanoseconds Arrow gives other values where it has found pandas: it is never asked for one.
    """
    try:
        return list(column.cast(_instead_of_nanoseconds(column.type, "us")).to_pylist())
    except (ValueError, pa.ArrowException):  # a UnicodeDecodeError is a ValueError too
        return [_value(column.slice(place, 1)) for place in range(len(column))]


def _value(one: pa.ChunkedArray) -> object:
    micro, text = (_instead_of_nanoseconds(one.type, instead) for instead in ("us", "text"))
    for kind in (micro, text, pa.binary(), pa.string()):
        with suppress(ValueError, pa.ArrowException):
            return one.cast(kind).to_pylist()[0]
    return f"a value of {one.type}"


def _instead_of_nanoseconds(kind: pa.DataType, instead: str) -> pa.DataType:
    """The type with microseconds, or with text, in the place of nanoseconds."""
    match kind:
        case pa.StructType():
            return pa.struct([one.with_type(_instead_of_nanoseconds(one.type, instead)) for one in kind])
        case pa.MapType():
            items = kind.item_field.with_type(_instead_of_nanoseconds(kind.item_type, instead))
            return pa.map_(kind.key_field, items)
        case pa.ListType():
            return pa.list_(kind.value_field.with_type(_instead_of_nanoseconds(kind.value_type, instead)))
        case _ if not pa.types.is_temporal(kind) or getattr(kind, "unit", "") != "ns":
            return kind
        case _ if instead == "text":
            return pa.string()
        case pa.TimestampType():
            return pa.timestamp("us", kind.tz)
        case pa.Time64Type():
            return pa.time64("us")
        case _:
            return pa.duration("us")


def _plain(value: object) -> object:
    """The value as JSON would have had it."""
    match value:
        case None | bool() | str():
            return value
        case int():
            return Number(value)
        case float():
            return Number(value) if math.isfinite(value) else NotFinite(value)
        case Decimal():
            return Number(f"{value:f}")
        case dict():
            return {str(key): _plain(member) for key, member in value.items()}
        case list() | tuple():
            return [_plain(member) for member in value]
        case bytes():
            return value.decode(errors="replace")
        case date():
            return Moment(value)
        case _:
            return str(value)


def _holds(column: pa.ChunkedArray, pattern: str) -> bool:
    return bool(pc.any(pc.match_substring_regex(column, pattern)).as_py())
