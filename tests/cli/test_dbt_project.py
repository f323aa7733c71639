"""The project is parsed once for all data folders, and again whenever anything that parsing depends on has changed."""

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from adhouse.dbt.project import fingerprint, inputs_of, parsed_project, state_of
from adhouse.dbt.results import BuildPlan
from adhouse.dbt.runner import DbtError
from adhouse.settings import Settings, read_settings

PROJECT = Path(__file__).parents[2]
MODEL = "models/marts/delivery/campaign_summary.sql"
PLAN = BuildPlan("", "test", datetime(2026, 11, 6, tzinfo=UTC), "", is_full_refresh=False)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A project of its own, and a data folder."""
    project = tmp_path / "project"
    for folder in ("macros", "models", "seeds", "tests/sql"):
        shutil.copytree(PROJECT / folder, project / folder)
    shutil.copy(PROJECT / "dbt_project.yml", project)
    shutil.copy(PROJECT / "profiles.yml.example", project / "profiles.yml")
    return _at(read_settings({"DBT_PROJECT_DIR": str(project)}), tmp_path / "data")


def _at(settings: Settings, home: Path) -> Settings:
    return settings.model_copy(update={"home": home, "lake_url": str(home / "lake")})


def _append(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(text)


def _was_parsed(settings: Settings) -> bool:
    """Whether dbt parsed for this data folder: it leaves its own notes there then."""
    return (settings.dbt_target / "partial_parse.msgpack").exists()


def _parsed(settings: Settings) -> Any:
    return parsed_project(settings, PLAN)


def _code(manifest: Any, model: str) -> str:
    return str(manifest.nodes[f"model.adhouse.{model}"].raw_code)


@pytest.mark.cases
def test_another_data_folder_is_not_parsed_for_and_a_changed_model_is_seen(settings: Settings, tmp_path: Path) -> None:
    first, second, third = (_at(settings, tmp_path / name) for name in ("first", "second", "third"))
    manifest = _parsed(first)
    assert _was_parsed(first)
    kept = _parsed(second)
    assert not _was_parsed(second)
    assert kept.nodes.keys() == manifest.nodes.keys()
    assert kept.child_map == manifest.child_map
    assert str(first.home) not in str(kept.to_dict())
    _append(settings.project / MODEL, "-- another one\n")
    assert _code(_parsed(third), "campaign_summary").endswith("-- another one")
    assert _was_parsed(third)


@pytest.mark.cases
def test_what_is_kept_may_be_gone_or_broken(settings: Settings, tmp_path: Path) -> None:
    _parsed(settings)
    (kept,) = (settings.project / "target").iterdir()
    content = kept.read_bytes()
    for number, broken in enumerate((b"", content[:1000], content[:-1])):
        kept.write_bytes(broken)
        another = _at(settings, tmp_path / f"home-{number}")
        assert _code(_parsed(another), "campaign_summary")
        assert _was_parsed(another)


@pytest.mark.cases
def test_a_project_that_cannot_keep_anything_is_parsed_each_time(settings: Settings, tmp_path: Path) -> None:
    (settings.project / "target").write_text("in the way")
    for name in ("first", "second"):
        another = _at(settings, tmp_path / name)
        assert _code(_parsed(another), "campaign_summary")
        assert _was_parsed(another)


def test_a_broken_project_is_told_and_not_kept(settings: Settings) -> None:
    _append(settings.project / MODEL, "{% if %}")
    with pytest.raises(DbtError, match="campaign_summary"):
        _parsed(settings)
    assert not (settings.project / "target").exists()


@pytest.mark.cases
def test_what_a_model_reads_of_the_environment_is_looked_at(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _append(settings.project / MODEL, "-- {{ config(alias=env_var('ADHOUSE_HOME')[-5:]) }}\n")
    for name in ("first", "other"):
        manifest = _parsed(_at(settings, tmp_path / name))
        assert manifest.nodes["model.adhouse.campaign_summary"].alias == name


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (MODEL, "-- another\n"),
        ("macros/rates.sql", "{# another #}"),
        ("models/_docs.md", "{% docs another %}{% enddocs %}"),
        ("models/marts/_exposures.yml", "# another\n"),
        ("seeds/quarantine_reasons.csv", "another,reason\n"),
        ("tests/sql/another.sql", "select 1 where false"),
        ("snapshots/another.sql", "another"),
        ("dbt_packages/another/macros/another.sql", "another"),
        ("packages.yml", "packages: []"),
        ("profiles.yml", "# another\n"),
        ("dbt_project.yml", "# another\n"),
    ],
)
def test_any_file_of_the_project_changes_its_state(settings: Settings, path: str, text: str) -> None:
    before = state_of(settings, {})
    assert state_of(_at(settings, settings.home.with_name("moved")), {}) == before
    _append(settings.project / path, text)
    assert state_of(settings, {}) != before


def test_a_test_is_an_input_of_a_build_and_leaves_the_tables_as_they_are(settings: Settings) -> None:
    tables, inputs = fingerprint(settings), inputs_of(settings)
    _append(settings.project / "tests/sql/another.sql", "select 1 where false")
    assert fingerprint(settings) == tables
    assert inputs_of(settings) != inputs
    _append(settings.project / MODEL, "-- another\n")
    assert fingerprint(settings) != tables


@pytest.mark.cases
def test_who_may_see_what_in_the_dashboard_is_no_input_of_a_build_and_never_a_table(settings: Settings) -> None:
    tables, inputs = fingerprint(settings), inputs_of(settings)
    _append(settings.project / "seeds" / "dashboard_people.csv", "ann@example.org,Acme\n")
    assert (fingerprint(settings), inputs_of(settings)) == (tables, inputs)
    assert "seed.adhouse.dashboard_people" not in _parsed(settings).nodes


def test_where_an_earlier_build_of_the_process_wrote_is_no_input(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = inputs_of(settings)
    monkeypatch.setenv("ADHOUSE_GENERATION", "000001_of_before")
    assert inputs_of(settings) == inputs


def test_folders_of_the_users_own_are_looked_into(settings: Settings) -> None:
    configuration = settings.project / "dbt_project.yml"
    configuration.write_text(configuration.read_text() + 'model-paths: ["models", "more"]\n')
    before = state_of(settings, {})
    _append(settings.project / "more" / "another.sql", "select 1")
    assert state_of(settings, {}) != before


def test_what_the_project_reads_of_the_environment_changes_its_state(settings: Settings) -> None:
    _append(settings.project / "dbt_project.yml", "# {{ env_var('BRANCH', '') }}\n")
    home = str(settings.home)
    before = state_of(settings, {"BRANCH": "main", "ADHOUSE_HOME": home})
    assert state_of(settings, {"BRANCH": "next", "ADHOUSE_HOME": home}) != before
    assert state_of(settings, {"BRANCH": "main", "ADHOUSE_HOME": home, "OTHER": "thing"}) == before
