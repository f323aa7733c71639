"""What a kind of record is: its fields, their types, and the raw table that it fills.

Arrow is imported only where a schema is made of it, so that the command can show its help without.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pyarrow as pa

DECIMAL_PLACES = 6
DECIMAL_DIGITS = 38
RAW_COLUMNS = frozenset({"source"})  # of every raw table; and every name that begins with an underscore


class FieldType(Enum):
    """What a field holds."""

    TEXT = "text"
    COUNT = "count"
    DECIMAL = "decimal"  # a count that may be a fraction
    MONEY = "money"
    DATE = "date"
    TIMESTAMP = "timestamp"  # an instant; raw has the microseconds since 1970, UTC
    BOOLEAN = "boolean"
    JSON = "JSON"  # an object or an array, kept as text

    @property
    def raw_type(self) -> pa.DataType:
        """Its type in raw."""
        import pyarrow as pa

        match self:
            case FieldType.TEXT | FieldType.JSON:
                return pa.string()
            case FieldType.COUNT | FieldType.TIMESTAMP:
                return pa.int64()
            case FieldType.DECIMAL | FieldType.MONEY:
                return pa.decimal128(DECIMAL_DIGITS, DECIMAL_PLACES)
            case FieldType.DATE:
                return pa.date32()
            case FieldType.BOOLEAN:
                return pa.bool_()


NUMBERS = frozenset({FieldType.COUNT, FieldType.DECIMAL, FieldType.MONEY})


@dataclass(frozen=True)
class Parts:
    """What is known of the members of an object that lies in a record; all others are kept as they came.

    Attributes:
        fields: The type of a member, or what is known of the members of the object that it is.
        ids: The texts that are ids.
        key: By which member the objects of a list are told apart: each has it, and of several with one the first
            counts. None: it is an object, and no list.
    """

    fields: Mapping[str, FieldType | Parts]
    ids: frozenset[str] = frozenset()
    key: str | None = None

    @property
    def names(self) -> frozenset[str]:
        """What its members are called, however deep."""
        inner = (parts.names for parts in self.fields.values() if isinstance(parts, Parts))
        return frozenset(self.fields).union(*inner)


@dataclass(frozen=True)
class RecordType:
    """The fields of one kind of record.

    Attributes:
        fields: Each field and its type, in their order in raw.
        required: The fields that a file with columns (CSV, Parquet) must have, though any value may be null.
        private: The texts that name a person: they reach raw as the HMAC of `extract.privacy`, never as they came.
        keys: What a record is about, if its source may add rows with totals: such a row lacks them, or says so there.
        labels: Other texts that may say that a record is a total.
        ids: The texts that are ids or codes, though they may look like numbers: `708746.0` is the id 708746.
        is_event: Whether a record is one event: of its ids the words for nobody are null, of ids and prices the macros
            that nobody expanded, and raw says whether its time was a date alone.
        own_id: The id of the event itself, if it has one.
        event_ids: The ids that name events, its own and others: those that a source's prefix is for.
        needed: The fields without which nothing can be made of a record: it is rejected.
        parts: What is known of the members of fields that are JSON.
        private_parts: Of those, dotted paths of what names a person, through lists too: `user.id`.
    """

    fields: Mapping[str, FieldType]
    required: frozenset[str] = frozenset()
    private: frozenset[str] = frozenset()
    keys: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    ids: frozenset[str] = frozenset()
    is_event: bool = False
    own_id: str | None = None
    event_ids: frozenset[str] = frozenset()
    needed: frozenset[str] = frozenset()
    parts: Mapping[str, Parts] = field(default_factory=dict)
    private_parts: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if taken := sorted(name for name in self.fields if name in RAW_COLUMNS or name.startswith("_")):
            raise ValueError(f"raw tables have columns of their own by these names: {', '.join(taken)}")
        if unknown := sorted(self.required - self.fields.keys()):
            raise ValueError(f"required, but not a field: {', '.join(unknown)}")
        if others := sorted(name for name in self.parts if self.fields.get(name) is not FieldType.JSON):
            raise ValueError(f"has parts, but is not a JSON field: {', '.join(others)}")
        for what, names in (("private", self.private), ("an id", self.ids)):
            if others := sorted(name for name in names if self.fields.get(name) is not FieldType.TEXT):
                raise ValueError(f"{what}, but not a text field: {', '.join(others)}")

    @property
    def is_private(self) -> bool:
        """Whether a record may name a person."""
        return bool(self.private) or self.is_event

    @cached_property
    def schema(self) -> pa.Schema:
        """The raw types of a batch: the fields, what came beside them as JSON text, and the record's number.

        Of an event also whether its time was a date alone.
        """
        import pyarrow as pa

        fields = [(name, field_type.raw_type) for name, field_type in self.fields.items()]
        whole_day = [("_is_whole_day", pa.bool_())] if self.is_event else []
        return pa.schema([*fields, *whole_day, ("_extra", pa.string()), ("_position", pa.int64())])

    def names(self, theirs: Mapping[str, str], nowhere: Collection[str | None] = ()) -> Mapping[str, str]:
        """Our name of each field that a source writes → its own, given those that differ, and those not written."""
        return {name: theirs.get(name, name) for name in self.fields if name not in nowhere}


@dataclass(frozen=True)
class Kind:
    """A kind of record: all that is needed to bring it from a source into its raw table.

    Attributes:
        name: The raw table.
        record_type: The fields of its records.
        same_name: What a file does with the records of an older file of the same name: it replaces them (a corrected
            export), or adds to them (one more piece of a log).
    """

    name: str
    record_type: RecordType
    same_name: Literal["replace", "add"]
