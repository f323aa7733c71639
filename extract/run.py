"""Extract: what the sources have goes into landing, and what landing has into the lake.

Both steps look only at what is on disk, so the same call after a kill at any point ends as if there had been none.
"""

from __future__ import annotations

import errno
import shutil
import signal
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pyarrow.compute as pc

from extract.athena import Athena, AthenaError
from extract.demo import Demo, read_demo, write_demo
from extract.files import FileSource
from extract.http.client import ApiSettings
from extract.http.source import ApiSource, declared_api
from extract.lake.keeping import keep_units, rows_of
from extract.lake.lake import Lake, LakeDamagedError
from extract.lake.ledger import Delivery, Ledger, read_ledger
from extract.lake.load import Progress, clear_away, is_note, load
from extract.lake.table_file import read_in_pieces
from extract.lake.tables import FETCHES, REJECTED_RECORDS
from extract.landing import LandedUnit, Landing, unit_at
from extract.registry import KINDS
from extract.source import MOST_REJECTED, Arrivals, ExtractRun, Source, SourceConfig
from extract.storage import Folder

__all__ = [
    "ApiSettings",
    "Athena",
    "ChangedSourceError",
    "ExtractReport",
    "Places",
    "Progress",
    "PrunedLandingError",
    "SourceReport",
    "UndeclaredSourcesError",
    "UnreadSourcesError",
    "declared_api",
    "extract",
    "has_received",
    "lake_origin",
    "load_from_landing",
    "newest_change",
    "received_files",
    "rows_of_person",
    "withdraw_demo",
]
MOST_POSTPONED = 100  # notes that wait for the next load; each run reads their receipts
CLOCK_TOLERANCE = timedelta(minutes=1)
_SECOND = "%Y-%m-%dT%H:%M:%SZ"
_CANNOT_WRITE = (errno.EACCES, errno.EROFS)


class UnreadSourcesError(Exception):
    """Everything is to be read again, and some sources only were asked for: the others would be missing meanwhile."""


class UndeclaredSourcesError(Exception):
    """Everything is to be read again, and the lake has units of sources of which nobody says how to read them."""

    def __init__(self, sources: Collection[str]) -> None:
        super().__init__(f"the lake has records of {', '.join(sorted(sources))}, which no source of today reads")


class ChangedSourceError(Exception):
    """A source has become an API, or files, and landing has of it what the other one brought."""

    def __init__(self, source: str, *, is_api: bool) -> None:
        brought, now = ("files", "an API") if is_api else ("answers of an API", "files")
        super().__init__(f"landing has {brought} of {source}, which is {now} now")


class PrunedLandingError(Exception):
    """The lake has units that landing no longer has, so loading it again from landing would lose them."""

    def __init__(self, units: int, example: str) -> None:
        super().__init__(f"landing no longer has {units:,} units that are in the lake, such as {example}")


@dataclass
class SourceReport:
    """What came from one source, and what stayed away.

    Attributes:
        received: Fetches or files that are new in the lake.
        read: Records in those that were loaded.
        loaded: Of these, the records that are in raw now.
        rejected: Of these, the records that could not be read.
        unchanged: Fetches byte-equal to the newest of their day.
        duplicates: Files equal, after unpacking, to one that counts.
        retracted: Files that were withdrawn.
        quarantined: Files quarantined whole.
        left: Files in the inbox that were still written to.
        errors: What failed, a line each.
        echoed_secret: How often an API repeated a secret of ours, which was redacted before it landed.
    """

    received: int = 0
    read: int = 0
    loaded: int = 0
    rejected: int = 0
    unchanged: int = 0
    duplicates: int = 0
    retracted: int = 0
    quarantined: int = 0
    left: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    echoed_secret: int = 0

    @property
    def has_any(self) -> bool:
        """Whether anything is to be told."""
        return self != SourceReport()

    def __str__(self) -> str:
        counts = [f"{self.received:,} received", f"{self.read:,} records read", f"{self.loaded:,} loaded"]
        for name in ("rejected", "unchanged", "duplicates", "retracted", "quarantined", "echoed_secret"):
            if number := getattr(self, name):
                counts.append(f"{number:,} {name}")
        return ", ".join(counts)


class QuarantinedFile(NamedTuple):
    """A file that was quarantined whole."""

    source: str
    file_name: str
    reason: str
    detail: str


