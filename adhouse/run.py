"""The steps of a run: extract, build, audit, publish; and the commands that take one of them."""

import logging
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from adhouse import demo
from adhouse.alerts.channels import open_channels
from adhouse.apis import api_settings, asked
from adhouse.commands import status as report
from adhouse.commands.alerts import tell_at_the_end
from adhouse.commands.events import show_events
from adhouse.commands.quarantine import explained_reasons
from adhouse.commands.sources import undeclared_inbox
from adhouse.dbt import build as dbt_build
from adhouse.dbt.project import ProjectParser, fingerprint, inputs_of
from adhouse.dbt.results import BuildPlan
from adhouse.dbt.runner import ensure_profile
from adhouse.errors import CommandError, Exit
from adhouse.explain import explain_engine
from adhouse.session import Session
from adhouse.settings import CAMPAIGN_API, Settings, missing_key
from adhouse.warehouse.base import BuildRecord, Warehouse, audited, next_build_id
from adhouse.warehouse.files import remove
from adhouse.warehouse.open import open_warehouse

if TYPE_CHECKING:
    from extract.run import ApiSettings, ExtractReport, Places
    from extract.source import SourceConfig

NEXT = "Next:"
NEXT_COMMANDS = """
  {0}adhouse status       what is published, and what became of every record
  {0}adhouse quarantine   quarantined records and files, with reasons
  {0}adhouse docs         every model and column explained, on one page"""
NEXT_ON_DUCKDB = """
  {0}adhouse dashboard    look at the numbers in the browser"""
NEXT_IN_DEMO = """
  {0}adhouse demo --end   withdraw all of this invented data, and begin with your own"""

log = logging.getLogger(__name__)


def run(session: Session, *, allow_stale: bool, full_refresh: bool, is_strict: bool) -> None:
    """Extracts, builds, audits and publishes; a second run finishes whatever the first left undone.

    If nothing is new, dbt is not started: the build of before stays. What came is loaded and built even if a source
    is incomplete; that is published only with `allow_stale`. However it ends, it then sends alerts to the channels.

    Raises:
        CommandError: A step failed; or a source is incomplete; or, with `is_strict`, a file was quarantined.
    """
    session.settings.check_tokens(session.settings.sources)
    channels = open_channels(session.settings.alerts)
    is_demo = demo.asks_mock(session, places_of(session.settings))

    def take(on_news: Callable[[], None]) -> "ExtractReport":
        return extract(session, None, on_news, is_demo=is_demo)

    try:
        _run(session, take, allow_stale=allow_stale, full_refresh=full_refresh, is_strict=is_strict)
    except Exception:
        tell_at_the_end(session.terminal, session.settings, channels, session.command)
        raise
    tell_at_the_end(session.terminal, session.settings, channels, session.command)


def publish_landing(session: Session, replayed: Collection[str] = ()) -> None:
    """Loads what landing has and the lake has not, follows what was taken back, and builds, audits and publishes.

    Nothing new is received. A run does the same, besides what else it does.

    Args:
        session: The command at work.
        replayed: The paths of files that are to be read again, of those quarantined or with rejected records.
    """

    def take(on_news: Callable[[], None]) -> "ExtractReport":
        return extract(session, None, on_news, is_demo=False, is_landing_alone=True, replayed=replayed)

    _run(session, take, allow_stale=False, full_refresh=False, is_strict=False)


