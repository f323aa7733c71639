"""Redaction: no secret is shown, logged or landed, however it is spelled."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Iterable
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

REDACTED = "[redacted]"
SHORT = 8  # characters; a shorter secret is an ordinary word, and only redacted where it stands by itself
# An ASCII character as in a URL or in JSON, or the backslashes before one.
_ESCAPED = re.compile(rb"%(?:25)*([0-7][0-9a-fA-F])|\\+u00([0-7][0-9a-fA-F])|\\+(?=[\"/])")
_BACKSLASHES = re.compile(rb"\\+")
# How a secret begins if it makes an escape with what stands before it, like `30…` after a `%`.
_REST_OF_ESCAPE = re.compile(rb"(?:5?(?:25)*|u?00|0)[0-7][0-9a-fA-F]|[0-9a-fA-F]")
# Letters and digits, as a random key has them and a name of a host or folder seldom has.
_TOKEN = re.compile(r"(?=[^0-9]*[0-9])(?=[^A-Za-z]*[A-Za-z])[A-Za-z0-9%+~_-]{16,}")
WEBHOOKS = {"json", "jsons", "xml", "xmls", "form", "forms"}
_MAIL = {"mailto", "mailtos"}
_URL_SAFE = str.maketrans("+/", "-_")


class Redaction:
    """Replaces secrets by `[redacted]`.

    A secret is found as it is, escaped as in JSON (also twice), percent-encoded or decoded, in any mixture of these,
    and in base64: all characters that it decides alone, wherever it stands in what was encoded. In bytes it is found in
    UTF-8 and UTF-16.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        """Takes the secrets; empty ones are none."""
        given = {one for one in secrets if one}
        plain = given | {unquote(one) for one in given}
        encoded = {fragment for one in plain for fragment in _in_base64(one)}
        # The longest first: one secret may be part of another.
        patterns = [_pattern(one) for one in sorted(plain | encoded, key=len, reverse=True)]
        self._pattern = re.compile("|".join(patterns).encode()) if patterns else None
        as_form, as_url = {one.replace(" ", "+") for one in plain}, {one.translate(_URL_SAFE) for one in encoded}
        literals = [one.encode() for one in plain | encoded | as_form | as_url]
        self._literals = {rest for one in literals for rest in _after_a_false_escape(one)}
        self._is_ascii = all(one.isascii() for one in plain)
        self._is_simple = all(one.isascii() and not {*one} & {"\\", "%"} for one in plain)

    def __call__(self, text: str) -> str:
        """The text without the secrets."""
        return self.of_bytes(text.encode(errors="surrogatepass"))[0].decode(errors="surrogatepass")

    def of_bytes(self, payload: bytes) -> tuple[bytes, int]:
        """What was received without the secrets, and how many were in it."""
        payload, count = self._of_utf8(payload)
        # An ASCII character has a zero byte in UTF-16. It may begin at any byte: what stands before it may be anything.
        if self._pattern is not None and (b"\0" in payload or not self._is_ascii):
            for codec in ("utf-16-le", "utf-16-be"):
                for start in (0, 1):
                    end = start + (len(payload) - start) // 2 * 2
                    text = payload[start:end].decode(codec, "surrogatepass").encode("utf-8", "surrogatepass")
                    redacted, found = self._of_utf8(text)
                    if found:
                        encoded = redacted.decode("utf-8", "surrogatepass").encode(codec, "surrogatepass")
                        payload, count = payload[:start] + encoded + payload[end:], count + found
        return payload, count

    def _of_utf8(self, payload: bytes) -> tuple[bytes, int]:
        if self._pattern is None:
            return payload, 0
        # To find every spelling takes long, to see that there is none does not.
        has_escapes = b"\\" in payload or b"%" in payload
        if self._is_simple or not has_escapes:
            plain = without_escapes(payload) if has_escapes else payload
            if not any(literal in plain for literal in self._literals):
                return payload, 0
        return self._pattern.subn(REDACTED.encode(), payload)


def redacted_data(data: object, redact: Callable[[str], str]) -> object:
    """Data on its way into JSON: every text in it, names too, and what is no JSON as text.

    Redacted as text, JSON could lose its shape.
    """
    match data:
        case dict():
            return {redact(str(name)): redacted_data(value, redact) for name, value in data.items()}
        case list() | tuple():
            return [redacted_data(one, redact) for one in data]
        case None | bool() | int() | float():
            return data
        case _:
            return redact(str(data))


