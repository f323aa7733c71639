"""APIs that `sources.yml` declares, asked by the real command: other shapes, tokens, and what goes wrong."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import Workspace
from support.cases import always
from support.extracting import lines, record
from support.platform import Answer, Platform, answering

from adhouse.errors import Exit
from extract.demo import Demo, write_demo
from extract.storage import Folder

SHOP_TOKEN, FEED_TOKEN = "canary-shop-5d41402a", "canary-feed-bc4b2a76"
TOKENS = {"SHOP_TOKEN": SHOP_TOKEN, "FEED_TOKEN": FEED_TOKEN}
DAYS = {"ADHOUSE_SINCE": "2026-11-01", "ADHOUSE_UNTIL": "2026-11-02"}
DECLARED = """
sources:
  shop:                                         # POST, and a cursor in the body
    kind: campaign_delivery
    account: Shop
    api:
      url: {shop}/v2
      path: reports/search
      json: {{from: "{{day}}", to: "{{next_day}}", rows: 2, page: {{}}}}
      headers: {{X-Version: 7}}
      token_env: SHOP_TOKEN
      auth: {{type: header, name: X-Api-Key}}
      records: data.rows
      paging: {{type: cursor, path: data.after, param: page.after}}
      empty: 404
    columns:
      spend: {{name: cost.micros, divide_by: 1000000}}
  feed:                                         # a link in the header `Link`
    kind: campaign_delivery
    account: Feed
    api:
      url: {feed}
      params: {{on: "{{day:%Y%m%d}}"}}
      token_env: FEED_TOKEN
      auth: {{type: query, name: access_token}}
      paging: header_link
