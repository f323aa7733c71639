"""A source that is files: people and systems drop them into its inbox."""

from __future__ import annotations

import json
import logging
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from extract import inbox
from extract.aside import MANIFEST
from extract.attempts import SECONDS, try_apart
from extract.days import Days, days_in, from_text, text_of
from extract.doubts import Doubts
from extract.identical import IdenticalRows
from extract.lake.package import LedgerRow, UnitRows
from extract.lake.tables import LOADED_FILES
from extract.landing import LandedUnit, LandingDamagedError, name_at
from extract.privacy import Privacy, privacy_of
from extract.readers import Batch, UnreadableFile, fingerprint_of, format_named, read_file
from extract.records import KindFilter, Others, RecordShape, RejectedRecord, filled
from extract.remarks import IDENTICAL_ROW, warnings
from extract.schema import NUMBERS, Kind
from extract.source import Arrivals, ExtractRun, Replaces, SourceConfig, is_of_the_machine
from extract.storage import Folder
from extract.totals import WithoutTotals
from extract.usable import Tally, Unusable
from extract.words import LOADED, REPEATED, RETRACTED, WAITING, DayWords, Decision, File, Words, plain_name

BYTES_A_SECOND = 1 << 20  # the slowest that a file is read, where it is tried apart
MOST_ALIKE = 1  # files of a run of which the same is said
_NUMBERS = re.compile(r"^[0-9,]+ \w+|[0-9]")
_log = logging.getLogger(__name__)


class _CountedRows:
    """Counts records and keeps none."""

    def __init__(self) -> None:
        self.read = 0

    def add(self, _: Kind, batch: Batch) -> None:
        """Counts the next records."""
        self.read += len(batch)

    def drop(self) -> None:
        """Forgets them."""
        self.read = 0


