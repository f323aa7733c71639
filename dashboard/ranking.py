"""A table of what the period delivered by one column: sorted in SQL, whole in its export, a click filters by a row."""

from collections.abc import Sequence

import streamlit as st

from dashboard import queries, show, tables
from dashboard.filters import COLUMNS, LABELS
from dashboard.measures import DELIVERY
from dashboard.pages import DIRECTIONS, MEASURES, SORTS
from dashboard.published import Rows
from dashboard.queries import Selection


def ranking(selection: Selection, name: str, beside: Sequence[str] = (), least_impressions: int = 0) -> None:
    """Shows the table.

    Args:
        selection: What is summed.
        name: The filter by whose values it is summed, and which a click on a row sets.
        beside: Other filters whose values tell rows apart.
        least_impressions: Rows with fewer are left out, and counted.
    """
    by = [COLUMNS[one] for one in (name, *beside)]
    called = queries.names_of(selection.build, selection.reader, by[0])
    order, is_descending, columns = _choices()
    said = ""
    if order.startswith("change_") and selection.before is None:
        order = order.removeprefix("change_")
        said = f" Nothing is compared, so they are sorted by {DELIVERY[order].label}."

    def rows_of(limit: int | None, *, is_cached: bool = True) -> Rows:
        found = queries.delivery(
            selection,
            by,
            order=order,
            limit=limit,
            least_impressions=least_impressions,
            is_descending=is_descending,
            is_cached=is_cached,
        )
        if not called:
            return found
        return Rows(("name", *found.columns), [(called.get(row[0], ""), *row) for row in found.rows])

    def export() -> Rows:
        """All rows, with the columns that the table has."""
        found = rows_of(None, is_cached=False)
        kept = [*({"name": "", **dict.fromkeys(by)} if called else by), *columns, *(f"before_{one}" for one in columns)]
        places = [found.columns.index(one) for one in kept]
        return Rows(tuple(kept), [tuple(row[place] for place in places) for row in found.rows])

    rows = rows_of(queries.MOST_ROWS).dicts()
    if not rows:
        st.info(f"Nothing has {least_impressions:,} impressions.")
        return
    key = f"{name}_ranking"
    st.session_state[f"_{key}"] = [[row[column] for column in by] for row in rows]
    what, there = LABELS[name] if name == "zip" else LABELS[name].lower(), rows[0]["groups"]
    if least_impressions:
        everything = queries.delivery(selection, by, limit=1).dicts()[0]["groups"]
        said = f" Another {everything - there:,} had fewer than {least_impressions:,} impressions." + said
    with st.container(horizontal=True, vertical_alignment="center"):
        counted = show.first_of(there, len(rows), "row", "rows")
        st.caption(f"{counted} by {what}.{said} Choose a row to filter by it (Shift and Space on the keyboard).")
        show.export("Download as CSV", f"by_{name}", export, key=f"export_{key}")
    tables.table(
        selection.build,
        rows,
        {by[0]: LABELS[name], **({"name": "Name"} if called else {}), **{COLUMNS[one]: LABELS[one] for one in beside}},
        DELIVERY.values(),
        key=key,
        alt=f"Delivery by {what}",
        order=columns,
        on_select=lambda shown_as: _filter_by_row((name, *beside), key, shown_as),
        changes=selection.before is not None,
    )


def _choices() -> tuple[str, bool, list[str]]:
    with st.container(horizontal=True):
        order = st.selectbox("Sort by", [*SORTS], key="sort", bind="query-params", width=220)
        direction = st.selectbox("Direction", DIRECTIONS, key="direction", bind="query-params", width=180)
        columns = st.multiselect(
            "Columns", [*MEASURES], [*MEASURES], key="columns", bind="query-params", select_all=False
        )
    return SORTS[order], direction == DIRECTIONS[0], [MEASURES[label].name for label in columns]


def _filter_by_row(names: Sequence[str], key: str, shown_as: str) -> None:
    """Sets the filters to what the row is of; they are in the link."""
    chosen = st.session_state[shown_as].selection.rows
    if chosen:
        for name, value in zip(names, st.session_state[f"_{key}"][chosen[0]], strict=True):
            st.session_state[name] = [value]
