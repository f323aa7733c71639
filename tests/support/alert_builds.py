"""Invented builds with something to alert of, as of a day."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from support.published_file import DAY, delivered, publish_invented

AS_OF = datetime(2026, 11, 6)  # noqa: DTZ001 as it is stored
BUILD_ID = "000001-20261106T040000Z-test"


def unusual(**values: Any) -> dict[str, Any]:
    """A row of `kpi_alerts`: the CTR of c1 fell, but for these values."""
    alert = {"scope": "campaign", "campaign_id": "c1", "date": DAY, "metric": "ctr", "compared_days": 8}
    alert |= {"value": 0.01, "median_value": 0.04, "numerator": 150, "denominator": 15000, "moved": "numerator"}
    return {**alert, "median_numerator": 600, "median_denominator": 15000, **values}


def fallen(campaign: str = "c1", day: date = DAY) -> list[dict[str, Any]]:
    """Delivery whose clicks fell on this day, most of them in Texas."""
    rows = []
    for week in range(9):
        for state, clicks, fell_to in (("Texas", 400, 50), ("Ohio", 200, 100)):
            on = day - timedelta(weeks=week)
            number = clicks if week else fell_to
            rows.append(delivered(campaign_id=campaign, state=state, date=on, impressions=7500, clicks=number))
    return rows


def publish_alerts(
    home: Path,
    alerts: Sequence[Mapping[str, Any]],
    deliveries: Sequence[Mapping[str, Any]] | None = None,
    others: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    *,
    number: int = 1,
    as_of: datetime = AS_OF,
) -> None:
    """Publishes a build with these rows of `kpi_alerts` into a data folder.

    Args:
        home: The data folder.
        alerts: The rows.
        deliveries: Its delivery.
        others: Rows of other marts.
        number: The number of the build.
        as_of: The beginning (UTC) of its report day.
    """
    home.mkdir(parents=True, exist_ok=True)
    publish_invented(
        home / "published",
        fallen() if deliveries is None else deliveries,
        {"kpi_alerts": alerts, **(others or {})},
        build_id=f"{number:06}-20261106T040000Z-test",
        as_of=as_of,
    )
