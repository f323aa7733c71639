"""The table of flights: budget, pacing, and what was reached against what was wanted."""

import streamlit as st

from dashboard import queries, show
from dashboard.measures import Measure
from dashboard.queries import Selection

# What was reached and what was wanted, side by side.
COLUMNS = (
    Measure("budget", "Budget", "money", None, "pacing", "budget"),
    Measure("spend", "Spend", "money", None, "pacing", "spend"),
    Measure("pacing", "Pacing", "factor", None, "pacing", "pacing"),
    Measure("ctr", "CTR", "percent", True, "pacing", "ctr"),
    Measure("target_ctr", "Target CTR", "percent", None, "pacing", "target_ctr"),
    Measure("cpc", "CPC", "money", False, "pacing", "cpc"),
    Measure("target_cpc", "Target CPC", "money", None, "pacing", "target_cpc"),
    Measure("cpa", "CPA", "money", False, "pacing", "cpa"),
    Measure("target_cpa", "Target CPA", "money", None, "pacing", "target_cpa"),
)
HIGHEST_EVEN, LOWEST_EVEN = 1.1, 0.9


def against_targets(selection: Selection) -> None:
    """Shows the flights that the period touches; nothing where the seed `campaign_targets` has none of them."""
    rows = queries.flights(selection).dicts()
    if not rows:
        return
    st.header("Flights, budgets and targets", anchor=False)
    st.caption(
        "Of the whole flight up to the day before the run. Pacing is the spend against an evenly spent budget: "
        f"below {LOWEST_EVEN} is behind, above {HIGHEST_EVEN} is ahead."
    )
    shown = [{**row, "status": _status(row["status"], row["pacing"])} for row in rows]
    names = {"campaign_id": "Campaign", "status": "Status", "flight_start": "First day", "flight_end": "Last day"}
    show.table(selection.build, shown, names, COLUMNS, key="flights", alt="Flights with budgets, pacing and targets")
    show.export("Download flights as CSV", "flights", lambda: queries.flights(selection), key="export_flights")


def _status(status: str, pacing: float | None) -> str:
    if status != "running" or pacing is None:
        return status
    if pacing < LOWEST_EVEN:
        return "running, behind"
    return "running, ahead" if pacing > HIGHEST_EVEN else "running, even"
