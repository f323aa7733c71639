"""A rejected record is explained in words, and shown as it was received."""

import csv
import gzip
import io
import json
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.extracting import api_at, drop, extracted, lines, record, rows
from support.platform import answering, page

from extract.as_received import ReceivedRecord, records_as_received
from extract.files import shape_of
from extract.landing import Landing
from extract.profile import renamed
from extract.rejection import explain_rejection, type_of_field
from extract.schema import FieldType
from extract.source import SourceConfig
from extract.sources.campaign_delivery import KIND
from extract.storage import Folder

HEADER = ",".join(record(1))


def shown(home: Path, fields: dict[str, str] | None = None) -> list[tuple[str, str | None]]:
    """Each rejected record: why, and how it came."""
    columns = "kind, reason, field, value, _source, _position, line"
    found = []
    for kind, reason, field, value, path, position, line in rows(
        home, "rejected_records", columns, "_source, _position"
    ):
        record = received(home, path, [position], fields).get(position)
        assert record is None or record.line == line
        words = explain_rejection(reason, field, value, type_of_field(kind, field, fields or {}))
        found.append((words, record.text if record else None))
    return found


def received(
    home: Path, path: str, positions: list[int], fields: dict[str, str] | None = None
) -> dict[int, ReceivedRecord]:
    shape = shape_of(SourceConfig("any", (KIND,), profile=renamed(fields or {})), KIND, ZoneInfo("UTC"), None)
    records = (fields or {}).get("records", "records")
    return records_as_received(Landing(Folder.at(home / "landing")), path, positions, shape, records)


def cells(**changes: object) -> str:
    return ",".join(str(cell) for cell in record(1, **changes).values())


@pytest.mark.parametrize("name", ["export.csv", "export.csv.gz"])
def test_records_of_csv(tmp_path: Path, name: str) -> None:
    bad_day = cells(date="20/11/2026", city='"L\n\nA"')
    content = "\n".join(["", HEADER, cells(), bad_day, "", 'too,"short', cells(clicks="many"), cells(), ""]).encode()
    drop(tmp_path, name, gzip.compress(content) if name.endswith("gz") else content)
    extracted(tmp_path)
    assert shown(tmp_path) == [
        ('date "20/11/2026" is not a date (YYYY-MM-DD)', bad_day),
        ("it has more or fewer fields than the header, or a quote that is not closed", 'too,"short'),
        ('clicks "many" is not a whole number', cells(clicks="many")),
    ]


def test_records_of_json_lines(tmp_path: Path) -> None:
    drop(tmp_path, "a.jsonl", lines(record(1)) + b'\n{"cut\n' + lines(record(2, spend="1e99", brand=" x ")))
    extracted(tmp_path)
    assert shown(tmp_path) == [
        ("it is not valid JSON", '{"cut'),
        (
            'spend "1e99" has more than 32 digits before the decimal point',
            json.dumps(record(2, spend="1e99", brand=" x ")),
        ),
    ]


def test_records_of_a_json_array(tmp_path: Path) -> None:
    bad = json.dumps(record(3, impressions=True), indent=1)
    drop(tmp_path, "a.json", b" [" + lines(record(1)) + b",,\n" + bad.encode() + b",\n3\n]")
    extracted(tmp_path)
    assert shown(tmp_path) == [
        ("it is not valid JSON", ""),
        ('impressions "true" is not a whole number', bad),
        ("it is not a JSON object", "3"),
    ]


