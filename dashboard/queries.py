"""All SQL of the pages. Values are parameters; names of columns come from the lists here, never from a link.

Every mart is read through `_mart`, the one place that knows what a reader may see. Sums are exact decimals; a rate is a
ratio of sums, by the definition in `measures`.
"""

from calendar import isleap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from dashboard.measures import ATTRIBUTION, AUCTIONS, DELIVERY, FUNNEL, Measure, divided
from dashboard.published import Build, Rows, Value, cached, fetch

# The marts of delivery with what tells their rows apart, those that are read fastest first.
DELIVERY_MARTS: Mapping[str, frozenset[str]] = {
    "daily_performance": frozenset({"brand", "country"}),
    "source_performance": frozenset({"source", "account", "campaign_id", "ad_id", "brand", "country"}),
    "campaign_performance": frozenset({"campaign_id", "brand", "country", "state", "city", "zipcode"}),
    "creative_performance": frozenset({"ad_id", "campaign_id", "brand", "country", "state", "city", "zipcode"}),
}
HAVE_BRANDS = frozenset({*DELIVERY_MARTS, "dim_ads"})
HAVE_CAMPAIGNS = frozenset(
    {
        "campaign_summary",
        "campaign_funnel",
        "campaign_attribution",
        "dim_campaigns",
        "hourly_performance",
        "kpi_alerts",
        "pacing",
        "reconciliation",
    }
)
# What stands in place of a campaign where a row is of all of them, or of none that is known. It is nobody's campaign,
# even if a platform has one of that name.
NO_CAMPAIGNS = ("all_campaigns", "unattributed", "unknown_campaign")
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

    def compared_days(self, first: date, last: date) -> tuple[date, date] | None:
        """The first and last day of the period before that some days of this one are compared with; None if none is.

        A day is compared with the same day of the year before, or with the one that lies as far back as the periods
        begin apart. With 28 February both the 28th and the 29th are compared, with a 29th nothing.
        """
        if self.before is None:
            return None
        if self._is_a_year_apart:
            since = date(first.year - 1, 3, 1) if (first.month, first.day) == (2, 29) else year_before(first)
            until = year_before(last)
            if (last.month, last.day) == (2, 28) and isleap(until.year):
                until += timedelta(days=1)
        else:
            apart = self.since - self.before[0]
            since, until = first - apart, last - apart
        since, until = max(since, self.before[0]), min(until, self.before[1])
        return (since, until) if since <= until else None

    @property
    def _is_a_year_apart(self) -> bool:
        return self.before == (year_before(self.since), year_before(self.until))

    def apart(self) -> str:
        """The interval, in SQL, from a day of the period before to the day that is compared with it."""
        if self.before is None or self._is_a_year_apart:
            return "interval '1' year"
        return f"interval '{(self.since - self.before[0]).days}' day"

    def columns(self) -> set[str]:
        """The columns that are filtered."""
        return {column for column, _ in self.chosen}


def year_before(day: date) -> date:
    """The same day of the year before; of 29 February the 28th."""
    is_leap_day = (day.month, day.day) == (2, 29)
    return day.replace(year=day.year - 1, day=28 if is_leap_day else day.day)


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
        parameters["no_campaigns"] = NO_CAMPAIGNS
        # A brand that is null is one that nobody but who sees everything may see; bool_and alone would pass over it.
        return f"""(
            select * from adhouse.marts.{name}
            where campaign_id not in (select unnest($no_campaigns)) and campaign_id in (
                select campaign_id from adhouse.marts.source_performance
                group by campaign_id
                having bool_and(coalesce(brand in (select unnest($their_brands)), false))
            )
        )"""  # noqa: S608
    del parameters["their_brands"]
    return f"(select * from adhouse.marts.{name} where false)"  # noqa: S608


