"""Readers: what came, in whatever format, as batches of raw columns and the records that cannot be loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO

from extract import arrow_alone  # noqa: F401 it has to come before whatever makes an array
from extract.readers.chunks import CHUNK, TextFormat, opened, parsed, seekable
from extract.readers.content import format_named, format_of, format_of_text
from extract.readers.csv_text import Csv, Header, HeaderMovedError, csv_records, find_header, sections
from extract.readers.documents import check_document, start_of_records
from extract.readers.json_objects import JsonObjects, is_object_by_object, objects_of
from extract.readers.json_text import JsonArray, JsonLines, array_elements
from extract.readers.pages import BadAnswer, Page, read_page, records_of_page
from extract.readers.parquet import read_parquet
from extract.readers.unreadable import UnreadableFile
from extract.records import Batch, RecordShape, RejectedRecord, renumbered

__all__ = [
    "NO_TEXT",
    "BadAnswer",
    "Batch",
    "Page",
    "RejectedRecord",
    "UnreadableFile",
    "fingerprint_of",
    "format_named",
    "format_of",
    "read_file",
    "read_page",
    "records_of_page",
    "seekable",
    "texts_of_records",
]


def read_file(path: Path, shape: RecordShape, size: int = CHUNK) -> Iterator[Batch]:
    """Reads a file record by record, with bounded memory, in the format that its content and its name say, unpacked.

    The same records give the same rows in any format and however large the chunks are. Nothing may be loaded before the
    file was read to its end: only then is it known to be whole.

    Args:
        path: The file.
        shape: How its records are written. Columns are found by their names, in any case.
        size: How many bytes of text to parse at once.

    Yields:
        The records in order, numbered from one.

    Raises:
        UnreadableFile: While it is read: the file as a whole is not what it seems to be.
    """
    format_ = format_of(path, shape.profile.format)
    if format_ in NO_TEXT:
        with seekable(path) as file_:
            yield from _READERS[format_](file_, shape)
        return
    with opened(path, shape.profile.encoding) as file:
        head = file.peek()
        text: TextFormat
        if format_of_text(head, format_) == "csv":
            header = find_header(head, shape)
            if header is None:
                return
            # Where commas do not stand between fields, they often stand in numbers.
            shape = shape.doubting() if header.dialect.delimiter == ";" else shape
            file.read(header.size)
            yield from _csv_batches(path, file, header, shape, size)
            return
        if is_object_by_object(head, shape):
            text, start, lines = JsonObjects(shape), 0, 0
        else:
            begin = start_of_records(head, shape)
            start = len(head) - len(head.lstrip()) if begin is None else begin
            lines = head.count(b"\n", 0, start)
            text = JsonLines(shape) if begin is None else _array(head[:start], shape)
        file.read(start)
        yield from parsed(file, text, size, lines)


def _csv_batches(path: Path, file: IO[bytes], header: Header, shape: RecordShape, size: int) -> Iterator[Batch]:
    count, lines = 0, header.lines
    try:
        for batch in parsed(file, Csv(header, shape), size, lines):
            yield batch
            count += len(batch)
            lines += batch.lines
    except HeaderMovedError:
        with opened(path, shape.profile.encoding) as again:
            for _ in range(lines):
                again.readline()
            for batch in sections(again, header, shape, size):
                if batch or batch.lines:
                    yield renumbered(batch, count, lines)
                count += len(batch)
                lines += batch.lines


def texts_of_records(path: Path, shape: RecordShape) -> Iterator[tuple[int, bytes]]:
    """The text of each record of a text file as it came, and its line, in the order in which `read_file` numbers them.

    Raises:
        UnreadableFile: The file as a whole cannot be read.
    """
    format_ = format_of(path, shape.profile.format)
    with opened(path, shape.profile.encoding) as file:
        head = file.peek()
        if format_of_text(head, format_) == "csv":
            if header := find_header(head, shape):
                file.read(header.size)
                yield from csv_records(file, header)
        elif is_object_by_object(head, shape):
            yield from objects_of(file, 1)
        elif (start := start_of_records(head, shape)) is not None:
            yield from array_elements(file, file.read(start).count(b"\n") + 1)
        else:
            yield from ((number, line) for number, line in enumerate(file, 1) if line.strip())


def _read_workbook(path: Path, shape: RecordShape) -> Iterator[Batch]:
    from extract.readers.workbook import read_workbook

    return read_workbook(path, shape)


def _read_avro(path: Path, shape: RecordShape) -> Iterator[Batch]:
    from extract.readers.avro import read_avro

    return read_avro(path, shape)


_READERS: Mapping[str, Callable[[Path, RecordShape], Iterator[Batch]]] = {
    "parquet": read_parquet,
    "xlsx": _read_workbook,
    "avro": _read_avro,
}
NO_TEXT = frozenset(_READERS)
"""The formats of files that are no text."""


def fingerprint_of(path: Path, shape: RecordShape) -> str | None:
    """The fingerprint of the schema that a file brings along; None of a format without one.

    Raises:
        UnreadableFile: The file as a whole cannot be read.
    """
    if format_of(path, shape.profile.format) != "avro":
        return None
    from extract.readers.avro import schema_fingerprint

    with seekable(path) as file:
        return schema_fingerprint(file)


def _array(before: bytes, shape: RecordShape) -> JsonArray:
    """The reader of a list of records with a document, or nothing, around it."""
    if before.strip() == b"[":
        return JsonArray(shape)
    return JsonArray(shape, lambda behind: check_document(before + b"]" + behind, shape))