def test_records_of_an_api(tmp_path: Path) -> None:
    answers = {"1": [record(1), record(2, clicks=1.5)], "2": [record(3, date="soon")]}

    def answer(asked: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        status, headers, body = page(asked, page=int(asked["page"]), pages=2, total=3, data=answers[asked["page"]])
        told = json.loads(body)
        del told["records"]
        return status, headers, json.dumps(told).encode()

    fields = {"records": "data"}
    with answering(answer) as (url, _):
        assert extracted(tmp_path, api_at(url, until=api_at(url).since), fields=fields).errors == []
    assert shown(tmp_path, fields) == [
        ('clicks "1.5" is not a whole number', json.dumps(record(2, clicks=1.5))),
        ('date "soon" is not a date (YYYY-MM-DD)', json.dumps(record(3, date="soon"))),
    ]


def test_what_landing_does_not_have_is_not_shown(tmp_path: Path) -> None:
    drop(tmp_path, "a.jsonl", b"3\n" + lines(record(1)))
    extracted(tmp_path)
    assert received(tmp_path, "campaign_files/2026-11-23/gone/a.jsonl", [1]) == {}
    ((path,),) = rows(tmp_path, "rejected_records", "_source")
    assert received(tmp_path, path, [1, 3]) == {1: ReceivedRecord("3", 1)}


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.json", "a.csv", "a.csv.gz", "a.parquet"])
def test_any_record_is_found_by_its_number(tmp_path: Path, name: str) -> None:
    records = [record(number, brand='two\nlines, "quoted"' if number % 3 else " x ") for number in range(1, 200)]
    if ".csv" in name:
        export = io.StringIO()
        writer = csv.DictWriter(export, HEADER.split(","), lineterminator="\n\n")
        writer.writeheader()
        writer.writerows(records)
        content = b"\n" + export.getvalue().encode()
    elif name == "a.parquet":
        pq.write_table(pa.Table.from_pylist(records), tmp_path / name, row_group_size=40)
        content = (tmp_path / name).read_bytes()
    else:
        content = json.dumps(records, indent=1).encode() if name == "a.json" else b"\n" + lines(*records)
    drop(tmp_path, name, gzip.compress(content) if name.endswith("gz") else content)
    extracted(tmp_path)

    raw = {number: (path, ad) for path, number, ad in rows(tmp_path, "campaign_delivery", "_source, _position, ad_id")}
    assert len(raw) == len(records)
    wanted = [1, 2, 3, 40, 41, 100, 199]
    found = received(tmp_path, raw[1][0], [*wanted, 200])
    assert sorted(found) == wanted
    for position, one in found.items():
        assert raw[position][1] in one.text
        if name != "a.parquet":
            assert one.line is not None
            assert content.decode().split("\n")[one.line - 1].strip() == one.text.split("\n")[0]
        if ".csv" not in name:
            assert json.loads(one.text) == records[position - 1]


def test_a_long_value_is_cut(tmp_path: Path) -> None:
    drop(tmp_path, "a.jsonl", lines(record(1, clicks="9" * 5000), record(2)))
    extracted(tmp_path)
    assert rows(tmp_path, "rejected_records", "length(value)") == [(1000,)]


@pytest.mark.parametrize(
    ("reason", "field", "value", "field_type", "words"),
    [
        ("wrong_type", "tags", "x", FieldType.JSON, 'tags "x" is not a JSON object or array'),
        ("wrong_type", "won", "maybe", FieldType.BOOLEAN, 'won "maybe" is not true or false'),
        ("wrong_type", "at", "noon", FieldType.TIMESTAMP, 'at "noon" is not a time (YYYY-MM-DDTHH:MM:SSZ)'),
        ("wrong_type", "x", "y", None, 'x "y" is not what the field holds'),
        ("non_finite", "spend", "NaN", FieldType.MONEY, 'spend "NaN" is not a finite number'),
        ("out_of_range", "clicks", "1e30", FieldType.COUNT, 'clicks "1e30" is beyond a whole number of 64 bits'),
        ("out_of_range", "x", "1", None, 'x "1" is out of range'),
        ("unknown_event_type", "type", "", None, 'type "" names no kind of record that this source has'),
        ("duplicate_key", "spend", None, FieldType.MONEY, "spend comes twice, with different values"),
        ("too_long", None, None, None, "it is longer than 16,777,216 bytes"),
    ],
)
def test_every_reason_has_words(
    reason: str, field: str | None, value: str | None, field_type: FieldType | None, words: str
) -> None:
    assert explain_rejection(reason, field, value, field_type) == words
