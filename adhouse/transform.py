"""T: runs dbt once, inside this process, and says in our words what came of it."""

import gc
import hashlib
import logging
import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from adhouse.athena_queries import AthenaQueries
from adhouse.builds import Build
from adhouse.cloud_errors import explain_cloud
from adhouse.console import Terminal
from adhouse.exits import CommandError, Exit
from adhouse.settings import Settings
from adhouse.warehouse import explain

MESSAGE_LENGTH = 400

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Finding:
    """One test that did not pass, or one model that could not be built."""

    name: str
    kind: str
    status: str
    failures: int
    message: str

    def __str__(self) -> str:
        """One line: of a test how many rows it found, of what broke the engine's own words."""
        if self.status in ("fail", "warn"):
            return f"{self.name}: {self.failures:,} {'row' if self.failures == 1 else 'rows'}"
        return f"{self.kind} {self.name}: {' '.join(self.message.split())[:MESSAGE_LENGTH]}"


@dataclass
class Built:
    """What one `dbt build` did.

    Attributes:
        views: The SQL of each view, by `schema.name`.
        queries: The ids of Athena's queries for each model and seed, for all tests, and for what is neither.
    """

    models: int = 0
    tests: int = 0
    results: list[Finding] = field(default_factory=list)
    views: dict[str, str] = field(default_factory=dict)
    queries: dict[str, list[str]] = field(default_factory=dict)

    def with_status(self, *statuses: str) -> list[Finding]:
        """The results that ended in one of these ways."""
        return [result for result in self.results if result.status in statuses]

    @property
    def errors(self) -> list[Finding]:
        """What blocks publishing."""
        return self.with_status("fail", "error", "runtime error")

    @property
    def warnings(self) -> list[Finding]:
        """What is shown and never blocks."""
        return self.with_status("warn")


def parse_ahead(settings: Settings, attempt: Build) -> Future[Any]:
    """Makes sure that dbt will find its project, and parses it beside the extraction: it takes seconds.

    Returns:
        The manifest, for `build`; what was wrong with the project is raised there.
    """
    ensure_profile(settings)
    import_module("jsonschema")  # imported beside other modules, it has once failed half way
    sys.setswitchinterval(0.0005)  # seconds: a reader that waits for Arrow must not then wait as long for the parser
    gc.set_threshold(100_000)  # hundreds of thousands of objects come to stay, and looking for garbage among them costs
    parsed: Future[Any] = Future()

    def parse() -> None:
        try:
            manifest = _invoke(settings, ["parse", "--no-write-json"], attempt.as_of, attempt.generation)
            import_module("dbt.task.build")  # which takes a while too
            gc.freeze()  # all of this stays to the end
            parsed.set_result(manifest)
        except BaseException as error:
            parsed.set_exception(error)

    # Not of a pool, which would wait for its end when a run is stopped.
    threading.Thread(target=parse, daemon=True, name="dbt-parse").start()
    return parsed


def build(settings: Settings, attempt: Build, parsed: Future[Any] | None, terminal: Terminal) -> Built:
    """Builds every model and tests its data, once; the same again after a kill gives the same tables.

    Unit tests prove code, not data: `make test` runs them, and a plain `dbt build`.

    Args:
        settings: Where everything is.
        attempt: The build.
        parsed: What `parse_ahead` of the same time gave, if the project was parsed already.
        terminal: Is told how far it is.

    Raises:
        CommandError: dbt could not run at all: a broken project or profile, an unreadable warehouse, a full disk.
    """
    arguments = ["build", "--exclude-resource-type", "unit_test"]
    if attempt.is_full_refresh:
        arguments.append("--full-refresh")
    manifest = parsed.result() if parsed else None
    queries = AthenaQueries()
    listeners = (_progress_of(terminal), queries.on_event)
    outcome = _invoke(settings, arguments, attempt.as_of, attempt.generation, manifest, *listeners)
    built = Built()
    for one in outcome.results:
        kind, status = str(one.node.resource_type), str(one.status)
        built.tests += kind == "test"
        built.models += kind == "model"
        if kind == "model" and one.node.config.materialized == "view":
            built.views[f"{one.node.schema}.{one.node.name}"] = one.node.compiled_code or ""
        message = one.message or ""
        if status.endswith("error") and (query := queries.broken_of(one.node.unique_id)):
            message = f"query {query}: {message}"  # first, because what comes late in a long message is cut
        built.results.append(Finding(one.node.name, kind, status, one.failures or 0, message))
        if status not in ("pass", "success", "skipped", "no-op"):
            log.warning("%s %s: %s: %s", kind, one.node.name, status, message)
    nodes = [one.node for one in outcome.results]
    names = {node.unique_id: "tests" if node.resource_type == "test" else node.name for node in nodes}
    for node_id, ids in queries.of_nodes():
        built.queries.setdefault(names.get(node_id, "other"), []).extend(ids)
    for finding in built.with_status("error", "runtime error"):
        _explain(finding.message, settings)
    return built


def docs(settings: Settings, as_of: datetime, generation: str) -> Path:
    """Writes the dbt docs site as one static page and gives its path."""
    _invoke(settings, ["docs", "generate", "--static"], as_of, generation)
    return settings.dbt_target / "static_index.html"


def fingerprint(settings: Settings) -> str:
    """Names what the tables' contents depend on besides the data: models, macros, seeds, project and settings."""
    digest = hashlib.sha256()
    for path in [settings.project / "dbt_project.yml", *_project_files(settings.project)]:
        digest.update(path.relative_to(settings.project).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    for name, value in sorted(settings.environment_for_dbt().items()):
        # A data folder that was moved or copied whole is still the same.
        digest.update(f"{name}={value.replace(str(settings.home), '')}\0".encode())
    return digest.hexdigest()


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


def _project_files(project: Path) -> Iterator[Path]:
    for folder in ("macros", "models", "seeds", "snapshots"):
        yield from sorted(path for path in (project / folder).rglob("*") if path.suffix in (".sql", ".yml", ".csv"))


def _invoke(
    settings: Settings,
    arguments: list[str],
    as_of: datetime,
    generation: str,
    manifest: Any = None,
    *on_event: Callable[[Any], None],
) -> Any:
    ensure_profile(settings)
    os.environ.update(settings.environment_for_dbt(), ADHOUSE_AS_OF=as_of.isoformat())
    if generation:
        os.environ["ADHOUSE_GENERATION"] = generation
    # Amazon may repeat a token in what it says of a signature; dbt keeps the values of such names out of its log.
    os.environ.update({f"DBT_ENV_SECRET_ADHOUSE_{number}": one for number, one in enumerate(settings.secrets)})
    # What a stopped run cannot give back of dbt's semaphores, Python's keeper of them frees; it need not complain.
    sys.warnoptions.append("ignore:resource_tracker")
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
        _explain(text, settings)
        raise CommandError(f"dbt could not run: {' '.join(text.split())}", f"details: {settings.logs / 'dbt.log'}")
    return outcome.result


def _explain(text: str, settings: Settings) -> None:
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


def _progress_of(terminal: Terminal) -> Callable[[Any], None]:
    started = False

    def on_event(event: Any) -> None:
        nonlocal started
        if event.info.name == "LogStartLine" and not started:
            started = True
            terminal.start("building and testing", event.data.total)
        elif event.info.name == "NodeFinished":
            terminal.advance(1)

    return on_event