def _run(
    session: Session,
    take: Callable[[Callable[[], None]], "ExtractReport"],
    *,
    allow_stale: bool,
    full_refresh: bool,
    is_strict: bool,
) -> None:
    from extract.run import lake_origin

    session.todo = ["extract", "build and audit", "publish"]
    _sources(session.settings, session.settings.sources)  # a mistake in them ends the run before it does anything
    origin = lake_origin(places_of(session.settings))
    plan = _plan(session, origin, full_refresh=full_refresh)
    parser = ProjectParser(session.settings, plan)
    warehouse = open_warehouse(session.settings)
    current = warehouse.newest()
    if (reason := _why_build(plan, current, warehouse)) or report.waiting_files(session.settings):
        parser.start()
    log.info("a build is needed%s", f": {reason}" if reason else " only if something new comes")
    extracted = take(parser.start)
    if extracted.lake_origin != origin:
        generation, reason = plan.generation, "everything was read again"
        plan = _plan(session, extracted.lake_origin, full_refresh=full_refresh or plan.is_full_refresh)
        if plan.generation != generation:
            parser.manifest()  # dbt parses one project at a time
            parser = ProjectParser(session.settings, plan)
    plan = replace(plan, lake_change=extracted.newest_change)
    if current is not None and not reason and current.lake_change == plan.lake_change:
        _keep_build(session, current, warehouse, extracted)
    else:
        _build_and_publish(session, plan, parser, extracted, allow_stale=allow_stale)
    _say_quarantined(session, extracted, is_strict=is_strict)


def rebuild(session: Session) -> None:
    """Makes everything after landing again; readers keep the published build until the new one has passed its audit.

    A rebuild that was killed is finished by a rebuild or a run: both load whatever the lake does not have.
    """
    settings = session.settings
    if settings.landing_days is not None:
        raise CommandError(
            f"landing keeps only {settings.landing_days} days, and a rebuild would lose what is older",
            "unset ADHOUSE_LANDING_DAYS if nothing was removed from landing yet",
            Exit.USAGE,
        )
    make_anew(session)


def make_anew(session: Session, forgotten: Collection[str] = ()) -> None:
    """Does that; people with these pseudonyms also vanish from what landing has lost."""
    from extract.run import load_from_landing

    settings = session.settings
    session.todo = ["load from landing", "build and audit", "publish"]
    sources = _sources(settings, settings.sources)
    build_id = _next_build_id(session)  # above those of the files that are removed now
    for path in (settings.warehouse, settings.marts):
        remove(path)
    plan = _plan(session, "", full_refresh=True, build_id=build_id)
    parser = ProjectParser(settings, plan)
    parser.start()
    with session.step("load from landing", "extract"):
        extracted = load_from_landing(
            places=places_of(settings),
            sources=sources,
            report_timezone=settings.report_timezone,
            progress=session.terminal,
            privacy_key=demo.privacy_key_of(settings),
            most_rejected=settings.max_rejected,
            forgotten=forgotten,
        )
    _say_what_came(session, extracted)
    tables = _tables_of(settings, extracted.lake_origin)
    plan = replace(plan, lake_change=extracted.newest_change, fingerprint=tables)
    _build_and_publish(session, plan, parser, extracted, allow_stale=False)


def extract(
    session: Session,
    sources: Collection[str] | None,
    on_news: Callable[[], None] = lambda: None,
    *,
    is_demo: bool,
    is_landing_alone: bool = False,
    replayed: Collection[str] = (),
) -> "ExtractReport":
    """Brings what the sources have into landing and the lake, and says what came.

    Raises nothing for a source that is incomplete: its report has the errors.

    Args:
        session: The command at work.
        sources: Their names; None: all.
        on_news: Is told as soon as there is something that can change a mart.
        is_demo: Whether the simulated platform is asked.
        is_landing_alone: Whether nothing new is received.
        replayed: The paths of files that are to be read again, of those quarantined or with rejected records.
    """
    from extract.run import extract as extract_sources

    settings = session.settings
    names = settings.sources if sources is None else sources
    received = () if is_landing_alone else names
    with session.step("extract", "extract") as counts, _apis(session, received, is_demo=is_demo) as apis:
        extracted = extract_sources(
            places=places_of(settings),
            sources=_sources(settings, names),
            apis=apis,
            report_timezone=settings.report_timezone,
            now=lambda: datetime.now(UTC),
            progress=session.terminal,
            on_news=on_news,
            is_every_source=sources is None,
            privacy_key=demo.privacy_key_of(settings),
            most_rejected=settings.max_rejected,
            is_landing_alone=is_landing_alone,
            replayed=replayed,
        )
        counts |= dict(zip(("read", "loaded", "rejected"), _counts(extracted), strict=True))
    _say_what_came(session, extracted)
    for name, files in report.waiting_files(settings).items():
        if not settings.takes_files(name):
            session.terminal.message(undeclared_inbox(settings, name, len(files)), "yellow")
    return extracted


