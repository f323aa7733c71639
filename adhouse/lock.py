"""One run at a time: an exclusive lock that the kernel frees when its owner dies, however it dies."""

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from adhouse.errors import CommandError, Exit

# `status` takes the lock shared for an instant to look at it; a run must not mistake that for another run.
GLANCE_SECONDS = 0.2
NAME = ".lock"


@dataclass(frozen=True)
class Holder:
    """Who holds the lock, as written into it."""

    pid: int
    started: str
    command: str


@contextmanager
def locked(
    home: Path, command: str, wait_seconds: float, say: Callable[[str], None], name: str = NAME
) -> Iterator[None]:
    """Holds `<home>/.lock`, or the lock of another name, for the length of the block; its content says who does.

    If it waits for another process it says so once, through `say`.

    Raises:
        CommandError: Another process still holds it after `wait_seconds` (exit code 75).
    """
    path = home / name
    with open(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "r+") as file:
        started = time.monotonic()
        is_said = False
        while not _taken(file.fileno(), fcntl.LOCK_EX):
            waited = time.monotonic() - started
            if waited >= max(wait_seconds, GLANCE_SECONDS):
                raise CommandError(_held_by(_read(path)), "wait for it, or use --wait SECONDS", Exit.LOCKED)
            if waited > GLANCE_SECONDS and not is_said:
                is_said = True
                say(f"{_held_by(_read(path))}; waiting up to {wait_seconds:g} s")
            time.sleep(0.05)
        holder = Holder(os.getpid(), datetime.now(UTC).isoformat(timespec="seconds"), command)
        file.truncate(0)
        file.write(json.dumps(asdict(holder)) + "\n")
        file.flush()
        yield


def holder_of(home: Path) -> Holder | None:
    """Gives the holder of the lock; None when nobody holds it, whatever a dead holder left written in it."""
    path = home / NAME
    try:
        with path.open() as file:
            if _taken(file.fileno(), fcntl.LOCK_SH):
                return None
    except FileNotFoundError:
        return None
    return _read(path) or Holder(0, "unknown", "unknown")


def _taken(descriptor: int, how: int) -> bool:
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(path: Path) -> Holder | None:
    try:
        return Holder(**json.loads(path.read_text()))
    except (ValueError, TypeError):
        return None  # its holder is just writing it


def _held_by(holder: Holder | None) -> str:
    if holder is None:
        return "another run has just started"
    return f"another run holds the lock: pid {holder.pid}, started {holder.started}, `{holder.command}`"
