"""The days of the period: one measure against the period before, all measures as a table, weekdays and hours."""

import streamlit as st

from dashboard import queries, show, view
from dashboard.hours import weekdays_and_hours
from dashboard.measures import DELIVERY
from dashboard.pages import MEASURES
from dashboard.queries import GRAINS, Selection

CARDS = ("spend", "impressions", "clicks", "conversions", "ctr", "cpa")


def page(selection: Selection) -> None:
    """Draws the page."""
    if show.totals(selection, CARDS) is None:
        return
    with st.container(horizontal=True):
        label = st.selectbox("Measure", [*MEASURES], key="measure", bind="query-params", width=220)
        grain = st.selectbox("By", [*GRAINS], key="grain", bind="query-params", width=160)
    rows = show.delivery_course(selection, GRAINS[grain])
    open_from = selection.build.provisional_from
    show.trend_chart(selection, MEASURES[label], rows, open_from=open_from, grain=GRAINS[grain], height=320)
    show.export(
        "Download as CSV",
        f"by_{grain.lower()}",
        lambda: queries.delivery(selection, grain=GRAINS[grain], limit=None, is_cached=False),
        key="export_daily",
    )
    newest_first = [*reversed(rows)]
    show.table(
        selection.build,
        newest_first,
        {"bucket": grain},
        DELIVERY.values(),
        key="daily",
        alt=f"Delivery by {grain.lower()}",
        changes=selection.before is not None,
    )
    weekdays_and_hours(selection)


page(view.selection())
