"""A field may have one of several names: the first that a file's header, or a record of JSON, has."""

import io
import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.batches import same
from support.extracting import RecordedProgress, drop, extracted, record, rows
from test_fast_events import SHAPE, impression

from adhouse.settings import read_settings
from extract.profile import Column, Profile
from extract.readers.chunks import parsed
from extract.readers.json_text import JsonArray, JsonLines
from extract.records import concatenated, renumbered

CHOICES = "columns: {spend: [Cost, Amount], date: [Day, report.day]}"
PRICED = replace(
    SHAPE,
    names={**SHAPE.names, "bid_price": "CPM"},
    profile=Profile(columns={"bid_price": Column("CPM", others=("price", "bid_price"))}),
)


def loaded(home: Path, name: str, content: bytes) -> tuple[list[tuple[Any, ...]], list[str]]:
    """Spend, date and what is beside the fields of a file, of which each may have several names; and the warnings."""
    file = home / "sources.yml"
    file.write_text(f"sources: {{shop: {{kind: campaign_delivery, {CHOICES}}}}}\n")
    drop(home, name, content, source="shop")
    said = RecordedProgress()
    extracted(home, sources=[read_settings({"ADHOUSE_SOURCES": str(file)}).sources["shop"]], said=said)
    return rows(home, "campaign_delivery", "spend, cast(date as text), _extra", "_position"), [
        line for line in said.messages if line.startswith("warning: ")
    ]


def called(**names: str) -> dict[str, Any]:
    """A record whose fields have other names."""
    return {names.get(name, name): value for name, value in record(1, spend=12.5).items()}


def as_parquet(one: dict[str, Any]) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([one]), file)
    return file.getvalue()


FORMATS = {
    "a.csv": lambda one: f"{','.join(one)}\n{','.join(map(str, one.values()))}\n".encode(),
    "a.jsonl": lambda one: json.dumps(one).encode() + b"\n",
    "a.json": lambda one: json.dumps([one]).encode(),
    "page.json": lambda one: json.dumps({"data": [one], "page": 1}).encode(),
    "objects.json": lambda one: json.dumps(one, indent=1).encode() * 2,
    "a.parquet": as_parquet,
}


@pytest.mark.parametrize("names", [{"spend": "Cost", "date": "Day"}, {"spend": "Amount", "date": "Day"}])
@pytest.mark.parametrize("name", FORMATS)
def test_any_of_the_names_will_do_in_every_format(tmp_path: Path, name: str, names: dict[str, str]) -> None:
    found, warned = loaded(tmp_path, name, FORMATS[name](called(**names)))
    assert {row[:2] for row in found} == {(Decimal("12.5"), record(1)["date"])}
    assert [line for line in warned if "several names" in line] == []


def test_of_two_names_in_a_record_the_first_counts_and_a_path_is_a_name(tmp_path: Path) -> None:
    one = {**called(spend="Amount"), "Cost": 3, "report": {"day": record(1)["date"]}}
    del one["date"]
    ((row,), _) = loaded(tmp_path, "a.jsonl", json.dumps(one).encode() + b"\n")
    assert row[:2] == (3, record(1)["date"])
    assert json.loads(row[2]) == {"Amount": 12.5}


def test_records_of_one_file_with_several_names_are_told(tmp_path: Path) -> None:
    lines = [called(spend="Amount", date="Day"), {**called(spend="Cost", date="Day"), "ad_id": "other"}]
    found, warned = loaded(tmp_path, "a.jsonl", "".join(f"{json.dumps(line)}\n" for line in lines).encode())
    assert [row[0] for row in found] == [Decimal("12.5")] * 2
    [said] = [line for line in warned if "several names" in line]
    assert said.endswith("its records have spend by several names, each of which counts: Amount (1), Cost (1)")


@pytest.mark.parametrize("names", [["price"] * 40, ["CPM"] * 20 + ["price"] * 20, ["CPM", "bid_price"] * 20, ["x"] * 9])
@pytest.mark.parametrize("reader", [JsonLines, JsonArray])
@pytest.mark.parametrize("size", [2_000, 8 << 20])
def test_records_with_any_names_are_the_same_at_once_and_one_by_one(
    reader: type[JsonLines | JsonArray], names: list[str], size: int
) -> None:
    records = [impression(number).replace("bid_price", name) for number, name in enumerate(names)]
    records.insert(5, records[0].replace("price", "CPM"))
    text = ("\n".join([*records, ""]) if reader is JsonLines else ",\n".join(records) + "]").encode()
    count = lines = 0
    batches = []
    for batch in parsed(io.BytesIO(text), reader(PRICED), size):
        batches.append(renumbered(batch, -count, -lines))
        count, lines = count + len(batch), lines + batch.lines
    strict = reader(PRICED).parse_strict(text, True)[0]
    fast = concatenated(batches, SHAPE.type.schema)
    assert same(fast, strict)
    assert {what: count for what, count in fast.noted.items() if count} == strict.noted
    assert fast.records.column("bid_price").null_count == (10 if names[0] == "x" else 0)


def test_a_log_whose_names_are_not_the_first_is_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("extract.readers.json_text.convert_records")
    text = "".join(f"{impression(number)}\n" for number in range(50)).encode()
    batch = JsonLines(PRICED).parse_fast(text, True)
    assert batch is not None
    assert batch.records.column("bid_price").null_count == 0
