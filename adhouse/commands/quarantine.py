"""What is quarantined, in one list: whole files, records that could not be read, and records that broke a rule."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from adhouse.console import Terminal
from adhouse.settings import Settings
from adhouse.warehouse.base import nothing_published
from adhouse.warehouse.open import open_warehouse
from adhouse.warehouse.quarantine import literal, quarantined

SHOWN = 20
FETCH = re.compile(r"(\d{8,})-\d{8}T\d{6}")  # how the folder of a fetch in landing begins: with its receipt number


@dataclass(frozen=True)
class Quarantined:
    """One record or file that is quarantined.

    Attributes:
        problem: What is wrong, in words that name place, field and value.
        what_to_do: What a person can do about it.
        delivered_in: Its path in landing.
        position: The number of the record, from 1; None for a whole file.
        line: The line of a text file in which the record begins.
        field: The source's name of the field that was wrong.
        value: What that field said.
        is_repaired: Whether a newer file or fetch took its place.
        payload: The record as the lake or the marts have it.
    """

    problem: str
    what_to_do: str
    reason: str
    source: str
    kind: str
    delivered_in: str
    position: int | None
    line: int | None
    field: str | None
    value: str | None
    received_at: datetime
    is_repaired: bool
    payload: str | None


def show(
    terminal: Terminal, settings: Settings, reason: str | None, source: str | None, limit: int | None, *, has_all: bool
) -> None:
    """Prints the newest of the list, each record as it was received, and how to get the rest."""
    most = limit or SHOWN
    found = quarantine(settings, reason, source, most + 1, has_all=has_all)
    if not found:
        terminal.result("nothing is quarantined")
    for one in found[:most]:
        terminal.result(one.problem + (" (repaired since)" if one.is_repaired else ""), "bold")
        terminal.result(f"  reason  {one.reason} ({one.source}, received {one.received_at:%Y-%m-%d %H:%M} UTC)")
        terminal.result(f"  to do   {one.what_to_do}")
        terminal.result(f"  from    {one.delivered_in}")
        if one.position is not None:
            terminal.result(f"  record  {_record(settings, one)}")
    if len(found) > most:
        terminal.message(f"the newest {most}; all of them: --csv or --json; fewer: --reason, --source, --limit")


def quarantine(
    settings: Settings, reason: str | None, source: str | None, limit: int | None, *, has_all: bool
) -> list[Quarantined]:
    """Lists what is quarantined, newest first, as the published build and the lake have it; never waits for a run.

    Args:
        settings: Where everything is.
        reason: Only this reason.
        source: Only this source.
        limit: How many at most; None: all.
        has_all: Whether to list also what was repaired since.
    """
    warehouse = open_warehouse(settings)
    if warehouse.published() is None:
        raise nothing_published()
    wanted = {"reason": reason, "source": source}
    only = [f"{column} = {literal(value)}" for column, value in wanted.items() if value is not None]
    listed = f"""
        select
            reason, source, kind, _source, _position, line, field, value, detail, payload, _received_at, is_repaired
        from ({quarantined(settings.target, settings.lake_url)}) as every_one
        where {" and ".join([*only, "true" if has_all else "not is_repaired"])}
        order by _received_at desc, _source, _position
        {f"limit {limit:d}" if limit else ""}
    """  # noqa: S608 the text is ours, the values are quoted
    rows = warehouse.ask("quarantined_deliveries", listed)
    meanings = warehouse.ask("quarantine_reasons", "select reason, meaning, what_to_do from marts.quarantine_reasons")
    known = {one: (meaning, what_to_do) for one, meaning, what_to_do in meanings}
    return [_told(settings, known, *row) for row in rows]


def as_dicts(found: list[Quarantined]) -> list[dict[str, Any]]:
    """The list as rows with named cells, for CSV and JSON."""
    return [asdict(one) for one in found]


def _told(
    settings: Settings,
    known: Mapping[str, tuple[str, str]],
    reason: str,
    source: str,
    kind: str,
    path: str,
    position: int | None,
    line: int | None,
    field: str | None,
    value: str | None,
    detail: str | None,
    payload: str | None,
    received_at: datetime,
    is_repaired: bool,
) -> Quarantined:
    from extract.rejection import explain_rejection, type_of_field

    meaning, what_to_do = known.get(reason, (reason, "Look at the record"))
    name = path.rpartition("/")[2]
    if fetch := FETCH.match(name):
        name = f"{source} fetch {int(fetch[1])}"
    where = f"line {line}" if line is not None else f"record {position}"
    if position is None:
        problem = f"{name}: {detail or meaning}"
    elif field is not None:
        field_type = type_of_field(kind, field, settings.fields_of(source))
        problem = f"{name} {where}: {explain_rejection(reason, field, value, field_type)}"
    else:
        problem = f"{name} {where}: {meaning[:1].lower()}{meaning[1:]}"
    return Quarantined(
        problem, what_to_do, reason, source, kind, path, position, line, field, value, received_at, is_repaired, payload
    )


def _record(settings: Settings, one: Quarantined) -> str:
    """The record as it was received, or without what is private if its source has anything private."""
    from extract.landing import Landing
    from extract.registry import SOURCES
    from extract.rejection import record_as_received
    from extract.storage import Folder

    if one.source not in SOURCES or SOURCES[one.source].has_private_fields:
        return one.payload or "not shown, because it may hold private fields; it is kept in landing alone"
    landing = Landing(Folder.at(settings.data_url).below("landing"))
    assert one.position is not None
    names = settings.fields_of(one.source)
    return record_as_received(landing, one.delivered_in, one.position, one.line, names) or one.payload or "not kept"
