"""Opens DuckDB's files, and turns DuckDB's words for what can be wrong with them into one line with the way out."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from adhouse.exits import CommandError


@contextmanager
def opened(path: Path, *, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """Opens a DuckDB file for the block; what fails in it is explained where it can be.

    Raises:
        CommandError: The file is damaged or held by another program, or the disk is full.
    """
    try:
        with duckdb.connect(path, read_only=read_only) as connection:
            yield connection
    except duckdb.Error as error:
        explain(str(error), path.parent)
        raise


def explain(text: str, folder: Path) -> None:
    """Raises the plain sentence for an error of DuckDB's that a person can do something about; else does nothing."""
    if "No space left on device" in text:
        raise disk_full(folder)
    if "Could not set lock on file" in text:
        raise CommandError(
            f"another program holds the working warehouse in {folder}",
            "close it there; open published/marts.duckdb instead, which a run never locks",
        )
    damaged = ("not a valid DuckDB database file", "Corrupt", "corrupt", "replaying WAL", "checksum", "serializ")
    if any(word in text for word in damaged):
        raise CommandError(f"the warehouse in {folder} is damaged", "`adhouse rebuild` makes it again from landing")


def disk_full(folder: Path) -> CommandError:
    """The one line for a full disk: where, and how much is left."""
    free = shutil.disk_usage(folder).free
    return CommandError(f"disk full: {folder} has {free:,} bytes free", "free some space and run the same again")


def has_table(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> bool:
    """Whether the opened file has the table."""
    found = (
        "select 1 from duckdb_tables() where database_name = current_database() and schema_name = ? and table_name = ?"
    )
    return connection.execute(found, [schema, table]).fetchone() is not None