def secrets_of_address(url: str) -> set[str]:
    """The password of an address, and with its user as in the header `Authorization: Basic`."""
    parts = urlsplit(url)
    if not parts.password:
        return set()
    user = parts.username or ""
    return {parts.password, f"{user}:{parts.password}", f"{unquote(user)}:{unquote(parts.password)}"}


def secrets_of_channel(url: str) -> set[str]:
    """What must not be shown of the address of an alert channel: all of it, its password, and what looks like a token.

    Where an address has its token differs from service to service: as user, host, path or query. So a token is guessed,
    and may be a word of the data: what this gives is for redacting what is shown, never for data. People and channels
    are not guessed: the user before a password, an address of mail, what follows a `#`, and the likes of `to=`.
    """
    scheme, _, rest = url.partition("://")
    passwords = {part for part in re.findall(r"^[^/?#@]*:([^/?#@]*)@", rest) if part}
    if scheme.lower() in WEBHOOKS and not re.search("[/?#@].", rest):
        return set()  # a host and port alone
    guessed = rest.rpartition("@")[2] if scheme.lower() in _MAIL else re.sub(r"^[^/?#@:]*:(?=[^/?#@]*@)", "", rest)
    guessed = re.sub(r"#[^/?]*|(?<=[?&])(?:to|from|cc|bcc|reply|name)=[^&#]*", "", guessed, flags=re.IGNORECASE)
    parts = re.split(r"[/:@?&=]+", guessed)
    return {url, *passwords, *(part for part in parts if _TOKEN.fullmatch(part))}


def is_this_machine(host: str) -> bool:
    """Whether what is sent to a host never leaves this machine."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _after_a_false_escape(literal: bytes) -> set[bytes]:
    """What is left to see of a secret whose beginning is taken for the end of an escape."""
    ends = (end for end in range(1, len(literal) + 1) if _REST_OF_ESCAPE.fullmatch(literal, 0, end))
    return {literal, *(literal[end:] for end in ends)}


def without_escapes(payload: bytes) -> bytes:
    """The payload with each ASCII character that is escaped as in a URL or in JSON as itself.

    As `re.sub` would make it, but that looks at every byte, and most of an answer has no escape.
    """
    parts, done = [], 0
    percent, backslash = payload.find(b"%"), payload.find(b"\\")
    while percent >= 0 or backslash >= 0:
        at = min(percent, backslash) if min(percent, backslash) >= 0 else max(percent, backslash)
        after = at + 1 if at == percent else _BACKSLASHES.match(payload, at).end()  # type: ignore[union-attr]
        if found := _ESCAPED.match(payload, at):
            digits = found[1] or found[2]
            parts += [payload[done:at], bytes.fromhex(digits.decode()) if digits else b""]
            done = after = found.end()
        if 0 <= percent < after:
            percent = payload.find(b"%", after)
        if 0 <= backslash < after:
            backslash = payload.find(b"\\", after)
    return b"".join([*parts, payload[done:]])


def _in_base64(secret: str) -> set[str]:
    """The characters of base64 that a secret decides alone, wherever it begins in what was encoded."""
    found = set()
    for before in range(3):
        text = b64encode(bytes(before) + secret.encode()).decode()
        whole = (before + len(secret.encode())) * 8 // 6
        found.add(text[-(-before * 8 // 6) : whole])
    return {one for one in found if len(one) > 2}


def _pattern(text: str) -> str:
    spelled = "".join(map(_spellings, text))
    return spelled if len(text) >= SHORT else f"(?<![A-Za-z0-9]){spelled}(?![A-Za-z0-9])"


def _spellings(character: str) -> str:
    """All ways to write a character: as it is, as in a URL, as in JSON."""
    literal = re.escape(character)
    percent = "".join(f"%(?:25)*{byte:02x}" for byte in character.encode())
    utf16 = character.encode("utf-16-be").hex()
    escaped = "".join(rf"\\+u{utf16[start : start + 4]}" for start in range(0, len(utf16), 4))
    ways = [rf"\\*{literal}" if character in "\"'/" else rf"{literal}+" if character == "\\" else literal]
    ways += [f"(?i:{percent})", f"(?i:{escaped})", *{" ": [r"\+"], "+": ["-"], "/": ["_"]}.get(character, [])]
    return f"(?:{'|'.join(ways)})"
