"""What looks personal beside our fields, by its name or by its value."""

from __future__ import annotations

import ipaddress
import re
from decimal import ROUND_DOWN, Decimal
from functools import lru_cache

_WORDS = re.compile("[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")
# Of names without anything but letters, what is in them; of short words, only the word itself.
_PERSONAL_PARTS = re.compile(
    "e?mailaddress|email|phone|msisdn|idfa|idfv|gaid|imei|imsi|advertisingid|androidid|deviceid|deviceifa|macaddress"
    "|userid|username|useruid|customerid|clientid|crmid|personid|memberid|visitorid|cookieid|subscriberid"
    "|firstname|lastname|fullname|surname|birth|street|postaladdress|homeaddress"
)
_PERSONAL_WORDS = frozenset({"mail", "tel", "address", "aaid", "ifa", "maid", "oaid", "rdid", "udid", "uid", "ssn"})
_COORDINATE_WORDS = frozenset({"lat", "lon", "lng", "latitude", "longitude"})
_EMAIL = re.compile(r"[^\s@,;<>\"']+(@|%40)[^\s@,;<>\"']+\.[A-Za-z]{2,}")
_PHONE = re.compile(r"\+[0-9][0-9 ()./-]{6,}")
_DEVICE = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|([0-9a-f]{2}[:-]){5}[0-9a-f]{2}", re.IGNORECASE)
_DEVICE_LENGTHS = (36, 17)
_BYTES = frozenset(map(str, range(256)))
_NUMBER = re.compile(r"[+-]?[0-9]{1,3}\.[0-9]{2,}")
_COORDINATES = re.compile(r"(?<![0-9.])[+-]?[0-9]{1,3}\.[0-9]{3,}(\s*[,;]\s*)[+-]?[0-9]{1,3}\.[0-9]{3,}(?![0-9.])")
# Not the version of a program, such as Chrome/120.0.0.0.
_IP = re.compile(
    r"(?<![0-9])(?<![0-9]\.)(?<![A-Za-z]/)(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![0-9]|\.[0-9])"
    r"|(?<![\w:])(?=[0-9A-Fa-f]*:)[0-9A-Fa-f:]{2,}(?:[0-9.]*[0-9])?(?![\w:])"
)


@lru_cache(maxsize=4096)
def names_a_person(name: str) -> bool:
    """Whether a column of this name says who somebody is, or which device it was."""
    words = {word.lower() for word in _WORDS.findall(name)}
    letters = re.sub("[^a-z]", "", name.lower())
    is_of_the_net = words & {"ip", "ipv", "forwarded", "remote"}
    return not is_of_the_net and bool(words & _PERSONAL_WORDS or _PERSONAL_PARTS.search(letters))


def is_personal(text: str) -> bool:
    """Whether a text has an e-mail address, or is a phone number or the id of a device."""
    text = text.strip()
    return (
        has_email(text)
        or (text.startswith("+") and _PHONE.fullmatch(text) is not None)
        or (len(text) in _DEVICE_LENGTHS and _DEVICE.fullmatch(text) is not None)
    )


def has_email(text: str) -> bool:
    """Whether an e-mail address stands in a text."""
    return ("@" in text or "%40" in text) and _EMAIL.search(text) is not None


def coarse(name: str, text: str) -> str:
    """The text with IP addresses cut to /24 or /48, and coordinates to one decimal."""
    # Most texts have none of the signs without which there is nothing to look for.
    if _is_coordinate(name):
        text = _NUMBER.sub(_one_decimal, text)
    if "." in text and ("," in text or ";" in text):
        text = _COORDINATES.sub(lambda pair: _NUMBER.sub(_one_decimal, pair[0]), text)
    return _IP.sub(_network, text) if text.count(".") > 2 or text.count(":") > 1 else text


@lru_cache(maxsize=4096)
def _is_coordinate(name: str) -> bool:
    return bool(_COORDINATE_WORDS & {word.lower() for word in _WORDS.findall(name)})


def _one_decimal(number: re.Match[str]) -> str:
    return str(Decimal(number[0]).quantize(Decimal("0.1"), ROUND_DOWN))


def _network(address: re.Match[str]) -> str:
    text = address[0]
    if ":" not in text:  # by far the most; asking `ipaddress` takes ten times as long
        parts = text.split(".")
        return f"{'.'.join(parts[:3])}.0/24" if len(parts) == 4 and _BYTES.issuperset(parts) else text
    try:
        return str(ipaddress.ip_network(f"{ipaddress.IPv6Address(text)}/48", strict=False))
    except ValueError:
        return text
