"""adhouse without a clone: the wheel brings the dbt project along, and `adhouse init` makes a folder to work in."""

import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from conftest import Workspace
from support.repository import files as all_files

from adhouse.errors import Exit

ROOT = Path(__file__).parents[2]
RUN = "import sys; sys.argv[0] = 'adhouse'; from adhouse.cli import main; main()"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the wheel installs, for PYTHONPATH."""
    uv = shutil.which("uv")
    if uv is None:
        pytest.skip("uv, which builds the wheel, is not on the PATH")
    folder = tmp_path_factory.mktemp("wheel")
    # From the cache alone: where this project was installed by uv, what builds it is there.
    built = subprocess.run(
        [uv, "build", "--wheel", "--offline", "-q", "-o", folder], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stderr
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def adhouse(installed: Path, folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Runs the installed command in a folder, in an environment that knows nothing of the clone."""
    others: Mapping[str, str] = Workspace(folder).environment
    environment = {**others, "PYTHONPATH": str(installed), **settings}
    del environment["ADHOUSE_HOME"]
    command = [sys.executable, "-c", RUN, *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )


@pytest.mark.cases
def test_the_wheel_works_from_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    made = adhouse(installed, tmp_path, "init", "shop")
    assert made.returncode == Exit.OK, made.stderr
    assert "cd shop" in made.stdout
    shop = tmp_path / "shop"
    ended = adhouse(installed, shop, "run", ADHOUSE_API_URL="none")
    assert ended.returncode == Exit.OK, ended.stderr
    query = "select campaign_id, total_spend from campaign_summary order by 1"
    found = adhouse(installed, shop, "sql", "--csv", query)
    assert found.stdout == "campaign_id,total_spend\nsummer,25.000000\nwinter,15.000000\n", found.stderr
    assert (shop / "data" / "published" / "marts.duckdb").exists()
    assert f"{ROOT}/" not in (shop / "data" / "logs" / "dbt.log").read_text()


def test_the_wheel_has_the_whole_project(installed: Path) -> None:
    folders = [path for name in ("models", "macros", "seeds", "tests/sql") for path in (ROOT / name).rglob("*")]
    shipped = ("dbt_project.yml", "profiles.yml.example", "sources.yml.example", "sources.schema.json")
    files = [path for path in (*folders, *(ROOT / name for name in shipped)) if path.is_file()]
    project = installed / "adhouse" / "project"
    packaged = {path.relative_to(project) for path in project.rglob("*") if path.is_file()}
    assert packaged == {path.relative_to(ROOT) for path in files}


def test_the_wheel_has_what_the_dashboard_serves_beside_its_code(installed: Path) -> None:
    shipped = [path for path in all_files() if path.parts[0] == "dashboard" and path.suffix != ".py"]
    assert {path.name for path in shipped} >= {"config.toml", "icon.png", "countries.json", "states.json"}
    assert [str(path) for path in shipped if not (installed / path).is_file()] == []


def test_the_wheel_has_the_presets_and_a_project_the_example_of_sources(installed: Path, tmp_path: Path) -> None:
    assert adhouse(installed, tmp_path, "init", "shop").returncode == Exit.OK
    shop = tmp_path / "shop"
    (shop / "sources.yml.example").rename(shop / "sources.yml")
    assert (shop / "sources.schema.json").exists()
    listed = adhouse(installed, shop, "sources", "--json")
    assert listed.returncode == Exit.OK, listed.stderr
    found = {one["source"]: one["preset"] for one in json.loads(listed.stdout)["sources"]}
    assert found["google_ads"] == "google_ads"
    presets = (ROOT / "extract" / "presets").iterdir()
    assert {path.name for path in presets} == {path.name for path in (installed / "extract" / "presets").iterdir()}


def test_without_a_project_it_names_the_command_that_makes_one(installed: Path, tmp_path: Path) -> None:
    ended = adhouse(installed, tmp_path, "run", ADHOUSE_API_URL="none")
    assert ended.returncode == Exit.USAGE
    assert "`adhouse init FOLDER`" in ended.stderr.splitlines()[-1]


def test_an_existing_project_is_never_changed(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "data")
    folder = tmp_path / "shop"
    assert workspace.adhouse("init", str(folder)).returncode == Exit.OK
    again = workspace.adhouse("init", str(folder))
    assert again.returncode == Exit.USAGE
    assert again.stderr == f"adhouse: {folder} already has dbt_project.yml (choose another folder)\n"
    (tmp_path / "other" / "models").mkdir(parents=True)
    refused = workspace.adhouse("init", str(tmp_path / "other"))
    assert refused.returncode == Exit.USAGE
    assert [path.name for path in (tmp_path / "other").iterdir()] == ["models"]


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    ended = Workspace(tmp_path / "data").adhouse("init", str(tmp_path / "file" / "shop"))
    assert ended.returncode == Exit.FAILED
    assert ended.stderr.startswith(f"adhouse: cannot write {tmp_path / 'file'}")
    assert len(ended.stderr.splitlines()) == 1


def test_after_an_extract_alone_dbt_by_hand_finds_a_profile(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    workspace = Workspace(tmp_path / "data", {"ADHOUSE_API_URL": "none", "DBT_PROJECT_DIR": str(folder)})
    assert workspace.adhouse("init", str(folder)).returncode == Exit.OK
    (folder / "profiles.yml").unlink()  # which git does not know, so a fresh clone has none
    ended = workspace.adhouse("extract")
    assert ended.returncode == Exit.OK, ended.stderr
    assert (folder / "profiles.yml").exists()
