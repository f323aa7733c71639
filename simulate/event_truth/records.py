"""The records of an event file, one by one, as they are written."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import fastavro

_START = datetime(1970, 1, 1, tzinfo=UTC)
FIELDS = {
    "impressions": (
        "impression_id",
        "ad_id",
        "campaign_id",
        "publisher_id",
        "user_id",
        "event_time",
        "device_type",
        "geo_location",
        "platform",
        "ad_type",
        "bid_price",
        "site_domain",
        "auction_id",
        "imp_id",
    ),
    "clicks": (
        "click_id",
        "impression_id",
        "ad_id",
        "campaign_id",
        "publisher_id",
        "user_id",
        "event_time",
        "device_type",
        "geo_location",
        "platform",
        "click_price",
    ),
    "conversions": (
        "conversion_id",
        "user_id",
        "campaign_id",
        "event_time",
        "conversion_type",
        "conversion_value",
        "currency",
        "conversion_count",
        "click_id",
        "impression_id",
    ),
    "bid_requests": (
        "exchange",
        "id",
        "timestamp",
        "at",
        "tmax",
        "test",
        "imp",
        "site",
        "app",
        "device",
        "geo",
        "user",
    ),
    "bids": (
        "auction_id",
        "imp_id",
        "exchange",
        "bid_id",
        "event_time",
        "bid_price",
        "currency",
        "won",
        "clearing_price",
        "loss_reason",
        "campaign_id",
        "ad_id",
    ),
}
"""By kind, in the order of the canonical payload."""


class Rejected(Exception):  # noqa: N818 it says what happens to the record
    """A record cannot be read; the text is the reason."""


@dataclass(frozen=True)
class Record:
    """One record as it is written, and where and when it came.

    Attributes:
        kind: `impressions`, `clicks`, `conversions`, `bid_requests` or `bids`.
        fields: What it says, by name; of a record that cannot be read, the reason.
        received_at: UTC.
        number: The receipt number of its file: the smaller one came first, whatever the times say.
        file: The path of its file.
        position: Its place in the file, counted from 1.
        is_counted: Its source says `identical_rows: count`: equal rows of a file are different events.
    """

    kind: str
    fields: dict[str, Any] | str
    received_at: datetime = datetime(2030, 1, 1, tzinfo=UTC)
    number: int = 1
    file: str = "a"
    position: int = 1
    is_counted: bool = field(default=False, kw_only=True)


def read(kind: str, content: bytes, received_at: datetime, number: int, file: str) -> Iterator[Record]:
    """The records of a file that stands: CSV of clicks and conversions, Avro of bid requests, JSON lines of the others.

    Times of Avro are whole microseconds, and its floors, which have few digits, the decimals that they were made of.
    """
    if kind == "bid_requests":
        for position, request in enumerate(fastavro.reader(io.BytesIO(content)), start=1):
            yield Record(kind, _plain(request), received_at, number, file, position)
        return
    text = content.decode()
    rows = _csv_rows(text) if kind in ("clicks", "conversions") else map(_json_fields, text.split("\n")[:-1])
    for position, fields in enumerate(rows, start=1):
        yield Record(kind, fields, received_at, number, file, position)


def _plain(value: Any) -> Any:
    match value:
        case dict():
            return {name: _plain(one) for name, one in value.items()}
        case list():
            return [_plain(one) for one in value]
        case float():
            return Decimal(f"{value:.7g}")
        case datetime():
            return (value - _START) // timedelta(microseconds=1)
        case _:
            return value


def _csv_rows(text: str) -> Iterator[dict[str, Any] | str]:
    header, *rows = csv.reader(io.StringIO(text))
    for row in rows:
        yield dict(zip(header, row, strict=True)) if len(row) == len(header) else "wrong_shape"


def _json_fields(line: str) -> dict[str, Any] | str:
    try:
        fields = json.loads(line, parse_float=Decimal, object_pairs_hook=_once)
    except Rejected as rejected:
        return str(rejected)
    except ValueError:
        return "broken_json"
    return fields if isinstance(fields, dict) else "not_an_object"


def _once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object in which no key comes twice with different values."""
    fields: dict[str, Any] = {}
    for name, value in members:
        if fields.setdefault(name, value) != value:
            raise Rejected("duplicate_key")
    return fields
