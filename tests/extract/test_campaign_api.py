"""The campaign API: complete days are landed and loaded, whatever the platform does meanwhile."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from support.extracting import (
    TOKEN,
    RecordedProgress,
    api_at,
    drop,
    extracted,
    lines,
    load_notes,
    rebuilt,
    record,
    records_of,
    rows,
)
from support.platform import answering, page

from extract.http.client import ApiClient, ApiSettings
from extract.http.source import ApiSource, Fetch, days_to_ask
from extract.lake.index import Index
from extract.lake.lake import Lake
from extract.lake.ledger import read_ledger
from extract.landing import Landing
from extract.registry import SOURCES
from extract.source import ExtractRun
from extract.storage import Folder
from simulate.api_faults import Fault, FaultPlan, Kind
from simulate.mock_api import create_app
from simulate.serve import serving
from simulate.world import World, make_world

TODAY = date(2026, 11, 4)
DAYS = [date(2026, 11, day) for day in (1, 2, 3)]
LEDGER = "_report_date, pages, total, records_loaded, complete, unchanged"


@pytest.fixture(scope="module")
def plan() -> FaultPlan:
    return FaultPlan()


@pytest.fixture(scope="module")
def world() -> World:
    return make_world(5, impressions_per_day=3_000, zips=40, users=500)


@pytest.fixture(scope="module")
def served(plan: FaultPlan, world: World) -> Iterator[str]:
    with serving(create_app(world, token=TOKEN, today=lambda: TODAY, faults=plan, page_size=400)) as url:
        yield url


@pytest.fixture
def platform(served: str, plan: FaultPlan) -> str:
    plan.set([])
    return served


@pytest.fixture(scope="module")
def expected(served: str, plan: FaultPlan, tmp_path_factory: pytest.TempPathFactory) -> dict[date, str]:
    """The sha256 of each day's answer."""
    plan.set([])
    errors, fetches = landed(tmp_path_factory.mktemp("expected"), api_at(served))
    assert errors == []
    return {date.fromisoformat(fetch["report_date"]): fetch["sha256"] for fetch in fetches}


def landed(home: Path, api: ApiSettings) -> tuple[list[str], list[dict[str, Any]]]:
    """Lands without loading; gives the errors and what landing tells of every fetch, the oldest first."""
    run = ExtractRun(
        landing=Landing(Folder.at(home / "landing")),
        ledger=read_ledger(Lake(Folder.at(home / "lake"))),
        inbox=Folder.at(home / "inbox"),
        scratch=home / "fetching",
        report_timezone=ZoneInfo("UTC"),
        now=partial(datetime.now, UTC),
        progress=RecordedProgress(),
    )
    source = ApiSource(SOURCES["campaign_api"], run, api)
    errors = source.land([*source.landed()]).errors
    told = sorted((home / "landing" / "campaign_api").glob("*/*/.receipt.json"))
    return errors, [json.loads(path.read_text()) for path in told]


def asked(plan: FaultPlan) -> list[date]:
    """The days asked for since the plan was set, in order."""
    return list(dict.fromkeys(request.day for request in plan.requests if request.day))


def test_days_are_landed_as_received_and_loaded_with_their_origin(tmp_path: Path, platform: str) -> None:
    report = extracted(tmp_path, api_at(platform))
    assert report.errors == []
    numbers = "receipt_number, reading, source, kind"
    assert rows(tmp_path, "fetches", numbers) == [(n, 1, "campaign_api", "campaign_delivery") for n in (1, 2, 3)]
    fetches = rows(tmp_path, "fetches", f"_source, {LEDGER}, _fetched_at = _received_at, _replaces")
    assert [fetch[1] for fetch in fetches] == DAYS
    for source, day, pages, total, loaded, *rest in fetches:
        place = tmp_path / "landing" / source
        landed = [json.loads((place / f"page-{number:04d}.json").read_bytes()) for number in range(1, pages + 1)]
        assert sum(len(one["records"]) for one in landed) == total == loaded > 800
        assert len(list(place.iterdir())) == pages + 1
        assert rest == [True, False, True, f"campaign_api/{day}"]
        first = landed[1]["records"][0]
        position = len(landed[0]["records"]) + 1
        assert (first["campaign_id"].strip(), first["ad_id"].strip()) in {
            row[:2]
            for row in rows(tmp_path, "campaign_delivery", "campaign_id, ad_id, _source, _position")
            if row[2:] == (source, position)
        }
    assert report.sources["campaign_api"].loaded == len(rows(tmp_path, "campaign_delivery"))


