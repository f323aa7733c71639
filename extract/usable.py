"""Whether what was read can be used: a file or fetch that is mostly unreadable must not replace a good one."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow.compute as pc

from extract.records import Batch, RejectedRecord
from extract.rejection import explain_rejection, type_of_field
from extract.schema import Kind

FEW = 10  # so many records may be wrong, whatever their share
MOST_EXAMPLES = 3  # in full words
MOST_VALUES_SHOWN, LONGEST_SHOWN = 20, 40  # examples, and characters of the later ones
MOST_FOOTERS = 50  # lines about the report behind its table
NO_RECORDS = ("total_row", "repeated_header")


class Unusable(Exception):  # noqa: N818 - it is the unit that is named
    """Too many records of a unit cannot be read; the message says how many and gives examples."""


class Tally:
    """Counts the records of a unit that can be read, and remembers a few that cannot."""

    def __init__(self, fields: Mapping[str, str], most_rejected: float) -> None:
        """Takes our names of fields → the source's, where they differ, and the largest share that may be unreadable."""
        self._fields = fields
        self._most_rejected = most_rejected
        self._read = self._loaded = self._unreadable = 0
        self._last = 0  # the number of the last record that can be loaded
        self._short: list[int] = []
        self._examples: list[tuple[Kind, RejectedRecord]] = []

    def add(self, kind: Kind, batch: Batch) -> None:
        """Adds the next records."""
        unreadable = [one for one in batch.rejected if one.reason not in NO_RECORDS]
        self._read += batch.records.num_rows + len(batch.rejected)
        self._loaded += batch.records.num_rows
        self._last = max(self._last, pc.max(batch.records.column("_position")).as_py() or 0)
        self._unreadable += len(unreadable)
        short = [one.position for one in unreadable if one.is_short]
        self._short += short[: MOST_FOOTERS + 1 - len(self._short)]
        self._examples += [(kind, one) for one in unreadable[: MOST_VALUES_SHOWN - len(self._examples)]]

    def include(self, other: Tally) -> None:
        """Adds what another tally has counted."""
        self._read += other._read
        self._loaded += other._loaded
        self._unreadable += other._unreadable
        self._examples += other._examples[: MOST_VALUES_SHOWN - len(self._examples)]

    def check(self) -> None:
        """Says so if the unit is not to be used.

        It is not if no record can be loaded, or if the share of unreadable ones is too large: those are more than ten,
        or most of more than ten records. A few short lines behind the last record are about the report: not counted.

        Raises:
            Unusable: Too many records cannot be read.
        """
        footers = sum(place > self._last for place in self._short) if len(self._short) <= MOST_FOOTERS else 0
        read, unreadable = self._read - footers, self._unreadable - footers
        is_many = unreadable > FEW or (read > FEW and unreadable * 2 > read)
        is_too_many = is_many and unreadable > self._most_rejected * read
        if is_too_many or (self._read and not self._loaded):
            raise Unusable(f"{self._unreadable:,} of {self._read:,} records cannot be read{self._such_as()}")

    def _such_as(self) -> str:
        told = []
        for number, (kind, one) in enumerate(self._examples, 1):
            where = f"line {one.line}" if one.line is not None else f"record {one.position}"
            field_type = type_of_field(kind.name, one.field, self._fields)
            words = explain_rejection(one.reason, one.field, one.value, field_type)
            if number <= MOST_EXAMPLES:
                told.append(f"{where}: {words} ({one.reason})")
            elif one.field is not None:
                told.append(f'{where}: {one.field} "{_cut(one.value or "")}"')
        return f", such as {'; '.join(told)}" if told else ""


def _cut(value: str) -> str:
    return value if len(value) <= LONGEST_SHOWN else f"{value[:LONGEST_SHOWN]}…"
