"""Originals that were copied into landing: kept beside the inbox until it is sure that nobody goes on writing to them.

    inbox/<source>/.taken/<receipt number>-<bytes>-<time of change in ns>/<name>   and its manifest, if it has one

The folder's name says what the file was like when it was copied. A writer that still has it open writes here, never
into landing, and what it adds is then a delivery of its own.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from extract.copying import Copy, is_open_for_writing
from extract.storage import Entry, Folder

ASIDE = ".taken"
MANIFEST = ".manifest.json"
KEPT_SECONDS = 60.0
_KEPT = re.compile(r"\d+-\d+-\d+")


@dataclass(frozen=True)
class Dropped:
    """A file that can be taken.

    Attributes:
        entry: What it is like.
        folder: Where below the inbox it lies: directly in it, or aside because it was taken before and has changed.
    """

    entry: Entry
    folder: str = ""

    @property
    def path(self) -> str:
        """Its path in the inbox."""
        return f"{self.folder}/{self.entry.name}" if self.folder else self.entry.name

    @property
    def manifest(self) -> str:
        """The path of the manifest that it may have."""
        return f"{self.path}{MANIFEST}"


def put_aside(inbox: Folder, dropped: Dropped, number: int, copy: Copy) -> None:
    """Puts an original and its manifest aside; after a kill between the two the same call ends it."""
    path = Path(inbox.path(dropped.path))
    target = Path(inbox.path(f"{ASIDE}/{number:08}-{copy.size}-{copy.changed_ns}"), dropped.entry.name)
    target.parent.mkdir(parents=True, exist_ok=True)
    manifest = Path(inbox.path(dropped.manifest))
    if manifest.exists():
        os.replace(manifest, target.with_name(manifest.name))
    os.replace(path, target)
    if dropped.folder and path != target:
        os.removedirs(path.parent)


def changed_originals(inbox: Folder) -> list[Dropped]:
    """The originals that changed after they were copied."""
    changed = []
    for folder, file in originals(inbox):
        found = file.stat() if file else None
        if file and found and not is_as_copied(folder, found):
            entry = Entry(file.relative_to(folder).as_posix(), "file", found.st_size, found.st_mtime)
            changed.append(Dropped(entry, f"{ASIDE}/{folder.name}"))
    return changed


def remove_unchanged(inbox: Folder) -> None:
    """Removes what was put aside at least a minute ago, has not changed since and is not open for writing."""
    for folder, file in originals(inbox):
        if time.time() - folder.stat().st_mtime < KEPT_SECONDS:
            continue
        if not file or (is_as_copied(folder, file.stat()) and not is_open_for_writing(file)):
            shutil.rmtree(folder)
    try:
        os.rmdir(inbox.path(ASIDE))
    except OSError:
        return  # there is none, or something is in it


def originals(inbox: Folder) -> Iterator[tuple[Path, Path | None]]:
    """Each folder of what was put aside, with its original unless a kill has left only a manifest."""
    for folder in sorted(Path(inbox.path(ASIDE)).glob("*")):
        if _KEPT.fullmatch(folder.name):
            files = (path for path in folder.rglob("*") if not path.is_dir() and not path.name.endswith(MANIFEST))
            yield folder, next(files, None)


def is_as_copied(folder: Path, found: os.stat_result) -> bool:
    """Whether an original is what it was when it was copied, as the name of its folder says."""
    return folder.name.endswith(f"-{found.st_size}-{found.st_mtime_ns}")
