"""Avro files give the rows that the same records give as JSON; what is no whole file of it is quarantined."""

import io
import json
import math
import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import fastavro
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from support.extracting import drop, extracted, rows

from extract.convert import RecordRejected
from extract.files import shape_of
from extract.privacy import privacy_of
from extract.profile import Column, Profile
from extract.readers import UnreadableFile, read_file
from extract.readers.avro import avro_rows, read_avro
from extract.readers.avro_container import CODECS
from extract.registry import SOURCES
from extract.source import SourceConfig

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
BIDS = SOURCES["bid_requests"]


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


def test_a_record_that_is_too_long_costs_itself_however_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("extract.readers.avro.LONGEST_RECORD", 1000)
    monkeypatch.setattr("extract.readers.avro._AT_ONCE", 1000)
    (tmp_path / "a.avro").write_bytes(written(PLAIN, [request(1), request(2, id="x" * 2000), request(3)]))
    rows = dict(avro_rows(tmp_path / "a.avro", {1, 2, 3}))
    assert isinstance(rows[2], RecordRejected)
    assert rows[2].reason == "too_long"
    assert isinstance(rows[3], dict)


def test_what_is_much_in_memory_is_decoded_a_little_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wide = record("Wide", **{f"a{number}": ["null", "string"] for number in range(100)})
    schema = schema_of(
        ID, TIME, {"name": "user", "type": record("User", data={"type": "array", "items": ["null", wide]})}
    )
    path = tmp_path / "a.avro"
    path.write_bytes(
        written(schema, [request(one, user={"data": [None] * 2_000}) for one in range(6)], sync_interval=1)
    )
    shape = shape_of(BIDS, BIDS.kinds[0], ZoneInfo("UTC"), privacy_of(BIDS.kinds, BIDS.fields, KEY))
    assert [len(batch) for batch in read_avro(path, shape)] == [6]
    monkeypatch.setattr("extract.readers.avro_arrow._MEMORY", 2 * 2_000 * 100 * 20)
    assert [len(batch) for batch in read_avro(path, shape)] == [2, 2, 2]


def test_of_two_members_with_one_alias_the_last_counts(tmp_path: Path) -> None:
    member = [{"name": name, "type": "string", "aliases": ["domain"]} for name in ("x", "y")]
    site = {"name": "site", "type": {"type": "record", "name": "Site", "fields": member}}
    records = [request(1, site={"x": "p1", "y": "p2"})]
    found, _ = read(tmp_path / "a.avro", written(schema_of(ID, TIME, IMPS, site), records))
    assert found[0]["site"] == '{"domain":"p2"}'


def test_text_of_an_object_that_is_too_deep_costs_its_record(tmp_path: Path) -> None:
    deep = {number: "[" * number + "]" * number for number in (150, 300, 900, 3000)}
    site = {"name": "site", "type": "string"}
    records = [request(number, site=f'{{"x":{text}}}') for number, text in deep.items()]
    found, rejected = read(tmp_path / "a.avro", written(schema_of(ID, TIME, IMPS, site), records))
    assert [row["id"] for row in found] == ["r150"]
    assert rejected == [(position, "wrong_type", "site") for position in (2, 3, 4)]


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


