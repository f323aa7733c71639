"""What is quarantined, in one list: whole files, records that could not be read, and records that broke a rule."""

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from adhouse.commands.broken_rules import broken_rule
from adhouse.console import Terminal
from adhouse.settings import Settings
from adhouse.warehouse.base import is_published, nothing_published
from adhouse.warehouse.open import open_warehouse
from adhouse.warehouse.quarantine import literal, quarantined

if TYPE_CHECKING:
    from extract.as_received import ReceivedRecord
    from extract.records import RecordShape

SHOWN = 20
NUMBER_OF_RECEIPT = "try_cast(regexp_extract(_source, '/([0-9]+)-[0-9]{8}T', 1) as bigint)"
FETCH = re.compile(r"(\d{8,})-\d{8}T\d{6}")  # how the folder of a fetch in landing begins: with its receipt number


@dataclass(frozen=True)
class Quarantined:
    """One record or file that is quarantined.

    Attributes:
        name: The file, or the number of the fetch.
        wrong: What is wrong, in words that name field and value.
        what_to_do: What a person can do about it.
        delivered_in: Its path in landing.
        position: The number of the record, from 1; None for a whole file.
        line: The line of a text file in which the record begins.
        field: The source's name of the field that was wrong.
        value: What that field said.
        is_repaired: Whether a newer file or fetch took its place.
        payload: The record as the lake has it, or the marts if it broke a rule.
    """

    name: str
    wrong: str
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

    @property
    def problem(self) -> str:
        """Where it is, and what is wrong."""
        if self.position is None:
            return f"{self.name}: {self.wrong}"
        where = f"line {self.line}" if self.line is not None else f"record {self.position}"
        return f"{self.name} {where}: {self.wrong}"


COLUMNS = ["problem", *Quarantined.__dataclass_fields__]


def show(
    terminal: Terminal, settings: Settings, reason: str | None, source: str | None, limit: int | None, *, has_all: bool
) -> None:
    """Prints the newest of the list, each record as it was received, and how to get the rest."""
    most = limit or SHOWN
    found = quarantine(settings, reason, source, most + 1, has_all=has_all)
    if not found:
        terminal.result("nothing is quarantined")
    received = _as_received(settings, found[:most])
    for one in found[:most]:
        record = received.get((one.delivered_in, one.position))
        if record is not None and one.line is None:
            one = replace(one, line=record.line)
        terminal.result(one.problem + (" (repaired since)" if one.is_repaired else ""), "bold")
        terminal.result(f"  reason  {one.reason} ({one.source}, received {one.received_at:%Y-%m-%d %H:%M} UTC)")
        terminal.result(f"  to do   {one.what_to_do}")
        terminal.result(f"  from    {one.delivered_in}")
        if one.position is not None:
            terminal.result(f"  record  {_record(settings, one, record)}")
    if len(found) > most:
        terminal.message(f"the newest {most}; all of them: --csv or --json; fewer: --reason, --source, --limit")


def quarantine(
    settings: Settings,
    reason: str | None,
    source: str | None,
    limit: int | None,
    *,
    has_all: bool,
    has_records: bool = True,
) -> list[Quarantined]:
    """Lists what is quarantined, newest first, as the published build and the lake have it; never waits for a run.

    Args:
        settings: Where everything is.
        reason: Only this reason.
        source: Only this source.
        limit: How many at most; None: all.
        has_all: Whether to list also what was repaired since.
        has_records: Whether to list records too, and not only files that are quarantined whole.
    """
    warehouse = open_warehouse(settings)
    if warehouse.published() is None:
        raise nothing_published()
    wanted = {"reason": reason, "source": source}
    only = [f"{column} = {literal(value)}" for column, value in wanted.items() if value is not None]
    only += [] if has_records else ["_position is null"]
    has_events = has_records and is_published(warehouse, "quarantined_events")
    tables = quarantined(settings.target, settings.lake_url, has_records=has_records, has_events=has_events)
    listed = f"""
        select
            reason, source, kind, _source, _position, line, field, value, detail, payload, _received_at, is_repaired,
            is_broken_rule
        from ({tables}) as every_one
        where {" and ".join([*only, "true" if has_all else "not is_repaired"])}
        order by {NUMBER_OF_RECEIPT} desc, _received_at desc, _source, _position
        {f"limit {limit:d}" if limit else ""}
    """  # noqa: S608 the text is ours, the values are quoted
    rows = warehouse.ask("quarantined_deliveries", listed)
    known = explained_reasons(settings)
    return [_told(settings, known, *row) for row in rows]


