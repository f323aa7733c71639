"""A source that is an API: asked for what it reports, day by day if it has days."""

from __future__ import annotations

import hashlib
import logging
import shutil
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from extract.attempts import SECONDS, try_apart
from extract.doubts import Doubts
from extract.http.answers import CONNECTIONS, Answer, Question, ask
from extract.http.client import ApiClient, ApiError, ApiSettings, DeniedError
from extract.http.profile import ApiProfile
from extract.lake.package import LedgerRow, UnitRows
from extract.lake.tables import FETCHES
from extract.landing import LandedUnit
from extract.privacy import privacy_of
from extract.readers import BadAnswer, Batch, UnreadableFile, records_of_page
from extract.records import RecordShape, filled, renumbered
from extract.schema import Kind
from extract.source import Arrivals, ExtractRun, Replaces, SourceConfig, is_of_the_machine
from extract.storage import Folder
from extract.totals import WithoutTotals
from extract.usable import Tally, Unusable

OLD_RECEIPT = "fetch.json"  # of a fetch in the layout of before
MOST_FAILURES_IN_A_ROW = 3
PAGES_AHEAD = 4
_REPLACES: Mapping[str, Replaces] = {"by_day": "days", "add": "nothing", "replace": "all"}  # as the settings say it
_log = logging.getLogger("extract")


@dataclass(frozen=True)
class Fetch:
    """One complete answer of the API, or the failure to get one, as its receipt tells it.

    Attributes:
        number: Its receipt number.
        report_date: The day asked for; None when the API has no days.
        fetched_at: When the asking began.
        replaces: The scope in which the newest complete fetch replaces all older ones; None: there is none.
        replaces_by: What it replaces: the `days` that it has, `nothing`, or `all`.
        pages: The names of the pages, landed or not.
        total: How many records the API says there are; None if it does not say.
        sha256: Of all pages in order; None if there is no complete answer.
        unchanged: It is byte-equal to one that came before, so its pages were not landed.
        error: Why there is no complete answer.
        echoed_secrets: How often the answer repeated a secret of ours, before it was redacted.
    """

    number: int
    report_date: date | None
    fetched_at: datetime
    replaces: str | None
    replaces_by: Replaces
    pages: tuple[str, ...] = ()
    total: int | None = None
    bytes: int = 0
    sha256: str | None = None
    complete: bool = False
    unchanged: bool = False
    error: str | None = None
    echoed_secrets: int = 0


