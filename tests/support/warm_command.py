"""Runs `adhouse` in forks of a process that has imported everything, since importing takes a third of a small run.

What runs is the command itself, in a process of its own; only its imports were made before. Whoever tests how the
command starts, or kills it, starts it anew: `Workspace.start`.
"""

import atexit
import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path
from typing import Any

IMPORTED = ("adhouse.run", "extract.run", "extract.lake.load", "dbt.cli.main", "dbt.task.build", "dbt.adapters.duckdb")


class WarmCommand:
    """Gives each command a fork of such a process: of another one for each thread that asks at the same time."""

    def __init__(self) -> None:
        """Starts nothing before the first command."""
        self._idle: list[subprocess.Popen[str]] = []

    def run(self, arguments: tuple[str, ...], environment: dict[str, str], seconds: int) -> tuple[int, str, str]:
        """Runs the command to its end; gives its exit code (a signal as a negative number), stdout and stderr.

        Raises:
            TimeoutExpired: It took longer than that, and was killed.
        """
        try:
            server = self._idle.pop()
        except IndexError:
            server = _started()
        with tempfile.TemporaryDirectory() as folder:
            out, err = Path(folder, "out"), Path(folder, "err")
            asked = {"arguments": arguments, "environment": environment, "out": str(out), "err": str(err)}
            assert server.stdin is not None
            assert server.stdout is not None
            server.stdin.write(json.dumps(asked | {"folder": os.getcwd(), "seconds": seconds}) + "\n")
            server.stdin.flush()
            code = json.loads(server.stdout.readline())
            written = out.read_text(), err.read_text()
        self._idle.append(server)
        if code is None:
            raise subprocess.TimeoutExpired(["adhouse", *arguments], seconds, *written)
        return code, *written


def _started() -> subprocess.Popen[str]:
    started = [sys.executable, "-P", __file__]  # -P: what lies beside this file is not imported
    server = subprocess.Popen(started, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    atexit.register(server.kill)
    return server


def serve() -> None:
    """Answers each line of stdin, a command to run, with its exit code, or null for one that took too long."""
    from adhouse import cli

    for name in IMPORTED:
        import_module(name)
    logging.root.handlers.clear()  # dbt adds one where there is none, as there is in a command at work
    while line := sys.stdin.readline():
        asked = json.loads(line)
        if not (child := os.fork()):
            _become(asked)
            cli.main()  # which ends the process
        sys.stdout.write(json.dumps(_exit_code(child, asked["seconds"])) + "\n")
        sys.stdout.flush()


def _become(asked: dict[str, Any]) -> None:
    os.setsid()
    for stream, path in ((0, os.devnull), (1, asked["out"]), (2, asked["err"])):
        os.dup2(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), stream)
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    sys.argv = ["adhouse", *asked["arguments"]]


def _exit_code(child: int, seconds: int) -> int | None:
    ends = time.monotonic() + seconds
    while not (waited := os.waitpid(child, os.WNOHANG))[0]:
        if time.monotonic() > ends:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return None
        time.sleep(0.02)
    return os.waitstatus_to_exitcode(waited[1])


if __name__ == "__main__":
    serve()
