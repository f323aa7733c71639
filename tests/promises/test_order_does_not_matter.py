"""Any split of the same records into files and runs, in any order, gives the same marts, however they were built.

The files are put into landing under receipt numbers of any order, so that a run may find a file that was received
before what an earlier run has loaded.
"""

import hashlib
import json
import shutil
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from conftest import TODAY
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.cases import always
from support.marts import as_rows, assert_is_true, build, cells

from adhouse.settings import Settings, read_settings
from extract.registry import SOURCES
from extract.source import SourceConfig
from simulate.delivery import delivery
from simulate.files import write
from simulate.truth import Delivered, content_of, truth_of
from simulate.world import World

EXTENSIONS = (".jsonl", ".json", ".csv.gz", ".parquet", ".csv")
MARTS = ("campaign_summary", "campaign_performance", "creative_performance", "daily_performance")
RECEIVED = datetime(TODAY.year, TODAY.month, TODAY.day, 6, tzinfo=UTC)


@dataclass(frozen=True)
class Dropped:
    """A file with the records from `start` to `stop`, received some hours after the first; `name` may come again.

    No record of one that is broken passes the rules.
    """

    start: int
    stop: int
    hours: int
    name: str
    run: int
    is_broken: bool = False

    def part_of(self, records: pa.Table) -> pa.Table:
        """Its records."""
        part = records.slice(self.start, self.stop - self.start)
        place = records.schema.get_field_index("clicks")
        return part.set_column(place, "clicks", pa.nulls(len(part), pa.int64())) if self.is_broken else part


@st.composite
def drops(draw: st.DrawFn) -> list[Dropped]:
    """Up to six files of few names, half of them equal to another and a third broken, in up to three runs."""
    files: list[Dropped] = []
    for index in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, 250))
        stop, extension = start + draw(st.integers(0, 120)), EXTENSIONS[index % 5]
        is_broken = draw(st.sampled_from([False, False, True]))
        like = draw(st.one_of(st.none(), st.sampled_from(files))) if files else None
        if like:
            start, stop, extension, is_broken = like.start, like.stop, like.name[1:], like.is_broken
            if ".csv" in extension:
                extension = draw(st.sampled_from([".csv", ".csv.gz"]))
        name = f"{draw(st.integers(0, 2))}{extension}"
        files.append(Dropped(start, stop, draw(st.integers(0, 40)), name, draw(st.integers(0, 2)), is_broken))
    return files


def land(home: Path, dropped: Dropped, index: int, records: pa.Table, source: SourceConfig) -> Delivered:
    """Puts a file into landing as the inbox would, and returns what the truth must know about it."""
    received_at = RECEIVED + timedelta(hours=dropped.hours, milliseconds=index)
    number = 100 * dropped.hours + index + 1
    part = home / dropped.name
    write(records, part)
    content = part.read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    place = f"campaign_files/{received_at:%Y-%m-%d}/{number:08}-{received_at:%Y%m%dT%H%M%S.%fZ}-{sha256[:8]}"
    folder = home / "landing" / place
    folder.mkdir(parents=True)
    part.rename(folder / dropped.name)
    (folder / ".receipt.json").write_text(json.dumps({"bytes": len(content), "sha256": sha256}))
    (home / "landing" / "receipts.json").unlink(missing_ok=True)  # what landing has is then found by listing it
    by: dict[str, Any] = {"replaces": f"campaign_files/{dropped.name}"}
    if source.replaces == "days":
        by = {"is_by_days": True}
    told: dict[str, Any] = {"content": content_of(content), "number": number}
    return Delivered(f"{place}/{dropped.name}", records, received_at, **told, **by)


def emptied(home: Path) -> None:
    """Removes all but what dbt remembers of the project."""
    home.mkdir(parents=True, exist_ok=True)
    for path in home.iterdir():
        if path.name != "dbt":
            shutil.rmtree(path) if path.is_dir() else path.unlink()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """One data folder for all examples, emptied before each: dbt then parses the project once."""
    home = tmp_path_factory.mktemp("order") / "data"
    return read_settings({"ADHOUSE_HOME": str(home), "ADHOUSE_API_URL": "none"})


@pytest.fixture(scope="module")
def records(world: World) -> pa.Table:
    """Some records with every fault, of which few have a spend, so that a single one moves medians."""
    table = delivery(world, TODAY - timedelta(days=3), TODAY)
    spends = [
        None if index % 2 else (Decimal(index * 7919 % 1000) / 8 if spend is not None else None)
        for index, spend in enumerate(table["spend"].to_pylist())
    ]
    at = table.schema.get_field_index("spend")
    return table.set_column(at, "spend", pa.array(spends, pa.decimal128(18, 6)))


