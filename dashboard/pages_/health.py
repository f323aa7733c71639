"""Whether the numbers can be trusted: what came when, what became of it, and what the tests say."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from dashboard import queries, show, tables, view
from dashboard.measures import BALANCE
from dashboard.pages import HEALTH_TABS
from dashboard.queries import Selection
from dashboard.text import plain


def page(selection: Selection) -> None:
    """Draws the page."""
    build, reader = selection.build, selection.reader
    sources = next((values for column, values in selection.chosen if column == "source"), ())
    tests = queries.tests(build, reader).dicts()
    found = [test for test in tests if test["status"] != "pass"]
    balance = queries.balance(build, reader, sources).dicts()
    _cards(tests, found, balance)
    for row in queries.overlaps(build, reader, sources).dicts():
        st.warning(plain(row["message"]))
    tab = st.segmented_control(
        "Part",
        HEALTH_TABS,
        default=HEALTH_TABS[0],
        required=True,
        key="tab",
        bind="query-params",
        label_visibility="collapsed",
    )
    if tab == HEALTH_TABS[0]:
        _freshness(selection, sources)
        _balance(selection, balance)
    elif tab == HEALTH_TABS[1]:
        _quarantine(selection, sources, balance)
    elif tab == HEALTH_TABS[2]:
        _tests_and_builds(selection, tests, found)
    else:
        _reconciliation(selection)


def _cards(tests: Sequence[Any], found: Sequence[Any], balance: Sequence[Mapping[str, Any]]) -> None:
    read, kept = (sum(row[name] for row in balance) for name in ("records_read", "records_kept"))
    lost = sum(row["records_rejected"] + row["records_quarantined"] for row in balance)
    with st.grid(4, min_column_width=150):
        st.metric("Tests passed", f"{len(tests) - len(found)} of {len(tests)}", border=True, height="stretch")
        st.metric("Records read", f"{read:,}", border=True, height="stretch")
        st.metric("Records that count", f"{kept:,}", border=True, height="stretch")
        st.metric("Records left out", f"{lost:,}", border=True, height="stretch")


def _freshness(selection: Selection, sources: Sequence[str]) -> None:
    st.header("Freshness", anchor=False)
    newest = dict(queries.newest_days(selection.build, selection.reader).rows)
    rows = queries.freshness(selection.build, selection.reader, sources).dicts()
    if not rows:
        st.info("Nothing has come yet.")
        return
    tables.frame(
        {
            "Source": [row["source"] for row in rows],
            "Newest report day": [newest.get(row["source"]) for row in rows],
            "Last received (UTC)": [row["received_at"] for row in rows],
            "Status of that": [row["status"] for row in rows],
            "Fetches and files": [row["units"] for row in rows],
            "Kind": [row["kind"] for row in rows],
        },
        {
            "Source": st.column_config.TextColumn(pinned=True),
            "Newest report day": st.column_config.DateColumn(format="YYYY-MM-DD"),
            "Last received (UTC)": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm"),
        },
        key="freshness",
        export_as="freshness",
        alt="When each source last brought something",
    )


def _balance(selection: Selection, balance: Sequence[Mapping[str, Any]]) -> None:
    st.header("The balance", anchor=False)
    st.caption("Read = rejected + loaded, loaded = superseded + duplicate + quarantined + kept. Every build tests it.")
    tables.table(
        selection.build,
        balance,
        {"source": "Source"},
        BALANCE.values(),
        key="balance",
        export_as="balance",
        alt="What became of all records",
    )


def _quarantine(selection: Selection, sources: Sequence[str], balance: Sequence[Mapping[str, Any]]) -> None:
    st.header("Quarantined records", anchor=False)
    rows = queries.quarantine(selection.build, selection.reader, sources)
    rejected = sum(row["records_rejected"] for row in balance)
    if rejected:
        st.caption(
            f"{rejected:,} records are not in this table: they were rejected when they were read. "
            "Examples of them are below, with what each reason means."
        )
    if not rows.rows:
        st.info("No record that was read breaks a rule.")
    else:
        show.export("Download as CSV", "quarantine", lambda: rows, key="export_quarantine")
        tables.frame(
            {
                "Source": [row["source"] for row in rows.dicts()],
                "Reason": [row["reason"] for row in rows.dicts()],
                "Records": [row["records"] for row in rows.dicts()],
                "What it means": [_said(row["meaning"]) for row in rows.dicts()],
                "What to do": [_said(row["what_to_do"]) for row in rows.dicts()],
            },
            {"Records": st.column_config.NumberColumn(format=tables.GROUPED, step=1)},
            key="quarantine",
            alt="Quarantined records by source and reason",
        )
    reasons = queries.example_reasons(selection.build, selection.reader)
    if not reasons:
        return
    st.header("Examples of what was rejected or quarantined", anchor=False)
    reason = st.selectbox("Reason", reasons, key="reason", bind="query-params", width=320)
    for meaning, what_to_do in queries.reason(selection.build, reason).rows:
        st.caption(plain(f"{meaning}. What to do: {what_to_do}.".replace("`", "")))
    examples = queries.quarantine_examples(selection.build, selection.reader, sources, reason).dicts()
    tables.frame(
        {
            "Source": [row["source"] for row in examples],
            "Field": [row["field"] for row in examples],
            "Value": [row["value"] for row in examples],
            "Record": [row["payload"] for row in examples],
            "Detail": [row["detail"] for row in examples],
            "File or fetch": [row["_source"] for row in examples],
            "Position": [row["_position"] for row in examples],
        },
        {},
        key="examples",
        export_as="examples",
        alt=f"Examples of records quarantined as {reason}",
    )


def _tests_and_builds(selection: Selection, tests: Sequence[Mapping[str, Any]], found: Sequence[Any]) -> None:
    st.header("Tests of this build", anchor=False)
    st.caption(
        f"{len(found)} of {len(tests)} found something."
        if found
        else f"All {len(tests)} passed; a build that fails one is never published."
    )
    tables.frame(
        {
            "Test": [test["test"] for test in tests],
            "Status": [test["status"] for test in tests],
            "Rows": [test["failed_rows"] for test in tests],
            "Message": [test["message"] for test in tests],
        },
        {"Test": st.column_config.TextColumn(pinned=True, width="large")},
        key="tests",
        export_as="tests",
        alt="Tests of this build, those that found something first",
    )
    st.header("Builds", anchor=False)
    builds = queries.builds(selection.build, selection.reader).dicts()
    tables.frame(
        {
            "Build": [row["build_id"] for row in builds],
            "Status": [row["status"] for row in builds],
            "Started (UTC)": [row["started_at"] for row in builds],
            "Seconds": [_seconds(row) for row in builds],
            "Full refresh": [row["is_full_refresh"] for row in builds],
            "Records read": [row["records_read"] for row in builds],
            "Records rejected": [row["records_rejected"] for row in builds],
            "Tests": [row["tests"] for row in builds],
            "Warnings": [row["warnings"] for row in builds],
            "Errors": [row["errors"] for row in builds],
        },
        {
            "Started (UTC)": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm"),
            "Records read": st.column_config.NumberColumn(format=tables.GROUPED, step=1),
        },
        key="builds",
        export_as="builds",
        alt="Builds, the newest first",
    )


def _seconds(build: Mapping[str, Any]) -> float | None:
    ended = build["ended_at"]
    return round((ended - build["started_at"]).total_seconds(), 1) if ended else None


def _reconciliation(selection: Selection) -> None:
    st.header("Platform against events", anchor=False)
    rows = queries.reconciliation(selection.build, selection.reader).dicts()
    if not rows:
        st.info("No campaign is known to both the platform's delivery and the logs of events.")
        return
    st.caption(show.definition(selection.build, "reconciliation", "cause"))
    platform, events = ([_number(row[side]) for row in rows] for side in ("delivered", "measured"))
    moved = tables.changes_in_percent(zip(events, platform, strict=True))
    tables.frame(
        {
            "Measure": [row["measure"] for row in rows],
            "Cause": [row["cause"] for row in rows],
            "Daily figures": [row["figures"] for row in rows],
            "Platform": platform,
            "Events": events,
            "Events against platform": moved,
        },
        {
            "Platform": tables.number_column("Platform", platform),
            "Events": tables.number_column("Events", events),
            "Events against platform": tables.number_column("Events against platform", moved, tables.CHANGE),
        },
        key="reconciliation",
        export_as="reconciliation",
        alt="Daily figures of platform and events by measure and cause of the difference",
    )


def _said(text: str | None) -> str:
    return (text or "").replace("`", "")


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


page(view.selection())