@dataclass
class ExtractReport:
    """What came, by source.

    Attributes:
        sources: What came of each.
        units: How many units came, of all sources.
        changes_marts: Something came that is more than a note that a fetch failed or brought nothing new.
        newest_change: Names the newest load that can change a mart; the same as before if this one cannot.
        lake_origin: Changes when everything in landing was read again.
        quarantined: The files that were quarantined whole.
    """

    sources: dict[str, SourceReport]
    units: int = 0
    changes_marts: bool = False
    newest_change: str = ""
    lake_origin: str = ""
    quarantined: list[QuarantinedFile] = field(default_factory=list)

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
    sources: Collection[SourceConfig],
    apis: Mapping[str, ApiSettings],
    report_timezone: ZoneInfo,
    now: Callable[[], datetime],
    progress: Progress,
    on_news: Callable[[], None] = lambda: None,
    is_every_source: bool = True,
    privacy_key: str = "",
    most_rejected: float = MOST_REJECTED,
    is_landing_alone: bool = False,
    replayed: Collection[str] = (),
) -> ExtractReport:
    """Lands what the sources have, and loads everything of theirs that landing has and the lake has not.

    A second call takes up what the first left undone, and adds nothing that is there. A source that comes incomplete is
    in the report; the others go on.

    Args:
        places: Where everything is.
        sources: The sources to extract from.
        apis: The API of each source that is one, by the source's name; one that is not named is not asked.
        report_timezone: Where a time becomes a report date.
        now: The clock that stamps what is received (UTC).
        progress: Is told how far it is.
        on_news: Is told as soon as there is something that can change a mart; it may be told again.
        is_every_source: Whether these are all sources that there are.
        privacy_key: The key by which private fields are replaced, if a source has any.
        most_rejected: The largest share of a unit's records that may be unreadable.
        is_landing_alone: Whether nothing new is received.
        replayed: The paths of files that are to be read again, of those quarantined or with rejected records.

    Raises:
        ChangedSourceError: Files have become an API, or an API files, and landing has some of the other one.
        OSError: A disk is full or not writable; nothing half done is visible.
        PrunedLandingError: Everything is to be read again, and the lake has units that landing no longer has.
        UndeclaredSourcesError: Everything is to be read again, and the lake has units of other sources.
        UnreadSourcesError: Everything is to be read again, and these are not all sources.
    """
    with _plain_errors(places.work):
        lake = Lake(Folder.at(places.lake), places.athena)
        clear_away(places.package, lake)
        read_with = _read_with(sources, report_timezone, privacy_key, most_rejected)
        if why := _why_again(lake, read_with):
            if not is_every_source:
                raise UnreadSourcesError(why)
            _empty(lake, _landing(places), sources)
            progress.message(f"{why}: everything in landing is read again")
        ledger = read_ledger(lake)
        run = _run(places, ledger, report_timezone, now, progress, on_news, privacy_key, most_rejected)
        opened = {source.name: _opened(source, run, apis.get(source.name)) for source in sources}
        report = ExtractReport({name: SourceReport() for name in opened})
        again = [unit for unit in [*_to_follow(run), *_to_replay(run, replayed)] if unit.source in opened]
        waiting, damaged = _sound([*_not_loaded(opened, run), *again], run, report)
        _warn_of_clock(run)
        units, postponed = [*waiting], {*lake.index.postponed}
        notes = {*postponed}
        arrived: dict[str, Arrivals] = {}
        for name, source in opened.items():
            received = [unit for unit in waiting if unit.source == name and unit not in again]
            arrivals = arrived[name] = Arrivals() if is_landing_alone else source.land(received)
            units += arrivals.units
            notes |= arrivals.notes
            report.sources[name].left = arrivals.left
            report.sources[name].errors += arrivals.errors
            report.sources[name].echoed_secret = arrivals.echoed_secrets
            if arrivals.echoed_secrets:
                progress.message(f"{name}: the API repeats its token or password; it was redacted before it was stored")
            if any(unit.path not in notes for unit in units):
                on_news()
        through = min([_through(run, opened), *(unit.number - 1 for unit in damaged)])
        is_news = any(unit.path not in notes for unit in units)
        if is_news or len(units) > MOST_POSTPONED or lake.missing_tables():
            added = load(places.package, lake, ledger, units, opened, progress, through, read_with, report_timezone)
            _count(report, added, postponed)
        else:
            lake.note_through(through, read_with, [unit.path for unit in units])
            _count_notes(report, arrived)
        if not _to_follow(run):
            lake.note_withdrawn(run.landing.withdrawn)
        report.newest_change, report.lake_origin = lake.index.newest_change, lake.index.origin
        return report


