"""What is known of the last run: one small document beside the data, which `adhouse status` shows."""

import json
import os
from pathlib import Path
from typing import Any

from adhouse.errors import CommandError

NAME = "last_run.json"
WAS_KILLED = "was killed; the same command resumes"


def remember(home: Path, facts: dict[str, Any]) -> None:
    """Writes the document in one step."""
    path = home / NAME
    unfinished = path.with_suffix(".json.tmp")
    unfinished.write_text(json.dumps(facts, default=str) + "\n")
    os.replace(unfinished, path)


def last_run(home: Path, *, is_running: bool) -> dict[str, Any] | None:
    """Gives the document, or None before the first run.

    Args:
        home: The data folder.
        is_running: Whether a run holds the lock; the document of a killed run still says that it is running.

    Raises:
        CommandError: The document is damaged.
    """
    path = home / NAME
    try:
        facts: dict[str, Any] = json.loads(path.read_bytes())
        if facts["ended"] is None and not is_running:
            facts["outcome"] = WAS_KILLED
        return facts
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        raise CommandError(
            f"{path} is damaged: what the last run did is unknown", "the next run writes it again, or remove it"
        ) from None
