"""One answer of an API: a page with its records inside, or a bare JSON array of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from extract.convert import RecordRejected
from extract.http.profile import NO_RECORDS, ApiProfile, found_at
from extract.readers.json_text import JsonArray, elements, record, start_of_array
from extract.readers.more import More, more_of, says_yes, whole_number
from extract.records import Batch, RecordShape, convert_records

_BOM = b"\xef\xbb\xbf"


class BadAnswer(Exception):  # noqa: N818 - it is the answer that is bad
    """The API answered with something else than a page; says what, without quoting it."""


@dataclass(frozen=True)
class Page:
    """What a page says: its records, and about itself what the profile looks for (None: nothing).

    Attributes:
        batch: Its records.
        total: How many records there are in all.
        pages: How many pages there are.
        page: Which one it is.
        date: Which day it is about.
        next: The cursor of the next page, or the link to it.
        has_more: Whether it says that another one follows, where the profile looks for that.
        more: What else says that there is more.
    """

    batch: Batch
    total: int | None = None
    pages: int | None = None
    page: int | None = None
    date: date | None = None
    next: str | int | None = None
    has_more: bool | None = None
    more: More = field(default_factory=More)


def read_page(payload: bytes, shape: RecordShape, api: ApiProfile, headers: Mapping[str, str] | None = None) -> Page:
    """Reads one page.

    Args:
        payload: The body of the answer.
        shape: How its records are written.
        api: Where it says what.
        headers: What headers say beside it.

    Raises:
        BadAnswer: It is not JSON, has no records in their place, or contradicts itself.
    """
    batch, around = _parted(payload, shape, api)
    headers = headers or {}
    if isinstance(around, list):
        return Page(batch, more=more_of(headers, (), ()))
    paging = api.paging
    followed = {api.total, api.pages, api.page, api.records, paging.has_more}
    if paging.type in ("cursor", "json_link"):
        followed.add(paging.path)
    return Page(
        batch=batch,
        total=_number(around, api.total, least=0),
        pages=_number(around, api.pages, least=min(1, len(batch))),
        page=_number(around, api.page, least=paging.first) if paging.type == "page_number" else None,
        date=_date(around, api.day),
        next=_next(around, api),
        has_more=says_yes(found_at(paging.has_more, around)) if paging.has_more else None,
        more=more_of({**headers, **around}, followed, api.ignored),
    )


def records_of_page(payload: bytes, shape: RecordShape, api: ApiProfile) -> Batch:
    """Reads the records alone of a page that was read before; what it says about itself was checked then.

    Raises:
        BadAnswer: It has no records in their place.
    """
    return _parted(payload, shape, api)[0]


def page_elements(payload: bytes, place: str) -> list[bytes]:
    """The text of each record of a page, at this place or in a bare array.

    Raises:
        BadAnswer: There are no records.
    """
    payload = payload.removeprefix(_BOM).strip()
    start = _start_of_records(payload, place)
    if start is None:
        raise BadAnswer("it has no records")
    payload = payload[start:]
    found = [(payload[start : end - 1], closes) for start, end, closes in elements(payload)]
    return [element for element, closes in found if element.strip() or not closes]


def _parted(payload: bytes, shape: RecordShape, api: ApiProfile) -> tuple[Batch, Mapping[str, object] | list[object]]:
    """The records of a page, and what is around them: an object, or an empty list."""
    reader = JsonArray(shape)
    payload = payload.removeprefix(_BOM).strip()
    start = _start_of_records(payload, api.records)
    if start is None:
        return _no_records(shape), _around_no_records(payload, api)
    batch, end = _records(payload, start, reader)
    # The records are right by themselves; with none in their place, what is around them must be right too.
    around = _parsed(payload[:start] + payload[end:])
    if around == []:
        return batch, []
    if not isinstance(around, dict) or found_at(api.records, around) != []:
        raise BadAnswer("its records are not where they should be")
    return batch, around


def _around_no_records(payload: bytes, api: ApiProfile) -> Mapping[str, object]:
    """A page that has no list of records, if that means that there are none."""
    if not payload:
        raise BadAnswer("it is empty")
    around = _parsed(payload)
    if not isinstance(around, dict):
        raise BadAnswer("it is neither a JSON array nor an object with records")
    if not around or (found_at(api.records, around) is None and _has(api.records, around)):
        return around
    lists = [*_lists(around, "")]
    if NO_RECORDS in api.empty and not lists and found_at(api.records, around) is None:
        return around
    elsewhere = f"; if the list at `{lists[0]}` is that, set `records` to `{lists[0]}`" if lists else ""
    raise BadAnswer(f"it is an object without a list of records at `{api.records}`{elsewhere}")


def _has(place: str, around: Mapping[str, object]) -> bool:
    """Whether a place is there, whatever its value."""
    parent, _, name = place.rpartition(".")
    members = found_at(parent, around) if parent else around
    return place in around or (isinstance(members, dict) and name in members)


def _lists(around: Mapping[str, object], place: str) -> Iterator[str]:
    """Where an object has lists of objects, itself or in other objects."""
    for name, value in around.items():
        if isinstance(value, dict):
            yield from _lists(value, f"{place}{name}.")
        elif isinstance(value, list) and any(isinstance(one, dict) for one in value):
            yield f"{place}{name}"


def _start_of_records(payload: bytes, place: str) -> int | None:
    return 1 if payload.startswith(b"[") else start_of_array(payload, place)


def _parsed(text: bytes) -> object:
    try:
        return json.loads(text, object_pairs_hook=_each_once)
    except ValueError:
        raise BadAnswer("it is HTML or XML, and not JSON" if text.startswith(b"<") else "it is not JSON") from None
    except RecursionError:
        raise BadAnswer("it nests too deeply") from None


def _each_once(members: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(members)
    if len(found) < len(members):
        raise BadAnswer("a key comes twice in it")
    return found


def _no_records(shape: RecordShape) -> Batch:
    return convert_records((), shape)


def _records(payload: bytes, start: int, reader: JsonArray) -> tuple[Batch, int]:
    """The records of the array that begins there, and where the bracket that closes it stands."""
    # Nearly always it is the last bracket of all; if not, or if a record is odd, look closely.
    end = payload.rfind(b"]", start)
    if end >= 0 and (batch := reader.whole(payload[start:end])) is not None:
        return batch, end
    values: list[object] = []
    for first, last, closes in elements(payload[start:]):
        text = payload[start + first : start + last - 1]
        if text.strip() or not closes or values:
            try:
                values.append(record(text))
            except UnicodeDecodeError:
                raise BadAnswer("it is not UTF-8") from None
            if isinstance(values[-1], RecordRejected) and values[-1].reason == "broken_json":
                break
        if closes:
            end = start + last - 1
            batch = reader.whole(payload[start:end])
            return batch if batch is not None else convert_records(values, reader.shape), end
    raise BadAnswer("it is not JSON")


def _number(around: Mapping[str, object], place: str | None, least: int) -> int | None:
    value = found_at(place, around) if place else None
    if value is None:
        return None
    if (number := whole_number(value)) is None:
        raise _wrong_type(place, "whole number")
    if number < least:
        raise BadAnswer(f"its `{place}` is {number}")
    return number


def _date(around: Mapping[str, object], place: str | None) -> date | None:
    value = found_at(place, around) if place else None
    try:
        return None if value is None else date.fromisoformat(value)  # type: ignore[arg-type]
    except (ValueError, TypeError):
        raise _wrong_type(place, "day") from None


def _wrong_type(place: str | None, wanted: str) -> BadAnswer:
    return BadAnswer(f"what it says about itself has the wrong types: its `{place}` is no {wanted}")


def _next(around: Mapping[str, object], api: ApiProfile) -> str | int | None:
    """The cursor of the next page, or the link to it."""
    paging = api.paging
    if paging.type not in ("page_number", "cursor", "json_link"):
        return None
    value = found_at(paging.path, around)
    if paging.type == "cursor" and isinstance(value, int) and not isinstance(value, bool):
        return value or None  # in a body it goes back as the number that it is
    if value is not None and not isinstance(value, str):
        raise _wrong_type(paging.path, "text")
    return value or None
