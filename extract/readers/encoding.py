"""The bytes of a text file as UTF-8 with line feeds, whatever it is written in."""

from __future__ import annotations

import codecs
import io
from typing import TYPE_CHECKING

from extract.readers.unreadable import UnreadableFile

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

HEAD = 1 << 20  # how much of a file can be looked at before it is read
_BLOCK = 256 << 10
_MARKS = {  # the longer ones first
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}


def as_utf8(raw: io.RawIOBase, encoding: str | None) -> io.BufferedReader[io.RawIOBase]:
    """A file as UTF-8 behind its byte order mark, of which the first `HEAD` bytes can be peeked at.

    A mark has the last word about the encoding. Where no line ends with a line feed, carriage returns do.

    Raises:
        UnreadableFile: `unreadable_encoding`: it looks like UTF-16 or UTF-32, and nothing says so.
        UnicodeDecodeError: While it is read: it is not what it is said to be.
    """
    file = io.BufferedReader(raw, HEAD)
    encoding = _passed_mark(file, encoding)
    if encoding == "utf-8" and b"\0" in file.peek(4)[:4]:
        raise UnreadableFile("unreadable_encoding", "UTF-16 or UTF-32 without a mark: set `encoding` of the source")
    if encoding != "utf-8":
        file = io.BufferedReader(_Recoded(file, encoding), HEAD)
    start = file.peek()
    if b"\r" in start and b"\n" not in start:
        file = io.BufferedReader(_WithLineFeeds(file), HEAD)
    return file


def first_undecodable(raw: io.RawIOBase, encoding: str | None) -> tuple[int, int, str]:
    """The line and value of the first byte that is not of a file's encoding, and that encoding."""
    file = io.BufferedReader(raw, HEAD)
    encoding = _passed_mark(file, encoding)
    decoder = codecs.getincrementaldecoder(encoding)()
    line = 1
    while True:
        block = file.read(_BLOCK)
        try:
            line += decoder.decode(block, final=not block).count("\n")
        except UnicodeDecodeError as error:
            before = error.object[: error.start].decode(encoding)
            return line + before.count("\n"), error.object[error.start], encoding
        if not block:
            return line, 0, encoding


def _passed_mark(file: io.BufferedReader[io.RawIOBase], encoding: str | None) -> str:
    """The name of the encoding of a file that is then behind its byte order mark."""
    start = file.peek(4)[:4]
    for mark, marked in _MARKS.items():
        if start.startswith(mark):
            file.read(len(mark))
            return marked
    name = codecs.lookup(encoding or "utf-8").name
    # A name that leaves the order of bytes to the mark has the usual one where there is no mark.
    return {"utf-16": "utf-16-le", "utf-32": "utf-32-le", "utf-8-sig": "utf-8"}.get(name, name)


class _Recoded(io.RawIOBase):
    """A text as UTF-8."""

    def __init__(self, file: io.BufferedReader[io.RawIOBase], encoding: str) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer).cast("B")
        filled = 0
        while filled < len(view):
            if not self._left:
                block = self._file.read(_BLOCK)
                self._left = self._decoder.decode(block, final=not block).encode()
                if not block and not self._left:
                    break
            count = min(len(view) - filled, len(self._left))
            view[filled : filled + count] = self._left[:count]
            self._left = self._left[count:]
            filled += count
        return filled


class _WithLineFeeds(io.RawIOBase):
    """A text in which carriage returns are line feeds."""

    def __init__(self, file: io.BufferedReader[io.RawIOBase]) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer).cast("B")
        block = self._file.read(len(view)).replace(b"\r", b"\n")
        view[: len(block)] = block
        return len(block)
