"""Reads CSV as adhouse writes it and as a platform does: `python -m bench.reading RECORDS ROUNDS FOLDER`.

Both files have the same records, and both are read in each round, in turns: plain columns, and through a profile with
other names, thousands, micros and a date format. Prints the seconds of both in each round, a round a line.

Raises:
    SystemExit: The records that were read differ.
"""

import csv
import sys
import time
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa

from extract.files import shape_of
from extract.profile import PLAIN, Column, Profile
from extract.readers import read_file
from extract.source import SourceConfig
from extract.sources.campaign_delivery import KIND

MICROS = 1_000_000
NAMES = {
    "campaign_id": "Campaign ID",
    "ad_id": "Ad ID",
    "date": "Day",
    "brand": "Brand",
    "country": "Country",
    "state": "Region",
    "city": "City",
    "zipcode": "Postal code",
    "impressions": "Impr.",
    "clicks": "Clicks",
    "spend": "Cost (micros)",
    "conversions": "Conversions",
}
PROFILE = Profile(
    {
        **{ours: Column(theirs) for ours, theirs in NAMES.items()},
        "spend": Column("Cost (micros)", divide_by=Decimal(MICROS)),
    },
    thousands=",",
    nulls=frozenset({"--", "(not set)"}),
    date_format="%d/%m/%Y",
)


def records(count: int) -> Iterator[tuple[list[str], date, int, int, int, int]]:
    """The texts of each record, its day, impressions, clicks, cents of spend and conversions."""
    for number in range(count):
        ad = number * 7919 % 1500
        texts = [
            f"cmp{ad // 5:03}",
            f"ad{ad:05}",
            f"Brand {ad % 40}",
            "United States",
            "California",
            "Los Angeles",
            "90001",
        ]
        impressions = 500 + number * 7907 % 90_000
        day = date(2025, 1, 1) + timedelta(days=number * 365 // count)
        yield texts, day, impressions, impressions // 40, impressions * 31 % 500_000, impressions // 900


def write(count: int, plain: Path, written: Path) -> None:
    """Writes both files."""
    with plain.open("w", newline="") as ours, written.open("w", newline="") as theirs:
        plain_rows, written_rows = csv.writer(ours), csv.writer(theirs)
        plain_rows.writerow(NAMES)
        written_rows.writerows([["Campaign report"], ["1 January 2025 - 31 December 2025"], NAMES.values()])
        for (campaign, ad, *place), day, impressions, clicks, cents, conversions in records(count):
            spend = f"{cents // 100}.{cents % 100:02}"
            plain_rows.writerow([campaign, ad, day, *place, impressions, clicks, spend, conversions])
            micros = cents * MICROS // 100
            numbers = f"{impressions:,}", f"{clicks:,}", micros, f"{conversions:,}"
            written_rows.writerow([campaign, ad, f"{day:%d/%m/%Y}", *place, *numbers])


def read(path: Path, profile: Profile) -> tuple[float, pa.Table]:
    """The seconds that reading takes, and what was read."""
    shape = shape_of(SourceConfig("bench", (KIND,), profile=profile), KIND, ZoneInfo("UTC"), None)
    started = time.perf_counter()
    batches = [*read_file(path, shape)]
    return time.perf_counter() - started, pa.concat_tables([batch.records for batch in batches])


def main(count: int, rounds: int, folder: Path) -> None:
    """Writes the files and reads both in each round."""
    plain, written = folder / "plain.csv", folder / "written.csv"
    write(count, plain, written)
    for _ in range(rounds):
        seconds, found = read(plain, PLAIN)
        through_profile, again = read(written, PROFILE)
        if not found.equals(again) or found.num_rows != count:
            raise SystemExit("the records that were read differ")
        print(seconds, through_profile)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
