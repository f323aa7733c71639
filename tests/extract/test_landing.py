"""Landing and the inbox: what is taken, when, and that nothing is lost on the way."""

import gzip
import hashlib
import json
import os
import shutil
import sys
import threading
import time
import unicodedata
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from support.bucket import counting_bucket
from support.extracting import RecordedProgress, api_at, drop, extracted, lines, rebuilt, record, rows
from support.platform import answering, page

from extract.inbox import Taken, finish_moves, take
from extract.landing import Landing, name_at
from extract.registry import SOURCES
from extract.storage import Folder

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def taken(home: Path, quiet: float = 0.3, patience: float = 1.0, now: Callable[[], datetime] = lambda: NOON) -> Taken:
    inbox, landing = Folder.at(home / "inbox" / "campaign_files"), Landing(Folder.at(home / "landing"))
    return take(inbox, landing, "campaign_files", now, quiet_seconds=quiet, patience_seconds=patience)


def landed(home: Path) -> list[str]:
    return sorted(path.name for path in (home / "landing").glob("*/*/*/[!.]*"))


def test_quiet_files_are_taken_without_a_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr("extract.inbox.time.sleep", waits.append)
    for number in range(20):
        drop(tmp_path, f"{number}.jsonl", lines(record(number)))
    result = taken(tmp_path, quiet=30, patience=60)
    assert (len(result.units), result.growing, result.refused) == (20, [], [])
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
    assert taken(tmp_path, quiet=2, patience=30).growing == []
    writer.join()
    (place,) = (tmp_path / "landing" / "campaign_files" / "2026-11-23").iterdir()
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
    assert taken(tmp_path, patience=5).growing == []
    assert landed(tmp_path) == ["tomorrow.jsonl"]


def test_only_regular_files_with_plain_names_are_taken(tmp_path: Path) -> None:
    inbox = drop(tmp_path, "good.jsonl", b"{}\n").parent
    never = ("half.jsonl.part", "half.TMP", ".hidden.jsonl", "_SUCCESS", "_temporary/0/a.jsonl", "a/.b/c.jsonl")
    for name in (*never, "half.tmp/a.jsonl", "_SUCCESS.manifest.json"):
        drop(tmp_path, name, b"{}\n")
    drop(tmp_path, "two\nlines.jsonl", b"{}\n")
    drop(tmp_path, "\udcff.jsonl", b"{}\n")
    outside = tmp_path / "secret.jsonl"
    outside.write_bytes(b"{}\n")
    (inbox / "link.jsonl").symlink_to(outside)
    (inbox / "dangling.jsonl").symlink_to(tmp_path / "nowhere")
    (inbox / "folder").mkdir()
    (inbox / "linked").symlink_to(tmp_path)
    drop(tmp_path, f"{'x' * 237}.json", b"{}\n")
    drop(tmp_path, f"{'folder/' * 100}a.json", b"{}\n")
    os.mkfifo(inbox / "pipe.jsonl")
    drop(tmp_path, "late.jsonl.manifest.json", b"{}")

    left = taken(tmp_path)

    assert landed(tmp_path) == ["good.jsonl"]
    assert left.growing == []
    assert len(left.refused) == 9
    assert all(
        any(word in line for line in left.refused) for word in ("link", "too long", "manifest", "shown", "regular")
    )
    assert "\n" not in "".join(left.refused)
    assert len([path for path in inbox.iterdir() if path.name != ".taken"]) == 17


