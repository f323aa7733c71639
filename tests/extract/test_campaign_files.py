"""Campaign files: from the inbox into landing and the lake, each whole or not at all."""

import gzip
import hashlib
import json
import subprocess
import sys
import unicodedata
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest
from support.extracting import RecordedProgress, drop, extracted, lines, rebuilt, record, records_of, rows

from extract import files
from extract.inbox import take
from extract.lake import package
from extract.landing import Landing
from extract.readers import read_file
from extract.records import RecordShape
from extract.storage import Folder

SCOPE = "campaign_files/export.jsonl"
LEDGER = "file_name, status, reason, is_verified, records_read, records_loaded, records_rejected, _replaces"


def test_a_file_is_landed_untouched_and_loaded_with_its_origin(tmp_path: Path) -> None:
    content = lines(record(1), record(2))
    drop(tmp_path, "export.jsonl", content)
    at = datetime(2026, 11, 23, 7, 51, 5, 123_000, UTC)

    report = extracted(tmp_path, now=lambda: at)

    sha256 = hashlib.sha256(content).hexdigest()
    source = f"campaign_files/2026-11-23/00000001-20261123T075105.123Z-{sha256[:8]}/export.jsonl"
    assert (tmp_path / "landing" / source).read_bytes() == content
    assert [path.name for path in (tmp_path / "inbox" / "campaign_files").iterdir()] == [".taken"]
    receipt = json.loads((tmp_path / "landing" / source).with_name(".receipt.json").read_bytes())
    assert receipt == {
        "source": "campaign_files",
        "number": 1,
        "received_at": "2026-11-23T07:51:05.123+00:00",
        "bytes": len(content),
        "sha256": sha256,
        "content_sha256": sha256,
    }
    columns = "ad_id, impressions, spend, source, _source, _position, _received_at, typeof(spend), typeof(date), _extra"
    received_at = at.replace(tzinfo=None)  # UTC, without saying so
    assert rows(tmp_path, "campaign_delivery", columns, "_position") == [
        ("ad_id 1", 1, Decimal("1.25"), "campaign_files", source, 1, received_at, "DECIMAL(38,6)", "DATE", None),
        ("ad_id 2", 2, Decimal("2.25"), "campaign_files", source, 2, received_at, "DECIMAL(38,6)", "DATE", None),
    ]
    numbers = "source, kind, receipt_number, reading"
    assert rows(tmp_path, "loaded_files", numbers) == [("campaign_files", "campaign_delivery", 1, 1)]
    assert rows(tmp_path, "loaded_files", f"_source, bytes, sha256, format, {LEDGER}") == [
        (source, len(content), sha256, "json", "export.jsonl", "loaded", None, False, 2, 2, 0, SCOPE),
    ]
    assert (report.units, report.changes_marts) == (1, True)
    assert report.sources["campaign_files"].loaded == 2


def test_the_first_extract_makes_every_table_and_a_second_one_changes_nothing(tmp_path: Path) -> None:
    report = extracted(tmp_path)
    assert (report.units, report.changes_marts) == (0, False)
    for table in ("campaign_delivery", "rejected_records", "fetches", "loaded_files"):
        assert rows(tmp_path, table) == []
    before = sorted(tmp_path.rglob("*"))
    assert not extracted(tmp_path).changes_marts
    assert sorted(tmp_path.rglob("*")) == before
    assert (tmp_path / "inbox" / "campaign_files").is_dir()


def test_the_same_bytes_under_any_name_are_a_duplicate(tmp_path: Path) -> None:
    content = lines(record(1))
    for name in ("first.jsonl", "first.jsonl", "second.jsonl"):
        drop(tmp_path, name, content)
        report = extracted(tmp_path)
    assert report.sources["campaign_files"].duplicates == 1
    assert sum(records_of(tmp_path).values()) == 1
    assert rows(tmp_path, "loaded_files", LEDGER) == [
        ("first.jsonl", "loaded", None, False, 1, 1, 0, "campaign_files/first.jsonl"),
        ("first.jsonl", "duplicate", None, False, 0, 0, 0, None),
        ("second.jsonl", "duplicate", None, False, 0, 0, 0, "campaign_files/second.jsonl"),
    ]


