"""One complete answer of a paged API: all its pages, checked against what it says about itself and each other."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import date
from math import ceil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from extract.http.client import ApiClient, ApiError, Received, Request
from extract.http.profile import ApiProfile
from extract.readers import BadAnswer, read_page
from extract.readers.more import More, whole_number
from extract.records import RecordShape
from extract.schema import Kind
from extract.storage import sync
from extract.usable import Tally, Unusable

CONNECTIONS = 4
MOST_PAGES = 10_000
MOST_STARTS = 3
TOTAL_HEADERS = ("X-Total-Count", "X-Total")
DAY = "date"  # the field of a record that says of which day it is
FOLLOW = "which `paging` of the source does not follow: set that, or name the key in `ignored`"
MOST_OF_OTHER_DAYS, MOST_OF_OTHER_DAYS_RATIO = 10, 0.1


@dataclass(frozen=True)
class Answer:
    """A complete answer.

    Attributes:
        pages: The pages as files, byte for byte but for secrets of ours, in order.
        total: How many records the API says there are; None if it does not say.
        bytes: The size of all pages.
        sha256: Of all pages in order.
        is_empty: There are no records.
        echoed_secrets: How often it repeated a secret of ours; it does not any more.
    """

    pages: list[Path]
    total: int | None
    bytes: int
    sha256: str
    is_empty: bool
    echoed_secrets: int


@dataclass(frozen=True)
class Question:
    """What is asked, and how answers are read.

    Attributes:
        api: How the API is asked, with the dates that are wanted.
        day: The report day, if the API has days.
        shape: How its records are written.
        fields: Our names → the API's, where they differ.
        kind: What its records are.
        most_rejected: The largest share of its records that may be unreadable.
        way_without_days: What to do if the API does not go by the day.
    """

    api: ApiProfile
    day: date | None
    shape: RecordShape
    fields: Mapping[str, str]
    kind: Kind
    most_rejected: float
    way_without_days: str

    def at(self, place: int | str) -> Request:
        """Asks for the page of this number, offset or cursor."""
        return self._request({self.api.paging.parameter: place})

    def first(self) -> Request:
        """Asks for the first page."""
        paging = self.api.paging
        return self.at(paging.first) if paging.type in ("page_number", "offset") else self._request({})

    def _request(self, place: Mapping[str, int | str]) -> Request:
        api, body = self.api, self.api.json
        size = {} if api.paging.size is None else {api.paging.size_param: api.paging.size}
        query: dict[str, int | str] = {**api.parameters}
        if api.pages_in_body:
            for name, value in {**place, **size}.items():
                body = _with_member(body or {}, name, value)
        else:
            query = {**place, **query, **size}
        text = None if body is None else json.dumps(body, ensure_ascii=False)
        return Request(api.path, tuple((name, str(value)) for name, value in query.items()), text)


@dataclass(frozen=True)
class _Landed:
    """What is remembered of a page once it is a file; of one whose status says that there is nothing, no file."""

    request: Request
    path: Path | None = None
    records: int = 0
    fingerprint: bytes = b""
    total: int | None = None
    pages: int | None = None
    next: str | int | None = None
    has_more: bool | None = None
    more: More = field(default_factory=More)
    days: Counter[date] = field(default_factory=Counter)
    echoed_secrets: int = 0
    tally: Tally | None = None


def _with_member(members: Mapping[str, Any], place: str, value: object) -> dict[str, Any]:
    """An object of JSON with one more value at a dotted path."""
    name, _, rest = place.partition(".")
    below = members.get(name)
    inner = _with_member(below if isinstance(below, Mapping) else {}, rest, value) if rest else value
    return {**members, name: inner}


class _InconsistentError(Exception):
    """The pages do not belong together: the report changed while it was read, or the API is wrong about itself."""


def ask(client: ApiClient, question: Question, folder: Path) -> Answer:
    """Gets all pages into `folder`; when they do not belong together, all of them again, three times at most.

    Raises:
        ApiError: There is no complete answer to be had, all tries took too long together, or it is about another day.
    """
    client.begin()
    for start in range(1, MOST_STARTS + 1):
        try:
            pages = _pages(client, question, folder)
            break
        except _InconsistentError as inconsistent:
            if start == MOST_STARTS:
                raise ApiError(f"{inconsistent}, in the last of {start} tries") from None
            client.pause(start)
    days = Counter[date]()
    sha256 = hashlib.sha256()
    tally = Tally(question.fields, question.most_rejected)
    for page in pages:
        days += page.days
        if page.path is not None:
            sha256.update(page.path.read_bytes())
        if page.tally is not None:
            tally.include(page.tally)
    try:
        tally.check()
    except Unusable as unusable:
        raise ApiError(f"too_many_rejected: {unusable}") from None
    if question.day is not None:
        _check_days(question.day, days, question.way_without_days)
    paths = [page.path for page in pages if page.path is not None]
    return Answer(
        pages=paths,
        total=_total(pages),
        bytes=sum(path.stat().st_size for path in paths),
        sha256=sha256.hexdigest(),
        is_empty=not any(page.records for page in pages),
        echoed_secrets=sum(page.echoed_secrets for page in pages),
    )


def _check_days(asked: date, days: Counter[date], way_out: str) -> None:
    dated, others = days.total(), days.total() - days[asked]
    if others and (others == dated or others > max(MOST_OF_OTHER_DAYS, dated * MOST_OF_OTHER_DAYS_RATIO)):
        example = next(day for day in days if day != asked)
        raise ApiError(
            f"about_another_day: {others:,} of {dated:,} dated records name another day, such as {example}; {way_out}"
        )


def _pages(client: ApiClient, question: Question, folder: Path) -> list[_Landed]:
    first = _page(client, question, folder, 1, question.first(), None)
    count = _count(first) if question.api.paging.type == "page_number" else None
    if count is not None:
        pages = [first, *_numbered(client, question, folder, first, count)]
    else:
        pages = _one_after_another(client, question, folder, first)
    _check(pages, question, is_counted=count is not None)
    return pages


def _numbered(client: ApiClient, question: Question, folder: Path, first: _Landed, count: int) -> list[_Landed]:
    """The pages behind the first, some at a time."""

    def ask_for(number: int) -> _Landed:
        return _page(client, question, folder, number, question.at(question.api.paging.first + number - 1), first)

    with ThreadPoolExecutor(CONNECTIONS, "page") as pool:
        try:
            return [*pool.map(ask_for, range(2, count + 1))]
        except BaseException as error:
            pool.shutdown(wait=False, cancel_futures=True)
            if not isinstance(error, Exception):
                client.stop()
            raise


def _one_after_another(client: ApiClient, question: Question, folder: Path, first: _Landed) -> list[_Landed]:
    """All pages, each of which tells whether to ask for another one."""
    pages, asked, seen = [first], {first.request}, {first.fingerprint}
    while (request := _following(client, question, pages)) is not None:
        if not pages[-1].records:
            raise _InconsistentError(f"page {len(pages)} is empty and says that another one follows")
        if request in asked:
            if _total(pages) == sum(page.records for page in pages):
                break  # everything came, and its last page names itself as the next
            raise _InconsistentError(f"page {len(pages)} says that a page follows which came before")
        if len(pages) == MOST_PAGES:
            raise ApiError(f"there are more than {MOST_PAGES:,} pages")
        asked.add(request)
        pages.append(_page(client, question, folder, len(pages) + 1, request, None))
        if pages[-1].records and pages[-1].fingerprint in seen:
            break  # which is an error: an API that does not go by what it is asked for would never end
        seen.add(pages[-1].fingerprint)
    return pages


def _following(client: ApiClient, question: Question, pages: list[_Landed]) -> Request | None:
    """What to ask for after these pages; None if nothing says that there is more."""
    paging, last = question.api.paging, pages[-1]
    if last.has_more is False or paging.type == "single_page":
        return None
    if paging.type in ("page_number", "offset"):
        records, total = sum(page.records for page in pages), _total(pages)
        if last.has_more is None:
            is_told = total is not None or paging.type == "offset" or paging.size is not None
            if not is_told or not last.records or (total is not None and records >= total):
                return None
        return question.at(paging.first + (len(pages) if paging.type == "page_number" else records))
    if last.next is None:
        return None
    return question.at(last.next) if paging.type == "cursor" else client.following(str(last.next), last.request)


def _check(pages: list[_Landed], question: Question, is_counted: bool) -> None:
    """Checks that pages belong together and are all there are. The last may be empty if nobody told how many come."""
    signs = ", ".join(f"`{sign}`" for sign in pages[-1].more.signs or pages[0].more.signs)
    seen: dict[bytes, int] = {}
    for number, page in enumerate(pages, 1):
        if not page.records and len(pages) > 1 and (is_counted or number < len(pages)):
            raise _InconsistentError(f"page {number} of {len(pages)} is empty")
        if page.records and seen.setdefault(page.fingerprint, number) != number:
            said = f"page {number} repeats the records of page {seen[page.fingerprint]}"
            asked = f"; it was asked for by `{question.api.paging.type}`, and {signs} is not followed" if signs else ""
            raise _InconsistentError(f"{said}{asked}")
    if pages[-1].more.signs:
        raise _InconsistentError(f"the last of {len(pages)} pages says that there is another one: {signs}, {FOLLOW}")
    if pages[-1].has_more and pages[-1].next is None:
        raise _InconsistentError(f"the last of {len(pages)} pages says that there is another one, but not which")
    records, total = sum(page.records for page in pages), _total(pages)
    if {page.total for page in pages if page.records} - {None, total}:
        raise _InconsistentError(f"the pages differ in how many records there are, at first {total}")
    if total not in (None, records):
        raise _InconsistentError(f"{records} records came where the API says {total}")
    if (count := max(page.pages or 0 for page in pages)) > len(pages):
        raise _InconsistentError(f"{len(pages)} pages came where the API says {count}")
    for page in pages:
        for place, number in page.more.records.items():
            if number > records:
                raise _InconsistentError(f"{records} records came where `{place}` says {number}, {FOLLOW}")
        for place, number in page.more.pages.items():
            if number > len(pages):
                raise _InconsistentError(f"{len(pages)} pages came where `{place}` says {number}, {FOLLOW}")


def _total(pages: list[_Landed]) -> int | None:
    """How many records there are in all, as far as a page says so."""
    return next((page.total for page in pages if page.total is not None), None)


def _count(first: _Landed) -> int | None:
    """How many pages there are, if the first one tells; 0 is as good as 1."""
    count = first.pages
    if count is None and first.total is not None and first.records and first.has_more is None:
        count = ceil(first.total / first.records)
    if count is not None and count > MOST_PAGES:
        raise ApiError(f"{count:,} pages are more than {MOST_PAGES:,}")
    return count


def _page(
    client: ApiClient, question: Question, folder: Path, number: int, request: Request, first: _Landed | None
) -> _Landed:
    path, api = folder / f"page-{number:04d}.json", question.api
    is_linked = api.paging.type == "header_link"

    def accept(received: Received) -> _Landed:
        if received.is_empty:
            return _Landed(request)
        payload, echoed = client.redacted(received.body)
        headers = {name: value for name, value in received.headers.items() if name not in api.ignored}
        page = read_page(payload, question.shape, api, headers)
        next_, more = page.next, page.more
        if echoed and next_:  # a cursor or link may need a secret that only the answer as it came has
            next_ = read_page(received.body, question.shape, api).next
        if is_linked:
            next_ = received.next_link
        elif received.next_link and "Link" not in api.ignored:
            more = replace(more, signs=(*more.signs, "Link"))
        if page.page not in (None, api.paging.first + number - 1):
            raise BadAnswer(f"it is page {page.page}")
        if question.day is not None and page.date not in (None, question.day):
            raise BadAnswer(f"about_another_day: its `{api.day}` says that it is about {page.date}")
        if next_ is not None and api.paging.type != "cursor" and (host := client.is_elsewhere(str(next_))):
            raise BadAnswer(f"its next page is on another host, {host}")
        of_header = next(filter(None, map(headers.get, TOTAL_HEADERS)), None)
        total = whole_number(of_header) if page.total is None and api.total else page.total
        if first is not None and (total, page.pages) != (first.total, first.pages):
            raise _InconsistentError(
                f"page 1 says {first.total} records on {first.pages} pages, page {number} {total} on {page.pages}"
            )
        tally = Tally(question.fields, question.most_rejected)
        tally.add(question.kind, page.batch)
        path.write_bytes(payload)
        sync(path)
        records = page.batch.records
        return _Landed(
            request=request,
            path=path,
            records=len(page.batch),
            fingerprint=_fingerprint(records),
            total=total,
            pages=page.pages,
            next=next_,
            has_more=page.has_more,
            more=more,
            days=_days(records),
            echoed_secrets=echoed,
            tally=tally,
        )

    try:
        return client.ask(request, accept)
    except ApiError as error:
        raise type(error)(f"page {number}: {error}") from None


def _days(records: pa.Table) -> Counter[date]:
    """How many records say of each day that they are of it."""
    if DAY not in records.column_names:
        return Counter()
    counts = pc.value_counts(records.column(DAY).drop_null()).to_pylist()
    return Counter({one["values"]: one["counts"] for one in counts})


def _fingerprint(records: pa.Table) -> bytes:
    """A hash of the records, wherever they stand."""
    sink = pa.BufferOutputStream()
    table = records.drop_columns(["_position"]).combine_chunks()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return hashlib.sha256(sink.getvalue()).digest()
