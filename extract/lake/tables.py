"""The raw tables and their columns: one for each kind of record, the records rejected, and two for the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from extract.registry import KINDS
from extract.schema import FieldType, Kind

TIME = pa.timestamp("ms")  # UTC; without its zone, because Athena has none in such files
REJECTED_RECORDS = "rejected_records"
FETCHES, LOADED_FILES = LEDGERS = ("fetches", "loaded_files")

_ORIGIN = [("source", pa.string()), ("_source", pa.string())]
_RECEIPT = [("_received_at", TIME), ("_dlt_load_id", pa.string())]
_READING = [*_ORIGIN, ("kind", pa.string()), ("receipt_number", pa.int64()), ("reading", pa.int64())]
# What stands for a record's missing date: the day asked of the API, else that of the receipt in the report time zone.
_DAYS = [("_asked_date", pa.date32()), ("_received_date", pa.date32())]
_COUNTS = [(name, pa.int64()) for name in ("records_read", "records_loaded", "records_rejected")]
# A reader finds by these what it need not look at; of the others statistics would only cost.
_SOUGHT = {"source", "_source", "_received_at", "_dlt_load_id", "_position"}
_SOUGHT_TYPES = {FieldType.DATE, FieldType.TIMESTAMP}
_NEVER_REPEATED = {"payload", "value"}


@dataclass(frozen=True)
class RawTable:
    """A raw table.

    Attributes:
        name: Its name.
        schema: Its columns.
        with_statistics: The columns whose smallest and largest values its files tell.
        with_dictionary: The columns whose values repeat so much that a file has each once.
    """

    name: str
    schema: pa.Schema
    with_statistics: tuple[str, ...]
    with_dictionary: tuple[str, ...]


def table_of(kind: Kind) -> RawTable:
    """The table with the records of a kind."""
    fields = kind.record_type.fields
    identical = [("_identical_rows", pa.string())] if kind.record_type.is_event else []
    schema = pa.schema([*kind.record_type.schema, *identical, *_DAYS, *_ORIGIN, *_RECEIPT])
    sought = {name for name, field_type in fields.items() if field_type in _SOUGHT_TYPES} | _SOUGHT
    return _table(kind.name, schema, sought)


def _table(name: str, schema: pa.Schema, sought: set[str] | None = None) -> RawTable:
    repeated = [
        one.name for one in schema if one.type in (pa.string(), pa.date32()) and one.name not in _NEVER_REPEATED
    ]
    statistics = [one.name for one in schema if one.name in (sought or set(schema.names) - _NEVER_REPEATED)]
    return RawTable(name, schema, tuple(statistics), tuple(repeated))


_REJECTED = pa.schema(
    [
        *_ORIGIN,
        ("kind", pa.string()),
        ("_position", pa.int64()),
        ("line", pa.int64()),
        ("reason", pa.string()),
        ("field", pa.string()),
        ("value", pa.string()),
        ("payload", pa.string()),
        *_RECEIPT,
    ]
)
_FETCHES = pa.schema(
    [
        *_READING,
        ("_report_date", pa.date32()),
        ("_fetched_at", TIME),
        ("pages", pa.int64()),
        ("total", pa.int64()),
        *_COUNTS,
        ("complete", pa.bool_()),
        ("unchanged", pa.bool_()),
        ("bytes", pa.int64()),
        ("sha256", pa.string()),
        ("_replaces", pa.string()),
        ("replaces_by", pa.string()),
        ("error", pa.string()),
        *_RECEIPT,
    ]
)
_LOADED_FILES = pa.schema(
    [
        *_READING,
        ("file_name", pa.string()),
        ("format", pa.string()),
        ("bytes", pa.int64()),
        ("sha256", pa.string()),
        ("content_sha256", pa.string()),
        ("status", pa.string()),
        ("reason", pa.string()),
        ("detail", pa.string()),
        ("is_verified", pa.bool_()),
        *_COUNTS,
        ("_replaces", pa.string()),
        ("_version", pa.string()),
        ("replaces_by", pa.string()),
        ("days", pa.string()),
        ("remarks", pa.string()),
        ("schema_fingerprint", pa.string()),
        *_RECEIPT,
    ]
)
RAW_TABLES: Mapping[str, RawTable] = {
    **{kind.name: table_of(kind) for kind in KINDS.values()},
    REJECTED_RECORDS: _table(REJECTED_RECORDS, _REJECTED),
    FETCHES: _table(FETCHES, _FETCHES),
    LOADED_FILES: _table(LOADED_FILES, _LOADED_FILES),
}
