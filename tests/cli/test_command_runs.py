"""What a run promises when things go on, go wrong, or are cut off: each with the real command on a real house."""

import gzip
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from conftest import COMMAND, Workspace
from support.extracting import lines, record

from adhouse.run import prune_landing
from adhouse.settings import read_settings
from adhouse.warehouse.duckdb import SEAL
from adhouse.warehouse.files import is_read_by_older_duckdb, opened

PROJECT = Path(__file__).parents[2]
MARTS = ("campaign_summary", "campaign_performance", "creative_performance", "daily_performance")


def cells(house: Workspace) -> dict[str, list[tuple[object, ...]]]:
    """Every cell of the published delivery marts."""
    with duckdb.connect(house.home / "published" / "marts.duckdb", read_only=True) as connection:
        return {mart: connection.execute(f"select * from marts.{mart} order by all").fetchall() for mart in MARTS}


def published(house: Workspace) -> str:
    return str((house.home / "published" / "marts.duckdb").readlink())


def published_id(house: Workspace) -> str:
    return published(house).partition("/")[0]


def project_with(tmp_path: Path, name: str, sql: str) -> str:
    """A copy of the dbt project with one file more."""
    project = tmp_path / "project"
    for part in ("models", "macros", "seeds", "tests/sql", "dbt_project.yml", "profiles.yml.example"):
        copy = shutil.copytree if (PROJECT / part).is_dir() else shutil.copy
        (project / part).parent.mkdir(parents=True, exist_ok=True)
        copy(PROJECT / part, project / part)
    (project / name).write_text(sql)
    return str(project)


def stop_while(house: Workspace, step: str, how: signal.Signals, **settings: str) -> tuple[int, str, float]:
    """Starts a run, sends the signal once stderr says that `step` began; gives code, the rest of stderr, seconds."""
    with house.start("run", **settings) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if step in line:
                break
        time.sleep(0.3)
        process.send_signal(how)
        started = time.monotonic()
        _, err = process.communicate(timeout=60)
    return process.returncode, err, time.monotonic() - started


def run_and_imports(house: Workspace, **settings: str) -> tuple[str, set[str]]:
    """What a run says on stdout, and the packages that it has imported."""
    command = [sys.executable, "-X", "importtime", "-c", "from adhouse.cli import main; main()", "run"]
    environment = house.environment | settings
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    imports = (line.rpartition("|")[2].strip() for line in ended.stderr.splitlines() if line.startswith("import time:"))
    return ended.stdout, {name.partition(".")[0] for name in imports}


def test_a_run_with_nothing_new_starts_neither_dbt_nor_dlt(house: Workspace, built_home: Workspace) -> None:
    build_id = published_id(house)
    for settings in ({}, {"ADHOUSE_API_URL": "none"}):
        out, imports = run_and_imports(house, **settings)
        assert out == f"nothing new: build {build_id} stays published\n"
        assert not imports & {"dbt", "dlt", "apprise"}
        log = [json.loads(line) for line in max((house.home / "logs").glob("run-*.jsonl")).open()]
        fetches = [(line["source"], line["status"], line["pages"] > 0) for line in log if line.get("phase") == "fetch"]
        assert fetches == ([] if settings else [("campaign_api", "unchanged", True)] * 3)
    assert cells(house) == cells(built_home)
    assert house.adhouse("publish").stdout == f"build {build_id} is already published\n"
    ended = house.adhouse("rollback")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert f"there is no older build to roll back to (kept builds: {build_id})" in ended.stderr
    assert published(house) == published(built_home)


def test_a_first_build_without_events_is_complete(built_home: Workspace) -> None:
    """Else the second one would take every day for changed."""
    with opened(built_home.home / "warehouse.duckdb", read_only=True) as connection:
        completed = "select max(completed_build) from intermediate.build_progress"
        assert connection.execute(completed).fetchone() == (1,)


