"""Runs the hand-written script: `python -m bench.handwritten FILE DATABASE`."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from bench.processes import CORES

SQL = Path(__file__).with_suffix(".sql")


def run(delivery_file: str, database: str) -> None:
    """Makes the tables of `handwritten.sql` of a delivery file, in a new database."""
    with duckdb.connect(database, config={"threads": CORES}) as connection:
        connection.execute("set variable delivery_file = $1", [delivery_file])
        connection.execute("set variable received_at = $1", [datetime.now(UTC).replace(tzinfo=None)])
        connection.execute(SQL.read_text())


if __name__ == "__main__":
    run(*sys.argv[1:])