class FileSource:
    """Files from an inbox, each loaded whole or not at all.

    A file replaces the older one of its name, or the days that it has in older ones, or nothing. One that is equal,
    after unpacking, to a file that counts is a duplicate, whatever its name, and is loaded when that one is replaced. A
    file that is not what its name or its manifest says is quarantined. A withdrawn one counts for nothing until it is
    restored.
    """

    def __init__(self, config: SourceConfig, run: ExtractRun) -> None:
        self.config = config
        self._run = run
        self._decisions: dict[str, Decision] = {}  # of the files that were given out to be read
        self._quarantined: set[str] = set()
        self._again: set[str] = set()  # duplicates of earlier runs
        self._replaces = {kind.name: config.files_replace(kind) for kind in config.kinds}
        self._days: dict[str, Days] = {}  # of each content, where files replace days
        self._warned: Counter[str] = Counter()
        self._fingerprints: dict[str, str] = {}  # of the schemas that files bring along, until the ledger has them

    @cached_property
    def _privacy(self) -> Privacy | None:
        return privacy_of(self.config.kinds, self.config.fields, self._run.privacy_key)

    @property
    def inbox(self) -> Folder:
        """Where its files are dropped."""
        return self._run.inbox.below(self.config.name)

    def landed(self) -> Iterator[LandedUnit]:
        """The files in landing; one whose move was cut off is moved to the end, or back."""
        return inbox.landed_files(self.config.name, self._run.landing, self.inbox)

    def land(self, waiting: Collection[LandedUnit]) -> Arrivals:
        """Takes the files of the inbox that nobody is writing to, if they can be read."""
        if self.config.has_private_fields and not self._run.privacy_key and inbox.waiting_files(self.inbox):
            raise ValueError(f"{self.config.name} has private fields, which need a key")
        landing, progress = self._run.landing, self._run.progress
        newest = {_name(unit): (unit, landing.hashes_of(unit).received) for unit in sorted(waiting)}
        taken = inbox.take(self.inbox, landing, self.config.name, self._run.now, waiting=newest)
        for name in taken.growing:
            progress.message(f"{self.config.name}: {name!r} is still written to, left for the next run")
        for line in taken.refused:
            progress.message(f"{self.config.name}: {line}")
        return Arrivals(taken.units, left=taken.growing)

    def due(self, waiting: Sequence[LandedUnit]) -> Iterator[LandedUnit]:
        """Decides over all files of the source which are to be loaded; what each was by then is what it stays.

        First come the files that wait, in the order of receipt, but for the duplicates; a file that turns out to be
        unreadable changes nothing for the ones after it. Then come duplicates that now are to be loaded, and at last
        the ledger is told of those that are duplicates now.
        """
        withdrawn = self._run.landing.withdrawn
        ledger = {row["_source"]: row for row in self._run.ledger.files(self.config.name)}
        known = {path: self._known(row) for path, row in ledger.items()}
        standing = [row for path, row in ledger.items() if path not in withdrawn and known[path] != RETRACTED]
        files = [self._file(_unit(row), row["content_sha256"]) for row in standing]
        new = {
            unit.path: self._file(unit, self._run.landing.hashes_of(unit).content)
            for unit in waiting
            if unit.path not in withdrawn
        }
        loaded = [row for row in standing if row["status"] == "loaded"]
        self._days |= {row["content_sha256"]: from_text(row["days"]) for row in loaded}
        words = self._no_words()
        for file in sorted([*(file for file in files if file.unit.path not in new), *new.values()], key=_receipt):
            path = file.unit.path
            if path in new:
                self._warn_of_name(words, file)
                self._decisions[path] = words.what_if(file)
                if self._decisions[path] == WAITING and words.knows(file.name) and not self._is_readable(file):
                    self._decisions[path] = LOADED  # reading it says why it replaces nothing
                if self._decisions[path] == LOADED:
                    yield file.unit
                    known[path] = LOADED
            if path not in self._quarantined:
                words.add(file)
        while promoted := self._first_promoted(words, known):
            path = promoted.unit.path
            self._decisions[path] = LOADED
            if path in ledger:
                self._run.progress.message(
                    f"{self.config.name}: {promoted.name!r} is loaded now: the file that it equals no longer counts"
                )
                self._again.add(path)
            yield promoted.unit
            known[path] = LOADED
            if path in self._quarantined:
                words = self._words([*files, *new.values()])
        told = {file.unit.path: (file.unit, decision) for file, decision in words.decided()}
        told |= {path: (file.unit, self._decisions[path]) for path, file in new.items() if path not in told}
        told |= {unit.path: (unit, RETRACTED) for unit in waiting if unit.path in withdrawn}
        for path, (unit, decision) in sorted(told.items(), key=lambda one: one[1][0]):
            was_read = self._decisions.get(path) == LOADED
            if not was_read and known.get(path) != decision and decision != LOADED:
                self._decisions[path] = decision
                yield unit

    def _known(self, row: Mapping[str, Any]) -> Decision:
        if row["status"] != "duplicate":
            return LOADED if row["status"] == "loaded" else RETRACTED
        is_word = row["_replaces"] is not None or not (self._have_words or self._all_replace("days"))
        return WAITING if is_word else REPEATED

    def _all_replace(self, what: Replaces) -> bool:
        return all(replaced == what for replaced in self._replaces.values())

    @property
    def _have_words(self) -> bool:
        """Whether files replace each other by their names."""
        return self._all_replace("file_name") or self._all_replace("name_part")

    def _no_words(self) -> Words | DayWords:
        return DayWords(self._days) if self._all_replace("days") else Words()

    def _first_promoted(self, words: Words | DayWords, known: Mapping[str, Decision]) -> File | None:
        """The first file that is to be loaded and is not."""
        found = (
            file for file, decision in words.decided() if decision == LOADED and known.get(file.unit.path) != LOADED
        )
        return min(found, key=_receipt, default=None)

    def _words(self, files: Iterable[File]) -> Words | DayWords:
        words = self._no_words()
        for file in sorted({file.unit.path: file for file in files}.values(), key=_receipt):
            if file.unit.path not in self._quarantined:
                words.add(file)
        return words

    def _file(self, unit: LandedUnit, content: str) -> File:
        if not self._have_words:
            return File(unit, unit.path, content)
        name, version = self._word(unit)
        return File(unit, name, content, version)

    def _word(self, unit: LandedUnit) -> tuple[str, str]:
        """What a file replaces, and the rest of its name."""
        return self.config.word_of(plain_name(_name(unit)))

    def _warn_of_name(self, words: Words | DayWords, file: File) -> None:
        if other := words.alike(file.name):
            self._run.progress.message(
                f"warning: {self.config.name}: {file.name!r} and {other!r} differ only in case or blanks, and both "
                f"count; if one corrects the other, drop it as {other!r}"
            )

    def read(self, unit: LandedUnit, rows: UnitRows) -> list[LedgerRow]:
        """Reads a file, unless it is a duplicate or withdrawn."""
        name = _name(unit)
        landing = self._run.landing
        decision = self._decisions[unit.path]
        status, reason, detail, is_verified = decision.status, None, None, False
        if decision == LOADED:
            try:
                with self._run.attempts.reading(unit.path) as is_suspected:
                    is_verified = self._read(unit, rows, is_suspected=is_suspected)
                rows.keep()
            except UnreadableFile as unreadable:
                status, reason, detail = "quarantined", unreadable.reason, unreadable.detail
                self._quarantined.add(unit.path)
                rows.drop()
                self._run.progress.message(f"{self.config.name}: {name!r} is quarantined: {unreadable}")
        values: dict[str, Any] = {
            "file_name": name,
            "format": format_named(name),
            "status": status,
            "reason": reason,
            "detail": detail,
            "is_verified": is_verified,
            "schema_fingerprint": self._fingerprints.pop(unit.path, None),
        }
        try:
            hashes = landing.hashes_of(unit)
            values |= {"sha256": hashes.received, "content_sha256": hashes.content}
            values |= {"bytes": landing.folder.size(unit.path)}
        except (LandingDamagedError, FileNotFoundError):
            if decision != RETRACTED:  # which landing need not have any more
                raise
        word, version = self._word(unit)
        by_name = {
            kind: what in ("file_name", "name_part") and status != "quarantined" and decision.is_word
            for kind, what in self._replaces.items()
        }
        days = self._days.get(str(values.get("content_sha256"))) if status == "loaded" else None
        return [
            LedgerRow(
                LOADED_FILES,
                {
                    "kind": kind.name,
                    **values,
                    **rows.counts(kind),
                    "remarks": rows.remarks(kind),
                    "_replaces": f"{self.config.name}/{word}" if by_name[kind.name] else None,
                    "_version": version or None if by_name[kind.name] else None,
                    "replaces_by": self._replaces[kind.name],
                    "days": None if days is None else text_of(days),
                },
            )
            for kind in self.config.kinds
        ]

    def _is_readable(self, file: File) -> bool:
        """Whether a duplicate is what its own name and manifest say: else it must not replace what its name said."""
        try:
            with self._run.attempts.reading(file.unit.path) as is_suspected:
                self._read(file.unit, _CountedRows(), is_suspected=is_suspected)
        except UnreadableFile:
            return False
        return True

    def _read(self, unit: LandedUnit, rows: UnitRows | _CountedRows, *, is_suspected: bool) -> bool:
        """Adds all records; says whether a manifest agrees with them. A suspected file is tried apart before.

        Raises:
            UnreadableFile: The file is not what its name or its manifest says.
        """
        if unit.path in self._again and (why := self._run.landing.why_changed(unit)):
            raise UnreadableFile("changed_in_landing", why)
        manifest = _manifest(self._run.landing.folder, f"{unit.path}{MANIFEST}")
        sha256 = self._run.landing.hashes_of(unit).received
        if manifest.get("sha256", sha256) != sha256:
            raise UnreadableFile("sha256_mismatch", f"its manifest says {manifest['sha256']}, it has {sha256}")
        with self._run.landing.folder.local(unit.path) as path:
            if is_suspected:
                said = f"{_name(unit)!r} was being read when runs were killed: trying it apart"
                self._run.progress.message(f"{self.config.name}: {said}")
                seconds = SECONDS + path.stat().st_size // BYTES_A_SECOND
                try_apart(seconds, _read_through, path, [self._shape(kind) for kind in self.config.kinds])
            shapes = [(kind, self._shape(kind)) for kind in self.config.kinds]
            if (fingerprint := fingerprint_of(path, shapes[0][1])) is not None:
                self._fingerprints[unit.path] = fingerprint
            content = self._run.landing.hashes_of(unit).content

            def add(kind: Kind, batch: Batch) -> None:
                rows.add(kind, batch)
                if self._replaces[kind.name] == "days":
                    self._days[content] = self._days.get(content, frozenset()) | days_in(batch.records)
                self._run.progress.advance(len(batch))

            def drop() -> None:
                rows.drop()
                self._days.pop(content, None)

            for doubt in read_records(path, self.config, shapes, self._run.most_rejected, add, drop):
                self._warn(f"warning: {self.config.name}: {_name(unit)!r}: {doubt}", alike=_NUMBERS.sub("", doubt))
        forgotten = self._run.landing.forgotten_records(unit) if manifest else 0
        if manifest.get("rows", rows.read + forgotten) != rows.read + forgotten:
            raise UnreadableFile("short_of_manifest", f"its manifest says {manifest['rows']} rows, it has {rows.read}")
        return bool(manifest)

    def _warn(self, text: str, *, alike: str) -> None:
        """Says it, but of many files that are alike only of the first; the log names them all."""
        self._warned[alike] += 1
        if self._warned[alike] <= MOST_ALIKE:
            self._run.progress.message(text)
        else:
            _log.warning(text)
        if self._warned[alike] == MOST_ALIKE + 1:
            self._run.progress.message(f"warning: {self.config.name}: the same of more files; the log names them")

    def _shape(self, kind: Kind) -> RecordShape:
        return shape_of(self.config, kind, self._run.report_timezone, self._privacy)


