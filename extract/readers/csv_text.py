"""CSV with a header: commas, semicolons, tabs or bars between fields, quotes around those that need them.

Logs with a control character between fields, as Hive writes them (its `LazySimpleSerDe`), have no quotes: one is text.
"""

from __future__ import annotations

import csv
import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice, takewhile
from typing import IO, TYPE_CHECKING, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from extract.convert import RecordRejected
from extract.readers.chunks import LONGEST_HEADER, LONGEST_RECORD, is_fine_grained, places_of
from extract.readers.columns import Guess, convert_columns, header_again, missing_columns, named
from extract.readers.numbers import may_be_read_two_ways, may_break_decimals
from extract.readers.unreadable import UnreadableFile
from extract.records import Batch, RecordShape, convert_records, is_short_row
from extract.remarks import REPEATED_HEADER
from extract.schema import NUMBERS

if TYPE_CHECKING:
    import _csv

_DELIMITERS = ",;\t|"
_SEPARATOR_LINE = re.compile(rb'"?sep=(.)"?\r?', re.IGNORECASE)
# A quoted field may hold newlines, but a quote that nobody closes must not swallow the rest of the file.
MOST_LINES = 64
MOST_TITLE_LINES = 50
_AROUND_NAMES = "\ufeff \t\r"
_HEADER = object()


class Dialect(NamedTuple):
    """How fields are told apart; blanks behind a delimiter may stand before a quote."""

    delimiter: str
    skips_blanks: bool = False

    @property
    def has_quotes(self) -> bool:
        """Whether a quote is a sign, and not text."""
        return self.delimiter == "\t" or self.delimiter >= " "

    def reader(self, lines: Iterable[str], *, strict: bool = True) -> _csv._reader:
        """The fields of the records in these lines; a quote that is not closed is a `csv.Error`."""
        return csv.reader(
            lines,
            delimiter=self.delimiter,
            skipinitialspace=self.skips_blanks,
            strict=strict,
            quoting=csv.QUOTE_MINIMAL if self.has_quotes else csv.QUOTE_NONE,
        )

    def fields(self, line: str) -> list[str]:
        """The fields of a line, in which any quote is as it is."""
        return next(self.reader([line], strict=False), [])

    def is_open(self, line: str) -> bool:
        """Whether a quote that the line opens is still open where it ends: then the newline is the field's."""
        return self.has_quotes and '"' in line and self.fields(f"{line}\n")[-1].endswith("\n")


@dataclass(frozen=True)
class Header:
    """The header of a file, and how much of the file comes before the first record.

    Attributes:
        names: What the columns are called.
        dialect: How fields are told apart.
        lines: The number of lines before the first record.
        size: Their number of bytes.
    """

    names: Sequence[str]
    dialect: Dialect
    lines: int
    size: int

    @cached_property
    def plain(self) -> list[str]:
        """The names without what may stand around them."""
        return [name.strip(_AROUND_NAMES) for name in self.names]

    def repeated_by(self, fields: Sequence[str]) -> list[str] | None:
        """The names again, in whatever order, as where files were put together; None if it is a record."""
        if len(fields) != len(self.names) or not fields or fields[0].strip(_AROUND_NAMES) not in self.plain:
            return None
        names = [field.strip(_AROUND_NAMES) for field in fields]
        return names if names == self.plain or sorted(names) == sorted(self.plain) else None


class HeaderMovedError(Exception):
    """The header is repeated, with its names in another order."""


