"""How pages show things: cards, tables, charts, exports.

Texts from the data pass through `plain` wherever Streamlit reads markup.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import queries
from dashboard.measures import DELIVERY, SUMS, Kind, Measure
from dashboard.published import Build, Rows, descriptions
from dashboard.queries import Selection
from dashboard.sparkline import sparkline
from dashboard.text import UNDEFINED, change, csv_of, days, exact, formatted, plain

MOST_SPARKLINES = 5
MOST_TICKS = 40
MOST_EMPTY_DAYS = 800  # a longer period is drawn from its first to its last delivery
HALF_A_BUCKET = {"day": timedelta(hours=12), "week": timedelta(days=3), "month": timedelta(days=15)}
MOST_CARDS_A_ROW = 6
# Not `dollar`, `percent` and `localized`: a browser takes 0.1 ms for each cell each time that it draws one so.
GROUPED = "accounting"
PERCENT, CHANGE = "%.2f%%", "%+.1f%%"  # of values times 100
SOME_CENTS = 0.1
# Pixels of a table; in rows higher than 64 texts are wrapped.
CHARACTER_WIDTH, CELL_PADDING, LEAST_WIDTH = 8, 20, 80
HEADER_ROW, ROW, WRAPPED_ROW = 38, 35, 66
# Its symbols are pieces of the lines; as the points that Vega draws by itself, the dashed one is a cross.
COMPARING_LEGEND = {"title": None, "orient": "bottom", "symbolType": "stroke", "symbolSize": 400}
KIND_FORMATS: Mapping[Kind, str] = {"count": GROUPED, "money": GROUPED, "percent": PERCENT, "factor": "%.2f"}
NO_DELIVERY = "There is no delivery in this period with these filters, or it adds up to nothing."


def definition(build: Build, mart: str, column: str) -> str:
    """What dbt says of a column in a reader's words, ready for a tooltip; empty if it says nothing."""
    return plain(descriptions(build.path).get((mart, column), "").replace("`", "").replace("null", "undefined"))


def _tooltip(build: Build, measure: Measure) -> str:
    return definition(build, measure.described_by, measure.name)


