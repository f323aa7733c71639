"""A record that broke a rule of dbt's says which field and value broke it."""

from decimal import Decimal
from typing import Any

import pytest
from support.repository import quarantine_reasons

from adhouse.commands.broken_rules import BrokenRule, broken_rule

GOOD: dict[str, Any] = {
    "date": "2026-11-01",
    "impressions": 100,
    "clicks": 10,
    "conversions": Decimal("1.5"),
    "spend": Decimal("2.25"),
    "currency": "EUR",
}


@pytest.mark.parametrize(
    ("reason", "changes", "broken"),
    [
        ("out_of_range", {"date": "1999-12-31"}, ("date", "1999-12-31", "is before 2000")),
        (
            "out_of_range",
            {"spend": Decimal("-1000000000000")},
            ("spend", "-1000000000000", "has more than 12 digits before the decimal point"),
        ),
        (
            "out_of_range",
            {"spend": None, "conversions": 10**12},
            ("conversions", "1000000000000", "has more than 12 digits before the decimal point"),
        ),
        ("negative_count", {"impressions": None, "clicks": -3}, ("clicks", "-3", "is negative")),
        ("null_impressions", {"impressions": None}, ("impressions", None, "are missing")),
        ("null_conversions", {"conversions": None}, ("conversions", None, "are missing")),
        ("clicks_over_impressions", {"clicks": 101}, ("clicks", "101", "are more than the impressions, 100")),
        ("conversions_over_clicks", {"conversions": 11}, ("conversions", "11", "are more than the clicks, 10")),
        ("future_date", {"date": "2027-01-01"}, ("date", "2027-01-01", "is more than a day after its receipt")),
        ("other_day", {"date": "2026-10-31"}, ("date", "2026-10-31", "is not the day that was asked for")),
        ("bad_currency", {"currency": "EURO"}, ("currency", "EURO", "is not a code of three letters")),
        ("no_exchange_rate", {}, ("spend", "2.25", "is in EUR, which has no exchange rate for 2026-11-01")),
        ("no_median", {"spend": None}, ("spend", None, "is missing, and no ad or brand group has an observed one")),
    ],
)
def test_the_field_that_broke_a_rule(reason: str, changes: dict[str, Any], broken: tuple[str, str | None, str]) -> None:
    assert broken_rule(reason, GOOD | changes) == BrokenRule(*broken)


def test_every_rule_of_dbts_is_known_and_no_other_reason() -> None:
    of_events = {"negative_price", "null_event_time", "null_ad_id", "null_auction_id", "null_imp_id", "future_event"}
    of_events |= {"test_request"}
    rules = {name for name, row in quarantine_reasons().items() if row["stage"] != "extract"} - of_events
    assert {name for name in quarantine_reasons() if broken_rule(name, GOOD)} == rules
