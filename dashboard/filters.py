"""The filters in the sidebar, and the links that keep them.

Every widget here is bound to the parameter of its name in the address, so a copied link opens the same view. Streamlit
drops without a word whatever a link says that a widget cannot show; `problems` finds it before and says it.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import streamlit as st

from dashboard import queries
from dashboard.published import Build
from dashboard.queries import Reader, Selection, year_before
from dashboard.text import days, plain

MOST_VALUES = 100
MOST_NAMED = 5
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2100, 12, 31)

# A name is the parameter of links and stays; the column is that of the marts.
COLUMNS = {
    "source": "source",
    "campaign": "campaign_id",
    "brand": "brand",
    "ad": "ad_id",
    "country": "country",
    "state": "state",
    "city": "city",
    "zip": "zipcode",
}
LABELS = {
    "source": "Source",
    "campaign": "Campaign",
    "brand": "Brand",
    "ad": "Ad",
    "country": "Country",
    "state": "State",
    "city": "City",
    "zip": "ZIP code",
}
# The parameters that may have several values, or none.
LISTS = frozenset({"cards", "trends", "columns", "type"})
PARENTS = {"state": "country", "city": "state", "zip": "city"}

CUSTOM, ALL_DATES = "Custom", "All dates"
DAYS_BACK = {"Last 7 days": 7, "Last 14 days": 14, "Last 28 days": 28, "Last 90 days": 90}
TO_DATE = ("Week to date", "Month to date", "Quarter to date", "Year to date")
PERIODS = (*DAYS_BACK, *TO_DATE, ALL_DATES, CUSTOM)
DEFAULT_PERIOD = "Last 14 days"
PREVIOUS, YEAR_BEFORE, NOTHING = "Previous period", "Year before", "Nothing"
COMPARED = (PREVIOUS, YEAR_BEFORE, NOTHING)


@dataclass(frozen=True)
class Offered:
    """What a page can be filtered by.

    Attributes:
        filters: The names of its filters.
        why_not: Why it has not the others.
        has_period: Whether it is about a period.
        has_comparison: Whether it compares with another period.
        mart: The mart whose first and last day bound its periods.
        choices: Its own parameters, and the values that each may have, or what gives them.
        most: How many values a parameter of its own may have at once, where that is limited.
    """

    filters: tuple[str, ...] = tuple(COLUMNS)
    why_not: str = ""
    has_period: bool = True
    has_comparison: bool = True
    mart: str = "daily_performance"
    choices: Mapping[str, Sequence[str] | Callable[[Build, Reader], Sequence[str]]] = field(default_factory=dict)
    most: Mapping[str, int] = field(default_factory=dict)


def preset(name: str, newest: date) -> tuple[date, date]:
    """The first and last day of a relative period that ends with the newest complete day."""
    if name in DAYS_BACK:
        return newest - timedelta(days=DAYS_BACK[name] - 1), newest
    return _begin_of(name, newest), newest


def _begin_of(name: str, day: date) -> date:
    if name == "Week to date":
        return day - timedelta(days=day.weekday())
    if name == "Month to date":
        return day.replace(day=1)
    if name == "Quarter to date":
        return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
    return day.replace(month=1, day=1)


def compared(how: str, period: str, since: date, until: date) -> tuple[date, date] | None:
    """The period to compare with; None for all dates, and where nothing is to be compared.

    It is a year before, or the days just before; of a period to date the same days of the week, month, quarter or year
    before.
    """
    if how == NOTHING or period == ALL_DATES:
        return None
    if how == YEAR_BEFORE:
        return year_before(since), year_before(until)
    if period == "Year to date":  # not as many days: a leap day is in one of the two years alone
        return year_before(since), year_before(until)
    length = until - since
    if period in TO_DATE:
        begin = _begin_of(period, since - timedelta(days=1))
        return begin, min(begin + length, since - timedelta(days=1))
    return since - length - timedelta(days=1), since - timedelta(days=1)


def problems(
    link: Mapping[str, Sequence[str]],
    build: Build,
    reader: Reader,
    offered: Offered,
    known: Collection[str],
    *,
    is_opened: bool = True,
) -> list[str]:
    """What a link asks for and does not get, in words for people.

    Args:
        link: The parameters of the address with their values.
        build: The build whose values count.
        reader: Who reads; a value that they may not see is one that this build does not have.
        offered: What the page can be filtered by.
        known: Every parameter of any page.
        is_opened: Whether somebody opens the link; who comes from another page may still have its parameters.
    """
    said = []
    for name, written in link.items():
        values = [value for value in written if value]
        if name in COLUMNS:
            said += _problems_of_filter(name, values, link, build, reader, offered)
        elif name in (own := _choices_of(offered)):
            choices = own[name]
            allowed = choices(build, reader) if callable(choices) else choices
            said += [f"{name} has no value {value}" for value in values if value not in allowed]
            most = offered.most.get(name, len(values)) if name in LISTS else 1
            if len(values) > most:
                said.append(f"{name} has {len(values)} values, and at most {most} can be chosen")
        elif name not in known:
            said.append(f"there is no parameter {name}")
        elif is_opened and (name != "dates" or not offered.has_period):
            said.append(f"{name} is not a parameter of this page")
    return said + (_problems_of_dates(link) if offered.has_period else [])


def _choices_of(offered: Offered) -> Mapping[str, Sequence[str] | Callable[[Build, Reader], Sequence[str]]]:
    """The values that each parameter of a page may have, but for its filters and dates."""
    periods = {"period": PERIODS} if offered.has_period else {}
    comparisons = {"compare": COMPARED} if offered.has_comparison else {}
    return {**periods, **comparisons, **offered.choices}


def _problems_of_filter(
    name: str, values: Sequence[str], link: Mapping[str, Sequence[str]], build: Build, reader: Reader, offered: Offered
) -> list[str]:
    label = LABELS[name]
    if name not in offered.filters:
        return [f"{label} is not applied: {offered.why_not}"]
    if len(values) > MOST_VALUES:
        return [f"{label} has {len(values)} values, and at most {MOST_VALUES} can be chosen"]
    above = PARENTS.get(name)
    if above and above not in link:
        return [f"{label} is not applied: it needs its {LABELS[above].lower()} beside it"]
    if above and "source" in link and "source" in offered.filters:
        return [f"{label} is not applied: {NO_PLACES}"]
    there = set(_options(build, reader, offered, name, {one: tuple(link.get(one, ())) for one in COLUMNS}))
    return [f"{label} {value} is not in this build" for value in values if value not in there]


def _problems_of_dates(link: Mapping[str, Sequence[str]]) -> list[str]:
    written = link.get("dates", [])
    is_custom = list(link.get("period", [])) == [CUSTOM]
    if written and not is_custom:
        return [f"dates count with period={CUSTOM} only"]
    try:
        read = [date.fromisoformat(one) for one in written if len(one) == len("2026-11-30")]
    except ValueError:
        read = []
    if len(read) < len(written):
        return [f"dates are not days as YYYY-MM-DD: {', '.join(written)}"]
    if any(not FIRST_DAY <= day <= LAST_DAY for day in read):
        return [f"dates lie outside {FIRST_DAY} to {LAST_DAY}: {', '.join(written)}"]
    if len(read) > 2:
        return [f"dates are the first and the last day, not {len(read)}"]
    if is_custom and not read:
        return [f"period={CUSTOM} has no dates beside it"]
    return []


NO_PLACES = "no mart tells both sources and places below the country apart"


def _options(
    build: Build, reader: Reader, offered: Offered, name: str, chosen: Mapping[str, Sequence[str]]
) -> list[str]:
    """The values of a filter; those of a place lie in the places that are chosen above it."""
    if name == "campaign":
        return queries.campaigns_of(build, reader)
    if name == "source" and offered.filters == ("source",):
        return queries.sources_of(build, reader)
    above, one = [], name
    while one in PARENTS:
        one = PARENTS[one]
        above.append(one)
    kept = tuple((COLUMNS[one], tuple(chosen[one])) for one in above if chosen.get(one))
    within = Selection(build, FIRST_DAY, LAST_DAY, chosen=kept, reader=reader)
    return queries.values_of(build, reader, COLUMNS[name], within)


def sidebar(build: Build, reader: Reader, offered: Offered) -> Selection:
    """Shows the filters and gives what is chosen; a filter that does not apply is disabled and says why."""
    known_days = queries.days_of(build, reader, offered.mart)
    newest = min(known_days[1], build.today - timedelta(days=1)) if known_days else build.today - timedelta(days=1)
    since, until, before = FIRST_DAY, LAST_DAY, None
    if offered.has_period:
        since, until, before = _period(known_days or (newest, newest), newest, offered)
    chosen: dict[str, tuple[str, ...]] = {}
    for name in COLUMNS:
        values = _filter(build, reader, offered, name, chosen)
        if values:
            chosen[name] = values
    st.button("Clear filters", on_click=_clear, disabled=not chosen, width="stretch")
    kept = tuple((COLUMNS[name], values) for name, values in chosen.items())
    return Selection(build, since, until, before, kept, reader)


def _period(known: tuple[date, date], newest: date, offered: Offered) -> tuple[date, date, tuple[date, date] | None]:
    period = st.selectbox(
        "Period",
        PERIODS,
        index=PERIODS.index(DEFAULT_PERIOD),
        key="period",
        bind="query-params",
        help="Periods end with the newest complete report day that has data.",
    )
    if period == CUSTOM:
        since, until = _custom(newest)
    elif period == ALL_DATES:
        since, until = known
    else:
        since, until = preset(period, newest)
    how = NOTHING
    if offered.has_comparison:
        how = st.selectbox("Compare with", COMPARED, key="compare", bind="query-params", disabled=period == ALL_DATES)
    before = compared(how, period, since, until)
    said = days(since, until)
    if before and before[0] < known[0]:
        # Against days of which nothing is known everything would seem to have grown.
        said += f"; not compared with {days(*before)}, because the data begin on {known[0]:%-d %b %Y}"
        before = None
    elif before:
        said += f", compared with {days(*before)}"
    st.caption(said)
    return since, until, before


def _custom(newest: date) -> tuple[date, date]:
    picked = st.date_input(
        "First and last day",
        value=[],
        min_value=FIRST_DAY,
        max_value=LAST_DAY,
        key="dates",
        bind="query-params",
        format="YYYY-MM-DD",
    )
    both = sorted(picked) if isinstance(picked, tuple) else [picked]
    if not both or both[0] is None:
        st.info("Choose the first and the last day. Until then the newest day is shown.")
        return newest, newest
    if len(both) == 1:
        st.info("Choose the last day too. Until then only the first is shown.")
    elif list(picked) != both:
        st.warning("The dates were in reverse order.")
    return both[0], both[-1]


def _filter(
    build: Build, reader: Reader, offered: Offered, name: str, chosen: Mapping[str, tuple[str, ...]]
) -> tuple[str, ...]:
    why_not = _why_not(name, offered, chosen)
    if why_not:
        # Under another key, or the choice would be lost where the filter applies again.
        st.multiselect(LABELS[name], (), key=f"{name}_off", disabled=True, placeholder="Not here", help=why_not)
        return ()
    options = _options(build, reader, offered, name, chosen)
    _drop_from_link(name, options)
    picked = st.multiselect(
        LABELS[name],
        options,
        key=name,
        bind="query-params",
        max_selections=MOST_VALUES,
        placeholder="All",
        select_all=False,
    )
    # A browser can send what it likes: only what is there counts.
    there = set(options)
    kept = tuple(value for value in picked if value in there)[:MOST_VALUES]
    _show_names(queries.names_of(build, reader, COLUMNS[name]), kept)
    return kept


def _drop_from_link(name: str, options: Collection[str]) -> None:
    """Takes values out of the link that went with a choice above them which has changed; Streamlit would leave them."""
    if name in PARENTS and name in st.session_state:
        there = [value for value in st.session_state[name] if value in options]
        if len(there) < len(st.session_state[name]):
            st.session_state[name] = there


def _show_names(called: Mapping[str, str], chosen: Sequence[str]) -> None:
    """Says what the chosen campaigns or ads are called; options are ids, because a link has what an option shows."""
    named = [f"{value}: {called[value]}" for value in chosen if value in called]
    if named:
        more = f" and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else ""
        st.caption(plain("; ".join(named[:MOST_NAMED]) + more))


def _why_not(name: str, offered: Offered, chosen: Mapping[str, tuple[str, ...]]) -> str:
    if name not in offered.filters:
        return plain(offered.why_not)
    above = PARENTS.get(name)
    if above and "source" in chosen:
        return plain(NO_PLACES)
    if above and above not in chosen:
        return f"Choose a {LABELS[above].lower()} first."
    return ""


def _clear() -> None:
    for name in COLUMNS:
        if name in st.session_state:
            st.session_state[name] = []
