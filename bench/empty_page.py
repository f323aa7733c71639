"""The least that a page of Streamlit with a filter is; what the dashboard takes is measured beside it."""

import streamlit as st

with st.sidebar:
    chosen = st.multiselect("Brand", [f"Brand {number:02}" for number in range(40)], key="brand", bind="query-params")
st.metric("Chosen", len(chosen))
st.html('<span id="done"></span>')
