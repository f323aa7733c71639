"""APIs as people have them: each is read whole by the profile that is right for it, and never by half by another."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from support.extracting import TOKEN, api_at, drop, extracted, lines, record, rows
from support.platform import answering

from extract.as_received import records_as_received
from extract.http.profile import NO_RECORDS, ApiProfile, Auth, Paging
from extract.landing import Landing
from extract.readers import BadAnswer, read_page
from extract.readers.more import more_of
from extract.records import RecordShape
from extract.run import declared_api
from extract.source import SourceConfig
from extract.sources.campaign_delivery import KIND
from extract.storage import Folder

Asked = dict[str, str]
Told = tuple[int, dict[str, str], bytes]
Answer = Callable[[Asked], object]
DAY = date(2026, 11, 1)
FOUR = [record(number) for number in range(1, 5)]
PLAIN = ApiProfile()


def source(api: ApiProfile, name: str = "campaign_api") -> SourceConfig:
    return SourceConfig(name, (KIND,), api=api)


def outcome(home: Path, answer: Answer, api: ApiProfile = PLAIN, **changes: Any) -> tuple[list[str], int, list[Asked]]:
    """The errors of an API that answers so, how many records of it were loaded, and what it was asked."""

    def told(asked: Asked) -> Told:
        said = answer(asked)
        is_whole = isinstance(said, tuple)
        return said if is_whole else (200, {}, json.dumps(said).encode())  # type: ignore[return-value]

    with answering(told) as (url, server):
        settings = api_at(url, **{"since": DAY, "until": DAY, "attempts": 1, **changes})
        report = extracted(home, settings, [source(api)])
    return report.errors, report.sources["campaign_api"].loaded, [asked for asked, _ in server.seen]


def halves(asked: Asked, second: str) -> list[dict[str, Any]]:
    """The first two records, or the others where this parameter was asked for."""
    return FOUR[2:] if second in asked else FOUR[:2]


def meta(asked: Asked) -> object:
    is_last = "after" in asked
    cursors = {"before": "X", "after": "Y"} if is_last else {"before": "W", "after": "X"}
    next_ = {} if is_last else {"next": "/campaign-data?date=2026-11-01&after=X"}
    return {"data": halves(asked, "after"), "paging": {"cursors": cursors, **next_}}


def cnested(asked: Asked) -> object:
    more = {"cursors": {"after": "X"}, "next": "/campaign-data?date=2026-11-01&after=X"}
    return {"records": halves(asked, "after"), "paging": {} if "after" in asked else more}


def ctoken(asked: Asked) -> object:
    return {"records": halves(asked, "cursor"), "next_page_token": None if "cursor" in asked else "tok"}


def chasmore(asked: Asked) -> object:
    is_last = "cursor" in asked
    return {"records": halves(asked, "cursor"), "has_more": not is_last, "next_cursor": None if is_last else "X"}


def cnext(asked: Asked) -> dict[str, Any]:
    return {"records": halves(asked, "after"), "next": None if "after" in asked else "?date=2026-11-01&after=X"}


def cnexttotal(asked: Asked) -> object:
    return {**cnext(asked), "total": 4}


def clink(asked: Asked) -> Told:
    """Its last page has the link to itself, too."""
    headers = {"Link": '<?date=2026-11-01&after=X>; rel="next"', "X-Total-Count": "4"}
    return 200, headers, json.dumps(halves(asked, "after")).encode()


def google(asked: Asked) -> object:
    more = {} if "pageToken" in asked else {"nextPageToken": "tok", "fieldMask": "x"}
    return {"results": halves(asked, "pageToken"), "totalResultsCount": "4", **more}


def tiktok(asked: Asked) -> object:
    page = int(asked.get("page", 1))
    info = {"page": page, "page_size": 2, "total_number": 4, "total_page": 2}
    return {"code": 0, "message": "OK", "data": {"list": FOUR[(page - 1) * 2 : page * 2], "page_info": info}}


def offset(asked: Asked) -> object:
    start = int(asked.get("offset", 0))
    return {"items": FOUR[start : start + int(asked.get("limit", 3))]}


def numbered(asked: Asked) -> object:
    page = int(asked.get("page", 1))
    return FOUR[(page - 1) * 3 : page * 3]


def flagged(asked: Asked) -> object:
    page = int(asked.get("p", 0))
    return {"records": [FOUR[page]], "is_last": page == 3, "more": page < 3}


BY_CURSOR = ApiProfile(
    records="data", paging=Paging("cursor", param="after", path="paging.cursors.after", has_more="paging.next")
)
BY_LINK = ApiProfile(paging=Paging("json_link"))
PROFILES = [
    (meta, BY_CURSOR),
    (meta, ApiProfile(records="data", paging=Paging("json_link", path="paging.next"))),
    (cnested, ApiProfile(paging=Paging("cursor", param="after", path="paging.cursors.after", has_more="paging.next"))),
    (cnested, ApiProfile(paging=Paging("json_link", path="paging.next"))),
    (ctoken, ApiProfile(paging=Paging("cursor", path="next_page_token"))),
    (chasmore, ApiProfile(paging=Paging("cursor", path="next_cursor", has_more="has_more"))),
    (cnext, BY_LINK),
    (cnexttotal, BY_LINK),
    (clink, ApiProfile(paging=Paging("header_link"))),
    (
        google,
        ApiProfile(
            records="results",
            total="totalResultsCount",
            paging=Paging("cursor", param="pageToken", path="nextPageToken"),
        ),
    ),
    (
        tiktok,
        ApiProfile(records="data.list", total="data.page_info.total_number", pages="data.page_info.total_page"),
    ),
    (tiktok, ApiProfile(records="data.list", pages="data.page_info.total_page", page="data.page_info.page")),
    (offset, ApiProfile(records="items", paging=Paging("offset", size=3))),
    (numbered, ApiProfile(paging=Paging(size=3))),
    (flagged, ApiProfile(paging=Paging(param="p", start=0, has_more="more"))),
]


@pytest.mark.parametrize(("answer", "api"), PROFILES)
def test_every_page_is_read_by_the_profile_that_is_right(tmp_path: Path, answer: Answer, api: ApiProfile) -> None:
    errors, loaded, asked = outcome(tmp_path, answer, api)
    assert (errors, loaded) == ([], 4)
    assert all(one["date"] == "2026-11-01" for one in asked)


@pytest.mark.parametrize(
    ("answer", "api", "key"),
    [
        (meta, PLAIN, "set `records` to `data`"),
        (meta, ApiProfile(records="data"), "`paging.next`"),
        (cnested, PLAIN, "`paging.next`"),
        (ctoken, PLAIN, "`next_page_token`"),
        (chasmore, PLAIN, "`has_more`, `next_cursor`"),
        (chasmore, ApiProfile(paging=Paging("cursor", path="wrong")), "`has_more`, `next_cursor`"),
        (cnext, PLAIN, "`next`"),
        (cnexttotal, PLAIN, "`next`"),
        (clink, PLAIN, "`Link`"),
        (google, PLAIN, "set `records` to `results`"),
        (google, ApiProfile(records="results"), "`nextPageToken`"),
        (tiktok, PLAIN, "set `records` to `data.list`"),
        (tiktok, ApiProfile(records="data.list"), "`data.page_info.total_number` says 4"),
        (flagged, PLAIN, "`is_last`, `more`"),
    ],
)
def test_more_than_the_profile_follows_fails_the_fetch_and_is_named(
    tmp_path: Path, answer: Answer, api: ApiProfile, key: str
) -> None:
    (error,), loaded, _ = outcome(tmp_path, answer, api)
    assert key in error
    assert "\n" not in error
    assert loaded == 0


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({"X-Next-Page": "2"}, "another one: `X-Next-Page`"),
        ({"X-Total-Pages": "2", "X-Next-Page": ""}, "1 pages came where `X-Total-Pages` says 2"),
        ({"X-Result-Count": "9"}, "4 records came where `X-Result-Count` says 9"),
        ({"Link": "</2>; rel=next"}, "another one: `Link`"),
    ],
)
def test_headers_say_more_too(tmp_path: Path, headers: dict[str, str], said: str) -> None:
    told: Told = (200, headers, json.dumps(FOUR).encode())
    (error,), _, _ = outcome(tmp_path, lambda _: told)
    assert said in error
    assert outcome(tmp_path, lambda _: told, ApiProfile(ignored=frozenset(headers)))[:2] == ([], 4)


def test_a_header_may_have_the_total(tmp_path: Path) -> None:
    def answer(asked: Asked) -> Told:
        return 200, {"X-Total": "4"}, json.dumps(numbered(asked)).encode()

    errors, loaded, asked = outcome(tmp_path, answer)
    assert (errors, loaded, len(asked)) == ([], 4, 2)


@pytest.mark.parametrize(
    ("around", "said"),
    [
        ({"links": [{"rel": "self", "href": "/1"}, {"rel": "next", "href": "/2"}]}, ["links.next"]),
        ({"@odata.nextLink": "/2", "@odata.count": 9}, ["@odata.nextLink", "@odata.count"]),
        ({"meta": {"pagination": {"total": 9, "next": None}}}, ["meta.pagination.total"]),
        ({"summary": {"total": 900, "count": 7}}, []),
        ({"paging": {"start": 0, "count": 10, "links": []}}, []),
        ({"pageInfo": {"hasNextPage": True, "endCursor": "x"}}, ["pageInfo.hasNextPage"]),
        ({"paging": {"next": {"after": "x"}}}, ["paging.next"]),
        ({"paging": {"cursors": {"after": "x"}}, "cursor": "", "done": True, "more": "false"}, []),
        ({"current_page": 1, "last_page": 3, "done": False}, ["done", "last_page"]),
        ({"total": "12", "total_pages": "2", "spend": {"total": 3}}, ["total", "total_pages"]),
    ],
)
def test_signs_of_more_are_known_by_many_names(around: dict[str, object], said: list[str]) -> None:
    more = more_of(around, (), ())
    assert [*more.signs, *more.records, *more.pages] == said


def test_what_only_looks_like_more_can_be_ignored(tmp_path: Path) -> None:
    told = {"records": FOUR, "cursor": "for polling", "meta": {"total": 900}}
    assert "`cursor`" in outcome(tmp_path, lambda _: told)[0][0]
    assert outcome(tmp_path, lambda _: told, ApiProfile(ignored=frozenset({"cursor", "meta.total"})))[:2] == ([], 4)


def endless(asked: Asked) -> object:
    number = int(asked.get("cursor", 0))
    return {"records": [record(number)], "next": number + 1}


@pytest.mark.parametrize(
    ("answer", "api", "why"),
    [
        (lambda asked: {"records": FOUR[: len(asked)], "next": "X"}, "cursor", "a page follows which came before"),
        (
            lambda asked: {"records": FOUR[:2], "next": None if asked.get("cursor") else "X"},
            "cursor",
            "repeats the rec",
        ),
        (lambda asked: {"records": [] if "cursor" in asked else FOUR, "next": len(asked)}, "cursor", "page 2 is empty"),
        (lambda asked: {**cnext(asked), "total": 5}, "json_link", "4 records came where the API says 5"),
        (lambda asked: {**cnext(asked), "total": 4 + len(asked)}, "json_link", "the pages differ"),
        (lambda _: {"records": FOUR, "next": "http://elsewhere.invalid/x"}, "json_link", "another host, elsewhere.inv"),
        (lambda _: {"records": FOUR, "next": "//elsewhere.invalid/x"}, "json_link", "another host, elsewhere.invalid"),
        (lambda _: {"records": FOUR, "next": 7}, "json_link", "wrong types"),
        (lambda _: (200, {"Link": "<http://a.invalid/>; rel=next"}, b"[]"), "header_link", "another host, a.invalid"),
        (lambda _: {"records": FOUR, "has_more": True}, "single_page", "`has_more`"),
        (lambda _: {"records": FOUR, "pages": "2"}, "single_page", "1 pages came where the API says 2"),
    ],
)
def test_what_follows_must_fit(tmp_path: Path, answer: Answer, api: Any, why: str) -> None:
    (error,), loaded, _ = outcome(tmp_path, answer, ApiProfile(paging=Paging(api)))
    assert why in error
    assert loaded == 0


def test_pages_that_follow_each_other_have_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("extract.http.answers.MOST_PAGES", 20)
    (error,), _, asked = outcome(tmp_path, endless, ApiProfile(paging=Paging("cursor")))
    assert "more than 20 pages" in error
    assert len(asked) == 20
    monkeypatch.undo()
    (error,), _, _ = outcome(tmp_path / "other", endless, ApiProfile(paging=Paging("cursor")), deadline_seconds=0.5)
    assert "no complete answer within 0.5 s" in error


def test_an_api_that_does_not_go_by_the_page_is_not_asked_forever(tmp_path: Path) -> None:
    for paging in (Paging(size=4), Paging("offset")):
        (error,), _, asked = outcome(tmp_path / paging.type, lambda _: FOUR, ApiProfile(paging=paging))
        assert "page 2 repeats the records of page 1" in error
        assert len(asked) == 2 * 3


def test_a_page_that_fails_for_a_while_is_asked_for_again(tmp_path: Path) -> None:
    tries = iter(range(9))

    def answer(asked: Asked) -> object:
        return (500, {}, b"") if "after" in asked and next(tries) < 2 else meta(asked)

    errors, loaded, _ = outcome(tmp_path, answer, BY_CURSOR, attempts=3)
    assert (errors, loaded) == ([], 4)


@pytest.mark.parametrize(
    ("empty", "api"),
    [
        ((204, {}, b""), PLAIN),
        ((404, {}, b'{"error": "no data for this day"}'), ApiProfile(empty=frozenset({404}))),
        ({"page": 1, "pages": 0, "total": 0, "records": None}, PLAIN),
        ({"records": [], "total": 0, "pages": 0}, PLAIN),
        ({"records": [], "total": "0", "page": 1, "pages": "1", "paging": {}}, PLAIN),
        ({}, PLAIN),
        ([], PLAIN),
        ({"data": {"list": None}}, ApiProfile(records="data.list")),
        ({"fieldMask": "x"}, ApiProfile(records="results", empty=frozenset({NO_RECORDS}))),
    ],
)
def test_an_empty_day_is_an_empty_day(tmp_path: Path, empty: object, api: ApiProfile) -> None:
    """It replaces what the day had, again and again, and a rebuild says the same."""
    place = api.records.split(".")
    full: object = FOUR[:1]
    for name in reversed(place):
        full = {name: full}
    assert outcome(tmp_path, lambda _: full, api)[:2] == ([], 1)
    told: Told = empty if isinstance(empty, tuple) else (200, {}, json.dumps(empty).encode())
    with answering(lambda _: told) as (url, _):
        settings = api_at(url, since=DAY, until=date(2026, 11, 2))
        reports = [extracted(tmp_path, settings, [source(api)]) for _ in range(2)]
    assert [(report.errors, report.changes_marts) for report in reports] == [([], True), ([], False)]
    drop(tmp_path, "another.jsonl", lines(record(9)))
    extracted(tmp_path, None, [source(api), SourceConfig("campaign_files", (KIND,))])
    fetches = rows(tmp_path, "fetches", "_report_date, records_loaded, complete", "_source")
    assert (date(2026, 11, 2), 0, True) in fetches
    assert [row for row in fetches if row[1]] == [(DAY, 1, True)]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ((202, {}, b""), "202 Accepted is not an answer"),
        ((206, {}, b"[]"), "206 Partial Content is not an answer"),
        ((404, {}, b'{"error": "no data for this day"}'), "404 Not Found"),
        ((200, {}, b""), "it is empty"),
        ({"error": "no"}, "without a list of records at `records`"),
        ({"records": None, "total": 3}, "0 records came where the API says 3"),
        ({"records": {}}, "without a list of records at `records`"),
    ],
)
def test_what_is_no_answer_is_no_empty_day(tmp_path: Path, answer: object, why: str) -> None:
    (error,), loaded, _ = outcome(tmp_path, lambda _: answer)
    assert why in error
    assert loaded == 0


def test_a_day_without_a_list_of_records_has_none_elsewhere(tmp_path: Path) -> None:
    api = ApiProfile(records="result", empty=frozenset({NO_RECORDS}))
    (error,), _, _ = outcome(tmp_path, lambda _: {"results": FOUR}, api)
    assert "set `records` to `results`" in error


def test_counts_may_be_text(tmp_path: Path) -> None:
    assert outcome(tmp_path, lambda _: {"records": FOUR, "total": "4"})[:2] == ([], 4)
    (error,), _, _ = outcome(tmp_path / "other", lambda _: {"records": FOUR, "total": "5", "pages": "1"})
    assert "4 records came where the API says 5" in error


def test_records_without_a_field_are_loaded_and_left_to_the_rules(tmp_path: Path) -> None:
    without = {name: value for name, value in FOUR[1].items() if name != "conversions"}
    assert outcome(tmp_path, lambda _: {"records": [FOUR[0], without]})[:2] == ([], 2)
    assert rows(tmp_path, "campaign_delivery", "conversions", "_position")[1] == (None,)


def test_the_day_is_asked_for_as_the_profile_says(tmp_path: Path) -> None:
    parameters = {
        "time_range": '{"since":"{day}","until":"{next_day}"}',
        "from": "{day:%Y%m%d}",
        "all": "{since}/{until}",
        "level": "ad",
    }
    api = ApiProfile(path="/v1/insights", parameters=parameters, paging=Paging("offset", size=5, size_param="count"))
    with answering(lambda _: (200, {}, b"[]")) as (url, server):
        extracted(tmp_path, api_at(url, since=DAY, until=DAY), [source(api)])
        extracted(tmp_path, api_at(url, since=DAY, until=DAY, answers="replace"), [source(api)])
    fixed = {"all": "2026-11-01/2026-11-01", "level": "ad", "offset": "0", "count": "5"}
    day = {"time_range": '{"since":"2026-11-01","until":"2026-11-02"}', "from": "20261101"}
    assert [asked for asked, _ in server.seen] == [{**day, **fixed}, fixed]
    assert {*server.paths} == {"/v1/insights"}


@pytest.mark.parametrize(
    ("api", "bodies", "queries"),
    [
        (
            ApiProfile(paging=Paging("cursor", param="page.token", size=2, size_param="page.rows")),
            [{"page": {"rows": 2}}, {"page": {"token": "X", "rows": 2}}],
            [{"level": "ad"}, {"level": "ad"}],
        ),
        (
            ApiProfile(paging=Paging("cursor", sent_in="query")),
            [{}, {}],
            [{"level": "ad"}, {"level": "ad", "cursor": "X"}],
        ),
        (
            ApiProfile(paging=Paging("cursor", param="number")),
            [{}, {"number": 7}],
            [{"level": "ad"}, {"level": "ad"}],
        ),
        (ApiProfile(paging=Paging("json_link")), [{}, {}], [{"level": "ad"}, {"cursor": "X"}]),
    ],
)
def test_what_is_asked_for_may_stand_in_a_body(
    tmp_path: Path, api: ApiProfile, bodies: list[dict[str, Any]], queries: list[Asked]
) -> None:
    body = {"from": "{day}", "query": ["day = '{day:%Y%m%d}'", {"until": "{next_day}"}], "rows": 10, "note": None}
    api = replace(api, method="POST", json=body, parameters={"level": "ad"}, headers={"X-Version": "7"})

    def answer(asked: Asked) -> Told:
        is_last = "X" in json.dumps(asked) or "number" in asked
        next_ = {"json_link": "?cursor=X"}.get(api.paging.type, 7 if api.paging.param == "number" else "X")
        told = {"records": FOUR[2:] if is_last else FOUR[:2], "next": None if is_last else next_}
        return 200, {}, json.dumps(told).encode()

    with answering(answer) as (url, server):
        report = extracted(tmp_path, api_at(url, since=DAY, until=DAY), [source(api)])
    assert (report.errors, report.sources["campaign_api"].loaded) == ([], 4)
    filled = {"from": "2026-11-01", "query": ["day = '20261101'", {"until": "2026-11-02"}], "rows": 10, "note": None}
    asked = [{**filled, **body, **query} for body, query in zip(bodies, queries, strict=True)]
    assert [one for one, _ in server.seen] == asked
    assert {(one["Content-Type"], one["X-Version"]) for one in server.headers} == {("application/json", "7")}


def test_a_user_and_password_are_sent_as_basic_and_found_in_every_spelling(tmp_path: Path) -> None:
    api = ApiProfile(auth=Auth("basic"))
    echo = "bWU6Y2FuYXJ5LXR3bw=="
    with answering(lambda _: (200, {}, json.dumps([record(1, brand=echo)]).encode())) as (url, server):
        settings = api_at(url, since=DAY, until=DAY, token="me:canary-two")
        report = extracted(tmp_path, settings, [source(api)])
    assert [told for _, told in server.seen] == [f"Basic {echo}"]
    assert report.sources["campaign_api"].echoed_secret == 1
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and echo.encode() in path.read_bytes()]


def test_the_token_goes_where_the_profile_says_and_a_link_needs_none(tmp_path: Path) -> None:
    """Meta's links have the token in them: it is redacted where it lands, and sent again where it is asked for."""
    for auth in (Auth(), Auth("header", "X-Api-Key"), Auth("query", "access_token")):
        home = tmp_path / auth.type
        api = ApiProfile(auth=auth, paging=Paging("json_link"))

        def answer(asked: Asked) -> Told:
            told: dict[str, Any] = {**cnext(asked)}
            if told["next"]:
                told["next"] += f"&access_token={TOKEN}"
            return 200, {}, json.dumps(told).encode()

        with answering(answer) as (url, server):
            report = extracted(home, api_at(url, since=DAY, until=DAY), [source(api)])
        assert (report.errors, report.sources["campaign_api"].loaded) == ([], 4)
        for headers, (asked, _) in zip(server.headers, server.seen, strict=True):
            sent = asked.get(auth.name) if auth.type == "query" else headers.get(auth.name)
            assert sent == (f"Bearer {TOKEN}" if auth.type == "bearer" else TOKEN)
            assert ("Authorization" in headers) == (auth.type == "bearer")
        assert server.seen[1][0]["access_token"] == TOKEN
        assert not [path for path in home.rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()]


