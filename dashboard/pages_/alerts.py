"""What is wrong now and who knows of it; and the days on which a metric was unusual, and which of its numbers moved."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from dashboard import noted, queries, show, tables, view
from dashboard.measures import DELIVERY, KIND_OF_METRIC, MEASURE_OF_METRIC
from dashboard.pages import ALERT_SCOPES
from dashboard.queries import Selection
from dashboard.text import formatted, plain

WISH = "_alerts_to_note"
WIDE = 300  # pixels


def page(selection: Selection) -> None:
    """Draws the page."""
    home = Path(sys.argv[1]).parents[1]
    try:
        found = noted.open_alerts(home, selection)
        is_refused = found is not None and not _grant(home, found)
        if WISH in st.session_state:
            del st.session_state[WISH]
            found = noted.open_alerts(home, selection)
    except noted.UnreadableError:
        st.warning("The open alerts cannot be read. `adhouse alerts list` says why and what to do.")
    else:
        if found is not None:
            _open_alerts(home, found, selection.build.build_id, is_refused=is_refused)
    _history(selection)


def _grant(home: Path, found: Sequence[Mapping[str, Any]]) -> bool:
    """Lets the command note what the person asked for, as far as they may see it in this run; False if it failed."""
    wished, is_undone = st.session_state.get(WISH, ((), False))
    theirs = [alert["alert_id"] for alert in found if alert["alert_id"] in wished]
    return not theirs or noted.acknowledge(home, theirs, is_undone=is_undone)


def _open_alerts(home: Path, found: Sequence[Mapping[str, Any]], build_id: str, *, is_refused: bool) -> None:
    st.header("Open alerts", anchor=False)
    if is_refused:
        st.error("It could not be noted. The log of the dashboard's server says why.")
    if others := sorted({alert["build_id"] for alert in found} - {build_id, ""}):
        st.caption(f"Some are not of the shown build: they were last noted of build {plain(', '.join(others))}.")
    if not found:
        st.info("No alert is open.")
        return
    counted = "1 alert is open" if len(found) == 1 else f"{len(found):,} alerts are open"
    st.caption(f"{counted}, whatever the period; those that nobody has acknowledged come first.")
    tables.frame(
        {
            "What": [alert["title"] for alert in found],
            "Why": [alert["why"] for alert in found],
            "Since": [alert["first_day"] for alert in found],
            "State": [_state(alert) for alert in found],
            "Kind": [alert["kind"] for alert in found],
            "Id": [alert["alert_id"] for alert in found],
        },
        {
            "What": st.column_config.TextColumn(width=WIDE),
            "Why": st.column_config.TextColumn(width=WIDE),
            "Since": st.column_config.DateColumn(format="YYYY-MM-DD"),
        },
        key="open_alerts",
        alt="Open alerts, those that nobody has acknowledged first",
        is_wrapped=True,
        export_as="open_alerts",
    )
    if not noted.can_be_acknowledged(home):
        st.caption("They can be acknowledged by `adhouse alerts acknowledge`, where the data folder can be written.")
        return
    for title, key, is_undone in (("Acknowledge", "acknowledge", False), ("Take back", "take_back", True)):
        choices = {
            alert["alert_id"]: alert["title"] for alert in found if (alert["acknowledged_at"] is not None) == is_undone
        }
        if choices:
            _choose(title, key, choices, is_undone=is_undone)


def _choose(title: str, key: str, choices: Mapping[str, str], *, is_undone: bool) -> None:
    """Lets a person choose alerts and ask for them to be noted."""

    def wish() -> None:
        # Streamlit calls this before the login is looked at, so it may do nothing but remember.
        st.session_state[WISH] = (tuple(st.session_state[key]), is_undone)
        st.session_state[key] = []

    helped = "Acknowledged alerts are silent until they worsen or come back." if not is_undone else None
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.multiselect(
            f"Alerts to {title.lower()}",
            [*choices],
            format_func=lambda one: choices[one],
            key=key,
            placeholder="Choose",
            help=helped,
        )
        st.button(title, on_click=wish, key=f"{key}_button", disabled=not st.session_state[key])


def _state(alert: Mapping[str, Any]) -> str:
    if alert["acknowledged_at"]:
        return f"acknowledged on {alert['acknowledged_at'][:10]}"
    if alert["channels"]:
        return f"sent to {alert['channels']} channel{'' if alert['channels'] == 1 else 's'}"
    return "not sent"


def _moved(metric: str, moved: str | None) -> str:
    """Which of the two numbers of a rate moved; nothing of what is no rate."""
    measure = MEASURE_OF_METRIC[metric]
    parts = {"numerator": [measure.numerator], "denominator": [measure.denominator]}
    parts["both"] = parts["numerator"] + parts["denominator"]
    return " and ".join(DELIVERY[name].label for name in parts.get(moved or "", []))


def _history(selection: Selection) -> None:
    st.header("Unusual days", anchor=False)
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
        st.caption(f"{show.first_of(found[0]['groups'], len(found), 'row', 'rows')}, the newest first.")
        show.export(
            "Download as CSV",
            "alerts",
            lambda: tables.named(
                selection, queries.alerts(selection, ALERT_SCOPES[scope], limit=None, is_cached=False)
            ),
            key="export_alerts",
        )
    called = queries.names_of(selection.build, selection.reader, "campaign_id")
    names = {"Name": [called.get(row["campaign_id"], "") for row in found]} if called else {}
    changes = tables.changes_in_percent((row["value"], row["median_value"]) for row in found)
    tables.frame(
        {
            "Day": [row["date"] for row in found],
            "Campaign": ["all together" if row["scope"] == "all" else row["campaign_id"] for row in found],
            **names,
            "Metric": [MEASURE_OF_METRIC[row["metric"]].label for row in found],
            "Value": [formatted(row["value"], KIND_OF_METRIC[row["metric"]], currency) for row in found],
            "Usually": [formatted(row["median_value"], KIND_OF_METRIC[row["metric"]], currency) for row in found],
            "Change": changes,
            "What moved": [_moved(row["metric"], row["moved"]) for row in found],
            "Days compared": [row["compared_days"] for row in found],
        },
        {
            "Day": st.column_config.DateColumn(format="YYYY-MM-DD", pinned=True),
            "Change": tables.number_column("Change", changes, tables.CHANGE),
        },
        key="alerts",
        alt="Unusual metrics, the newest first",
    )


page(view.selection())
