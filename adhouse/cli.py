"""The command line. Each command imports what it needs when it runs, so that `--help` is there at once."""

import logging
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
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
)

quarantined = typer.Typer()
app.add_typer(quarantined, name="quarantine")

Wait = Annotated[
    float, typer.Option("--wait", metavar="SECONDS", min=0, help="How long to wait for another run to end.")
]
FullRefresh = Annotated[bool, typer.Option("--full-refresh", help="Rebuild every table.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print the result as CSV, safe to open in a spreadsheet.")]


def _complete_source(incomplete: str) -> list[str]:
    settings = _settings_or_none()
    try:
        return [source for source in settings.sources if source.startswith(incomplete)] if settings else []
    except CommandError:  # the shell is no place to say what is wrong with a file
        return []


def _complete_file(*statuses: str) -> Callable[[str], list[str]]:
    def complete(incomplete: str) -> list[str]:
        from adhouse.commands import taking_back

        settings = _settings_or_none()
        return taking_back.names_beginning(settings, incomplete, statuses) if settings else []

    return complete


def _show_version(is_asked: bool) -> None:
    if is_asked:
        from importlib.metadata import version

        typer.echo(f"adhouse {version('adhouse')}")
        raise typer.Exit


@app.callback()
def options(
    is_version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """A warehouse for digital-advertising data: extract, build, audit, publish."""


@app.command()
def run(
    allow_stale: Annotated[bool, typer.Option("--allow-stale", help="Publish even if a source is incomplete.")] = False,
    full_refresh: FullRefresh = False,
    is_strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 1 if a file was quarantined as a whole.")
    ] = False,
    as_json: AsJson = False,
    wait: Wait = 0,
) -> None:
    """Extract, build, audit and publish what is new."""
    from adhouse import run as steps
    from adhouse.commands.forgetting import finish_killed

    def go(session: "Session") -> None:
        finish_killed(session)
        steps.run(session, allow_stale=allow_stale, full_refresh=full_refresh, is_strict=is_strict)

    _work(go, wait, is_run=True, as_json=as_json)


@app.command()
def extract(
    source: Annotated[
        str | None,
        typer.Argument(help="The source to extract (default: all).", autocompletion=_complete_source),
    ] = None,
    wait: Wait = 0,
) -> None:
    """Load new data from the sources into landing and the lake."""
    from adhouse import run as steps

    if source is not None:
        _settings_and_terminal()[0].source(source)
    _work(lambda session: steps.extract_only(session, [source] if source else None), wait, is_run=True)


@app.command()
def build(full_refresh: FullRefresh = False, wait: Wait = 0) -> None:
    """Build and test every model, without publishing."""
    from adhouse import run as steps

    _work(lambda session: steps.build_only(session, full_refresh=full_refresh), wait, is_run=True)


@app.command()
def publish(wait: Wait = 0) -> None:
    """Publish the newest build, if it passed its audit."""
    from adhouse import run as steps

    _work(steps.publish_audited, wait)


@app.command()
def rebuild(wait: Wait = 0) -> None:
    """Rebuild lake, warehouse and marts from landing.

    Readers keep the published build until the new one has passed its audit.
    """
    from adhouse import run as steps
    from adhouse.commands.forgetting import finish_killed

    def go(session: "Session") -> None:
        finish_killed(session)
        steps.rebuild(session)

    _work(go, wait, is_run=True)


@app.command()
def rollback(
    build_id: Annotated[str | None, typer.Argument(help="The build to show (default: the one before).")] = None,
    wait: Wait = 0,
) -> None:
    """Show readers an older build, until the next one is published."""
    from adhouse import run as steps

    _work(lambda session: steps.roll_back(session, build_id), wait)


@app.command()
def maintain(wait: Wait = 0) -> None:
    """Merge small files and remove old snapshots."""
    from adhouse import run as steps

    _work(steps.maintain, wait)


@app.command()
def status(as_json: AsJson = False) -> None:
    """Show the last run, what is published, balances and the lock."""
    from adhouse.commands import status as report

    settings, terminal = _settings_and_terminal()
    if as_json:
        terminal.json(report.status(settings))
    else:
        report.show_status(terminal, settings)


