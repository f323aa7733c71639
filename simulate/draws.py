"""Random numbers by address: each is a pure function of what it is for and its index.

With a stateful generator, every number depends on all that were drawn before it. Here a day, a row or an event can be
drawn alone and in any order and is always the same, also after numpy changes its own generators.
The mixing is SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, OOPSLA 2014).
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)


def address(*parts: int | str) -> np.uint64:
    """Where the numbers for one purpose begin, such as `address(seed, "click", day.toordinal())`."""
    digest = hashlib.sha256("\x1f".join(map(str, parts)).encode()).digest()
    return np.uint64(int.from_bytes(digest[:8], "little"))


def bits(start: np.uint64, index: NDArray[np.integer]) -> NDArray[np.uint64]:
    """64 random bits for each index."""
    mixed = index.astype(np.uint64)
    mixed += np.uint64(1)
    mixed *= _GOLDEN
    mixed += start
    mixed ^= mixed >> np.uint64(30)
    mixed *= _FIRST
    mixed ^= mixed >> np.uint64(27)
    mixed *= _SECOND
    mixed ^= mixed >> np.uint64(31)
    return mixed


def uniform(start: np.uint64, index: NDArray[np.integer]) -> NDArray[np.float64]:
    """A number in [0, 1) for each index."""
    return (bits(start, index) >> np.uint64(11)).astype(np.float64) * 2.0**-53