def test_a_file_may_come_in_a_folder_which_is_part_of_its_name(tmp_path: Path) -> None:
    drop(tmp_path, "hour=11/part-0.jsonl.manifest.json", b'{"rows": 1}')
    drop(tmp_path, f"{'y' * 235}.jsonl", lines(record(0)))
    for number, name in enumerate(("hour=11/part-0.jsonl", "hour=12/part-0.jsonl", "part-0.jsonl"), 1):
        drop(tmp_path, name, lines(record(number)))
    extracted(tmp_path)
    inbox = tmp_path / "inbox" / "campaign_files"
    assert sorted(path.name for path in inbox.iterdir()) == [".taken", "hour=11", "hour=12"]
    assert [path.name for path in aside(tmp_path, "hour=11/*")] == ["part-0.jsonl", "part-0.jsonl.manifest.json"]
    (kept,) = aside(tmp_path, "hour=12/*")

    drop(tmp_path, "Hour=11/part-0.jsonl", lines(record(4)))
    drop(tmp_path, "hour=11/part-0.jsonl", lines(record(5)))
    with kept.open("ab") as file:  # after it was taken
        file.write(lines(record(6)))
    said = RecordedProgress()
    extracted(tmp_path, said=said)
    (warning,) = said.messages
    assert all(name in warning for name in ("'hour=11/part-0.jsonl'", "'Hour=11/part-0.jsonl'"))
    assert not kept.exists()
    columns = "file_name, status, is_verified, records_loaded, _replaces, ends_with(_source, '/' || file_name)"
    told = Counter(rows(tmp_path, "loaded_files", columns))
    assert told == Counter(
        {
            (name, "loaded", is_verified, count, f"campaign_files/{name}", True): times
            for name, is_verified, count, times in [
                (f"{'y' * 235}.jsonl", False, 1, 1),
                ("hour=11/part-0.jsonl", True, 1, 1),
                ("hour=11/part-0.jsonl", False, 1, 1),
                ("hour=12/part-0.jsonl", False, 1, 1),
                ("hour=12/part-0.jsonl", False, 2, 1),
                ("Hour=11/part-0.jsonl", False, 1, 1),
                ("part-0.jsonl", False, 1, 1),
            ]
        }
    )
    assert rebuilt(tmp_path).errors == []
    assert told == Counter(rows(tmp_path, "loaded_files", columns))
    aside(tmp_path)
    taken(tmp_path)
    assert sorted(path.name for path in inbox.iterdir()) == ["Hour=11", "hour=11", "hour=12"]


def test_names_that_differ_in_the_unicode_form_of_a_folder_are_one(tmp_path: Path) -> None:
    composed = unicodedata.normalize("NFC", "café/a.jsonl")
    for number, name in enumerate((composed, unicodedata.normalize("NFD", composed))):
        drop(tmp_path, name, lines(record(number)))
        extracted(tmp_path)
    assert rows(tmp_path, "loaded_files", "count(distinct _replaces), count(distinct file_name)", "1") == [(1, 2)]


def test_receipts_are_numbered_whatever_the_clock_says(tmp_path: Path) -> None:
    said = RecordedProgress()
    for name, at in {"c.jsonl": NOON, "b.jsonl": NOON, "a.jsonl": NOON - timedelta(days=2)}.items():
        assert said.messages == []
        drop(tmp_path, name, lines(record(ord(name[0]))))
        extracted(tmp_path, now=at.replace, said=said)
    (warning,) = said.messages
    assert "clock_behind" in warning
    assert "2026-11-21T12:00:00Z" in warning
    assert "2026-11-23T12:00:00Z" in warning
    places = {path.parent.name[:24]: path.parent.parent.name for path in (tmp_path / "landing").glob("*/*/*/*.jsonl")}
    assert places == {
        "00000001-20261123T120000": "2026-11-23",
        "00000002-20261123T120000": "2026-11-23",
        "00000003-20261121T120000": "2026-11-21",
    }
    assert rows(tmp_path, "loaded_files", "file_name, receipt_number", "receipt_number") == [
        ("c.jsonl", 1),
        ("b.jsonl", 2),
        ("a.jsonl", 3),
    ]


@pytest.mark.parametrize("damage", ["", "{", '{"last": null}', "gone"])
def test_a_lost_counter_is_found_again(tmp_path: Path, damage: str) -> None:
    counter = tmp_path / "landing" / "receipts.json"
    for number in range(3):
        drop(tmp_path, f"{number}.jsonl", lines(record(number)))
        extracted(tmp_path)
        counter.unlink() if damage == "gone" else counter.write_text(damage)
    assert rows(tmp_path, "loaded_files", "receipt_number", "1") == [(1,), (2,), (3,)]
    shutil.rmtree(tmp_path / "landing")  # as a pruned one
    drop(tmp_path, "last.jsonl", lines(record(9)))
    extracted(tmp_path)
    assert rows(tmp_path, "loaded_files", "receipt_number", "1") == [(1,), (2,), (3,), (4,)]


def test_many_receipts_cost_few_writes_of_the_counter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    landing = Landing(Folder.at(tmp_path))
    written: list[int] = []
    monkeypatch.setattr(Landing, "_count_to", lambda _, number: written.append(number))
    assert [landing.next_number() for _ in range(3000)] == [*range(1, 3001)]
    assert len(written) < 15
    assert landing.settle_numbers() == 3000
    assert written[-1] == 3000


