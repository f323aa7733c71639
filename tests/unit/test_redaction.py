"""No secret passes the redaction, however it is spelled, and nothing else is changed."""

import json
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from urllib.parse import quote, quote_plus, unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from extract.redaction import (
    REDACTED,
    Redaction,
    redacted_data,
    secrets_of_address,
    secrets_of_channel,
    without_escapes,
)

printable = st.characters(min_codepoint=33, max_codepoint=126)
secrets = st.text(printable, min_size=8, max_size=24) | st.sampled_from(
    ['sla/sh"quote', "back\\slash", "p%40ss%2Fword", "plus+min", "ümläut-ß", "a b c d e f", "'\"'\"''\"'", "%%%%%%%%"]
)
arounds = st.text(st.characters(codec="utf-8"), max_size=7) | st.sampled_from(["%", "%2", "%25", "\\u", "\\u00", "\\"])


def every_character(text: str, spell: Callable[[int], str]) -> str:
    return "".join(map(spell, text.encode()))


SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON without ASCII": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "JSON with slashes": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "JSON, each character": lambda text: "".join(f"\\u{ord(one):04X}" for one in text),
    "JSON in JSON": lambda text: json.dumps(json.dumps(text)[1:-1])[1:-1],
    "percent": quote,
    "percent, slashes too": lambda text: quote(text, safe=""),
    "form": quote_plus,
    "percent, each byte, small": lambda text: every_character(text, "%{:02x}".format),
    "percent twice": lambda text: quote(quote(text, safe="")),
    "decoded": unquote,
}


@pytest.mark.parametrize("name", SPELLINGS)
@example(secret="00000000", before="%", after="")
@example(secret="00a/bcde", before="%", after="")
@example(secret="25253a/b", before="%", after="")
@example(secret="0041/bcd", before="\\u", after="")
@given(secret=secrets, before=arounds, after=arounds)
def test_a_secret_is_found_in_every_spelling(name: str, secret: str, before: str, after: str) -> None:
    spelled = SPELLINGS[name](secret)
    shown = Redaction([secret])(f"{before}{spelled}{after}")
    assert spelled not in shown.replace(REDACTED, "")
    assert secret not in shown.replace(REDACTED, "")
    assert REDACTED in shown


@given(secret=secrets, before=st.binary(max_size=7), after=st.binary(max_size=7), is_url_safe=st.booleans())
def test_a_secret_is_found_in_base64_wherever_it_stands(
    secret: str, before: bytes, after: bytes, is_url_safe: bool
) -> None:
    encode = urlsafe_b64encode if is_url_safe else b64encode
    shown = Redaction([secret])(f'{{"told": "Basic {encode(before + secret.encode() + after).decode()}"}}')
    assert REDACTED in shown
    assert encode(secret.encode()).decode().rstrip("=") not in shown


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
@given(secret=secrets, before=st.binary(max_size=7), after=st.binary(max_size=7), spell=st.sampled_from([*SPELLINGS]))
def test_a_secret_is_found_in_utf_16_wherever_it_stands(
    codec: str, secret: str, before: bytes, after: bytes, spell: str
) -> None:
    spelled = SPELLINGS[spell](secret).encode(codec)
    # A character before it may be the beginning of an escape, of which a secret can look like the end.
    payload, count = Redaction([secret]).of_bytes(before + "\n".encode(codec) + spelled + "\n".encode(codec) + after)
    assert count > 0
    assert REDACTED.encode(codec) in payload
    assert spelled not in payload.replace(REDACTED.encode(codec), b"")  # a secret can be a part of the mark itself


@given(payload=st.binary() | st.lists(st.sampled_from([b"\0", b"a", b"\xd8", b"\xdc"])).map(b"".join))
def test_bytes_without_a_secret_stay_as_they_are(payload: bytes) -> None:
    assert Redaction(["a-secret-like-no-other", "gehe\xeemnis-\u00df"]).of_bytes(payload) == (payload, 0)


