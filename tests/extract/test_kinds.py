"""A kind of record is one small file, and a source a few words: both go from inbox to raw, ledger and rejections."""

import json
import subprocess
import sys
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from support.extracting import drop, extracted, lines, rebuilt, record, rows

from extract.lake import tables
from extract.profile import Column, Profile
from extract.registry import KINDS, SOURCES
from extract.schema import FieldType, Kind, RecordType
from extract.source import KindChoice, SourceConfig

KIND_FILE = '''
"""Visits: what a throw-away kind looks like."""

from extract.schema import FieldType, Kind, RecordType

FIELDS = {
    "visit_id": FieldType.TEXT,
    "seen_at": FieldType.TIMESTAMP,
    "day": FieldType.DATE,
    "pages": FieldType.COUNT,
    "score": FieldType.DECIMAL,
    "price": FieldType.MONEY,
    "is_new": FieldType.BOOLEAN,
    "tags": FieldType.JSON,
}
KIND = Kind("visits", RecordType(FIELDS, required=frozenset({"visit_id"})), same_name="add")
'''
LEDGER = "source, kind, status, records_read, records_loaded, records_rejected, _replaces"


@pytest.fixture
def two_kinds(monkeypatch: pytest.MonkeyPatch) -> tuple[Kind, Kind]:
    """Two kinds that have a field name in common, with different types."""
    clicks = Kind("test_clicks", RecordType({"id": FieldType.TEXT, "seen_at": FieldType.TIMESTAMP}), same_name="add")
    sales = Kind("test_sales", RecordType({"id": FieldType.COUNT, "price": FieldType.MONEY}), same_name="replace")
    for kind in (clicks, sales):
        monkeypatch.setitem(KINDS, kind.name, kind)
        monkeypatch.setitem(tables.RAW_TABLES, kind.name, tables.table_of(kind))
    return clicks, sales


def test_a_kind_is_one_file(tmp_path: Path) -> None:
    """Found in the folder of kinds by a process that knows nothing else of it."""
    (tmp_path / "kinds").mkdir()
    (tmp_path / "kinds" / "visits.py").write_text(KIND_FILE)
    home = tmp_path / "data"
    visit = {
        "visit_id": " v1 ",
        "seen_at": "2026-11-01T12:00:00.123456+01:00",
        "day": "2026-11-01",
        "pages": 3,
        "score": 1.5,
        "price": "2.5000005",
        "is_new": "yes",
        "tags": {"b": [1], "a": None},
        "more": 7,
    }
    drop(home, "log.jsonl", lines(visit, {"visit_id": "v2", "pages": "many"}), source="visits")
    drop(home, "delivery.jsonl", lines(record(1)))
    code = """
import sys
from pathlib import Path
import extract.sources
extract.sources.__path__.append(sys.argv[2])
from support.extracting import extracted
from extract.registry import SOURCES
print(extracted(Path(sys.argv[1]), sources=SOURCES.values()).sources["visits"])
"""
    ended = subprocess.run(
        [sys.executable, "-c", code, home, tmp_path / "kinds"],
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(Path(__file__).parent.parent.parent)},
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == "1 received, 2 records read, 1 loaded, 1 rejected\n"
    fields = "visit_id, seen_at, day, pages, score, price, is_new, tags, _extra, _position, source"
    assert rows(home, "visits", fields) == [
        (
            "v1",
            1793530800123456,
            date(2026, 11, 1),
            3,
            Decimal("1.5"),
            Decimal("2.500001"),
            True,
            '{"a":null,"b":[1]}',
            '{"more":7}',
            1,
            "visits",
        )
    ]
    assert rows(home, "rejected_records", "source, kind, line, reason, field, value") == [
        ("visits", "visits", 2, "wrong_type", "pages", "many")
    ]
    assert rows(home, "loaded_files", LEDGER) == [
        ("campaign_files", "campaign_delivery", "loaded", 1, 1, 0, "campaign_files/delivery.jsonl"),
        ("visits", "visits", "loaded", 2, 1, 1, None),
    ]


def test_sources_of_a_kind_share_its_table_and_nothing_else(tmp_path: Path) -> None:
    profile = Profile({"spend": Column("Cost"), "account": Column(constant="ours")})
    partner = replace(SOURCES["campaign_files"], name="partner", profile=profile)
    sources = [SOURCES["campaign_files"], partner]
    theirs = {"cost" if name == "spend" else name: value for name, value in record(2).items()}
    header = ",".join(theirs)
    drop(tmp_path, "export.jsonl", lines(record(1)))
    drop(tmp_path, "export.csv", f"{header}\n{','.join(map(str, theirs.values()))}\n".encode(), source="partner")
    extracted(tmp_path, sources=sources)
    drop(tmp_path, "copy.jsonl", lines(record(1)), source="partner")  # a duplicate only of files of its own source
    report = extracted(tmp_path, sources=sources)

    assert rows(tmp_path, "campaign_delivery", "source, account, ad_id, spend", "_source") == [
        ("campaign_files", None, "ad_id 1", Decimal("1.25")),
        ("partner", "ours", "ad_id 2", Decimal("2.25")),
        ("partner", "ours", "ad_id 1", None),
    ]
    assert rows(tmp_path, "loaded_files", "source, receipt_number, _replaces", "receipt_number") == [
        ("campaign_files", 1, "campaign_files/export.jsonl"),
        ("partner", 2, "partner/export.csv"),
        ("partner", 3, "partner/copy.jsonl"),
    ]
    assert {name: came.received for name, came in report.sources.items()} == {"campaign_files": 0, "partner": 1}


