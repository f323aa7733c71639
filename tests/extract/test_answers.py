"""An answer is checked against its question: its days, its pages, its place for records, and how long it takes."""

import json
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread
from typing import Any
from urllib.parse import quote, unquote

import pytest
from dlt.pipeline.exceptions import PipelineStepFailed
from support.extracting import TOKEN, RecordedProgress, api_at, drop, extracted, lines, record, rows
from support.platform import answering, page

Asked = dict[str, str]
Answer = tuple[int, dict[str, str], bytes]
DAYS = [date(2026, 11, day) for day in (1, 2, 3)]
OF_OTHER_DAYS = [record(number, date="2026-10-01") for number in range(11)]


def of_day(asked: Asked, **changes: Any) -> dict[str, Any]:
    return record(1, date=asked["date"], **changes)


def body(told: object) -> Answer:
    return 200, {}, (told if isinstance(told, str) else json.dumps(told)).encode()


def outcome(home: Path, answer: Callable[[Asked], Answer], **changes: Any) -> tuple[list[str], list[tuple[Any, ...]]]:
    """The errors of an API that answers so, beside a good file, and the rows of it that were loaded."""
    drop(home, "good.jsonl", lines(record(7)))
    with answering(answer) as (url, _):
        report = extracted(home, api_at(url, **{"until": DAYS[0], "attempts": 1, **changes}))
    assert report.sources["campaign_files"].loaded == 1
    loaded = rows(home, "campaign_delivery", "date::varchar, spend::double, source", "_source, _position")
    return report.errors, [row[:2] for row in loaded if row[2] == "campaign_api"]


def test_an_api_that_does_not_go_by_the_day_counts_nothing(tmp_path: Path) -> None:
    """Three days in each answer: one of three names the day asked, so it is few and more than a tenth."""
    every_day = [record(number, date=str(day)) for day in DAYS for number in range(9)]
    errors, loaded = outcome(tmp_path, lambda _: body(every_day), until=DAYS[2])
    assert loaded == []
    assert len(errors) == 3
    for day, error in zip(DAYS, errors, strict=True):
        assert error.startswith(f"campaign_api {day}: about_another_day: 18 of 27 dated records name another day, such")
        assert error.endswith("if the API does not go by `date`, set ADHOUSE_API_ANSWERS=add or replace")


def test_an_api_that_gives_few_records_of_all_days_each_time_is_noticed_by_the_second(tmp_path: Path) -> None:
    errors, loaded = outcome(tmp_path, lambda _: body([record(1, date=str(day)) for day in DAYS]), until=DAYS[2])
    assert len(loaded) == 3
    assert [error.partition(";")[0] for error in errors] == [
        f"campaign_api {day}: about_another_day: it equals the answer for {DAYS[0]}" for day in DAYS[1:]
    ]


def test_a_single_record_of_another_day_fails_its_fetch(tmp_path: Path) -> None:
    errors, loaded = outcome(tmp_path, lambda _: body({"total": 1, "records": [record(1, date="2026-01-01")]}))
    assert "about_another_day: 1 of 1 dated records" in errors[0]
    assert loaded == []


@pytest.mark.parametrize(("others", "of_the_day", "fails"), [(10, 1, False), (11, 98, True), (11, 99, False)])
def test_a_few_records_of_other_days_are_left_to_the_rules(
    tmp_path: Path, others: int, of_the_day: int, fails: bool
) -> None:
    records = [*OF_OTHER_DAYS[:others], *(record(number) for number in range(of_the_day)), record(0, date=None)]
    errors, loaded = outcome(tmp_path, lambda asked: page(asked, *records))
    assert bool(errors) == fails
    assert len(loaded) == (0 if fails else len(records))


def test_an_undated_answer_counts_for_one_day_only(tmp_path: Path) -> None:
    """Neither twice in a run, nor again in the next one; another answer, or an empty one, is another matter."""
    same = body([record(1, date=None)])
    errors, loaded = outcome(tmp_path, lambda _: same, until=DAYS[1])
    assert len(loaded) == 1
    assert errors[0].startswith(f"campaign_api {DAYS[1]}: about_another_day: it equals the answer for {DAYS[0]}")
    with answering(lambda _: same) as (url, _):
        report = extracted(tmp_path, api_at(url, since=DAYS[2], until=DAYS[2]))
        assert "it equals the answer for" in report.errors[0]
    with answering(lambda asked: body([record(1, date=None, city=asked["date"])])) as (url, _):
        assert extracted(tmp_path, api_at(url, since=DAYS[1], until=DAYS[2])).errors == []


