"""Whether what was read can be used: a file or fetch that is mostly unreadable must not replace a good one."""

from __future__ import annotations

from collections.abc import Mapping

from extract.records import Batch, RejectedRecord
from extract.rejection import explain_rejection, type_of_field
from extract.schema import Kind

FEW = 10  # so many records may be wrong, whatever their share
MOST_EXAMPLES = 3


class Unusable(Exception):  # noqa: N818 - it is the unit that is named
    """Too many records of a unit cannot be read; the message says how many and gives examples."""


class Tally:
    """Counts the records of a unit that can be read, and remembers a few that cannot."""

    def __init__(self, fields: Mapping[str, str], most_rejected: float) -> None:
        """Takes our names of fields → the source's, where they differ, and the largest share that may be unreadable."""
        self._fields = fields
        self._most_rejected = most_rejected
        self._read = self._loaded = self._unreadable = 0
        self._examples: list[tuple[Kind, RejectedRecord]] = []

    def add(self, kind: Kind, batch: Batch) -> None:
        """Adds the next records."""
        unreadable = [one for one in batch.rejected if one.reason != "total_row"]
        self._read += batch.records.num_rows + len(batch.rejected)
        self._loaded += batch.records.num_rows
        self._unreadable += len(unreadable)
        self._examples += [(kind, one) for one in unreadable[: MOST_EXAMPLES - len(self._examples)]]

    def include(self, other: Tally) -> None:
        """Adds what another tally has counted."""
        self._read += other._read
        self._loaded += other._loaded
        self._unreadable += other._unreadable
        self._examples += other._examples[: MOST_EXAMPLES - len(self._examples)]

    def check(self) -> None:
        """Says so if the unit is not to be used.

        It is not if no record can be loaded, or if the share of unreadable ones is too large: those are more than ten,
        or most of more than ten records.

        Raises:
            Unusable: Too many records cannot be read.
        """
        is_many = self._unreadable > FEW or (self._read > FEW and self._unreadable * 2 > self._read)
        is_too_many = is_many and self._unreadable > self._most_rejected * self._read
        if is_too_many or (self._read and not self._loaded):
            raise Unusable(f"{self._unreadable:,} of {self._read:,} records cannot be read{self._such_as()}")

    def _such_as(self) -> str:
        told = []
        for kind, one in self._examples:
            where = f"line {one.line}" if one.line is not None else f"record {one.position}"
            field_type = type_of_field(kind.name, one.field, self._fields)
            words = explain_rejection(one.reason, one.field, one.value, field_type)
            told.append(f"{where}: {words} ({one.reason})")
        return f", such as {'; '.join(told)}" if told else ""
