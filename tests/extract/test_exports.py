"""Exports as platforms and people write them: read as they are, or as a source says that it writes them."""

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.cases import always
from support.extracting import RecordedProgress, drop, extracted, rows
from support.workbook import of_parts, sheet, workbook

from extract.as_received import records_as_received
from extract.files import shape_of
from extract.landing import Landing
from extract.profile import PLAIN, Column, Profile
from extract.readers import read_file
from extract.source import MOST_REJECTED, SourceConfig
from extract.sources.campaign_delivery import KIND
from extract.storage import Folder

EXPORTS = Path(__file__).parents[1] / "cases" / "exports"
SOURCE = "campaign_files"
NAMES = "campaign_id,ad_id,date,brand,country,state,city,zipcode,impressions,clicks,spend,conversions"
ROW = "c1,a1,2026-11-01,Globex,US,,,,1000,10,100.00,1"


def declared(profile: Profile = PLAIN, timezone: str | None = None) -> SourceConfig:
    return SourceConfig(SOURCE, (KIND,), profile=profile, timezone=timezone)


def loaded(
    home: Path,
    path: Path | bytes,
    profile: Profile = PLAIN,
    columns: str = "campaign_id",
    name: str = "export.csv",
    most_rejected: float = MOST_REJECTED,
) -> list[tuple[Any, ...]]:
    """What some columns are in raw, of a file that was dropped in."""
    content, name = (path, name) if isinstance(path, bytes) else (path.read_bytes(), path.name)
    drop(home, name, content)
    extracted(home, sources=[declared(profile)], most_rejected=most_rejected)
    return rows(home, "campaign_delivery", columns, "_position")


def rejected(home: Path, columns: str = "_position, line, reason, field, value") -> list[tuple[Any, ...]]:
    return rows(home, "rejected_records", columns, "_position")


def quarantined(home: Path) -> list[tuple[str, str]]:
    found = rows(home, "loaded_files", "reason, detail", "_source")
    return [(reason, detail) for reason, detail in found if reason]


def as_it_came(home: Path, position: int, profile: Profile = PLAIN) -> tuple[str, int | None]:
    """The text and line of a record in landing."""
    ((path,),) = rows(home, "loaded_files", "_source")
    shape = shape_of(declared(profile), KIND, ZoneInfo("UTC"), None)
    record = records_as_received(Landing(Folder.at(home / "landing")), path, [position], shape)[position]
    return record.text, record.line


# --- headers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("dup_extra.csv", 1),
        ("mac_cr.csv", 2),
        ("naver_extra_tab.tsv", 1),
        ("newline_in_header.csv", 1),
        ("sep_line.csv", 1),
        ("spaces_case.csv", 1),
        ("upper_bom.csv", 1),
    ],
)
def test_a_header_is_read_however_it_is_written(tmp_path: Path, name: str, count: int) -> None:
    columns = "date, zipcode, impressions, clicks, spend, conversions"
    found = loaded(tmp_path, EXPORTS / "headers" / name, columns=columns)
    assert [row[1:] for row in found] == [(None, 1000, 10, Decimal(100), Decimal(1))] * count
    assert [row[0] for row in found] == [date(2026, 11, 1), date(2026, 11, 2)][:count]


def test_an_extra_delimiter_costs_its_record_alone(tmp_path: Path) -> None:
    loaded(tmp_path, EXPORTS / "headers" / "naver_extra_tab.tsv")
    assert rejected(tmp_path, "_position, line, reason") == [(2, 3, "wrong_shape")]


def test_columns_of_one_name_that_nobody_asked_for_are_all_kept(tmp_path: Path) -> None:
    ((extra,),) = loaded(tmp_path, EXPORTS / "headers" / "dup_extra.csv", columns="_extra")
    assert extra == '{"Avg. CPC":"0.1","Avg. CPC_14":"0.1"}'


TITLES = f'\n\nDelivery report\n"1 November 2026, daily\nall accounts"\n\n{NAMES}\n'


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_header_is_found_among_lines_of_titles(tmp_path: Path, newline: str, encoding: str) -> None:
    bad = ROW.replace("1000", "many")
    text = f"{TITLES}{ROW}\n\n{bad}\n".replace("\n", newline)
    assert loaded(tmp_path, text.encode(encoding)) == [("c1",)]
    assert rejected(tmp_path) == [(2, 10, "wrong_type", "impressions", "many")]
    assert as_it_came(tmp_path, 2) == (bad, 10)


def test_a_profile_says_which_line_has_the_names_and_what_comes_behind_it(tmp_path: Path) -> None:
    text = f"{NAMES}\nnothing\n{NAMES.upper()};x\nid;id;day\n{ROW};\n".replace(",", ";")
    profile = Profile(header_line=3, skip_rows=1, delimiter=";")
    assert loaded(tmp_path, text.encode(), profile) == [("c1",)]
    assert as_it_came(tmp_path, 1, profile) == (f"{ROW};".replace(",", ";"), 5)


