"""Where ads were shown: a map of countries or of the states of the USA, and a table that leads down to ZIP codes."""

import streamlit as st

from dashboard import maps, queries, show, view
from dashboard.filters import COLUMNS, LABELS
from dashboard.maps import Atlas
from dashboard.pages import MEASURES
from dashboard.queries import Selection
from dashboard.ranking import ranking
from dashboard.text import plain

CARDS = ("spend", "impressions", "clicks", "conversions", "ctr", "cpa")
LEVELS = ("country", "state", "city", "zip")
MAP = "map"
MOST_NAMED = 10


def page(selection: Selection) -> None:
    """Draws the page."""
    level = _level(selection)
    _show_way_up(level)
    if show.totals(selection, CARDS) is None:
        return
    _show_map(selection, level)
    st.header(f"By {LABELS[level].lower() if level != 'zip' else LABELS[level]}", anchor=False)
    above = LEVELS[: LEVELS.index(level)]
    ranking(selection, level, beside=above)


def _level(selection: Selection) -> str:
    """The places that are compared: those below the lowest that is chosen."""
    chosen = [level for level in LEVELS if COLUMNS[level] in selection.columns()]
    return LEVELS[min(len(chosen), len(LEVELS) - 1)]


def _show_way_up(level: str) -> None:
    above = LEVELS[: LEVELS.index(level)]
    if above:
        with st.container(horizontal=True):
            for name in above:
                label = f"All {'countries' if name == 'country' else 'states' if name == 'state' else 'cities'}"
                st.button(label, icon=":material/arrow_upward:", on_click=_clear_from, args=(name,), key=f"up_{name}")


def _clear_from(name: str) -> None:
    for one in LEVELS[LEVELS.index(name) :]:
        if one in st.session_state:
            st.session_state[one] = []


def _show_map(selection: Selection, level: str) -> None:
    of_country, of_state = queries.places(selection.build)
    rows = queries.delivery(selection, (COLUMNS["country"],), limit=None).dicts()
    codes = {row["country"]: maps.code_of_country(row["country"], of_country) for row in rows}
    atlas: Atlas = "countries"
    drawn = [{**row, "place": row["country"], "code": codes[row["country"]]} for row in rows]
    if level != "country" and len(rows) == 1 and codes[rows[0]["country"]] == "US":
        atlas, country = "states", rows[0]["country"]
        states = queries.delivery(selection, (COLUMNS["state"],), limit=None).dicts()
        drawn = [
            {**row, "place": row["state"], "code": maps.code_of_state(country, row["state"], of_state)}
            for row in states
        ]
    picks = "country" if atlas == "countries" else "state"
    label = st.selectbox("Measure", [*MEASURES], key="measure", bind="query-params", width=220)
    left_out = maps.show_map(
        selection.build, atlas, MEASURES[label], drawn, lambda: _choose(picks), key=f"{MAP}_{picks}"
    )
    said = f"Choose a {picks} on the map or a row of the table to look into it."
    if left_out:
        named = ", ".join(left_out[:MOST_NAMED]) + (" and others" if len(left_out) > MOST_NAMED else "")
        said += f" Not on the map: {named}."
    st.caption(plain(said))


def _choose(name: str) -> None:
    """Sets the filter, which is in the link."""
    place = maps.picked(f"{MAP}_{name}")
    if place is not None:
        st.session_state[name] = [place]


page(view.selection())
