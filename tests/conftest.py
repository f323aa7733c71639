"""What the tests share: a small world, the platform that reports it, and a house built by the real command."""

import gzip
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from support.athena_fixture import athena, pytest_collection_modifyitems, pytest_xdist_make_scheduler
from support.browser import chromium, visit
from support.dashboard_pages import invented, invented_link, run_page
from support.killing import killer
from support.lacking import pytest_terminal_summary, pytest_testnodedown
from support.warm_command import WarmCommand

from simulate.data_faults import FaultRates
from simulate.delivery import delivery
from simulate.files import write
from simulate.mock_api import DEMO_TOKEN, create_app
from simulate.serve import serving
from simulate.world import World, make_world

# Fixtures and hooks, found here by their names.
__all__ = [
    "athena",
    "chromium",
    "invented",
    "invented_link",
    "killer",
    "pytest_collection_modifyitems",
    "pytest_terminal_summary",
    "pytest_testnodedown",
    "pytest_xdist_make_scheduler",
    "run_page",
    "visit",
]

SINCE, UNTIL = date(2026, 11, 1), date(2026, 11, 5)
TODAY = UNTIL + timedelta(days=1)
FILE_DAY = SINCE - timedelta(days=1)
COMMAND = Path(sys.executable).with_name("adhouse")
MOST_SECONDS = 600  # of one command: a slow machine builds on Athena that long
warm = WarmCommand()
# On a busy machine any example may take long, and so may making it.
hypothesis.settings.register_profile("untimed", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("untimed")


@dataclass(frozen=True)
class Workspace:
    """A data folder, and the settings under which the real command works on it."""

    home: Path
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """What the command finds in its environment: nothing of adhouse's but these settings."""
        others = {name: value for name, value in os.environ.items() if not name.startswith(("ADHOUSE_", "DBT_"))}
        return {**others, **self.settings, "ADHOUSE_HOME": str(self.home)}

    def start(self, *arguments: str, **settings: str) -> subprocess.Popen[str]:
        """Starts `adhouse` in a process of its own, its output in pipes."""
        return subprocess.Popen(
            [COMMAND, *arguments],
            env=self.environment | settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def adhouse(self, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """Runs `adhouse` to its end; the caller looks at the exit code."""
        environment = self.environment | settings
        if "PYTHONPATH" in environment:  # which changes what is imported
            with self.start(*arguments, **settings) as process:
                written = process.communicate(timeout=MOST_SECONDS)
            return subprocess.CompletedProcess(arguments, process.returncode, *written)
        return subprocess.CompletedProcess(arguments, *warm.run(arguments, environment, MOST_SECONDS))

    def drop(self, name: str, content: bytes, source: str = "campaign_files") -> Path:
        """Puts a file into the inbox that has been quiet long enough to be taken at once."""
        path = self.home / "inbox" / source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        quiet(path)
        return path


def quiet(path: Path) -> None:
    """Makes a file look as if nobody had written to it for a minute."""
    a_minute_ago = path.stat().st_mtime - 60
    os.utime(path, (a_minute_ago, a_minute_ago))


@pytest.fixture(scope="session")
def world() -> World:
    """A small world, with faults so frequent that a day has every one."""
    broken: dict[str, Any] = {"clicks_over_impressions": 0.01, "conversions_over_clicks": 0.01, "negative_count": 0.01}
    rates = FaultRates(null=0.01, fractional=0.3, padded=0.05, **broken)
    sizes = {"impressions_per_day": 4_000, "campaigns": 8, "ads_per_campaign": 4, "brands": 4, "zips": 40}
    return make_world(users=2_000, rates=rates, **sizes)


@pytest.fixture(scope="session")
def platform(world: World) -> Iterator[str]:
    """The base URL of the platform that reports the world; its today is `TODAY`."""
    with serving(create_app(world, today=lambda: TODAY)) as url:
        yield url


@pytest.fixture
def own_project(tmp_path: Path) -> Workspace:
    """A data folder, and beside it in `project` a dbt project of its own, whose seeds a test may change."""
    project, shipped = tmp_path / "project", Path(__file__).parents[1]
    for part in ("models", "macros", "seeds", "tests/sql"):
        shutil.copytree(shipped / part, project / part)
    for name in ("dbt_project.yml", "profiles.yml.example"):
        shutil.copy(shipped / name, project)
    return Workspace(tmp_path / "data", {"ADHOUSE_API_URL": "none", "DBT_PROJECT_DIR": str(project)})


@pytest.fixture(scope="session")
def built_home(world: World, platform: str, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A house built once by `adhouse run`, from the API and from good and bad files; for looking at only."""
    house = Workspace(
        tmp_path_factory.mktemp("built") / "data",
        {
            "ADHOUSE_API_URL": platform,
            "ADHOUSE_API_TOKEN": DEMO_TOKEN,
            "ADHOUSE_SINCE": str(SINCE),
            "ADHOUSE_UNTIL": str(UNTIL),
        },
    )
    inbox = house.home / "inbox" / "campaign_files"
    inbox.mkdir(parents=True)
    records = delivery(world, FILE_DAY, TODAY)
    half = records.num_rows // 2
    quiet(write(records.slice(0, half), inbox / "export.jsonl.gz"))
    quiet(write(records.slice(half), inbox / "export.csv"))
    good = (write(records.slice(0, 5), inbox / "lines.jsonl")).read_bytes()
    house.drop("lines.jsonl", good + b'=cmd|"/c calc"!A1 is not JSON\n')
    house.drop("cut.jsonl.gz", gzip.compress(good)[:-20])
    process = house.start("run")
    out, err = process.communicate(timeout=MOST_SECONDS)
    assert process.returncode == 0, out + err
    (house.home / "first_run.out").write_text(out)
    (house.home / "first_run.err").write_text(err)
    return house


@pytest.fixture
def house(built_home: Workspace, tmp_path: Path) -> Workspace:
    """A copy of the built house, to do with as a test likes."""
    shutil.copytree(built_home.home, tmp_path / "data", symlinks=True)
    return Workspace(tmp_path / "data", built_home.settings)