OTHER_ORDER = "campaign_id,ad_id,date,brand,country,state,city,zipcode,clicks,impressions,conversions,spend"


def test_files_that_were_put_together_are_one_table(tmp_path: Path) -> None:
    text = f"{NAMES}\n{ROW}\n\ufeff{NAMES}\n{ROW}\n" * 20
    assert len(loaded(tmp_path, text.encode())) == 40
    assert rejected(tmp_path) == []


def test_the_mark_of_a_file_that_was_put_behind_another_is_no_text(tmp_path: Path) -> None:
    content = f"\ufeff{NAMES}\n{ROW}\n\ufeff{ROW}\n\ufeff{NAMES}\n{ROW}\n".encode()
    assert loaded(tmp_path, content) == [("c1",)] * 3


def test_rows_follow_a_header_that_comes_again_in_another_order(tmp_path: Path) -> None:
    moved = ROW.replace("1000,10,100.00,1", "10,1000,1,100.00")
    assert len(loaded(tmp_path, f"{NAMES}\n{ROW}\n{OTHER_ORDER}\n{moved}\n".encode())) == 2
    assert rows(tmp_path, "campaign_delivery", "distinct impressions, clicks, spend", "1") == [(1000, 10, 100)]


@pytest.mark.parametrize(
    "other",
    [
        f"{OTHER_ORDER}\n{ROW}",
        f"Date,Campaign,Impressions,Clicks,Spend\n{ROW}",
        f"{OTHER_ORDER},more\n{ROW},x",
    ],
)
@pytest.mark.parametrize("is_workbook", [True, False])
def test_a_second_table_in_a_file_is_not_read_as_the_first(tmp_path: Path, other: str, is_workbook: bool) -> None:
    if other.startswith(f"{OTHER_ORDER}\n") and not is_workbook:
        pytest.skip("the rows of a text follow it")
    text = f"{NAMES}\n{ROW}\n\n{other}\n"
    book = workbook(S=[line.split(",") for line in text.split("\n")])
    assert loaded(tmp_path, book if is_workbook else text.encode(), name="a.xlsx" if is_workbook else "a.csv") == []
    assert quarantined(tmp_path) == [("several_tables", "line 4 names other columns")]


def test_what_is_pushed_behind_the_last_name_is_not_lost(tmp_path: Path) -> None:
    shifted = "c1,a1,2026-11-01,Acme, Inc,US,,,900,100,10,7.00,1"
    assert loaded(tmp_path, f"{NAMES},\n{ROW},\n{shifted}\n{ROW}, \n".encode()) == [("c1",), ("c1",)]
    assert rejected(tmp_path, "line, reason") == [(3, "wrong_shape")]


@pytest.mark.parametrize("padding", ["", ",soon" + "," * 9])
def test_lines_about_the_report_behind_its_table_do_not_make_it_unusable(tmp_path: Path, padding: str) -> None:
    footer = "".join(f"Filter by ID {number}:,{padding or 'x'}\n" for number in range(30))
    assert loaded(tmp_path, f"{NAMES}\n{ROW}\n{ROW}\n\n{footer}".encode()) == [("c1",), ("c1",)]
    assert len(rejected(tmp_path)) == 30
    assert loaded(tmp_path / "b", f"{NAMES}\n{ROW}\n{footer}{ROW}\n".encode()) == []
    assert quarantined(tmp_path / "b")[0][0] == "too_many_rejected"


def test_one_column_can_be_two_fields_and_a_source_may_lack_some(tmp_path: Path) -> None:
    profile = Profile(
        {"campaign_id": Column("Campaign"), "brand": Column("Campaign"), "spend": Column("Cost (USD)")},
        optional=frozenset({"state", "city", "zipcode"}),
    )
    text = "CAMPAIGN\tAd ID\tDate\tCountry\tImpressions\tClicks\tConversions\tcost_(usd)\n"
    text += "Globex\ta1\t2026-11-01\tUS\t1000\t10\t1\t2.5\n"
    found = loaded(tmp_path, text.encode(), profile, "campaign_id, brand, city, spend")
    assert found == [("Globex", "Globex", None, Decimal("2.5"))]


def test_a_header_that_lacks_names_says_which(tmp_path: Path) -> None:
    loaded(tmp_path, f"Report\n{NAMES.replace('spend', 'cost')}\n{ROW}\n".encode())
    assert quarantined(tmp_path) == [("missing_column", "spend")]


# --- encodings and containers -----------------------------------------------------------------------------------------


def zipped(**members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def parquet(*records: dict[str, object]) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(records)), file)
    return file.getvalue()


def test_utf16_is_told_by_its_mark(tmp_path: Path) -> None:
    found = loaded(tmp_path, EXPORTS / "utf16_tabs.csv", columns="campaign_id, impressions, spend")
    assert found == [("21456789012", 1204, Decimal("1600.8"))]


def test_another_encoding_is_read_where_the_source_says_so(tmp_path: Path) -> None:
    path = EXPORTS / "windows_1252.csv"
    assert loaded(tmp_path, path, Profile(encoding="windows-1252"), "brand, city") == [("Müller", "München")]


