"""One complete answer of a paged API: all its pages, checked against what it says about itself and each other."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from math import ceil
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from extract.http.client import ApiClient, ApiError
from extract.readers import BadAnswer, read_page
from extract.records import RecordShape
from extract.schema import Kind
from extract.storage import sync
from extract.usable import Tally, Unusable

CONNECTIONS = 4
MOST_PAGES = 100_000
MOST_STARTS = 3
DAY = "date"  # the field of a record that says of which day it is
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
        path: The path of the API's address.
        day: The report day, if the API has days.
        shape: How its records are written.
        fields: Our names → the API's, where they differ.
        kind: What its records are.
        most_rejected: The largest share of its records that may be unreadable.
    """

    path: str
    day: date | None
    shape: RecordShape
    fields: Mapping[str, str]
    kind: Kind
    most_rejected: float

    def parameters(self, number: int) -> dict[str, str]:
        """What stands in the address for a page."""
        return {"page": str(number)} | ({} if self.day is None else {"date": self.day.isoformat()})


@dataclass(frozen=True)
class _Landed:
    """What is remembered of a page once it is a file."""

    path: Path
    records: int
    fingerprint: bytes
    total: int | None
    pages: int | None
    has_more: bool
    days: Counter[date]
    echoed_secrets: int
    tally: Tally


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
        tally.include(page.tally)
        sha256.update(page.path.read_bytes())
    try:
        tally.check()
    except Unusable as unusable:
        raise ApiError(f"too_many_rejected: {unusable}") from None
    if question.day is not None:
        _check_days(question.day, days)
    return Answer(
        pages=[page.path for page in pages],
        total=pages[0].total,
        bytes=sum(page.path.stat().st_size for page in pages),
        sha256=sha256.hexdigest(),
        is_empty=not any(page.records for page in pages),
        echoed_secrets=sum(page.echoed_secrets for page in pages),
    )


def _check_days(asked: date, days: Counter[date]) -> None:
    dated, others = days.total(), days.total() - days[asked]
    if others and (others == dated or others > max(MOST_OF_OTHER_DAYS, dated * MOST_OF_OTHER_DAYS_RATIO)):
        example = next(day for day in days if day != asked)
        raise ApiError(
            f"about_another_day: {others:,} of {dated:,} dated records name another day, such as {example}; "
            "if the API does not go by `date`, set ADHOUSE_API_ANSWERS=add or replace"
        )


def _pages(client: ApiClient, question: Question, folder: Path) -> list[_Landed]:
    first = _page(client, question, folder, 1, None)
    pages = [first]
    with ThreadPoolExecutor(CONNECTIONS, "page") as pool:
        try:
            numbers = range(2, _count(first) + 1)
            pages += pool.map(lambda number: _page(client, question, folder, number, first), numbers)
        except BaseException as error:
            pool.shutdown(wait=False, cancel_futures=True)
            if not isinstance(error, Exception):
                client.stop()
            raise
    seen: dict[bytes, int] = {}
    for number, page in enumerate(pages, 1):
        if not page.records and len(pages) > 1:
            raise _InconsistentError(f"page {number} of {len(pages)} is empty")
        if page.records and seen.setdefault(page.fingerprint, number) != number:
            raise _InconsistentError(f"page {number} repeats the records of page {seen[page.fingerprint]}")
    if pages[-1].has_more:
        raise _InconsistentError(f"the last of {len(pages)} pages says that there is another one")
    records = sum(page.records for page in pages)
    if first.total not in (None, records):
        raise _InconsistentError(f"{records} records came where the API says {first.total}")
    return pages


def _count(first: _Landed) -> int:
    count = first.pages
    if count is None and first.total is not None and first.records:
        count = ceil(first.total / first.records)
    if count is None and first.has_more:
        raise ApiError("there is a next page, but neither `pages` nor `total` says how many")
    if count is not None and count > MOST_PAGES:
        raise ApiError(f"{count} pages are more than {MOST_PAGES}")
    return count or 1


def _page(client: ApiClient, question: Question, folder: Path, number: int, first: _Landed | None) -> _Landed:
    path = folder / f"page-{number:04d}.json"

    def accept(payload: bytes) -> _Landed:
        payload, echoed = client.redacted(payload)
        page = read_page(payload, question.shape, question.fields)
        if page.page not in (None, number):
            raise BadAnswer(f"it is page {page.page}")
        if question.day is not None and page.date not in (None, question.day):
            raise BadAnswer(f"about_another_day: it says that it is about {page.date}")
        if page.next is not None and (host := client.is_elsewhere(page.next)):
            raise BadAnswer(f"its next page is on another host, {host}")
        if first is not None and (page.total, page.pages) != (first.total, first.pages):
            raise _InconsistentError(
                f"page 1 says {first.total} records on {first.pages} pages, page {number} {page.total} on {page.pages}"
            )
        tally = Tally(question.fields, question.most_rejected)
        tally.add(question.kind, page.batch)
        path.write_bytes(payload)
        sync(path)
        records = page.batch.records
        return _Landed(
            path=path,
            records=len(page.batch),
            fingerprint=_fingerprint(records),
            total=page.total,
            pages=page.pages,
            has_more=page.has_more,
            days=_days(records),
            echoed_secrets=echoed,
            tally=tally,
        )

    try:
        return client.ask(question.path, question.parameters(number), accept)
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
