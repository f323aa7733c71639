"""A table of what the period delivered by one column: sorted in SQL, whole in its export, a click filters by a row."""

from collections.abc import Sequence

import streamlit as st

from dashboard import queries, show
from dashboard.filters import COLUMNS, LABELS, PARENTS
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
        return Rows(("name", *found.columns), [(called.get(row[0], row[0]), *row) for row in found.rows])

    rows = rows_of(queries.MOST_ROWS).dicts()
    if not rows:
        st.info("Nothing has so many impressions.")
        return
    key = f"{name}_ranking"
    st.session_state[f"_{key}"] = [row[by[0]] for row in rows]
    what = LABELS[name].lower()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"{show.first_of(rows[0]['groups'], len(rows), f'rows by {what}')}. Choose a row to filter by it.")
        show.export("Download as CSV", f"by_{name}", lambda: rows_of(None, is_cached=False), key=f"export_{key}")
    show.table(
        selection.build,
        rows,
        {by[0]: LABELS[name], **({"name": "Name"} if called else {}), **{COLUMNS[one]: LABELS[one] for one in beside}},
        DELIVERY.values(),
        key=key,
        alt=f"Delivery by {what}",
        order=columns,
        on_select=lambda: _filter_by_row(name, key),
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


def _filter_by_row(name: str, key: str) -> None:
    """Sets the filter, which is in the link; one below another is set only where the one above has a value."""
    chosen = st.session_state[key].selection.rows
    above = PARENTS.get(name)
    if chosen and (above is None or st.session_state.get(above)):
        st.session_state[name] = [st.session_state[f"_{key}"][chosen[0]]]
