"""Attempts: which unit was being read when a run was killed, and whether that unit kills whoever reads it."""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import resource
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path

from extract.readers import UnreadableFile

MOST_KILLS = 2  # a run may be killed by anybody at any time; only then is a unit suspected
MEMORY = 6 << 30  # of addresses, of which Arrow takes many more than it uses
OUT_OF_MEMORY = 70  # exit code
SECONDS = 600  # that reading something small may take


class Attempts:
    """The runs that were killed while they read a unit, noted in a file before each attempt."""

    def __init__(self, path: Path) -> None:
        """Takes the file, which is there only while something is read, and after a kill."""
        self._path = path

    @contextmanager
    def reading(self, unit: str) -> Iterator[bool]:
        """Notes that a unit is being read, for the length of the block; says whether it is suspected.

        Whatever ends the block clears it, unless the whole process ends with it.
        """
        kills = self._kills
        self._note(unit)
        try:
            yield kills.get(unit, 0) >= MOST_KILLS
        finally:
            kills.pop(unit, None)
            self._note(None)

    @cached_property
    def _kills(self) -> dict[str, int]:
        """How many runs were killed at each unit: what the last run has noted, and where it was."""
        kills: dict[str, int] = {}
        with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
            noted = json.loads(self._path.read_bytes())
            kills = {str(unit): int(count) for unit, count in noted["kills"].items()}
            if noted["unit"] is not None:
                kills[noted["unit"]] = kills.get(noted["unit"], 0) + 1
        return kills

    def _note(self, unit: str | None) -> None:
        if unit is None and not self._kills:
            self._path.unlink(missing_ok=True)
            return
        # No need to wait for the disk: what a killed process has written is there.
        self._path.write_text(json.dumps({"unit": unit, "kills": self._kills}))


def try_apart(seconds: float, read: Callable[..., object], *arguments: object) -> None:
    """Reads something in a process of its own, with bounded memory and time, and forgets what it read.

    Args:
        seconds: How long that may take.
        read: A function of a module, which reads it.
        *arguments: What the function is called with; they can be pickled.

    Raises:
        UnreadableFile: `kills_its_reader`: that process did not live to the end.
    """
    process = multiprocessing.get_context("spawn").Process(target=_read, args=(read, arguments), daemon=True)
    process.start()
    try:
        process.join(seconds)
        if process.is_alive():
            raise UnreadableFile("kills_its_reader", f"reading it does not end within {seconds:g} s")
        code = process.exitcode or 0
        if code < 0 or code == OUT_OF_MEMORY:
            how = "for lack of memory" if code == OUT_OF_MEMORY else f"by signal {-code}"
            said = f"{MOST_KILLS} runs ended while they read it, and so did a process of its own, {how}"
            raise UnreadableFile("kills_its_reader", said)
    finally:
        process.kill()


def _read(read: Callable[..., object], arguments: Sequence[object]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the run, which then ends this process
    logging.disable()  # whoever reads it next says what is wrong
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(ValueError, OSError):  # where no such limit can be set
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
    try:
        read(*arguments)
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    except Exception:
        os._exit(0)  # it fails as things may that are read
    os._exit(0)
