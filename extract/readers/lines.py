"""The lines of a chunk, of which a few can be set aside, so that the others are parsed at once."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from extract.readers.chunks import places_of

Mask: TypeAlias = np.ndarray[tuple[int], np.dtype[np.bool_]]

_MOST_LOOKS = 4, 0.01  # what is set aside one by one: so many lines, and this share of all
_ROW = re.compile(r" in row ([0-9]+)$")
_VALUE = re.compile(
    r"^The string '(.*)' is not a valid decimal[0-9]+ number$"
    r"|couldn't parse:(.*)$"
    r"|^Failed to convert JSON to decimal[0-9]+\([0-9]+, [0-9]+\): (.*) requires scale "
)


class Lines:
    """The lines of a chunk that ends with one.

    Attributes:
        is_odd: Which lines are set aside; at first those that cannot be an object, such as one that is cut off.
    """

    def __init__(self, chunk: bytes) -> None:
        self._chunk = chunk
        self._ends = places_of(b"\n", chunk)
        if not chunk.endswith(b"\n"):
            self._ends = np.append(self._ends, len(chunk))
        self._starts = np.append(0, self._ends[:-1] + 1)
        bytes_ = np.frombuffer(chunk, np.uint8)
        self.is_odd: Mask = (bytes_[self._starts] != ord("{")) | ~_MAY_END[bytes_[self._ends - 1]]

    def __len__(self) -> int:
        """Counts all lines."""
        return len(self._ends)

    @property
    def ends(self) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
        """Where each line ends."""
        return self._ends

    def odd(self) -> dict[int, bytes]:
        """The lines that are set aside, by their place."""
        places = np.flatnonzero(self.is_odd).tolist()
        return {place: self._chunk[self._starts[place] : self._ends[place]] for place in places}

    def kept(self, first: int = 0) -> bytes:
        """The text of the others, from a line on."""
        odd = first + np.flatnonzero(self.is_odd[first:])
        if not first and not len(odd):
            return self._chunk
        starts = [self._starts[first] if first < len(self) else len(self._chunk), *(self._ends[odd] + 1).tolist()]
        ends = [*self._starts[odd].tolist(), len(self._chunk)]
        view = memoryview(self._chunk)
        return b"".join(view[start:end] for start, end in zip(starts, ends, strict=True))

    def set_aside(self, rows: Mask) -> None:
        """Sets lines aside by their places among those that are kept."""
        self.is_odd[np.flatnonzero(~self.is_odd)[rows]] = True

    def set_broken_aside(self, why_not: Callable[[bytes], str | None]) -> bool:
        """Sets those aside that a parser refuses; says whether it takes all the others.

        Args:
            why_not: What Arrow says that is wrong with a text; None if it takes it.
        """
        first, values, looks = 0, 0, _MOST_LOOKS[0] + int(len(self) * _MOST_LOOKS[1])
        for _ in range(looks):
            # What came before the last broken line was parsed already.
            text = self.kept(first)
            why = why_not(text) if text else None
            if why is None:
                return True
            if row := _ROW.search(why):
                left = first + np.flatnonzero(~self.is_odd[first:])
                if int(row[1]) >= len(left):  # a line before it has two objects
                    return False
                place = int(left[int(row[1])])
                self.is_odd[place], first = True, place + 1
            elif values == _MOST_LOOKS[0] or not (value := _VALUE.search(why)):
                return False  # to find a wrong value all the rest is parsed, so only a few are looked for
            elif not self._set_aside_with(next(filter(None, value.groups()), "")):
                return False
            else:
                values += 1
        return False

    def _set_aside_with(self, value: str) -> bool:
        """Sets the lines aside that may have a value, and says whether there were any: not too many, to be worth it."""
        found = set()
        for text in (f'"{value}"', f":{value}", f": {value}"):
            place = self._chunk.find(text.encode())
            while place >= 0:
                found.add(line := int(np.searchsorted(self._ends, place)))
                if len(found) > len(self) // 2:
                    return False
                place = self._chunk.find(text.encode(), int(self._ends[line]))
        new = [line for line in found if not self.is_odd[line]]
        self.is_odd[new] = True
        return bool(new)


_MAY_END = np.zeros(256, np.bool_)
_MAY_END[[*b"} \t\r"]] = True
