"""Turns whatever ended a command into one plain sentence that says what helps."""

import errno
import logging
from collections.abc import Collection
from pathlib import Path

from adhouse.aws.errors import explain_cloud
from adhouse.dbt.runner import DbtError
from adhouse.errors import CommandError, Exit
from adhouse.settings import Settings
from adhouse.warehouse.errors import REBUILD, damaged_lake, disk_full, explain_duckdb

NOT_PERMITTED = (errno.EACCES, errno.EPERM, errno.EROFS)
ENGINE = ("duckdb", "_duckdb")
LAKE_READERS = ("pyarrow",)
MOST_CAUSES = 20


def explain_error(error: Exception, settings: Settings | None) -> CommandError:
    """Gives the sentence for an error; of an unforeseen one the traceback is in the log, never on the screen."""
    if isinstance(error, CommandError):
        return error
    if settings is None:
        return CommandError(f"{type(error).__name__}: {error}")
    text = " ".join(str(error).split()) or type(error).__name__
    causes = _causes(error)
    if explained := _explain_damage(causes):
        return explained
    said = "\n".join(f"{type(cause).__name__}: {' '.join(str(cause).split())}" for cause in causes)
    is_of_engine = settings.is_in_cloud or isinstance(error, DbtError) or _are_of(causes, ENGINE)
    if is_of_engine and (explained := explain_engine(said, settings)):
        return explained
    if any("can't start new thread" in str(cause) for cause in causes):
        way_out = "raise the limit of processes (`ulimit -u`, or that of the container), or run it while less else runs"
        return CommandError("the machine allows no more threads", way_out)
    if any(isinstance(cause, MemoryError) for cause in causes):
        way_out = "raise the limit to 3 GB (`ulimit -v`, or that of the container), or run it while less else runs"
        return CommandError("the machine gives no more memory", way_out)
    if "No space left on device" in text:
        return disk_full(settings.home)
    if type(error).__name__ == "PrunedLandingError":  # by its name, since most commands need not import extract
        return CommandError(
            f"{text}; loading them again is not possible",
            "restore landing from a backup, or set back what was changed to keep the lake",
        )
    if type(error).__name__ == "UndeclaredSourcesError":
        way_out = "declare it again as it was: everything is to be read again, and its records would be lost"
        return CommandError(text, way_out)
    if type(error).__name__ == "ChangedSourceError":
        return CommandError(text, "declare it again as it was, and what it is now under a name of its own")
    if type(error).__name__ == "UnreadSourcesError":
        return CommandError(f"{text}: every source is to be read again", "run `adhouse extract` without a source")
    if _are_of(causes, LAKE_READERS):
        return damaged_lake(f"a file in {settings.lake_url}")
    if isinstance(error, DbtError):
        return CommandError(f"dbt could not run: {text}", f"details: {settings.logs / 'dbt.log'}")
    if isinstance(error, OSError) and error.errno in NOT_PERMITTED:
        way_out = f"give this user access, or set ADHOUSE_HOME (now {settings.home}) to another folder"
        return CommandError(f"cannot write {error.filename or settings.home}: {error.strerror}", way_out)
    if isinstance(error, NotADirectoryError):
        return CommandError(f"ADHOUSE_HOME is {settings.home}, which is not a folder", "set it to one", Exit.USAGE)
    if not logging.getLogger().handlers:  # a command that keeps no log
        return CommandError(f"{type(error).__name__}: {text[:500]}", "`adhouse doctor` looks for the cause")
    logging.getLogger("adhouse").error("unexpected", exc_info=error)
    return CommandError(f"{type(error).__name__}: {text[:500]}", f"details: the newest file in {settings.logs}")


def explain_engine(text: str, settings: Settings) -> CommandError | None:
    """Gives the sentence for an engine's error that a person can do something about; otherwise None."""
    if settings.is_in_cloud:
        return explain_cloud(text, settings)
    return explain_duckdb(text, Path(settings.home))


def _explain_damage(causes: Collection[BaseException]) -> CommandError | None:
    from extract.lake.lake import LakeDamagedError
    from extract.landing import LandingDamagedError

    for cause in causes:
        if isinstance(cause, LakeDamagedError):
            return CommandError(f"{cause}: part of the raw data cannot be read", REBUILD)
        if isinstance(cause, LandingDamagedError):
            way_out = (
                "restore it from a backup; if it is a receipt, you can remove its folder to receive that delivery again"
            )
            return CommandError(f"{cause}: a delivery in landing cannot be read", way_out)
    return None


def _causes(error: BaseException) -> list[BaseException]:
    """The error, and every error behind it."""
    causes: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and len(causes) < MOST_CAUSES:
        causes.append(cause)
        cause = cause.__cause__ or cause.__context__
    return causes


def _are_of(causes: list[BaseException], packages: Collection[str]) -> bool:
    """Whether one of the errors is of one of these packages; they need not be imported to tell."""
    return any(base.__module__.partition(".")[0] in packages for cause in causes for base in type(cause).__mro__)
