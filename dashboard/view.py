"""What the entry script hands to the page that it runs."""

from typing import cast

import streamlit as st

from dashboard.queries import Selection

_KEY = "_selection"


def give(selection: Selection) -> None:
    """Hands the selection of this run to the page."""
    st.session_state[_KEY] = selection


def selection() -> Selection:
    """What this run of the page is about; the same build from its first query to its last."""
    return cast("Selection", st.session_state[_KEY])
