"""Landing and the inbox: what is taken, when, and that nothing is lost on the way."""

import os
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.extracting import drop, extracted, lines, record, rows

from extract.inbox import Left, take
from extract.landing import Landing
from extract.storage import Folder

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def taken(home: Path, quiet: float = 0.3, patience: float = 1.0, now: Callable[[], datetime] = lambda: NOON) -> Left:
    inbox, landing = Folder.at(home / "inbox" / "campaign_files"), Landing(Folder.at(home / "landing"))
    return take(inbox, landing, "campaign_files", now, quiet_seconds=quiet, patience_seconds=patience)


def landed(home: Path) -> list[str]:
    return sorted(path.name for path in (home / "landing").rglob("*") if path.is_file())


def test_quiet_files_are_taken_without_a_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr("extract.inbox.time.sleep", waits.append)
    for number in range(20):
        drop(tmp_path, f"{number}.jsonl", lines(record(number)))
    assert taken(tmp_path, quiet=30, patience=60) == Left()
    assert waits == []
    assert len(landed(tmp_path)) == 20


def test_a_file_is_taken_when_its_writer_is_done(tmp_path: Path) -> None:
    path = drop(tmp_path, "growing.jsonl", b"")
    has_begun = threading.Event()

    def write() -> None:
        with path.open("ab") as file:
            for number in range(8):
                file.write(lines(record(number)))
                file.flush()
                has_begun.set()
                time.sleep(0.1)

    writer = threading.Thread(target=write)
    writer.start()
    has_begun.wait()  # the file that was dropped is an old one until it is written to
    assert taken(tmp_path, quiet=2, patience=30) == Left()
    writer.join()
    place = next((tmp_path / "landing" / "campaign_files").iterdir())
    assert (place / "growing.jsonl").read_bytes() == lines(*map(record, range(8)))


def test_a_file_that_never_rests_is_left_and_named(tmp_path: Path) -> None:
    path = drop(tmp_path, "quiet.jsonl", b"{}\n").with_name("restless.jsonl")
    path.write_bytes(b"{}\n")
    is_over = threading.Event()

    def write() -> None:
        with path.open("ab", buffering=0) as file:
            while not is_over.wait(0.02):
                file.write(b"{}\n")

    writer = threading.Thread(target=write)
    writer.start()
    left = taken(tmp_path, quiet=2, patience=2.5)
    is_over.set()
    writer.join()
    assert left.growing == ["restless.jsonl"]
    assert landed(tmp_path) == ["quiet.jsonl"]


def test_a_clock_that_is_ahead_delays_a_file_only_until_it_was_seen_quiet(tmp_path: Path) -> None:
    path = drop(tmp_path, "tomorrow.jsonl", b"{}\n")
    os.utime(path, (time.time() + 86_400,) * 2)
    assert taken(tmp_path, patience=5) == Left()
    assert landed(tmp_path) == ["tomorrow.jsonl"]


def test_only_regular_files_with_plain_names_are_taken(tmp_path: Path) -> None:
    inbox = drop(tmp_path, "good.jsonl", b"{}\n").parent
    for name in ("half.jsonl.part", "half.TMP", ".hidden.jsonl"):
        drop(tmp_path, name, b"{}\n")
    drop(tmp_path, "two\nlines.jsonl", b"{}\n")
    drop(tmp_path, "\udcff.jsonl", b"{}\n")
    outside = tmp_path / "secret.jsonl"
    outside.write_bytes(b"{}\n")
    (inbox / "link.jsonl").symlink_to(outside)
    (inbox / "dangling.jsonl").symlink_to(tmp_path / "nowhere")
    (inbox / "folder").mkdir()
    os.mkfifo(inbox / "pipe.jsonl")
    drop(tmp_path, "late.jsonl.manifest.json", b"{}")

    left = taken(tmp_path)

    assert landed(tmp_path) == ["good.jsonl"]
    assert left.growing == []
    assert len(left.refused) == 7
    assert all(
        any(word in line for line in left.refused) for word in ("link", "folder", "manifest", "shown", "regular")
    )
    assert "\n" not in "".join(left.refused)
    assert len(list(inbox.iterdir())) == 10


def test_a_file_taken_in_the_same_millisecond_gets_a_later_one(tmp_path: Path) -> None:
    drop(tmp_path, "a.jsonl", b"{}\n")
    drop(tmp_path, "b.jsonl", b"{}\n")
    taken(tmp_path)
    places = sorted(path.name for path in (tmp_path / "landing" / "campaign_files").iterdir())
    assert [place.partition("-")[0] for place in places] == ["20261123T120000.000Z", "20261123T120000.001Z"]


def test_a_move_cut_off_behind_the_manifest_is_undone(tmp_path: Path) -> None:
    drop(tmp_path, "export.jsonl", lines(record(1)))
    place = tmp_path / "landing" / "campaign_files" / "20261123T120000.000Z-00000000"
    place.mkdir(parents=True)
    (place / "export.jsonl.manifest.json").write_text('{"rows": 1}')
    extracted(tmp_path)
    assert rows(tmp_path, "loaded_files", "status, is_verified") == [("loaded", True)]
    assert not place.exists()


def test_a_folder_of_landing_that_is_not_ours_is_passed_over(tmp_path: Path) -> None:
    strange = tmp_path / "landing" / "campaign_files" / "notes"
    strange.mkdir(parents=True)
    (strange / "readme.jsonl").write_text("{}")
    extracted(tmp_path)
    assert rows(tmp_path, "loaded_files") == []


@pytest.mark.parametrize("way", ["put", "move", "write"])
def test_a_file_that_cannot_be_linked_or_renamed_is_copied_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """As between two file systems."""
    other = Path("/dev/shm") / tmp_path.name
    other.mkdir(parents=True)
    try:
        (tmp_path / "file").write_bytes(b"content")
        source, target = Folder.at(tmp_path), Folder.at(other)
        if way == "put":
            target.put(tmp_path / "file", "below/copy")
        elif way == "move":
            source.move("file", target, "below/copy")
        else:
            target.write("below/copy", b"content")
        assert (other / "below" / "copy").read_bytes() == b"content"
        assert [path.name for path in (other / "below").iterdir()] == ["copy"]
        assert (tmp_path / "file").exists() == (way != "move")
    finally:
        Folder.at(other).remove()
