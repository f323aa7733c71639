"""People without a browser, by Streamlit's agent API: a session and a run of the script are those of a browser."""

import http.client
import json
import random
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

PATIENCE = 120  # seconds
BY_BRAND = ("", "campaigns", "creatives", "daily", "geography")
BY_CAMPAIGN = ("funnel", "attribution")
PERIODS = ("Last 7 days", "Last 14 days", "Last 28 days", "Last 90 days", "Year to date")


def asked(url: str, request: Mapping[str, Any]) -> tuple[float, dict[str, Any]]:
    """One step of a session, and the seconds until its page is whole.

    Raises:
        SystemExit: The page is not whole: it failed, or took too long.
    """
    started = time.perf_counter()
    # A connection each time, because the server closes one that was quiet for five seconds.
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=PATIENCE)
    connection.request("POST", "/_stcore/agent/interact", json.dumps(request), {"Content-Type": "application/json"})
    response = connection.getresponse()
    answer: dict[str, Any] = json.loads(response.read())
    connection.close()
    if response.status != 200 or answer["status"] != "ready":
        raise SystemExit(f"{request}: {response.status} {json.dumps(answer)[:2000]}")
    return time.perf_counter() - started, answer


def first_views(url: str, count: int) -> list[float]:
    """The seconds of the first view of so many new sessions, one after the other."""
    return [asked(url, {})[0] for _ in range(count)]


def changes(url: str, people: int, each: int, pause: float) -> list[float]:
    """The seconds of each filter change of so many people at once, who think for `pause` seconds on average before it.

    A person stays on a page and looks at one or two other brands, and at another period, each time.
    """

    def act(number: int) -> list[float]:
        draw = random.Random(f"{number} {pause}")  # noqa: S311 it only has to be the same each time
        session = asked(url, {"page": BY_BRAND[number % len(BY_BRAND)]})[1]["session_id"]
        took = []
        for _ in range(each):
            time.sleep(draw.expovariate(1 / pause) if pause else 0)
            state = {"brand": _brands(draw), "period": draw.choice(PERIODS)}
            took.append(asked(url, {"session_id": session, "widget_state": state})[0])
        return took

    with ThreadPoolExecutor(people) as pool:
        return [seconds for took in pool.map(act, range(people)) for seconds in took]


def look_at_views(url: str, count: int) -> None:
    """Opens so many different views in one session."""
    session = asked(url, {})[1]["session_id"]
    for (page, parameters), _ in zip(_views(), range(count), strict=False):
        asked(url, {"session_id": session, "page": page, "query_params": parameters})


def _views() -> Iterator[tuple[str, dict[str, list[str]]]]:
    """Views of which none comes twice."""
    draw = random.Random(1)  # noqa: S311 it only has to be the same each time
    seen = set()
    while True:
        page = draw.choice((*BY_BRAND, *BY_CAMPAIGN))
        chosen = {"brand": _brands(draw)} if page in BY_BRAND else {"campaign": [f"cmp{draw.randrange(500):03}"]}
        view = (page, {"period": [draw.choice(PERIODS)], **chosen})
        if repr(view) not in seen:
            seen.add(repr(view))
            yield view


def _brands(draw: random.Random) -> list[str]:
    return [f"Brand {number:02}" for number in sorted(draw.sample(range(40), draw.choice((1, 2))))]
