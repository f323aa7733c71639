"""The page of alerts: what is open, and how a person says that they know; and that links in messages show it."""

import os
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from support.alert_builds import AS_OF, fallen, publish_alerts, unusual
from support.dashboard_pages import RunPage, build_behind
from support.published_file import DAY, delivered

from adhouse.alerts import links, state
from adhouse.alerts.alert import Alert
from adhouse.alerts.find import find
from adhouse.settings import read_settings
from adhouse.warehouse.open import open_warehouse
from dashboard import noted
from dashboard.queries import Reader, Selection

NOW = datetime(2026, 11, 6, 5, tzinfo=UTC)
IMAGE = "![x](http://evil.invalid/x.png)"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a published build."""
    home = tmp_path_factory.mktemp("board") / "data"
    names = ("c1", "shared", IMAGE)
    alerts = [unusual(campaign_id=name) for name in names] + [unusual(scope="all", campaign_id="all_campaigns")]
    shared = [delivered(campaign_id="shared", brand=brand) for brand in ("Acme", "Beta")]
    publish_alerts(home, alerts, fallen() + shared)
    return home


@pytest.fixture
def link(home: Path) -> Path:
    """The link to its build; the alerts are as freshly noted."""
    (home / state.NAME).unlink(missing_ok=True)
    settings = read_settings({"ADHOUSE_HOME": str(home), "ADHOUSE_API_URL": "none"})
    found = find(settings, open_warehouse(settings), NOW, is_in_run=False)
    with state.opened(home) as one:
        one.note(found.alerts, found.build_id, found.day, NOW)
    return home / "published" / "marts.duckdb"


def test_a_person_acknowledges_an_alert_and_takes_it_back(run_page: RunPage, link: Path, home: Path) -> None:
    shown = run_page(link, "alerts")
    assert list(shown.dataframe[0].value["State"]) == ["not sent"] * 4
    assert shown.button(key="acknowledge_button").disabled
    first = shown.dataframe[0].value["Id"][0]
    shown.multiselect(key="acknowledge").select(first).run()
    shown.button(key="acknowledge_button").click().run()
    assert not shown.exception
    assert not shown.error
    with state.opened(home) as one:
        assert [alert.alert_id for alert in one.listed() if alert.acknowledged_at] == [first]
    table = shown.dataframe[0].value
    assert table["Id"].iloc[-1] == first
    assert table["State"].iloc[-1].startswith("acknowledged on ")
    shown.multiselect(key="take_back").select(first).run()
    shown.button(key="take_back_button").click().run()
    assert list(shown.dataframe[0].value["State"]) == ["not sent"] * 4


def test_where_the_state_cannot_be_written_nothing_can_be_acknowledged(
    run_page: RunPage, link: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK and real(path, mode))  # a read-only mount
    shown = run_page(link, "alerts")
    assert len(shown.dataframe[0].value) == 4
    assert "acknowledge" not in [widget.key for widget in shown.multiselect]
    assert any("adhouse alerts acknowledge" in caption.value for caption in shown.caption)


def test_what_the_command_says_of_a_mistake_goes_into_the_servers_log_alone(
    run_page: RunPage, link: Path, home: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not noted.acknowledge(home, ["ffffffffffff"], is_undone=False)
    assert "there is no alert 'ffffffffffff'" in caplog.text
    assert not noted.acknowledge(home, ["--help"], is_undone=False)
    shown = run_page(link, "alerts")
    monkeypatch.setattr(noted, "COMMAND", Path("/bin/false"))
    shown.multiselect(key="acknowledge").select(shown.dataframe[0].value["Id"][0]).run()
    shown.button(key="acknowledge_button").click().run()
    assert [said.value for said in shown.error] == [
        "It could not be noted. The log of the dashboard's server says why."
    ]


@pytest.mark.parametrize("then", ["", "ann@example.org,Beta\n"])
def test_who_may_not_see_an_alert_any_more_acknowledges_nothing(
    run_page: RunPage, link: Path, home: Path, tmp_path: Path, then: str
) -> None:
    people = tmp_path / "people.csv"
    people.write_text("email,brand\nann@example.org,Acme\n")
    user = {"is_logged_in": True, "email": "ann@example.org"}
    secrets = {"auth": {}, "dashboard": {"people": str(people), "contact": "the boss"}}
    shown = run_page(link, "alerts", user=user, secrets=secrets)
    shown.multiselect(key="acknowledge").select(shown.dataframe[0].value["Id"][0]).run()
    people.write_text(f"email,brand\n{then}")
    shown.button(key="acknowledge_button").click().run()
    with state.opened(home) as one:
        assert [alert.alert_id for alert in one.listed() if alert.acknowledged_at] == []


def test_a_reader_of_some_brands_sees_alerts_of_their_campaigns_alone(link: Path, home: Path) -> None:
    everything = Selection(build_behind(link), DAY, DAY)
    all_open, theirs, nobodys = (
        noted.open_alerts(home, replace(everything, reader=Reader(brands))) for brands in (None, ("Acme",), ("Beta",))
    )
    assert all_open
    assert len(all_open) == 4
    assert [alert["campaign_id"] for alert in theirs or ()] == ["c1"]
    assert nobodys == []
    chosen = replace(everything, chosen=(("campaign_id", ("c1",)),))
    assert [alert["campaign_id"] for alert in noted.open_alerts(home, chosen) or ()] == ["c1"]


def test_alerts_of_another_build_are_told_apart_and_nothing_for_readers_of_some_brands(
    run_page: RunPage, link: Path, home: Path
) -> None:
    with sqlite3.connect(home / state.NAME) as connection:
        connection.execute("update alerts set build_id = '000009-x'")
    shown = run_page(link, "alerts")
    assert len(shown.dataframe[0].value) == 4
    assert any("last noted of build 000009" in caption.value.replace("&#45;", "-") for caption in shown.caption)
    theirs = Selection(build_behind(link), DAY, DAY, reader=Reader(("Acme",)))
    assert noted.open_alerts(home, theirs) == []


@pytest.mark.parametrize("fault", ["damaged", "a folder"])
def test_a_state_that_cannot_be_read_is_said_and_the_page_has_its_history(
    run_page: RunPage, link: Path, home: Path, fault: str
) -> None:
    (home / state.NAME).unlink()
    if fault == "damaged":
        (home / state.NAME).write_bytes(b"damaged" * 1000)
    else:
        (home / state.NAME).mkdir()
    try:
        shown = run_page(link, "alerts")
    finally:
        if fault == "a folder":
            (home / state.NAME).rmdir()
    assert any("`adhouse alerts list`" in said.value for said in shown.warning)
    assert "Value" in shown.dataframe[0].value


@pytest.mark.cases
def test_every_link_of_an_alert_opens_its_view(run_page: RunPage, link: Path, home: Path) -> None:
    settings = read_settings({"ADHOUSE_HOME": str(home), "ADHOUSE_API_URL": "none"})
    alerts: list[Alert] = find(settings, open_warehouse(settings), NOW, is_in_run=False).alerts
    there = [one.link for one in alerts if one.campaign_id != IMAGE]  # which delivered nothing
    courses = [links.course(metric, None, DAY, AS_OF.date()) for metric in links.MEASURES]
    for url in {*there, *courses, links.campaign("c1"), links.FRESHNESS, links.QUARANTINE, links.TESTS}:
        parts = urlsplit(url)
        shown = run_page(link, parts.path, **parse_qs(parts.query))
        assert not [said.value for said in shown.warning], url