class ApiSource:
    """What an API reports, each fetch loaded whole or not at all.

    A later fetch of a day is loaded as well, unless it is byte-equal; staging takes the newest.
    """

    def __init__(self, config: SourceConfig, run: ExtractRun, settings: ApiSettings | None) -> None:
        """Takes the settings of the API; without them it is not asked, and only what was landed before is read."""
        self.config = config
        self._run = run
        self._settings = settings
        self._said: set[str] = set()  # of doubts
        self._api = config.api_profile
        (self._kind,) = config.kinds
        self._shape = _shape_of(config, run.report_timezone, run.privacy_key)

    def landed(self) -> Iterator[LandedUnit]:
        """The fetches in landing; what a kill left of one is removed, as the API still has it."""
        for folder in self._run.landing.folders(self.config.name):
            if folder.has_receipt or OLD_RECEIPT in folder.names:
                yield folder.unit
            elif folder.unit.number > 0:
                self._run.landing.folder.remove(folder.unit.path)

    def land(self, waiting: Collection[LandedUnit]) -> Arrivals:
        """Lands what the API reports for each day that is wanted and may have changed, the oldest first.

        A day is landed whole or not at all. One that fails leaves a note of it, does not stop the days after it, and is
        asked for again by the next run; one that is byte-equal to its newest fetch leaves a note too, and no pages.
        """
        arrivals = Arrivals()
        settings, name = self._settings, self.config.name
        if settings is None or settings.since > settings.until:  # its first day is still to come
            return arrivals
        known = [*self._known(waiting)]
        days: list[date | None] = [None]
        if settings.answers == "by_day":
            days = [*days_to_ask(known, settings.since, settings.until, settings.restated_days)]
        failures_in_a_row = 0
        before = len(known)
        self._run.progress.start(name, len(days))
        try:
            with ApiClient(settings, CONNECTIONS, self._api) as client:
                for count, day in enumerate(days, 1):
                    started = time.monotonic()
                    unit, fetch = self._land_one(client, settings, day, known, known[before:])
                    status = "failed" if not fetch.complete else "unchanged" if fetch.unchanged else "new"
                    facts: dict[str, Any] = {"source": name, "unit": unit.path, "status": status}
                    facts |= {"pages": len(fetch.pages), "bytes": fetch.bytes}
                    seconds = round(time.monotonic() - started, 3)
                    _log.info("fetch", extra={"phase": "fetch", **facts, "seconds": seconds})
                    arrivals.units.append(unit)
                    if fetch.unchanged or not fetch.complete:
                        arrivals.notes.add(unit.path)
                        arrivals.unchanged += fetch.unchanged
                    else:
                        self._run.on_news()
                    known.append(fetch)
                    self._run.progress.advance(1)
                    failures_in_a_row = 0 if fetch.complete else failures_in_a_row + 1
                    if fetch.error:
                        arrivals.errors.append(f"{name}{f' {day}' if day else ''}: {fetch.error}")
                    arrivals.echoed_secrets += fetch.echoed_secrets
                    if failures_in_a_row == MOST_FAILURES_IN_A_ROW and count < len(days):
                        arrivals.errors.append(
                            f"{name}: {failures_in_a_row} failures in a row, {len(days) - count} days not asked for"
                        )
                        break
        except ApiError as error:
            arrivals.errors.append(f"{name}: {settings.redact(str(error))}")
        return arrivals

    def due(self, waiting: Sequence[LandedUnit]) -> Iterable[LandedUnit]:
        """What waits: no fetch lets an older one count again."""
        return waiting

    def read(self, unit: LandedUnit, rows: UnitRows) -> list[LedgerRow]:
        """Reads a fetch that brought something new."""
        fetch, kind = self._told(unit), self._kind
        rows.asked(fetch.report_date)
        try:
            if fetch.complete and not fetch.unchanged:
                self._read(unit, fetch.pages, rows)
            rows.keep()
        except (BadAnswer, UnreadableFile, Unusable) as bad:
            # It was good when it came: the settings may give its fields other names now.
            fetch = replace(fetch, complete=False, error=f"its pages cannot be read any more: {bad}")
            rows.drop()
        values = {
            "kind": kind.name,
            "_report_date": fetch.report_date,
            "_fetched_at": fetch.fetched_at,
            "pages": len(fetch.pages),
            "total": fetch.total,
            **rows.counts(kind),
            "complete": fetch.complete,
            "unchanged": fetch.unchanged,
            "bytes": fetch.bytes,
            "sha256": fetch.sha256,
            "_replaces": fetch.replaces,
            "replaces_by": fetch.replaces_by,
            "error": fetch.error,
        }
        return [LedgerRow(FETCHES, values)]

    def _read(self, unit: LandedUnit, names: Sequence[str], rows: UnitRows) -> None:
        """Adds all records of these pages. A suspected fetch is tried apart before.

        Raises:
            BadAnswer: A page is none.
            UnreadableFile: The pages kill whoever reads them.
            Unusable: Too many records cannot be read.
        """
        kind, tally, count = self._kind, Tally(self.config.fields, self._run.most_rejected), 0
        doubts = Doubts(self.config)
        folder, paths = self._run.landing.folder, [f"{unit.path}/{name}" for name in names]

        def read_one(path: str) -> Batch:
            try:
                return _read_page(folder, path, self._shape, self._api)
            except BadAnswer:
                raise
            except Exception as error:
                if is_of_the_machine(error):
                    raise
                _log.exception("a reader failed")
                raise BadAnswer(_in_one_line(error)) from error

        def add(batch: Batch) -> None:
            rows.add(kind, batch)
            tally.add(kind, batch)
            doubts.add(kind, batch)

        sifted = WithoutTotals(kind.record_type, add)
        with self._run.attempts.reading(unit.path) as is_suspected:
            if is_suspected:
                self._say_tried_apart(unit.path)
                try_apart(SECONDS, _read_through, folder, paths, self._shape, self._api)
            for batch in _ahead(read_one, paths):
                sifted.add(renumbered(batch, count))
                count += len(batch)
                self._run.progress.advance(len(batch))
        said = [*sifted.finish(), *doubts.lines()]
        tally.check()
        for doubt in said:
            if doubt not in self._said:  # each day says the same of its currency
                self._run.progress.message(f"warning: {self.config.name}: {unit.path}: {doubt}")
        self._said.update(said)

    def _say_tried_apart(self, what: str) -> None:
        self._run.progress.message(f"{self.config.name}: {what} was being read when runs were killed: trying it apart")

    def _land_one(
        self,
        client: ApiClient,
        settings: ApiSettings,
        day: date | None,
        known: Collection[Fetch],
        of_this_run: Collection[Fetch],
    ) -> tuple[LandedUnit, Fetch]:
        name, landing, now = self.config.name, self._run.landing, self._run.now()
        replaces_by = self.config.replaces or _REPLACES[settings.answers]
        question = _question(self.config, self._shape, settings, day, self._run.most_rejected)
        told: dict[str, Any] = {"error": None}
        pages: list[Path] = []
        with _emptied(self._run.scratch):
            try:
                answer = self._answer(client, settings, question)
                if not answer.is_empty and (other := _day_of_equal(answer.sha256, day, known, of_this_run)):
                    raise ApiError(f"about_another_day: it equals the answer for {other}; {settings.way_without_days}")
            except DeniedError:
                raise
            except ApiError as failed:
                told = {"error": settings.redact(" ".join(str(failed).split()))}
            else:
                unchanged = _is_unchanged(answer.sha256, day, known, replaces_by)
                told = {
                    "pages": tuple(page.name for page in answer.pages),
                    "total": answer.total,
                    "bytes": answer.bytes,
                    "sha256": answer.sha256,
                    "complete": True,
                    "unchanged": unchanged,
                    "echoed_secrets": answer.echoed_secrets,
                }
                pages = [] if unchanged else answer.pages
            unit = landing.place(name, now, told.get("sha256") or hashlib.sha256().hexdigest())
            scope = {"all": f"{name}/*", "days": f"{name}/{day}" if day else None}.get(replaces_by)
            fetch = Fetch(unit.number, day, unit.received_at, scope, replaces_by, **told)
            for page in pages:
                landing.folder.put(page, f"{unit.path}/{page.name}")
            facts = {key: value for key, value in asdict(fetch).items() if key not in ("number", "bytes", "sha256")}
            landing.write_receipt(unit, fetch.bytes, fetch.sha256, facts)
        return unit, fetch

    def _answer(self, client: ApiClient, settings: ApiSettings, question: Question) -> Answer:
        """Asks, a suspected question apart before; whatever that raises is the failure of this fetch alone.

        Raises:
            ApiError: There is no usable answer.
        """
        folder, asked = self._run.scratch, f"{self.config.name}/{question.day or '*'}"
        try:
            with self._run.attempts.reading(asked) as is_suspected:
                if is_suspected:
                    self._say_tried_apart(f"the answer for {question.day}" if question.day else "the answer")
                    try_apart(SECONDS + settings.deadline_seconds, _ask_once, settings, question, folder)
                return ask(client, question, folder)
        except ApiError:
            raise
        except UnreadableFile as deadly:
            raise ApiError(str(deadly)) from None
        except Exception as error:
            if is_of_the_machine(error):
                raise
            _log.exception("asking failed")
            raise ApiError(_in_one_line(error)) from None

    def _known(self, waiting: Iterable[LandedUnit]) -> Iterator[Fetch]:
        """Every fetch that the lake knows, and those that are only in landing yet."""
        for row in self._run.ledger.fetches(self.config.name):
            yield Fetch(
                number=row["receipt_number"],
                report_date=row["_report_date"],
                fetched_at=row["_fetched_at"],
                replaces=row["_replaces"],
                replaces_by=row["replaces_by"],
                sha256=row["sha256"],
                complete=row["complete"],
                unchanged=row["unchanged"],
            )
        yield from map(self._told, waiting)

    def _told(self, unit: LandedUnit) -> Fetch:
        landing = self._run.landing
        told = landing.receipt(unit.path) if unit.number > 0 else landing.receipt(unit.path, OLD_RECEIPT)
        day = told["report_date"]
        return Fetch(
            number=unit.number,
            report_date=None if day is None else date.fromisoformat(day),
            fetched_at=unit.received_at,
            replaces=told["replaces"],
            replaces_by=told.get("replaces_by") or _replaces_by(told["replaces"]),  # which older receipts do not tell
            pages=tuple(told["pages"]),
            total=told["total"],
            bytes=told["bytes"],
            sha256=told["sha256"],
            complete=told["complete"],
            unchanged=told["unchanged"],
            error=told["error"],
            echoed_secrets=told.get("echoed_secrets", 0),  # which older receipts do not tell
        )


