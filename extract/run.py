"""Extract: what the sources have goes into landing, and what landing has into the lake.

Both steps look only at what is on disk, so the same call after a kill at any point ends as if there had been none.
"""

from __future__ import annotations

import errno
import shutil
import signal
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from extract import inbox
from extract.athena import Athena, AthenaError
from extract.http.client import ApiSettings
from extract.lake.lake import Lake
from extract.lake.ledger import Ledger, read_ledger
from extract.lake.load import Progress, Reader, clear_away, load
from extract.landing import LandedUnit, Landing
from extract.sources import campaign_api, campaign_files
from extract.storage import Folder

__all__ = [
    "ApiSettings",
    "Athena",
    "ExtractReport",
    "Places",
    "Progress",
    "SourceReport",
    "extract",
    "load_from_landing",
]
SOURCES = (campaign_api.NAME, campaign_files.NAME)
_CANNOT_WRITE = (errno.EACCES, errno.EROFS)


@dataclass
class SourceReport:
    """What came from one source, and what stayed away.

    Attributes:
        received: Fetches or files that are new in the lake.
        read: Records in those that were loaded.
        loaded: Of these, the records that are in raw now.
        rejected: Of these, the records that could not be read.
        unchanged: Fetches byte-equal to the newest of their day.
        duplicates: Files byte-equal to one loaded before.
        quarantined: Files set aside whole.
        left: Files that were still growing in the inbox.
        errors: What failed, a line each.
    """

    received: int = 0
    read: int = 0
    loaded: int = 0
    rejected: int = 0
    unchanged: int = 0
    duplicates: int = 0
    quarantined: int = 0
    left: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        counts = [f"{self.received:,} received", f"{self.read:,} records read", f"{self.loaded:,} loaded"]
        for name in ("rejected", "unchanged", "duplicates", "quarantined"):
            if number := getattr(self, name):
                counts.append(f"{number:,} {name}")
        return ", ".join(counts)


@dataclass
class ExtractReport:
    """What came, by source.

    Attributes:
        new_rows: Something came that may change a mart.
    """

    sources: dict[str, SourceReport]
    new_rows: bool = False

    @property
    def errors(self) -> list[str]:
        """What failed, a line each, in the order of the sources."""
        return [error for source in self.sources.values() for error in source.errors]


@dataclass(frozen=True)
class Places:
    """Where everything is that extract reads and writes.

    Attributes:
        work: A local folder for what is being made.
        data: Where `inbox` and `landing` are, a path or an address.
        lake: Where the folder `raw` is, a path or an address.
        athena: Where the raw tables are registered, if the lake is a bucket.
    """

    work: Path
    data: str
    lake: str
    athena: Athena | None = None

    @property
    def package(self) -> Path:
        """Where a load package is made."""
        return self.work / "dlt"


def extract(
    *,
    places: Places,
    sources: Collection[str],
    api: ApiSettings | None,
    report_timezone: ZoneInfo,
    now: Callable[[], datetime],
    progress: Progress,
) -> ExtractReport:
    """Lands what the sources have, and loads everything of theirs that landing has and the lake has not.

    A second call takes up what the first left undone, and adds nothing that is there. A source that comes incomplete is
    in the report; the others go on.

    Args:
        places: Where everything is.
        sources: Which of `SOURCES`; `campaign_api` needs `api`.
        api: The campaign API.
        report_timezone: Where a time becomes a report date.
        now: The clock that stamps what is received (UTC).
        progress: Is told how far it is.

    Raises:
        OSError: A disk is full or not writable; nothing half done is visible.
    """
    with _plain_errors(places.work):
        work = _work(places, report_timezone, progress)
        lake, landing = work.lake, work.landing
        reports = {source: SourceReport() for source in sources}
        clear_away(places.package, lake)
        ledger = read_ledger(lake)
        if campaign_files.NAME in sources:
            dropped = Folder.at(places.data).below(f"inbox/{campaign_files.NAME}")
            left = inbox.take(dropped, landing, campaign_files.NAME, now, is_loaded=ledger.__contains__)
            reports[campaign_files.NAME].left = left.growing
            for name in left.growing:
                progress.message(f"{campaign_files.NAME}: {name!r} is still growing, left for the next run")
            for line in left.refused:
                progress.message(f"{campaign_files.NAME}: {line}")
        if campaign_api.NAME in sources and api is not None:
            errors = campaign_api.land(api, landing, ledger, places.work / "fetching", report_timezone, now, progress)
            reports[campaign_api.NAME].errors = errors
        is_loaded = work.load(ledger, sources, api.fields if api else {})
        return _report(reports, ledger, read_ledger(lake) if is_loaded else ledger)


