"""What a file is packed in: told by how it begins, and never by its name."""

from __future__ import annotations

import gzip
import hashlib
import io
import re
import shutil
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple, cast

from extract.storage import sha256_of

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_GZIP, _ZIP, _ZIP_END = b"\x1f\x8b", b"PK\x03\x04", b"PK\x05\x06"
_LONGEST_ZIP_END = 22 + (1 << 16)  # with the comment behind it
_LARGEST_DIRECTORY = 4 << 20  # each of its entries takes many times its bytes in memory
_MOST_NAMED = 5
_BUFFER = 256 << 10
_PIECE = 1 << 20
# A real export deflates to a tenth, a repetitive one to a hundredth; deflate's own limit is a thousandth.
_BOMB_BYTES, _BOMB_RATIO = 64 << 20, 200


class BrokenContainerError(Exception):
    """What a file is packed in cannot be unpacked, for this reason."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class Hashes(NamedTuple):
    """The sha256 of a file as it was received, and that of what is in it; of a file packed in nothing they are one."""

    received: str
    content: str


def unpacked(file: io.FileIO) -> io.RawIOBase:
    """What is in a file that is open at its beginning; the file itself if it is packed in nothing.

    A zip is unpacked if it has one file; a workbook of a spreadsheet, which is a zip too, is what it is.

    Raises:
        BrokenContainerError: `broken_zip` or `several_files`; while it is read also `truncated_gzip`, `broken_gzip`,
            `gzip_bomb` or `zip_bomb`.
    """
    start = file.read(len(_ZIP))
    file.seek(0)
    if start.startswith(_GZIP):
        return _Unpacked(file, gzip.GzipFile(fileobj=io.BufferedReader(file, _BUFFER)), is_zip=False)
    if (member := _only_member(file)) is not None:
        with _damage(is_zip=True):
            return _Unpacked(file, zipfile.ZipFile(file).open(member), is_zip=True)
    return file


def inner_name(path: Path) -> str:
    """The name of what is in a file: that of the only file in a zip, else its own without `.gz` or `.zip`.

    Raises:
        BrokenContainerError: `broken_zip` or `several_files`.
    """
    with path.open("rb", buffering=0) as file:
        if (member := _only_member(file)) is not None:
            return member.rpartition("/")[2]
    return re.sub(r"\.(gz|zip)$", "", path.name, flags=re.IGNORECASE)


def start_of_content(path: Path, size: int) -> bytes:
    """How what is in a file begins.

    Raises:
        BrokenContainerError: It cannot be unpacked.
    """
    with path.open("rb", buffering=0) as file:
        return io.BufferedReader(unpacked(file)).read(size)


def is_zip(start: bytes) -> bool:
    """Whether what begins so is a zip, as a workbook is one."""
    return start.startswith((_ZIP, _ZIP_END))  # the latter has no files


@contextmanager
def unpacked_file(path: Path) -> Iterator[Path]:
    """A file with what is in a file, for a reader that goes to and fro in it; the file itself if it is not packed.

    Raises:
        BrokenContainerError: It cannot be unpacked.
    """
    with path.open("rb", buffering=0) as file:
        content = unpacked(file)
        if content is file:
            yield path
            return
        with tempfile.NamedTemporaryFile(prefix="adhouse-", suffix=f"-{path.name[-50:]}") as copy:
            shutil.copyfileobj(io.BufferedReader(content, _BUFFER), copy, _PIECE)
            copy.flush()
            yield Path(copy.name)


def _only_member(file: io.FileIO) -> str | None:
    """The one file in a zip; None if this is no zip, or the workbook of a spreadsheet."""
    start = file.read(len(_ZIP))
    file.seek(0)
    if not is_zip(start):
        return None
    file.seek(max(file.seek(0, io.SEEK_END) - _LONGEST_ZIP_END, 0))
    end = file.read().rpartition(_ZIP_END)[2]
    file.seek(0)
    if len(end) < 18 or struct.unpack_from("<I", end, 8)[0] > _LARGEST_DIRECTORY:
        raise BrokenContainerError("broken_zip", "its directory is missing, or has far too many files")
    with _damage(is_zip=True):
        members = zipfile.ZipFile(file).namelist()
    file.seek(0)
    if "xl/workbook.xml" in members:
        return None
    files = sorted(name for name in members if not name.endswith("/") and not _is_hidden(name))
    if len(files) == 1:
        return files[0]
    named = ", ".join(files[:_MOST_NAMED]) + ", …" * (len(files) > _MOST_NAMED)
    raise BrokenContainerError("several_files", f"it has {len(files):,} files, where one is due: {named or 'none'}")


def _is_hidden(member: str) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in member.split("/"))


@contextmanager
def _damage(*, is_zip: bool) -> Iterator[None]:
    try:
        yield
    except (EOFError, gzip.BadGzipFile, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        if is_zip:  # also one with a password
            raise BrokenContainerError("broken_zip", str(error)) from None
        if isinstance(error, EOFError):
            raise BrokenContainerError("truncated_gzip", "the file ends before its gzip stream does") from None
        raise BrokenContainerError("broken_gzip", str(error)) from None


def hashes_of(path: Path, received: str | None = None) -> Hashes:
    """The hashes of a file, which is read once more only if it is packed; `received` is its own if that is known.

    What cannot be unpacked is equal to nothing but its own bytes.
    """
    received = received or sha256_of(path)
    with path.open("rb", buffering=0) as file:
        digest, buffer = hashlib.sha256(), memoryview(bytearray(_PIECE))
        try:
            content = unpacked(file)
            if content is file:
                return Hashes(received, received)
            while count := content.readinto(buffer):
                digest.update(buffer[:count])
        except BrokenContainerError:
            return Hashes(received, received)
    return Hashes(received, digest.hexdigest())


class _Unpacked(io.RawIOBase):
    """What is in a file, which stops when it swells as no data does."""

    def __init__(self, packed: io.FileIO, stream: gzip.GzipFile | IO[bytes], *, is_zip: bool) -> None:
        self._packed = packed
        self._stream = io.BufferedReader(cast(io.RawIOBase, stream), _BUFFER)  # which fills what it is given
        self._is_zip = is_zip
        self._size = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        with _damage(is_zip=self._is_zip):
            count = self._stream.readinto(buffer)
        self._size += count
        if self._size > _BOMB_BYTES and self._size > _BOMB_RATIO * self._packed.tell():
            said = f"{self._packed.tell():,} bytes swell to more than {self._size:,}"
            if self._is_zip:
                raise BrokenContainerError("zip_bomb", said)
            raise BrokenContainerError("gzip_bomb", said)
        return count