def test_a_landing_of_the_layout_of_before_is_read(tmp_path: Path) -> None:
    """Its receipts come before all numbered ones, the last with the number -1."""
    for place in (
        "campaign_files/20261102T120000.000Z-00000002/b.jsonl",
        "campaign_files/20261101T120000.000Z-00000001/a.jsonl",
        "campaign_files/20261103T120000.000Z-00000003/only.jsonl.manifest.json",
    ):
        path = tmp_path / "landing" / place
        path.parent.mkdir(parents=True)
        path.write_bytes(lines(record(ord(path.name[0]))))
    fetch = tmp_path / "landing" / "campaign_api" / "20261102T120000.000Z-0000000f"
    fetch.mkdir(parents=True)
    (fetch / "page-0001.json").write_bytes(b"[" + lines(record(4)) + b"]")
    told = {"pages": ["page-0001.json"], "total": None, "bytes": 1, "sha256": "f", "unchanged": False, "error": None}
    told |= {"report_date": "2026-11-01", "fetched_at": "", "replaces": "campaign_api/2026-11-01", "complete": True}
    (fetch / "fetch.json").write_text(json.dumps(told))
    drop(tmp_path, "c.jsonl", lines(record(9)))

    extracted(tmp_path)
    extracted(tmp_path)

    assert rows(tmp_path, "loaded_files", "receipt_number, file_name", "1") == [
        (-4, "a.jsonl"),
        (-2, "b.jsonl"),
        (1, "c.jsonl"),
    ]
    assert rows(tmp_path, "fetches", "receipt_number, _received_at") == [(-3, datetime(2026, 11, 2, 12))]  # noqa: DTZ001
    assert len(rows(tmp_path, "campaign_delivery")) == 4


def test_landing_is_not_listed_when_nothing_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drop(tmp_path, "a.jsonl", lines(record(1)))
    extracted(tmp_path)
    monkeypatch.setattr(Landing, "listed", None)
    extracted(tmp_path)
    drop(tmp_path, "b.jsonl", lines(record(2)))
    extracted(tmp_path)
    assert len(rows(tmp_path, "loaded_files")) == 2


def test_what_waits_of_one_source_is_not_forgotten_when_another_is_extracted(tmp_path: Path) -> None:
    drop(tmp_path, "a.jsonl", lines(record(1)))
    taken(tmp_path)  # as if killed before it was loaded
    for _ in range(2):
        assert extracted(tmp_path, sources=[SOURCES["campaign_api"]]).units == 0
    assert extracted(tmp_path).units == 1


def test_pruning_goes_by_the_day_of_receipt(tmp_path: Path) -> None:
    for day in (1, 2, 3):
        drop(tmp_path, f"{day}.jsonl", lines(record(day)))
        extracted(tmp_path, now=partial(datetime, 2026, 11, day, 23, tzinfo=UTC))
    old = [tmp_path / "landing" / "campaign_files" / f"2026110{day}T120000.000Z-00000000" for day in (1, 2)]
    for place in old:
        place.mkdir()
        (place / "old.jsonl").touch()
    Landing(Folder.at(tmp_path / "landing")).prune(date(2026, 11, 2))
    assert landed(tmp_path) == ["2.jsonl", "3.jsonl"]
    assert [place.exists() for place in old] == [False, True]
    assert len(rows(tmp_path, "loaded_files")) == 3


def unfinished(home: Path) -> Path:
    """The folder of a receipt that a kill cut off."""
    place = home / "landing" / "campaign_files" / "2026-11-23" / "00000001-20261123T120000.000Z-00000000"
    place.mkdir(parents=True)
    (home / "landing" / "receipts.json").write_text('{"last": 1}')
    return place


def test_a_move_cut_off_behind_the_manifest_is_undone(tmp_path: Path) -> None:
    drop(tmp_path, "export.jsonl", lines(record(1)))
    place = unfinished(tmp_path)
    (place / "export.jsonl.manifest.json").write_text('{"rows": 1}')
    extracted(tmp_path)
    assert rows(tmp_path, "loaded_files", "status, is_verified, receipt_number") == [("loaded", True, 2)]
    assert not place.exists()


