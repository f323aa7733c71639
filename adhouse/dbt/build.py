"""T: runs dbt once, inside this process, and says in our words what came of it."""

import logging
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from adhouse.console import Terminal
from adhouse.dbt.athena_queries import AthenaQueries
from adhouse.dbt.project import parsed_project
from adhouse.dbt.runner import call_dbt, explain_engine
from adhouse.settings import Settings
from adhouse.warehouse.base import Build

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
class BuildResult:
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


def build(settings: Settings, attempt: Build, parsed: Future[Any] | None, terminal: Terminal) -> BuildResult:
    """Warehouse every model and tests its data, once; the same again after a kill gives the same tables.

    Unit tests prove code, not data: `make test` runs them, and a plain `dbt build`.

    Args:
        settings: Where everything is.
        attempt: The build.
        parsed: What `parse_ahead` gave, if it was asked.
        terminal: Is told how far it is.

    Raises:
        CommandError: dbt could not run at all: a broken project or profile, an unreadable warehouse, a full disk.
    """
    arguments = ["build", "--exclude-resource-type", "unit_test"]
    if attempt.is_full_refresh:
        arguments.append("--full-refresh")
    manifest = parsed.result() if parsed else parsed_project(settings, attempt.as_of, attempt.generation)
    queries = AthenaQueries()
    listeners = (_progress_of(terminal), queries.on_event)
    outcome = call_dbt(settings, arguments, attempt.as_of, attempt.generation, manifest, *listeners)
    built = BuildResult()
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
        explain_engine(finding.message, settings)
    return built


def docs(settings: Settings, as_of: datetime, generation: str) -> Path:
    """Writes the dbt docs site as one static page and gives its path."""
    call_dbt(settings, ["docs", "generate", "--static"], as_of, generation, parsed_project(settings, as_of, generation))
    return settings.dbt_target / "static_index.html"


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
