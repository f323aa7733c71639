"""One command at work on the data folder: locked, logged, stoppable, and remembered for `adhouse status`."""

import errno
import logging
import os
import secrets
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

from adhouse.console import Terminal
from adhouse.errors import CommandError, Exit
from adhouse.explain import explain_error
from adhouse.last_run import remember
from adhouse.lock import locked
from adhouse.log import open_log
from adhouse.settings import Settings

SECONDS_TO_STOP = 5.0

log = logging.getLogger(__name__)


@dataclass
class Session:
    """What a command works with.

    Attributes:
        run_id: Is never used twice; the run's log has it, and the id of its build ends with it.
        started: When the run started (UTC).
        todo: The steps not done yet.
        facts: What is known of the run so far, for `last_run.json` and `--json`.
    """

    settings: Settings
    terminal: Terminal
    command: str
    run_id: str
    started: datetime
    todo: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def as_of(self) -> datetime:
        """The only time that models know: the beginning of the report day in which the run started (UTC)."""
        return self.settings.report_day_start(self.started)

    @contextmanager
    def step(self, name: str, phase: str) -> Iterator[dict[str, Any]]:
        """Logs a step with its seconds and the counts put into the given dict; a step that ends well is done."""
        counts: dict[str, Any] = {}
        began = time.monotonic()
        status = "failed"
        try:
            yield counts
            status = "done"
            if name in self.todo:
                self.todo.remove(name)
        finally:
            seconds = round(time.monotonic() - began, 3)
            log.info(
                "%s: %s", phase, status, extra={"phase": phase, "status": status, "counts": counts, "seconds": seconds}
            )


@contextmanager
def working(
    settings: Settings, terminal: Terminal, command: str, wait_seconds: float, *, is_run: bool
) -> Iterator[Session]:
    """Holds the lock and the log for the block, and for a run notes how it ended.

    SIGINT and SIGTERM end the block within seconds. Nothing is lost by a harder end: every step is decided from
    what is on disk.

    Raises:
        CommandError: The lock is held (75), or the block was stopped (130, 143).
    """
    _make("ADHOUSE_HOME", settings.home)
    with locked(settings.home, command, wait_seconds, terminal.message):
        if is_run and settings.lake_folder:
            _make("ADHOUSE_LAKE_URL", settings.lake_folder)
        now = datetime.now(UTC)
        run_id = f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"
        session = Session(settings, terminal, command, run_id, now)
        open_log(settings.logs, run_id, settings.redact)
        log.info("start: %s", command, extra={"phase": "start", "seconds": round(time.process_time(), 3)})
        session.facts |= {"command": command, "run_id": run_id, "started": now.isoformat(timespec="seconds")}
        session.facts |= {"ended": None, "outcome": "is running", "exit_code": None}
        if is_run:
            remember(settings.home, session.facts)
        code, outcome = Exit.FAILED, "failed"
        try:
            with _stoppable(session), _lake_lease(session, wait_seconds):
                yield session
            code, outcome = Exit.OK, "done"
        except Exception as error:
            end = explain_error(error, settings)
            code, outcome = end.code, settings.redact(end.message)
            raise end from error
        finally:
            terminal.stop()
            log.info("end: %s", outcome, extra={"phase": "end", "status": outcome})
            ended = datetime.now(UTC).isoformat(timespec="seconds")
            session.facts |= {"ended": ended, "outcome": outcome, "exit_code": int(code)}
            if is_run:
                remember(settings.home, session.facts)


def _make(setting: str, folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise
        raise CommandError(
            f"{setting} is {folder}, which cannot be made: {error.strerror}", "set it to a folder", Exit.USAGE
        ) from None


@contextmanager
def _lake_lease(session: Session, wait_seconds: float) -> Iterator[None]:
    """Holds the lease of a lake in S3: runs on other machines write there too, and queries of killed runs still do."""
    if not session.settings.is_in_cloud:
        yield
        return
    from adhouse.aws.lease import leased
    from adhouse.aws.leftovers import stop_leftovers

    def lost(why: str) -> None:
        session.terminal.message(why, "red")
        os.kill(os.getpid(), signal.SIGTERM)

    settings = session.settings
    say = session.terminal.message
    with leased(settings.lake_url, settings.home, session.command, wait_seconds, say, lost) as dead:
        if dead and (left := stop_leftovers(settings.athena_workgroup, datetime.fromisoformat(dead.started))):
            say(f"stopped queries of a killed run in Athena: {', '.join(left)}")
        yield


@contextmanager
def _stoppable(session: Session) -> Iterator[None]:
    received = signal.SIGINT

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal received
        received = signal.Signals(number)
        for one in (signal.SIGINT, signal.SIGTERM):
            signal.signal(one, lambda *_: _exit_now(session, received))
        # Whatever does not end by itself (a long query, a server that does not answer) is cut off.
        timer = threading.Timer(SECONDS_TO_STOP, _exit_now, (session, received))
        timer.daemon = True
        timer.start()
        raise KeyboardInterrupt

    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, stop)
    try:
        yield
    except KeyboardInterrupt:
        raise _stopped(session, received) from None


def _stopped(session: Session, received: signal.Signals) -> CommandError:
    code = Exit.TERMINATED if received == signal.SIGTERM else Exit.INTERRUPTED
    todo = f"; not done: {', '.join(session.todo)}" if session.todo else ""
    return CommandError(f"stopped by {received.name}{todo}", f"`{session.command}` resumes", code)


def _exit_now(session: Session, received: signal.Signals) -> None:
    session.terminal.stop()
    error = _stopped(session, received)
    session.terminal.error(error)
    os._exit(error.code)
