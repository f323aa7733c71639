"""What is mostly unreadable replaces nothing, and totals are not facts."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from support.extracting import RecordedProgress, api_at, drop, extracted, lines, record, rows
from support.platform import answering, page

HEADER = "campaign_id,ad_id,date,brand,country,state,city,zipcode,impressions,clicks,spend,conversions\n"
LEDGER = "file_name, status, reason, records_read, records_loaded, records_rejected"


def delivered(home: Path) -> list[tuple[Any, ...]]:
    """What the lake has, of all loaded files, in the order in which it came."""
    return rows(home, "campaign_delivery", "campaign_id, impressions, spend", "_source, _position")


def export(*rows_: str) -> bytes:
    """A CSV file."""
    return (HEADER + "".join(f"{row}\n" for row in rows_)).encode()


def day(number: int, spend: str = "100.00") -> str:
    """A good row, unless its spend is odd."""
    return f"c{number},a1,2026-11-{number:02},Acme,US,,,,1000,10,{spend},1"


def test_a_file_of_which_no_record_can_be_read_replaces_nothing(tmp_path: Path) -> None:
    drop(tmp_path, "export.csv", export(day(1), day(2), day(3)))
    extracted(tmp_path)
    drop(tmp_path, "export.csv", export(day(1, "$100.00"), day(2, "$100.00"), day(3, "$100.00")))
    report = extracted(tmp_path)
    [quarantined] = report.quarantined
    assert quarantined.reason == "too_many_rejected"
    assert quarantined.detail == (
        '3 of 3 records cannot be read, such as line 2: spend "$100.00" is not an amount of money (wrong_type); '
        'line 3: spend "$100.00" is not an amount of money (wrong_type); '
        'line 4: spend "$100.00" is not an amount of money (wrong_type)'
    )
    assert rows(tmp_path, "loaded_files", f"{LEDGER}, _replaces", "receipt_number") == [
        ("export.csv", "loaded", None, 3, 3, 0, "campaign_files/export.csv"),
        ("export.csv", "quarantined", "too_many_rejected", 0, 0, 0, None),
    ]
    assert rows(tmp_path, "rejected_records") == []
    assert len(delivered(tmp_path)) == 3


@pytest.mark.parametrize(
    ("good", "bad", "is_loaded"),
    [
        (1, 3, True),  # a few bad records cost themselves only
        (4, 6, True),
        (5, 6, False),  # most of more than ten
        (6, 5, True),
        (14, 10, True),  # ten, whatever their share
        (99, 11, True),  # ten percent
        (98, 11, False),  # more than ten, and more than ten percent
    ],
)
def test_so_many_records_may_be_unreadable(tmp_path: Path, good: int, bad: int, *, is_loaded: bool) -> None:
    records = [record(number, **({"spend": "much"} if number <= bad else {})) for number in range(1, good + bad + 1)]
    drop(tmp_path, "export.jsonl", lines(*records))
    extracted(tmp_path)
    assert len(rows(tmp_path, "campaign_delivery")) == (good if is_loaded else 0)
    assert len(rows(tmp_path, "rejected_records")) == (bad if is_loaded else 0)


def test_a_setting_lets_the_readable_records_load_and_reads_landing_again(tmp_path: Path) -> None:
    drop(tmp_path, "export.csv", export(*(day(number, "$1" if number > 3 else "1") for number in range(1, 16))))
    assert [one.reason for one in extracted(tmp_path).quarantined] == ["too_many_rejected"]
    extracted(tmp_path, most_rejected=1.0)
    assert len(delivered(tmp_path)) == 3


def test_a_fetch_that_cannot_be_read_has_failed_and_its_day_stands(tmp_path: Path) -> None:
    spends = ["100.00"]

    def answer(asked: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        return page(asked, *(record(number, date=asked["date"], spend=spends[0]) for number in (1, 2, 3)))

    with answering(answer) as (url, _):
        api = api_at(url, until=api_at(url).since)
        assert extracted(tmp_path, api).errors == []
        spends[0] = "$100.00"
        [error] = extracted(tmp_path, api).errors
    assert error == (
        "campaign_api 2026-11-01: too_many_rejected: 3 of 3 records cannot be read, such as "
        'record 1: spend "$100.00" is not an amount of money (wrong_type); '
        'record 2: spend "$100.00" is not an amount of money (wrong_type); '
        'record 3: spend "$100.00" is not an amount of money (wrong_type)'
    )
    assert rows(tmp_path, "fetches", "complete, records_loaded", "receipt_number") == [(True, 3)]
    assert len(delivered(tmp_path)) == 3


def test_rows_that_are_called_a_total_are_rejected(tmp_path: Path) -> None:
    said = RecordedProgress()
    days = ["c1,ad1,2026-11-01,Acme,US,,,,1204,87,1600.80,9", "c1,ad1,2026-11-02,Acme,US,,,,300,12,180.00,0"]
    totals = ["Total: Campaigns,,,,,,,,1504,99,1780.80,9", "Total: Account,,,,,,,,1504,99,1780.80,9"]
    drop(tmp_path, "export.csv", export(*days, *totals))
    extracted(tmp_path, said=said)
    assert rows(tmp_path, "campaign_delivery", "sum(impressions), sum(clicks), sum(spend)", "1") == [
        (1504, 99, Decimal("1780.8"))
    ]
    assert rows(tmp_path, "rejected_records", "_position, reason", "_position") == [(3, "total_row"), (4, "total_row")]
    assert [line for line in said.messages if "sum up" in line] == []


def test_a_total_that_differs_from_the_sum_is_rejected_with_a_warning(tmp_path: Path) -> None:
    said = RecordedProgress()
    drop(tmp_path, "export.csv", export(day(1), day(2), "Grand Total,,,,,,,,2000,20,150.00,2"))
    extracted(tmp_path, said=said)
    assert delivered(tmp_path) == [("c1", 1000, 100), ("c2", 1000, 100)]
    wanted = "warning: campaign_files: 'export.csv': the row 'Grand Total' says spend 150, but the others sum up to 200"
    assert wanted in said.messages


@pytest.mark.parametrize(
    "total",
    [
        "c1,a1,,Acme,US,,,,2000,20,200.00,2",  # no date, which all others have
        ",,2026-11-01,Acme,US,,,,2000,20,200.00,2",  # no key
        "c1,a1,2026-11-01,Subtotal,US,,,,2000,20,200.00,2",  # says so
        "c1,a1,,Acme,US,,,,2000,,,",  # the measures that it has
    ],
)
def test_a_sum_with_one_sign_is_a_total_wherever_it_stands(tmp_path: Path, total: str) -> None:
    drop(tmp_path, "first.csv", export(total, day(1), day(2)))
    drop(tmp_path, "last.csv", export(day(1), day(2), total))
    extracted(tmp_path)
    assert len(delivered(tmp_path)) == 4
    assert rows(tmp_path, "rejected_records", "_position, reason", "_position") == [(1, "total_row"), (3, "total_row")]


@pytest.mark.parametrize(
    "fact",
    [
        "c1,a1,,Acme,US,,,,2000,20,200.01,2",  # no date, but another sum
        ",,2026-11-01,Acme,US,,,,2000,20,200.01,2",
        "Total Wireless,a1,2026-11-01,Acme,US,,,,2000,20,200.00,2",  # a name that begins like one
        "Total,a1,2026-11-01,Acme,US,,,,2000,20,200.01,2",  # a campaign that is called so
        "c3,a1,2026-11-01,Acme,US,,,,2000,20,200.00,2",  # the same sums without a sign
        "c1,a1,,Acme,US,,,,0,0,0,0",
        ",,2026-11-09,Acme,US,,,,2000,20,200.00,2",  # a day on which there are no others
    ],
)
def test_what_only_looks_like_a_total_is_loaded(tmp_path: Path, fact: str) -> None:
    drop(tmp_path, "export.csv", export(fact, day(1), day(2)))
    extracted(tmp_path)
    assert len(delivered(tmp_path)) == 3
    assert rows(tmp_path, "rejected_records") == []


ROUNDED = ("0.33", "0.33", "0.34")


def rounded(number: int) -> str:
    """A row whose conversions are a rounded third."""
    return f"c{number},a1,2026-11-{number:02},Acme,US,,,,1000,10,100.33,{ROUNDED[number - 1]}"


@pytest.mark.parametrize(
    "totals",
    [
        ["c1,a1,,Acme,US,,,,3000,30,300.98,1.01"],  # cents that were rounded in each row
        ["Итого,,,,,,,,3000,30,300.99,1"],
        [",,,,,,,,3000,30,300.99,0.5"],  # persons that are counted once
        ["c1,a1,,Acme,US,,,,1000,10,100.33,0.33", "c2,a1,,Acme,US,,,,2000,20,200.66,0.67"],  # one for each campaign
        ["Total,Total,2026-11-01,,,,,,1000,10,100.33,0.33", "Total,Total,2026-11-02,,,,,,2000,20,200.66,0.67"],
        [",,2026-11-01,,,,,,1000,10,100.33,0.33", ",,2026-11-02,,,,,,2000,20,200.66,0.67"],
        ["c1,a1,2026-11-01,Acme,Total,,,,3000,30,300.99,1"],
    ],
)
@pytest.mark.parametrize("is_first", [True, False])
def test_totals_are_found_that_differ_by_rounding_or_are_of_parts(
    tmp_path: Path, totals: list[str], *, is_first: bool
) -> None:
    facts = [rounded(1), rounded(2), rounded(3)]
    drop(tmp_path, "export.csv", export(*(totals + facts if is_first else facts + totals)))
    extracted(tmp_path)
    assert delivered(tmp_path) == [(f"c{n}", 1000, Decimal("100.33")) for n in (1, 2, 3)]
    assert rows(tmp_path, "rejected_records", "reason") == [("total_row",)] * len(totals)


def test_a_row_is_a_total_too_if_a_column_that_nobody_asked_for_says_so(tmp_path: Path) -> None:
    said = RecordedProgress()
    header = HEADER.replace("campaign_id", "Campaign status,campaign_id")
    table = [header.strip(), f"Enabled,{day(1)}", f"Enabled,{day(2)}", "Total: Account,,,,,,,,,2000,21,200.00,2"]
    drop(tmp_path, "export.csv", "\n".join([*table, ""]).encode())
    extracted(tmp_path, said=said)
    assert len(delivered(tmp_path)) == 2
    assert [line.partition("says ")[2] for line in said.messages if "sum up" in line] == [
        "clicks 21, but the others sum up to 20"
    ]


def test_without_any_date_or_ad_a_total_is_found_by_its_key(tmp_path: Path) -> None:
    undated = [f"c{number},,,Acme,US,,,,1000,10,1.00,1" for number in (1, 2, 3)]
    drop(tmp_path, "export.csv", export(*undated, ",,,,,,,,3000,30,3.00,3"))
    drop(
        tmp_path,
        "named.csv",
        export(
            "Summary,,2026-11-01,Acme,US,,,,9,9,9.00,3", *(f"c,,2026-11-0{n},Acme,US,,,,9,9,9.00,3" for n in (1, 2))
        ),
    )
    extracted(tmp_path)
    assert len(delivered(tmp_path)) == 6
    assert rows(tmp_path, "rejected_records", "_position, reason") == [(4, "total_row")]


def test_where_no_record_has_a_date_none_is_missing(tmp_path: Path) -> None:
    drop(tmp_path, "export.csv", export(*(f"c{number},a1,,Acme,US,,,,1000,10,1.00,1" for number in (1, 1, 2))))
    extracted(tmp_path)
    assert len(delivered(tmp_path)) == 3


def test_records_that_may_be_totals_are_held_in_bounded_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("extract.totals.MOST_HELD", 20)
    undated = [f"c{number},a1,,Acme,US,,,,1000,10,1.00,1" for number in range(30)]
    drop(tmp_path, "export.csv", export(*undated, day(1)))
    extracted(tmp_path)
    assert len(delivered(tmp_path)) == 31


@pytest.mark.parametrize("content", [b'{"metrics": {"clicks": "10"}}\n', b"{}\n", b'{"Clicks_": 1}\n'])
def test_a_record_with_none_of_our_fields_is_none(tmp_path: Path, content: bytes) -> None:
    drop(tmp_path, "export.jsonl", lines(record(1)) + content + lines(record(2)))
    extracted(tmp_path)
    assert len(delivered(tmp_path)) == 2
    assert rows(tmp_path, "rejected_records", "line, reason") == [(2, "no_known_field")]
