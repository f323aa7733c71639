"""Avro: object container files, each value as the schema of its writer says, each field found by its name.

The format is that of the Avro specification, section "Object Container Files". Names of records do not matter, because
every exchange has its own. A value becomes what JSON would have had in its place, so Avro and JSON give the same rows.
"""

from __future__ import annotations

import bz2
import io
import json
import lzma
import math
import struct
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal
from pathlib import Path
from typing import IO, Any

import cramjam
import fastavro
import fastavro.schema
import numpy as np
from backports import zstd

from extract.convert import DEEPEST, Moment, NotFinite, Number, RecordRejected
from extract.readers.avro_columns import AvroColumns, Convert, Field
from extract.readers.chunks import LONGEST_RECORD
from extract.readers.columns import named, plain_name
from extract.readers.unreadable import UnreadableFile
from extract.records import Batch, RecordShape, convert_records, renumbered
from extract.schema import FieldType, Parts, RecordType

MAGIC = b"Obj\x01"
CODECS = ("null", "deflate", "snappy", "bzip2", "xz", "zstandard")
_SCHEMA, _CODEC = "avro.schema", "avro.codec"
_ROWS = 8_192
_AT_ONCE = 4 << 20  # bytes of a block whose records are decoded together; those of a larger one take too much memory
_LARGEST_BLOCK = 256 << 20  # bytes, stored or decoded; writers make blocks of some 64 KiB, a few make them of 16 MiB
_HEADER = fastavro.parse_schema(
    {
        "type": "record",
        "name": "org.apache.avro.file.Header",
        "fields": [
            {"name": "magic", "type": {"type": "fixed", "name": "Magic", "size": 4}},
            {"name": "meta", "type": {"type": "map", "values": "bytes"}},
            {"name": "sync", "type": {"type": "fixed", "name": "Sync", "size": 16}},
        ],
    }
)
_BROKEN = (EOFError, IndexError, ValueError, KeyError, TypeError, OverflowError, struct.error)
_UNPACKING = (zlib.error, lzma.LZMAError, zstd.ZstdError, cramjam.DecompressionError, OSError, ValueError, EOFError)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EXACT = Context(prec=1_000)
_TICKS = {"millis": 1_000, "micros": 1_000_000, "nanos": 1_000_000_000}  # a second has
_PYTHON_TYPES = {
    "null": type(None),
    "boolean": bool,
    "int": int,
    "long": int,
    "float": float,
    "double": float,
    "bytes": bytes,
    "fixed": bytes,
    "string": str,
    "enum": str,
    "array": list,
    "map": dict,
    "record": dict,
    "error": dict,
}
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


@dataclass(frozen=True)
class _Header:
    """How a container file begins.

    Attributes:
        schema: Its writer's schema, as JSON.
        codec: What its blocks are packed with.
        sync: What stands behind each block.
        meta: All of its metadata.
    """

    schema: Any
    codec: str
    sync: bytes
    meta: Mapping[str, bytes]


def read_avro(path: Path, shape: RecordShape, rows: int = _ROWS) -> Iterator[Batch]:
    """Reads an Avro file, some thousands of records at once; memory holds one block of it.

    Fields are found by their names, in any case, else by an alias that the writer's schema gives them; what the writer
    has no field for is null.

    Raises:
        UnreadableFile: `broken_avro`, `cut_off`, `several_files`, `decoded_too_large`, `unreadable_encoding`,
            `missing_column`, `duplicate_column`, or `incompatible_schema` if a field cannot be what we need.
    """
    with path.open("rb") as file:
        header = _header_of(file)
        shape = _named(header.schema, shape)
        converter = _Converter(header.schema, _parts_of(shape))
        convert = _batches(converter, shape)
        count = 0
        values: list[object] = []
        for value in _values(file, header):
            values.append(value)
            if len(values) == rows:
                yield renumbered(convert(values), count)
                count, values = count + len(values), []
        if values:
            yield renumbered(convert(values), count)


def _batches(converter: _Converter, shape: RecordShape) -> Callable[[Sequence[object]], Batch]:
    """How decoded records become a batch: field by field, or one by one where that needs the whole record."""
    if shape.names and not (shape.filter or shape.has_paths or shape.notes or shape.doubts or converter.is_recursive):
        return AvroColumns(converter.fields, converter.record, shape).batch
    return lambda values: convert_records(map(converter.record, values), shape)


