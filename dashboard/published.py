"""The published build that a page reads, through a connection that can read nothing else and change nothing.

It is a file of this machine, or, after `read_from`, whatever the warehouse elsewhere shows.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import duckdb
import streamlit as st

MOST_SECONDS = 30.0
MOST_CACHED = 400
MEMORY = "512MB"

Value = str | date | int | tuple[str, ...]


class OlderBuildError(Exception):
    """The build was published by an older adhouse and lacks what the pages need; the next run publishes a newer one."""


class TooSlowError(Exception):
    """A query took longer than a page may wait."""


class NoAnswerError(Exception):
    """The warehouse elsewhere could not be asked; the text is for the server's log."""


@dataclass(frozen=True)
class Rows:
    """What a query gives: names of columns, and rows with exact values; and how much an engine that bills it read."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    bytes_scanned: int = 0

    def dicts(self) -> list[dict[str, Any]]:
        """One dict a row."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


@dataclass(frozen=True)
class Build:
    """One published build; a page reads the same from its first query to its last.

    Attributes:
        path: Its file; elsewhere its id.
        build_id: Its id.
        as_of: The beginning (UTC) of the report day in which its run started.
        today: That day; it is not over, so presets end before it.
        time_zone: The report time zone.
        provisional_from: The first day for which the next run asks an API again; None if there is no API.
        currency: The currency of every sum; empty as long as there are none.
    """

    path: str
    build_id: str
    as_of: datetime
    today: date
    time_zone: str
    provisional_from: date | None
    currency: str


class Elsewhere(Protocol):
    """A warehouse whose published builds are in no file of this machine."""

    def newest(self) -> str | None:
        """The id of the build that readers see now; None if nothing is published."""

    def fetch(self, build_id: str, sql: str, parameters: Mapping[str, Value]) -> Rows:
        """Answers a query that is written for DuckDB, on that build.

        Raises:
            TooSlowError: It took too long, and was stopped.
            OlderBuildError: The build has not what is asked for.
            NoAnswerError: It could not be asked.
        """

    def descriptions(self, build_id: str) -> Rows:
        """The mart, the column, or nothing for the mart itself, and what dbt says of it."""


class _Scanned(threading.local):
    """How many bytes the queries of this run of a page have scanned."""

    in_view = 0


_elsewhere: Elsewhere | None = None
_scanned = _Scanned()


def read_from(elsewhere: Elsewhere | None) -> None:
    """Lets the pages of this process read from there; from None, the files of this machine."""
    global _elsewhere
    _elsewhere = elsewhere


def begin_view() -> None:
    """Counts what is scanned from now on."""
    _scanned.in_view = 0


def scanned() -> int | None:
    """The bytes that were scanned for this view; None where they cost nothing."""
    return _scanned.in_view if _elsewhere else None


def file_of(link: Path) -> str | None:
    """The build that readers see now, by its file, elsewhere by its id; None if nothing is published.

    A page asks once, at the start of its run.
    """
    if _elsewhere:
        return _elsewhere.newest()
    return str(link.resolve()) if link.exists() else None


@st.cache_data(max_entries=4, show_spinner=False)
def build_of(path: str) -> Build:
    """Opens a build and reads what it says of itself.

    Raises:
        OlderBuildError: It does not say what its report days are.
    """
    newest = fetch(path, "select * from adhouse.ops.builds order by build_id desc limit 1").dicts()[0]
    money = fetch(path, "select max(currency) as currency from adhouse.marts.source_performance").dicts()[0]
    asked = fetch(path, "select count(*) from adhouse.marts.source_balances where unit_type = 'fetch'").rows[0][0]
    if not newest.get("report_timezone"):
        raise OlderBuildError
    zone, as_of = newest["report_timezone"], newest["as_of"].replace(tzinfo=UTC)
    today = as_of.astimezone(ZoneInfo(zone)).date()
    return Build(
        path=path,
        build_id=newest["build_id"],
        as_of=as_of,
        today=today,
        time_zone=zone,
        provisional_from=today - timedelta(days=newest["restated_days"] or 0) if asked else None,
        currency=money["currency"] or "",
    )


@st.cache_resource(max_entries=2, show_spinner=False, on_release=lambda connection: connection.close())
def _opened(path: str) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(":memory:", config={"memory_limit": MEMORY})
    quoted = path.replace("'", "''")
    connection.execute(f"attach '{quoted}' as adhouse (read_only)")
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")
    return connection


@st.cache_data(max_entries=MOST_CACHED, show_spinner=False)
def cached(path: str, sql: str, parameters: tuple[tuple[str, Value], ...] = ()) -> Rows:
    """Like `fetch`, and remembers the newest few hundred answers; a build never changes, so none goes stale."""
    return fetch(path, sql, dict(parameters))


def fetch(path: str, sql: str, parameters: Mapping[str, Value] | None = None) -> Rows:
    """Runs a query on a build.

    Args:
        path: The file of the build; elsewhere its id.
        sql: The query; values are in it as `$name` only.
        parameters: The values by name; a tuple becomes a list.

    Raises:
        TooSlowError: It took longer than `MOST_SECONDS`, and was stopped.
        OlderBuildError: The build has not what is asked for.
        NoAnswerError: The warehouse elsewhere could not be asked.
    """
    if _elsewhere:
        found = _elsewhere.fetch(path, sql, parameters or {})
        _scanned.in_view += found.bytes_scanned
        return found
    cursor = _opened(path).cursor()
    timer = threading.Timer(MOST_SECONDS, cursor.interrupt)
    timer.start()
    try:
        values = {
            name: list(value) if isinstance(value, tuple) else value for name, value in (parameters or {}).items()
        }
        result = cursor.execute(sql, values or None)
        return Rows(tuple(column[0] for column in result.description or ()), result.fetchall())
    except duckdb.InterruptException as error:
        raise TooSlowError from error
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        raise OlderBuildError from error
    finally:
        timer.cancel()
        cursor.close()


DESCRIPTIONS = """
    select table_name, column_name, comment from duckdb_columns() where database_name = 'adhouse'
    union all
    select table_name, '', comment from duckdb_tables() where database_name = 'adhouse'
    union all
    select view_name, '', comment from duckdb_views() where database_name = 'adhouse'
"""


@st.cache_data(max_entries=4, show_spinner=False)
def descriptions(path: str) -> dict[tuple[str, str], str]:
    """What dbt says of each column of a build, by mart and column; of the mart itself under the empty column."""
    rows = (_elsewhere.descriptions(path) if _elsewhere else fetch(path, DESCRIPTIONS)).rows
    return {(mart, column): comment for mart, column, comment in rows if comment}
