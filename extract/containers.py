"""What a file is packed in: told by how it begins, and never by its name."""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from extract.storage import sha256_of

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_GZIP = b"\x1f\x8b"
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

    Reading it raises `BrokenContainerError`: `truncated_gzip`, `broken_gzip` or `gzip_bomb`.
    """
    start = file.read(len(_GZIP))
    file.seek(0)
    return _Unzipped(file) if start == _GZIP else file


def hashes_of(path: Path, received: str | None = None) -> Hashes:
    """The hashes of a file, which is read once more only if it is packed; `received` is its own if that is known.

    What cannot be unpacked is equal to nothing but its own bytes.
    """
    received = received or sha256_of(path)
    with path.open("rb", buffering=0) as file:
        content = unpacked(file)
        if content is file:
            return Hashes(received, received)
        digest, buffer = hashlib.sha256(), memoryview(bytearray(_PIECE))
        try:
            while count := content.readinto(buffer):
                digest.update(buffer[:count])
        except BrokenContainerError:
            return Hashes(received, received)
    return Hashes(received, digest.hexdigest())


class _Unzipped(io.RawIOBase):
    """A gzip stream with all its members, which stops when it swells as no data does."""

    def __init__(self, plain: io.FileIO) -> None:
        self._plain = plain
        self._zip = gzip.GzipFile(fileobj=io.BufferedReader(plain, _BUFFER))
        self._size = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        try:
            count = self._zip.readinto(buffer)
        except EOFError:
            raise BrokenContainerError("truncated_gzip", "the file ends before its gzip stream does") from None
        except (gzip.BadGzipFile, zlib.error) as error:
            raise BrokenContainerError("broken_gzip", str(error)) from None
        self._size += count
        if self._size > _BOMB_BYTES and self._size > _BOMB_RATIO * self._plain.tell():
            said = f"{self._plain.tell()} bytes swell to more than {self._size}"
            raise BrokenContainerError("gzip_bomb", said)
        return count
