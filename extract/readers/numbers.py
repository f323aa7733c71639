"""Numbers in all the ways that people write them, for all texts of a column at once."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from extract.profile import Profile

_SMALL_EXPONENT = re.compile(rb"[eE]-[0-9]+[^0-9\w-]")
# What stands before the exponent of a number that begins where a value may begin; of a UUID more stands before it.
_BEFORE_EXPONENT = re.compile(rb"(^|[^\w.-])[+-]?[0-9.]+$")
_LONGEST_BEFORE = 400
_TWO_WAYS = re.compile(rb"(?<![0-9.,])[0-9]{1,3}[.,][0-9]{3}(?![0-9.,])")
_MANY_ZEROS = b".0000000000000"
_FOUR_ZEROS = int.from_bytes(b"0000", "little")
_MOST_PLACES = 1000
_MOST_POWERS = 20  # so that a decimal that is divided by it still is one
_DIGIT, _MINUS, _POINT, _BETWEEN = range(1, 5)
Bytes: TypeAlias = np.ndarray[tuple[int], np.dtype[np.uint8]]
Places: TypeAlias = np.ndarray[tuple[int], np.dtype[np.signedinteger[Any]]]


def may_break_decimals(text: bytes) -> bool:
    """Whether Arrow might misread a decimal in the text: one that begins 39 or more places behind its type's last.

    Arrow 26 then reads a power of ten from behind the end of a table: `1e-77` becomes some other number, `1e-999999999`
    ends the process. It takes a negative exponent, or as many zeros as `_MANY_ZEROS` has for types of 12 decimals.
    """
    # Looking for bytes by fours costs a fraction of `in`; it is seldom that more is to be done.
    for place in _signed_exponents(text):
        if _SMALL_EXPONENT.match(text, place):
            before = text[max(place - _LONGEST_BEFORE, 0) : place]
            if _BEFORE_EXPONENT.search(before):
                return True
    fours = np.frombuffer(text, "<u4", len(text) // 4) == _FOUR_ZEROS
    places = np.flatnonzero(fours[:-1] & fours[1:]) * 4
    if len(places) > _MOST_PLACES:
        return _MANY_ZEROS in text
    return any(_MANY_ZEROS in text[max(place - 8, 0) : place + 16] for place in places.tolist())


def may_be_read_two_ways(text: bytes) -> bool:
    """Whether there may be a number in the text that could be one of thousands or a fraction, such as `1.250`."""
    return _TWO_WAYS.search(text) is not None


def _signed_exponents(text: bytes) -> list[int]:
    """Where `e-` stands behind a digit or a point; a name such as `creative-7` has it behind a letter."""
    bytes_ = np.frombuffer(text, np.uint8)
    places = np.flatnonzero(bytes_[1:] == ord("-"))
    places = places[(bytes_[places] | 0x20) == ord("e")]
    before = bytes_[places - 1]
    is_number = ((before >= ord("0")) & (before <= ord("9"))) | (before == ord("."))
    found: list[int] = places[is_number].tolist()
    return found


def power_of_ten(number: Decimal) -> int | None:
    """Which power of ten a number is, if it is one that only moves the decimal point of what Arrow has."""
    power = number.adjusted()
    return power if 0 <= power <= _MOST_POWERS and number == Decimal(1).scaleb(power) else None


def plain_numbers(texts: pa.StringArray, profile: Profile) -> pa.StringArray | None:
    """Numbers without signs between thousands and with a decimal point, or None if one has anything else in it.

    That digits stand where they should, `convert` decides by a pattern; this is that pattern, for all texts at once.
    """
    bytes_, edges = characters_of(texts)
    kinds = np.zeros(256, np.uint8)
    kinds[list(b"0123456789")] = _DIGIT
    kinds[ord("-")] = _MINUS
    kinds[ord(profile.decimal_sign)] = _POINT
    if profile.thousands_sign is not None and profile.thousands_sign.isascii():
        kinds[ord(profile.thousands_sign)] = _BETWEEN
    kind = kinds.take(bytes_)
    if not kind.all():
        return None
    between = np.flatnonzero(kind == _BETWEEN)
    if len(between) and not _is_grouped(kind, edges, between):
        return None
    plain = bytes_[kind != _BETWEEN]
    if profile.decimal_sign != ".":
        plain[plain == ord(profile.decimal_sign)] = ord(".")
    if may_break_decimals(plain.tobytes()):
        return None
    edges = (edges - np.searchsorted(between, edges)).astype(np.int32)
    valid = texts.is_valid().buffers()[1] if texts.null_count else None
    return pa.StringArray.from_buffers(len(texts), pa.py_buffer(edges), pa.py_buffer(plain), valid, texts.null_count)


def _is_grouped(kind: Bytes, edges: Places, between: Places) -> bool:
    """Whether every sign between thousands has three digits behind it, and one to three before the first one."""
    row = np.searchsorted(edges, between, "right") - 1
    start, end = edges[row], edges[row + 1]
    padded = np.append(kind, np.zeros(4, np.uint8))
    has_three = (padded[between + 1] == _DIGIT) & (padded[between + 2] == _DIGIT) & (padded[between + 3] == _DIGIT)
    has_no_fourth = (padded[between + 4] != _DIGIT) | (between + 4 >= end)
    if not (has_three & has_no_fourth & (between + 4 <= end)).all():
        return False
    is_first = np.append(True, row[1:] != row[:-1])
    if (np.diff(between)[~is_first[1:]] != 4).any():
        return False
    before = between[is_first] - start[is_first] - (kind[start[is_first]] == _MINUS)
    if (before < 1).any() or (before > 3).any():
        return False
    points = np.flatnonzero(kind == _POINT)
    last = np.full(len(edges), -1)
    last[row] = between
    return not (points < last[np.searchsorted(edges, points, "right") - 1]).any()


def shifted(numbers: pa.Array, power: int) -> pa.Array:
    """Numbers divided by a power of ten: the same digits, with more of them behind the point."""
    if pa.types.is_decimal(numbers.type):
        wide = numbers.type.bit_width > 128
        type_ = (pa.decimal256 if wide else pa.decimal128)(76 if wide else 38, numbers.type.scale + power)
        return pa.Array.from_buffers(type_, len(numbers), numbers.buffers(), offset=numbers.offset)
    whole = np.asarray(pc.fill_null(numbers.cast(pa.int64()), 0))
    halves = np.column_stack([whole, whole >> 63])
    shifted = pa.Array.from_buffers(pa.decimal128(38, power), len(whole), [None, pa.py_buffer(halves)])
    return pc.if_else(numbers.is_valid(), shifted, pa.scalar(None, shifted.type))


def characters_of(texts: pa.StringArray) -> tuple[Bytes, Places]:
    """The bytes of all texts, and where each begins and the last one ends."""
    _, offsets, characters = texts.buffers()
    edges = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    bytes_ = np.frombuffer(characters or b"", np.uint8)[edges[0] : edges[-1]]
    return bytes_, edges - edges[0]
