"""Runs the hand-written script: `python -m bench.handwritten FILE DATABASE`."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from bench.processes import CORES

SQL = Path(__file__).with_suffix(".sql")


def run(delivery_file: str, database: str) -> None:
    """Makes the tables of `handwritten.sql` of a delivery file, in a new database."""
    with duckdb.connect(config={"threads": CORES}) as connection:
        # As adhouse does, because BI tools cannot read what DuckDB writes by itself.
        connection.execute(f"attach '{database}' as marts (storage_version 'v1.0.0'); use marts")
        connection.execute("set disabled_compression_methods = 'fsst'")
        connection.execute("set variable delivery_file = $1", [delivery_file])
        connection.execute("set variable received_at = $1", [datetime.now(UTC).replace(tzinfo=None)])
        connection.execute(SQL.read_text())


if __name__ == "__main__":
    run(*sys.argv[1:])
