"""Writes the logs of events that are measured: `python -m bench.event_files FIRST LAST PER_DAY FILE FILE FILE`.

The first two are the numbers of days on which events arrive, the last three the files of impressions, clicks and
conversions; what is in them is said in `event_files.sql`.
"""

import sys
from pathlib import Path
from string import Template

import duckdb

from bench.processes import CORES

SQL = Path(__file__).with_suffix(".sql")


def write(first: str, last: str, per_day: str, impressions: str, clicks: str, conversions: str) -> None:
    """Writes the events that arrive from the day `first` to the day `last`, as one file a kind."""
    paths = {"impressions": impressions, "clicks": clicks, "conversions": conversions}
    quoted = {name: path.replace("'", "''") for name, path in paths.items()}
    query = Template(SQL.read_text()).substitute(first=first, last=last, per_day=per_day, **quoted)
    with duckdb.connect(config={"threads": CORES}) as connection:
        connection.execute(query)


if __name__ == "__main__":
    write(*sys.argv[1:])
