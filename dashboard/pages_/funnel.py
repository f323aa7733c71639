"""From the opportunities that were bid on to conversions, by the logs of events."""

import streamlit as st

from dashboard import queries, show, view
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
    show.cards(selection, [FUNNEL[name] for name in (*CARDS, *RATES)], totals)
    st.caption(
        "Conversions of recent days are provisional: they count on the day of the click or view that led to them."
    )
    left, right = st.columns(2)
    with left:
        st.subheader("Funnel", anchor=False)
        show.funnel_chart(selection.build, STEPS, totals)
    with right:
        st.subheader("Rates over time", anchor=False)
        with st.container(horizontal=True):
            label = st.selectbox("Rate", [*FUNNEL_RATES], key="rate", bind="query-params", width=180)
            grain = st.selectbox("By", [*GRAINS], key="grain", bind="query-params", width=140)
        now = queries.funnel(selection, grain=GRAINS[grain], limit=None).dicts()
        before = show.before_of(selection)
        earlier = queries.funnel(before, grain=GRAINS[grain], limit=None).dicts() if before else []
        show.trend_chart(
            selection.build,
            FUNNEL_RATES[label],
            sorted(now, key=lambda row: row["bucket"]),
            sorted(earlier, key=lambda row: row["bucket"]),
        )
    st.subheader("By campaign", anchor=False)
    rows = queries.funnel(selection, ("campaign_id",)).dicts()
    show.export(
        "Download as CSV",
        "funnel",
        lambda: queries.funnel(selection, ("campaign_id",), limit=None, is_cached=False),
        key="export_funnel",
    )
    show.table(
        selection.build,
        rows,
        {"campaign_id": "Campaign"},
        FUNNEL.values(),
        key="funnel",
        alt="The funnel of each campaign",
    )


page(view.selection())