def read_records(
    path: Path,
    config: SourceConfig,
    shapes: Iterable[tuple[Kind, RecordShape]],
    most_rejected: float,
    add: Callable[[Kind, Batch], None],
    drop: Callable[[], None],
) -> list[str]:
    """Reads the records of a file, kind by kind, and adds them; totals are rejected.

    Where a comma turns out to be in a number, or a count has three decimals, what was added is dropped, and the file is
    read again with doubts about numbers such as `1.250`: that is decided for all of them, also for those before it.

    Returns:
        What is to be said of records that were added or rejected in doubt.

    Raises:
        UnreadableFile: The file is not to be used; what was added is to be dropped.
    """
    try:
        return _read_once(path, config, shapes, most_rejected, add)
    except _DoubtfulNumbers:
        drop()
        doubting = [(kind, shape.doubting()) for kind, shape in shapes]
        return _read_once(path, config, doubting, most_rejected, add)


class _DoubtfulNumbers(Exception):  # noqa: N818 - it is no error
    """A file has a comma in a number, or a count with three decimals, and nothing says how it writes numbers."""


def _read_once(
    path: Path,
    config: SourceConfig,
    shapes: Iterable[tuple[Kind, RecordShape]],
    most_rejected: float,
    add: Callable[[Kind, Batch], None],
) -> list[str]:
    tally, doubts = Tally(config.fields, most_rejected), Doubts(config)
    differences: list[str] = []
    remarks: Counter[str] = Counter()
    for kind, shape in shapes:

        def add_both(batch: Batch, kind: Kind = kind) -> None:
            add(kind, batch)
            tally.add(kind, batch)
            remarks.update(batch.remarks)
            doubts.add(kind, batch)

        identical = IdenticalRows(kind.record_type)
        sifted = WithoutTotals(kind.record_type, add_both)
        for batch in _batches_of(path, shape):
            if shape.doubting() != shape and any(_casts_doubt(one, shape) for one in batch.rejected):
                raise _DoubtfulNumbers
            if other := next((one for one in batch.rejected if one.reason == "several_tables"), None):
                raise UnreadableFile("several_tables", f"line {other.line or other.position:,} names other columns")
            sifted.add(batch)
            if not shape.profile.counts_identical_rows:
                identical.add(batch)
        differences += sifted.finish()
        if identical.count:
            add_both(
                Batch(kind.record_type.schema.empty_table(), [], remarks=Counter({IDENTICAL_ROW: identical.count}))
            )
    try:
        tally.check()
    except Unusable as unusable:
        raise UnreadableFile("too_many_rejected", str(unusable)) from None
    return [*differences, *warnings(remarks), *doubts.lines()]


