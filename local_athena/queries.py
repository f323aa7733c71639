"""Query executions: started, run in the background, polled, cancelled, with their results in S3."""

import contextlib
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import boto3
import httpx
from botocore.exceptions import ClientError
from mypy_boto3_glue import GlueClient

from local_athena.lexer import UnreadableError
from local_athena.refusals import plan
from local_athena.results import csv, rows_of, text
from local_athena.statements import Context, Plan
from local_athena.trino import HIVE_CATALOG
from local_athena.trino_client import Answer, QueryCancelledError, QueryError, TrinoSession

ROWS_A_PAGE = 1000
# https://docs.aws.amazon.com/athena/latest/ug/error-reference.html
_OF_THE_SYSTEM, _OF_THE_USER = 1, 2
_OF_ICEBERG, _OF_ANY_OTHER_KIND = 233, 1001  # dbt retries a failed Iceberg commit, and recognises it by this


class InvalidRequestError(Exception):
    """A request that Athena refuses; the message has Athena's words."""


@dataclass
class Execution:
    """One query execution."""

    query: str
    parameters: list[str]
    plan: Plan
    database: str
    catalog: str
    workgroup: str
    output: str
    trino: TrinoSession
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    state: str = "QUEUED"
    reason: str | None = None
    error: dict[str, Any] | None = None
    submitted: float = field(default_factory=time.time)
    completed: float | None = None
    answer: Answer = field(default_factory=Answer)
    rows: list[list[str | None]] = field(default_factory=list)
    accepted: threading.Event = field(default_factory=threading.Event)
    grammar_error: str | None = None

    @property
    def file(self) -> str:
        """Where its result is."""
        return f"{self.output}{self.id}.{'csv' if self.plan.kind == 'DML' or self.plan.has_header else 'txt'}"


class Queries:
    """All query executions of a local Athena."""

    def __init__(self, endpoint: str, region: str, trino: str) -> None:
        self._trino = trino
        aws = boto3.Session(aws_access_key_id="local", aws_secret_access_key="local", region_name=region)
        self._glue: GlueClient = aws.client("glue", endpoint_url=endpoint)
        self._s3: Any = aws.client("s3", endpoint_url=endpoint)
        self._executions: dict[str, Execution] = {}

    def start(self, query: str, parameters: list[str], database: str, catalog: str, workgroup: str, output: str) -> str:
        """Starts a query and returns its id as soon as it is known to parse.

        Args:
            query: In Athena's SQL.
            parameters: The values of its question marks, each written as SQL.
            database: The default database.
            catalog: The default catalog.
            workgroup: The workgroup in which it runs.
            output: The folder in S3 for its result.

        Raises:
            InvalidRequestError: It cannot be parsed, or has no output location.
        """
        if not output:
            raise InvalidRequestError(
                "No output location provided. An output location is required either through the Workgroup result "
                "configuration setting or as an API input."
            )
        bucket = output.removeprefix("s3://").partition("/")[0]
        try:
            self._s3.head_bucket(Bucket=bucket)
        except ClientError as error:
            raise InvalidRequestError(f"Unable to verify/create output bucket {bucket}") from error
        execution = Execution(
            query,
            parameters,
            _plan(query),
            database,
            catalog,
            workgroup,
            output.rstrip("/") + "/",
            TrinoSession(self._trino, HIVE_CATALOG, database),
        )
        self._executions[execution.id] = execution
        threading.Thread(target=self._run, args=[execution], daemon=True).start()
        execution.accepted.wait()
        if execution.grammar_error:
            del self._executions[execution.id]
            raise InvalidRequestError(execution.grammar_error)
        return execution.id

    def get(self, query_id: str) -> Execution:
        """Returns a query execution.

        Raises:
            InvalidRequestError: It does not exist.
        """
        if query_id not in self._executions:
            raise InvalidRequestError(f"QueryExecution {query_id} was not found")
        return self._executions[query_id]

    def of_workgroup(self, workgroup: str) -> list[str]:
        """Returns the ids of a workgroup's query executions, the newest first."""
        return [query_id for query_id, each in reversed(self._executions.items()) if each.workgroup == workgroup]

    def stop(self, query_id: str) -> None:
        """Cancels a query; one that has ended is left as it is."""
        self.get(query_id).trino.cancel()

    def results(self, query_id: str, start: int, most: int) -> tuple[Execution, list[list[str | None]], int | None]:
        """Returns a page of a result, and where the next begins.

        Raises:
            InvalidRequestError: The query has not succeeded.
        """
        execution = self.get(query_id)
        if execution.state != "SUCCEEDED":
            raise InvalidRequestError(f"Query did not finish successfully. Final query state: {execution.state}")
        end = start + min(most, ROWS_A_PAGE)
        return execution, execution.rows[start:end], end if end < len(execution.rows) else None

    def _run(self, execution: Execution) -> None:
        with _ended(execution):
            if execution.catalog != HIVE_CATALOG:
                raise QueryError("CATALOG_NOT_FOUND", f"Catalog '{execution.catalog}' not found")
            context = Context(
                execution.trino,
                self._glue,
                execution.database,
                execution.parameters,
                execution.output,
                execution.id,
                lambda: _go_on(execution),
            )
            execution.answer = execution.plan.run(context)
            execution.rows = rows_of(execution.plan, execution.answer)
            bucket, _, key = execution.file.removeprefix("s3://").partition("/")
            write = csv if execution.file.endswith(".csv") else text
            self._s3.put_object(Bucket=bucket, Key=key, Body=write(execution.rows).encode())


def _plan(query: str) -> Plan:
    try:
        return plan(query)
    except UnreadableError as error:
        raise InvalidRequestError(str(error)) from error
    except QueryError as error:
        return Plan("DML", "SELECT", _fail_with(error))


def _fail_with(error: QueryError) -> Any:
    def run(_: Context) -> Answer:
        raise error

    return run


def _go_on(execution: Execution) -> None:
    execution.state = "RUNNING"
    execution.accepted.set()


@contextlib.contextmanager
def _ended(execution: Execution) -> Iterator[None]:
    """Records in the execution how it ended, whatever happens."""
    state = "FAILED"
    try:
        yield
        state = "SUCCEEDED"
    except QueryCancelledError:
        state = "CANCELLED"
        execution.reason = "Query cancelled by user"
    except QueryError as error:
        if error.is_of_grammar:
            execution.grammar_error = error.message
        _explain(execution, error)
    except (UnreadableError, ClientError, httpx.HTTPError) as error:
        _explain(execution, QueryError("FAILED", str(error)))
    finally:
        execution.completed = time.time()
        execution.state = state
        execution.accepted.set()


def _explain(execution: Execution, error: QueryError) -> None:
    execution.reason = f"{error.name}: {error.message}"
    if error.name == "COLUMN_NOT_FOUND":
        execution.reason += " or requester is not authorized to access requested resources"
    if error.name.endswith("TOO_MANY_OPEN_PARTITIONS"):
        execution.reason += (
            f". If a data manifest file was generated at '{execution.output}{execution.id}-manifest.csv', you may need "
            "to manually clean the data from locations specified in the manifest. Athena will not delete data in your "
            "account."
        )
    execution.error = {
        "ErrorCategory": _OF_THE_USER if error.is_users else _OF_THE_SYSTEM,
        "ErrorType": _OF_ICEBERG if error.name.startswith("ICEBERG") else _OF_ANY_OTHER_KIND,
        "Retryable": False,
        "ErrorMessage": execution.reason,
    }
