"""What the dashboard reads when the marts are on Athena.

A page reads one build throughout: instead of the readers' views, which the next publishing switches one by one, it
selects what they select, from the snapshots that were audited. What is on record of builds is beside the lake and
costs no query; it is asked by the same SQL, in a DuckDB of its own.
"""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

import duckdb
from botocore.exceptions import BotoCoreError, ClientError

from adhouse.dbt.results import Finding
from adhouse.warehouse.athena import AthenaWarehouse, Document
from adhouse.warehouse.athena_select import READERS
from adhouse.warehouse.quarantine import literal, quarantined
from dashboard.published import NoAnswerError, OlderBuildError, Rows, TooSlowError, Value
from extract.athena import AthenaError, AthenaTimeoutError

MOST_SECONDS = 60.0
EXAMPLES_PER_REASON = 20
# The tables that the pages name, parameters, and the one way in which they look for a value in a list.
_WRITTEN = re.compile(r"adhouse\.(marts|ops)\.(\w+)|in \(select unnest\(\$(\w+)\)\)|\$(\w+)")
_ON_RECORD = re.compile(r"adhouse\.ops\.(builds|test_results)\b")
_RECORDS = """
    attach ':memory:' as adhouse;
    create schema adhouse.ops;
    create table adhouse.ops.builds (
        build_id varchar, command varchar, status varchar, as_of timestamp, started_at timestamp, ended_at timestamp,
        is_full_refresh boolean, records_read bigint, records_loaded bigint, records_rejected bigint, models bigint,
        tests bigint, warnings bigint, errors bigint, report_timezone varchar, restated_days bigint
    );
    create table adhouse.ops.test_results (
        build_id varchar, test varchar, status varchar, failed_rows bigint, message varchar
    );
"""


class AthenaPages:
    """Answers the queries of the pages; the sessions of the dashboard share it."""

    def __init__(self, warehouse: AthenaWarehouse) -> None:
        """Asks nothing yet."""
        self._warehouse = warehouse
        self._document = lru_cache(maxsize=4)(warehouse.document)
        self._on_record = lru_cache(maxsize=2)(self._records_as_of)

    def newest(self) -> str | None:
        """The build to which the views were last switched."""
        try:
            return self._warehouse.published()
        except (BotoCoreError, ClientError, OSError) as error:
            raise NoAnswerError(str(error)) from error

    def fetch(self, build_id: str, sql: str, parameters: Mapping[str, Value]) -> Rows:
        """Answers a query on the snapshots of the build; one about builds and their tests from what is on record."""
        try:
            if _ON_RECORD.search(sql):
                return _asked(self._on_record(build_id), sql, parameters)
            query = self.as_athena(build_id, sql, parameters)
            names, rows, scanned = self._warehouse.athena.select(query, READERS, MOST_SECONDS)
        except AthenaTimeoutError as error:
            raise TooSlowError from error
        except (AthenaError, BotoCoreError, ClientError, OSError) as error:
            raise NoAnswerError(str(error)) from error
        return Rows(tuple(names), rows, scanned)

    def descriptions(self, build_id: str) -> Rows:
        """What dbt has written into Glue."""
        try:
            tables = self._warehouse.tables(f"{READERS}_{self._document(build_id).generation}")
        except (BotoCoreError, ClientError, OSError) as error:
            raise NoAnswerError(str(error)) from error
        return Rows(("mart", "column", "comment"), [row for table in tables for row in _comments(table)])

    def as_athena(self, build_id: str, sql: str, parameters: Mapping[str, Value]) -> str:
        """The query in Athena's SQL, with the values in it, which only a quote could leave, and each is doubled.

        Raises:
            OlderBuildError: The build has no such mart.
        """

        def translated(found: re.Match[str]) -> str:
            schema, table, listed, name = found.groups()
            if listed:
                values = parameters[listed]
                assert isinstance(values, tuple)
                return f"in ({', '.join(map(_literal, values)) or 'null'})"
            if name:
                return _literal(parameters[name])
            shown = self._document(build_id).shown
            if schema == "marts" and table not in shown:
                raise OlderBuildError
            return f"(\n{shown[table] if schema == 'marts' else _examples(self._warehouse.lake_url)}\n) as {table}"

        return _WRITTEN.sub(translated, sql)

    def _records_as_of(self, build_id: str) -> duckdb.DuckDBPyConnection:
        """The newest builds on record, and the tests of this one."""
        connection = duckdb.connect()
        connection.execute(_RECORDS)
        insert = f"insert into adhouse.ops.builds values ({', '.join('?' * 16)})"  # noqa: S608 it is a number of signs
        connection.executemany(insert, [_row(one) for one in self._warehouse.documents()])
        tests = [Finding(**test) for test in self._document(build_id).findings]
        rows = [[build_id, one.name, one.status, one.failures, one.message] for one in tests]
        if rows:
            connection.executemany("insert into adhouse.ops.test_results values (?, ?, ?, ?, ?)", rows)
        return connection


def _row(one: Document) -> list[Any]:
    records = [one.records.get(name) for name in ("read", "loaded", "rejected")]
    counts = [one.models, one.tests, one.warnings, one.errors]
    times = [_utc(time) for time in (one.as_of, one.started_at, one.ended_at)]
    built = [one.build_id, one.command, one.status, *times, one.is_full_refresh]
    return [*built, *records, *counts, one.report_timezone, one.restated_days]


def _utc(time: str | None) -> datetime | None:
    return datetime.fromisoformat(time).astimezone(UTC).replace(tzinfo=None) if time else None


def _asked(connection: duckdb.DuckDBPyConnection, sql: str, parameters: Mapping[str, Value]) -> Rows:
    with connection.cursor() as cursor:
        result = cursor.execute(sql, dict(parameters) or None)
        return Rows(tuple(column[0] for column in result.description or ()), result.fetchall())


def _comments(table: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    mart = table["Name"]
    columns = [(mart, one["Name"], one.get("Comment", "")) for one in table["StorageDescriptor"]["Columns"]]
    return [(mart, "", table.get("Description") or table.get("Parameters", {}).get("comment", "")), *columns]


def _literal(value: Value) -> str:
    match value:
        case str():
            return literal(value)
        case date():
            return f"date '{value.isoformat()}'"
        case int():
            return str(value)
    raise TypeError(f"no literal of {value!r}")


def _examples(lake_url: str) -> str:
    """A few of the records that are quarantined now, whatever the build: they are in no mart."""
    return f"""
        select * from (
            select *, row_number() over (partition by source, reason order by _source, _position) as place
            from ({quarantined("athena", lake_url)}) where not is_repaired
        ) where place <= {EXAMPLES_PER_REASON}
    """  # noqa: S608 the text is ours
