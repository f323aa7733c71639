"""What people write of their campaigns takes effect with the next run, and builds nothing else again."""

from pathlib import Path

import pytest
from conftest import Workspace
from support.extracting import lines, record
from support.marts import as_rows

from adhouse.settings import read_settings


@pytest.mark.cases
def test_a_changed_target_takes_effect_without_a_full_refresh(own_project: Workspace, tmp_path: Path) -> None:
    seed = tmp_path / "project" / "seeds" / "campaign_targets.csv"
    house = read_settings({"ADHOUSE_HOME": str(own_project.home)})
    own_project.drop("a.jsonl", lines(record(1)))  # of 2026-11-01
    assert (ended := own_project.adhouse("run")).returncode == 0, ended.stderr
    assert as_rows(house, "pacing") == []  # the flight that is shipped is only an example
    [campaign] = as_rows(house, "campaign_summary")

    def flight(budget: int) -> None:
        header = seed.read_text().splitlines()[0]
        seed.write_text(f"{header}\n{campaign['campaign_id']},2026-11-01,2026-11-10,{budget},,,,,\n")

    for budget in (100, 300):
        flight(budget)
        ended = own_project.adhouse("run")
        assert ended.returncode == 0, ended.stderr
        assert "full refresh" not in ended.stderr
        [row] = as_rows(house, "pacing")
        assert (row["budget"], row["spend"], row["elapsed_days"]) == (budget, campaign["total_spend"], 10)
    assert "nothing new" in own_project.adhouse("run").stdout


@pytest.mark.cases
def test_what_is_wrong_with_a_flight_is_said_in_one_line(own_project: Workspace, tmp_path: Path) -> None:
    seed = tmp_path / "project" / "seeds" / "campaign_targets.csv"
    header = seed.read_text().splitlines()[0]
    own_project.drop("a.jsonl", lines(record(1)))

    def said(*flights: str) -> list[str]:
        seed.write_text("\n".join([header, *flights, ""]))
        ended = own_project.adhouse("run")
        return [line for line in ended.stderr.splitlines() if line.startswith(("warning: ", "error: "))]

    file = "seeds/campaign_targets.csv"
    assert said("c1,1.11.2026,2026-11-30,100,,,,,") == [
        f"error: {file} line 2: 'c1,1.11.2026,2026-11-30,100,,,,,' cannot be read: write dates as "
        "2026-11-30, numbers as 1234.56, and nothing where there is no value"
    ]
    # The only row of the file: no other day says how days are written.
    assert said("c1,3/1/2026,3/12/2026,100,,,,,") == [
        f"error: {file} line 2: 'c1,3/1/2026,3/12/2026,100,,,,,' cannot be read: write dates as "
        "2026-11-30, numbers as 1234.56, and nothing where there is no value"
    ]
    assert said("c1,2026-11-02,2026-11-01,100,,,,,", "c2,2026-11-01,2026-11-02,-1,,,,,") == [
        f"error: {file}: the flight of c1 from 2026-11-02 ends before it begins; correct it, and run again",
        f"error: {file}: the flight of c2 from 2026-11-01 has a negative budget; correct it, and run again",
    ]
    faults = said("c3,2026-11-02,,1,,,,,", "c4,26-11-16,26-12-15,1,,,,,", "c5,2026-11-01,2026-11-02,1,,,-1,,")
    assert sorted(faults) == [
        f"error: {file}: the flight of c3 from 2026-11-02 lacks its first or its last day; correct it, and run again",
        f"error: {file}: the flight of c4 from 0026-11-16 has no year of four digits, as in 2026-11-30; correct it, "
        "and run again",
        f"error: {file}: the flight of c5 from 2026-11-01 has a negative target; correct it, and run again",
    ]
    twice = said("c6,2026-11-01,2026-11-02,1,,,,,", "c6 ,2026-11-01,2026-11-03,1,,,,,")
    assert any(f"{file}: the flight of c6 from 2026-11-01 is there twice" in line for line in twice)
    assert not (own_project.home / "published" / "marts.duckdb").exists()
    campaign = record(1)["campaign_id"]
    (nothing,) = said(f"{campaign},2026-11-01,2026-11-10,0,,,,,")
    assert nothing.startswith(f"warning: {file}: the flight of {campaign} from 2026-11-01 has a budget of 0")
    flights = (f"{campaign},2026-11-01,2026-11-10,100,EUR,,,,", f"{campaign},2026-11-10,2026-11-12,100,,,,,")
    doubts = said(*flights, "another,2026-11-01,2026-11-02,,,,,,", "later,2126-11-01,2126-11-02,,,,,,")
    assert sorted(line.partition(f"{file}: the flight of ")[2][:60] for line in doubts) == sorted(
        line[:60]
        for line in (
            "another from 2026-11-01 has begun, and nothing was delivered in it; is the id of the campaign right?",
            f"{campaign} from 2026-11-01 cannot be paced: no exchange rate from EUR to USD for its first day",
            f"{campaign} from 2026-11-01 shares days with the one from 2026-11-10, and what is spent on them counts",
            f"{campaign} from 2026-11-10 has begun, and nothing was delivered in it; is the id of the campaign right?",
        )
    )
