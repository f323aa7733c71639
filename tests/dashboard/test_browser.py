"""The dashboard as a person uses it, in a real browser, served by the real command; the names in it are hostile."""

import csv
import io
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.browser import COMMAND, NARROW, Visit, Visiting, dashboard, free_port, wait_for
from support.cases import always
from support.dashboard_pages import days_back
from support.published_file import delivered, publish_invented

from adhouse.alerts import state
from adhouse.alerts.alert import Alert

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PAGES = ("", "campaigns", "creatives", "daily", "geography", "funnel", "attribution", "auctions", "alerts", "health")
IMAGE = "![x](http://evil.invalid/x.png)"
FORMULA = "=HYPERLINK(0)"
HOSTILE = (
    IMAGE,
    FORMULA,
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    ":rocket: $x^2$ [l](http://evil.invalid)",
)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a dashboard over two weeks, each compared with the one before."""
    home = tmp_path_factory.mktemp("looked_at")
    names = ("c1", *HOSTILE)
    deliveries = [
        delivered(
            campaign_id=name,
            ad_id=f"ad of {name}",
            brand=f"brand of {name}",
            date=days_back(back),
            impressions=1000 + back,
        )
        for name in names
        for back in range(28)
    ]
    deliveries += [delivered(country="DE", state="Bayern", city="München", date=days_back(back)) for back in range(28)]
    deliveries += [delivered(country=name, state=name, city=name, zipcode=name) for name in HOSTILE]
    # As long as the pages of events have something to show, they too must keep to names as they are.
    funnel = {"opportunities": 9, "wins": 8, "impressions": 7, "net_impressions": 7, "clicks": 3, "net_clicks": 3}
    credited = {"conversion_type": IMAGE, "model": "linear", "date_base": "touch", "is_mature": False}
    zero = dict.fromkeys(("unattributed_conversions", "view_through_value", "unattributed_value"), 0)
    others: dict[str, Any] = {
        "places": [{"place": code, "country": code} for code in ("US", "DE")]
        + [{"place": "US-TX", "country": "US", "state": "Texas"}],
        "campaign_funnel": [{"campaign_id": IMAGE, "date": days_back(1), **funnel}],
        "campaign_attribution": [
            {"campaign_id": IMAGE, "date": days_back(1), **credited, "conversions": 1, "view_through_conversions": 1}
            | {"conversion_value": 1, **zero}
        ],
        "auction_performance": [{"date": days_back(1), "exchange": IMAGE, "opportunities": 1}],
        "auction_losses": [{"date": days_back(1), "loss_reason": IMAGE, "bids_lost": 1}],
        "kpi_alerts": [{"scope": "campaign", "campaign_id": IMAGE, "date": days_back(1), "metric": "ctr", "value": 1}],
        "file_overlaps": [{"source": IMAGE, "message": f"{name} may count twice"} for name in HOSTILE],
        "quarantined_deliveries": [{"source": IMAGE, "reason": "negative_count"}],
        "ops.quarantine_examples": [{"source": IMAGE, "reason": "negative_count", "payload": IMAGE}],
    }
    publish_invented(home / "published", deliveries, others)
    note_alerts(home)
    with dashboard(home) as address:
        yield address


def note_alerts(home: Path) -> None:
    """Notes an alert for each hostile name, as if nothing had made it harmless."""
    alerts = [Alert(("metric", name), f"CTR of {name}", name, 1, days_back(0), campaign_id=name) for name in HOSTILE]
    with state.opened(home) as noted:
        noted.note(alerts, "b1", days_back(0), datetime.now(UTC))


def cards(visited: Visit) -> dict[str, str]:
    """The values of the cards by label."""
    found = visited.page.get_by_test_id("stMetric").all()
    texts = [
        (card.get_by_test_id("stMetricLabel").inner_text(), card.get_by_test_id("stMetricValue").inner_text())
        for card in found
    ]
    return {label.strip(): value.strip() for label, value in texts}


def check(visited: Visit, path: str) -> None:
    """A page is whole: no error, no request to another host, nothing wider than the window."""
    page = visited.open(path)
    assert page.get_by_test_id("stException").count() == 0, path
    assert visited.unexpected() == [], path
    assert visited.foreign == [], path
    wide = page.evaluate(
        "[...document.querySelectorAll('[data-testid=stMain]')].map(m => m.scrollWidth - m.clientWidth)"
    )
    assert wide == [0], f"{path} scrolls sideways"
    assert "Data as of 2026-11-06 00:00 UTC" in page.get_by_test_id("stMain").inner_text()


@pytest.mark.parametrize("path", always(1, PAGES))
def test_a_page_opens_whole_whatever_names_the_data_have(visit: Visiting, path: str) -> None:
    check(visit(), path)


@pytest.mark.cases
@pytest.mark.parametrize("path", PAGES)
def test_a_page_opens_whole_on_a_small_dark_screen(visit: Visiting, path: str) -> None:
    check(visit(NARROW, "dark"), path)


def test_a_filter_is_in_the_link_and_the_link_opens_the_same_view(visit: Visiting) -> None:
    first = visit()
    page = first.open()
    everything = cards(first)
    page.get_by_role("combobox", name="Campaign").click()
    page.get_by_role("option", name=IMAGE, exact=True).click()
    page.wait_for_url(re.compile("campaign="))
    page.wait_for_function(
        f"document.querySelector('[data-testid=stMetricValue]').innerText != {everything['Spend']!r}"
    )
    first.settle()
    chosen = cards(first)
    assert chosen != everything
    second = visit()
    second.open(page.url.partition("/")[2].partition("/")[2].partition("/")[2])
    assert cards(second) == chosen
    assert first.foreign == second.foreign == []


POINTS = "[...document.querySelectorAll('[data-testid=stVegaLiteChart] path[aria-label]')].map(one => one.ariaLabel)"
PAINTED = "[document.querySelector('[data-testid=stVegaLiteChart] canvas')?.toDataURL()]"


def drawn(visited: Visit, picture: str, before: str | None = None) -> str:
    """What charts have for screen readers, or how a map is painted, once it is not as before and stays so."""
    visited.settle()
    is_there = f"""before => {{
        const [last, now] = [window.lastDrawn, {picture}];
        window.lastDrawn = now.join();
        return now[0] && now.join() === last && last !== before;
    }}"""
    visited.page.wait_for_function(is_there, arg=before, polling=250)
    return str(visited.page.evaluate(f"{picture}.join()"))


@pytest.mark.parametrize(("path", "picture"), always(1, [("", POINTS), ("geography", PAINTED)]))
def test_a_picture_follows_the_filters(visit: Visiting, path: str, picture: str) -> None:
    first = visit()
    page = first.open(path)
    before = drawn(first, picture)
    page.get_by_role("combobox", name="Brand").click()
    page.get_by_role("option", name=f"brand of {IMAGE}", exact=True).click()
    page.wait_for_url(re.compile("brand="))
    after = drawn(first, picture, before)
    second = visit()
    second.open(page.url.partition("/")[2].partition("/")[2].partition("/")[2])
    assert drawn(second, picture, before) == after


@pytest.mark.parametrize("time_zone", always(1, ("America/Los_Angeles", "Pacific/Kiritimati")))
def test_a_point_stands_on_its_day_wherever_the_browser_is(visit: Visiting, time_zone: str) -> None:
    visited = visit(time_zone=time_zone)
    visited.open("?compare=Nothing")
    assert re.findall(r"on: ([^;]+);[^,]*Day: 5 Nov 2026", drawn(visited, POINTS)) == ["5 Nov"] * 2


@pytest.mark.cases
def test_a_link_to_what_is_not_there_says_so(visit: Visiting) -> None:
    visited = visit()
    page = visited.open("campaigns?brand=Nowhere&period=Last+7+days")
    assert "Brand Nowhere is not in this build" in page.get_by_test_id("stAlert").inner_text()
    page.get_by_role("button", name="Understood").click()
    page.get_by_test_id("stAlert").wait_for(state="detached")
    assert page.url.endswith("campaigns?period=Last+7+days")


def test_the_export_has_every_row_and_no_formula(visit: Visiting) -> None:
    page = visit().open("campaigns")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Download as CSV").click()
    text = Path(saved.value.path()).read_text(encoding="utf-8-sig")
    rows = {row["campaign_id"]: row for row in csv.DictReader(io.StringIO(text))}
    assert rows.keys() == {"c1", f"'{FORMULA}", *HOSTILE} - {FORMULA}
    assert rows["c1"]["spend"] == "400.000000"
    assert not [cell for row in rows.values() for cell in row.values() if cell.startswith(("=", "+", "@"))]


def test_a_person_acknowledges_an_alert(visit: Visiting) -> None:
    visited = visit()
    page = visited.open("alerts")
    page.get_by_role("combobox", name="Alerts to acknowledge").click()
    page.get_by_role("option", name=f"CTR of {IMAGE}", exact=True).click()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Acknowledge", exact=True).click()
    page.get_by_role("combobox", name="Alerts to take back").click()
    page.get_by_role("option", name=f"CTR of {IMAGE}", exact=True).wait_for()
    assert visited.foreign == []
    assert visited.unexpected() == []


@pytest.mark.cases
def test_the_table_itself_gives_nothing_away(visit: Visiting) -> None:
    page = visit().open("campaigns")
    page.get_by_test_id("stDataFrame").first.hover()
    assert page.get_by_role("button", name="Download as CSV").count() == 1
    assert page.get_by_test_id("stElementToolbarButton").filter(has_text="Download").count() == 0


def click_map(visited: Visit, right: float, down: float) -> None:
    """Clicks on a map, so far from its left and its upper edge, of its width and its height."""
    drawn(visited, PAINTED)
    canvas = visited.page.get_by_test_id("stVegaLiteChart").locator("canvas")
    box = canvas.bounding_box()
    assert box
    canvas.click(position={"x": box["width"] * right, "y": box["height"] * down})


def test_a_click_on_the_map_leads_to_the_states_and_to_their_cities(visit: Visiting) -> None:
    visited = visit()
    page = visited.open("geography")
    click_map(visited, 0.33, 0.22)
    page.wait_for_url(re.compile("country=US"))
    visited.settle()
    assert page.get_by_role("heading", name="By state").is_visible()
    click_map(visited, 0.45, 0.75)
    page.wait_for_url(re.compile("country=US&state=Texas"))
    visited.settle()
    assert page.get_by_role("heading", name="By city").is_visible()
    page.get_by_role("button", name="All countries").click()
    page.wait_for_url(re.compile("geography$"))
    assert visited.foreign == []


def test_a_row_filters_by_all_that_it_is_of(visit: Visiting) -> None:
    visited = visit()
    page = visited.open("creatives?least=0&sort=Impressions")
    table = page.get_by_test_id("stDataFrame").first.bounding_box()
    assert table
    page.mouse.click(table["x"] + 15, table["y"] + 55)  # the box before the first row
    page.wait_for_url(re.compile("ad=ad1"))
    visited.settle()
    assert "campaign=c1" in page.url
    assert visited.unexpected() == []


def test_a_link_loses_places_whose_country_is_gone(visit: Visiting) -> None:
    visited = visit()
    page = visited.open("geography?country=US&state=Texas")
    page.get_by_role("combobox", name="Country").press("Backspace")
    page.wait_for_url(re.compile("geography$"))
    visited.settle()
    assert page.get_by_text("This link asks for what is not shown").count() == 0


@pytest.mark.cases
def test_the_keyboard_alone_changes_the_period(visit: Visiting) -> None:
    visited = visit()
    page = visited.open()
    period = page.get_by_role("combobox", name="Period")
    for _ in range(40):
        page.keyboard.press("Tab")
        if period.evaluate("element => element === document.activeElement"):
            break
    page.keyboard.press("ArrowDown")
    page.keyboard.type("Last 7")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"period=Last\+7\+days"))


@pytest.mark.cases
def test_what_is_shown_stays_in_sight_while_scrolling(visit: Visiting) -> None:
    page = visit(NARROW).open("campaigns")
    page.get_by_test_id("stMain").evaluate("main => main.scrollTo(0, main.scrollHeight)")
    page.wait_for_function("document.querySelector('[data-testid=stMain]').scrollTop > 0")
    box = page.locator(".st-key-asof").bounding_box()
    assert box
    assert 0 <= box["y"] < 120


@pytest.mark.cases  # the page looks once a minute
def test_a_page_that_is_left_open_offers_the_new_build(chromium: "Browser", tmp_path: Path) -> None:
    publish_invented(tmp_path / "published", [delivered()])
    with dashboard(tmp_path) as address:
        visited = Visit(chromium, address)
        page = visited.open("campaigns?period=Last+7+days")
        publish_invented(tmp_path / "published", [delivered(spend=99)], build_id="000002-20261106T050000Z-newer")
        offer = page.get_by_role("button", name="A newer build is published: show it")
        offer.wait_for(timeout=120_000)
        assert "build 000001" in page.locator(".st-key-asof").inner_text()
        offer.click()
        page.get_by_text("build 000002-20261106T050000Z-newer").wait_for()
        visited.settle()
        assert cards(visited)["Spend"] == "$99.00"
        assert page.url.endswith("campaigns?period=Last+7+days")
        visited.close()


def test_without_a_build_the_command_says_what_to_do(tmp_path: Path) -> None:
    others = {name: value for name, value in os.environ.items() if not name.startswith(("ADHOUSE_", "DBT_"))}
    environment = {**others, "ADHOUSE_HOME": str(tmp_path)}
    ended = subprocess.run([COMMAND, "dashboard"], env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr == "adhouse: nothing is published yet (`adhouse run` publishes the first build)\n"


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("", "--host is empty (name an address of this machine, such as 127.0.0.1)"),
        ("192.0.2.1", "(name an address of this machine with --host)"),
    ],
)
def test_an_address_that_is_not_ours_is_refused(tmp_path: Path, host: str, said: str) -> None:
    publish_invented(tmp_path / "published", [delivered()])
    environment = {**os.environ, "ADHOUSE_HOME": str(tmp_path)}
    arguments: list[str | Path] = [COMMAND, "dashboard", "--host", host]
    ended = subprocess.run(arguments, env=environment, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr.count("\n")) == (2 if not host else 1, 1)
    assert said in ended.stderr


def test_whoever_reads_the_address_through_a_pipe_may_leave(tmp_path: Path) -> None:
    publish_invented(tmp_path / "published", [delivered()])
    environment = {**os.environ, "ADHOUSE_HOME": str(tmp_path)}
    arguments: list[str | Path] = [COMMAND, "dashboard", "--port", str(free_port())]
    with subprocess.Popen(arguments, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as one:
        assert one.stdout
        assert one.stderr
        said = one.stdout.readline()
        assert said.startswith("dashboard: http")
        wait_for(said.split()[1], one)  # until then a signal would end it before it says anything
        one.stdout.close()
        one.send_signal(signal.SIGTERM)
        try:
            one.wait(30)
        finally:
            one.kill()
        assert "Traceback" not in one.stderr.read()
