"""JSON objects one after another, with no line ends between them or with many inside, as some streams write them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import IO

from extract.readers.chunks import CHUNK, LONGEST_RECORD
from extract.readers.json_text import TOKEN, JsonLines, record, unwrapped
from extract.readers.unreadable import UnreadableFile
from extract.records import Batch, RecordShape, convert_records, value_at

_BLANK = b" \t\r\n"  # what JSON takes for it
_BETWEEN = re.compile(rb"\}[ \t\r\n]*\{")


def is_object_by_object(head: bytes, shape: RecordShape) -> bool:
    """Whether a file begins with two objects that are not a line each, of which the first is a record."""
    text = head.lstrip()
    if not text.startswith(b"{") or (end := next(ends_of_objects(text), None)) is None:
        return False
    behind = text[end:].lstrip()
    is_a_line = b"\n" in text[end : len(text) - len(behind)] and b"\n" not in text[:end]
    if is_a_line or not behind.startswith(b"{"):
        return False
    first = unwrapped(record(text[:end]), shape)
    return isinstance(first, dict) and any(value_at(first, name) is not None for name in shape.possible_names)


def ends_of_objects(text: bytes) -> Iterator[int]:
    """Where each object ends, found by brackets and strings, whether or not it is right inside."""
    depth = 0
    for token in TOKEN.finditer(text):
        match token[0]:
            case b"{" | b"[":
                depth += 1
            case b"}" | b"]":
                depth = max(depth - 1, 0)
                if not depth:
                    yield token.end()
            case b'"':
                return


class JsonObjects:
    """Objects with nothing or white space between them."""

    mark = b"}"

    def __init__(self, shape: RecordShape) -> None:
        self.shape = shape
        self._lines = JsonLines(shape)

    def parse_fast(self, chunk: bytes, is_last: bool) -> Batch | None:
        """Takes flat objects: with a line end between them they are a line each, unless one is in a text."""
        text = chunk.strip(_BLANK)
        batch = self._lines.whole(_BETWEEN.sub(b"}\n{", text)) if text else None
        return None if batch is None else replace(batch, lines=chunk.count(b"\n"))

    def parse_strict(self, chunk: bytes, is_last: bool) -> tuple[Batch, bytes]:
        """Takes any objects; a last one that does not end says that the file is cut off."""
        values: list[object] = []
        lines: list[int] = []
        start = passed = 0
        for end in ends_of_objects(chunk):
            text = chunk[start:end]
            blank = len(text) - len(text.lstrip())
            values.append(unwrapped(record(text), self.shape))
            lines.append(passed + text.count(b"\n", 0, blank) + 1)
            passed += text.count(b"\n")
            start = end
        rest = chunk[start:]
        if is_last and rest.strip():
            raise UnreadableFile("cut_off", "the last object does not end")
        if len(rest) > LONGEST_RECORD:
            raise UnreadableFile("too_long", f"an object is longer than {LONGEST_RECORD:,} bytes")
        passed += rest.count(b"\n") if is_last else 0
        return convert_records(values, self.shape, lines, passed), b"" if is_last else rest


def objects_of(file: IO[bytes], line: int) -> Iterator[tuple[int, bytes]]:
    """The objects of a file, with their lines, as `JsonObjects` counts them."""
    rest = b""
    while block := file.read(CHUNK):
        chunk, start = rest + block, 0
        for end in ends_of_objects(chunk):
            text = chunk[start:end]
            blank = len(text) - len(text.lstrip())
            yield line + text.count(b"\n", 0, blank), text
            line += text.count(b"\n")
            start = end
        rest = chunk[start:]
