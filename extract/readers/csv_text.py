"""CSV with a header: commas, semicolons, tabs or bars between fields, quotes around those that need them."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import IO

import pyarrow as pa
import pyarrow.csv

from extract.convert import RecordRejected
from extract.readers.chunks import LONGEST_RECORD, UnreadableFile, is_fine_grained, places_of
from extract.readers.columns import Guess, convert_columns, may_break_decimals, named
from extract.records import Batch, RecordShape, convert_records

_DELIMITERS = ",;\t|"
# A quoted field may hold newlines, but a quote that nobody closes must not swallow the rest of the file.
MOST_LINES = 64


class Csv:
    """The records behind the header. Blank lines are no records."""

    mark = b"\n"

    def __init__(self, header: bytes, shape: RecordShape) -> None:
        """Reads the header, in which names may be in any case.

        Raises:
            UnreadableFile: `missing_column` or `duplicate_column`, naming it.
        """
        csv.field_size_limit(LONGEST_RECORD)
        line = header.decode().rstrip("\r\n")
        self._delimiter = _delimiter_of(line)
        self._columns, self.shape = named(_fields(line, self._delimiter), shape)
        self._extras = [name for name in self._columns if name not in self.shape.names]
        self._guess = Guess(self.shape, pa.string())

    def parse_fast(self, chunk: bytes, is_last: bool) -> Batch | None:
        """Takes lines that are one record each."""
        if not chunk.endswith(b"\n"):
            if not is_last or not chunk:
                return None
            chunk += b"\n"
        # NUL is replaced, a lone carriage return would end a line, 0x1F would be a number.
        if b"\0" in chunk or b"0x" in chunk or b"0X" in chunk or chunk.count(b"\r") != chunk.count(b"\r\n"):
            return None
        ends = places_of(b"\n", chunk)
        if not is_fine_grained(ends, len(chunk)) or may_break_decimals(chunk):
            return None
        table = self._guess.parsed(lambda types: self._read(chunk, types))
        # As many records as lines, and the last one closed: then each is a line. Arrow closes an open quote at the end.
        if table is None or table.num_rows != len(ends):
            return None
        last = chunk[chunk.rfind(b"\n", 0, -1) + 1 :]
        if b'"' in last and _is_open(last.rstrip(b"\n").decode(), self._delimiter):
            return None
        extras = None
        if self._extras:
            fields = table.num_columns - len(self._extras)
            extras = [self.shape.extra_text(row) for row in table.select(self._extras).to_pylist()]
            table = table.select(range(fields))
        return convert_columns(table, self.shape, extras, len(ends))

    def parse_strict(self, chunk: bytes, is_last: bool) -> tuple[Batch, bytes]:
        """Takes any lines; a last one of a wrong shape and without a newline says that the file is cut off."""
        *lines, rest = chunk.split(b"\n")
        if is_last and rest:
            lines.append(rest)
        values: list[object] = []
        numbers: list[int] = []
        number = 0
        while number < len(lines):
            value, count = self._record(lines, number, is_last)
            if not count:
                break
            if isinstance(value, RecordRejected) and is_last and rest and number + 1 == len(lines):
                raise UnreadableFile("cut_off", "the last line is broken and does not end with a newline")
            if value is not None:
                values.append(value)
                numbers.append(number + 1)
            number += count
        left_over = b"" if is_last else b"\n".join([*lines[number:], rest[: LONGEST_RECORD + 1]])
        return convert_records(values, self.shape, numbers, number), left_over

    def _record(self, lines: list[bytes], number: int, is_last: bool) -> tuple[object, int]:
        """The record that begins in a line (None if it is blank), and how many lines it has: none if more must come."""
        line = lines[number]
        if len(line) > LONGEST_RECORD:
            return RecordRejected("too_long"), 1
        text = line.decode()
        if not text.strip():
            return None, 1
        count = 1
        try:
            if _is_open(text, self._delimiter):
                following = _until_long(lines[number : number + MOST_LINES])
                reader = csv.reader(following, delimiter=self._delimiter, strict=True)
                try:
                    fields = next(reader)
                finally:
                    count = reader.line_num
            else:
                fields = _fields(text, self._delimiter)
            if len(fields) == len(self._columns):
                return {name: field or None for name, field in zip(self._columns, fields, strict=True)}, count
        except csv.Error:
            # The quote may yet be closed by what comes.
            if not is_last and count < MOST_LINES and number + count == len(lines):
                return None, 0
        return RecordRejected("wrong_shape"), 1

    def _read(self, chunk: bytes, types: dict[str, pa.DataType]) -> pa.Table | None:
        try:
            return pyarrow.csv.read_csv(
                pa.BufferReader(chunk),
                pyarrow.csv.ReadOptions(use_threads=False, block_size=len(chunk) + 1, column_names=self._columns),
                pyarrow.csv.ParseOptions(delimiter=self._delimiter, newlines_in_values=True),
                pyarrow.csv.ConvertOptions(
                    column_types={**types, **dict.fromkeys(self._extras, pa.string())},
                    include_columns=[*types, *self._extras],
                    null_values=[""],
                    strings_can_be_null=True,
                ),
            )
        except pa.ArrowInvalid:
            return None


def csv_records(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """The text of each record, also of a broken one, and the line in which it begins, as they are counted here."""
    csv.field_size_limit(LONGEST_RECORD)
    lines = enumerate(file, 1)
    names = next((line for _, line in lines if line.strip()), b"").decode(errors="replace").rstrip("\r\n")
    delimiter = _delimiter_of(names)
    width = len(_fields(names, delimiter))
    ahead = deque(islice(lines, MOST_LINES))
    while ahead:
        (number, line), count = ahead[0], 1
        if line.decode(errors="replace").strip():
            if b'"' in line and len(line) <= LONGEST_RECORD:
                count = _lines_of_record([line for _, line in ahead], delimiter, width)
            yield number, b"".join(line for _, line in islice(ahead, count))
        for _ in range(count):
            ahead.popleft()
        ahead.extend(islice(lines, count))


def _lines_of_record(following: Sequence[bytes], delimiter: str, width: int) -> int:
    """How many of these lines the record takes that begins in the first of them."""
    lines = [line.decode(errors="replace").rstrip("\n").encode() for line in following]
    try:
        if not _is_open(lines[0].decode(), delimiter):
            return 1
        reader = csv.reader(_until_long(lines), delimiter=delimiter, strict=True)
        return reader.line_num if len(next(reader, [])) == width else 1
    except csv.Error:
        return 1


def _delimiter_of(header: str) -> str:
    return max(_DELIMITERS, key=lambda delimiter: len(_fields(header, delimiter)))


def _fields(line: str, delimiter: str) -> list[str]:
    return next(csv.reader([line], delimiter=delimiter), [])


def _is_open(line: str, delimiter: str) -> bool:
    """Whether a quote that the line opens is still open where it ends: then the newline is the field's."""
    return '"' in line and _fields(f"{line}\n", delimiter)[-1].endswith("\n")


def _until_long(lines: list[bytes]) -> Iterator[str]:
    """The lines with their newlines, as long as they do not make a record that is too long."""
    length = 0
    for line in lines:
        length += len(line) + 1
        if length > LONGEST_RECORD:
            return
        yield f"{line.decode()}\n"
