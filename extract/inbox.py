"""The inbox: where people and systems drop files, and when a file may be taken."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from types import MappingProxyType

from extract.aside import MANIFEST, Dropped, changed_originals, put_aside, remove_unchanged
from extract.containers import hashes_of
from extract.copying import ChangedMeanwhileError, Copy, copied, is_open_for_writing
from extract.landing import LandedFolder, LandedUnit, Landing
from extract.storage import Entry, Folder, PreconditionError

QUIET_SECONDS = 2.0
PATIENCE_SECONDS = 60.0
_LOOK_SECONDS = 0.1
_COPIED_WITHIN_SECONDS = 60.0
_COPY = re.compile(r" ?\(([0-9]{1,4})\)(?=\.[^/]*$|$)")  # what a browser adds to the name of a second download
_TAKEN_AT_ONCE = 8  # each waits for the disk or the network
_UNFINISHED = ".tmp"
_NEVER_TAKEN = (".part", _UNFINISHED)
_LONGEST_PART = 255 - len(MANIFEST)  # so that its manifest, too, has a name that a disk takes
_LONGEST_NAME = 700  # a key in a bucket has 1,024 bytes, and in landing it begins with more than in the inbox


class _UnreadableError(Exception):
    """A file of the inbox may not be read."""


@dataclass
class Taken:
    """What was taken, and what was not.

    Attributes:
        units: The files that are in landing now.
        growing: Names that were still written to, or open for it, when the patience ended; the next run takes them.
        refused: Sentences that say what is not taken, and why.
    """

    units: list[LandedUnit] = field(default_factory=list)
    growing: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Received:
    """A file that was received, and the unit it is; not a new one if a killed run had landed it."""

    dropped: Dropped
    unit: LandedUnit
    copy: Copy
    is_new: bool = True


def take(
    inbox: Folder,
    landing: Landing,
    source: str,
    now: Callable[[], datetime],
    *,
    waiting: Mapping[str, tuple[LandedUnit, str]] = MappingProxyType({}),
    quiet_seconds: float = QUIET_SECONDS,
    patience_seconds: float = PATIENCE_SECONDS,
) -> Taken:
    """Takes the files of an inbox into landing, the oldest first, each with its manifest if it has one.

    A file is taken once it has been quiet and nobody has it open for writing; while others are not, it waits for them.
    A manifest `<name>.manifest.json` is to be dropped before its file. On a disk landing gets a copy, and the original
    is put aside; one that was put aside before and has changed is taken again, one that has not is removed. In a bucket
    a file changes only as a whole, so it is copied as it was seen, then removed. After a kill between the two the next
    call does the second alone.

    Args:
        inbox: Where the files are.
        landing: Where they go.
        source: Whose they are.
        now: The clock that stamps what is received (UTC).
        waiting: By name the newest unit that is in landing and not in the lake yet, with its sha256.
        quiet_seconds: How long nobody must have written to a file.
        patience_seconds: How long to wait for files that are still written to.
    """
    inbox.make()
    landing.remove_unfinished(source)
    if inbox.is_local:
        remove_unchanged(inbox)
    taken = Taken()
    arrivals: list[tuple[Dropped, Future[_Received]]] = []
    receive = _copy_into_landing if inbox.is_local else _receive_object
    with ThreadPoolExecutor(_TAKEN_AT_ONCE, "take") as pool:
        for dropped in _quiet_files(inbox, taken, quiet_seconds, patience_seconds):
            receipt, waits = landing.numbered(source, now()), waiting.get(dropped.entry.name)
            arrivals.append((dropped, pool.submit(receive, inbox, dropped, landing, receipt, waits)))
    received: list[_Received] = []
    for dropped, arrival in arrivals:
        try:
            received.append(arrival.result())
        except FileNotFoundError:
            continue  # whoever dropped it has taken it back
        except ChangedMeanwhileError:
            taken.growing.append(dropped.entry.name)
        except _UnreadableError:
            taken.refused.append(_unreadable(dropped.entry.name))
    if inbox.is_local:
        received = [_finished(landing, one) for one in received]
        landing.sync({one.unit.path for one in received if one.is_new})
        for one in received:
            put_aside(inbox, one.dropped, one.unit.number, one.copy)
    taken.units += [one.unit for one in received if one.is_new]
    landing.remove_unfinished(source)
    left = _entries(inbox)
    taken.refused += [f"{entry.name!r} is not taken: {why}" for entry in left if (why := _why_refused(entry))]
    taken.refused += [f"{name!r} is a manifest without its file" for name in _lone_manifests(left)]
    return taken


def _copy_into_landing(
    inbox: Folder, dropped: Dropped, landing: Landing, receipt: LandedUnit, waits: tuple[LandedUnit, str] | None
) -> _Received:
    """Copies a file and its manifest to where nothing counts yet."""
    target = landing.unfinished(receipt) / dropped.entry.name
    target.parent.mkdir(parents=True, exist_ok=True)
    copy = copied(Path(inbox.path(dropped.path)), target)
    if waits and waits[1] == copy.hashes.received:
        return _Received(dropped, waits[0], copy, is_new=False)
    manifest = Path(inbox.path(dropped.manifest))
    if manifest.exists():
        copied(manifest, target.with_name(manifest.name))
    landing.write_unfinished_receipt(receipt, copy.size, copy.hashes)
    return _Received(dropped, receipt, copy)


def _finished(landing: Landing, received: _Received) -> _Received:
    """Lets a copy count, in the order of the receipt numbers, so that a kill leaves only the last ones to be taken."""
    if not received.is_new:
        return received
    unit = landing.finish(received.unit, received.dropped.entry.name, received.copy.hashes)
    return replace(received, unit=unit)


def _receive_object(
    inbox: Folder, dropped: Dropped, landing: Landing, receipt: LandedUnit, waits: tuple[LandedUnit, str] | None
) -> _Received:
    """Copies an object of a bucket into landing if it is the one that was seen, writes the receipt and removes it."""
    entry, name = dropped.entry, dropped.entry.name
    try:
        with inbox.local(name) as path:
            copy = Copy(hashes_of(path), path.stat().st_size, 0)
    except PermissionError as error:
        raise _UnreadableError from error
    if inbox.entry(name) != entry:
        raise ChangedMeanwhileError(name)
    if waits and waits[1] == copy.hashes.received:
        inbox.remove(name)
        return _Received(dropped, waits[0], copy, is_new=False)
    folder = landing.placed(receipt, copy.hashes.received)
    unit, manifest = replace(folder, path=f"{folder.path}/{name}"), f"{folder.path}/{dropped.manifest}"
    if has_manifest := inbox.has(dropped.manifest):
        inbox.move(dropped.manifest, landing.folder, manifest)
    try:
        inbox.move(name, landing.folder, unit.path, entry.etag)
    except PreconditionError:
        if has_manifest and not inbox.has(dropped.manifest):
            landing.folder.move(manifest, inbox, dropped.manifest)
        landing.folder.remove(folder.path)
        raise ChangedMeanwhileError(name) from None
    landing.write_file_receipt(unit, copy.size, copy.hashes)
    return _Received(dropped, unit, copy)


def waiting_files(inbox: Folder) -> list[str]:
    """The names of the files that can be taken once they are quiet."""
    return sorted(entry.name for entry in _entries(inbox) if _is_data(entry))


def landed_files(source: str, landing: Landing, inbox: Folder) -> Iterator[LandedUnit]:
    """The files that a source has in landing; one whose move was cut off is moved to the end, or back."""
    for folder in landing.folders(source):
        is_whole = folder.unit.number < 0 or folder.has_receipt
        if is_whole or finish_moves(folder, landing, inbox):
            for name in data_files(folder):
                yield replace(folder.unit, path=f"{folder.unit.path}/{name}")


def data_files(folder: LandedFolder) -> list[str]:
    """The files in a folder of landing but for manifests, receipts and what a kill left of either."""
    return [name for name in folder.names if not name.startswith(".") and not name.endswith((MANIFEST, _UNFINISHED))]


def finish_moves(folder: LandedFolder, landing: Landing, inbox: Folder) -> bool:
    """Ends the move of an object that a kill cut off, or undoes it; says whether the folder has its file.

    The manifest of a file is moved before it, and the receipt is written after it. (So did earlier versions on a disk.)
    """
    place = folder.unit
    for name in data_files(folder):
        path = f"{place.path}/{name}"
        with landing.folder.local(path) as local:
            landing.write_file_receipt(replace(place, path=path), local.stat().st_size, hashes_of(local))
        return True
    for name in folder.names:
        if name.endswith(MANIFEST) and not inbox.has(name):
            landing.folder.move(f"{place.path}/{name}", inbox, name)
    landing.folder.remove(place.path)
    return False


def _quiet_files(inbox: Folder, result: Taken, quiet_seconds: float, patience_seconds: float) -> Iterator[Dropped]:
    """Yields files as they become quiet, and notes in `result` what does not, or may not be read."""
    end = time.monotonic() + patience_seconds
    seen: dict[str, tuple[Entry, float]] = {}
    decided: set[str] = set()
    while True:
        growing = []
        for dropped in _dropped(inbox):
            entry, path = dropped.entry, dropped.path
            if path in decided:
                continue
            last, since = seen.get(path, (None, 0.0))
            if last != entry:
                since = time.monotonic()
                seen[path] = (entry, since)
            # The clock of whoever wrote the file may be wrong, so its time is trusted only to be quick.
            is_quiet = time.time() - entry.changed >= quiet_seconds or time.monotonic() - since >= quiet_seconds
            try:
                if not is_quiet or (inbox.is_local and is_open_for_writing(Path(inbox.path(path)))):
                    growing.append(entry.name)
                    continue
            except FileNotFoundError:
                continue  # whoever dropped it has taken it back
            except PermissionError:
                result.refused.append(_unreadable(entry.name))
                decided.add(path)
                continue
            decided.add(path)
            yield dropped
        if not growing or time.monotonic() > end:
            result.growing += growing
            return
        time.sleep(_LOOK_SECONDS)


def _dropped(inbox: Folder) -> list[Dropped]:
    """What may be taken, the oldest first."""
    found = [Dropped(entry) for entry in _entries(inbox) if _is_data(entry)]
    if inbox.is_local:
        found += changed_originals(inbox)
    return _in_order(found)


def _in_order(found: Iterable[Dropped]) -> list[Dropped]:
    """The oldest first. `a (1).csv` was downloaded after `a.csv`, though a copy of both may have lost that."""
    families: dict[str, list[Dropped]] = {}
    for dropped in sorted(found, key=lambda one: (one.entry.changed, one.path)):
        families.setdefault(_COPY.sub("", dropped.path), []).append(dropped)
    placed: list[tuple[float, int, Dropped]] = []
    for family in families.values():
        times = [one.entry.changed for one in family]
        are_copied = times[-1] - times[0] < _COPIED_WITHIN_SECONDS
        for one in sorted(family, key=_copy_number) if are_copied else family:
            placed.append((times[-1] if are_copied else one.entry.changed, len(placed), one))
    return [one for _, _, one in sorted(placed, key=lambda place: place[:2])]


def _copy_number(dropped: Dropped) -> int:
    found = _COPY.search(dropped.path)
    return int(found[1]) if found else 0


def _unreadable(name: str) -> str:
    return f"{name!r} is not taken: it may not be read"


def _lone_manifests(left: Iterable[Entry]) -> list[str]:
    names = {entry.name for entry in left}
    return sorted(name for name in names if name.endswith(MANIFEST) and name.removesuffix(MANIFEST) not in names)


def _entries(inbox: Folder) -> list[Entry]:
    """What is there but for what is never taken: hidden and unfinished files, and folders with such names."""
    return [entry for entry in inbox.all_entries() if not any(map(_is_never_taken, entry.name.split("/")))]


def _is_never_taken(part: str) -> bool:
    return part.startswith((".", "_")) or part.lower().endswith(_NEVER_TAKEN)


def _is_data(entry: Entry) -> bool:
    return not (entry.name.endswith(MANIFEST) or _why_refused(entry))


def _why_refused(entry: Entry) -> str | None:
    if entry.kind == "directory":
        return "the folder cannot be read"
    if entry.kind != "file":
        kind = "a symbolic link" if entry.kind == "symbolic link" else "not a regular file"
        return f"it is {kind}, and only files are"
    if not entry.name.isprintable():
        return "its name has characters that cannot be shown"
    parts = entry.name.split("/")
    if "" in parts:
        return "a part of its name is empty"
    if len(entry.name.encode()) > _LONGEST_NAME or max(len(part.encode()) for part in parts) > _LONGEST_PART:
        return f"its name is too long: {_LONGEST_PART} bytes are possible, and {_LONGEST_NAME} with its folders"
    return None