def avro_rows(path: Path, positions: Collection[int]) -> Iterator[tuple[int, object]]:
    """Some records by their numbers, from 1, as JSON would have them.

    Raises:
        UnreadableFile: It cannot be read so far.
    """
    with path.open("rb") as file:
        header = _header_of(file)
        last = max(positions, default=0)
        converter = _Converter(header.schema, None)
        for number, value in enumerate(_values(file, header), 1):
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
        header = _header_of(file)
        meta = {**header.meta, _CODEC: b"null"}
        fastavro.schemaless_writer(out, _HEADER, {"magic": MAGIC, "meta": meta, "sync": header.sync})
        number = 0
        schema = _plain_schema(header)
        for block, count in _blocks(file, header):
            kept, start = [], 0
            for end, _ in _decoded(block, count, schema):
                number += 1
                if number not in positions:
                    kept.append(block[start:end])
                start = end
            if kept:
                data = b"".join(kept)
                out.write(_as_long(len(kept)) + _as_long(len(data)) + data + header.sync)


def schema_fingerprint(path: Path) -> str:
    """The CRC-64-AVRO fingerprint of the schema of a file's writer, in its canonical form, as 16 hex digits.

    Raises:
        UnreadableFile: It does not begin as an Avro file.
    """
    with path.open("rb") as file:
        return _fingerprint(_header_of(file).schema)


def _header_of(file: IO[bytes]) -> _Header:
    start = file.read(len(MAGIC))
    if start != MAGIC:
        raise UnreadableFile("broken_avro", _what_it_is(start))
    file.seek(0)
    try:
        read: Any = fastavro.schemaless_reader(file, _HEADER, None)
        meta = read["meta"]
        schema = json.loads(meta[_SCHEMA])
        fastavro.parse_schema(schema, named_schemas={})
        codec = meta.get(_CODEC, b"null").decode()
        sync = read["sync"]
    except (*_BROKEN, fastavro.schema.SchemaParseException, fastavro.schema.UnknownType) as error:
        raise UnreadableFile("broken_avro", f"its header cannot be read: {error}") from None
    if codec not in CODECS:
        raise UnreadableFile("broken_avro", f"its codec is {codec!r}, and readable are {', '.join(CODECS)}")
    return _Header(schema, codec, sync, meta)


def _what_it_is(start: bytes) -> str:
    if start[:1] == b"\0":
        return "messages with the header of a schema registry, and no Avro file: write object container files"
    if start[:2] == b"\xc3\x01":
        return "single messages with the fingerprint of their schema, and no Avro file: write object container files"
    return "it does not begin as an Avro file"


def _named(schema: Any, shape: RecordShape) -> RecordShape:
    """The shape with the names of our fields as this file writes them.

    Raises:
        UnreadableFile: `missing_column`, `duplicate_column` or `incompatible_schema`.
    """
    parsed, types = _parsed(schema)
    if not isinstance(parsed, dict) or parsed.get("type") not in ("record", "error"):
        raise UnreadableFile("incompatible_schema", _told("its values are no records", schema, shape.type))
    paths = dict(_paths(parsed, types, _parts_of(shape)))
    _, shape = named([*paths], shape)
    for name, theirs in shape.names.items():
        field_type = shape.type.fields[name]
        branches = {_kind(branch) for branch in _branches(paths[theirs], types)} - {"null"}
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


def _parsed(schema: Any) -> tuple[Any, dict[str, Any]]:
    """The schema with full names, and its named types."""
    types: dict[str, Any] = {}
    return fastavro.parse_schema(schema, named_schemas=types), types


def _paths(
    schema: Any, types: Mapping[str, Any], parts: Parts | None, within: str = "", seen: frozenset[str] = frozenset()
) -> Iterator[tuple[str, Any]]:
    """Every field of records that lie in no list, by its dotted path, and its type."""
    for field, name in _names(schema, parts):
        path = f"{within}.{name}" if within else name
        yield path, field["type"]
        inner = parts.fields.get(name) if parts else None
        for branch in _branches(field["type"], types):
            if _kind(branch) == "record" and branch["name"] not in seen:
                below = inner if isinstance(inner, Parts) else None
                yield from _paths(branch, types, below, path, seen | {branch["name"]})