def test_a_move_cut_off_before_the_receipt_is_finished(tmp_path: Path) -> None:
    place = unfinished(tmp_path)
    (place / "export.jsonl.manifest.json").write_text('{"rows": 1}')
    (place / "export.jsonl").write_bytes(lines(record(1)))
    (place / ".receipt.json.tmp").write_text("{")
    extracted(tmp_path)
    assert rows(tmp_path, "loaded_files", "status, is_verified, receipt_number") == [("loaded", True, 1)]
    assert json.loads((place / ".receipt.json").read_bytes())["bytes"] == len(lines(record(1)))


def test_a_folder_of_landing_that_is_not_ours_is_passed_over(tmp_path: Path) -> None:
    strange = tmp_path / "landing" / "campaign_files" / "notes"
    strange.mkdir(parents=True)
    (strange / "readme.jsonl").write_text("{}")
    extracted(tmp_path)
    assert rows(tmp_path, "loaded_files") == []


def aside(home: Path, names: str = "*") -> list[Path]:
    """What was put aside, as if a minute ago."""
    put = home / "inbox" / "campaign_files" / ".taken"
    for folder in put.glob("*"):
        os.utime(folder, (time.time() - 61,) * 2)
    return sorted(put.glob(f"*/{names}"))


def test_the_original_is_removed_by_a_run_that_sees_it_unchanged_a_minute_later(tmp_path: Path) -> None:
    drop(tmp_path, "a.jsonl.manifest.json", b'{"rows": 1}')
    drop(tmp_path, "a.jsonl", lines(record(1)))
    taken(tmp_path)
    taken(tmp_path)
    kept = aside(tmp_path)
    assert [path.name for path in kept] == ["a.jsonl", "a.jsonl.manifest.json"]
    with kept[0].open("ab"):
        taken(tmp_path)
    assert aside(tmp_path) == kept  # somebody may still go on writing
    taken(tmp_path)
    assert list((tmp_path / "inbox" / "campaign_files").iterdir()) == []
    assert landed(tmp_path) == ["a.jsonl", "a.jsonl.manifest.json"]


def test_what_is_written_after_a_file_was_taken_is_a_new_delivery_of_its_name(tmp_path: Path) -> None:
    """By a writer that has it open still, or by the other name of a hard link; landing stays as it was."""
    path, outside = drop(tmp_path, "export.jsonl", lines(record(1))), tmp_path / "outside.jsonl"
    outside.hardlink_to(path)
    extracted(tmp_path)
    (landed_first,) = (tmp_path / "landing").glob("*/*/*/*.jsonl")
    with outside.open("ab") as file:
        file.write(lines(record(2)))
    extracted(tmp_path)
    assert landed_first.read_bytes() == lines(record(1))
    assert rows(tmp_path, "loaded_files", "file_name, status, records_loaded, _replaces") == [
        ("export.jsonl", "loaded", 1, "campaign_files/export.jsonl"),
        ("export.jsonl", "loaded", 2, "campaign_files/export.jsonl"),
    ]
    assert [kept.read_bytes() for kept in aside(tmp_path)] == [lines(record(1), record(2))]
    outside.write_bytes(b"")
    assert len(landed(tmp_path)) == 2


@pytest.mark.skipif(sys.platform != "linux", reason="no leases")
def test_a_file_that_is_open_for_writing_is_not_taken_however_quiet(tmp_path: Path) -> None:
    path = drop(tmp_path, "slow.jsonl", lines(record(1)))
    drop(tmp_path, "done.jsonl", lines(record(2)))
    with path.open("ab"), path.open("rb"):
        assert taken(tmp_path, patience=0.2).growing == ["slow.jsonl"]
    assert landed(tmp_path) == ["done.jsonl"]
    with path.open("rb"):
        assert taken(tmp_path).growing == []
    assert landed(tmp_path) == ["done.jsonl", "slow.jsonl"]


def test_a_file_that_changes_while_it_is_copied_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = drop(tmp_path, "a.jsonl", lines(record(1)))
    sync = os.fsync

    def writing_meanwhile(descriptor: int) -> None:
        path.write_bytes(lines(record(1), record(2)))
        sync(descriptor)

    with monkeypatch.context() as patched:
        patched.setattr("extract.copying.os.fsync", writing_meanwhile)
        assert taken(tmp_path).growing == ["a.jsonl"]
    assert (landed(tmp_path), path.exists()) == ([], True)
    extracted(tmp_path)
    assert rows(tmp_path, "loaded_files", "records_loaded") == [(2,)]


