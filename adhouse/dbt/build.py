"""Runs dbt once, and gives what came of it as plain data."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from adhouse.dbt.athena_queries import AthenaQueries
from adhouse.dbt.project import ProjectParser, parsed_project
from adhouse.dbt.results import BuildPlan, BuildResult, Finding
from adhouse.dbt.runner import call_dbt
from adhouse.settings import Settings, export

EVENT_MODELS = ("adhouse.staging.events", "adhouse.intermediate.events", "adhouse.marts.events")
PASSED = ("pass", "success", "skipped", "no-op")

log = logging.getLogger(__name__)


class Progress(Protocol):
    """Is told how far a build is."""

    def start(self, label: str, total: int | None) -> None:
        """A step begins, with so much to do."""

    def advance(self, n: int = 1) -> None:
        """So much more of it is done."""


def build(
    settings: Settings,
    plan: BuildPlan,
    parser: ProjectParser | None,
    progress: Progress,
    *,
    has_events: bool = True,
    makes_every_table: bool = True,
) -> BuildResult:
    """Builds and tests every model; a model or test that fails is in the result.

    Without any event their tables are made once, empty, and not tested; later builds leave them as they are.

    Args:
        settings: Where everything is.
        plan: What the build is to be.
        parser: Has the parsed project, or is about to; without it the project is parsed now.
        progress: Is told how far the build is.
        has_events: Whether there may be events.
        makes_every_table: Whether a table may not be there, or be another one than the models say.

    Raises:
        DbtError: dbt could not run at all.
    """
    arguments = ["build", "--exclude-resource-type", "unit_test"]
    if plan.is_full_refresh:
        arguments.append("--full-refresh")
    left_out = "nothing" if has_events else "tests" if makes_every_table else "all"
    if not has_events:
        what = ",resource_type:test" if makes_every_table else ""
        arguments += ["--exclude", *(f"{models}{what}" for models in EVENT_MODELS)]
    export({"ADHOUSE_LEAVES_OUT_EVENTS": left_out})
    manifest = parser.manifest() if parser else parsed_project(settings, plan)
    queries = AthenaQueries()
    messages: dict[str, list[str]] = {}
    listeners = (_progress_of(progress), queries.on_event, _log_node, _messages_into(messages))
    outcome = call_dbt(settings, arguments, plan.as_of, plan.generation, manifest, *listeners)
    result = BuildResult()
    for one in outcome.results:
        kind, status = str(one.node.resource_type), str(one.status)
        result.tests += kind == "test"
        result.test_seconds += one.execution_time if kind == "test" else 0.0
        result.models += kind == "model"
        if kind == "model" and one.node.config.materialized == "view":
            result.views[f"{one.node.schema}.{one.node.name}"] = one.node.compiled_code or ""
        message = one.message or ""
        if status.endswith("error") and (query := queries.broken_of(one.node.unique_id)):
            message = f"query {query}: {message}"
        said = tuple(messages.get(one.node.name, ()))
        result.findings.append(Finding(one.node.name, kind, status, one.failures or 0, message, said))
        if status not in PASSED:
            log.warning("%s %s: %s: %s", kind, one.node.name, status, message)
    nodes = [one.node for one in outcome.results]
    names = {node.unique_id: "tests" if node.resource_type == "test" else node.name for node in nodes}
    for node_id, ids in queries.of_nodes():
        result.queries.setdefault(names.get(node_id, "other"), []).extend(ids)
    return result


def any_event_received(settings: Settings) -> bool:
    """Whether landing may have events: something of a source of such a kind, or of one that is declared no more."""
    from extract.storage import Folder

    folders = Folder.at(settings.data_url).below("landing").entries()
    received = {entry.name for entry in folders if entry.kind == "directory"}
    others = {
        name for name, source in settings.sources.items() if not any(kind.record_type.is_event for kind in source.kinds)
    }
    return bool(received - others)


def docs(settings: Settings, plan: BuildPlan) -> Path:
    """Writes the dbt docs site as one static page and gives its path."""
    arguments = ["docs", "generate", "--static"]
    call_dbt(settings, arguments, plan.as_of, plan.generation, parsed_project(settings, plan))
    return settings.dbt_target / "static_index.html"


def _progress_of(progress: Progress) -> Callable[[Any], None]:
    started = False

    def on_event(event: Any) -> None:
        nonlocal started
        if event.info.name == "LogStartLine" and not started:
            started = True
            progress.start("building and testing", event.data.total)
        elif event.info.name == "NodeFinished":
            progress.advance(1)

    return on_event


def _messages_into(messages: dict[str, list[str]]) -> Callable[[Any], None]:
    """Collects what the macro `say_messages` says, by the test that found it."""

    def on_event(event: Any) -> None:
        if event.info.name == "JinjaLogInfo":
            test, _, message = event.data.msg.partition(": ")
            messages.setdefault(test, []).append(message)

    return on_event


def _log_node(event: Any) -> None:
    """Logs a line for each model, seed and test that ended."""
    if event.info.name != "NodeFinished":
        return
    node, ended = event.data.node_info, event.data.run_result
    facts = {"phase": "build", "kind": node.resource_type, "node": node.node_name, "status": ended.status}
    facts["seconds"] = round(ended.execution_time, 3)
    if node.resource_type == "test":
        facts["counts"] = {"failures": ended.num_failures}
    log.info("%s %s: %s", node.resource_type, node.node_name, ended.status, extra=facts)
