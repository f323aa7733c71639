"""What a record is: its fields, their kinds, and how one value of a source becomes one value of raw.

This page decides one record at a time, and is what a file means. The readers have quicker ways, which may accept only
what this page accepts, with the same result.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from enum import Enum
from functools import cached_property, lru_cache
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

LONGEST_TEXT = 1024  # characters; what is longer is cut, and `_extra` says so
LONGEST_PAYLOAD = 64 * 1024  # bytes of a rejected record that are kept

_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[+-]?(nan|inf|infinity)", re.IGNORECASE)
_DAY = re.compile(r"[0-9]{4}(-?)[0-9]{2}\1[0-9]{2}")
_STRANGE_YEAR = re.compile(r"[+-]?([0-9]{5,}|0000)-")
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_SMALLEST_MONEY = Decimal(1).scaleb(-6)
_MOST_MONEY_DIGITS = 32
_MONEY_DIGITS = Context(prec=_MOST_MONEY_DIGITS + 7, rounding=ROUND_HALF_UP)  # a rounded-up one has a digit more
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class FieldType(Enum):
    """What a field holds; the value is its type in raw."""

    TEXT = pa.string()
    COUNT = pa.int64()
    MONEY = pa.decimal128(38, 6)  # rounded half up here, where its text is
    DATE = pa.date32()


@dataclass(frozen=True)
class RecordType:
    """The fields of one kind of record, in their order in raw, and those that CSV and Parquet must have as columns."""

    fields: Mapping[str, FieldType]
    required: frozenset[str]

    @cached_property
    def schema(self) -> pa.Schema:
        """The raw types of a batch: the fields, what came beside them as JSON text, and the record's number."""
        fields = [(name, kind.value) for name, kind in self.fields.items()]
        return pa.schema([*fields, ("_extra", pa.string()), ("_position", pa.int64())])

    @cached_property
    def names(self) -> Mapping[str, str]:
        """The mapping of a source that calls every field as we do."""
        return {name: name for name in self.fields}


_DELIVERY_FIELDS = {
    "campaign_id": FieldType.TEXT,
    "ad_id": FieldType.TEXT,
    "date": FieldType.DATE,
    "brand": FieldType.TEXT,
    "country": FieldType.TEXT,
    "state": FieldType.TEXT,
    "city": FieldType.TEXT,
    "zipcode": FieldType.TEXT,
    "impressions": FieldType.COUNT,
    "clicks": FieldType.COUNT,
    "spend": FieldType.MONEY,
    "conversions": FieldType.COUNT,
}
DELIVERY = RecordType(fields=_DELIVERY_FIELDS, required=frozenset(_DELIVERY_FIELDS))


@dataclass(frozen=True)
class RejectedRecord:
    """A record that could not be loaded: its 1-based number, why, and what it said if that could be parsed."""

    position: int
    reason: str
    payload: str | None


@dataclass(frozen=True)
class Batch:
    """Some consecutive records: those that can be loaded, in the record type's schema, and those that cannot."""

    records: pa.Table
    rejected: list[RejectedRecord]

    def __len__(self) -> int:
        """Counts the records read, the rejected ones too."""
        return int(self.records.num_rows) + len(self.rejected)


