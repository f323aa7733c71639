"""A JSON document: an object around the list of its records, such as a page of an API that somebody saved."""

from __future__ import annotations

import json
from collections.abc import Iterator

from extract.readers.json_text import TOKEN, record
from extract.readers.more import more_of
from extract.readers.unreadable import UnreadableFile
from extract.records import RecordShape, value_at
from extract.schema import FieldType

USUAL_PLACES = ("data", "records", "results", "items")


def start_of_records(head: bytes, shape: RecordShape) -> int | None:
    """Where the list of records begins in a JSON file, behind its bracket; None if the file has a record a line.

    Args:
        head: How the file begins.
        shape: How its records are written.

    Raises:
        UnreadableFile: `no_records`: it is one document, and its records are not where they should be.
    """
    text = head.lstrip()
    start, said = len(head) - len(text), shape.profile.records
    if text.startswith(b"["):
        return start + 1
    if not text.startswith(b"{"):
        return None
    line, _, rest = text.partition(b"\n")
    value = record(line)
    if isinstance(value, dict) and (rest.strip() or (said is None and _is_record(value, shape))):
        return None
    if isinstance(value, dict) and said is not None and isinstance(value_at(value, said), dict):
        return None
    wanted = USUAL_PLACES if said is None else (said,)
    ours = shape.possible_names
    found = [(path, place) for path, place in _lists(text) if not {path, path.partition(".")[0]} & ours]
    places = [(path, place) for path, place in found if path in wanted]
    if len(places) == 1:
        return start + places[0][1]
    is_over_lines = not isinstance(value, dict) and rest.lstrip()[:1] in (b'"', b"}", b"[", b"]")
    if is_over_lines or (isinstance(value, dict) and (found or said is not None)):
        raise UnreadableFile("no_records", _told(wanted, [path for path, _ in places or found]))
    return None


def check_document(around: bytes, shape: RecordShape) -> int:
    """Checks what is around the records of a document, in which their list is empty.

    Returns:
        How many keys say that there is another page.

    Raises:
        UnreadableFile: `broken_json`, or `no_records` if records may be in another place too.
    """
    try:
        document = json.loads(around)
    except (ValueError, RecursionError):
        raise UnreadableFile("broken_json", "what is around the records is not valid JSON") from None
    if shape.profile.records is None and isinstance(document, dict):
        others = [key for key in USUAL_PLACES if isinstance(document.get(key), list) and document[key]]
        if others:
            raise UnreadableFile("no_records", _told(USUAL_PLACES, others))
    return len(more_of(document, (), ()).signs) if isinstance(document, dict) else 0


def _told(wanted: tuple[str, ...], found: list[str]) -> str:
    said = f"it is one JSON document without one list of records under {' or '.join(wanted)}"
    return f"{said}; set `records` of the source, perhaps to {' or '.join(dict.fromkeys(found))}" if found else said


def _is_record(value: dict[str, object], shape: RecordShape) -> bool:
    """Whether an object has a field that records must have; a date alone is that of a page."""
    fields, shape = shape.type.fields, shape.settled(value)
    sought = [name for name in shape.type.required or fields if fields[name] != FieldType.DATE]
    return any(value_at(value, shape.names[name]) is not None for name in sought if name in shape.names)


def _lists(text: bytes) -> Iterator[tuple[str, int]]:
    """The lists of objects, and the empty ones, that lie in no other list: their paths, and where they begin."""
    steps: list[str | None] = []  # a key of each object that is open, null for a list
    is_key = False
    for token in TOKEN.finditer(text):
        match token[0]:
            case b"{":
                steps.append("")
                is_key = True
            case b"[":
                behind = text[token.end() : token.end() + 256].lstrip()
                if None not in steps and behind[:1] in (b"{", b"]"):
                    yield ".".join(step or "" for step in steps), token.end()
                steps.append(None)
                is_key = False
            case b"}" | b"]":
                steps.pop()
                if not steps:
                    return
            case b",":
                is_key = bool(steps) and steps[-1] is not None
            case b'"':
                return
            case key if is_key:
                steps[-1] = _key(key)
                is_key = False


def _key(text: bytes) -> str:
    try:
        return str(json.loads(text))
    except ValueError:
        return ""
