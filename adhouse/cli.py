"""The command line. Each command imports what it needs when it runs, so that `--help` is there at once."""

import logging
import os
import sys
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from adhouse.errors import MEANINGS, CommandError, Exit

if TYPE_CHECKING:
    from adhouse.console import Terminal
    from adhouse.session import Session
    from adhouse.settings import Settings

EXIT_CODES = "\b\nExit codes:\n" + "\n".join(f"  {code:>3}  {meaning}" for code, meaning in MEANINGS.items())

app = typer.Typer(
    help="A warehouse for digital-advertising data: extract, build, audit, publish.",
    epilog=EXIT_CODES,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    add_completion=False,
)

Wait = Annotated[float, typer.Option("--wait", metavar="SECONDS", min=0, help="Wait so long for another run to end.")]
FullRefresh = Annotated[bool, typer.Option("--full-refresh", help="Make every table anew.")]


@app.command()
def run(
    allow_stale: Annotated[
        bool, typer.Option("--allow-stale", help="Publish though a source came incomplete.")
    ] = False,
    full_refresh: FullRefresh = False,
    wait: Wait = 0,
) -> None:
    """Extract, build, audit and publish. The same again does only what is left or new."""
    from adhouse import run as steps

    _work(lambda session: steps.run(session, allow_stale=allow_stale, full_refresh=full_refresh), wait, is_run=True)


@app.command()
def extract(
    source: Annotated[str | None, typer.Argument(help="campaign_api or campaign_files; all when left out.")] = None,
    wait: Wait = 0,
) -> None:
    """Bring what the sources have into landing and the lake."""
    from adhouse import run as steps
    from adhouse.settings import SOURCES

    if source is not None and source not in SOURCES:
        raise CommandError(f"there is no source {source!r}", f"there are {', '.join(SOURCES)}", Exit.USAGE)
    _work(lambda session: steps.extract_alone(session, [source] if source else SOURCES), wait, is_run=True)


@app.command()
def build(full_refresh: FullRefresh = False, wait: Wait = 0) -> None:
    """Build and test every model; publishes nothing."""
    from adhouse import run as steps

    _work(lambda session: steps.build_alone(session, full_refresh=full_refresh), wait, is_run=True)


@app.command()
def publish(wait: Wait = 0) -> None:
    """Publish the working build, if it passed its audit."""
    from adhouse import run as steps

    _work(steps.publish_audited, wait)


@app.command()
def rebuild(wait: Wait = 0) -> None:
    """Make lake, warehouse and marts again from landing; readers keep the old build meanwhile."""
    from adhouse import run as steps

    _work(steps.rebuild, wait, is_run=True)


@app.command()
def rollback(
    build_id: Annotated[str | None, typer.Argument(help="The build to go back to; by default the one before.")] = None,
    wait: Wait = 0,
) -> None:
    """Show readers an older build, until the next one is published."""
    from adhouse.warehouse.base import open_warehouse

    def go(session: "Session") -> None:
        session.terminal.result(f"published build {open_warehouse(session.settings).rollback(build_id)}")

    _work(go, wait)


@app.command()
def maintain(wait: Wait = 0) -> None:
    """Join small files and remove old snapshots of the tables in Athena; DuckDB's files need no upkeep."""

    def tidy(session: "Session") -> None:
        if not session.settings.is_in_cloud:
            session.terminal.result("DuckDB's files need no upkeep")
            return
        from adhouse.warehouse.athena import AthenaWarehouse

        done = AthenaWarehouse(session.settings).maintain(session.terminal.message)
        session.terminal.result(f"{done} tables tidied")

    _work(tidy, wait)


@app.command()
def status(as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False) -> None:
    """Show the last run, what is published, the balance of every source, what waits, and the lock."""
    from adhouse.commands import status as report

    settings, terminal = _settings_and_terminal()
    if as_json:
        terminal.json(report.status(settings))
    else:
        report.show_status(terminal, settings)