def _where(selection: Selection, parameters: dict[str, Value], day: str = "date") -> str:
    """The condition that a row is of the period and has chosen values."""
    parameters |= {"since": selection.since, "until": selection.until}
    return " and ".join([f"{day} between $since and $until", *_is_chosen(selection, parameters)])


def _both_periods(mart: str, selection: Selection, parameters: dict[str, Value]) -> str:
    """The rows of the period, and once more those of the period before, each on the day under which it is compared.

    The two can have days in common.
    """
    source, now = _mart(mart, selection.reader, parameters), _where(selection, parameters)
    rows = f"select *, date as on_day, true as is_now from {source} where {now}"  # noqa: S608 the names are ours
    if selection.before is None:
        return rows
    parameters |= {"before_since": selection.before[0], "before_until": selection.before[1]}
    then = " and ".join(["date between $before_since and $before_until", *_is_chosen(selection, parameters)])
    day = f"cast(date + {selection.apart()} as date)"
    return f"{rows} union all select *, {day}, false from {source} where {then}"  # noqa: S608 the names are ours


def _is_chosen(selection: Selection, parameters: dict[str, Value]) -> list[str]:
    parameters |= {f"chosen_{column}": values for column, values in selection.chosen}
    return [f"{column} in (select unnest($chosen_{column}))" for column, _ in selection.chosen]


