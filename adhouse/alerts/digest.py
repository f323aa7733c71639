"""The weekly digest: the key figures of the last seven days against the seven before, and what is open."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from adhouse.alerts.messages import Message, listed
from adhouse.alerts.state import Noted
from adhouse.settings import Settings
from adhouse.warehouse.base import Warehouse
from dashboard.measures import DELIVERY, SUMS, divided
from dashboard.text import UNDEFINED, change, days, formatted

WEEK = timedelta(days=7)
MOST_ALERTS = 10


def week_of(now: datetime, settings: Settings) -> str:
    """The week of a digest, from Monday of the report time zone, such as `2026-W45`."""
    return f"{now.astimezone(settings.report_timezone):%G-W%V}"


def digest(warehouse: Warehouse, settings: Settings, build_day: date, alerts: Sequence[Noted], as_of: str) -> Message:
    """Writes the digest of a published build.

    The seven days end with the newest complete report day that has delivery, as the periods of the dashboard.

    Args:
        warehouse: The build.
        settings: The settings.
        build_day: The report day of the build, which is not over.
        alerts: The open ones.
        as_of: What is said of the build.
    """
    parts = [_figures(warehouse, settings, build_day)]
    parts.append("\n".join([f"Open alerts: {len(alerts):,}", *listed(alerts, MOST_ALERTS)]))
    if settings.dashboard_address:
        parts.append(settings.dashboard_address)
    return Message("adhouse: the week", "\n\n".join([*parts, as_of]))


def _figures(warehouse: Warehouse, settings: Settings, build_day: date) -> str:
    asked = f"select max(date) from marts.daily_performance where date < date '{build_day}'"  # noqa: S608 ours
    ((newest,),) = warehouse.ask("daily_performance", asked) or [(None,)]
    if newest is None:
        return "Nothing was delivered yet."
    now, before = (_sums(warehouse, newest - age) for age in (0 * WEEK, WEEK))
    lines = [f"{days(newest - WEEK + timedelta(days=1), newest)}, against the seven days before"]
    for measure in DELIVERY.values():
        values = [
            divided(sums[measure.numerator] * measure.times, sums[measure.denominator])
            if measure.denominator
            else sums[measure.numerator]
            for sums in (now, before)
        ]
        moved = change(*values)
        told = UNDEFINED if moved is None else f"{moved:+.1%}"
        lines.append(f"{measure.label}: {formatted(values[0], measure.kind, settings.currency)} ({told})")
    return "\n".join(lines)


def _sums(warehouse: Warehouse, last: date) -> Mapping[str, Any]:
    summed = ", ".join(f"coalesce(sum({name}), 0)" for name in SUMS)
    asked = f"""
        select {summed} from marts.daily_performance
        where date > date '{last - WEEK}' and date <= date '{last}'
    """  # noqa: S608 the text is ours
    (row,) = warehouse.ask("daily_performance", asked)
    return dict(zip(SUMS, row, strict=True))