@pytest.mark.cases
def test_a_changed_test_project_or_day_is_built_though_nothing_is_new(house: Workspace, tmp_path: Path) -> None:
    ours = read_settings({"ADHOUSE_HOME": str(house.home)})
    first = published_id(house)
    project = project_with(tmp_path, "tests/sql/assert_another.sql", "select 1 as one where false")
    shutil.copy(PROJECT / "uv.lock", project)
    settings = {"ADHOUSE_API_URL": "none", "DBT_PROJECT_DIR": project}
    ended = house.adhouse("run", **settings)
    assert ended.returncode == 0, ended.stderr
    assert "full refresh" not in ended.stderr
    second = published_id(house)
    assert second != first
    assert "nothing new" in house.adhouse("run", **settings).stdout
    with opened(house.home / "marts.duckdb") as connection:
        [(as_of,)] = connection.execute("select as_of from ops.builds order by build_id desc limit 1").fetchall()
        assert as_of.replace(tzinfo=UTC) == ours.report_day_start(datetime.now(UTC))
        connection.execute("update ops.builds set as_of = as_of - interval 1 day")
    seal_again(house)
    ended = house.adhouse("run", **settings)
    assert ended.returncode == 0, ended.stderr
    assert "full refresh" not in ended.stderr
    assert published_id(house) not in (first, second)


def seal_again(house: Workspace) -> None:
    """Makes the changed marts file pass for the audited one."""
    marts = house.home / "marts.duckdb"
    seal = marts.with_suffix(SEAL)
    state = {"bytes": marts.stat().st_size, "changed_ns": marts.stat().st_mtime_ns}
    seal.write_text(json.dumps(json.loads(seal.read_text()) | state))


@pytest.mark.cases
def test_what_was_loaded_by_a_run_that_ended_there_is_built_by_the_next(house: Workspace) -> None:
    first = published_id(house)
    house.drop("later.jsonl", lines(record(77)))
    assert house.adhouse("extract", "campaign_files").returncode == 0
    ended = house.adhouse("run", ADHOUSE_API_URL="none")
    assert f"published build {published_id(house)}" in ended.stdout
    assert published_id(house) != first


@pytest.mark.cases
def test_an_audited_build_that_was_not_published_is_published_without_another_build(house: Workspace) -> None:
    first = published_id(house)
    assert house.adhouse("build").returncode == 0
    said = house.adhouse("status").stdout
    assert re.search(r"newest +build \S+: passed its audit and is not published: `adhouse publish`", said)
    out, imports = run_and_imports(house, ADHOUSE_API_URL="none")
    assert out.startswith("nothing new: build ")
    assert f"published build {published_id(house)}" in out
    assert "dbt" not in imports
    assert published_id(house) != first


@pytest.mark.cases
def test_a_roll_back_stays_until_something_new_comes(house: Workspace) -> None:
    first = published_id(house)
    house.drop("later.jsonl", lines(record(77)))
    assert house.adhouse("run", ADHOUSE_API_URL="none").returncode == 0
    second = published_id(house)
    said = house.adhouse("rollback").stdout
    assert said == f"rolled back: readers see build {first}; `adhouse publish` shows build {second} again\n"
    said = house.adhouse("run", ADHOUSE_API_URL="none").stdout
    assert said == f"nothing new: readers keep build {first}, to which they were rolled back\n"
    assert f"build {first}, as of" in (status := house.adhouse("status").stdout)
    assert "after a roll-back" in status
    assert house.adhouse("publish").stdout == f"published build {second}\n"
    assert "after a roll-back" not in house.adhouse("status").stdout


@pytest.mark.cases
def test_what_dbt_built_by_hand_is_said_not_to_be_published_and_is_built_again(
    house: Workspace, built_home: Workspace
) -> None:
    first = published_id(house)
    with opened(house.home / "marts.duckdb") as connection:  # as from a model that was tried and taken back
        connection.execute("update intermediate.int_campaign_performance_observed set country = 'US'")
    assert "by dbt by hand, and that is not published" in house.adhouse("status").stdout
    ended = house.adhouse("publish")
    assert ended.returncode == 1
    assert "the tables were changed after build" in ended.stderr
    assert published_id(house) == first
    ended = house.adhouse("run", ADHOUSE_API_URL="none")
    assert ended.returncode == 0, ended.stderr
    assert "full refresh: the tables were changed after the last audit" in ended.stderr
    assert published_id(house) != first
    assert cells(house) == cells(built_home)


