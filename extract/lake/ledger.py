"""The ledger: what the lake says was received, and what became of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from extract.lake.lake import Lake
from extract.lake.tables import FETCHES, LEDGERS, LOADED_FILES
from extract.landing import LandedUnit

_FETCH_COLUMNS = (
    "source",
    "_source",
    "receipt_number",
    "reading",
    "_report_date",
    "_fetched_at",
    "sha256",
    "complete",
    "unchanged",
    "_replaces",
    "replaces_by",
)
_FILE_COLUMNS = (
    "source",
    "_source",
    "receipt_number",
    "_received_at",
    "reading",
    "content_sha256",
    "status",
    "_replaces",
    "days",
)
_DELIVERY_COLUMNS = (*_FILE_COLUMNS, "file_name", "reason", "_version", "_dlt_load_id", "records_rejected")


@dataclass(frozen=True)
class Delivery:
    """A file from an inbox, as the newest reading of it says.

    Attributes:
        unit: Where it is in landing.
        name: The name under which it was dropped.
        status: `loaded`, `duplicate`, `quarantined` or `retracted`.
        reason: Why it is quarantined.
        content: The sha256 of what is in it.
        replaces: What it replaces among the files with the same text; None if it replaces none.
        version: Which of those files stands is decided by the greatest of these, and then by the receipt.
        load_id: The load package that has its records; None if none does.
        rejected: How many of its records could not be read, of all its kinds.
    """

    unit: LandedUnit
    name: str
    status: str
    reason: str | None
    content: str
    replaces: str | None
    version: str
    load_id: str | None
    rejected: int = 0


@dataclass(frozen=True)
class Ledger:
    """Every unit that a complete load package has. Nothing is read before it is asked for, and then a few columns.

    Attributes:
        lake: Where it is.
    """

    lake: Lake

    @property
    def through(self) -> int | None:
        """Every landed unit with a number up to this one is in the ledger or postponed; None if that is not known."""
        return self.lake.through

    @property
    def postponed(self) -> Collection[str]:
        """The paths of the units that wait for the next load: notes that a fetch failed or brought nothing new."""
        return self.lake.index.postponed

    def __contains__(self, path: str) -> bool:
        """Whether the unit was loaded, or refused."""
        return path in self._readings

    def readings(self, path: str) -> int:
        """How often the unit was read."""
        return self._readings.get(path, 0)

    def files(self, source: str) -> list[dict[str, Any]]:
        """What the ledger says of each file that is loaded, a duplicate or retracted: of its newest such reading.

        A duplicate or retracted one that could not be read when it was to be loaded is none of these.
        """
        found: dict[str, dict[str, Any]] = {}
        rows = self.lake.read(LOADED_FILES, _FILE_COLUMNS).filter(pc.field("source") == source)
        for row in rows.sort_by("reading").to_pylist():
            before = found.get(row["_source"])
            if row["status"] != "quarantined":
                found[row["_source"]] = row
            elif before and before["status"] != "loaded":
                del found[row["_source"]]
        return [*found.values()]

    def deliveries(self) -> list[Delivery]:
        """Every file that the ledger knows, of all sources, in the order of receipt."""
        found: dict[str, Delivery] = {}
        rejected: Counter[tuple[str, int]] = Counter()  # of a reading: it has a row for each kind
        for row in self.lake.read(LOADED_FILES, _DELIVERY_COLUMNS).sort_by("reading").to_pylist():
            path, is_loaded, before = row["_source"], row["status"] == "loaded", found.get(row["_source"])
            rejected[path, row["reading"]] += row["records_rejected"] or 0
            found[path] = Delivery(
                LandedUnit(row["receipt_number"], row["source"], row["_received_at"].replace(tzinfo=UTC), path),
                row["file_name"],
                row["status"],
                row["reason"],
                row["content_sha256"] or (before.content if before else ""),
                row["_replaces"] or (before.replaces if before else None),
                row["_version"] or (before.version if before else ""),
                row["_dlt_load_id"] if is_loaded else (before.load_id if before else None),
                rejected[path, row["reading"]],
            )
        return sorted(found.values(), key=lambda delivery: delivery.unit)

    def fetches(self, source: str) -> list[dict[str, Any]]:
        """What the ledger says of fetches of a source: of each day the newest and the newest complete one.

        Where answers add up, every complete one counts, so it gives all of them.
        """
        rows = self.lake.read(FETCHES, _FETCH_COLUMNS).filter(pc.field("source") == source)
        complete = rows.filter(pc.field("complete"))
        numbers = [
            _newest_of_each_day(rows),
            _newest_of_each_day(complete),
            complete.filter(pc.field("_replaces").is_null()).column("receipt_number").combine_chunks(),
        ]
        wanted = rows.filter(pc.is_in(rows.column("receipt_number"), pa.concat_arrays(numbers)))
        newest = {row["receipt_number"]: row for row in wanted.sort_by("reading").to_pylist()}
        return [newest[number] for number in sorted(newest)]

    @cached_property
    def _readings(self) -> Mapping[str, int]:
        """How often each unit was read, by its path."""
        rows = pa.concat_tables([self.lake.read(table, ("_source", "reading")) for table in LEDGERS])
        units = rows.group_by("_source").aggregate([("reading", "max")])
        return dict(zip(units.column("_source").to_pylist(), units.column("reading_max").to_pylist(), strict=True))


def read_ledger(lake: Lake) -> Ledger:
    """The ledger of a lake; an empty one of a lake that is not there yet."""
    return Ledger(lake)


def _newest_of_each_day(fetches: pa.Table) -> pa.Int64Array:
    newest = fetches.group_by("_report_date").aggregate([("receipt_number", "max")])
    return newest.column("receipt_number_max").combine_chunks()
