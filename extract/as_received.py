"""Records as they were received, found in landing by their numbers."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import IO

from extract.landing import Landing
from extract.readers import BadAnswer, UnreadableFile, format_of
from extract.readers.chunks import CHUNK, opened
from extract.readers.csv_text import csv_records
from extract.readers.json_text import elements
from extract.readers.pages import page_elements
from extract.readers.parquet import parquet_rows


@dataclass(frozen=True)
class ReceivedRecord:
    """A record as it was received.

    Attributes:
        text: Its text; a row of Parquet, which is no text, as JSON.
        line: The line of a text file in which it begins, from 1.
    """

    text: str
    line: int | None = None


def records_as_received(
    landing: Landing, path: str, positions: Collection[int], records: str = "records"
) -> dict[int, ReceivedRecord]:
    """Reads records of a file or fetch, going through it once.

    Args:
        landing: Where everything is that was received.
        path: The path of the file or fetch: the `_source` of the records.
        positions: Their numbers, from 1.
        records: What an API calls `records`.

    Returns:
        Each record by its number, but for those that landing does not have any more.
    """
    with suppress(FileNotFoundError, UnreadableFile, BadAnswer):
        if not landing.folder.has(path):
            return _chosen(_records_of_pages(landing, path, records), positions)
        format_ = format_of(path)
        with landing.folder.local(path) as local:
            if format_ == "parquet":
                return _chosen_rows(local, positions)
            with opened(local) as file:
                if format_ == "csv":
                    return _chosen(csv_records(file), positions)
                start = file.peek()
                if start.lstrip().startswith(b"["):
                    lines = file.read(start.index(b"[") + 1).count(b"\n")
                    return _chosen(_array_elements(file, lines + 1), positions)
                lines_ = ((number, line) for number, line in enumerate(file, 1) if line.strip())
                return _chosen(lines_, positions)
    return {}


def _chosen(found: Iterable[tuple[int | None, bytes]], positions: Collection[int]) -> dict[int, ReceivedRecord]:
    """The wanted ones of records with the lines in which they begin."""
    wanted, last = set(positions), max(positions, default=0)
    chosen = {}
    if last:
        for position, (line, text) in enumerate(found, 1):
            if position in wanted:
                chosen[position] = ReceivedRecord(text.decode(errors="replace").strip(), line)
            if position == last:
                break
    return chosen


def _chosen_rows(path: Path, positions: Collection[int]) -> dict[int, ReceivedRecord]:
    return {
        position: ReceivedRecord(json.dumps(row, default=str, ensure_ascii=False))
        for position, row in parquet_rows(path, positions)
    }


def _records_of_pages(landing: Landing, path: str, records: str) -> Iterator[tuple[None, bytes]]:
    names = sorted(entry.name for entry in landing.folder.below(path).entries())
    pages = (landing.folder.read(f"{path}/{name}") for name in names if not name.startswith("."))
    found = chain.from_iterable(page_elements(page, records) for page in pages)
    return ((None, element) for element in found)


def _array_elements(file: IO[bytes], line: int) -> Iterator[tuple[int, bytes]]:
    """The elements of an array behind its bracket, as the reader of JSON arrays counts them."""
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
