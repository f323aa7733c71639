"""What lies where in a record of Avro, if every value at a place has one type or is null."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from extract.schema import FieldType, Parts

Convert = Callable[[Any], object]
LIST, MAP, RECORD, ENUM = "array", "map", "record", "enum"
READABLE = frozenset({"boolean", "int", "long", "float", "double", "string", "bytes", ENUM, LIST, MAP, RECORD})


@dataclass(frozen=True)
class Node:
    """A place in a record, with what is below it.

    Attributes:
        kind: The type of Avro that values have there.
        convert: How a value that is not null becomes that of JSON.
        known: What we know of it; None of what is no field or part of ours.
        null: Which of the two branches of its union is null; None if it is no union.
        members: The fields of a record.
        item: What lies in a list; in a map, a record of key and value.
        symbols: Of an enum.
        logical: The name of its logical type.
    """

    kind: str
    convert: Convert
    known: FieldType | Parts | None = None
    null: int | None = None
    members: Sequence[Member] = ()
    item: Node | None = None
    symbols: Sequence[str] = ()
    logical: str | None = None

    @property
    def by_name(self) -> dict[str, tuple[int, Node]]:
        """The members with their numbers; of two with one alias the last counts, as in JSON."""
        return {one.name: (number, one.node) for number, one in enumerate(self.members)}

    def value(self, raw: Any) -> object:
        """What `fastavro` decodes where Arrow has this: records have names, and enums their symbols."""
        if raw is None:
            return None
        if self.kind == RECORD:
            return {one.key: one.node.value(raw[str(place)]) for place, one in enumerate(self.members)}
        if self.item is None:
            return self.symbols[raw] if self.symbols else raw
        values: list[Any] = [self.item.value(one) for one in raw]
        return values if self.kind == LIST else {one["key"]: one["value"] for one in values}


@dataclass(frozen=True)
class Member:
    """A field of a record.

    Attributes:
        key: Its name in the schema of the writer.
        name: The name that it gets in that of JSON.
        node: What lies there.
    """

    key: str
    name: str
    node: Node
