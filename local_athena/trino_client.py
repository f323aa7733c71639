"""Trino's client protocol: submit a statement, read its answer page by page, or cancel it."""

import re
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx

SECONDS_TO_FIND_ITSELF = 30  # a Trino that has just started needs some before it counts itself as a worker


@dataclass
class Answer:
    """The result of a statement, and how much it read."""

    columns: list[tuple[str, str]] = field(default_factory=list)
    rows: list[list[Any]] = field(default_factory=list)
    update_count: int | None = None
    scanned_bytes: int = 0


class QueryError(Exception):
    """A statement failed; name and message are the engine's own."""

    def __init__(self, name: str, message: str, is_users: bool = True) -> None:
        super().__init__(f"{name}: {message}")
        self.name, self.message, self.is_users = name, message, is_users

    @property
    def is_of_grammar(self) -> bool:
        """Whether the statement could not even be parsed."""
        return self.name == "SYNTAX_ERROR" and bool(
            re.match(
                r"line \d+:\d+: (mismatched input|no viable alternative|extraneous input|missing |identifiers must|"
                r"backquoted|Incomplete|Invalid|mismatched)",
                self.message,
            )
        )


_WITHOUT_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # otherwise httpx reads all certificates for each session


class QueryCancelledError(Exception):
    """The statement was cancelled."""


class TrinoSession:
    """Runs the statements of one query execution in Trino, one after the other, until it is cancelled."""

    def __init__(self, url: str, catalog: str, schema: str) -> None:
        self._http = httpx.Client(
            base_url=url,
            trust_env=False,
            verify=_WITHOUT_TLS,
            timeout=600,
            headers={
                "X-Trino-User": "athena",
                "X-Trino-Source": "local-athena",
                "X-Trino-Catalog": catalog,
                "X-Trino-Schema": schema,
                "X-Trino-Time-Zone": "UTC",
                "X-Trino-Client-Capabilities": "PARAMETRIC_DATETIME",
            },
        )
        self._cancelled = threading.Event()
        self._running: str | None = None

    def run(
        self,
        statement: str,
        settings: Mapping[str, str] | None = None,
        when_accepted: Callable[[], None] = lambda: None,
    ) -> Answer:
        """Runs one statement to its end.

        Args:
            statement: In Trino's SQL.
            settings: Session properties for this statement.
            when_accepted: Called when Trino has parsed and planned it.

        Raises:
            QueryError: It failed in Trino.
            QueryCancelledError: `cancel` was called.
        """
        session = ",".join(f"{name}={quote(value)}" for name, value in (settings or {}).items())
        deadline = time.monotonic() + SECONDS_TO_FIND_ITSELF
        while True:
            try:
                return self._run_once(statement, session, when_accepted)
            except QueryError as error:
                if error.name != "NO_NODES_AVAILABLE" or time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def _run_once(self, statement: str, session: str, when_accepted: Callable[[], None]) -> Answer:
        answer = Answer()
        page = self._page("POST", "/v1/statement", content=statement.encode(), headers={"X-Trino-Session": session})
        while True:
            answer.columns = answer.columns or [(c["name"], c["type"]) for c in page.get("columns", [])]
            answer.rows += page.get("data", [])
            if error := page.get("error"):
                if self._cancelled.is_set():
                    raise QueryCancelledError
                raise QueryError(error["errorName"], error["message"], error["errorType"] == "USER_ERROR")
            if page["stats"]["state"] not in {"QUEUED", "PLANNING"}:
                when_accepted()
            self._running = page.get("nextUri")
            if self._running is None:
                break
            if self._cancelled.is_set():
                self._http.delete(self._running)
                raise QueryCancelledError
            page = self._page("GET", self._running)
        answer.update_count = page.get("updateCount")
        answer.scanned_bytes = page["stats"]["physicalInputBytes"]
        return answer

    def cancel(self) -> None:
        """Cancels the running statement and all that would follow it."""
        self._cancelled.set()
        if self._running:
            self._http.delete(self._running)

    def _page(self, method: str, url: str, **request: Any) -> dict[str, Any]:
        answer = self._http.request(method, url, **request)
        answer.raise_for_status()
        page: dict[str, Any] = answer.json()
        return page
