"""The log: JSON lines, one file per run, every line with the run's id and no secret."""

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from extract.redaction import redacted_data

KEPT_LOGS = 100
# What a line may say besides its message; whoever logs gives it as `extra`.
FACTS = (
    "phase",
    "source",
    "unit",
    "kind",
    "node",
    "status",
    "records_read",
    "records_loaded",
    "records_rejected",
    "counts",
    "units",
    "files",
    "pages",
    "bytes",
    "seconds",
)
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
            **{name: getattr(record, name) for name in FACTS if hasattr(record, name)},
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(redacted_data(line, self._redact), ensure_ascii=False)


def open_log(folder: Path, run_id: str, redact: Redact) -> None:
    """Starts the run's log file in `folder`, and removes all but the newest hundred.

    It gets our own messages from `info` up, and those of libraries from `warning` up.
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
