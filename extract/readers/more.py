"""What says in a page that there is more than came: signs of another page, and counts of all records and pages."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

# Names as APIs have them, letters alone and in small ones. Meta's `cursors.after` is none: its last page has it too.
_ANOTHER_PAGE = re.compile(
    "(has)?(more|additional)(data|items|pages|records|results|rows)?(available)?|(is)?truncated"
    "|(has)?(odata)?next(batch|continuation|pages?|pagination|records?|results?|start)?"
    "(cursor|cursormark|href|id|key|link|marker|offset|start|token|uri|url)?"
    "|continuation(token)?|cursor|lastevaluatedkey|pagination(key|token)|scrollid|token"
)
_NO_OTHER_PAGE = re.compile("(is)?(done|end|finished|last|lastpage)|endofresults")
_PAGES = re.compile("pages?(count|total)|pages|(last|max|num|numberof|total)pages?(count)?")
_RECORDS = re.compile(
    "total(number|num|of)?(elements|entries|hits|items?|objects|records?|results?|rows?)?(count|found|size)?"
    "|(items?|odata|records?|results?|rows?)(count|total)|num(found|items|records|results|rows)|count"
)
# These may count anything, unless they stand at the top or in an object about pages.
_RECORDS_IF_ABOUT_PAGES = {"total", "count"}
_ABOUT_PAGES = re.compile("pag|meta|cursor|result")
_NO = {"", "0", "false", "no", "none", "null"}


@dataclass(frozen=True)
class More:
    """What a page says of more than it has, each by the dotted path of the key that says so.

    Attributes:
        signs: What says that there is another page.
        records: How many records there are in all.
        pages: How many pages there are.
    """

    signs: tuple[str, ...] = ()
    records: Mapping[str, int] = field(default_factory=dict)
    pages: Mapping[str, int] = field(default_factory=dict)


def more_of(around: Mapping[str, object], followed: Collection[str | None], ignored: Collection[str]) -> More:
    """What an object says of more, but for paths that are followed, and paths and names that mean nothing."""
    signs: list[str] = []
    records: dict[str, int] = {}
    pages: dict[str, int] = {}
    for place, members, name, value in _members(around, ""):
        path, plain = f"{place}{name}", _letters(name)
        if {name, path} & {*ignored} or any(f"{one}.".startswith(f"{path}.") for one in followed):
            continue
        number = whole_number(value)
        is_not_last = _NO_OTHER_PAGE.fullmatch(plain) and (value is False or value == "false")
        if is_not_last or (_ANOTHER_PAGE.fullmatch(plain) and says_yes(value)):
            signs.append(path)
        elif number is not None and _PAGES.fullmatch(plain):
            pages[path] = number
        elif number is not None and _RECORDS.fullmatch(plain) and _counts_all(plain, place, members):
            records[path] = number
    return More(tuple(signs), records, pages)


def says_yes(value: object) -> bool:
    """Whether a value says that there is something: neither null nor empty, zero or no."""
    if isinstance(value, dict):
        return any(map(says_yes, value.values()))
    return value.strip().lower() not in _NO if isinstance(value, str) else bool(value)


def whole_number(value: object) -> int | None:
    """A count, which may be text."""
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value.strip()):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _members(around: Mapping[str, object], place: str) -> Iterator[tuple[str, Mapping[str, object], str, object]]:
    """Every member of an object and of those in it: the path of its object, that, its name and value.

    Of a list only links are looked at, by what they say they lead to.
    """
    for name, value in around.items():
        yield place, around, name, value
        if isinstance(value, dict):
            yield from _members(value, f"{place}{name}.")
        for link in value if isinstance(value, list) else ():
            if isinstance(link, dict) and link.get("rel") == "next":
                yield f"{place}{name}.", link, "next", link


def _counts_all(plain: str, place: str, members: Mapping[str, object]) -> bool:
    """Whether a count is of all records; beside a start, `count` is of those that were asked for."""
    if plain not in _RECORDS_IF_ABOUT_PAGES:
        return True
    is_of_a_page = plain == "count" and "start" in members
    return not is_of_a_page and (not place or bool(_ABOUT_PAGES.search(place.lower())))


def _letters(name: str) -> str:
    return re.sub(r"^x-|[^a-z]", "", name.lower())