def test_a_second_run_asks_for_what_may_be_restated_and_loads_nothing_twice(
    tmp_path: Path, platform: str, plan: FaultPlan
) -> None:
    extracted(tmp_path, api_at(platform, restated_days=2))
    before = records_of(tmp_path)
    plan.set([])
    report = extracted(tmp_path, api_at(platform, restated_days=2))
    assert asked(plan) == DAYS[1:]
    assert records_of(tmp_path) == before
    assert (report.units, report.changes_marts) == (2, False)
    assert report.sources["campaign_api"].unchanged == 2
    load_notes(tmp_path)
    ledger = rows(tmp_path, "fetches", LEDGER)
    assert [fetch[3:] for fetch in ledger[3:]] == [(0, True, True)] * 2
    places = sorted((tmp_path / "landing" / "campaign_api").glob("*/*"))
    assert [len(list(place.iterdir())) for place in places][3:] == [1, 1]


def test_notes_of_unchanged_fetches_wait_for_the_next_load(tmp_path: Path, platform: str, plan: FaultPlan) -> None:
    first = extracted(tmp_path, api_at(platform, restated_days=2))
    index = Index(**json.loads((tmp_path / "lake/raw/_index.json").read_bytes()))
    told: list[str] = []
    plan.set([])
    second = extracted(tmp_path, api_at(platform, restated_days=2), on_news=lambda: told.append("news"))
    after = Index(**json.loads((tmp_path / "lake/raw/_index.json").read_bytes()))
    assert (second.changes_marts, second.units, told) == (False, 2, [])
    assert first.newest_change == second.newest_change == index.newest_change != ""
    assert after.files == index.files
    assert (after.through, len(after.postponed)) == (5, 2)
    for path in after.postponed:
        assert (tmp_path / "landing" / path / ".receipt.json").is_file()
    plan.set([])
    extracted(tmp_path, api_at(platform, restated_days=2))
    assert asked(plan) == DAYS[1:]
    drop(tmp_path, "later.jsonl", lines(record(1)))
    third = extracted(tmp_path, on_news=lambda: told.append("news"))
    assert set(told) == {"news"}
    assert third.newest_change != first.newest_change
    assert (third.units, third.sources["campaign_api"].received) == (1, 0)
    assert len(rows(tmp_path, "fetches")) == 3 + 2 + 2
    last = Index(**json.loads((tmp_path / "lake/raw/_index.json").read_bytes()))
    assert (last.through, [*last.postponed], last.newest_change) == (8, [], third.newest_change)


def test_many_notes_are_loaded_though_nothing_is_new(tmp_path: Path, platform: str, monkeypatch: Any) -> None:
    monkeypatch.setattr("extract.run.MOST_POSTPONED", 3)
    reports = [extracted(tmp_path, api_at(platform, restated_days=2)) for _ in range(3)]
    assert len(rows(tmp_path, "fetches")) == 3 + 2 + 2
    assert len({report.newest_change for report in reports}) == 1


def test_a_lost_index_is_a_change_and_forgets_no_note(tmp_path: Path, platform: str) -> None:
    first = extracted(tmp_path, api_at(platform, restated_days=2))
    extracted(tmp_path, api_at(platform, restated_days=2))
    (tmp_path / "lake/raw/_index.json").unlink()
    again = extracted(tmp_path, api_at(platform, restated_days=2))
    assert again.newest_change not in ("", first.newest_change)
    load_notes(tmp_path)
    assert len(rows(tmp_path, "fetches")) == 3 + 2 + 2


def test_a_restated_day_is_a_newer_fetch_of_the_same_scope(tmp_path: Path) -> None:
    clicks = iter((1, 1, 2))
    with answering(lambda asked: page(asked, record(1, clicks=next(clicks)))) as (url, _):
        for _ in range(3):
            extracted(tmp_path, api_at(url, since=DAYS[0], until=DAYS[0]))
    assert rows(tmp_path, "campaign_delivery", "clicks") == [(1,), (2,)]
    assert [row[4:] for row in rows(tmp_path, "fetches", LEDGER)] == [(True, False), (True, True), (True, False)]
    assert set(rows(tmp_path, "fetches", "_replaces")) == {(f"campaign_api/{DAYS[0]}",)}


