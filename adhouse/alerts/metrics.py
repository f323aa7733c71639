"""Alerts about what the numbers say: metrics of campaigns that are unusual, and budgets that are not spent evenly."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import groupby
from typing import Any

from adhouse.alerts import links
from adhouse.alerts.alert import Alert, harmless
from adhouse.warehouse.base import Warehouse
from adhouse.warehouse.quarantine import literal
from dashboard.measures import KIND_OF_METRIC
from dashboard.text import days, formatted

NEWEST_DAYS = 7  # an alert is of these; so the first run on an old warehouse does not send its history
MOST_SEVERE = 10.0  # of what comes from or falls to nothing
MOST_EXPLAINED = 50  # alerts for which the place or campaign behind them is looked up
CONTEXT_DAYS = 28  # before the alert, that its link shows
COMPARED_WEEKS = 8  # as `kpi_alerts` compares
PACING_FROM = 3  # days of a flight, before which a pacing says little
UNEVEN = 0.2
PARTS = {
    "ctr": ("clicks", "impressions"),
    "cpm": ("spend", "impressions"),
    "cpc": ("spend", "clicks"),
    "cvr": ("conversions", "clicks"),
    "cpa": ("spend", "conversions"),
}
COLUMNS = (
    *("scope", "campaign_id", "metric", "date", "value", "median_value", "compared_days", "moved"),
    *("numerator", "denominator", "median_numerator", "median_denominator"),
)


@dataclass(frozen=True)
class Unusual:
    """The newest unbroken row of unusual days of a metric; the numbers are those of the last of them.

    Attributes:
        row: The row of `kpi_alerts`, by column.
        first_day: The first of the days.
        alert: What is said of it, without what is behind it.
    """

    row: Mapping[str, Any]
    first_day: date
    alert: Alert

    @property
    def moved(self) -> str:
        """The count or money that moved most."""
        metric: str = self.row["metric"]
        parts = PARTS.get(metric, (metric,))
        return parts[-1] if self.row["moved"] == "denominator" else parts[0]


def unusual_metrics(warehouse: Warehouse, build_day: date, currency: str) -> list[Alert]:
    """The metrics that were unusual on one of the newest days, one alert for each campaign, metric and direction.

    Args:
        warehouse: The published build.
        build_day: The report day of the build.
        currency: That of its money.
    """
    newest = build_day - timedelta(days=NEWEST_DAYS)
    asked = f"""
        select {", ".join(f"alerts.{column}" for column in COLUMNS)}
        from marts.kpi_alerts as alerts
        inner join (
            select distinct scope, campaign_id, metric from marts.kpi_alerts where date >= date '{newest}'
        ) as newest
            on alerts.scope = newest.scope and alerts.campaign_id = newest.campaign_id and alerts.metric = newest.metric
        order by alerts.scope, alerts.campaign_id, alerts.metric, alerts.date
    """  # noqa: S608 the text is ours
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in warehouse.ask("kpi_alerts", asked)]
    names = _names(warehouse, {row["campaign_id"] for row in rows})

    def subject(row: Mapping[str, Any]) -> tuple[str, ...]:
        direction = "above" if row["value"] > row["median_value"] else "below"
        return ("metric", row["scope"], row["campaign_id"], row["metric"], direction)

    found = []
    for key, days_of_it in groupby(sorted(rows, key=lambda row: (subject(row), row["date"])), key=subject):
        of_metric = [*days_of_it]
        if of_metric[-1]["date"] >= newest:
            found.append(_unusual(key, of_metric, names, currency))
    found.sort(key=lambda one: (-one.alert.severity, one.alert.title))
    behind = _behind(warehouse, found[:MOST_EXPLAINED], currency)
    return [
        replace(one.alert, why="; ".join(filter(None, (one.alert.why, behind.get(number)))))
        for number, one in enumerate(found)
    ]


def uneven_pacing(warehouse: Warehouse, build_day: date, currency: str) -> list[Alert]:
    """The running flights whose budget is spent a fifth faster or slower than evenly."""
    asked = f"""
        select campaign_id, flight_start, flight_end, flight_days, elapsed_days, budget, spend, pacing
        from marts.pacing
        where is_running and pacing is not null and elapsed_days >= {PACING_FROM}
            and (pacing > {1 + UNEVEN} or pacing < {1 - UNEVEN})
        order by campaign_id, flight_start
    """  # noqa: S608 the text is ours
    rows = warehouse.ask("pacing", asked)
    names = _names(warehouse, {campaign for campaign, *_ in rows})
    found = []
    for campaign, start, end, flight_days, elapsed, budget, spend, pacing in rows:
        direction = "ahead of" if pacing > 1 else "behind"
        money, all_money = (formatted(value, "money", currency) for value in (spend, budget))
        found.append(
            Alert(
                ("pacing", campaign, str(start), direction),
                f"the budget of {names[campaign]} is spent {direction} plan: pacing {pacing:.2f}, 1 is even",
                f"{money} of {all_money} after {elapsed} of {flight_days} days of the flight of {days(start, end)}",
                _severity(pacing, 1),
                build_day - timedelta(days=1),
                campaign_id=campaign,
                link=links.campaign(campaign),
            )
        )
    return found


def _unusual(
    subject: tuple[str, ...], of_metric: Sequence[Mapping[str, Any]], names: Mapping[str, str], currency: str
) -> Unusual:
    last, first_day = of_metric[-1], of_metric[-1]["date"]
    for row in reversed(of_metric):
        if row["date"] < first_day - timedelta(days=1):
            break
        first_day = row["date"]
    metric, value, usual = last["metric"], last["value"], last["median_value"]
    kind = KIND_OF_METRIC[metric]
    campaign = None if last["scope"] == "all" else last["campaign_id"]
    who = "all campaigns together" if campaign is None else names[campaign]
    by = f"{abs(value - usual) / abs(usual):.0%} " if usual else ""
    was = "were" if kind == "count" else "was"
    title = (
        f"{links.MEASURES[metric]} of {who} {was} {by}{subject[-1]} usual: "
        f"{formatted(value, kind, currency)} on {last['date']:%-d %b}, usually {formatted(usual, kind, currency)}"
    )
    since = first_day - timedelta(days=CONTEXT_DAYS)
    alert = Alert(
        subject,
        title,
        _moved(last, currency),
        _severity(value, usual),
        last["date"],
        first_day,
        campaign,
        links.course(metric, campaign, since, last["date"]),
    )
    return Unusual(last, first_day, alert)


def _moved(row: Mapping[str, Any], currency: str) -> str:
    """Which of numerator and denominator moved, and from what to what."""
    if row["moved"] is None or row["metric"] not in PARTS:
        return ""
    said = []
    for part, name in zip(("numerator", "denominator"), PARTS[row["metric"]], strict=True):
        if row["moved"] in (part, "both"):
            kind = KIND_OF_METRIC[name]
            now, usual = (formatted(row[column], kind, currency) for column in (part, f"median_{part}"))
            said.append(f"{name} {now}, usually {usual}")
    return f"{'what moved: ' if len(said) == 1 else 'both moved: '}{'; '.join(said)}"


def _behind(warehouse: Warehouse, found: Sequence[Unusual], currency: str) -> dict[int, str]:
    """What is behind each alert: of all campaigns the one, of a campaign the state that moved most, by its number."""
    weights = [
        f"({number}, {literal(one.row['scope'])}, {literal(one.row['campaign_id'])}, {literal(one.moved)}, "
        f"date '{one.row['date'] - timedelta(weeks=age)}', {age})"
        for number, one in enumerate(found)
        for age in range(COMPARED_WEEKS + 1)
    ]
    if not weights:
        return {}
    asked = f"""
        with

        asked as (

            select * from (values {", ".join(weights)}) as given (number, scope, campaign_id, measure, date, age)

        ),

        summed as (

            select
                asked.number,
                case when asked.scope = 'all' then delivered.campaign_id else delivered.country end as larger,
                case when asked.scope = 'all' then '' else delivered.state end as smaller,
                asked.age,
                sum(
                    case asked.measure
                        when 'impressions' then cast(delivered.impressions as decimal(38, 6))
                        when 'clicks' then cast(delivered.clicks as decimal(38, 6))
                        when 'conversions' then cast(delivered.conversions as decimal(38, 6))
                        else cast(delivered.spend as decimal(38, 6))
                    end
                ) as amount

            from asked

            inner join marts.campaign_performance as delivered
                on
                    asked.date = delivered.date
                    and (asked.scope = 'all' or asked.campaign_id = delivered.campaign_id)

            group by 1, 2, 3, 4

        )

        select
            number, larger, smaller,
            sum(case when age = 0 then amount else 0 end) as amount,
            sum(case when age > 0 then amount else 0 end) as amount_before
        from summed
        group by number, larger, smaller
    """  # noqa: S608 the text is ours, the values are quoted
    parts: dict[int, list[tuple[float, str]]] = {}
    for number, larger, smaller, amount, before in warehouse.ask("campaign_performance", asked):
        change = float(amount) - float(before) / found[number].row["compared_days"]
        where = ", ".join(harmless(name) for name in (larger, smaller) if name)
        parts.setdefault(number, []).append((change, where))
    said = {}
    for number, changes in parts.items():
        change, where = max(changes, key=lambda one: (abs(one[0]), one[1]))
        total, measure = sum(one for one, _ in changes), found[number].moved
        if change * total > 0:  # what moved against the rest explains nothing
            kind = KIND_OF_METRIC[measure]
            sign = "+" if change > 0 else ""
            unit = "" if measure == "spend" else f" {measure}"
            amounts = (formatted(round(value, 2), kind, currency) for value in (change, total))
            part, whole = amounts
            said[number] = f"most of it in {where}: {sign}{part} of {sign}{whole}{unit}"
    return said


def _names(warehouse: Warehouse, campaigns: set[str]) -> dict[str, str]:
    """How messages call campaigns: by the name that the seed gives them, and their id."""
    named: dict[str, str] = {}
    if campaigns:
        asked = "select campaign_id, name from marts.dim_campaigns where name <> campaign_id"
        named = dict(warehouse.ask("dim_campaigns", asked))
    return {one: f"{harmless(named[one])} ({harmless(one)})" if one in named else harmless(one) for one in campaigns}


def _severity(value: Any, usual: Any) -> float:
    """How far a value is from what is usual, so that half of it and twice as much are equally far."""
    if float(value) * float(usual) <= 0:
        return MOST_SEVERE
    return max(min(abs(math.log(float(value) / float(usual))), MOST_SEVERE), 1e-6)
