"""Landing: what was received, untouched for good, in a folder for each receipt. All else can be made again from it.

    <source>/<UTC date>/<receipt number>-<UTC time>-<first 8 of the sha256>/   what was received and `.receipt.json`
    receipts.json                                                              the last receipt number, and its time
    withdrawn.json                                                             the files that do not count, if any

A folder counts once it has its receipt, which is written last. Receipts are numbered through all sources, and the
numbers never go back, whatever the clock says: their order is the order of receipt. In the layout of before, which is
still read, a folder was `<source>/<UTC time>-<first 8 of the sha256>/` and had neither number nor receipt.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any

from extract.containers import Hashes, hashes_of
from extract.storage import Folder, hash_into, sha256_of, sync

RECEIPT = ".receipt.json"
COUNTER = "receipts.json"
WITHDRAWN = "withdrawn.json"
MOST_NUMBERS_AT_ONCE = 1024
STAMP = "%Y%m%dT%H%M%S."  # and the milliseconds, because Athena tells no less in files of Parquet
_UNFINISHED = ".receiving"
_CONTENT = "content_sha256"  # in receipts of files; earlier versions did not write it
_REWRITTEN, _BEFORE = "rewritten", "before"  # in receipts: what a file from which records were taken is now, and was
_TIME = r"(\d{8}T\d{6}\.\d{3,6}Z)-([^/]+)"
_NUMBERED = re.compile(rf"(\d{{4}}-\d\d-\d\d/(\d{{8,}})-{_TIME})/(.+)")
_OLD = re.compile(rf"({_TIME})/(.+)")


class LandingDamagedError(Exception):
    """A file of landing, from which all else is made again, is missing or unreadable."""


@dataclass(frozen=True, order=True)
class LandedUnit:
    """One thing that was received, a file or a fetch, and is loaded as a whole or not at all; they sort by receipt.

    Attributes:
        number: Its receipt number; negative in the layout of before, which had none.
        source: The name of the source it came from.
        received_at: When (UTC).
        path: Where in landing: the `_source` of its records.
    """

    number: int
    source: str
    received_at: datetime
    path: str


@dataclass(frozen=True)
class LandedFolder:
    """A folder of landing.

    Attributes:
        unit: What is in it, as one thing: its path is the folder's.
        hash: The first digits of the sha256 of what was received.
        names: The files in it.
    """

    unit: LandedUnit
    hash: str
    names: tuple[str, ...]

    @property
    def has_receipt(self) -> bool:
        """Whether it counts; in the layout of before the source decides that."""
        return RECEIPT in self.names


class Landing:
    """The landing folder; only a run that holds the lock writes to it.

    Attributes:
        folder: Where it is.
        newest_at: When the newest receipt was received, as the counter said when it was last read; None if it did not.
        hashes: Those of files that this run has landed or read through, by path, so that none is read once more.
    """

    def __init__(self, folder: Folder, numbered_before: int = 0, withdrawn_through: int = 0) -> None:
        """Takes two receipt numbers.

        Args:
            folder: Where it is.
            numbered_before: Every receipt to come must have a greater one; only needed if the counter is lost.
            withdrawn_through: What has this one or a smaller one is withdrawn, and is not there for anybody.
        """
        self.folder = folder
        self._withdrawn_through = withdrawn_through
        self.hashes: dict[str, Hashes] = {}
        self.newest_at: datetime | None = None
        self._numbered_before = numbered_before
        self._reserved = 0
        self._used = 0
        self._first = 0
        self._received_at: datetime | None = None

    @cached_property
    def withdrawn(self) -> frozenset[str]:
        """The paths of the files that were withdrawn: they stay in landing, and count for nothing.

        Raises:
            LandingDamagedError: It cannot be read.
        """
        try:
            told = json.loads(self.folder.read(WITHDRAWN))
            return frozenset(told["files"])
        except FileNotFoundError:
            return frozenset()
        except (ValueError, TypeError, KeyError) as error:
            raise LandingDamagedError(
                f"{self.folder.path(WITHDRAWN)} does not say which files are withdrawn"
            ) from error

    def withdraw(self, paths: Iterable[str]) -> None:
        """Withdraws files, in one step; a load makes the lake follow."""
        self._write_withdrawn(self.withdrawn.union(paths))

    def restore(self, paths: Iterable[str]) -> None:
        """Undoes that, in one step too."""
        self._write_withdrawn(self.withdrawn.difference(paths))

    def _write_withdrawn(self, paths: frozenset[str]) -> None:
        if paths != self.withdrawn:
            self.folder.write(WITHDRAWN, json.dumps({"files": sorted(paths)}, indent=1).encode())
            self.withdrawn = paths

    @property
    def is_used(self) -> bool:
        """Whether anything was ever received."""
        return bool(self.last_number) or any(entry.kind == "directory" for entry in self.folder.entries())

    @property
    def last_number(self) -> int | None:
        """The last receipt number given out; None if the counter is missing or damaged."""
        try:
            told = json.loads(self.folder.read(COUNTER))
            last = int(told["last"])
            at = datetime.fromisoformat(told["received_at"]) if told.get("received_at") else None
        except (FileNotFoundError, ValueError, TypeError, KeyError):
            return None
        self.newest_at = at
        return last

    def next_number(self) -> int:
        """A number that no receipt ever had. It is spent on the disk before it is used, the more at once the more."""
        if self._used == self._reserved:
            if not self._reserved:
                self._used = self._reserved = self._last_or_listed()
                self._first = self._used
            more = min(max(self._used - self._first, 1), MOST_NUMBERS_AT_ONCE)
            self._reserved += more
            self._count_to(self._reserved)
        self._used += 1
        return self._used

    def settle_numbers(self) -> int:
        """Gives back the numbers that were reserved and not used; returns the last number given out."""
        last = self.last_number
        if self._reserved > self._used or last is None:
            last = self._used if self._reserved else self._last_or_listed()
            self._count_to(last)
            self._reserved = self._used = last
        return last

    def place(self, source: str, received_at: datetime, sha256: str) -> LandedUnit:
        """A new folder for what was received then."""
        return self.placed(self.numbered(source, received_at), sha256)

    def numbered(self, source: str, received_at: datetime) -> LandedUnit:
        """A new receipt, which has a number and no place yet."""
        received_at = received_at.astimezone(UTC).replace(microsecond=received_at.microsecond // 1000 * 1000)
        self._received_at = received_at
        return LandedUnit(self.next_number(), source, received_at, "")

    def placed(self, receipt: LandedUnit, sha256: str) -> LandedUnit:
        """The receipt with the folder that it belongs in."""
        at = receipt.received_at
        stamp = f"{at:{STAMP}}{at.microsecond // 1000:03}Z"
        path = f"{receipt.source}/{at:%Y-%m-%d}/{receipt.number:08}-{stamp}-{sha256[:8]}"
        return replace(receipt, path=path)

    def unfinished(self, receipt: LandedUnit) -> Path:
        """The folder on the same disk for what is being received; it counts for nobody until it is finished."""
        folder = Path(self.folder.path(f"{receipt.source}/{_UNFINISHED}/{receipt.number}"))
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def write_unfinished_receipt(self, receipt: LandedUnit, size: int, hashes: Hashes) -> None:
        """Writes the receipt of a file into its unfinished folder, to the disk."""
        path = self.unfinished(receipt) / RECEIPT
        path.write_bytes(_receipt(receipt, size, hashes.received, {_CONTENT: hashes.content}))
        sync(path)

    def finish(self, receipt: LandedUnit, name: str, hashes: Hashes) -> LandedUnit:
        """Lets a received file count: its folder, with its receipt, gets its place in one step, for good."""
        unit = self.placed(receipt, hashes.received)
        place = Path(self.folder.path(unit.path))
        place.parent.mkdir(exist_ok=True)
        self.unfinished(receipt).rename(place)
        unit = replace(unit, path=f"{unit.path}/{name}")
        self.hashes[unit.path] = hashes
        return unit

    def sync(self, paths: Iterable[str]) -> None:
        """Makes the places of received files outlast a power cut."""
        for day in {"/".join(path.split("/")[:2]) for path in paths}:
            sync(self.folder.path(day))

    def remove_unfinished(self, source: str) -> None:
        """Removes what a killed run was receiving."""
        if self.folder.is_local:
            self.folder.remove(f"{source}/{_UNFINISHED}")

    def write_file_receipt(self, unit: LandedUnit, size: int, hashes: Hashes) -> None:
        """Says that a file is whole; from now on it counts."""
        folder = replace(unit, path=_folder_of(unit))
        self.write_receipt(folder, size, hashes.received, {_CONTENT: hashes.content})
        self.hashes[unit.path] = hashes

    def write_receipt(self, folder: LandedUnit, size: int, sha256: str | None, facts: Mapping[str, Any]) -> None:
        """Says that the folder has all that was received; from now on it counts."""
        self.folder.write(f"{folder.path}/{RECEIPT}", _receipt(folder, size, sha256, facts))

    def receipt(self, folder: str, name: str = RECEIPT) -> dict[str, Any]:
        """What the receipt of a folder says.

        Raises:
            LandingDamagedError: It is missing, or is not a receipt.
        """
        path = f"{folder}/{name}"
        try:
            receipt = json.loads(self.folder.read(path))
        except FileNotFoundError as error:
            raise LandingDamagedError(f"{self.folder.path(path)} is missing") from error
        except ValueError as error:
            raise LandingDamagedError(f"{self.folder.path(path)} is not a receipt") from error
        if not isinstance(receipt, dict):
            raise LandingDamagedError(f"{self.folder.path(path)} is not a receipt")
        return receipt

    def folders(self, source: str) -> list[LandedFolder]:
        """The folders that a source has in landing, those without a receipt too."""
        return [folder for folder in self.listed if folder.unit.source == source]

    @cached_property
    def listed(self) -> list[LandedFolder]:
        """All folders, in the order of receipt, as they were when this was first asked for."""
        numbered: list[LandedFolder] = []
        old: list[LandedFolder] = []
        for source in sorted(entry.name for entry in self.folder.entries() if entry.kind == "directory"):
            for folder in _folders(source, self.folder.below(source).files()):
                (old if folder.unit.number < 0 else numbered).append(folder)
        old.sort(key=lambda folder: (folder.unit.received_at, folder.unit.path))
        for number, folder in enumerate(old, -len(old)):
            unit = folder.unit
            numbered.append(
                LandedFolder(LandedUnit(number, unit.source, unit.received_at, unit.path), folder.hash, folder.names)
            )
        standing = [folder for folder in numbered if not 0 < folder.unit.number <= self._withdrawn_through]
        return sorted(standing, key=lambda folder: folder.unit)

    @property
    def was_listed(self) -> bool:
        """Whether all folders had to be listed."""
        return "listed" in self.__dict__

    def hashes_of(self, unit: LandedUnit) -> Hashes:
        """The hashes that a file had when it was received; what no receipt says of it is that of now."""
        if unit.path not in self.hashes:
            receipt = {} if unit.number < 0 else self.receipt(_folder_of(unit))
            if content := receipt.get(_CONTENT):
                self.hashes[unit.path] = Hashes(receipt["sha256"], content)
            else:
                with self.folder.local(unit.path) as local:
                    self.hashes[unit.path] = hashes_of(local, receipt.get("sha256"))
        return self.hashes[unit.path]

    def why_changed(self, unit: LandedUnit) -> str | None:
        """Says how a unit differs from what was received, or None; reads all of it, unless this run has landed it.

        A unit without a number has nothing to be compared with.
        """
        if unit.number < 0 or (self._reserved and unit.number > self._first):
            return None
        folder = _folder_of(unit)
        is_fetch = folder == unit.path
        try:
            receipt = self.receipt(folder)
            if receipt["sha256"] is None or receipt.get("unchanged"):
                return None
            paths = [f"{folder}/{name}" for name in receipt["pages"]] if is_fetch else [unit.path]
            size, sha256 = self._read_through(paths)
        except LandingDamagedError as damaged:
            return str(damaged)
        except FileNotFoundError as missing:
            return f"{missing.filename or self.folder.path(unit.path)} is missing"
        states = _states(receipt)
        if any((size, sha256) == (state["bytes"], state["sha256"]) for state in states):
            return None
        receipt = states[0]
        sizes = f"{size:,} bytes instead of {receipt['bytes']:,}" if size != receipt["bytes"] else "another sha256"
        return f"{self.folder.path(unit.path)} is not as it was received: it has {sizes}"

    def rewrite(self, unit: LandedUnit, path: Path, records: int) -> None:
        """Puts a file without some of its records in the place of a received one, and notes it in the receipt.

        The receipt keeps the hashes of what was received, so a file that is dropped again is still a duplicate. After a
        kill the file is what it was or what it is to be, and the receipt allows both: the same call, or `end_rewrites`
        if there is nothing left to take out, ends it.

        Args:
            unit: The file.
            path: The new one, on the same disk if landing is on one.
            records: How many records the new one lacks of those that the one in landing has.
        """
        folder = _folder_of(unit)
        if unit.number > 0:
            receipt, hashes = self.receipt(folder), self.hashes_of(unit)
            before = self._state_of(unit, receipt)
            after = {"bytes": path.stat().st_size, "sha256": sha256_of(path), "records": before["records"] + records}
            receipt |= {_CONTENT: hashes.content, _REWRITTEN: after}
            self._write_json(f"{folder}/{RECEIPT}", receipt | {_BEFORE: before})
        self.folder.overwrite(path, unit.path)
        if unit.number > 0:
            receipt.pop(_BEFORE, None)
            self._write_json(f"{folder}/{RECEIPT}", receipt)

    def end_rewrites(self, source: str) -> None:
        """Lets receipts allow no more what files were, where a rewrite was killed between the file and its receipt."""
        for folder in self.folders(source):
            if folder.has_receipt and _BEFORE in (receipt := self.receipt(folder.unit.path)):
                del receipt[_BEFORE]
                self._write_json(f"{folder.unit.path}/{RECEIPT}", receipt)

    def forgotten_records(self, unit: LandedUnit) -> int:
        """How many records of a received file were taken out of it."""
        receipt = self.receipt(_folder_of(unit)) if unit.number > 0 else {}
        return int(receipt.get(_REWRITTEN, {}).get("records", 0))

    def _state_of(self, unit: LandedUnit, receipt: Mapping[str, Any]) -> dict[str, Any]:
        """Which of those that the receipt allows a file is."""
        with self.folder.local(unit.path) as file:
            sha256 = sha256_of(file)
        for state in _states(receipt):
            if state["sha256"] == sha256:
                return state
        raise LandingDamagedError(f"{self.folder.path(unit.path)} is not as it was received")

    def _write_json(self, name: str, value: object) -> None:
        self.folder.write(name, json.dumps(value, indent=2).encode())

    def _read_through(self, paths: Iterable[str]) -> tuple[int, str]:
        """The size and the sha256 of files together."""
        digest, size = hashlib.sha256(), 0
        for path in paths:
            with self.folder.local(path) as local, local.open("rb", buffering=0) as file:
                size += hash_into(digest, file)
        return size, digest.hexdigest()

    def prune(self, before: date) -> None:
        """Removes what was received before a day (UTC)."""
        for source in [entry.name for entry in self.folder.entries() if entry.kind == "directory"]:
            for entry in [*self.folder.below(source).entries()]:
                day = entry.name if re.fullmatch(r"\d{4}-\d\d-\d\d", entry.name) else _day_of(entry.name)
                if day and day < before.isoformat():
                    self.folder.remove(f"{source}/{entry.name}")

    def _last_or_listed(self) -> int:
        last = self.last_number
        if last is None:
            last = max([0, self._numbered_before, *(folder.unit.number for folder in self.listed)])
        return last

    def _count_to(self, number: int) -> None:
        at = self._received_at or self.newest_at
        told = {"last": number, "received_at": at and at.isoformat(timespec="milliseconds")}
        self.folder.write(COUNTER, json.dumps(told).encode())


def unit_at(path: str) -> LandedUnit | None:
    """The unit in a folder of landing with a number; None if there cannot be one at that path."""
    source, _, folder = path.partition("/")
    return next((found.unit for found in _folders(source, [f"{folder}/{RECEIPT}"]) if found.unit.number > 0), None)


def name_at(path: str) -> str:
    """The name under which a file of landing was dropped, a path if it came in a folder; of a fetch its folder."""
    _, _, place = path.partition("/")
    found = _NUMBERED.fullmatch(place) or _OLD.fullmatch(place)
    return found[found.re.groups] if found else path.rpartition("/")[2]


def _folder_of(unit: LandedUnit) -> str:
    """The folder of a unit with a number: `<source>/<date>/<receipt>`."""
    return "/".join(unit.path.split("/")[:3])


def _states(receipt: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What the receipt allows a file to be, the one that it should be first."""
    received = {"bytes": receipt["bytes"], "sha256": receipt["sha256"], "records": 0}
    return [state for state in (receipt.get(_REWRITTEN, received), receipt.get(_BEFORE)) if state]