def test_a_file_that_mixes_encodings_says_in_which_line(tmp_path: Path) -> None:
    assert loaded(tmp_path, EXPORTS / "mixed_encodings.csv") == []
    ((reason, detail),) = quarantined(tmp_path)
    assert reason == "unreadable_encoding"
    assert detail.startswith("line 3 is not UTF-8 (byte 0xc5): set `encoding` of the source")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("export.txt", b'{"campaign_id": "c1"}\n'),
        ("export", b'[{"campaign_id": "c1"}]'),
        ("export.csv", b'{"records": [{"campaign_id": "c1"}]}'),
        ("export.xls", f"{NAMES}\n{ROW}\n".replace(",", "\t").encode("utf-16")),
        ("export.json.zip", b'{"campaign_id": "c1"}'),
    ],
)
def test_content_says_what_a_name_does_not(tmp_path: Path, name: str, content: bytes) -> None:
    assert loaded(tmp_path, content, name=name) == [("c1",)]


@pytest.mark.parametrize("name", ["report.zip", "gz_named.csv", "export.txt"])
def test_a_table_is_read_whatever_it_is_packed_in_or_called(tmp_path: Path, name: str) -> None:
    found = loaded(tmp_path, EXPORTS / "containers" / name, columns="campaign_id, spend")
    assert found == [("c1", Decimal(100))]
    assert as_it_came(tmp_path, 1)[1] == 2


PACKED = {
    "a.xlsx": workbook(S=[NAMES.split(","), [*ROW.split(",")[:8], 1000, 10, 100.0, 1]]),
    "a.parquet": parquet({**dict(zip(NAMES.split(","), ROW.split(","), strict=True)), "spend": Decimal(100)}),
}


@pytest.mark.parametrize("member", PACKED)
@pytest.mark.parametrize("how", ["zip", "gzip"])
def test_a_workbook_and_a_parquet_file_may_be_packed(tmp_path: Path, member: str, how: str) -> None:
    content = zipped(**{member: PACKED[member]}) if how == "zip" else gzip.compress(PACKED[member])
    assert loaded(tmp_path, content, columns="campaign_id, spend", name="report.zip") == [("c1", Decimal(100))]
    assert '"c1"' in as_it_came(tmp_path, 1)[0]
    drop(tmp_path, f"again-{member}", PACKED[member])
    assert extracted(tmp_path).sources[SOURCE].duplicates == 1


def test_a_page_for_a_browser_is_no_table(tmp_path: Path) -> None:
    loaded(tmp_path, EXPORTS / "containers" / "login_page.csv")
    loaded(tmp_path, b"<table><tr><td>campaign_id</td></tr></table>", name="export.xls")
    assert quarantined(tmp_path) == [("not_a_table", "HTML")] * 2


@pytest.mark.parametrize(
    ("content", "reason", "said"),
    [
        (zipped(**{"a.csv": b"1", "b.csv": b"2", "__MACOSX/a.csv": b""}), "several_files", "it has 2 files"),
        (zipped(), "several_files", "it has 0 files"),
        (zipped(**{".hidden": b""}), "several_files", "it has 0 files"),
        (zipped(**{"a.csv": NAMES.encode() * 50})[:-30], "broken_zip", "its directory is missing"),
        (zipped(**{"a.pdf": b"x"}), "unknown_format", "readable are"),
    ],
)
def test_a_zip_that_is_not_one_table_is_quarantined(tmp_path: Path, content: bytes, reason: str, said: str) -> None:
    loaded(tmp_path, content, name="report.zip")
    ((why, detail),) = quarantined(tmp_path)
    assert why == reason
    assert said in detail


def test_a_zip_may_not_swell(tmp_path: Path) -> None:
    loaded(tmp_path, zipped(**{"a.jsonl": b" " * (300 << 20)}), name="report.zip")
    ((reason, detail),) = quarantined(tmp_path)
    assert reason == "zip_bomb"
    assert "swell to more than" in detail


def test_a_zip_with_a_wrong_checksum_is_broken(tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(content := zipped(**{"a.csv": f"{NAMES}\n{ROW}\n".encode()}))) as archive:
        crc = archive.infolist()[0].CRC.to_bytes(4, "little")
    loaded(tmp_path, content.replace(crc, b"\0\0\0\0"), name="report.zip")
    ((reason, _),) = quarantined(tmp_path)
    assert reason == "broken_zip"


def test_the_same_table_is_a_duplicate_however_it_is_packed(tmp_path: Path) -> None:
    table = f"{NAMES}\n{ROW}\n".encode()
    for name, content in (("a.csv", table), ("b.csv", gzip.compress(table)), ("c.zip", zipped(**{"x.csv": table}))):
        drop(tmp_path, name, content)
    extracted(tmp_path)
    assert rows(tmp_path, "loaded_files", "status", "status") == [("duplicate",), ("duplicate",), ("loaded",)]


# --- ids --------------------------------------------------------------------------------------------------------------


