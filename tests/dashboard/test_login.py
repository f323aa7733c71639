"""Logging in to the dashboard in a real browser, by a real provider, and trying to get round it over the wire."""

import json
import os
import re
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.accessibility import violations
from support.browser import COMMAND, Visit
from support.cases import always
from support.dashboard_pages import days_back
from support.logging_in import CLIENT_SECRET, COOKIE_KEY, dashboard_with_login, login_settings, provider
from support.published_file import delivered, publish_invented
from websockets.sync.client import connect
from websockets.typing import Subprotocol

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # what the provider does is not ours to mend
PEOPLE: dict[str, dict[str, Any]] = {
    "ann": {"email": "Ann@example.org", "email_verified": True},
    "boss": {"email": "boss@example.org"},
    "liar": {"email": "boss@example.org", "email_verified": False},
    "stranger": {"email": "stranger@example.org", "email_verified": True},
}
LIST = "email,brand\nann@example.org,Acme\nboss@example.org,*\n"
Visiting = Callable[..., Visit]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("with_login")
    days = [days_back(back) for back in range(28)]
    deliveries = [delivered(date=day) for day in days]
    deliveries += [delivered(campaign_id="Hush c2", ad_id="Hush ad", brand="Hush", date=day) for day in days]
    publish_invented(home / "published", deliveries)
    return home


