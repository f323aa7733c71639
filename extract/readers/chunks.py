"""A text file in chunks of bounded size, parsed ahead on two threads and handed on in order.

A chunk is cut where a record probably ends. `parse_fast` tells whether that was right; where it was not, `parse_strict`
says what is left over, and that begins the next chunk.
"""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import IO, Protocol

import numpy as np

from extract.containers import BrokenContainerError, unpacked, unpacked_file
from extract.readers.encoding import HEAD, as_utf8, first_undecodable
from extract.readers.unreadable import UnreadableFile
from extract.records import Batch, RecordShape, concatenated, renumbered

CHUNK = 8 << 20
LONGEST_RECORD = 16 << 20
LONGEST_HEADER = HEAD - 4  # a byte order mark may come before it
_PIECE = 64 << 10
_AHEAD = 4


class TextFormat(Protocol):
    """Two ways to parse a chunk that begins where a record begins, and that give the same records."""

    shape: RecordShape
    mark: bytes  # what a record probably ends with

    def parse_fast(self, chunk: bytes, is_last: bool) -> Batch | None:
        """All records of the chunk, which must end with one, or None if any needs a closer look."""

    def parse_strict(self, chunk: bytes, is_last: bool) -> tuple[Batch, bytes]:
        """The records of the chunk, and what is left of one that it does not complete (nothing if it is the last)."""


@contextmanager
def opened(path: Path, encoding: str | None = None) -> Iterator[io.BufferedReader[io.RawIOBase]]:
    """Opens a text file, unpacked, as UTF-8 with a line feed after each line; what is none becomes `UnreadableFile`.

    Args:
        path: The file.
        encoding: Of a file that does not begin with the byte order mark of another one; None: UTF-8.
    """
    try:
        with path.open("rb", buffering=0) as packed:
            yield as_utf8(unpacked(packed), encoding)
    except BrokenContainerError as broken:
        raise UnreadableFile(broken.reason, broken.detail) from None
    except UnicodeDecodeError:
        raise UnreadableFile("unreadable_encoding", _what_is_undecodable(path, encoding)) from None


@contextmanager
def seekable(path: Path) -> Iterator[Path]:
    """A file, unpacked, for formats that are not read from beginning to end.

    Raises:
        UnreadableFile: It cannot be unpacked.
    """
    try:
        with unpacked_file(path) as file:
            yield file
    except BrokenContainerError as broken:
        raise UnreadableFile(broken.reason, broken.detail) from None


def _what_is_undecodable(path: Path, encoding: str | None) -> str:
    with path.open("rb", buffering=0) as packed:
        line, byte, encoding = first_undecodable(unpacked(packed), encoding)
    return (
        f"line {line:,} is not {encoding.upper()} (byte {byte:#04x}): set `encoding` of the source, such as "
        "windows-1252, or export a file that mixes encodings again"
    )


def parsed(file: IO[bytes], text: TextFormat, size: int = CHUNK, lines: int = 0) -> Iterator[Batch]:
    """Parses the rest of a file, two chunks at once and at most four ahead of what is asked for.

    Args:
        file: Open behind what is not records, such as a header.
        text: How to parse it.
        size: The size of a chunk.
        lines: How many lines of the file came before.

    Yields:
        The records in order, numbered from one; a batch may have nothing but lines.
    """
    cuts = _cut(file, text.mark, size)
    first, is_whole_file = next(cuts)
    if is_whole_file:  # a small file needs no threads
        batch = renumbered(_parse(first, True, text)[0], 0, lines)
        if batch or batch.remarks:
            yield batch
        return
    count = 0
    left_over = b""
    waiting: deque[tuple[bytes, bool, Future[tuple[Batch, bytes]]]] = deque()
    pool = ThreadPoolExecutor(2, "reader")

    def finished() -> Batch:
        nonlocal left_over, count, lines
        chunk, is_last, future = waiting.popleft()
        # What is left over belongs before this chunk, so what was parsed ahead began in the middle of a record.
        batch, left_over = _parse(left_over + chunk, is_last, text) if left_over else future.result()
        batch = renumbered(batch, count, lines)
        count += len(batch)
        lines += batch.lines
        return batch

    try:
        for chunk, is_last in chain([(first, False)], cuts):
            waiting.append((chunk, is_last, pool.submit(_parse, chunk, is_last, text)))
            if len(waiting) > _AHEAD and ((batch := finished()) or batch.lines or batch.remarks):
                yield batch
        while waiting:
            if (batch := finished()) or batch.lines or batch.remarks:
                yield batch
    finally:
        pool.shutdown(cancel_futures=True)


def is_fine_grained(places: np.ndarray[tuple[int], np.dtype[np.intp]], length: int) -> bool:
    """Whether no record between these places can be longer than a record may be."""
    return length <= LONGEST_RECORD or bool(np.diff(places, prepend=0, append=length).max() <= LONGEST_RECORD)


def places_of(mark: bytes, chunk: bytes) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Where a byte stands in the chunk."""
    return np.flatnonzero(np.frombuffer(chunk, np.uint8) == mark[0])


def _cut(file: IO[bytes], mark: bytes, size: int) -> Iterator[tuple[bytes, bool]]:
    rest = b""
    while len(block := file.read(size)) == size:
        end = block.rfind(mark) + len(mark) if mark in block else len(block)
        yield b"".join((rest, memoryview(block)[:end])), False
        rest = block[end:]
    yield rest + block, True


def _parse(chunk: bytes, is_last: bool, text: TextFormat) -> tuple[Batch, bytes]:
    """Parses a chunk at once, or in small pieces, so that one odd record costs no more than its neighbourhood."""
    if text.shape.is_read_one_by_one:
        return text.parse_strict(chunk, is_last)
    if (batch := text.parse_fast(chunk, is_last)) is not None:
        return batch, b""
    batches = []
    start, rest = 0, b""
    while True:
        # Growing with what is left over, a long record is looked through a few times, not once a piece.
        cut = chunk.find(text.mark, start + max(_PIECE, len(rest)))
        end = len(chunk) if cut < 0 else cut + len(text.mark)
        piece, ends_file = rest + chunk[start:end], is_last and end == len(chunk)
        batch, rest = text.parse_fast(piece, ends_file), b""
        if batch is None:
            batch, rest = text.parse_strict(piece, ends_file)
        batches.append(batch)
        start = end
        if start == len(chunk):
            return concatenated(batches, text.shape.type.schema), rest
