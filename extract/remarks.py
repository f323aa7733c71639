"""What is to be said of records that are read all the same, counted for each file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

UNEXPANDED_MACRO = "unexpanded_macro"
WHOLE_DAY = "whole_day"
AMBIGUOUS_TIME = "ambiguous_time"
NONEXISTENT_TIME = "nonexistent_time"
IDENTICAL_ROW = "identical_row"
REPEATED_HEADER = "repeated_header"
ANOTHER_PAGE = "another_page"
REPEATED_PART = "repeated_part"

_WARNINGS = {
    UNEXPANDED_MACRO: "{} that nobody expanded, such as ${{AUCTION_PRICE}}: what they stand for counts as missing",
    AMBIGUOUS_TIME: "{} in an hour that comes twice when clocks are put back: taken as the first; add the offset",
    NONEXISTENT_TIME: "{} in an hour that is left out when clocks are put forward: is `timezone` of the source right?",
    IDENTICAL_ROW: "{} as another one of the file, without an id: they count once; with `identical_rows: count` each",
    REPEATED_PART: "{} with one id several times in a list, such as that of its imps: the first of them counts",
    ANOTHER_PAGE: "{} that this is one of several pages: drop the others too, or let `api:` of a source ask for all",
}
_COUNTED = {
    IDENTICAL_ROW: ("row is the same", "rows are the same"),
    UNEXPANDED_MACRO: ("macro", "macros"),
    AMBIGUOUS_TIME: ("time", "times"),
    NONEXISTENT_TIME: ("time", "times"),
    REPEATED_PART: ("record", "records"),
    ANOTHER_PAGE: ("key says", "keys say"),
}


class Remarked(NamedTuple):
    """A raw value of which something is to be said.

    Attributes:
        value: The value.
        remark: What, as one word of a list.
    """

    value: object
    remark: str


def warnings(remarks: Mapping[str, int]) -> Iterator[str]:
    """What a person should hear of the remarks on a file."""
    for remark, said in _WARNINGS.items():
        if count := remarks.get(remark, 0):
            one, many = _COUNTED[remark]
            yield said.format(f"1 {one}" if count == 1 else f"{count:,} {many}")
