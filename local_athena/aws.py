"""Patches for moto: an engine for its Athena, the calls that the engine needs for its Glue, a checksum for its S3."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from moto.athena.models import Database
from moto.athena.responses import AthenaResponse
from moto.backends import list_of_moto_modules
from moto.core.exceptions import JsonRESTError
from moto.glue.models import GlueBackend, glue_backends
from moto.glue.responses import GlueResponse
from moto.s3.models import FakeKey, S3Backend
from moto.s3.utils import compute_checksum

from local_athena.queries import Execution, InvalidRequestError, Queries
from local_athena.results import column_info
from local_athena.trino import HIVE_CATALOG

Handler = Callable[..., str]
_ONE_CHANGE_AT_A_TIME = threading.Lock()
_COLUMN_STATISTICS = ("get", "update", "delete")


@contextmanager
def seams(queries: Queries) -> Iterator[None]:
    """Puts the engine behind moto's Athena for the length of the block."""
    services = tuple(list_of_moto_modules())  # moto would list its folder at each request
    with ExitStack() as patches:
        patches.enter_context(patch("moto.backends.list_of_moto_modules", lambda: services))
        for name, handler in _athena_handlers(queries).items():
            patches.enter_context(patch.object(AthenaResponse, name, handler, create=True))
        patches.enter_context(patch("moto.athena.models.AthenaBackend.list_databases", _databases))
        patches.enter_context(patch("moto.athena.models.AthenaBackend.list_data_catalogs", _catalogs))
        patches.enter_context(patch.object(GlueResponse, "update_table", _update_table(GlueResponse.update_table)))
        patches.enter_context(patch.object(S3Backend, "copy_object", _copy_object(S3Backend.copy_object)))
        for verb in _COLUMN_STATISTICS:
            for owner in ("table", "partition"):
                name = f"{verb}_column_statistics_for_{owner}"
                patches.enter_context(patch.object(GlueResponse, name, _no_statistics, create=True))
        yield


def _athena_handlers(queries: Queries) -> dict[str, Handler]:
    def start_query_execution(self: AthenaResponse) -> str:
        name = self._get_param("WorkGroup") or "primary"
        workgroup = self.athena_backend.work_groups.get(name)
        if workgroup is None:
            raise _refused(f"WorkGroup {name} is not found.")
        configuration = workgroup.configuration
        chosen = (configuration.get("ResultConfiguration") or {}).get("OutputLocation", "")
        asked = (self._get_param("ResultConfiguration") or {}).get("OutputLocation", "")
        is_enforced = configuration["EnforceWorkGroupConfiguration"] and chosen
        context = self._get_param("QueryExecutionContext") or {}
        with _as_aws_says_it():
            started = queries.start(
                query=self._get_param("QueryString"),
                parameters=self._get_param("ExecutionParameters") or [],
                database=(context.get("Database") or "default").lower(),
                catalog=(context.get("Catalog") or HIVE_CATALOG).lower(),
                workgroup=name,
                output=chosen if is_enforced else asked or chosen,
            )
        return json.dumps({"QueryExecutionId": started})

    def get_query_execution(self: AthenaResponse) -> str:
        with _as_aws_says_it():
            return json.dumps({"QueryExecution": _described(queries.get(self._get_param("QueryExecutionId")))})

    def batch_get_query_execution(self: AthenaResponse) -> str:
        with _as_aws_says_it():
            found = [_described(queries.get(each)) for each in self._get_param("QueryExecutionIds")]
        return json.dumps({"QueryExecutions": found, "UnprocessedQueryExecutionIds": []})

    def list_query_executions(self: AthenaResponse) -> str:
        return json.dumps({"QueryExecutionIds": queries.of_workgroup(self._get_param("WorkGroup") or "primary")})

    def stop_query_execution(self: AthenaResponse) -> str:
        with _as_aws_says_it():
            queries.stop(self._get_param("QueryExecutionId"))
        return "{}"

    def get_query_results(self: AthenaResponse) -> str:
        start = int(self._get_param("NextToken") or 0)
        most = int(self._get_param("MaxResults") or 1000)
        with _as_aws_says_it():
            execution, rows, following = queries.results(self._get_param("QueryExecutionId"), start, most)
        shown = [{"Data": [{} if value is None else {"VarCharValue": value} for value in row]} for row in rows]
        metadata = {"ColumnInfo": column_info(execution.plan, execution.answer)}
        return json.dumps(
            {"UpdateCount": execution.answer.update_count or 0}
            | {"ResultSet": {"Rows": shown, "ResultSetMetadata": metadata}}
            | ({"NextToken": str(following)} if following else {})
        )

    handlers: list[Handler] = [
        start_query_execution,
        get_query_execution,
        batch_get_query_execution,
        list_query_executions,
        stop_query_execution,
        get_query_results,
    ]
    return {handler.__name__: handler for handler in handlers}