@pytest.mark.cases
def test_a_marts_file_that_bi_tools_cannot_read_is_replaced(house: Workspace, built_home: Workspace) -> None:
    marts = house.home / "marts.duckdb"
    marts.unlink()
    with duckdb.connect() as connection:
        connection.execute(f"attach '{built_home.home / 'marts.duckdb'}' as written (read_only)")
        connection.execute(f"attach '{marts}' as newer (storage_version 'v2.0.0')")
        connection.execute("copy from database written to newer")
    assert not is_read_by_older_duckdb(marts)
    ended = house.adhouse("run")
    assert ended.returncode == 0, ended.stderr
    assert "full refresh: the marts file has a format that BI tools cannot read" in ended.stderr
    assert is_read_by_older_duckdb(house.home / "published" / "adhouse.duckdb")
    assert cells(house) == cells(built_home)


def test_a_failed_error_test_publishes_nothing_and_is_named(house: Workspace, tmp_path: Path) -> None:
    failing = "select campaign_id from {{ ref('campaign_summary') }} limit 3"
    project = project_with(tmp_path, "tests/sql/assert_nobody_advertises.sql", failing)
    before = published(house)
    with duckdb.connect((house.home / "published" / "marts.duckdb").resolve(), read_only=True) as reader:
        ended = house.adhouse("build", DBT_PROJECT_DIR=project)  # an open reader does not stop it
        assert reader.execute("select count(*) from marts.campaign_summary").fetchall() != [(0,)]
    assert ended.returncode == 3
    assert "assert_nobody_advertises: 3 rows" in ended.stderr
    assert house.adhouse("publish").returncode == 3
    assert published(house) == before


@pytest.mark.cases
def test_what_came_of_a_failing_source_is_built_but_not_published(house: Workspace) -> None:
    before = published(house)
    canary = "canary-4c1d"
    ended = house.adhouse("run", ADHOUSE_API_TOKEN=canary)
    assert ended.returncode == 1
    assert "ADHOUSE_API_TOKEN" in ended.stderr
    assert "a source is incomplete and nothing else is new, so nothing was built" in ended.stderr
    house.drop("later.jsonl", lines(record(77)))
    ended = house.adhouse("run", ADHOUSE_API_TOKEN=canary)
    assert ended.returncode == 1
    assert "a source is incomplete: what came is built, nothing was published" in ended.stderr
    assert "--allow-stale" in ended.stderr
    assert published(house) == before
    assert json.loads(house.adhouse("status", "--json").stdout)["last_run"]["exit_code"] == 1
    assert canary not in ended.stdout + ended.stderr
    holding = subprocess.run(["grep", "-rl", canary, house.home], capture_output=True, text=True, check=False).stdout
    assert holding == ""


@pytest.mark.cases
def test_a_second_command_at_once_is_told_who_runs_or_waits(house: Workspace) -> None:
    house.drop("one_more.jsonl", lines(record(1)))  # with nothing new it would end at once
    with house.start("run") as first:
        while not (lock := json.loads(house.adhouse("status", "--json").stdout)["lock"]):
            pass
        second = house.adhouse("run")
        assert second.returncode == 75
        assert f"pid {first.pid}" in second.stderr
        assert lock["started"] in second.stderr
        assert "`adhouse run`" in second.stderr
        third = house.adhouse("publish", "--wait", "60")
        assert json.loads(house.adhouse("status", "--json").stdout)["last_run"]["outcome"] == "done"
        assert f"pid {first.pid}" in third.stderr
        assert "waiting up to 60 s" in third.stderr
        assert third.returncode == 0
        first.communicate()
    assert first.returncode == 0


