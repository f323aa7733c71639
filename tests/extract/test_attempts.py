"""A unit that kills its reader does not stop the others; one at which runs happened to be killed is loaded."""

import subprocess
import sys
from pathlib import Path

import pytest
from support.extracting import drop, extracted, lines, record, rows
from support.platform import answering, page

from extract.attempts import Attempts

# What is read of a file of this name, or of a page with this word in it, ends whoever reads it.
DEADLY = """
import os, signal
import extract.readers as readers
word = os.environ["DEADLY"]
def deadly(read, found_in):
    def reading(what, *rest):
        if word in found_in(what):
            os.kill(os.getpid(), signal.SIGKILL)
        return read(what, *rest)
    return reading
readers.read_file = deadly(readers.read_file, lambda path: path.name)
readers.read_page = deadly(readers.read_page, bytes.decode)
readers.records_of_page = deadly(readers.records_of_page, bytes.decode)
"""
RUN = """
import sys
from pathlib import Path
from support.extracting import api_at, extracted, rebuilt
if __name__ == "__main__":
    home, url = sys.argv[1:]
    report = rebuilt(Path(home)) if url == "rebuild" else extracted(Path(home), api_at(url) if url else None)
    print(*report.errors, sep="\\n")
"""
TESTS = Path(__file__).parents[1]


def run(home: Path, url: str = "", deadly: str = "poison") -> tuple[int, str]:
    """Extracts in a process in which some readers die; gives how it ended and the errors of its report."""
    hooks = home.parent / "hooks"
    hooks.mkdir(exist_ok=True)
    (hooks / "sitecustomize.py").write_text(DEADLY)
    path = f"{hooks}:{TESTS.parent}:{TESTS}"
    command = [sys.executable, "-c", RUN, str(home), url]
    environment = {"PYTHONPATH": path, "DEADLY": deadly}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return ended.returncode, ended.stdout.strip()


def statuses(home: Path) -> list[tuple[str, str, str | None]]:
    return rows(home, "loaded_files", "file_name, status, reason", "file_name")


def fetches(home: Path) -> list[tuple[str, bool, str | None]]:
    return rows(home, "fetches", "_report_date::varchar, complete, error", "_report_date, receipt_number")


def a_poisonous_day(asked: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
    city = "poison" if asked["date"] == "2026-11-02" else "x"
    return page(asked, record(1, date=asked["date"], city=city))


def test_an_answer_that_kills_every_reader_is_a_failed_fetch_and_the_others_are_loaded(tmp_path: Path) -> None:
    home = tmp_path / "home"
    drop(home, "a.jsonl", lines(record(1)))
    with answering(a_poisonous_day) as (url, _):
        assert [run(home, url)[0] for _ in range(2)] == [-9, -9]
        code, errors = run(home, url)
    assert code == 0
    assert errors.startswith("campaign_api 2026-11-02: kills_its_reader: 2 runs ended while they read it")
    assert {row[:2] for row in fetches(home)} == {("2026-11-01", True), ("2026-11-02", False), ("2026-11-03", True)}
    assert statuses(home) == [("a.jsonl", "loaded", None)]
    with answering(a_poisonous_day) as (url, _):
        assert run(home, url, deadly="nothing") == (0, "")
    assert len(rows(home, "campaign_delivery")) == 4


@pytest.mark.cases
def test_an_ordinary_answer_at_which_runs_were_killed_is_loaded(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with answering(a_poisonous_day) as (url, platform):
        assert [run(home, url)[0] for _ in range(2)] == [-9, -9]
        platform.seen.clear()
        assert run(home, url, deadly="nothing") == (0, "")
        asked = [question["date"] for question, _ in platform.seen]
    assert asked == ["2026-11-01", "2026-11-02", "2026-11-02", "2026-11-03"]
    assert all(complete for _, complete, _ in fetches(home))
    assert not (home / "reading.json").exists()


@pytest.mark.cases
def test_a_fetch_in_landing_that_kills_every_reader_is_a_failed_one_and_the_others_are_loaded(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with answering(a_poisonous_day) as (url, _):
        assert run(home, url, deadly="nothing") == (0, "")
        assert [run(home, "rebuild")[0] for _ in range(2)] == [-9, -9]
        code, errors = run(home, "rebuild")
        assert code == 0
        assert errors.startswith("campaign_api 2026-11-02: its pages cannot be read any more: kills_its_reader: ")
        assert [row[:2] for row in fetches(home)] == [("2026-11-01", True), ("2026-11-02", False), ("2026-11-03", True)]
        assert run(home, "rebuild", deadly="nothing") == (0, "")
    assert [complete for _, complete, _ in fetches(home)] == [True] * 3


def test_what_ends_without_a_kill_is_no_suspicion(tmp_path: Path) -> None:
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt), Attempts(tmp_path / "reading.json").reading("unit"):
            raise KeyboardInterrupt
    with Attempts(tmp_path / "reading.json").reading("unit") as is_suspected:
        assert not is_suspected
    (tmp_path / "reading.json").write_text("not JSON")
    with Attempts(tmp_path / "reading.json").reading("unit") as is_suspected:
        assert not is_suspected


def test_a_damaged_file_that_is_tried_apart_keeps_its_own_reason(tmp_path: Path) -> None:
    home = tmp_path / "home"
    drop(home, "bad.parquet", b"PAR1 and no more")
    assert [run(home, deadly="bad.parquet")[0] for _ in range(2)] == [-9, -9]
    extracted(home)
    assert statuses(home) == [("bad.parquet", "quarantined", "broken_parquet")]
