"""What lies deeper in a record: an object or a list as JSON text, in which what is known is cast as fields are."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache

from extract.convert import RecordRejected, as_written, canonical_fast, object_of
from extract.remarks import REPEATED_PART, Remarked
from extract.schema import DECIMAL_PLACES, FieldType, Parts

Convert = Callable[[object], object]
Treat = Callable[[object], object]
_MOST_KNOWN, _LONGEST_KNOWN = 16_384, 2_048  # texts, and bytes of what they were made of


def nested_converter(parts: Parts, converter: Callable[[FieldType, bool], Convert], treat: Treat) -> Convert:
    """How an object or a list, or the JSON text of one, becomes canonical text; one without anything is null.

    Known members become texts that say the same whatever format they came in: a price has its six decimals. A null,
    blank or empty member counts as a missing one.

    Args:
        parts: What is known of its members.
        converter: How a value becomes that of a type, given also whether it is an id.
        treat: Replaces what is private in it.

    What it gives raises `RecordRejected`, which names a member by its path below the field: `missing_field`, or why a
    value is not of its type.
    """
    caster = _Caster(parts, converter)
    known: dict[bytes, object] = {}

    def convert(value: object) -> object:
        found = object_of(value)
        if found is None:
            return None
        # Sites, devices, users and floors come again and again, and to tell that they do is cheap.
        key = pickle.dumps(found, pickle.HIGHEST_PROTOCOL)
        if key in known:
            return known[key]
        remarks: list[str] = []
        cast = caster.cast(treat(found), "", remarks)
        text = None if cast == {} else canonical_fast(cast)
        if len(known) >= _MOST_KNOWN:
            known.clear()
        made = Remarked(text, remarks[0]) if remarks else text
        if len(key) <= _LONGEST_KNOWN:
            known[key] = made
        return made

    return convert


class _Caster:
    """Casts the members of an object, or of each object in a list."""

    def __init__(self, parts: Parts, converter: Callable[[FieldType, bool], Convert]) -> None:
        self._key = parts.key
        self._converters: Mapping[str, Convert] = {
            name: _remembering(converter(one, name in parts.ids))
            for name, one in parts.fields.items()
            if isinstance(one, FieldType)
        }
        self._inner = {name: _Caster(one, converter) for name, one in parts.fields.items() if isinstance(one, Parts)}

    def cast(self, value: object, path: str, remarks: list[str]) -> dict[str, object] | list[object]:
        """What raw has of a value; `path` is where it is, and ends with a point."""
        if self._key is None:
            if not isinstance(value, dict):
                raise _rejected("wrong_type", path, value)
            return self._members(value, path, remarks)
        if not isinstance(value, list):
            raise _rejected("wrong_type", path, value)
        found: list[object] = []
        keys = set()
        for number, one in enumerate(value):
            place = f"{path}{number}."
            if not isinstance(one, dict):
                raise _rejected("wrong_type", place, one)
            members = self._members(one, place, remarks)
            if self._key not in members:
                raise RecordRejected("missing_field", f"{place}{self._key}")
            keys.add(members[self._key])
            found.append(members)
        if len(keys) < len(found):
            remarks.append(REPEATED_PART)
        return found

    def _members(self, value: Mapping[str, object], path: str, remarks: list[str]) -> dict[str, object]:
        found: dict[str, object] = {}
        for name, one in value.items():
            if one is None:
                continue
            if convert := self._converters.get(name):
                try:
                    cast = convert(one)
                except RecordRejected as why:
                    raise _rejected(why.reason, f"{path}{name}.", one) from None
                if isinstance(cast, Remarked):
                    remarks.append(cast.remark)
                    cast = cast.value
                kept = _text(cast)
            elif inner := self._inner.get(name):
                kept = inner.cast(one, f"{path}{name}.", remarks)
            else:
                kept = _present(one)
            if not _is_nothing(kept):
                found[name] = kept
        return found


def _remembering(convert: Convert) -> Convert:
    """The same, but for a value that came before it is not asked again."""
    remembered = lru_cache(maxsize=4_096, typed=True)(convert)
    return lambda value: convert(value) if isinstance(value, dict | list) else remembered(value)


def _rejected(reason: str, path: str, value: object) -> RecordRejected:
    return RecordRejected(reason, path.rstrip(".") or None, as_written(value))


def _text(value: object) -> object:
    return f"{value:.{DECIMAL_PLACES}f}" if isinstance(value, Decimal) else None if value is None else str(value)


def _present(value: object) -> object:
    """The value without members that say nothing."""
    match value:
        case dict():
            members = {name: _present(one) for name, one in value.items()}
            return {name: one for name, one in members.items() if not _is_nothing(one)}
        case list():
            return [_present(one) for one in value]
        case _:
            return value


def _is_nothing(value: object) -> bool:
    return value is None or value == {} or (isinstance(value, str) and not value.strip())