def test_an_empty_day_is_complete_and_replaces_what_was_there(tmp_path: Path) -> None:
    answers = iter([[record(1)], [], []])
    with answering(lambda asked: page(asked, *next(answers))) as (url, _):
        reports = [extracted(tmp_path, api_at(url, since=DAYS[0], until=DAYS[0])) for _ in range(3)]
    assert [report.changes_marts for report in reports] == [True, True, False]
    load_notes(tmp_path)
    assert [row[2:] for row in rows(tmp_path, "fetches", LEDGER)] == [
        (1, 1, True, False),
        (0, 0, True, False),
        (0, 0, True, True),
    ]


@pytest.mark.parametrize(
    "kind",
    [
        "too_many_requests",
        "too_many_requests_until",
        "server_error",
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
        "endless_pages",
        "changing_total",
        "foreign_next",
    ],
)
def test_what_passes_is_survived(
    tmp_path: Path, platform: str, plan: FaultPlan, expected: dict[date, str], kind: Kind
) -> None:
    plan.set([Fault(kind, day=DAYS[1], page=2, seconds=0), Fault(kind, day=DAYS[2], page=1, seconds=0)])
    errors, fetches = landed(tmp_path, api_at(platform))
    assert errors == []
    assert {request.fault for request in plan.requests} == {None, kind}
    if kind == "byte_order_mark":
        assert all(fetch["complete"] for fetch in fetches)
    else:
        assert [fetch["sha256"] for fetch in fetches] == list(expected.values())


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("too_many_requests", "429"),
        ("server_error", "500"),
        ("reset", "connection failed"),
        ("cut", "connection failed"),
        ("timeout", "no answer within 0.3 s"),
        ("stall", "no answer within 0.3 s"),
        ("truncated", "not JSON"),
        ("html", "cannot be used"),
        ("error_body", "cannot be used"),
        ("empty_body", "empty"),
        ("short_page", "where the API says"),
        ("repeated_page", "it is page"),
        ("repeated_records", "repeats the records of page"),
        ("missing_page", "404"),
        ("endless_pages", "page 1 says"),
        ("changing_total", "page 1 says"),
        ("foreign_next", "another host, elsewhere.invalid"),
    ],
)
def test_what_lasts_fails_its_day_alone_and_the_next_run_asks_again(
    tmp_path: Path, platform: str, plan: FaultPlan, expected: dict[date, str], kind: Kind, says: str
) -> None:
    quick = {"attempts": 2, "timeout_seconds": 0.3 if kind in ("timeout", "stall") else 5.0}
    plan.set([Fault(kind, day=DAYS[0], page=2, times=None, seconds=0.5 if kind in ("timeout", "stall") else 0)])
    (error,), fetches = landed(tmp_path, api_at(platform, **quick))
    assert error.startswith(f"campaign_api {DAYS[0]}: ")
    assert says in error
    assert "\n" not in error
    assert [fetch["complete"] for fetch in fetches] == [False, True, True]
    assert fetches[0]["error"] in error
    assert len(list((tmp_path / "landing" / "campaign_api").glob("*/*/page-*"))) == sum(
        len(fetch["pages"]) for fetch in fetches[1:]
    )

    plan.set([])
    errors, fetches = landed(tmp_path, api_at(platform, restated_days=0))
    assert errors == []
    assert asked(plan) == DAYS[:1]
    assert {date.fromisoformat(fetch["report_date"]): fetch["sha256"] for fetch in fetches} == expected


def test_every_fetch_has_a_line_in_the_log(
    tmp_path: Path, platform: str, plan: FaultPlan, caplog: pytest.LogCaptureFixture
) -> None:
    plan.set([Fault("server_error", day=DAYS[1], times=None)])
    with caplog.at_level("INFO", "extract"):
        landed(tmp_path, api_at(platform, attempts=1))
    told = [entry.__dict__ for entry in caplog.records if entry.name == "extract"]
    assert [(one["phase"], one["source"], one["status"], one["pages"] > 1) for one in told] == [
        ("fetch", "campaign_api", "new", True),
        ("fetch", "campaign_api", "failed", False),
        ("fetch", "campaign_api", "new", True),
    ]


def test_a_failed_day_is_in_the_ledger_and_loads_nothing(tmp_path: Path, platform: str, plan: FaultPlan) -> None:
    plan.set([Fault("server_error", day=DAYS[1], times=None)])
    report = extracted(tmp_path, api_at(platform, attempts=1))
    ledger = rows(tmp_path, "fetches", "_report_date, complete, records_loaded > 0, error")
    told = report.errors[0].removeprefix(f"campaign_api {DAYS[1]}: ")
    assert ledger == [(DAYS[0], True, True, None), (DAYS[1], False, False, told), (DAYS[2], True, True, None)]
    assert report.changes_marts