@given(text=st.text(st.characters(codec="utf-8")))
def test_what_has_no_secret_stays_as_it_is(text: str) -> None:
    assert Redaction(["a-secret-like-no-other", "p%40w", "sla/sh\\back"])(text) == text
    assert Redaction([])(text) == text


@given(
    st.lists(st.sampled_from([b"%", b"25", b"4", b"1", b"a", b"u", b"00", b"\\", b'"', b"/", b"\xc3"])).map(b"".join)
)
@example(b"\\" * 1_000_000)
def test_escapes_are_resolved_from_left_to_right(payload: bytes) -> None:
    escaped = rb"%(?:25)*([0-7][0-9a-fA-F])|(?<!\\)\\++u00([0-7][0-9a-fA-F])|(?<!\\)\\++(?=[\"/])"

    def character(found: re.Match[bytes]) -> bytes:
        return bytes([int(found[1] or found[2], 16)]) if found[1] or found[2] else b""

    assert without_escapes(payload) == re.sub(escaped, character, payload)


def test_the_password_of_an_address_is_one_with_its_user() -> None:
    redact = Redaction(secrets_of_address("https://us%2Fer:p%40w@ads.example.com/v1"))
    basic = b64encode(b"us/er:p@w").decode()
    shown = redact(f"p@w p%40w us/er:p@w us%2Fer:p%40w {basic} {b64encode(b'p@w').decode()} up@wn")
    assert shown == " ".join([REDACTED] * 6 + ["up@wn"])
    assert secrets_of_address("https://ads.example.com") == set()


def test_a_secret_inside_another_does_not_leave_its_rest() -> None:
    redact = Redaction(["longer-secret-rest", "longer-secret"])
    assert redact("longer-secret-rest longer-secret") == f"{REDACTED} {REDACTED}"


def test_a_page_stays_json_and_says_how_many_there_were() -> None:
    token = 'tok/en"with\\all'
    page = {"records": [{"city": token, "debug": f"Bearer {token}"}], token: 1}
    payload, count = Redaction([token]).of_bytes(json.dumps(page).encode())
    assert count == 3
    assert json.loads(payload) == {"records": [{"city": REDACTED, "debug": f"Bearer {REDACTED}"}], REDACTED: 1}


def test_data_for_json_is_redacted_before_it_is_text() -> None:
    data = {'to"ken-1234': ['x to"ken-1234', 5, None, True, 1.5, ('to"ken-1234',)]}
    shown = redacted_data(data, Redaction(['to"ken-1234']))
    assert shown == {REDACTED: [f"x {REDACTED}", 5, None, True, 1.5, [REDACTED]]}


def test_of_the_address_of_a_channel_password_and_tokens_are_secret_and_hosts_are_not() -> None:
    mail = "mailto://me:pw of me@mail.example.com?to=you@example.com"
    assert secrets_of_channel(mail) == {mail, "pw of me"}
    slack = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
    assert secrets_of_channel(slack) == {slack, "TIiajkdnlazkcOXrIdevi7FQ"}
    plain = "json://127.0.0.1:8080/a-long-path-of-words"
    assert secrets_of_channel(plain) == {plain}
    assert secrets_of_channel("json://127.0.0.1:8080") == secrets_of_channel("json://127.0.0.1:8080/") == set()


@pytest.mark.parametrize(
    ("url", "tokens"),
    [
        ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#{word}", {"TIiajkdnlazkcOXrIdevi7FQ"}),
        ("mailto://{word}:pw@mail.example.com", {"pw"}),
        ("mailto://{word}:pw@mail.example.com/you@{word}.example", {"pw"}),
        ("mailtos://me:pw@mail.example.com?to={word}&from={word}&name={word}", {"pw"}),
        ("json://{word}:pw@host.example/a-secret-path-of-2026", {"pw", "a-secret-path-of-2026"}),
    ],
)
def test_people_and_channels_in_an_address_are_no_tokens(url: str, tokens: set[str]) -> None:
    url = url.format(word="brand-acme-2026-q4")
    assert secrets_of_channel(url) == {url, *tokens}