def _names(schema: Any, parts: Parts | None) -> Iterator[tuple[Any, str]]:
    """The fields of a record, with their names; one that we do not know has that of its aliases that we do."""
    wanted = {} if parts is None else {plain_name(name): name for name in parts.fields}
    present = {plain_name(field["name"]) for field in schema["fields"]}
    for field in schema["fields"]:
        aliases = [] if plain_name(field["name"]) in wanted else field.get("aliases", [])
        known = (one for one in aliases if plain_name(one) in wanted and plain_name(one) not in present)
        yield field, next(known, field["name"])


def _branches(schema: Any, types: Mapping[str, Any]) -> list[Any]:
    """The types that a value may have, a reference to a named type being that type."""
    branches = schema if isinstance(schema, list) else [schema]
    found = []
    for branch in branches:
        one = types.get(branch, branch) if isinstance(branch, str) else branch
        inner = one["type"] if isinstance(one, dict) else None
        found += _branches(inner, types) if isinstance(inner, dict | list) else [one]
    return found


def _kind(schema: Any) -> str:
    return str(schema["type"] if isinstance(schema, dict) else schema)


def _values(file: IO[bytes], header: _Header) -> Iterator[object]:
    """The records in order as they are decoded, or the `RecordRejected` that says why there is none."""
    schema = _plain_schema(header)
    list_schema = fastavro.parse_schema({"type": "array", "items": schema}, named_schemas={})
    for block, count in _blocks(file, header):
        if len(block) <= _AT_ONCE and (found := _decoded_at_once(block, count, list_schema)) is not None:
            yield from found
            continue
        start = 0
        for end, value in _decoded(block, count, schema):
            yield RecordRejected("too_long") if end - start > LONGEST_RECORD else value
            start = end


def _plain_schema(header: _Header) -> Any:
    return fastavro.parse_schema(_without_logical_types(header.schema), named_schemas={})


def _blocks(file: IO[bytes], header: _Header) -> Iterator[tuple[bytes, int]]:
    """Each block unpacked, with how many records it has.

    Raises:
        UnreadableFile: It is not whole. A file that ends between two blocks cannot be told from a whole one.
    """
    while start := file.read(len(MAGIC)):
        if start == MAGIC:
            raise UnreadableFile("several_files", "behind its end another Avro file begins: they were joined")
        file.seek(-len(start), io.SEEK_CUR)
        count, size = _long(file), _long(file)
        if count < 0 or size < 0:
            raise UnreadableFile("broken_avro", "a block has no size")
        if size > _LARGEST_BLOCK:
            raise UnreadableFile("decoded_too_large", f"a block has {size:,} bytes, of at most {_LARGEST_BLOCK:,}")
        packed, sync = file.read(size), file.read(len(header.sync))
        if len(sync) < len(header.sync):
            raise UnreadableFile("cut_off", "the file ends within a block")
        if sync != header.sync:
            raise UnreadableFile("broken_avro", "a block does not end where it says")
        block = _unpacked(packed, header.codec)
        if count > len(block):  # a record of no bytes would have no field
            raise UnreadableFile("broken_avro", f"a block of {len(block):,} bytes says that it has {count:,} records")
        yield block, count


def _decoded_at_once(block: bytes, count: int, list_schema: Any) -> list[Any] | None:
    """The records of a block, which between their number and a zero are a list; None if they are not just that."""
    data = _as_long(count) + block + b"\0"
    buffer = io.BytesIO(data)
    try:
        found: Any = fastavro.schemaless_reader(buffer, list_schema, None)
    except (UnicodeDecodeError, *_BROKEN):
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
    except _BROKEN as error:
        raise UnreadableFile("broken_avro", f"a record cannot be decoded: {error}") from None
    if buffer.tell() != len(block):
        raise UnreadableFile("broken_avro", "a block has more than its records")


