"""dbt's exposures name the marts that each page reads, so that a change of a mart says which pages it changes."""

import re
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
import yaml
from support.dashboard_pages import RunPage
from support.dashboard_queries import publish_two_brands
from support.repository import ROOT

from dashboard import published, queries
from dashboard.pages import HEALTH_TABS, PAGES

PLACES = {"country": "US", "state": "Texas", "city": "Austin", "zip": "73301"}
LINKS: tuple[dict[str, Any], ...] = (
    {},
    {"campaign": "c1"},
    {"brand": "Acme", "ad": "ad1"},
    {"source": "campaign_api", "ad": "ad1"},
    {"country": "US"},
    PLACES,
    {**PLACES, "ad": "ad1"},
    *({"tab": tab} for tab in HEALTH_TABS),
)


@pytest.fixture(scope="module")
def link(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build every mart of which has rows."""
    return publish_two_brands(tmp_path_factory.mktemp("exposed") / "published")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.title)
def test_an_exposure_names_what_its_page_reads(
    page: Any, link: Path, run_page: RunPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: set[str] = set()
    fetch = published.fetch

    def noting(path: str, sql: str, parameters: Any = None) -> published.Rows:
        read.update(re.findall(r"adhouse\.marts\.(\w+)", sql))
        return fetch(path, sql, parameters)

    offered = {*page.offered.filters, *page.offered.choices}
    for parameters in LINKS:
        if not parameters.keys() <= offered:
            continue
        shown = run_page(link, **parameters)
        st.cache_data.clear()  # or what the first page asked would be asked no more
        with monkeypatch.context() as patched:
            patched.setattr(published, "fetch", noting)
            patched.setattr(queries, "fetch", noting)
            shown.switch_page(page.file).run()
        assert not shown.exception
    exposures = yaml.safe_load((ROOT / "models/marts/_exposures.yml").read_text())["exposures"]
    (exposed,) = [one for one in exposures if one.get("label") == page.title]
    named = {re.fullmatch(r"ref\('(\w+)'\)", one)[1] for one in exposed["depends_on"]}  # type: ignore[index]
    assert read
    assert sorted(read - named) == []
