"""From the opportunities that were bid on to conversions, by the logs of events."""

from typing import Any

import streamlit as st

from dashboard import charts, queries, show, tables, view
from dashboard.course import course
from dashboard.measures import FUNNEL
from dashboard.pages import FUNNEL_RATES
from dashboard.queries import GRAINS, Selection

STEPS = (
    (FUNNEL["opportunities"], None),
    (FUNNEL["wins"], FUNNEL["win_rate"]),
    (FUNNEL["net_impressions"], None),
    (FUNNEL["net_clicks"], FUNNEL["ctr"]),
    (FUNNEL["conversions"], FUNNEL["cvr"]),
)
CARDS = (
    "opportunities",
    "wins",
    "net_impressions",
    "net_clicks",
    "conversions",
    "view_through_conversions",
    "media_cost",
)
RATES = ("win_rate", "ctr", "cvr")
NO_EVENTS = (
    "There are no events in this period with these filters. Logs of events are dropped into inboxes: docs/events.md."
)


def page(selection: Selection) -> None:
    """Draws the page."""
    totals = queries.funnel(selection).dicts()[0]
    if not any(totals[name] for name in CARDS):
        st.info(NO_EVENTS)
        return
    open_from = queries.open_from(selection)
    show.cards(selection, [FUNNEL[name] for name in (*CARDS, *RATES)], totals, open_from=open_from)
    if open_from and open_from <= selection.until:
        st.caption(
            "Conversions count on the day of the click or view that led to them. Those of clicks and views since "
            f"{open_from:%-d %b %Y} may still come, because the look-back windows of these days are open."
        )
    left, right = st.columns(2)
    with left:
        st.header("Funnel", anchor=False)
        charts.funnel_chart(selection.build, STEPS, totals)
    with right:
        st.header("Rates over time", anchor=False)
        with st.container(horizontal=True):
            label = st.selectbox("Rate", [*FUNNEL_RATES], key="rate", bind="query-params", width=180)
            grain = st.selectbox("By", [*GRAINS], key="grain", bind="query-params", width=140)
        rate = FUNNEL_RATES[label]
        charts.trend_chart(
            selection,
            rate,
            _course(selection, GRAINS[grain]),
            open_from=open_from if rate.numerator == "conversions" else None,
            why_open="the look-back windows of these days are open",
            grain=GRAINS[grain],
        )
    st.header("By campaign", anchor=False)
    rows = queries.funnel(selection, ("campaign_id",)).dicts()
    with st.container(horizontal=True, vertical_alignment="center"):
        counted = show.first_of(rows[0]["groups"], len(rows), "campaign", "campaigns")
        st.caption(f"{counted}, those with the most impressions first.")
        show.export(
            "Download as CSV",
            "funnel",
            lambda: tables.named(selection, queries.funnel(selection, ("campaign_id",), limit=None, is_cached=False)),
            key="export_funnel",
        )
    rows, names = tables.with_names(selection, rows, {"campaign_id": "Campaign"})
    tables.table(
        selection.build,
        rows,
        names,
        FUNNEL.values(),
        key="funnel",
        alt="The funnel of each campaign",
    )


def _course(selection: Selection, grain: str) -> list[dict[str, Any]]:
    return course(selection, grain, FUNNEL.values(), lambda: queries.funnel(selection, grain=grain, limit=None))


page(view.selection())
