"""The whole at a glance: key figures against the period before, their course, and what changed most."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from dashboard import charts, flights, queries, show, tables, view
from dashboard.course import delivery_course
from dashboard.measures import DELIVERY
from dashboard.pages import MEASURES, MOST_TRENDS, MOVERS
from dashboard.queries import GRAINS, Selection

CARDS = ("Spend", "Impressions", "Clicks", "Conversions", "CTR", "CPA")
TRENDS = ("Spend", "Conversions")
MOST_MOVERS = 10


def page(selection: Selection) -> None:
    """Draws the page."""
    with st.expander("Choose what is shown", icon=":material/tune:"):
        cards = st.multiselect(
            "Key figures, in this order", [*MEASURES], CARDS, key="cards", bind="query-params", select_all=False
        )
        trends = st.multiselect(
            f"Trends, at most {MOST_TRENDS}",
            [*MEASURES],
            TRENDS,
            key="trends",
            bind="query-params",
            max_selections=MOST_TRENDS,
            select_all=False,
        )
        grain = st.selectbox("Trends by", [*GRAINS], key="grain", bind="query-params")
        moved_by = st.selectbox("Biggest changes by", [*MOVERS], key="movers", bind="query-params")
    totals = queries.delivery(selection).dicts()[0]
    if show.is_empty(totals):
        st.info(show.NO_DELIVERY)
        return
    course = delivery_course(selection, GRAINS[grain])
    show.cards(selection, [MEASURES[label] for label in cards], totals, course)
    _trends(selection, trends, grain, course)
    if selection.before:
        _movers(selection, moved_by)
    flights.against_targets(selection)


def _trends(selection: Selection, labels: Sequence[str], grain: str, course: Sequence[dict[str, Any]]) -> None:
    for left in range(0, len(labels), 2):
        for column, label in zip(st.columns(2), labels[left : left + 2], strict=False):
            with column:
                st.header(f"{label} by {grain.lower()}", anchor=False)
                open_from = selection.build.provisional_from
                charts.trend_chart(selection, MEASURES[label], course, open_from=open_from, grain=GRAINS[grain])


def _movers(selection: Selection, label: str) -> None:
    column = MOVERS[label]
    st.header(f"Biggest changes of spend by {label.lower()}", anchor=False)
    moved = queries.movers(selection, column, "spend", MOST_MOVERS).dicts()
    st.caption("Those whose spend rose or fell by most money come first.")
    rows, names = tables.with_names(selection, moved, {column: label}, column)
    tables.table(
        selection.build,
        rows,
        names,
        [DELIVERY[name] for name in ("spend", "conversions", "cpa")],
        key="changes",
        export_as="biggest_changes",
        alt=f"What spent more or less than in the period before, by {label.lower()}",
        changes=True,
    )


page(view.selection())
