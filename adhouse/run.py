"""The steps of a run: extract, build, audit, publish; and the commands that take one of them."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from adhouse.commands import status as report
from adhouse.dbt import build as transform
from adhouse.dbt import project as dbt_project
from adhouse.dbt.runner import ensure_profile
from adhouse.errors import CommandError, Exit
from adhouse.session import Session
from adhouse.settings import SOURCES, Settings
from adhouse.warehouse.base import Build, open_warehouse

if TYPE_CHECKING:
    from extract.run import ApiSettings, ExtractReport, Places
    from extract.source import SourceConfig

# These list every fetch, also one that brought nothing new; the other marts hold numbers.
LEDGER_MARTS = {"data_quality", "source_balances"}
NEXT_COMMANDS = """Next:
  uv run adhouse status       what is published, and what became of every record
  uv run adhouse quarantine   what was set aside, and why
  uv run adhouse docs         every model and column explained, on one page"""


def run(session: Session, *, allow_stale: bool, full_refresh: bool) -> None:
    """Extracts, builds, audits and publishes; a second run takes up whatever the first left undone.

    What came is loaded and built even when a source came incomplete; that is published only with `allow_stale`.
    """
    session.todo = ["extract", "build and audit", "publish"]
    attempt = _attempt(session, full_refresh=full_refresh)
    session.parsed = dbt_project.parse_ahead(session.settings, attempt.as_of, attempt.generation)
    extracted = extract(session, SOURCES)
    _build_and_publish(session, attempt, extracted, allow_stale=allow_stale)


def rebuild(session: Session) -> None:
    """Makes everything after landing again; readers keep the published build until the new one is audited.

    A kill on the way is healed by a rebuild or a run: both load whatever the lake does not have.
    """
    from extract.run import load_from_landing

    settings = session.settings
    if settings.landing_days is not None:
        raise CommandError(
            f"landing keeps only {settings.landing_days} days, and a rebuild would lose what is older",
            "unset ADHOUSE_LANDING_DAYS if nothing was removed from landing yet",
            Exit.USAGE,
        )
    session.todo = ["load from landing", "build and audit", "publish"]
    for path in (settings.warehouse, settings.marts):
        path.unlink(missing_ok=True)
        path.with_name(f"{path.name}.wal").unlink(missing_ok=True)
    attempt = _attempt(session, full_refresh=True)
    session.parsed = dbt_project.parse_ahead(settings, attempt.as_of, attempt.generation)
    extracted = load_from_landing(
        places=_places(settings),
        sources=_sources(settings, SOURCES),
        report_timezone=settings.report_timezone,
        progress=session.terminal,
    )
    _say_what_came(session, extracted)
    _build_and_publish(session, attempt, extracted, allow_stale=False)


def extract(session: Session, sources: Collection[str]) -> "ExtractReport":
    """Brings what the sources have into landing and the lake, and says what came.

    Raises nothing for a source that came incomplete: its report carries the errors.
    """
    from extract.run import extract as extract_sources

    settings = session.settings
    with _campaign_api(session) as api:
        extracted = extract_sources(
            places=_places(settings),
            sources=_sources(settings, sources),
            apis={"campaign_api": api} if api else {},
            report_timezone=settings.report_timezone,
            now=lambda: datetime.now(UTC),
            progress=session.terminal,
        )
    _say_what_came(session, extracted)
    return extracted


def extract_alone(session: Session, sources: Collection[str]) -> None:
    """Extracts these sources and stops.

    Raises:
        CommandError: A source came incomplete; what came is kept.
    """
    session.todo = ["extract"]
    if extract(session, sources).errors:
        raise CommandError("a source came incomplete; what came is kept", "run again to ask for the rest")


def build_alone(session: Session, *, full_refresh: bool) -> None:
    """Warehouse and tests every model; every table is made anew when asked, or when models or settings have changed."""
    build(session, _attempt(session, full_refresh=full_refresh), None)


def build(session: Session, attempt: Build, extracted: "ExtractReport | None") -> None:
    """Warehouse and tests every model and puts the outcome on record.

    Raises:
        CommandError: An error test failed (exit code 3); warnings are shown and do not raise.
    """
    settings, terminal = session.settings, session.terminal
    if settings.lake_folder and not (settings.lake_folder / "raw").is_dir():
        raise CommandError(f"nothing was extracted yet: looked in {settings.lake_folder}", "`adhouse run` begins there")
    builds = open_warehouse(settings)
    builds.begin(attempt)
    built = transform.build(settings, attempt, session.parsed, terminal)
    terminal.stop()
    builds.finish(attempt, built, _counts(extracted))
    for warning in built.warnings:
        terminal.message(f"warning: {warning}", "yellow")
    for error in built.errors:
        terminal.message(f"error: {error}", "red")
    if built.errors:
        broken = [error.name for error in built.errors if error.status != "fail"]
        names = ", ".join((broken or [error.name for error in built.errors])[:3])
        published = builds.published()
        readers = f"readers keep build {published}" if published else "none was yet"
        raise CommandError(
            f"{'the build' if broken else 'the audit'} failed, nothing was published: {names}",
            f"{readers}; details: {settings.logs / 'dbt.log'}",
            Exit.FAILED if broken else Exit.AUDIT,
        )
    terminal.message(
        f"built {built.models} models; {built.tests - len(built.warnings)} tests passed, {len(built.warnings)} warned"
    )


def publish_audited(session: Session) -> None:
    """Publishes the working build if it passed its audit; again, when it is already what readers see, does nothing.

    Raises:
        CommandError: The working build was refused by its audit (exit code 3), or there is none.
    """
    builds = open_warehouse(session.settings)
    build_id = builds.audited()
    if builds.published() == build_id:
        session.terminal.result(f"build {build_id} is published already")
        return
    builds.publish(build_id)
    session.terminal.result(f"published build {build_id}")


def prune_landing(settings: Settings, as_of: datetime) -> None:
    """Removes from landing what is older than is to be kept; all of it is in the lake by then.

    A landing that is kept for good, the default, is left alone.
    """
    if settings.landing_days is None:
        return
    from extract.landing import Landing
    from extract.storage import Folder

    oldest = (as_of - timedelta(days=settings.landing_days)).date()
    Landing(Folder.at(settings.data_url).below("landing")).prune(oldest)


def _attempt(session: Session, *, full_refresh: bool) -> Build:
    """Decides what this build will be, before anything is extracted: dbt's project depends on it."""
    settings, builds = session.settings, open_warehouse(session.settings)
    ensure_profile(settings)
    fingerprint = dbt_project.fingerprint(settings)
    reason = builds.why_full_refresh(fingerprint)
    if reason and not full_refresh:
        session.terminal.message(f"full refresh: {reason}")
    is_full = full_refresh or reason is not None
    generation = builds.generation(session.run_id, is_full_refresh=is_full)
    return Build(session.run_id, session.command, session.as_of, fingerprint, is_full, generation)


