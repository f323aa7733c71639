"""Which field and value of a record broke a rule of dbt's, and how to say so."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

LARGEST = Decimal(10**12)  # what money and conversions stay below
COUNTS = ("impressions", "clicks", "conversions")


class BrokenRule(NamedTuple):
    """What was wrong with a record.

    Attributes:
        field: Our name of the field.
        value: What it said; None if nothing.
        words: What is wrong with it, to follow field and value.
    """

    field: str
    value: str | None
    words: str


def broken_rule(reason: str, record: Mapping[str, Any]) -> BrokenRule | None:
    """Finds the field that broke the rule of this name, by the rule as the staging model has it; None if it is no rule.

    Args:
        reason: The reason in `quarantined_deliveries`.
        record: The fields of the record there.
    """
    match reason:
        case "out_of_range":
            too_large = (field for field in ("spend", "conversions") if abs(_number(record, field)) >= LARGEST)
            field = "date" if str(record["date"]) < "2000-01-01" else next(too_large, "conversions")
            words = "is before 2000" if field == "date" else "has more than 12 digits before the decimal point"
        case "negative_count":
            field = next((field for field in COUNTS if _number(record, field) < 0), COUNTS[0])
            words = "is negative"
        case "null_impressions" | "null_clicks" | "null_conversions":
            field, words = reason.removeprefix("null_"), "are missing"
        case "clicks_over_impressions":
            field, words = "clicks", f"are more than the impressions, {record['impressions']}"
        case "conversions_over_clicks":
            field, words = "conversions", f"are more than the clicks, {record['clicks']}"
        case "future_date":
            field, words = "date", "is more than a day after its receipt"
        case "other_day":
            field, words = "date", "is not the day that was asked for"
        case "bad_currency":
            field, words = "currency", "is not a code of three letters"
        case "no_exchange_rate":
            field, words = "spend", f"is in {record['currency']}, which has no exchange rate for {record['date']}"
        case "no_median":
            field, words = "spend", "is missing, and no ad or brand group has an observed one"
        case _:
            return None
    value = record[field]
    return BrokenRule(field, None if value is None else str(value), words)


def _number(record: Mapping[str, Any], field: str) -> Decimal:
    return Decimal(str(record[field] or 0))
