"""What is measured: its name, how it is summed, how it is written, and which way is better.

A rate is the ratio of two sums, written here once for every page; tests compare each with the marts at every grain.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Kind = Literal["count", "money", "percent", "factor"]


@dataclass(frozen=True)
class Measure:
    """One number of a page.

    Attributes:
        name: Its column in queries and its value in links.
        label: What people read.
        kind: How it is written.
        is_better_high: Whether more of it is good; None: neither good nor bad by itself.
        described_by: The mart whose column of this name has its definition as description.
        numerator: The sum that it is, or that is divided.
        denominator: The sum by which is divided; empty: it is no rate.
        times: The factor of a rate.
    """

    name: str
    label: str
    kind: Kind
    is_better_high: bool | None
    described_by: str
    numerator: str
    denominator: str = ""
    times: int = 1

    def over(self, prefix: str = "") -> str:
        """Its SQL over sums whose names have this prefix; null where it would divide by zero, as the marts' `ratio`."""
        if not self.denominator:
            return f"{prefix}{self.numerator}"
        divided = f"cast({prefix}{self.numerator} as double) / cast(nullif({prefix}{self.denominator}, 0) as double)"
        return divided if self.times == 1 else f"{divided} * {self.times}"


def divided(numerator: Decimal | int | None, denominator: Decimal | int | None) -> float | None:
    """The same ratio of two sums that were read apart; None where it is undefined."""
    return float(numerator) / float(denominator) if numerator is not None and denominator else None


def _by_name(*measures: Measure) -> dict[str, Measure]:
    return {measure.name: measure for measure in measures}


# The descriptions come from the mart in which an undefined rate is null, as it is here.
DELIVERY = _by_name(
    Measure("spend", "Spend", "money", None, "source_performance", "spend"),
    Measure("impressions", "Impressions", "count", True, "source_performance", "impressions"),
    Measure("clicks", "Clicks", "count", True, "source_performance", "clicks"),
    Measure("conversions", "Conversions", "count", True, "source_performance", "conversions"),
    Measure("ctr", "CTR", "percent", True, "source_performance", "clicks", "impressions"),
    Measure("cpc", "CPC", "money", False, "source_performance", "spend", "clicks"),
    Measure("cpm", "CPM", "money", False, "source_performance", "spend", "impressions", times=1000),
    Measure("conversion_rate", "Conversion rate", "percent", True, "source_performance", "conversions", "clicks"),
    Measure("cpa", "CPA", "money", False, "pacing", "spend", "conversions"),
)
SUMS = ("impressions", "clicks", "conversions", "spend")

FUNNEL = _by_name(
    Measure("opportunities", "Bid on", "count", None, "campaign_funnel", "opportunities"),
    Measure("wins", "Wins", "count", True, "campaign_funnel", "wins"),
    Measure("impressions", "Impressions", "count", True, "campaign_funnel", "impressions"),
    Measure("net_impressions", "Net impressions", "count", True, "campaign_funnel", "net_impressions"),
    Measure("clicks", "Clicks", "count", True, "campaign_funnel", "clicks"),
    Measure("net_clicks", "Net clicks", "count", True, "campaign_funnel", "net_clicks"),
    Measure("conversions", "Conversions", "count", True, "campaign_funnel", "conversions"),
    Measure("view_through_conversions", "View-through", "count", None, "campaign_funnel", "view_through_conversions"),
    Measure("media_cost", "Media cost", "money", None, "campaign_funnel", "media_cost"),
    Measure("win_rate", "Win rate", "percent", True, "campaign_funnel", "wins", "opportunities"),
    Measure("ctr", "Net CTR", "percent", True, "campaign_funnel", "net_clicks", "net_impressions"),
    Measure("cvr", "CVR", "percent", True, "campaign_funnel", "conversions", "net_clicks"),
)

ATTRIBUTION = _by_name(
    Measure("conversions", "Click-through", "count", None, "campaign_attribution", "conversions"),
    Measure(
        "view_through_conversions", "View-through", "count", None, "campaign_attribution", "view_through_conversions"
    ),
    Measure(
        "unattributed_conversions", "Unattributed", "count", None, "campaign_attribution", "unattributed_conversions"
    ),
    Measure("conversion_value", "Click-through value", "money", None, "campaign_attribution", "conversion_value"),
    Measure("view_through_value", "View-through value", "money", None, "campaign_attribution", "view_through_value"),
    Measure("spend", "Spend", "money", None, "source_performance", "spend"),
    Measure("cpa", "CPA", "money", False, "pacing", "spend", "conversions"),
    Measure("roas", "ROAS", "factor", True, "pacing", "conversion_value", "spend"),
)

BALANCE = _by_name(
    *(
        Measure(f"records_{name}", name.capitalize(), "count", None, "data_quality", f"records_{name}")
        for name in ("read", "rejected", "loaded", "superseded", "duplicate", "quarantined", "kept")
    ),
    Measure("files_quarantined", "Files quarantined", "count", None, "data_quality", "files_quarantined"),
    Measure("fetches_failed", "Fetches failed", "count", None, "data_quality", "fetches_failed"),
)

AUCTIONS = _by_name(
    Measure("opportunities", "Opportunities", "count", None, "auction_performance", "opportunities"),
    Measure(
        "opportunities_without_request",
        "Without a request",
        "count",
        None,
        "auction_performance",
        "opportunities_without_request",
    ),
    Measure("opportunities_bid_on", "Bid on", "count", None, "auction_performance", "opportunities_bid_on"),
    Measure("wins", "Wins", "count", True, "auction_performance", "wins"),
    Measure("bids", "Bids", "count", None, "auction_performance", "bids"),
    Measure("bids_won", "Bids won", "count", None, "auction_performance", "bids_won"),
    Measure("bids_lost", "Bids lost", "count", None, "auction_performance", "bids_lost"),
    Measure("bids_undecided", "Undecided", "count", None, "auction_performance", "bids_undecided"),
    Measure("bid_rate", "Bid rate", "percent", None, "auction_performance", "requested_and_bid_on", "opportunities"),
    Measure("win_rate", "Win rate", "percent", True, "auction_performance", "wins", "opportunities_bid_on"),
    Measure(
        "floor_coverage",
        "With a floor",
        "percent",
        None,
        "auction_performance",
        "opportunities_with_floor",
        "opportunities",
    ),
    Measure(
        "average_floor",
        "Average floor",
        "money",
        None,
        "auction_performance",
        "floor_prices",
        "opportunities_with_floor",
    ),
    Measure(
        "average_clearing_price",
        "Clearing price",
        "money",
        False,
        "auction_performance",
        "clearing_prices",
        "bids_cleared",
    ),
)

# What `kpi_alerts` calls a metric that has another name here.
RENAMED = {"cvr": "conversion_rate"}
# The metrics of `kpi_alerts`, as their values are written.
KIND_OF_METRIC: dict[str, Kind] = {
    "impressions": "count",
    "clicks": "count",
    "conversions": "count",
    "spend": "money",
    "ctr": "percent",
    "cpm": "money",
    "cpc": "money",
    "cvr": "percent",
    "cpa": "money",
}
MEASURE_OF_METRIC = {metric: DELIVERY[RENAMED.get(metric, metric)] for metric in KIND_OF_METRIC}