def find_header(head: bytes, shape: RecordShape) -> Header | None:
    """Finds the header where a file begins: the first of some lines that names all required fields.

    If none does, it is the one that lacks fewest, or the line that the source's profile says. A profile may also say
    that there is none, and the names.

    Returns:
        The header; None if there are only blank lines.

    Raises:
        UnreadableFile: `too_long`, or `missing_column` if the file ends before the line that the profile says.
    """
    csv.field_size_limit(LONGEST_RECORD)
    profile = shape.profile
    if profile.header:
        lines = head.split(b"\n", profile.skip_rows + 1)
        size = sum(len(line) + 1 for line in lines[: profile.skip_rows])
        dialect = _dialect_of(lines[-2 if len(lines) > 1 else 0].decode(errors="replace"), profile.delimiter)
        return Header(profile.header, dialect._replace(skips_blanks=False), profile.skip_rows, min(size, len(head)))
    said, separator = profile.header_line, None
    # Blank lines at the beginning are no titles, however many there are.
    begin = 0 if said else head.rfind(b"\n", 0, len(head) - len(head.lstrip())) + 1
    blank_lines = head.count(b"\n", 0, begin)
    lines = head[begin:].split(b"\n", (said or MOST_TITLE_LINES) + profile.skip_rows + MOST_LINES)
    if said is not None and said > len(lines):
        raise UnreadableFile("missing_column", f"the file ends before line {said}, which should have the names")
    best: tuple[int, Dialect, int, int] | None = None
    for number in range(said - 1 if said else 0, said or min(MOST_TITLE_LINES, len(lines))):
        line = lines[number]
        if found := _SEPARATOR_LINE.fullmatch(line):
            separator = found[1].decode(errors="replace")
        if found or (not line.strip() and said is None):
            continue
        dialect = _dialect_of(line.decode(errors="replace"), profile.delimiter or separator)
        fields, count = _header_row(lines, number, dialect)
        missing = len(missing_columns(fields, shape))
        if best is None or missing < best[0]:
            best = missing, dialect, number, count
        if not missing:
            break
    if best is None:
        if len(head) >= LONGEST_HEADER:
            raise UnreadableFile("too_long", f"there is no header in the first {LONGEST_HEADER:,} bytes")
        return None
    _, dialect, number, count = best
    if len(lines[number]) >= LONGEST_HEADER or (number + 1 == len(lines) and len(head) >= LONGEST_HEADER):
        raise UnreadableFile("too_long", f"the header is longer than {LONGEST_HEADER:,} bytes")
    b"\n".join(lines[number : number + count]).decode()  # what is not UTF-8 is refused here
    fields, end = _header_row(lines, number, dialect)[0], number + count
    for _ in range(profile.skip_rows):
        end += _header_row(lines, end, dialect)[1] if end < len(lines) else 0
    size = begin + sum(len(line) + 1 for line in lines[:end])
    return Header(fields, dialect, blank_lines + end, min(size, len(head)))


def _header_row(lines: Sequence[bytes], number: int, dialect: Dialect) -> tuple[list[str], int]:
    """The fields of the row that begins in a line, and the number of its lines."""
    texts = [line.decode(errors="replace").rstrip("\r") for line in lines[number : number + MOST_LINES]]
    if dialect.is_open(texts[0]):
        rows = dialect.reader(f"{text}\n" for text in texts)
        with suppress(csv.Error):
            return next(rows), rows.line_num
    return dialect.fields(texts[0]), 1


def _dialect_of(header: str, delimiter: str | None) -> Dialect:
    delimiter = delimiter or max(_DELIMITERS, key=lambda delimiter: len(Dialect(delimiter).fields(header)))
    later = Dialect(delimiter).fields(header)[1:]
    return Dialect(delimiter, skips_blanks=bool(later) and all(name.startswith(" ") for name in later))


