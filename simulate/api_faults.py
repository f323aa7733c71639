"""Faults between a client and an API, and the requests they hit; tests and curious people switch them on."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from datetime import date
from typing import Literal, get_args

Kind = Literal[
    "too_many_requests",
    "too_many_requests_until",
    "forbidden",
    "server_error",
    "timeout",
    "stall",
    "reset",
    "cut",
    "truncated",
    "html",
    "error_body",
    "empty_body",
    "byte_order_mark",
    "short_page",
    "repeated_page",
    "repeated_records",
    "missing_page",
    "endless_pages",
    "changing_total",
    "foreign_next",
]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong, and on which requests for campaign data.

    Of the requests that match `day` and `page`, the `nth` one and those after it fail until it has happened `times`
    times; after that the API answers normally. `Fault("reset", day=date(2024, 5, 21), nth=2)` reads: the second
    request for 21 May is reset, once.

    Attributes:
        kind: What happens:
            `too_many_requests`: 429, Retry-After in seconds; `too_many_requests_until`: 429, Retry-After as a date;
            `forbidden`: 403; `server_error`: 500;
            `timeout`: no answer for `seconds`, then the connection closes; `stall`: the same after half of the body;
            `reset`: half of the body, then TCP RST; `cut`: half of the body, then an orderly close (FIN);
            `truncated`: half of the JSON, with the matching Content-Length;
            `html`, `error_body`, `empty_body`: 200 with a web page, with {"error": …}, with nothing;
            `byte_order_mark`: the right answer behind a BOM;
            `short_page`: the page lacks the second half of its records;
            `repeated_page`: another page's answer, byte for byte, as from a stale cache;
            `repeated_records`: another page's records under this page's number;
            `missing_page`: 404; `endless_pages`: there is always one more page;
            `changing_total`: one more than the total; `foreign_next`: the next link leads to `host`.
        day: Only requests for this day; None: for any day, or for none.
        page: Only requests for this page; None: any.
        nth: The first matching request that fails, counted from 1.
        times: How many matching requests fail; None: all of them from then on.
        seconds: What Retry-After says, or how long a `timeout` or `stall` lasts.
        host: Where `foreign_next` leads.
    """

    kind: Kind
    day: date | None = None
    page: int | None = None
    nth: int = 1
    times: int | None = 1
    seconds: float = 1
    host: str = "http://elsewhere.invalid"

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"no fault is called {self.kind!r}; there are {', '.join(KINDS)}")
        if self.nth < 1 or (self.times is not None and self.times < 1):
            raise ValueError("nth and times count from 1")

    def matches(self, day: date | None, page: int) -> bool:
        """Whether a request for this day and page counts for the fault."""
        return self.day in (None, day) and self.page in (None, page)

    @classmethod
    def parse(cls, text: str) -> Fault:
        """Reads a fault as a person writes it: `reset day=2024-05-21 nth=2 times=always`.

        Raises:
            ValueError: Says what is wrong with the text.
        """
        kind, *settings = text.split()
        values: dict[str, object] = {}
        for setting in settings:
            name, _, value = setting.partition("=")
            if name == "day":
                values[name] = date.fromisoformat(value)
            elif name in ("page", "nth", "times"):
                values[name] = None if (name, value) == ("times", "always") else int(value)
            elif name == "seconds":
                values[name] = float(value)
            elif name == "host":
                values[name] = value
            else:
                known = ", ".join(field.name for field in fields(cls) if field.name != "kind")
                raise ValueError(f"a fault has {known}, not {name!r}")
        return cls(kind, **values)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Request:
    """One authorised request for campaign data, and the fault it met."""

    day: date | None
    page: int
    fault: Kind | None


@dataclass
class FaultPlan:
    """The planned faults and the received requests; both may change while the API is serving."""

    faults: list[Fault] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    _matched: list[int] = field(default_factory=list, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def set(self, faults: Iterable[Fault]) -> None:
        """Replaces the faults, forgets the received requests, and counts new ones from here on."""
        with self._lock:
            self.faults = list(faults)
            self.requests = []
            self._matched = []

    def meet(self, day: date | None, page: int) -> Fault | None:
        """Records a request and returns its fault: the first one that is due."""
        with self._lock:
            self._matched += [0] * (len(self.faults) - len(self._matched))
            met: Fault | None = None
            for position, fault in enumerate(self.faults):
                if fault.matches(day, page):
                    self._matched[position] += 1
                    turn = self._matched[position] - fault.nth
                    if met is None and turn >= 0 and (fault.times is None or turn < fault.times):
                        met = fault
            self.requests.append(Request(day, page, met.kind if met else None))
            return met
