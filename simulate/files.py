"""Writes delivery as files that people and systems drop: JSON lines, a JSON array, CSV or Parquet, also as `.gz`."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from decimal import Decimal
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

EXTENSIONS = (".jsonl", ".json", ".csv", ".parquet")
COUNTED = {"conversions"}  # decimals that nearly always are whole numbers, and are written so
_ROWS_AT_ONCE = 100_000


class _Writable(Protocol):
    def write(self, data: bytes | memoryview, /) -> int: ...


def write(table: pa.Table, path: Path) -> Path:
    """Writes the records in the format that the name's extension says; the same records give the same bytes.

    The file appears under its name only when it is whole: until then it is called `<name>.part`.

    Args:
        table: Any columns of text, integers, dates and decimals.
        path: Ends in `.jsonl` (a record a line), `.json` (one array), `.csv` or `.parquet`, and then perhaps in `.gz`.

    Raises:
        ValueError: The extension is none of these.
    """
    suffixes = [suffix.lower() for suffix in path.suffixes]
    is_zipped = suffixes[-1:] == [".gz"]
    extension = "".join(suffixes[-2:-1] if is_zipped else suffixes[-1:])
    if extension not in EXTENSIONS:
        raise ValueError(f"{path.name} does not end in one of {', '.join(EXTENSIONS)}, with or without .gz")
    part = path.with_name(f"{path.name}.part")
    with part.open("wb") as plain:
        if is_zipped:
            # No name and no time in the header: the same records must give the same bytes.
            with gzip.GzipFile("", "wb", compresslevel=1, fileobj=plain, mtime=0) as zipped:
                _write(table, extension, zipped)
        else:
            _write(table, extension, plain)
    return part.rename(path)


def split(table: pa.Table, cuts: Sequence[int]) -> list[pa.Table]:
    """The records in consecutive parts, cut before the given row numbers; a part may be empty."""
    edges = [0, *sorted(cuts), table.num_rows]
    return [table.slice(first, last - first) for first, last in pairwise(edges)]


def json_records(table: pa.Table, end: str) -> Iterator[tuple[memoryview, np.ndarray[tuple[int], np.dtype[np.int32]]]]:
    """The records as JSON objects, each followed by `end`.

    Yields:
        A block of text, and the offset in it at which each record begins, with the end as the last offset.
    """
    for first in range(0, table.num_rows, _ROWS_AT_ONCE):
        block = table.slice(first, _ROWS_AT_ONCE).combine_chunks()
        pieces: list[object] = []
        for number, name in enumerate(block.column_names):
            pieces += [("," if number else "{") + json.dumps(name) + ":", _json_values(name, block.column(name))]
        text = pc.binary_join_element_wise(*pieces, "}" + end, "").combine_chunks()
        _, offsets, characters = text.buffers()
        yield memoryview(characters), np.frombuffer(offsets, np.int32)[text.offset : text.offset + len(text) + 1]


def json_array(table: pa.Table) -> bytes:
    """The records as one JSON array, a record a line."""
    written = BytesIO()
    _write(table, ".json", written)
    return written.getvalue()


def _write(table: pa.Table, extension: str, file: _Writable) -> None:
    if extension == ".parquet":
        import pyarrow.parquet as pq

        pq.write_table(table, file, compression="zstd")
    elif extension == ".csv":
        import pyarrow.csv

        for name in COUNTED.intersection(table.column_names):
            place = table.schema.get_field_index(name)
            table = table.set_column(place, name, _counted_text(table.column(name)))
        pyarrow.csv.write_csv(table, file)
    elif extension == ".jsonl":
        for text, _ in json_records(table, "\n"):
            file.write(text)
    else:
        file.write(b"[")
        separator = b""
        for text, offsets in json_records(table, ",\n"):
            file.write(separator)
            file.write(text[: offsets[-1] - 2])
            separator = b",\n"
        file.write(b"]\n")


def _json_values(name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_string(column.type):
        values = _quoted(column)
    elif pa.types.is_decimal(column.type):
        values = _counted_text(column) if name in COUNTED else decimal_text(column)
    elif pa.types.is_date(column.type):
        values = _quoted(column.cast(pa.string()))
    else:
        values = column.cast(pa.string())
    return pc.fill_null(values, "null")


def _quoted(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    # Texts repeat: escaping each distinct one once is what makes this fast.
    encoded = texts.combine_chunks().dictionary_encode()
    escaped = pa.array([json.dumps(text, ensure_ascii=False) for text in encoded.dictionary.to_pylist()], pa.string())
    return pa.chunked_array([escaped.take(encoded.indices)])


def _counted_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Counts that may be fractions: `3`, or `2.75`."""
    return pc.replace_substring_regex(decimal_text(column), r"\.?0+$", "")


def decimal_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Decimals as plain digits, exactly, with at least two places: `275.50`, never `275.4999999` or `2E-7`."""
    texts = column.cast(pa.string())
    if pc.any(pc.match_substring(texts, "E")).as_py():
        plain = [text if text is None else format(Decimal(text), "f") for text in texts.to_pylist()]
        texts = pa.chunked_array([pa.array(plain, pa.string())])
    return pc.replace_substring_regex(texts, r"(\.\d\d\d*?)0+$", r"\1")
