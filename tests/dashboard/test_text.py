"""How values are written, and that no text from the data is more than a text."""

from datetime import date
from decimal import Decimal

import pytest

from dashboard.measures import Kind
from dashboard.tables import changes_in_percent
from dashboard.text import change, csv_of, days, exact, formatted, plain


@pytest.mark.parametrize(
    ("value", "kind", "is_compact", "written"),
    [
        (1234567, "count", False, "1,234,567"),
        (1234567, "count", True, "1.2M"),
        (9999, "count", True, "9,999"),
        (9314.43, "money", True, "€9,314"),
        (314.43, "money", True, "€314.43"),
        (Decimal("12345.678"), "money", True, "€12.3K"),
        (Decimal("-12.5"), "money", False, "-€12.50"),
        (0.0123, "money", False, "€0.0123"),
        (Decimal("2.5"), "count", False, "2.5"),
        (0.03712, "percent", False, "3.71%"),
        (1.234, "factor", False, "1.23"),
        (0, "count", False, "0"),
        (None, "percent", False, "–"),  # noqa: RUF001
    ],
)
def test_a_number_is_written_by_its_kind(value: object, kind: Kind, is_compact: bool, written: str) -> None:
    assert formatted(value, kind, "EUR", is_compact=is_compact) == written


def test_a_currency_without_a_symbol_is_written_by_its_code() -> None:
    assert formatted(3, "money", "CHF") == "CHF 3.00"


def test_a_change_is_undefined_without_something_to_compare_with() -> None:
    assert change(Decimal(3), Decimal(2)) == 0.5
    assert change(1, -2) == 1.5
    assert change(3, 0) is None
    assert change(None, 2) is None
    assert change(3, None) is None


def test_a_change_of_a_table_that_is_nearly_none_is_zero_without_a_sign() -> None:
    pairs = [(Decimal("99.99"), Decimal(100)), (5, 0), (None, 4), (150, 100)]
    assert [str(one) for one in changes_in_percent(pairs)] == ["0.0", "None", "None", "50.0"]


def test_markup_in_a_text_does_not_come_to_life() -> None:
    hostile = "![x](http://evil.example/a.png) :rocket: $x$ <b> `c` [l](m)"
    assert not set("![](:$<`>)*_/.").intersection(plain(hostile))
    assert plain("Bayern 2 Köln") == "Bayern 2 Köln"


def test_a_sum_is_written_with_all_its_decimals_and_a_rate_as_it_is() -> None:
    assert exact(Decimal("2.250000"), "count", "USD") == "2.25"
    assert exact(1234567, "count", "USD") == "1,234,567"
    assert exact(Decimal("-1234.500000"), "money", "EUR") == "-€1,234.50"
    assert exact(Decimal("0.000001"), "money", "USD") == "$0.000001"
    assert exact(0.0371, "percent", "USD") == "3.71%"
    assert exact(None, "money", "USD") == formatted(None, "money", "USD")


def test_a_range_of_days_names_a_year_once() -> None:
    assert days(date(2026, 1, 2), date(2026, 1, 2)) == "2 Jan 2026"
    assert days(date(2026, 1, 2), date(2026, 3, 4)) == "2 Jan – 4 Mar 2026"  # noqa: RUF001
    assert days(date(2025, 12, 31), date(2026, 1, 1)) == "31 Dec 2025 – 1 Jan 2026"  # noqa: RUF001


def test_no_cell_of_a_csv_is_a_formula_and_numbers_stay_exact_numbers() -> None:
    rows = [("=cmd()", Decimal("-1234567890.123456"), None), ("+1", -2, 0.5), ("@x", 0, 1.0), ("a,b", 1, 2.0)]
    text = csv_of(["name", "spend", "ctr"], rows).decode("utf-8-sig")
    assert text.splitlines() == [
        "name,spend,ctr",
        "'=cmd(),-1234567890.123456,",
        "'+1,-2,0.5",
        "'@x,0,1.0",
        '"a,b",1,2.0',
    ]
