"""Which pages there are, what each can be filtered by, and the parameters that their links may have."""

from dataclasses import dataclass

from dashboard.filters import COLUMNS, LABELS, Offered
from dashboard.measures import DELIVERY
from dashboard.queries import GRAINS

# The values of parameters are what people read, because Streamlit writes links so.
MEASURES = {measure.label: measure for measure in DELIVERY.values()}
SORTS = {label: measure.name for label, measure in MEASURES.items()} | {
    f"Change of {label}": f"change_{measure.name}" for label, measure in MEASURES.items()
}
DIRECTIONS = ("Highest first", "Lowest first")
MOVERS = {LABELS[name]: COLUMNS[name] for name in ("campaign", "brand", "country")}
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
    """

    file: str
    title: str
    icon: str
    offered: Offered
    is_default: bool = False


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
            }
        ),
        is_default=True,
    ),
    PageOfDashboard("pages_/campaigns.py", "Campaigns", ":material/campaign:", Offered(choices=RANKING)),
)
PARAMETERS = {"period", "compare", "dates", *COLUMNS} | {name for page in PAGES for name in page.offered.choices}
