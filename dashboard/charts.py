"""The charts of the pages, as Vega-Lite."""

import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import streamlit as st

from dashboard.course import end_of
from dashboard.measures import Measure
from dashboard.published import Build
from dashboard.queries import Selection
from dashboard.text import days, formatted

MOST_TICKS = 40
HALF_A_BUCKET = {"day": timedelta(hours=12), "week": timedelta(days=3), "month": timedelta(days=15)}
# Its symbols are pieces of the lines; as the points that Vega draws by itself, the dashed one is a cross.
COMPARING_LEGEND = {"title": None, "orient": "bottom", "symbolType": "stroke", "symbolSize": 400}


def trend_chart(
    selection: Selection,
    measure: Measure,
    rows: Sequence[Mapping[str, Any]],
    *,
    open_from: date | None,
    why_open: str = "the platform is asked for these days again",
    grain: str = "day",
    height: int = 240,
) -> None:
    """A measure over the buckets of a period, the period before as a dashed line, days that may still change shaded.

    Args:
        selection: Whose period it is.
        measure: What is drawn.
        rows: What `course` gives.
        open_from: The first day that may still change; None: nothing is shaded.
        why_open: Why it may.
        grain: What a bucket is: `day`, `week` or `month`.
        height: In pixels.
    """
    build, has_before = selection.build, selection.before is not None
    axis_format = {"percent": ".2~%", "money": "~s", "count": "~s", "factor": ".2~f"}[measure.kind]
    values: list[dict[str, Any]] = []
    # `on` has a time, because a browser takes a day alone for midnight of UTC, which is the day before in America.
    for row in rows:
        first, last = max(row["bucket"], selection.since), min(end_of(row["bucket"], grain), selection.until)
        drawn = [("This period", measure.name, (first, last))]
        if compared := selection.compared_days(first, last):
            drawn.append(("Compared", f"before_{measure.name}", compared))
        values += [
            {
                "on": f"{row['bucket']}T00:00:00",
                "days": days(*of),
                "series": label,
                "value": None if row[name] is None else float(row[name]),
                "text": formatted(row[name], measure.kind, build.currency),
            }
            for label, name, of in drawn
        ]
    is_flat = not any(value["value"] for value in values)
    layers: list[dict[str, Any]] = []
    ends = {row["bucket"]: min(end_of(row["bucket"], grain), selection.until) for row in rows}
    shaded = [bucket for bucket, end in ends.items() if open_from and end >= open_from]
    if shaded:
        half = HALF_A_BUCKET[grain]
        begin, end = (datetime.combine(day, time()) for day in (shaded[0], rows[-1]["bucket"]))
        layers.append(
            {
                "data": {"values": [{"from": (begin - half).isoformat(), "to": end.isoformat()}]},
                "mark": {"type": "rect", "opacity": 0.12, "color": "#888888", "aria": False},
                "encoding": {"x": {"field": "from", "type": "temporal"}, "x2": {"field": "to"}},
            }
        )
    layers.append(
        {
            "transform": [{"calculate": "toDate(datum.on)", "as": "on"}],
            "mark": {"type": "line", "point": {"size": 24}, "strokeWidth": 2},
            "encoding": {
                "x": {"field": "on", "type": "temporal", "axis": _axis_of_days([row["bucket"] for row in rows], grain)},
                "y": {
                    "field": "value",
                    "type": "quantitative",
                    "axis": {"title": None, "format": axis_format, "tickCount": 4},
                    # Of nothing but zeros the library makes an axis that says NaN.
                    "scale": {"domain": [0, 1]} if is_flat else {"zero": measure.kind != "percent"},
                },
                "color": {
                    "field": "series",
                    "scale": {"domain": ["This period", "Compared"]},
                    "legend": COMPARING_LEGEND if has_before else None,
                },
                "strokeDash": {
                    "field": "series",
                    "scale": {"domain": ["This period", "Compared"], "range": [[1, 0], [4, 3]]},
                    "legend": None,
                },
                "tooltip": [
                    {"field": "days", "title": grain.capitalize()},
                    {"field": "text", "title": measure.label},
                ],
            },
        }
    )
    st.vega_lite_chart(
        {"data": {"values": values}, "layer": layers, "height": height},
        alt=f"{measure.label} over time, {len(rows)} points" + (", with the period before" if has_before else ""),
        key=f"trend_{measure.name}",
    )
    if shaded:
        st.caption(f"Shaded: may still change, because {why_open}.")