def test_a_denied_credential_is_named_not_shown_and_not_tried_again(
    tmp_path: Path, platform: str, plan: FaultPlan
) -> None:
    plan.set([Fault("forbidden", times=None)])
    (error,), fetches = landed(tmp_path, api_at(platform))
    assert "403" in error
    assert len(plan.requests) == 1
    for token in (TOKEN, "wrong-canary", "line\nbreak", "\N{SNOWMAN}"):
        (error,), _ = landed(tmp_path, api_at(platform, token=token))
        assert "ADHOUSE_API_TOKEN" in error
        assert token not in error
    assert landed(tmp_path, api_at(platform, token=""))[0] == [
        "campaign_api: page 1: 401 Unauthorized: ADHOUSE_API_TOKEN is not set"
    ]
    assert fetches == []


def test_the_api_stops_being_asked_after_failures_in_a_row(tmp_path: Path, platform: str, plan: FaultPlan) -> None:
    plan.set([Fault("server_error", times=None)])
    since = DAYS[0] - timedelta(days=20)
    errors, _ = landed(tmp_path, api_at(platform, since=since, attempts=1))
    assert len(errors) == 4
    assert "20 days not asked for" in errors[-1]
    plan.set([])
    landed(tmp_path, api_at(platform, since=since))
    assert asked(plan) == [since + timedelta(days=number) for number in range(23)]


