"""What the published marts say of events, in a few lines: the funnel, who is credited, and what platforms report."""

from decimal import Decimal

from adhouse.console import Terminal
from adhouse.settings import Settings
from adhouse.warehouse.base import is_published
from adhouse.warehouse.open import open_warehouse

STEPS = ("opportunities", "wins", "impressions", "net_clicks", "conversions")
MODELS = ("last_click_else_view", "first_touch", "last_touch", "linear", "time_decay", "position")


def show_events(terminal: Terminal, settings: Settings) -> None:
    """Prints the funnel, the attribution models side by side and the reconciliation; nothing where no event came."""
    warehouse = open_warehouse(settings)
    if not is_published(warehouse, "campaign_funnel"):
        return
    summed = ", ".join(f"sum({step})" for step in (*STEPS, "view_through_conversions"))
    (steps,) = warehouse.ask("campaign_funnel", f"select {summed} from marts.campaign_funnel") or [(None,)]  # noqa: S608
    if steps[0] is None:
        return
    *counts, views = (_count(step) for step in steps)
    words = ("bid on", "won", "impressions", "clicks", "conversions")
    funnel = " → ".join(f"{count} {word}" for count, word in zip(counts, words, strict=True))
    terminal.result(f"events: {funnel}, {views} more after views alone")
    credited = """
        select
            model, sum(conversions), sum(view_through_conversions), sum(unattributed_conversions),
            sum(conversion_value) + sum(view_through_value), count(distinct campaign_id)
        from marts.campaign_attribution where date_base = 'touch' group by model
    """
    by_model = {model: row for model, *row in warehouse.ask("campaign_attribution", credited)}
    rows = [
        [model, *map(_count, by_model[model][:3]), _count(by_model[model][3]), by_model[model][4]]
        for model in MODELS
        if model in by_model
    ]
    if rows:
        value = f"value {settings.currency}"
        terminal.table(["attribution", "after clicks", "after views", "unattributed", value, "campaigns"], rows)
    causes = "select cause, count(*) from marts.reconciliation group by cause order by count(*) desc, cause"
    found = dict(warehouse.ask("reconciliation", causes))
    if found:
        within = found.pop("none", 0)
        others = "".join(f", {number:,} {cause.replace('_', ' ')}" for cause, number in found.items())
        terminal.result(
            f"reconciliation: {within:,} of {within + sum(found.values()):,} daily figures of platform and events agree"
            f"{others}"
        )


def _count(number: Decimal | int) -> str:
    return f"{round(number):,}"