"""


class Platforms:
    """Two platforms, and what they report: (day, number) → money; day and money as each writes them."""

    def __init__(self) -> None:
        self.shop = {("2026-11-01", 1): 1.5, ("2026-11-01", 2): 2.5, ("2026-11-01", 3): 3.5}
        self.feed = {("20261101", 4): 10, ("20261101", 5): 20, ("20261102", 6): 40}
        self.more: dict[str, Any] = {}
        self.status = 200
        self.servers: tuple[Platform, ...] = ()
        self.goes_on = threading.Event()
        self.goes_on.set()

    def ask_shop(self, asked: dict[str, Any]) -> Answer:
        """Two records a page, and the number of the last one as the cursor."""
        after = int(asked["page"].get("after", 0))
        found = {number: money for (day, number), money in self.shop.items() if day == asked["from"]}
        if not found:
            return 404, {}, b'{"error": "no data"}'
        left = [number for number in found if number > after]
        rows = [
            {**record(number, date=asked["from"]), "spend": None, "cost": {"micros": int(found[number] * 1_000_000)}}
            for number in left[: asked["rows"]]
        ]
        cursor = str(left[1]) if len(left) > asked["rows"] else None
        return self.status, {}, json.dumps({"data": {"rows": rows, "after": cursor}, **self.more}).encode()

    def ask_feed(self, asked: dict[str, Any]) -> Answer:
        """One record a page, which repeats both tokens."""
        self.goes_on.wait(60)
        found = [(number, money) for (day, number), money in self.feed.items() if day == asked["on"]]
        at = int(asked.get("at", 0))
        rows = [
            record(number, date=asked["on"], spend=money, brand=f"{FEED_TOKEN} {SHOP_TOKEN}")
            for number, money in found[at : at + 1]
        ]
        link = {"Link": f'<?on={asked["on"]}&at={at + 1}>; rel="next"'} if len(found) > at + 1 else {}
        return 200, link, json.dumps(rows).encode()


@contextmanager
def asking(home: Path, declared: str = DECLARED, **settings: str) -> Iterator[tuple[Workspace, Platforms]]:
    """A data folder whose `sources.yml` declares both platforms."""
    platforms = Platforms()
    with answering(platforms.ask_shop) as (shop, one), answering(platforms.ask_feed) as (feed, other):
        platforms.servers = one, other
        home.mkdir(parents=True, exist_ok=True)
        (home / "sources.yml").write_text(declared.format(shop=shop, feed=feed))
        given = {"ADHOUSE_SOURCES": str(home / "sources.yml"), **DAYS, **TOKENS, **settings}
        yield Workspace(home / "data", given), platforms


def spends(house: Workspace) -> dict[tuple[str, str, str], str]:
    """The spend of each source, account and day, as published."""
    query = "select source, account, date, sum(spend) from marts.source_performance group by all"
    with duckdb.connect(house.home / "published" / "marts.duckdb", read_only=True) as connection:
        return {
            (source, account, str(day)): f"{spend:.2f}"
            for source, account, day, spend in connection.execute(query).fetchall()
        }


def seen(house: Workspace, secret: str) -> list[Path]:
    """The files of the data folder that have a secret in them."""
    return [path for path in house.home.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]


@pytest.mark.cases
def test_two_declared_apis_are_asked_loaded_and_published(tmp_path: Path) -> None:
    with asking(tmp_path) as (house, platforms):
        first = house.adhouse("run")
        assert first.returncode == Exit.OK, first.stderr
        assert "shop: 2 received, 3 records read, 3 loaded" in first.stderr
        assert "feed: 2 received, 3 records read, 3 loaded, 6 echoed_secret" in first.stderr
        assert "demo" not in first.stderr
        published = {
            ("shop", "Shop", "2026-11-01"): "7.50",
            ("feed", "Feed", "2026-11-01"): "30.00",
            ("feed", "Feed", "2026-11-02"): "40.00",
        }
        assert spends(house) == published
        shop, feed = platforms.servers
        assert {*shop.paths} == {"/v2/reports/search"}
        assert {(one["X-Api-Key"], one["X-Version"]) for one in shop.headers} == {(SHOP_TOKEN, "7")}
        assert {asked["access_token"] for asked, _ in feed.seen} == {FEED_TOKEN}

        again = house.adhouse("run")
        assert again.returncode == Exit.OK, again.stderr
        assert "nothing new" in again.stdout

        platforms.feed["20261101", 5] = 25
        platforms.shop["2026-11-02", 7] = 4.25
        changed = house.adhouse("run")
        assert changed.returncode == Exit.OK, changed.stderr
        published |= {("feed", "Feed", "2026-11-01"): "35.00", ("shop", "Shop", "2026-11-02"): "4.25"}
        assert spends(house) == published
        rebuilt = house.adhouse("rebuild", SHOP_TOKEN="")
        assert rebuilt.returncode == Exit.OK, rebuilt.stderr
        assert spends(house) == published
        status = json.loads(house.adhouse("status", "--json").stdout)
        assert {*status["sources"]} == {"shop", "feed"}
        for secret in TOKENS.values():
            assert not seen(house, secret)
            assert not any(secret in one.stdout + one.stderr for one in (first, again, changed))


def test_a_variable_that_is_not_set_is_one_line_and_stops_before_anything(tmp_path: Path) -> None:
    with asking(tmp_path, SHOP_TOKEN="", FEED_TOKEN="canary") as (house, platforms):
        ended = house.adhouse("run")
        assert ended.returncode == Exit.USAGE
        assert ended.stderr.splitlines() == [
            "adhouse: SHOP_TOKEN is not set in the environment, and shop asks with it",
            "FEED_TOKEN has 6 characters, too few to tell it from ordinary words (set it to the token, at least 8 "
            "characters, or take `token_env` out of sources.yml)",
        ]
        files = house.adhouse("extract", "campaign_files")
        assert files.returncode == Exit.OK, files.stderr
        assert not any(server.seen for server in platforms.servers)
        listed = house.adhouse("sources").stdout
        assert "with the token in SHOP_TOKEN, which is not set" in listed


@pytest.mark.parametrize(
    ("spoil", "said"),
    always(
        1,
        [
            (lambda one: one.more.update(has_more=True), "says that there is another one: `has_more`"),
            (lambda one: one.more.update(meta={"total": 9}), "3 records came where `meta.total` says 9"),
            (lambda one: setattr(one, "status", 401), "401 Unauthorized: SHOP_TOKEN is not accepted"),
            (
                lambda one: setattr(one, "status", 302),
                "302 Found to nowhere, which is not followed: set the `url` of shop",
            ),
        ],
    ),
)
def test_an_api_that_fails_is_named_and_stops_no_other(
    tmp_path: Path, spoil: Callable[[Platforms], None], said: str
) -> None:
    with asking(tmp_path) as (house, platforms):
        spoil(platforms)
        ended = house.adhouse("extract")
        assert ended.returncode == Exit.FAILED
        assert said in ended.stderr
        assert "feed: 2 received, 3 records read, 3 loaded" in ended.stderr
        assert "error: feed" not in ended.stderr
        assert "Traceback" not in ended.stderr
        platforms.more, platforms.status = {}, 200
        mended = house.adhouse("extract")
        assert mended.returncode == Exit.OK, mended.stderr
        assert "3 records read, 3 loaded" in mended.stderr


def test_a_demo_refuses_a_declared_api(tmp_path: Path) -> None:
    with asking(tmp_path) as (house, platforms):
        landing = Folder.at(str(house.home)).below("landing")
        write_demo(landing, Demo())
        refused = house.adhouse("run")
        assert refused.returncode == Exit.USAGE
        assert "is a demo, whose invented data would add up with the API of shop" in refused.stderr
        assert not any(server.seen for server in platforms.servers)


def test_apis_are_listed_with_their_address_and_without_secrets(tmp_path: Path) -> None:
    with asking(tmp_path, ADHOUSE_API_URL=f"https://me:{SHOP_TOKEN}@ads.example.com") as (house, platforms):
        shop, feed = (f"http://127.0.0.1:{server.server_port}" for server in platforms.servers)
        listed = house.adhouse("sources")
        assert listed.returncode == Exit.OK, listed.stderr
        assert "campaign_api is asked at https://ads.example.com/campaign-data\n" in listed.stdout
        assert f"shop is asked at {shop}/v2/reports/search, with the token in SHOP_TOKEN\n" in listed.stdout
        as_json = house.adhouse("sources", "--json").stdout
        found = {one["source"]: one for one in json.loads(as_json)["sources"]}
        assert (found["feed"]["address"], found["feed"]["token_env"], found["feed"]["has_token"]) == (
            feed,
            "FEED_TOKEN",
            True,
        )
        assert not any(secret in listed.stdout + as_json for secret in TOKENS.values())


def test_an_api_can_be_tried_for_a_day_without_loading_anything(tmp_path: Path) -> None:
    with asking(tmp_path) as (house, platforms):
        tried = house.adhouse("sources", "try", "shop", "2026-11-01", "--json")
        assert tried.returncode == Exit.OK, tried.stderr
        trial = json.loads(tried.stdout)
        assert (trial["read"], trial["loaded"], trial["file"]) == (3, 3, "2026-11-01")
        assert [row["spend"] for row in trial["rows"]] == ["1.5", "2.5", "3.5"]
        last = house.adhouse("sources", "try", "feed")
        assert last.returncode == Exit.OK, last.stderr
        assert "feed: 1 records read, 1 would be loaded, 0 rejected; nothing was loaded" in last.stdout
        assert "[redacted]" in last.stdout
        platforms.more = {"has_more": True}
        failed = house.adhouse("sources", "try", "shop", "2026-11-01")
        assert failed.returncode == Exit.FAILED
        assert "says that there is another one: `has_more`" in failed.stderr
        assert not house.home.exists()


def test_what_a_kill_left_undone_is_asked_for_by_the_next_run(tmp_path: Path) -> None:
    with asking(tmp_path) as (house, platforms):
        platforms.goes_on.clear()
        running = house.start("extract")
        while not platforms.servers[1].seen:
            time.sleep(0.05)
        running.kill()
        running.communicate()
        platforms.goes_on.set()
        house.drop("one.jsonl", lines(record(1)), source="feed")
        ended = house.adhouse("extract")
        assert ended.returncode == Exit.OK, ended.stderr
        assert "shop: 4 received, 3 records read, 3 loaded, 2 unchanged" in ended.stderr
        assert (
            f"warning: 1 file waits in {house.home}/inbox/feed/, and feed is an API, which takes none" in ended.stderr
        )
        assert "feed: 2 received, 3 records read, 3 loaded" in ended.stderr


WHOLE = """
sources:
  whole:
    kind: campaign_delivery
    replaces: REPLACES
    timezone: Asia/Tokyo
    api: {{url: "{feed}", params: {{on: "{{since:%Y%m%d}}", to: "{{until}}"}}, paging: header_link, since: 2026-11-01}}
