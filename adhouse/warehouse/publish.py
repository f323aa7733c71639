"""Publishes an audited build: a copy of the marts file, and a link moved onto it in one step.

Readers open `published/marts.duckdb` read-only. Whatever kills this in between, the link points at a whole file: the
old build or the new one. A process that has the old build open keeps it, even after its name is gone.
"""

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from adhouse.errors import CommandError, Exit
from adhouse.warehouse.base import KEPT_BUILDS

PIECE = 32 << 20
LINK = "marts.duckdb"


def publish(marts: Path, published: Path, build_id: str) -> Path:
    """Copies the closed, checkpointed `marts` file to `published` and points the link at it.

    A second run with the same build id copies again and ends the same. The three newest builds are kept for
    roll-back; a copy that a kill left unfinished is removed.
    """
    published.mkdir(parents=True, exist_ok=True)
    for unfinished in published.glob("*.tmp"):
        unfinished.unlink()
    target = _file(published, build_id)
    unfinished = target.with_suffix(".duckdb.tmp")
    try:
        _copy(marts, unfinished)
    except BaseException:
        unfinished.unlink(missing_ok=True)  # a full disk needs the room at once
        raise
    os.replace(unfinished, target)
    _point(published, target)
    for old in builds(published)[KEPT_BUILDS:]:
        if old != current(published):
            _file(published, old).unlink()
    return target


def rollback(published: Path, build_id: str | None) -> str:
    """Points the link at an older build, by default the one before the published one, and gives its id.

    Raises:
        CommandError: There is no such build.
    """
    kept, now = builds(published), current(published)
    older = [build for build in kept if now is None or build < now]
    wanted = build_id or (older[0] if older else None)
    if wanted is None or wanted not in kept:
        what = f"no build {build_id}" if build_id else "no older build"
        there = ", ".join(kept) or "none"
        raise CommandError(f"{what} in {published}", f"builds there: {there}", Exit.USAGE)
    _point(published, _file(published, wanted))
    return wanted


def builds(published: Path) -> list[str]:
    """The ids of the builds that are there, newest first."""
    ids = (path.name.removeprefix("marts-").removesuffix(".duckdb") for path in published.glob("marts-*.duckdb"))
    return sorted(ids, reverse=True)


def current(published: Path) -> str | None:
    """The id of the build that readers see."""
    link = published / LINK
    if not link.exists():
        return None
    return os.readlink(link).removeprefix("marts-").removesuffix(".duckdb")


def _file(published: Path, build_id: str) -> Path:
    return published / f"marts-{build_id}.duckdb"


def _copy(source: Path, target: Path) -> None:
    """Copies inside the kernel, and lets the disk write what is copied meanwhile.

    A file system with reflinks (XFS, Btrfs) then shares the blocks and copies nothing.
    """
    with source.open("rb") as reader, target.open("wb") as writer, ThreadPoolExecutor(1, "disk") as disk:
        written = []
        try:
            while os.copy_file_range(reader.fileno(), writer.fileno(), PIECE):
                written.append(disk.submit(os.fsync, writer.fileno()))
        except (AttributeError, OSError):  # another system, or two file systems that cannot
            shutil.copyfile(source, target)
        for piece in written:
            piece.result()
        os.fsync(writer.fileno())


def _point(published: Path, target: Path) -> None:
    link = published / f"{LINK}.tmp"
    link.unlink(missing_ok=True)
    link.symlink_to(target.name)
    os.replace(link, published / LINK)
    folder = os.open(published, os.O_RDONLY)
    try:
        os.fsync(folder)  # the file's and the link's names outlast a power cut too
    finally:
        os.close(folder)
