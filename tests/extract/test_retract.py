"""Taking back: a withdrawn file stays in landing and counts for nothing, until it is restored."""

import json
import subprocess
from pathlib import Path

import pytest
from support.extracting import RecordedProgress, drop, extracted, lines, rebuilt, record, rows
from support.killing import ends

from extract import files
from extract.lake.lake import Lake
from extract.lake.ledger import read_ledger
from extract.landing import WITHDRAWN, Landing, LandingDamagedError
from extract.readers import UnreadableFile
from extract.registry import SOURCES
from extract.storage import Folder

X, Y = lines(record(1)), lines(record(2))


def landing(home: Path) -> Landing:
    return Landing(Folder.at(home / "landing"))


def path_of(home: Path, number: int) -> str:
    """The path of the file with this receipt number."""
    known = read_ledger(Lake(Folder.at(home / "lake"))).deliveries()
    return next(one.unit.path for one in known if one.unit.number == number)


def dropped(home: Path, *contents: tuple[str, bytes]) -> None:
    """Drops and extracts one file after another."""
    for name, content in contents:
        drop(home, name, content)
        extracted(home)


def told(home: Path) -> list[tuple[object, ...]]:
    """What the ledger says, in the order of receipts and readings."""
    return rows(home, "loaded_files", "receipt_number, reading, status", "receipt_number, reading")


def counting(home: Path) -> list[tuple[int, str]]:
    """The files that count, by receipt number and name, as `int_units` computes it from the ledger."""
    newest: dict[int, tuple[str, str, str | None]] = {}
    columns = "receipt_number, status, file_name, _replaces"
    for number, status, name, replaces in rows(home, "loaded_files", columns, "receipt_number, reading"):
        if status != "quarantined":
            newest[number] = (status, name, replaces)
    words = {replaces: number for number, (_, _, replaces) in newest.items() if replaces}
    return [
        (number, name)
        for number, (status, name, replaces) in newest.items()
        if status == "loaded" and (replaces is None or words[replaces] == number)
    ]


def test_what_a_retracted_file_had_replaced_counts_again_until_it_is_restored(tmp_path: Path) -> None:
    dropped(tmp_path, ("may.jsonl", X), ("may.jsonl", Y))
    path = path_of(tmp_path, 2)
    landing(tmp_path).withdraw([path])

    report = extracted(tmp_path)
    assert (report.changes_marts, report.sources["campaign_files"].retracted) == (True, 1)
    assert report.sources["campaign_files"].received == 0
    assert counting(tmp_path) == [(1, "may.jsonl")]
    assert (tmp_path / "landing" / path).read_bytes() == Y
    assert not extracted(tmp_path).changes_marts

    landing(tmp_path).restore([path])
    assert extracted(tmp_path).changes_marts
    assert counting(tmp_path) == [(2, "may.jsonl")]
    assert told(tmp_path) == [(1, 1, "loaded"), (2, 1, "loaded"), (2, 2, "retracted"), (2, 3, "loaded")]
    assert not extracted(tmp_path).changes_marts


def test_a_duplicate_is_loaded_when_the_file_that_it_equals_is_retracted(tmp_path: Path) -> None:
    dropped(tmp_path, ("may.jsonl", X), ("june.jsonl", X))
    path = path_of(tmp_path, 1)
    landing(tmp_path).withdraw([path])
    said = RecordedProgress()
    extracted(tmp_path, said=said)
    assert said.messages == ["campaign_files: 'june.jsonl' is loaded now: the file that it equals no longer counts"]
    assert counting(tmp_path) == [(2, "june.jsonl")]

    landing(tmp_path).restore([path])
    extracted(tmp_path)
    assert counting(tmp_path) == [(1, "may.jsonl")]


def test_a_retracted_file_that_is_dropped_again_counts(tmp_path: Path) -> None:
    dropped(tmp_path, ("may.jsonl", X))
    landing(tmp_path).withdraw([path_of(tmp_path, 1)])
    drop(tmp_path, "may.jsonl", X)  # before the lake knows
    extracted(tmp_path)
    assert counting(tmp_path) == [(2, "may.jsonl")]