def load_from_landing(
    *,
    places: Places,
    sources: Collection[str],
    fields: Mapping[str, str],
    report_timezone: ZoneInfo,
    progress: Progress,
) -> ExtractReport:
    """Empties the lake and loads it again from landing alone, with the field names and the time zone of now.

    A kill on the way loses nothing: `extract` loads whatever the lake does not have.
    """
    with _plain_errors(places.work):
        work = _work(places, report_timezone, progress)
        lake = work.lake
        places.package.mkdir(parents=True, exist_ok=True)  # so that what a kill leaves of the old lake is cleared away
        lake.empty()
        clear_away(places.package, lake)
        nothing = read_ledger(lake)
        work.load(nothing, sources, fields)
        return _report({source: SourceReport() for source in sources}, nothing, read_ledger(lake))


@dataclass(frozen=True)
class _Work:
    package: Path
    lake: Lake
    landing: Landing
    report_timezone: ZoneInfo
    progress: Progress

    def load(self, ledger: Ledger, sources: Collection[str], fields: Mapping[str, str]) -> bool:
        landed: dict[str, Callable[[Landing], Iterator[LandedUnit]]] = {
            campaign_api.NAME: campaign_api.landed,
            campaign_files.NAME: campaign_files.landed,
        }
        readers: dict[str, Reader] = {
            campaign_api.NAME: campaign_api.reader(self.landing, fields, self.report_timezone, self.progress),
            campaign_files.NAME: campaign_files.reader(self.landing, ledger, self.report_timezone, self.progress),
        }
        units = (unit for source in sources for unit in landed[source](self.landing) if unit.path not in ledger)
        return load(self.package, self.lake, units, readers, self.progress)


def _work(places: Places, report_timezone: ZoneInfo, progress: Progress) -> _Work:
    lake = Lake(Folder.at(places.lake), places.athena)
    landing = Landing(Folder.at(places.data).below("landing"))
    return _Work(places.package, lake, landing, report_timezone, progress)


def _report(reports: dict[str, SourceReport], before: Ledger, after: Ledger) -> ExtractReport:
    """What the lake has now that it had not before."""
    report = ExtractReport(reports)
    entries = {**after.fetches, **after.loaded_files}
    for path in entries.keys() - before.fetches.keys() - before.loaded_files.keys():
        entry = entries[path]
        of_source = reports.setdefault(entry["source"], SourceReport())
        of_source.received += 1
        of_source.read += entry["records_read"]
        of_source.loaded += entry["records_loaded"]
        of_source.rejected += entry["records_rejected"]
        of_source.unchanged += bool(entry.get("unchanged"))
        of_source.duplicates += entry.get("status") == "duplicate"
        of_source.quarantined += entry.get("status") == "quarantined"
        is_loaded = entry.get("status") == "loaded" or (entry.get("complete") and not entry.get("unchanged"))
        report.new_rows = report.new_rows or bool(is_loaded)
    return report


@contextmanager
def _plain_errors(folder: Path) -> Iterator[None]:
    """Raises what is at the bottom of an error: a full disk, with what is left, one not to be written, a signal.

    Of an error of Athena's it raises Athena's words.
    """
    try:
        yield
    except Exception as error:
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, KeyboardInterrupt):
                if number := getattr(cause, "signal_code", None):
                    signal.raise_signal(number)  # dlt has kept it from whoever waits for it
                raise KeyboardInterrupt from None
            if isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT):
                free = shutil.disk_usage(folder).free
                said = f"No space left on device: {folder} has {free:,} bytes free"
                raise OSError(errno.ENOSPC, said, str(cause.filename or folder)) from None
            if isinstance(cause, OSError) and cause.errno in _CANNOT_WRITE and cause.filename:
                raise cause from None
            if type(cause).__module__ == "pyathena.error":
                raise AthenaError(str(cause)) from error
            cause = cause.__cause__ or cause.__context__
        raise