class Csv:
    """The records behind the header. Blank lines are no records."""

    mark = b"\n"

    def __init__(self, header: Header, shape: RecordShape) -> None:
        """Finds our fields in the header.

        Raises:
            UnreadableFile: `too_many_columns`, `missing_column` or `duplicate_column`.
        """
        csv.field_size_limit(LONGEST_RECORD)
        self._dialect = header.dialect
        self._columns, self.shape = named(header.names, shape)
        numbers = [theirs for name, theirs in self.shape.names.items() if self.shape.type.fields[name] in NUMBERS]
        self._number_name = numbers[0].casefold() if numbers else None  # what a header that comes again has
        # A field behind all names has been pushed there, by a delimiter without quotes.
        self._nameless = [*takewhile(lambda number: not header.names[number].strip(), range(len(header.names))[::-1])]
        known = {*self.shape.names.values()}
        self._extras = [name for name in self._columns if name not in known | self.shape.skip]
        self._header = header
        self._guess = Guess(self.shape, pa.string())

    def parse_fast(self, chunk: bytes, is_last: bool) -> Batch | None:
        """Takes lines that are one record each."""
        if self.shape.profile.has_odd_nulls or (self._dialect.skips_blanks and b'"' in chunk):
            return None
        if not chunk.endswith(b"\n"):
            if not is_last or not chunk:
                return None
            chunk += b"\n"
        # NUL is replaced, a lone carriage return would end a line, 0x1F would be a number.
        if b"\0" in chunk or b"0x" in chunk or b"0X" in chunk or chunk.count(b"\r") != chunk.count(b"\r\n"):
            return None
        ends = places_of(b"\n", chunk)
        unquoted = chunk.replace(b'"', b"")  # Arrow joins what stands in quotes and behind them
        if not is_fine_grained(ends, len(chunk)) or may_break_decimals(unquoted):
            return None
        if self.shape.doubts and may_be_read_two_ways(chunk):
            return None
        table = self._guess.parsed(lambda types: self._read(chunk, types))
        # As many records as lines, and the last one closed: then each is a line. Arrow closes an open quote at the end.
        if table is None or table.num_rows != len(ends):
            return None
        last = chunk[chunk.rfind(b"\n", 0, -1) + 1 :]
        if b'"' in last and self._dialect.is_open(last.rstrip(b"\n").decode()):
            return None
        if any(pc.any(pc.is_valid(table.column(self._columns[number]))).as_py() for number in self._nameless):
            return None
        extras = None
        if self._extras:
            extras = [self.shape.extra_text(row) for row in table.select(self._extras).to_pylist()]
        return convert_columns(table, self.shape, extras, len(ends))

    def parse_strict(self, chunk: bytes, is_last: bool) -> tuple[Batch, bytes]:
        """Takes any lines; a last one of a wrong shape and without a newline says that the file is cut off."""
        *lines, rest = chunk.split(b"\n")
        if is_last and rest:
            lines.append(rest)
        values: list[object] = []
        numbers: list[int] = []
        number = headers = 0
        while number < len(lines):
            value, count = self._record(lines, number, is_last)
            if not count:
                break
            if isinstance(value, RecordRejected) and is_last and rest and number + 1 == len(lines):
                raise UnreadableFile("cut_off", "the last line is broken and does not end with a newline")
            if value is _HEADER:
                headers += 1
            elif value is not None:
                values.append(value)
                numbers.append(number + 1)
            number += count
        left_over = b"" if is_last else b"\n".join([*lines[number:], rest[: LONGEST_RECORD + 1]])
        batch = convert_records(values, self.shape, numbers, number)
        if headers and (self.shape.filter is None or self.shape.filter.rejects):
            batch.remarks[REPEATED_HEADER] += headers
        return batch, left_over

    def _record(self, lines: list[bytes], number: int, is_last: bool) -> tuple[object, int]:
        """The record that begins in a line (None if it is blank), and how many lines it has: none if more must come.

        A line that repeats the header is `_HEADER`.
        """
        line = lines[number]
        if len(line) > LONGEST_RECORD:
            return RecordRejected("too_long"), 1
        text = line.decode()
        if not text.strip():
            return None, 1
        count = 1
        try:
            if self._dialect.is_open(text):
                following = _until_long(lines[number : number + MOST_LINES])
                reader = self._dialect.reader(following)
                try:
                    fields = next(reader)
                finally:
                    count = reader.line_num
            else:
                fields = self._dialect.fields(text)
            if (names := self._header.repeated_by(fields)) is not None:
                if names != self._header.plain:
                    raise HeaderMovedError
                return _HEADER, count
            if self._number_name and self._number_name in text.casefold() and (why := self._names_columns(fields)):
                return why, count
            if len(fields) == len(self._columns) and not any(fields[number].strip() for number in self._nameless):
                return {name: field or None for name, field in zip(self._columns, fields, strict=True)}, count
        except csv.Error:
            # The quote may yet be closed by what comes.
            if not is_last and count < MOST_LINES and number + count == len(lines):
                return None, 0
            fields = []
        return RecordRejected("wrong_shape", is_short=self._is_short(fields)), 1

    def _names_columns(self, fields: Sequence[str]) -> RecordRejected | None:
        return header_again(fields, self._header.names, self.shape)

    def _is_short(self, fields: Sequence[str]) -> bool:
        """Whether a line may be about the report; one without fields has a quote that is not closed."""
        return bool(fields) and is_short_row([*fields, *[""] * (len(self._columns) - len(fields))])

    def _read(self, chunk: bytes, types: dict[str, pa.DataType]) -> pa.Table | None:
        try:
            return pyarrow.csv.read_csv(
                pa.BufferReader(chunk),
                pyarrow.csv.ReadOptions(use_threads=False, block_size=len(chunk) + 1, column_names=self._columns),
                pyarrow.csv.ParseOptions(
                    delimiter=self._dialect.delimiter,
                    quote_char='"' if self._dialect.has_quotes else False,
                    newlines_in_values=self._dialect.has_quotes,
                ),
                pyarrow.csv.ConvertOptions(
                    column_types={**types, **dict.fromkeys(self._extras, pa.string())},
                    include_columns=[*types, *self._extras],
                    null_values=["", *self.shape.profile.nulls],
                    strings_can_be_null=True,
                ),
            )
        except pa.ArrowInvalid:
            return None


