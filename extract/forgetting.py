"""Forgetting: what landing and the inboxes say of a person is taken out of them, record by record.

A person is known by pseudonyms alone: those that the records get when they are read. So it is found in whatever column,
file and spelling reading finds it, and no id is written down. `landing/forgetting.json` has the pseudonyms from before
the first change until everything that was made of landing is made again, so that whoever comes after a kill can end it.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from extract.aside import MANIFEST, is_as_copied, originals
from extract.convert import event_id_of, id_of, text_of
from extract.copying import ChangedMeanwhileError, is_open_for_writing
from extract.files import shape_of
from extract.inbox import landed_files, waiting_files
from extract.landing import LandedUnit, Landing, LandingDamagedError
from extract.privacy import Privacy, privacy_of
from extract.readers import NO_TEXT, UnreadableFile, format_of, read_file, texts_of_records
from extract.readers.removing import NotRewritableError, write_without
from extract.records import RecordShape
from extract.schema import Kind
from extract.source import SourceConfig
from extract.storage import Entry, Folder, PreconditionError

PENDING = "forgetting.json"
REJECTED = "rejected"
_MAKING = ".receiving/forgetting"  # a folder of landing that no reader looks into
_BETWEEN_WORDS = (r'[",;|\t\x01\r\n]+', r'[",;|\s\x01{}\[\]<>()&?=\\]+', r'[",;:|\s\x01{}\[\]<>()&?=\\]+')
Shapes = Sequence[tuple[Kind, RecordShape]]


class NotForgettableError(Exception):
    """Something stands in the way of forgetting; nothing was changed by what raises this."""

    def __init__(self, what: str, way_out: str) -> None:
        super().__init__(what)
        self.way_out = way_out


@dataclass(frozen=True)
class Mentions:
    """The records of a file that are of a person.

    Attributes:
        kinds: Their numbers in the file → the kind of each, or `rejected`.
        count: How many records the file has.
    """

    kinds: Mapping[int, str]
    count: int


@dataclass(frozen=True)
class Mentioning:
    """A file with records of a person.

    Attributes:
        place: `landing`, `inbox` or `set aside`.
        name: Where it is in the folder of the data.
        source: Whose it is.
        mentions: The records.
        unit: What it is in landing.
        seen: What it was like in an inbox before it was searched.
    """

    place: str
    name: str
    source: SourceConfig
    mentions: Mentions
    unit: LandedUnit | None
    seen: Entry | None


@dataclass(frozen=True)
class Found:
    """What is to be taken out, and what nobody could look into."""

    files: list[Mentioning]
    unread: list[str]

    @property
    def kinds(self) -> Counter[str]:
        """How many records of each kind landing has of the person."""
        landed = (one.mentions.kinds.values() for one in self.files if one.place == "landing")
        return Counter(kind for kinds in landed for kind in kinds)


def pseudonyms_of(text: str, key: str) -> frozenset[str]:
    """What stands for a person in the lake, whose id is written so; nothing if it is a word for nobody."""
    if not isinstance(event_id_of(text, is_person=True), str):
        return frozenset()
    spelled = {event_id_of(text, is_person=True), id_of(text), text_of(text)}
    privacy = Privacy(key, frozenset())
    return frozenset(privacy.pseudonym(one) for one in spelled if isinstance(one, str))


def pending(landing: Folder) -> frozenset[str]:
    """The pseudonyms of whom a forget has begun to remove and not ended.

    Raises:
        LandingDamagedError: It cannot be read.
    """
    try:
        return frozenset(json.loads(landing.read(PENDING))["pseudonyms"])
    except FileNotFoundError:
        return frozenset()
    except (ValueError, TypeError, KeyError) as error:
        raise LandingDamagedError(f"{landing.path(PENDING)} does not say who is to be forgotten") from error


def begin(landing: Folder, pseudonyms: Collection[str]) -> None:
    """Notes who is to be forgotten, besides those whom a killed forget has left."""
    told = sorted(pending(landing).union(pseudonyms))
    landing.write(PENDING, json.dumps({"pseudonyms": told}).encode())


def end(landing: Folder) -> None:
    """Notes that it is done."""
    landing.remove(PENDING)


@dataclass(frozen=True)
class Searcher:
    """Looks for a person in landing and the inboxes, and takes the records out; only a run that holds the lock does.

    Attributes:
        data: The folder that has `inbox` and `landing`.
        sources: All sources.
        key: The key of the pseudonyms.
        report_timezone: Where a time becomes a date.
        pseudonyms: The person's.
    """

    data: Folder
    sources: Sequence[SourceConfig]
    key: str
    report_timezone: ZoneInfo
    pseudonyms: frozenset[str]

    def find(self) -> Found:
        """Finds the records, and tries to write each file without them, so that nothing fails once it has begun.

        Raises:
            NotForgettableError: A file cannot be written without them, or somebody still writes to it.
        """
        files: list[Mentioning] = []
        unread: list[str] = []
        landing = Landing(self.data.below("landing"))
        known = {source.name for source in self.sources}
        unread += sorted({folder.unit.source for folder in landing.listed} - known)
        for source in self._searched:
            shapes = self._shapes(source)
            for place, name, unit in self._places(landing, source):
                seen = None if unit else self.data.entry(name)
                try:
                    with self.data.local(name) as path:
                        mentions = self._mentions_in(path, shapes)
                    if mentions.kinds:
                        one = Mentioning(place, name, source, mentions, unit, seen)
                        self._check(one, landing, shapes)
                        files.append(one)
                except UnreadableFile:
                    unread.append(self.data.path(name))
                except FileNotFoundError:
                    if unit is not None:
                        raise
                    continue  # whoever dropped it has taken it back
        return Found(files, unread)

    def remove(self, found: Found) -> None:
        """Takes the records out; after a kill a new search finds those that are left.

        Raises:
            ChangedMeanwhileError: A file of an inbox is not the one that was searched; it stays as it is.
        """
        landing = Landing(self.data.below("landing"))
        for source in self.sources:
            landing.remove_unfinished(source.name)
        for one in found.files:
            if one.unit is None and self.data.entry(one.name) != one.seen:
                raise ChangedMeanwhileError(self.data.path(one.name))
            with self._without(one, self._shapes(one.source)) as path:
                if one.unit is not None:
                    landing.rewrite(one.unit, path, len(one.mentions.kinds))
                elif one.place == "set aside":
                    self.data.remove(_folder_aside(one))  # landing has a copy, which the run before took
                else:
                    self._replace_waiting(one, path)
        for source in self._searched:
            landing.end_rewrites(source.name)

    @property
    def _searched(self) -> list[SourceConfig]:
        return [source for source in self.sources if source.has_private_fields and source.api is None]

    def _replace_waiting(self, one: Mentioning, path: Path) -> None:
        self.data.remove(f"{one.name}{MANIFEST}")
        try:
            self.data.overwrite(path, one.name, one.seen.etag if one.seen else "")
        except PreconditionError:
            raise ChangedMeanwhileError(self.data.path(one.name)) from None

    def _places(self, landing: Landing, source: SourceConfig) -> Iterator[tuple[str, str, LandedUnit | None]]:
        place = f"inbox/{source.name}"
        inbox = self.data.below(place)
        for unit in landed_files(source.name, landing, inbox):
            yield "landing", f"landing/{unit.path}", unit
        for name in waiting_files(inbox):
            yield "inbox", f"{place}/{name}", None
        for folder_aside, file in originals(inbox) if inbox.is_local else ():
            if file is not None:
                is_copied = is_as_copied(folder_aside, file.stat())
                name = file.relative_to(inbox.root).as_posix()
                yield "set aside" if is_copied else "inbox", f"{place}/{name}", None

    def _shapes(self, source: SourceConfig) -> Shapes:
        privacy = privacy_of(source.kinds, source.fields, self.key)
        return [(kind, shape_of(source, kind, self.report_timezone, privacy)) for kind in source.kinds]

    def _check(self, one: Mentioning, landing: Landing, shapes: Shapes) -> None:
        place = self.data.path(one.name)
        if one.unit is None and self.data.is_local and is_open_for_writing(Path(place)):
            raise NotForgettableError(f"{place} is still written to", "repeat the command when its writer has ended")
        if one.unit is not None and (why := landing.why_changed(one.unit)):
            raise NotForgettableError(f"changed_in_landing: {why}", "restore it from a backup")
        try:
            with self._without(one, shapes) as path:
                left = self._mentions_in(path, shapes)
                if left.kinds or left.count != one.mentions.count - len(one.mentions.kinds):
                    raise NotRewritableError("its records cannot be told apart")
        except (NotRewritableError, UnreadableFile) as error:
            raise NotForgettableError(
                f"{place} cannot be written without some of its records: {error}",
                "retract it, remove its folder from landing, and drop it as CSV or JSON lines without the person",
            ) from None

    @contextmanager
    def _without(self, one: Mentioning, shapes: Shapes) -> Iterator[Path]:
        """A file without the person's records, for the length of the block."""
        with self._making(one.source) as folder, self.data.local(one.name) as whole:
            path = folder / whole.name  # the name has a part in what the format is
            write_without(whole, shapes[0][1], one.mentions.kinds.keys(), path)
            yield path

    @contextmanager
    def _making(self, source: SourceConfig) -> Iterator[Path]:
        """A folder for a file in the making; on the disk of landing, if landing is on one."""
        if not self.data.is_local:
            with tempfile.TemporaryDirectory(prefix="adhouse-") as temporary:
                yield Path(temporary)
            return
        folder = Path(self.data.path(f"landing/{source.name}/{_MAKING}"))
        shutil.rmtree(folder, ignore_errors=True)  # a killed forget may have left one
        folder.mkdir(parents=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder)
            if not any(folder.parent.iterdir()):
                folder.parent.rmdir()

    def _mentions_in(self, path: Path, shapes: Shapes) -> Mentions:
        kinds: dict[int, str] = {}
        unsure: set[int] = set()
        count = 0
        for kind, shape in shapes:
            count = 0
            for batch in read_file(path, shape):
                found = batch.records.filter(_are_of(batch.records, kind, self.pseudonyms))
                kinds |= dict.fromkeys(found.column("_position").to_pylist(), kind.name)
                for one in batch.rejected:
                    told = f"{one.payload} {one.value}"
                    if any(pseudonym in told for pseudonym in self.pseudonyms):
                        kinds[one.position] = REJECTED
                    else:
                        unsure.add(one.position)
                count += len(batch)
        unsure -= kinds.keys()
        shape = shapes[0][1]
        if unsure and format_of(path, shape.profile.format) not in NO_TEXT:
            for number, (_, text) in enumerate(texts_of_records(path, shape), 1):
                if number in unsure and self._is_named_in(text.decode(errors="replace")):
                    kinds[number] = REJECTED
        return Mentions(kinds, count)

    def _is_named_in(self, text: str) -> bool:
        """Whether a text that could not be read has the id as one of its words."""
        words = {word for between in _BETWEEN_WORDS for word in re.split(between, text)}
        return any(pseudonyms_of(word, self.key) & self.pseudonyms for word in words)


def _folder_aside(one: Mentioning) -> str:
    """The folder in which a taken file was set aside: `inbox/<source>/.taken/<receipt>`."""
    return "/".join(one.name.split("/")[:4])


def _are_of(records: pa.Table, kind: Kind, pseudonyms: Collection[str]) -> pa.ChunkedArray:
    """Which rows are of a person, by a private field, or by what lies in others or came beside them."""
    found = pa.chunked_array([pa.repeat(False, records.num_rows)])
    for name in ("_extra", *sorted(kind.record_type.parts)):
        named = pc.match_substring_regex(records.column(name), "|".join(sorted(pseudonyms)))
        found = pc.or_(found, pc.fill_null(named, False))
    for name in sorted(kind.record_type.private):
        found = pc.or_(found, pc.is_in(records.column(name), pa.array(sorted(pseudonyms))))
    return found