def extract_only(session: Session, sources: Collection[str] | None) -> None:
    """Extracts these sources (None: all) and stops; what came can then be built, by dbt by hand too.

    Raises:
        CommandError: A source is incomplete; what came is kept.
    """
    session.todo = ["extract"]
    ensure_profile(session.settings)
    session.settings.check_tokens(session.settings.sources if sources is None else sources)
    is_demo = demo.asks_mock(session, places_of(session.settings))
    if extract(session, sources, is_demo=is_demo).errors:
        raise CommandError("a source is incomplete; what came is kept", "run again to ask for the rest")


def build_only(session: Session, *, full_refresh: bool) -> None:
    """Builds and tests every model; all tables are rebuilt if asked for, or if models or settings have changed."""
    from extract.run import lake_origin, newest_change

    session.todo = ["build and audit"]
    places = places_of(session.settings)
    plan = _plan(session, lake_origin(places), full_refresh=full_refresh)
    parser = ProjectParser(session.settings, plan)
    parser.start()
    plan = replace(plan, lake_change=newest_change(places))
    build(session, plan, parser, None)
    session.terminal.result(f"build {plan.build_id} passed its audit; `adhouse publish` shows it to readers")


def build(session: Session, plan: BuildPlan, parser: ProjectParser, extracted: "ExtractReport | None") -> None:
    """Builds and tests every model, and puts the outcome on record.

    Raises:
        CommandError: An error test failed (exit code 3), or a model could not be built; warnings do not raise.
    """
    settings, terminal = session.settings, session.terminal
    if settings.lake_folder and not (settings.lake_folder / "raw").is_dir():
        raise CommandError(f"nothing was extracted yet: {settings.lake_folder} is empty", "begin with `adhouse run`")
    warehouse = open_warehouse(settings)
    with session.step("build and audit", "build") as counts:
        newest = warehouse.newest()
        has_tables = newest is not None and newest.status == "audited" and not plan.is_full_refresh
        has_events = dbt_build.any_event_received(settings)
        warehouse.begin(plan)
        result = dbt_build.build(
            settings, plan, parser, terminal, has_events=has_events, makes_every_table=not has_tables
        )
        terminal.stop()
        for finding in result.with_status("error", "runtime error"):
            if explained := explain_engine(finding.message, settings):
                raise explained
        warehouse.finish(plan, result, _counts(extracted))
        counts |= {"models": result.models, "tests": result.tests}
        counts |= {"warnings": len(result.warnings), "errors": len(result.errors)}
        session.facts["build"] = {"build_id": plan.build_id, "is_full_refresh": plan.is_full_refresh, **counts}
    log.info("audit", extra={"phase": "audit", "counts": counts, "seconds": round(result.test_seconds, 3)})
    for line in (line for warning in result.warnings for line in warning.lines):
        terminal.message(f"warning: {line}", "yellow")
    for line in (line for error in result.errors for line in error.lines):
        terminal.message(f"error: {line}", "red")
    if result.errors:
        broken = [error.name for error in result.errors if error.status != "fail"]
        names = ", ".join((broken or [error.name for error in result.errors])[:3])
        published = warehouse.published()
        readers = f"readers keep build {published}" if published else "readers see nothing yet"
        if not plan.is_full_refresh and not broken:
            readers += "; `adhouse run --full-refresh` makes every table again"
        raise CommandError(
            f"{'the build' if broken else 'the audit'} failed, nothing was published: {names}",
            f"{readers}; details: {settings.logs / 'dbt.log'}",
            Exit.FAILED if broken else Exit.AUDIT,
        )
    passed = result.tests - len(result.warnings)
    terminal.message(f"built {result.models} models; {passed} tests passed, {len(result.warnings)} warned")


