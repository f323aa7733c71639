"""A forgotten person is nowhere: lake, warehouse, published files, logs and quarantine are searched for the id."""

import json
import subprocess
import time
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import COMMAND, Workspace
from support.forgetting import files_that_say

from extract.forgetting import pseudonyms_of

KEY = "a key of sixteen or more"
CANARY, OTHER = "canary-4471", "somebody-else"
MARTS = ("ad_events", "campaign_funnel", "reach_frequency", "audience_segments", "quarantined_events", "data_quality")


def lines(*records: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def impression(number: int, user: str, **more: Any) -> dict[str, Any]:
    time = f"2026-11-02T10:00:0{number}Z"
    return {"impression_id": f"i{number}", "ad_id": "a", "campaign_id": "c", "user_id": user, "event_time": time} | more


def done(house: Workspace, *arguments: str, said: str | None = None) -> subprocess.CompletedProcess[str]:
    ended = subprocess.run(
        [COMMAND, *arguments], env=house.environment, input=said or "", capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended


def cells(house: Workspace) -> dict[str, list[tuple[Any, ...]]]:
    with duckdb.connect(house.home / "published" / "marts.duckdb", read_only=True) as connection:
        return {mart: connection.execute(f"select * from marts.{mart} order by all").fetchall() for mart in MARTS}


def traces(home: Path) -> list[str]:
    return files_that_say(home, CANARY, *pseudonyms_of(CANARY, KEY))


@pytest.fixture
def house(tmp_path: Path) -> Workspace:
    """A house with two builds that have the person, also among what was quarantined."""
    house = Workspace(tmp_path / "data", {"ADHOUSE_API_URL": "none", "ADHOUSE_PRIVACY_KEY": KEY})
    known = lines(impression(1, CANARY), impression(2, OTHER), impression(3, OTHER), impression(4, OTHER))
    house.drop("a.jsonl", known, source="impressions")
    done(house, "run")
    more = lines(
        impression(5, CANARY), impression(6, OTHER), impression(7, CANARY, ad_id=None), impression(8, OTHER, ad_id=None)
    )
    house.drop("b.jsonl", more + f'{{"user_id": "{CANARY}", broken\n'.encode(), source="impressions")
    done(house, "run")
    return house


@pytest.mark.cases
def test_a_forgotten_person_is_nowhere_and_never_comes_back(house: Workspace) -> None:
    assert {path.partition("/")[0] for path in traces(house.home)} > {"landing", "lake", "marts.duckdb", "published"}
    before = cells(house)
    refused = house.adhouse("forget", CANARY)
    assert (refused.returncode, "--yes" in refused.stderr) == (2, True)

    ended = done(house, "forget", "-", "--yes", said=f"{CANARY}\n")
    assert "landing: 3 of impressions, 1 of rejected in 2 files" in ended.stdout
    assert CANARY not in ended.stdout + ended.stderr
    assert traces(house.home) == []
    assert len([*(house.home / "published").glob("*/adhouse.duckdb")]) == 1
    after = cells(house)
    assert len(after["ad_events"]) == len(before["ad_events"]) - 2
    assert len(after["quarantined_events"]) == len(before["quarantined_events"]) - 1

    assert "nothing new" in done(house, "run").stdout
    assert "nothing is known of them" in done(house, "forget", CANARY, "--yes").stdout
    done(house, "rebuild")
    assert cells(house) == after
    house.drop("a again.jsonl", lines(impression(1, CANARY), *(impression(n, OTHER) for n in (2, 3, 4))), "impressions")
    done(house, "run")
    assert cells(house)["ad_events"] == after["ad_events"]


@pytest.mark.cases
@pytest.mark.parametrize("seconds", [1.5, 3.0, 6.0])
def test_the_next_run_ends_a_forget_that_was_killed(house: Workspace, seconds: float) -> None:
    with subprocess.Popen([COMMAND, "forget", CANARY, "--yes"], env=house.environment) as process:
        deadline = time.monotonic() + 60
        while not (house.home / "landing" / "forgetting.json").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(seconds - 1.5)
        process.kill()
    ended = done(house, "run")
    assert "a forget was cut off: ending it" in ended.stderr
    assert traces(house.home) == []
    assert len(cells(house)["ad_events"]) == 4