sources = typer.Typer(invoke_without_command=True, rich_markup_mode=None)
app.add_typer(sources, name="sources")


@sources.callback()
def list_sources(context: typer.Context, as_json: AsJson = False) -> None:
    """List and check the sources, or try one on a file."""
    from adhouse.commands import sources as listing

    if context.invoked_subcommand is not None:
        return
    settings, terminal = _settings_and_terminal()
    if as_json:
        terminal.json(listing.sources(settings))
    else:
        listing.show_sources(terminal, settings)


@sources.command("try")
def try_source(
    source: Annotated[str, typer.Argument(help="The source.", autocompletion=_complete_source)],
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE|DAY",
            help="A file as it would be dropped into the source's inbox; for an API the day (default: the last).",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show how a source would read a file or an API's answer, without loading it.

    The exit code is 1 if the file would be quarantined as a whole, or if there is no usable answer.
    """
    from adhouse.commands import sources as listing

    settings, terminal = _settings_and_terminal()
    trial = listing.try_source(settings, source, file)
    if as_json:
        terminal.json(listing.as_dict(trial))
    else:
        listing.show_trial(terminal, trial)
    raise typer.Exit(Exit.FAILED if trial.quarantined else Exit.OK)


@quarantined.callback(invoke_without_command=True)
def quarantine(
    context: typer.Context,
    reason: Annotated[str | None, typer.Option(help="Only this reason.")] = None,
    source: Annotated[str | None, typer.Option(help="Only this source.", autocompletion=_complete_source)] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Maximum number of rows (default: 20 in the table, otherwise all).")
    ] = None,
    has_all: Annotated[bool, typer.Option("--all", help="Also what was repaired since.")] = False,
    as_csv: AsCsv = False,
    as_json: AsJson = False,
) -> None:
    """Show quarantined records and files, with reasons."""
    from adhouse.commands import quarantine as listing

    if context.invoked_subcommand:
        return
    _check_one_format(as_csv=as_csv, as_json=as_json)
    settings, terminal = _settings_and_terminal()
    if not (as_csv or as_json):
        listing.show(terminal, settings, reason, source, limit, has_all=has_all)
        return
    rows = listing.as_dicts(listing.quarantine(settings, reason, source, limit, has_all=has_all))
    if as_csv:
        terminal.csv(listing.COLUMNS, [[*row.values()] for row in rows])
    else:
        terminal.json(rows)


@quarantined.command()
def replay(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME",
            help="Files by name, or by source/name (default: all).",
            autocompletion=_complete_file("quarantined"),
        ),
    ] = None,
    wait: Wait = 0,
) -> None:
    """Read quarantined files and those with rejected records again, and publish."""
    from adhouse.commands import taking_back

    _work(lambda session: taking_back.replay(session, names or []), wait, is_run=True)


@app.command()
def retract(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME",
            help="Files by name, or by source/name.",
            autocompletion=_complete_file("loaded", "duplicate", "quarantined"),
        ),
    ],
    is_confirmed: Yes = False,
    wait: Wait = 0,
) -> None:
    """Withdraw files that were dropped by mistake, and publish.

    Says first what changes, and asks. Of a name the newest file is withdrawn, so the one that it replaced counts again.
    The file stays in landing; `adhouse restore` undoes it.
    """
    from adhouse.commands import taking_back

    _work(lambda session: taking_back.retract(session, names, is_confirmed=is_confirmed), wait, is_run=True)


@app.command()
def restore(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME", help="Files by name, or by source/name.", autocompletion=_complete_file("retracted")
        ),
    ],
    is_confirmed: Yes = False,
    wait: Wait = 0,
) -> None:
    """Let retracted files count again, and publish."""
    from adhouse.commands import taking_back

    _work(lambda session: taking_back.restore(session, names, is_confirmed=is_confirmed), wait, is_run=True)


@app.command()
def forget(
    ids: Annotated[
        list[str],
        typer.Argument(metavar="USER_ID", help="Ids as their sources write them; -: read them from stdin, one a line."),
    ],
    is_confirmed: Yes = False,
    wait: Wait = 0,
) -> None:
    """Remove people from landing, lake and marts, for good.

    Says first what there is, in the inboxes too, and asks. All else is made again from landing; older builds go.
    """
    from adhouse.commands import forgetting

    said = sys.stdin.read().splitlines() if ids == ["-"] else ids
    _work(
        lambda session: forgetting.forget(session, said, is_confirmed=is_confirmed),
        wait,
        is_run=True,
        command="adhouse forget",  # the log and the lock must not have the ids
    )


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help='Such as "select * from campaign_summary"; -: read it from stdin.')],
    as_csv: AsCsv = False,
    as_json: AsJson = False,
) -> None:
    """Run a query on the published marts; it can change nothing."""
    from adhouse.commands import sql as reading

    _check_one_format(as_csv=as_csv, as_json=as_json)
    settings, terminal = _settings_and_terminal()
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a long query ends at once; there is nothing to tidy up
    query = sys.stdin.read() if query == "-" else query
    reading.show(terminal, settings, query, as_csv=as_csv, as_json=as_json)


alerting = typer.Typer(invoke_without_command=True, rich_markup_mode=None)
app.add_typer(alerting, name="alerts")


@alerting.callback()
def alerts(
    context: typer.Context,
    wants_digest: Annotated[bool, typer.Option("--digest", help="Send the weekly digest, and nothing else.")] = False,
    is_dry: Annotated[bool, typer.Option("--dry-run", help="Show what would be sent; send and note nothing.")] = False,
    is_test: Annotated[bool, typer.Option("--test", help="Send a test message to each channel.")] = False,
    as_json: AsJson = False,
) -> None:
    """Send alerts to your channels, or show what is open.

    The channels are those of ADHOUSE_ALERTS; without any, what is open is shown.

    The exit code is 1 if a channel could not be reached; it is told what it missed the next time.
    """
    from adhouse.commands import alerts as telling

    if context.invoked_subcommand is not None:
        if wants_digest or is_dry or is_test or as_json:
            raise CommandError(
                f"options of `adhouse alerts {context.invoked_subcommand}` stand after it",
                f"`adhouse alerts {context.invoked_subcommand} --help` lists them",
                Exit.USAGE,
            )
        return
    if is_test and (wants_digest or is_dry or as_json):
        raise CommandError(
            "--test goes with no other option", "`adhouse alerts --test` sends a test message", Exit.USAGE
        )
    settings, terminal = _settings_and_terminal()
    if is_test:
        is_well = telling.send_test(terminal, settings)
    else:
        is_well = telling.tell(terminal, settings, is_dry=is_dry, wants_digest=wants_digest, as_json=as_json)
    raise typer.Exit(Exit.OK if is_well else Exit.FAILED)


@alerting.command("list")
def list_alerts(
    has_all: Annotated[bool, typer.Option("--all", help="Also what is over.")] = False, as_json: AsJson = False
) -> None:
    """Show the alerts as they were last noted, with their ids."""
    from adhouse.commands import alerts as telling

    settings, terminal = _settings_and_terminal()
    noted = telling.list_alerts(settings, has_all=has_all)
    if as_json:
        terminal.json(telling.as_dicts(noted))
    else:
        telling.show(terminal, noted)


@alerting.command()
def acknowledge(
    alert_ids: Annotated[list[str], typer.Argument(metavar="ID", help="Ids, as `adhouse alerts list` has them.")],
    is_undone: Annotated[bool, typer.Option("--undo", help="Take it back.")] = False,
) -> None:
    """Note that somebody knows of alerts: they are silent until they worsen or come back."""
    from adhouse.commands import alerts as telling

    settings, terminal = _settings_and_terminal()
    telling.acknowledge(terminal, settings, alert_ids, is_undone=is_undone)


@app.command()
def docs(
    is_opened: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False, wait: Wait = 0
) -> None:
    """Write the documentation of every model on one page."""
    from adhouse import run as steps
    from adhouse.dbt import build as dbt_build

    def write(session: "Session") -> None:
        page = dbt_build.docs(session.settings, steps.plan_for_docs(session))
        session.terminal.result(str(page))
        if is_opened:
            typer.launch(str(page))

    _work(write, wait)


@app.command()
def dashboard(
    host: Annotated[
        str, typer.Option(help="Address to listen on; whoever reaches it sees all data, unless people log in.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8501,
    is_opened: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
) -> None:
    """Show the published marts in the browser until Ctrl-C."""
    from adhouse.commands import dashboard as serving

    settings, terminal = _settings_and_terminal()
    serving.serve(terminal, settings, host=host, port=port, is_opened=is_opened)


@app.command()
def demo(
    is_ended: Annotated[bool, typer.Option("--end", help="Withdraw all of the demo's data, for good.")] = False,
    wait: Wait = 0,
) -> None:
    """Say whether this data folder is a demo, or end the demo.

    A run with neither an API nor files of your own makes a new data folder a demo. It then takes nothing else.
    """
    from adhouse import demo as demos
    from adhouse import run as steps

    settings, terminal = _settings_and_terminal()
    if is_ended:
        _work(steps.end_demo, wait)
    else:
        state = "a demo, with the simulated platform's data; `adhouse demo --end` withdraws it"
        terminal.result(f"{settings.home} is {state if demos.is_on(settings) else 'not a demo'}")


@app.command()
def init(folder: Annotated[Path, typer.Argument(help="The folder to make.")]) -> None:
    """Make a dbt project of your own in a new folder."""
    from adhouse.commands import init as making
    from adhouse.console import Terminal

    making.init(Terminal(str), folder)


@app.command()
def mock_api(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8800,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND", help="Make it fail: 'server_error', 'reset nth=2 times=always', ...; can be repeated."
        ),
    ] = None,
) -> None:
    """Serve the simulated ad platform until Ctrl-C.

    Its page /docs explains the API and its faults.
    """
    from simulate.api_faults import Fault, FaultPlan
    from simulate.mock_api import DEMO_TOKEN, create_app
    from simulate.serve import serve
    from simulate.world import make_world

    settings, terminal = _settings_and_terminal()
    try:
        plan = FaultPlan([Fault.parse(text) for text in fault or ()])
    except ValueError as error:
        raise CommandError(f"--fault: {error}", "an example: --fault 'reset nth=2'", Exit.USAGE) from None
    token = settings.api_token or DEMO_TOKEN
    shown = "the one in ADHOUSE_API_TOKEN" if settings.api_token else DEMO_TOKEN

    def say(url: str) -> None:
        terminal.result(f"serving {url} (documentation: {url}/docs; token: {shown})")

    served = create_app(make_world(), token=token, today=settings.today, faults=plan)
    try:
        serve(served, host=host, port=port, ready=say)
    except OSError as error:
        raise CommandError(f"cannot listen on {host}:{port}: {error.strerror}", "choose another --port") from None


@app.command()
def doctor() -> None:
    """Check the environment and suggest a fix for each failure."""
    from adhouse.commands import doctor as checks

    settings, terminal = _settings_and_terminal()
    raise typer.Exit(Exit.OK if checks.examine(settings, terminal) else Exit.FAILED)


def main() -> None:
    """Runs the command line; whatever ends a command early is one line on stderr that says what helps."""
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
    """Ends the process without Python's own shutdown.

    An import or a query that was cut off half way would print long errors; and so does DuckDB's binding, even after
    all went well, when dbt ran in a thread.
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


def _work(
    step: "Callable[[Session], object]",
    wait_seconds: float,
    *,
    is_run: bool = False,
    as_json: bool = False,
    command: str = "",
) -> None:
    from adhouse.session import working

    settings, terminal = _settings_and_terminal()
    terminal.has_results = not as_json
    facts: dict[str, object] = {}
    try:
        command = command or " ".join(["adhouse", *sys.argv[1:]])
        with working(settings, terminal, command, wait_seconds, is_run=is_run) as session:
            facts = session.facts
            step(session)
    finally:
        if as_json and facts:
            terminal.json(facts)


def _check_one_format(*, as_csv: bool, as_json: bool) -> None:
    if as_csv and as_json:
        raise CommandError("--csv and --json cannot be had at once", "choose one of them", Exit.USAGE)


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
