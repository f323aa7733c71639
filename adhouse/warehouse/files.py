"""Opens DuckDB's files, and turns DuckDB's words for what can be wrong with them into one line with the way out."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from adhouse.errors import CommandError

DAMAGED = (
    "not a valid DuckDB database file",
    "Could not read enough bytes",  # the file was cut
    "Corrupt",
    "corrupt",
    "replaying WAL",
    "checksum",
    "serializ",
)


@contextmanager
def opened(path: Path, *, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """Opens a DuckDB file for the block, under the name `house`; what fails in it is explained where it can be.

    Under its own name marts.duckdb would be the database `marts`, and its schema `marts` could not be told from it.

    Raises:
        CommandError: The file is damaged or held by another program, or the disk is full.
    """
    try:
        with duckdb.connect() as connection:
            connection.execute(f"attach '{quoted(path)}' as house {'(read_only)' if read_only else ''}")
            connection.execute("use house")
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
    if any(word in text for word in DAMAGED):
        raise CommandError(f"the warehouse in {folder} is damaged", "`adhouse rebuild` makes it again from landing")


def quoted(path: Path) -> str:
    """The path for use between single quotes in SQL, where a parameter is not allowed."""
    return str(path).replace("'", "''")


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