def told(home: Path) -> list[tuple[object, ...]]:
    """What the ledger says, in the order of receipts and readings."""
    columns = "receipt_number, reading, split_part(file_name, '.', 1), status, _replaces is not null"
    return rows(home, "loaded_files", columns, "receipt_number, reading")


def dropped_one_by_one(home: Path, *files: tuple[str, bytes]) -> list[str]:
    """Drops and extracts one file after another; gives what was said."""
    said = RecordedProgress()
    for name, content in files:
        drop(home, name, content)
        extracted(home, said=said)
    return said.messages


X, Y, Z = (lines(record(number)) for number in (1, 2, 3))


@pytest.mark.parametrize("is_at_once", [False, True])
def test_a_duplicate_is_equal_to_a_file_that_counts_not_to_one_that_was_replaced(
    tmp_path: Path, is_at_once: bool
) -> None:
    inbox, landing = Folder.at(tmp_path / "inbox" / "campaign_files"), Folder.at(tmp_path / "landing")
    for name, content in (("may.jsonl", X), ("may.jsonl", Y), ("june.jsonl", X)):
        drop(tmp_path, name, content)
        if is_at_once:
            take(inbox, Landing(landing), "campaign_files", partial(datetime.now, UTC))
        else:
            extracted(tmp_path)
    extracted(tmp_path)
    assert told(tmp_path) == [
        (1, 1, "may", "loaded", True),
        (2, 1, "may", "loaded", True),
        (3, 1, "june", "loaded", True),
    ]


def test_the_last_word_of_a_name_counts_also_if_it_is_an_old_one(tmp_path: Path) -> None:
    dropped_one_by_one(tmp_path, ("a.jsonl", X), ("a.jsonl", Y), ("a.jsonl", X), ("a.jsonl", X))
    assert [row[3:] for row in told(tmp_path)] == [("loaded", True)] * 3 + [("duplicate", False)]


def test_a_duplicate_waits_and_is_loaded_when_the_file_that_it_equals_is_replaced(tmp_path: Path) -> None:
    said = dropped_one_by_one(tmp_path, ("may.jsonl", X), ("june.jsonl", X), ("may.jsonl", Y))
    assert said == ["campaign_files: 'june.jsonl' is loaded now: the file that it equals no longer counts"]
    assert told(tmp_path) == [
        (1, 1, "may", "loaded", True),
        (2, 1, "june", "duplicate", True),
        (2, 2, "june", "loaded", True),
        (3, 1, "may", "loaded", True),
    ]
    assert rebuilt(tmp_path).errors == []
    assert [row[2:] for row in told(tmp_path)] == [
        ("may", "loaded", True),
        ("june", "loaded", True),
        ("may", "loaded", True),
    ]


def zipped(content: bytes, level: int = 9) -> bytes:
    """In two members, as a file has that was added to."""
    half = len(content) // 2
    return gzip.compress(content[:half], level, mtime=level) + gzip.compress(content[half:], level, mtime=level)


def test_a_zipped_file_is_equal_to_what_comes_out_of_it(tmp_path: Path) -> None:
    """Whatever zipped it, and whatever it is called; it counts when the file that it equals is replaced."""
    files = [("may.jsonl", X), ("may.jsonl.gz", zipped(X)), ("copy.jsonl", zipped(X, 1)), ("june.jsonl.gz", X)]
    dropped_one_by_one(tmp_path, *files)
    assert [row[3:] for row in told(tmp_path)] == [("loaded", True)] + [("duplicate", True)] * 3
    assert sum(records_of(tmp_path).values()) == 1
    said = dropped_one_by_one(tmp_path, ("may.jsonl", Y))
    assert said == ["campaign_files: 'may.jsonl.gz' is loaded now: the file that it equals no longer counts"]
    assert rows(tmp_path, "loaded_files", "sha256 = content_sha256, format", "receipt_number, reading") == [
        (True, "json"),
        *[(False, "json")] * 3,
        (True, "json"),
        (True, "json"),
    ]
    assert rebuilt(tmp_path).sources["campaign_files"].duplicates == 2


def test_a_zipped_file_that_cannot_be_unpacked_equals_its_own_bytes_alone(tmp_path: Path) -> None:
    cut = zipped(X)[:-4]
    dropped_one_by_one(tmp_path, ("may.jsonl", X), ("cut.jsonl.gz", cut), ("cut.jsonl.gz", cut))
    assert [row[3:] for row in told(tmp_path)] == [("loaded", True)] + [("quarantined", False)] * 2


