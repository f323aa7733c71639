"""Each preset reads an export in the layout that its platform documents, with all numbers exact."""

import csv
import io
import re
from contextlib import suppress
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from support.extracting import drop, extracted, rows
from support.workbook import workbook

from adhouse.settings import read_settings
from extract.declared.keys import PRESET_NAMES
from extract.source import SourceConfig

EXPORTS = Path(__file__).parents[1] / "cases" / "presets"
COLUMNS = "account, currency, campaign_id, ad_id, date, country, impressions, clicks, spend, conversions"
FIRST, SECOND = date(2026, 11, 1), date(2026, 11, 2)
GOOGLE = [
    ("123-456-7890", "EUR", "20876543210", "690123456789", FIRST, "Germany", 12345, 321, "1131.61", "12.5"),
    ("123-456-7890", "EUR", "20876543211", None, FIRST, "Austria", 980, 0, "0", "0"),
    ("123-456-7890", "EUR", "20876543210", "690123456789", SECOND, "Germany", 1000, 12, "12.45", "1"),
]
META, LAUNCH = "1020304050", "120210000000000001"
TIKTOK, SPARK = "7000000000000000001", "1780000000000001"
# The file, what its declaration says beside the preset, its records, and how many rows of sums and footers it has.
EXPECTED: dict[str, tuple[str, list[tuple[Any, ...]], int]] = {
    "google_ads.csv": ("", GOOGLE, 2),
    "google_ads_excel.csv": ("", GOOGLE, 2),
    "meta_ads.csv": (
        "currency: EUR",
        [
            (META, "EUR", LAUNCH, "120210000000000011", FIRST, "DE", 10500, 240, "312.4", "7"),
            (META, "EUR", LAUNCH, "120210000000000012", FIRST, "FR", 40, 0, "0.12", "0"),
            (META, "EUR", LAUNCH, "120210000000000011", SECOND, "DE", 11200, 260, "333.05", "9"),
        ],
        0,
    ),
    "microsoft_ads.csv": (
        "",
        [
            ("150001", "USD", "4001", "79001", FIRST, None, 1204, 57, "1275.5", "3"),
            ("150001", "USD", "4002", "79002", SECOND, None, 88, 2, "1.99", "0"),
        ],
        1,
    ),
    "tiktok_ads.csv": (
        "",
        [
            (TIKTOK, "USD", SPARK, "1780000000000011", FIRST, "United States", 129900, 499, "1018.5", "12"),
            (TIKTOK, "USD", SPARK, "1780000000000012", SECOND, "Canada", 5000, 70, "8", "0"),
        ],
        1,
    ),
    "linkedin_ads.csv": (
        "",
        [
            ("Acme EMEA", "EUR", "310000001", "410000001", FIRST, None, 15020, 96, "1210.75", "4"),
            ("Acme EMEA", "EUR", "310000001", "410000002", SECOND, None, 1204, 9, "98.1", "0"),
        ],
        0,
    ),
    "amazon_ads.csv": (
        "account: Shop",
        [
            ("Shop", "USD", "SP - Auto", "B000000001", FIRST, "United States", 2310, 31, "1018.91", "3"),
            ("Shop", "USD", "SP - Auto", "B000000002", SECOND, "United States", 140, 2, "1", "0"),
        ],
        0,
    ),
    "cm360.csv": (
        "currency: USD",
        [
            ("8100001", "USD", "30000001", "560000001", FIRST, "Germany", 40120, 88, "240.72", "6"),
            ("8100001", "USD", "30000001", "560000002", SECOND, None, 1500, 1, "9", "0"),
        ],
        1,
    ),
    "dv360.csv": (
        "",
        [
            ("6200001", "EUR", "11000001", "530000001", FIRST, "Germany", 220400, 310, "1120.4513", "4.5"),
            ("6200001", "EUR", "11000001", "530000002", SECOND, None, 1100, 2, "5.25", "0"),
        ],
        6,
    ),
}


