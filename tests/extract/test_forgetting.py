"""A forgotten person is in no file any more, whatever the format, and everybody else is as before."""

import csv
import gzip
import io
import json
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.cases import always
from support.extracting import drop, extracted, rebuilt, rows
from support.forgetting import files_that_say, forgotten, searcher
from support.killing import ends
from support.workbook import workbook

from extract.declared.sources import read_sources
from extract.forgetting import NotForgettableError, begin, pending, pseudonyms_of
from extract.inbox import waiting_files
from extract.registry import SOURCES
from extract.run import PrunedLandingError
from extract.source import SourceConfig
from extract.storage import Folder

KEY = "a key of sixteen or more"
DEVICE = "4F1B5C0A-9D2E-4B7A-8C3D-1E2F3A4B5C6D"
BEFORE = "2026-11-02T10:00:0"


def impression(number: int, user: str | None, **more: Any) -> dict[str, Any]:
    return {"impression_id": f"i{number}", "ad_id": "a", "user_id": user, "event_time": f"{BEFORE}{number}Z"} | more


RECORDS = [
    impression(1, " canary-ann "),
    impression(2, "canary-anna"),
    impression(3, None),
    impression(4, "canary-ann"),
    impression(5, "bob"),
]


def as_lines(records: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(one) + "\n" for one in records).encode()


