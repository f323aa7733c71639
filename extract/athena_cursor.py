"""PyAthena's cursor, for our own statements and for dlt's: its errors name the query, and it bears a lost race."""

from __future__ import annotations

import time
from typing import Any

from pyathena.cursor import Cursor
from pyathena.error import Error

TRIES = 4
# Another writer was quicker, as when Glue compacts a table by itself: nothing of the statement was committed.
LOST_RACE = "ICEBERG_COMMIT_ERROR"


class RetryingCursor(Cursor):
    """Runs a statement as PyAthena does, which already waits where Amazon throttles."""

    def execute(self, operation: str, *args: Any, **options: Any) -> RetryingCursor:
        """Runs a statement to its end; again, after a growing wait, if it lost a race to commit to an Iceberg table.

        Raises:
            pyathena.error.Error: It failed or was cancelled; the message ends with the query's id, if there is one.
        """
        for attempt in range(TRIES):
            try:
                super().execute(operation, *args, **options)
                break
            except Error as error:
                if LOST_RACE not in str(error) or attempt == TRIES - 1:
                    query = f" (query {self.query_id})" if self.query_id else ""
                    raise type(error)(f"{' '.join(str(error).split())}{query}") from error
            time.sleep(2**attempt)
        return self