@app.command()
def quarantine(
    reason: Annotated[str | None, typer.Option(help="Only this reason.")] = None,
    source: Annotated[str | None, typer.Option(help="Only this source.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many; 20 in the table, else all.")] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print as CSV, safe to open in a spreadsheet.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """List what was set aside: why, where it came from, and what it was."""
    from adhouse.commands import quarantine as aside

    settings, terminal = _settings_and_terminal()
    if as_csv or as_json:
        rows = aside.quarantine(settings, reason, source, limit)
        terminal.csv(aside.Quarantined._fields, rows) if as_csv else terminal.json([row._asdict() for row in rows])
    else:
        aside.show(terminal, settings, reason, source, limit or 20)


@app.command()
def docs(
    is_opened: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False, wait: Wait = 0
) -> None:
    """Write the documentation of every model and column as one page, and print its path."""
    from adhouse.dbt import build as transform
    from adhouse.warehouse.base import open_warehouse

    def write(session: "Session") -> None:
        warnings.filterwarnings("ignore", module="agate")  # of a column that Glue has not
        generation = open_warehouse(session.settings).generation("", is_full_refresh=False)
        page = transform.docs(session.settings, session.as_of, generation)
        session.terminal.result(str(page))
        if is_opened:
            typer.launch(str(page))

    _work(write, wait)


@app.command()
def mock_api(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8800,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND", help="Go wrong like this: 'server_error', 'reset nth=2 times=always', ...; repeatable."
        ),
    ] = None,
) -> None:
    """Serve the simulated ad platform until Ctrl-C; its page /docs tells how to ask, and to make it misbehave."""
    from simulate.api_faults import Fault, FaultPlan
    from simulate.mock_api import DEMO_TOKEN, create_app
    from simulate.serve import serve
    from simulate.world import make_world

    settings, terminal = _settings_and_terminal()
    try:
        plan = FaultPlan([Fault.parse(text) for text in fault or ()])
    except ValueError as error:
        raise CommandError(f"--fault: {error}", "such as --fault 'reset nth=2'", Exit.USAGE) from None
    token = settings.api_token or DEMO_TOKEN
    shown = "the one in ADHOUSE_API_TOKEN" if settings.api_token else DEMO_TOKEN

    def say(url: str) -> None:
        terminal.result(f"serving {url} (how to ask: {url}/docs; token: {shown})")

    served = create_app(make_world(), token=token, today=settings.today, faults=plan)
    try:
        serve(served, host=host, port=port, ready=say)
    except OSError as error:
        raise CommandError(f"cannot listen on {host}:{port}: {error.strerror}", "choose another --port") from None


@app.command()
def doctor() -> None:
    """Check what a run needs, one line a thing, with the way out."""
    from adhouse.commands import doctor as checks

    settings, terminal = _settings_and_terminal()
    raise typer.Exit(Exit.OK if checks.examine(settings, terminal) else Exit.FAILED)


def main() -> None:
    """Runs the command line; whatever ends a command early is one line on stderr, with the way out."""
    try:
        app(prog_name="adhouse")
        code = int(Exit.OK)
    except SystemExit as ended:  # typer's way to end, also of what went well
        code = int(ended.code or 0)
    except Exception as error:
        from adhouse.console import Terminal
        from adhouse.explain import explain_error

        settings = _settings_or_none()
        end = explain_error(error, settings)
        Terminal(settings.redact if settings else str).error(end)
        code = end.code
    _end(code)


def _end(code: int) -> NoReturn:
    """Ends the process, and lets Python tidy nothing up.

    An import or a query that was cut off half way would complain at length; and DuckDB's binding does even after all
    went well, when dbt ran in a thread.
    """
    logging.shutdown()
    for stream in filter(None, (sys.stdout, sys.stderr)):  # None is one that was closed before we began
        try:
            stream.flush()
        except BrokenPipeError:
            pass  # who reads no further has had enough
        except OSError as error:
            if code == Exit.OK:
                os.write(2, f"adhouse: the output could not be written: {error.strerror}\n".encode())
                code = Exit.FAILED
    os._exit(code)


def _work(step: "Callable[[Session], object]", wait_seconds: float, *, is_run: bool = False) -> None:
    from adhouse.session import working

    settings, terminal = _settings_and_terminal()
    with working(settings, terminal, " ".join(["adhouse", *sys.argv[1:]]), wait_seconds, is_run=is_run) as session:
        step(session)


def _settings_and_terminal() -> "tuple[Settings, Terminal]":
    from adhouse.console import Terminal
    from adhouse.settings import read_settings, settle_region

    settings = read_settings()
    if settings.is_in_cloud:
        from extract.athena import read_models_once

        settle_region()
        read_models_once()
    return settings, Terminal(settings.redact)


def _settings_or_none() -> "Settings | None":
    from adhouse.settings import read_settings

    try:
        return read_settings()
    except CommandError:
        return None