def test_ids_are_texts_whatever_a_spreadsheet_made_of_them(tmp_path: Path) -> None:
    said = RecordedProgress()
    for path in sorted((EXPORTS / "ids").iterdir()):
        drop(tmp_path, path.name, path.read_bytes())
    extracted(tmp_path, said=said)
    long = "130310000000000005"
    assert rows(tmp_path, "campaign_delivery", "campaign_id, ad_id, brand, zipcode", "_source, _position") == [
        (long, "24961234567890123459", "Globex", "90001"),
        ("1.2021e+17", "608641", "Globex", "90001"),
        ("1.2021E+17", "1.2021E+17", "Globex", None),
        (long, "608641", "Globex", "90001"),
        (long, "608641", "Globex", "90001"),
        (f"='{long}'", "608641", "Globex", "90001"),
        (long, "608641", "Globex", "90001"),
        (long, "608641", "Globex, Inc.", "90001"),
    ]
    warnings = [message for message in said.messages if "exponent" in message]
    assert [(one.split("'")[1], "2 ids" in one or "1 id " in one) for one in warnings] == [
        ("api.jsonl", True),
        ("excel.csv", True),
    ]


# --- JSON -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["envelope_line.json", "envelope_pretty.json", "own_page.json"])
def test_the_records_of_a_document_are_found_in_the_usual_places(tmp_path: Path, name: str) -> None:
    found = loaded(tmp_path, EXPORTS / name, columns="date, spend, _extra")
    assert found == [(date(2026, 11, 1), Decimal(100), None), (date(2026, 11, 2), Decimal(100), None)]
    assert as_it_came(tmp_path, 2)[0].startswith("{")


def test_the_records_of_a_document_are_where_the_source_says(tmp_path: Path) -> None:
    text = '{"a": [{"x": 1}], "report": {"rows": [\n{"clicks": 1},\n{"clicks": "x"}]}, "b": [{}]}\n'
    profile = Profile(records="report.rows")
    assert loaded(tmp_path, text.encode(), profile, "clicks", "a.json") == [(1,)]
    assert rejected(tmp_path) == [(2, 3, "wrong_type", "clicks", "x")]
    assert as_it_came(tmp_path, 2, profile) == ('{"clicks": "x"}', 3)


@pytest.mark.parametrize("size", [*range(20, 60, 3), 200, 8 << 20])
def test_a_document_means_the_same_wherever_it_is_cut(tmp_path: Path, size: int) -> None:
    records = ['{"clicks": 1}', '{"clicks": 2, "x": [{"y": "]},"}]}', '{"clicks": "many"}', "7", '{"clicks": 3}']
    path = tmp_path / "a.json"
    path.write_text(
        '\n{"next": [], "data" : [' + ",\n ".join(records) + '\n], "r": [{"a": 1},\n{"b": [2]}], "z": {}}\n'
    )
    shape = shape_of(declared(), KIND, ZoneInfo("UTC"), None)
    batches = [*read_file(path, shape, size)]
    assert [click for one in batches for click in one.records["clicks"].to_pylist()] == [1, 2, 3]
    assert [(one.position, one.line) for batch in batches for one in batch.rejected] == [(3, 4), (4, 5)]


@pytest.mark.parametrize(
    ("text", "reason", "said"),
    [
        ('{"rows": [{"clicks": 1}]}', "no_records", "perhaps to rows"),
        ('{\n "answer": {"rows": [{"clicks": 1}]}}', "no_records", "perhaps to answer.rows"),
        ('{"data": [{"clicks": 1}], "items": [{"clicks": 2}]}', "no_records", "perhaps to data or items"),
        ('{"data": [{"clicks": 1}], "meta": 1', "broken_json", "around the records"),
        ('{\n"data": [\n{"clicks": 1},\n{"clicks": 2}', "cut_off", "does not end"),
        ('{"data": [{"clicks": 1}]} {"data": []}', "broken_json", "around the records"),
        ('{\n"clicks": 1\n}\n', "no_records", "one JSON document"),
    ],
)
def test_a_document_without_one_list_of_records_says_so(tmp_path: Path, text: str, reason: str, said: str) -> None:
    loaded(tmp_path, text.encode(), name="a.json")
    ((why, detail),) = quarantined(tmp_path)
    assert why == reason
    assert said in detail


def test_a_record_with_a_list_is_a_record(tmp_path: Path) -> None:
    text = b'{"campaign_id": "c1", "clicks": 1, "items": [{"clicks": 5}]}\n'
    assert loaded(tmp_path, text, columns="campaign_id, clicks", name="a.json") == [("c1", 1)]


def test_a_long_document_is_read_piece_by_piece(tmp_path: Path) -> None:
    one = '{"campaign_id":"c","clicks":1,"brand":"' + "x" * 200 + '"}'
    text = '{"page":1,"data":[' + ",\n".join([one] * 60_000) + '],"paging":{"next":[{"a":1},{"b":2}]}}'
    assert loaded(tmp_path, text.encode(), columns="clicks", name="a.json") == [(1,)] * 60_000


