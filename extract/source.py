"""What a source is: something with a name that brings records of one kind or more, by an inbox or an API of its own.

What a source brings goes untouched into landing, and from there unit by unit (a file, a fetch) into the raw tables of
its kinds.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal, Protocol
from zoneinfo import ZoneInfo

from extract.http.profile import ApiProfile
from extract.profile import PLAIN, Profile
from extract.schema import FieldType, Kind

MOST_REJECTED = 0.1

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from extract.attempts import Attempts
    from extract.lake.ledger import Ledger
    from extract.lake.load import Progress
    from extract.lake.package import LedgerRow, UnitRows
    from extract.landing import LandedUnit, Landing
    from extract.storage import Folder


Replaces = Literal["file_name", "name_part", "days", "nothing", "all"]
"""What the newest file or fetch of a source takes the place of: the older one of its name or of a part of it (in a
source of files), the days that it has, nothing, or everything (in an API)."""


@dataclass(frozen=True)
class KindChoice:
    """How each record of a source with several kinds says which one it is: by the value of a column, or of several.

    Attributes:
        column: The source's name of it; empty if there are several.
        kinds: What each value names; an empty text is the value that is missing. Of several columns: what each column
            says by having a value that is not no; of those that do, the first counts.
        otherwise: What every other value names, if it is not missing, or a record of which no column says anything;
            None: such a record is rejected.
    """

    column: str
    kinds: Mapping[str, Kind]
    otherwise: Kind | None = None

    @property
    def named(self) -> set[str]:
        """The kinds that there are."""
        return {kind.name for kind in (*self.kinds.values(), self.otherwise) if kind is not None}


@dataclass(frozen=True)
class SourceConfig:
    """A source as it is declared.

    Attributes:
        name: Its name, also that of its folders in the inbox and in landing.
        kinds: What its records are; of several kinds, `kind_of` tells for each record.
        kind_of: How a record says of which kind it is.
        api: How the API is asked that the source is; None: it is files in an inbox.
        profile: How it writes its records.
        replaces: What its newest file or fetch replaces; None: of files what `same_name` of their kind says, of an API
            what its settings say.
        name_part: A regular expression that finds the part of a file's name that is replaced as a whole; of two files
            with that part the one with the later rest of the name counts, whichever came first.
        timezone: The IANA name of the zone of its times without one; None: UTC.
        preset: The preset from which its profile comes, if it comes from one.
    """

    name: str
    kinds: tuple[Kind, ...]
    kind_of: KindChoice | None = None
    api: ApiProfile | None = None
    profile: Profile = PLAIN
    replaces: Replaces | None = None
    name_part: str | None = None
    timezone: str | None = None
    preset: str | None = None

    def __post_init__(self) -> None:
        chosen = self.kind_of.named if self.kind_of else {kind.name for kind in self.kinds[:1]}
        if not self.kinds or chosen != {kind.name for kind in self.kinds}:
            raise ValueError(f"{self.name}: each of several kinds needs a value in `kind_of` that names it")
        if self.api is not None and len(self.kinds) > 1:
            raise ValueError(f"{self.name}: an API has records of one kind")
        if self.replaces in (("all",) if self.api is None else ("file_name", "name_part")):
            raise ValueError(f"{self.name}: replaces: {self.replaces} is not for {'an API' if self.api else 'files'}")
        undated = [kind.name for kind in self.kinds if kind.record_type.fields.get("date") is not FieldType.DATE]
        if self.replaces == "days" and undated:
            raise ValueError(f"{self.name}: replaces: days needs records with a date, unlike {undated[0]}")

    def read_with(self, report_timezone: ZoneInfo, privacy_key: str, most_rejected: float = MOST_REJECTED) -> str:
        """What decides how its records are read, as one text: when that changes, they are to be read again."""
        decides: dict[str, object] = {"profile": self.profile.decides(), "timezone": report_timezone.key}
        decides["most_rejected"] = most_rejected
        if (choice := self.kind_of) is not None:
            values = {value: kind.name for value, kind in choice.kinds.items()}
            told = values if choice.column else [*values.items()]  # of columns the first counts
            decides["kind_of"] = [choice.column, told, choice.otherwise and choice.otherwise.name]
        if self.timezone is not None:
            decides["source_timezone"] = self.timezone
        if self.replaces is not None and self.api is None:
            decides["replaces"] = self.replaces if self.name_part is None else [self.replaces, self.name_part]
        if self.api is not None and (api := self.api_profile.decides()):
            decides["api"] = api
        if self.api_profile.url is not None:
            decides["is_api"] = True
        if self.has_private_fields:
            decides["private"] = hmac.digest(privacy_key.encode(), b"read with", "sha256").hex()[:16]
        return json.dumps(decides, sort_keys=True, default=str)

    def files_replace(self, kind: Kind) -> Replaces:
        """What the newest file replaces of the records of a kind."""
        return self.replaces or ("file_name" if kind.same_name == "replace" else "nothing")

    def word_of(self, name: str) -> tuple[str, str]:
        """The part of a file's name that is replaced as a whole, and the rest: of several the later one counts."""
        found = re.search(self.name_part, name) if self.name_part else None
        if found is None:
            return name, ""
        start, end = found.span(1 if found.re.groups else 0)
        return name[start:end], name[:start] + name[end:]

    @property
    def fields(self) -> Mapping[str, str]:
        """Our names of fields → the source's, where they differ."""
        return self.profile.names

    @property
    def zone(self) -> ZoneInfo | None:
        """The zone of its times without one; None: UTC."""
        return ZoneInfo(self.timezone) if self.timezone else None

    @property
    def api_profile(self) -> ApiProfile:
        """How its API is asked, with the names that its fields give to what a page says; our own API if it has none."""
        return (self.api or ApiProfile()).renamed(self.fields)

    @property
    def has_private_fields(self) -> bool:
        """Whether records of any of its kinds may name a person, which needs a key."""
        return any(kind.record_type.is_private for kind in self.kinds)


