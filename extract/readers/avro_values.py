"""Values of Avro as JSON would have them, each as the schema of its writer says."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal
from typing import Any

import fastavro
import fastavro.schema
import numpy as np

from extract.convert import DEEPEST, Moment, NotFinite, Number, RecordRejected
from extract.readers.avro_nodes import LIST, MAP, READABLE, RECORD, Convert, Member, Node
from extract.readers.columns import plain_name
from extract.readers.unreadable import UnreadableFile
from extract.schema import FieldType, Parts

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOST_NODES, _DEEPEST_NODE = 500, 20
_EXACT = Context(prec=1_000)
IN_A_SECOND = {"millis": 1_000, "micros": 1_000_000, "nanos": 1_000_000_000}  # a second has
_PYTHON_TYPES = {
    "null": type(None),
    "boolean": bool,
    "int": int,
    "long": int,
    "float": float,
    "double": float,
    "bytes": bytes,
    "fixed": bytes,
    "string": str,
    "enum": str,
    "array": list,
    "map": dict,
    "record": dict,
    "error": dict,
}


def parsed_schema(schema: Any) -> tuple[Any, dict[str, Any]]:
    """The schema with full names, and its named types."""
    types: dict[str, Any] = {}
    return fastavro.parse_schema(schema, named_schemas=types), types


def paths_of(
    schema: Any, types: Mapping[str, Any], parts: Parts | None, within: str = "", seen: frozenset[str] = frozenset()
) -> Iterator[tuple[str, Any]]:
    """Every field of records that lie in no list, by its dotted path, and its type."""
    for field, name in _names(schema, parts):
        path = f"{within}.{name}" if within else name
        yield path, field["type"]
        inner = parts.fields.get(name) if parts else None
        for branch in branches_of(field["type"], types):
            if kind_of(branch) == "record" and branch["name"] not in seen:
                below = inner if isinstance(inner, Parts) else None
                yield from paths_of(branch, types, below, path, seen | {branch["name"]})


def _names(schema: Any, parts: Parts | None) -> Iterator[tuple[Any, str]]:
    """The fields of a record, with their names; one that we do not know has that of its aliases that we do."""
    wanted = {} if parts is None else {plain_name(name): name for name in parts.fields}
    present = {plain_name(field["name"]) for field in schema["fields"]}
    for field in schema["fields"]:
        aliases = [] if plain_name(field["name"]) in wanted else field.get("aliases", [])
        known = (one for one in aliases if plain_name(one) in wanted and plain_name(one) not in present)
        yield field, next(known, field["name"])


def branches_of(schema: Any, types: Mapping[str, Any]) -> list[Any]:
    """The types that a value may have, a reference to a named type being that type."""
    branches = schema if isinstance(schema, list) else [schema]
    found = []
    for branch in branches:
        one = types.get(branch, branch) if isinstance(branch, str) else branch
        inner = one["type"] if isinstance(one, dict) else None
        found += branches_of(inner, types) if isinstance(inner, dict | list) else [one]
    return found


def kind_of(schema: Any) -> str:
    """The name of a type."""
    return str(schema["type"] if isinstance(schema, dict) else schema)


def without_logical_types(schema: Any) -> Any:
    """The schema with plain types alone: what its logical types mean is said here, for every value by itself."""
    match schema:
        case dict():
            return {key: without_logical_types(one) for key, one in schema.items() if key != "logicalType"}
        case list():
            return [without_logical_types(one) for one in schema]
        case _:
            return schema


class Converter:
    """How the values of a schema become those that JSON would have.

    Attributes:
        is_recursive: Whether a record may lie in itself.
        node: What lies in a record; None if it is more than `Node` can say.
    """

    def __init__(self, schema: Any, parts: Parts | None) -> None:
        """Takes the schema as its writer has it, and the members that are known by name.

        Raises:
            UnreadableFile: `incompatible_schema`: values of a union cannot be told apart.
        """
        parsed, self._types = parsed_schema(schema)
        self._records: dict[tuple[str, int], list[Convert]] = {}
        self.is_recursive = False
        self._convert = self._of(parsed, parts)
        self.node = self._node(parsed, parts, iter(range(_MOST_NODES)), _DEEPEST_NODE)

    def record(self, value: Any) -> object:
        """One record, or the `RecordRejected` that says why it is none."""
        if isinstance(value, RecordRejected):
            return value
        try:
            found = self._convert(value)
        except RecursionError:
            return RecordRejected("too_deep")
        return RecordRejected("too_deep") if self.is_recursive and _depth(found) > DEEPEST else found

    def _of(self, schema: Any, parts: FieldType | Parts | None) -> Convert:
        schema = self._types.get(schema, schema) if isinstance(schema, str) else schema
        if isinstance(schema, list):
            return self._of_union(schema, parts)
        if isinstance(schema, dict) and isinstance(schema["type"], dict | list):
            return self._of(schema["type"], parts)
        match kind_of(schema):
            case "record" | "error":
                return self._of_record(schema, parts if isinstance(parts, Parts) else None)
            case "array":
                member = self._of(schema["items"], parts)
                return lambda value: [member(one) for one in value]
            case "map":
                inner = self._of(schema["values"], None)
                return lambda value: {name: inner(one) for name, one in value.items()}
            case kind:
                logical = schema.get("logicalType") if isinstance(schema, dict) else None
                return _logical(kind, logical, schema) or _PLAIN[kind]

    def _of_record(self, schema: Any, parts: Parts | None) -> Convert:
        # A record may lie in itself: then its converter is there before it is complete.
        known = (schema["name"], id(parts))
        if found := self._records.get(known):
            return found[0]
        if found is not None:
            self.is_recursive = True
            return lambda value: found[0](value)
        self._records[known] = []
        fields = [
            (field["name"], name, self._of(field["type"], parts.fields.get(name) if parts else None))
            for field, name in _names(schema, parts)
        ]

        def convert(value: Any) -> object:
            return {name: convert_value(value[key]) for key, name, convert_value in fields}

        self._records[known].append(convert)
        return convert

    def _node(self, schema: Any, known: FieldType | Parts | None, most: Iterator[int], depth: int) -> Node | None:
        """What lies where values have a schema; None if that is more than polars can read, or too much of it."""
        branches = branches_of(schema, self._types)
        kinds = [kind_of(branch) for branch in branches]
        null = kinds.index("null") if "null" in kinds else None
        if kinds.count("null") != len(kinds) - 1 or len(kinds) > 2 or not depth or next(most, None) is None:
            return None
        (one,) = (branch for branch, kind in zip(branches, kinds, strict=True) if kind != "null")
        kind = kind_of(one)
        items: Node | None = None
        members: list[Member] = []
        if kind == RECORD:
            parts = known if isinstance(known, Parts) else None
            for field, name in _names(one, parts):
                node = self._node(field["type"], parts.fields.get(name) if parts else None, most, depth - 1)
                if node is None:
                    return None
                members.append(Member(field["name"], name, node))
        elif kind == LIST:
            items = self._node(one["items"], known, most, depth - 1)
        elif kind == MAP:
            value = self._node(one["values"], None, most, depth - 1)
            if value is not None:
                text = Node("string", _as_it_is)
                items = Node(RECORD, _as_it_is, members=(Member("key", "key", text), Member("value", "value", value)))
        if (kind in (LIST, MAP) and items is None) or (kind == RECORD and not members) or kind not in READABLE:
            return None
        said = one if isinstance(one, dict) else {}
        symbols, logical = said.get("symbols", ()), said.get("logicalType")
        return Node(kind, self._of(one, known), known, null, members, items, symbols, logical)

    def _of_union(self, schema: list[Any], parts: FieldType | Parts | None) -> Convert:
        branches = [branch for branch in branches_of(schema, self._types) if kind_of(branch) != "null"]
        converters = [self._of(branch, parts) for branch in branches]
        if len(converters) == 1:
            return lambda value: None if value is None else converters[0](value)
        by_type: dict[type, Convert] = {type(None): lambda value: None}
        for branch, convert in zip(branches, converters, strict=True):
            python_type = _PYTHON_TYPES[kind_of(branch)]
            if by_type.setdefault(python_type, convert) is not convert:
                kinds = " and ".join(kind_of(one) for one in branches)
                raise UnreadableFile("incompatible_schema", f"values of a union of {kinds} cannot be told apart")
        return lambda value: by_type[type(value)](value)


def _number(value: Any) -> object:
    return Number(value)


def _float(value: Any) -> object:
    return Number(np.float32(value)) if math.isfinite(value) else NotFinite(value)


def _double(value: Any) -> object:
    return Number(value) if math.isfinite(value) else NotFinite(value)


def _as_it_is(value: Any) -> object:
    return value


def _text_of_bytes(value: Any) -> object:
    return value.decode(errors="replace")


_PLAIN: dict[str, Convert] = {
    "null": _as_it_is,
    "boolean": _as_it_is,
    "int": _number,
    "long": _number,
    "float": _float,
    "double": _double,
    "string": _as_it_is,
    "enum": _as_it_is,
    "bytes": _text_of_bytes,
    "fixed": lambda value: value.hex(),
}


def _logical(kind: str, logical: str | None, schema: Any) -> Convert | None:
    """How values of a logical type are read; None if it is none that we know, and what is below it counts."""
    if logical == "decimal" and kind in ("bytes", "fixed"):
        scale = schema.get("scale", 0)
        return lambda value: Number(f"{_decimal(value, scale):f}")
    if logical == "date" and kind == "int":
        return lambda value: _moment(value * 86_400, 1, is_date=True)
    name, _, unit = (logical or "").rpartition("-")
    if name in ("timestamp", "local-timestamp") and unit in IN_A_SECOND and kind == "long":
        return lambda value: _moment(value, IN_A_SECOND[unit], is_local=name != "timestamp")
    return None


def _decimal(value: bytes, scale: int) -> Decimal:
    return Decimal(int.from_bytes(value, "big", signed=True)).scaleb(-scale, _EXACT)


def _moment(value: int, ticks: int, *, is_local: bool = False, is_date: bool = False) -> Moment:
    """A time; digits beyond microseconds are cut."""
    try:
        moment = _EPOCH + timedelta(microseconds=value * 1_000_000 // ticks)
    except OverflowError:
        return Moment("99999-01-01")  # of no year that we have: it is out of range
    if is_date:
        return Moment(date.isoformat(moment))
    return Moment((moment.replace(tzinfo=None) if is_local else moment).isoformat())


def _depth(value: object) -> int:
    if isinstance(value, dict | list):
        members = value.values() if isinstance(value, dict) else value
        return 1 + max(map(_depth, members), default=0)
    return 0