def _described(execution: Execution) -> dict[str, Any]:
    ended = execution.completed
    milliseconds = int(((ended or execution.submitted) - execution.submitted) * 1000)
    optional = {
        "StateChangeReason": execution.reason,
        "AthenaError": execution.error,
        "CompletionDateTime": ended,
    }
    return {
        "QueryExecutionId": execution.id,
        "Query": execution.query,
        "StatementType": execution.plan.kind,
        "SubstatementType": execution.plan.detail,
        "ResultConfiguration": {"OutputLocation": execution.file},
        "QueryExecutionContext": {"Database": execution.database, "Catalog": execution.catalog},
        "WorkGroup": execution.workgroup,
        "EngineVersion": {
            "SelectedEngineVersion": "AUTO",
            "EffectiveEngineVersion": "Athena engine version 3",
        },
        "Status": {
            "State": execution.state,
            "SubmissionDateTime": execution.submitted,
            **{name: value for name, value in optional.items() if value is not None},
        },
        "Statistics": {
            "DataScannedInBytes": execution.answer.scanned_bytes,
            "EngineExecutionTimeInMillis": milliseconds,
            "TotalExecutionTimeInMillis": milliseconds,
        },
    }


def _databases(self: Any, catalog_name: str, **_: Any) -> tuple[list[Database], None]:
    glue: GlueBackend = glue_backends[self.account_id][self.region_name]
    return [Database(catalog_name, name) for name in sorted(glue.databases)], None


def _catalogs(self: Any) -> list[dict[str, str]]:
    return [{"CatalogName": "AwsDataCatalog", "Type": "GLUE"}]


def _no_statistics(self: GlueResponse) -> str:
    return json.dumps({"ColumnStatisticsList": [], "Errors": []})


def _update_table(update: Callable[[GlueResponse], Any]) -> Callable[[GlueResponse], Any]:
    """Refuses a change if the table was changed since it was read, which is how Iceberg detects concurrent writers.

    Trino, unlike Athena, recognises a view only by its comment, so a view keeps that and gets no other description.
    """

    def update_table(self: GlueResponse) -> Any:
        with _ONE_CHANGE_AT_A_TIME:
            asked = self.parameters
            changed, expected = asked["TableInput"], asked.get("VersionId")
            table = self.glue_backend.get_table(asked["DatabaseName"], changed["Name"])
            if expected and table.as_dict()["VersionId"] != expected:
                raise JsonRESTError("ConcurrentModificationException", f"Version {expected} is no longer the newest")
            if changed.get("Parameters", {}).get("presto_view") == "true":
                changed["Parameters"]["comment"] = "Presto View"
                changed.pop("Description", None)
                self.body = json.dumps(asked)
            return update(self)

    return update_table


def _copy_object(copy: Callable[..., None]) -> Callable[..., None]:
    """Gives a copy the checksum of its content, as S3 does; an upload in parts has a checksum of checksums."""

    def copy_object(self: S3Backend, source: FakeKey, bucket: str, key: str, *rest: Any, **options: Any) -> None:
        copy(self, source, bucket, key, *rest, **options)
        made = self.get_object(bucket, key)
        if made and made.checksum_algorithm:
            made.checksum_value = compute_checksum(made.value, made.checksum_algorithm).decode()

    return copy_object


def _refused(message: str) -> JsonRESTError:
    return JsonRESTError("InvalidRequestException", message)


@contextmanager
def _as_aws_says_it() -> Iterator[None]:
    try:
        yield
    except InvalidRequestError as error:
        raise _refused(str(error)) from error