@pytest.mark.parametrize(
    ("how", "step", "left", "code"),
    [
        pytest.param(signal.SIGINT, "building", "build and audit, publish", 130, marks=pytest.mark.cases),
        (signal.SIGTERM, "campaign_api", "extract, build and audit, publish", 143),
    ],
)
def test_a_signal_stops_it_within_seconds_and_says_what_is_left(
    house: Workspace, how: signal.Signals, step: str, left: str, code: int
) -> None:
    returned, err, seconds = stop_while(house, step, how, ADHOUSE_SINCE="2026-01-01")
    assert returned == code
    assert seconds < 6
    assert f"stopped by {how.name}; not done: {left} (`adhouse run` resumes)" in err
    assert "Traceback" not in err
    state = json.loads(house.adhouse("status", "--json").stdout)
    assert state["last_run"]["exit_code"] == code
    assert state["lock"] is None


@pytest.mark.cases
def test_killed_anywhere_the_same_command_ends_right(house: Workspace, built_home: Workspace) -> None:
    for path in ("lake", "landing", "published", "marts.duckdb", "warehouse.duckdb"):
        gone = house.home / path
        shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
    shutil.copytree(built_home.home / "landing" / "campaign_files", house.home / "landing" / "campaign_files")
    for step in ("campaign_api", "building"):
        code, _, _ = stop_while(house, step, signal.SIGKILL)
        assert code == -signal.SIGKILL
    assert "killed" in house.adhouse("status").stdout
    ended = house.adhouse("run")
    assert ended.returncode == 0, ended.stderr
    assert cells(house) == cells(built_home)


