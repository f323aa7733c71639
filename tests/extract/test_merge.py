"""Merging: fewer files, the same rows, whatever is killed on the way."""

import itertools
import json
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from support.bucket import CountingBucket, counting_bucket
from support.extracting import drop, extracted, lines, record, rows
from support.killing import ends

from extract.lake import merge, table_file
from extract.lake.lake import JOURNAL, LOADS, MERGING, Lake
from extract.lake.load import clear_away
from extract.lake.merge import merge_if_due, merge_small_files
from extract.lake.tables import RAW_TABLES
from extract.storage import Folder

LOADED = 5


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a lake of some small loads, one of which has a bad record."""
    home = tmp_path_factory.mktemp("loaded") / "data"
    for number in range(LOADED):
        bad = b"nonsense\n" if number == 2 else b""
        drop(home, f"{number}.jsonl", lines(*(record(number * 100 + i) for i in range(20))) + bad)
        extracted(home)
    return home


@pytest.fixture(scope="module")
def two_loads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the least that can be merged."""
    home = tmp_path_factory.mktemp("two") / "data"
    for number in range(2):
        drop(home, f"{number}.jsonl", lines(record(number)))
        extracted(home)
    return home


@pytest.fixture
def home(loaded: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    shutil.copytree(loaded, tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture(scope="module")
def bucket() -> Iterator[CountingBucket]:
    with counting_bucket() as running:
        yield running


def say(_: str) -> None:
    """Says nothing."""


def lake_of(home: Path) -> Lake:
    return Lake(Folder.at(home / "lake"))


def all_rows(home: Path) -> dict[str, Counter[tuple[Any, ...]]]:
    """Every row that counts, with everything it has, as often as it is there."""
    return {table: Counter(rows(home, table)) for table in RAW_TABLES}


def files(lake: Lake) -> dict[str, list[str]]:
    """What is in the folders of the tables."""
    return {table: sorted(one.name for one in lake.folder.below(table).entries()) for table in lake.stored_tables}


def test_rows_stay_what_they_are_in_fewer_files(home: Path) -> None:
    before, lake = all_rows(home), lake_of(home)
    said: list[str] = []
    assert merge_small_files(lake, said.append) == 3 * LOADED + 2
    assert all_rows(home) == before
    assert {table: len(names) for table, names in files(lake).items()} == dict.fromkeys(lake.stored_tables, 1)
    assert sorted(said) == [
        f"raw._dlt_loads: {LOADED} files merged into one",
        f"raw.campaign_delivery: {LOADED} files merged into one",
        f"raw.loaded_files: {LOADED} files merged into one",
        "raw.rejected_records: 2 files merged into one",
    ]
    assert files(lake) == {table: lake_of(home).index.names(table) for table in lake.stored_tables}
    assert sorted(one.name for one in lake.folder.entries() if one.name.startswith("_")) == [
        "_dlt_loads",
        "_dlt_version",
        "_index.json",
    ]


def test_a_second_merge_finds_nothing_to_do_and_later_loads_join(home: Path) -> None:
    merge_small_files(lake_of(home), say)
    merged = files(lake_of(home))
    assert merge_small_files(lake_of(home), say) == 0
    assert files(lake_of(home)) == merged
    drop(home, "late.jsonl", lines(record(9_000)))
    extracted(home)
    before = all_rows(home)
    assert merge_small_files(lake_of(home), say) == 6
    assert all_rows(home) == before
    assert before["loaded_files"].total() == LOADED + 1


def test_rows_keep_the_order_in_which_they_were_loaded(home: Path) -> None:
    """So that the smallest and the greatest `_source` of a row group say which units may be in it."""
    merge_small_files(lake_of(home), say)
    drop(home, "0-late.jsonl", lines(record(9_000)))
    extracted(home)
    merge_small_files(lake_of(home), say)
    [name] = files(lake_of(home))["campaign_delivery"]
    merged = pq.read_table(home / "lake" / "raw" / "campaign_delivery" / name)
    loads = merged.column("_dlt_load_id").to_pylist()
    assert loads == sorted(loads)
    assert len(set(loads)) == LOADED + 1


def test_a_merged_file_is_written_like_any_other(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In row groups of a bounded size, with the statistics by which readers leave them out."""
    monkeypatch.setattr(table_file, "ROW_GROUP", 40)
    merge_small_files(lake_of(home), say)
    [name] = files(lake_of(home))["campaign_delivery"]
    with pq.ParquetFile(home / "lake" / "raw" / "campaign_delivery" / name) as file:
        groups = [file.metadata.row_group(number) for number in range(file.num_row_groups)]
        place = file.schema_arrow.get_field_index("_source")
        assert file.schema_arrow.equals(RAW_TABLES["campaign_delivery"].schema)
    assert [group.num_rows for group in groups] == [40, 40, 20]
    bounds = [(group.column(place).statistics.min, group.column(place).statistics.max) for group in groups]
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(bounds))
    assert all("DICTIONARY" in str(group.column(place).encodings) for group in groups)


@pytest.mark.cases
def test_a_run_merges_by_itself_and_the_number_of_files_stays_bounded(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merge, "FEW", 4)
    monkeypatch.setattr(merge, "TIERS", (6_000, 30_000))
    most = 0
    for number in range(40):
        drop(home, f"later-{number}.jsonl", lines(record(10_000 + number)))
        extracted(home)
        counts = {table: len(names) for table, names in files(lake_of(home)).items()}
        most = max(most, *counts.values())
    assert most <= 3 * 4
    assert rows(home, "campaign_delivery", "count(*)", "1") == [(20 * LOADED + 40,)]
    assert rows(home, "loaded_files", "count(*), count(distinct _source)", "1") == [(LOADED + 40, LOADED + 40)]


def test_large_files_are_left_alone(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merge, "TIERS", (10,))
    assert merge_small_files(lake_of(home), say) == 0


def test_what_is_not_complete_is_never_merged(home: Path) -> None:
    table = home / "lake" / "raw" / "campaign_delivery"
    shutil.copy(next(table.glob("*.parquet")), table / "1.5.left.parquet")
    before = all_rows(home)
    merge_small_files(lake_of(home), say)
    assert all_rows(home) == before
    assert (table / "1.5.left.parquet").exists()


def test_a_journal_that_nobody_needs_is_cleared_away(home: Path) -> None:
    """dbt by hand waits for a run to do it."""
    journal = home / "lake" / "raw" / JOURNAL
    journal.write_text("{")
    extracted(home)
    assert not journal.exists()


@pytest.mark.cases
def test_a_kill_at_any_change_of_a_file_leaves_the_rows_as_they_were_or_merged(
    home: Path, tmp_path: Path, killer: subprocess.Popen[str]
) -> None:
    """Also for who reads the tables by hand before the next run: rows twice, if at all, but beside a journal."""
    before = all_rows(home)
    counting = tmp_path / "counting"
    shutil.copytree(home, counting)
    assert ends(killer, "merge_all", counting, "-", float("inf")) == [0]
    merged, changes = files(lake_of(counting)), int((counting / "changes").read_text())
    assert changes > 40
    journals = 0
    for point in range(1, changes + 1):
        one = tmp_path / "one"
        shutil.copytree(home, one)
        assert ends(killer, "merge_all", one, "-", point) == [-signal.SIGKILL], point
        raw = one / "lake" / "raw"
        has_journal = (raw / JOURNAL).exists()
        journals += has_journal
        found = all_rows(one)
        assert found == before or has_journal, point
        assert all(found[table] >= before[table] for table in found), point  # never a row too few
        lake = lake_of(one)
        clear_away(one / "dlt", lake)
        assert all_rows(one) == before, point
        assert not (raw / JOURNAL).exists()
        assert not (raw / MERGING).exists()
        assert files(lake) == {table: lake_of(one).index.names(table) for table in lake.stored_tables}
        merge_small_files(lake, say)
        assert all_rows(one) == before, point
        assert {table: len(names) for table, names in files(lake).items()} == {
            table: len(names) for table, names in merged.items()
        }
        shutil.rmtree(one)
    assert journals > 10


def test_a_kill_while_leftovers_are_removed_is_healed_too(
    home: Path, tmp_path: Path, killer: subprocess.Popen[str]
) -> None:
    before = all_rows(home)
    chance = 7
    for point in range(20, 60, 5):
        one = tmp_path / "one"
        shutil.copytree(home, one)
        ends(killer, "merge_all", one, "-", point, chance, chance + 3)
        clear_away(one / "dlt", lake_of(one))
        assert all_rows(one) == before, point
        shutil.rmtree(one)


@pytest.mark.cases
def test_a_lost_index_is_found_again_in_the_middle_of_a_merge(
    home: Path, tmp_path: Path, killer: subprocess.Popen[str]
) -> None:
    """By the journal: the replaced files do not count if the merged one is there."""
    before = all_rows(home)
    for point in range(5, 60, 3):
        one = tmp_path / "one"
        shutil.copytree(home, one)
        ends(killer, "merge_all", one, "-", point)
        (one / "lake" / "raw" / "_index.json").unlink()
        clear_away(one / "dlt", lake_of(one))
        assert all_rows(one) == before, point
        assert not lake_of(one).index.is_open
        shutil.rmtree(one)


class Killed(BaseException):
    """Stands for the end of the process, where the storage is a server that lives on."""


def in_bucket(bucket: CountingBucket, home: Path, name: str) -> Lake:
    """A copy of the lake in the bucket."""
    lake = Lake(Folder.at(f"{bucket.url}/{name}"))
    for path in (home / "lake").rglob("*"):
        if path.is_file():
            lake.root.put(path, path.relative_to(home / "lake").as_posix())
    return Lake(Folder.at(f"{bucket.url}/{name}"))


def rows_in_bucket(lake: Lake, tmp_path: Path) -> dict[str, Counter[tuple[Any, ...]]]:
    copy = tmp_path / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    for name in lake.root.files():
        with lake.root.local(name) as path:
            (copy / "lake" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, copy / "lake" / name)
    return all_rows(copy)


@pytest.mark.cases
def test_in_a_bucket_too_a_kill_leaves_the_rows_as_they_were_or_merged(
    two_loads: Path, bucket: CountingBucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = all_rows(two_loads)
    left = [float("inf")]

    def dying(change: Any) -> Any:
        def changed(*arguments: Any) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise Killed
            change(*arguments)

        return changed

    for name in ("write", "put", "remove", "remove_all"):
        monkeypatch.setattr(Folder, name, dying(getattr(Folder, name)))
    point, is_whole = 0, False
    while not is_whole:
        lake = in_bucket(bucket, two_loads, f"at-{point}")
        left[0] = point
        try:
            merge_small_files(lake, say)
            is_whole = True
        except Killed:
            pass
        left[0] = float("inf")
        found = rows_in_bucket(lake, tmp_path)
        assert found == before or lake.folder.has(JOURNAL), point
        assert all(found[table] >= before[table] for table in found), point
        again = Lake(lake.root)
        clear_away(tmp_path / "dlt", again)
        assert rows_in_bucket(again, tmp_path) == before, point
        assert files(again) == {table: again.index.names(table) for table in again.stored_tables}
        point += 1
    assert point > 8


def test_a_merge_in_a_bucket_asks_for_each_file_once(loaded: Path, bucket: CountingBucket) -> None:
    lake = in_bucket(bucket, loaded, "counted")
    assert not lake.index.is_open
    bucket.calls.clear()
    replaced = merge_small_files(lake, say)
    # Two changes of the index around the journal and four merged files, and the last change.
    assert bucket.calls == {"GET": replaced, "PUT": 8, "POST": 2}
    assert merge_if_due(lake) == 0
    assert sum(bucket.calls.values()) == replaced + 10


def test_the_list_of_loads_stays_one_line_a_load(home: Path) -> None:
    merge_small_files(lake_of(home), say)
    [path] = (home / "lake" / "raw" / LOADS).iterdir()
    told = [json.loads(line) for line in path.read_text().splitlines()]
    assert [one["status"] for one in told] == [0] * LOADED