def as_csv(records: list[dict[str, Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, [*records[0]], lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(records)
    return text.getvalue().encode()


def as_parquet(records: list[dict[str, Any]]) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(records), sink, row_group_size=2)
    return sink.getvalue()


def as_zip(records: list[dict[str, Any]]) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("log.csv", as_csv(records))
    return sink.getvalue()


FORMATS: dict[str, Callable[[list[dict[str, Any]]], bytes]] = {
    "log.jsonl": as_lines,
    "log.jsonl.gz": lambda records: gzip.compress(as_lines(records)),
    "list.json": lambda records: json.dumps(records, indent=1).encode(),
    "page.json": lambda records: json.dumps({"data": records, "count": len(records)}).encode(),
    "stream.json": lambda records: "".join(map(json.dumps, records)).encode(),
    "log.csv": as_csv,
    "utf16.csv": lambda records: as_csv(records).decode().encode("utf-16"),
    "log.csv.zip": as_zip,
    "log.parquet": as_parquet,
    "log.parquet.gz": lambda records: gzip.compress(as_parquet(records)),
}


def declared(home: Path, text: str) -> list[SourceConfig]:
    home.mkdir(exist_ok=True)
    (home / "sources.yml").write_text(text)
    return [*(SOURCES | read_sources(home / "sources.yml", SOURCES)).values()]


def take(home: Path, sources: list[SourceConfig] | None = None) -> None:
    extracted(home, sources=sources or [*SOURCES.values()], privacy_key=KEY)


def ids(home: Path) -> list[tuple[Any, ...]]:
    return rows(home, "impressions", "impression_id, _position", "impression_id")


@pytest.mark.parametrize("name", always(3, [*FORMATS]))
def test_the_person_leaves_a_file_of_any_format_and_nobody_else_does(tmp_path: Path, name: str) -> None:
    content = FORMATS[name](RECORDS)
    drop(tmp_path, name, content, source="impressions")
    take(tmp_path)
    before = rows(tmp_path, "impressions", "* exclude (_dlt_load_id, _position)", "impression_id")
    assert len(before) == 5
    assert forgotten(tmp_path, KEY, "canary-ann").kinds == {"impressions": 2}

    assert ids(tmp_path) == [("i2", 1), ("i3", 2), ("i5", 3)]
    after = rows(tmp_path, "impressions", "* exclude (_dlt_load_id, _position)", "impression_id")
    assert after == [row for row in before if row[0] not in ("i1", "i4")]
    (landed,) = (tmp_path / "landing").rglob(name)
    kept = [one for one in RECORDS if one["impression_id"] not in ("i1", "i4")]
    if name.endswith((".jsonl", "log.csv")):
        assert landed.read_bytes() == FORMATS[name](kept)  # not a byte of it is another
    assert files_that_say(tmp_path, *pseudonyms_of("canary-ann", KEY)) == []
    assert forgotten(tmp_path, KEY, "canary-ann").files == []

    drop(tmp_path, "again.csv", content, source="impressions")  # the same file once more is a duplicate for ever
    take(tmp_path)
    assert ids(tmp_path) == [("i2", 1), ("i3", 2), ("i5", 3)]


def test_the_person_is_found_under_another_name_beside_the_fields_and_in_what_was_rejected(tmp_path: Path) -> None:
    sources = declared(
        tmp_path,
        """
        sources:
          log:
            kind: impressions
            files: {format: csv, delimiter: bar}
            columns: {user_id: visitor, event_time: at}
        """,
    )
    lines = [
        "impression_id|ad_id|visitor|at|idfa|site_domain",
        f"i1|a|{DEVICE}|{BEFORE}1Z||x",
        f"i2|a|bob|{BEFORE}2Z|{DEVICE.lower()}|x",
        f"i3|a|{DEVICE}|never||x",
        f"i4|a|{DEVICE}|{BEFORE}4Z",  # of a wrong shape: nobody can tell its fields apart
        f"i5|a|{DEVICE[:-1]}0|{BEFORE}5Z||x",
        "i6|a|eve|never||x",
    ]
    drop(tmp_path, "log.txt", "\n".join(lines).encode() + b"\n", source="log")
    extracted(tmp_path, sources=sources, privacy_key=KEY, most_rejected=0.9)
    assert len(ids(tmp_path)) == 3
    found = forgotten(tmp_path, KEY, DEVICE.lower(), sources=sources)
    assert found.kinds == {"impressions": 2, "rejected": 2}
    assert ids(tmp_path) == [("i5", 1)]
    assert rows(tmp_path, "rejected_records", "_position, value", "_position") == [(2, "never")]
    assert files_that_say(tmp_path / "landing", DEVICE) == []


def test_every_kind_of_a_mixed_file_is_searched(tmp_path: Path) -> None:
    sources = declared(
        tmp_path,
        """
        sources:
          mixed:
            kind_of: {column: event, kinds: {impressions: view, clicks: click}}
            files: {format: json}
        """,
    )
    records = [
        impression(1, "canary-ann", event="view"),
        {"click_id": "c1", "user_id": "canary-ann", "event_time": f"{BEFORE}1Z", "event": "click"},
        {"click_id": "c2", "user_id": "bob", "event_time": f"{BEFORE}1Z", "event": "click"},
    ]
    drop(tmp_path, "log.jsonl", as_lines(records), source="mixed")
    take(tmp_path, sources)
    assert forgotten(tmp_path, KEY, "canary-ann", sources=sources).kinds == {"impressions": 1, "clicks": 1}
    assert rows(tmp_path, "clicks", "click_id, _position") == [("c2", 1)]
    assert ids(tmp_path) == []


def test_the_inbox_is_searched_too_and_keeps_the_order_of_what_waits(tmp_path: Path) -> None:
    drop(tmp_path, "taken.jsonl", as_lines(RECORDS), source="impressions")
    take(tmp_path)
    waiting = drop(tmp_path, "waiting.csv", as_csv(RECORDS[3:]), source="impressions")
    changed = waiting.stat().st_mtime_ns
    assert any((tmp_path / "inbox").rglob("taken.jsonl"))
    found = forgotten(tmp_path, KEY, "canary-ann")
    assert sorted(one.place for one in found.files) == ["inbox", "landing", "set aside"]
    assert not any((tmp_path / "inbox").rglob("taken.jsonl"))
    assert waiting.read_bytes() == as_csv(RECORDS[4:])
    assert waiting.stat().st_mtime_ns == changed
    assert waiting_files(Folder.at(tmp_path / "inbox" / "impressions")) == ["waiting.csv"]


def test_a_file_that_somebody_writes_to_or_that_cannot_be_rewritten_stops_all(tmp_path: Path) -> None:
    drop(tmp_path, "log.jsonl", as_lines(RECORDS), source="impressions")
    names = [*RECORDS[0]]
    book = workbook(log=[[*names, "bid_price"], *([*map(one.get, names), 1.5] for one in RECORDS)])
    drop(tmp_path, "book.xlsx", book, source="impressions")
    take(tmp_path)
    before = {path: path.read_bytes() for path in (tmp_path / "landing").rglob("*") if path.is_file()}
    with pytest.raises(NotForgettableError, match=r"book\.xlsx cannot be written without .*: it is a workbook"):
        forgotten(tmp_path, KEY, "canary-ann")
    (tmp_path / "inbox/impressions/open.jsonl").write_bytes(as_lines([impression(8, "dan")]))
    with (tmp_path / "inbox/impressions/open.jsonl").open("a"), pytest.raises(NotForgettableError, match="written to"):
        forgotten(tmp_path, KEY, "dan")
    assert {path: path.read_bytes() for path in (tmp_path / "landing").rglob("*") if path.is_file()} == before


def test_a_manifest_still_agrees_and_a_backup_of_before_is_refused(tmp_path: Path) -> None:
    drop(tmp_path, "log.jsonl.manifest.json", b'{"rows": 5}', source="impressions")
    drop(tmp_path, "log.jsonl", as_lines(RECORDS), source="impressions")
    take(tmp_path)
    forgotten(tmp_path, KEY, "canary-ann")
    forgotten(tmp_path, KEY, "bob")
    assert ids(tmp_path) == [("i2", 1), ("i3", 2)]
    told = "status, is_verified, records_read"
    assert rows(tmp_path, "loaded_files", told) == [("loaded", True, 2)]
    (path,) = (tmp_path / "landing").rglob("log.jsonl")
    path.write_bytes(as_lines(RECORDS))
    (source,) = (one for one in SOURCES.values() if one.name == "impressions")
    with pytest.raises(NotForgettableError, match="changed_in_landing"):
        searcher(tmp_path, KEY, [source], pseudonyms_of("bob", KEY)).find()


def test_what_landing_has_lost_keeps_its_other_rows(tmp_path: Path) -> None:
    broken = b'{"impression_id": "i9", "ad_id": "a", "user_id": "canary-ann", "event_time": "never"}\n'
    drop(tmp_path, "old.jsonl", as_lines(RECORDS) + broken, source="impressions")
    take(tmp_path)
    drop(tmp_path, "new.jsonl", as_lines([impression(6, "canary-ann"), impression(7, "eve")]), source="impressions")
    take(tmp_path)
    (old,) = (tmp_path / "landing").rglob("old.jsonl")
    for path in old.parent.iterdir():
        path.unlink()
    old.parent.rmdir()
    with pytest.raises(PrunedLandingError):
        rebuilt(tmp_path)
    forgotten(tmp_path, KEY, "canary-ann")
    assert ids(tmp_path) == [("i2", 2), ("i3", 3), ("i5", 5), ("i7", 1)]
    assert rows(tmp_path, "rejected_records") == []
    told = "file_name, records_read, records_loaded, records_rejected"
    assert rows(tmp_path, "loaded_files", told, "file_name, kind") == [("new.jsonl", 1, 1, 0), ("old.jsonl", 3, 3, 0)]
    assert files_that_say(tmp_path, *pseudonyms_of("canary-ann", KEY)) == []
    take(tmp_path)
    assert len(ids(tmp_path)) == 4


def test_a_word_for_nobody_is_no_person(tmp_path: Path) -> None:
    assert [pseudonyms_of(word, KEY) for word in ("", " ", "null", "0", "-", "${UID}")] == [frozenset()] * 6
    assert pseudonyms_of(f" {DEVICE} ", KEY) >= pseudonyms_of(DEVICE.lower(), KEY)


@pytest.mark.cases
def test_a_kill_at_any_point_loses_nobody_else_and_the_same_call_ends_it(
    tmp_path: Path, killer: subprocess.Popen[str]
) -> None:
    def made(home: Path) -> Path:
        drop(home, "log.jsonl", as_lines(RECORDS), source="impressions")
        drop(home, "log.csv.zip", as_zip(RECORDS), source="impressions")
        take(home)
        drop(home, "waiting.parquet", as_parquet(RECORDS), source="impressions")
        return home

    key = KEY.replace(" ", "")
    whole = made(tmp_path / "whole")
    assert ends(killer, "forget", whole, key, float("inf")) == [0]
    changes = int((whole / "changes").read_text())
    expected = ids(whole)
    assert expected
    for kill in range(1, changes + 1, 8):  # each of them holds; all would take minutes
        home = made(tmp_path / str(kill))
        assert ends(killer, "forget", home, key, kill) == [-9], kill
        is_begun = bool(pending(Folder.at(home / "landing")))
        forgotten(home, key, *(() if is_begun else ("canary-ann",)))
        assert ids(home) == expected, kill
        assert files_that_say(home / "landing", '"canary-ann"', " canary-ann ") == [], kill
        assert files_that_say(home / "inbox", " canary-ann ") == [], kill
        assert not pending(Folder.at(home / "landing"))


def test_who_was_to_be_forgotten_is_remembered_by_pseudonyms(tmp_path: Path) -> None:
    landing = Folder.at(tmp_path / "landing")
    begin(landing, pseudonyms_of("canary-ann", KEY))
    begin(landing, pseudonyms_of("bob", KEY))
    assert pending(landing) == pseudonyms_of("canary-ann", KEY) | pseudonyms_of("bob", KEY)
    assert files_that_say(tmp_path, "canary-ann", "bob") == []
