"""Calls dbt inside this process, and says in a plain sentence why it could not run."""

import logging
import os
import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from adhouse.aws.errors import explain_cloud
from adhouse.errors import CommandError, Exit
from adhouse.settings import Settings
from adhouse.warehouse.files import explain

log = logging.getLogger(__name__)


def ensure_profile(settings: Settings) -> None:
    """Makes `profiles.yml` from the example at the first use; a profile that is there is left alone."""
    project, profile = settings.project / "dbt_project.yml", settings.profiles / "profiles.yml"
    if not project.is_file():
        raise CommandError(
            f"no dbt project: looked for {project}", "run in the clone, or set DBT_PROJECT_DIR to it", Exit.USAGE
        )
    if not profile.exists():
        example = settings.project / "profiles.yml.example"
        if not example.is_file():
            raise CommandError(f"no dbt profile: looked for {profile}", "restore profiles.yml.example", Exit.USAGE)
        shutil.copyfile(example, profile)


def environment(settings: Settings, as_of: datetime, generation: str) -> dict[str, str]:
    """What the project and the profile may read of us when dbt runs."""
    # Amazon may repeat a token in what it says of a signature; dbt keeps the values of such names out of its log.
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
    """Runs one dbt command to its end; what it says goes to its log, beside ours.

    Args:
        settings: Where everything is.
        arguments: The command and its own options.
        as_of: The one reading of the clock that models know.
        generation: Of the tables on Athena; empty on DuckDB.
        manifest: The parsed project; without it dbt parses what changed since it last did so for this data folder.
        on_event: Is told what happens inside dbt.

    Returns:
        What dbt gives for this command: a manifest for `parse`, results for `build`.

    Raises:
        CommandError: dbt could not run at all: a broken project or profile, an unreadable warehouse, a full disk.
    """
    os.environ.update(environment(settings, as_of, generation))
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
        _redact(settings.dbt_target / "run_results.json", settings)
        if not settings.is_in_cloud:
            _close_warehouse()
    if isinstance(outcome.exception, KeyboardInterrupt | SystemExit):
        raise KeyboardInterrupt
    if outcome.exception is not None:
        text = str(outcome.exception)
        log.error("dbt: %s", text)
        explain_engine(text, settings)
        raise CommandError(f"dbt could not run: {' '.join(text.split())}", f"details: {settings.logs / 'dbt.log'}")
    return outcome.result


def explain_engine(text: str, settings: Settings) -> None:
    """Raises the plain sentence for an engine's error that a person can do something about; else does nothing."""
    if not settings.is_in_cloud:
        explain(text, settings.home)
    elif explained := explain_cloud(text, settings):
        raise explained


def _redact(artefact: Path, settings: Settings) -> None:
    """Takes out of dbt's results what it keeps out of its log alone: an engine's error may have a secret."""
    if settings.secrets and artefact.exists():
        text = artefact.read_text()
        if (redacted := settings.redact(text)) != text:
            artefact.write_text(redacted)


def _close_warehouse() -> None:
    """dbt-duckdb keeps its connection open for the life of the process; while it does, nothing else sees the files."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    if DuckDBConnectionManager._ENV is not None:
        DuckDBConnectionManager._ENV.close()
        DuckDBConnectionManager.close_all_connections()