def _summed(
    mart: str,
    measures: Iterable[Measure],
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
    """The measures of a mart, summed in groups; `delivery` says what the arguments are."""
    measures = list(measures)
    sums = list(dict.fromkeys(name for one in measures for name in (one.numerator, one.denominator) if name))
    parameters: dict[str, Value] = {}
    rows = _both_periods(mart, selection, parameters)
    bucket = f"cast(date_trunc('{grain}', on_day) as date)"
    names = [*(["bucket"] if grain else []), *by]
    keys = [*([f"{bucket} as bucket"] if grain else []), *by]
    grouped = f"group by {', '.join([*([bucket] if grain else []), *by])}" if names else ""
    shown = [f"{one.over(prefix)} as {prefix}{one.name}" for prefix in ("", "before_") for one in measures]
    sql = f"""
        with both_periods as (
            {rows}
        ),
        summed as (
            select {", ".join([*keys, *_sums(sums, has_before=selection.before is not None)])}
            from both_periods
            {grouped}
        ),
        measured as (
            select {", ".join([*names, "count(*) over () as groups", *shown])} from summed
            {f"where impressions >= {least_impressions:d}" if least_impressions else ""}
        )
        select * from measured
        {_ordered(order, [one.name for one in measures], names, is_descending=is_descending)}
        {f"limit {limit:d}" if limit is not None else ""}
    """  # noqa: S608 the names are ours
    if is_cached:
        return cached(selection.build.path, sql, tuple(parameters.items()))
    return fetch(selection.build.path, sql, parameters)


def _sums(names: Iterable[str], *, has_before: bool) -> list[str]:
    now = [f"coalesce(sum({name}) filter (where is_now), 0) as {name}" for name in names]
    if has_before:
        return now + [f"coalesce(sum({name}) filter (where not is_now), 0) as before_{name}" for name in names]
    return now + [f"cast(null as decimal(38, 6)) as before_{name}" for name in names]


def _ordered(order: str, measures: Iterable[str], names: Sequence[str], *, is_descending: bool) -> str:
    """Undefined comes last, whichever way the rows are sorted."""
    if not names:
        return ""
    direction = "desc" if is_descending else "asc"
    name = order.removeprefix("change_").removeprefix("moved_")
    if name not in measures:
        return f"order by {', '.join(names)}"
    change = f"{name} - before_{name}"
    value = {name: name, f"change_{name}": change, f"moved_{name}": f"abs({change})"}[order]
    return f"order by {value} {direction} nulls last, {', '.join(names)}"


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
        grain: Also by `day`, `week` or `month` of the period, as `bucket`; a day of the period before is in the bucket
            of the day that it is compared with, so buckets are as long in both.
        order: The measure by which the rows are sorted; `change_` and a measure: its rise; `moved_` and a measure: its
            rise or fall; without it by their columns.
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
    return _summed(
        mart,
        DELIVERY.values(),
        selection,
        by,
        grain,
        order,
        limit,
        least_impressions,
        is_descending=is_descending,
        is_cached=is_cached,
    )


def movers(selection: Selection, column: str, measure: str, limit: int) -> Rows:
    """The groups whose measure moved most against the period before, the greatest rise or fall first."""
    return delivery(selection, (column,), order=f"moved_{measure}", limit=limit)


def tiring(selection: Selection, least_impressions: int) -> Rows:
    """The ads whose CTR fell from the first half of the period to the second, the greatest relative fall first.

    An ad counts with at least so many impressions in both halves. The first half is in the columns `before_…`; a period
    of an odd number of days has its middle day in neither.
    """
    length = (selection.until - selection.since).days + 1
    half = timedelta(days=length // 2 - 1)
    if length < 2:
        return Rows((), [])
    halves = replace(selection, since=selection.until - half, before=(selection.since, selection.since + half))
    by = ("ad_id", "campaign_id")
    rows = delivery(halves, by, limit=None, least_impressions=least_impressions)
    at = {name: place for place, name in enumerate(rows.columns)}
    fell = [
        row
        for row in rows.rows
        if row[at["before_impressions"]] >= least_impressions and (row[at["ctr"]] or 0) < (row[at["before_ctr"]] or 0)
    ]
    fell.sort(key=lambda row: (row[at["ctr"]] or 0) / row[at["before_ctr"]])
    return Rows(rows.columns, fell)


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
    conditions = _is_chosen(within, parameters) if within else []
    where = f"where {' and '.join(conditions)}" if conditions else ""
    sql = f"select distinct {column} from {source} {where} order by {column}"  # noqa: S608 the names are ours
    return [value for (value,) in cached(build.path, sql, tuple(parameters.items())).rows]


def names_of(build: Build, reader: Reader, column: str) -> dict[str, str]:
    """What people call the campaigns or ads that the seeds give another name than their id, by id."""
    mart = {"campaign_id": "dim_campaigns", "ad_id": "dim_ads"}.get(column)
    if mart is None:
        return {}
    parameters: dict[str, Value] = {}
    source = _mart(mart, reader, parameters)
    sql = f"select {column}, name from {source} where name <> {column}"  # noqa: S608 the names are ours
    return dict(cached(build.path, sql, tuple(parameters.items())).rows)


def campaigns_of(build: Build, reader: Reader) -> list[str]:
    """The campaigns of delivery, events and flights, sorted; also those of which a reader may see only some brands."""
    parameters: dict[str, Value] = {}
    marts = ("source_performance", "campaign_funnel", "pacing")
    delivered, logged, planned = (_mart(mart, reader, parameters) for mart in marts)
    sql = f"""
        select campaign_id from {delivered}
        union
        select campaign_id from {logged}
        union
        select campaign_id from {planned}
        order by campaign_id
    """  # noqa: S608 the names are ours
    return [campaign for (campaign,) in cached(build.path, sql, tuple(parameters.items())).rows]


def whole_campaigns_of(build: Build, reader: Reader) -> list[str]:
    """The campaigns of which a reader may see every brand."""
    parameters: dict[str, Value] = {}
    source = _mart("campaign_summary", reader, parameters)
    sql = f"select campaign_id from {source} order by campaign_id"  # noqa: S608 the names are ours
    return [campaign for (campaign,) in cached(build.path, sql, tuple(parameters.items())).rows]


def sources_of(build: Build, reader: Reader) -> list[str]:
    """The sources of whatever kind, sorted."""
    sql = "select distinct source from {mart} {where} order by source"
    return [source for (source,) in _whole(build, reader, sql, "source_balances").rows]


def days_of(build: Build, reader: Reader, mart: str = "daily_performance") -> tuple[date, date] | None:
    """The first and last day of a mart; None if it is empty."""
    parameters: dict[str, Value] = {}
    source = _mart(mart, reader, parameters)
    sql = f"select min(date), max(date) from {source}"  # noqa: S608 the names are ours
    ((first, last),) = cached(build.path, sql, tuple(parameters.items())).rows
    return (first, last) if first else None


def flights(selection: Selection, limit: int | None = MOST_ROWS) -> Rows:
    """The flights of campaigns with budget or targets that the period touches, one row each, the running ones first.

    Returns:
        The columns of the mart `pacing`, `status`: running, over or planned on the day of the run, and `groups`: how
        many there are without the limit.
    """
    parameters: dict[str, Value] = {
        "since": selection.since,
        "until": selection.until,
        "today": selection.build.today,
    }
    source = _mart("pacing", selection.reader, parameters)
    conditions = [
        "flight_start <= $until and flight_end >= $since",
        *_is_chosen(selection.only({"campaign_id"}), parameters),
    ]
    sql = f"""
        select
            *,
            case when is_running then 'running' when flight_end < $today then 'over' else 'planned' end as status,
            count(*) over () as groups
        from {source}
        where {" and ".join(conditions)}
        order by is_running desc, flight_start desc, campaign_id
        {f"limit {limit:d}" if limit is not None else ""}
    """  # noqa: S608 the names are ours
    return cached(selection.build.path, sql, tuple(parameters.items()))


def funnel(
    selection: Selection,
    by: Sequence[str] = (),
    grain: str = "",
    *,
    limit: int | None = MOST_ROWS,
    is_cached: bool = True,
) -> Rows:
    """The events of the period from opportunities to conversions, by columns of `campaign_funnel`."""
    return _summed(
        "campaign_funnel",
        FUNNEL.values(),
        selection.only({"campaign_id"}),
        by,
        grain,
        "impressions",
        limit,
        is_cached=is_cached,
    )


def open_from(selection: Selection) -> date | None:
    """The first day with an open look-back window, in which conversions may still come; None if there is none."""
    parameters: dict[str, Value] = {}
    source = _mart("campaign_attribution", selection.reader, parameters)
    conditions = ["date_base = 'touch'", "not is_mature", *_is_chosen(selection.only({"campaign_id"}), parameters)]
    sql = f"select min(date) from {source} where {' and '.join(conditions)}"  # noqa: S608 the names are ours
    ((first,),) = cached(selection.build.path, sql, tuple(parameters.items())).rows
    return first if isinstance(first, date) else None


def auctions(
    selection: Selection,
    by: Sequence[str] = (),
    grain: str = "",
    *,
    limit: int | None = MOST_ROWS,
    is_cached: bool = True,
) -> Rows:
    """The auctions of the period, summed in groups of the columns of `auction_performance`; it knows no filter."""
    return _summed(
        "auction_performance",
        AUCTIONS.values(),
        selection.only(()),
        by,
        grain,
        "opportunities",
        limit,
        is_cached=is_cached,
    )


def losses(selection: Selection, limit: int) -> Rows:
    """The reasons for which bids of the period lost, the most frequent first: `bids_lost`, and their `share` of all."""
    selection = selection.only(())
    parameters: dict[str, Value] = {}
    source = _mart("auction_losses", selection.reader, parameters)
    sql = f"""
        with counted as (
            select loss_reason, sum(bids_lost) as bids_lost
            from {source}
            where {_where(selection, parameters)}
            group by loss_reason
        )
        select loss_reason, bids_lost, cast(bids_lost as double) / sum(bids_lost) over () as share
        from counted
        order by bids_lost desc, loss_reason
        limit {limit:d}
    """  # noqa: S608 the names are ours
    return cached(selection.build.path, sql, tuple(parameters.items()))


def alerts(selection: Selection, scope: str = "", *, limit: int | None = MOST_ROWS, is_cached: bool = True) -> Rows:
    """The unusual metrics of the period, the newest first, with `groups`, how many there are without the limit.

    Args:
        selection: The period and the campaigns; all campaigns together are of no campaign.
        scope: `campaign` or `all`; empty: both.
        limit: The greatest number of rows; None: all.
        is_cached: Whether the answer is remembered; not for exports.
    """
    selection = selection.only({"campaign_id"})
    parameters: dict[str, Value] = {}
    source = _mart("kpi_alerts", selection.reader, parameters)
    conditions = [_where(selection, parameters)]
    if scope:
        parameters["scope"] = scope
        conditions.append("scope = $scope")
    sql = f"""
        select *, count(*) over () as groups from {source}
        where {" and ".join(conditions)}
        order by date desc, scope, campaign_id, metric
        {f"limit {limit:d}" if limit is not None else ""}
    """  # noqa: S608 the names are ours
    if is_cached:
        return cached(selection.build.path, sql, tuple(parameters.items()))
    return fetch(selection.build.path, sql, parameters)


def hours(selection: Selection) -> Rows:
    """Impressions and clicks without invalid traffic, by the instant (UTC) at which an hour of the period began."""
    selection = selection.only({"campaign_id", "ad_id"})
    parameters: dict[str, Value] = {}
    source = _mart("hourly_performance", selection.reader, parameters)
    sql = f"""
        select hour_at, sum(net_impressions) as impressions, sum(net_clicks) as clicks
        from {source}
        where {_where(selection, parameters, "report_date")}
        group by hour_at
        order by hour_at
    """  # noqa: S608 the names are ours
    return cached(selection.build.path, sql, tuple(parameters.items()))


def places(build: Build) -> tuple[dict[str, str], dict[tuple[str, str], str]]:
    """The ISO code of each country, and of each (country, state), as delivery calls them; by the seeds of places."""
    known = cached(build.path, "select place, country, state from adhouse.marts.places order by place").rows
    aliases = cached(build.path, "select alias, place from adhouse.marts.place_aliases").rows
    of_country = {alias: place for alias, place in aliases if "-" not in place}
    of_country |= {country: place for place, country, state in known if state is None}
    return of_country, {(country, state): place for place, country, state in known if state is not None}


MODELS = "last_click_else_view", "first_touch", "last_touch", "linear", "time_decay", "position"
DATE_BASES = {"Day of the touch": "touch", "Day of the conversion": "conversion"}


def conversion_types(build: Build, reader: Reader) -> list[str]:
    """The kinds of conversion that are attributed, sorted."""
    parameters: dict[str, Value] = {}
    source = _mart("campaign_attribution", reader, parameters)
    sql = f"select distinct conversion_type from {source} order by conversion_type"  # noqa: S608 the names are ours
    return [kind for (kind,) in cached(build.path, sql, tuple(parameters.items())).rows]


def attribution(
    selection: Selection, base: str, kinds: Sequence[str], by: Sequence[str], model: str = "", *, is_cached: bool = True
) -> Rows:
    """What attribution models credit in the period.

    Args:
        selection: The period and the campaigns.
        base: `touch` or `conversion`: by whose day a conversion counts.
        kinds: The kinds of conversion; none: all.
        by: `model` or `campaign_id`, or both.
        model: Only this model.
        is_cached: Whether the answer is remembered; not for exports.

    Returns:
        The columns of `by`; conversions after clicks, `view_through_conversions`, `unattributed_conversions`, their
        values, `all_conversions`, and `immature_conversions`: those of days whose look-back windows are still open.
    """
    selection = selection.only({"campaign_id"})
    parameters: dict[str, Value] = {"base": base}
    source = _mart("campaign_attribution", selection.reader, parameters)
    conditions = [_where(selection, parameters), "date_base = $base"]
    if kinds:
        parameters["kinds"] = tuple(kinds)
        conditions.append("conversion_type in (select unnest($kinds))")
    if model:
        parameters["model"] = model
        conditions.append("model = $model")
    credited = "conversions + view_through_conversions + unattributed_conversions"
    sql = f"""
        select
            {", ".join(by)},
            sum(conversions) as conversions,
            sum(view_through_conversions) as view_through_conversions,
            sum(unattributed_conversions) as unattributed_conversions,
            sum(conversion_value) as conversion_value,
            sum(view_through_value) as view_through_value,
            sum(unattributed_value) as unattributed_value,
            sum({credited}) as all_conversions,
            coalesce(sum({credited}) filter (where not is_mature), 0) as immature_conversions
        from {source}
        where {" and ".join(conditions)}
        group by {", ".join(by)}
        order by {", ".join(by)}
    """  # noqa: S608 the names are ours
    if is_cached:
        return cached(selection.build.path, sql, tuple(parameters.items()))
    return fetch(selection.build.path, sql, parameters)


def credited_campaigns(
    selection: Selection, base: str, kinds: Sequence[str], model: str, *, is_cached: bool = True
) -> Rows:
    """What a model credits to each campaign, beside the spend that delivery says the campaign had in the period.

    Returns:
        `campaign_id` and the measures of `ATTRIBUTION`; spend and rates are null where a campaign has no delivery.
    """
    credited = attribution(selection, base, kinds, ("campaign_id",), model, is_cached=is_cached)
    campaigns = replace(selection.only({"campaign_id"}), before=None)
    spent = {row["campaign_id"]: row["spend"] for row in delivery(campaigns, ("campaign_id",), limit=None).dicts()}
    shares = {one.name: (one.numerator, one.denominator) for one in ATTRIBUTION.values() if one.denominator}
    rows = []
    for row in credited.dicts():
        row["spend"] = spent.get(row["campaign_id"])
        rates = [divided(row[above], row[below]) for above, below in shares.values()]
        rows.append((row["campaign_id"], *(row[name] for name in ATTRIBUTION if name not in shares), *rates))
    return Rows(("campaign_id", *(name for name in ATTRIBUTION if name not in shares), *shares), rows)


def _whole(build: Build, reader: Reader, sql: str, mart: str, sources: Sequence[str] = ()) -> Rows:
    """A query on a mart that is about no period; `{mart}` and `{where}` in it are filled in."""
    parameters: dict[str, Value] = {}
    source = _mart(mart, reader, parameters)
    where = ""
    if sources:
        parameters["sources"] = tuple(sources)
        where = "where source in (select unnest($sources))"
    return cached(build.path, sql.format(mart=source, where=where), tuple(parameters.items()))


def freshness(build: Build, reader: Reader, sources: Sequence[str]) -> Rows:
    """When each source last brought something: the newest fetch or file of each, and what became of it."""
    sql = """
        select source, kind, max(received_at) as received_at, max_by(status, received_at) as status, count(*) as units
        from {mart} {where} group by source, kind order by source
    """
    return _whole(build, reader, sql, "source_balances", sources)


def newest_days(build: Build, reader: Reader) -> Rows:
    """The newest report day that each delivery source has."""
    return _whole(
        build, reader, "select source, max(date) as newest from {mart} {where} group by source", "source_performance"
    )


def balance(build: Build, reader: Reader, sources: Sequence[str]) -> Rows:
    """What became of all records of each source; read is rejected plus loaded, and loaded is the rest."""
    sql = """
        select
            source,
            sum(records_read) as records_read,
            sum(records_rejected) as records_rejected,
            sum(records_loaded) as records_loaded,
            sum(records_superseded) as records_superseded,
            sum(records_duplicate) as records_duplicate,
            sum(records_quarantined) as records_quarantined,
            sum(records_kept) as records_kept,
            sum(files_quarantined) as files_quarantined,
            sum(fetches_failed) as fetches_failed
        from {mart} {where} group by source order by source
    """
    return _whole(build, reader, sql, "data_quality", sources)


def quarantine(build: Build, reader: Reader, sources: Sequence[str]) -> Rows:
    """How many records break which rule, by source and reason, with what the reason means and what helps."""
    sql = """
        with counted as (
            select source, reason, count(*) as records from {mart} {where} group by source, reason
        )
        select source, counted.reason, records, meaning, what_to_do
        from counted
        left join adhouse.marts.quarantine_reasons on counted.reason = quarantine_reasons.reason
    """
    both = [_whole(build, reader, sql, mart, sources) for mart in ("quarantined_deliveries", "quarantined_events")]
    rows = sorted([*both[0].rows, *both[1].rows], key=lambda row: (-row[2], row[0], row[1]))
    return Rows(both[0].columns, rows)


def quarantine_examples(build: Build, reader: Reader, sources: Sequence[str], reason: str) -> Rows:
    """Up to twenty records of each source that were rejected or quarantined for a reason, as they came.

    Only for readers who may see everything: a broken record may be anybody's.
    """
    if reader.brands is not None:
        return Rows((), [])
    parameters: dict[str, Value] = {"reason": reason}
    where = "where reason = $reason"
    if sources:
        parameters["sources"] = tuple(sources)
        where += " and source in (select unnest($sources))"
    sql = f"""
        select source, field, value, detail, payload, _source, _position, _received_at
        from adhouse.ops.quarantine_examples {where} order by source, _source, _position
    """  # noqa: S608 the text is ours
    return cached(build.path, sql, tuple(parameters.items()))


def reason(build: Build, name: str) -> Rows:
    """What a reason means and what helps: one row, or none of a reason that is not ours."""
    sql = "select meaning, what_to_do from adhouse.marts.quarantine_reasons where reason = $reason"
    return cached(build.path, sql, (("reason", name),))


def example_reasons(build: Build, reader: Reader) -> list[str]:
    """The reasons of which there are examples."""
    if reader.brands is not None:
        return []
    sql = "select distinct reason from adhouse.ops.quarantine_examples order by reason"
    return [reason for (reason,) in cached(build.path, sql).rows]


def tests(build: Build, reader: Reader) -> Rows:
    """The tests of this build, those that found something first; their messages may name anything."""
    if reader.brands is not None:
        return Rows((), [])
    return cached(
        build.path,
        """
        select test, status, failed_rows, message from adhouse.ops.test_results
        where build_id = $build_id
        order by case status when 'pass' then 1 else 0 end, failed_rows desc, test
        """,
        (("build_id", build.build_id),),
    )


def builds(build: Build, reader: Reader) -> Rows:
    """The builds on record, the newest first; how much they read is about all brands together."""
    if reader.brands is not None:
        return Rows((), [])
    return cached(
        build.path,
        f"""
        select
            build_id, status, command, started_at, ended_at, is_full_refresh, records_read, records_loaded,
            records_rejected, models, tests, warnings, errors
        from adhouse.ops.builds
        order by started_at desc, build_id desc
        limit {MOST_ROWS}
        """,  # noqa: S608 the number is ours
    )


def reconciliation(build: Build, reader: Reader) -> Rows:
    """How many daily figures of platform and events agree, and why the others do not, by measure and cause."""
    sql = """
        select measure, cause, count(*) as figures, sum(delivered) as delivered, sum(measured) as measured
        from {mart} {where} group by measure, cause order by measure, figures desc
    """
    return _whole(build, reader, sql, "reconciliation")


def overlaps(build: Build, reader: Reader, sources: Sequence[str]) -> Rows:
    """The files that may count twice, or that took something away, in words."""
    return _whole(
        build, reader, "select * from {mart} {where} order by source, first_date, newer_file", "file_overlaps", sources
    )