def test_a_link_that_names_another_scheme_stays_on_the_one_that_was_asked(tmp_path: Path) -> None:
    """As servers behind a proxy write them."""
    at: list[str] = []

    def answer(asked: Asked) -> Told:
        next_ = None if "after" in asked else at[0].replace("http://", "https://me:secret@") + "/campaign-data?after=X"
        return 200, {}, json.dumps({"records": halves(asked, "after"), "next": next_}).encode()

    with answering(answer) as (url, server):
        at.append(url)
        report = extracted(tmp_path, api_at(url, since=DAY, until=DAY), [source(BY_LINK)])
    assert [token for _, token in server.seen] == [f"Bearer {TOKEN}"] * 2
    assert (report.errors, report.sources["campaign_api"].loaded) == ([], 4)


def test_landing_keeps_the_bytes_and_what_it_has_is_found_by_the_profile(tmp_path: Path) -> None:
    api = ApiProfile(records="data.list", pages="data.page_info.total_page")
    assert outcome(tmp_path, tiktok, api)[1] == 4
    ((path,),) = {(row[0],) for row in rows(tmp_path, "campaign_delivery", "_source")}
    pages = [tmp_path / "landing" / path / f"page-000{number}.json" for number in (1, 2)]
    assert [json.loads(page.read_bytes()) for page in pages] == [tiktok({"page": "1"}), tiktok({"page": "2"})]
    shape = RecordShape(KIND.record_type, KIND.record_type.names({}), ZoneInfo("UTC"))
    found = records_as_received(Landing(Folder.at(tmp_path / "landing")), path, [3], shape, "data.list")
    assert json.loads(found[3].text) == FOUR[2]