def declared_api(source: SourceConfig, token: str, answers: str, **others: Any) -> ApiSettings:
    """The settings of an API that is declared with an address of its own.

    Args:
        source: The source; messages name its environment variable and keys.
        token: What that variable has; "" if it has none.
        answers: `by_day`, `add` or `replace`.
        **others: The other settings, `since` and `until` at least.
    """
    api = source.api_profile
    if api.url is None:
        raise ValueError(f"{source.name}: it has no `url`")
    return ApiSettings(
        base_url=api.url.rstrip("/"),
        token=token,
        answers=answers,
        token_name=api.token_env or f"the `token_env` of {source.name}",
        url_name=f"the `url` of {source.name}",
        way_without_days=f"if the API does not go by the day, set `replaces: nothing` or `all` for {source.name}",
        **others,
    )


def try_api(
    config: SourceConfig,
    settings: ApiSettings,
    day: date | None,
    report_timezone: ZoneInfo,
    privacy_key: str,
    most_rejected: float,
    folder: Path,
    add: Callable[[Kind, Batch], None],
) -> list[str]:
    """Asks an API as a run does, and adds its records; totals are rejected. Nothing is landed or loaded.

    Args:
        config: The source.
        settings: How it is asked.
        day: The report day; None if the API has no days.
        report_timezone: Where a time becomes a report date.
        privacy_key: The key by which private fields are replaced.
        most_rejected: The largest share of its records that may be unreadable.
        folder: An empty folder for the pages.
        add: Takes the records.

    Returns:
        What is to be said of records that were added or rejected in doubt.

    Raises:
        ApiError: There is no usable answer.
    """
    (kind,), shape, count = config.kinds, _shape_of(config, report_timezone, privacy_key), 0
    with ApiClient(settings, CONNECTIONS, config.api_profile) as client:
        answer = ask(client, _question(config, shape, settings, day, most_rejected), folder)
    sifted = WithoutTotals(kind.record_type, partial(add, kind))
    for page in answer.pages:
        batch = filled(records_of_page(page.read_bytes(), shape, config.api_profile), shape)
        sifted.add(renumbered(batch, count))
        count += len(batch)
    return sifted.finish()