NESTED = Profile(
    {
        "campaign_id": Column("campaign.id"),
        "ad_id": Column("ad_group_ad.ad.id"),
        "date": Column("segments.date"),
        "impressions": Column("metrics.impressions"),
        "clicks": Column("metrics.clicks"),
        "spend": Column("metrics.cost_micros", divide_by=Decimal(1_000_000)),
        "conversions": Column("actions.0.value"),
    }
)


def test_fields_may_lie_deep_in_a_record(tmp_path: Path) -> None:
    columns = "campaign_id, ad_id, date, impressions, clicks, spend, conversions, _extra"
    found = loaded(tmp_path, EXPORTS / "nested.jsonl", NESTED, columns)
    assert found == [("2", "9", date(2026, 11, 1), 1000, 10, Decimal(100), None, None)]


def test_what_lies_beside_a_deep_field_is_kept(tmp_path: Path) -> None:
    text = b'{"campaign":{"id":1,"name":"x"},"metrics":{"clicks":"many"},"actions":[{"value":"2.5"}]}\n'
    found = loaded(tmp_path, text + text.replace(b"many", b"3"), NESTED, "clicks, conversions, _extra", "a.jsonl")
    assert rejected(tmp_path) == [(1, 1, "wrong_type", "metrics.clicks", "many")]
    assert found == [(3, Decimal("2.5"), '{"actions":[{"value":"2.5"}],"campaign":{"name":"x"}}')]


# --- values -----------------------------------------------------------------------------------------------------------


def test_european_numbers_are_read_with_a_profile(tmp_path: Path) -> None:
    found = loaded(tmp_path, EXPORTS / "european_numbers.csv", Profile(decimal=","), "impressions, spend")
    assert found == [(12345, Decimal("1234.56")), (1000, Decimal("275.5")), (2000, Decimal(1250)), (900, Decimal(12))]


AS_WRITTEN = Profile(thousands=",", currency_signs=("$", "USD", "€", "R$"), nulls=frozenset({"--", "-", "(not set)"}))


def test_numbers_are_read_as_a_profile_says_that_they_are_written(tmp_path: Path) -> None:
    path = EXPORTS / "numbers_as_written.csv"
    found = loaded(tmp_path, path, AS_WRITTEN, "campaign_id, impressions, clicks, spend, conversions")
    expected: list[tuple[str, int, int | None, str | None, str | None]] = [
        ("c1", 1204, 87, "100", "9"),
        ("c2", 1000, 10, "275.5", "1"),
        ("c3", 1000, 10, "7", "1"),
        ("c4", 1000, 10, "1600.8", "1"),
        ("c5", 1000, 10, "-12", "1"),
        ("c6", 1000, 10, "100", None),
        ("c7", 1000, None, "100", "0"),
        ("c8", 1000, 10, None, "1"),
        ("c10", 1000, 10, "275.5", "1"),
        ("c11", 1204, 10, "5", "1"),
        ("c12", 1000, 10, "5", "2.5"),
        ("c13", 1000, 10, "5", None),
        ("c14", 1204, 10, "5", "1"),
        ("c15", 1000, 10, "5", "1"),
        ("c16", 1000, 10, "5", None),
    ]
    assert found == [(*row[:3], *(None if text is None else Decimal(text) for text in row[3:])) for row in expected]
    assert rejected(tmp_path) == [(9, 10, "wrong_type", "impressions", "< 10")]


@pytest.mark.parametrize(
    "text",
    ["1.204", "1,20", "12,04.5", "1,2045", ",204", "1,204,", "1,204'000", "$$5", "5 $ 5", "(-5)", "--5", "1.2.3"],
)
def test_a_number_that_is_written_otherwise_is_not_guessed(tmp_path: Path, text: str) -> None:
    profile = Profile(thousands=",", currency_signs=("$",))
    row = ROW.replace("1000", f'"{text}"')
    assert loaded(tmp_path, f"{NAMES}\n{ROW}\n{row}\n".encode(), profile) == [("c1",)]
    assert rejected(tmp_path, "reason, field, value") == [("wrong_type", "impressions", text)]


def test_dates_are_read_as_a_profile_says_that_they_are_written(tmp_path: Path) -> None:
    found = loaded(
        tmp_path, EXPORTS / "dates.csv", Profile(date_format="%d/%m/%Y"), "campaign_id, date", most_rejected=1
    )
    first, september = date(2026, 5, 20), date(2026, 9, 1)
    assert found == [
        ("d00", first),
        ("d02", date(2026, 6, 5)),
        *((name, september) for name in ("d05", "d06", "d07", "d12", "d13")),
    ]


