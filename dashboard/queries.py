"""All SQL of the pages. Values are parameters; names of columns come from the lists here, never from a link.

Every mart is read through `_mart`, the one place that knows what a reader may see. The statements run on DuckDB and on
Trino. Sums are exact decimals; a rate is a ratio of sums, by the definition in `measures`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from dashboard.measures import DELIVERY, SUMS, Measure
from dashboard.published import Build, Rows, Value, cached, fetch

# The marts of delivery with what tells their rows apart, those that are read fastest first.
DELIVERY_MARTS: Mapping[str, frozenset[str]] = {
    "daily_performance": frozenset({"brand", "country"}),
    "source_performance": frozenset({"source", "account", "campaign_id", "ad_id", "brand", "country"}),
    "campaign_performance": frozenset({"campaign_id", "brand", "country", "state", "city", "zipcode"}),
    "creative_performance": frozenset({"ad_id", "campaign_id", "brand", "country", "state", "city", "zipcode"}),
}
HAVE_BRANDS = frozenset(DELIVERY_MARTS)
HAVE_CAMPAIGNS = frozenset(
    {"campaign_summary", "campaign_funnel", "campaign_attribution", "hourly_performance", "pacing"}
)
GRAINS = {"Day": "day", "Week": "week", "Month": "month"}
MOST_ROWS = 500


@dataclass(frozen=True)
class Reader:
    """Who reads.

    Attributes:
        brands: The brands that they may see; None: everything. A mart without brands shows them the campaigns of which
            they may see every brand, and one without campaigns nothing.
    """

    brands: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Selection:
    """What a page is about.

    Attributes:
        build: The build that is read.
        since: The first report day.
        until: The last report day.
        before: The first and last day of the period to compare with; None: no comparison.
        chosen: The chosen values by column; a column that is not there is not filtered.
        reader: Who reads.
    """

    build: Build
    since: date
    until: date
    before: tuple[date, date] | None = None
    chosen: tuple[tuple[str, tuple[str, ...]], ...] = ()
    reader: Reader = Reader()

    def only(self, columns: Iterable[str]) -> "Selection":
        """The same with the filters of these columns alone, for a mart that has no others."""
        return replace(self, chosen=tuple((column, values) for column, values in self.chosen if column in columns))

    def without(self, column: str) -> "Selection":
        """The same without the filter of a column."""
        return replace(self, chosen=tuple((name, values) for name, values in self.chosen if name != column))

    def with_values(self, column: str, *values: str) -> "Selection":
        """The same with only these values of a column."""
        return replace(self.without(column), chosen=(*self.without(column).chosen, (column, values)))

    def columns(self) -> set[str]:
        """The columns that are filtered."""
        return {column for column, _ in self.chosen}


def delivery_mart(columns: Iterable[str]) -> str | None:
    """The delivery mart that has all these columns and is read fastest; None if none has them all."""
    wanted = set(columns)
    return next((mart for mart, has in DELIVERY_MARTS.items() if wanted <= has), None)


def _mart(name: str, reader: Reader, parameters: dict[str, Value]) -> str:
    """What stands in a query for a mart: all of it, or what this reader may see of it."""
    if reader.brands is None:
        return f"adhouse.marts.{name}"
    parameters["their_brands"] = reader.brands
    if name in HAVE_BRANDS:
        return f"(select * from adhouse.marts.{name} where brand in (select unnest($their_brands)))"  # noqa: S608
    if name in HAVE_CAMPAIGNS:
        return f"""(
            select * from adhouse.marts.{name} where campaign_id in (
                select campaign_id from adhouse.marts.campaign_performance
                group by campaign_id
                having bool_and(brand in (select unnest($their_brands)))
            )
        )"""  # noqa: S608
    del parameters["their_brands"]
    return f"(select * from adhouse.marts.{name} where false)"  # noqa: S608


def _where(selection: Selection, parameters: dict[str, Value], day: str = "date") -> str:
    """The condition that a row is of the period, or of the one before, and has chosen values."""
    parameters |= {"since": selection.since, "until": selection.until}
    is_of_period = f"{day} between $since and $until"
    if selection.before:
        parameters |= {"before_since": selection.before[0], "before_until": selection.before[1]}
        is_of_period = f"({is_of_period} or {day} between $before_since and $before_until)"
    conditions = [is_of_period]
    for column, values in selection.chosen:
        parameters[f"chosen_{column}"] = values
        conditions.append(f"{column} in (select unnest($chosen_{column}))")
    return " and ".join(conditions)


def _measures(measures: Iterable[Measure], prefix: str = "") -> list[str]:
    return [f"{measure.over(prefix)} as {prefix}{measure.name}" for measure in measures]


def delivery(
    selection: Selection,
    by: Sequence[str] = (),
    grain: str = "",
    order: str = "",
    limit: int | None = MOST_ROWS,
    least_impressions: int = 0,
    *,
    is_descending: bool = True,
    is_cached: bool = True,
) -> Rows:
    """The delivery of a period, and of the one before it, summed in groups.

    Args:
        selection: What is summed.
        by: The columns that tell groups apart; none: one row, all zero and null if there is no delivery.
        grain: Also by `day`, `week` or `month` of the period, as `bucket`; without the period before.
        order: The measure by which the rows are sorted, or `change_` and a measure; without it by their columns.
        limit: The greatest number of rows; None: all.
        least_impressions: Groups with fewer in the period are left out.
        is_descending: Whether the greatest come first.
        is_cached: Whether the answer is remembered; not for exports.

    Returns:
        `bucket`, the columns, `groups` (how many there are without the limit), every measure of `DELIVERY`, and
        each as `before_…` in the period before.

    Raises:
        ValueError: No mart has all these columns.
    """
    wanted = {*by, *selection.columns()}
    mart = delivery_mart(wanted)
    if mart is None:
        raise ValueError(f"no mart has {', '.join(sorted(wanted))}")
    if grain:
        selection = replace(selection, before=None)
    parameters: dict[str, Value] = {}
    source, where = _mart(mart, selection.reader, parameters), _where(selection, parameters)
    bucket = f"cast(date_trunc('{grain}', date) as date)"
    names = [*(["bucket"] if grain else []), *by]
    keys = [*([f"{bucket} as bucket"] if grain else []), *by]
    grouped = f"group by {', '.join([*([bucket] if grain else []), *by])}" if names else ""
    measures = [*_measures(DELIVERY.values()), *_measures(DELIVERY.values(), "before_")]
    sql = f"""
        with summed as (
            select {", ".join([*keys, *_sums(has_before=selection.before is not None)])}
            from {source}
            where {where}
            {grouped}
        ),
        measured as (
            select {", ".join([*names, "count(*) over () as groups", *measures])} from summed
            where impressions >= {least_impressions:d}
        )
        select * from measured
        {_ordered(order, names, is_descending=is_descending)}
        {f"limit {limit:d}" if limit is not None else ""}
    """  # noqa: S608 the names are ours
    if is_cached:
        return cached(selection.build.path, sql, tuple(parameters.items()))
    return fetch(selection.build.path, sql, parameters)


def movers(selection: Selection, column: str, measure: str, limit: int) -> Rows:
    """The groups whose measure moved most against the period before, the greatest rise or fall first."""
    rose = delivery(selection, (column,), order=f"change_{measure}", limit=limit)
    fell = delivery(selection, (column,), order=f"change_{measure}", limit=limit, is_descending=False)
    now, before = rose.columns.index(measure), rose.columns.index(f"before_{measure}")
    both = {row[0]: row for row in [*rose.rows, *fell.rows]}
    moved = sorted(both.values(), key=lambda row: (-abs(row[now] - row[before]), str(row[0])))
    return Rows(rose.columns, moved[:limit])


def _sums(*, has_before: bool) -> list[str]:
    is_now = "date between $since and $until"
    now = [f"coalesce(sum({one}) filter (where {is_now}), 0) as {one}" for one in SUMS]
    if has_before:
        return now + [f"coalesce(sum({one}) filter (where not ({is_now})), 0) as before_{one}" for one in SUMS]
    return now + [f"cast(null as decimal(38, 6)) as before_{one}" for one in SUMS]


def _ordered(order: str, names: Sequence[str], *, is_descending: bool) -> str:
    """Undefined comes last, whichever way the rows are sorted."""
    if not names:
        return ""
    direction = "desc" if is_descending else "asc"
    name = order.removeprefix("change_")
    if name not in DELIVERY:
        return f"order by {', '.join(names)}"
    value = name if name == order else f"{name} - before_{name}"
    return f"order by {value} {direction} nulls last, {', '.join(names)}"


def values_of(build: Build, reader: Reader, column: str, within: Selection | None = None) -> list[str]:
    """The values that a column has in the marts, sorted.

    Args:
        build: The build.
        reader: Who reads; they see no other values than those of their rows.
        column: The column of a delivery mart.
        within: Only values that come with what is chosen here, on whatever day.
    """
    chosen = within.chosen if within else ()
    mart = delivery_mart({column, *(name for name, _ in chosen)})
    if mart is None:
        return []
    parameters: dict[str, Value] = {}
    source = _mart(mart, reader, parameters)
    conditions = [f"{name} in (select unnest($chosen_{name}))" for name, _ in chosen]
    parameters |= {f"chosen_{name}": values for name, values in chosen}
    where = f"where {' and '.join(conditions)}" if conditions else ""
    sql = f"select distinct {column} from {source} {where} order by {column}"  # noqa: S608 the names are ours
    return [value for (value,) in cached(build.path, sql, tuple(parameters.items())).rows]


def days_of(build: Build, reader: Reader) -> tuple[date, date] | None:
    """The first and last day that have delivery; None if there is none."""
    parameters: dict[str, Value] = {}
    source = _mart("daily_performance", reader, parameters)
    sql = f"select min(date), max(date) from {source}"  # noqa: S608 the names are ours
    ((first, last),) = cached(build.path, sql, tuple(parameters.items())).rows
    return (first, last) if first else None


def descriptions(build: Build) -> dict[tuple[str, str], str]:
    """What dbt says of each column, by mart and column; of the mart itself under the empty column."""
    rows = cached(
        build.path,
        """
        select table_name, column_name, comment from duckdb_columns() where database_name = 'adhouse'
        union all
        select table_name, '', comment from duckdb_tables() where database_name = 'adhouse'
        union all
        select view_name, '', comment from duckdb_views() where database_name = 'adhouse'
        """,
    ).rows
    return {(mart, column): comment for mart, column, comment in rows if comment}


def flights(selection: Selection) -> Rows:
    """The flights of campaigns with budget or targets that the period touches, one row each, the running ones first.

    Returns:
        The columns of the mart `pacing`, and `status`: running, over or planned on the day of the run.
    """
    parameters: dict[str, Value] = {
        "since": selection.since,
        "until": selection.until,
        "today": selection.build.today,
    }
    source = _mart("pacing", selection.reader, parameters)
    conditions = ["flight_start <= $until and flight_end >= $since"]
    for column, values in selection.only({"campaign_id"}).chosen:
        parameters[f"chosen_{column}"] = values
        conditions.append(f"{column} in (select unnest($chosen_{column}))")
    sql = f"""
        select
            *,
            case when is_running then 'running' when flight_end < $today then 'over' else 'planned' end as status
        from {source}
        where {" and ".join(conditions)}
        order by is_running desc, flight_start desc, campaign_id
        limit {MOST_ROWS}
    """  # noqa: S608 the names are ours
    return cached(selection.build.path, sql, tuple(parameters.items()))