@pytest.fixture(scope="module")
def url(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a dashboard with a login, started by somebody who has set up other apps carelessly."""
    user = tmp_path_factory.mktemp("user")
    (user / ".streamlit").mkdir()
    (user / ".streamlit" / "config.toml").write_text(
        """
        [server]
        enableAgentApi = true
        trustedUserHeaders = {X-Email = "email"}
        """
    )
    (user / ".streamlit" / "secrets.toml").write_text("[auth]\ncookie_secret = 'known to everybody'\n")
    with provider(PEOPLE) as issuer, dashboard_with_login(home, issuer, LIST, HOME=str(user)) as address:
        yield address


@pytest.fixture
def visit(chromium: "Browser", url: str) -> Iterator[Visiting]:
    """Opens sessions that are closed after the test."""
    opened: list[Visit] = []

    def begin() -> Visit:
        opened.append(Visit(chromium, url))
        return opened[-1]

    yield begin
    for one in opened:
        one.close()


def log_in(visited: Visit, name: str, path: str = "") -> "Page":
    """Opens a link, logs in as somebody and waits for what they see."""
    page = visited.open(path)
    page.get_by_role("button", name="Log in").click()
    page.locator("input[name=sub]").fill(name)
    page.get_by_role("button", name="Authorize").click()
    page.get_by_role("button", name="Log out").wait_for()
    visited.settle()
    return page


def test_somebody_logs_in_and_the_link_that_they_came_by_is_opened(visit: Visiting) -> None:
    visited = visit()
    page = visited.open("campaigns?period=Last+7+days&sort=CTR")
    assert page.get_by_role("heading", name="adhouse").is_visible()
    assert "Acme" not in page.content()
    assert page.url.endswith("campaigns?period=Last+7+days&sort=CTR")
    page = log_in(visited, "ann", "campaigns?period=Last+7+days&sort=CTR")
    page.wait_for_url(re.compile(r"campaigns\?period=Last\+7\+days&sort=CTR$"))
    page.get_by_role("heading", name="Campaigns").wait_for()
    visited.settle()
    assert page.get_by_text("ann@example.org sees Acme").is_visible()
    assert "Hush" not in page.content()
    assert page.get_by_role("link", name="Data health").count() == 0
    # Whoever opens another link in this tab meanwhile stays there, and another tab is logged in too.
    visited.open("?period=Last+28+days")
    assert page.url.endswith("?period=Last+28+days")


@pytest.mark.cases
def test_axe_finds_nothing_wrong_before_and_after_the_login(visit: Visiting) -> None:
    visited = visit()
    assert violations(visited.open()) == []
    log_in(visited, "ann")
    assert violations(visited.open("health")) == []


@pytest.mark.cases
def test_logging_out_ends_it_in_every_tab_that_is_loaded_again(visit: Visiting) -> None:
    visited = visit()
    page = log_in(visited, "boss")
    assert page.get_by_text("boss@example.org sees all brands").is_visible()
    assert page.get_by_role("link", name="Data health").is_visible()
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url(re.compile("end_session"))
    page = visited.open("campaigns")
    assert page.get_by_role("button", name="Log in").is_visible()
    assert page.get_by_test_id("stMetric").count() == 0


@pytest.mark.parametrize(
    ("name", "said"),
    always(1, [("liar", "names no verified e-mail address"), ("stranger", "nothing has been shared with you yet")]),
)
def test_a_stranger_sees_nothing_and_is_told_whom_to_ask(visit: Visiting, name: str, said: str) -> None:
    page = log_in(visit(), name)
    text = page.get_by_test_id("stAlert").inner_text()
    assert said in text
    assert "Please ask the ads team." in text
    assert not re.search("Acme|Hush", page.content())


def test_a_forged_filter_and_an_export_give_only_what_is_mine(visit: Visiting) -> None:
    visited = visit()
    log_in(visited, "ann")
    page = visited.open("campaigns?brand=Hush")
    assert "Brand Hush is not in this build" in page.get_by_test_id("stAlert").inner_text()
    with page.expect_download() as saved:
        page.get_by_role("button", name="Download as CSV").click()
    text = Path(saved.value.path()).read_text(encoding="utf-8-sig")
    assert "c1" in text
    assert "Hush" not in text
    page.get_by_role("combobox", name="Brand").click()
    assert page.get_by_role("option").all_inner_texts() == ["Acme"]


def session(url: str, token: str = "", **headers: str) -> bytes:
    """What the server says to a session over a WebSocket that asks for the first page, until that is done."""
    from streamlit.proto.BackMsg_pb2 import BackMsg
    from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

    asked = BackMsg()
    asked.rerun_script.query_string = ""
    said = b""
    spoken = [Subprotocol(one) for one in ("streamlit", token) if one]
    with connect(
        url.replace("http", "ws", 1) + "/_stcore/stream",
        additional_headers={name.replace("_", "-"): value for name, value in headers.items()},
        subprotocols=spoken,
        max_size=None,
    ) as socket:
        socket.send(asked.SerializeToString())
        while True:
            message = socket.recv(timeout=60)
            assert isinstance(message, bytes)
            said += message
            if ForwardMsg.FromString(message).WhichOneof("type") == "script_finished":
                return said


def sees_nothing(said: bytes) -> bool:
    return b"Log in to see the dashboard" in said and not re.search(b"Acme|Hush|Data as of", said)


@pytest.mark.parametrize("cookie", ["", "_streamlit_user=eyJlbWFpbCI6ImJvc3NAZXhhbXBsZS5vcmcifQ; _streamlit_xsrf=1"])
def test_a_session_without_a_signed_cookie_sees_nothing(url: str, cookie: str) -> None:
    assert sees_nothing(session(url, Origin=url, X_Email="boss@example.org", **({"Cookie": cookie} if cookie else {})))


def test_a_session_is_whose_cookie_it_has_and_only_for_our_own_pages(visit: Visiting, url: str) -> None:
    visited = visit()
    log_in(visited, "ann")
    cookies = {one["name"]: one["value"] for one in visited.page.context.cookies()}
    sent, token = "; ".join(f"{name}={value}" for name, value in cookies.items()), cookies["_streamlit_xsrf"]
    mine = session(url, token, Origin=url, Cookie=sent, X_Email="boss@example.org")
    assert b"sees Acme" in mine
    assert b"Hush" not in mine
    assert sees_nothing(session(url, token, Cookie=sent)), "without an origin"
    assert sees_nothing(session(url, Origin=url, Cookie=sent)), "without the token of the page"


def test_an_agent_is_not_logged_in(url: str) -> None:
    asked = urllib.request.Request(
        f"{url}/_stcore/agent/interact",
        json.dumps({"page": "campaigns"}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(asked, timeout=60) as answer:
        said = answer.read().decode()
    assert "Log in to see the dashboard" in said
    assert not re.search("Acme|Hush|Data as of", said)


@pytest.mark.parametrize("missing", ["ADHOUSE_LOGIN_URL", "ADHOUSE_LOGIN_COOKIE_KEY", "ADHOUSE_LOGIN_CLIENT_SECRET"])
def test_a_login_that_is_half_set_up_stops_the_start(home: Path, missing: str) -> None:
    settings = login_settings("http://localhost:1", "http://localhost:2")
    ended = started(home, {name: value for name, value in settings.items() if name != missing})
    assert ended.returncode == 2
    assert ended.stderr == (
        f"adhouse: the dashboard's login is only half set up, without {missing} "
        "(set ADHOUSE_LOGIN_URL, _PROVIDER, _CLIENT_ID, _CLIENT_SECRET and _COOKIE_KEY, or none of them)\n"
    )


def test_a_login_without_a_list_that_can_be_read_does_not_start(home: Path, tmp_path: Path) -> None:
    (tmp_path / "seeds").mkdir()
    (tmp_path / "seeds" / "dashboard_people.csv").write_text("ann@example.org\n")
    settings = login_settings("http://localhost:1", "http://localhost:2") | {"DBT_PROJECT_DIR": str(tmp_path)}
    ended = started(home, settings)
    assert ended.returncode == 2
    assert "dashboard_people.csv does not begin with the line email,brand" in ended.stderr
    assert not re.search(f"{CLIENT_SECRET}|{COOKIE_KEY}|ann@", ended.stdout + ended.stderr)


def started(home: Path, settings: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    others = {name: value for name, value in os.environ.items() if not name.startswith(("ADHOUSE_", "DBT_"))}
    environment = {**others, **settings, "ADHOUSE_HOME": str(home)}
    return subprocess.run(
        [COMMAND, "dashboard"], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
