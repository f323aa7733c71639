"""Avro files give the rows that the same records give as JSON; what is no whole file of it is quarantined."""

import io
import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import fastavro
import pytest
from support.extracting import drop, extracted, rows

from extract.files import shape_of
from extract.privacy import privacy_of
from extract.readers import UnreadableFile, read_file
from extract.readers.avro import CODECS
from extract.registry import SOURCES

KEY = "a key of sixteen or more"
FLOOR = {"name": "bidfloor", "type": ["null", "double"], "default": None}
IMP = {"type": "record", "name": "Imp", "fields": [{"name": "id", "type": "string"}, FLOOR]}
TIME = {"name": "timestamp", "type": {"type": "long", "logicalType": "timestamp-millis"}}
ID = {"name": "id", "type": "string"}
IMPS = {"name": "imp", "type": {"type": "array", "items": IMP}}
AT = datetime(2026, 11, 2, 10, 0, 0, 123000, UTC)


def schema_of(*fields: Mapping[str, Any], name: str = "BidRequest") -> dict[str, Any]:
    return {"type": "record", "name": name, "fields": [*fields]}


def request(number: int, **more: Any) -> dict[str, Any]:
    return {"id": f"r{number}", "timestamp": AT, "imp": [{"id": "1", "bidfloor": 0.5}]} | more


def written(schema: dict[str, Any], records: Iterable[dict[str, Any]], codec: str = "null", **more: Any) -> bytes:
    sink = io.BytesIO()
    fastavro.writer(sink, fastavro.parse_schema(schema, named_schemas={}), records, codec=codec, **more)
    return sink.getvalue()


PLAIN = schema_of(ID, TIME, IMPS)


def read(path: Path, content: bytes, source: str = "bid_requests") -> tuple[list[dict[str, Any]], list[Any]]:
    """The rows that a file comes to, without nulls, and the records rejected."""
    path.write_bytes(content)
    config = SOURCES[source]
    shape = shape_of(config, config.kinds[0], ZoneInfo("UTC"), privacy_of(config.kinds, config.fields, KEY))
    batches = [*read_file(path, shape)]
    found = [row for batch in batches for row in batch.records.to_pylist()]
    return [{name: value for name, value in row.items() if value is not None} for row in found], [
        (one.position, one.reason, one.field) for batch in batches for one in batch.rejected
    ]


def unreadable(path: Path, content: bytes) -> str:
    with pytest.raises(UnreadableFile) as caught:
        read(path, content)
    return str(caught.value)


@pytest.mark.parametrize("codec", CODECS)
def test_all_codecs_give_the_same_rows(tmp_path: Path, codec: str) -> None:
    content = written(PLAIN, map(request, range(300)), codec, sync_interval=1_000)
    expected, _ = read(tmp_path / "plain.avro", written(PLAIN, map(request, range(300))))
    found, rejected = read(tmp_path / "a.avro", content)
    assert found == expected
    assert len(found) == 300
    assert not rejected
    assert [row["_position"] for row in found] == [*range(1, 301)]


def test_avro_and_json_give_the_same_cells(tmp_path: Path) -> None:
    geo = {
        "type": "record",
        "name": "Geo",
        "fields": [{"name": name, "type": "string"} for name in ("country", "region")],
    }
    device = {
        "type": "record",
        "name": "Device",
        "fields": [
            {"name": "devicetype", "type": ["null", "int"]},
            {"name": "ifa", "type": ["null", "string"]},
            {"name": "ip", "type": ["null", "string"]},
            {"name": "geo", "type": ["null", geo]},
        ],
    }
    user = {"type": "record", "name": "User", "fields": [{"name": "id", "type": ["null", "string"]}]}
    schema = schema_of(
        ID, TIME, IMPS, {"name": "device", "type": ["null", device]}, {"name": "user", "type": ["null", user]},
        {"name": "more", "type": {"type": "map", "values": ["null", "long"]}},
    )  # fmt: skip
    nobody: dict[str, Any] = {"devicetype": None, "ifa": None, "ip": None, "geo": None}
    somebody = {"devicetype": 4, "ifa": "AB" * 16, "ip": "203.0.113.77", "geo": {"country": "USA", "region": "CA"}}
    records = [
        request(1, device=somebody, user={"id": "ann"}, more={"a": 7}),
        request(2, device=nobody, user={"id": None}, more={"a": None}),
        request(3, device=None, user=None, more={}),
    ]
    as_json = "".join(json.dumps(one | {"timestamp": 1793613600123}) + "\n" for one in records)
    found, _ = read(tmp_path / "a.avro", written(schema, records))
    assert found == read(tmp_path / "a.jsonl", as_json.encode())[0]
    assert "ann" not in str(found)
    assert [row.get("device") for row in found[1:]] == [None, None]


