"""Records: how a source writes them, and the batches of raw columns that are made of them, record by record."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache, partial
from itertools import repeat
from typing import Any, Literal, TypeAlias
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from extract.convert import (
    LONGEST_TEXT,
    RecordRejected,
    as_written,
    canonical,
    converter_of,
    extra_text,
    is_null_word,
    is_unsure,
)
from extract.nested import nested_converter
from extract.privacy import Privacy
from extract.profile import PLAIN, PLAIN_COLUMN, Column, Profile
from extract.remarks import WHOLE_DAY, Remarked
from extract.schema import FieldType, RecordType

MOST_IN_SHORT, FEWEST_COLUMNS = 2, 5  # values of a line about the report, and columns of a table that it is not part of
LONGEST_PAYLOAD = 64 * 1024  # bytes of a rejected record that are kept
UNSURE_TIME = "unsure time"  # what is noted of one that clocks showed twice or left out
NAMED = "="  # between a field and the one of several names that a record has for it, where that is noted
MOST_SETTLED = 100  # shapes of records that call fields otherwise
Note = Callable[[object], str | None]
Positions: TypeAlias = np.ndarray[tuple[int], np.dtype[np.signedinteger[Any]]]
_NO = re.compile(r"|0+(\.0*)?|false|f|no|n", re.IGNORECASE)

Others = Literal["wanted", "skipped", "rejected"]
"""What becomes of records that name none of the kinds of their source."""


@dataclass(frozen=True)
class RecordShape:
    """How one source writes its records.

    Attributes:
        type: The fields wanted.
        names: Our name of each field that the source writes → its own, or a dotted path. Every other name is an extra.
        report_timezone: Where a time becomes a date.
        filter: Which records to read, of a source that has several kinds.
        privacy: How private fields are replaced, if the source has any.
        profile: How values are written, and which fields have one value in all records.
        timezone: The zone of times that name none; None: UTC.
        doubts: Whether numbers are refused that could be of thousands or a fraction, such as `1.250`.
        skip: The source's names of what is not kept, as a file writes them.
        is_settled: Whether `names` has the one of several possible names that a file or a record really has.
    """

    type: RecordType
    names: Mapping[str, str]
    report_timezone: ZoneInfo
    filter: KindFilter | None = None
    privacy: Privacy | None = None
    profile: Profile = PLAIN
    timezone: ZoneInfo | None = None
    doubts: bool = False
    skip: frozenset[str] = frozenset()
    is_settled: bool = False

    def __post_init__(self) -> None:
        if self.type.private and self.privacy is None:
            raise ValueError(f"nothing says how to replace {', '.join(sorted(self.type.private))}")

    @property
    def says_numbers(self) -> bool:
        """Whether its source says what points and commas in numbers are."""
        return self.profile.decimal is not None or self.profile.thousands is not None

    def doubting(self) -> RecordShape:
        """The shape for a file that does not say how it writes numbers, and has reason to write them otherwise."""
        return self if self.says_numbers else replace(self, doubts=True)

    @cached_property
    def constants(self) -> Mapping[str, object]:
        """The raw values of fields that have the same one in all records."""
        types = self.type.fields
        said = {name: text for name, text in self.profile.constants.items() if name in types}
        return {name: converter_of(types[name], self.report_timezone)(text) for name, text in said.items()}

    @cached_property
    def required(self) -> frozenset[str]:
        """The fields that a file with columns must have."""
        return frozenset((self.type.required - self.profile.optional) & self.names.keys())

    @cached_property
    def notes(self) -> list[tuple[str, Note]]:
        """What is to be noted of which fields, by the source's names.

        Of times: that clocks in their zone showed them twice or left them out; of amounts: their currency sign.
        """
        found: list[tuple[str, Note]] = []
        for name, theirs in self.names.items():
            match self.type.fields[name]:
                case FieldType.DATE if self.timezone is not None:  # the times of events are remarked on
                    note = partial(_unsure_time, timezone=self.timezone, profile=self.profile)
                    found.append((theirs, lru_cache(maxsize=4096)(note)))
                case FieldType.MONEY if self.profile.currency_signs:
                    signs = sorted(self.profile.currency_signs, key=len, reverse=True)
                    found.append((theirs, partial(_sign_in, signs=signs)))
        return found

    @property
    def is_read_one_by_one(self) -> bool:
        """Whether each record is to be looked at by itself, because a column alone does not say what becomes of it."""
        return self.filter is not None or bool(self.type.parts) or bool(self.type.needed)

    @cached_property
    def choices(self) -> Mapping[str, tuple[str, ...]]:
        """The names of fields that may have one of several, the one preferred first, as long as none is settled."""
        columns = {} if self.is_settled else self.profile.columns
        return {
            name: (self.names[name], *column.others)
            for name, column in columns.items()
            if column.others and name in self.names
        }

    @cached_property
    def possible_names(self) -> frozenset[str]:
        """Everything that the source may call a field."""
        return frozenset(self.names.values()).union(*self.choices.values())

    def settled(self, record: object) -> RecordShape:
        """The shape with the first of several possible names that a record has; of those it has none of, the first."""
        if not self.choices:
            return self
        there = record if isinstance(record, dict) else {}
        found = tuple(
            next((one for one in possible if has_at(there, one)), possible[0]) for possible in self.choices.values()
        )
        if found not in self._settled and len(self._settled) >= MOST_SETTLED:
            self._settled.clear()
        if found not in self._settled:
            names = {**self.names, **dict(zip(self.choices, found, strict=True))}
            self._settled[found] = replace(self, names=names, is_settled=True)
        return self._settled[found]

    @cached_property
    def _settled(self) -> dict[tuple[str, ...], RecordShape]:
        return {}

    @cached_property
    def named(self) -> list[tuple[str, str]]:
        """The settled names of fields that have several, and what is to be noted of records that have them."""
        chosen = [name for name, column in self.profile.columns.items() if column.others and name in self.names]
        return [(self.names[name], f"{name}{NAMED}{self.names[name]}") for name in chosen if self.is_settled]

    @cached_property
    def has_paths(self) -> bool:
        """Whether a field may lie deeper in a record."""
        return any("." in theirs for theirs in self.possible_names)

    def column(self, name: str) -> Column:
        """What the source says of a field alone."""
        return self.profile.columns.get(name, PLAIN_COLUMN)

    def nulls(self, name: str) -> frozenset[str]:
        """The texts that say of a field that there is no value."""
        return self.profile.nulls.union(self.column(name).nulls)

    def id_prefix(self, name: str) -> str:
        """What comes before a field that is the id of an event."""
        return self.profile.id_prefix if name in self.type.event_ids else ""

    def converter(self, name: str) -> Callable[[object], object]:
        """How a value of a field that is not null becomes its raw value; see `converter_of`."""
        of_type = partial(
            converter_of,
            report_timezone=self.report_timezone,
            timezone=self.timezone,
            profile=self.profile,
            is_event=self.type.is_event,
            doubts=self.doubts,
        )
        field_type, privacy = self.type.fields[name], self.privacy
        if name in self.type.parts:
            return nested_converter(
                self.type.parts[name],
                lambda part, is_id: of_type(part, is_id=is_id),
                lambda value: value if privacy is None else privacy.treated_at(self.names[name], value),
            )
        return of_type(
            field_type,
            column=self.column(name),
            is_id=name in self.type.ids,
            is_person=name in self.type.private,
            id_prefix=self.id_prefix(name),
        )

    def extra_text(self, extras: Mapping[str, object]) -> str | None:
        """What came beside the fields, as JSON text without anything private; null if nothing."""
        if self.profile.nulls:
            extras = {name: value for name, value in extras.items() if not is_null_word(value, self.profile.nulls)}
        if self.privacy is not None:
            extras = self.privacy.treated(extras)
        return extra_text(extras)


@dataclass(frozen=True)
class KindFilter:
    """Which records of a source are of the kind that is read; all others are skipped.

    Attributes:
        column: The source's name of the column that tells; empty if several do.
        wanted: The values that name the kind; an empty text is the value that is missing.
        skipped: The values that name another one.
        rejects: Whether records that name no kind, or cannot be read at all, are rejected or skipped too: one reading
            of a file rejects them, the others do not.
        others: What becomes of a record with any other value.
        nulls: Texts that say that there is no value.
        columns: The source's names of the columns of which each tells of one kind by having a value that is not no, and
            whether it is this one; of those that do, the first counts.
    """

    column: str
    wanted: frozenset[str]
    skipped: frozenset[str]
    rejects: bool
    others: Others = "rejected"
    nulls: frozenset[str] = frozenset()
    columns: tuple[tuple[str, bool], ...] = ()

    def decide(self, record: object) -> bool:
        """Whether to read a record; else it is to be skipped.

        Raises:
            RecordRejected: `unknown_event_type`.
        """
        if self.columns and isinstance(record, dict):
            said = (is_wanted for column, is_wanted in self.columns if self._is_said(value_at(record, column)))
            is_wanted = next(said, None)
            if is_wanted is None and self.others == "rejected" and self.rejects:
                raise RecordRejected("unknown_event_type")
            return self.others == "wanted" if is_wanted is None else is_wanted
        value = value_at(record, self.column) if isinstance(record, dict) else None
        name = value.strip() if isinstance(value, str) else "" if value is None else None
        name = "" if name in self.nulls else name
        if isinstance(record, dict) and name is not None:
            others = self.others if name else "rejected"
            if name in self.wanted or (name not in self.skipped and others == "wanted"):
                return True
            if name in self.skipped or others == "skipped":
                return False
        if not self.rejects:
            return False
        if not isinstance(record, dict):
            raise RecordRejected("not_an_object")
        raise RecordRejected("unknown_event_type", self.column, None if value is None else as_written(value))

    def _is_said(self, value: object) -> bool:
        """Whether a column has a value, and none that means no."""
        if isinstance(value, str):
            text = value.strip()
            return text not in self.nulls and not _NO.fullmatch(text)
        return value is not None and value is not False


@dataclass(frozen=True)
class RejectedRecord:
    """A record that could not be loaded.

    Attributes:
        position: Its number, from 1.
        reason: Why.
        payload: What it said, if that could be parsed.
        line: The line of the text file in which it begins, from 1.
        field: The source's name of the field that was wrong, if it was one field.
        value: What that field said.
        is_short: Whether it has so few values that it may be a line about the report, such as one of its filters.
    """

    position: int
    reason: str
    payload: str | None = None
    line: int | None = None
    field: str | None = None
    value: str | None = None
    is_short: bool = False


@dataclass(frozen=True)
class Batch:
    """Some consecutive records: those that can be loaded, in the record type's schema, and those that cannot.

    Attributes:
        records: The rows for raw.
        rejected: The others.
        lines: How many lines of a text file the records take up; 0 for what has no lines.
        skipped: How many records between them are of another kind.
        remarks: What is to be said of the records, and how often.
        noted: What is to be noted of values in the records, and how often; see `RecordShape.notes`.
    """

    records: pa.Table
    rejected: list[RejectedRecord]
    lines: int = 0
    skipped: int = 0
    remarks: Counter[str] = field(default_factory=Counter)
    noted: Mapping[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        """Counts all records read: loaded, rejected or skipped."""
        return int(self.records.num_rows) + len(self.rejected) + self.skipped


def filled(batch: Batch, shape: RecordShape) -> Batch:
    """The batch with what its source means by an empty value, and the ids that it makes of fields, where it says so."""
    records = batch.records
    for name, column in shape.profile.columns.items():
        if column.if_null is not None and name in shape.type.fields:
            field_type = shape.type.fields[name]
            value = pa.scalar(converter_of(field_type, shape.report_timezone)(column.if_null), field_type.raw_type)
            place = records.schema.get_field_index(name)
            records = records.set_column(place, records.schema.field(place), pc.fill_null(records.column(place), value))
    if (own_id := shape.type.own_id) is not None and shape.profile.id_fields:
        place = records.schema.get_field_index(own_id)
        records = records.set_column(place, records.schema.field(place), _joined_ids(records, shape))
    return replace(batch, records=records)


def _joined_ids(records: pa.Table, shape: RecordShape) -> pa.ChunkedArray:
    """The ids that several fields are together, with a bar between them, also where one has bars; null if one is."""
    parts = []
    for name in shape.profile.id_fields:
        texts = records.column(name).cast(pa.string())
        parts.append(pc.replace_substring(pc.replace_substring(texts, "\\", "\\\\"), "|", "\\|"))
    joined = pc.binary_join_element_wise(*parts, "|") if len(parts) > 1 else parts[0]
    return pc.binary_join_element_wise(pa.scalar(shape.profile.id_prefix), joined, "")


def convert_records(
    values: Iterable[object], shape: RecordShape, lines: Iterable[int | None] = repeat(None), line_count: int = 0
) -> Batch:
    """Decides records one by one.

    Args:
        values: For each record a dict from the source's names to values, numbers as text (`str` or `Number`); or the
            `RecordRejected` that says why there is none.
        shape: How the source writes its records.
        lines: The line in which each record begins, if they have lines.
        line_count: How many lines they take up.
    """
    converters: dict[int, tuple[RecordShape, Callable[[object], tuple[list[object], list[str]]]]] = {}
    columns: list[list[object]] = [[] for _ in shape.type.schema]
    rejected = []
    noted: Counter[str] = Counter()
    skipped = 0
    remarks: Counter[str] = Counter()
    for position, (value, line) in enumerate(zip(values, lines, strict=False), 1):
        try:
            if shape.filter is not None and not (
                shape.filter.rejects if isinstance(value, RecordRejected) else shape.filter.decide(value)
            ):
                skipped += 1
                continue
            if isinstance(value, RecordRejected):
                raise value
            settled = shape.settled(value)
            if id(settled) not in converters:
                converters[id(settled)] = settled, _converter(settled)
            row, said = converters[id(settled)][1](value)
        except RecordRejected as why:
            rejected.append(_rejected(why, None if value is why else value, shape, position, line))
        else:
            for column, cell in zip(columns, (*row, position), strict=True):
                column.append(cell)
            remarks.update(said)
            for theirs, note in settled.notes:
                if isinstance(value, dict) and (what := note(value_at(value, theirs))):
                    noted[what] += 1
            if settled is not shape and isinstance(value, dict):
                noted.update(what for theirs, what in settled.named if value_at(value, theirs) is not None)
    schema = shape.type.schema
    arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
    return Batch(pa.table(arrays, schema=schema), rejected, line_count, skipped, remarks, noted)


def concatenated(batches: Iterable[Batch], schema: pa.Schema) -> Batch:
    """Consecutive batches, each counting from one, as one batch that counts through."""
    records, rejected, count, lines, skipped = [], [], 0, 0, 0
    remarks: Counter[str] = Counter()
    noted: Counter[str] = Counter()
    for batch in batches:
        moved = renumbered(batch, count, lines)
        records.append(moved.records)
        rejected += moved.rejected
        count += len(batch)
        lines += batch.lines
        skipped += batch.skipped
        remarks += batch.remarks
        noted.update(batch.noted)
    table = pa.concat_tables(records) if records else schema.empty_table()
    return Batch(table, rejected, lines, skipped, remarks, noted)


def interleaved(parts: Sequence[tuple[Batch, Positions]], lines: int) -> Batch:
    """Batches whose records lie between each other as one batch in their order.

    Args:
        parts: Each batch, with the number among all of each of its records, loaded or rejected.
        lines: How many lines they take up.
    """
    tables, rejected = [], []
    remarks: Counter[str] = Counter()
    noted: Counter[str] = Counter()
    for batch, positions in parts:
        place = batch.records.schema.get_field_index("_position")
        numbers = pa.array(positions[np.asarray(batch.records.column(place)) - 1], pa.int64())
        tables.append(batch.records.set_column(place, "_position", numbers))
        rejected += [replace(one, position=int(positions[one.position - 1])) for one in batch.rejected]
        remarks += batch.remarks
        noted.update(batch.noted)
    records = pa.concat_tables(tables)
    if sum(table.num_rows > 0 for table in tables) > 1:
        records = records.take(pc.sort_indices(records, [("_position", "ascending")]))
    skipped = sum(batch.skipped for batch, _ in parts)
    return Batch(records, sorted(rejected, key=lambda one: one.position), lines, skipped, remarks, noted)


def renumbered(batch: Batch, count: int, lines: int = 0) -> Batch:
    """The batch as it is numbered after so many other records and lines."""
    rejected = [
        replace(one, position=one.position + count, line=None if one.line is None else one.line + lines)
        for one in batch.rejected
    ]
    records = batch.records
    if count:
        place = records.schema.get_field_index("_position")
        positions = pc.add(records.column(place), pa.scalar(count, pa.int64()))
        records = records.set_column(place, "_position", positions)
    return replace(batch, records=records, rejected=rejected)


def is_short_row(values: Sequence[object]) -> bool:
    """Whether a row has so few values that it may be no record, but a line about the report."""
    return len(values) >= FEWEST_COLUMNS and sum(value not in (None, "") for value in values) <= MOST_IN_SHORT


def _unsure_time(value: object, timezone: ZoneInfo, profile: Profile) -> str | None:
    return UNSURE_TIME if is_unsure(value, timezone, profile) else None


def _sign_in(value: object, signs: Iterable[str]) -> str | None:
    return next((sign for sign in signs if sign in value), None) if isinstance(value, str) else None


def _rejected(
    why: RecordRejected, record: object, shape: RecordShape, position: int, line: int | None
) -> RejectedRecord:
    """What is kept of a rejected record: of one with private fields, only what can be told apart field by field."""
    said, is_short = why.value, why.is_short or (isinstance(record, dict) and is_short_row([*record.values()]))
    if shape.skip and isinstance(record, dict):
        record = {name: value for name, value in record.items() if name not in shape.skip}
    if (privacy := shape.privacy) is not None:
        record = privacy.treated(record) if isinstance(record, dict) else None
        if record is not None and why.field is not None and said is not None:
            said = as_written(value_at(record, why.field))
    payload = None if record is None else canonical(record).encode()[:LONGEST_PAYLOAD].decode(errors="ignore")
    return RejectedRecord(position, why.reason, payload, line, why.field, said, is_short)


def value_at(record: Mapping[str, object], path: str) -> object:
    """What a record has under a key, or else at a dotted path of keys and places in lists; null if it has nothing."""
    if path in record or "." not in path:
        return record.get(path)
    value: object = record
    for step in path.split("."):
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


def has_at(record: Mapping[str, object], path: str) -> bool:
    """Whether a record has a key, or else something at a dotted path."""
    return path in record or ("." in path and value_at(record, path) is not None)


def _without(record: Mapping[str, object], path: str) -> dict[str, object]:
    """The record without what it has under a key or a path; lists stay whole, and nothing empty is left behind."""
    key, _, rest = (path, "", "") if path in record else path.partition(".")
    others = {name: value for name, value in record.items() if name != key}
    inner = record.get(key)
    if not rest or key not in record:
        return others
    if isinstance(inner, dict):
        inner = _without(inner, rest)
    return {**others, key: inner} if inner != {} else others


def _converter(shape: RecordShape) -> Callable[[object], tuple[list[object], list[str]]]:
    """How a record becomes a row of raw, with what is to be said of it."""
    fields = [(name, shape.names.get(name), shape.converter(name)) for name in shape.type.fields]
    private, privacy = shape.type.private, shape.privacy
    texts = {name for name, field_type in shape.type.fields.items() if field_type is FieldType.TEXT} - private
    known, constants, needed = shape.possible_names, shape.constants, shape.type.needed
    paths = sorted(known) if shape.has_paths else []

    def convert(record: object) -> tuple[list[object], list[str]]:
        if not isinstance(record, dict):
            raise RecordRejected("not_an_object")
        if known and not record.keys() & known and all(value_at(record, path) is None for path in paths):
            inside = (name for name, value in record.items() if isinstance(value, dict) and value.keys() & known)
            raise RecordRejected("no_known_field", next(inside, None))
        row: list[object] = []
        cut: dict[str, object] = {}
        said: list[str] = []
        for name, key, convert_value in fields:
            value = constants.get(name) if key is None else value_at(record, key) if paths else record.get(key)
            if value is not None and key is not None:
                try:
                    value = convert_value(value)
                except RecordRejected as why:
                    path, wrong = (f"{key}.{why.field}", why.value) if why.field else (key, as_written(value))
                    raise RecordRejected(why.reason, path, wrong) from None
                if isinstance(value, Remarked):
                    said.append(value.remark)
                    value = value.value
                if isinstance(value, str) and len(value) > LONGEST_TEXT and name in texts:
                    cut[name] = len(value)
                    value = value[:LONGEST_TEXT].rstrip()
                if isinstance(value, str) and privacy is not None and name in private:
                    value = privacy.pseudonym(value)
            if value is None and name in needed:
                raise RecordRejected("missing_field", key)
            row.append(value)
        extras = {key: record[key] for key in record.keys() - known - shape.skip}
        for path in paths:
            extras = _without(extras, path)
        if cut:
            extras["_cut"] = cut
        if shape.type.is_event:
            row.append(WHOLE_DAY in said)
        row.append(shape.extra_text(extras) if extras else None)
        return row, said

    return convert