@dataclass(frozen=True)
class ExtractRun:
    """What all sources share in one run.

    Attributes:
        landing: Where what is received goes.
        ledger: What the lake had when the run began.
        inbox: The folder with an inbox for each source that is files.
        scratch: A local folder for what is being received.
        report_timezone: Where a time becomes a report date.
        now: The clock that stamps what is received (UTC).
        progress: Is told how far it is.
        on_news: Is told as soon as something has landed that can change a mart; it may be told again.
        privacy_key: The key by which private fields are replaced; empty if there is none.
        most_rejected: The largest share of a unit's records that may be unreadable.
    """

    landing: Landing
    ledger: Ledger
    inbox: Folder
    scratch: Path
    report_timezone: ZoneInfo
    now: Callable[[], datetime]
    progress: Progress
    on_news: Callable[[], None] = lambda: None
    privacy_key: str = field(default="", repr=False)
    most_rejected: float = MOST_REJECTED

    @cached_property
    def attempts(self) -> Attempts:
        """Which units were being read when runs were killed."""
        from extract.attempts import Attempts

        self.scratch.parent.mkdir(parents=True, exist_ok=True)
        return Attempts(self.scratch.parent / "reading.json")


@dataclass
class Arrivals:
    """What a source brought.

    Attributes:
        units: What is in landing now, in the order of its receipt.
        notes: The paths of those that only note that a fetch failed or brought nothing new, which can be loaded later.
        unchanged: The number of fetches that brought nothing new.
        left: Names of files that were still written to and are left for the next run.
        errors: What failed, a line each.
        echoed_secrets: How often an API repeated a secret of ours, which was redacted.
    """

    units: list[LandedUnit] = field(default_factory=list)
    notes: set[str] = field(default_factory=set)
    unchanged: int = 0
    left: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    echoed_secrets: int = 0


def is_of_the_machine(error: Exception) -> bool:
    """Whether the disk, the memory or a limit of this machine is to blame for an error, and not what was read."""
    is_of_disk = isinstance(error, OSError) and bool(error.errno)
    is_thread_limit = isinstance(error, RuntimeError) and "can't start new thread" in str(error)
    return is_of_disk or is_thread_limit or isinstance(error, MemoryError)


class Source(Protocol):
    """A source at work in one run."""

    @property
    def config(self) -> SourceConfig:
        """How it is declared."""

    def landed(self) -> Iterable[LandedUnit]:
        """Lists what landing has of it, after finishing or removing what a killed run has half received."""

    def land(self, waiting: Collection[LandedUnit]) -> Arrivals:
        """Receives what is new; `waiting` is what was received before and is not in the lake yet."""

    def due(self, waiting: Sequence[LandedUnit]) -> Iterable[LandedUnit]:
        """Gives what is to be read, one after another: what waits, and older units that the newer ones let count."""

    def read(self, unit: LandedUnit, rows: UnitRows) -> list[LedgerRow]:
        """Reads a unit into rows, keeps them if they are good, and gives what the ledger is to say for each kind."""