def test_dates_are_never_guessed(tmp_path: Path) -> None:
    assert loaded(tmp_path, EXPORTS / "dates.csv") == []
    assert [reason for reason, _ in quarantined(tmp_path)] == ["too_many_rejected"]
    found = loaded(tmp_path, EXPORTS / "dates.csv", columns="campaign_id, date", most_rejected=1)
    assert found == [
        *((name, date(2026, 9, 1)) for name in ("d05", "d06", "d07", "d08")),
        ("d12", date(2026, 9, 1)),
        ("d13", date(2026, 9, 1)),
    ]
    assert rejected(tmp_path, "field, value") == [
        ("date", value)
        for value in (
            "20/05/2026", "05/21/2026", "05/06/2026", "May 20, 2026", "20 May 2026", "46162", "21-07-2026",
            "2026/09/01", "2026-09", "2026-W36", "2026-09-01 - 2026-09-07", "1.9.2026", "Sep-26",
        )
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "date_format", "day"),
    [
        ("2026-11-01 23:30:00", None, date(2026, 11, 2)),
        ("2026-11-01 00:00:00", None, date(2026, 11, 1)),
        ("2026-11-01T23:30:00Z", None, date(2026, 11, 1)),
        ("01.11.2026 23:30", "%d.%m.%Y %H:%M", date(2026, 11, 2)),
        ("01.11.2026 00:00", "%d.%m.%Y %H:%M", date(2026, 11, 1)),
        ("Nov 1, 2026", "%b %d, %Y", date(2026, 11, 1)),
    ],
)
def test_a_time_without_a_zone_is_of_the_zone_of_its_source(
    tmp_path: Path, text: str, date_format: str | None, day: date
) -> None:
    row = ROW.replace("2026-11-01", f'"{text}"')
    drop(tmp_path, "a.csv", f"{NAMES}\n{row}\n".encode())
    extracted(tmp_path, sources=[declared(Profile(date_format=date_format), "America/New_York")])
    assert rows(tmp_path, "campaign_delivery", "date") == [(day,)]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "{0}\n{1}\n{2}\n{3}\n{4}\n"),
        ("a.csv", '{0}\n{1}\n"{2}\n{3}\n{4}\n'),  # a broken line: record by record
    ],
)
def test_times_that_a_clock_shows_twice_or_never_are_counted(tmp_path: Path, name: str, content: str) -> None:
    times = ["2026-11-01 01:30:00", "2026-03-08 02:30:00", "2026-11-01T01:30:00-05:00", "2026-11-01"]
    rows_ = [ROW.replace("2026-11-01", time) for time in times]
    said = RecordedProgress()
    drop(tmp_path, name, content.format(NAMES, *rows_).encode())
    extracted(tmp_path, sources=[declared(timezone="America/New_York")], said=said)
    days = [date(2026, 11, 1), date(2026, 3, 8), date(2026, 11, 1), date(2026, 11, 1)]
    broken = '"' in content
    assert rows(tmp_path, "campaign_delivery", "date", "_position") == [
        (day,) for day in days if day.month > 3 or not broken
    ]
    (warned,) = [line for line in said.messages if "clocks" in line]
    count = "1 time lies" if broken else "2 times lie"
    assert warned.startswith(f"warning: {SOURCE}: 'a.csv': {count} in an hour that clocks in America/New_York showed")


def test_what_means_null_is_null_in_every_field(tmp_path: Path) -> None:
    row = 'c1,a1,2026-11-01, -- ,"=""--""",(not set),--x,,1000,10,100.00, --'
    profile = Profile(nulls=frozenset({"--", "(not set)"}))
    columns = "brand, country, state, city, conversions, _extra"
    found = loaded(tmp_path, f"{NAMES},a,b\n{row},--,x\n".encode(), profile, columns)
    assert found == [(None, None, None, "--x", None, '{"b":"x"}')]


def test_micros_are_divided_exactly(tmp_path: Path) -> None:
    text = f"{NAMES}\n" + "".join(
        f"{ROW.replace('100.00', cost)}\n" for cost in ("1234567", "1", "-5", "0.5", "1500000.5")
    )
    profile = Profile({"spend": Column(divide_by=Decimal(1_000_000))})
    found = loaded(tmp_path, text.encode(), profile, "spend")
    assert found == [(Decimal(spend),) for spend in ("1.234567", "0.000001", "-0.000005", "0.000001", "1.500001")]


def test_a_number_may_be_divided_by_anything(tmp_path: Path) -> None:
    profile = Profile({"spend": Column(divide_by=Decimal(3)), "clicks": Column(divide_by=Decimal("0.1"))})
    found = loaded(tmp_path, f"{NAMES}\n{ROW}\n".encode(), profile, "spend, clicks")
    assert found == [(Decimal("33.333333"), 100)]


# --- workbooks --------------------------------------------------------------------------------------------------------

CELLS = ["c1", 608641, date(2026, 11, 1), "Globex", "US", None, None, "00501", 1000, 10, 0.1, 1.5]
EXCEL = Profile(date_format="%d/%m/%Y", decimal=",", columns={"account": Column("Customer ID")})