def load_from_landing(
    *,
    places: Places,
    sources: Collection[SourceConfig],
    report_timezone: ZoneInfo,
    progress: Progress,
    privacy_key: str = "",
    most_rejected: float = MOST_REJECTED,
    forgotten: Collection[str] = (),
) -> ExtractReport:
    """Empties the lake and loads it again from landing alone, with the field names and the time zone of now.

    A kill on the way loses nothing: `extract` loads whatever the lake does not have. With `forgotten`, the pseudonyms
    of people whom landing does not have any more, units that landing has lost keep their other rows.

    Raises:
        ChangedSourceError: Files have become an API, or an API files, and landing has some of the other one.
        PrunedLandingError: The lake has units that landing no longer has.
        UndeclaredSourcesError: The lake has units of other sources.
    """
    with _plain_errors(places.work):
        lake = Lake(Folder.at(places.lake), places.athena)
        if forgotten:
            clear_away(places.package, lake)
        _empty(lake, _landing(places), sources, forgotten)
        clear_away(places.package, lake)
        ledger = read_ledger(lake)  # of nothing, but for what landing has lost
        run = _run(
            places,
            ledger,
            report_timezone,
            lambda: datetime.now(UTC),
            progress,
            privacy_key=privacy_key,
            most_rejected=most_rejected,
        )
        opened = {source.name: _opened(source, run, None) for source in sources}
        report = ExtractReport({name: SourceReport() for name in opened})
        read_with = _read_with(sources, report_timezone, privacy_key, most_rejected)
        units, damaged = _sound(_not_loaded(opened, run), run, report)
        through = min([_through(run, opened), *(unit.number - 1 for unit in damaged)])
        added = load(places.package, lake, ledger, units, opened, progress, through, read_with, report_timezone)
        lake.note_withdrawn(run.landing.withdrawn)
        _count(report, added)
        report.newest_change, report.lake_origin = lake.index.newest_change, lake.index.origin
        return report


def _read_with(
    sources: Collection[SourceConfig], report_timezone: ZoneInfo, privacy_key: str, most_rejected: float
) -> dict[str, str]:
    """What decides how the records of each source are read, but for those that nobody could read without a key."""
    return {
        source.name: source.read_with(report_timezone, privacy_key, most_rejected)
        for source in sources
        if privacy_key or not source.has_private_fields
    }


def _why_again(lake: Lake, read_with: Mapping[str, str]) -> str | None:
    """Says why everything is to be read again; None if it is not."""
    if lake.is_outdated:
        return "the lake has an older format"
    before = lake.index.read_with
    changed = [source for source, now in read_with.items() if before.get(source, now) != now]
    if changed:
        return f"another time zone, key, account or other fields for {', '.join(changed)}"
    return None


def _empty(lake: Lake, landing: Landing, sources: Collection[SourceConfig], forgotten: Collection[str] = ()) -> None:
    """Empties the lake, unless that would lose what these sources could not bring back from landing.

    With `forgotten`, the pseudonyms of people, it keeps what landing has lost, but for them.
    """
    for source in sources:
        landed = [folder.unit.path for folder in landing.folders(source.name) if folder.has_receipt]
        if any(("complete" in landing.receipt(path)) != (source.api is not None) for path in landed[:1]):
            raise ChangedSourceError(source.name, is_api=source.api is not None)
    there = {f"{folder.unit.path}/{name}" for folder in landing.listed for name in folder.names}
    there |= {folder.unit.path for folder in landing.listed}
    loaded = lake.units_in_files()
    lost = sorted(loaded - there - landing.withdrawn)
    if lost and (lake.is_outdated or not forgotten):
        raise PrunedLandingError(len(lost), lost[0])
    if undeclared := {path.partition("/")[0] for path in loaded} - {source.name for source in sources}:
        raise UndeclaredSourcesError(undeclared)
    if lost:
        keep_units(lake, lost, forgotten)
    else:
        lake.empty()


