"""What the tests of extract share: the call, as a person's run makes it, and the rows that count afterwards."""

import json
import os
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

import duckdb

from extract.profile import renamed
from extract.registry import SOURCES
from extract.run import ApiSettings, ExtractReport, Places, extract, load_from_landing
from extract.source import MOST_REJECTED, SourceConfig

TOKEN = "canary-5d41402abc4b2a76"
FIELDS = ("campaign_id", "ad_id", "date", "brand", "country", "state", "city", "zipcode")
COUNTS = ("impressions", "clicks", "conversions")


@dataclass
class RecordedProgress:
    """A progress that remembers what it was told."""

    messages: list[str] = field(default_factory=list)
    done: int = 0

    def start(self, label: str, total: int | None) -> None:
        self.done = 0

    def advance(self, n: int = 1) -> None:
        self.done += n

    def message(self, text: str) -> None:
        self.messages.append(text)


def api_at(url: str, **changes: Any) -> ApiSettings:
    """Settings that do not wait long."""
    settings: dict[str, Any] = {
        "base_url": url,
        "token": TOKEN,
        "answers": "by_day",
        "since": date(2026, 11, 1),
        "until": date(2026, 11, 3),
        "backoff_seconds": 0.01,
        "timeout_seconds": 5.0,
    }
    return ApiSettings(**settings | changes)


def extracted(
    home: Path,
    api: ApiSettings | Mapping[str, ApiSettings] | None = None,
    sources: Collection[SourceConfig] | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    said: RecordedProgress | None = None,
    fields: Mapping[str, str] = MappingProxyType({}),
    on_news: Callable[[], None] = lambda: None,
    privacy_key: str = "",
    most_rejected: float = MOST_REJECTED,
    is_landing_alone: bool = False,
    replayed: Collection[str] = (),
) -> ExtractReport:
    """Extracts as a run does; an API without a name is the campaign API."""
    shipped = [replace(SOURCES["campaign_api"], profile=renamed(fields)), SOURCES["campaign_files"]]
    return extract(
        places=Places(home, str(home), str(home / "lake")),
        sources=sources or shipped,
        apis={"campaign_api": api} if isinstance(api, ApiSettings) else api or {},
        report_timezone=ZoneInfo("UTC"),
        now=now,
        progress=said or RecordedProgress(),
        on_news=on_news,
        privacy_key=privacy_key,
        most_rejected=most_rejected,
        is_landing_alone=is_landing_alone,
        replayed=replayed,
    )


def load_notes(home: Path) -> None:
    """Loads a file, and with it the notes of fetches that brought nothing new, which wait for the next load."""
    drop(home, "another.jsonl", lines(record(1_000_000)))
    assert extracted(home).changes_marts


def rebuilt(home: Path) -> ExtractReport:
    """Loads everything in landing into an empty lake."""
    return load_from_landing(
        places=Places(home, str(home), str(home / "lake")),
        sources=SOURCES.values(),
        report_timezone=ZoneInfo("UTC"),
        progress=RecordedProgress(),
    )


def rows(home: Path, table: str, columns: str = "*", order: str = "_source") -> list[tuple[Any, ...]]:
    """The rows that count, read as dbt reads them: by the table's glob, of complete packages."""
    query = f"""
        select {columns} from read_parquet('{home}/lake/raw/{table}/*.parquet', union_by_name = true)
        where _dlt_load_id in (select load_id from read_json('{home}/lake/raw/_dlt_loads/*.jsonl') where status = 0)
        order by {order}
    """
    with duckdb.connect() as connection:
        return connection.execute("set timezone = 'UTC'").execute(query).fetchall()


def records_of(home: Path) -> Counter[tuple[Any, ...]]:
    """Every raw record that counts, as often as it is there, but for the load that brought it."""
    return Counter(rows(home, "campaign_delivery", "* exclude (_dlt_load_id)"))


def record(number: int, **changes: Any) -> dict[str, Any]:
    """A delivery record like no other."""
    texts = {name: f"{name} {number}" for name in FIELDS}
    counts = dict.fromkeys(COUNTS, number)
    return {**texts, "date": "2026-11-01", **counts, "spend": number + 0.25} | changes


def lines(*records: dict[str, Any]) -> bytes:
    """Records as JSON lines."""
    return b"".join(json.dumps(one).encode() + b"\n" for one in records)


def drop(home: Path, name: str, content: bytes, source: str = "campaign_files") -> Path:
    """Puts a file into the inbox that has been quiet for a minute."""
    path = home / "inbox" / source / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    a_minute_ago = path.stat().st_mtime - 60
    os.utime(path, (a_minute_ago, a_minute_ago))
    return path
