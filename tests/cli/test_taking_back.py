"""Files that were dropped by mistake are taken back, and quarantined ones read again, with the real command."""

import json
import os
import pty
import signal
import subprocess
import time
from typing import Any

import duckdb
import pytest
from conftest import COMMAND, Workspace
from support.extracting import lines, record

MARTS = (
    "campaign_summary",
    "campaign_performance",
    "creative_performance",
    "daily_performance",
    "processed_campaign_data",
    "quarantined_deliveries",
    "data_quality",
)
FIRST = lines(record(1), record(2, spend=None, brand="brand 1"))
WRONG = lines(record(10), record(11, clicks=12), record(12))


def cells(house: Workspace) -> dict[str, list[tuple[Any, ...]]]:
    """Every cell of the published marts but for the build that they are of."""
    with duckdb.connect(house.home / "published" / "marts.duckdb", read_only=True) as connection:
        return {mart: connection.execute(f"select * from marts.{mart} order by all").fetchall() for mart in MARTS}


def done(house: Workspace, *arguments: str) -> subprocess.CompletedProcess[str]:
    ended = house.adhouse(*arguments)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A house with a good file and a quarantined one."""
    house = Workspace(tmp_path_factory.mktemp("taking") / "data", {"ADHOUSE_API_URL": "none"})
    house.drop("may.jsonl", FIRST)
    house.drop("cut.jsonl.gz", b"not compressed")
    done(house, "run")
    return house


@pytest.mark.cases
def test_a_retracted_file_never_came_and_a_restored_one_never_went(house: Workspace) -> None:
    before = cells(house)
    house.drop("may.jsonl", WRONG)
    house.drop("own.jsonl", lines(record(20)))
    done(house, "run")
    after = cells(house)

    refused = house.adhouse("retract", "may.jsonl")
    assert (refused.returncode, refused.stdout, len(refused.stderr.splitlines())) == (2, "", 1)
    assert "--yes" in refused.stderr
    assert cells(house) == after

    said = done(house, "retract", "may.jsonl", "campaign_files/own.jsonl", "--yes").stdout
    assert "stops counting: 2 records of 2026-11-01, spend 22.500000 USD" in said
    assert "counts again: 2 records of 2026-11-01, spend 1.250000 USD: campaign_files/may.jsonl (received " in said
    retracted = cells(house)
    quality = "data_quality"  # which says that two more files came
    assert {mart: rows for mart, rows in retracted.items() if mart != quality} == {
        mart: rows for mart, rows in before.items() if mart != quality
    }
    assert "nothing new" in done(house, "run").stdout

    for command in (["run", "--full-refresh"], ["rebuild"]):
        done(house, *command)
        assert cells(house) == retracted, command

    again = done(house, "retract", "may.jsonl", "--yes")
    assert "is retracted already; or say campaign_files/" in again.stderr
    assert "nothing new" in again.stdout
    assert cells(house) == retracted
    said = done(house, "restore", "may.jsonl", "own.jsonl", "--yes").stdout
    assert "stops counting: 2 records" in said
    assert "counts again: all its records" in said
    assert cells(house) == after
    done(house, "rebuild")
    assert cells(house) == after


@pytest.mark.cases
def test_a_person_is_asked_and_may_say_no(house: Workspace) -> None:
    before = cells(house)
    there, here = pty.openpty()
    with subprocess.Popen(
        [COMMAND, "retract", "may.jsonl"], env=house.environment, stdin=here, stdout=subprocess.PIPE, stderr=here
    ) as process:
        os.write(there, b"n\n")
        said = process.communicate(timeout=60)[0].decode()
    os.close(here)
    os.close(there)
    assert "stops counting: " in said
    assert process.returncode == 1
    assert cells(house) == before


@pytest.mark.cases
def test_a_name_that_nothing_has_is_one_line(house: Workspace) -> None:
    for command in ("retract", "restore"):
        ended = house.adhouse(command, "maj.jsonl", "--yes")
        assert ended.returncode == 2
        assert ended.stderr.splitlines() == ["adhouse: no file 'maj.jsonl' was loaded (is it may.jsonl?)"]


@pytest.mark.cases
def test_a_quarantined_file_can_be_read_again_or_taken_off_the_list(house: Workspace) -> None:
    again = done(house, "quarantine", "replay")
    assert "cut.jsonl.gz" in again.stderr.splitlines()[-2]
    assert "to do: " in again.stderr.splitlines()[-2]
    listed = [row["name"] for row in json.loads(done(house, "quarantine", "--json").stdout)]
    assert listed.count("cut.jsonl.gz") == 1
    assert "not quarantined" in house.adhouse("quarantine", "replay", "may.jsonl").stderr
    assert "is not retracted" in done(house, "restore", "may.jsonl", "--yes").stderr
    assert "not loaded cut.jsonl.gz: the last line is broken" in done(house, "status").stdout
    done(house, "retract", "cut.jsonl.gz", "--yes")
    assert json.loads(done(house, "status", "--json").stdout)["quarantined_files"] == []
    assert "cut.jsonl.gz" not in done(house, "quarantine").stdout
    assert "nothing to read again" in done(house, "quarantine", "replay").stdout
    done(house, "restore", "cut.jsonl.gz", "--yes")
    assert "cut.jsonl.gz" in done(house, "quarantine").stdout


@pytest.mark.cases
def test_a_retraction_that_is_killed_is_finished_by_the_next_run(house: Workspace) -> None:
    """Killed at moments that are spread over all its steps; each one counts as a whole or not at all."""
    done(house, "run")
    standing = cells(house)
    began = time.monotonic()
    done(house, "retract", "may.jsonl", "--yes")
    seconds = time.monotonic() - began
    retracted = cells(house)
    done(house, "restore", "may.jsonl", "--yes")
    assert cells(house) == standing
    for command, steps in (("retract", 7), ("restore", 7)):
        for step in range(1, steps):
            with house.start(command, "may.jsonl", "--yes") as process:
                try:
                    process.wait(seconds * step / steps)
                except subprocess.TimeoutExpired:
                    process.send_signal(signal.SIGKILL)
                process.communicate()
            assert cells(house) in (standing, retracted)
        done(house, "run")
        withdrawn = json.loads((house.home / "landing" / "withdrawn.json").read_text())["files"]
        assert cells(house) == (retracted if withdrawn else standing)
        assert bool(withdrawn) == (command == "retract")
