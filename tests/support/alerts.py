"""Which days of campaigns are unusual, computed the slow and plain way in fractions, without SQL."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction
from typing import Any

_JUDGED = timedelta(days=92)
_METRICS: dict[str, tuple[str, str | None, int]] = {
    "impressions": ("impressions", None, 1),
    "clicks": ("clicks", None, 1),
    "conversions": ("conversions", None, 1),
    "spend": ("spend", None, 1),
    "ctr": ("clicks", "impressions", 1),
    "cpm": ("spend", "impressions", 1000),
    "cpc": ("spend", "clicks", 1),
    "cvr": ("conversions", "clicks", 1),
    "cpa": ("spend", "conversions", 1),
}
_ON_CLICKS = ("cpc", "cvr", "cpa")
_TESTED = ("ctr", "cvr")
_EXACT = Context(prec=80, rounding=ROUND_HALF_UP)


@dataclass(frozen=True)
class CampaignDay:
    """What a campaign delivered on a report day; conversions and spend have at most six decimals."""

    campaign_id: str
    date: date
    impressions: int
    clicks: int
    conversions: Decimal
    spend: Decimal


def alerts_of(days: Iterable[CampaignDay], as_of: date) -> list[dict[str, Any]]:
    """Gives the rows of `kpi_alerts` for days of campaigns, one per campaign and day, in a run of the day `as_of`."""
    histories: dict[tuple[str, str], dict[date, dict[str, Fraction]]] = defaultdict(lambda: defaultdict(_nothing))
    for day in days:
        for scope, campaign in (("campaign", day.campaign_id), ("all", "all_campaigns")):
            for measure in _nothing():
                histories[scope, campaign][day.date][measure] += Fraction(getattr(day, measure))
    return [
        {"scope": scope, "campaign_id": campaign, "date": day, "metric": metric, **found}
        for (scope, campaign), history in histories.items()
        for day in history
        for metric in _METRICS
        if as_of - _JUDGED <= day < as_of and (found := _alert(history, day, metric)) is not None
    ]


def _nothing() -> dict[str, Fraction]:
    return dict.fromkeys(("impressions", "clicks", "conversions", "spend"), Fraction(0))


def _alert(history: dict[date, dict[str, Fraction]], day: date, metric: str) -> dict[str, Any] | None:
    above, below, _ = _METRICS[metric]
    now = history[day]
    weeks = (day - timedelta(weeks=age) for age in range(1, 9))
    before = [history[earlier] for earlier in weeks if earlier in history]
    volume, least = ("clicks", 50) if metric in _ON_CLICKS else ("impressions", 1000)
    value = _value(now, metric)
    compared = [one for one in (_value(day, metric) for day in before) if one is not None]
    enough = now[volume] >= least and sum(one[volume] for one in before) >= least
    if value is None or len(compared) < 4 or not enough:
        return None
    median = _median(compared, 9)
    deviation = _median([abs(one - median) for one in compared], 9)
    if abs(value - median) <= Fraction("3.5") * Fraction("1.4826") * max(deviation, abs(median) / 100):
        return None
    z_squared, z = _two_proportions(now, before, metric) if metric in _TESTED else (None, None)
    if z_squared is not None and z_squared <= Fraction("3.2905") ** 2:
        return None
    usual_above = _median([one[above] for one in before], 6)
    usual_below = _median([one[below] for one in before], 6) if below else None
    return {
        "value": _decimal(value, 9),
        "median_value": _decimal(median, 9),
        "median_deviation": _decimal(deviation, 9),
        "compared_days": len(compared),
        "change_rate": float((value - median) / abs(median)) if median else None,
        "z_score": z,
        "numerator": _decimal(now[above], 6),
        "denominator": _decimal(now[below], 6) if below else None,
        "median_numerator": _decimal(usual_above, 6),
        "median_denominator": _decimal(usual_below, 6) if usual_below is not None else None,
        "moved": _moved(now[above], usual_above, now[below], usual_below)
        if below and usual_below is not None
        else None,
    }


def _value(day: dict[str, Fraction], metric: str) -> Fraction | None:
    above, below, times = _METRICS[metric]
    if below is None:
        return day[above]
    return Fraction(_decimal(day[above] * times / day[below], 9)) if day[below] else None


def _median(values: list[Fraction], decimals: int) -> Fraction:
    ordered = sorted(values)
    lower, upper = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    return Fraction(_decimal((lower + upper) / 2, decimals))


def _two_proportions(
    now: dict[str, Fraction], before: list[dict[str, Fraction]], metric: str
) -> tuple[Fraction, float | None]:
    above, below, _ = _METRICS[metric]
    assert below
    successes, trials = now[above], now[below]
    their_successes, their_trials = (sum((one[part] for one in before), Fraction(0)) for part in (above, below))
    pooled = (successes + their_successes) / (trials + their_trials)
    difference = successes / trials - their_successes / their_trials
    variance = pooled * (1 - pooled) * (1 / trials + 1 / their_trials)
    if not variance:
        return Fraction(0), None
    return difference**2 / variance, float(difference) / math.sqrt(variance)


def _moved(above: Fraction, usual_above: Fraction, below: Fraction, usual_below: Fraction) -> str:
    of_numerator = abs(above - usual_above) * usual_below
    of_denominator = abs(below - usual_below) * abs(usual_above)
    if of_numerator >= 2 * of_denominator:
        return "numerator"
    return "denominator" if of_denominator >= 2 * of_numerator else "both"


def _decimal(number: Fraction, decimals: int) -> Decimal:
    """Rounds half away from zero."""
    whole = (2 * abs(number) * 10**decimals + 1) // 2
    return Decimal(-whole if number < 0 else whole).scaleb(-decimals, _EXACT)
