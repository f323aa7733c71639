"""Avro: object container files, each value as the schema of its writer says, each field found by its name.

The format is that of the Avro specification, section "Object Container Files". Names of records do not matter, because
every exchange has its own. A value becomes what JSON would have had in its place, so Avro and JSON give the same rows.
"""

from __future__ import annotations

import io
from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import fastavro
import fastavro.schema

from extract.convert import RecordRejected
from extract.readers.avro_columns import AvroColumns
from extract.readers.avro_container import BROKEN, Header, as_long, blocks_of, header_bytes, header_of
from extract.readers.avro_values import (
    Converter,
    branches_of,
    kind_of,
    parsed_schema,
    paths_of,
    without_logical_types,
)
from extract.readers.chunks import LONGEST_RECORD
from extract.readers.columns import named
from extract.readers.unreadable import UnreadableFile
from extract.records import Batch, RecordShape, convert_records, renumbered
from extract.schema import FieldType, Parts, RecordType

Block = tuple[bytes, int]

_ROWS = 8_192
_AT_ONCE = 4 << 20  # bytes of a block whose records are decoded together; those of a larger one take too much memory
_SCALARS = frozenset({"boolean", "int", "long", "float", "double", "bytes", "fixed", "string", "enum"})
_TYPES_OF = {
    FieldType.TEXT: _SCALARS,
    FieldType.COUNT: _SCALARS - {"boolean"},
    FieldType.DECIMAL: _SCALARS - {"boolean"},
    FieldType.MONEY: _SCALARS - {"boolean"},
    FieldType.DATE: _SCALARS - {"boolean"},
    FieldType.TIMESTAMP: _SCALARS - {"boolean"},
    FieldType.BOOLEAN: _SCALARS,
    FieldType.JSON: frozenset({"array", "map", "record", "string", "bytes"}),
}
"""What the writer may have where a field of ours is due; the values are still looked at one by one."""


def read_avro(path: Path, shape: RecordShape, rows: int = _ROWS) -> Iterator[Batch]:
    """Reads an Avro file, some thousands of records at once; memory holds one block of it.

    Fields are found by their names, in any case, else by an alias that the writer's schema gives them; what the writer
    has no field for is null.

    Raises:
        UnreadableFile: `broken_avro`, `cut_off`, `several_files`, `decoded_too_large`, `unreadable_encoding`,
            `missing_column`, `duplicate_column`, or `incompatible_schema` if a field cannot be what we need.
    """
    with path.open("rb") as file:
        header = header_of(file)
        shape = _named(header.schema, shape)
        converter = Converter(header.schema, _parts_of(shape))
        columns = _columns(converter, shape)
        count = 0
        for blocks in _some(blocks_of(file, header), columns.most if columns else _AT_ONCE):
            batch = columns.batch(blocks) if columns else None
            for one in [batch] if batch else _one_by_one(_values(blocks, header), converter, shape, rows):
                yield renumbered(one, count)
                count += len(one)


def _one_by_one(values: Iterator[object], converter: Converter, shape: RecordShape, rows: int) -> Iterator[Batch]:
    while some := [*islice(values, rows)]:
        yield convert_records(map(converter.record, some), shape)


def _columns(converter: Converter, shape: RecordShape) -> AvroColumns | None:
    """How blocks become batches column by column; None if each record is to be looked at by itself."""
    one_by_one = shape.filter or shape.has_paths or shape.notes or shape.doubts or not shape.names
    return None if one_by_one or converter.node is None else AvroColumns(converter.node, converter.record, shape)


def _some(blocks: Iterable[Block], most: int) -> Iterator[list[Block]]:
    """Blocks that together have so many bytes, or one that has more; what breaks the file comes after all before it."""
    some: list[Block] = []
    size = 0
    try:
        for block in blocks:
            if some and size + len(block[0]) > most:
                yield some
                some, size = [], 0
            some.append(block)
            size += len(block[0])
    except UnreadableFile:
        if some:
            yield some
        raise
    if some:
        yield some


def avro_rows(path: Path, positions: Collection[int]) -> Iterator[tuple[int, object]]:
    """Some records by their numbers, from 1, as JSON would have them.

    Raises:
        UnreadableFile: It cannot be read so far.
    """
    with path.open("rb") as file:
        header = header_of(file)
        last = max(positions, default=0)
        converter = Converter(header.schema, None)
        for number, value in enumerate(_values(blocks_of(file, header), header), 1):
            if number in positions:
                yield number, converter.record(value)
            if number >= last:
                return


