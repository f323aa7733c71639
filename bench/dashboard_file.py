"""Publishes a build to measure the dashboard on: `python -m bench.dashboard_file DELIVERIES IMPRESSIONS HOME`.

Every mart is there with the columns of its contract; those that pages read of delivery and events are filled by
`dashboard_file.sql`, without a run, which would take an hour.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from string import Template

import duckdb
import yaml

from adhouse.warehouse.duckdb import SCHEMA
from adhouse.warehouse.files import opened
from adhouse.warehouse.publish import publish
from bench.processes import CORES, PROJECT

SQL = Path(__file__).with_suffix(".sql")
BUILD = "000001-20261106T040000Z-bench"
SEEDS = ("places", "place_aliases", "quarantine_reasons")


def write(deliveries: int, impressions: int, home: Path) -> None:
    """Makes the marts and publishes them into a data folder; a second run replaces them."""
    file = home / "marts.duckdb"
    file.unlink(missing_ok=True)
    with opened(file) as connection:
        connection.execute(f"set threads = {CORES}; set memory_limit = '4GB'")
        connection.execute("create schema marts")
        for name, columns in _marts():
            connection.execute(f"create table marts.{name} ({', '.join(f'{one} {kind}' for one, kind in columns)})")
        for seed in SEEDS:
            path = str(PROJECT / "seeds" / f"{seed}.csv").replace("'", "''")
            connection.execute(f"create table marts.{seed} as from read_csv('{path}', all_varchar = true)")
        connection.execute(SCHEMA)
        _note_build(connection)
        connection.execute(Template(SQL.read_text()).substitute(deliveries=deliveries, impressions=impressions))
        connection.execute("checkpoint")
    publish(file, home / "published", BUILD)
    file.unlink()


def _marts() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """The name of each mart, and its columns with their types."""
    for path in sorted((PROJECT / "models" / "marts").glob("*/_*__models.yml")):
        for model in yaml.safe_load(path.read_text())["models"]:
            yield model["name"], [(f'"{column["name"]}"', column["data_type"]) for column in model["columns"]]


def _note_build(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        """
        insert into ops.builds (build_id, command, status, as_of, started_at, report_timezone, restated_days)
        values (?, 'adhouse run', 'audited', '2026-11-06', '2026-11-06', 'UTC', 3)
        """,
        [BUILD],
    )


if __name__ == "__main__":
    deliveries, impressions, home = sys.argv[1:]
    write(int(deliveries), int(impressions), Path(home))