def sections(file: IO[bytes], header: Header, shape: RecordShape, size: int) -> Iterator[Batch]:
    """The records of a file whose names come again in another order: those below follow it.

    Args:
        file: Open behind the header, or where a record begins below it.
        header: The first header.
        shape: How the records are written.
        size: How many bytes to parse at once.

    Yields:
        The records in order, each batch numbered from one.
    """
    text, chunk, left_over = Csv(header, shape), bytearray(), b""

    def parsed(*, is_last: bool) -> Batch:
        nonlocal left_over
        piece = left_over + bytes(chunk)
        chunk.clear()
        batch = text.parse_fast(piece, is_last)
        batch, left_over = (batch, b"") if batch is not None else text.parse_strict(piece, is_last)
        return batch

    for line in file:
        names = header.repeated_by(_fields(line, header))
        if names is not None and names != header.plain:
            yield parsed(is_last=True)
            header = replace(header, names=names)
            text = Csv(header, shape)
            remarks = Counter({REPEATED_HEADER: int(shape.filter is None or shape.filter.rejects)})
            yield Batch(shape.type.schema.empty_table(), [], 1, remarks=+remarks)
            continue
        chunk += line
        if len(chunk) >= size:
            yield parsed(is_last=False)
    yield parsed(is_last=True)


def _fields(line: bytes, header: Header) -> list[str]:
    return header.dialect.fields(line.decode(errors="replace").rstrip("\r\n"))


def csv_records(file: IO[bytes], header: Header) -> Iterator[tuple[int, bytes]]:
    """The text of each record behind the header, also of a broken one, and the line in which it begins."""
    lines = enumerate(file, header.lines + 1)
    ahead = deque(islice(lines, MOST_LINES))
    while ahead:
        (number, line), count = ahead[0], 1
        if line.decode(errors="replace").strip():
            if b'"' in line and len(line) <= LONGEST_RECORD:
                count = _lines_of_record([line for _, line in ahead], header)
            text = b"".join(line for _, line in islice(ahead, count))
            if count > 1 or header.repeated_by(_fields(line, header)) is None:
                yield number, text
        for _ in range(count):
            ahead.popleft()
        ahead.extend(islice(lines, count))


def _lines_of_record(following: Sequence[bytes], header: Header) -> int:
    """How many of these lines the record takes that begins in the first of them."""
    lines = [line.decode(errors="replace").rstrip("\n").encode() for line in following]
    try:
        if not header.dialect.is_open(lines[0].decode()):
            return 1
        reader = header.dialect.reader(_until_long(lines))
        return reader.line_num if len(next(reader, [])) == len(header.names) else 1
    except csv.Error:
        return 1


def _until_long(lines: list[bytes]) -> Iterator[str]:
    """The lines with their newlines, as long as they do not make a record that is too long."""
    length = 0
    for line in lines:
        length += len(line) + 1
        if length > LONGEST_RECORD:
            return
        yield f"{line.decode()}\n"