def publish_audited(session: Session) -> None:
    """Publishes the newest build if it passed its audit; if it is already published, only checks the copy.

    Raises:
        CommandError: The newest build failed its audit (exit code 3), or there is none.
    """
    warehouse = open_warehouse(session.settings)
    build_id = audited(warehouse.newest())
    if warehouse.published() == build_id and warehouse.is_intact():
        session.terminal.result(f"build {build_id} is already published")
        return
    _publish(session, warehouse, build_id)


def roll_back(session: Session, build_id: str | None) -> None:
    """Shows readers an older build, by default the one before, until the next build is published."""
    warehouse = open_warehouse(session.settings)
    shown, newest = warehouse.rollback(build_id), warehouse.newest()
    back = f"`adhouse publish` shows build {newest.build_id} again" if newest and newest.status == "audited" else ""
    session.terminal.result(f"rolled back: readers see build {shown}" + (f"; {back}" if back else ""))


def end_demo(session: Session) -> None:
    """Withdraws the demo from landing, lake, warehouse and readers, so that the data folder takes a user's own data."""
    demo.end(session, places_of(session.settings))


def maintain(session: Session) -> None:
    """Merges small files of the lake, and does what the warehouse needs; a second run finds little to do."""
    from extract.run import merge_files

    settings, terminal = session.settings, session.terminal
    files = merge_files(places_of(settings), terminal.message)
    tables = open_warehouse(settings).maintain(terminal.message)
    terminal.result(f"merged {files:,} files of the lake" + (f", maintained {tables} tables" if tables else ""))


def prune_landing(settings: Settings, as_of: datetime) -> None:
    """Removes from landing what is older than it is to be kept, after a load: by then all of it is in the lake.

    By default landing is kept forever.
    """
    if settings.landing_days is None:
        return
    from extract.landing import Landing
    from extract.storage import Folder

    oldest = (as_of - timedelta(days=settings.landing_days)).date()
    Landing(Folder.at(settings.data_url).below("landing")).prune(oldest)


def plan_for_docs(session: Session) -> BuildPlan:
    """What dbt needs to know to document the tables that are there."""
    ensure_profile(session.settings)
    generation = open_warehouse(session.settings).generation("", is_full_refresh=False)
    return BuildPlan("", session.command, session.as_of, "", is_full_refresh=False, generation=generation)


def _tables_of(settings: Settings, lake_origin: str) -> str:
    """Names what the tables' contents depend on besides the data; another lake is read otherwise."""
    return f"{fingerprint(settings)}{lake_origin}"


def _next_build_id(session: Session) -> str:
    return next_build_id(open_warehouse(session.settings).greatest_number(), session.run_id)


def _plan(session: Session, lake_origin: str, *, full_refresh: bool, build_id: str = "") -> BuildPlan:
    """Decides what a build will be, before anything is extracted: dbt's project depends on it."""
    settings, warehouse = session.settings, open_warehouse(session.settings)
    ensure_profile(settings)
    tables = _tables_of(settings, lake_origin)
    reason = warehouse.why_full_refresh(tables)
    if reason and not full_refresh:
        session.terminal.message(f"full refresh: {reason}")
    is_full = full_refresh or reason is not None
    build_id = build_id or _next_build_id(session)
    return BuildPlan(
        build_id=build_id,
        command=session.command,
        as_of=session.as_of,
        fingerprint=tables,
        is_full_refresh=is_full,
        inputs=inputs_of(settings),
        generation=warehouse.generation(build_id, is_full_refresh=is_full),
        report_timezone=settings.report_timezone.key,
        restated_days=settings.restated_days,
    )


