"""Who sees what: every query and every page, asked by somebody who may see one brand, on a build full of another's.

Whatever belongs to the other brand, to all brands or to nobody is marked; a mark that comes through anywhere is a leak.
"""

import inspect
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.cases import always
from support.dashboard_pages import RunPage, build_behind, days_back
from support.dashboard_queries import ASKED, MARK, OTHERS, SHARED, publish_two_brands
from support.published_file import DAY, delivered, publish_invented
from support.repository import models, text_of

from dashboard import queries
from dashboard.pages import PAGES
from dashboard.published import Build
from dashboard.queries import HAVE_BRANDS, HAVE_CAMPAIGNS, Reader, Selection
from dashboard.text import plain

if TYPE_CHECKING:
    from streamlit.testing.v1 import AppTest

MINE, EVERYTHING, NOTHING = Reader(("Acme",)), Reader(), Reader(())
ME, BOSS = "ann@example.org", "boss@example.org"


@pytest.fixture(scope="module")
def link(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build in which only campaign c1 and brand Acme are mine; every mart has rows of the others."""
    return publish_two_brands(tmp_path_factory.mktemp("rights") / "published")


@pytest.fixture
def build(link: Path) -> Build:
    return build_behind(link)


# What is the same in every house.
ABOUT_NOBODY = {"places", "delivery_mart", "reason", "year_before"}
# They tell about rows with a brand, whatever else is in the campaign.
OF_DELIVERY = {"delivery", "tiring", "values_of", "campaigns_of"}
# They give no texts of the data, so no mark can tell.
WITHOUT_MARKS = {"days_of", "hours", "builds", "open_from"}


def test_every_query_is_asked() -> None:
    functions = {
        name
        for name, one in inspect.getmembers(queries, inspect.isfunction)
        if one.__module__ == queries.__name__ and not name.startswith("_")
    }
    assert functions == ASKED.keys() | ABOUT_NOBODY


@pytest.mark.parametrize("name", ASKED)
@pytest.mark.parametrize("chosen", [(), (("brand", (f"{MARK} brand",)),), (("campaign_id", OTHERS),)], ids=str)
def test_no_query_gives_what_is_not_mine(build: Build, name: str, chosen: Any) -> None:
    since = DAY - timedelta(days=13)
    mine = Selection(build, since, DAY, (days_back(27), days_back(14)), chosen, MINE)
    everything = Selection(build, since, DAY, mine.before, (), EVERYTHING)
    if name in WITHOUT_MARKS:
        assert str(ASKED[name](mine)) != str(ASKED[name](everything))
    else:
        assert MARK in str(ASKED[name](everything)), "there is nothing to hide"
    assert MARK not in str(ASKED[name](mine))  # and what somebody else was shown is in the cache by now
    for campaign in (SHARED, *queries.NO_CAMPAIGNS):
        assert name in OF_DELIVERY or repr(campaign) not in str(ASKED[name](mine))
    nobody = Selection(build, since, DAY, mine.before, chosen, NOTHING)
    assert not re.search("Acme|c1|Hush", str(ASKED[name](nobody)).replace(build.path, ""))


def test_who_sees_one_brand_sees_that_one(build: Build) -> None:
    mine = Selection(build, days_back(13), DAY, reader=MINE)
    assert queries.values_of(build, MINE, "brand") == ["Acme"]
    assert {row["campaign_id"] for row in queries.funnel(mine, ("campaign_id",)).dicts()} == {"c1"}
    assert "c1" in queries.campaigns_of(build, MINE)
    shared = [row for row in queries.delivery(mine, ("ad_id",)).dicts() if row["ad_id"] == "shared ad"]
    assert shared, "my brand's part of a campaign that is shared is mine"


def test_a_campaign_with_a_brand_that_is_not_known_is_seen_by_those_who_see_everything(tmp_path: Path) -> None:
    deliveries = [delivered(), delivered(brand=None)]
    rows: dict[str, Any] = {"campaign_funnel": [{"campaign_id": "c1", "date": DAY, "impressions": 1}]}
    build = build_behind(publish_invented(tmp_path / "published", deliveries, rows))
    assert queries.funnel(Selection(build, DAY, DAY, reader=MINE), ("campaign_id",)).rows == []
    assert queries.funnel(Selection(build, DAY, DAY), ("campaign_id",)).rows


def test_what_is_known_of_a_mart_is_what_its_contract_says() -> None:
    has = {model.name: {column["name"] for column in model.columns} for model in models() if model.layer == "marts"}
    assert not [mart for mart in HAVE_BRANDS if "brand" not in has[mart]]
    assert not [mart for mart in HAVE_CAMPAIGNS if "campaign_id" not in has[mart] or "brand" in has[mart]]


def test_a_mart_is_read_through_the_rights_alone() -> None:
    outside = {path: text_of(path) for path in map(Path, _modules()) if path.name != "queries.py"}
    assert [path for path, text in outside.items() if re.search(r"adhouse\.(marts|ops)\.", text)] == [
        Path("dashboard/published.py")  # what a build says of itself
    ]
    text = text_of(Path("dashboard/queries.py"))
    named = set(re.findall(r"adhouse\.marts\.(\w+)", text))
    assert named == {"places", "place_aliases", "quarantine_reasons", "source_performance"}


def _modules() -> list[str]:
    from support.repository import files

    return [str(path) for path in files() if path.parts[0] == "dashboard" and path.suffix == ".py"]


@pytest.fixture
def as_person(run_page: RunPage, tmp_path: Path) -> Callable[..., "AppTest"]:
    """Opens a page as somebody who is logged in, by a list that names two people."""
    people = tmp_path / "dashboard_people.csv"
    people.write_text(f"email,brand\n{ME},Acme\n{BOSS},*\n")

    def run(link: Path, email: str | None, page: str = "overview", **parameters: Any) -> "AppTest":
        claims = {"is_logged_in": True, "email": email} if email else {"is_logged_in": False}
        secrets = {"auth": {}, "dashboard": {"people": str(people), "contact": "the *boss*"}}
        return run_page(link, page, user=claims, secrets=secrets, **parameters)

    return run


def everything_of(shown: "AppTest") -> Iterator[str]:
    """Every byte that a page sends to the browser, as text."""
    for element in shown._tree:
        yield str(getattr(element, "proto", element))
        yield getattr(getattr(element, "proto", None), "SerializeToString", bytes)().decode("latin-1")


PAGE_NAMES = [Path(page.file).stem for page in PAGES]
# A link to what is not mine. Its own words come back where the page says that this build has not what they name.
FORGED = {"brand": f"{MARK} brand", "campaign": OTHERS[0], "ad": f"{MARK} ad", "source": f"{MARK} place"}


@pytest.mark.parametrize("page", always(5, PAGE_NAMES))
def test_no_page_shows_what_is_not_mine(as_person: Callable[..., "AppTest"], link: Path, page: str) -> None:
    shown = as_person(link, BOSS, page, period="All dates")
    assert MARK in "".join(everything_of(shown)), "the page has nothing to hide"
    shown = as_person(link, ME, page, period="All dates")
    assert MARK not in "".join(everything_of(shown))


@pytest.mark.parametrize("page", always(1, ["overview", "campaigns", "geography", "funnel"]))
def test_a_forged_link_learns_nothing_but_that_it_is_wrong(
    as_person: Callable[..., "AppTest"], link: Path, page: str
) -> None:
    def said(name: str, value: str) -> list[str]:
        shown = as_person(link, ME, page, period="All dates", **{name: value})
        return [warning.value.replace(plain(value), "X") for warning in shown.warning]

    for name, value in FORGED.items():
        assert said(name, value) == said(name, "made up"), "what exists is told from what does not"


@pytest.mark.parametrize("page", ["auctions", "health"])
def test_a_page_about_everything_says_whose_it_is(as_person: Callable[..., "AppTest"], link: Path, page: str) -> None:
    shown = as_person(link, ME, page)
    assert shown.info[0].value.startswith("This page is about all brands together")
    assert not shown.dataframe
    assert not shown.metric
    assert as_person(link, BOSS, page).metric


def test_nobody_is_asked_to_log_in_and_told_nothing(as_person: Callable[..., "AppTest"], link: Path) -> None:
    shown = as_person(link, None, brand="Acme")
    assert [button.label for button in shown.button] == ["Log in"]
    assert not re.search("Acme|Data as of|Hush", "".join(everything_of(shown)))


@pytest.mark.parametrize(
    ("email", "said"),
    [
        ("stranger@example.org", "nothing has been shared with you yet"),
        ("", "names no verified e-mail address"),
    ],
)
def test_a_stranger_is_told_whom_to_ask(
    as_person: Callable[..., "AppTest"], run_page: RunPage, link: Path, email: str, said: str
) -> None:
    shown = as_person(link, email or " ")
    (info,) = [info.value for info in shown.info]
    assert said in info
    assert "the &#42;boss&#42;" in info
    assert [button.label for button in shown.button] == ["Log out"]
    assert not re.search("Acme|Data as of|Hush", "".join(everything_of(shown)))


def test_who_is_taken_out_of_the_list_sees_nothing_from_the_next_click_on(
    as_person: Callable[..., "AppTest"], link: Path, tmp_path: Path
) -> None:
    shown = as_person(link, ME)
    assert shown.metric
    (tmp_path / "dashboard_people.csv").write_text("email,brand\n")
    shown.run()
    assert not shown.metric
    assert "nothing has been shared" in shown.info[0].value
    (tmp_path / "dashboard_people.csv").unlink()
    shown.run()
    assert "cannot be read at the moment" in shown.info[0].value


def test_a_login_ends_when_its_cookie_does(run_page: RunPage, as_person: Callable[..., "AppTest"], link: Path) -> None:
    shown = as_person(link, ME)
    assert shown.metric
    shown.user = {"is_logged_in": True, "email": ME, "iat": 1_700_000_000}
    shown.run()
    assert [button.label for button in shown.button] == ["Log in"]


def test_who_is_logged_in_stands_in_the_sidebar(as_person: Callable[..., "AppTest"], link: Path) -> None:
    shown = as_person(link, ME)
    assert shown.sidebar.text[0].value == "ann@example.org\nsees Acme"
    assert as_person(link, BOSS).sidebar.text[0].value == "boss@example.org\nsees all brands"
