"""The Parquet files of the raw tables: written for readers who want few columns, and of few sources."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from extract.lake.tables import RAW_TABLES

REPEATED = {"_source", "_dlt_load_id", "source"}  # columns with one value in all rows of a unit
ROW_GROUP = 122_880  # as DuckDB's own: whole vectors, and who looks for a day or a file reads little beside it


class TableFile:
    """A Parquet file in the making, written a row group at a time."""

    def __init__(self, path: Path, table: str) -> None:
        self.path = path
        self.table = table
        self._schema = stored_schema(table)
        self._waiting: list[pa.Table] = []
        self._rows = 0
        raw = RAW_TABLES[table]
        self._writer = pq.ParquetWriter(
            path,
            self._schema,
            compression="snappy",
            use_dictionary=[*raw.with_dictionary],
            write_statistics=[*raw.with_statistics],
            store_schema=False,
        )

    def write(self, rows: pa.Table) -> None:
        """Adds rows; they are on the disk once there are enough for a row group."""
        self._waiting.append(rows)
        self._rows += rows.num_rows
        if self._rows >= ROW_GROUP:
            self._flush(self._rows // ROW_GROUP * ROW_GROUP)

    def close(self) -> None:
        """Finishes the file."""
        if self._rows:
            self._flush(self._rows)
        self._writer.close()

    def drop(self) -> None:
        """Gives the file up."""
        self._writer.close()
        self.path.unlink()

    def _flush(self, count: int) -> None:
        rows = pa.concat_tables(self._waiting)
        self._writer.write_table(rows.slice(0, count).cast(self._schema), row_group_size=ROW_GROUP)
        self._waiting, self._rows = [rows.slice(count)], self._rows - count


def read_in_pieces(path: Path, table: str) -> Iterator[pa.Table]:
    """Reads a file a row group at a time, in the columns that this version of the project writes."""
    raw = RAW_TABLES[table]
    texts = [name for name in raw.with_dictionary if raw.schema.field(name).type == pa.string()]
    with pq.ParquetFile(path, read_dictionary=texts) as file:
        for number in range(file.num_row_groups):
            yield file.read_row_group(number, raw.schema.names, use_threads=False)


def stored_schema(table: str) -> pa.Schema:
    """The schema to write: what repeats itself in every row is written once, and read again as text."""
    fields = RAW_TABLES[table].schema
    repeated = pa.dictionary(pa.int32(), pa.string())
    return pa.schema([field.with_type(repeated) if field.name in REPEATED else field for field in fields])
