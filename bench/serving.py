"""Servers that a browser opens, each a process of its own on a free port, and what they cost."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.processes import ADHOUSE, PROJECT

PATIENCE = 120  # seconds
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Server:
    """One that answers.

    Attributes:
        url: Its address.
        pid: Its process.
    """

    url: str
    pid: int

    def cpu_seconds(self) -> float:
        """What all its threads have taken so far; Linux only."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS  # utime and stime

    def memory_bytes(self) -> int:
        """What it holds in memory now; Linux only."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) * 1024


def dashboard(port: int) -> list[str]:
    """The command that serves the dashboard of a data folder."""
    return [ADHOUSE, "dashboard", "--port", str(port)]


def empty_page(port: int) -> list[str]:
    """The command that serves a page of Streamlit with one number and one filter."""
    page = str(Path(__file__).with_name("empty_page.py"))
    options = {"address": "127.0.0.1", "port": port, "headless": "true", "fileWatcherType": "none"}
    flags = [f"--server.{name}={value}" for name, value in options.items()]
    return [sys.executable, "-m", "streamlit", "run", page, *flags, "--browser.gatherUsageStats=false"]


@contextmanager
def serving(command: Callable[[int], list[str]], settings: Mapping[str, str]) -> Iterator[Server]:
    """Starts a server with no settings of adhouse's but these, and ends it after the block.

    Raises:
        SystemExit: It does not answer, or ended by itself.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    others = {name: value for name, value in os.environ.items() if not name.startswith(("ADHOUSE_", "DBT_"))}
    with subprocess.Popen(command(port), cwd=PROJECT, env={**others, **settings}, stdout=subprocess.DEVNULL) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_for(f"{url}/_stcore/health", process)
            yield Server(url, process.pid)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(PATIENCE)


def _wait_for(address: str, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(PATIENCE * 10):
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(address, timeout=5):  # noqa: S310 an address of our own
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"{address} does not answer")
