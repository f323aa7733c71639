"""JSON: a record a line, or one array of records."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial, reduce
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json

from extract.convert import DEEPEST, RecordRejected, parsed_json
from extract.readers.chunks import CHUNK, LONGEST_RECORD, is_fine_grained, places_of
from extract.readers.columns import Guess, convert_columns
from extract.readers.lines import Lines, Mask
from extract.readers.numbers import may_break_decimals
from extract.readers.unreadable import UnreadableFile
from extract.records import Batch, Positions, RecordShape, convert_records, interleaved, value_at
from extract.remarks import ANOTHER_PAGE
from extract.schema import FieldType

MOST_VALUES = 100_000  # in a record: each takes far more memory than text
# A string, an opened string, or a byte that changes the depth or ends an element. Possessive: the memory stays flat.
TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|["{}\[\],]', re.DOTALL)
# A digit or a sign of a number that is hidden in an escape, where what looks at the bytes does not see it.
_ESCAPED_NUMBER = re.compile(rb"\\u00(?:2[bBdDeE]|3[0-9]|[46]5)")
_QUOTED_THOUSANDS = re.compile(rb'"\s*[+-]?[1-9][0-9]{0,2}[.][0-9]{3}\s*"')
_OPENS = re.compile(rb"\s*:\s*([\[{])")


class _Guesses:
    """What to ask Arrow for, for the names that records have; it then refuses a record that has another one as well."""

    def __init__(self, shape: RecordShape) -> None:
        self._shape = shape
        self._known: dict[int, tuple[RecordShape, Guess]] = {}

    def of(self, first: Callable[[], bytes]) -> tuple[RecordShape, Guess]:
        """The settled shape, and the guess, for records that call the fields as the first one does."""
        settled = self._shape.settled(record(first())) if self._shape.choices else self._shape
        if id(settled) not in self._known:
            self._known[id(settled)] = settled, Guess(settled)
        return self._known[id(settled)]


class JsonLines:
    """A record a line. Blank lines are no records."""

    mark = b"\n"

    def __init__(self, shape: RecordShape) -> None:
        self.shape = shape
        self._guesses = _Guesses(shape)

    def parse_fast(self, chunk: bytes, is_last: bool) -> Batch | None:
        """Takes lines that are one flat object each; a few others among them are looked at one by one."""
        return self._parsed(chunk, is_last=is_last, has_odd=True)

    def whole(self, text: bytes) -> Batch | None:
        """Takes lines without any other among them."""
        return self._parsed(text, is_last=True, has_odd=False)

    def _parsed(self, chunk: bytes, *, is_last: bool, has_odd: bool) -> Batch | None:
        if needs_closer_look(self.shape) or self.shape.profile.records is not None or not chunk or _is_odd(chunk):
            return None
        if not is_last and not chunk.endswith(b"\n"):
            return None
        # Each line must begin a record, or Arrow might find two on one line, or one on two. And it does not survive a
        # `null` at the very start.
        lines = Lines(chunk)
        if not is_fine_grained(lines.ends, len(chunk)) or np.count_nonzero(lines.is_odd) * 2 > len(lines) * has_odd:
            return None
        shape, guess = self._guesses.of(lambda: chunk.partition(b"\n")[0])
        table = _guessed(guess, lines.kept())
        if table is None and has_odd and lines.set_broken_aside(partial(_why_not, schema=_schema(guess.widest))):
            table = _guessed(guess, lines.kept())
        if table is None or table.num_rows != np.count_nonzero(~lines.is_odd):
            return None
        if (is_empty := _have_no_field(table)) is not None:
            if not has_odd:
                return None
            lines.set_aside(is_empty)
            table = table.filter(pa.array(~is_empty))
        if lines.is_odd[-1] and not chunk.endswith(b"\n"):
            return None  # it may be cut off
        if _may_have_thousands(table, shape, chunk):
            return None
        batch = convert_columns(table, shape, lines=len(lines))
        if batch is None or not lines.is_odd.any():
            return batch
        return self._with_odd(batch, lines)

    def _with_odd(self, batch: Batch, lines: Lines) -> Batch:
        """The records with those among them that lie on lines by themselves."""
        odd = {place: text for place, text in lines.odd().items() if text and not text.isspace()}
        values = [record(text) for text in odd.values()]
        strict = convert_records(values, self.shape, [place + 1 for place in odd])
        is_record = ~lines.is_odd
        is_record[[*odd]] = True
        positions: Positions = np.cumsum(is_record)
        return interleaved([(batch, positions[~lines.is_odd]), (strict, positions[[*odd]])], len(lines))

    def parse_strict(self, chunk: bytes, is_last: bool) -> tuple[Batch, bytes]:
        """Takes any lines; a last one that is broken and has no newline says that the file is cut off."""
        *lines, rest = chunk.split(b"\n")
        numbers = [number for number, line in enumerate(lines, 1) if line and not line.isspace()]
        values = [unwrapped(record(lines[number - 1]), self.shape) for number in numbers]
        if not is_last:
            # One byte too many is enough to know that it is too long, when its end comes.
            return convert_records(values, self.shape, numbers, len(lines)), rest[: LONGEST_RECORD + 1]
        if rest.strip():
            value = unwrapped(record(rest), self.shape)
            if _is_cut(value, rest):
                raise UnreadableFile("cut_off", "the last line is broken and does not end with a newline")
            values.append(value)
            numbers.append(len(lines) + 1)
        return convert_records(values, self.shape, numbers, len(lines)), b""


class JsonArray:
    """The elements of an array, behind its opening bracket."""

    mark = b"},"

    def __init__(self, shape: RecordShape, check_around: Callable[[bytes], int] | None = None) -> None:
        """Takes what checks the text behind the closing bracket, and counts signs of more; without it there is none."""
        self.shape = shape
        self._guesses = _Guesses(shape)
        self._check_around = check_around
        self._more = 0

    def parse_fast(self, chunk: bytes, is_last: bool) -> Batch | None:
        """Takes elements that are flat objects, up to a comma, or to the end of the array if the chunk is the last."""
        if chunk.startswith(b"]"):
            return None
        text = chunk.rstrip()
        batch = self.whole(text[:-1]) if text.endswith(b"]" if is_last else b"},") else None
        return None if batch is None else replace(batch, lines=chunk.count(b"\n"))

    def whole(self, text: bytes) -> Batch | None:
        """Takes flat objects with commas between them. That they parse shows that they were cut where one ends."""
        if needs_closer_look(self.shape) or _is_odd(text) or not is_fine_grained(places_of(b"{", text), len(text)):
            return None
        wrapped = b'{"r":[%b]}' % text
        shape, guess = self._guesses.of(lambda: _first_element(text))
        table = guess.parsed(lambda types: _read(wrapped, pa.schema([("r", pa.list_(pa.struct(types.items())))])))
        # A second row means that the text closed the array itself.
        if table is None or table.num_rows != 1:
            return None
        structs = table.column(0).combine_chunks().flatten()
        if structs.null_count:
            return None
        found = pa.table(structs.flatten(), names=structs.type.names)
        if _have_no_field(found) is not None or _may_have_thousands(found, shape, text):
            return None
        return convert_columns(found, shape)

    def parse_strict(self, chunk: bytes, is_last: bool) -> tuple[Batch, bytes]:
        """Takes any elements; an array that does not end says that the file is cut off."""
        values: list[object] = []
        lines: list[int] = []
        end = passed = 0
        for start, end, closes in elements(chunk):
            element = chunk[start : end - 1]
            if element.strip() or not closes:
                blank = len(element) - len(element.lstrip())
                values.append(record(element))
                lines.append(passed + chunk.count(b"\n", start, start + blank) + 1)
            passed += chunk.count(b"\n", start, end)
            if closes:
                left = self._left(chunk[end:], is_last)
                batch = convert_records(values, self.shape, lines, passed)
                return replace(batch, remarks=batch.remarks + Counter({ANOTHER_PAGE: self._more})), left
        if is_last:
            raise UnreadableFile("cut_off", "the array does not end")
        if len(chunk) - end > LONGEST_RECORD:
            raise UnreadableFile("too_long", f"an element of the array is longer than {LONGEST_RECORD:,} bytes")
        return convert_records(values, self.shape, lines, passed), chunk[end:]

    def _left(self, behind: bytes, is_last: bool) -> bytes:
        """What is left to be checked, with what comes, of the text behind the closing bracket."""
        if self._check_around is None:
            if behind.strip():
                raise UnreadableFile("broken_json", "there is text behind the end of the array")
            behind = b""
        elif is_last:
            self._more = self._check_around(behind)
        if len(behind) > LONGEST_RECORD:
            raise UnreadableFile("too_long", f"behind the records there are more than {LONGEST_RECORD:,} bytes")
        return b"" if is_last else b"]" + behind


def needs_closer_look(shape: RecordShape) -> bool:
    """Whether each record is to be looked at by itself: Arrow finds no paths, and reads quoted numbers its own way."""
    return shape.has_paths or shape.profile.writes_numbers or shape.profile.has_odd_nulls or shape.doubts


def elements(chunk: bytes) -> Iterator[tuple[int, int, bool]]:
    """Finds the elements of an array by their brackets and strings, whether or not they are right inside.

    Yields:
        Where the element begins, where the comma or bracket behind it ends, and whether that closes the array.
    """
    start = depth = 0
    for token in TOKEN.finditer(chunk):
        match token[0]:
            case b"{" | b"[":
                depth += 1
            case b"," if not depth:
                yield start, token.end(), False
                start = token.end()
            case b"}" | b"]" if depth:
                depth -= 1
            case b"]":
                yield start, token.end(), True
                return
            case b'"':
                return


def _first_element(text: bytes) -> bytes:
    """The first of some elements with commas between them."""
    _, end, _ = next(elements(text), (0, len(text) + 1, False))
    return text[: end - 1]


def array_elements(file: IO[bytes], line: int) -> Iterator[tuple[int, bytes]]:
    """The elements of an array behind its bracket, with their lines, as `JsonArray` counts them."""
    rest = b""
    while block := file.read(CHUNK):
        chunk, end = rest + block, 0
        for start, end, closes in elements(chunk):
            element = chunk[start : end - 1]
            if element.strip() or not closes:
                blank = len(element) - len(element.lstrip())
                yield line + element.count(b"\n", 0, blank), element
            if closes:
                return
            line += chunk.count(b"\n", start, end)
        rest = chunk[end:]


def start_of_array(text: bytes, path: str, start: int = 0) -> int | None:
    """Where the array begins that an object has at a dotted path, behind its bracket; a name may have dots itself."""
    names = {}
    for end in (at for at in range(1, len(path) + 1) if path[at : at + 1] in (".", "")):
        for is_ascii in (True, False):
            names[json.dumps(path[:end], ensure_ascii=is_ascii).encode()] = path[end + 1 :]
    depth = 0
    for token in TOKEN.finditer(text, start):
        match token[0]:
            case b"{" | b"[":
                depth += 1
            case b"}" | b"]":
                depth -= 1
                if not depth:
                    return None
            case name if depth == 1 and name in names:
                if opening := _OPENS.match(text, token.end()):
                    rest, is_array = names[name], opening[1] == b"["
                    if is_array and not rest:
                        return opening.end()
                    if rest and not is_array and (found := start_of_array(text, rest, opening.start(1))) is not None:
                        return found
    return None


def record(text: bytes) -> object:
    """One record's value, or the `RecordRejected` that says why there is none.

    Raises:
        UnicodeDecodeError: It is not UTF-8.
    """
    if len(text) > LONGEST_RECORD:
        return RecordRejected("too_long")
    # Counting brackets is cheap and says for nearly every record that it cannot be too deep.
    if text.count(b"{") + text.count(b"[") > DEEPEST and _depth(text) > DEEPEST:
        return RecordRejected("too_deep")
    if text.count(b",") >= MOST_VALUES and sum(token[0] == b"," for token in TOKEN.finditer(text)) >= MOST_VALUES:
        return RecordRejected("too_many_values")
    try:
        return parsed_json(text.decode())
    except RecordRejected as refused:
        return refused


def unwrapped(value: object, shape: RecordShape) -> object:
    """The record that lies inside what a line has, where its source says that."""
    if shape.profile.records is None or not isinstance(value, dict):
        return value
    found = value_at(value, shape.profile.records)
    return found if isinstance(found, dict) else value


def _depth(text: bytes) -> int:
    depth = deepest = 0
    for token in TOKEN.finditer(text):
        depth += (token[0] in b"{[") - (token[0] in b"}]")
        deepest = max(deepest, depth)
    return deepest


def _is_cut(value: object, text: bytes) -> bool:
    if not isinstance(value, RecordRejected):
        return False
    return value.reason == "broken_json" or not text.rstrip().endswith(b"}")


def _is_odd(text: bytes) -> bool:
    has_odd_escape = b"\\" in text and (b"\\u0000" in text or _ESCAPED_NUMBER.search(text) is not None)
    return has_odd_escape or may_break_decimals(text)


def _may_have_thousands(table: pa.Table, shape: RecordShape, text: bytes) -> bool:
    """Whether a count may be a text such as "1.250", which Arrow reads like the number 1.250."""
    counts = [theirs for name, theirs in shape.names.items() if shape.type.fields[name] is FieldType.COUNT]
    is_decimal = any(pa.types.is_decimal(table.column(theirs).type) for theirs in counts)
    return is_decimal and not shape.says_numbers and _QUOTED_THOUSANDS.search(text) is not None


def _have_no_field(table: pa.Table) -> Mask | None:
    """Which records have no value at all: they may lack even the keys, which Arrow does not tell; None if none."""
    if not all(column.null_count for column in table.columns):
        return None
    is_empty = reduce(pc.and_, (column.is_null() for column in table.columns))
    return np.asarray(is_empty) if pc.any(is_empty).as_py() else None


def _guessed(guess: Guess, text: bytes) -> pa.Table | None:
    return guess.parsed(lambda types: _read(text, _schema(types)))


def _schema(types: Mapping[str, pa.DataType]) -> pa.Schema:
    return pa.schema(types.items())


def _read(text: bytes, schema: pa.Schema) -> pa.Table | None:
    try:
        return _read_by_arrow(text, schema)
    except pa.ArrowInvalid:
        return None


def _why_not(text: bytes, schema: pa.Schema) -> str | None:
    try:
        _read_by_arrow(text, schema)
    except pa.ArrowInvalid as error:
        return str(error)
    return None


def _read_by_arrow(text: bytes, schema: pa.Schema) -> pa.Table:
    return pyarrow.json.read_json(
        pa.BufferReader(text),
        pyarrow.json.ReadOptions(use_threads=False, block_size=len(text) + 1),
        pyarrow.json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="error"),
    )
