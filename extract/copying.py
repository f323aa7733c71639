"""Copies of files that somebody else may still write to, and what tells whether somebody does."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import signal
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from io import FileIO
from pathlib import Path
from typing import NamedTuple

from extract.containers import Hashes, hashes_of
from extract.storage import hash_into

_PIECE = 16 << 20  # large, so that threads beside this one seldom hold it up between two pieces
_CLONE = 0x40049409  # FICLONE of Linux: the copy shares its blocks with the original until one of them is changed
_HAS_LEASES = sys.platform == "linux"


class ChangedMeanwhileError(Exception):
    """The original changed while it was copied."""


class Copy(NamedTuple):
    """A copy, and what its original was like: the size of both, and the original's time of change."""

    hashes: Hashes
    size: int
    changed_ns: int


def copied(original: Path, target: Path) -> Copy:
    """Copies a file into one of its own, which is on the disk when this returns.

    The original is read once; where the file system has reflinks only the copy is, which then is of one moment. A
    copy that is packed is read once more, for what is in it.

    Raises:
        ChangedMeanwhileError: The original changed meanwhile, or another file has taken its name; there is no copy.
    """
    try:
        with original.open("rb", buffering=0) as reader, target.open("xb+", buffering=0) as writer:
            before = os.fstat(reader.fileno())
            digest = hashlib.sha256()
            if _is_cloned(reader, writer):
                hash_into(digest, writer)
            else:
                _copy(reader, writer, digest)
            os.fsync(writer.fileno())
            size = os.fstat(writer.fileno()).st_size
        after = original.stat()
        if size != before.st_size or _state(after) != _state(before):
            raise ChangedMeanwhileError(str(original))
        hashes = hashes_of(target, digest.hexdigest())
    except BaseException:
        target.unlink(missing_ok=True)  # a full disk needs the room at once
        raise
    return Copy(hashes, size, before.st_mtime_ns)


def is_open_for_writing(path: Path) -> bool:
    """Whether a process of this machine has the file open for writing; False where the system does not tell.

    Raises:
        OSError: The file is gone, or may not be read.
    """
    return _is_lease_refused(path) and _tells(path.parent)


def _is_cloned(reader: FileIO, writer: FileIO) -> bool:
    if sys.platform != "linux":
        return False
    try:
        fcntl.ioctl(writer.fileno(), _CLONE, reader.fileno())
    except OSError:
        return False
    return True


def _copy(reader: FileIO, writer: FileIO, digest: hashlib._Hash) -> None:
    """Copies and hashes in one pass, while the disk already writes what was copied."""
    buffer = memoryview(bytearray(min(_PIECE, os.fstat(reader.fileno()).st_size + 1)))
    with ThreadPoolExecutor(1, "disk") as disk:
        while count := reader.readinto(buffer):
            digest.update(buffer[:count])
            written = 0
            while written < count:
                written += writer.write(buffer[written:count])
            if count == _PIECE:
                disk.submit(os.fsync, writer.fileno())


def _state(found: os.stat_result) -> tuple[int, int, int]:
    return found.st_ino, found.st_size, found.st_mtime_ns


def _is_lease_refused(path: Path) -> bool:
    """Asks the kernel for a read lease, which it refuses while the file is open for writing, and gives it back."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        if _HAS_LEASES:
            fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)  # a writer that comes now must not end this process
            fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError as error:
        return error.errno == errno.EAGAIN
    finally:
        os.close(descriptor)
    return False


@cache
def _tells(folder: Path) -> bool:
    """Whether the file system gives a lease on a file that nobody writes to; some network file systems never do."""
    try:
        descriptor, path = tempfile.mkstemp(dir=folder, prefix=".lease-", suffix=".tmp")
    except OSError:
        return True
    os.close(descriptor)
    try:
        return not _is_lease_refused(Path(path))
    finally:
        os.unlink(path)