def _why_build(plan: BuildPlan, newest: BuildRecord | None, warehouse: Warehouse) -> str | None:
    """Says why a build is needed even if nothing new comes; None if the newest one is as good."""
    if newest is None or newest.status != "audited":
        return "the newest build is not audited"
    if plan.is_full_refresh:
        return "full refresh"
    if newest.inputs != plan.inputs:
        return "the dbt project, settings or versions changed"
    if newest.as_of != plan.as_of:
        return "the report day changed"
    return None


def _keep_build(session: Session, newest: BuildRecord, warehouse: Warehouse, extracted: "ExtractReport") -> None:
    """Keeps the newest build, because a new one would be the same; publishes it if a killed run did not.

    Raises:
        CommandError: A source is incomplete.
    """
    terminal, published = session.terminal, warehouse.published()
    session.todo.remove("build and audit")
    if extracted.errors:
        raise CommandError(
            "a source is incomplete and nothing else is new, so nothing was built", "run again to ask for the rest"
        )
    if warehouse.is_rolled_back():
        terminal.result(f"nothing new: readers keep build {published}, to which they were rolled back")
    elif published == newest.build_id and warehouse.is_intact():
        terminal.result(f"nothing new: build {published} stays published")
    else:
        terminal.result(f"nothing new: build {newest.build_id} has passed its audit before")
        _publish(session, warehouse, newest.build_id)
    session.todo.clear()


def _build_and_publish(
    session: Session, plan: BuildPlan, parser: ProjectParser, extracted: "ExtractReport", *, allow_stale: bool
) -> None:
    terminal, settings = session.terminal, session.settings
    build(session, plan, parser, extracted)
    if extracted.errors and not allow_stale:
        raise CommandError(
            "a source is incomplete: what came is built, nothing was published",
            "run again to ask for the rest, or publish what is there with --allow-stale",
        )
    _publish(session, open_warehouse(settings), plan.build_id)
    if extracted.changes_marts and not extracted.errors:
        prune_landing(settings, session.as_of)
    report.show_top_campaigns(terminal, settings)
    show_events(terminal, settings)
    report.show_balance(terminal, settings)
    report.show_missing_dates(terminal, settings)
    terminal.gap()
    next_commands = NEXT + ("" if settings.is_in_cloud else NEXT_ON_DUCKDB) + NEXT_COMMANDS
    next_commands += NEXT_IN_DEMO if demo.is_on(settings) else ""
    terminal.result(next_commands.format("uv run " if (settings.project / "uv.lock").exists() else ""))
    if extracted.errors:
        raise CommandError("a source is incomplete: stale numbers were published, as --allow-stale says", "run again")


def _publish(session: Session, warehouse: Warehouse, build_id: str) -> None:
    with session.step("publish", "publish"):
        warehouse.publish(build_id)
    session.facts["published"] = build_id
    session.terminal.result(f"published build {build_id}")


@contextmanager
def _apis(session: Session, names: Collection[str], *, is_demo: bool) -> Iterator["dict[str, ApiSettings]"]:
    """Gives the settings of the APIs among these sources; a demo starts the mock API for the length of the block."""
    settings, now = session.settings, session.started
    if not is_demo:
        apis = {name: api for name in names if (api := api_settings(settings, name, now))}
        for setting in settings.sends_secrets_openly if apis else ():
            said = "begins with http://: anybody on the way can read the token or password; use https://"
            session.terminal.message(f"{setting} {said}", "yellow")
        yield apis
        return
    from extract.run import ApiSettings
    from simulate.mock_api import DEMO_TOKEN, create_app
    from simulate.serve import serving
    from simulate.world import make_world

    token, world = settings.api_token or DEMO_TOKEN, make_world()
    # Logs that are dropped and not taken would look like a user's own.
    takes_events = {*demo.EVENT_SOURCES} <= {*names}
    dropped = demo.dropped_events(session, world) if takes_events else nullcontext()
    with serving(create_app(world, token=token, today=settings.today)) as url, dropped:
        session.terminal.message(
            "a demo: asking the mock API, started for this run, because ADHOUSE_API_URL is not set"
        )
        yield {CAMPAIGN_API: ApiSettings(url, token, **asked(settings, CAMPAIGN_API, now))}


