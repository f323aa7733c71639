"""How values are written, and how texts from the data stay texts: in Streamlit's markup and in spreadsheets."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal

from dashboard.measures import Kind

UNDEFINED = "–"  # noqa: RUF001 an en dash, as tables write what is not there
SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹"}
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
WITHOUT_FRACTION = 1_000
# From where on a letter is written, its size, and the letter; 999,950 is 1.0M and not 1,000K.
LETTERS = ((999.5e9, 1e12, "T"), (999.5e6, 1e9, "B"), (999.5e3, 1e6, "M"), (1e4, 1e3, "K"))


def plain(value: object) -> str:
    """A text that Streamlit's markup shows as it is: no image, link, formula, icon or colour in it comes to life.

    Every text that is not ours goes through here wherever Streamlit renders markup: labels, captions, cards, messages.
    """
    return "".join(
        f"&#{ord(letter)};" if letter.isascii() and not letter.isalnum() and letter != " " else letter
        for letter in str(value)
    )


def formatted(value: object, kind: Kind, currency: str, *, is_compact: bool = False) -> str:
    """A number as people read it; a dash where it is undefined.

    Args:
        value: The number, or None.
        kind: What it is.
        currency: The code of the currency of money.
        is_compact: 12.3K instead of 12,345, for where there is little room.
    """
    if not isinstance(value, int | float | Decimal):
        return UNDEFINED
    number = float(value)
    if kind == "percent":
        return f"{number:.2%}"
    if kind == "factor":
        return f"{number:.2f}"
    sign = "-" if number < 0 else ""
    digits = _digits(abs(number), kind, is_compact=is_compact)
    return f"{sign}{_unit(currency)}{digits}" if kind == "money" else f"{sign}{digits}"


def _digits(number: float, kind: Kind, *, is_compact: bool) -> str:
    if is_compact:
        for least, size, letter in LETTERS:
            if number >= least:
                scaled = number / size
                return f"{scaled:,.1f}{letter}" if scaled < 100 else f"{scaled:,.0f}{letter}"
    if is_compact and number >= WITHOUT_FRACTION:
        return f"{number:,.0f}"
    if kind == "count":
        return f"{number:,.2f}".rstrip("0").rstrip(".")
    return f"{number:,.4f}" if 0 < number < 0.1 else f"{number:,.2f}"


def exact(value: object, kind: Kind, currency: str) -> str:
    """A sum with all its decimals; money has two at least, and a dash stands for what is undefined."""
    if not isinstance(value, int | Decimal):
        return formatted(value, kind, currency)
    digits, _, decimals = f"{abs(value):,f}".partition(".")
    decimals = decimals.rstrip("0").ljust(2 if kind == "money" else 0, "0")
    unit = _unit(currency) if kind == "money" else ""
    return f"{'-' if value < 0 else ''}{unit}{digits}{'.' if decimals else ''}{decimals}"


def _unit(currency: str) -> str:
    return SYMBOLS.get(currency, f"{currency} " if currency else "")


def change(now: object, before: object) -> float | None:
    """The relative change of a number; None where one of the two is undefined or there was nothing to compare with."""
    if not isinstance(now, int | float | Decimal) or not isinstance(before, int | float | Decimal) or not before:
        return None
    return (float(now) - float(before)) / abs(float(before))


def days(since: date, until: date) -> str:
    """A range of days, both included."""
    if since == until:
        return f"{since:%-d %b %Y}"
    first = f"{since:%-d %b}" if since.year == until.year else f"{since:%-d %b %Y}"
    return f"{first} – {until:%-d %b %Y}"  # noqa: RUF001 an en dash between dates


def csv_of(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """A CSV that a spreadsheet opens without calculating anything that the data say.

    A text that would begin a formula gets an apostrophe before it; numbers stay numbers, decimals exact.
    """
    page = io.StringIO()
    writer = csv.writer(page, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return page.getvalue().encode("utf-8-sig")


def _cell(value: object) -> object:
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value
