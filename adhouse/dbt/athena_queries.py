"""Which of Athena's queries belong to which node of dbt, which does not say what failed or how much was read."""

import re
from collections.abc import Iterable
from typing import Any

_STARTED = re.compile(r"Athena query (\S+) started")
_SUCCEEDED = re.compile(r"Athena query (\S+) has state SUCCEEDED")


class AthenaQueries:
    """The queries of one dbt command, as dbt-athena reports them in its debug events."""

    def __init__(self) -> None:
        self._of_node: dict[str, list[str]] = {}
        self._succeeded: set[str] = set()

    def on_event(self, event: Any) -> None:
        """Takes an event of dbt; nodes run in several threads, and each event names its node."""
        if event.info.name != "AdapterEventDebug":
            return
        text = event.data.base_msg
        if started := _STARTED.fullmatch(text):
            self._of_node.setdefault(event.data.node_info.unique_id, []).append(started[1])
        elif succeeded := _SUCCEEDED.fullmatch(text):
            self._succeeded.add(succeeded[1])

    def of_nodes(self) -> Iterable[tuple[str, list[str]]]:
        """The ids of each node's queries, in the order they were started; under "" those of no node."""
        return self._of_node.items()

    def broken_of(self, node_id: str) -> str | None:
        """The query in which a failed node ended; None if it failed outside any query."""
        last = self._of_node.get(node_id, [])[-1:]
        return last[0] if last and last[0] not in self._succeeded else None
