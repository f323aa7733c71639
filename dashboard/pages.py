"""Which pages there are, what each can be filtered by, and the parameters that their links may have."""

from dataclasses import dataclass

from dashboard.filters import COLUMNS, LABELS, Offered
from dashboard.measures import AUCTIONS, DELIVERY, FUNNEL
from dashboard.queries import DATE_BASES, GRAINS, MODELS, conversion_types, example_reasons

# The values of parameters are what people read, because Streamlit writes links so.
MEASURES = {measure.label: measure for measure in DELIVERY.values()}
SORTS = {label: measure.name for label, measure in MEASURES.items()} | {
    f"Change of {label}": f"change_{measure.name}" for label, measure in MEASURES.items()
}
DIRECTIONS = ("Highest first", "Lowest first")
MOVERS = {LABELS[name]: COLUMNS[name] for name in ("campaign", "brand", "country")}
FUNNEL_RATES = {measure.label: measure for measure in FUNNEL.values() if measure.denominator}
AUCTION_RATES = {measure.label: measure for measure in AUCTIONS.values() if measure.denominator}
AUCTION_DIMENSIONS = {
    "Exchange": "exchange",
    "Publisher": "publisher_id",
    "Device": "device_type",
    "Place": "geo_location",
}
ALERT_SCOPES = {"Everything": "", "Campaigns": "campaign", "All campaigns together": "all"}
RANKING = {"sort": tuple(SORTS), "direction": DIRECTIONS, "columns": tuple(MEASURES)}


@dataclass(frozen=True)
class PageOfDashboard:
    """A page.

    Attributes:
        file: Its script, beside this one.
        title: What people read.
        icon: Its icon.
        offered: What it can be filtered by.
        is_default: Whether it opens without a path.
        is_about_everything: Whether its marts have neither brands nor campaigns, so that only who may see all brands
            sees it.
    """

    file: str
    title: str
    icon: str
    offered: Offered
    is_default: bool = False
    is_about_everything: bool = False


MOST_TRENDS = 4
EVENTS_ONLY_CAMPAIGNS = "the marts of events are by campaign"
LEAST_IMPRESSIONS = (0, 100, 1_000, 10_000, 100_000)
HEALTH_TABS = ("Freshness and balance", "Quarantine", "Tests and builds", "Reconciliation")
PAGES = (
    PageOfDashboard(
        "pages_/overview.py",
        "Overview",
        ":material/dashboard:",
        Offered(
            choices={
                "cards": tuple(MEASURES),
                "trends": tuple(MEASURES),
                "grain": tuple(GRAINS),
                "movers": tuple(MOVERS),
            },
            most={"trends": MOST_TRENDS},
        ),
        is_default=True,
    ),
    PageOfDashboard("pages_/campaigns.py", "Campaigns", ":material/campaign:", Offered(choices=RANKING)),
    PageOfDashboard(
        "pages_/creatives.py",
        "Creatives",
        ":material/image:",
        Offered(choices={**RANKING, "least": tuple(f"{number:,}" for number in LEAST_IMPRESSIONS)}),
    ),
    PageOfDashboard(
        "pages_/daily.py",
        "Daily performance",
        ":material/calendar_month:",
        Offered(choices={"grain": tuple(GRAINS), "measure": tuple(MEASURES)}),
    ),
    PageOfDashboard(
        "pages_/geography.py",
        "Geography",
        ":material/public:",
        Offered(
            filters=tuple(name for name in COLUMNS if name != "source"),
            why_not="no mart tells both sources and places below the country apart",
            choices={**RANKING, "measure": tuple(MEASURES)},
        ),
    ),
    PageOfDashboard(
        "pages_/funnel.py",
        "Funnel",
        ":material/filter_alt:",
        Offered(
            filters=("campaign",),
            why_not=EVENTS_ONLY_CAMPAIGNS,
            mart="campaign_funnel",
            choices={"grain": tuple(GRAINS), "rate": tuple(FUNNEL_RATES)},
        ),
    ),
    PageOfDashboard(
        "pages_/attribution.py",
        "Attribution",
        ":material/account_tree:",
        Offered(
            filters=("campaign",),
            why_not=EVENTS_ONLY_CAMPAIGNS,
            has_comparison=False,
            mart="campaign_attribution",
            choices={"base": tuple(DATE_BASES), "model": MODELS, "type": conversion_types},
        ),
    ),
    PageOfDashboard(
        "pages_/auctions.py",
        "Auctions",
        ":material/gavel:",
        Offered(
            filters=(),
            why_not="the marts of auctions are by exchange, publisher, device and place",
            mart="auction_performance",
            choices={"auction": tuple(AUCTION_RATES), "grain": tuple(GRAINS), "by": tuple(AUCTION_DIMENSIONS)},
        ),
        is_about_everything=True,
    ),
    PageOfDashboard(
        "pages_/alerts.py",
        "Alerts",
        ":material/notifications:",
        Offered(
            filters=("campaign",),
            why_not="alerts are by campaign",
            has_comparison=False,
            choices={"scope": tuple(ALERT_SCOPES)},
        ),
    ),
    PageOfDashboard(
        "pages_/health.py",
        "Data health",
        ":material/health_and_safety:",
        Offered(
            filters=("source",),
            why_not="this page is about what came from each source",
            has_period=False,
            has_comparison=False,
            choices={"tab": HEALTH_TABS, "reason": example_reasons},
        ),
        is_about_everything=True,
    ),
)
PARAMETERS = {"period", "compare", "dates", *COLUMNS} | {name for page in PAGES for name in page.offered.choices}
