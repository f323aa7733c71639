"""One answer of a campaign API: a page with its records inside, or a bare JSON array of them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from extract.convert import RecordRejected
from extract.readers.json_text import JsonArray, elements, record, start_of_array
from extract.records import Batch, RecordShape, convert_records, renumbered

_BOM = b"\xef\xbb\xbf"
# What APIs call a page that follows, beside a link `next`: letters alone, in small ones.
_SIGNS_OF_MORE = {
    *("hasmore", "hasmorepages", "hasnext", "hasnextpage"),
    *("nextcursor", "nextlink", "nextoffset", "nextpage", "nextpagetoken", "nexttoken", "nexturl", "odatanextlink"),
}


class BadAnswer(Exception):  # noqa: N818 - it is the answer that is bad
    """The API answered with something else than a page; says what, without quoting it."""


@dataclass(frozen=True)
class Page:
    """What a page says: its records, what it says about itself (None: nothing), and whether another follows."""

    batch: Batch
    total: int | None
    pages: int | None
    page: int | None
    date: date | None
    next: str | None
    has_more: bool


def read_page(payload: bytes, shape: RecordShape, fields: Mapping[str, str], first_position: int = 1) -> Page:
    """Reads one page.

    Args:
        payload: The body of the answer.
        shape: How its records are written.
        fields: What the API calls `records`, `total`, `pages`, `page` and `next`, where it differs.
        first_position: The number of the page's first record.

    Raises:
        BadAnswer: It is not JSON, has no records in their place, or contradicts itself.
    """
    reader = JsonArray(shape)
    payload = payload.removeprefix(_BOM).strip()
    key = fields.get("records", "records")
    start = _start_of_records(payload, key)
    batch, end = _records(payload, start, reader)
    # The records are right by themselves; with none in their place, what is around them must be right too.
    try:
        around = json.loads(payload[:start] + payload[end:], object_pairs_hook=_each_once)
    except ValueError:
        raise BadAnswer("it is not JSON") from None
    except RecursionError:
        raise BadAnswer("it nests too deeply") from None
    batch = renumbered(batch, first_position - 1)
    if around == []:
        return Page(batch, None, None, None, None, None, has_more=False)
    if around.get(key) != []:
        raise BadAnswer("its records are not where they should be")
    try:
        day = around.get("date")
        next_ = _next(around.get(fields.get("next", "next")))
        return Page(
            batch=batch,
            total=_number(around, fields, "total", least=0),
            pages=_number(around, fields, "pages", least=1),
            page=_number(around, fields, "page", least=1),
            date=None if day is None else date.fromisoformat(day),
            next=next_,
            has_more=next_ is not None or _has_sign_of_more(around),
        )
    except (ValueError, TypeError):
        raise BadAnswer("what it says about itself has the wrong types") from None


def page_elements(payload: bytes, key: str) -> list[bytes]:
    """The text of each record of a page, under this key or in a bare array.

    Raises:
        BadAnswer: There are no records.
    """
    payload = payload.removeprefix(_BOM).strip()
    payload = payload[_start_of_records(payload, key) :]
    found = [(payload[start : end - 1], closes) for start, end, closes in elements(payload)]
    return [element for element, closes in found if element.strip() or not closes]


def _start_of_records(payload: bytes, key: str) -> int:
    if payload.startswith(b"["):
        return 1
    if (start := start_of_array(payload, key)) is not None:
        return start
    raise BadAnswer("it is neither a JSON array nor an object with records" if payload else "it is empty")


def _each_once(members: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(members)
    if len(found) < len(members):
        raise BadAnswer("a key comes twice in it")
    return found


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


def _number(around: Mapping[str, object], fields: Mapping[str, str], name: str, least: int) -> int | None:
    value = around.get(fields.get(name, name))
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError
    if value < least:
        raise BadAnswer(f"its `{name}` is {value}")
    return value


def _next(value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise TypeError
    return value or None


def _has_sign_of_more(around: Mapping[str, object]) -> bool:
    """Whether a page says in any of the usual ways, itself or in an object such as `paging`, that another follows."""
    inside = [members for members in around.values() if isinstance(members, dict)]
    signs = [(name, value) for members in (around, *inside) for name, value in members.items() if value]
    return any(re.sub(r"[^a-z]", "", name.lower()) in _SIGNS_OF_MORE for name, _ in signs) or any(
        members.get("next") for members in inside
    )