@pytest.mark.cases
def test_a_full_disk_is_one_line_and_a_rerun_after_freeing_space_is_right(house: Workspace, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    steps = f"""
        mount -t tmpfs -o size=4m none {small} || exit 99
        adhouse run > first.out 2> first.err; echo $? > first.code
        mount -o remount,size=400m {small}
        adhouse run > second.out 2> second.err; echo $? > second.code
    """
    environment = {**house.environment, "ADHOUSE_HOME": str(small), "PATH": f"{COMMAND.parent}:{os.environ['PATH']}"}
    command = ["unshare", "--map-root-user", "--mount", "sh", "-c", steps]
    if not shutil.which("unshare") or subprocess.run(command, cwd=tmp_path, env=environment, check=False).returncode:
        pytest.skip("this system lets nobody mount a small file system")
    assert (tmp_path / "first.code").read_text() == "1\n"
    err = (tmp_path / "first.err").read_text()
    assert re.search(r"adhouse: disk full: .*small has [\d,]+ bytes free \(free some space", err)
    assert "Traceback" not in err
    assert (tmp_path / "second.code").read_text() == "0\n", (tmp_path / "second.err").read_text()
    assert "top campaign" in (tmp_path / "second.out").read_text()


def test_landing_loses_only_what_is_older_than_asked(tmp_path: Path) -> None:
    settings = read_settings({"ADHOUSE_HOME": str(tmp_path), "ADHOUSE_LANDING_DAYS": "7"})
    places = [tmp_path / "landing" / "campaign_api" / f"2026110{day}T120000.000000Z-abcdef01" for day in (1, 3)]
    for place in places:
        place.mkdir(parents=True)
        (place / "page-0001.json").write_text("[]")
    prune_landing(settings, datetime(2026, 11, 9, 12, tzinfo=UTC))
    assert [place.exists() for place in places] == [False, True]
    prune_landing(read_settings({"ADHOUSE_HOME": str(tmp_path)}), datetime(2027, 11, 9, tzinfo=UTC))
    assert places[1].exists()


def test_a_pruned_landing_is_not_rebuilt_from(house: Workspace) -> None:
    ended = house.adhouse("rebuild", ADHOUSE_LANDING_DAYS="7")
    assert ended.returncode == 2
    assert "would lose what is older" in ended.stderr
    assert (house.home / "warehouse.duckdb").exists()


def dbt(house: Workspace, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Runs dbt by hand on a house."""
    folders = {"DBT_TARGET_PATH": str(house.home / "dbt"), "DBT_LOG_PATH": str(house.home)}
    command = [str(COMMAND.with_name("dbt")), *arguments]
    environment = house.environment | folders | settings
    return subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.cases
def test_dbt_works_by_itself_and_the_docs_are_one_page(house: Workspace) -> None:
    ended = dbt(house, "build")
    assert ended.returncode == 0, ended.stdout
    page = Path(house.adhouse("docs").stdout.strip())
    assert page.is_file()
    assert "campaign_summary" in page.read_text()


@pytest.mark.cases
def test_a_build_finds_a_row_twice_on_a_day_that_it_changed_and_dbt_test_on_any(
    house: Workspace, tmp_path: Path
) -> None:
    model = "models/intermediate/delivery/int_creative_performance_observed.sql"
    sql = (PROJECT / model).read_text()
    twice = "select * from (table summed union all table summed)"
    project = project_with(tmp_path, model, sql.replace("select * from summed", twice))
    settings = {"DBT_PROJECT_DIR": project, "DBT_PROFILES_DIR": project}
    with opened(house.home / "marts.duckdb") as connection:  # without figures, so that no total tells
        connection.execute("""
            insert into intermediate.int_creative_performance_observed by name
            select * replace (0 as impressions, 0 as clicks, 0 as conversions, 0 as spend)
            from intermediate.int_creative_performance_observed
            where date = date '2026-11-03' and spend_coverage = 'full' limit 1
        """)
    house.drop("later.jsonl", lines(record(77, date="2026-10-01")))
    assert house.adhouse("extract", "campaign_files", **settings).returncode == 0
    found = "FAIL 1 unique_combination_of_columns_creative_performance_date__ad_id__campaign_id"
    build = ("build", "--exclude-resource-type", "unit_test")
    ended = dbt(house, *build, **settings)
    assert found in ended.stdout, ended.stdout
    (Path(project) / model).write_text(sql)
    ended = dbt(house, *build, **settings)
    assert ended.returncode == 0, ended.stdout
    ended = dbt(house, "test", "--select", "creative_performance", **settings)
    assert found in ended.stdout, ended.stdout


@pytest.mark.cases
def test_a_file_quarantined_whole_is_said_last_fails_with_strict_and_can_be_repaired(tmp_path: Path) -> None:
    house = Workspace(tmp_path / "data", {"ADHOUSE_API_URL": "none"})
    columns = ",".join(record(1))
    good, bad = (",".join(str(value) for value in record(number).values()) for number in (1, 2))
    house.drop("export.csv", f"{columns}\n{good}\n{bad.replace('2026-11-01', '20/11/2026')}\n".encode())
    house.drop("cut.jsonl.gz", b"not compressed")
    ended = house.adhouse("run", "--strict")
    assert ended.returncode == 1
    why, last = ended.stderr.splitlines()[-2:]
    assert why.startswith("campaign_files: 'cut.jsonl.gz' is quarantined: cut_off: the last line is broken")
    assert why.endswith("; to do: Ask the sender for the file again; the transfer was cut off")
    assert last.startswith("adhouse: 1 file was quarantined as a whole (drop a repaired file under the same name; ")
    assert "published build" in ended.stdout
    problems = [row["problem"] for row in json.loads(house.adhouse("quarantine", "--json").stdout)]
    assert any(one.startswith("cut.jsonl.gz: ") for one in problems)
    assert 'export.csv line 3: date "20/11/2026" is not a date (YYYY-MM-DD)' in problems
    house.drop("export.csv", f"{columns}\n{good}\n{bad}\n".encode())
    house.drop("cut.jsonl.gz", gzip.compress(lines(record(3))))
    ended = house.adhouse("run", "--strict", "--json")
    assert ended.returncode == 0, ended.stderr
    facts = json.loads(ended.stdout)
    assert facts["outcome"] == "done"
    assert facts["published"] == facts["build"]["build_id"] == published_id(house)
    assert facts["published"].endswith(f"-{facts['run_id']}")
    assert facts["sources"]["campaign_files"]["loaded"] == 3
    assert json.loads(house.adhouse("quarantine", "--json").stdout) == []
    every = json.loads(house.adhouse("quarantine", "--all", "--json").stdout)
    assert sorted(row["problem"] for row in every) == sorted(problems)
    assert {row["is_repaired"] for row in every} == {True}
    log = [json.loads(line) for path in (house.home / "logs").glob("run-*.jsonl") for line in path.open()]
    assert {"start", "extract", "parse", "build", "audit", "publish", "end"} <= {line.get("phase") for line in log}
    assert {line["run_id"] for line in log} >= {facts["run_id"]}
    nodes = {line["node"]: line for line in log if "node" in line}
    assert nodes["campaign_summary"]["kind"] == "model"
    assert nodes["campaign_summary"]["seconds"] >= 0
    units = [line for line in log if line.get("unit", "").endswith("export.csv")]
    facts = ("source", "status", "records_read", "records_loaded", "records_rejected")
    told = {tuple(line[fact] for fact in facts) for line in units}
    assert told == {("campaign_files", "loaded", 2, 1, 1), ("campaign_files", "loaded", 2, 2, 0)}
    assert all(line["bytes"] > 0 and line["seconds"] >= 0 for line in units)
    assert {line["counts"]["failures"] for line in nodes.values() if line["kind"] == "test"} >= {0}


@pytest.mark.cases
def test_an_unusual_volume_is_told_and_published_all_the_same(tmp_path: Path) -> None:
    house = Workspace(tmp_path / "data", {"ADHOUSE_API_URL": "none"})
    usual = [record(1000 + day, date=f"2026-11-0{day}") for day in range(1, 7)]
    house.drop("days.jsonl", lines(*usual, record(1, date="2026-11-07")))
    ended = house.adhouse("run")
    assert ended.returncode == 0, ended.stderr
    assert "warning: assert_newest_day_has_the_usual_volume: 1 row" in ended.stderr
    assert "published build" in ended.stdout


def test_a_published_view_finds_its_tables_under_any_name_of_the_file(built_home: Workspace, tmp_path: Path) -> None:
    shutil.copy(built_home.home / "published" / "marts.duckdb", tmp_path / "mine.duckdb")
    kept = "select sum(records_kept) from {0}marts.source_balances"
    counted = "select count(*) from {0}marts.processed_campaign_data"
    with duckdb.connect(tmp_path / "mine.duckdb", read_only=True) as connection:
        wanted = connection.execute(kept.format("")).fetchone()
        assert connection.execute(counted.format("")).fetchone() == wanted
    with duckdb.connect() as connection:
        connection.execute("create schema intermediate; create table intermediate.int_deliveries_observed (x int)")
        connection.execute(f"attach '{tmp_path / 'mine.duckdb'}' as theirs (read_only)")
        assert connection.execute(counted.format("theirs.")).fetchone() == wanted


@pytest.mark.cases
def test_maintain_merges_small_files_and_changes_no_number(house: Workspace, built_home: Workspace) -> None:
    house.drop("one_more.jsonl", lines(record(1)))
    assert house.adhouse("run").returncode == 0
    before = cells(house)
    files = len([*house.home.glob("lake/raw/loaded_files/*.parquet")])
    ended = house.adhouse("maintain")
    assert ended.returncode == 0, ended.stderr
    assert re.fullmatch(r"merged \d+ files of the lake\n", ended.stdout)
    assert len([*house.home.glob("lake/raw/loaded_files/*.parquet")]) < files
    assert house.adhouse("maintain").stdout == "merged 0 files of the lake\n"
    assert house.adhouse("build", "--full-refresh", ADHOUSE_API_URL="none").returncode == 0
    assert house.adhouse("publish").returncode == 0
    assert cells(house) == before
