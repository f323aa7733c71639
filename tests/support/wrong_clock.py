"""The real command at work with a clock that is wrong, by Debian's faketime."""

import shutil
import subprocess

import pytest
from conftest import COMMAND, Workspace

FAKETIME = shutil.which("faketime")
needs_faketime = pytest.mark.skipif(FAKETIME is None, reason="faketime is not installed")

# Where faketime leaves the monotonic clock alone, it breaks `time.sleep`, which waits for a moment of that clock.
SLEEP = """
import select, time
time.sleep = lambda seconds: select.select([], [], [], seconds) and None
"""


def adhouse_at(shift: str, house: Workspace, *arguments: str) -> str:
    """Runs `adhouse` with a clock that is off by so much, such as `+30 days`; gives what it said on stderr."""
    hooks = house.home.parent / "hooks"
    hooks.mkdir(parents=True, exist_ok=True)
    (hooks / "sitecustomize.py").write_text(SLEEP)
    environment = house.environment | {"DONT_FAKE_MONOTONIC": "1", "PYTHONPATH": str(hooks)}
    command = [str(FAKETIME), shift, str(COMMAND), *arguments]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr
    return ended.stderr
