"""Everything that a published build says somebody should know."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from adhouse.alerts import metrics, quality
from adhouse.alerts.alert import Alert
from adhouse.errors import CommandError
from adhouse.lock import holder_of
from adhouse.settings import Settings
from adhouse.warehouse.base import Warehouse


@dataclass(frozen=True)
class Found:
    """What was found.

    Attributes:
        alerts: Everything that is wrong.
        unknown: Kinds of which nothing can be said now.
        build_id: The published build; empty if there is none.
        day: The report day in which its run started; without a build today.
    """

    alerts: list[Alert]
    unknown: Collection[str]
    build_id: str
    day: date


def find(settings: Settings, warehouse: Warehouse, now: datetime, *, is_in_run: bool) -> Found:
    """Reads the published build and what is on record of the newest; a second call reads the same.

    Args:
        settings: The settings.
        warehouse: Whose builds are looked at.
        now: The current time.
        is_in_run: Whether the run that calls this is the one that holds the lock of the data folder.
    """
    today = now.astimezone(settings.report_timezone).date()
    unknown: tuple[str, ...] = ()
    published = warehouse.published()
    try:
        alerts = quality.failed_audit(warehouse.newest(), published, warehouse)
    except CommandError:
        if is_in_run or holder_of(settings.home) is None:
            raise
        alerts, unknown = [], ("audit",)  # a run is just writing that file
    facts = warehouse.facts()
    if facts is None or "as_of" not in facts:
        return Found(alerts, unknown, published or "", today)
    build_id, day = facts["build_id"], _report_day(facts["as_of"], settings)
    alerts += quality.late_build(build_id, day, today)
    alerts += quality.late_sources(warehouse, settings, day)
    alerts += quality.overlapping_files(warehouse, day, settings.currency)
    alerts += quality.quarantine_spikes(warehouse, day)
    alerts += metrics.unusual_metrics(warehouse, day, settings.currency)
    alerts += metrics.uneven_pacing(warehouse, day, settings.currency)
    alerts += quality.warnings_of_tests(warehouse, build_id, day)
    return Found(alerts, unknown, build_id, day)


def _report_day(as_of: str, settings: Settings) -> date:
    return datetime.fromisoformat(as_of).astimezone(settings.report_timezone).date()
