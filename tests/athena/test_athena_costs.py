"""What Athena bills by: a build says what each model has read, and an added day costs what a day weighs."""

import json
from collections.abc import Mapping
from datetime import date, timedelta
from itertools import groupby
from pathlib import Path

import pyarrow as pa
import pytest
from conftest import Workspace

from local_athena.server import LocalAthena
from simulate.delivery import delivery
from simulate.files import write
from simulate.world import World, make_world

BUCKET = "costs"
FIRST, DAYS = date(2024, 11, 1), 730
MOST = 0.20
Read = Mapping[str, Mapping[str, int]]


def of_days(world: World, days: list[date], path: Path) -> Path:
    """A file of what the platform reports of these days once they have settled."""
    return write(pa.concat_tables([delivery(world, day, day + timedelta(days=9)) for day in days]), path)


def by_models(read: Read) -> int:
    return sum(of["bytes"] for name, of in read.items() if name != "tests")


@pytest.mark.cases
def test_an_added_day_reads_a_fifth_of_what_a_full_refresh_reads(athena: LocalAthena, tmp_path: Path) -> None:
    in_cloud = {"ADHOUSE_API_URL": "none", "ADHOUSE_TARGET": "athena", "ADHOUSE_LAKE_URL": f"s3://{BUCKET}"}
    house = Workspace(tmp_path / "data", {**athena.environment, **in_cloud})
    storage = athena.client("s3")
    storage.create_bucket(Bucket=BUCKET)
    world = make_world(users=1_000, impressions_per_day=2_000, campaigns=12, ads_per_campaign=4, brands=6, zips=40)
    days = [FIRST + timedelta(days=number) for number in range(DAYS + 1)]

    def read_with(*files: Path) -> Read:
        for file in files:
            storage.upload_file(str(file), BUCKET, f"inbox/campaign_files/{file.name}")
        ended = house.adhouse("run")
        assert ended.returncode == 0, ended.stdout + ended.stderr
        read: Read = json.loads(house.adhouse("status", "--json").stdout)["read"]
        return read

    months = groupby(days[:DAYS], key=lambda day: f"{day:%Y-%m}")
    everything = read_with(*(of_days(world, [*of_month], tmp_path / f"{month}.jsonl") for month, of_month in months))
    added = read_with(of_days(world, days[DAYS:], tmp_path / "added.jsonl"))
    assert by_models(added) <= MOST * by_models(everything), (added, everything)

    assert everything["int_deliveries_accepted"]["bytes"] > everything["int_spend_medians"]["bytes"] > 0
    assert everything["tests"]["queries"] > 20
    shown = house.adhouse("status").stdout
    assert "read by the last build" in shown
    assert "int_spend_medians" in shown
    for database in athena.client("glue").get_databases()["DatabaseList"]:
        athena.client("glue").delete_database(Name=database["Name"])
