"""Publishes an audited build: a copy of the marts file, and a link that is moved onto it in one step.

Readers open `published/marts.duckdb` read-only. It is a link to `published/<build id>/adhouse.duckdb`, so that DuckDB,
which names a database after its file, calls every build `adhouse`. DuckDB 1.x does not follow the link for the name and
would call it `marts`, like the schema in it, so that `marts.campaign_summary` would be ambiguous: BI tools open
`published/adhouse.duckdb`, a link to that link.

Whatever kills this in between, the link points at a whole file: the old build or the new one. A process that has the
old build open keeps it, even after it was removed.

Earlier versions published `marts-<build id>.duckdb`; such builds are kept and rolled back to like the others.
"""

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from adhouse.errors import CommandError, Exit
from adhouse.warehouse.base import KEPT_BUILDS, build_order

PIECE = 32 << 20
LINK = "marts.duckdb"
FILE = "adhouse.duckdb"
UNFINISHED = ".tmp"
ROLLED_BACK = "rolled_back"  # has the id of the build to which readers were rolled back


def publish(marts: Path, published: Path, build_id: str) -> Path:
    """Copies the closed, checkpointed `marts` file to `published` and points the link at the copy.

    A second run with the same build id copies again and ends the same. The three newest builds are kept for
    roll-back; a copy that a kill left unfinished is removed.
    """
    published.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(published)
    target, unfinished = published / build_id / FILE, published / f"{build_id}{UNFINISHED}"
    unfinished.mkdir()
    try:
        _copy(marts, unfinished / FILE)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)  # a full disk needs the room at once
        raise
    if target.parent.exists():
        os.replace(unfinished / FILE, target)
        unfinished.rmdir()
    else:
        os.replace(unfinished, target.parent)
    _point(published, target)
    (published / ROLLED_BACK).unlink(missing_ok=True)
    for old in builds(published)[KEPT_BUILDS:]:
        if old != current(published):
            _remove(_file(published, old))
    return target


def rollback(published: Path, build_id: str | None) -> str:
    """Points the link at an older build, by default the one before the published one, and gives its id.

    Raises:
        CommandError: There is no such build.
    """
    kept, now = builds(published), current(published)
    older = [build for build in kept if now is None or build_order(build) < build_order(now)]
    wanted = build_id or (older[0] if older else None)
    if wanted is None or wanted not in kept:
        raise no_build(build_id, kept)
    (published / ROLLED_BACK).write_text(wanted)
    _point(published, _file(published, wanted))
    return wanted


def remove_others(published: Path) -> None:
    """Removes every build but the one that readers see; a second call finds none."""
    _remove_leftovers(published)
    for build in builds(published):
        if build != current(published):
            _remove(_file(published, build))


def no_build(build_id: str | None, kept: list[str]) -> CommandError:
    """The error of a roll-back that finds no build."""
    what = f"there is no build {build_id}" if build_id else "there is no older build"
    return CommandError(f"{what} to roll back to", f"kept builds: {', '.join(kept) or 'none'}", Exit.USAGE)


def is_rolled_back(published: Path) -> bool:
    """Whether the link points at a build because of a roll-back."""
    marker = published / ROLLED_BACK
    return marker.is_file() and marker.read_text() == current(published)


def builds(published: Path) -> list[str]:
    """The ids of the builds that are there, newest first."""
    ids = {path.parent.name for path in published.glob(f"*/{FILE}") if path.parent.suffix != UNFINISHED}
    ids |= {_id_of(path) for path in published.glob("marts-*.duckdb")}
    return sorted(ids, key=build_order, reverse=True)


def current(published: Path) -> str | None:
    """The id of the build that readers see."""
    link = published / LINK
    return _id_of(link.readlink()) if link.is_symlink() and link.exists() else None


def check_link(published: Path) -> None:
    """Does nothing if the link leads to a file, or if nothing was published yet.

    Raises:
        CommandError: The build that the link names is gone.
    """
    link = published / LINK
    if link.is_symlink() and not link.exists():
        raise CommandError(
            f"{link.parent / link.readlink()} is missing: readers cannot open the published marts",
            "`adhouse publish` copies the audited build again",
        )


def _id_of(path: Path) -> str:
    return path.parent.name if path.name == FILE else path.stem.removeprefix("marts-")


def _file(published: Path, build_id: str) -> Path:
    path, earlier = published / build_id / FILE, published / f"marts-{build_id}.duckdb"
    return earlier if earlier.exists() and not path.exists() else path


def _remove(file: Path) -> None:
    if file.name == FILE:
        shutil.rmtree(file.parent)
    else:
        file.unlink()


def _remove_leftovers(published: Path) -> None:
    """Removes what a killed publish left: an unfinished copy, or the empty folder of a build that was being removed."""
    for path in published.iterdir():
        if path.suffix == UNFINISHED:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        elif path.is_dir() and not path.is_symlink() and not any(path.iterdir()):
            path.rmdir()


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
    _sync(target.parent)
    for name, to in ((LINK, target.relative_to(published)), (FILE, Path(LINK))):
        link = published / f"{name}{UNFINISHED}"
        link.unlink(missing_ok=True)
        link.symlink_to(to)
        os.replace(link, published / name)
    _sync(published)


def _sync(folder: Path) -> None:
    """Makes the names in a folder outlast a power cut too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
