"""Campaign delivery as a platform's reporting API answers it."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from extract.convert import renumbered
from extract.http.answers import CONNECTIONS, Question, ask
from extract.http.client import ApiClient, ApiError, ApiSettings, DeniedError
from extract.lake.ledger import Ledger
from extract.lake.load import Progress, Reader
from extract.lake.package import UnitRows
from extract.landing import LandedUnit, Landing
from extract.readers import BadAnswer, Batch, read_delivery_page

NAME = "campaign_api"
PATH = "/campaign-data"
LAST_FILE = "fetch.json"
MOST_FAILURES_IN_A_ROW = 3
PAGES_AHEAD = 4


@dataclass(frozen=True)
class Fetch:
    """One complete answer of the API, or the failure to get one, as `fetch.json` tells it.

    Attributes:
        report_date: The day asked for; None when the API has no days.
        fetched_at: When the asking began.
        replaces: The scope in which the newest complete fetch replaces all older ones; None: all add up.
        pages: The names of the pages, landed or not.
        total: How many records the API says there are; None if it does not say.
        sha256: Of all pages in order; None if there is no complete answer.
        unchanged: It is byte-equal to one that came before, so its pages were not landed.
        error: Why there is no complete answer.
    """

    report_date: date | None
    fetched_at: datetime
    replaces: str | None
    pages: tuple[str, ...] = ()
    total: int | None = None
    bytes: int = 0
    sha256: str | None = None
    complete: bool = False
    unchanged: bool = False
    error: str | None = None


def land(
    settings: ApiSettings,
    landing: Landing,
    ledger: Ledger,
    scratch: Path,
    report_timezone: ZoneInfo,
    now: Callable[[], datetime],
    progress: Progress,
) -> list[str]:
    """Lands what the API reports for each day that is wanted and may have changed, the oldest first.

    A day is landed whole or not at all. One that fails leaves a note of it, does not stop the days after it, and is
    asked for again by the next run; one that is byte-equal to its newest fetch leaves a note too, and no pages.

    Returns:
        A line for each thing that failed.
    """
    _remove_unfinished(landing)
    known = [*_known(landing, ledger)]
    days: list[date | None] = [None]
    if settings.answers == "by_day":
        days = [*days_to_ask(known, settings.since, settings.until, settings.restated_days)]
    errors: list[str] = []
    failures_in_a_row = 0
    progress.start(NAME, len(days))
    try:
        with ApiClient(settings, CONNECTIONS) as client:
            for number, day in enumerate(days, 1):
                question = Question(PATH, day, settings.fields, report_timezone)
                fetch = _land_one(client, question, settings, known, landing, scratch, now())
                known.append(fetch)
                progress.advance(1)
                failures_in_a_row = 0 if fetch.complete else failures_in_a_row + 1
                if fetch.error:
                    errors.append(f"{NAME}{f' {day}' if day else ''}: {fetch.error}")
                if failures_in_a_row == MOST_FAILURES_IN_A_ROW and number < len(days):
                    errors.append(
                        f"{NAME}: {failures_in_a_row} failures in a row, {len(days) - number} days not asked for"
                    )
                    break
    except DeniedError as denied:
        errors.append(f"{NAME}: {settings.redacted(str(denied))}")
    return errors


def days_to_ask(known: Iterable[Fetch], since: date, until: date, restated_days: int) -> list[date]:
    """The days from `since` to `until` that have no complete fetch, whose newest one failed, or that may be restated.

    Days are asked for and landed in order, so a run that ends in between leaves no day behind: those it did not come to
    lie after the last one it completed.
    """
    newest: dict[date, Fetch] = {}
    complete = set()
    for fetch in sorted(known, key=lambda fetch: fetch.fetched_at):
        if fetch.report_date is not None:
            newest[fetch.report_date] = fetch
            if fetch.complete:
                complete.add(fetch.report_date)
    restated_from = max(complete) + timedelta(days=1 - restated_days) if complete else since
    days = (since + timedelta(days=number) for number in range((until - since).days + 1))
    return [day for day in days if day not in complete or not newest[day].complete or day >= restated_from]


def landed(landing: Landing) -> Iterator[LandedUnit]:
    """The fetches in landing; one that was cut off is not there yet."""
    return (unit for unit, names in landing.contents(NAME) if LAST_FILE in names)


def reader(landing: Landing, fields: Mapping[str, str], report_timezone: ZoneInfo, progress: Progress) -> Reader:
    """Reads fetches whole or not at all; a later fetch of a day is read as well, and staging takes the newest."""

    def read(unit: LandedUnit, rows: UnitRows) -> tuple[str, dict[str, Any]]:
        fetch = _told(landing, unit)

        def batch_of(name: str) -> Batch:
            payload = landing.folder.read(f"{unit.path}/{name}")
            return read_delivery_page(payload, fields, report_timezone).batch

        try:
            for batch in _ahead(batch_of, () if fetch.unchanged else fetch.pages):
                rows.add(renumbered(batch, rows.read))
                progress.advance(len(batch))
            rows.keep()
        except BadAnswer as bad:
            # It was good when it came, so it is the settings that now give its fields other names.
            fetch = replace(fetch, complete=False, error=f"its pages cannot be read any more: {bad}")
            rows.drop()
        return "fetches", {
            "_report_date": fetch.report_date,
            "_fetched_at": fetch.fetched_at,
            "pages": len(fetch.pages),
            "total": fetch.total,
            "records_read": rows.read,
            "records_loaded": rows.loaded,
            "records_rejected": rows.rejected,
            "complete": fetch.complete,
            "unchanged": fetch.unchanged,
            "bytes": fetch.bytes,
            "sha256": fetch.sha256,
            "_replaces": fetch.replaces,
            "error": fetch.error,
        }

    return read


def _land_one(
    client: ApiClient,
    question: Question,
    settings: ApiSettings,
    known: Iterable[Fetch],
    landing: Landing,
    scratch: Path,
    now: datetime,
) -> Fetch:
    scope = {"by_day": f"{NAME}/{question.day}", "replace": f"{NAME}/*", "add": None}[settings.answers]
    fetch = Fetch(question.day, now, scope)
    pages: list[Path] = []
    with _emptied(scratch):
        try:
            answer = ask(client, question, scratch)
        except DeniedError:
            raise
        except ApiError as failed:
            fetch = replace(fetch, error=settings.redacted(str(failed)))
        else:
            fetch = replace(
                fetch,
                pages=tuple(page.name for page in answer.pages),
                total=answer.total,
                bytes=answer.bytes,
                sha256=answer.sha256,
                complete=True,
                unchanged=_is_unchanged(answer.sha256, fetch, known, settings.answers),
            )
            pages = [] if fetch.unchanged else answer.pages
        unit = landing.place(NAME, now, fetch.sha256 or hashlib.sha256().hexdigest())
        fetch = replace(fetch, fetched_at=unit.received_at)
        for page in pages:
            landing.folder.put(page, f"{unit.path}/{page.name}")
        told = json.dumps(asdict(fetch), default=str, indent=2)
        landing.folder.write(f"{unit.path}/{LAST_FILE}", told.encode())
    return fetch


def _is_unchanged(sha256: str, fetch: Fetch, known: Iterable[Fetch], answers: str) -> bool:
    earlier = [one for one in known if one.complete and one.report_date == fetch.report_date]
    if answers != "add":
        earlier = sorted(earlier, key=lambda one: one.fetched_at)[-1:]
    return any(one.sha256 == sha256 for one in earlier)


def _known(landing: Landing, ledger: Ledger) -> Iterator[Fetch]:
    """Every fetch that the lake has, and those that are only in landing yet."""
    for row in ledger.fetches.values():
        if row["source"] == NAME:
            yield Fetch(
                report_date=row["_report_date"],
                fetched_at=row["_fetched_at"].replace(tzinfo=UTC),
                replaces=row["_replaces"],
                sha256=row["sha256"],
                complete=row["complete"],
                unchanged=row["unchanged"],
            )
    for unit in landed(landing):
        if unit.path not in ledger:
            yield _told(landing, unit)


def _told(landing: Landing, unit: LandedUnit) -> Fetch:
    told = json.loads(landing.folder.read(f"{unit.path}/{LAST_FILE}"))
    day = told["report_date"]
    told["report_date"] = None if day is None else date.fromisoformat(day)
    told["pages"] = tuple(told["pages"])
    return Fetch(**{**told, "fetched_at": unit.received_at})


def _remove_unfinished(landing: Landing) -> None:
    for unit, names in landing.contents(NAME):
        if LAST_FILE not in names:
            landing.folder.remove(unit.path)


def _ahead(work: Callable[[str], Batch], names: Iterable[str]) -> Iterator[Batch]:
    """Works on two things at once, a few ahead of what is asked for, and gives what comes of them in order."""
    waiting: deque[Future[Batch]] = deque()
    with ThreadPoolExecutor(2, "page") as pool:
        for name in names:
            waiting.append(pool.submit(work, name))
            if len(waiting) > PAGES_AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


@contextmanager
def _emptied(folder: Path) -> Iterator[None]:
    """The folder, empty at the start of the block and gone at its end."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    yield
    shutil.rmtree(folder)
