"""What events have more than other records, for all texts of a column at once: times, words for nobody, and macros."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from extract.convert import MACRO, NOBODY, NULL_IDS, UUID
from extract.readers.numbers import Bytes, Places, characters_of

Mask: TypeAlias = np.ndarray[tuple[int], np.dtype[np.bool_]]

_MICROSECONDS = {10: 1_000_000, 13: 1_000, 16: 1}  # by how many digits a time since 1970 has
_SHORTEST_TIME = len("2026-11-28T10:00:00")
# Of these years every engine and every calendar says the same.
_FIRST, _LAST = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp() * 1e6) for year in (1970, 2200))
_NULL_IDS = pa.array(sorted(NULL_IDS), pa.string())
_LONGEST_NULL_ID = max(map(len, NULL_IDS))
_MACRO = f"^({MACRO})$"
_NOBODY, _UUID = f"^({NOBODY})$", f"^({UUID})$"


def instants(texts: pa.StringArray, *, is_utc: bool) -> pa.Array | None:
    """Times as microseconds since 1970, if all are written in one of the usual ways; else None.

    Args:
        texts: The times.
        is_utc: Whether a time that names no zone is UTC.
    """
    bytes_, edges = characters_of(texts)
    lengths = np.diff(edges)
    has_text = lengths > 0
    if np.count_nonzero(has_text) + texts.null_count != len(texts) or not has_text.any():
        return None
    starts, lengths = edges[:-1][has_text], lengths[has_text]
    shortest, longest = int(lengths.min()), int(lengths.max())
    try:
        if shortest == longest and shortest in _MICROSECONDS:
            if not ((bytes_ >= ord("0")) & (bytes_ <= ord("9"))).all():
                return None
            found = pc.multiply(texts.cast(pa.int64()), _MICROSECONDS[shortest])
        elif shortest >= _SHORTEST_TIME and _is_dashed(bytes_, starts):
            says_utc = bytes_[starts + lengths - 1] == ord("Z")
            if says_utc.all():
                found = texts.cast(pa.timestamp("us", "UTC")).cast(pa.int64())
            elif is_utc and not says_utc.any() and longest <= _SHORTEST_TIME + len(".123456"):
                found = texts.cast(pa.timestamp("us")).cast(pa.int64())
            else:
                return None
        else:
            return None
    except pa.ArrowInvalid:
        return None
    bounds = pc.min_max(found).as_py()
    return found if bounds["min"] >= _FIRST and bounds["max"] < _LAST else None


def _is_dashed(bytes_: Bytes, starts: Places) -> bool:
    """Whether every text begins like 2026-11-28T10:00:00."""
    signs = ((4, b"-"), (7, b"-"), (10, b"T "), (13, b":"), (16, b":"))
    return all(np.isin(bytes_[starts + place], list(sign)).all() for place, sign in signs)


def known_ids(texts: pa.StringArray) -> tuple[pa.StringArray, int]:
    """Trimmed ids without the words for nobody and macros, and how many of these there were."""
    may_be = _begin_with(texts, b"-nNuU([$%{_")
    if may_be is None:
        return texts, 0
    few = texts.filter(pa.array(may_be))
    is_word = pc.and_(pc.less_equal(pc.binary_length(few), _LONGEST_NULL_ID), pc.is_in(pc.utf8_lower(few), _NULL_IDS))
    is_macro = pc.and_not(pc.match_substring_regex(few, _MACRO), is_word)
    return _without(texts, may_be, pc.or_(is_word, is_macro)), is_macro.true_count


def known_people(texts: pa.StringArray) -> tuple[pa.StringArray, int]:
    """Like `known_ids`, of people and devices: also without what is nobody, and with UUIDs in small letters."""
    texts, macros = known_ids(texts)
    if (may_be := _begin_with(texts, b"-0")) is not None:
        few = texts.filter(pa.array(may_be))
        texts = _without(texts, may_be, pc.match_substring_regex(few, _NOBODY))
    bytes_, _ = characters_of(texts)
    if ((bytes_ >= ord("A")) & (bytes_ <= ord("F"))).any():
        texts = pc.if_else(pc.match_substring_regex(texts, _UUID), pc.ascii_lower(texts), texts)
    return texts, macros


def without_macros(texts: pa.StringArray) -> tuple[pa.StringArray, int]:
    """Texts without macros, and how many of these there were."""
    may_be = _begin_with(texts, b"[$%{_ \t")
    if may_be is None:
        return texts, 0
    is_macro = pc.match_substring_regex(pc.utf8_trim_whitespace(texts.filter(pa.array(may_be))), _MACRO)
    return _without(texts, may_be, is_macro), is_macro.true_count


def _begin_with(texts: pa.StringArray, signs: bytes) -> Mask | None:
    """Which texts begin with one of these bytes; None if none does."""
    bytes_, edges = characters_of(texts)
    wanted = np.zeros(256, np.bool_)
    wanted[[*signs]] = True
    has_text = edges[:-1] < edges[1:]
    found = np.zeros(len(texts), np.bool_)
    found[has_text] = wanted.take(bytes_.take(edges[:-1][has_text]))
    return found if found.any() else None


def _without(texts: pa.StringArray, may_be: Mask, is_null: pa.BooleanArray) -> pa.StringArray:
    """The texts, null where the one of those that may be is."""
    if not is_null.true_count:
        return texts
    mask = np.zeros(len(texts), np.bool_)
    mask[may_be] = is_null
    return pc.if_else(pa.array(mask), pa.scalar(None, pa.string()), texts)
