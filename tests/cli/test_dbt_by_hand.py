"""dbt by hand on Athena: what is missing is said in one line, before anything is asked of an account."""

import os
import subprocess
from pathlib import Path

import pytest
from conftest import COMMAND
from support.cases import always

PROJECT = Path(__file__).parents[2]
NO_CREDENTIALS = (
    "no AWS credentials found: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run under a role"
)


def dbt_on_athena(folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    (folder / "profiles.yml").write_text((PROJECT / "profiles.yml.example").read_text())
    ours = ("ADHOUSE_", "DBT_", "AWS_")
    others = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    places = {"HOME": str(folder), "DBT_TARGET_PATH": str(folder / "target"), "DBT_LOG_PATH": str(folder / "logs")}
    return subprocess.run(
        [COMMAND.with_name("dbt"), *arguments, "--target", "athena", "--profiles-dir", str(folder)],
        cwd=PROJECT,
        env={**others, **places, "AWS_EC2_METADATA_DISABLED": "true", **settings},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("settings", "said"),
    always(
        1,
        [
            ({"ADHOUSE_LAKE_URL": "s3://bucket"}, NO_CREDENTIALS),
            ({}, "Env var required but not provided: 'ADHOUSE_LAKE_URL'"),
            ({"ADHOUSE_LAKE_URL": "s3://b", "AWS_PROFILE": "other"}, "The config profile (other) could not be found"),
        ],
    ),
)
def test_what_is_missing_is_one_line(tmp_path: Path, settings: dict[str, str], said: str) -> None:
    ended = dbt_on_athena(tmp_path, "build", **settings)
    assert ended.returncode == 2
    assert said in ended.stdout
    assert "Traceback" not in ended.stdout + ended.stderr


@pytest.mark.cases
def test_the_project_can_be_listed_without_an_account(tmp_path: Path) -> None:
    ended = dbt_on_athena(tmp_path, "ls", "--resource-type", "model", ADHOUSE_LAKE_URL="s3://bucket")
    assert ended.returncode == 0, ended.stdout
    assert "adhouse.marts.delivery.campaign_summary" in ended.stdout
