"""The days of the period: one measure against the period before, all measures as a table, weekdays and hours."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from dashboard import charts, show, tables, view
from dashboard.course import delivery_course
from dashboard.hours import weekdays_and_hours
from dashboard.measures import DELIVERY
from dashboard.pages import MEASURES
from dashboard.published import Rows
from dashboard.queries import GRAINS, Selection

CARDS = ("spend", "impressions", "clicks", "conversions", "ctr", "cpa")


def page(selection: Selection) -> None:
    """Draws the page."""
    if show.totals(selection, CARDS) is None:
        return
    with st.container(horizontal=True):
        label = st.selectbox("Measure", [*MEASURES], key="measure", bind="query-params", width=220)
        grain = st.selectbox("By", [*GRAINS], key="grain", bind="query-params", width=160)
    rows = delivery_course(selection, GRAINS[grain])
    open_from = selection.build.provisional_from
    charts.trend_chart(selection, MEASURES[label], rows, open_from=open_from, grain=GRAINS[grain], height=320)
    newest_first = [*reversed(rows)]
    show.export("Download as CSV", f"by_{grain.lower()}", lambda: _all_of(newest_first), key="export_daily")
    tables.table(
        selection.build,
        newest_first,
        {"bucket": grain},
        DELIVERY.values(),
        key="daily",
        alt=f"Delivery by {grain.lower()}",
        changes=selection.before is not None,
    )
    weekdays_and_hours(selection)


def _all_of(rows: Sequence[Mapping[str, Any]]) -> Rows:
    columns = ("bucket", *DELIVERY, *(f"before_{name}" for name in DELIVERY))
    return Rows(columns, [tuple(row[column] for column in columns) for row in rows])


page(view.selection())
