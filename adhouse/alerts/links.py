"""The views of the dashboard that alerts link to, as `docs/dashboard.md` names their parameters."""

from datetime import date
from urllib.parse import urlencode

from dashboard.measures import DELIVERY, KIND_OF_METRIC

# The labels of the metrics of `kpi_alerts`, one of which has another name there.
MEASURES = {metric: DELIVERY["conversion_rate" if metric == "cvr" else metric].label for metric in KIND_OF_METRIC}
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
