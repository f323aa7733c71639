"""What a person wants to know of a record that was rejected: what was wrong with it."""

from __future__ import annotations

from collections.abc import Mapping

from extract.convert import DEEPEST
from extract.readers.chunks import LONGEST_RECORD
from extract.readers.columns import plain_name
from extract.readers.json_text import MOST_VALUES
from extract.registry import KINDS
from extract.schema import DECIMAL_DIGITS, DECIMAL_PLACES, FieldType

_EXPECTED = {
    FieldType.TEXT: "a text or a number",
    FieldType.COUNT: "a whole number",
    FieldType.DECIMAL: "a number",
    FieldType.MONEY: "an amount of money",
    FieldType.DATE: "a date (YYYY-MM-DD)",
    FieldType.TIMESTAMP: "a time (YYYY-MM-DDTHH:MM:SSZ)",
    FieldType.BOOLEAN: "true or false",
    FieldType.JSON: "a JSON object or array",
}
_RANGES = {
    FieldType.COUNT: "is beyond a whole number of 64 bits",
    FieldType.DECIMAL: f"has more than {DECIMAL_DIGITS - DECIMAL_PLACES} digits before the decimal point",
    FieldType.MONEY: f"has more than {DECIMAL_DIGITS - DECIMAL_PLACES} digits before the decimal point",
    FieldType.DATE: "is not in the years 1 to 9999",
    FieldType.TIMESTAMP: "is not in the years 1 to 9999",
}
_RECORDS = {
    "broken_json": "it is not valid JSON",
    "not_an_object": "it is not a JSON object",
    "several_tables": "it names columns in another order, or other ones",
    "repeated_header": "it names the columns again",
    "no_known_field": "it has none of the fields of its kind",
    "too_deep": f"it nests deeper than {DEEPEST} levels",
    "too_long": f"it is longer than {LONGEST_RECORD:,} bytes",
    "total_row": "it is a total of the other rows",
    "too_many_values": f"it has more than {MOST_VALUES:,} values",
    "wrong_shape": "it has more or fewer fields than the header, or a quote that is not closed",
}


def explain_rejection(reason: str, field: str | None, value: str | None, field_type: FieldType | None) -> str:
    """Says in words why a record was rejected, such as `date "20/11/2026" is not a date (YYYY-MM-DD)`.

    Args:
        reason: The reason in `rejected_records`.
        field: The source's name of the field that was wrong, if it was one field.
        value: What that field said.
        field_type: Its type, if it is known.
    """
    if field is None:
        return _RECORDS.get(reason, reason)
    subject = f'{field} "{value or ""}"'
    match reason:
        case "no_known_field":
            return f"its fields lie inside {field}: set `records: {field}` in `files` of the source"
        case "missing_field":
            return (
                f"{field} is missing"
                if "." in field
                else (
                    f"{field} is missing: if the source writes it elsewhere, say where in `columns`, such as `ext.ts`"
                )
            )
        case "duplicate_key":
            return f"{field} comes twice, with different values"
        case "ambiguous_number":
            return f"{subject} can be read two ways, as thousands or as a fraction"
        case "unknown_event_type":
            return f"{subject} names no kind of record that this source has"
        case "imprecise_time":
            return f"{subject} has lost digits to its exponent"
        case "unreadable_time":
            return f"{subject} is neither a time (YYYY-MM-DDTHH:MM:SSZ) nor 10, 13, 16 or 19 digits since 1970"
        case "non_finite":
            return f"{subject} is not a finite number"
        case "out_of_range":
            return f"{subject} {_RANGES.get(field_type, 'is out of range') if field_type else 'is out of range'}"
        case "wrong_type":
            return f"{subject} is not {_EXPECTED[field_type] if field_type else 'what the field holds'}"
    return f"{subject}: {reason}"


def type_of_field(kind: str, field: str | None, fields: Mapping[str, str]) -> FieldType | None:
    """The type of a field that a source calls so; None if the kind has no such field.

    Args:
        kind: The kind of the record.
        field: The source's name of the field.
        fields: Our names of fields → the source's, where they differ.
    """
    if field is None or kind not in KINDS:
        return None
    record_type = KINDS[kind].record_type
    ours = {plain_name(theirs): name for name, theirs in record_type.names(fields).items()}
    return record_type.fields.get(ours.get(plain_name(field), ""))
