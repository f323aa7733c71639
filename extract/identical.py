"""Whether rows of a file that name no event are equal: they may be one event that was logged twice, or two events."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from extract.readers.numbers import characters_of
from extract.records import Batch
from extract.schema import RecordType

Hashes = np.ndarray[tuple[int], np.dtype[np.uint64]]
_BASE, _MIX = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)
_SHIFT = np.uint64(29)


class IdenticalRows:
    """Counts the events without an id whose fields are those of an earlier one; it keeps eight bytes of each."""

    def __init__(self, record_type: RecordType) -> None:
        """Takes the fields; events of a kind without an id of its own are never compared."""
        self._fields = [*record_type.fields]
        self._own_id = record_type.own_id
        self._hashes: list[Hashes] = []

    def add(self, batch: Batch) -> None:
        """Adds the next events."""
        if self._own_id is None:
            return
        nameless = batch.records.filter(batch.records.column(self._own_id).is_null())
        if nameless.num_rows:
            self._hashes.append(_hashes(nameless.select(self._fields)))

    @property
    def count(self) -> int:
        """How many of them there were."""
        if not self._hashes:
            return 0
        every = np.concatenate(self._hashes)
        return len(every) - len(np.unique(every))


def _hashes(rows: pa.Table) -> Hashes:
    found: Hashes = np.zeros(rows.num_rows, np.uint64)
    for column in rows.columns:
        values = column.combine_chunks()
        hashed = _of_texts(values) if pa.types.is_string(values.type) else _of_fixed(values)
        hashed[~np.asarray(values.is_valid())] = _MIX
        found = _mixed(found * _BASE + hashed)
    return found


def _of_texts(texts: pa.StringArray) -> Hashes:
    """A polynomial of the bytes of each text."""
    bytes_, edges = characters_of(texts)
    lengths = np.diff(edges)
    powers = np.cumprod(np.full(int(lengths.max(initial=0)) + 1, _BASE, np.uint64))
    places = np.arange(len(bytes_)) - np.repeat(edges[:-1], lengths)
    sums = np.concatenate(
        [np.zeros(1, np.uint64), np.cumsum((bytes_.astype(np.uint64) + np.uint64(1)) * powers[places])]
    )
    found: Hashes = sums[edges[1:]] - sums[edges[:-1]]
    return found


def _of_fixed(values: pa.Array) -> Hashes:
    if not pa.types.is_decimal(values.type):
        return np.asarray(pc.fill_null(values.cast(pa.int64()), 0)).astype(np.uint64)
    halves = np.frombuffer(values.buffers()[1], np.uint64).reshape(-1, 2)[values.offset : values.offset + len(values)]
    return _mixed(halves[:, 0]) + halves[:, 1]


def _mixed(hashes: Hashes) -> Hashes:
    hashes = (hashes ^ (hashes >> _SHIFT)) * _MIX
    return hashes ^ (hashes >> _SHIFT)
