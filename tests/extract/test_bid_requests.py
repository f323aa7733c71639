"""Bid requests as exchanges send them: what is known in them is cast, and nobody is named in them."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.extracting import RecordedProgress, drop, extracted, rows
from support.forgetting import files_that_say, forgotten
from test_avro import IMPS, TIME, schema_of, written

from extract.files import shape_of
from extract.privacy import privacy_of
from extract.profile import renamed
from extract.readers import read_file
from extract.registry import SOURCES
from extract.source import SourceConfig

KEY = "a key of sixteen or more"
CASES = Path(__file__).parents[1] / "cases" / "events"
AT = 1793613600123
BID_REQUESTS = SOURCES["bid_requests"]
AS_SENT = replace(BID_REQUESTS, profile=renamed({"timestamp": "ext.ts"}))


def request(number: int, **more: Any) -> dict[str, Any]:
    return {"id": f"r{number}", "timestamp": AT, "imp": [{"id": "1"}]} | more


def as_lines(*records: dict[str, Any]) -> bytes:
    return "".join(json.dumps(one) + "\n" for one in records).encode()


def read(path: Path, content: bytes, source: SourceConfig = BID_REQUESTS, size: int = 1 << 20) -> list[dict[str, Any]]:
    """The rows that a file comes to; no record is rejected."""
    path.write_bytes(content)
    shape = shape_of(source, source.kinds[0], ZoneInfo("UTC"), privacy_of(source.kinds, source.fields, KEY))
    batches = [*read_file(path, shape, size)]
    assert not [one for batch in batches for one in batch.rejected]
    return [row for batch in batches for row in batch.records.to_pylist()]


def test_a_log_without_times_is_quarantined_and_says_what_to_map(tmp_path: Path) -> None:
    said = RecordedProgress()
    drop(
        tmp_path, "bid_requests.jsonl", (CASES / "openrtb_as_sent" / "bid_requests.jsonl").read_bytes(), "bid_requests"
    )
    extracted(tmp_path, sources=[BID_REQUESTS], privacy_key=KEY, said=said)
    ((status, reason, detail),) = rows(tmp_path, "loaded_files", "status, reason, detail")
    assert (status, reason) == ("quarantined", "too_many_rejected")
    assert "timestamp is missing: if the source writes it elsewhere, say where in `columns`" in detail


def test_the_time_comes_from_where_the_source_says(tmp_path: Path) -> None:
    said = RecordedProgress()
    drop(
        tmp_path, "bid_requests.jsonl", (CASES / "openrtb_as_sent" / "bid_requests.jsonl").read_bytes(), "bid_requests"
    )
    extracted(tmp_path, sources=[AS_SENT], privacy_key=KEY, said=said)
    assert rows(tmp_path, "loaded_files", "records_read, records_loaded, records_rejected") == [(8, 7, 1)]
    assert rows(tmp_path, "rejected_records", "_position, reason, field") == [(7, "missing_field", "ext.ts")]
    assert [message for message in said.messages if "1 record with one id several times in a list" in message]
    first, *_ = rows(tmp_path, "bid_requests", 'id, "timestamp", imp, device, _extra', "_position")
    assert first == (
        "R-1",
        AT * 1000,
        '[{"banner":{"h":250,"w":300},"bidfloor":"0.500000","id":"1"},{"banner":{"h":250,"w":300},"id":"2"}]',
        '{"geo":{"country":"USA","region":"CA"},"ip":"203.0.113.0/24","lmt":1}',
        None,
    )
    lake = [path.read_bytes() for path in (tmp_path / "lake").rglob("*.parquet")]
    assert not any(b"203.0.113.77" in content for content in lake)


def test_requests_in_avro_are_replayed_once_the_source_says_where_their_time_is(tmp_path: Path) -> None:
    ext = {"type": "record", "name": "Ext", "fields": [{"name": "ts", "type": ["null", "long"]}]}
    schema = schema_of({"name": "id", "type": "string"}, IMPS, {"name": "ext", "type": ext})
    times = [AT, AT + 1, None]
    imps = [{"id": "1", "bidfloor": 0.5}]
    requests = [{"id": f"r{number}", "imp": imps, "ext": {"ts": at}} for number, at in enumerate(times)]
    drop(tmp_path, "a.avro", written(schema, requests), "bid_requests")
    extracted(tmp_path, sources=[BID_REQUESTS], privacy_key=KEY)
    ((path, status),) = rows(tmp_path, "loaded_files", "_source, status")
    assert (status, rows(tmp_path, "bid_requests")) == ("quarantined", [])

    told = "reading, status, records_read, records_loaded, records_rejected"
    for reading in (1, 2):  # another profile reads all of landing again, which is the first reading of its ledger
        extracted(tmp_path, sources=[AS_SENT], privacy_key=KEY, is_landing_alone=True, replayed=[path])
        assert rows(tmp_path, "loaded_files", told, "reading")[-1] == (reading, "loaded", 3, 2, 1)
        loaded = rows(tmp_path, "bid_requests", "_dlt_load_id, id", "all")
        assert [one for load, one in loaded if load == loaded[-1][0]] == ["r0", "r1"]
        assert rows(tmp_path, "rejected_records", "field", "_dlt_load_id")[-1] == ("ext.ts",)
    extracted(tmp_path, sources=[AS_SENT], privacy_key=KEY)
    assert len(rows(tmp_path, "loaded_files")) == 2


def test_nobody_is_named_however_deep(tmp_path: Path) -> None:
    canary = {
        "user": {
            "id": "canary-1",
            "buyeruid": "canary-2",
            "eids": [{"source": "x", "uids": [{"id": "canary-3"}, {"id": "canary-4"}]}],
            "ext": {"eids": [{"uids": [{"id": "canary-5"}]}]},
            "customdata": "canary-6",
            "data": [{"id": "dmp", "segment": [{"id": "s1"}]}],
            "geo": {"lat": 37.774912, "lon": -122.419415},
        },
        "device": {
            "ifa": "canary-7",
            "didsha1": "canary-8",
            "macmd5": "canary-9",
            "ip": "203.0.113.77",
            "ua": "UA/1.2.3.4",
        },
        "site": {"domain": "a.example", "page": "https://a.example/?mail=canary@a.example"},
        "ext": {"user_id": "canary-10", "where": "37.774912,-122.419415"},
    }
    mapped = replace(BID_REQUESTS, profile=renamed({"user": "person"}))
    moved = {name: value for name, value in canary.items() if name != "user"} | {"person": canary["user"]}
    rejected = request(2, **canary) | {"timestamp": "never"}
    drop(tmp_path, "a.jsonl", as_lines(request(1, **canary), rejected), "bid_requests")
    extracted(tmp_path, sources=[BID_REQUESTS], privacy_key=KEY, most_rejected=1)
    drop(tmp_path, "b.jsonl", as_lines(request(3, **moved)), "bid_requests")
    extracted(tmp_path, sources=[mapped], privacy_key=KEY)
    told = str([rows(tmp_path, table) for table in ("bid_requests", "rejected_records")])
    assert "canary" not in told
    assert "203.0.113.77" not in told
    assert "37.77" not in told
    assert '"segment":[{"id":"s1"}]' in told
    users = {json.loads(user)["id"] for (user,) in rows(tmp_path, "bid_requests", '"user"') if user}
    assert users == {pseudonym_of("canary-1")}


def pseudonym_of(text: str) -> str:
    privacy = privacy_of(BID_REQUESTS.kinds, {}, KEY)
    assert privacy
    return privacy.pseudonym(text)


def test_the_same_requests_give_the_same_cells_in_any_format(tmp_path: Path) -> None:
    imp = [{"id": "1", "bidfloor": 0.5, "bidfloorcur": "EUR"}, {"id": "2", "bidfloor": 1e-6, "bidfloorcur": "USD"}]
    site = {"domain": " a.example ", "publisher": {"id": "708746.0"}}
    records = [request(number, imp=imp, site=site, tmax=100 + number) for number in range(200)]
    expected = read(tmp_path / "a.jsonl", as_lines(*records))
    assert expected[7]["imp"] == (
        '[{"bidfloor":"0.500000","bidfloorcur":"EUR","id":"1"},{"bidfloor":"0.000001","bidfloorcur":"USD","id":"2"}]'
    )
    assert expected[7]["site"] == '{"domain":"a.example","publisher":{"id":"708746"}}'
    assert read(tmp_path / "b.jsonl", as_lines(*records), size=500) == expected
    assert read(tmp_path / "c.json", json.dumps(records).encode()) == expected
    assert read(tmp_path / "d.json", json.dumps({"data": records}, indent=1).encode()) == expected
    assert read(tmp_path / "e.json", "".join(map(json.dumps, records)).encode()) == expected
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(records), sink)
    assert read(tmp_path / "f.parquet", sink.getvalue().to_pybytes()) == expected
    texts = [one | {"imp": json.dumps(one["imp"])} for one in records]
    assert read(tmp_path / "g.jsonl", as_lines(*texts)) == expected


@pytest.mark.parametrize(
    ("more", "reason", "field"),
    [
        ({"imp": {"id": "1"}}, "wrong_type", "imp"),
        ({"imp": ["1"]}, "wrong_type", "imp.0"),
        ({"imp": [{"id": "1"}, {"bidfloor": 1}]}, "missing_field", "imp.1.id"),
        ({"imp": [{"id": "1", "bidfloor": "free"}]}, "wrong_type", "imp.0.bidfloor"),
        ({"imp": [{"id": "1", "bidfloor": 10**40}]}, "out_of_range", "imp.0.bidfloor"),
        ({"imp": [{"id": True}]}, "wrong_type", "imp.0.id"),
        ({"site": "a.example"}, "wrong_type", "site"),
        ({"site": {"publisher": ["p"]}}, "wrong_type", "site.publisher"),
        ({"test": 2}, "wrong_type", "test"),
        ({"timestamp": ""}, "missing_field", "timestamp"),
    ],
)
def test_a_wrong_part_rejects_its_record_and_is_named(tmp_path: Path, more: Any, reason: str, field: str) -> None:
    drop(tmp_path, "a.jsonl", as_lines(request(1, **more), request(2)), "bid_requests")
    extracted(tmp_path, sources=[BID_REQUESTS], privacy_key=KEY, most_rejected=1)
    assert rows(tmp_path, "bid_requests", "id") == [("r2",)]
    assert rows(tmp_path, "rejected_records", "reason, field") == [(reason, field)]


def test_a_person_is_forgotten_in_requests_of_any_format(tmp_path: Path) -> None:
    user = {"name": "user", "type": {"type": "record", "name": "U", "fields": [{"name": "id", "type": "string"}]}}
    schema = schema_of({"name": "id", "type": "string"}, TIME, IMPS, user)
    people = [request(number, user={"id": name}) for number, name in enumerate(("ann", "bob", "ann", "cid"))]
    times = [one | {"imp": [{"id": "1", "bidfloor": 0.5}]} for one in people]
    drop(tmp_path, "a.avro", written(schema, times, sync_interval=30), "bid_requests")
    drop(tmp_path, "b.jsonl", as_lines(*people), "bid_requests")
    extracted(tmp_path, sources=[BID_REQUESTS], privacy_key=KEY)
    before = rows(tmp_path, "bid_requests", "_source, id", "all")
    landing = tmp_path / "landing"
    assert len(files_that_say(landing, "ann")) == 2
    forgotten(tmp_path, KEY, "ann", sources=[BID_REQUESTS])
    assert not files_that_say(landing, "ann")
    assert rows(tmp_path, "bid_requests", "_source, id", "all") == [one for one in before if one[1] in ("r1", "r3")]
    assert files_that_say(landing, "bob")
