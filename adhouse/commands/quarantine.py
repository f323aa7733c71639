"""What is quarantined, in one list: whole files, records that could not be read, and records that broke a rule."""

from datetime import datetime
from typing import NamedTuple

from adhouse.console import Terminal
from adhouse.settings import Settings
from adhouse.warehouse.base import nothing_published
from adhouse.warehouse.open import open_warehouse
from adhouse.warehouse.quarantine import literal, quarantined


class Quarantined(NamedTuple):
    """One thing that is quarantined: why, where it came from, and what it was; a whole file has no position."""

    reason: str
    source: str
    delivered_in: str
    position: int | None
    received_at: datetime
    payload: str | None


def show(terminal: Terminal, settings: Settings, reason: str | None, source: str | None, limit: int) -> None:
    """Prints the newest of the list, and how to get the rest."""
    found = quarantine(settings, reason, source, limit + 1)
    if not found:
        terminal.result("nothing is quarantined")
        return
    for one in found[:limit]:
        place = one.delivered_in if one.position is None else f"{one.delivered_in} record {one.position}"
        terminal.result(one.reason, "bold")
        terminal.result(f"  {place}")
        terminal.result(f"  {one.payload or 'no payload'}")
    if len(found) > limit:
        terminal.message(f"the newest {limit}; all of them: --csv or --json, fewer: --reason, --source, --limit")


def quarantine(settings: Settings, reason: str | None, source: str | None, limit: int | None) -> list[Quarantined]:
    """Lists what is quarantined, newest first, as the published build and the lake have it; never waits for a run."""
    warehouse = open_warehouse(settings)
    if warehouse.published() is None:
        raise nothing_published()
    wanted = {"reason": reason, "source": source}
    only = [f"{column} = {literal(value)}" for column, value in wanted.items() if value is not None]
    listed = f"""
        select reason, source, _source, _position, _received_at, payload
        from ({quarantined(settings.target, settings.lake_url)}) as every_one
        where {" and ".join(only) or "true"}
        order by _received_at desc, _source, _position
        {f"limit {limit:d}" if limit else ""}
    """  # noqa: S608 the text is ours, the values are quoted
    return [Quarantined(*row) for row in warehouse.ask("quarantined_deliveries", listed)]
