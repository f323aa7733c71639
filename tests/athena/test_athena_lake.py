"""The lake in a bucket: its index decides, Athena is not asked, and merging changes no row that Athena sees."""

import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from s3fs import S3FileSystem
from support.extracting import RecordedProgress, drop, lines, record
from support.misbehaving_aws import misbehaving

from extract.athena import Athena
from extract.forgetting import Searcher, pseudonyms_of
from extract.lake import merge
from extract.lake.lake import Lake
from extract.lake.load import clear_away
from extract.lake.tables import RAW_TABLES
from extract.registry import SOURCES
from extract.run import ExtractReport, Places, extract, load_from_landing
from extract.storage import Folder
from local_athena.server import LocalAthena

BUCKET = "raw-lake"
PEOPLE = ("canary-ann", "bob")
ENGINE = Athena(f"s3://{BUCKET}/results/", "primary")


@pytest.fixture
def calls(athena: LocalAthena, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What Amazon was asked, in a bucket and an account of the test's own."""
    for name, value in athena.environment.items():
        monkeypatch.setenv(name, value)
    athena.client("s3").create_bucket(Bucket=BUCKET)
    with misbehaving(athena.endpoint) as aws:
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
        asked: list[str] = []
        aws.watch = lambda call, _: asked.append(call)
        yield asked
    S3FileSystem.clear_instance_cache()  # dlt keeps what knows the address of this proxy
    athena.client("glue").delete_database(Name="raw")
    s3 = athena.client("s3")
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET):
        for found in page.get("Contents", []):
            s3.delete_object(Bucket=BUCKET, Key=found["Key"])
    s3.delete_bucket(Bucket=BUCKET)


def extracted(home: Path) -> ExtractReport:
    return extract(
        places=places(home),
        sources=[SOURCES["campaign_files"]],
        apis={},
        report_timezone=ZoneInfo("UTC"),
        now=lambda: datetime.now(UTC),
        progress=RecordedProgress(),
    )


def places(home: Path) -> Places:
    return Places(home / "work", str(home), f"s3://{BUCKET}/ads", ENGINE)


def lake() -> Lake:
    return Lake(Folder.at(f"s3://{BUCKET}/ads"), ENGINE)


def seen() -> dict[str, list[tuple[Any, ...]]]:
    """What Athena finds in each table, of complete loads."""
    counted = "_dlt_load_id in (select load_id from raw._dlt_loads where status = 0)"
    return {table: sorted(ENGINE.rows(f"select * from raw.{table} where {counted}"), key=str) for table in RAW_TABLES}


@pytest.mark.cases
def test_the_index_decides_and_merging_changes_no_row(
    tmp_path: Path, calls: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "data"
    for number in range(4):
        drop(home, f"{number}.jsonl", lines(record(number), record(100 + number)) + b"nonsense\n" * (number % 2))
        extracted(home)
    before = seen()
    counts = {table: len(rows) for table, rows in before.items()}
    assert +Counter(counts) == {"campaign_delivery": 8, "rejected_records": 2, "loaded_files": 4}

    calls.clear()
    assert extracted(home).units == 0
    assert "StartQueryExecution" not in calls
    assert len(calls) < 4

    # Killed after dlt had called the load complete, and before the index was written.
    index = lake().index
    drop(home, "late.jsonl", lines(record(200)))
    with monkeypatch.context() as patch:
        patch.setattr(Lake, "add_load", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            extracted(home)
    assert len(seen()["campaign_delivery"]) == 9
    assert lake().index == replace(index, is_open=True)
    calls.clear()
    clear_away(home / "work" / "dlt", lake())
    assert "StartQueryExecution" not in calls
    assert seen() == before
    assert extracted(home).units == 1
    before = seen()
    assert len(before["campaign_delivery"]) == 9

    said: list[str] = []
    assert merge.merge_small_files(lake(), said.append) == 5 + 3 + 5
    assert seen() == before
    assert all(len(files) == 1 for files in lake().index.files.values())
    assert ENGINE.rows('select count(*) from raw."_dlt_loads$files"') == [(1,)]

    lake().folder.remove("_index.json")
    assert extracted(home).units == 0
    assert seen() == before
    assert all(len(files) == 1 for files in lake().index.files.values())


@pytest.mark.cases
def test_what_landing_has_lost_keeps_its_rows_but_those_of_a_forgotten_person(tmp_path: Path, calls: list[str]) -> None:
    home, key = tmp_path / "data", "a key of sixteen or more"
    pseudonyms = pseudonyms_of("canary-ann", key)
    reading: dict[str, Any] = {
        "places": places(home),
        "sources": [SOURCES["impressions"]],
        "report_timezone": ZoneInfo("UTC"),
        "progress": RecordedProgress(),
        "privacy_key": key,
    }
    for number, name in enumerate(("old.jsonl", "new.jsonl")):
        at = f"2026-11-02T10:00:0{number}Z"
        people = [
            {"impression_id": f"{number} {who}", "ad_id": "a", "user_id": who, "event_time": at} for who in PEOPLE
        ]
        drop(home, name, lines(*people), source="impressions")
        extract(**reading, apis={}, now=lambda: datetime.now(UTC))
    (old,) = (home / "landing").rglob("old.jsonl")
    shutil.rmtree(old.parent)
    searcher = Searcher(Folder.at(home), [SOURCES["impressions"]], key, ZoneInfo("UTC"), pseudonyms)
    searcher.remove(searcher.find())
    load_from_landing(**reading, forgotten=pseudonyms)
    kept = ENGINE.rows("select impression_id from raw.impressions order by 1")
    assert kept == [("0 bob",), ("1 bob",)]
    loaded = ENGINE.rows("select file_name, records_read, records_loaded from raw.loaded_files order by 1")
    assert loaded == [("new.jsonl", 1, 1), ("old.jsonl", 1, 1)]
    assert not any(pseudonym in str(rows) for rows in seen().values() for pseudonym in pseudonyms)
    assert not lake().index.is_open
    assert calls


@pytest.mark.cases
def test_an_emptied_lake_has_no_tables_left_and_is_loaded_again(
    tmp_path: Path, calls: list[str], athena: LocalAthena
) -> None:
    home = tmp_path / "data"
    drop(home, "a.jsonl", lines(record(1)))
    extracted(home)
    # As an older version of the project described it.
    glue = athena.client("glue")
    table = glue.get_table(DatabaseName="raw", Name="campaign_delivery")["Table"]
    columns = table["StorageDescriptor"]["Columns"]
    for column in columns:
        if column["Name"] == "conversions":
            column["Type"] = "bigint"
    described = {
        name: table[name] for name in ("Name", "StorageDescriptor", "Parameters", "TableType") if name in table
    }
    glue.update_table(DatabaseName="raw", TableInput=described)
    load_from_landing(
        places=places(home),
        sources=[SOURCES["campaign_files"]],
        report_timezone=ZoneInfo("UTC"),
        progress=RecordedProgress(),
    )
    table = glue.get_table(DatabaseName="raw", Name="campaign_delivery")["Table"]
    types = {column["Name"]: column["Type"] for column in table["StorageDescriptor"]["Columns"]}
    assert types["conversions"] == "decimal(38,6)"
    assert len(seen()["campaign_delivery"]) == 1
    assert not lake().index.is_open
    assert calls
