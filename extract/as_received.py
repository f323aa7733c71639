"""Records as they were received, found in landing by their numbers."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from extract.convert import canonical
from extract.landing import Landing
from extract.readers import NO_TEXT, BadAnswer, UnreadableFile, format_of, seekable, texts_of_records
from extract.readers.pages import page_elements
from extract.readers.parquet import parquet_rows
from extract.records import RecordShape


@dataclass(frozen=True)
class ReceivedRecord:
    """A record as it was received.

    Attributes:
        text: Its text; a row of Parquet or of a sheet, which is no text, as JSON.
        line: The line of a text file in which it begins, or its row in a sheet, from 1.
    """

    text: str
    line: int | None = None


def records_as_received(
    landing: Landing, path: str, positions: Collection[int], shape: RecordShape, records: str = "records"
) -> dict[int, ReceivedRecord]:
    """Reads records of a file or fetch, going through it once.

    Args:
        landing: Where everything is that was received.
        path: The path of the file or fetch: the `_source` of the records.
        positions: Their numbers, from 1.
        shape: How the records are written.
        records: Where a page of an API has them, a dotted path.

    Returns:
        Each record by its number, but for those that landing does not have any more.
    """
    with suppress(FileNotFoundError, UnreadableFile, BadAnswer):
        if not landing.folder.has(path):
            return _chosen(_records_of_pages(landing, path, records), positions)
        with landing.folder.local(path) as local:
            format_ = format_of(local, shape.profile.format)
            if format_ in NO_TEXT:
                with seekable(local) as unpacked:
                    return _chosen_rows(unpacked, positions, shape, format_)
            return _chosen(texts_of_records(local, shape), positions)
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


def _chosen_rows(
    path: Path, positions: Collection[int], shape: RecordShape, format_: str | None
) -> dict[int, ReceivedRecord]:
    if format_ == "parquet":
        rows = parquet_rows(path, positions)
        return {number: ReceivedRecord(json.dumps(row, default=str, ensure_ascii=False)) for number, row in rows}
    if format_ == "avro":
        from extract.readers.avro import avro_rows

        return {number: ReceivedRecord(canonical(row)) for number, row in avro_rows(path, positions)}
    from extract.readers.workbook import workbook_rows

    return {number: ReceivedRecord(text, line) for number, line, text in workbook_rows(path, shape, positions)}


def _records_of_pages(landing: Landing, path: str, records: str) -> Iterator[tuple[None, bytes]]:
    names = sorted(entry.name for entry in landing.folder.below(path).entries())
    pages = (landing.folder.read(f"{path}/{name}") for name in names if not name.startswith("."))
    found = chain.from_iterable(page_elements(page, records) for page in pages)
    return ((None, element) for element in found)