def cards(
    selection: Selection,
    measures: Sequence[Measure],
    totals: Mapping[str, Any],
    trend: Sequence[Mapping[str, Any]] = (),
    open_from: date | None = None,
) -> None:
    """A card a measure: its value, the change against the period before, and what it means.

    Args:
        selection: Whose totals they are.
        measures: What to show, in this order; the first five get a sparkline.
        totals: The values by name, those of the period before by `before_` and name.
        trend: The values of each bucket of the period.
        open_from: From which day on conversions may still come: then no change of theirs is good or bad.
    """
    currency = selection.build.currency
    per_row = len(measures) if len(measures) <= MOST_CARDS_A_ROW else -(-len(measures) // 2)
    with st.grid(min(per_row, MOST_CARDS_A_ROW) or 1, min_column_width=120):
        for number, measure in enumerate(measures):
            now, before = totals[measure.name], totals[f"before_{measure.name}"]
            shown = formatted(now, measure.kind, currency, is_compact=True)
            moved = change(now, before)
            help_text = [_tooltip(selection.build, measure)]
            if (whole := exact(now, measure.kind, currency)) != shown:
                help_text.append(f"{'In full' if measure.denominator else 'Exactly'} {plain(whole)}.")
            is_open = open_from is not None and open_from <= selection.until and "conversions" in measure.numerator
            if selection.before:
                judged = "It was" if is_open else _judged(measure, moved)
                earlier = plain(exact(before, measure.kind, currency))
                help_text.append(f"{judged} {earlier} from {plain(days(*selection.before))}.")
            with st.container(border=True, height="stretch", gap="xsmall"):
                st.metric(
                    measure.label,
                    plain(shown),
                    _delta(moved),
                    "off" if is_open else _colour(measure),
                    help="\n\n".join(help_text),
                )
                points = [row[measure.name] for row in trend]
                if number < MOST_SPARKLINES and len(points) > 1 and None not in points:
                    st.html(sparkline([float(point) for point in points], f"{measure.label} over the period"))


def totals(selection: Selection, names: Sequence[str]) -> Mapping[str, Any] | None:
    """Shows the cards of these measures of delivery and gives all totals; says so and gives None without delivery."""
    summed = queries.delivery(selection).dicts()[0]
    if is_empty(summed):
        st.info(NO_DELIVERY)
        return None
    cards(selection, [DELIVERY[name] for name in names], summed)
    return summed


def _delta(moved: float | None) -> str | int | None:
    """The change as a text; nearly none is the number 0, which Streamlit shows without an arrow."""
    if moved is None:
        return None
    return 0 if abs(moved) < 0.0005 else f"{moved:+,.1%}"


def _judged(measure: Measure, moved: float | None) -> str:
    """In words what the colour of a change says."""
    if not moved or measure.is_better_high is None:
        return "It was"
    return "Better than" if (moved > 0) == measure.is_better_high else "Worse than"


def _colour(measure: Measure) -> Any:
    if measure.is_better_high is None:
        return "off"
    return "normal" if measure.is_better_high else "inverse"


def table(
    build: Build,
    rows: Sequence[Mapping[str, Any]],
    names: Mapping[str, str],
    measures: Iterable[Measure],
    *,
    key: str,
    alt: str,
    order: Sequence[str] | None = None,
    on_select: Callable[[], None] | None = None,
    changes: bool = False,
) -> Any:
    """A table whose cells are plain texts and numbers; undefined ones are a dash.

    Args:
        build: Whose descriptions explain the columns.
        rows: The rows, with a value for each name and measure.
        names: The labels of the columns that tell rows apart, by name; the first stays in sight.
        measures: The columns with numbers.
        key: Its name, for its state and for tests.
        alt: What a screen reader says of it.
        order: The measures in the order wanted; the others are left out.
        on_select: What a click on a row does.
        changes: Whether a measure has its change against the period before beside it.
    """
    shown = {measure.name: measure for measure in measures}
    shown = {name: shown[name] for name in order if name in shown} if order else shown
    data: dict[str, list[Any]] = {name: [row[name] for row in rows] for name in names}
    config: dict[str, Any] = {
        name: st.column_config.Column(label, pinned=number == 0) for number, (name, label) in enumerate(names.items())
    }
    for measure in shown.values():
        values = [_number(row[measure.name]) for row in rows]
        data[measure.name] = hundredfold(values) if measure.kind == "percent" else values
        label = f"{measure.label} ({build.currency})" if measure.kind == "money" and build.currency else measure.label
        step = _step(measure.kind, [value for value in values if value])
        tooltip = _tooltip(build, measure) or None
        config[measure.name] = number_column(
            label, data[measure.name], KIND_FORMATS[measure.kind], step=step, tooltip=tooltip
        )
        if changes:
            name = f"change_{measure.name}"
            data[name] = changes_in_percent((row[measure.name], row[f"before_{measure.name}"]) for row in rows)
            config[name] = number_column(f"Δ {measure.label}", data[name], CHANGE)
    return frame(data, config, key=key, alt=alt, on_select=on_select)


def number_column(
    label: str,
    values: Iterable[float | None],
    number_format: str = GROUPED,
    *,
    step: float | None = None,
    tooltip: str | None = None,
) -> Any:
    """A column of numbers that is as wide as the longest of them.

    A browser measures a column once; when a filter changes, longer numbers would lose their first digits in it.
    """
    decimals = 2 if step is None else 0 if step == 1 else 4
    longest = max((len(f"{value:,.{decimals}f}") for value in values if value is not None), default=0)
    width = CELL_PADDING + max(longest + 1, len(label)) * CHARACTER_WIDTH
    return st.column_config.NumberColumn(
        label, format=number_format, step=step, help=tooltip, width=max(width, LEAST_WIDTH)
    )


def _step(kind: Kind, values: Sequence[float]) -> float | None:
    """The place of the last decimal: none of whole counts, four of prices of some cents, two of the others."""
    if kind == "count" and all(value.is_integer() for value in values):
        return 1
    return 0.0001 if kind == "money" and any(abs(value) < SOME_CENTS for value in values) else None


def with_names(
    selection: Selection, rows: Sequence[dict[str, Any]], labels: Mapping[str, str], column: str = "campaign_id"
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """The rows and labels of a table, with what people call campaigns or ads beside the ids, if the seeds say it."""
    called = queries.names_of(selection.build, selection.reader, column) if column in labels else {}
    if not called:
        return [*rows], dict(labels)
    named: dict[str, str] = {}
    for name, label in labels.items():
        named[name] = label
        if name == column:
            named["name"] = "Name"
    return [{**row, "name": called.get(row[column], "")} for row in rows], named


def hundredfold(values: Iterable[float | None]) -> list[float | None]:
    """Shares as a table takes percentages."""
    return [None if value is None else 100 * value for value in values]


def changes_in_percent(pairs: Iterable[tuple[Any, Any]]) -> list[float | None]:
    """What each value is more than the one before it, to the decimal that a table shows: -0.04 % is 0, not -0.0."""
    moved = (change(now, before) for now, before in pairs)
    return [None if one is None else round(100 * one, 1) + 0.0 for one in moved]


def frame(
    data: Mapping[str, Sequence[Any]],
    config: Mapping[str, Any],
    *,
    key: str,
    alt: str,
    on_select: Callable[[], None] | None = None,
    is_wrapped: bool = False,
) -> Any:
    """A table of columns, at most as high as its rows, with texts in one line or in several."""
    row, most = (WRAPPED_ROW, 10) if is_wrapped else (ROW, 15)
    height = HEADER_ROW + row * min(max((len(values) for values in data.values()), default=0), most)
    selecting: dict[str, Any] = {"on_select": on_select, "selection_mode": "single-row"} if on_select else {}
    return st.dataframe(
        pd.DataFrame(dict(data)),
        hide_index=True,
        column_config=dict(config),
        key=key,
        alt=alt,
        placeholder=UNDEFINED,
        height=max(height, HEADER_ROW + row),
        row_height=row,
        **selecting,
    )


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def export(label: str, file_name: str, make: Callable[[], Rows], *, key: str) -> None:
    """A button that gives the whole result as CSV, made when it is pressed."""

    def content() -> bytes:
        rows = make()
        kept = [number for number, column in enumerate(rows.columns) if _is_exported(column, number, rows)]
        return csv_of(
            [rows.columns[number] for number in kept], ([row[number] for number in kept] for row in rows.rows)
        )

    st.download_button(
        label, content, f"{file_name}.csv", "text/csv", key=key, on_click="ignore", icon=":material/download:"
    )


def _is_exported(column: str, number: int, rows: Rows) -> bool:
    """Whether a column says something: not how many groups there are, nor an earlier period that there is not."""
    if column.startswith("before_"):
        return any(row[number] is not None for row in rows.rows)
    return column != "groups"


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
        first, last = max(row["bucket"], selection.since), min(_end_of(row["bucket"], grain), selection.until)
        drawn = [("This period", measure.name, 0)]
        if has_before:
            drawn.append(("Compared", f"before_{measure.name}", selection.days_apart))
        values += [
            {
                "on": f"{row['bucket']}T00:00:00",
                "days": days(first - timedelta(days=back), last - timedelta(days=back)),
                "series": label,
                "value": _number(row[name]),
                "text": formatted(row[name], measure.kind, build.currency),
            }
            for label, name, back in drawn
        ]
    is_flat = not any(value["value"] for value in values)
    layers: list[dict[str, Any]] = []
    shaded = [row["bucket"] for row in rows if open_from and _end_of(row["bucket"], grain) >= open_from]
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


def course(
    selection: Selection, grain: str, measures: Iterable[Measure], read: Callable[[], Rows]
) -> list[dict[str, Any]]:
    """The measures in every bucket of a period, those of the period before by `before_` and name.

    Args:
        selection: The period.
        grain: What a bucket is: `day`, `week` or `month`.
        measures: What each row has.
        read: Gives the buckets in which something happened; in the others sums are 0 and rates undefined.
    """
    rows = {row["bucket"]: row for row in read().dicts()}
    if not rows:
        return []
    since, until = selection.since, selection.until
    if (until - since).days > MOST_EMPTY_DAYS:
        since, until = max(since, min(rows)), min(until, max(rows))
    nothing = {measure.name: None if measure.denominator else 0 for measure in measures}
    undefined = {f"before_{name}": None for name in nothing}
    nothing_before = {f"before_{name}": value for name, value in nothing.items()}
    found = []
    for bucket in buckets(since, until, grain):
        # The period before can be shorter: with what lies beyond its end nothing is compared.
        is_compared = selection.before and bucket <= selection.before[1] + timedelta(days=selection.days_apart)
        row = rows.get(bucket, {"bucket": bucket, **nothing, **nothing_before})
        found.append(row if is_compared else {**row, **undefined})
    return found


def delivery_course(selection: Selection, grain: str) -> list[dict[str, Any]]:
    """The delivery in every bucket of a period."""
    return course(selection, grain, DELIVERY.values(), lambda: queries.delivery(selection, grain=grain, limit=None))


def buckets(since: date, until: date, grain: str) -> list[date]:
    """The first day of each day, week (from Monday) or month that the period touches."""
    if grain == "week":
        since -= timedelta(days=since.weekday())
    elif grain == "month":
        since = since.replace(day=1)
    found = []
    while since <= until:
        found.append(since)
        since = _end_of(since, grain) + timedelta(days=1)
    return found


def _end_of(bucket: date, grain: str) -> date:
    if grain == "month":
        return (bucket + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return bucket + timedelta(days=6 if grain == "week" else 0)


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


def text_colour() -> str:
    """The colour of a text that a chart draws on its background."""
    return "#e6eaf0" if st.context.theme.type == "dark" else "#0e1520"


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
                    "legend": {"title": None, "orient": "bottom"},
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


def first_of(total: int, shown: int, one: str, more: str) -> str:
    """How many of all there are shown; `one` and `more` are what they are called."""
    what = one if total == 1 else more
    return f"{shown:,} of {total:,} {what}" if shown < total else f"{total:,} {what}"


def is_empty(totals: Mapping[str, Any]) -> bool:
    """Whether nothing was delivered."""
    return not any(totals[name] for name in SUMS)
