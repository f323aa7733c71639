"""How one value of a source becomes one value of raw.

This module decides what a value means. The readers have faster ways, which may accept only what this one accepts, with
the same result.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import MAXYEAR, UTC, date, datetime, time, timedelta
from decimal import MAX_EMAX, MIN_EMIN, ROUND_FLOOR, ROUND_HALF_UP, Context, Decimal, InvalidOperation
from functools import lru_cache
from zoneinfo import ZoneInfo

from extract.profile import ONE, PLAIN, PLAIN_COLUMN, Column, Profile
from extract.remarks import AMBIGUOUS_TIME, NONEXISTENT_TIME, UNEXPANDED_MACRO, WHOLE_DAY, Remarked
from extract.schema import DECIMAL_DIGITS, DECIMAL_PLACES, FieldType

DEEPEST = 200  # levels that a record may nest
LONGEST_TEXT = 1024  # characters; what is longer is cut, and `_extra` says so
LONGEST_WRONG_VALUE = 1000  # characters of a value that could not be read

_PLAIN_NUMBER = re.compile(r"[+-]?[0-9]{1,18}(\.[0-9]*)?")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
# A thousand and more, or a fraction, with whatever signs around it.
_TWO_WAYS = re.compile(r"[^0-9.,]*[0-9]{1,3}[.,][0-9]{3}[^0-9.,]*")
_COUNT_OF_THOUSANDS = re.compile(r"\s*[+-]?[1-9][0-9]{0,2}\.[0-9]{3}\s*")
_NOT_FINITE = re.compile(r"[+-]?(nan|inf|infinity)", re.IGNORECASE)
_DAY = re.compile(r"[0-9]{4}(-?)[0-9]{2}\1[0-9]{2}")
_ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WEEK = re.compile(r"[0-9]{4}-?W[0-9]{2}(?!-?[0-9])")  # of seven days, none of which it names
# Of these many digits there are no seconds, milliseconds or microseconds of our time: 46162 is a spreadsheet's day.
_NO_EPOCH = re.compile(r"(?!0+$)([0-9]{1,9}|[0-9]{11,12}|[0-9]{14,15}|[0-9]{17,18})(\.[0-9]*)?")
# What is a time as digits: seconds, milliseconds, microseconds or nanoseconds since 1970, or the beginning of 1970.
_EPOCH_DIGITS = re.compile(r"([0-9]{10}|[0-9]{13}|[0-9]{16}|[0-9]{19}|0)(?:\.([0-9]*))?")
_LONGEST_DAY = len("2026-11-28")  # a time is longer
_SAYS_UTC = re.compile(r"\s*(UTC|GMT)$", re.IGNORECASE)
_HAS_TIME_OF_DAY = re.compile("%[HIMSfcX]")
_FLOATING_ID = re.compile(r"([0-9]+)\.0+")
# A macro that an ad server was to replace, such as ${AUCTION_PRICE}, %%CLICK_ID%%, {{user_id}}, [GAID] and __IDFA__.
MACRO = r"\$\{[^{}]*\}|%%[^%]+%%|\{\{[^{}]*\}\}|\[[A-Za-z][A-Za-z0-9_.:-]*\]|__[A-Za-z0-9]+(_[A-Za-z0-9]+)*__"
NULL_IDS = frozenset(
    ("-", "null", "none", "nan", "undefined", "unknown", "n/a", "(not set)", "[object object]")  # in any case
)
BYTE_ORDER_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"
NOBODY = "-1|[0-]+"
UUID = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_MACRO, _NOBODY, _UUID = re.compile(MACRO), re.compile(NOBODY), re.compile(UUID)
_BLANKS, _APOSTROPHES = " \N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}\N{THIN SPACE}", "'\N{RIGHT SINGLE QUOTATION MARK}"
_SIGNS = frozenset("+-\N{MINUS SIGN}")
_STRANGE_YEAR = re.compile(r"[+-]?([0-9]{5,}|0000)-")
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_SMALLEST_DECIMAL = Decimal(1).scaleb(-DECIMAL_PLACES)
_MOST_WHOLE_DIGITS = DECIMAL_DIGITS - DECIMAL_PLACES
_DECIMAL_CONTEXT = Context(prec=DECIMAL_DIGITS + 1, rounding=ROUND_HALF_UP)  # a rounded-up one has a digit more
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
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
        is_short: Whether the record has so few values that it may be a line about the report.
    """

    def __init__(
        self, reason: str, field: str | None = None, value: str | None = None, *, is_short: bool = False
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.field = field
        self.value = value
        self.is_short = is_short


class Number(str):
    """A number of JSON as its source text: money must not pass through a double, nor a zip code lose its zeros."""


class NotFinite(str):
    """NaN or Infinity written as if it were a JSON number."""


class Moment(str):
    """A date or a time that came as one, as ISO 8601 says it, however the source writes those that are texts."""


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


_encoder = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


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


def canonical_fast(value: dict[str, object] | list[object]) -> str:
    """What `canonical` gives, ten times as fast where all of it is as most JSON is."""
    try:
        text = _encoder.encode(_with_numbers(value))
    except _OddNumber:
        return canonical(value)
    return canonical(value) if "\\u0000" in text or _UNSTORABLE.search(text) else text


class _OddNumber(Exception):  # noqa: N818 - it is no error
    """A number is not as Python would write it, so that only its own text says its digits."""


def _with_numbers(value: object) -> object:
    match value:
        case dict():
            return {name: one if type(one) is str else _with_numbers(one) for name, one in value.items()}
        case list():
            return [_with_numbers(one) for one in value]
        case Number():
            return _number_as_written(value)
        case _:
            return value


@lru_cache(maxsize=4096)
def _number_as_written(text: Number) -> int | float:
    for number in (int, float):
        try:
            found: int | float = number(text)
        except ValueError:
            continue
        if str(found) == text:
            return found
    raise _OddNumber


def extra_text(extras: Mapping[str, object]) -> str | None:
    """What came beside the fields, as JSON text; null if nothing. A null or blank member counts as a missing one."""
    present = {key: value for key, value in extras.items() if not _is_null(value)}
    return canonical_fast(present) if present else None


def storable(text: str) -> str:
    """The text without NUL and lone surrogates, which neither Parquet nor an engine keeps."""
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def as_written(value: object) -> str:
    """A value that could not be read, as its source wrote it: text without quotes, all else as JSON; cut if long."""
    text = storable(value) if isinstance(value, str) else canonical(value)
    return text[:LONGEST_WRONG_VALUE]


def converter_of(
    field_type: FieldType,
    report_timezone: ZoneInfo,
    *,
    timezone: ZoneInfo | None = None,
    profile: Profile = PLAIN,
    column: Column = PLAIN_COLUMN,
    is_id: bool = False,
    is_person: bool = False,
    is_event: bool = False,
    id_prefix: str = "",
    doubts: bool = False,
) -> Callable[[object], object]:
    """How a value that is not null becomes the raw value of a field of this type; a blank one is null.

    Where something is to be said of it, the raw value is in a `Remarked`.

    Args:
        field_type: The type.
        report_timezone: Where a time becomes a date.
        timezone: The zone of times that name none; None: UTC.
        profile: How the source writes numbers and dates, and what it writes for null.
        column: What the source says of the field alone.
        is_id: Whether a text is an id.
        is_person: Whether it is the id of a person or device.
        is_event: Whether it is of an event.
        id_prefix: What comes before the id.
        doubts: Whether a number is refused that could be read two ways.

    What it gives raises `RecordRejected`: `wrong_type`, `ambiguous_number`, `out_of_range`, `non_finite`, or of a time
    `imprecise_time` or `unreadable_time`.
    """
    match field_type:
        case FieldType.TEXT if is_id and is_event:
            convert = _of_text(lambda text: event_id_of(text, is_person=is_person, prefix=id_prefix))
        case FieldType.TEXT:
            convert = _of_text(id_of if is_id else text_of)
        case FieldType.COUNT:
            convert = _of_number(count_of, profile, column, doubts=doubts, is_count=True)
        case FieldType.DECIMAL | FieldType.MONEY:
            has_macros = is_event and field_type is FieldType.MONEY
            convert = _of_number(decimal_of, profile, column, doubts=doubts, has_macros=has_macros)
        case FieldType.DATE:
            read_date = lru_cache(maxsize=4096)(
                lambda text, date_format: date_of(text, report_timezone, timezone, date_format)
            )
            convert = _of_text(lambda text: read_date(str(text), _format_of(text, profile)))
        case FieldType.TIMESTAMP:
            read_time = _of_text(lambda text: timestamp_of(text, timezone, _format_of(text, profile)))
            origin = profile.time_origin
            convert = read_time if origin is None else _of_time_since(origin, column, read_time)
        case FieldType.BOOLEAN:
            of_text = _of_text(boolean_of)
            convert = lambda value: value if isinstance(value, bool) else of_text(value)  # noqa: E731
        case FieldType.JSON:
            convert = nested_of
    if not (nulls := profile.nulls.union(column.nulls)):
        return convert
    return lambda value: None if is_null_word(value, nulls) else convert(value)


def is_null_word(value: object, nulls: Collection[str]) -> bool:
    """Whether a value is one of the texts that mean null in a source."""
    return isinstance(value, str) and unwrapped(value) in nulls


def unwrapped(text: str) -> str:
    """The text that a spreadsheet's `="…"` stands for."""
    text = text.strip()
    is_wrapped = text.startswith('="') and text.endswith('"') and len(text) > 2
    return text[2:-1].replace('""', '"').strip() if is_wrapped else text


def _of_text(convert: Callable[[str], object]) -> Callable[[object], object]:
    def convert_text(value: object) -> object:
        if isinstance(value, NotFinite):
            raise RecordRejected("non_finite")
        if not isinstance(value, str):
            raise RecordRejected("wrong_type")
        return convert(unwrapped(value) if '="' in value else value)

    return convert_text


def _of_number(
    convert: Callable[[str], object],
    profile: Profile,
    column: Column,
    *,
    doubts: bool,
    is_count: bool = False,
    has_macros: bool = False,
) -> Callable[[object], object]:
    plain_number = _plain_number(profile) if profile.writes_numbers else None
    is_scaled = column.divide_by != ONE or column.multiply_by != ONE
    # Nobody writes a count with three decimals, so `1.250` is likely to be one of thousands.
    says_how = profile.decimal is not None or profile.thousands is not None
    two_ways = _TWO_WAYS if doubts else _COUNT_OF_THOUSANDS if is_count and not (says_how or is_scaled) else None

    def convert_number(text: str) -> object:
        if has_macros and is_macro(text):
            return Remarked(None, UNEXPANDED_MACRO)
        if two_ways is not None and not isinstance(text, Number) and two_ways.fullmatch(text):
            raise RecordRejected("ambiguous_number")
        if plain_number is not None and not isinstance(text, Number):
            text = plain_number(text)
        return convert(_scaled(text, column) if is_scaled else text)

    return _of_text(convert_number)


def _of_time_since(
    origin: datetime, column: Column, read_time: Callable[[object], object]
) -> Callable[[object], object]:
    """A number is seconds since `origin`, or becomes so once it is divided; anything else is read as a time."""
    first, last = (_microseconds_of(datetime(year, 1, 1, tzinfo=UTC)) for year in (1, MAXYEAR))
    start = _microseconds_of(origin)

    def convert_time(value: object) -> object:
        text = value.strip() if isinstance(value, str) else ""
        if not _PLAIN_NUMBER.fullmatch(text):
            return read_time(value)
        microseconds = start + int(Decimal(_scaled(text, column)).scaleb(6, _DECIMAL_CONTEXT).to_integral(ROUND_FLOOR))
        if not first <= microseconds < last:
            raise RecordRejected("out_of_range")
        return microseconds

    return convert_time


def _microseconds_of(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def _plain_number(profile: Profile) -> Callable[[str], str]:
    """How a number that is written as a source writes it becomes one with a decimal point and no other signs.

    Blanks and apostrophes between thousands are never decimal signs, so they are read wherever any sign is. A number in
    brackets is negative.
    """
    point, signs = re.escape(profile.decimal_sign), sorted(profile.currency_signs, key=len, reverse=True)
    between = f"[{re.escape(profile.thousands_sign)}{_BLANKS}{_APOSTROPHES}]" if profile.thousands_sign else "(?!)"
    pattern = re.compile(
        rf"(?P<whole>[0-9]{{1,3}}(?P<sign>{between})[0-9]{{3}}(?:(?P=sign)[0-9]{{3}})*|[0-9]*)"
        rf"(?:{point}(?P<part>[0-9]*))?(?P<exponent>[eE][+-]?[0-9]+)?"
    )

    def signed(text: str) -> tuple[str, str]:
        return ("-" if text[0] in "-\N{MINUS SIGN}" else "+", text[1:].strip()) if text[:1] in _SIGNS else ("", text)

    def plain(text: str) -> str:
        rest = text.strip()
        in_brackets = rest.startswith("(") and rest.endswith(")")
        sign, rest = signed(rest[1:-1].strip() if in_brackets else rest)
        for currency in signs:
            if rest.startswith(currency) or rest.endswith(currency):
                start = rest.startswith(currency)
                rest = (rest[len(currency) :] if start else rest[: -len(currency)]).strip()
                break
        second, rest = signed(rest)
        if _NOT_FINITE.fullmatch(rest):
            raise RecordRejected("non_finite")
        found = pattern.fullmatch(rest)
        if found is None or in_brackets + bool(sign) + bool(second) > 1 or (text.strip() and not rest):
            raise RecordRejected("wrong_type")
        whole = "".join(filter(str.isdigit, found["whole"]))
        part = "" if found["part"] is None else f".{found['part']}"
        sign = "-" if in_brackets else sign or second
        return f"{sign}{whole}{part}{found['exponent'] or ''}"

    return plain


def _scaled(text: str, column: Column) -> str:
    number = _number(text)
    if number is None:
        return ""
    context = Context(prec=len(text) + 40, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[InvalidOperation])
    return str(context.divide(context.multiply(number, column.multiply_by), column.divide_by))


def _format_of(text: str, profile: Profile) -> str | None:
    return None if isinstance(text, Moment | Number) else profile.date_format


def text_of(text: str) -> str | None:
    """The text without the white space around it, and the byte order mark of a file that was put behind another."""
    return storable(text.strip().removeprefix(BYTE_ORDER_MARK).strip()) or None


def id_of(text: str) -> str | None:
    """The text of an id, without the `.0` that it gets where a number with a fraction is made of it."""
    found = text_of(text)
    floating = _FLOATING_ID.fullmatch(found) if found else None
    return floating[1] if floating else found


def event_id_of(text: str, *, is_person: bool = False, prefix: str = "") -> str | Remarked | None:
    """The text of an id of an event, with the prefix of its source; the words for nobody are null, and macros are too.

    Of a person or device, zeros are nobody either, and a UUID is in small letters.
    """
    found = id_of(text)
    if found is None or found.lower() in NULL_IDS or (is_person and _NOBODY.fullmatch(found)):
        return None
    if is_macro(found):
        return Remarked(None, UNEXPANDED_MACRO)
    return prefix + (found.lower() if is_person and _UUID.fullmatch(found) else found)


def is_macro(text: str) -> bool:
    """Whether a text is a macro that nobody expanded."""
    return _MACRO.fullmatch(text.strip()) is not None


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


def date_of(
    text: str, report_timezone: ZoneInfo, timezone: ZoneInfo | None = None, date_format: str | None = None
) -> date | None:
    """The date of a date or a time: ISO 8601, `YYYYMMDD`, or seconds, milliseconds or microseconds since 1970.

    Of those there are as many digits as times of our days have: 10, 13 or 16.

    A time that names no zone is of `timezone`, and becomes the date in `report_timezone`; a date is what it says, and
    so is midnight without a zone, which is how spreadsheets and databases write a date. What begins with YYYY-MM-DD is
    read in spite of another format, unless that may mean something else by it.

    Raises:
        RecordRejected: `wrong_type`, or `out_of_range` for years that are not 1 to 9999.
    """
    text = text.strip()
    if not text:
        return None
    with _readable(text):
        if date_format is None and _DAY.fullmatch(text):
            return date.fromisoformat(text)
        moment = _moment(text, date_format)
        if moment.tzinfo is None and moment.time() == _MIDNIGHT:
            return moment.date()
        return _in_utc(moment, timezone).astimezone(report_timezone).date()


def is_unsure(value: object, timezone: ZoneInfo, profile: Profile) -> bool:
    """Whether a readable date or time names no zone, and is one that clocks in a zone showed twice or left out."""
    text = unwrapped(value) if isinstance(value, str) else ""
    date_format = None if isinstance(value, Moment | Number) else profile.date_format
    if not text or text in profile.nulls or (date_format is None and _DAY.fullmatch(text)):
        return False
    moment = _moment(text, date_format)
    return moment.tzinfo is None and timezone.utcoffset(moment) != timezone.utcoffset(moment.replace(fold=1))


def timestamp_of(text: str, timezone: ZoneInfo | None = None, date_format: str | None = None) -> int | Remarked | None:
    """The instant of a time in microseconds since 1970; digits beyond them are cut.

    It is as ISO 8601 says, also with UTC or GMT behind it, as the source's format says, or seconds, milliseconds,
    microseconds or nanoseconds since 1970 (10, 13, 16 or 19 digits) with a fraction or without. A time that names no
    zone is of `timezone`: of two instants the first, and in a gap by the offset before it. A date without a time is the
    last second of that day.

    Raises:
        RecordRejected: `imprecise_time` if it has an exponent, `unreadable_time`, or `out_of_range` for years that are
            not 1 to 9999.
    """
    text = text.strip()
    if not text:
        return None
    with _readable(text, "unreadable_time"):
        if date_format is not None and (date_format.startswith("%Y-") or not _ISO_DAY.match(text)):
            moment = datetime.strptime(text, date_format)  # noqa: DTZ007 - what it says of a zone is asked later
            is_day = not _HAS_TIME_OF_DAY.search(date_format)
        elif epoch := _EPOCH_DIGITS.fullmatch(text):
            return _microseconds_since_epoch(epoch[1], epoch[2] or "")
        elif _NUMBER.fullmatch(text):
            raise RecordRejected("imprecise_time" if "e" in text.lower() else "unreadable_time")
        elif _WEEK.match(text):
            raise RecordRejected("unreadable_time")
        else:
            moment, is_day = datetime.fromisoformat(_SAYS_UTC.sub("+00:00", text)), len(text) <= _LONGEST_DAY
        if is_day:
            moment = datetime.combine(moment, _LAST_SECOND)
        microseconds = (_in_utc(moment, timezone) - _EPOCH) // _MICROSECOND
    if is_day:
        return Remarked(microseconds, WHOLE_DAY)
    doubt = _doubt_of(moment, timezone)
    return microseconds if doubt is None else Remarked(microseconds, doubt)


def boolean_of(text: str) -> bool | None:
    """Yes or no: true and false, 1 and 0, yes and no, or their first letters, in any case."""
    text = text.strip().lower()
    if text and text not in _BOOLEANS:
        raise RecordRejected("wrong_type")
    return _BOOLEANS.get(text)


def nested_of(value: object) -> str | None:
    """An object or an array, or the JSON text of one, as canonical text."""
    found = object_of(value)
    return None if found is None else canonical(found)


def object_of(value: object) -> dict[str, object] | list[object] | None:
    """An object or an array, or what the JSON text of one says; a blank text is null."""
    if isinstance(value, NotFinite):
        raise RecordRejected("non_finite")
    if isinstance(value, str) and not isinstance(value, Number):
        if not value.strip():
            return None
        text = value
        try:
            value = parsed_json(text)
        except RecordRejected as refused:
            raise RecordRejected("duplicate_key" if refused.reason == "duplicate_key" else "wrong_type") from None
        if text.count("{") + text.count("[") > DEEPEST and _is_too_deep(value):
            raise RecordRejected("wrong_type")
    if not isinstance(value, dict | list):
        raise RecordRejected("wrong_type")
    return value


def _is_too_deep(value: object) -> bool:
    level = [value]
    for _ in range(DEEPEST):
        inner = (one.values() if isinstance(one, dict) else one for one in level if isinstance(one, dict | list))
        level = [one for members in inner for one in members]
    return any(isinstance(one, dict | list) for one in level)


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


@contextmanager
def _readable(text: str, otherwise: str = "wrong_type") -> Iterator[None]:
    try:
        yield
    except (OverflowError, InvalidOperation):
        raise RecordRejected("out_of_range") from None
    except ValueError:
        raise RecordRejected("out_of_range" if _STRANGE_YEAR.match(text) else otherwise) from None


def _moment(text: str, date_format: str | None = None) -> datetime:
    if date_format is not None and (date_format.startswith("%Y-") or not _ISO_DAY.match(text)):
        return datetime.strptime(text, date_format)  # noqa: DTZ007 - what it says of a zone is asked later
    if _WEEK.match(text) or _NO_EPOCH.fullmatch(text):
        raise ValueError
    return _since_epoch(Decimal(text)) if _NUMBER.fullmatch(text) else datetime.fromisoformat(text)


def _in_utc(moment: datetime, timezone: ZoneInfo | None) -> datetime:
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone or UTC)).astimezone(UTC)


def _doubt_of(moment: datetime, timezone: ZoneInfo | None) -> str | None:
    """What is doubtful about a time that names no zone, where clocks are put back or forward."""
    if timezone is None or moment.tzinfo is not None:
        return None
    first, second = (moment.replace(tzinfo=timezone, fold=fold).utcoffset() for fold in (0, 1))
    if first == second or first is None or second is None:
        return None
    return AMBIGUOUS_TIME if first > second else NONEXISTENT_TIME


def _microseconds_since_epoch(digits: str, fraction: str) -> int:
    """What as many digits mean, with those behind the point; 19 are nanoseconds, 16 microseconds, and so on."""
    places = max(16 - len(digits), 0)  # between the last digit and microseconds
    if digits == "0":
        places = 6
    return int(digits + fraction.ljust(places, "0")[:places]) if len(digits) < 19 else int(digits[:-3])


def _since_epoch(number: Decimal) -> datetime:
    # The limits lie in the year 5138 for each unit, and before any date of advertising for the next.
    for limit, microseconds in ((11, 1_000_000), (14, 1_000), (17, 1)):
        if number.adjusted() < limit:
            return _EPOCH + timedelta(microseconds=int(number * microseconds))
    raise OverflowError
