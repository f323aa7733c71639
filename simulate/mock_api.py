"""A platform's reporting API over a simulated ad world, with a plan of faults."""

import asyncio
import hmac
import html
import json
import socket
import struct
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from math import ceil
from typing import Annotated

import pyarrow as pa
from fastapi import Depends, FastAPI, HTTPException, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.types import Receive, Scope, Send

from simulate.api_faults import Fault, FaultPlan
from simulate.delivery import delivery, version
from simulate.files import json_array, json_records
from simulate.world import World

DEMO_TOKEN = "demo-token"  # noqa: S105 it protects a made-up world
_JSON = "application/json"
_BROKEN_CONNECTIONS = ("timeout", "stall", "reset", "cut")


@dataclass(frozen=True)
class _Day:
    """A day's report, rendered: the records of each page as JSON objects separated by commas."""

    total: int
    pages: list[bytes]
    records_on_page: list[int]


class _Rendered:
    """Rendered reports of days, kept as bytes up to a limit; the least recently used are dropped first."""

    def __init__(self, world: World, page_size: int, cache_bytes: int) -> None:
        self._world = world
        self._page_size = page_size
        self._cache_bytes = cache_bytes
        self._days: OrderedDict[tuple[date, int], _Day] = OrderedDict()
        self._lock = threading.Lock()

    def day(self, day: date, as_of: date) -> _Day:
        key = (day, version(day, as_of))
        # One at a time: if a client requests all pages at once, the day is still generated only once.
        with self._lock:
            if key not in self._days:
                self._days[key] = _render(delivery(self._world, day, as_of), self._page_size)
            self._days.move_to_end(key)
            while len(self._days) > 1 and sum(map(_size, self._days.values())) > self._cache_bytes:
                self._days.popitem(last=False)
            return self._days[key]


def create_app(
    world: World,
    *,
    token: str = DEMO_TOKEN,
    today: Callable[[], date] = lambda: datetime.now(UTC).date(),
    faults: FaultPlan | None = None,
    page_size: int = 10_000,
    undated_days: int = 1,
    cache_bytes: int = 256 << 20,
) -> FastAPI:
    """The API of a platform that reports campaign delivery.

    `GET /campaign-data?date=&page=` answers one page of a day; without `date` a bare array of the last complete days.
    `GET`, `PUT` and `DELETE /faults` show and change what goes wrong; `/docs` describes it all without a network.
    Serve it with `simulate.serve`: a fault that breaks the connection needs the connection.

    Args:
        world: Whose delivery is reported.
        token: The bearer token it requires.
        today: The platform's date: later days are empty, recent ones still change.
        faults: The planned faults; may be changed while it is serving.
        page_size: Records per page.
        undated_days: How many days, up to yesterday, the answer without a date has.
        cache_bytes: Rendered pages are cached up to this size.
    """
    plan = FaultPlan() if faults is None else faults
    rendered = _Rendered(world, page_size, cache_bytes)
    bearer = HTTPBearer(auto_error=False, description=f"`{DEMO_TOKEN}`, unless it was started with another")
    app = FastAPI(title="Mock ad platform", version="1", docs_url=None, redoc_url=None)

    def authorise(credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]) -> None:
        given = credentials.credentials if credentials else ""
        if not hmac.compare_digest(given.encode(), token.encode()):
            raise HTTPException(401, "missing or wrong bearer token", {"WWW-Authenticate": "Bearer"})

    @app.get("/health")
    async def health() -> dict[str, str]:
        """Whether it is up; needs no token."""
        return {"status": "ok", "today": today().isoformat()}

    @app.get("/campaign-data", dependencies=[Depends(authorise)], response_class=Response)
    async def campaign_data(
        request: Request,
        day: Annotated[date | None, Query(alias="date", description="The report day; without: a bare array")] = None,
        page: Annotated[int, Query(ge=1)] = 1,
    ) -> Response:
        """One page of a day: `{"date", "page", "pages", "total", "next", "records": [...]}`.

        `next` is the next page's address relative to this host, null on the last page. Without `date` the answer is a
        bare JSON array of all records of the last complete days.
        """
        fault = plan.meet(day, page)
        if fault is not None and (refusal := _refusal(fault)) is not None:
            return refusal
        if day is None:
            body = await run_in_threadpool(_undated, world, today(), undated_days)
        else:
            body = _page(await run_in_threadpool(rendered.day, day, today()), day, page, page_size, fault)
        return _damaged(body, fault, getattr(request.state, "transport", None))

    @app.get("/faults", dependencies=[Depends(authorise)])
    async def show_faults() -> list[Fault]:
        """The planned faults."""
        return plan.faults

    @app.put("/faults", dependencies=[Depends(authorise)])
    async def set_faults(faults: list[Fault]) -> list[Fault]:
        """Replaces the planned faults from the next request on."""
        plan.set(faults)
        return plan.faults

    @app.delete("/faults", dependencies=[Depends(authorise)], status_code=204)
    async def clear_faults() -> None:
        """Removes all faults."""
        plan.set([])

    @app.get("/docs", response_class=HTMLResponse, include_in_schema=False)
    async def docs() -> str:
        return _described(app)

    return app


