"""What was offered, bid on, won and lost at auctions, at which floors and prices."""

from typing import Any

import streamlit as st

from dashboard import charts, queries, show, tables, view
from dashboard.course import course
from dashboard.measures import AUCTIONS
from dashboard.pages import AUCTION_DIMENSIONS, AUCTION_RATES
from dashboard.queries import GRAINS, Selection

CARDS = ("opportunities", "bid_rate", "opportunities_bid_on", "win_rate", "average_floor", "average_clearing_price")
MOST_REASONS = 15
NO_AUCTIONS = (
    "There are no auctions in this period. Logs of bids and of bid requests are dropped into inboxes: docs/events.md."
)


def page(selection: Selection) -> None:
    """Draws the page."""
    totals = queries.auctions(selection).dicts()[0]
    if not any(totals[name] for name in ("opportunities", "opportunities_without_request", "bids")):
        st.info(NO_AUCTIONS)
        return
    show.cards(selection, [AUCTIONS[name] for name in CARDS], totals)
    st.caption("Prices are CPMs: a win costs a thousandth. A win is not yet an impression.")
    left, right = st.columns(2)
    with left:
        st.header("Over time", anchor=False)
        with st.container(horizontal=True):
            label = st.selectbox("Measure", [*AUCTION_RATES], key="auction", bind="query-params", width=220)
            grain = st.selectbox("By", [*GRAINS], key="grain", bind="query-params", width=140)
        charts.trend_chart(
            selection,
            AUCTION_RATES[label],
            _course(selection, GRAINS[grain]),
            open_from=None,
            grain=GRAINS[grain],
        )
    with right:
        st.header("Why bids lost", anchor=False)
        _losses(selection)
    dimension = st.selectbox("Table by", [*AUCTION_DIMENSIONS], key="by", bind="query-params", width=220)
    column = AUCTION_DIMENSIONS[dimension]
    rows = queries.auctions(selection, (column,)).dicts()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"{show.first_of(rows[0]['groups'], len(rows), 'row', 'rows')} by {dimension.lower()}.")
        show.export(
            "Download as CSV",
            "auctions",
            lambda: queries.auctions(selection, (column,), limit=None, is_cached=False),
            key="export_auctions",
        )
    tables.table(
        selection.build,
        rows,
        {column: dimension},
        AUCTIONS.values(),
        key="auctions",
        alt=f"Auctions by {dimension.lower()}",
    )


def _course(selection: Selection, grain: str) -> list[dict[str, Any]]:
    return course(selection, grain, AUCTIONS.values(), lambda: queries.auctions(selection, grain=grain, limit=None))


def _losses(selection: Selection) -> None:
    rows = queries.losses(selection, MOST_REASONS).dicts()
    if not rows:
        st.info("No bid is known to have lost.")
        return
    lost, shares = [row["bids_lost"] for row in rows], tables.hundredfold(row["share"] for row in rows)
    tables.frame(
        {"Reason": [row["loss_reason"] for row in rows], "Bids lost": lost, "Share": shares},
        {
            "Reason": st.column_config.TextColumn(pinned=True),
            "Bids lost": tables.number_column("Bids lost", lost, step=1),
            "Share": tables.number_column("Share", shares, tables.PERCENT),
        },
        key="losses",
        export_as="auction_losses",
        alt="Lost bids by reason, the most frequent first",
    )


page(view.selection())
