"""Any split of logs of events into files and runs, in any order, gives the same marts as the logs as they came."""

import random
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import TODAY, Workspace
from support.event_files import drop_events, eventful_world, files_in

DAYS = [TODAY - timedelta(days=age) for age in (9, 8, 5)]
MARTS = (
    "ad_events",
    "orphan_clicks",
    "attributed_conversions",
    "campaign_attribution",
    "campaign_funnel",
    "hourly_performance",
    "site_performance",
    "reach_frequency",
    "conversion_lag",
    "audience_segments",
    "auction_performance",
    "auction_losses",
    "quarantined_events",
    "event_conflicts",
    "dim_campaigns",
    "dim_ads",
)
# Which of equal records stands, and when it came, is what the files and runs decide.
OF_RECEIPT = {
    "_source",
    "_position",
    "conflicting_source",
    "conflicting_position",
    "_dlt_load_id",
    "_received_at",
    "received_at",
    "processed_time",
    "is_late",
}
COUNTS = ("read", "rejected", "duplicate", "quarantined", "kept")
Cells = dict[str, Counter[tuple[Any, ...]]]


def cells(house: Workspace) -> Cells:
    """All rows of the marts of events but for what the receipt decides, and what became of each source's records."""
    found: Cells = {}
    with duckdb.connect(str(house.home / "published" / "marts.duckdb"), read_only=True) as connection:
        for mart in MARTS:
            names = [name for name, *_ in connection.execute(f"describe marts.{mart}").fetchall()]
            columns = ", ".join(name for name in names if name not in OF_RECEIPT)
            found[mart] = Counter(connection.execute(f"select {columns} from marts.{mart}").fetchall())
        sums = ", ".join(f"sum(records_{count})" for count in COUNTS)
        query = f"select source, {sums} from marts.data_quality group by source"
        found["data_quality"] = Counter(connection.execute(query).fetchall())
    return found


def pieces_of(path: Path, chance: random.Random) -> Iterator[tuple[str, str, bytes]]:
    """The lines of a log in any order, in up to four files, of a CSV each with the header; an Avro file is one."""
    kind, content = path.parent.name, path.read_bytes()
    if path.suffix == ".avro":
        yield kind, path.name, content
        return
    lines = content.splitlines(keepends=True)
    head = lines.pop(0) if path.suffix == ".csv" else b""
    chance.shuffle(lines)
    count = chance.randint(1, 4)
    for number in range(count):
        yield kind, f"{path.stem}-{number}{path.suffix}", head + b"".join(lines[number::count])


@pytest.mark.cases
@pytest.mark.timeout(900)
def test_any_split_of_logs_into_files_and_runs_gives_the_same_marts(tmp_path: Path) -> None:
    chance = random.Random(5)
    settings = {"ADHOUSE_API_URL": "none", "ADHOUSE_PRIVACY_KEY": "a key of these tests", "ADHOUSE_MAX_REJECTED": "1"}
    whole, cut = (Workspace(tmp_path / name, settings) for name in ("whole", "cut"))
    inbox = whole.home / "inbox"
    drop_events(inbox, eventful_world(), DAYS, impressions_a_day=300)
    files = [piece for path in files_in(inbox) for piece in pieces_of(path, chance)]
    assert (ended := whole.adhouse("run")).returncode == 0, ended.stderr

    chance.shuffle(files)
    for start in range(3):
        for kind, name, content in files[start::3]:
            cut.drop(name, content, kind)
        assert (ended := cut.adhouse("run")).returncode == 0, ended.stderr
    wanted, got = cells(whole), cells(cut)
    assert all(wanted.values())
    for table, rows in wanted.items():
        assert got[table] == rows, (table, [*(got[table] - rows)][:2], [*(rows - got[table])][:2])
