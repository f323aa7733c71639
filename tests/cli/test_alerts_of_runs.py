"""A run ends by telling its channels, however it ends; and no channel can make it fail."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import Workspace
from support.receivers import webhook

from adhouse.alerts.state import NAME
from adhouse.errors import Exit

pytestmark = pytest.mark.cases

FAILING = "select campaign_id from {{ ref('campaign_summary') }} limit 3"


def project_with_a_failing_test(folder: Path) -> str:
    """A dbt project like ours with a test that fails."""
    shipped = Path(__file__).parents[2]
    for part in ("models", "macros", "seeds", "tests/sql"):
        shutil.copytree(shipped / part, folder / part)
    for name in ("dbt_project.yml", "profiles.yml.example"):
        shutil.copy(shipped / name, folder)
    shutil.copy(shipped / "profiles.yml.example", folder / "profiles.yml")
    (folder / "tests/sql/assert_nobody_advertises.sql").write_text(FAILING)
    return str(folder)


def titles(house: Workspace) -> dict[str, str]:
    """The alerts as they are noted: kind and status by title."""
    noted = json.loads(house.adhouse("alerts", "list", "--all", "--json").stdout)
    return {alert["title"]: f"{alert['kind']} {alert['status']}" for alert in noted}


def test_a_run_tells_what_it_found_once_and_a_broken_channel_costs_nothing(house: Workspace) -> None:
    with webhook() as hook:
        hook.status = 500
        both = {"ADHOUSE_ALERTS": f"json://ops:canary-of-the-channel@127.0.0.1:1/x {hook.url}"}
        ended = house.adhouse("run", **both)
        assert ended.returncode == Exit.OK
        assert ended.stdout.startswith("nothing new: build ")
        told = [line for line in ended.stderr.splitlines() if line.startswith("alerts: ")]
        assert len(told) == 2
        assert all("could not be sent to json://ops:****@127.0.0.1:" in line for line in told)
        assert all(line.endswith("; the next run tries again") for line in told)
        hook.status = 200
        for _ in range(2):
            assert house.adhouse("run", **both).returncode == Exit.OK
        [message] = hook.received
    assert "of the records of campaign_files were rejected or quarantined" in message["message"]
    assert "1 file of campaign_files could not be used at all" in message["message"]
    assert "build " in message["message"]
    canary = subprocess.run(["grep", "-rl", "canary-of-the-channel", house.home], capture_output=True, check=False)
    assert canary.stdout == b""


def test_a_damaged_state_is_said_and_the_run_goes_on(house: Workspace) -> None:
    (house.home / NAME).write_bytes(b"damaged" * 1000)
    ended = house.adhouse("run", ADHOUSE_ALERTS="json://127.0.0.1:1/x")
    assert ended.returncode == Exit.OK
    assert "alerts could not be sent: " in ended.stderr
    assert "remove" in ended.stderr


def test_a_failed_audit_is_told_and_is_over_with_the_next_build(house: Workspace, tmp_path: Path) -> None:
    with webhook() as hook:
        channel = {"ADHOUSE_ALERTS": hook.url}
        project = project_with_a_failing_test(tmp_path / "project")
        assert house.adhouse("run", DBT_PROJECT_DIR=project, **channel).returncode == Exit.AUDIT
        assert "failed: assert_nobody_advertises" in hook.bodies[0]
        [failed] = [title for title, said in titles(house).items() if said == "audit sent"]
        assert "failed and was not published; readers keep build " in failed
        assert house.adhouse("run", **channel).returncode == Exit.OK
        assert titles(house)[failed] == "audit over"
        assert len(hook.received) == 1
    assert house.adhouse("rebuild").returncode == Exit.OK
    assert titles(house)[failed] == "audit over"