def test_empty_days_may_be_equal(tmp_path: Path) -> None:
    errors, _ = outcome(tmp_path, lambda _: body([]), until=DAYS[2])
    assert errors == []


@pytest.mark.parametrize(
    ("told", "spends"),
    [
        ('{"previous_day": {"records": [%s]}, "records": []}', []),
        ('{"records": [], "previous_day": {"records": [%s]}}', []),
        ('{"previous": [{"records": [%s]}], "note": "\\"records\\": [", "records": [{"spend": 2}]}', [2.0]),
        ('{"data": {"records": [%s]}}', None),
        ('{"records": [], "r": [%s]}', []),
        ('{"records": [], "records": [%s]}', None),
        ('{"records": [%s], "rec\\u006frds": []}', None),
    ],
)
def test_records_are_looked_for_in_their_place_alone(tmp_path: Path, told: str, spends: list[float] | None) -> None:
    errors, loaded = outcome(tmp_path, lambda _: body(told % json.dumps(record(777))))
    assert bool(errors) == (spends is None)
    assert [spend for _, spend in loaded] == (spends or [])


@pytest.mark.parametrize(
    ("says", "why"),
    [
        ({"pages": 0}, "its `pages` is 0"),
        ({"pages": -1}, "its `pages` is -1"),
        ({"total": -1}, "its `total` is -1"),
        ({"date": "2026-10-01"}, "about_another_day"),
        ({"next": "http://[::1"}, "its next page is on another host, an invalid address"),
        ({"next": "/campaign-data?page=2"}, "the last of 1 pages says that there is another one"),
        ({"has_more": True}, "says that there is another one"),
        ({"paging": {"nextPageToken": "x"}}, "says that there is another one"),
        ({"_links": {"next": {"href": "/2"}}}, "says that there is another one"),
    ],
)
def test_what_a_page_says_of_itself_must_fit(tmp_path: Path, says: dict[str, object], why: str) -> None:
    errors, loaded = outcome(tmp_path, lambda asked: page(asked, of_day(asked), **says))
    assert why in errors[0]
    assert loaded == []


def test_the_last_page_may_say_that_there_is_no_other(tmp_path: Path) -> None:
    says = {"next": "", "has_more": False, "paging": {"next": None, "next_cursor": ""}}
    errors, loaded = outcome(tmp_path, lambda asked: page(asked, of_day(asked), **says))
    assert (errors, len(loaded)) == ([], 1)


def test_a_key_twice_in_a_record_rejects_the_record_and_in_a_page_the_fetch(tmp_path: Path) -> None:
    twice = json.dumps(record(1)).replace('"spend":', '"spend": 99999, "spend":')
    errors, loaded = outcome(tmp_path, lambda _: body(f'{{"records": [{twice}, {json.dumps(record(2))}]}}'))
    assert (errors, loaded) == ([], [("2026-11-01", 2.25)])
    assert rows(tmp_path, "rejected_records", "reason, field") == [("duplicate_key", "spend")]
    other = tmp_path / "other"
    errors, loaded = outcome(other, lambda _: body(f'{{"total": 7, "records": [{json.dumps(record(2))}], "total": 1}}'))
    assert "a key comes twice" in errors[0]
    assert loaded == []


def test_a_redirect_to_nowhere_fails_its_fetch(tmp_path: Path) -> None:
    errors, _ = outcome(tmp_path, lambda _: (302, {}, b""))
    assert "302 Found to nowhere" in errors[0]
    errors, _ = outcome(tmp_path / "other", lambda _: (302, {"Location": "http://[::1"}, b""))
    assert "Invalid URL in location header" in errors[0]


def test_whatever_is_raised_while_asking_is_the_failure_of_that_fetch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("of a kind\nthat nobody foresaw")

    monkeypatch.setattr("extract.http.answers.read_page", fails)
    errors, _ = outcome(tmp_path, lambda asked: page(asked))
    assert errors == [f"campaign_api {DAYS[0]}: RuntimeError: of a kind that nobody foresaw"]


def test_what_cannot_even_be_begun_is_the_failure_of_its_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "nonsense://proxy")
    drop(tmp_path, "good.jsonl", lines(record(7)))
    report = extracted(tmp_path, api_at("https://ads.invalid"))
    assert report.errors[0].startswith("campaign_api: nothing can be asked: ")
    assert report.sources["campaign_files"].loaded == 1


