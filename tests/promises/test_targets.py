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
