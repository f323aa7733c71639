"""Stops what a killed run left in Athena, where a statement goes on though nobody waits for it.

It would write into the tables of the run that comes after: rows appended once more, after that run had removed them.
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
    """Stops every statement that may still change a table of ours, and gives their ids; a query of a reader goes on.

    The caller holds the lock of the lake, so nobody alive waits for them. A second run finds none.

    Args:
        workgroup: Where the killed run worked.
        since: When it was started.

    Raises:
        CommandError: One has not ended within a minute.
        botocore.exceptions.ClientError: Athena does not let us.
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
            raise CommandError(f"query {query} of a killed run does not stop", "run the same again in a minute")
        time.sleep(0.5)
    return left


def _may_change_ours(one: dict[str, Any]) -> bool:
    is_reading = one.get("StatementType") == "UTILITY" or one.get("SubstatementType") == "SELECT"
    return one["Status"]["State"] in IS_UNDER_WAY and not is_reading and bool(OURS.search(one["Query"]))
