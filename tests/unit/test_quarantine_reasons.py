"""The seed `quarantine_reasons` explains every reason that the code and the models can give, once."""

import csv
import re
from pathlib import Path

PROJECT = Path(__file__).parents[2]
RAISED = re.compile(
    r"(?:RecordRejected|UnreadableFile|BrokenContainerError)\(\s*\"(\w+)\"|RejectedRecord\([^\n]*, \"(\w+)\""
)
DECIDED = re.compile(r"then '(\w+)'\n")


def reasons() -> list[dict[str, str]]:
    with (PROJECT / "seeds" / "quarantine_reasons.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def given() -> set[str]:
    """What extract raises, and what staging and imputation decide."""
    extract = {
        reason
        for path in (PROJECT / "extract").rglob("*.py")
        for found in RAISED.findall(path.read_text())
        for reason in filter(None, found)
    }
    staging = PROJECT / "models" / "staging"
    judging = [staging / "delivery" / "base_campaign_delivery__records.sql", *(staging / "events").glob("*.sql")]
    decided = {reason for path in judging for reason in DECIDED.findall(path.read_text().partition("judged as")[2])}
    return extract | decided | {"no_median"}


def test_every_reason_is_explained_once() -> None:
    explained = [row["reason"] for row in reasons()]
    assert len(explained) == len(set(explained))
    assert set(explained) == given()


def test_every_explanation_is_complete() -> None:
    assert all(text and text == text.strip() for row in reasons() for text in row.values())
    assert {row["applies_to"] for row in reasons()} == {"record", "file", "record or file"}
