"""The inbox: where people and systems drop files, and when a file may be taken."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from extract.landing import Landing
from extract.storage import Entry, Folder, sha256_of

QUIET_SECONDS = 2.0
PATIENCE_SECONDS = 60.0
MANIFEST = ".manifest.json"
_LOOK_SECONDS = 0.1
_NEVER_TAKEN = (".part", ".tmp")


@dataclass
class Left:
    """What was not taken.

    Attributes:
        growing: Names that were still written to when the patience ended; the next run takes them.
        refused: Sentences that say what is not taken, and why.
    """

    growing: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def take(
    inbox: Folder,
    landing: Landing,
    source: str,
    now: Callable[[], datetime],
    *,
    is_loaded: Callable[[str], bool] = lambda _: True,
    quiet_seconds: float = QUIET_SECONDS,
    patience_seconds: float = PATIENCE_SECONDS,
) -> Left:
    """Moves the files of an inbox into landing, the oldest first, each with its manifest if it has one.

    A file is taken once it has been quiet; while others are not, it waits for them. A manifest `<name>.manifest.json`
    is to be dropped before its file. A kill leaves each file in one of the two places; in a bucket perhaps in both,
    and then the next call removes it from the inbox.

    Args:
        inbox: Where the files are.
        landing: Where they go.
        source: The folder of landing.
        now: The clock that stamps what is received (UTC).
        is_loaded: Whether what lies in landing under a path is in the lake.
        quiet_seconds: How long nobody must have written to a file.
        patience_seconds: How long to wait for files that are still written to.
    """
    inbox.make()
    _put_back(landing, source, inbox)
    copied = set() if inbox.is_local else _not_loaded(landing, source, is_loaded)
    left = Left()
    for entry in _quiet_files(inbox, left, quiet_seconds, patience_seconds):
        try:
            with inbox.local(entry.name) as path:
                sha256 = sha256_of(path)
        except FileNotFoundError:
            continue  # whoever dropped it has taken it back
        except PermissionError:
            left.refused.append(f"{entry.name!r} is not taken: it may not be read")
            continue
        if inbox.entry(entry.name) != entry:
            left.growing.append(entry.name)
            continue
        place = landing.place(source, now(), sha256).path
        if (sha256[:8], entry.name) in copied:
            inbox.remove(entry.name)
            continue
        # The file itself goes last: with it the place counts.
        if inbox.has(f"{entry.name}{MANIFEST}"):
            inbox.move(f"{entry.name}{MANIFEST}", landing.folder, f"{place}/{entry.name}{MANIFEST}")
        inbox.move(entry.name, landing.folder, f"{place}/{entry.name}")
        landing.hashes[f"{place}/{entry.name}"] = sha256
    return left


def _not_loaded(landing: Landing, source: str, is_loaded: Callable[[str], bool]) -> set[tuple[str, str]]:
    """What a run that was killed has landed: the beginning of each file's sha256, and its name."""
    places = landing.contents(source)
    files = ((place.path, name) for place, names in places for name in names if not name.endswith(MANIFEST))
    return {(path.rpartition("-")[2], name) for path, name in files if not is_loaded(f"{path}/{name}")}


def _put_back(landing: Landing, source: str, inbox: Folder) -> None:
    """Undoes moves that a kill cut off between a manifest and its file."""
    for place, names in landing.contents(source):
        if all(name.endswith(MANIFEST) for name in names):
            for name in names:
                if not inbox.has(name):
                    landing.folder.move(f"{place.path}/{name}", inbox, name)
            landing.folder.remove(place.path)


def _quiet_files(inbox: Folder, left: Left, quiet_seconds: float, patience_seconds: float) -> Iterator[Entry]:
    """Yields files as they become quiet, and notes in `left` what does not."""
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
            left.growing += growing
            left.refused += [f"{entry.name!r} is not taken: {why}" for entry in found if (why := _why_refused(entry))]
            left.refused += [f"{name!r} is a manifest without its file" for name in _lone_manifests(inbox)]
            return
        time.sleep(_LOOK_SECONDS)


def _lone_manifests(inbox: Folder) -> list[str]:
    names = {entry.name for entry in inbox.entries()}
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
