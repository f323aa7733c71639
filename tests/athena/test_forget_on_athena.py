"""A forgotten person is nowhere on Athena: every object of the bucket is opened, and every local file."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from conftest import COMMAND
from support.athena_workspace import AthenaWorkspace, athena_workspace
from support.forgetting import files_that_say, text_of
from support.misbehaving_aws import Fault, json_error
from test_athena_kills import killed, ran

from adhouse.warehouse.athena import AthenaWarehouse, Document
from extract.athena import AthenaError
from extract.forgetting import pseudonyms_of
from local_athena.server import LocalAthena

KEY = "a key of sixteen or more"
ANN, DAN, OTHER = "canary-ann-4471", "canary-dan-4472", "somebody-else"
DIGITS = 12  # of a pseudonym; Iceberg's manifests have the first sixteen of a value
VERSIONED = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"

pytestmark = pytest.mark.cases


def lines(*records: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def impression(number: int, user: str, **more: Any) -> dict[str, Any]:
    time = f"2026-11-02T10:00:{number:02}Z"
    return {"impression_id": f"i{number}", "ad_id": "a", "campaign_id": "c", "user_id": user, "event_time": time} | more


@pytest.fixture
def lake(athena: LocalAthena, tmp_path: Path) -> Iterator[AthenaWorkspace]:
    with athena_workspace(tmp_path / "data", athena, ADHOUSE_PRIVACY_KEY=KEY) as made:
        yield made


def built_twice(lake: AthenaWorkspace) -> None:
    """Two builds that have the people, also among what is quarantined, and a file that waits."""
    known = lines(impression(1, ANN), impression(2, DAN), *(impression(number, OTHER) for number in (3, 4, 5)))
    lake.drop("a.jsonl", known, "impressions")
    ran(lake)
    rejected = lines(*(impression(number, user, ad_id=None) for number, user in enumerate((ANN, OTHER), 8)))
    unreadable = f'{{"user_id": "{ANN}", broken\n'.encode()
    others = lines(impression(6, ANN), impression(7, OTHER), impression(12, DAN))
    lake.drop("b.jsonl", others + rejected + unreadable, "impressions")
    ran(lake)
    lake.drop("waiting.jsonl", lines(impression(10, ANN), impression(11, OTHER)), "impressions")


def traces(lake: AthenaWorkspace, who: str) -> list[str]:
    words = (who, *(pseudonym[:DIGITS] for pseudonym in pseudonyms_of(who, KEY)))
    in_bucket = [key for key, content in lake.objects().items() if any(word in text_of(content) for word in words)]
    return in_bucket + files_that_say(lake.house.home, *words)


def shown(lake: AthenaWorkspace) -> list[tuple[Any, ...]]:
    return lake.readers.rows("select impression_id from marts.ad_events order by 1")


@pytest.mark.timeout(3000)
def test_a_forgotten_person_is_nowhere_and_a_killed_forget_is_ended(lake: AthenaWorkspace, athena: LocalAthena) -> None:
    built_twice(lake)
    for query in ("select * from audience_segments", "select 'nobody' as who"):
        assert (asked := lake.house.adhouse("sql", query)).returncode == 0, asked.stderr
    before = traces(lake, ANN)
    assert {key.split("/")[1] for key in before} >= {"landing", "inbox", "raw", "warehouse"}
    assert [key for key in before if key.startswith("results/")]
    assert [key for key in before if key.endswith(".avro")]

    with lake.aws.doing(Fault("GET", 200, VERSIONED, about="?versioning")):
        ended = subprocess.run(
            [COMMAND, "forget", "-", "--yes"],
            env=lake.house.environment,
            input=f"{ANN}\n",
            capture_output=True,
            text=True,
            check=False,
        )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "landing: 3 of impressions, 1 of rejected in 2 files" in ended.stdout
    assert "inbox: 1 of impressions in 1 file" in ended.stdout
    assert "results of queries: removed 1 file" in ended.stdout
    assert f"bucket {lake.bucket} keeps older versions" in ended.stderr
    assert traces(lake, ANN) == []
    objects = lake.objects()
    assert [key for key, content in objects.items() if key.startswith("results/") and b"nobody" in content]
    assert len([key for key in objects if key.startswith("ads/ops/builds/")]) == 1
    databases = {found["Name"] for found in athena.client("glue").get_databases()["DatabaseList"]}
    assert len(databases - {"raw", "marts", "default"}) == 3
    assert shown(lake) == [("i12",), ("i2",), ("i3",), ("i4",), ("i5",), ("i7",)]
    assert lake.readers.rows("select count(*) from marts.quarantined_events") == [(1,)]

    waiting = "ads/inbox/impressions/waiting.jsonl"
    assert objects[waiting] == lines(impression(11, OTHER))
    lake.s3.delete_object(Bucket=lake.bucket, Key=waiting)
    assert "nothing new" in lake.house.adhouse("run").stdout
    assert "nothing is known of them" in lake.house.adhouse("forget", ANN, "--yes").stdout

    said = killed(lake, "PUT", r"ads/landing/impressions/.*/b\.jsonl", 1, ("forget", DAN, "--yes"))
    assert "landing: 2 of impressions in 2 files" in said
    assert traces(lake, DAN)
    ended = lake.house.adhouse("run")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "a forget was cut off: ending it" in ended.stderr
    assert traces(lake, DAN) == []
    assert shown(lake) == [("i3",), ("i4",), ("i5",), ("i7",)]


def test_only_the_published_build_and_its_files_are_left(lake: AthenaWorkspace, athena: LocalAthena) -> None:
    """Also if the first call was cut off; of a table of Hive, and of a query that was killed, there are only files."""

    def place(database: str, table: str) -> str:
        return f"s3://{lake.bucket}/ads/warehouse/{database}/{table}/1"

    def put(key: str, content: str) -> None:
        lake.s3.put_object(Bucket=lake.bucket, Key=f"ads/{key}", Body=content)

    def make(generation: str) -> None:
        for layer in ("intermediate", "marts", "own"):
            database = f"{layer}_{generation}"
            lake.readers.rows(f"create database {database}")
            kind = f"table_type = 'ICEBERG', is_external = false, location = '{place(database, 'rows')}/'"
            lake.readers.rows(f'create table "{database}"."rows" with ({kind}) as select 1 as n')
            columns = f"(n int) stored as parquet location '{place(database, 'hive')}/'"
            lake.readers.rows(f"create external table `{database}`.`hive` {columns}")
            put(f"warehouse/{database}/hive/1/a.parquet", "PAR1")
            lake.readers.rows(f'create view "{database}"."seen" as select n from "{database}"."rows"')

    for number, generation in enumerate(("old", "shown"), 1):
        make(generation)
        build_id = f"{number:06}-20261129T120000Z-0000"
        record = Document(build_id, "run", "audited", "", "", None, True, "", generation, "")
        put(f"ops/builds/{build_id}.json", json.dumps(asdict(record)))
    put("ops/published.json", json.dumps({"build_id": build_id}))
    make("work")  # by dbt by hand
    put("warehouse/marts_killed/rows/1/a.parquet", "PAR1")
    warehouse = AthenaWarehouse(f"s3://{lake.bucket}/ads", f"s3://{lake.bucket}/results/", "primary")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", lake.aws.url)
        refused = json_error("StartQueryExecution", "InternalServerException", "no", about="drop table", spared=3)
        with lake.aws.doing(refused), pytest.raises(AthenaError):
            warehouse.remove_others()
    warehouse.remove_others()
    databases = {found["Name"] for found in athena.client("glue").get_databases()["DatabaseList"]}
    assert {name for name in databases if "_" in name} == {"intermediate_shown", "marts_shown", "own_shown"}
    left = {key.split("/")[2] for key in lake.objects() if key.startswith("ads/warehouse/")}
    assert left == {"intermediate_shown", "marts_shown", "own_shown"}
    assert [key for key in lake.objects() if "/builds/" in key] == [f"ads/ops/builds/{build_id}.json"]
    assert lake.readers.rows("select n from own_shown.seen") == [(1,)]
