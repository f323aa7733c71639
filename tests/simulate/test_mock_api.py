"""The mock API serves the world's delivery, and fails exactly the requests that it was told to fail."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

from simulate import mock_api
from simulate.api_faults import KINDS, Fault, FaultPlan, Kind
from simulate.data_faults import NO_FAULTS
from simulate.delivery import delivery
from simulate.mock_api import DEMO_TOKEN, create_app
from simulate.serve import serving
from simulate.world import World, make_world

TODAY = date(2024, 6, 1)
DAY = date(2024, 5, 21)
OTHER_DAY = date(2024, 5, 22)
WORLD = make_world(3, impressions_per_day=5_000, zips=40, users=1_000)
PAGE_SIZE = 1_000


@contextmanager
def api(plan: FaultPlan | None = None, world: World = WORLD, **settings: Any) -> Iterator[httpx.Client]:
    """A client of a running API."""
    app = create_app(world, faults=plan, **{"today": lambda: TODAY, "page_size": PAGE_SIZE, **settings})
    headers = {"Authorization": f"Bearer {DEMO_TOKEN}"}
    with serving(app) as url, httpx.Client(base_url=url, headers=headers, timeout=5) as client:
        yield client


@pytest.fixture(scope="module")
def plan() -> FaultPlan:
    return FaultPlan()


@pytest.fixture(scope="module")
def shared_client(plan: FaultPlan) -> Iterator[httpx.Client]:
    with api(plan) as client:
        yield client


@pytest.fixture
def client(shared_client: httpx.Client, plan: FaultPlan) -> httpx.Client:
    plan.set([])
    return shared_client


def get(client: httpx.Client, day: date = DAY, page: int = 1) -> httpx.Response:
    return client.get("/campaign-data", params={"date": day.isoformat(), "page": page})


def expected(world: World, day: date) -> list[dict[str, Any]]:
    return [row | {"date": row["date"] and row["date"].isoformat()} for row in delivery(world, day, TODAY).to_pylist()]


def walk(client: httpx.Client, day: date) -> list[dict[str, Any]]:
    """The pages of a day, by their next links."""
    pages = []
    link: str | None = f"/campaign-data?date={day}"
    while link:
        page = json.loads(client.get(link).raise_for_status().content, parse_float=Decimal)
        pages.append(page)
        link = page["next"]
    return pages


def test_the_pages_are_the_delivery(client: httpx.Client) -> None:
    pages = walk(client, DAY)
    rows = expected(WORLD, DAY)
    assert len(rows) > 2 * PAGE_SIZE
    assert [record for page in pages for record in page["records"]] == rows
    assert [page["page"] for page in pages] == list(range(1, len(pages) + 1))
    assert {(page["date"], page["pages"], page["total"]) for page in pages} == {("2024-05-21", len(pages), len(rows))}
    assert [len(page["records"]) for page in pages[:-1]] == [PAGE_SIZE] * (len(pages) - 1)


def test_a_total_that_fills_its_pages_has_no_empty_last_page() -> None:
    total = delivery(WORLD, DAY, TODAY).num_rows
    with api(page_size=total) as client:
        assert [(page["pages"], len(page["records"])) for page in walk(client, DAY)] == [(1, total)]
    with api(page_size=total - 1) as client:
        assert [len(page["records"]) for page in walk(client, DAY)] == [total - 1, 1]


def test_many_pages_are_cut_between_records() -> None:
    # More rows than are rendered at once, and a page size that is no divisor of them.
    world = make_world(3, impressions_per_day=600_000, zips=1_500, users=50_000, rates=NO_FAULTS)
    total = delivery(world, DAY, TODAY).num_rows
    assert total > 100_000
    with api(world=world, page_size=33_333) as client:
        records = [record for page in walk(client, DAY) for record in page["records"]]
        assert len(records) == total
        assert records[99_990:100_010] == expected(world, DAY)[99_990:100_010]


def test_without_a_date_it_is_a_bare_array() -> None:
    with api(undated_days=2) as client:
        records = json.loads(client.get("/campaign-data").content, parse_float=Decimal)
    assert records == expected(WORLD, date(2024, 5, 30)) + expected(WORLD, date(2024, 5, 31))


def test_days_to_come_are_empty_and_bad_requests_are_refused(client: httpx.Client) -> None:
    page = get(client, date(2024, 6, 2)).json()
    assert page == {"date": "2024-06-02", "page": 1, "pages": 1, "total": 0, "next": None, "records": []}
    assert get(client, page=99).status_code == 404
    assert get(client, page=0).status_code == 422
    assert client.get("/campaign-data?date=yesterday").status_code == 422


@pytest.mark.parametrize("authorization", [None, "Bearer wrong", f"Basic {DEMO_TOKEN}", "Bearer \xe9"])
def test_it_requires_its_token(client: httpx.Client, authorization: str | None) -> None:
    headers = httpx.Headers({"Authorization": authorization} if authorization else {}, encoding="latin-1")
    url = client.base_url
    for path in (f"/campaign-data?date={DAY}", "/faults"):
        answer = httpx.get(url.join(path), headers=headers)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert httpx.get(url.join("/health")).json() == {"status": "ok", "today": "2024-06-01"}


def test_it_describes_itself_without_a_network(client: httpx.Client) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    assert set(paths) == {"/health", "/campaign-data", "/faults"}
    page = client.get("/docs").text
    assert "/campaign-data" in page
    assert "repeated_page" in page
    assert "http://" not in page.replace("http://elsewhere.invalid", "")
    assert "https://" not in page


def test_the_same_report_is_the_same_bytes_on_any_port() -> None:
    with api() as one, api() as other:
        assert one.base_url != other.base_url
        assert get(one).content == get(other).content


def test_a_recent_day_is_served_in_the_version_of_today() -> None:
    clock = [date(2024, 5, 22)]
    answers = []
    with api(today=lambda: clock[0]) as client:
        for clock[0] in (date(2024, 5, 22), date(2024, 5, 23), date(2024, 5, 24), date(2024, 5, 25)):
            answers.append(get(client).content)
    assert len(set(answers)) == 3
    assert answers[2] == answers[3]


# Faults


def test_the_second_request_of_a_day_fails_once(client: httpx.Client, plan: FaultPlan) -> None:
    plan.set([Fault("server_error", day=DAY, nth=2)])
    seen = [get(client, day).status_code for day in (DAY, OTHER_DAY, OTHER_DAY, DAY, DAY)]
    assert seen == [200, 200, 200, 500, 200]
    assert [(request.day, request.fault) for request in plan.requests if request.day == DAY] == [
        (DAY, None),
        (DAY, "server_error"),
        (DAY, None),
    ]


def test_a_fault_happens_as_often_as_told_and_on_its_page(client: httpx.Client, plan: FaultPlan) -> None:
    plan.set([Fault("server_error", page=2, times=2), Fault("forbidden", day=OTHER_DAY, times=None)])
    assert [get(client, page=page).status_code for page in (1, 2, 1, 2, 2)] == [200, 500, 200, 500, 200]
    assert {get(client, OTHER_DAY, page).status_code for page in (1, 2, 1)} == {403}


def test_faults_are_switched_on_and_off_over_http(client: httpx.Client) -> None:
    wanted = [{"kind": "server_error", "day": "2024-05-21", "times": None}]
    assert client.put("/faults", json=wanted).status_code == 200
    assert get(client).status_code == 500
    assert client.get("/faults").json()[0]["day"] == "2024-05-21"
    assert client.put("/faults", json=[{"kind": "gremlins"}]).status_code == 422
    assert client.delete("/faults").status_code == 204
    assert get(client).status_code == 200


def test_a_fault_can_be_written_in_words() -> None:
    assert Fault.parse("reset") == Fault("reset")
    assert Fault.parse("stall day=2024-05-21 page=3 nth=2 times=always seconds=0.5") == Fault(
        "stall", day=DAY, page=3, nth=2, times=None, seconds=0.5
    )
    for text, complaint in [
        ("gremlins", "no fault is called 'gremlins'"),
        ("reset when=now", "not 'when'"),
        ("reset nth=0", "count from 1"),
        ("reset day=today", "Invalid isoformat"),
    ]:
        with pytest.raises(ValueError, match=complaint):
            Fault.parse(text)


def test_after_every_fault_the_api_answers_normally(client: httpx.Client, plan: FaultPlan) -> None:
    well = get(client).content
    for kind in KINDS:
        plan.set([Fault(kind, seconds=0.05)])
        try:
            answer = get(client)
            damaged = answer.status_code != 200 or answer.content != well or kind == "missing_page"
        except httpx.TransportError:
            damaged = True
        assert damaged, kind
        assert get(client).content == well, kind


def test_too_many_requests_says_when_to_come_back(client: httpx.Client, plan: FaultPlan) -> None:
    plan.set([Fault("too_many_requests", seconds=7), Fault("too_many_requests_until", nth=2, seconds=30)])
    answer = get(client)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")
    answer = get(client)
    until = parsedate_to_datetime(answer.headers["Retry-After"])
    assert answer.status_code == 429
    assert 25 < (until - datetime.now(UTC)).total_seconds() <= 30


def raw_answer(client: httpx.Client) -> tuple[bytes, type[OSError] | None]:
    """What arrives on a plain socket, and the error that ended it."""
    received = b""
    address = (client.base_url.host, client.base_url.port or 0)
    with socket.create_connection(address, timeout=5) as connection:
        request = f"GET /campaign-data?date={DAY} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {DEMO_TOKEN}\r\n\r\n"
        connection.sendall(request.encode())
        try:
            while block := connection.recv(65_536):
                received += block
        except OSError as error:
            return received, type(error)
    return received, None


@pytest.mark.parametrize(("kind", "error"), [("reset", ConnectionResetError), ("cut", None), ("stall", None)])
def test_a_broken_connection_breaks_in_the_body(
    client: httpx.Client, plan: FaultPlan, kind: Kind, error: type[OSError] | None
) -> None:
    whole = len(get(client).content)
    plan.set([Fault(kind, seconds=0.05)])
    received, raised = raw_answer(client)
    assert raised is error
    head, _, body = received.partition(b"\r\n\r\n")
    assert f"content-length: {whole}" in head.decode()
    assert 0 < len(body) < whole


def test_timeout_and_stall_leave_the_client_waiting(client: httpx.Client, plan: FaultPlan) -> None:
    plan.set([Fault("timeout", seconds=60), Fault("stall", nth=2, seconds=60)])
    for _ in range(2):
        with pytest.raises(httpx.ReadTimeout):
            client.get("/campaign-data", params={"date": DAY.isoformat()}, timeout=0.1)
    assert get(client).status_code == 200


def test_answers_that_are_not_the_report(client: httpx.Client, plan: FaultPlan) -> None:
    well = get(client).content
    answers = {}
    kinds: tuple[Kind, ...] = ("truncated", "html", "error_body", "empty_body", "byte_order_mark")
    for kind in kinds:
        plan.set([Fault(kind)])
        answer = get(client)
        assert answer.status_code == 200
        answers[kind] = answer.content
    assert well.startswith(answers["truncated"])
    assert answers["html"].startswith(b"<!doctype html>")
    assert list(json.loads(answers["error_body"])) == ["error"]
    assert answers["empty_body"] == b""
    assert answers["byte_order_mark"] == b"\xef\xbb\xbf" + well


def test_pages_that_do_not_add_up(client: httpx.Client, plan: FaultPlan) -> None:
    first, second = get(client, page=1).json(), get(client, page=2).json()

    def with_fault(kind: Kind, page: int = 2) -> dict[str, Any]:
        plan.set([Fault(kind)])
        answer: dict[str, Any] = get(client, page=page).json()
        return answer

    assert with_fault("short_page") == second | {"records": second["records"][: len(second["records"]) // 2]}
    assert with_fault("repeated_page") == first
    assert with_fault("repeated_page", page=1) == second
    assert with_fault("repeated_records") == second | {"records": first["records"]}
    assert with_fault("changing_total") == second | {"total": second["total"] + 1}
    foreign = with_fault("foreign_next")
    assert foreign == second | {"next": f"http://elsewhere.invalid/campaign-data?date={DAY}&page=3"}
    plan.set([Fault("missing_page", page=2)])
    assert [get(client, page=page).status_code for page in (1, 2, 3)] == [200, 404, 200]


def test_endless_pages_never_end(client: httpx.Client, plan: FaultPlan) -> None:
    plan.set([Fault("endless_pages", times=None)])
    for page in (1, 7, 5_000):
        answer = get(client, page=page).json()
        assert answer["next"] == f"/campaign-data?date={DAY}&page={page + 1}"
        assert answer["pages"] == page + 1
        assert answer["records"]


# Serving


def test_the_server_starts_and_stops_quickly_and_frees_its_port() -> None:
    app = create_app(WORLD)
    with serving(app):
        pass
    began = time.monotonic()
    with serving(app) as url:
        port = httpx.URL(url).port or 0
        assert httpx.get(f"{url}/health").status_code == 200
        with pytest.raises(OSError, match="in use"), serving(app, port=port):
            pass
    assert time.monotonic() - began < 5
    with serving(app, port=port) as url:
        assert httpx.URL(url).port == port


def test_leaving_cuts_off_running_requests() -> None:
    began = time.monotonic()
    with ThreadPoolExecutor() as pool:
        with api(FaultPlan([Fault("timeout", seconds=60)])) as client:
            hanging = pool.submit(httpx.get, client.base_url.join(f"/campaign-data?date={DAY}"), headers=client.headers)
            time.sleep(0.2)
        assert hanging.exception() is not None
    assert time.monotonic() - began < 5


@pytest.fixture
def days_made(monkeypatch: pytest.MonkeyPatch) -> list[date]:
    """The days whose delivery was generated, once per time."""
    made: list[date] = []

    def counted(world: World, day: date, as_of: date) -> Any:
        made.append(day)
        # Long enough for other requests of the day to arrive meanwhile.
        time.sleep(0.05)
        return delivery(world, day, as_of)

    monkeypatch.setattr(mock_api, "delivery", counted)
    return made


def test_a_day_is_made_once_for_all_requests(days_made: list[date]) -> None:
    with api() as client, ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda page: get(client, page=1 + page % 2).content, range(40)))
    assert len(set(answers)) == 2
    assert days_made == [DAY]


def test_rendered_days_are_forgotten_beyond_the_limit(days_made: list[date]) -> None:
    size = 240 * delivery(WORLD, DAY, TODAY).num_rows
    with api(cache_bytes=2 * size) as client:
        for day in (DAY, OTHER_DAY, DAY, date(2024, 5, 23), DAY, OTHER_DAY):
            get(client, day)
    assert days_made == [DAY, OTHER_DAY, date(2024, 5, 23), OTHER_DAY], "the least recently used goes first"


def test_importing_the_simulation_does_not_start_the_web() -> None:
    code = "import sys; import simulate.world, simulate.api_faults, simulate.serve; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"fastapi", "uvicorn", "pyarrow"} & set(loaded)