def _shape_of(config: SourceConfig, report_timezone: ZoneInfo, privacy_key: str) -> RecordShape:
    """How an API writes its records."""
    (kind,) = config.kinds
    return RecordShape(
        kind.record_type,
        kind.record_type.names(config.fields, config.profile.constants),
        report_timezone,
        privacy=privacy_of(config.kinds, config.fields, privacy_key),
        profile=config.profile,
        timezone=config.zone,
    )


def _question(
    config: SourceConfig, shape: RecordShape, settings: ApiSettings, day: date | None, most_rejected: float
) -> Question:
    return Question(
        api=config.api_profile.asked_for(day, settings.since, settings.until),
        day=day,
        shape=shape,
        fields=config.fields,
        kind=config.kinds[0],
        most_rejected=most_rejected,
        way_without_days=settings.way_without_days,
    )


def days_to_ask(known: Iterable[Fetch], since: date, until: date, restated_days: int) -> list[date]:
    """The days from `since` to `until` that have no complete fetch, whose newest one failed, or that may be restated.

    Days are asked for and landed in order, so a run that ends in between leaves no day behind: those it did not come to
    lie after the last one it completed.
    """
    newest: dict[date, Fetch] = {}
    complete = set()
    for fetch in sorted(known, key=lambda fetch: fetch.number):
        if fetch.report_date is not None:
            newest[fetch.report_date] = fetch
            if fetch.complete:
                complete.add(fetch.report_date)
    past = [day for day in complete if day <= until]  # a clock that was ahead has asked for later ones
    restated_from = max(past) + timedelta(days=1 - restated_days) if past else since
    days = (since + timedelta(days=number) for number in range((until - since).days + 1))
    return [day for day in days if day not in complete or not newest[day].complete or day >= restated_from]


def _ask_once(settings: ApiSettings, question: Question, folder: Path) -> None:
    with ApiClient(settings, CONNECTIONS, question.api) as client:
        ask(client, question, folder)


def _read_page(folder: Folder, path: str, shape: RecordShape, api: ApiProfile) -> Batch:
    return filled(records_of_page(folder.read(path), shape, api), shape)


def _read_through(folder: Folder, paths: Iterable[str], shape: RecordShape, api: ApiProfile) -> None:
    for path in paths:
        _read_page(folder, path, shape, api)


def _day_of_equal(sha256: str, day: date | None, known: Iterable[Fetch], of_this_run: Iterable[Fetch]) -> date | None:
    """Another day that has the same answer, now or earlier in this run; None if the API has no days."""
    if day is None:
        return None
    standing = {one.report_date: one for one in sorted(known, key=lambda one: one.number) if one.complete}
    others = (one for one in (*standing.values(), *of_this_run) if one.complete and one.report_date != day)
    return next((one.report_date for one in others if one.sha256 == sha256 and one.report_date), None)


def _in_one_line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())


def _replaces_by(scope: str | None) -> Replaces:
    if scope is None:
        return "nothing"
    return "all" if scope.endswith("/*") else "days"


def _is_unchanged(sha256: str, day: date | None, known: Iterable[Fetch], replaces_by: Replaces) -> bool:
    """Whether an equal fetch still stands. Of days, one does not if another question may have had an answer since."""
    complete = sorted((one for one in known if one.complete), key=lambda one: one.number)
    earlier = [one for one in complete if one.report_date == day]
    if replaces_by == "nothing":
        return any(one.sha256 == sha256 for one in earlier)
    if replaces_by == "days":
        earlier = [one for one in complete if None in (day, one.report_date) or one.report_date == day]
    return any(one.sha256 == sha256 and one.report_date == day for one in earlier[-1:])


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
