"""A file that kills its reader does not stop the others; a file at which runs happened to be killed is loaded."""

import subprocess
import sys
from pathlib import Path

import pytest
from support.extracting import drop, extracted, lines, record, rows

from extract.attempts import Attempts

POISON = """
import os, signal
import extract.readers as readers
read_file = readers.read_file
def deadly(path, *rest):
    if path.name.startswith("poison") or os.environ.get("KILLED_AT") == path.name:
        os.kill(os.getpid(), signal.SIGKILL)
    return read_file(path, *rest)
readers.read_file = deadly
"""
RUN = """
import sys
from pathlib import Path
from support.extracting import extracted
if __name__ == "__main__":
    extracted(Path(sys.argv[1]))
"""
TESTS = Path(__file__).parents[1]


def run(home: Path, **environment: str) -> int:
    """Extracts in a process in which a file of that name ends whoever reads it."""
    hooks = home.parent / "hooks"
    hooks.mkdir(exist_ok=True)
    (hooks / "sitecustomize.py").write_text(POISON)
    path = f"{hooks}:{TESTS.parent}:{TESTS}"
    command = [sys.executable, "-c", RUN, str(home)]
    return subprocess.run(command, env={"PYTHONPATH": path, **environment}, check=False).returncode


def statuses(home: Path) -> list[tuple[str, str, str | None]]:
    return rows(home, "loaded_files", "file_name, status, reason", "file_name")


def test_a_file_that_kills_every_reader_is_quarantined_and_the_others_are_loaded(tmp_path: Path) -> None:
    home = tmp_path / "home"
    drop(home, "a.jsonl", lines(record(1)))
    drop(home, "poison.jsonl", lines(record(2)))
    drop(home, "z.jsonl", lines(record(3)))
    assert [run(home) for _ in range(3)] == [-9, -9, 0]
    assert statuses(home) == [
        ("a.jsonl", "loaded", None),
        ("poison.jsonl", "quarantined", "kills_its_reader"),
        ("z.jsonl", "loaded", None),
    ]
    (detail,) = rows(home, "loaded_files", "detail", "file_name desc")[1]
    assert "signal 9" in detail


def test_an_ordinary_file_at_which_runs_were_killed_is_loaded(tmp_path: Path) -> None:
    home = tmp_path / "home"
    drop(home, "a.jsonl", lines(record(1)))
    drop(home, "b.jsonl", lines(record(2)))
    assert [run(home, KILLED_AT="b.jsonl") for _ in range(2)] == [-9, -9]
    assert run(home) == 0
    assert statuses(home) == [("a.jsonl", "loaded", None), ("b.jsonl", "loaded", None)]
    assert not (home / "reading.json").exists()


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
    assert [run(home, KILLED_AT="bad.parquet") for _ in range(2)] == [-9, -9]
    extracted(home)
    assert statuses(home) == [("bad.parquet", "quarantined", "broken_parquet")]
