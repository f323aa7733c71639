"""The dashboard for everybody: axe finds nothing wrong but one thing of Streamlit's, and no mouse is needed."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

import pytest
from support.accessibility import violations
from support.browser import NARROW, WIDE, Visiting, dashboard
from support.cases import always
from support.dashboard_pages import days_back
from support.published_file import delivered, publish_invented

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

PAGES = ("", "campaigns", "creatives", "daily", "geography", "funnel", "attribution", "auctions", "alerts", "health")
WAYS: tuple[tuple[tuple[int, int], Literal["light", "dark"]], ...] = ((WIDE, "light"), (NARROW, "dark"))
OTHER_WAYS: tuple[tuple[tuple[int, int], Literal["light", "dark"]], ...] = ((WIDE, "dark"), (NARROW, "light"))
FEW_PAGES = ("", "geography", "health")


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a dashboard in which every page has something to show."""
    home = tmp_path_factory.mktemp("for_everybody")
    names = ("c1", "c2")
    deliveries = [
        delivered(campaign_id=name, ad_id=f"ad of {name}", date=days_back(back), impressions=2000 + 9 * back)
        for name in names
        for back in range(28)
    ]
    funnel = {"opportunities": 9, "wins": 8, "impressions": 7, "net_impressions": 7, "clicks": 3, "net_clicks": 3}
    zero = dict.fromkeys(("unattributed_conversions", "view_through_value", "unattributed_value"), 0)
    credited = {"conversion_type": "sale", "model": "linear", "date_base": "touch", "is_mature": False, **zero}
    others: dict[str, Any] = {
        "places": [{"place": "US", "country": "US"}, {"place": "US-TX", "country": "US", "state": "Texas"}],
        "campaign_funnel": [{"campaign_id": "c1", "date": days_back(back), **funnel} for back in (1, 2)],
        "campaign_attribution": [
            {"campaign_id": "c1", "date": days_back(1), **credited, "conversions": 1, "view_through_conversions": 1}
            | {"conversion_value": 1}
        ],
        "auction_performance": [
            {"date": days_back(back), "exchange": "x", "opportunities": 1, "bids": 1} for back in (1, 2)
        ],
        "kpi_alerts": [{"scope": "campaign", "campaign_id": "c1", "date": days_back(1), "metric": "ctr", "value": 1}],
        "file_overlaps": [{"source": "campaign_files", "message": "a.csv may count twice"}],
    }
    publish_invented(home / "published", deliveries, others)
    with dashboard(home) as address:
        yield address


@pytest.mark.parametrize("path", always(1, FEW_PAGES))
@pytest.mark.parametrize(("size", "theme"), WAYS)
def test_axe_finds_nothing_that_is_ours(
    visit: Visiting, path: str, size: tuple[int, int], theme: Literal["light", "dark"]
) -> None:
    assert violations(visit(size, theme).open(path)) == []


@pytest.mark.cases
@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize(("size", "theme"), [*WAYS, *OTHER_WAYS])
def test_axe_finds_nothing_that_is_ours_on_any_page(
    visit: Visiting, path: str, size: tuple[int, int], theme: Literal["light", "dark"]
) -> None:
    assert violations(visit(size, theme).open(path)) == []


def tab_to(page: "Page", wanted: "Locator") -> None:
    """Presses Tab until something has the focus."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if wanted.evaluate("element => element === document.activeElement"):
            return
    pytest.fail(f"Tab never comes to {wanted}")


@pytest.mark.cases
def test_without_a_mouse_somebody_changes_the_page_filters_and_exports(visit: Visiting) -> None:
    visited = visit()
    page = visited.open()
    tab_to(page, page.get_by_role("link", name="Campaigns"))
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/campaigns"))
    page.get_by_role("heading", name="Campaigns").wait_for()
    visited.settle()
    tab_to(page, page.get_by_role("combobox", name="Campaign"))
    page.keyboard.type("c2")
    page.get_by_role("option", name="c2").wait_for()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("campaign=c2"))
    page.keyboard.press("Escape")
    visited.settle()
    tab_to(page, page.get_by_role("button", name="Download as CSV"))
    with page.expect_download() as saved:
        page.keyboard.press("Enter")
    assert saved.value.suggested_filename == "by_campaign.csv"