def _unpacked(data: bytes, codec: str) -> bytes:
    """What is in a block.

    Raises:
        UnreadableFile: `broken_avro`, or `decoded_too_large`.
    """
    try:
        match codec:
            case "null":
                return data
            case "snappy":
                return _of_snappy(data)
            case "deflate":
                inflater = zlib.decompressobj(-zlib.MAX_WBITS)
                content, is_whole = inflater.decompress(data, _LARGEST_BLOCK), inflater.eof
            case "bzip2":
                unzipper = bz2.BZ2Decompressor()
                content, is_whole = unzipper.decompress(data, _LARGEST_BLOCK), unzipper.eof
            case "xz":
                unpacker = lzma.LZMADecompressor()
                content, is_whole = unpacker.decompress(data, _LARGEST_BLOCK), unpacker.eof
            case _:
                expander = zstd.ZstdDecompressor()
                content, is_whole = expander.decompress(data, _LARGEST_BLOCK), expander.eof
    except _UNPACKING as error:
        raise UnreadableFile("broken_avro", f"a block is no {codec}: {error}") from None
    if not is_whole:
        is_large = len(content) >= _LARGEST_BLOCK
        detail = f"a block swells to more than {len(content):,} bytes" if is_large else f"a block of {codec} is cut off"
        raise UnreadableFile("decoded_too_large" if is_large else "broken_avro", detail)
    return content


def _of_snappy(data: bytes) -> bytes:
    """A block of Snappy, which says its size first; behind it stands the CRC-32 of what is in it."""
    size = shift = 0
    for byte in data[:5]:
        size |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    if size > _LARGEST_BLOCK:
        raise UnreadableFile("decoded_too_large", f"a block swells to {size:,} bytes")
    content = bytes(cramjam.snappy.decompress_raw(data[:-4]))
    if zlib.crc32(content) != int.from_bytes(data[-4:], "big"):
        raise UnreadableFile("broken_avro", "a block differs from its checksum")
    return content


def _long(file: IO[bytes]) -> int:
    """A number of the format: base 128, zigzag."""
    number = 0
    for shift in range(0, 70, 7):
        byte = file.read(1)
        if not byte:
            raise UnreadableFile("cut_off", "the file ends where a block begins")
        number |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return (number >> 1) ^ -(number & 1)
    raise UnreadableFile("broken_avro", "a block has no size")


def _as_long(number: int) -> bytes:
    out, rest = bytearray(), number << 1
    while rest > 0x7F:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out)


def _without_logical_types(schema: Any) -> Any:
    """The schema with plain types alone: what its logical types mean is said here, for every value by itself."""
    match schema:
        case dict():
            return {key: _without_logical_types(one) for key, one in schema.items() if key != "logicalType"}
        case list():
            return [_without_logical_types(one) for one in schema]
        case _:
            return schema


class _Converter:
    """How the values of a schema become those that JSON would have.

    Attributes:
        is_recursive: Whether a record may lie in itself.
        fields: The fields of a record, with theirs.
    """

    def __init__(self, schema: Any, parts: Parts | None) -> None:
        """Takes the schema as its writer has it, and the members that are known by name.

        Raises:
            UnreadableFile: `incompatible_schema`: values of a union cannot be told apart.
        """
        parsed, self._types = _parsed(schema)
        self._records: dict[tuple[str, int], list[Convert]] = {}
        self.is_recursive = False
        self.fields = [*self._with_members(parsed, parts)]
        self._convert = self._of(parsed, parts)

    def record(self, value: Any) -> object:
        """One record, or the `RecordRejected` that says why it is none."""
        if isinstance(value, RecordRejected):
            return value
        try:
            found = self._convert(value)
        except RecursionError:
            return RecordRejected("too_deep")
        return RecordRejected("too_deep") if self.is_recursive and _depth(found) > DEEPEST else found

    def _of(self, schema: Any, parts: FieldType | Parts | None) -> Convert:
        schema = self._types.get(schema, schema) if isinstance(schema, str) else schema
        if isinstance(schema, list):
            return self._of_union(schema, parts)
        if isinstance(schema, dict) and isinstance(schema["type"], dict | list):
            return self._of(schema["type"], parts)
        match _kind(schema):
            case "record" | "error":
                return self._of_record(schema, parts if isinstance(parts, Parts) else None)
            case "array":
                member = self._of(schema["items"], parts)
                return lambda value: [member(one) for one in value]
            case "map":
                inner = self._of(schema["values"], None)
                return lambda value: {name: inner(one) for name, one in value.items()}
            case kind:
                logical = schema.get("logicalType") if isinstance(schema, dict) else None
                return _logical(kind, logical, schema) or _PLAIN[kind]

    def _of_record(self, schema: Any, parts: Parts | None) -> Convert:
        # A record may lie in itself: then its converter is there before it is complete.
        known = (schema["name"], id(parts))
        if found := self._records.get(known):
            return found[0]
        if found is not None:
            self.is_recursive = True
            return lambda value: found[0](value)
        self._records[known] = []
        fields = self._fields_of(schema, parts)

        def convert(value: Any) -> object:
            return {field.name: field.convert(value[field.key]) for field in fields}

        self._records[known].append(convert)
        return convert

    def _fields_of(self, schema: Any, parts: Parts | None) -> list[Field]:
        return [
            Field(field["name"], name, self._of(field["type"], parts.fields.get(name) if parts else None))
            for field, name in _names(schema, parts)
        ]

    def _with_members(self, schema: Any, parts: Parts | None) -> Iterator[Field]:
        """The fields of a record, with theirs where a value is a record or null."""
        for field, (written, name) in zip(self._fields_of(schema, parts), _names(schema, parts), strict=True):
            branches = [one for one in _branches(written["type"], self._types) if _kind(one) != "null"]
            inner = parts.fields.get(name) if parts else None
            is_record = len(branches) == 1 and _kind(branches[0]) == "record"
            members = self._fields_of(branches[0], inner if isinstance(inner, Parts) else None) if is_record else ()
            yield replace(field, members=members)

    def _of_union(self, schema: list[Any], parts: FieldType | Parts | None) -> Convert:
        branches = [branch for branch in _branches(schema, self._types) if _kind(branch) != "null"]
        converters = [self._of(branch, parts) for branch in branches]
        if len(converters) == 1:
            return lambda value: None if value is None else converters[0](value)
        by_type: dict[type, Convert] = {type(None): lambda value: None}
        for branch, convert in zip(branches, converters, strict=True):
            python_type = _PYTHON_TYPES[_kind(branch)]
            if by_type.setdefault(python_type, convert) is not convert:
                kinds = " and ".join(_kind(one) for one in branches)
                raise UnreadableFile("incompatible_schema", f"values of a union of {kinds} cannot be told apart")
        return lambda value: by_type[type(value)](value)


