"""Who may see what: the list of people, and what a login says of a person.

The list is read whenever a page is drawn, so whoever is taken out of it sees nothing from their next click on, and a
rollback of the marts brings nobody back.
"""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dashboard.queries import Reader

HEADER = ["email", "brand"]
EVERY_BRAND = "*"


class PeopleError(Exception):
    """The list of people cannot be used; the text says where and why, and names nobody."""


def read_people(file: Path) -> dict[str, Reader]:
    """Reads the list: a line per person and brand, or `*` for everything.

    Args:
        file: A CSV with the columns `email` and `brand`.

    Returns:
        What each person may see, by e-mail as `folded` writes it.

    Raises:
        PeopleError: The file is missing, is no such CSV, or has a line without e-mail or brand.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            lines = csv.reader(text, strict=True)
            found = [(lines.line_num, [cell.strip() for cell in row]) for row in lines]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        said = error.strerror if isinstance(error, OSError) else "it is no CSV in UTF-8"
        raise PeopleError(f"{file.name} cannot be read: {said}") from error
    if not found or found[0][1] != HEADER:
        raise PeopleError(f"{file.name} does not begin with the line {','.join(HEADER)}")
    brands: dict[str, set[str]] = {}
    for number, row in found[1:]:
        if not any(row):
            continue
        if len(row) != len(HEADER) or not all(row) or "@" not in row[0]:
            raise PeopleError(f"{file.name} line {number} is no e-mail address and brand")
        brands.setdefault(folded(row[0]), set()).add(row[1])
    return {email: Reader(None if EVERY_BRAND in theirs else tuple(sorted(theirs))) for email, theirs in brands.items()}


def verified_email(claims: Mapping[str, Any]) -> str | None:
    """The e-mail address that a login vouches for; None if it names none, or says that it is not verified.

    Not every provider says whether it is: one that says nothing is trusted, because whoever set it up chose it.
    """
    email = claims.get("email")
    is_verified = claims.get("email_verified", True)
    if not isinstance(email, str) or not email.strip() or str(is_verified).lower() != "true":
        return None
    return folded(email)


def folded(email: str) -> str:
    """An address in lower case, as far as its letters are those of ASCII.

    Some others become letters of ASCII (the Kelvin sign a k), and would make a stranger somebody else.
    """
    return "".join(letter.lower() if letter.isascii() else letter for letter in email.strip())