@pytest.mark.parametrize("is_at_once", [False, True])
def test_what_an_earlier_version_has_landed_and_loaded_is_known_by_its_content(
    tmp_path: Path, is_at_once: bool
) -> None:
    """Its receipts do not tell what is in a file, and neither does its ledger: its lake is loaded again."""
    dropped_one_by_one(tmp_path, ("may.jsonl.gz", zipped(X)), ("june.jsonl", Y))
    for path in (tmp_path / "landing").glob("*/*/*/.receipt.json"):
        receipt = json.loads(path.read_bytes())
        del receipt["content_sha256"]
        path.write_text(json.dumps(receipt))
    index = tmp_path / "lake" / "raw" / "_index.json"
    index.write_text(json.dumps(json.loads(index.read_bytes()) | {"formats": {"loaded_files": "2-before"}}))
    if not is_at_once:
        extracted(tmp_path)
        assert [row[3:] for row in told(tmp_path)] == [("loaded", True)] * 2
    dropped_one_by_one(tmp_path, ("may.jsonl", X), ("june.jsonl.gz", zipped(Y)))
    assert [row[3:] for row in told(tmp_path)] == [("loaded", True)] * 2 + [("duplicate", True)] * 2
    assert sum(records_of(tmp_path).values()) == 2


def test_a_duplicate_of_another_name_replaces_what_its_own_name_said(tmp_path: Path) -> None:
    dropped_one_by_one(tmp_path, ("may.jsonl", Y), ("june.jsonl", Z), ("may.jsonl", Z), ("june.jsonl", X))
    assert told(tmp_path) == [
        (1, 1, "may", "loaded", True),
        (2, 1, "june", "loaded", True),
        (3, 1, "may", "duplicate", True),
        (3, 2, "may", "loaded", True),
        (4, 1, "june", "loaded", True),
    ]


def test_a_file_that_replaces_nothing_because_it_cannot_be_read_lets_no_duplicate_count(tmp_path: Path) -> None:
    drop(tmp_path, "june.jsonl.manifest.json", b'{"rows": 2}')
    dropped_one_by_one(tmp_path, ("may.jsonl", X), ("june.jsonl", X), ("may.jsonl", X + b'{"cut'), ("may.jsonl", Y))
    assert [row[1:4] for row in told(tmp_path)] == [
        (1, "may", "loaded"),
        (1, "june", "duplicate"),
        (2, "june", "quarantined"),
        (1, "may", "quarantined"),
        (1, "may", "loaded"),
    ]
    assert dropped_one_by_one(tmp_path, ("more.jsonl", Z)) == []


def test_a_duplicate_that_cannot_be_read_under_its_name_replaces_nothing(tmp_path: Path) -> None:
    dropped_one_by_one(tmp_path, ("may.jsonl", X), ("june.jsonl", Y))
    drop(tmp_path, "may.jsonl.manifest.json", b'{"rows": 2}')
    dropped_one_by_one(tmp_path, ("may.jsonl", Y))
    assert [row[2:] for row in told(tmp_path)] == [
        ("may", "loaded", True),
        ("june", "loaded", True),
        ("may", "quarantined", False),
    ]


def test_a_duplicate_that_changed_while_it_waited_is_quarantined(tmp_path: Path) -> None:
    dropped_one_by_one(tmp_path, ("may.jsonl", X), ("june.jsonl", X))
    (path,) = (tmp_path / "landing").glob("*/*/*/june.jsonl")
    path.write_bytes(Z)
    dropped_one_by_one(tmp_path, ("may.jsonl", Y))
    assert rows(tmp_path, "loaded_files", "reason", "reading desc")[0] == ("changed_in_landing",)


def test_names_in_two_forms_of_unicode_are_one_and_names_that_are_nearly_one_are_named(tmp_path: Path) -> None:
    names = [unicodedata.normalize("NFC", "café.jsonl"), unicodedata.normalize("NFD", "café.jsonl")]
    said = dropped_one_by_one(tmp_path, (names[0], X), (names[1], Y), ("CAFÉ .jsonl", Z))
    scopes = rows(tmp_path, "loaded_files", "status, _replaces", "receipt_number")
    assert scopes[:2] == [("loaded", f"campaign_files/{names[0]}")] * 2
    assert [name in said[0] for name in ("'CAFÉ .jsonl'", repr(names[0]))] == [True, True]