def explained_reasons(settings: Settings) -> dict[str, tuple[str, str]]:
    """The meaning of each reason, and what to do, as published."""
    asked = "select reason, meaning, what_to_do from marts.quarantine_reasons"
    rows = open_warehouse(settings).ask("quarantine_reasons", asked)
    return {reason: (meaning, what_to_do) for reason, meaning, what_to_do in rows}


def as_dicts(found: list[Quarantined]) -> list[dict[str, Any]]:
    """The list as rows with named cells, for CSV and JSON."""
    return [{"problem": one.problem, **asdict(one)} for one in found]


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
    is_broken_rule: bool,
) -> Quarantined:
    from extract.landing import name_at
    from extract.rejection import explain_rejection, type_of_field

    is_delivery = is_broken_rule and kind == "campaign_delivery"
    meaning, what_to_do = known.get(reason, (reason, "Look at the record"))
    name, names = name_at(path), settings.fields_of(source)
    if fetch := FETCH.match(name):
        name = f"{source} fetch {int(fetch[1])}"
    if position is None:
        wrong = detail or meaning
    elif field is not None:
        wrong = explain_rejection(reason, field, value, type_of_field(kind, field, names))
    elif payload and is_delivery and (broken := broken_rule(reason, json.loads(payload, parse_float=Decimal))):
        field, value = names.get(broken.field, broken.field), broken.value
        wrong = " ".join(filter(None, (field, value, broken.words)))
    else:
        wrong = f"{meaning[:1].lower()}{meaning[1:]}"
    place = (path, position, line)
    return Quarantined(
        name, wrong, what_to_do, reason, source, kind, *place, field, value, received_at, is_repaired, payload
    )


def _as_received(settings: Settings, found: Sequence[Quarantined]) -> "dict[tuple[str, int | None], ReceivedRecord]":
    """The records as they came, by path and number, but for those of sources that have anything private."""
    from extract.as_received import records_as_received
    from extract.files import shape_of
    from extract.landing import Landing
    from extract.registry import KINDS
    from extract.storage import Folder

    landing = Landing(Folder.at(settings.data_url).below("landing"))
    wanted: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for one in found:
        if one.position is not None and one.source in settings.sources and not _is_private(settings, one):
            wanted[one.source, one.kind, one.delivered_in].append(one.position)

    def shape(source: str, kind: str) -> "RecordShape":
        return shape_of(settings.sources[source], KINDS[kind], settings.report_timezone, None)

    return {
        (path, position): record
        for (source, kind, path), positions in wanted.items()
        for position, record in records_as_received(
            landing, path, positions, shape(source, kind), settings.sources[source].api_profile.records
        ).items()
    }


def _is_private(settings: Settings, one: Quarantined) -> bool:
    """Whether a record may have private fields: those of a source that is declared no more go by their kind."""
    from extract.registry import KINDS

    if source := settings.sources.get(one.source):
        return source.has_private_fields
    return one.kind not in KINDS or KINDS[one.kind].record_type.is_private


def _record(settings: Settings, one: Quarantined, received: "ReceivedRecord | None") -> str:
    if received is not None:
        return received.text or "(blank)"
    if _is_private(settings, one):
        return one.payload or "not shown, because it may hold private fields; it is kept in landing alone"
    if one.source not in settings.sources:
        return f"{one.payload or 'kept in landing alone'} (its source is declared no more)"
    return f"{one.payload or 'not kept'} (landing does not have it any more)"
