"""Files without some of their records, in the format, and packed in what, they were in."""

from __future__ import annotations

import codecs
import gzip
import zipfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from extract.containers import inner_name, is_zip, start_of_content
from extract.readers import texts_of_records
from extract.readers.chunks import opened, seekable
from extract.readers.content import format_of, format_of_text
from extract.readers.documents import start_of_records
from extract.readers.json_objects import is_object_by_object
from extract.records import RecordShape

_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)
_GZIP = b"\x1f\x8b"


class NotRewritableError(Exception):
    """No record can be taken out of a file of this format."""


def write_without(path: Path, shape: RecordShape, positions: Collection[int], target: Path) -> None:
    """Writes a file without the records of these numbers, as `read_file` numbers them; the same call, the same bytes.

    A text stays as it is but for them, in UTF-8 with a byte order mark where it was in another encoding; of a document
    around a list of records the list stays. Parquet stays Parquet, and Avro Avro, with its blocks unpacked.

    Raises:
        NotRewritableError: It is a workbook.
        UnreadableFile: It cannot be read.
    """
    format_ = format_of(path, shape.profile.format)
    if format_ == "xlsx":
        raise NotRewritableError("it is a workbook")
    if format_ in ("parquet", "avro"):
        with seekable(path) as file:
            _write_parquet(file, positions, target) if format_ == "parquet" else _write_avro(file, positions, target)
        return
    with _packed_alike(path, target) as out:
        if shape.profile.encoding is not None or start_of_content(path, 4).startswith(_MARKS):
            out.write(codecs.BOM_UTF8)
        for piece in _kept(path, shape, positions):
            out.write(piece)


def _kept(path: Path, shape: RecordShape, positions: Collection[int]) -> Iterator[bytes]:
    numbered = enumerate(texts_of_records(path, shape), 1)
    with opened(path, shape.profile.encoding) as file:
        head = file.peek()
        is_csv = format_of_text(head, format_of(path, shape.profile.format)) == "csv"
        if not is_csv and is_object_by_object(head, shape):
            yield from (text for number, (_, text) in numbered if number not in positions)
        elif not is_csv and start_of_records(head, shape) is not None:
            before = b"["
            for number, (_, text) in numbered:
                if number not in positions:
                    yield before + text.strip()
                    before = b",\n"
            yield b"[]" if before == b"[" else b"]"
        else:
            gone: set[int] = set()
            for number, (line, text) in numbered:
                if number in positions:
                    gone.update(range(line, line + len(text.split(b"\n")) - text.endswith(b"\n")))
            yield from (line for number, line in enumerate(file, 1) if number not in gone)


def _write_avro(path: Path, positions: Collection[int], target: Path) -> None:
    from extract.readers.avro import write_avro_without

    write_avro_without(path, positions, target)


def _write_parquet(path: Path, positions: Collection[int], target: Path) -> None:
    with pq.ParquetFile(path) as file, pq.ParquetWriter(target, file.schema_arrow) as writer:
        first = 1
        for batch in file.iter_batches():
            numbers = np.arange(first, first + batch.num_rows)
            kept = ~np.isin(numbers, np.fromiter(positions, np.int64, len(positions)))
            writer.write_batch(batch.filter(pa.array(kept)))
            first += batch.num_rows


@contextmanager
def _packed_alike(path: Path, target: Path) -> Iterator[IO[bytes]]:
    """Opens a file to be written, packed in what another one is packed in."""
    with path.open("rb") as file:
        start = file.read(4)
    with target.open("wb") as out:
        if start.startswith(_GZIP):
            with gzip.GzipFile(filename="", mode="wb", fileobj=out, mtime=0) as packed:
                yield cast(IO[bytes], packed)
        elif is_zip(start):
            member = zipfile.ZipInfo(inner_name(path))
            member.compress_type = zipfile.ZIP_DEFLATED
            with zipfile.ZipFile(out, "w") as archive, archive.open(member, "w", force_zip64=True) as packed_file:
                yield packed_file
        else:
            yield out
