"""How one value of a source becomes one value of raw.

This module decides what a value means. The readers have faster ways, which may accept only what this one accepts, with
the same result.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from functools import lru_cache
from zoneinfo import ZoneInfo

from extract.schema import DECIMAL_DIGITS, DECIMAL_PLACES, FieldType

LONGEST_TEXT = 1024  # characters; what is longer is cut, and `_extra` says so
LONGEST_WRONG_VALUE = 1000  # characters of a value that could not be read

_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[+-]?(nan|inf|infinity)", re.IGNORECASE)
_DAY = re.compile(r"[0-9]{4}(-?)[0-9]{2}\1[0-9]{2}")
_STRANGE_YEAR = re.compile(r"[+-]?([0-9]{5,}|0000)-")
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_SMALLEST_DECIMAL = Decimal(1).scaleb(-DECIMAL_PLACES)
_MOST_WHOLE_DIGITS = DECIMAL_DIGITS - DECIMAL_PLACES
_DECIMAL_CONTEXT = Context(prec=DECIMAL_DIGITS + 1, rounding=ROUND_HALF_UP)  # a rounded-up one has a digit more
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MIDNIGHT = time()
_LAST_SECOND = time(23, 59, 59)
_BOOLEANS = {
    **dict.fromkeys(("true", "1", "yes", "y", "t"), True),
    **dict.fromkeys(("false", "0", "no", "n", "f"), False),
}


class RecordRejected(Exception):  # noqa: N818 - a decision about a record, not an error
    """One record cannot be loaded.

    Attributes:
        reason: Why, as one word of a list.
        field: The source's name of the field that is wrong, if it is one field.
        value: Its value as the source wrote it, cut where it is very long.
    """

    def __init__(self, reason: str, field: str | None = None, value: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.field = field
        self.value = value


class Number(str):
    """A number of JSON as its source text: money must not pass through a double, nor a zip code lose its zeros."""


class NotFinite(str):
    """NaN or Infinity written as if it were a JSON number."""


def _without_doubt(members: list[tuple[str, object]]) -> dict[str, object]:
    """The members of an object. A key may come twice only if it says the same, or nobody knows which is meant.

    Raises:
        RecordRejected: `duplicate_key`.
    """
    found = dict(members)
    if len(found) < len(members):
        for key, value in members:
            if canonical(value) != canonical(found[key]):
                raise RecordRejected("duplicate_key", key)
    return found


_decoder = json.JSONDecoder(
    parse_int=Number, parse_float=Number, parse_constant=NotFinite, object_pairs_hook=_without_doubt
)


def parsed_json(text: str) -> object:
    """Parses JSON with every number as its source text.

    Raises:
        RecordRejected: `broken_json`, `duplicate_key` if an object has two values of one key, or `too_deep` if it nests
            deeper than the parser goes.
    """
    try:
        return _decoder.decode(text)
    except ValueError:
        raise RecordRejected("broken_json") from None
    except RecursionError:
        raise RecordRejected("too_deep") from None


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


def as_written(value: object) -> str:
    """A value that could not be read, as its source wrote it: text without quotes, all else as JSON; cut if long."""
    text = storable(value) if isinstance(value, str) else canonical(value)
    return text[:LONGEST_WRONG_VALUE]


def converter_of(field_type: FieldType, report_timezone: ZoneInfo) -> Callable[[object], object]:
    """How a value that is not null becomes the raw value of a field of this type; a blank one is null.

    What it gives raises `RecordRejected`: `wrong_type`, `out_of_range` or `non_finite`.
    """
    match field_type:
        case FieldType.TEXT:
            return _of_text(text_of)
        case FieldType.COUNT:
            return _of_text(count_of)
        case FieldType.DECIMAL | FieldType.MONEY:
            return _of_text(decimal_of)
        case FieldType.DATE:
            return _of_text(lambda text: date_of(text, report_timezone))
        case FieldType.TIMESTAMP:
            return _of_text(timestamp_of)
        case FieldType.BOOLEAN:
            return lambda value: value if isinstance(value, bool) else _of_text(boolean_of)(value)
        case FieldType.JSON:
            return nested_of


def _of_text(convert: Callable[[str], object]) -> Callable[[object], object]:
    def convert_text(value: object) -> object:
        if isinstance(value, NotFinite):
            raise RecordRejected("non_finite")
        if not isinstance(value, str):
            raise RecordRejected("wrong_type")
        return convert(value)

    return convert_text


def text_of(text: str) -> str | None:
    """The text without the white space around it."""
    return storable(text.strip()) or None


def count_of(text: str) -> int | None:
    """A whole number, however it is written."""
    if len(text) < 19 and text.isascii() and text.isdigit():
        return int(text)
    number = _number(text)
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


def decimal_of(text: str) -> Decimal | None:
    """A number with six decimals, rounded half up."""
    number = _number(text)
    if number is None or not number:
        return None if number is None else Decimal(0)
    if number.adjusted() >= _MOST_WHOLE_DIGITS:
        raise RecordRejected("out_of_range")
    rounded = number.quantize(_SMALLEST_DECIMAL, context=_DECIMAL_CONTEXT)
    if rounded.adjusted() >= _MOST_WHOLE_DIGITS:
        raise RecordRejected("out_of_range")
    return rounded


@lru_cache(maxsize=4096)
def date_of(text: str, report_timezone: ZoneInfo) -> date | None:
    """The date of a date or a time: ISO 8601, `YYYYMMDD`, or seconds, milliseconds or microseconds since 1970 by size.

    A time is taken to be UTC if it names no zone, and becomes the date in `report_timezone`; a date is what it says,
    and so is midnight without a zone, which is how spreadsheets and databases write a date.

    Raises:
        RecordRejected: `wrong_type`, or `out_of_range` for years that are not 1 to 9999.
    """
    text = text.strip()
    if not text:
        return None
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
        moment = _moment(text)
        if moment.tzinfo is None and moment.time() == _MIDNIGHT:
            return moment.date()
        return _in_utc(moment).astimezone(report_timezone).date()
    except (OverflowError, InvalidOperation):
        raise RecordRejected("out_of_range") from None
    except ValueError:
        raise RecordRejected("out_of_range" if _STRANGE_YEAR.match(text) else "wrong_type") from None


def timestamp_of(text: str) -> datetime | None:
    """The instant of a time as `date_of` reads it, in UTC without saying so; digits beyond microseconds are cut.

    A date without a time is the last second of that day.

    Raises:
        RecordRejected: `wrong_type`, or `out_of_range` for years that are not 1 to 9999.
    """
    text = text.strip()
    if not text:
        return None
    try:
        if _DAY.fullmatch(text):
            return datetime.combine(date.fromisoformat(text), _LAST_SECOND)
        return _in_utc(_moment(text)).replace(tzinfo=None)
    except (OverflowError, InvalidOperation):
        raise RecordRejected("out_of_range") from None
    except ValueError:
        raise RecordRejected("out_of_range" if _STRANGE_YEAR.match(text) else "wrong_type") from None


def boolean_of(text: str) -> bool | None:
    """Yes or no: true and false, 1 and 0, yes and no, or their first letters, in any case."""
    text = text.strip().lower()
    if text and text not in _BOOLEANS:
        raise RecordRejected("wrong_type")
    return _BOOLEANS.get(text)


def nested_of(value: object) -> str | None:
    """An object or an array, or the JSON text of one, as canonical text."""
    if isinstance(value, NotFinite):
        raise RecordRejected("non_finite")
    if isinstance(value, str) and not isinstance(value, Number):
        if not value.strip():
            return None
        try:
            value = parsed_json(value)
        except RecordRejected as refused:
            raise RecordRejected("duplicate_key" if refused.reason == "duplicate_key" else "wrong_type") from None
    if not isinstance(value, dict | list):
        raise RecordRejected("wrong_type")
    return canonical(value)


def _is_null(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _number(text: str) -> Decimal | None:
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


def _moment(text: str) -> datetime:
    return _since_epoch(Decimal(text)) if _NUMBER.fullmatch(text) else datetime.fromisoformat(text)


def _in_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _since_epoch(number: Decimal) -> datetime:
    # The limits lie in the year 5138 for each unit, and before any date of advertising for the next.
    for limit, microseconds in ((11, 1_000_000), (14, 1_000), (17, 1)):
        if number.adjusted() < limit:
            return _EPOCH + timedelta(microseconds=int(number * microseconds))
    raise OverflowError
