"""The peer for events: `python -m bench.handwritten_events read FOLDER DATABASE`, or `build RAW DATABASE`.

`read` reads the logs in a folder into tables, as DuckDB does by itself, typed and without a check of any rule.
`build` makes the marts of `handwritten_events.sql` from the raw tables of a lake.
"""

import sys
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from bench.processes import CORES

SQL = Path(__file__).with_suffix(".sql")
_TEXTS = (
    "impression_id ad_id campaign_id publisher_id user_id device_type "
    "geo_location platform ad_type site_domain auction_id imp_id"
)
_IMPRESSIONS = {
    **dict.fromkeys(_TEXTS.split(), "varchar"),
    "event_time": "timestamptz",
    "bid_price": "decimal(18,6)",
}


def read(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Reads each log into a table; a line that is no JSON is left out."""
    columns = ", ".join(f"{name}: '{type_}'" for name, type_ in _IMPRESSIONS.items())
    for kind, reader in (
        ("impressions", f"read_json($1, format = 'newline_delimited', ignore_errors = true, columns = {{{columns}}})"),
        (
            "clicks",
            "read_csv($1, header = true, types = {'event_time': 'timestamptz', 'click_price': 'decimal(18,6)'})",
        ),
        ("conversions", "read_csv($1, header = true, types = {'conversion_value': 'decimal(18,6)'})"),
    ):
        [file] = folder.glob(f"{kind}.*")
        connection.execute(f"create table {kind} as select * from {reader}", [str(file)])  # noqa: S608 our own names


def build(connection: duckdb.DuckDBPyConnection, raw: Path) -> None:
    """Makes the marts of the raw tables, with today as the report day."""
    for kind in ("impressions", "clicks", "conversions"):
        connection.execute(f"set variable {kind} = $1", [str(raw / kind / "*.parquet")])
    connection.execute("set variable as_of = $1", [datetime.now(UTC).date()])
    connection.execute(SQL.read_text())


def main(step: str, folder: str, database: str) -> None:
    """Does the step into a new database, in the format of published marts."""
    with duckdb.connect(config={"threads": CORES, "memory_limit": "5GB"}) as connection:
        connection.execute(f"attach '{database}' as marts (storage_version 'v1.0.0'); use marts")
        connection.execute("set disabled_compression_methods = 'fsst'; set timezone = 'UTC'")
        (read if step == "read" else build)(connection, Path(folder))


if __name__ == "__main__":
    main(*sys.argv[1:])
