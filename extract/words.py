"""Which files are loaded: of each name, or of each day, the newest content, and equal contents once.

What a file of a name says last is that name's word. Where the words of several names are equal, the one received first
counts and the others wait; they are loaded when it is replaced. Where files replace days, a file is loaded unless an
equal one still has all its days. A file that cannot be read, or was withdrawn, says nothing.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from extract.days import Days
from extract.landing import LandedUnit


@dataclass(frozen=True)
class Decision:
    """What the ledger says of a file.

    Attributes:
        status: `loaded`; `duplicate`: it waits in landing; `retracted`: it was withdrawn.
        is_word: Whether it replaces what its name said before; one that only says it again does not.
    """

    status: str
    is_word: bool


LOADED = Decision("loaded", is_word=True)
WAITING = Decision("duplicate", is_word=True)
REPEATED = Decision("duplicate", is_word=False)
RETRACTED = Decision("retracted", is_word=False)


@dataclass(frozen=True)
class File:
    """A file in landing.

    Attributes:
        unit: Where, and its receipt number.
        name: What it can replace: its name in Unicode's form NFC, or a part of it, or its path where files never
            replace each other.
        content: The sha256 of what was in it when it was received, after unpacking.
        version: What decides before the receipt which of two files of a name is newer: the rest of its name.
    """

    unit: LandedUnit
    name: str
    content: str
    version: str = ""


class Words:
    """What each name says, after files were added in the order of their receipt numbers."""

    def __init__(self) -> None:
        self._said: dict[str, list[File]] = {}  # by name: the first file with its content of now, and its repetitions
        self._names: dict[str, set[str]] = {}  # by content
        self._alike: dict[str, str] = {}  # by what is left of a name without case and blanks: the first such name

    def add(self, file: File) -> Decision:
        """Adds the next file, and gives what it is now; a later one can change that."""
        self._alike.setdefault(_folded(file.name), file.name)
        said = self._said.get(file.name)
        if said and said[0].version > file.version:
            return LOADED  # what it says was replaced before it came
        if said and said[0].version == file.version and said[0].content == file.content:
            said.append(file)
            return REPEATED
        if said:
            self._names[said[0].content].discard(file.name)
        others = self._names.setdefault(file.content, set())
        decision = WAITING if others else LOADED
        others.add(file.name)
        self._said[file.name] = [file]
        return decision

    def what_if(self, file: File) -> Decision:
        """What the next file would be."""
        said = self._said.get(file.name)
        if said and said[0].version > file.version:
            return LOADED
        if said and said[0].version == file.version and said[0].content == file.content:
            return REPEATED
        others = self._names.get(file.content, set()) - {file.name}
        return WAITING if others else LOADED

    def decided(self) -> Iterator[tuple[File, Decision]]:
        """What every file is that says what its name says now."""
        for names in self._names.values():
            first = min((self._said[name][0].unit for name in names), default=None)
            for word, *repeated in (self._said[name] for name in names):
                yield word, LOADED if word.unit == first else WAITING
                for file in repeated:
                    yield file, REPEATED

    def knows(self, name: str) -> bool:
        """Whether the name said something."""
        return name in self._said

    def alike(self, name: str) -> str | None:
        """Another name that differs only in case or blanks; None too if this very name is known."""
        return None if name in self._said else self._alike.get(_folded(name))


class DayWords:
    """What each day says, after files were added in the order of their receipt numbers."""

    def __init__(self, days: Mapping[str, Days]) -> None:
        """Takes the days of every content that was ever loaded; more may come to be known."""
        self._days = days
        self._decided: list[tuple[File, Decision]] = []
        self._contents: set[str] = set()
        self._said: dict[tuple[str, date], str] = {}  # the content that has the day now

    def add(self, file: File) -> Decision:
        """Adds the next file, and gives what it is."""
        decision = self.what_if(file)
        self._decided.append((file, decision))
        if decision == LOADED:
            self._contents.add(file.content)
            self._said.update(dict.fromkeys(self._days.get(file.content, ()), file.content))
        return decision

    def what_if(self, file: File) -> Decision:
        """What the next file would be."""
        stands = all(self._said.get(day) == file.content for day in self._days.get(file.content, ()))
        return REPEATED if file.content in self._contents and stands else LOADED

    def decided(self) -> Iterator[tuple[File, Decision]]:
        """What every file is; one that is loaded may have lost its days since."""
        yield from self._decided

    def knows(self, name: str) -> bool:
        """Whether the name said something: never, as a name means nothing here."""
        return False

    def alike(self, name: str) -> str | None:
        """Another name that this one may stand for: never."""
        return None


def plain_name(name: str) -> str:
    """A name in the form in which two names are compared."""
    return unicodedata.normalize("NFC", name)


def _folded(name: str) -> str:
    return "".join(name.casefold().split())
