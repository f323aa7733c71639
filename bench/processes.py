"""Fresh processes, and what each one cost."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

CORES = 2
PROJECT = Path(__file__).parent.parent
ADHOUSE = str(Path(sys.executable).with_name("adhouse"))


@dataclass(frozen=True)
class Usage:
    """What a process took.

    Attributes:
        seconds: From its start to its end, imports included.
        cpu_seconds: Of all its threads.
        peak_bytes: The most memory it held at once.
        output: What it printed on stdout.
    """

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    output: str


def use_two_cores() -> None:
    """Gives this process and all it starts the same two cores, where the system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])


def script(module: str, *arguments: object) -> list[str]:
    """The command that runs one of our modules."""
    return [sys.executable, "-m", module, *map(str, arguments)]


def measured(command: Sequence[str], settings: Mapping[str, str] | None = None) -> Usage:
    """Runs a command to its end, with no settings but these, when the disk is at rest.

    This process must itself stay small: Linux counts the memory a process had when it was forked.

    Raises:
        SystemExit: The command failed; its last words are shown.
    """
    environment = {name: text for name, text in os.environ.items() if not name.startswith(("ADHOUSE_", "DBT_"))}
    os.sync()
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as messages:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=PROJECT, env={**environment, **(settings or {})}, stdout=output, stderr=messages
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        for file in (output, messages):
            file.seek(0)
        if process.returncode:
            raise SystemExit(f"{' '.join(command)} ended with {process.returncode}:\n{messages.read()[-4000:]}")
        kilobytes = usage.ru_maxrss // 1024 if sys.platform == "darwin" else usage.ru_maxrss
        return Usage(seconds, usage.ru_utime + usage.ru_stime, kilobytes * 1024, output.read())