def test_retry_after_is_waited_for_up_to_the_cap(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    waits: list[float] = []
    pause = ApiClient.pause

    def noting(self: ApiClient, failures: int, wanted: float | None = None) -> None:
        waits.append(wanted if wanted is not None else -1)
        pause(self, failures, wanted)

    monkeypatch.setattr(ApiClient, "pause", noting)
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=3600), usegmt=True)
    wanted = iter(["0.05", soon, "Thu, 01 Jan 1970 00:00:00 GMT", "soon", None])

    def answer(asked: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        said = next(wanted)
        return (429, {"Retry-After": said}, b"") if said else page(asked, record(1))

    with answering(answer) as (url, _):
        started = datetime.now(UTC)
        assert landed(tmp_path, api_at(url, until=DAYS[0], longest_wait_seconds=0.2))[0] == []
    assert waits[0] == 0.05
    assert 3500 < waits[1] <= 3600
    assert waits[2:] == [0, -1]
    assert datetime.now(UTC) - started < timedelta(seconds=5)


def test_a_redirect_does_not_carry_the_token_away(tmp_path: Path) -> None:
    with (
        answering(lambda asked: page(asked)) as (elsewhere, thief),
        answering(lambda _: (302, {"Location": f"{elsewhere}/campaign-data"}, b"")) as (url, _),
    ):
        errors, _ = landed(tmp_path, api_at(url, until=DAYS[0]))
    assert "302" in errors[0]
    assert thief.seen == []


def test_an_answer_without_end_is_not_read_to_its_end(tmp_path: Path) -> None:
    with answering(lambda asked: page(asked, record(1, brand="x" * 100_000))) as (url, server):
        errors, _ = landed(tmp_path, api_at(url, until=DAYS[0], most_bytes=50_000))
    assert "longer than 50000 bytes" in errors[0]
    assert len(server.seen) == 1


@pytest.mark.parametrize("answers", ["add", "replace"])
def test_an_api_without_days_adds_up_or_replaces(tmp_path: Path, answers: str) -> None:
    bodies = iter([[1], [1], [2], [1], [2]])
    with answering(lambda _: (200, {}, json.dumps([record(next(bodies)[0])]).encode())) as (url, server):
        for _ in range(5):
            assert extracted(tmp_path, api_at(url, answers=answers)).errors == []
    assert all("date" not in asked for asked, _ in server.seen)
    load_notes(tmp_path)
    unchanged = [row[-1] for row in rows(tmp_path, "fetches", LEDGER)]
    assert unchanged == ([False, True, False, True, True] if answers == "add" else [False, True, False, False, False])
    scope = None if answers == "add" else "campaign_api/*"
    assert set(rows(tmp_path, "fetches", "_report_date, _replaces, total")) == {(None, scope, None)}


def test_a_foreign_api_has_its_own_names(tmp_path: Path) -> None:
    def answer(asked: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        foreign = record(1)
        foreign["cost"] = foreign.pop("spend")
        foreign["creative"] = foreign.pop("ad_id")
        return page(asked, foreign)

    with answering(answer) as (url, _):
        extracted(tmp_path, api_at(url, until=DAYS[0]), fields={"spend": "cost", "ad_id": "creative"})
    assert rows(tmp_path, "campaign_delivery", "ad_id, spend::varchar, _extra") == [("ad_id 1", "1.250000", None)]


def test_records_that_cannot_be_read_are_counted_and_kept_apart(tmp_path: Path) -> None:
    with answering(lambda asked: page(asked, record(1), record(2, clicks=True), record(3))) as (url, _):
        assert extracted(tmp_path, api_at(url, until=DAYS[0])).errors == []
    assert rows(tmp_path, "fetches", "total, records_read, records_loaded, records_rejected") == [(3, 3, 2, 1)]
    assert rows(tmp_path, "campaign_delivery", "_position", "_position") == [(1,), (3,)]
    columns = "source, kind, _position, line, reason, field, value"
    assert rows(tmp_path, "rejected_records", columns) == [
        ("campaign_api", "campaign_delivery", 2, None, "wrong_type", "clicks", "true")
    ]


def test_a_failing_platform_does_not_keep_files_back(tmp_path: Path) -> None:
    drop(tmp_path, "export.jsonl", lines(record(1)))
    report = extracted(tmp_path, api_at("http://127.0.0.1:9", attempts=1))
    assert report.errors
    assert report.sources["campaign_files"].loaded == 1


def test_a_rebuild_from_landing_gives_the_same_rows(tmp_path: Path, platform: str) -> None:
    extracted(tmp_path, api_at(platform))
    extracted(tmp_path, api_at(platform))
    load_notes(tmp_path)
    before, ledger = records_of(tmp_path), rows(tmp_path, "fetches", "* exclude (_dlt_load_id)")
    rebuilt(tmp_path)
    assert records_of(tmp_path) == before
    assert rows(tmp_path, "fetches", "* exclude (_dlt_load_id)") == ledger


def test_the_token_is_nowhere_but_in_the_header(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Not even when the platform sends it back."""
    answers: Iterator[tuple[int, dict[str, str], bytes]]
    answers = iter([(500, {}, TOKEN.encode()), (200, {}, f"<p>Bearer {TOKEN}</p>".encode()), (418, {}, TOKEN.encode())])
    with answering(lambda _: next(answers)) as (url, server):
        said = RecordedProgress()
        user = url.replace("http://", f"http://someone:{TOKEN}-too@")
        with caplog.at_level("DEBUG", "extract"):
            report = extracted(tmp_path, api_at(user, until=DAYS[0]), said=said)
    assert "418" in report.errors[0]
    shown = f"{report}{said}{caplog.text}{api_at(user)}"
    assert TOKEN not in shown
    assert len(server.seen) == 3
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()]


def fetch(day: date, number: int, complete: bool = True) -> Fetch:
    return Fetch(number, day, datetime(2026, 11, 20, tzinfo=UTC), None, "days", complete=complete)


@pytest.mark.parametrize(
    ("known", "wanted"),
    [
        ({}, [1, 2, 3, 4, 5, 6]),
        ({1: "c", 2: "c", 3: "c", 4: "c"}, [3, 4, 5, 6]),
        ({1: "c", 2: "f", 3: "c", 4: "c"}, [2, 3, 4, 5, 6]),
        ({1: "cf", 2: "c", 3: "c", 4: "c"}, [1, 3, 4, 5, 6]),
        ({1: "cfc", 2: "c", 3: "c", 4: "c"}, [3, 4, 5, 6]),
        ({3: "c", 4: "c", 5: "c", 6: "c"}, [1, 2, 5, 6]),
        ({6: "f"}, [1, 2, 3, 4, 5, 6]),
        ({1: "c", 2: "c", 3: "c", 4: "c", 5: "c", 6: "c", 9: "c"}, [5, 6]),  # as when a clock was ahead
    ],
)
def test_no_day_is_left_behind(known: dict[int, str], wanted: list[int]) -> None:
    """`c` is a complete fetch of the day and `f` a failed one, in order; two days may be restated."""
    fetches = [
        fetch(date(2026, 11, day), number, complete=mark == "c")
        for day, marks in known.items()
        for number, mark in enumerate(marks)
    ]
    days = days_to_ask(fetches, date(2026, 11, 1), date(2026, 11, 6), 2)
    assert [day.day for day in days] == wanted