def _build_and_publish(session: Session, attempt: Build, extracted: "ExtractReport", *, allow_stale: bool) -> None:
    terminal, settings = session.terminal, session.settings
    session.todo.pop(0)
    build(session, attempt, extracted)
    session.todo.pop(0)
    if extracted.errors and not allow_stale:
        raise CommandError(
            "a source came incomplete: what came is built, nothing was published",
            "run again to ask for the rest, or publish what is there with --allow-stale",
        )
    _publish_changes(session, attempt, has_new_rows=extracted.changes_marts)
    session.todo.pop(0)
    if not extracted.errors:
        prune_landing(settings, session.as_of)
    report.show_top_campaigns(terminal, settings)
    report.show_balance(terminal, settings)
    terminal.result(NEXT_COMMANDS)
    if extracted.errors:
        raise CommandError("published with stale numbers, as allowed: a source came incomplete", "run again")


def _publish_changes(session: Session, built: Build, *, has_new_rows: bool) -> None:
    """Publishes the build, unless every mart's rows are provably those that readers already see."""
    builds, terminal = open_warehouse(session.settings), session.terminal
    published = builds.published()
    if published and not has_new_rows and not built.is_full_refresh:
        differing = builds.differing_marts()
        if not set(differing) - LEDGER_MARTS:
            terminal.result("nothing new; no number changed")
        if not differing:
            terminal.result(f"build {published} stays published")
            return
    builds.publish(built.build_id)
    terminal.result(f"published build {built.build_id}")


@contextmanager
def _campaign_api(session: Session) -> Iterator["ApiSettings | None"]:
    """Gives the campaign API's settings; without an address it starts the mock API for the length of the block."""
    from extract.run import ApiSettings

    settings = session.settings
    if settings.api_url == "none":
        yield None
        return
    since, until = settings.window(session.as_of)

    def at(base_url: str, token: str) -> ApiSettings:
        return ApiSettings(
            base_url=base_url,
            token=token,
            answers=settings.api_answers,
            since=since,
            until=until,
            restated_days=settings.restated_days,
        )

    if settings.api_url:
        yield at(settings.api_url, settings.api_token)
        return
    from simulate.mock_api import DEMO_TOKEN, create_app
    from simulate.serve import serving
    from simulate.world import make_world

    token = settings.api_token or DEMO_TOKEN
    with serving(create_app(make_world(), token=token, today=settings.today)) as url:
        session.terminal.message("ADHOUSE_API_URL is not set: asking the mock API, started for this run")
        yield at(url, token)


def _sources(settings: Settings, names: Collection[str]) -> "list[SourceConfig]":
    from extract.registry import SOURCES as DECLARED

    fields = {"campaign_api": settings.api_fields}
    return [replace(DECLARED[name], fields=fields.get(name, {})) for name in names]


def _places(settings: Settings) -> "Places":
    from extract.athena import Athena
    from extract.run import Places

    athena = Athena(settings.athena_results, settings.athena_workgroup) if settings.is_in_cloud else None
    return Places(settings.home, settings.data_url, settings.lake_url, athena)


def _say_what_came(session: Session, extracted: "ExtractReport") -> None:
    session.terminal.stop()
    for source, came in extracted.sources.items():
        session.terminal.message(f"{source}: {came}")
    for error in extracted.errors:
        session.terminal.message(f"error: {error}", "red")


def _counts(extracted: "ExtractReport | None") -> tuple[int, int, int]:
    if extracted is None:
        return (0, 0, 0)
    every = extracted.sources.values()
    return sum(s.read for s in every), sum(s.loaded for s in every), sum(s.rejected for s in every)