def withdraw_demo(places: Places) -> None:
    """Withdraws all that landing has, for good, and empties the lake; the same call after a kill ends the same."""
    with _plain_errors(places.work):
        folder = Folder.at(places.data).below("landing")
        write_demo(folder, Demo("ending", Landing(folder).settle_numbers()))
        lake = Lake(Folder.at(places.lake), places.athena)
        clear_away(places.package, lake)
        lake.empty()


def merge_files(places: Places, say: Callable[[str], None]) -> int:
    """Merges the small files of the lake, and gives the number of files that were replaced; a second run finds none.

    A lake of an older format is left as it is: the next run loads it again.
    """
    from extract.lake.merge import merge_small_files

    with _plain_errors(places.work):
        lake = Lake(Folder.at(places.lake), places.athena)
        clear_away(places.package, lake)
        return 0 if lake.is_outdated else merge_small_files(lake, say)


def lake_origin(places: Places) -> str:
    """Names when the lake was last emptied to be filled again; tables that continue another origin are stale."""
    with _plain_errors(places.work):
        return Lake(Folder.at(places.lake), places.athena).index.origin


def rows_of_person(places: Places, pseudonyms: Collection[str]) -> Counter[str]:
    """How many rows the lake has of a person, by kind, and of the records rejected."""
    found: Counter[str] = Counter()
    with _plain_errors(places.work):
        lake = Lake(Folder.at(places.lake), places.athena)
        for table in () if lake.is_outdated else (*KINDS, REJECTED_RECORDS):
            for name in lake.index.names(table):
                with lake.folder.local(f"{table}/{name}") as path:
                    for rows in read_in_pieces(path, table):
                        found[table] += pc.sum(rows_of(table, rows, pseudonyms)).as_py() or 0
    return +found


def received_files(places: Places) -> list[Delivery]:
    """Every file that the lake knows, in the order of receipt; none if it is to be loaded again."""
    with _plain_errors(places.work):
        lake = Lake(Folder.at(places.lake), places.athena)
        return [] if lake.is_outdated else read_ledger(lake).deliveries()


def has_received(places: Places, source: str) -> bool:
    """Whether landing has anything of a source, but for what was withdrawn with a demo."""
    is_there = any(Folder.at(places.data).below(f"landing/{source}").entries())
    return is_there and any(folder.unit.source == source for folder in _landing(places).listed)


def newest_change(places: Places) -> str:
    """Names the newest load that can change a mart; the same until there is another one."""
    with _plain_errors(places.work):
        return Lake(Folder.at(places.lake), places.athena).index.newest_change


def _run(
    places: Places,
    ledger: Ledger,
    report_timezone: ZoneInfo,
    now: Callable[[], datetime],
    progress: Progress,
    on_news: Callable[[], None] = lambda: None,
    privacy_key: str = "",
    most_rejected: float = MOST_REJECTED,
) -> ExtractRun:
    return ExtractRun(
        landing=_landing(places, ledger.through or 0),
        ledger=ledger,
        inbox=Folder.at(places.data).below("inbox"),
        scratch=places.work / "fetching",
        report_timezone=report_timezone,
        now=now,
        progress=progress,
        on_news=on_news,
        privacy_key=privacy_key,
        most_rejected=most_rejected,
    )


def _landing(places: Places, numbered_before: int = 0) -> Landing:
    folder = Folder.at(places.data).below("landing")
    demo = read_demo(folder)
    return Landing(folder, numbered_before, demo.withdrawn_through if demo else 0)


def _opened(source: SourceConfig, run: ExtractRun, api: ApiSettings | None) -> Source:
    return FileSource(source, run) if source.api is None else ApiSource(source, run, api)


def _not_loaded(sources: Mapping[str, Source], run: ExtractRun) -> list[LandedUnit]:
    """What landing has of these sources and the lake has not; landing is only listed if it may have something."""
    last = run.landing.last_number
    if last is not None and last == run.ledger.through:
        postponed = filter(None, map(unit_at, run.ledger.postponed))
        return [unit for unit in postponed if unit.source in sources]
    return [unit for source in sources.values() for unit in source.landed() if unit.path not in run.ledger]


def _to_follow(run: ExtractRun) -> list[LandedUnit]:
    """The files that were withdrawn or restored, which the ledger does not say yet."""
    withdrawn = run.landing.withdrawn
    if withdrawn == {*run.ledger.lake.index.withdrawn}:
        return []
    known = run.ledger.deliveries()
    return [one.unit for one in known if (one.unit.path in withdrawn) != (one.status == "retracted")]


