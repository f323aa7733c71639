"""Stops the statements of a killed run in Athena, which go on although nobody waits for them.

They would write into the tables of the next run: rows that it had removed would be appended once more.
"""

import re
import time
from datetime import datetime, timedelta
from typing import Any

from adhouse.errors import CommandError
from extract.athena import IDS_AT_ONCE, executions

OURS = re.compile(r"\b(raw|marts|(staging|intermediate|marts)_\w+)[\"`]?\.")
IS_UNDER_WAY = ("QUEUED", "RUNNING")
CLOCKS_DIFFER = timedelta(hours=1)
MOST_SECONDS = 60.0


def stop_leftovers(workgroup: str, since: datetime) -> list[str]:
    """Stops every running statement that may change a table of ours, and gives their ids; a reader's query goes on.

    The caller holds the lease of the lake, so no living run waits for them. A second call finds none.

    Args:
        workgroup: The workgroup of the killed run.
        since: When that run was started.

    Raises:
        CommandError: One did not end within a minute.
        botocore.exceptions.ClientError: Athena does not permit it.
    """
    import boto3

    client: Any = boto3.client("athena")
    pages = client.get_paginator("list_query_executions").paginate(WorkGroup=workgroup, MaxResults=IDS_AT_ONCE)
    left: list[str] = []
    for page in pages:  # the newest come first
        told = executions(page["QueryExecutionIds"])
        left += [one["QueryExecutionId"] for one in told if _may_change_ours(one)]
        if all(one["Status"]["SubmissionDateTime"] < since - CLOCKS_DIFFER for one in told):
            break
    for query in left:
        client.stop_query_execution(QueryExecutionId=query)
    deadline = time.monotonic() + MOST_SECONDS
    while going := [one for one in executions(left) if one["Status"]["State"] in IS_UNDER_WAY]:
        if time.monotonic() > deadline:
            query = going[0]["QueryExecutionId"]
            raise CommandError(f"query {query} of a killed run does not stop", "repeat the command in a minute")
        time.sleep(0.5)
    return left


def _may_change_ours(one: dict[str, Any]) -> bool:
    is_reading = one.get("StatementType") == "UTILITY" or one.get("SubstatementType") == "SELECT"
    return one["Status"]["State"] in IS_UNDER_WAY and not is_reading and bool(OURS.search(one["Query"]))