def test_two_equal_files_at_once_are_one_and_a_duplicate(tmp_path: Path) -> None:
    drop(tmp_path, "a.jsonl", lines(record(1)))
    drop(tmp_path, "b.jsonl", lines(record(1)))
    extracted(tmp_path)
    assert sorted(rows(tmp_path, "loaded_files", "status")) == [("duplicate",), ("loaded",)]


def test_new_content_under_a_name_is_a_later_file_of_the_same_scope(tmp_path: Path) -> None:
    for number in (1, 2):
        drop(tmp_path, "export.jsonl", lines(record(number)))
        assert extracted(tmp_path).changes_marts
    assert rows(tmp_path, "loaded_files", "status, _replaces") == [("loaded", "campaign_files/export.jsonl")] * 2


def test_a_file_that_breaks_at_its_end_leaves_nothing_and_stops_no_other(tmp_path: Path) -> None:
    drop(tmp_path, "cut.jsonl.gz", gzip.compress(lines(*map(record, range(1000))))[:-20])
    drop(tmp_path, "cut.json", json.dumps([record(1), record(2)]).encode()[:-30])
    drop(tmp_path, "no_spend.csv", b"campaign_id,ad_id\nc,a\n")
    drop(tmp_path, "notes.docx", b"hello")
    drop(tmp_path, "good.jsonl", lines(record(3)))
    said = RecordedProgress()

    report = extracted(tmp_path, said=said)

    assert [row[0] for row in rows(tmp_path, "campaign_delivery", "ad_id", "1")] == ["ad_id 3"]
    assert rows(tmp_path, "rejected_records") == []
    found = {
        name: (status, reason, read) for name, status, reason, _, read, *_ in rows(tmp_path, "loaded_files", LEDGER)
    }
    assert found["cut.jsonl.gz"] == ("quarantined", "truncated_gzip", 0)
    assert found["no_spend.csv"] == ("quarantined", "missing_column", 0)
    assert found["cut.json"][0] == found["notes.docx"][0] == "quarantined"
    assert found["good.jsonl"] == ("loaded", None, 1)
    assert report.sources["campaign_files"].quarantined == len(report.quarantined) == 4
    missing = "brand, city, clicks, conversions, country, date, impressions, spend, state, zipcode"
    assert ("campaign_files", "no_spend.csv", "missing_column", missing) in report.quarantined
    assert (missing,) in rows(tmp_path, "loaded_files", "detail")
    assert report.errors == []
    assert sum("quarantined" in message for message in said.messages) == 4


def test_a_big_file_gets_a_parquet_file_of_its_own_or_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "HELD_BYTES", 10_000)
    drop(tmp_path, "big.jsonl", lines(*map(record, range(5000))) + b"{broken}\n" * 200)
    drop(tmp_path, "broken.jsonl", lines(*map(record, range(5000))) + b'{"cut')
    drop(tmp_path, "small.jsonl", lines(record(1)))
    extracted(tmp_path)
    assert rows(tmp_path, "campaign_delivery", "count(*), count(distinct (_source, _position))", "1") == [(5001, 5001)]
    assert rows(tmp_path, "rejected_records", "any_value(reason), min(_position), count(*)", "1") == [
        ("broken_json", 5001, 200)
    ]
    assert len(list((tmp_path / "lake" / "raw" / "campaign_delivery").iterdir())) == 2


def test_the_balance_closes_and_a_rebuild_gives_the_same_rows(tmp_path: Path) -> None:
    drop(tmp_path, "mixed.jsonl", lines(record(1), record(2, clicks="abc"), record(3)) + b"nonsense\n")
    drop(tmp_path, "empty.jsonl", b"")
    extracted(tmp_path)
    drop(tmp_path, "again.jsonl", lines(record(9)))
    extracted(tmp_path)
    every = "* exclude (_dlt_load_id)"
    before = {
        table: rows(tmp_path, table, every) for table in ("campaign_delivery", "rejected_records", "loaded_files")
    }
    assert rows(tmp_path, "rejected_records", "_position, reason", "_position") == [
        (2, "wrong_type"),
        (4, "broken_json"),
    ]
    assert [row[4:7] for row in rows(tmp_path, "loaded_files", LEDGER)] == [(4, 2, 2), (0, 0, 0), (1, 1, 0)]

    report = rebuilt(tmp_path)

    assert report.sources["campaign_files"].received == 3
    for table, found in before.items():
        assert sorted(rows(tmp_path, table, every), key=repr) == sorted(found, key=repr)


