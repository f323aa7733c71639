"""Readers: what came, in whatever format, as batches of raw columns and the records that cannot be loaded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from extract.readers.chunks import CHUNK, LONGEST_HEADER, TextFormat, UnreadableFile, opened, parsed
from extract.readers.csv_text import Csv
from extract.readers.json_text import JsonArray, JsonLines
from extract.readers.pages import BadAnswer, Page, read_page
from extract.readers.parquet import read_parquet
from extract.records import Batch, RecordShape, RejectedRecord

__all__ = [
    "BadAnswer",
    "Batch",
    "Page",
    "RejectedRecord",
    "UnreadableFile",
    "format_of",
    "read_file",
    "read_page",
]

_FORMATS = {
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
}


def format_of(name: str) -> str:
    """The format that a file's name says: `json`, `csv` or `parquet`; whether it is zipped, its content says.

    Raises:
        UnreadableFile: `unknown_format`.
    """
    plain_name = name.lower().removesuffix(".gz")
    format_ = _FORMATS.get(Path(plain_name).suffix)
    if format_ is None or (format_ == "parquet" and plain_name != name.lower()):
        raise UnreadableFile("unknown_format", f"readable are {', '.join(_FORMATS)}, and all but the last with .gz")
    return format_


def read_file(path: Path, shape: RecordShape, size: int = CHUNK) -> Iterator[Batch]:
    """Reads a file record by record, with bounded memory, in the format that its name says, unpacked if it is zipped.

    The same records give the same rows in any format and however large the chunks are. Nothing may be loaded before the
    file was read to its end: only then is it known to be whole.

    Args:
        path: Its name says its format.
        shape: How its records are written. Columns are found by their names in any case.
        size: How many bytes of text to parse at once.

    Yields:
        The records in order, numbered from one.

    Raises:
        UnreadableFile: While it is read: the file as a whole is not what its name says.
    """
    format_ = format_of(path.name)
    if format_ == "parquet":
        yield from read_parquet(path, shape)
        return
    with opened(path) as file:
        text: TextFormat
        if format_ == "csv":
            header, lines = b"", 0
            for lines, header in enumerate(iter(lambda: file.readline(LONGEST_HEADER), b""), 1):  # noqa: B007
                if header.strip():
                    break
            else:
                return
            if len(header) == LONGEST_HEADER:
                raise UnreadableFile("too_long", f"the header is longer than {LONGEST_HEADER:,} bytes")
            text = Csv(header, shape)
        else:
            start = file.peek()
            bracket = len(start) - len(start.lstrip())
            is_array = start[bracket : bracket + 1] == b"["
            text = JsonArray(shape) if is_array else JsonLines(shape)
            lines = file.read(bracket + is_array).count(b"\n")
        yield from parsed(file, text, size, lines)