HISTORIES = {
    "a file that moves the medians of one that stands as it did": [
        Dropped(0, 150, 1, "1.jsonl", 0),
        Dropped(150, 300, 2, "2.jsonl", 1),
    ],
    "a correction that is loaded before the file it corrects, and takes every spend of a group away": [
        Dropped(0, 200, 5, "1.jsonl", 0),
        Dropped(200, 300, 1, "2.jsonl", 1),
        Dropped(100, 110, 9, "1.jsonl", 1),
        Dropped(0, 300, 2, "1.jsonl", 2),
    ],
    "a name that goes back to what it said first, and a file that is equal to a replaced one": [
        Dropped(0, 50, 1, "1.jsonl", 0),
        Dropped(50, 120, 2, "1.jsonl", 0),
        Dropped(0, 50, 3, "2.jsonl", 1),
        Dropped(50, 120, 4, "2.jsonl", 1),
        Dropped(0, 50, 5, "1.jsonl", 2),
    ],
    "a duplicate whose file is replaced, and one that comes after files of later receipts were loaded": [
        Dropped(0, 50, 3, "2.jsonl", 0),
        Dropped(100, 150, 7, "3.jsonl", 0),
        Dropped(0, 50, 1, "1.jsonl", 1),
        Dropped(200, 250, 9, "1.jsonl", 2),
        Dropped(0, 50, 5, "3.jsonl", 2),
    ],
    "a file, and the same one zipped, which counts once the first one is replaced": [
        Dropped(0, 50, 1, "1.csv", 0),
        Dropped(0, 50, 2, "2.csv.gz", 0),
        Dropped(50, 90, 3, "3.csv.gz", 1),
        Dropped(50, 90, 4, "1.csv", 2),
    ],
    "a file that stands, as the one that replaced it is broken, and comes again under another name": [
        Dropped(0, 50, 1, "1.jsonl", 0),
        Dropped(50, 90, 3, "1.jsonl", 1, is_broken=True),
        Dropped(0, 50, 5, "2.jsonl", 2),
    ],
    "a broken file that comes before the one it would have replaced, and again under another name; later a good one": [
        Dropped(0, 50, 3, "1.jsonl", 0, is_broken=True),
        Dropped(100, 150, 2, "2.jsonl", 0),
        Dropped(50, 90, 1, "1.jsonl", 1),
        Dropped(0, 50, 5, "2.jsonl", 1, is_broken=True),
        Dropped(150, 200, 7, "1.jsonl", 2),
    ],
    "a duplicate that waits, before a broken file of its name, for one that is replaced": [
        Dropped(0, 50, 1, "1.jsonl", 0),
        Dropped(0, 50, 3, "2.jsonl", 0),
        Dropped(50, 90, 5, "2.jsonl", 1, is_broken=True),
        Dropped(100, 150, 7, "1.jsonl", 2),
    ],
}
HISTORIES_OF_DAYS = {
    "a day goes, and comes back to a duplicate, whose undated records count once": [
        Dropped(0, 150, 1, "1.jsonl", 0),
        Dropped(0, 150, 5, "2.jsonl", 0),
        Dropped(100, 250, 3, "1.jsonl", 1),
        Dropped(200, 300, 9, "3.jsonl", 2),
        Dropped(0, 150, 7, "2.jsonl", 2),
    ],
    "broken files take no day, and lose theirs; an equal file comes after one": [
        Dropped(0, 150, 1, "1.jsonl", 0),
        Dropped(50, 120, 5, "2.jsonl", 0, is_broken=True),
        Dropped(100, 250, 3, "3.jsonl", 1, is_broken=True),
        Dropped(0, 150, 7, "4.jsonl", 1),
        Dropped(200, 300, 9, "5.jsonl", 2, is_broken=True),
    ],
}
BY_DAYS = replace(SOURCES["campaign_files"], replaces="days")


@pytest.mark.parametrize("history", always(1, [*HISTORIES]))
def test_a_history_gives_the_truth(house: Settings, records: pa.Table, history: str) -> None:
    assert_truth(house, SOURCES["campaign_files"], records, HISTORIES[history])


@pytest.mark.cases
@pytest.mark.parametrize("history", HISTORIES_OF_DAYS)
def test_the_newest_file_of_a_day_has_it(house: Settings, records: pa.Table, history: str) -> None:
    assert_truth(house, BY_DAYS, spread(records), HISTORIES_OF_DAYS[history])


@pytest.mark.cases
@given(files=drops())
@settings(max_examples=8, suppress_health_check=list(HealthCheck))
def test_any_split_and_any_order_give_the_truth(house: Settings, records: pa.Table, files: list[Dropped]) -> None:
    assert_truth(house, SOURCES["campaign_files"], records, files)


@pytest.mark.cases
@given(files=drops())
@settings(max_examples=5, suppress_health_check=list(HealthCheck))
def test_the_newest_file_of_a_day_has_it_in_any_order(house: Settings, records: pa.Table, files: list[Dropped]) -> None:
    assert_truth(house, BY_DAYS, spread(records), files)


def spread(records: pa.Table) -> pa.Table:
    """The records on several days."""
    days = [day and day - timedelta(days=index // 50) for index, day in enumerate(records["date"].to_pylist())]
    return records.set_column(records.schema.get_field_index("date"), "date", pa.array(days, pa.date32()))


def assert_truth(house: Settings, source: SourceConfig, records: pa.Table, files: list[Dropped]) -> None:
    """What up to three incremental builds end with is true, and a full refresh changes no cell of it."""
    emptied(house.home)
    delivered = []
    for run in sorted({dropped.run for dropped in files}):
        for index, dropped in enumerate(files):
            if dropped.run == run:
                delivered.append(land(house.home, dropped, index, dropped.part_of(records), source))
        build(house, source)
    truth = truth_of(delivered)
    for mart in MARTS:
        assert_is_true(as_rows(house, mart), truth.marts[mart])
    quarantined = [row[0] for row in cells(house, "quarantined_deliveries")]
    assert {reason: quarantined.count(reason) for reason in quarantined} == dict(truth.quarantined)

    quality = ("quarantined_deliveries", "source_balances", "data_quality", "file_overlaps")
    tables = (*MARTS, "processed_campaign_data", "source_performance", *quality)
    incremental = {table: cells(house, table) for table in tables}
    build(house, source, full_refresh=True)
    assert {table: cells(house, table) for table in tables} == incremental