def write_avro_without(path: Path, positions: Collection[int], target: Path) -> None:
    """Writes a file without the records of these numbers: its schema and their bytes as they were, its blocks unpacked.

    Raises:
        UnreadableFile: It cannot be read.
    """
    with path.open("rb") as file, target.open("wb") as out:
        header = header_of(file)
        out.write(header_bytes(header.meta, header.sync))
        number = 0
        schema = _plain_schema(header)
        for block, count in blocks_of(file, header):
            kept, start = [], 0
            for end, _ in _decoded(block, count, schema):
                number += 1
                if number not in positions:
                    kept.append(block[start:end])
                start = end
            if kept:
                data = b"".join(kept)
                out.write(as_long(len(kept)) + as_long(len(data)) + data + header.sync)


def schema_fingerprint(path: Path) -> str:
    """The CRC-64-AVRO fingerprint of the schema of a file's writer, in its canonical form, as 16 hex digits.

    Raises:
        UnreadableFile: It does not begin as an Avro file.
    """
    with path.open("rb") as file:
        return _fingerprint(header_of(file).schema)


def _named(schema: Any, shape: RecordShape) -> RecordShape:
    """The shape with the names of our fields as this file writes them.

    Raises:
        UnreadableFile: `missing_column`, `duplicate_column` or `incompatible_schema`.
    """
    parsed, types = parsed_schema(schema)
    if not isinstance(parsed, dict) or parsed.get("type") not in ("record", "error"):
        raise UnreadableFile("incompatible_schema", _told("its values are no records", schema, shape.type))
    paths = dict(paths_of(parsed, types, _parts_of(shape)))
    _, shape = named([*paths], shape)
    for name, theirs in shape.names.items():
        field_type = shape.type.fields[name]
        branches = {kind_of(branch) for branch in branches_of(paths[theirs], types)} - {"null"}
        if branches and not branches & _TYPES_OF[field_type]:
            what = f"{theirs} is {' or '.join(sorted(branches))}, where {field_type.value} is due"
            raise UnreadableFile("incompatible_schema", _told(what, schema, shape.type))
    return shape


def _parts_of(shape: RecordShape) -> Parts:
    """What is known of the members of a record, by the names that its source gives them."""
    known: dict[str, FieldType | Parts] = {}
    for name, theirs in shape.names.items():
        for one in (theirs, *shape.column(name).others):
            known[one] = shape.type.parts.get(name, shape.type.fields[name])
    return Parts(known)


def _told(what: str, schema: Any, record_type: RecordType) -> str:
    return f"{what} (its schema is {_fingerprint(schema)}, ours {_fingerprint(_schema_of(record_type))})"


def _fingerprint(schema: Any) -> str:
    form = fastavro.schema.to_parsing_canonical_form(fastavro.parse_schema(schema, named_schemas={}))
    return str(fastavro.schema.fingerprint(form, "CRC-64-AVRO"))


def _schema_of(record_type: RecordType) -> Any:
    """The schema of our fields, as an Avro reader would have it."""
    types = {FieldType.COUNT: "long", FieldType.TIMESTAMP: "long", FieldType.BOOLEAN: "boolean"}
    fields = [{"name": name, "type": ["null", types.get(kind, "string")]} for name, kind in record_type.fields.items()]
    return {"type": "record", "name": "record", "fields": fields}


def _values(blocks: Iterable[Block], header: Header) -> Iterator[object]:
    """The records in order as they are decoded, or the `RecordRejected` that says why there is none."""
    schema = _plain_schema(header)
    list_schema = fastavro.parse_schema({"type": "array", "items": schema}, named_schemas={})
    for block, count in blocks:
        if len(block) <= _AT_ONCE and (found := _decoded_at_once(block, count, list_schema)) is not None:
            yield from found
            continue
        start = 0
        for end, value in _decoded(block, count, schema):
            yield RecordRejected("too_long") if end - start > LONGEST_RECORD else value
            start = end


def _plain_schema(header: Header) -> Any:
    return fastavro.parse_schema(without_logical_types(header.schema), named_schemas={})


def _decoded_at_once(block: bytes, count: int, list_schema: Any) -> list[Any] | None:
    """The records of a block, which between their number and a zero are a list; None if they are not just that."""
    data = as_long(count) + block + b"\0"
    buffer = io.BytesIO(data)
    try:
        found: Any = fastavro.schemaless_reader(buffer, list_schema, None)
    except (UnicodeDecodeError, *BROKEN):
        return None
    return found if len(found) == count and buffer.tell() == len(data) else None


def _decoded(block: bytes, count: int, schema: Any) -> Iterator[tuple[int, Any]]:
    buffer = io.BytesIO(block)
    try:
        for _ in range(count):
            value = fastavro.schemaless_reader(buffer, schema, None)
            yield buffer.tell(), value
    except UnicodeDecodeError as error:
        raise UnreadableFile("unreadable_encoding", f"not UTF-8: {error.reason}") from None
    except BROKEN as error:
        raise UnreadableFile("broken_avro", f"a record cannot be decoded: {error}") from None
    if buffer.tell() != len(block):
        raise UnreadableFile("broken_avro", "a block has more than its records")