def declared(tmp_path: Path, preset: str, keys: str) -> SourceConfig:
    """A source by its declaration, as a user writes it."""
    file = tmp_path / "sources.yml"
    file.write_text(f"sources: {{shop: {{preset: {preset}, {keys}}}}}\n")
    return read_settings({"ADHOUSE_SOURCES": str(file)}).sources["shop"]


def test_every_preset_has_an_export() -> None:
    assert {preset_of(name) for name in EXPECTED} == {*PRESET_NAMES}
    assert {path.name for path in EXPORTS.iterdir()} == EXPECTED.keys()


def preset_of(name: str) -> str:
    return name.removesuffix(".csv").removesuffix("_excel")


@pytest.mark.parametrize("name", EXPECTED)
def test_an_export_is_read_as_it_is_downloaded(tmp_path: Path, name: str) -> None:
    keys, records, others = EXPECTED[name]
    source = declared(tmp_path, preset_of(name), keys)
    drop(tmp_path, name, (EXPORTS / name).read_bytes(), source="shop")
    report = extracted(tmp_path, sources=[source])
    assert report.quarantined == []
    exact = [(*one[:8], Decimal(one[8]), Decimal(one[9])) for one in records]
    assert rows(tmp_path, "campaign_delivery", COLUMNS, "_position") == exact
    assert report.sources["shop"].rejected <= others
    rejected = {reason for (reason,) in rows(tmp_path, "rejected_records", "reason")}
    assert rejected <= ({"wrong_shape"} if "microsoft" in name else {"total_row", "wrong_shape"})
    assert report.sources["shop"].loaded == len(records)


@pytest.mark.parametrize("name", ["amazon_ads.csv", "google_ads.csv", "meta_ads.csv", "tiktok_ads.csv"])
def test_a_workbook_with_numbers_and_dates_is_read_like_the_text(tmp_path: Path, name: str) -> None:
    keys, records, _ = EXPECTED[name]
    table = [
        [cell_of(text) for text in row] for row in csv.reader(io.StringIO((EXPORTS / name).read_text("utf-8-sig")))
    ]
    drop(tmp_path, "export.xlsx", workbook(Report=table), source="shop")
    report = extracted(tmp_path, sources=[declared(tmp_path, preset_of(name), keys)])
    assert report.quarantined == []
    exact = [(*one[:8], Decimal(one[8]), Decimal(one[9])) for one in records]
    assert rows(tmp_path, "campaign_delivery", COLUMNS, "_position") == exact


def cell_of(text: str) -> object:
    """What a spreadsheet has in a cell: numbers and days, but ids as text."""
    if re.fullmatch(r"\$?[\d,]{1,9}(\.\d+)?", text):
        return float(re.sub("[$,]", "", text))
    for layout in ("%Y-%m-%d", "%b %d, %Y"):
        with suppress(ValueError):
            return datetime.strptime(text, layout).date()  # noqa: DTZ007
    return text or None


def test_of_several_names_of_a_column_the_first_in_the_file_is_taken(tmp_path: Path) -> None:
    source = declared(tmp_path, "google_ads", "")
    header = {"Campaign ID": "Campaign number", "Ad ID": "Ad group", "Day": "Date", "Impr.": "Impressions"}
    export = (EXPORTS / "google_ads.csv").read_text()
    for ours, theirs in header.items():
        export = export.replace(ours, theirs, 1)
    drop(tmp_path, "google_ads.csv", export.encode(), source="shop")
    assert extracted(tmp_path, sources=[source]).quarantined == []
    assert rows(tmp_path, "campaign_delivery", "campaign_id, ad_id, date, impressions", "_position") == [
        ("Summer | Brand", "690123456789", FIRST, 12345),
        ("Summer, generic", None, FIRST, 980),
        ("Summer | Brand", "690123456789", SECOND, 1000),
    ]


def test_a_file_in_another_currency_than_declared_is_refused(tmp_path: Path) -> None:
    source = declared(tmp_path, "meta_ads", "currency: USD")
    drop(tmp_path, "meta_ads.csv", (EXPORTS / "meta_ads.csv").read_bytes(), source="shop")
    (refused,) = extracted(tmp_path, sources=[source]).quarantined
    assert (refused.reason, refused.detail) == ("missing_column", "Amount spent (USD)")