def test_a_landed_fetch_is_read_with_the_profile_of_now(tmp_path: Path) -> None:
    both = {"records": FOUR[:1], "data": {"rows": FOUR}}
    assert outcome(tmp_path, lambda _: both)[1] == 1
    with answering(lambda _: (500, {}, b"")) as (url, _):
        settings = api_at(url, since=DAY, until=DAY, attempts=1, restated_days=0)
        report = extracted(tmp_path, settings, [source(ApiProfile(records="data.rows"))])
    assert report.errors == []
    assert len(rows(tmp_path, "campaign_delivery", "*")) == 4


def test_another_api_has_its_own_address_and_token(tmp_path: Path) -> None:
    other = source(ApiProfile(url="http://x/", token_env="PARTNER_TOKEN"), "partner_api")
    told: list[Told] = [
        (200, {}, json.dumps(FOUR).encode()),
        (401, {}, b""),
        (302, {}, b""),
        (200, {}, json.dumps(FOUR).encode()),
    ]
    answers = iter(told)
    with answering(lambda _: next(answers)) as (url, server):
        other = replace(other, api=replace(other.api_profile, url=f"{url}/"))
        errors: list[list[str]] = []
        for token in ("partner-secret", "", "another-secret", "another-secret"):
            settings = declared_api(other, token, "by_day", since=DAY, until=DAY, attempts=1)
            settings = replace(settings, until=date(2026, 11, 2)) if len(errors) == 3 else settings
            apis = {"partner_api": settings}
            errors.append(extracted(tmp_path, apis, [source(PLAIN), other]).errors)
    assert server.seen[0] == ({"page": "1", "date": "2026-11-01"}, "Bearer partner-secret")
    assert len(rows(tmp_path, "campaign_delivery", "source")) == 4
    assert errors[0] == []
    assert errors[1] == ["partner_api: page 1: 401 Unauthorized: PARTNER_TOKEN is not set"]
    assert "set the `url` of partner_api to where the API is" in errors[2][0]


SHAPE = RecordShape(KIND.record_type, KIND.record_type.names({}), ZoneInfo("UTC"))


@pytest.mark.parametrize(
    ("payload", "place", "count"),
    [
        ('{"a": {"b": [{"clicks": 1}]}}', "a.b", 1),
        ('{"a.b": [{"clicks": 1}]}', "a.b", 1),
        ('{"a": {"x": {"b": [7]}, "b": [{"clicks": 1}]}, "b": []}', "a.b", 1),
        ('{"x": {"a": {"b": [{}]}}, "a": {"b": []}}', "a.b", 0),
        ('{"a": {"b": []}, "a.b": [{}]}', "a.b", None),
        ('{"a": [{"b": [{}]}]}', "a.b", None),
        ('{"a": {"c": [{}]}}', "a.b", None),
        ('{"a": null}', "a.b", None),
        ('{"a": {"b": null}}', "a.b", 0),
    ],
)
def test_records_are_found_at_a_dotted_path_alone(payload: str, place: str, count: int | None) -> None:
    if count is None:
        with pytest.raises(BadAnswer):
            read_page(payload.encode(), SHAPE, ApiProfile(records=place))
    else:
        assert len(read_page(payload.encode(), SHAPE, ApiProfile(records=place)).batch) == count
