"""What a value means (RULES.md, "Null, numbers, time"): text, ids, numbers and times, or the reason why it is none."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, timezone, tzinfo
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from typing import Any

from simulate.event_truth.records import Rejected
from simulate.event_truth.rules import MICROSECONDS

EXACT = Context(prec=100, rounding=ROUND_HALF_UP)
"""Wide enough for every product and sum of the marts: the default context would round at 28 digits."""

_NO_ID = {"-", "null", "none", "nan", "undefined", "unknown", "n/a", "(not set)", "[object object]"}
_NO_USER = re.compile(r"-1|[0-]+")
_MACRO = re.compile(r"\$\{.*\}|%%.*%%|\{\{.*\}\}|\[[A-Z][A-Z0-9_]*\]|__[A-Z][A-Z0-9_]*__")
_WHOLE_NUMBER = re.compile(r"([+-]?\d+)\.0+")
_UUID = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_NOT_FINITE = re.compile(r"[+-]?(nan|inf|infinity)", re.IGNORECASE)
_EXPONENT = re.compile(r"[+-]?\d+(\.\d*)?[eE][+-]?\d+")
_EPOCH = re.compile(r"(\d{10}|\d{13}|\d{16}|\d{19})(?:\.(\d+))?")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIME = re.compile(
    r"(\d{4}-\d{2}-\d{2})[T ](\d{2}):(\d{2}):(\d{2})(?:[.,](\d+))?(?: ?(Z|UTC)| ?([+-]\d{2}):?(\d{2})?)?"
)
_START = datetime(1970, 1, 1, tzinfo=UTC)
_MICRO = Decimal("0.000001")
_YES = {"true", "1", "yes", "y", "t"}
_NO = {"false", "0", "no", "n", "f"}


def text_of(value: Any) -> str | None:
    """A text without the white space around it; None if nothing is left. Numbers keep their digits."""
    if value is None:
        return None
    if isinstance(value, bool | list | dict):
        raise Rejected("wrong_type")
    text = str(value).strip()
    if text.startswith('="') and text.endswith('"'):
        text = text[2:-1].strip()
    return text or None


def is_macro(text: str) -> bool:
    """Whether a text is a macro that the sender left unexpanded."""
    return _MACRO.fullmatch(text) is not None


def id_of(value: Any) -> str | None:
    """An id, or None where a word for nothing or a macro stands in its place."""
    text = text_of(value)
    if text is None or text.lower() in _NO_ID or is_macro(text):
        return None
    number = _WHOLE_NUMBER.fullmatch(text)
    return number[1] if number else text


def user_of(value: Any, key: bytes) -> str | None:
    """The pseudonym of a user; what is cleaned away is cleaned before, or all nobodies would be one user."""
    text = id_of(value)
    if text is None or _NO_USER.fullmatch(text):
        return None
    if _UUID.fullmatch(text):
        text = text.lower()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def decimal_of(value: Any) -> Decimal | None:
    """A number with six decimals, half up, of any size."""
    text = text_of(value)
    if text is None:
        return None
    if _NOT_FINITE.fullmatch(text):
        raise Rejected("non_finite")
    if not _NUMBER.fullmatch(text):
        raise Rejected("wrong_type")
    try:
        return EXACT.plus(Decimal(text).quantize(_MICRO, context=EXACT))  # plus: there is no negative zero
    except InvalidOperation:
        raise Rejected("out_of_range") from None


def price_of(value: Any) -> Decimal | None:
    """A price; a macro in its place is none."""
    return None if isinstance(value, str) and is_macro(value.strip()) else decimal_of(value)


def boolean_of(value: Any) -> bool | None:
    """Yes or no."""
    if isinstance(value, bool):
        return value
    text = text_of(value)
    if text is None:
        return None
    if text.lower() not in _YES | _NO:
        raise Rejected("wrong_type")
    return text.lower() in _YES


@dataclass(frozen=True)
class Moment:
    """A time in microseconds since 1970, and the earliest one that it can mean: that of a date is its beginning."""

    at: int
    earliest: int


def moment_of(value: Any, zone: tzinfo) -> Moment | None:
    """A time: ISO 8601, a date (the end of that day) or an epoch of 10, 13, 16 or 19 digits."""
    text = text_of(value)
    if text is None:
        return None
    if text == "0":
        return Moment(0, 0)
    if _EXPONENT.fullmatch(text):
        raise Rejected("imprecise_time")
    epoch = _EPOCH.fullmatch(text)
    if epoch:
        return _of_epoch(epoch[1], epoch[2] or "")
    try:
        if _DATE.fullmatch(text):
            day = datetime.fromisoformat(text)
            end = datetime.combine(day, time(23, 59, 59))
            return Moment(microseconds_of(end.replace(tzinfo=zone)), microseconds_of(day.replace(tzinfo=zone)))
        written = _TIME.fullmatch(text)
        if written:
            return _of_clock(written, zone)
    except (ValueError, OverflowError):
        pass  # a month 13, an hour 24
    raise Rejected("unreadable_time")


def _of_epoch(digits: str, fraction: str) -> Moment:
    # 10 digits are seconds, 13 milliseconds, 16 microseconds, 19 nanoseconds; what is finer than a microsecond is cut.
    at = int((digits + fraction.ljust(6, "0"))[:16])
    return Moment(at, at)


def _of_clock(written: re.Match[str], zone: tzinfo) -> Moment:
    day, hour, minute, second, fraction, utc, offset_hours, offset_minutes = written.groups()
    clock = datetime.fromisoformat(f"{day}T{hour}:{minute}:{second}.{(fraction or '0')[:6].ljust(6, '0')}")
    if utc:
        zone = UTC
    elif offset_hours:
        minutes = int(offset_minutes or 0)
        sign = -1 if offset_hours.startswith("-") else 1
        zone = timezone(timedelta(hours=int(offset_hours), minutes=sign * minutes))
    at = microseconds_of(clock.replace(tzinfo=zone))
    return Moment(at, at)


def microseconds_of(moment: datetime) -> int:
    """Microseconds since 1970 of a time with a zone."""
    return (moment - _START) // timedelta(microseconds=1)


def elapsed(since: int, until: int) -> int:
    """Microseconds from one time to another, both cut to the second where one of them has no fraction."""
    if since % MICROSECONDS == 0 or until % MICROSECONDS == 0:
        return (until // MICROSECONDS - since // MICROSECONDS) * MICROSECONDS
    return until - since