def _to_replay(run: ExtractRun, paths: Collection[str]) -> list[LandedUnit]:
    """Those of these files that are quarantined, or have rejected records."""
    known = run.ledger.deliveries() if paths else []
    return [one.unit for one in known if one.unit.path in paths and (one.status == "quarantined" or one.rejected)]


def _warn_of_clock(run: ExtractRun) -> None:
    """Says if the clock is behind the newest receipt: days and tolerances go by it, though the order does not."""
    newest, now = run.landing.newest_at, run.now()
    if newest is not None and now < newest - CLOCK_TOLERANCE:
        run.progress.message(
            f"warning: clock_behind: the clock says {now:{_SECOND}}, the newest receipt is of {newest:{_SECOND}}; what "
            "comes now is newer all the same, but check the clock: a missing date becomes the day of receipt"
        )


def _sound(
    units: Collection[LandedUnit], run: ExtractRun, report: ExtractReport
) -> tuple[list[LandedUnit], list[LandedUnit]]:
    """Parts the units that are as they were received from those that changed in landing, which it reports.

    A changed one is not entered in the ledger, so each run says so again until it was restored.
    """
    sound: list[LandedUnit] = []
    damaged: list[LandedUnit] = []
    unread = {*run.ledger.postponed} | run.landing.withdrawn  # notes have a receipt and nothing else

    def why_changed(unit: LandedUnit) -> str | None:
        return None if unit.path in unread else run.landing.why_changed(unit)

    with ThreadPoolExecutor(2, "check") as pool:
        for unit, why in zip(units, pool.map(why_changed, units), strict=True):
            (damaged if why else sound).append(unit)
            if why:
                report.sources[unit.source].errors.append(
                    f"{unit.source}: changed_in_landing: {why}; restore it from a backup"
                )
    return sound, damaged


def _through(run: ExtractRun, sources: Collection[str]) -> int:
    """The receipt number up to which the lake has everything, once what is waiting of these sources is loaded."""
    landing, ledger = run.landing, run.ledger
    through = landing.settle_numbers()
    if landing.was_listed:
        for folder in landing.listed:
            paths = [folder.unit.path, *(f"{folder.unit.path}/{name}" for name in folder.names)]
            is_known = folder.unit.path in ledger.postponed or any(path in ledger for path in paths)
            if folder.unit.source not in sources and not is_known:
                through = min(through, folder.unit.number - 1)
    return through


def _count_notes(report: ExtractReport, arrived: Mapping[str, Arrivals]) -> None:
    """Counts fetches of which none brought anything new."""
    for name, arrivals in arrived.items():
        report.sources[name].received = len(arrivals.units)
        report.sources[name].unchanged = arrivals.unchanged
        report.units += len(arrivals.units)


def _count(
    report: ExtractReport, added: Mapping[str, list[Mapping[str, Any]]], counted_before: Collection[str] = ()
) -> None:
    """Counts what came, by the rows that were added to the ledgers: a unit has one for each kind of record."""
    units = set()
    for table, rows in added.items():
        for row in rows:
            if row["_source"] in counted_before:
                continue
            source = report.sources.setdefault(row["source"], SourceReport())
            source.read += row["records_read"]
            source.loaded += row["records_loaded"]
            source.rejected += row["records_rejected"]
            if row["_source"] in units:
                continue
            units.add(row["_source"])
            source.received += row.get("status") != "retracted"
            source.retracted += row.get("status") == "retracted"
            source.unchanged += table == FETCHES and row["unchanged"]
            if table == FETCHES and row["sha256"] and not row["complete"]:  # it came complete, and is not any more
                source.errors.append(f"{row['source']} {row['_report_date'] or row['_source']}: {row['error']}")
            report.changes_marts |= not is_note(table, row)
            source.duplicates += row.get("status") == "duplicate"
            if row.get("status") == "quarantined":
                source.quarantined += 1
                report.quarantined.append(
                    QuarantinedFile(row["source"], row["file_name"], row["reason"], row["detail"])
                )
    report.units = len(units)


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
            if isinstance(cause, LakeDamagedError):
                raise cause from None
            if isinstance(cause, OSError) and cause.errno in _CANNOT_WRITE and cause.filename:
                raise cause from None
            if type(cause).__module__ == "pyathena.error":
                raise AthenaError(str(cause)) from error
            cause = cause.__cause__ or cause.__context__
        raise
