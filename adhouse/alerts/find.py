"""Everything that a published build says somebody should know."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from adhouse.alerts import metrics, quality
from adhouse.alerts.alert import KINDS, Alert
from adhouse.errors import CommandError
from adhouse.lock import holder_of
from adhouse.settings import Settings
from adhouse.warehouse.base import Warehouse

OF_A_BUILD = frozenset(KINDS) - {"audit"}  # what the newest published build alone can tell


@dataclass(frozen=True)
class Found:
    """What was found.

    Attributes:
        alerts: Everything that is wrong.
        unknown: Kinds of which nothing can be said now.
        build_id: The published build; empty if there is none.
        day: The report day in which its run started; without a build today.
        today: The report day of now.
    """

    alerts: list[Alert]
    unknown: Collection[str]
    build_id: str
    day: date
    today: date


def find(settings: Settings, warehouse: Warehouse, now: datetime, *, is_in_run: bool) -> Found:
    """Reads the published build and what is on record of the newest; a second call reads the same.

    Args:
        settings: The settings.
        warehouse: Whose builds are looked at.
        now: The current time.
        is_in_run: Whether the run that calls this is the one that holds the lock of the data folder.
    """
    today = _report_day(now, settings)
    alerts, unknown = _audit(settings, warehouse, today, is_in_run=is_in_run)
    facts = warehouse.facts()
    if facts is None or "as_of" not in facts:
        return Found(alerts, {*unknown, *OF_A_BUILD}, warehouse.published() or "", today, today)
    build_id, day = facts["build_id"], _report_day(datetime.fromisoformat(facts["as_of"]), settings)
    if facts["is_rolled_back"]:  # an older build cannot say what is over
        return Found(alerts, {*unknown, *OF_A_BUILD}, build_id, day, today)
    alerts += quality.late_build(build_id, day, today)
    alerts += quality.late_sources(warehouse, settings, day)
    alerts += quality.overlapping_files(warehouse, day, settings.currency)
    alerts += quality.quarantine_spikes(warehouse, day)
    alerts += metrics.unusual_metrics(warehouse, day, settings.currency)
    alerts += metrics.uneven_pacing(warehouse, day, settings.currency)
    alerts += quality.warnings_of_tests(warehouse, build_id, day)
    return Found(alerts, unknown, build_id, day, today)


def _audit(
    settings: Settings, warehouse: Warehouse, today: date, *, is_in_run: bool
) -> tuple[list[Alert], Collection[str]]:
    """What is wrong with the newest build, and `audit` as unknown if that cannot be said."""
    try:
        newest = warehouse.newest()
        if newest is None or newest.status == "building":  # a run is at it, or was killed: the audit is still to come
            return [], (() if newest is None else ("audit",))
        day = _report_day(newest.as_of, settings)
        return quality.failed_audit(newest, day, warehouse.published(), warehouse), ()
    except CommandError as error:
        if not is_in_run and holder_of(settings.home) is not None:
            return [], ("audit",)  # a run is just writing that file
        return quality.impossible_build(error, today), ()


def _report_day(moment: datetime, settings: Settings) -> date:
    return moment.astimezone(settings.report_timezone).date()