def test_a_workbook_is_read_whatever_it_is_called(tmp_path: Path) -> None:
    names = [*NAMES.upper().replace("_", " ").split(","), "Customer ID", "Note"]
    texts = ["c2", "608642", "02/11/2026", *CELLS[3:8], "1.000", "10", "1.234,56", "1", 1234567890, "x"]
    book = workbook(
        Cover=[["Delivery report"], [], ["made by", "Globex"]],
        Data=[["Delivery report"], [], names, [*CELLS, 12, None], [], [*CELLS[:2], "soon", *CELLS[3:]], texts],
    )
    columns = "campaign_id, ad_id, date, zipcode, impressions, spend, conversions, account, _extra"
    assert loaded(tmp_path, book, EXCEL, columns) == [
        ("c1", "608641", date(2026, 11, 1), "00501", 1000, Decimal("0.1"), Decimal("1.5"), "12", None),
        (
            "c2",
            "608642",
            date(2026, 11, 2),
            "00501",
            1000,
            Decimal("1234.56"),
            Decimal(1),
            "1234567890",
            '{"Note":"x"}',
        ),
    ]
    assert rejected(tmp_path) == [(2, 6, "wrong_type", "DATE", "soon")]
    text, row = as_it_came(tmp_path, 2, EXCEL)
    assert (json.loads(text)["DATE"], row) == ("soon", 6)


def test_a_workbook_says_which_sheets_have_records(tmp_path: Path) -> None:
    book = workbook(Old=[NAMES.split(","), CELLS], New=[NAMES.split(","), CELLS, CELLS], Else=[["x"]])
    assert loaded(tmp_path, book, name="a.xlsx") == []
    assert quarantined(tmp_path) == [("which_sheet", "'Old' and 'New' have records: set `sheet` of the source")]
    assert loaded(tmp_path / "b", book, Profile(sheet="New"), name="a.xlsx") == [("c1",), ("c1",)]
    assert loaded(tmp_path / "c", book, Profile(sheet="Else"), name="a.xlsx") == []
    assert quarantined(tmp_path / "c")[0][0] == "missing_column"
    assert loaded(tmp_path / "d", book, Profile(sheet="Other"), name="a.xlsx") == []
    assert quarantined(tmp_path / "d")[0][1].startswith("there is no sheet 'Other'; there are 'Old' and 'New'")


def test_a_hidden_sheet_is_not_looked_at(tmp_path: Path) -> None:
    sheets = {name: sheet([NAMES.split(","), [*CELLS, *[None] * extra]]) for extra, name in enumerate(["Old", "New"])}
    assert loaded(tmp_path, of_parts(sheets, hidden=["Old"]), name="a.xlsx") == [("c1",)]
    assert loaded(tmp_path / "b", of_parts(sheets, hidden=["Old"]), Profile(sheet="Old"), name="a.xlsx") == [("c1",)]


def test_a_formula_that_nobody_worked_out_is_no_missing_value(tmp_path: Path) -> None:
    loaded(tmp_path, workbook(S=[NAMES.split(","), [*CELLS[:10], "=J2*0.5", 1]]), name="a.xlsx")
    ((reason, detail),) = quarantined(tmp_path)
    assert (reason, detail[:29]) == ("broken_workbook", "it has formulas that were nev")


def far_away() -> bytes:
    return of_parts(
        {"S": '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'}
    )


def without_places() -> bytes:
    wide = f'<row r="1">{"<c><v>1</v></c>" * 16_000}</row>'
    return of_parts({"S": wide + "".join(f'<row r="{number}"><c><v>1</v></c></row>' for number in range(2, 1000))})


def repeated_text() -> bytes:
    rows = "".join(f'<row r="{n}"><c r="A{n}" t="s"><v>0</v></c></row>' for n in range(1, 30_000))
    return of_parts({"S": rows}, f"<si><t>{'x' * 32_000}</t></si>")


def many_texts() -> bytes:
    return of_parts({"S": '<row r="1"/>'}, "<si/>" * 3_100_000)


def long_part() -> bytes:
    return of_parts({"S": '<row r="1"/>' + " " * (600 << 20)})


def hidden_place() -> bytes:
    return of_parts({"S": '<row r="1"><c r="A1"/></row><row r="2"><c x=">" r="XFD1048576"><v>1</v></c></row>'})


@pytest.mark.parametrize(
    ("make", "reason"),
    always(
        3,
        [
            (far_away, "sheet_too_large"),
            (without_places, "sheet_too_large"),
            (repeated_text, "sheet_too_large"),
            (many_texts, "sheet_too_large"),
            (long_part, "too_long"),
            (hidden_place, "broken_workbook"),
            (lambda: of_parts({"S": "<row><c></row>"}), "broken_workbook"),
            (lambda: workbook(S=[["x"]]).replace(b"sheet1.xml", b"sheet7.xml"), "broken_workbook"),
            (lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512), "unknown_format"),
        ],
    ),
)
def test_a_hostile_workbook_is_refused_before_it_takes_memory(
    tmp_path: Path, make: Callable[[], bytes], reason: str
) -> None:
    loaded(tmp_path, make(), name="a.xlsx")
    ((why, _),) = quarantined(tmp_path)
    assert why == reason


