"""The views of the dashboard that alerts link to, as `docs/dashboard.md` names their parameters."""

from datetime import date
from urllib.parse import urlencode

from dashboard.measures import MEASURE_OF_METRIC

MEASURES = {metric: measure.label for metric, measure in MEASURE_OF_METRIC.items()}
FRESHNESS = "health"
QUARANTINE = f"health?{urlencode({'tab': 'Quarantine'})}"
TESTS = f"health?{urlencode({'tab': 'Tests and builds'})}"


def course(metric: str, campaign_id: str | None, since: date, until: date) -> str:
    """The days of a metric, of one campaign or of all together."""
    parameters = [("period", "Custom"), ("dates", since), ("dates", until), ("measure", MEASURES[metric])]
    return f"daily?{urlencode(parameters + ([('campaign', campaign_id)] if campaign_id else []))}"


def campaign(campaign_id: str) -> str:
    """A campaign with its flights."""
    return f"campaigns?{urlencode({'campaign': campaign_id})}"