@pytest.mark.parametrize(
    ("manifest", "status", "reason", "is_verified"),
    [
        ({"rows": 2}, "loaded", None, True),
        ({"sha256": hashlib.sha256(lines(record(1), record(2))).hexdigest().upper()}, "loaded", None, True),
        ({"rows": 3}, "quarantined", "short_of_manifest", False),
        ({"rows": 2, "sha256": "0" * 64}, "quarantined", "sha256_mismatch", False),
        ({"lines": 2}, "quarantined", "broken_manifest", False),
        ([2], "quarantined", "broken_manifest", False),
        ({"rows": "2"}, "quarantined", "broken_manifest", False),
    ],
)
def test_a_file_must_be_what_its_manifest_says(
    tmp_path: Path, manifest: object, status: str, reason: str | None, is_verified: bool
) -> None:
    drop(tmp_path, "export.jsonl.manifest.json", json.dumps(manifest).encode())
    drop(tmp_path, "export.jsonl", lines(record(1), record(2)))
    extracted(tmp_path)
    assert rows(tmp_path, "loaded_files", "status, reason, is_verified") == [(status, reason, is_verified)]
    assert sum(records_of(tmp_path).values()) == (2 if status == "loaded" else 0)
    assert [path.name for path in (tmp_path / "inbox" / "campaign_files").iterdir()] == [".taken"]


def test_a_file_quarantined_by_its_manifest_can_come_again(tmp_path: Path) -> None:
    for count in (3, 2):
        drop(tmp_path, "export.jsonl.manifest.json", json.dumps({"rows": count}).encode())
        drop(tmp_path, "export.jsonl", lines(record(1), record(2)))
        extracted(tmp_path)
    assert rows(tmp_path, "loaded_files", "status") == [("quarantined",), ("loaded",)]


def test_a_reader_that_fails_costs_its_file_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:

    def failing(path: Path, shape: RecordShape) -> object:
        if path.name == "odd.jsonl":
            raise ZeroDivisionError("a bug")
        return read_file(path, shape)

    monkeypatch.setattr(files, "read_file", failing)
    drop(tmp_path, "odd.jsonl", lines(record(1)))
    drop(tmp_path, "even.jsonl", lines(record(2)))
    extracted(tmp_path)
    assert dict(rows(tmp_path, "loaded_files", "file_name, status", "1")) == {
        "odd.jsonl": "quarantined",
        "even.jsonl": "loaded",
    }


def test_every_file_and_every_load_has_a_line_in_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    drop(tmp_path, "a.jsonl", lines(record(1), record(2)))
    with caplog.at_level("INFO", "extract"):
        extracted(tmp_path)
    ((unit,),) = rows(tmp_path, "loaded_files", "_source")
    told = [entry.__dict__ for entry in caplog.records if entry.name == "extract"]
    assert [(one["source"], one["unit"], one["records_read"]) for one in told if "unit" in one] == [
        ("campaign_files", unit, 2)
    ]
    assert [one["units"] for one in told if "units" in one] == [1]
    assert all(one["seconds"] >= 0 for one in told)


@pytest.mark.cases
def test_thousands_of_small_files_load_in_one_run(tmp_path: Path) -> None:
    """In bounded memory and time, though each waits for the disk several times."""
    for number in range(3000):
        drop(tmp_path, f"{number}.jsonl", lines(*map(record, range(10 * number, 10 * number + 10))))
    code = """
import resource, sys, time
from pathlib import Path
from support.extracting import extracted
before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
extracted(Path(sys.argv[1]))
print(time.monotonic() - started, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10)
"""
    ended = subprocess.run(
        [sys.executable, "-c", code, tmp_path],
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    seconds, mebibytes = map(float, ended.stdout.split())
    assert seconds < 60
    assert mebibytes < 300
    assert len(list((tmp_path / "lake" / "raw" / "campaign_delivery").iterdir())) == 1
    assert rows(tmp_path, "campaign_delivery", "count(*), count(distinct _source)", "1") == [(30_000, 3000)]
