"""Blocks of Avro as columns of Arrow. polars decodes them, ten times as fast as what makes an object of each value.

polars is lenient where a file is broken, and reads some types otherwise than they are meant, or not at all. So it gets
a schema of ours that means the same bytes, without names, logical types, enums and maps. It gets each block as one
value, the list of its records, with a number behind it that nobody can know: what is not just these records ends
elsewhere. And all bytes must add up to what writers write for the values.
"""

from __future__ import annotations

import io
import json
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from extract.readers.avro_container import as_long, header_bytes
from extract.readers.avro_nodes import ENUM, RECORD, Node

_MEMORY = 192 << 20  # bytes that the values of some blocks may take
_MOST_AT_ONCE = 4 << 20  # bytes of blocks
_WIDEST = 16  # bytes that a value takes beside its own text
_FEWEST = {"float": 4, "double": 8}  # bytes that a value has in a block, where it is not one
_SYNC = bytes(16)
_STDERR = 2


class Decoder:
    """Decodes the blocks of one file.

    Attributes:
        most: How many bytes of blocks to decode at once. A null takes one of them, and in memory it may be as many
            values as a record has.
    """

    def __init__(self, record: Node) -> None:
        """Takes what lies in a record."""
        self._record = record
        self._mark = secrets.randbits(62)
        self._end = b"\0" + as_long(self._mark)
        records = {"type": "array", "items": _plain(record, count())}
        fields = [{"name": "records", "type": records}, {"name": "mark", "type": "long"}]
        schema = json.dumps({"type": "record", "name": "block", "fields": fields})
        self._header = header_bytes({"avro.schema": schema.encode(), "avro.codec": b"null"}, _SYNC)
        self.most = min(_MOST_AT_ONCE, int(_MEMORY / _swelling(record)))

    def records(self, blocks: Sequence[tuple[bytes, int]]) -> pa.StructArray | None:
        """The records of some blocks, their fields by number; None if it is not sure that they are just these."""
        if sum(len(block) for block, _ in blocks) > self.most:
            return None
        parts = [part for block, number in blocks for part in (as_long(number), block, self._end)]
        file = b"".join((self._header, as_long(len(blocks)), as_long(sum(map(len, parts))), *parts, _SYNC))
        try:
            with _quiet():
                frame = pl.read_avro(io.BytesIO(file))
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError):
            return None
        table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
        lists, marks = (column.combine_chunks() for column in table.columns)
        numbers = pc.list_value_length(lists).to_pylist()
        if numbers != [number for _, number in blocks] or pc.unique(marks).to_pylist() != [self._mark]:
            return None
        records = lists.flatten()
        total = sum(_added(block) for block, _ in blocks)
        return records if _written(self._record, records) == total else None


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what polars prints of itself on stderr when a block is broken."""
    try:
        kept = os.dup(_STDERR)
    except OSError:  # it is closed
        yield
        return
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), _STDERR)
        yield
    finally:
        os.dup2(kept, _STDERR)
        os.close(kept)


def _plain(node: Node, names: Iterator[int]) -> Any:
    """The schema of a node, with other types that have the same bytes."""
    schema: Any
    if node.kind == RECORD:
        name = f"r{next(names)}"
        fields = [{"name": str(place), "type": _plain(one.node, names)} for place, one in enumerate(node.members)]
        schema = {"type": "record", "name": name, "fields": fields}
    elif node.item is not None:
        schema = {"type": "array", "items": _plain(node.item, names)}
    else:
        schema = "long" if node.kind in ("int", ENUM) else node.kind
    if node.null is None:
        return schema
    return ["null", schema] if node.null == 0 else [schema, "null"]


def _swelling(node: Node, *, is_repeated: bool = True) -> float:
    """How many bytes of memory a byte of a block may become, where one record may have many values of a node."""
    own = _width(node) / _least(node) if is_repeated else 0
    within = sum(_swelling(one.node, is_repeated=False) for one in node.members)
    return own + within + (_swelling(node.item) if node.item else 0)


def _width(node: Node) -> int:
    """How many bytes a value takes in memory and in JSON, beside its texts and lists."""
    return _WIDEST + sum(len(one.name) + _width(one.node) for one in node.members)


def _least(node: Node) -> int:
    """How few bytes a value may have in a block."""
    if node.null is not None:
        return 1
    return sum(_least(one.node) for one in node.members) or _FEWEST.get(node.kind, 1)


def _written(node: Node, array: pa.Array, absent: int = 0) -> int:
    """What the bytes of values add up to, as writers write them; less, if there is one that they do not write.

    Args:
        node: Where they lie.
        array: The values.
        absent: How many of them are null because the record is in which they lie.
    """
    branches = array.null_count - absent if node.null else len(array) - array.null_count
    total = 0 if node.null is None else 2 * branches
    if node.kind == RECORD:
        parts = enumerate(node.members)
        return total + sum(_written(one.node, array.field(place), array.null_count) for place, one in parts)
    if node.item is not None:
        return total + _of_longs(pc.list_value_length(array)) + _written(node.item, array.flatten())
    match node.kind:
        case "string" | "bytes":
            return total + _of_longs(pc.binary_length(array)) + _added(_characters(array))
        case "float" | "double":
            return total + _added(np.asarray(array.drop_null()))
        case "boolean":
            return total + int(array.true_count)
        case "enum":
            array = array.filter(pc.is_in(array, pa.array(range(len(node.symbols)), array.type)))
    return total + _of_longs(array)


def _characters(texts: pa.Array) -> memoryview:
    _, offsets, characters = texts.buffers()
    edges = np.frombuffer(offsets, np.int64)[texts.offset : texts.offset + len(texts) + 1]
    return memoryview(characters or b"")[edges[0] : edges[-1]]


def _added(data: Any) -> int:
    return int(np.frombuffer(data, np.uint8).sum(dtype=np.uint64))


def _of_longs(numbers: pa.Array) -> int:
    """What the bytes of numbers add up to: seven bits a byte, the lowest first, all but the last with the eighth."""
    values = np.asarray(numbers.drop_null()).astype(np.int64)
    rest = ((values << 1) ^ (values >> 63)).view(np.uint64)
    total = 0
    while len(rest):
        more = rest > 0x7F
        total += int((rest & np.uint64(0x7F)).sum()) + 0x80 * int(np.count_nonzero(more))
        rest = rest[more] >> np.uint64(7)
    return total
