"""Calls dbt inside this process."""

import logging
import shutil
import warnings
from collections.abc import Callable
from datetime import datetime
from typing import Any

from adhouse.errors import CommandError, Exit
from adhouse.settings import PROJECT_FILE, Settings, export
from extract.redaction import Redaction

log = logging.getLogger(__name__)


class DbtError(Exception):
    """dbt could not run at all: a broken project or profile, an engine that does not answer; the message is dbt's."""


def ensure_profile(settings: Settings) -> None:
    """Copies `profiles.yml` from the example at the first use; an existing profile is left alone.

    Raises:
        CommandError: There is no dbt project, or no profile.
    """
    project, profile = settings.project / PROJECT_FILE, settings.profiles / "profiles.yml"
    if not project.is_file():
        way_out = "change to the clone, make a project with `adhouse init FOLDER`, or set DBT_PROJECT_DIR"
        raise CommandError(f"no dbt project: {project} does not exist", way_out, Exit.USAGE)
    if not profile.exists():
        example = settings.project / "profiles.yml.example"
        if not example.is_file():
            raise CommandError(f"no dbt profile: {profile} does not exist", "restore profiles.yml.example", Exit.USAGE)
        shutil.copyfile(example, profile)


def environment(settings: Settings, as_of: datetime, generation: str) -> dict[str, str]:
    """The environment variables of ours that the project and the profile may read when dbt runs."""
    # AWS may repeat a token in an error about a signature; dbt keeps the values of such names out of its log.
    secrets = {f"DBT_ENV_SECRET_ADHOUSE_{number}": one for number, one in enumerate(settings.secrets)}
    generations = {"ADHOUSE_GENERATION": generation} if generation else {}
    return {**settings.environment_for_dbt(), "ADHOUSE_AS_OF": as_of.isoformat(), **generations, **secrets}


def call_dbt(
    settings: Settings,
    arguments: list[str],
    as_of: datetime,
    generation: str,
    manifest: Any = None,
    *on_event: Callable[[Any], None],
) -> Any:
    """Runs one dbt command to its end; dbt's own log goes beside ours.

    Args:
        settings: Where everything is.
        arguments: The command and its own options.
        as_of: The only time that models know.
        generation: The name of the databases on Athena; empty on DuckDB.
        manifest: The parsed project; without it dbt parses what changed since it last did so for this data folder.
        on_event: Is told what happens inside dbt.

    Returns:
        What dbt gives for this command: a manifest for `parse`, results for `build`.

    Raises:
        DbtError: dbt could not run at all.
    """
    warnings.filterwarnings("ignore", module="agate")  # about columns that a seed or Glue does not have
    export(environment(settings, as_of, generation))
    from dbt.cli.main import dbtRunner

    options = {
        "--project-dir": settings.project,
        "--profiles-dir": settings.profiles,
        "--target": settings.target,
        "--target-path": settings.dbt_target,
        "--log-path": settings.logs,
        "--log-level": "none",
        "--log-level-file": "info",
    }
    flags = [text for option in options.items() for text in map(str, option)]
    try:
        outcome = dbtRunner(manifest, [*on_event]).invoke([*arguments, *flags, "--no-send-anonymous-usage-stats"])
    finally:
        _redact_results(settings)
        if not settings.is_in_cloud:
            _close_warehouse()
    if isinstance(outcome.exception, KeyboardInterrupt | SystemExit):
        raise KeyboardInterrupt
    if outcome.exception is not None:
        text = str(outcome.exception)
        log.error("dbt: %s", text)
        raise DbtError(text)
    return outcome.result


def _redact_results(settings: Settings) -> None:
    """Redacts dbt's results: an engine's error may contain a secret, which dbt itself keeps out of its log only."""
    results = settings.dbt_target / "run_results.json"
    if settings.secrets and results.exists():
        text = results.read_text()
        if (redacted := Redaction(settings.secrets)(text)) != text:
            results.write_text(redacted)


def _close_warehouse() -> None:
    """dbt-duckdb keeps its connection open as long as the process lives; until then nothing else can open the files."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    if DuckDBConnectionManager._ENV is not None:
        DuckDBConnectionManager._ENV.close()
        DuckDBConnectionManager.close_all_connections()