"""


@pytest.mark.cases
@pytest.mark.parametrize("replaces", ["nothing", "all"])
def test_an_api_without_days_is_asked_for_all_of_its_days_at_once(tmp_path: Path, replaces: str) -> None:
    declared = WHOLE.replace("REPLACES", replaces)
    with asking(tmp_path, declared) as (house, platforms):
        for money in (10, 11):
            platforms.feed["20261101", 4] = money
            ended = house.adhouse("extract", ADHOUSE_SINCE="2025-01-01")
            assert ended.returncode == Exit.OK, ended.stderr
        asked, _ = platforms.servers[1].seen[0]
        assert (asked["on"], asked["to"]) == ("20261101", "2026-11-02")
        assert "whole: 1 received, 2 records read, 2 loaded" in ended.stderr
        assert "warning: the days of whole are those of Asia/Tokyo, and the report's of UTC" in ended.stderr
        unchanged = house.adhouse("extract")
        assert "whole: 1 received, 0 records read, 0 loaded, 1 unchanged" in unchanged.stderr
        assert "Tokyo" not in unchanged.stderr
        in_tokyo = house.adhouse("extract", ADHOUSE_REPORT_TIMEZONE="Asia/Tokyo")
        assert "whole: 4 received, 4 records read, 4 loaded, 2 unchanged" in in_tokyo.stderr
        assert "the days of whole" not in in_tokyo.stderr


def test_files_do_not_become_an_api_under_their_name(tmp_path: Path) -> None:
    """Nobody could read what was landed any more, and a fetch cannot replace a file."""
    with asking(tmp_path, "sources: {{shop: {{kind: campaign_delivery}}}}") as (house, platforms):
        house.drop("one.jsonl", lines(record(1)), source="shop")
        assert house.adhouse("extract").returncode == Exit.OK
        platforms.servers[0].seen.clear()
        declared = Path(house.settings["ADHOUSE_SOURCES"])
        shop, feed = (f"http://127.0.0.1:{server.server_port}" for server in platforms.servers)
        declared.write_text(DECLARED.format(shop=shop, feed=feed))
        for command in ("extract", "rebuild"):
            refused = house.adhouse(command)
            assert refused.returncode == Exit.FAILED
            assert "landing has files of shop, which is an API now (declare it again as it was, and" in refused.stderr
        assert not platforms.servers[0].seen