def test_a_rebuild_keeps_what_was_taken_back(tmp_path: Path) -> None:
    dropped(tmp_path, ("may.jsonl", X), ("may.jsonl", Y), ("june.jsonl", X))
    path = path_of(tmp_path, 2)
    landing(tmp_path).withdraw([path])
    extracted(tmp_path)
    before = counting(tmp_path)
    rebuilt(tmp_path)
    assert counting(tmp_path) == before == [(1, "may.jsonl")]
    assert (2, 1, "retracted") in told(tmp_path)
    assert not extracted(tmp_path).changes_marts
    landing(tmp_path).restore([path])
    extracted(tmp_path)
    assert counting(tmp_path) == [(2, "may.jsonl"), (3, "june.jsonl")]


def test_a_lost_index_and_a_file_that_landing_lost_change_nothing(tmp_path: Path) -> None:
    dropped(tmp_path, ("may.jsonl", X))
    path = path_of(tmp_path, 1)
    (tmp_path / "landing" / path).unlink()  # landing keeps some days only
    landing(tmp_path).withdraw([path])
    assert extracted(tmp_path).errors == []
    assert counting(tmp_path) == []
    (tmp_path / "lake" / "raw" / "_index.json").unlink()
    assert not extracted(tmp_path).changes_marts
    landing(tmp_path).restore([path])
    for _ in range(2):
        assert "changed_in_landing" in extracted(tmp_path).errors[0]
    assert counting(tmp_path) == []


def test_a_run_of_another_source_leaves_a_withdrawal_to_the_next(tmp_path: Path) -> None:
    dropped(tmp_path, ("may.jsonl", X))
    landing(tmp_path).withdraw([path_of(tmp_path, 1)])
    extracted(tmp_path, sources=[SOURCES["campaign_api"]])
    assert counting(tmp_path) == [(1, "may.jsonl")]
    extracted(tmp_path)
    assert counting(tmp_path) == []


def test_a_damaged_list_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "landing").mkdir()
    (tmp_path / "landing" / WITHDRAWN).write_text("[]")
    with pytest.raises(LandingDamagedError, match=WITHDRAWN):
        extracted(tmp_path)


@pytest.mark.cases
def test_a_withdrawal_survives_a_kill_at_any_step(tmp_path: Path, killer: subprocess.Popen[str]) -> None:
    dropped(tmp_path, ("may.jsonl", X), ("june.jsonl", X), ("may.jsonl", Y))
    path = path_of(tmp_path, 3)
    for is_withdrawn in (True, False):
        change = landing(tmp_path).withdraw if is_withdrawn else landing(tmp_path).restore
        change([path])
        kill = 1
        while ends(killer, "extract_files", tmp_path, "-", kill) == [-9]:
            kill += 5
        assert kill > 10
        extracted(tmp_path)
        assert counting(tmp_path) == ([(1, "may.jsonl")] if is_withdrawn else [(2, "june.jsonl"), (3, "may.jsonl")])
        index = json.loads((tmp_path / "lake" / "raw" / "_index.json").read_text())
        assert index["withdrawn"] == [path] * is_withdrawn
    rebuilt(tmp_path)
    assert counting(tmp_path) == [(2, "june.jsonl"), (3, "may.jsonl")]


def test_a_replay_reads_quarantined_files_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise UnreadableFile("unreadable", "a bug")

    with monkeypatch.context() as broken:
        broken.setattr(files, "read_file", fails)
        dropped(tmp_path, ("may.jsonl", X))
        path = path_of(tmp_path, 1)
        extracted(tmp_path, is_landing_alone=True, replayed=[path])
    assert not extracted(tmp_path).changes_marts
    extracted(tmp_path, is_landing_alone=True, replayed=[path])
    assert told(tmp_path) == [(1, 1, "quarantined"), (1, 2, "quarantined"), (1, 3, "loaded")]
    assert not extracted(tmp_path, is_landing_alone=True, replayed=[path]).changes_marts
