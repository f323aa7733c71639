"""The days on which a metric was unusual, what it usually is, and which of its two numbers moved."""

import streamlit as st

from dashboard import queries, show, view
from dashboard.measures import KIND_OF_METRIC
from dashboard.pages import ALERT_SCOPES
from dashboard.queries import Selection
from dashboard.text import change, formatted

MOVED = {"numerator": "the numerator", "denominator": "the denominator", "both": "both"}


def page(selection: Selection) -> None:
    """Draws the page."""
    st.caption(show.definition(selection.build, "kpi_alerts", ""))
    scope = st.segmented_control(
        "Of", [*ALERT_SCOPES], default=next(iter(ALERT_SCOPES)), required=True, key="scope", bind="query-params"
    )
    rows = queries.alerts(selection, ALERT_SCOPES[scope])
    if not rows.rows:
        st.info("No metric was unusual in this period.")
        return
    currency = selection.build.currency
    found = rows.dicts()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"{show.first_of(found[0]['groups'], len(found), 'alerts')}, the newest first.")
        show.export(
            "Download as CSV",
            "alerts",
            lambda: queries.alerts(selection, ALERT_SCOPES[scope], limit=None, is_cached=False),
            key="export_alerts",
        )
    show.frame(
        {
            "Day": [row["date"] for row in found],
            "Campaign": ["all together" if row["scope"] == "all" else row["campaign_id"] for row in found],
            "Metric": [row["metric"] for row in found],
            "Value": [formatted(row["value"], KIND_OF_METRIC[row["metric"]], currency) for row in found],
            "Usually": [formatted(row["median_value"], KIND_OF_METRIC[row["metric"]], currency) for row in found],
            "Change": [change(row["value"], row["median_value"]) for row in found],
            "What moved": [MOVED.get(row["moved"] or "", "") for row in found],
            "Days compared": [row["compared_days"] for row in found],
        },
        {
            "Day": st.column_config.DateColumn(format="YYYY-MM-DD", pinned=True),
            "Change": st.column_config.NumberColumn(format="percent"),
        },
        key="alerts",
        alt="Unusual metrics, the newest first",
    )


page(view.selection())
