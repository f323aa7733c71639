"""Opens DuckDB's files."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from itertools import count
from pathlib import Path

import duckdb

from adhouse.warehouse.errors import explain_duckdb

# The format of DuckDB's files that every DuckDB since 1.0 reads, and with it the drivers of BI tools.
STORAGE_VERSION = "v1.0.0"
OLDEST_FORMAT = 64  # of v1.0.0, as https://duckdb.org/docs/stable/internals/storage lists it
FORMAT_AT = 12  # bytes: a checksum and "DUCK" come first
_numbers = count()


@contextmanager
def opened(path: Path, *, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """Opens a DuckDB file for the block, under a name of its own.

    Under its own name marts.duckdb would be the database `marts`, and its schema `marts` could not be told from it.

    Raises:
        CommandError: The file is damaged, not readable, or held by another program, or the disk is full.
    """
    options = "read_only" if read_only else "" if path.exists() else f"storage_version '{STORAGE_VERSION}'"
    name = f"house_{next(_numbers)}"
    try:
        with _attached(path, name, options), _engine().cursor() as connection:
            connection.execute(f"use {name}")
            yield connection
    except duckdb.Error as error:
        _engine.cache_clear()  # a damaged file may leave it unusable
        if explained := explain_duckdb(str(error), path):
            raise explained from error
        raise


@contextmanager
def _attached(path: Path, name: str, options: str) -> Iterator[None]:
    engine = _engine()
    engine.execute(f"attach '{quoted(path)}' as {name} {options and f'({options})'}")
    try:
        yield
    finally:
        engine.execute(f"detach {name}")


@cache
def _engine() -> duckdb.DuckDBPyConnection:
    """One DuckDB for all files: another one for each would take six times as long."""
    return duckdb.connect()


def is_read_by_older_duckdb(path: Path) -> bool:
    """Whether a DuckDB file has the format that every DuckDB since 1.0 reads."""
    with path.open("rb") as file:
        start = file.read(FORMAT_AT + 8)
    return int.from_bytes(start[FORMAT_AT:], "little") <= OLDEST_FORMAT


def remove(path: Path) -> None:
    """Removes a DuckDB file, and the log of what DuckDB had not written into it yet."""
    path.unlink(missing_ok=True)
    path.with_name(f"{path.name}.wal").unlink(missing_ok=True)


def quoted(path: Path) -> str:
    """The path for use between single quotes in SQL, where a parameter is not allowed."""
    return str(path).replace("'", "''")


def has_table(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> bool:
    """Whether the opened file has the table or view."""
    found = """
        select 1 from information_schema.tables
        where table_catalog = current_database() and table_schema = ? and table_name = ?
    """
    return connection.execute(found, [schema, table]).fetchone() is not None


def has_column(connection: duckdb.DuckDBPyConnection, schema: str, table: str, column: str) -> bool:
    """Whether the opened file has the table, and the table the column."""
    found = """
        select 1 from duckdb_columns()
        where database_name = current_database() and schema_name = ? and table_name = ? and column_name = ?
    """
    return connection.execute(found, [schema, table, column]).fetchone() is not None