def _render(table: pa.Table, page_size: int) -> _Day:
    pages = []
    counts = []
    pending: list[bytes] = []
    held = 0
    for text, offsets in json_records(table, ",\n"):
        first = 0
        rows = len(offsets) - 1
        while first < rows:
            last = min(rows, first + page_size - held)
            pending.append(bytes(text[offsets[first] : offsets[last]]))
            held += last - first
            first = last
            if held == page_size:
                pages.append(b"".join(pending)[:-2])
                counts.append(held)
                pending, held = [], 0
    if held or not pages:
        pages.append(b"".join(pending)[:-2])
        counts.append(held)
    return _Day(sum(counts), pages, counts)


def _size(day: _Day) -> int:
    return sum(map(len, day.pages))


def _undated(world: World, today: date, days: int) -> bytes:
    asked = [today - timedelta(days=ago) for ago in range(days, 0, -1)]
    return json_array(pa.concat_tables([delivery(world, day, today) for day in asked]))


def _page(report: _Day, day: date, page: int, page_size: int, fault: Fault | None) -> bytes:
    """The page's answer, with its contents changed as the fault says."""
    kind = fault.kind if fault else None
    pages, total = len(report.pages), report.total
    if kind == "endless_pages":
        shown = (page - 1) % pages + 1
        pages, total = page + 1, page_size * (page + 1)
    elif page > pages or kind == "missing_page":
        raise HTTPException(404, f"{day} has {pages} pages")
    elif kind in ("repeated_page", "repeated_records"):
        shown = page - 1 if page > 1 else min(2, pages)
        page = shown if kind == "repeated_page" else page
    else:
        shown = page
    records = report.pages[shown - 1]
    if kind == "short_page":
        # A newline is only ever between records: within one it is escaped.
        records = b",\n".join(records.split(b",\n")[: report.records_on_page[shown - 1] // 2])
    if kind == "changing_total":
        total += 1
    link = f"/campaign-data?date={day}&page={page + 1}" if page < pages else None
    if fault is not None and kind == "foreign_next":
        link = f"{fault.host}/campaign-data?date={day}&page={page + 1}"
    # The link is relative, so that the same report is the same bytes whatever host and port serve it.
    head = {"date": day.isoformat(), "page": page, "pages": pages, "total": total, "next": link}
    return json.dumps(head)[:-1].encode() + b', "records": [\n' + records + b"\n]}\n"


def _refusal(fault: Fault) -> Response | None:
    """The answer for a fault that does not depend on the data."""
    wait = ceil(fault.seconds)
    match fault.kind:
        case "too_many_requests":
            return _error(429, "too many requests", {"Retry-After": str(wait)})
        case "too_many_requests_until":
            until = format_datetime(datetime.now(UTC) + timedelta(seconds=wait), usegmt=True)
            return _error(429, "too many requests", {"Retry-After": until})
        case "forbidden":
            return _error(403, "this token may not read campaign data")
        case "server_error":
            return _error(500, "internal error")
        case "html":
            return HTMLResponse("<!doctype html><title>Maintenance</title><h1>We will be back soon</h1>")
        case "error_body":
            return _error(200, "the report is not ready")
        case "empty_body":
            return Response(b"", media_type=_JSON)
    return None


def _error(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    return Response(json.dumps({"error": message}), status, headers, _JSON)


def _damaged(body: bytes, fault: Fault | None, transport: asyncio.Transport | None) -> Response:
    """The answer with its bytes or its connection damaged as the fault says."""
    if fault is None:
        return Response(body, media_type=_JSON)
    if fault.kind == "truncated":
        return Response(body[: len(body) // 2], media_type=_JSON)
    if fault.kind == "byte_order_mark":
        return Response(b"\xef\xbb\xbf" + body, media_type=_JSON)
    if fault.kind in _BROKEN_CONNECTIONS:
        if transport is None:
            raise RuntimeError(f"the fault {fault.kind} needs the app to be served by simulate.serve")
        return _Broken(body, fault, transport)
    return Response(body, media_type=_JSON)


class _Broken(Response):
    """An answer whose connection breaks before it is whole; Content-Length promises all of it."""

    def __init__(self, body: bytes, fault: Fault, transport: asyncio.Transport) -> None:
        super().__init__(body, media_type=_JSON)
        self._fault = fault
        self._transport = transport

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._break(receive, send)
        except asyncio.CancelledError:
            # The server is stopping; without this it would answer 500 to a request that must get no answer.
            self._transport.abort()
            raise

    async def _break(self, receive: Receive, send: Send) -> None:
        if self._fault.kind != "timeout":
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            half = bytes(self.body[: len(self.body) // 2])
            await send({"type": "http.response.body", "body": half, "more_body": True})
        if self._fault.kind in ("timeout", "stall"):
            await asyncio.wait([asyncio.ensure_future(_hung_up(receive))], timeout=self._fault.seconds)
        if self._fault.kind == "reset":
            # Gives the client time to receive some of it: a reset discards what has not been read.
            await asyncio.sleep(0.02)
            # Closing with a linger of zero seconds sends RST instead of FIN.
            connection: socket.socket = self._transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()
        else:
            # Sends what is still buffered, then FIN.
            self._transport.close()
        await _hung_up(receive)


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _described(app: FastAPI) -> str:
    """The OpenAPI description as a page that needs nothing from the network, unlike the usual ones."""
    described = app.openapi()
    sections = []
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            named = [(given["name"], given.get("description", "")) for given in operation.get("parameters", ())]
            parameters = "".join(f"<li><code>{name}</code> {html.escape(text)}</li>" for name, text in named)
            text = html.escape(operation.get("description", ""))
            sections.append(f"<h2><code>{method.upper()} {path}</code></h2><pre>{text}</pre><ul>{parameters}</ul>")
    fault = html.escape(described["components"]["schemas"]["Fault"]["description"])
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{described['info']['title']}</title>"
        "<style>body{font:16px/1.5 system-ui;max-width:50rem;margin:2rem auto;padding:0 1rem}"
        "pre{white-space:pre-wrap}</style>"
        f"<h1>{described['info']['title']}</h1><p>Machine-readable: <a href=openapi.json>openapi.json</a>. "
        "All but <code>/health</code> requires the header <code>Authorization: Bearer &lt;token&gt;</code>."
        f"{''.join(sections)}<h2>Faults</h2><pre>{fault}</pre></html>"
    )
