"""Kills of a run on Athena, each at a call that the proxy sees; what readers see is as if there had been none.

One house goes through all of them: a kill, the same command again, which is killed later, and so on to the end. The
marts of a clean run are those of DuckDB, which `test_athena_equals_duckdb.py` holds against Athena's.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from conftest import FILE_DAY, TODAY, Workspace
from support.athena_workspace import AthenaWorkspace, Rows, athena_workspace, comparable
from support.extracting import lines, record

from local_athena.server import LocalAthena
from simulate.delivery import delivery
from simulate.files import write
from simulate.world import World

pytestmark = pytest.mark.cases
MARTS = (
    "campaign_performance",
    "campaign_summary",
    "creative_performance",
    "daily_performance",
    "source_balances",
    "processed_campaign_data",
    "quarantined_deliveries",
)
Marts = dict[str, Rows]


@pytest.fixture
def lake(athena: LocalAthena, tmp_path: Path) -> Iterator[AthenaWorkspace]:
    with athena_workspace(tmp_path / "data", athena) as made:
        yield made


def clean_run(house: Workspace) -> Marts:
    """The marts after a run on DuckDB that nothing disturbs."""
    ended = house.adhouse("run")
    assert ended.returncode == 0, ended.stderr
    marts = {}
    with duckdb.connect(house.home / "published" / "marts.duckdb", read_only=True) as readers:
        for mart in MARTS:
            answer = readers.execute(f"select * from marts.{mart}")
            marts[mart] = comparable([column[0] for column in answer.description or ()], answer.fetchall())
    return marts


def killed(lake: AthenaWorkspace, call: str, about: str, count: int = 1, command: tuple[str, ...] = ("run",)) -> str:
    """Kills a command with -9 when it makes such a call for so many times, which comes through; gives what it said."""
    process = lake.house.start(*command)
    met: list[str] = []

    def watch(its_call: str, text: str) -> None:
        if call == its_call and re.search(about, text):
            met.append(text)
            if len(met) == count:
                process.kill()

    lake.aws.watch = watch
    said = process.communicate(timeout=600)
    lake.aws.watch = lambda call, text: None
    assert process.returncode == -9, said
    return said[0]


def ran(lake: AthenaWorkspace) -> str:
    """Runs the command to its end, and gives the build that it published."""
    ended = lake.house.adhouse("run")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    [published] = [line.split()[-1] for line in ended.stdout.splitlines() if line.startswith("published build")]
    return published


def seen(lake: AthenaWorkspace) -> tuple[dict[str, str], Marts]:
    """Which build each view shows, and its cells; each shows one alone."""
    builds, marts = {}, {}
    for mart, (its_builds, cells) in lake.views(MARTS).items():
        [builds[mart]], marts[mart] = its_builds, cells
    return builds, marts


def test_a_run_killed_anywhere_is_healed_by_the_same_command(
    lake: AthenaWorkspace, world: World, tmp_path: Path
) -> None:
    disk = Workspace(tmp_path / "disk", {"ADHOUSE_API_URL": "none"})
    records = delivery(world, FILE_DAY, TODAY)

    def drop(name: str, start: int, count: int) -> None:
        content = write(records.slice(start, count), tmp_path / name).read_bytes()
        disk.drop(name, content)
        lake.drop(name, content)

    drop("export.csv", 0, 150)
    drop("more.jsonl", 150, 150)
    before = clean_run(disk)
    killed(lake, "DELETE", "ads/inbox/")  # a file is in landing, and still in the inbox
    killed(lake, "PUT", "ads/raw/loaded_files/")  # a package is half in the lake
    killed(lake, "StartQueryExecution", 'INSERT INTO .*"_dlt_loads"')  # it counts, and nobody was told
    killed(lake, "StartQueryExecution", 'create table "awsdatacatalog"."(intermediate|marts)_', 5)
    assert seen(lake) == ({}, {})
    first = ran(lake)
    assert seen(lake) == (dict.fromkeys(MARTS, first), before)

    drop("export.csv", 50, 60)  # a correction
    drop("new.jsonl", 300, 100)
    after = clean_run(disk)
    assert all(before[mart] != after[mart] for mart in MARTS)
    killed(lake, "StartQueryExecution", '(merge|insert) into "awsdatacatalog"."(intermediate|marts)_', 4)
    assert seen(lake) == (dict.fromkeys(MARTS, first), before)
    killed(lake, "StartQueryExecution", "replace view marts.daily_performance")  # all is built, some views are switched
    builds, marts = seen(lake)
    assert len(set(builds.values())) == 2
    assert marts == {mart: before[mart] if builds[mart] == first else after[mart] for mart in MARTS}
    second = ran(lake)
    assert seen(lake) == (dict.fromkeys(MARTS, second), after)


def test_a_retraction_that_is_killed_is_ended_by_the_next_run(lake: AthenaWorkspace) -> None:
    """The marts are then as if the files had never come; and restored, as if they had stayed."""

    def counted() -> Marts:
        return {mart: rows for mart, rows in seen(lake)[1].items() if mart != "source_balances"}

    lake.drop("may.jsonl", lines(record(1), record(2, spend=None, brand="brand 1"), record(3, clicks=4)))
    ran(lake)
    before = counted()
    lake.drop("may.jsonl", lines(record(10), record(11, clicks=12), record(12)))
    lake.drop("own.jsonl", lines(record(20)))
    ran(lake)
    after = counted()
    assert all(before[mart] != after[mart] for mart in before)

    retract = ("retract", "may.jsonl", "own.jsonl", "--yes")
    said = killed(
        lake, "StartQueryExecution", '(merge|insert) into "awsdatacatalog"."(intermediate|marts)_', 4, retract
    )
    assert "stops counting: 2 records of 2026-11-01, spend 22.500000 USD" in said
    assert "counts again: 3 records of 2026-11-01, spend 4.500000 USD: campaign_files/may.jsonl (received " in said
    assert counted() == after
    ran(lake)
    assert counted() == before

    restored = lake.house.adhouse("restore", "may.jsonl", "own.jsonl", "--yes")
    assert restored.returncode == 0, restored.stderr
    assert counted() == after


def test_what_a_killed_run_left_in_athena_is_stopped(lake: AthenaWorkspace, athena: LocalAthena) -> None:
    """It would go on, and write into the tables of the run that comes after."""
    client = athena.client("athena")
    athena.client("glue").create_database(DatabaseInput={"Name": "raw"})
    long = "select count(*) as n from unnest(sequence(1, 10000)) a (n), unnest(sequence(1, 10000)) b (n)"
    written = f"table_type = 'ICEBERG', is_external = false, location = 's3://{lake.bucket}/left/'"

    def start(statement: str) -> str:
        place = {"OutputLocation": f"s3://{lake.bucket}/results/"}
        query = client.start_query_execution(QueryString=statement, WorkGroup="primary", ResultConfiguration=place)
        return str(query["QueryExecutionId"])

    def state(query: str) -> str:
        return str(client.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"]["State"])

    killed(lake, "GET", "ads/ops/builds")
    left = start(f'create table "raw"."left" with ({written}) as {long}, unnest(sequence(1, 10000)) c (n)')
    reading = start(f"{long}, unnest(sequence(1, 5)) c (n)")
    ended = lake.house.adhouse("extract")
    assert (ended.returncode, state(left)) == (0, "CANCELLED"), ended.stderr
    assert state(reading) in ("RUNNING", "SUCCEEDED")
    assert f"stopped queries of a killed run in Athena: {left}\n" in ended.stderr
