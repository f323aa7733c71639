"""Fixtures of the dashboard: an invented build, and a page of it run without a browser.

Streamlit takes a second to import, so only tests that ask for a fixture of these import it.
"""

import sys
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from support.published_file import DAY, delivered, publish_invented

if TYPE_CHECKING:
    from streamlit.testing.v1 import AppTest

    from dashboard.published import Build

RunPage = Callable[..., "AppTest"]
SCRIPT = Path(__file__).parents[2] / "dashboard" / "app.py"


def days_back(count: int) -> date:
    """The day so many days before the newest."""
    return DAY - timedelta(days=count)


DELIVERIES = [
    delivered(),
    delivered(campaign_id="c2", ad_id="ad2", brand="Beta", state="Ohio", city="Columbus", zipcode="43004", spend=7.25),
    delivered(
        campaign_id="c2",
        ad_id="ad3",
        brand="Beta",
        country="DE",
        state="Bayern",
        city="München",
        clicks=0,
        conversions=0,
    ),
    delivered(date=days_back(1), impressions=500, spend=5),
    delivered(date=days_back(20), impressions=2000, clicks=40, conversions=0, spend=25),
    delivered(campaign_id="c3", ad_id="ad4", brand="Acme", date=days_back(30), source="campaign_files"),
]


@pytest.fixture(scope="session")
def invented_link(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The link to a published build that has the rows of `DELIVERIES`."""
    return publish_invented(tmp_path_factory.mktemp("invented") / "published", DELIVERIES)


@pytest.fixture
def invented(invented_link: Path) -> "Build":
    """The build behind that link."""
    return build_behind(invented_link)


def build_behind(link: Path) -> "Build":
    """The build that readers of a link see."""
    from dashboard.published import build_of, file_of

    file = file_of(link)
    assert file
    return build_of(file)


@pytest.fixture
def run_page(monkeypatch: pytest.MonkeyPatch) -> RunPage:
    """Opens a page by a link with these parameters, as somebody if there is a login; nothing may end it by an error."""
    from streamlit.testing.v1 import AppTest

    def run(
        link: Path,
        page: str = "overview",
        user: dict[str, Any] | None = None,
        secrets: dict[str, Any] | None = None,
        **parameters: Any,
    ) -> AppTest:
        monkeypatch.setattr(sys, "argv", [str(SCRIPT), str(link)])
        shown = AppTest.from_file(str(SCRIPT), default_timeout=60)
        shown.user, shown.secrets = user or {}, secrets or {}
        for name, value in parameters.items():
            shown.query_params[name] = value
        shown.run()
        if page != "overview":
            shown.switch_page(f"pages_/{page}.py").run()
        assert not shown.exception, shown.exception[0].value
        return shown

    return run
