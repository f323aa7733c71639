"""The index of the lake: one small document that names every file that counts, so that no run has to look for them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace

FILE = "_index.json"


@dataclass(frozen=True)
class Index:
    """What the lake has, as of the last complete load.

    Attributes:
        formats: The format of each table that has files; a lake with another format than ours is loaded again.
        through: The receipt number up to which the lake has everything in landing; None if that is not known.
        files: The files that count and their sizes in bytes, by table. Every other file is a leftover.
        loads_to_merge: Loads since small files were last merged.
        loads_to_optimize: Loads since Athena's list of complete loads was last optimized.
        is_open: Something is being written, or a kill stopped it: there may be leftovers.
        newest_change: Names the newest load with more than notes, so the newest one that can change a mart.
        postponed: The units in landing, of those up to `through`, that wait for the next load; they are notes.
        read_with: What decided how the records of each source were read, such as the time zone, as one text.
        withdrawn: The withdrawn files that the ledger knows to be that.
        origin: Changes when the lake is emptied, since then any unit may have been read otherwise.
    """

    formats: Mapping[str, str] = field(default_factory=dict)
    through: int | None = None
    files: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    loads_to_merge: int = 0
    loads_to_optimize: int = 0
    is_open: bool = False
    newest_change: str = ""
    postponed: tuple[str, ...] = ()
    read_with: Mapping[str, str] = field(default_factory=dict)
    withdrawn: tuple[str, ...] = ()
    origin: str = ""

    def names(self, table: str) -> list[str]:
        """The names of a table's files, in the order in which their rows were loaded."""
        return sorted(self.files.get(table, {}), key=lambda name: name.removeprefix(MERGED))

    def with_files(self, table: str, added: Mapping[str, int], removed: frozenset[str] = frozenset()) -> Index:
        """The index after files came to a table, and others left it."""
        kept = {name: size for name, size in self.files.get(table, {}).items() if name not in removed}
        return replace(self, files={**self.files, table: {**kept, **added}})

    def to_json(self) -> bytes:
        """The document."""
        return json.dumps(asdict(self), indent=1).encode()


MERGED = "merged-"
"""How the name of a merged file begins; then comes the name of the first file in it."""


def index_from_json(content: bytes) -> Index | None:
    """Reads the document; None if it is damaged."""
    try:
        found = json.loads(content)
        index = Index(**{**found, **{name: tuple(found.get(name, ())) for name in ("postponed", "withdrawn")}})
        numbers = [size for files in index.files.values() for size in files.values()]
        numbers += [index.loads_to_merge, index.loads_to_optimize, 0 if index.through is None else index.through]
        is_sound = all(type(number) is int for number in numbers) and type(index.is_open) is bool
        texts = [
            *index.formats.values(),
            *index.postponed,
            *index.withdrawn,
            *index.read_with.values(),
            index.newest_change,
            index.origin,
        ]
        return index if is_sound and all(type(text) is str for text in texts) else None
    except (ValueError, TypeError, AttributeError):
        return None