class RecordRejected(Exception):  # noqa: N818 - a decision about a record, not an error
    """One record cannot be loaded, for this reason."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class RecordShape:
    """How one source writes its records.

    Attributes:
        type: The fields wanted.
        names: The source's name of each field → ours. Every other name is an extra one.
        report_timezone: Where a time becomes a date.
    """

    type: RecordType
    names: Mapping[str, str]
    report_timezone: ZoneInfo


class Number(str):
    """A number of JSON as its source text: money must not pass through a double, nor a zip code lose its zeros."""


class NotFinite(str):
    """NaN or Infinity written as if it were a JSON number."""


_decoder = json.JSONDecoder(parse_int=Number, parse_float=Number, parse_constant=NotFinite)


def parsed_json(text: str) -> object:
    """Parses JSON with every number as its source text.

    Raises:
        RecordRejected: `broken_json`, or `too_deep` if it nests deeper than the parser goes.
    """
    try:
        return _decoder.decode(text)
    except ValueError:
        raise RecordRejected("broken_json") from None
    except RecursionError:
        raise RecordRejected("too_deep") from None


def convert_records(values: Iterable[object], shape: RecordShape) -> Batch:
    """Decides records one by one.

    Args:
        values: For each record a dict from the source's names to values, numbers as text (`str` or `Number`); or the
            `RecordRejected` that says why there is none.
        shape: How the source writes its records.
    """
    convert = _converter(shape)
    columns: list[list[object]] = [[] for _ in shape.type.schema]
    rejected = []
    for position, value in enumerate(values, 1):
        try:
            if isinstance(value, RecordRejected):
                raise value
            row = convert(value)
        except RecordRejected as refused:
            payload = None if value is refused else canonical(value).encode()[:LONGEST_PAYLOAD].decode(errors="ignore")
            rejected.append(RejectedRecord(position, refused.reason, payload))
        else:
            for column, cell in zip(columns, (*row, position), strict=True):
                column.append(cell)
    schema = shape.type.schema
    arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
    return Batch(pa.table(arrays, schema=schema), rejected)


def concatenated(batches: Iterable[Batch], schema: pa.Schema) -> Batch:
    """Consecutive batches, each counting from one, as one batch that counts through."""
    records, rejected, count = [], [], 0
    for batch in batches:
        moved = renumbered(batch, count)
        records.append(moved.records)
        rejected += moved.rejected
        count += len(batch)
    return Batch(pa.concat_tables(records) if records else schema.empty_table(), rejected)


def renumbered(batch: Batch, count: int) -> Batch:
    """The batch as it is numbered after `count` other records."""
    if not count:
        return batch
    place = batch.records.schema.get_field_index("_position")
    positions = pc.add(batch.records.column(place), pa.scalar(count, pa.int64()))
    rejected = [RejectedRecord(one.position + count, one.reason, one.payload) for one in batch.rejected]
    return Batch(batch.records.set_column(place, "_position", positions), rejected)


def canonical(value: object) -> str:
    """JSON text that is the same for the same content: compact, keys sorted, numbers as their source wrote them."""
    match value:
        case Number():
            return str(value)
        case str():
            return json.dumps(storable(value), ensure_ascii=False)
        case dict():
            members = (f"{canonical(str(key))}:{canonical(value[key])}" for key in sorted(value))
            return "{" + ",".join(members) + "}"
        case list():
            return "[" + ",".join(map(canonical, value)) + "]"
        case _:
            return json.dumps(value)


def extra_text(extras: Mapping[str, object]) -> str | None:
    """What came beside the fields, as JSON text; null if nothing. A null or blank member counts as a missing one."""
    present = {key: value for key, value in extras.items() if not _is_null(value)}
    return canonical(present) if present else None


def storable(text: str) -> str:
    """The text without NUL and lone surrogates, which neither Parquet nor an engine keeps."""
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def _converter(shape: RecordShape) -> Callable[[object], list[object]]:
    names_in_order = {ours: theirs for theirs, ours in shape.names.items()}
    fields = [(name, kind, names_in_order.get(name)) for name, kind in shape.type.fields.items()]
    known = shape.names.keys()

    def convert(record: object) -> list[object]:
        if not isinstance(record, dict):
            raise RecordRejected("not_an_object")
        row: list[object] = []
        cut: dict[str, object] = {}
        for name, kind, key in fields:
            value = record.get(key)
            if value is None:
                row.append(None)
            elif isinstance(value, NotFinite):
                raise RecordRejected("non_finite")
            elif not isinstance(value, str):
                raise RecordRejected("wrong_type")
            elif kind is FieldType.TEXT:
                if len(value) > LONGEST_TEXT:
                    cut[name] = len(value)
                row.append(storable(value[:LONGEST_TEXT]))
            elif kind is FieldType.COUNT:
                row.append(_count(value))
            elif kind is FieldType.MONEY:
                row.append(_money(value))
            else:
                row.append(date_of(value, shape.report_timezone))
        extras = {key: record[key] for key in record.keys() - known}
        if cut:
            extras["_cut"] = cut
        row.append(extra_text(extras) if extras else None)
        return row

    return convert


def _is_null(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _decimal(text: str) -> Decimal | None:
    text = text.strip()
    if _NUMBER.fullmatch(text):
        try:
            return Decimal(text)
        except InvalidOperation:  # an exponent beyond what even Decimal holds
            raise RecordRejected("out_of_range") from None
    if _NOT_FINITE.fullmatch(text):
        raise RecordRejected("non_finite")
    if text:
        raise RecordRejected("wrong_type")
    return None


def _count(text: str) -> int | None:
    if len(text) < 19 and text.isascii() and text.isdigit():
        return int(text)
    number = _decimal(text)
    if number is None or not number:
        return None if number is None else 0
    if number.adjusted() > 18:
        raise RecordRejected("out_of_range")  # asked first: as an integer 1e999999999 would fill the memory
    whole = int(number) if number.adjusted() >= 0 else 0
    if whole != number:
        raise RecordRejected("wrong_type")
    if not -(2**63) <= whole < 2**63:
        raise RecordRejected("out_of_range")
    return whole


def _money(text: str) -> Decimal | None:
    number = _decimal(text)
    if number is None or not number:
        return None if number is None else Decimal(0)
    if number.adjusted() >= _MOST_MONEY_DIGITS:
        raise RecordRejected("out_of_range")
    rounded = number.quantize(_SMALLEST_MONEY, context=_MONEY_DIGITS)
    if rounded.adjusted() >= _MOST_MONEY_DIGITS:
        raise RecordRejected("out_of_range")
    return rounded


@lru_cache(maxsize=4096)
def date_of(text: str, report_timezone: ZoneInfo) -> date | None:
    """The date of a date or a time: ISO 8601, `YYYYMMDD`, or seconds, milliseconds or microseconds since 1970 by size.

    A time is taken to be UTC if it names no zone, and becomes the date in `report_timezone`; a date is what it says.

    Raises:
        RecordRejected: `wrong_type`, or `out_of_range` for years that are not 1 to 9999.
    """
    text = text.strip()
    if not text:
        return None
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
        time = _since_epoch(Decimal(text)) if _NUMBER.fullmatch(text) else datetime.fromisoformat(text)
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(report_timezone).date()
    except (OverflowError, InvalidOperation):
        raise RecordRejected("out_of_range") from None
    except ValueError:
        raise RecordRejected("out_of_range" if _STRANGE_YEAR.match(text) else "wrong_type") from None


def _since_epoch(number: Decimal) -> datetime:
    # The limits lie in the year 5138 for each unit, and before any date of advertising for the next.
    for limit, microseconds in ((11, 1_000_000), (14, 1_000), (17, 1)):
        if number.adjusted() < limit:
            return _EPOCH + timedelta(microseconds=int(number * microseconds))
    raise OverflowError
