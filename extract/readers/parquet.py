"""Parquet: each column as its own type says, a record at a time where that is not ours."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from extract.convert import NotFinite, Number
from extract.readers.chunks import UnreadableFile
from extract.readers.columns import convert_columns, named
from extract.records import Batch, RecordShape, convert_records, renumbered
from extract.schema import FieldType

_ROWS, _BYTES = 65_536, 64 << 20


def read_parquet(path: Path, shape: RecordShape, rows: int = _ROWS) -> Iterator[Batch]:
    """Reads a Parquet file, some tens of thousands of records at once.

    Raises:
        UnreadableFile: `broken_parquet`, `missing_column`, `duplicate_column` or `unreadable_encoding`.
    """
    try:
        with pq.ParquetFile(path) as file:
            columns, shape = named(file.schema_arrow.names, shape)
            count = 0
            for block in file.iter_batches(min(rows, _rows_in_memory(file.metadata))):
                table = pa.Table.from_batches([block]).rename_columns(columns)
                for number, name in enumerate(columns):
                    if name in shape.names:
                        table = table.set_column(number, name, _readable(table.column(number)))
                batch = _parse_fast(table, shape) or convert_records(map(_plain_members, table.to_pylist()), shape)
                if batch:
                    yield renumbered(batch, count)
                count += len(batch)
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno:
            raise  # the disk's fault, not the file's
        raise UnreadableFile("broken_parquet", str(error)) from None
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
                    yield from zip(wanted, table.to_pylist(), strict=True)
                first = behind
    except (pa.ArrowException, OSError) as error:
        raise UnreadableFile("broken_parquet", str(error)) from None


def _rows_in_memory(metadata: pq.FileMetaData) -> int:
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    widest = max((group.total_byte_size / max(group.num_rows, 1) for group in groups), default=1)
    return max(1, int(_BYTES / max(widest, 1)))


def _parse_fast(table: pa.Table, shape: RecordShape) -> Batch | None:
    if shape.filter is not None:
        return None
    theirs = {ours: name for name, ours in shape.names.items()}
    try:
        fields = [_parsed(table.column(theirs[name]), field_type) for name, field_type in shape.type.fields.items()]
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None
    extras = table.select([name for name in table.column_names if name not in shape.names])
    texts = [shape.extra_text(_plain_members(row)) for row in extras.to_pylist()] if extras.num_columns else None
    return convert_columns(pa.table(fields, names=list(shape.type.fields)), shape, texts)


def _readable(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column with times, binary texts and doubles as text, so that both ways see the same digits."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    source = column.type
    if pa.types.is_timestamp(source) and source.tz:
        column = column.cast(pa.timestamp(source.unit, "UTC"))
    is_text = pa.types.is_large_string(source) or pa.types.is_binary(source) or pa.types.is_large_binary(source)
    if is_text or pa.types.is_timestamp(source) or pa.types.is_floating(source):
        column = column.cast(pa.string())
    return column


def _parsed(column: pa.ChunkedArray, field_type: FieldType) -> pa.ChunkedArray:
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


def _plain_members(row: dict[str, object]) -> dict[str, object]:
    return {name: _plain(value) for name, value in row.items()}


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
        case _:
            return str(value)


def _holds(column: pa.ChunkedArray, pattern: str) -> bool:
    return bool(pc.any(pc.match_substring_regex(column, pattern)).as_py())
