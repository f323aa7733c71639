"""Makes a history of small daily loads in one process: `python -m bench.history HOME FIRST LAST`.

Each day is a file of a few records, dropped into the inbox and taken through `extract.run.extract` by itself, as a run
of the command does: landing, ledger, index and merging are the real ones. Only dlt is replaced, because it would take
most of the time, and nothing waits for the disk. The files go to the same places under names of the same form, and
`_dlt_loads` gets the same line, so the lake has the layout that dlt gives it. The first load of a folder is dlt's own,
which makes the rest of the layout.
"""

import json
import os
import secrets
import shutil
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from bench.http_client import Silent
from bench.small_days import SOURCE, drop
from extract.lake import dlt_pipeline
from extract.lake.lake import LOADS, Lake
from extract.registry import SOURCES
from extract.run import Places, extract


def run(places: Places) -> None:
    """Extracts what is in the inbox."""
    extract(
        places=places,
        sources=[SOURCES[SOURCE]],
        apis={},
        report_timezone=ZoneInfo("UTC"),
        now=lambda: datetime.now(UTC),
        progress=Silent(),
    )


def make(places: Places, drop_day: Callable[[int], None], first: int, last: int) -> None:
    """Makes the loads of the days from `first` to before `last`."""
    with_dlt = dlt_pipeline.load
    for number in range(first, last):
        drop_day(number)
        dlt_pipeline.load = with_dlt if number == 0 else _load_without_dlt
        run(places)
    dlt_pipeline.load = with_dlt


def _load_without_dlt(working: Path, lake: Lake, write: Callable[[str], dict[str, list[Path]]]) -> None:
    load_id = str(time.time())
    for table, paths in write(load_id).items():
        for path in paths:
            lake.folder.put(path, f"{table}/{load_id}.{secrets.token_hex(5)}.parquet")
    line = {
        "load_id": load_id,
        "schema_name": "adhouse",
        "status": 0,
        "inserted_at": datetime.now(UTC).isoformat(),
        "schema_version_hash": "5f0GxWruL2fKSuxFj1BfNlmzX5NpemyEPxBi8p/lMM4=",
    }
    lake.folder.write(f"{LOADS}/adhouse__{load_id}.jsonl", json.dumps(line).encode())
    shutil.rmtree(working)


if __name__ == "__main__":
    home, first, last = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    vars(os)["fsync"] = lambda _: None  # what is made here may be lost with the machine
    inbox = home / "inbox" / SOURCE
    make(Places(home, str(home), str(home / "lake")), lambda number: drop(inbox, number), first, last)
