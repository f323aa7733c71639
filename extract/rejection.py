"""What a person wants to know of a record that was rejected: what was wrong with it, and what it looked like."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import islice
from typing import IO

from extract.landing import Landing
from extract.readers import BadAnswer, UnreadableFile, format_of
from extract.readers.chunks import CHUNK, LONGEST_RECORD, opened
from extract.readers.csv_text import MOST_LINES, lines_of_record
from extract.readers.json_text import DEEPEST, elements
from extract.readers.pages import page_elements
from extract.registry import KINDS
from extract.schema import DECIMAL_DIGITS, DECIMAL_PLACES, FieldType

_EXPECTED = {
    FieldType.TEXT: "a text or a number",
    FieldType.COUNT: "a whole number",
    FieldType.DECIMAL: "a number",
    FieldType.MONEY: "an amount of money",
    FieldType.DATE: "a date (YYYY-MM-DD)",
    FieldType.TIMESTAMP: "a time (YYYY-MM-DDTHH:MM:SSZ)",
    FieldType.BOOLEAN: "true or false",
    FieldType.JSON: "a JSON object or array",
}
_RANGES = {
    FieldType.COUNT: "is beyond a whole number of 64 bits",
    FieldType.DECIMAL: f"has more than {DECIMAL_DIGITS - DECIMAL_PLACES} digits before the decimal point",
    FieldType.MONEY: f"has more than {DECIMAL_DIGITS - DECIMAL_PLACES} digits before the decimal point",
    FieldType.DATE: "is not in the years 1 to 9999",
    FieldType.TIMESTAMP: "is not in the years 1 to 9999",
}
_RECORDS = {
    "broken_json": "it is not valid JSON",
    "not_an_object": "it is not a JSON object",
    "too_deep": f"it nests deeper than {DEEPEST} levels",
    "too_long": f"it is longer than {LONGEST_RECORD:,} bytes",
    "wrong_shape": "it has more or fewer fields than the header, or a quote that is not closed",
}


def explain_rejection(reason: str, field: str | None, value: str | None, field_type: FieldType | None) -> str:
    """Says in words why a record was rejected, such as `date "20/11/2026" is not a date (YYYY-MM-DD)`.

    Args:
        reason: The reason in `rejected_records`.
        field: The source's name of the field that was wrong, if it was one field.
        value: What that field said.
        field_type: Its type, if it is known.
    """
    if field is None:
        return _RECORDS.get(reason, reason)
    subject = f'{field} "{value or ""}"'
    match reason:
        case "unknown_kind":
            return f"{subject} names no kind of record that this source has"
        case "non_finite":
            return f"{subject} is not a finite number"
        case "out_of_range":
            return f"{subject} {_RANGES.get(field_type, 'is out of range') if field_type else 'is out of range'}"
        case "wrong_type":
            return f"{subject} is not {_EXPECTED[field_type] if field_type else 'what the field holds'}"
    return f"{subject}: {reason}"


def type_of_field(kind: str, field: str | None, fields: Mapping[str, str]) -> FieldType | None:
    """The type of a field that a source calls so; None if the kind has no such field.

    Args:
        kind: The kind of the record.
        field: The source's name of the field.
        fields: Our names of fields → the source's, where they differ.
    """
    if field is None or kind not in KINDS:
        return None
    record_type = KINDS[kind].record_type
    ours = {theirs.lower(): name for theirs, name in record_type.names(fields).items()}
    return record_type.fields.get(ours.get(field.lower(), ""))


def record_as_received(
    landing: Landing, path: str, position: int, line: int | None, fields: Mapping[str, str]
) -> str | None:
    """Reads a record in landing as it was received.

    Args:
        landing: Where everything is that was received.
        path: The path of the file or fetch: the `_source` of the record.
        position: The number of the record, from 1.
        line: The line in which it begins, if it is in a text file.
        fields: What an API calls `records`, where it differs.

    Returns:
        Its text; None if the format has no text, or landing does not have it any more.
    """
    with suppress(FileNotFoundError, UnreadableFile, BadAnswer):
        if landing.folder.has(path):
            return _record_of_file(landing, path, position, line)
        return _record_of_pages(landing, path, position, fields.get("records", "records"))
    return None


def _record_of_file(landing: Landing, path: str, position: int, line: int | None) -> str | None:
    format_ = format_of(path)
    if line is None:
        return None
    with landing.folder.local(path) as local, opened(local, is_zipped=format_.endswith(".gz")) as file:
        if format_.startswith("csv"):
            text = _csv_record(file, line)
        elif (start := file.peek()).lstrip().startswith(b"["):
            file.read(start.index(b"[") + 1)
            text = next(islice(_array_elements(file), position - 1, None), b"")
        else:
            text = next(islice(file, line - 1, None), b"")
        return text.decode(errors="replace").strip() or None


def _record_of_pages(landing: Landing, path: str, position: int, records: str) -> str | None:
    for entry in sorted(landing.folder.below(path).entries(), key=lambda entry: entry.name):
        if not entry.name.startswith("."):
            found = page_elements(landing.folder.read(f"{path}/{entry.name}"), records)
            if position <= len(found):
                return found[position - 1].decode(errors="replace").strip()
            position -= len(found)
    return None


def _csv_record(file: IO[bytes], line: int) -> bytes:
    header = b""
    for number, text in enumerate(file, 1):
        header = header or (text if text.strip() else b"")
        if number == line:
            following = [text, *islice(file, MOST_LINES - 1)]
            return b"".join(following[: lines_of_record(header, following)])
    return b""


def _array_elements(file: IO[bytes]) -> Iterator[bytes]:
    """The elements of an array behind its bracket, as the reader of JSON arrays counts them."""
    rest = b""
    while block := file.read(CHUNK):
        chunk, end = rest + block, 0
        for start, end, closes in elements(chunk):
            element = chunk[start : end - 1]
            if element.strip() or not closes:
                yield element
            if closes:
                return
        rest = chunk[end:]
