"""A demo and a user's own data never mix, and a changed setting re-reads what it touches."""

import json
import time
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pytest
from conftest import Workspace
from support.extracting import lines, record, rows

from extract.demo import Demo, write_demo
from extract.storage import Folder

ONE_DAY = {"ADHOUSE_SINCE": "2026-11-01", "ADHOUSE_UNTIL": "2026-11-01"}


def days(house: Workspace) -> dict[str, str]:
    """The spend of each day, as published."""
    with duckdb.connect(house.home / "published" / "marts.duckdb", read_only=True) as connection:
        rows = connection.execute("select date, sum(spend) from marts.daily_performance group by all").fetchall()
    return {str(day): str(spend) for day, spend in rows}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A data folder made by a run without any setting but the days."""
    house = Workspace(tmp_path_factory.mktemp("demo") / "data", ONE_DAY)
    ended = house.adhouse("run")
    assert ended.returncode == 0, ended.stderr
    assert "adhouse demo --end" in ended.stdout
    return house


def test_a_demo_refuses_own_data(tmp_path: Path) -> None:
    house = Workspace(tmp_path / "data", ONE_DAY)
    write_demo(Folder.at(str(house.home)).below("landing"), Demo())
    own = house.drop("own.jsonl", lines(record(1)))
    for settings, named in (({}, "own.jsonl"), ({"ADHOUSE_API_URL": "http://127.0.0.1:9"}, "ADHOUSE_API_URL")):
        refused = house.adhouse("run", **settings)
        assert refused.returncode == 2
        assert named in refused.stderr
        assert "ADHOUSE_HOME" in refused.stderr
        assert "adhouse demo --end" in refused.stderr
    assert own.exists()


@pytest.mark.cases
def test_a_demo_refuses_own_data_until_it_is_ended_for_good(demo: Workspace) -> None:
    demo.drop("own.jsonl", lines(record(1, date="2026-11-01", spend="1.5")))
    assert demo.adhouse("run").returncode == 2

    ended = demo.adhouse("demo", "--end")
    assert ended.returncode == 0, ended.stderr
    assert not (demo.home / "published").exists()
    assert demo.adhouse("demo", "--end").returncode == 2

    for command in ("run", "rebuild"):
        done = demo.adhouse(command)
        assert done.returncode == 0, done.stderr
        assert days(demo) == {"2026-11-01": "1.500000"}


@pytest.mark.cases
def test_an_end_that_was_killed_is_finished_by_the_next_run(tmp_path: Path) -> None:
    house = Workspace(tmp_path / "data", ONE_DAY)
    assert house.adhouse("extract").returncode == 0
    marker = house.home / "landing" / "demo.json"
    received = json.loads((house.home / "landing" / "receipts.json").read_text())["last"]
    marker.write_text(json.dumps({"state": "ending", "withdrawn_through": received}))  # where a kill leaves it
    house.drop("own.jsonl", lines(record(1, spend="1.5")))

    assert house.adhouse("run").returncode == 0
    assert [*days(house).values()] == ["1.500000"]
    assert json.loads(marker.read_text())["state"] == "over"


@pytest.mark.cases
def test_a_demo_that_was_killed_while_it_dropped_its_logs_goes_on_and_takes_no_others(tmp_path: Path) -> None:
    house = Workspace(tmp_path / "data", ONE_DAY)
    assert house.adhouse("extract", "campaign_api").returncode == 0
    assert not [*house.home.glob("inbox/*/*")], "what is dropped and not taken looks like a user's own"
    with house.start("extract") as process:
        while process.poll() is None and not [*house.home.glob("inbox/impressions/*.jsonl")]:
            time.sleep(0.001)
        process.kill()
        process.communicate()
    marker = house.home / "landing" / "demo.json"
    assert json.loads(marker.read_text())["is_dropping"]

    ended = house.adhouse("extract")
    assert ended.returncode == 0, ended.stderr
    assert not json.loads(marker.read_text())["is_dropping"]
    found = rows(house.home, "loaded_files", "file_name, status")
    names = [name for name, status in found if status == "loaded"]
    assert len(names) == len({*names}) > 30

    house.drop("impressions-2026-11-01.jsonl", b"{}", "impressions")
    assert house.adhouse("extract").returncode == 2


@pytest.mark.cases
def test_a_new_time_zone_reads_everything_again(tmp_path: Path) -> None:
    house = Workspace(tmp_path / "data", {"ADHOUSE_API_URL": "none"})
    undated = record(2, date=None, spend="0.25")
    house.drop("one.jsonl", lines(record(1, date="2026-06-02T02:00:00Z", spend="1.5"), undated))
    first = house.adhouse("run")
    assert first.returncode == 0, first.stderr
    assert "without a date: 1 count on the day of receipt" in first.stdout
    assert days(house)["2026-06-02"] == "1.500000"

    in_new_york = {"ADHOUSE_REPORT_TIMEZONE": "America/New_York"}
    partly = house.adhouse("extract", "campaign_files", **in_new_york)
    assert partly.returncode != 0
    assert "every source is to be read again" in partly.stderr

    again = house.adhouse("run", **in_new_york)
    assert again.returncode == 0, again.stderr
    assert "everything in landing is read again" in again.stderr
    assert again.stderr.count("full refresh: ") == 1
    assert "full refresh: models, macros, seeds or settings changed since the last audited build" in again.stderr
    received = json.loads(next(house.home.glob("landing/*/*/*/.receipt.json")).read_text())["received_at"]
    received_on = datetime.fromisoformat(received).astimezone(ZoneInfo("America/New_York")).date()
    assert days(house) == {"2026-06-01": "1.500000", str(received_on): "0.250000"}
    assert "nothing new" in house.adhouse("run", **in_new_york).stdout


@pytest.mark.cases
def test_tables_of_another_lake_are_not_continued(tmp_path: Path) -> None:
    """A lake that was read again by `adhouse extract` has other days under the same names."""
    house = Workspace(tmp_path / "data", {"ADHOUSE_API_URL": "none"})
    house.drop("one.jsonl", lines(record(1, date="2026-06-02T02:00:00Z", spend="1.5")))
    assert house.adhouse("run").returncode == 0
    in_new_york = {"ADHOUSE_REPORT_TIMEZONE": "America/New_York"}
    assert house.adhouse("build", **in_new_york).returncode == 0
    assert house.adhouse("extract", **in_new_york).returncode == 0
    assert house.adhouse("run", **in_new_york).returncode == 0
    assert days(house) == {"2026-06-01": "1.500000"}
