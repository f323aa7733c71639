"""How a command ends: the exit codes, and the one exception whose message is shown to the user."""

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes, the same for every command; `adhouse --help` prints them from here."""

    OK = 0
    FAILED = 1
    USAGE = 2
    AUDIT = 3
    LOCKED = 75
    INTERRUPTED = 130
    TERMINATED = 143


MEANINGS = {
    Exit.OK: "done",
    Exit.FAILED: "failed, or a source is incomplete: nothing was published",
    Exit.USAGE: "a wrong argument or setting",
    Exit.AUDIT: "an error test failed: nothing was published, readers keep the old build",
    Exit.LOCKED: "another run holds the lock",
    Exit.INTERRUPTED: "stopped by Ctrl-C; the same command resumes",
    Exit.TERMINATED: "stopped by SIGTERM; the same command resumes",
}


class CommandError(Exception):
    """Ends the command with one line: what happened and what helps, and an exit code; never shown as a traceback."""

    def __init__(self, message: str, way_out: str = "", code: Exit = Exit.FAILED) -> None:
        super().__init__(message)
        self.message = message
        self.way_out = way_out
        self.code = code
