"""Each campaign of the period: what it delivered, how that changed, and how it stands against its targets."""

from dashboard import flights, show, view
from dashboard.queries import Selection
from dashboard.ranking import ranking

CARDS = ("spend", "impressions", "clicks", "conversions", "ctr", "cpa")


def page(selection: Selection) -> None:
    """Draws the page."""
    if show.totals(selection, CARDS) is not None:
        ranking(selection, "campaign")
    flights.against_targets(selection)


page(view.selection())
