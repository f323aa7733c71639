"""The inbox: where people and systems drop files, and when a file may be taken."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime

from extract.landing import LandedFolder, LandedUnit, Landing
from extract.storage import Entry, Folder, sha256_of

QUIET_SECONDS = 2.0
PATIENCE_SECONDS = 60.0
MANIFEST = ".manifest.json"
_LOOK_SECONDS = 0.1
_MOVES_AT_ONCE = 8  # each waits for the disk or the network
_UNFINISHED = ".tmp"
_NEVER_TAKEN = (".part", _UNFINISHED)


@dataclass
class Taken:
    """What was taken, and what was not.

    Attributes:
        units: The files that are in landing now.
        growing: Names that were still written to when the patience ended; the next run takes them.
        refused: Sentences that say what is not taken, and why.
    """

    units: list[LandedUnit] = field(default_factory=list)
    growing: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def take(
    inbox: Folder,
    landing: Landing,
    source: str,
    now: Callable[[], datetime],
    *,
    landed: Collection[tuple[str, str]] = (),
    quiet_seconds: float = QUIET_SECONDS,
    patience_seconds: float = PATIENCE_SECONDS,
) -> Taken:
    """Moves the files of an inbox into landing, the oldest first, each with its manifest if it has one.

    A file is taken once it has been quiet; while others are not, it waits for them. A manifest `<name>.manifest.json`
    is to be dropped before its file. A kill leaves each file in one of the two places; in a bucket perhaps in both,
    and then the next call removes it from the inbox.

    Args:
        inbox: Where the files are.
        landing: Where they go.
        source: Whose they are.
        now: The clock that stamps what is received (UTC).
        landed: What a killed run may have copied into landing and left here: the first digits of a sha256, and a name.
        quiet_seconds: How long nobody must have written to a file.
        patience_seconds: How long to wait for files that are still written to.
    """
    inbox.make()
    taken = Taken()
    moves: list[Future[LandedUnit]] = []
    with ThreadPoolExecutor(_MOVES_AT_ONCE, "move") as pool:
        for entry in _quiet_files(inbox, taken, quiet_seconds, patience_seconds):
            try:
                with inbox.local(entry.name) as path:
                    sha256 = sha256_of(path)
            except FileNotFoundError:
                continue  # whoever dropped it has taken it back
            except PermissionError:
                taken.refused.append(f"{entry.name!r} is not taken: it may not be read")
                continue
            if inbox.entry(entry.name) != entry:
                taken.growing.append(entry.name)
                continue
            if not inbox.is_local and (sha256[:8], entry.name) in landed:
                inbox.remove(entry.name)
                continue
            moves.append(pool.submit(_land, inbox, entry, landing, landing.place(source, now(), sha256), sha256))
    taken.units += [move.result() for move in moves]
    left = [*inbox.entries()]
    taken.refused += [f"{entry.name!r} is not taken: {why}" for entry in left if (why := _why_refused(entry))]
    taken.refused += [f"{name!r} is a manifest without its file" for name in _lone_manifests(left)]
    return taken


def _land(inbox: Folder, entry: Entry, landing: Landing, place: LandedUnit, sha256: str) -> LandedUnit:
    manifest = f"{entry.name}{MANIFEST}"
    if inbox.has(manifest):
        inbox.move(manifest, landing.folder, f"{place.path}/{manifest}")
    path = f"{place.path}/{entry.name}"
    inbox.move(entry.name, landing.folder, path)
    landing.write_receipt(place, entry.size, sha256, {})
    landing.hashes[path] = sha256
    return replace(place, path=path)


def data_files(folder: LandedFolder) -> list[str]:
    """The files in a folder of landing but for manifests, receipts and what a kill left of either."""
    return [name for name in folder.names if not name.startswith(".") and not name.endswith((MANIFEST, _UNFINISHED))]


def finish_moves(folder: LandedFolder, landing: Landing, inbox: Folder) -> bool:
    """Ends the move of a file that a kill cut off, or undoes it; says whether the folder has its file.

    The manifest of a file is moved before it, and the receipt is written after it.
    """
    place = folder.unit
    for name in data_files(folder):
        path = f"{place.path}/{name}"
        landing.write_receipt(place, landing.folder.size(path), landing.sha256(path), {})
        return True
    for name in folder.names:
        if name.endswith(MANIFEST) and not inbox.has(name):
            landing.folder.move(f"{place.path}/{name}", inbox, name)
    landing.folder.remove(place.path)
    return False


def _quiet_files(inbox: Folder, result: Taken, quiet_seconds: float, patience_seconds: float) -> Iterator[Entry]:
    """Yields files as they become quiet, and notes in `result` what does not."""
    end = time.monotonic() + patience_seconds
    seen: dict[str, tuple[Entry, float]] = {}
    taken: set[str] = set()
    while True:
        found = sorted(inbox.entries(), key=lambda entry: (entry.changed, entry.name))
        files = [entry for entry in found if entry.name not in taken and _is_data(entry)]
        growing = []
        for entry in files:
            last, since = seen.get(entry.name, (None, 0.0))
            if last != entry:
                since = time.monotonic()
                seen[entry.name] = (entry, since)
            # The clock of whoever wrote the file may be wrong, so its time is trusted only to be quick.
            if time.time() - entry.changed >= quiet_seconds or time.monotonic() - since >= quiet_seconds:
                taken.add(entry.name)
                yield entry
            else:
                growing.append(entry.name)
        if not growing or time.monotonic() > end:
            result.growing += growing
            return
        time.sleep(_LOOK_SECONDS)


def _lone_manifests(left: Iterable[Entry]) -> list[str]:
    names = {entry.name for entry in left}
    return sorted(name for name in names if name.endswith(MANIFEST) and name.removesuffix(MANIFEST) not in names)


def _is_data(entry: Entry) -> bool:
    return not (_is_passed_over(entry.name) or entry.name.endswith(MANIFEST) or _why_refused(entry))


def _is_passed_over(name: str) -> bool:
    return name.startswith(".") or name.lower().endswith(_NEVER_TAKEN)


def _why_refused(entry: Entry) -> str | None:
    if _is_passed_over(entry.name):
        return None
    if entry.kind != "file":
        kind = {"directory": "a folder", "symbolic link": "a symbolic link"}.get(entry.kind, "not a regular file")
        return f"it is {kind}, and only files directly in the inbox are"
    if not entry.name.isprintable():
        return "its name has characters that cannot be shown"
    return None
