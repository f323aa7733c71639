"""The table of flights: budget, pacing, and what was reached against what was wanted."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from dashboard import queries, show, tables
from dashboard.filters import COLUMNS as FILTERS
from dashboard.filters import LABELS
from dashboard.measures import Measure
from dashboard.published import Rows
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
    Measure("roas", "ROAS", "factor", True, "pacing", "roas"),
    Measure("target_roas", "Target ROAS", "factor", None, "pacing", "target_roas"),
)
HIGHEST_EVEN, LOWEST_EVEN = 1.1, 0.9


def against_targets(selection: Selection) -> None:
    """Shows the flights that the period touches, or where flights are written down."""
    st.header("Flights, budgets and targets", anchor=False)
    rows = _rows(selection, queries.MOST_ROWS)
    if not rows:
        st.caption("No flight is in this period. Flights, budgets and targets are in seeds/campaign_targets.csv.")
        return
    said = (
        f"{show.first_of(rows[0]['groups'], len(rows), 'flight', 'flights')}, each from its first day to the day "
        "before the run. Pacing is the spend against an evenly spent budget: "
        f"below {LOWEST_EVEN} is behind, above {HIGHEST_EVEN} is ahead."
    )
    unapplied = [LABELS[name] for name, column in FILTERS.items() if column in selection.columns() - {"campaign_id"}]
    if unapplied:
        said += f" Not filtered by {', '.join(unapplied)}: a flight is of a whole campaign."
    st.caption(said)
    labels = {"campaign_id": "Campaign", "status": "Status", "flight_start": "First day", "flight_end": "Last day"}
    shown, names = tables.with_names(selection, rows, labels)
    tables.table(selection.build, shown, names, COLUMNS, key="flights", alt="Flights with budgets, pacing and targets")
    show.export("Download flights as CSV", "flights", lambda: _all_of(selection, names), key="export_flights")


def _all_of(selection: Selection, names: Mapping[str, str]) -> Rows:
    """All flights, with the columns of the table."""
    rows, _ = tables.with_names(selection, _rows(selection, None), names)
    columns = (*names, *(measure.name for measure in COLUMNS))
    return Rows(columns, [tuple(row[column] for column in columns) for row in rows])


def _rows(selection: Selection, limit: int | None) -> list[dict[str, Any]]:
    found = queries.flights(selection, limit).dicts()
    return [{**row, "status": _status(row["status"], row["pacing"])} for row in found]


def _status(status: str, pacing: float | None) -> str:
    if status != "running" or pacing is None:
        return status
    if pacing < LOWEST_EVEN:
        return "running, behind"
    return "running, ahead" if pacing > HIGHEST_EVEN else "running, even"