def _receipt(folder: LandedUnit, size: int, sha256: str | None, facts: Mapping[str, Any]) -> bytes:
    receipt = {
        "source": folder.source,
        "number": folder.number,
        "received_at": folder.received_at.isoformat(timespec="milliseconds"),
        "bytes": size,
        "sha256": sha256,
        **facts,
    }
    return json.dumps(receipt, default=str, indent=2).encode()


def _folders(source: str, files: list[str]) -> Iterator[LandedFolder]:
    """The folders among the files of a source; one of the layout of before has the number -1 for now."""
    found: list[tuple[str, int, str, str, str]] = []
    for path in files:
        if match := _NUMBERED.fullmatch(path):
            folder, number, stamp, hash_, name = match.groups()
            found.append((folder, int(number), stamp, hash_, name))
        elif match := _OLD.fullmatch(path):
            folder, stamp, hash_, name = match.groups()
            found.append((folder, -1, stamp, hash_, name))
    for (folder, number, stamp, hash_), files_of_it in groupby(found, key=lambda one: one[:4]):
        if received_at := _time_of(stamp):
            names = tuple(name for *_, name in files_of_it)
            yield LandedFolder(LandedUnit(number, source, received_at, f"{source}/{folder}"), hash_, names)


def _day_of(old_folder: str) -> str | None:
    match = re.fullmatch(_TIME, old_folder)
    received_at = _time_of(match[1]) if match else None
    return f"{received_at:%Y-%m-%d}" if received_at else None


def _time_of(stamp: str) -> datetime | None:
    try:
        return datetime.strptime(stamp, f"{STAMP}%fZ").replace(tzinfo=UTC)
    except ValueError:
        return None  # not one of ours
