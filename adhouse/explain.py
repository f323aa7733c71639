"""Turns whatever ended a command into one plain sentence with the way out."""

import errno
import logging

import duckdb

from adhouse.aws.errors import explain_cloud
from adhouse.errors import CommandError, Exit
from adhouse.settings import Settings
from adhouse.warehouse.files import disk_full, explain

CANNOT_WRITE = (errno.EACCES, errno.EPERM, errno.EROFS)


def explain_error(error: Exception, settings: Settings | None) -> CommandError:
    """Gives the sentence for an error; the traceback of one nobody foresaw is in the log, not on the screen."""
    if isinstance(error, CommandError):
        return error
    if settings and settings.is_in_cloud and (in_cloud := explain_cloud(_words(error), settings)):
        return in_cloud
    if settings is None:
        return CommandError(f"{type(error).__name__}: {error}")
    text = " ".join(str(error).split()) or type(error).__name__
    if "No space left on device" in text:
        return disk_full(settings.home)
    if isinstance(error, OSError) and error.errno in CANNOT_WRITE:
        way_out = f"make it writable, or set ADHOUSE_HOME (now {settings.home}) to a folder that is"
        return CommandError(f"cannot write {error.filename or settings.home}: {error.strerror}", way_out)
    if isinstance(error, NotADirectoryError):
        return CommandError(f"ADHOUSE_HOME is {settings.home}, which is not a folder", "set it to one", Exit.USAGE)
    if isinstance(error, duckdb.Error):
        try:
            explain(text, settings.home)
        except CommandError as explained:
            return explained
    if not logging.getLogger().handlers:  # a command that keeps no log
        return CommandError(f"{type(error).__name__}: {text[:500]}", "`adhouse doctor` looks for the cause")
    logging.getLogger("adhouse").error("unexpected", exc_info=error)
    return CommandError(f"{type(error).__name__}: {text[:500]}", f"details: the newest file in {settings.logs}")


def _words(error: BaseException) -> str:
    """What the error says, and every one behind it, a line each."""
    said: list[str] = []
    cause: BaseException | None = error
    while cause is not None and len(said) < 20:
        said.append(f"{type(cause).__name__}: {' '.join(str(cause).split())}")
        cause = cause.__cause__ or cause.__context__
    return "\n".join(said)