def test_older_and_newer_schemas_are_resolved_by_names(tmp_path: Path) -> None:
    older = schema_of(
        {"name": "ID", "type": "long"},
        {"name": "timestamp", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        name="other.v1.Request",
    )
    found, _ = read(tmp_path / "a.avro", written(older, [{"ID": 7, "timestamp": AT}]))
    assert found == [{"id": "7", "timestamp": 1793613600123000, "_is_whole_day": False, "_position": 1}]
    newer = schema_of(
        {"name": "request_id", "type": "string", "aliases": ["id"]},
        TIME,
        {
            "name": "imp",
            "type": {
                "type": "array",
                "items": {
                    "type": "record",
                    "name": "Slot",
                    "fields": [
                        {"name": "slot", "type": "int", "aliases": ["id"]},
                        {"name": "floor", "type": "float", "aliases": ["bidfloor"]},
                    ],
                },
            },
        },
        {"name": "added", "type": "string"},
    )
    records = [{"request_id": "r", "timestamp": AT, "imp": [{"slot": 1, "floor": 12345.678}], "added": "x"}]
    (row,), _ = read(tmp_path / "a.avro", written(newer, records))
    assert (row["id"], row["imp"], row["_extra"]) == (
        "r",
        '[{"bidfloor":"12345.678000","id":"1"}]',
        '{"added":"x"}',
    )


def test_logical_types_are_what_they_mean(tmp_path: Path) -> None:
    money = {"type": "bytes", "logicalType": "decimal", "precision": 20, "scale": 7}
    fixed = {"type": "fixed", "size": 9, "name": "F", "logicalType": "decimal", "precision": 20, "scale": 2}
    fields = {
        "impression_id": {"type": "string", "logicalType": "uuid"},
        "ad_id": {"type": "enum", "name": "E", "symbols": ["A1", "A2"]},
        "event_time": {"type": "long", "logicalType": "local-timestamp-micros"},
        "bid_price": ["null", money],
        "publisher_id": fixed,
        "site_domain": "bytes",
        "user_id": "string",
        "day": {"type": "int", "logicalType": "date"},
    }
    schema = schema_of(*({"name": name, "type": kind} for name, kind in fields.items()))
    record = {
        "impression_id": "6f1c6f0e-0000-4000-8000-000000000001",
        "ad_id": "A2",
        "event_time": datetime(2026, 11, 2, 10, 0, 0, 123456),  # noqa: DTZ001 - the type has no zone
        "bid_price": Decimal("0.1234565"),
        "publisher_id": Decimal("708746.00"),
        "site_domain": b"a.example",
        "user_id": "0",
        "day": date(2026, 11, 1),
    }
    (row,), _ = read(tmp_path / "a.avro", written(schema, [record]), "impressions")
    assert row == {
        "impression_id": "6f1c6f0e-0000-4000-8000-000000000001",
        "ad_id": "A2",
        "event_time": 1793613600123456,
        "bid_price": Decimal("0.123457"),
        "publisher_id": "708746",
        "site_domain": "a.example",
        "_is_whole_day": False,
        "_extra": '{"day":"2026-11-01"}',
        "_position": 1,
    }


def test_a_broken_record_costs_itself(tmp_path: Path) -> None:
    schema = schema_of(ID, {"name": "timestamp", "type": ["null", "long", "string"]}, IMPS)
    ago = 1793613600123
    records = [
        request(1, timestamp=ago),
        request(2, timestamp=None),
        request(3, timestamp="soon"),
        request(4, timestamp=ago, imp=[{"id": "", "bidfloor": 1.0}]),
        request(5, timestamp=ago, imp=[{"id": "1", "bidfloor": float("nan")}]),
        request(6, timestamp=ago, imp=[{"id": "1", "bidfloor": 1e13}]),
        request(7, timestamp=str(ago)),
    ]
    found, rejected = read(tmp_path / "a.avro", written(schema, records))
    assert [row["id"] for row in found] == ["r1", "r6", "r7"]
    assert rejected == [
        (2, "missing_field", "timestamp"),
        (3, "unreadable_time", "timestamp"),
        (4, "missing_field", "imp.0.id"),
        (5, "non_finite", "imp.0.bidfloor"),
    ]


def test_a_year_that_no_calendar_has_costs_its_record(tmp_path: Path) -> None:
    records = [request(1), request(2, timestamp=2**62), request(3, timestamp=-(2**62))]
    found, rejected = read(tmp_path / "a.avro", written(PLAIN, records))
    assert [row["id"] for row in found] == ["r1"]
    assert rejected == [(2, "out_of_range", "timestamp"), (3, "out_of_range", "timestamp")]


def test_what_is_no_whole_file_is_quarantined_with_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.avro"
    whole = written(PLAIN, map(request, range(100)), "deflate", sync_interval=500)
    assert unreadable(path, whole[:-20]).startswith("cut_off: the file ends within a block")
    assert unreadable(path, whole + whole).startswith("several_files: behind its end another Avro file begins")
    assert unreadable(path, b"\0\0\0\0\x11" + whole).startswith("broken_avro: messages with the header of a schema")
    assert unreadable(path, b"\xc3\x01" + whole).startswith("broken_avro: single messages")
    assert unreadable(path, b"id,timestamp\n").startswith("broken_avro: it does not begin as an Avro file")
    assert unreadable(path, whole[:30]).startswith("broken_avro: its header cannot be read")
    middle = len(whole) // 2
    assert unreadable(path, whole[:middle] + b"?" * 40 + whole[middle + 40 :]).startswith("broken_avro")
    snappy = bytearray(written(PLAIN, map(request, range(100)), "snappy"))
    snappy[-20] ^= 1  # of the checksum
    assert unreadable(path, bytes(snappy)).startswith("broken_avro: a block differs from its checksum")


def test_a_schema_that_does_not_fit_names_both_fingerprints(tmp_path: Path) -> None:
    path = tmp_path / "a.avro"
    flat = schema_of(ID, TIME, {"name": "imp", "type": "long"})
    said = unreadable(path, written(flat, [{"id": "a", "timestamp": AT, "imp": 1}]))
    told = r"incompatible_schema: imp is long, where JSON is due \(its schema is [0-9a-f]{16}, ours [0-9a-f]{16}\)"
    assert re.fullmatch(told, said)
    both = schema_of(ID, TIME, {"name": "tmax", "type": ["float", "double"]})
    assert "float and double cannot be told apart" in unreadable(path, written(both, []))
    assert unreadable(path, written(schema_of(ID), [])) == "missing_column: timestamp"
    assert unreadable(path, written({"type": "string"}, [])).startswith(
        "incompatible_schema: its values are no records"
    )


def test_the_ledger_has_the_fingerprint_of_the_writers_schema(tmp_path: Path) -> None:
    drop(tmp_path, "a.avro", written(PLAIN, [request(1)]), source="bid_requests")
    drop(tmp_path, "b.avro", written(PLAIN, [request(2)], "xz"), source="bid_requests")
    drop(tmp_path, "c.avro", written(PLAIN, [request(3)])[:-3], source="bid_requests")
    drop(tmp_path, "d.jsonl", b'{"id":"r4","timestamp":1793613600123}\n', source="bid_requests")
    extracted(tmp_path, sources=[SOURCES["bid_requests"]], privacy_key=KEY)
    told = rows(tmp_path, "loaded_files", "file_name, format, status, schema_fingerprint", "file_name")
    expected = fastavro.schema.fingerprint(fastavro.schema.to_parsing_canonical_form(PLAIN), "CRC-64-AVRO")
    assert told == [
        ("a.avro", "avro", "loaded", expected),
        ("b.avro", "avro", "loaded", expected),
        ("c.avro", "avro", "quarantined", expected),
        ("d.jsonl", "json", "loaded", None),
    ]
