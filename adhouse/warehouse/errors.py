"""Turns DuckDB's own words for what is wrong with a file into one line that says what helps."""

import re
import shutil
from pathlib import Path

from adhouse.errors import CommandError

DAMAGED = re.compile(
    r"not a valid DuckDB database file|Could not read enough bytes|corrupt|replaying WAL|checksum|serializ"
    r"|version number \d+",
    re.IGNORECASE,
)
REBUILD = "`adhouse rebuild` makes it again from landing"
NOT_PERMITTED = re.compile(r"Permission denied")
PATH = re.compile(r"""["']((?:/|[A-Za-z]:)[^"'\n]+)["']""")
LAKE_PATH = re.compile(r"""(/[^"'\n]*?/raw/[^"'\n]*?(?:\.parquet|\.jsonl))""")


def explain_duckdb(text: str, default: Path) -> CommandError | None:
    """Gives the sentence for an error of DuckDB's that a person can do something about; otherwise None.

    Args:
        text: What DuckDB said.
        default: The file or folder in question, where the text names none.
    """
    if "No space left on device" in text:
        return disk_full(default if default.is_dir() else default.parent)
    named = PATH.search(text)
    path = Path(named[1]) if named else default
    if "Could not set lock on file" in text:
        return CommandError(
            f"another program has {path} open",
            "close it there; open published/marts.duckdb instead, which a run never locks",
        )
    if NOT_PERMITTED.search(text):
        return CommandError(f"{path} cannot be read or written: permission denied", "give this user access to it")
    if lake := LAKE_PATH.search(text):
        return damaged_lake(lake[1])
    return damaged(path) if DAMAGED.search(text) else None


def damaged(path: Path) -> CommandError:
    """The sentence for a DuckDB file that cannot be read."""
    if path.parent.name == "published" or path.parent.parent.name == "published":
        return CommandError(
            f"{path} is damaged: readers cannot open the published marts",
            "`adhouse publish` copies the audited build again",
        )
    return CommandError(f"{path} is damaged: DuckDB cannot read the warehouse", REBUILD)


def damaged_lake(file: str) -> CommandError:
    """The sentence for a file of the lake that cannot be read."""
    return CommandError(f"{file} is damaged or missing: part of the raw data cannot be read", REBUILD)


def disk_full(folder: Path) -> CommandError:
    """The sentence for a full disk: where, and how much is left."""
    free = shutil.disk_usage(folder).free
    return CommandError(f"disk full: {folder} has {free:,} bytes free", "free some space and run the same again")