def places_of(settings: Settings) -> "Places":
    """Where everything is that extract reads and writes."""
    from extract.athena import Athena
    from extract.run import Places

    athena = Athena(settings.athena_results, settings.athena_workgroup) if settings.is_in_cloud else None
    return Places(settings.home, settings.data_url, settings.lake_url, athena)


def _sources(settings: Settings, names: Collection[str]) -> "list[SourceConfig]":
    """The sources as they are declared.

    Raises:
        CommandError: A source that has files has private fields, and there is no key.
    """
    for name in names:
        if (
            settings.sources[name].has_private_fields
            and not demo.privacy_key_of(settings)
            and _has_files(settings, name)
        ):
            raise missing_key(name)
    return [settings.sources[name] for name in names]


def _has_files(settings: Settings, source: str) -> bool:
    """Whether files of a source wait in its inbox, or were received before."""
    from extract.inbox import waiting_files
    from extract.run import has_received
    from extract.storage import Folder

    inbox = Folder.at(settings.data_url).below(f"inbox/{source}")
    return bool(waiting_files(inbox)) or has_received(places_of(settings), source)


def _say_what_came(session: Session, extracted: "ExtractReport") -> None:
    session.terminal.stop()
    session.facts["sources"] = {source: asdict(came) for source, came in extracted.sources.items()}
    for source, came in extracted.sources.items():
        if came.has_any or len(extracted.sources) == 1:
            session.terminal.message(f"{source}: {came}")
        if came.loaded and (zone := _zone_of_its_own(session.settings, source)):
            said = (
                f"the days of {source} are those of {zone}, and the report's of {session.settings.report_timezone.key}"
            )
            session.terminal.message(f"warning: {said}: hours at their ends count on another day", "yellow")
    for error in extracted.errors:
        session.terminal.message(f"error: {error}", "red")


def _zone_of_its_own(settings: Settings, source: str) -> str | None:
    """The zone in which a source says its days, if that is not the report's."""
    zone = settings.sources[source].timezone if source in settings.sources else None
    return zone if zone != settings.report_timezone.key else None


def _say_quarantined(session: Session, extracted: "ExtractReport", *, is_strict: bool) -> None:
    """Says last which files were quarantined whole, why, and what to do: their records are missing from the numbers."""
    if not extracted.quarantined:
        return
    reasons = explained_reasons(session.settings)
    for one in extracted.quarantined:
        _, what_to_do = reasons.get(one.reason, ("", "Look at the file"))
        wrong = f"{one.source}: {one.file_name!r} is quarantined: {one.reason}: {one.detail}"
        session.terminal.message(f"{wrong}; to do: {what_to_do}", "yellow")
    said = f"{_files(len(extracted.quarantined))} quarantined as a whole"
    way_out = "drop a repaired file under the same name; `adhouse quarantine` lists what is quarantined"
    if is_strict:
        raise CommandError(said, way_out)
    session.terminal.message(f"{said}; {way_out}", "yellow")


def _files(number: int) -> str:
    return "1 file was" if number == 1 else f"{number:,} files were"


def _counts(extracted: "ExtractReport | None") -> tuple[int, int, int]:
    if extracted is None:
        return (0, 0, 0)
    every = extracted.sources.values()
    return sum(s.read for s in every), sum(s.loaded for s in every), sum(s.rejected for s in every)
