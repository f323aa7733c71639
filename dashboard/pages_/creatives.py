"""Each ad of the period: which do best, of those that were shown often enough to tell, and which are wearing out."""

import streamlit as st

from dashboard import queries, show, tables, view
from dashboard.measures import DELIVERY
from dashboard.pages import LEAST_IMPRESSIONS
from dashboard.published import Rows
from dashboard.queries import Selection
from dashboard.ranking import ranking

CARDS = ("spend", "impressions", "clicks", "conversions", "ctr", "cpa")
USUAL_LEAST = LEAST_IMPRESSIONS.index(1_000)
MOST_TIRING = 25
TIRING = ("ctr", "impressions", "spend")


def page(selection: Selection) -> None:
    """Draws the page."""
    if show.totals(selection, CARDS) is None:
        return
    written = [f"{number:,}" for number in LEAST_IMPRESSIONS]
    chosen = st.selectbox(
        "Only ads with at least so many impressions",
        written,
        index=USUAL_LEAST,
        key="least",
        bind="query-params",
        width=320,
        help="The rates of an ad that was hardly shown say little.",
    )
    least = LEAST_IMPRESSIONS[written.index(chosen)]
    st.header("Leaderboard", anchor=False)
    ranking(selection, "ad", beside=("campaign",), least_impressions=least)
    _tiring(selection, least)


def _tiring(selection: Selection, least: int) -> None:
    st.header("Creative fatigue", anchor=False)
    tiring = queries.tiring(selection, least)
    if not tiring.rows:
        st.info("No ad with enough impressions in both halves of the period has a lower CTR in the second.")
        return
    rows = tiring.dicts()[:MOST_TIRING]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            f"{show.first_of(len(tiring.rows), len(rows), 'ad', 'ads')} whose CTR fell from the first half of the "
            "period to the second, the greatest relative fall first. The figures are of the second half."
        )
        show.export("Download as CSV", "creative_fatigue", lambda: _all_of(selection, tiring), key="export_tiring")
    rows, names = tables.with_names(selection, rows, {"ad_id": "Ad", "campaign_id": "Campaign"}, "ad_id")
    tables.table(
        selection.build,
        rows,
        names,
        [DELIVERY[name] for name in TIRING],
        key="tiring",
        alt="Ads whose click-through rate fell within the period",
        changes=True,
    )


def _all_of(selection: Selection, tiring: Rows) -> Rows:
    measures = [prefix + name for name in TIRING for prefix in ("", "before_")]
    columns = ("ad_id", "campaign_id", *measures)
    rows = [tuple(row[column] for column in columns) for row in tiring.dicts()]
    return tables.named(selection, Rows(columns, rows), "ad_id")


page(view.selection())
