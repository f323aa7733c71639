"""Days of delivery of a few records each, as files for an inbox."""

import json
import os
from datetime import date, timedelta
from pathlib import Path

SOURCE = "campaign_files"
RECORDS = 20
FIRST_DAY = date(2010, 1, 1)


def day_file(number: int, records: int = RECORDS) -> bytes:
    """A day of delivery as JSON lines."""
    day = FIRST_DAY + timedelta(days=number)
    return b"".join(
        json.dumps(
            {
                "campaign_id": f"cmp{record % 5}",
                "ad_id": f"ad{record}",
                "date": day.isoformat(),
                "brand": f"Brand {record % 3}",
                "country": "US",
                "state": "California",
                "city": "Los Angeles",
                "zipcode": "90001",
                "impressions": 1000 + number + record,
                "clicks": 100 + record,
                "spend": 12.5 + record,
                "conversions": record,
            }
        ).encode()
        + b"\n"
        for record in range(records)
    )


def drop(inbox: Path, number: int, records: int = RECORDS) -> None:
    """Puts a day into an inbox on the disk; it has been quiet for an hour."""
    inbox.mkdir(parents=True, exist_ok=True)
    path = inbox / file_name(number)
    path.write_bytes(day_file(number, records))
    hour_ago = path.stat().st_mtime - 3600
    os.utime(path, (hour_ago, hour_ago))


def file_name(number: int) -> str:
    """The name of a day's file."""
    return f"day-{number:05}.jsonl"