@pytest.mark.parametrize("secret", [TOKEN, 'tok/en"with\\more', "p%40ss:wörd"])
def test_a_secret_that_an_answer_repeats_does_not_land(
    tmp_path: Path, secret: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither in a page that counts, nor in one that fails, nor in an error; and it is counted."""
    basic = b64encode(f"me:{unquote(secret)}".encode()).decode()
    spelled = [secret, quote(secret, safe=""), basic, json.dumps(secret)[1:-1]]
    answers = iter(
        [
            page({"date": str(DAYS[0])}, record(1, city=secret, debug=f"Bearer {spelled[1]}"), told=f"Basic {basic}"),
            page({"date": str(DAYS[1])}, record(1, city=secret), next="/x?access_token=" + spelled[1]),
            (500, {}, json.dumps(spelled).encode()),
            (200, {}, json.dumps(spelled).encode()[1:]),
        ]
    )
    user, token = ("", secret) if secret.isascii() else (f"me:{secret}@", "")
    said = RecordedProgress()
    caplog.set_level("DEBUG", "extract")
    with answering(lambda _: next(answers, (418, {}, secret.encode()))) as (url, _):
        api = api_at(url.replace("http://", f"http://{user}"), token=token, attempts=1)
        report = extracted(tmp_path, api, said=said)
    assert report.sources["campaign_api"].echoed_secret == 3
    assert "echoed_secret" in str(report.sources["campaign_api"])
    assert len(report.errors) == 2
    assert [message for message in said.messages if "redacted" in message]
    cells = str([rows(tmp_path, table) for table in ("campaign_delivery", "fetches")])
    shown = f"{report}{said}{caplog.text}{api}{cells}".encode()
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    for spelling in (*spelled, unquote(secret)):
        assert not [content for content in (shown, *files) if spelling.encode() in content]


def test_a_connection_that_is_not_secure_is_not_tried_again(tmp_path: Path) -> None:
    with answering(lambda asked: page(asked)) as (url, _):
        started = time.monotonic()
        api = api_at(url.replace("http://", "https://"), until=DAYS[0], attempts=5, backoff_seconds=5.0)
        report = extracted(tmp_path, api)
    assert "there is no secure connection to 127.0.0.1: [SSL" in report.errors[0]
    assert "SSL_CERT_FILE" in report.errors[0]
    assert time.monotonic() - started < 4


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("can't start new thread")])
def test_a_limit_of_the_machine_is_not_the_fault_of_what_was_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fails(*_: object) -> None:
        raise error

    drop(tmp_path, "good.jsonl", lines(record(7)))
    monkeypatch.setattr("extract.files.read_file", fails)
    with pytest.raises(PipelineStepFailed):
        extracted(tmp_path)
    monkeypatch.undo()
    assert extracted(tmp_path).sources["campaign_files"].loaded == 1


@contextmanager
def raw_answers(answer: Callable[[Any], object]) -> Iterator[str]:
    """A server that writes bytes as it likes, until nobody reads them."""

    class Handler(StreamRequestHandler):
        def handle(self) -> None:
            while self.rfile.readline() not in (b"\r\n", b""):
                pass
            with suppress(OSError):  # the client has had enough
                answer(self.wfile.write)

    class Server(ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

    with Server(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def dripping(begins: bytes, piece: bytes, pause: float) -> Callable[[Callable[[bytes], object]], None]:
    def answer(write: Callable[[bytes], object]) -> None:
        write(begins)
        while True:
            time.sleep(pause)
            write(piece)

    return answer


HEADERS = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n["


@pytest.mark.parametrize(
    ("begins", "piece", "pause", "why"),
    [
        (HEADERS, b" ", 0.05, "no complete answer within 1 s; if the API is only slow, raise ADHOUSE_API_DEADLINE"),
        (b"HTTP/1.1 200 OK\r\nX: ", b"x", 0.05, "no complete answer within 1 s"),
        (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n", 0.05, "no complete answer within 1 s"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.001, "the answer does not begin, only interim ones come"),
    ],
)
def test_an_answer_that_never_ends_has_a_deadline(
    tmp_path: Path, begins: bytes, piece: bytes, pause: float, why: str
) -> None:
    drop(tmp_path, "good.jsonl", lines(record(7)))
    with raw_answers(dripping(begins, piece, pause)) as url:
        started = time.monotonic()
        report = extracted(tmp_path, api_at(url, until=DAYS[0], attempts=1, deadline_seconds=1.0))
    assert why in report.errors[0]
    assert time.monotonic() - started < 4
    assert report.sources["campaign_files"].loaded == 1


def test_all_tries_share_the_deadline(tmp_path: Path) -> None:
    started = time.monotonic()
    errors, _ = outcome(
        tmp_path, lambda _: (429, {"Retry-After": "60"}, b""), attempts=5, deadline_seconds=0.5, until=DAYS[1]
    )
    assert ["no complete answer within 0.5 s" in error for error in errors] == [True, True]
    assert time.monotonic() - started < 4
