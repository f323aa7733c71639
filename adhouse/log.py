"""The log: JSON lines, a file a run, every line with the run's id, no secret in any of them."""

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

KEPT_LOGS = 100


Redact = Callable[[str], str]


class _JsonLines(logging.Formatter):
    def __init__(self, run_id: str, redact: Redact) -> None:
        super().__init__()
        self._run_id = run_id
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "run_id": self._run_id,
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        # Redacted before it is JSON, or a secret with a quote in it would pass escaped.
        return json.dumps({key: self._redact(value) for key, value in line.items()}, ensure_ascii=False)


def open_log(folder: Path, run_id: str, redact: Redact) -> logging.Logger:
    """Starts the run's log file in `folder`, removes all but the newest hundred, and gives the `adhouse` logger.

    What extract and dlt log (`logging`, from warnings up; ours from info up) lands in the same file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    logging.raiseExceptions = False  # a full disk is told once, not once for every line that found no room
    for old in sorted(folder.glob("run-*.jsonl"))[: 1 - KEPT_LOGS]:
        old.unlink(missing_ok=True)
    handler = logging.FileHandler(folder / f"run-{run_id}.jsonl", encoding="utf-8", errors="replace")
    handler.setFormatter(_JsonLines(run_id, redact))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    for name in ("adhouse", "extract"):
        logging.getLogger(name).setLevel(logging.INFO)
    return logging.getLogger("adhouse")
