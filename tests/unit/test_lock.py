"""Two real processes and one lock."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from adhouse.errors import CommandError, Exit
from adhouse.lock import holder_of, locked

HOLD = """
import sys, time
from pathlib import Path
from adhouse.lock import locked
with locked(Path(sys.argv[1]), "adhouse run", 0, print):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""

LOOK_FOREVER = """
import sys
from pathlib import Path
from adhouse.lock import holder_of
while True:
    holder_of(Path(sys.argv[1]))
"""


@contextmanager
def another_run(home: Path, seconds: float = 60) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", HOLD, str(home), str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_the_second_is_refused_at_once_and_told_who_holds_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    sleep = time.sleep

    def noting(seconds: float) -> None:
        waits.append(seconds)
        sleep(seconds)

    monkeypatch.setattr("adhouse.lock.time.sleep", noting)
    with another_run(tmp_path) as other:
        with pytest.raises(CommandError) as raised, locked(tmp_path, "adhouse build", 0, print):
            pass
        assert sum(waits) < 0.5
    assert raised.value.code == Exit.LOCKED
    assert f"pid {other.pid}" in raised.value.message
    assert "started 20" in raised.value.message
    assert "`adhouse run`" in raised.value.message


def test_it_waits_as_long_as_it_is_told_and_says_so(tmp_path: Path) -> None:
    said: list[str] = []
    with another_run(tmp_path, seconds=1), locked(tmp_path, "adhouse build", 30, said.append):
        holder = holder_of(tmp_path)
    assert holder is not None
    assert holder.pid == os.getpid()
    assert len(said) == 1
    assert "waiting" in said[0]


def test_the_kernel_frees_the_lock_of_a_killed_process(tmp_path: Path) -> None:
    with another_run(tmp_path) as other:
        assert holder_of(tmp_path) is not None
        other.send_signal(signal.SIGKILL)
        other.wait()
        assert holder_of(tmp_path) is None
        with locked(tmp_path, "adhouse run", 0, print):
            pass


def test_looking_at_the_lock_never_takes_it_from_a_run(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", LOOK_FOREVER, str(tmp_path)]) as looking:
        time.sleep(0.3)
        for _ in range(50):
            with locked(tmp_path, "adhouse run", 0, print):
                pass
        looking.kill()


def test_nobody_holds_a_lock_that_was_never_taken(tmp_path: Path) -> None:
    assert holder_of(tmp_path) is None


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o002, 0o664), (0o077, 0o600)])
def test_who_may_lock_is_for_the_umask_to_say(tmp_path: Path, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        with locked(tmp_path, "adhouse run", 0, print):
            assert (tmp_path / ".lock").stat().st_mode & 0o777 == mode
    finally:
        os.umask(before)
