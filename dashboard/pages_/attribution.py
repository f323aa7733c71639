"""Which campaigns conversions are credited to, by six models side by side."""

from typing import Any

import streamlit as st

from dashboard import charts, queries, show, tables, view
from dashboard.measures import ATTRIBUTION, Measure
from dashboard.queries import DATE_BASES, MODELS, Selection
from dashboard.text import formatted

# What each model credits; links have the names of the models.
HOW = {
    "last_click_else_view": "the last click; without a click the last view",
    "first_touch": "the first touch",
    "last_touch": "the last touch, click or view",
    "linear": "all touches alike",
    "time_decay": "touches more, the nearer they are to the conversion",
    "position": "the first and the last touch most, and those between",
}
CONVERSIONS = Measure("all_conversions", "Conversions", "count", None, "", "all_conversions")
SHARED = (
    "conversions",
    "view_through_conversions",
    "unattributed_conversions",
    "conversion_value",
    "view_through_value",
)
NOTHING_CREDITED = (
    "No conversions are known in this period with these filters. "
    "Logs of events are dropped into inboxes: docs/events.md."
)


def page(selection: Selection) -> None:
    """Draws the page."""
    with st.container(horizontal=True):
        base = DATE_BASES[st.selectbox("Counted by", [*DATE_BASES], key="base", bind="query-params", width=220)]
        kinds = st.multiselect(
            "Kind of conversion",
            queries.conversion_types(selection.build, selection.reader),
            key="type",
            bind="query-params",
            placeholder="All",
            select_all=False,
            width=320,
        )
    models = queries.attribution(selection, base, kinds, ("model",)).dicts()
    if not models:
        st.info(NOTHING_CREDITED)
        return
    _show_models(selection, base, models)
    _show_campaigns(selection, base, kinds)


def _show_models(selection: Selection, base: str, models: list[dict[str, Any]]) -> None:
    st.header("Models side by side", anchor=False)
    models.sort(key=lambda row: MODELS.index(row["model"]))
    if base == "conversion":
        said = "Each model credits every conversion of the period, in parts that add up to one."
    else:
        said = "A model counts a conversion on the day of the touch that it credits, so each has others in the period."
    open_ones = models[0]["immature_conversions"]
    if open_ones:
        said += (
            f" The look-back window of {formatted(open_ones, 'count', '')} conversions is still open: "
            "data that come later may change them."
        )
    st.caption(said)
    charts.stacked_chart(
        [
            {"model": row["model"], "part": ATTRIBUTION[part].label, "value": float(row[part]), "order": number}
            for row in models
            for number, part in enumerate(("conversions", "view_through_conversions", "unattributed_conversions"))
        ],
        MODELS,
        alt="Click-through, view-through and unattributed conversions, by model",
    )
    tables.table(
        selection.build,
        [{**row, "how": HOW[row["model"]]} for row in models],
        {"model": "Model", "how": "Credits"},
        [CONVERSIONS, *(ATTRIBUTION[name] for name in SHARED)],
        key="models",
        export_as="attribution_models",
        alt="What each attribution model credits",
    )


def _show_campaigns(selection: Selection, base: str, kinds: list[str]) -> None:
    st.header("By campaign", anchor=False)
    model = st.selectbox("Model", MODELS, key="model", bind="query-params", width=260)
    credited = queries.credited_campaigns(selection, base, kinds, model).dicts()
    rows, names = tables.with_names(selection, credited, {"campaign_id": "Campaign"})
    st.caption(
        f"Credited is {HOW[model]}. Spend is the delivery's of the same days; CPA and ROAS are of click-through "
        "conversions and their value."
    )
    show.export(
        "Download as CSV",
        "attribution",
        lambda: tables.named(selection, queries.credited_campaigns(selection, base, kinds, model, is_cached=False)),
        key="export_attribution",
    )
    tables.table(
        selection.build,
        rows,
        names,
        ATTRIBUTION.values(),
        key="credited",
        alt=f"What the model {model} credits to each campaign",
    )


page(view.selection())