def _casts_doubt(one: RejectedRecord, shape: RecordShape) -> bool:
    if one.reason == "ambiguous_number":
        return True
    names = {theirs: name for name, theirs in shape.names.items()}
    names |= {theirs: name for name, possible in shape.choices.items() for theirs in possible}
    ours, value = names.get(one.field or "", ""), one.value or ""
    return shape.type.fields.get(ours) in NUMBERS and "," in value and any(map(str.isdigit, value))


def _batches_of(path: Path, shape: RecordShape) -> Iterator[Batch]:
    """Reads the records of a file; no file may stop all others, whatever it does to its reader.

    Raises:
        UnreadableFile: The file as a whole cannot be read.
    """
    try:
        for batch in read_file(path, shape):
            yield filled(batch, shape)
    except UnreadableFile:
        raise
    except Exception as error:
        if is_of_the_machine(error):
            raise
        _log.exception("a reader failed")
        raise UnreadableFile("unreadable", f"{type(error).__name__}: {error}") from error


def _read_through(path: Path, shapes: Iterable[RecordShape]) -> None:
    for shape in shapes:
        for _ in read_file(path, shape):
            pass


def shape_of(config: SourceConfig, kind: Kind, report_timezone: ZoneInfo, privacy: Privacy | None) -> RecordShape:
    """How a source writes records of a kind; a file with several kinds is read once for each."""
    choice, filter_ = config.kind_of, None
    if choice is not None:
        wanted = frozenset(value for value, named in choice.kinds.items() if named == kind)
        skipped = frozenset(choice.kinds) - wanted
        others: Others = "wanted" if kind == choice.otherwise else "rejected" if choice.otherwise is None else "skipped"
        rejects, nulls = kind == config.kinds[0], config.profile.nulls
        columns = () if choice.column else tuple((column, column in wanted) for column in choice.kinds)
        filter_ = KindFilter(
            choice.column, wanted, skipped, rejects=rejects, others=others, nulls=nulls, columns=columns
        )
    record_type = kind.record_type
    profile = config.profile
    is_ignored = profile.ignores_own_id or bool(profile.id_fields and record_type.own_id not in profile.id_fields)
    ignored = record_type.own_id if is_ignored else None
    names = record_type.names(profile.names, {*profile.constants, ignored})
    return RecordShape(record_type, names, report_timezone, filter_, privacy, profile, config.zone, skip=profile.skip)


def _unit(row: Mapping[str, Any]) -> LandedUnit:
    received_at = row["_received_at"].replace(tzinfo=UTC)
    return LandedUnit(row["receipt_number"], row["source"], received_at, row["_source"])


def _receipt(file: File) -> LandedUnit:
    return file.unit


def _name(unit: LandedUnit) -> str:
    return name_at(unit.path)


def _manifest(landing: Folder, path: str) -> dict[str, Any]:
    if not landing.has(path):
        return {}
    try:
        found = json.loads(landing.read(path))
        told = {name: found[name] for name in ("rows", "sha256") if found.get(name) is not None}
    except (ValueError, AttributeError):
        raise UnreadableFile("broken_manifest", "its manifest is not a JSON object") from None
    if not told or type(told.get("rows", 0)) is not int or type(told.get("sha256", "")) is not str:
        raise UnreadableFile("broken_manifest", "its manifest has neither a number `rows` nor a text `sha256`")
    if "sha256" in told:
        told["sha256"] = told["sha256"].strip().lower()
    return told
