"""The list of people, and whom a login vouches for."""

from pathlib import Path
from typing import Any

import pytest

from dashboard.people import PeopleError, folded, read_people, verified_email
from dashboard.queries import Reader


def listed(tmp_path: Path, text: str) -> dict[str, Reader]:
    file = tmp_path / "dashboard_people.csv"
    file.write_bytes(text.encode())
    return read_people(file)


def test_a_person_may_see_the_brands_of_their_lines_or_everything(tmp_path: Path) -> None:
    text = '\ufeffemail,brand\r\nAnn@Example.org,Beta\r\n ann@example.org ,"Acme, Inc."\r\n\r\nboss@example.org,*\r\n'
    assert listed(tmp_path, text) == {
        "ann@example.org": Reader(("Acme, Inc.", "Beta")),
        "boss@example.org": Reader(None),
    }


def test_the_list_that_comes_with_adhouse_names_nobody() -> None:
    assert read_people(Path(__file__).parents[2] / "seeds" / "dashboard_people.csv") == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "does not begin with the line email,brand"),
        ("brand,email\n", "does not begin with the line email,brand"),
        ("email;brand\nann@example.org;*\n", "does not begin with the line email,brand"),
        ("email,brand\nann@example.org,\n", "line 2 is no e-mail address and brand"),
        ("email,brand\n*,Acme\n", "line 2 is no e-mail address and brand"),
        ("email,brand\n\nann@example.org,Acme,Beta\n", "line 3 is no e-mail address and brand"),
        ('email,brand\nann@example.org,"Acme\n', "cannot be read: it is no CSV in UTF-8"),
    ],
)
def test_a_list_that_is_not_understood_is_refused_whole_and_names_nobody(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(PeopleError, match=said) as raised:
        listed(tmp_path, text)
    assert "ann@" not in str(raised.value)


def test_a_list_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PeopleError, match=r"people.csv cannot be read: No such file"):
        read_people(tmp_path / "people.csv")


@pytest.mark.parametrize(
    ("claims", "email"),
    [
        ({"email": " Ann@Example.ORG"}, "ann@example.org"),
        ({"email": "ann@example.org", "email_verified": True}, "ann@example.org"),
        ({"email": "ann@example.org", "email_verified": "true"}, "ann@example.org"),
        ({"email": "ann@example.org", "email_verified": False}, None),
        ({"email": "ann@example.org", "email_verified": "false"}, None),
        ({"email": "ann@example.org", "email_verified": None}, None),
        ({"email": ["ann@example.org"]}, None),
        ({"email": " "}, None),
        ({"preferred_username": "ann@example.org", "sub": "ann@example.org"}, None),
    ],
)
def test_only_a_verified_email_counts(claims: dict[str, Any], email: str | None) -> None:
    assert verified_email(claims) == email


def test_a_letter_that_only_looks_like_one_of_ascii_makes_nobody_somebody_else() -> None:
    kelvin = "\N{KELVIN SIGN}im@example.org"
    assert kelvin.lower() == "kim@example.org"
    assert folded(kelvin) != "kim@example.org"
