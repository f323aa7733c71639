"""A rejected record is explained in words, and shown as it was received."""

import gzip
import json
from pathlib import Path

import pytest
from support.extracting import api_at, drop, extracted, lines, record, rows
from support.platform import answering, page

from extract.landing import Landing
from extract.rejection import explain_rejection, record_as_received, type_of_field
from extract.schema import FieldType
from extract.storage import Folder

HEADER = ",".join(record(1))


def shown(home: Path, fields: dict[str, str] | None = None) -> list[tuple[str, str | None]]:
    """Each rejected record: why, and how it came."""
    landing = Landing(Folder.at(home / "landing"))
    columns = "kind, reason, field, value, _source, _position, line"
    return [
        (
            explain_rejection(reason, field, value, type_of_field(kind, field, fields or {})),
            record_as_received(landing, path, position, line, fields or {}),
        )
        for kind, reason, field, value, path, position, line in rows(
            home, "rejected_records", columns, "_source, _position"
        )
    ]


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
        ("it is not valid JSON", None),
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
    drop(tmp_path, "a.jsonl", b"[]\n")
    extracted(tmp_path)
    landing = Landing(Folder.at(tmp_path / "landing"))
    assert record_as_received(landing, "campaign_files/2026-11-23/gone/a.jsonl", 1, 1, {}) is None


def test_a_long_value_is_cut(tmp_path: Path) -> None:
    drop(tmp_path, "a.jsonl", lines(record(1, clicks="9" * 5000)))
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
        ("unknown_kind", "type", "", None, 'type "" names no kind of record that this source has'),
        ("too_long", None, None, None, "it is longer than 1,048,576 bytes"),
    ],
)
def test_every_reason_has_words(
    reason: str, field: str | None, value: str | None, field_type: FieldType | None, words: str
) -> None:
    assert explain_rejection(reason, field, value, field_type) == words
