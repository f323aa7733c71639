"""A source whose files replace days: a file is loaded unless an equal one still has all its days."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from support.extracting import RecordedProgress, drop, extracted, lines, record, rows

from extract.days import from_text, text_of
from extract.http.source import Fetch, _is_unchanged
from extract.inbox import take
from extract.landing import Landing
from extract.registry import SOURCES
from extract.source import Replaces, SourceConfig
from extract.storage import Folder

BY_DAYS = replace(SOURCES["campaign_files"], replaces="days")


def of_days(*days: int, account: str | None = None) -> bytes:
    """A file with a record of each of these days of November."""
    return lines(*(record(day, date=f"2026-11-{day:02}", account=account) for day in days))


FIRST, SECOND, THIRD = of_days(1, 2), of_days(2, 3), of_days(4)


def statuses(home: Path, *files: bytes) -> list[str]:
    """What becomes of files that are dropped one after another."""
    for number, content in enumerate(files):
        drop(home, f"{number}.jsonl", content)
        extracted(home, sources=[BY_DAYS])
    return [status for (status,) in rows(home, "loaded_files", "status", "receipt_number, reading")]


def test_the_ledger_tells_the_days_of_each_account_and_that_they_are_replaced(tmp_path: Path) -> None:
    undated = lines(record(9, date=None, account="a2"))
    statuses(tmp_path, of_days(2, 1) + of_days(1, 5, account="a1") + undated)
    (told,) = rows(tmp_path, "loaded_files", "replaces_by, _replaces, days")
    assert told[:2] == ("days", None)
    assert json.loads(told[2]) == {"": ["2026-11-01", "2026-11-02"], "a1": ["2026-11-01", "2026-11-05"]}
    assert text_of(from_text(told[2])) == told[2]


@pytest.mark.parametrize(
    ("files", "wanted"),
    [
        pytest.param([FIRST, FIRST], "loaded, duplicate", id="an equal file says nothing new"),
        pytest.param([FIRST, THIRD, FIRST], "loaded, loaded, duplicate", id="and neither if another has other days"),
        pytest.param([FIRST, SECOND, FIRST], "loaded, loaded, loaded", id="but it takes a day back"),
        pytest.param(
            [FIRST, SECOND, FIRST, SECOND, SECOND],
            "loaded, loaded, loaded, loaded, duplicate",
            id="and so does the other",
        ),
        pytest.param(
            [FIRST, of_days(1, 2, account="a1"), FIRST], "loaded, loaded, duplicate", id="another account takes nothing"
        ),
        pytest.param(
            [lines(record(1, date=None))] * 2, "loaded, duplicate", id="without any day an equal file is one too"
        ),
    ],
)
def test_an_equal_file_is_a_duplicate_while_the_older_one_has_its_days(
    tmp_path: Path, files: list[bytes], wanted: str
) -> None:
    assert ", ".join(statuses(tmp_path, *files)) == wanted


def test_a_file_in_between_that_comes_late_lets_the_duplicate_count(tmp_path: Path) -> None:
    inbox, landing = Folder.at(tmp_path / "inbox" / "campaign_files"), Folder.at(tmp_path / "landing")
    times = iter(datetime(2026, 11, 28, tzinfo=UTC) + timedelta(hours=hour) for hour in range(9))
    for name, content in (("1.jsonl", FIRST), ("2.jsonl", SECOND), ("3.jsonl", FIRST)):
        drop(tmp_path, name, content)
        take(inbox, Landing(landing), "campaign_files", lambda: next(times))
    (late,) = (tmp_path / "landing" / "campaign_files").glob("*/*2-*")
    aside = tmp_path / "aside"
    place = late.rename(aside) and late
    (tmp_path / "landing" / "receipts.json").unlink()
    extracted(tmp_path, sources=[BY_DAYS])
    aside.rename(place)
    (tmp_path / "landing" / "receipts.json").unlink()
    said = RecordedProgress()
    extracted(tmp_path, sources=[BY_DAYS], said=said)
    columns = "file_name, reading, status"
    assert rows(tmp_path, "loaded_files", columns, "receipt_number, reading") == [
        ("1.jsonl", 1, "loaded"),
        ("2.jsonl", 1, "loaded"),
        ("3.jsonl", 1, "duplicate"),
        ("3.jsonl", 2, "loaded"),
    ]


def test_another_way_to_replace_reads_landing_again(tmp_path: Path) -> None:
    for name, content in (("1.jsonl", FIRST), ("2.jsonl", FIRST)):
        drop(tmp_path, name, content)
    for replaces in ("file_name", "days", "nothing"):
        extracted(tmp_path, sources=[replace(BY_DAYS, replaces=replaces)])
        told = rows(tmp_path, "loaded_files", "file_name, status, _replaces is null, replaces_by")
        scoped = replaces != "file_name"
        assert told == [("1.jsonl", "loaded", scoped, replaces), ("2.jsonl", "duplicate", scoped, replaces)]


@pytest.mark.parametrize(("name", "replaces"), [("campaign_files", "all"), ("campaign_api", "file_name")])
def test_a_source_replaces_what_it_has(name: str, replaces: Replaces) -> None:
    with pytest.raises(ValueError, match=f"replaces: {replaces} is not for"):
        replace(SOURCES[name], replaces=replaces)


def test_days_need_records_with_a_date() -> None:
    (kind,) = BY_DAYS.kinds
    fields = {name: of for name, of in kind.record_type.fields.items() if name != "date"}
    undated = replace(kind, record_type=replace(kind.record_type, fields=fields, required=frozenset()))
    with pytest.raises(ValueError, match="needs records with a date"):
        SourceConfig("visits", (undated,), replaces="days")


def test_a_fetch_is_unchanged_only_if_the_equal_one_still_has_its_day() -> None:
    monday, tuesday = date(2026, 11, 2), date(2026, 11, 3)

    def fetch(number: int, sha256: str, day: date | None) -> Fetch:
        at = datetime(2026, 11, 28, tzinfo=UTC)
        return Fetch(number, day, at, None, "days", sha256=sha256, complete=True)

    known = [fetch(1, "a", monday), fetch(2, "b", tuesday)]
    assert _is_unchanged("a", monday, known, "days")
    assert not _is_unchanged("b", monday, known, "days")
    several = [*known, fetch(3, "c", None)]
    assert not _is_unchanged("a", monday, several, "days")
    assert _is_unchanged("c", None, several, "days")
    assert not _is_unchanged("c", None, [*several, fetch(4, "a", monday)], "days")
    assert _is_unchanged("a", monday, [*several, fetch(4, "a", monday)], "days")
