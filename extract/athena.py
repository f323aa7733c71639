"""Athena: one statement at a time, with the ordinary credentials and region of Amazon's tools."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from itertools import islice
from threading import Event, Timer
from typing import Any, NamedTuple

CATALOG = "awsdatacatalog"
POLL_SECONDS = 0.2  # most statements of a run take a second
OTHER_LAKE = "the databases of this account and region are those of the lake"
MOST_SECONDS = 1800.0  # of a query, as Athena itself allows
IDS_AT_ONCE = 50  # what one call lists, or tells of, at most

# What it logs it raises too; a command that keeps no log would show it, traceback and all.
logging.getLogger("pyathena").addHandler(logging.NullHandler())


class AthenaError(Exception):
    """A statement failed; the message has Athena's words and the query's id."""


class AthenaTimeoutError(AthenaError):
    """A query took longer than it may, and was cancelled."""


class Selected(NamedTuple):
    """What a query of a user's gives: names of columns, rows, and how many bytes it scanned, which are billed."""

    names: list[str]
    rows: list[tuple[Any, ...]]
    bytes_scanned: int


@dataclass(frozen=True)
class Athena:
    """Where Athena puts results, and for which workgroup it works.

    Attributes:
        results: An S3 address for the results of queries.
        workgroup: The workgroup that pays and limits.
    """

    results: str
    workgroup: str

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """Runs a statement to its end, and returns its rows; none of a statement that has none.

        What Athena says may pass (throttling, too many queries, a lost race) is tried again, with growing waits.

        Raises:
            AthenaError: It failed, or was cancelled.
        """
        from pyathena import connect
        from pyathena.error import Error

        read_models_once()
        results = f"{self.results.rstrip('/')}/"
        with connect(s3_staging_dir=results, work_group=self.workgroup, **connection_params()) as connection:
            try:
                found: list[tuple[Any, ...]] = connection.cursor().execute(statement).fetchall()
            except Error as error:
                raise AthenaError(str(error)) from error
            return found

    def select(self, query: str, database: str, most_seconds: float = MOST_SECONDS) -> Selected:
        """Runs a query of a user's in a database.

        Raises:
            AthenaTimeoutError: It took longer than that, and was cancelled.
            AthenaError: It failed, or was cancelled.
        """
        from pyathena import connect
        from pyathena.error import Error

        read_models_once()
        results = f"{self.results.rstrip('/')}/"
        place: dict[str, Any] = {"s3_staging_dir": results, "work_group": self.workgroup, "schema_name": database}
        with connect(**place, **connection_params()) as connection:
            cursor = connection.cursor()
            is_late = Event()
            timer = Timer(most_seconds, _cancel, (cursor, is_late))
            timer.start()
            try:
                cursor.execute(query)
                names = [name for name, *_ in cursor.description or ()]
                return Selected(names, cursor.fetchall(), cursor.data_scanned_in_bytes or 0)
            except Error as error:
                raise (AthenaTimeoutError if is_late.is_set() else AthenaError)(str(error)) from error
            finally:
                timer.cancel()

    def location(self, database: str, table: str) -> str | None:
        """Where in S3 a table is; None if there is no such table."""
        import boto3

        glue = boto3.client("glue")
        try:
            found = glue.get_table(DatabaseName=database, Name=table)["Table"]
        except glue.exceptions.EntityNotFoundException:
            return None
        place: str = found["StorageDescriptor"]["Location"]
        return place

    def drop_tables(self, database: str) -> None:
        """Removes the descriptions of all tables of a database; a second call finds none, and the files stay."""
        import boto3

        glue = boto3.client("glue")
        try:
            pages = [*glue.get_paginator("get_tables").paginate(DatabaseName=database)]
        except glue.exceptions.EntityNotFoundException:
            return
        # In order: `_dlt_version`, from which dlt concludes that there are tables, comes before the tables.
        for name in sorted(table["Name"] for page in pages for table in page["TableList"]):
            glue.delete_table(DatabaseName=database, Name=name)

    def bytes_read(self, query_ids: Iterable[str]) -> dict[str, int]:
        """How many bytes each of these queries has read, by its id; one that Athena has forgotten is left out."""
        told = executions(query_ids)
        return {one["QueryExecutionId"]: one.get("Statistics", {}).get("DataScannedInBytes", 0) for one in told}


def _cancel(cursor: Any, is_late: Event) -> None:
    is_late.set()
    with suppress(Exception):  # it may end in this moment, or not have begun
        cursor.cancel()


@cache
def read_models_once() -> None:
    """Lets all sessions with Amazon read the models of its services once; a second call changes nothing.

    dbt-athena opens a session for each node and more, and PyAthena one for each connection: reading megabytes of JSON
    each time took half of the CPU of a run.
    """
    from botocore import session

    session.create_loader = cache(session.create_loader)


def executions(query_ids: Iterable[str]) -> list[dict[str, Any]]:
    """What Athena says of each of these queries (its `QueryExecution`); one that it has forgotten is left out."""
    import boto3

    client: Any = boto3.client("athena")
    ids = iter(query_ids)
    told: list[dict[str, Any]] = []
    while some := list(islice(ids, IDS_AT_ONCE)):
        told += client.batch_get_query_execution(QueryExecutionIds=some)["QueryExecutions"]
    return told


def connection_params() -> dict[str, Any]:
    """How PyAthena works for us, and for dlt."""
    from extract.athena_cursor import RetryingCursor

    return {"poll_interval": POLL_SECONDS, "cursor_class": RetryingCursor}
