"""What all pages show alike: cards, exports, and how much of everything is shown.

Texts from the data pass through `plain` wherever Streamlit reads markup.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

import streamlit as st

from dashboard import queries
from dashboard.measures import DELIVERY, SUMS, Measure
from dashboard.published import Build, Rows, descriptions
from dashboard.queries import Selection
from dashboard.sparkline import sparkline
from dashboard.text import change, csv_of, days, exact, formatted, plain

MOST_SPARKLINES = 5
MOST_CARDS_A_ROW = 6
NO_DELIVERY = "There is no delivery in this period with these filters, or it adds up to nothing."


def definition(build: Build, mart: str, column: str) -> str:
    """What dbt says of a column in a reader's words, ready for a tooltip; empty if it says nothing."""
    return plain(descriptions(build.path).get((mart, column), "").replace("`", "").replace("null", "undefined"))


def tooltip(build: Build, measure: Measure) -> str:
    """What dbt says of a measure."""
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
            help_text = [tooltip(selection.build, measure)]
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


def first_of(total: int, shown: int, one: str, more: str) -> str:
    """How many of all there are shown; `one` and `more` are what they are called."""
    what = one if total == 1 else more
    return f"{shown:,} of {total:,} {what}" if shown < total else f"{total:,} {what}"


def is_empty(totals: Mapping[str, Any]) -> bool:
    """Whether nothing was delivered."""
    return not any(totals[name] for name in SUMS)