def test_nobody_hears_how_polars_gives_up(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    content = written(PLAIN, [request(1)]).replace(b"\x04r1", b"\x7er1")  # a text that is longer than its block
    assert unreadable(tmp_path / "a.avro", content).startswith("broken_avro: a record cannot be decoded")
    assert capfd.readouterr().err == ""


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


TEXTS = (
    None, "", " ", "a", " a ", "1", "-1", "none", "0000-0000", "[NAME]", "${PRICE}", '="7"', "7.0", "x" * 2_000, "a\0b",
    "ann@example.com", "+4915112345678", "203.0.113.77", "48.137,11.576", "AB" * 16, "é\N{LINE SEPARATOR}", '"}{\\',
    "9395A2E9-FA8B-4046-887C-DA1BF7772213", "203.0.113.256", "2001:db8::7", '["ann@example.com"]', "ann.b", "NULL",
)  # fmt: skip
DOUBLES = (None, 0.0, -0.0, 0.1, 1.25, -3.5, 1e-7, 1e22, 1e300, 1.0000005, math.nan, math.inf, 12_345.678901)
LONGS = (None, 0, 1, -1, 1_793_613_600_123, 2**63 - 1, -(2**63), 253_402_300_800_000)


def optional(type_: Any) -> list[Any]:
    return ["null", type_]


def record(name: str, **fields: Any) -> dict[str, Any]:
    return {"type": "record", "name": name, "fields": [{"name": one, "type": type_} for one, type_ in fields.items()]}


GEO = record("Geo", region=optional("string"), country=optional("string"), lat=optional("double"), accuracy="float")
SEGMENT = record("Segment", id=optional("string"), weight=["double", "null"])
DATA = record("Data", label="string", segment=optional({"type": "array", "items": optional(SEGMENT)}))
HOSTILE = record(
    "BidRequest",
    id=optional("string"),
    timestamp=optional({"type": "long", "logicalType": "timestamp-millis"}),
    exchange=["string", "null"],
    at=optional("double"),
    tmax=optional("string"),
    test=optional("string"),
    imp={
        "type": "array",
        "items": optional(
            record("Imp", id=optional("string"), bidfloor=optional("double"), bidfloorcur=optional("string"))
        ),
    },
    site=optional(
        record("Site", publisher=optional(record("Publisher", id=optional("string"))), domain=optional("string"))
    ),
    app=optional("string"),
    device=optional(
        record("Device", ip=optional("string"), ifa=optional("string"), devicetype=optional("long"), geo=optional(GEO))
    ),
    user=record(
        "User",
        id=optional("string"),
        keywords={"type": "array", "items": optional("string")},
        data=optional({"type": "array", "items": DATA}),
        geo=optional("Geo"),
        eids={"type": "map", "values": optional("string")},
    ),
    more=optional("long"),
    email=optional({"type": "array", "items": "string"}),
    price={"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 3},
    level=optional({"type": "enum", "name": "Level", "symbols": ["low", "high"]}),
    is_new=optional("boolean"),
    tags={"type": "map", "values": optional("double")},
    ext=optional(record("Ext", user_id=optional("string"), data=optional("Data"), geo=optional("Geo"))),
)
texts, doubles, longs = st.sampled_from(TEXTS), st.sampled_from(DOUBLES), st.sampled_from(LONGS)
segments = st.none() | st.fixed_dictionaries({"id": texts, "weight": doubles})
data = st.fixed_dictionaries({"label": texts.map(str), "segment": st.none() | st.lists(segments, max_size=2)})
geos = st.none() | st.fixed_dictionaries(
    {"region": texts, "country": texts, "lat": doubles, "accuracy": st.sampled_from([0.0, -0.0, 0.1, math.nan])}
)
imps = st.none() | st.fixed_dictionaries({"id": texts, "bidfloor": doubles, "bidfloorcur": texts})
hostile = st.fixed_dictionaries(
    {
        "id": texts,
        "timestamp": longs,
        "exchange": texts,
        "at": doubles,
        "tmax": texts,
        "test": texts,
        "imp": st.lists(imps, max_size=3),
        "site": st.none()
        | st.fixed_dictionaries({"publisher": st.none() | st.fixed_dictionaries({"id": texts}), "domain": texts}),
        "app": texts | st.sampled_from(['{"bundle": "7.0", "x": [null, {}]}', '{"a": 1, "a": 2}']),
        "device": st.none() | st.fixed_dictionaries({"ip": texts, "ifa": texts, "devicetype": longs, "geo": geos}),
        "user": st.fixed_dictionaries(
            {
                "id": texts,
                "keywords": st.lists(texts, max_size=2),
                "data": st.none() | st.lists(data, max_size=2),
                "geo": geos,
                "eids": st.dictionaries(st.sampled_from(["a", "email", "é"]), texts, max_size=2),
            }
        ),
        "more": longs,
        "email": st.none() | st.lists(texts.map(str), max_size=2),
        "price": st.sampled_from([Decimal("0.001"), Decimal("-7.5"), Decimal(0)]),
        "level": st.sampled_from([None, "low", "high"]),
        "is_new": st.sampled_from([None, True, False]),
        "tags": st.dictionaries(st.sampled_from(["a", "email", "lat", "é"]), doubles, max_size=2),
        "ext": st.none() | st.fixed_dictionaries({"user_id": texts, "data": st.none() | data, "geo": geos}),
    }
)
# Most records have few odd values, or none would be loaded.
FEW_ARE_ODD = ("site", "user", "exchange", "more", "email", "price", "level", "is_new", "tags", "ext")
USUAL = request(1, at=1.0, tmax="7", test="0", app=None, device=None)
usual = hostile.map(lambda one: USUAL | {name: one[name] for name in FEW_ARE_ODD})


def read_both_ways(path: Path, config: SourceConfig = SOURCES["bid_requests"]) -> list[object]:
    """What is read of a file at once, and record by record, or why it cannot be."""
    shape = shape_of(config, config.kinds[0], ZoneInfo("UTC"), privacy_of(config.kinds, config.fields, KEY))

    def told() -> object:
        try:
            batches = [*read_avro(path, shape)]
        except UnreadableFile as why:
            return str(why)
        rejected = [why for one in batches for why in one.rejected]
        remarks = sum((one.remarks for one in batches), Counter())
        return [row for one in batches for row in one.records.to_pylist()], rejected, remarks

    at_once = told()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("extract.readers.avro._columns", lambda converter, shape: None)
        return [at_once, told()]


@settings(
    max_examples=int(os.environ.get("READER_EXAMPLES", "60")),
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # to shrink such records takes minutes
)
@given(records=st.lists(usual | hostile, min_size=1, max_size=30), interval=st.sampled_from([50, 16_000]))
def test_records_mean_the_same_at_once(
    tmp_path_factory: pytest.TempPathFactory, records: list[dict[str, Any]], interval: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "a.avro"
    path.write_bytes(written(HOSTILE, records, sync_interval=interval))
    at_once, one_by_one = read_both_ways(path)
    assert at_once == one_by_one


@settings(
    max_examples=int(os.environ.get("READER_EXAMPLES", "60")), deadline=None, phases=[Phase.reuse, Phase.generate]
)
@given(
    records=st.lists(usual | hostile, min_size=1, max_size=3),
    place=st.integers(0, 1 << 20),
    byte=st.integers(0, 255),
    is_cut=st.booleans(),
)
def test_what_is_broken_is_so_at_once_too(
    tmp_path_factory: pytest.TempPathFactory, records: list[dict[str, Any]], place: int, byte: int, is_cut: bool
) -> None:
    path = tmp_path_factory.getbasetemp() / "b.avro"
    content = bytearray(written(HOSTILE, records, sync_interval=50))
    start = content.index(content[-16:]) + 16  # behind the header
    place = start + place % (len(content) - start)
    content[place:] = b"" if is_cut else bytes([byte]) + content[place + 1 :]
    path.write_bytes(content)
    at_once, one_by_one = read_both_ways(path)
    assert at_once == one_by_one


PROFILES = (
    Profile(),
    Profile(id_prefix="p:", nulls=frozenset({"a", "1", "0.1"}), date_format="%d.%m.%Y %H:%M"),
    Profile(
        columns={"bid_price": Column(divide_by=Decimal(1000)), "imp_id": Column("more"), "ad_type": Column("ad_id")}
    ),
    Profile(time_origin=datetime(2020, 1, 1, tzinfo=UTC), skip=frozenset({"email"}), decimal=","),
)
TIMES = ("2026-11-01T10:00:00Z", "2026-11-01 01:30:00", "2026-11-02", "01.11.2026 01:30", "1793613600123", "77", "soon")
instants = st.sampled_from([0, 1_793_613_600, 1_793_613_600_123, 1_793_613_600_123_456, 2**62, -(2**63)])
WRITTEN_TIMES: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (optional("string"), st.sampled_from(TIMES) | texts),
    (optional("long"), st.none() | instants),
    *(
        ({"type": "long", "logicalType": f"{what}-{unit}"}, instants)
        for what in ("timestamp", "local-timestamp")
        for unit in ("millis", "micros", "nanos")
    ),
    ({"type": "int", "logicalType": "date"}, st.sampled_from([0, 20_000, -(2**31)])),
]
FLAT = record(
    "Impression",
    impression_id=optional("string"),
    ad_id=["string", "null"],
    campaign_id="long",
    publisher_id=optional("double"),
    user_id=optional("string"),
    device_type="bytes",
    platform=optional("boolean"),
    bid_price=optional("double"),
    site_domain=optional("string"),
    auction_id="float",
    more="string",
    email=optional("string"),
)
flat = st.fixed_dictionaries(
    {
        "impression_id": texts,
        "ad_id": texts,
        "campaign_id": st.integers(-(2**63), 2**63 - 1),
        "publisher_id": doubles,
        "user_id": texts,
        "device_type": st.sampled_from([b"a", b"", b"\xff", b" 1 "]),
        "platform": st.none() | st.booleans(),
        "bid_price": st.sampled_from([None, 0.1, 1.25, -0.0, 1e-7]) | doubles,
        "site_domain": texts,
        "auction_id": st.sampled_from([0.0, 0.1, 7.0]),
        "more": texts.map(str),
        "email": texts,
    }
)


@settings(max_examples=int(os.environ.get("READER_EXAMPLES", "60")), deadline=None)
@given(
    records=st.lists(flat, min_size=1, max_size=20),
    times=st.sampled_from(WRITTEN_TIMES),
    chosen=st.sampled_from(PROFILES),
    timezone=st.sampled_from(["", "Europe/Berlin"]),
    draw=st.data(),
)
def test_flat_events_mean_the_same_at_once(
    tmp_path_factory: pytest.TempPathFactory,
    records: list[dict[str, Any]],
    times: tuple[Any, st.SearchStrategy[Any]],
    chosen: Profile,
    timezone: str,
    draw: st.DataObject,
) -> None:
    path = tmp_path_factory.getbasetemp() / "c.avro"
    schema = FLAT | {"fields": [*FLAT["fields"], {"name": "event_time", "type": times[0]}]}
    path.write_bytes(written(schema, [one | {"event_time": draw.draw(times[1])} for one in records]))
    at_once, one_by_one = read_both_ways(path, replace(SOURCES["impressions"], profile=chosen, timezone=timezone))
    assert at_once == one_by_one
