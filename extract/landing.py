"""Landing: what was received, untouched for good, under its UTC time of receipt. All else can be made again from it.

`<source>/<stamp>-<first 8 of the sha256>/<name>`. A folder counts once it has its last file, which each source names.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby

from extract.storage import Folder, sha256_of

STAMP = "%Y%m%dT%H%M%S."  # and the milliseconds, because Athena tells no less in files of Parquet


@dataclass(frozen=True, order=True)
class LandedUnit:
    """One thing that was received, a file or a fetch, and is loaded as a whole or not at all; they sort by receipt.

    Attributes:
        received_at: When (UTC).
        path: Where in landing: the `_source` of its records.
    """

    received_at: datetime
    path: str

    @property
    def source(self) -> str:
        """The name of the source it came from."""
        return self.path.partition("/")[0]


@dataclass(frozen=True)
class Landing:
    """The landing folder; only a run that holds the lock writes to it.

    Attributes:
        hashes: The sha256 of what this run has landed itself, so that a file is not read once more for it.
    """

    folder: Folder
    hashes: dict[str, str] = field(default_factory=dict)

    def place(self, source: str, received_at: datetime, sha256: str) -> LandedUnit:
        """A free place for what was received then: a millisecond later for each that is taken."""
        received_at = received_at.astimezone(UTC).replace(microsecond=received_at.microsecond // 1000 * 1000)
        while True:
            path = f"{source}/{received_at:{STAMP}}{received_at.microsecond // 1000:03}Z-{sha256[:8]}"
            if not self.folder.below(path).files():
                return LandedUnit(received_at, path)
            received_at += timedelta(milliseconds=1)

    def contents(self, source: str) -> Iterator[tuple[LandedUnit, list[str]]]:
        """Each place that a source has in landing, and the names of the files there, the oldest first."""
        split = (path.partition("/") for path in self.folder.below(source).files())
        for place, files in groupby(split, key=lambda parts: parts[0]):
            if (stamp := place.rpartition("-")[0]) and (received_at := _time_of(stamp)):
                yield LandedUnit(received_at, f"{source}/{place}"), [name for _, _, name in files]

    def sha256(self, path: str) -> str:
        """The sha256 of a landed file."""
        if path not in self.hashes:
            with self.folder.local(path) as local:
                self.hashes[path] = sha256_of(local)
        return self.hashes[path]


def _time_of(stamp: str) -> datetime | None:
    try:
        return datetime.strptime(stamp, f"{STAMP}%fZ").replace(tzinfo=UTC)
    except ValueError:
        return None  # not one of ours