def _number(value: Any) -> object:
    return Number(value)


def _float(value: Any) -> object:
    return Number(np.float32(value)) if math.isfinite(value) else NotFinite(value)


def _double(value: Any) -> object:
    return Number(value) if math.isfinite(value) else NotFinite(value)


def _as_it_is(value: Any) -> object:
    return value


def _text_of_bytes(value: Any) -> object:
    return value.decode(errors="replace")


_PLAIN: dict[str, Convert] = {
    "null": _as_it_is,
    "boolean": _as_it_is,
    "int": _number,
    "long": _number,
    "float": _float,
    "double": _double,
    "string": _as_it_is,
    "enum": _as_it_is,
    "bytes": _text_of_bytes,
    "fixed": lambda value: value.hex(),
}


def _logical(kind: str, logical: str | None, schema: Any) -> Convert | None:
    """How values of a logical type are read; None if it is none that we know, and what is below it counts."""
    if logical == "decimal" and kind in ("bytes", "fixed"):
        scale = schema.get("scale", 0)
        return lambda value: Number(f"{_decimal(value, scale):f}")
    if logical == "date" and kind == "int":
        return lambda value: _moment(value * 86_400, 1, is_date=True)
    name, _, unit = (logical or "").rpartition("-")
    if name in ("timestamp", "local-timestamp") and unit in _TICKS and kind == "long":
        return lambda value: _moment(value, _TICKS[unit], is_local=name != "timestamp")
    return None


def _decimal(value: bytes, scale: int) -> Decimal:
    return Decimal(int.from_bytes(value, "big", signed=True)).scaleb(-scale, _EXACT)


def _moment(value: int, ticks: int, *, is_local: bool = False, is_date: bool = False) -> Moment:
    """A time; digits beyond microseconds are cut."""
    try:
        moment = _EPOCH + timedelta(microseconds=value * 1_000_000 // ticks)
    except OverflowError:
        return Moment("99999-01-01")  # of no year that we have: it is out of range
    if is_date:
        return Moment(date.isoformat(moment))
    return Moment((moment.replace(tzinfo=None) if is_local else moment).isoformat())


def _depth(value: object) -> int:
    if isinstance(value, dict | list):
        members = value.values() if isinstance(value, dict) else value
        return 1 + max(map(_depth, members), default=0)
    return 0
