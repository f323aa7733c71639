"""Object container files of Avro, as its specification says: a header with the schema of the writer, then blocks."""

from __future__ import annotations

import bz2
import io
import json
import lzma
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any

import cramjam
import fastavro
import fastavro.schema
from backports import zstd

from extract.readers.unreadable import UnreadableFile

MAGIC = b"Obj\x01"
CODECS = ("null", "deflate", "snappy", "bzip2", "xz", "zstandard")
_SCHEMA, _CODEC = "avro.schema", "avro.codec"
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
BROKEN = (EOFError, IndexError, ValueError, KeyError, TypeError, OverflowError, struct.error)
_UNPACKING = (zlib.error, lzma.LZMAError, zstd.ZstdError, cramjam.DecompressionError, OSError, ValueError, EOFError)


@dataclass(frozen=True)
class Header:
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


def header_of(file: IO[bytes]) -> Header:
    """What stands at the beginning of a file, which is then behind it.

    Raises:
        UnreadableFile: `broken_avro`.
    """
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
    except (*BROKEN, fastavro.schema.SchemaParseException, fastavro.schema.UnknownType) as error:
        raise UnreadableFile("broken_avro", f"its header cannot be read: {error}") from None
    if codec not in CODECS:
        raise UnreadableFile("broken_avro", f"its codec is {codec!r}, and readable are {', '.join(CODECS)}")
    return Header(schema, codec, sync, meta)


def _what_it_is(start: bytes) -> str:
    if start[:1] == b"\0":
        return "messages with the header of a schema registry, and no Avro file: write object container files"
    if start[:2] == b"\xc3\x01":
        return "single messages with the fingerprint of their schema, and no Avro file: write object container files"
    return "it does not begin as an Avro file"


def header_bytes(meta: Mapping[str, bytes], sync: bytes) -> bytes:
    """How a file begins whose blocks are not packed."""
    out = io.BytesIO()
    fastavro.schemaless_writer(out, _HEADER, {"magic": MAGIC, "meta": {**meta, _CODEC: b"null"}, "sync": sync})
    return out.getvalue()


def blocks_of(file: IO[bytes], header: Header) -> Iterator[tuple[bytes, int]]:
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


def as_long(number: int) -> bytes:
    """A number of the format that is not negative: base 128, zigzag."""
    out, rest = bytearray(), number << 1
    while rest > 0x7F:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out)
