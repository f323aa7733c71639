"""Maps of the world and of the USA, drawn from files of our own; a click on a place chooses it."""

import html
import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import streamlit as st

from dashboard.measures import Measure
from dashboard.published import Build
from dashboard.text import UNDEFINED, formatted

Atlas = Literal["countries", "states"]
PROJECTIONS: Mapping[Atlas, str] = {"countries": "equalEarth", "states": "albersUsa"}
MOST_CLASSES = 5
UNKNOWN = "#88888844"
SHADES = {
    "light": ("#d6e6f4", "#a6cbe6", "#64a5d3", "#2b7bba", "#0a4a90"),
    "dark": ("#1d3b5c", "#2b5f8f", "#3f86c0", "#6db0e0", "#b5dcf7"),
}
FOLDER = Path(__file__).with_name("static")


@cache
def drawn(atlas: Atlas) -> Mapping[str, str]:
    """The places that an atlas has: their ISO codes and English names."""
    topology = json.loads((FOLDER / f"{atlas}.json").read_text(encoding="utf-8"))
    shapes = topology["objects"][atlas]["geometries"]
    return {shape["id"]: shape["properties"]["name"] for shape in shapes if "id" in shape}


def code_of_country(country: str, codes: Mapping[str, str]) -> str | None:
    """The ISO code of a country as delivery names it: by the seeds of places, or by its English name in the atlas."""
    found = codes.get(country) or codes.get(country.upper())
    return found or next((code for code, name in drawn("countries").items() if name == country), None)


def code_of_state(country: str, state: str, codes: Mapping[tuple[str, str], str]) -> str | None:
    """The ISO code of a state of the USA as delivery names it: by the seeds of places, its name, or the code alone."""
    if found := codes.get((country, state)):
        return found
    written = state.strip().casefold()
    return next(
        (code for code, name in drawn("states").items() if written in (name.casefold(), code[3:].lower())), None
    )


def show_map(
    build: Build,
    atlas: Atlas,
    measure: Measure,
    rows: Sequence[Mapping[str, Any]],
    on_pick: Callable[[], None],
    *,
    key: str,
) -> list[str]:
    """Draws places in the colour of their value.

    Colours are by rank, because one country often has more than all others together.

    Args:
        build: Whose currency money is in.
        atlas: The world's countries, or the states of the USA.
        measure: What is drawn.
        rows: A row a place: `place`, `code`, and the measure.
        on_pick: Called after a click; `picked` tells the place.
        key: The name of the map.

    Returns:
        The places that could not be drawn.
    """
    there = drawn(atlas)
    shown: dict[str, Mapping[str, Any]] = {}
    left_out = []
    for row in rows:
        if row["code"] in there and row["code"] not in shown:
            shown[row["code"]] = row
        else:  # also a second spelling of a place: its shape can have one value only
            left_out.append(str(row["place"]))
    classes = _classes([row[measure.name] for row in shown.values()], measure, build.currency)
    theme = st.context.theme.type or "light"
    colours = _colours(list(dict.fromkeys(classes.values())), theme)
    values = [
        (
            code,
            row["place"],
            colours[classes[row[measure.name]]],
            formatted(row[measure.name], measure.kind, build.currency),
        )
        for code, row in shown.items()
    ]
    # With values beside the picture's description, and the legend below it, a browser only paints the shapes anew.
    places = pd.DataFrame(values, columns=["code", "place", "colour", "text"])
    st.vega_lite_chart(
        {**_picture(atlas, measure), "datasets": {"places": places}},
        key=key,
        on_select=on_pick,
        selection_mode="pick",
        alt=f"Map: {measure.label} by place; the table below has the same",
    )
    if colours:
        st.html(_legend(measure, colours))
    return left_out


def _picture(atlas: Atlas, measure: Measure) -> dict[str, Any]:
    """The shapes of an atlas, each in the colour that its place has in the dataset `places`."""
    shapes = {"url": f"app/static/{atlas}.json", "format": {"type": "topojson", "feature": atlas}}
    outlines = {
        "data": shapes,
        "mark": {"type": "geoshape", "fill": "#88888822", "stroke": "#88888866", "strokeWidth": 0.5},
    }
    place = {"data": {"name": "places"}, "key": "code", "fields": ["colour", "text", "place"]}
    coloured = {
        "data": shapes,
        "transform": [{"lookup": "id", "from": place}, {"filter": "isValid(datum.place)"}],
        "params": [{"name": "pick", "select": {"type": "point", "fields": ["place"]}}],
        "mark": {"type": "geoshape", "stroke": "#88888899", "strokeWidth": 0.5, "cursor": "pointer"},
        "encoding": {
            "color": {"field": "colour", "type": "nominal", "scale": None},
            "tooltip": [
                {"field": "place", "title": "Place"},
                {"field": "text", "title": measure.label},
            ],
        },
    }
    return {
        "height": 340,
        "projection": {"type": PROJECTIONS[atlas]},
        "layer": [outlines, coloured],
        # 200 elements instead of a canvas take a browser half a second; screen readers have the table beside.
        "usermeta": {"embedOptions": {"renderer": "canvas"}},
    }


def picked(key: str) -> str | None:
    """The place that was clicked on a map; None if the choice was taken away."""
    chosen = st.session_state[key].selection.get("pick") or []
    return str(chosen[0]["place"]) if chosen else None


def _classes(values: Sequence[Any], measure: Measure, currency: str) -> dict[Any, str]:
    """The class of each value by rank, of at most five with about as many values each, from little to much.

    A class is called by its greatest value; an undefined value is in one of its own, the first.
    """
    known = sorted({value for value in values if value is not None})
    count = min(len(known), MOST_CLASSES)
    classes = {None: UNDEFINED} if None in values else {}
    for rank, value in enumerate(known):
        number = rank * count // len(known)
        last = known[-(-(number + 1) * len(known) // count) - 1]
        classes[value] = f"up to {formatted(last, measure.kind, currency, is_compact=True)}"
    return classes


def _colours(classes: Sequence[str], theme: str) -> dict[str, str]:
    """A colour for each class, from little to much; grey for what is undefined."""
    shades = SHADES.get(theme, SHADES["light"])
    undefined = [UNKNOWN] if UNDEFINED in classes else []
    return dict(zip(classes, [*undefined, *shades[len(shades) - (len(classes) - len(undefined)) :]], strict=True))


def _legend(measure: Measure, colours: Mapping[str, str]) -> str:
    """HTML that says which colour is how much."""
    classes = "".join(
        f'<span style="white-space: nowrap"><span style="display: inline-block; width: 0.8em; height: 0.8em; '
        f'margin-right: 0.4em; background: {colour}"></span>{html.escape(name)}</span>'
        for name, colour in colours.items()
    )
    return (
        '<div style="display: flex; flex-wrap: wrap; gap: 0.2em 1.2em; font-size: 0.85rem">'
        f"<strong>{measure.label}</strong>{classes}</div>"
    )