def test_an_empty_workbook_has_no_records(tmp_path: Path) -> None:
    assert loaded(tmp_path, workbook(S=[]), name="a.xlsx") == []
    assert quarantined(tmp_path) == []


# --- numbers that can be read two ways --------------------------------------------------------------------------------


def numbers(*cells: tuple[str, str]) -> bytes:
    """An export with the impressions and the spend of each row."""
    made = (f'c{day},a1,2026-11-0{day},Globex,US,,,,"{one}",10,"{two}",1' for day, (one, two) in enumerate(cells, 1))
    return "\n".join([NAMES, *made, ""]).encode()


def test_numbers_between_semicolons_are_refused_if_they_can_be_read_two_ways(tmp_path: Path) -> None:
    found = loaded(tmp_path, EXPORTS / "european_numbers.csv", columns="campaign_id, impressions, spend")
    assert found == [("c1", 900, Decimal(12))]
    assert rejected(tmp_path, "line, reason, field, value") == [
        (2, "ambiguous_number", "impressions", "12.345"),
        (3, "ambiguous_number", "impressions", "1.000"),
        (4, "ambiguous_number", "impressions", "2.000"),
    ]


def test_without_any_sure_number_the_file_is_quarantined(tmp_path: Path) -> None:
    content = NAMES.replace(",", ";").encode() + (
        b"\nc1;a1;2026-11-03;Globex;DE;;Berlin;10115;10.000;5;1.250;2"
        b"\nc1;a1;2026-11-04;Globex;DE;;Berlin;10115;250.000;40;3.500;12"
        b"\nc1;a1;2026-11-05;Globex;DE;;Berlin;10115;900;10;12,50;1\n"
    )
    assert loaded(tmp_path, content) == []
    ((reason, detail),) = quarantined(tmp_path)
    assert reason == "too_many_rejected"
    assert detail.count("ambiguous_number") == 2
    assert detail.count("wrong_type") == 1
    found = loaded(tmp_path, content, Profile(decimal=","), "impressions, spend")
    assert found == [(10000, Decimal(1250)), (250000, Decimal(3500)), (900, Decimal("12.5"))]


@pytest.mark.parametrize("comma_is_last", [True, False])
def test_a_comma_in_a_number_casts_doubt_on_the_whole_file(tmp_path: Path, comma_is_last: bool) -> None:
    cells = [("1000", "1.250"), ("1000", "2.25"), ("1,000", "3")]
    content = numbers(*(cells if comma_is_last else reversed(cells)))
    found = loaded(tmp_path, content, columns="spend")
    assert found == [(Decimal("2.25"),)]
    assert sorted(rejected(tmp_path, "reason, field, value")) == [
        ("ambiguous_number", "impressions", "1,000"),
        ("ambiguous_number", "spend", "1.250"),
    ]


THOUSANDS = [("12.345", "1.250"), ("10.000", "2.25")]


@pytest.mark.parametrize("how", ["csv", "tsv", "jsonl", "json", "parquet"])
def test_a_count_with_three_decimals_casts_doubt_on_the_whole_file(tmp_path: Path, how: str) -> None:
    texts: list[dict[str, object]] = [dict(zip(NAMES.split(","), ROW.split(","), strict=True)) for _ in range(3)]
    for text, (impressions, spend) in zip(texts, [*THOUSANDS, ("1000", "3.5")], strict=True):
        text |= {"impressions": impressions, "spend": spend}
    content = {
        "csv": numbers(*THOUSANDS, ("1000", "3.5")),
        "tsv": numbers(*THOUSANDS, ("1000", "3.5")).replace(b",", b"\t"),
        "jsonl": "\n".join(map(json.dumps, texts)).encode(),
        "json": json.dumps(texts).encode(),
        "parquet": parquet(*texts),
    }[how]
    assert loaded(tmp_path, content, columns="spend", name=f"a.{how}") == [(Decimal("3.5"),)]
    assert [reason for (reason,) in rejected(tmp_path, "reason")] == ["ambiguous_number"] * 2
    assert loaded(tmp_path / "b", content, Profile(decimal=","), columns="impressions", name=f"a.{how}")[0] == (12345,)


def test_a_number_of_json_is_a_number_however_many_decimals_it_has(tmp_path: Path) -> None:
    assert loaded(tmp_path, b'{"clicks": 1.000, "spend": 1.250}\n', columns="clicks, spend", name="a.json") == [
        (1, Decimal("1.25"))
    ]


def test_without_a_comma_a_point_is_a_point(tmp_path: Path) -> None:
    assert loaded(tmp_path, numbers(("1000", "1.250")), columns="spend") == [(Decimal("1.25"),)]


@pytest.mark.parametrize("profile", [Profile(decimal="."), Profile(thousands=",")])
def test_what_a_profile_says_of_numbers_is_no_doubt(tmp_path: Path, profile: Profile) -> None:
    found = loaded(tmp_path, numbers(("1,000", "1.250")), profile, "impressions, spend")
    assert found == [(1000, Decimal("1.25"))]