def events(two_kinds: tuple[Kind, Kind]) -> SourceConfig:
    clicks, sales = two_kinds
    choice = KindChoice("type", {"click": clicks, "tap": clicks, "sale": sales})
    return SourceConfig("events", two_kinds, choice)


@pytest.mark.parametrize("name", ["log.jsonl", "log.json", "log.csv"])
def test_a_file_may_feed_two_kinds(tmp_path: Path, two_kinds: tuple[Kind, Kind], name: str) -> None:
    records = [
        {"type": "click", "id": "a1", "seen_at": "2026-11-01T10:00:00Z", "price": ""},
        {"type": "sale", "id": "7", "seen_at": "", "price": "1.50"},
        {"type": " tap ", "id": "a2", "seen_at": "noon", "price": ""},
        {"type": "other", "id": "a3", "seen_at": "", "price": ""},
        {"type": "sale", "id": "x", "seen_at": "", "price": "2"},
        {"type": "", "id": "a4", "seen_at": "", "price": ""},
        {"type": "tap", "id": "a5", "seen_at": "", "price": ""},
    ]
    if name == "log.csv":
        content = "\n".join(["Type,id,seen_at,price", *(",".join(one.values()) for one in records)]) + "\n"
    elif name == "log.json":
        content = json.dumps(records, indent=1)
    else:
        content = lines(*records).decode()
    drop(tmp_path, name, content.encode(), source="events")

    report = extracted(tmp_path, sources=[events(two_kinds)])

    assert rows(tmp_path, "test_clicks", "id, seen_at is not null, _position", "_position") == [
        ("a1", True, 1),
        ("a5", False, 7),
    ]
    assert rows(tmp_path, "test_sales", "id, price, _position", "_position") == [(7, Decimal("1.5"), 2)]
    rejected = rows(tmp_path, "rejected_records", "kind, _position, reason, value", "_position")
    assert [(*facts, value or "") for *facts, value in rejected] == [
        ("test_clicks", 3, "unreadable_time", "noon"),
        ("test_clicks", 4, "unknown_event_type", "other"),
        ("test_sales", 5, "wrong_type", "x"),
        ("test_clicks", 6, "unknown_event_type", ""),
    ]
    assert rows(tmp_path, "loaded_files", LEDGER, "kind") == [
        ("events", "test_clicks", "loaded", 5, 2, 3, None),
        ("events", "test_sales", "loaded", 2, 1, 1, f"events/{name}"),
    ]
    assert (report.units, report.sources["events"].received, report.sources["events"].read) == (1, 1, 7)


def test_a_broken_line_of_a_file_with_two_kinds_is_counted_once(tmp_path: Path, two_kinds: tuple[Kind, Kind]) -> None:
    drop(tmp_path, "log.jsonl", b'{"type":"sale","id":1}\nnonsense\n[]\n', source="events")
    drop(tmp_path, "log.jsonl.manifest.json", b'{"rows": 3}', source="events")
    extracted(tmp_path, sources=[events(two_kinds)])
    assert rows(tmp_path, "rejected_records", "kind, line, reason", "line") == [
        ("test_clicks", 2, "broken_json"),
        ("test_clicks", 3, "not_an_object"),
    ]
    assert rows(tmp_path, "loaded_files", "kind, records_read, is_verified", "kind") == [
        ("test_clicks", 2, True),
        ("test_sales", 1, True),
    ]


def test_a_kind_that_is_added_later_gets_its_table(tmp_path: Path, two_kinds: tuple[Kind, Kind]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for kind in two_kinds:
            patch.delitem(tables.RAW_TABLES, kind.name)
        extracted(tmp_path)
    extracted(tmp_path)
    assert rows(tmp_path, "test_clicks") == []


@pytest.mark.parametrize("name", ["source", "_position"])
def test_a_field_cannot_have_the_name_of_a_column_of_ours(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        RecordType({name: FieldType.TEXT})


def test_each_of_several_kinds_needs_a_value(two_kinds: tuple[Kind, Kind]) -> None:
    with pytest.raises(ValueError, match="kind_of"):
        SourceConfig("events", two_kinds)
    with pytest.raises(ValueError, match="kind_of"):
        SourceConfig("events", two_kinds, KindChoice("type", {"click": two_kinds[0]}))


def test_a_rebuild_reads_every_source_again(tmp_path: Path) -> None:
    drop(tmp_path, "export.jsonl", lines(record(1)))
    extracted(tmp_path)
    assert rebuilt(tmp_path).units == 1