def test_a_copy_in_landing_whose_original_is_still_there_is_not_taken_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a kill between the two; a newer word of the same name is not mistaken for it."""
    drop(tmp_path, "a.jsonl", lines(record(1)))
    drop(tmp_path, "b.jsonl", lines(record(2)))
    with monkeypatch.context() as patched:
        patched.setattr("extract.inbox.put_aside", lambda *_: None)
        taken(tmp_path)
    drop(tmp_path, "b.jsonl", lines(record(3)))
    extracted(tmp_path)
    assert rows(tmp_path, "loaded_files", "receipt_number, file_name, status", "1") == [
        (1, "a.jsonl", "loaded"),
        (2, "b.jsonl", "loaded"),
        (4, "b.jsonl", "loaded"),
    ]
    assert [path.name for path in aside(tmp_path)] == ["a.jsonl", "b.jsonl"]


@pytest.mark.parametrize("damage", ["longer", "other"])
def test_what_changed_in_landing_is_an_error_and_is_not_loaded(tmp_path: Path, damage: str) -> None:
    drop(tmp_path, "a.jsonl", lines(record(1)))
    drop(tmp_path, "b.jsonl", lines(record(2)))
    extracted(tmp_path)
    (path,) = (tmp_path / "landing").glob("*/*/*/a.jsonl")
    content = path.read_bytes()
    path.write_bytes(content + b"{}\n" if damage == "longer" else content[::-1])
    for report in (rebuilt(tmp_path), extracted(tmp_path)):
        (error,) = report.errors
        assert error.startswith("campaign_files: changed_in_landing: ")
        assert str(path) in error
    assert rows(tmp_path, "loaded_files", "file_name, status") == [("b.jsonl", "loaded")]
    path.write_bytes(content)
    assert extracted(tmp_path).errors == []
    assert rows(tmp_path, "loaded_files", "file_name") == [("a.jsonl",), ("b.jsonl",)]


def test_pages_that_changed_in_landing_are_an_error(tmp_path: Path) -> None:
    with answering(lambda asked: page(asked, record(1, date=asked["date"]))) as (url, _):
        extracted(tmp_path, api_at(url))
    pages = sorted((tmp_path / "landing" / "campaign_api").glob("*/*/page*"))
    changed = pages[0]
    changed.write_bytes(changed.read_bytes().replace(b'"clicks": 1', b'"clicks": 0'))
    for report in (rebuilt(tmp_path), extracted(tmp_path)):
        (error,) = report.errors
        assert str(changed.parent) in error
        assert len(rows(tmp_path, "fetches")) == len(pages) - 1


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


@pytest.mark.parametrize("place", ["disk", "bucket"])
def test_a_name_is_never_a_pattern(tmp_path: Path, place: str) -> None:
    """Neither where a file is moved nor where it is removed, or its neighbours would go with it."""
    root = Folder.at(tmp_path if place == "disk" else f"memory://{tmp_path.name}")
    names = ["a*.csv", "ab.csv", "[ab].csv", "a.csv", "?.csv", "per%41.csv", "perA.csv"]
    for name in names:
        root.write(f"inbox/{name}", name.encode())
        root.write(f"st*r/{name}", name.encode())
        root.write(f"star/{name}", name.encode())
    for name in names[::2]:
        root.below("inbox").move(name, root.below("landing"), f"1/{name}")
    assert root.below("landing").files() == sorted(f"1/{name}" for name in names[::2])
    assert root.below("inbox").files() == sorted(names[1::2])
    assert all(root.read(f"landing/1/{name}") == name.encode() for name in names[::2])
    root.remove("star/a*.csv")
    root.below("star").remove_all(["[ab].csv", "a.csv"])
    assert root.below("star").files() == sorted(set(names) - {"a*.csv", "[ab].csv", "a.csv"})
    root.remove("st*r")
    assert root.below("st*r").files() == []
    assert len(root.below("star").files()) == 4


def test_an_object_of_a_bucket_is_taken_as_it_was_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with counting_bucket() as bucket:
        inbox, landing = Folder.at(f"{bucket.url}/inbox/campaign_files"), Landing(Folder.at(f"{bucket.url}/landing"))
        inbox.write("a.jsonl.manifest.json", b'{"rows": 1}')
        inbox.write("a.jsonl", lines(record(1)))
        copy = inbox.fs.cp_file

        def replaced_meanwhile(source: str, target: str, **options: str) -> None:
            if source.endswith("a.jsonl"):
                inbox.write("a.jsonl", lines(record(2)))
            copy(source, target, **options)

        def taken_from_bucket() -> Taken:
            return take(inbox, landing, "campaign_files", lambda: NOON, quiet_seconds=0)

        with monkeypatch.context() as patched:
            patched.setattr(inbox.fs, "cp_file", replaced_meanwhile)
            first = taken_from_bucket()
        assert (first.units, first.growing) == ([], ["a.jsonl"])
        (unit,) = taken_from_bucket().units
        assert landing.folder.read(unit.path) == lines(record(2))
        assert landing.folder.has(f"{unit.path}.manifest.json")
        assert inbox.files() == []
        assert Landing(landing.folder).why_changed(unit) is None
        landing.folder.write(unit.path, lines(record(3)))
        assert str(Landing(landing.folder).why_changed(unit)).endswith(
            "is not as it was received: it has another sha256"
        )


def test_a_bucket_has_files_in_folders_too(tmp_path: Path) -> None:
    """And files that are equal once unpacked; what lies under `_temporary` is left there."""
    with counting_bucket() as bucket:
        inbox = Folder.at(f"{bucket.url}/inbox/campaign_files")
        inbox.write("hour=11/part-0.jsonl.manifest.json", b'{"rows": 1}')
        inbox.write("hour=11/part-0.jsonl", lines(record(1)))
        inbox.write("hour=12/part-0.jsonl", gzip.compress(lines(record(1))))
        left = ["_SUCCESS", "_temporary/0/a.jsonl", f"{'x' * 242}.jsonl", f"{'folder/' * 100}a.jsonl"]
        for name in left:
            inbox.write(name, b"{}")
        landing = Landing(Folder.at(f"{bucket.url}/landing"))
        result = take(inbox, landing, "campaign_files", lambda: NOON, quiet_seconds=0)
        assert sorted(name_at(unit.path) for unit in result.units) == ["hour=11/part-0.jsonl", "hour=12/part-0.jsonl"]
        assert inbox.files() == sorted(left)
        assert ["too long" in line for line in result.refused] == [True, True]
        with_manifest = [path for path in landing.folder.files() if path.endswith("hour=11/part-0.jsonl.manifest.json")]
        assert len(with_manifest) == 1
        found = [Landing(landing.folder).hashes_of(unit) for unit in result.units]
        assert found == [landing.hashes_of(unit) for unit in result.units]
        assert len({one.received for one in found}) == 2
        assert len({one.content for one in found}) == 1

        inbox.write("hour=13/part-0.jsonl", lines(record(2)))
        cut_off = landing.placed(landing.numbered("campaign_files", NOON), "0" * 64)
        inbox.move("hour=13/part-0.jsonl", landing.folder, f"{cut_off.path}/hour=13/part-0.jsonl")
        (folder,) = [one for one in Landing(landing.folder).folders("campaign_files") if not one.has_receipt]
        assert finish_moves(folder, landing, inbox)
        assert landing.receipt(cut_off.path)["content_sha256"] == hashlib.sha256(lines(record(2))).hexdigest()


@pytest.mark.parametrize(
    ("dropped", "order"),
    [
        # copied together, in whatever order
        ({"a (1).csv": 10, "a.csv": 10.2, "a (10).csv": 10.1}, "a.csv, a (1).csv, a (10).csv"),
        ({"b.csv": 9, "a (1).csv": 5, "a.csv": 7}, "a.csv, a (1).csv, b.csv"),
        # a name that was downloaded again much later
        ({"a (1).csv": 10, "a.csv": 1000}, "a (1).csv, a.csv"),
        # other names keep the order of their times
        ({"b.csv": 1, "a.csv": 2, "c (x).csv": 0}, "c (x).csv, b.csv, a.csv"),
    ],
)
def test_a_second_download_is_newer_than_the_first(tmp_path: Path, dropped: dict[str, float], order: str) -> None:
    for number, (name, at) in enumerate(dropped.items(), 1):
        path = drop(tmp_path, name, lines(record(number)))
        os.utime(path, (1_700_000_000 + at, 1_700_000_000 + at))
    extracted(tmp_path)
    found = rows(tmp_path, "loaded_files", "file_name", "receipt_number")
    assert ", ".join(name for (name,) in found) == order
