"""Campaign delivery as files that people and systems drop."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from extract.inbox import MANIFEST
from extract.lake.ledger import Ledger
from extract.lake.load import Progress, Reader
from extract.lake.package import UnitRows
from extract.landing import LandedUnit, Landing
from extract.readers import Batch, UnreadableFile, format_of, read_delivery

NAME = "campaign_files"
_log = logging.getLogger(__name__)


def landed(landing: Landing) -> Iterator[LandedUnit]:
    """The files in landing; one whose move was cut off is not there yet."""
    for place, names in landing.contents(NAME):
        for name in names:
            if not name.endswith(MANIFEST):
                yield LandedUnit(place.received_at, f"{place.path}/{name}")


def reader(landing: Landing, ledger: Ledger, report_timezone: ZoneInfo, progress: Progress) -> Reader:
    """Reads files whole or not at all.

    A file that is byte-equal to one loaded before is a duplicate, whatever its name; new content under a name loaded
    before replaces the older file. A file that is not what its name or its manifest says is quarantined.
    """
    known = {row["sha256"] for row in ledger.loaded_files.values() if row["status"] == "loaded"}

    def read(unit: LandedUnit, rows: UnitRows) -> tuple[str, dict[str, Any]]:
        name = unit.path.rpartition("/")[2]
        sha256 = landing.sha256(unit.path)
        status, reason, is_verified = "duplicate", None, False
        if sha256 not in known:
            try:
                is_verified = _read(landing, unit, rows, sha256, report_timezone, progress)
                status = "loaded"
                known.add(sha256)
                rows.keep()
            except UnreadableFile as unreadable:
                status, reason = "quarantined", unreadable.reason
                progress.message(f"{NAME}: {name!r} is quarantined: {unreadable}")
        is_loaded = status == "loaded"
        return "loaded_files", {
            "file_name": name,
            "format": _format(name),
            "bytes": landing.folder.size(unit.path),
            "sha256": sha256,
            "status": status,
            "reason": reason,
            "is_verified": is_verified,
            "records_read": rows.read if is_loaded else 0,
            "records_loaded": rows.loaded if is_loaded else 0,
            "records_rejected": rows.rejected if is_loaded else 0,
            "_replaces": f"{NAME}/{name}" if is_loaded else None,
        }

    return read


def _read(
    landing: Landing, unit: LandedUnit, rows: UnitRows, sha256: str, report_timezone: ZoneInfo, progress: Progress
) -> bool:
    """Adds all records; says whether a manifest agrees with them.

    Raises:
        UnreadableFile: The file is not what its name or its manifest says.
    """
    manifest = _manifest(landing, f"{unit.path}{MANIFEST}")
    if manifest.get("sha256", sha256) != sha256:
        raise UnreadableFile("sha256_mismatch", f"its manifest says {manifest['sha256']}, it has {sha256}")
    with landing.folder.local(unit.path) as path:
        for batch in _batches(path, report_timezone):
            rows.add(batch)
            progress.advance(len(batch))
    if manifest.get("rows", rows.read) != rows.read:
        raise UnreadableFile("short_of_manifest", f"its manifest says {manifest['rows']} rows, it has {rows.read}")
    return bool(manifest)


def _manifest(landing: Landing, path: str) -> dict[str, Any]:
    if not landing.folder.has(path):
        return {}
    try:
        found = json.loads(landing.folder.read(path))
        told = {name: found[name] for name in ("rows", "sha256") if found.get(name) is not None}
    except (ValueError, AttributeError):
        raise UnreadableFile("broken_manifest", "its manifest is not a JSON object") from None
    if not told or type(told.get("rows", 0)) is not int or type(told.get("sha256", "")) is not str:
        raise UnreadableFile("broken_manifest", "its manifest has neither a number `rows` nor a text `sha256`")
    if "sha256" in told:
        told["sha256"] = told["sha256"].strip().lower()
    return told


def _batches(path: Path, report_timezone: ZoneInfo) -> Iterator[Batch]:
    """No file may stop all others, whatever it does to its reader."""
    try:
        yield from read_delivery(path, report_timezone)
    except (UnreadableFile, OSError, MemoryError):
        raise
    except Exception as error:
        _log.exception("a reader failed")
        raise UnreadableFile("unreadable", f"{type(error).__name__}: {error}") from error


def _format(name: str) -> str | None:
    try:
        return format_of(name)
    except UnreadableFile:
        return None