def _axis_of_days(buckets: Sequence[date], grain: str) -> dict[str, Any]:
    """An axis with a tick for each bucket, or, where these are many, for what the library finds round."""
    axis: dict[str, Any] = {
        "title": None,
        "format": "%b %Y" if grain == "month" else "%-d %b",
        "labelOverlap": True,
    }
    if len(buckets) <= MOST_TICKS:
        axis["values"] = [{"year": day.year, "month": day.month, "date": day.day} for day in buckets]
    return axis


def heat_map(cells: Sequence[Mapping[str, Any]], rows: Sequence[str], *, alt: str) -> None:
    """A value for each of some rows and hours of a day."""
    st.vega_lite_chart(
        {
            "data": {"values": list(cells)},
            "height": 260,
            "mark": {"type": "rect"},
            "encoding": {
                "x": {"field": "hour", "type": "ordinal", "axis": {"title": None, "labelAngle": 0}},
                "y": {"field": "row", "type": "ordinal", "sort": list(rows), "axis": {"title": None}},
                "color": {
                    "field": "value",
                    "type": "quantitative",
                    "legend": {"title": None, "format": ".2~%", "orient": "bottom"},
                },
                "tooltip": [
                    {"field": "row", "title": "Weekday"},
                    {"field": "hour", "title": "Hour"},
                    {"field": "text", "title": "CTR"},
                    {"field": "impressions", "title": "Impressions"},
                ],
            },
        },
        alt=alt,
        key="heat_map",
    )


def funnel_chart(build: Build, steps: Sequence[tuple[Measure, Measure | None]], totals: Mapping[str, Any]) -> None:
    """Bars of the steps, each with its rate; lengths are by order of magnitude."""
    values = []
    for step, rate in steps:
        text = formatted(totals[step.name], step.kind, build.currency)
        if rate:
            text += f"  ({rate.label} {formatted(totals[rate.name], rate.kind, build.currency)})"
        size = math.log10(1 + max(float(totals[step.name]), 0))
        values.append({"step": step.label, "size": size, "text": text})
    position = {"field": "step", "type": "nominal", "sort": None, "axis": {"title": None, "labelLimit": 160}}
    st.vega_lite_chart(
        {
            "data": {"values": values},
            "height": 240,
            "encoding": {"y": position},
            "layer": [
                {
                    "mark": {"type": "bar", "cornerRadius": 2, "opacity": 0.35},
                    "encoding": {"x": {"field": "size", "type": "quantitative", "axis": None}},
                },
                {
                    "mark": {"type": "text", "align": "left", "dx": 6, "fontSize": 13, "color": text_colour()},
                    "encoding": {"text": {"field": "text"}, "x": {"value": 0}},
                },
            ],
        },
        alt="The steps of the funnel, each with its rate",
        key="funnel_chart",
    )
    st.caption("The bars' lengths are logarithmic. Not every impression comes from an auction.")


def stacked_chart(parts: Sequence[Mapping[str, Any]], rows: Sequence[str], *, alt: str) -> None:
    """Bars of parts that add up, one bar a row."""
    labels = list(dict.fromkeys(part["part"] for part in parts))
    st.vega_lite_chart(
        {
            "data": {"values": list(parts)},
            "height": 240,
            "mark": {"type": "bar"},
            "encoding": {
                "y": {
                    "field": "model",
                    "type": "nominal",
                    "sort": list(rows),
                    "axis": {"title": None, "labelLimit": 180},
                },
                "x": {"field": "value", "type": "quantitative", "axis": {"title": None, "format": "~s"}},
                "color": {
                    "field": "part",
                    "scale": {"domain": labels},
                    "legend": {"title": None, "orient": "bottom", "columns": 2},
                },
                "order": {"field": "order"},
                "tooltip": [
                    {"field": "model", "title": "Model"},
                    {"field": "part", "title": "Conversions"},
                    {"field": "value", "title": "Number", "format": ",.2f"},
                ],
            },
        },
        alt=alt,
        key="stacked_chart",
    )


def text_colour() -> str:
    """The colour of a text that a chart draws on its background."""
    return "#e6eaf0" if st.context.theme.type == "dark" else "#0e1520"
