"""The tables of the pages."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import queries
from dashboard.measures import Kind, Measure
from dashboard.published import Build, Rows
from dashboard.queries import Selection
from dashboard.show import export, tooltip
from dashboard.text import UNDEFINED, change

# Not `dollar`, `percent` and `localized`: a browser takes 0.1 ms for each cell each time that it draws one so.
GROUPED = "accounting"
PERCENT, CHANGE = "%.2f%%", "%+.1f%%"  # of values times 100
SOME_CENTS, MUCH = 0.1, 1_000
# Pixels of a table; in rows higher than 64 texts are wrapped.
CHARACTER_WIDTH, CELL_PADDING, LEAST_WIDTH = 8, 20, 80
HEADER_ROW, ROW, WRAPPED_ROW = 38, 35, 66
KIND_FORMATS: Mapping[Kind, str] = {"count": GROUPED, "money": GROUPED, "percent": PERCENT, "factor": "%.2f"}


def table(
    build: Build,
    rows: Sequence[Mapping[str, Any]],
    names: Mapping[str, str],
    measures: Iterable[Measure],
    *,
    key: str,
    alt: str,
    order: Sequence[str] | None = None,
    on_select: Callable[[str], None] | None = None,
    changes: bool = False,
    export_as: str = "",
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
        on_select: What a click on a row does; it is given the name under which the state has the row.
        changes: Whether a measure has its change against the period before beside it.
        export_as: The name of a CSV with all that the table has; empty: it has an export of its own, or none.
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
        config[measure.name] = number_column(
            label, data[measure.name], KIND_FORMATS[measure.kind], step=step, said=tooltip(build, measure)
        )
        if changes:
            name = f"change_{measure.name}"
            data[name] = changes_in_percent((row[measure.name], row[f"before_{measure.name}"]) for row in rows)
            config[name] = number_column(f"Δ {measure.label}", data[name], CHANGE)
    return frame(data, config, key=key, alt=alt, on_select=on_select, export_as=export_as)


def number_column(
    label: str,
    values: Iterable[float | None],
    number_format: str = GROUPED,
    *,
    step: float | None = None,
    said: str = "",
) -> Any:
    """A column of numbers that is as wide as the longest of them.

    A browser measures a column once; when a filter changes, longer numbers would lose their first digits in it.
    """
    decimals = 2 if step is None else 0 if step == 1 else 4
    longest = max((len(f"{value:,.{decimals}f}") for value in values if value is not None), default=0)
    width = CELL_PADDING + max(longest + 1, len(label)) * CHARACTER_WIDTH
    return st.column_config.NumberColumn(
        label, format=number_format, step=step, help=said or None, width=max(width, LEAST_WIDTH)
    )


def _step(kind: Kind, values: Sequence[float]) -> float | None:
    """The place of the last decimal: none of whole counts, four of prices of some cents, two of the others."""
    if kind == "count" and all(value.is_integer() for value in values):
        return 1
    sizes = [abs(value) for value in values]
    return 0.0001 if kind == "money" and sizes and min(sizes) < SOME_CENTS and max(sizes) < MUCH else None


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


def named(selection: Selection, rows: Rows, column: str = "campaign_id") -> Rows:
    """The rows of an export with the same names beside the ids, if the seeds have any."""
    called = queries.names_of(selection.build, selection.reader, column)
    if not called:
        return rows
    place = rows.columns.index(column) + 1
    return Rows(
        (*rows.columns[:place], "name", *rows.columns[place:]),
        [(*row[:place], called.get(row[place - 1], ""), *row[place:]) for row in rows.rows],
    )


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
    on_select: Callable[[str], None] | None = None,
    is_wrapped: bool = False,
    export_as: str = "",
) -> Any:
    """A table of columns, at most as high as its rows, with texts in one line or in several.

    A browser measures a column once; when texts get longer it is another table, or they would be cut.
    """
    if export_as:
        rows = [*zip(*data.values(), strict=True)]
        export("Download as CSV", export_as, lambda: Rows(tuple(data), rows), key=f"export_{key}")
    longest = [max(map(len, map(str, values)), default=0) for values in data.values() if _is_text(values)]
    shown_as = "_".join(map(str, [key, *longest]))
    row, most = (WRAPPED_ROW, 10) if is_wrapped else (ROW, 15)
    height = HEADER_ROW + row * min(max((len(values) for values in data.values()), default=0), most)
    selecting: dict[str, Any] = {}
    if on_select:
        selecting = {"on_select": lambda: on_select(shown_as), "selection_mode": "single-row"}
    return st.dataframe(
        pd.DataFrame(dict(data)),
        hide_index=True,
        column_config=dict(config),
        key=shown_as,
        alt=alt,
        placeholder=UNDEFINED,
        height=max(height, HEADER_ROW + row),
        row_height=row,
        **selecting,
    )


def _is_text(values: Sequence[Any]) -> bool:
    return any(isinstance(value, str) for value in values)


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
