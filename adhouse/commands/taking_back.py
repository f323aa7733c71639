"""Taking back: withdraws files that were dropped by mistake, restores them, and reads quarantined ones again."""

import difflib
import sys
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import typer

from adhouse.errors import CommandError, Exit
from adhouse.run import places_of, publish_landing
from adhouse.session import Session
from adhouse.settings import Settings
from adhouse.warehouse.open import open_warehouse
from adhouse.warehouse.quarantine import literal, raw_table

if TYPE_CHECKING:
    from extract.lake.ledger import Delivery
    from extract.landing import LandedUnit, Landing


def retract(session: Session, names: Sequence[str], *, is_confirmed: bool) -> None:
    """Withdraws the newest delivery of each name, and publishes what then counts; a run finishes what a kill cut off.

    Raises:
        CommandError: A name is unknown or ambiguous, or nobody confirmed it.
    """
    landing, known = _landing(session.settings), _received(session.settings)

    def stands(one: "Delivery") -> bool:
        return one.unit.path not in landing.withdrawn

    _check_presence("retract", is_confirmed=is_confirmed)
    chosen = [_meant(session, known, name, lambda one: not stands(one), "is retracted already") for name in names]
    chosen = [*filter(None, chosen)]
    gone = {one.unit.path for group in chosen for one in group}
    for group in chosen:
        others = [one for one in known if stands(one) and one.unit.path not in gone]
        session.terminal.result(f"retract {_told(group[0])}", "bold")
        _say(session, "stops counting", _published(session.settings, group))
        before = _said_before(others, group)
        # An older file counts all along where none of the newer one's records pass the rules.
        if before and not _said_after(others, group) and not _published(session.settings, [before])[0]:
            _say(session, "counts again", _as_came(session.settings, [before]), _told(before))
        if _replaces_days(session.settings, group[0]):
            session.terminal.result("  older files count again on the days that it took from them")
        if waiting := _waiting(others, group[0]):
            session.terminal.result(f"  is loaded instead: {waiting.name}, which is equal and waited as a duplicate")
    _confirm("retract", is_confirmed=is_confirmed or not gone)
    landing.withdraw(gone)
    publish_landing(session)


def restore(session: Session, names: Sequence[str], *, is_confirmed: bool) -> None:
    """Undoes a retraction of each name, and publishes what then counts; a run finishes what a kill cut off.

    Raises:
        CommandError: A name is unknown or ambiguous, landing no longer has the file, or nobody confirmed it.
    """
    landing, known = _landing(session.settings), _received(session.settings)

    def is_withdrawn(one: "Delivery") -> bool:
        return one.unit.path in landing.withdrawn

    _check_presence("restore", is_confirmed=is_confirmed)
    chosen = [_meant(session, known, name, lambda one: not is_withdrawn(one), "is not retracted") for name in names]
    chosen = [*filter(None, chosen)]
    for one in (one for group in chosen for one in group):
        if not landing.folder.has(one.unit.path):
            raise CommandError(f"landing no longer has {_told(one)}", "drop the file again")
    back = {one.unit.path for group in chosen for one in group}
    for group in chosen:
        standing = [one for one in known if not is_withdrawn(one) and one.unit.path not in back]
        session.terminal.result(f"restore {_told(group[0])}", "bold")
        if newer := _said_after(standing, group):
            session.terminal.result(f"  does not count: a newer file of that name does, {_told(newer)}")
            continue
        if any(one.load_id for one in group):
            _say(session, "counts again", _as_came(session.settings, group))
        else:  # a rebuild does not read what is withdrawn
            session.terminal.result("  counts again: all its records, which are then read from landing")
        if before := _said_before(standing, group):
            _say(session, "stops counting", _published(session.settings, [before]), _told(before))
        if _replaces_days(session.settings, group[0]):
            session.terminal.result("  older files stop counting on its days, and newer ones keep theirs")
    _confirm("restore", is_confirmed=is_confirmed or not back)
    landing.restore(back)
    publish_landing(session)


def replay(session: Session, names: Sequence[str]) -> None:
    """Reads files again that are quarantined or have rejected records, but for those that a newer file has repaired.

    Args:
        session: The command at work.
        names: Of which files; none: of all.

    Raises:
        CommandError: No file of such a name is quarantined, nor any record of one.
    """
    landing, known = _landing(session.settings), _received(session.settings)
    standing = [one for one in known if one.unit.path not in landing.withdrawn]
    newest = {(one.unit.source, one.name): one.unit for one in standing if one.status != "quarantined"}

    def is_quarantined(one: "Delivery") -> bool:
        newer = newest.get((one.unit.source, one.name))
        has_newer = newer is not None and newer > one.unit
        if one.status == "loaded" and one.rejected:
            return one in standing and not (has_newer and one.replaces)  # a newer file of events replaces none
        return one.status == "quarantined" and one in standing and not has_newer

    named = [one for name in names for one in _of_name(known, name)] if names else known
    found = [one for one in named if is_quarantined(one)]
    if names and not found:
        raise CommandError(
            f"{', '.join(names)}: not quarantined, nor any record of it, or repaired since", "", Exit.USAGE
        )
    if not found:
        session.terminal.result("no file is quarantined, nor any record of one: nothing to read again")
        return
    for one in found:
        session.terminal.message(f"reading {_told(one)} again")
    publish_landing(session, {one.unit.path for one in found})


def names_beginning(settings: Settings, incomplete: str, wanted: Iterable[str]) -> list[str]:
    """The names of files that begin like this, of those with one of these statuses; for completion in a shell."""
    statuses = {*wanted}
    names = dict.fromkeys(one.name for one in reversed(_received(settings)) if one.status in statuses)
    return [name for name in names if name.startswith(incomplete)]


def _received(settings: Settings) -> "list[Delivery]":
    from extract.run import received_files

    return [one for one in received_files(places_of(settings)) if one.unit.source in settings.sources]


def _landing(settings: Settings) -> "Landing":
    from extract.landing import Landing
    from extract.storage import Folder

    return Landing(Folder.at(settings.data_url).below("landing"))


def _of_name(known: "Sequence[Delivery]", name: str) -> "list[Delivery]":
    """The deliveries that a name means, the newest first; a path in landing means one."""
    from extract.words import plain_name

    found = [one for one in reversed(known) if plain_name(name) in (*_names(one), one.unit.path)]
    if not found:
        close = difflib.get_close_matches(name, {one.name for one in known}, 3, 0.75)
        way_out = f"is it {' or '.join(close)}?" if close else "a file that is still in its inbox can be removed there"
        raise CommandError(f"no file {name!r} was loaded", way_out, Exit.USAGE)
    if len(sources := {one.unit.source for one in found}) > 1:
        choices = " or ".join(f"{source}/{name}" for source in sorted(sources))
        raise CommandError(f"{name!r} came from {len(sources)} sources", f"say {choices}", Exit.USAGE)
    return found


def _meant(
    session: Session, known: "Sequence[Delivery]", name: str, is_done: "Callable[[Delivery], bool]", done: str
) -> "list[Delivery]":
    """The newest delivery of a name, and those before it that only said the same; none if it is done with them.

    So a command that was killed can be repeated, and takes nothing else back.
    """
    newest, *older = _of_name(known, name)
    if is_done(newest):
        others = "".join(f"; or say {one.unit.path}" for one in older if not is_done(one))
        session.terminal.message(f"{_told(newest)} {done}{others}")
        return []
    same = [newest]
    for one in older if newest.status != "quarantined" else []:
        if one.status == "quarantined" or is_done(one):
            continue
        if not newest.content or one.content != newest.content:
            break
        same.append(one)
    return same


def _names(one: "Delivery") -> tuple[str, str]:
    from extract.words import plain_name

    name = plain_name(one.name)
    return name, f"{one.unit.source}/{name}"


def _said_before(others: "Sequence[Delivery]", group: "Sequence[Delivery]") -> "Delivery | None":
    """The file that these replace."""
    return max((one for one in _words(others, group) if _order(one) < _order(group[0])), key=_order, default=None)


def _said_after(others: "Sequence[Delivery]", group: "Sequence[Delivery]") -> "Delivery | None":
    """The file that replaces these."""
    return max((one for one in _words(others, group) if _order(one) > _order(group[0])), key=_order, default=None)


def _words(others: "Sequence[Delivery]", group: "Sequence[Delivery]") -> "list[Delivery]":
    """The files that replace the same as these do, or are replaced by them."""
    replaced = {one.replaces for one in group} - {None}
    if not replaced and group[0].status == "retracted":  # a rebuild did not read it, so only its name is known
        replaced = {_names(group[0])[1]}
    return [one for one in others if one.status in ("loaded", "duplicate") and one.replaces in replaced]


def _order(one: "Delivery") -> "tuple[str, LandedUnit]":
    return one.version, one.unit


def _replaces_days(settings: Settings, one: "Delivery") -> bool:
    return settings.sources[one.unit.source].replaces == "days"


def _waiting(others: "Sequence[Delivery]", one: "Delivery") -> "Delivery | None":
    """The duplicate that is loaded in its place."""
    if one.status != "loaded":
        return None
    equal = (other for other in others if other.unit.source == one.unit.source and other.content == one.content)
    return next((other for other in equal if other.status == "duplicate"), None)


def _told(one: "Delivery") -> str:
    return f"{one.unit.source}/{one.name} (received {one.unit.received_at:%Y-%m-%d %H:%M:%S} UTC)"


Sums = tuple[int, Decimal | None, Any, Any]


def _published(settings: Settings, files: "Iterable[Delivery]") -> Sums:
    """Records, spend, first and last day of files in the published marts."""
    paths = ", ".join(literal(one.unit.path) for one in files)
    asked = f"""
        select count(*), sum(spend), min(date), max(date)
        from marts.processed_campaign_data where _source in ({paths})
    """  # noqa: S608 the text is ours, the values are quoted
    return _sums(settings, asked)


def _as_came(settings: Settings, files: "Iterable[Delivery]") -> Sums:
    """The same of files in the lake, before any rule has looked at them."""
    keys = " or ".join(
        f"_source = {literal(one.unit.path)} and _dlt_load_id = {literal(one.load_id)}" for one in files if one.load_id
    )
    asked = f"""
        select count(*), sum(spend), min(coalesce(date, _received_date)), max(coalesce(date, _received_date))
        from {raw_table(settings.target, settings.lake_url, "campaign_delivery")} where {keys or "false"}
    """  # noqa: S608 the text is ours, the values are quoted
    return _sums(settings, asked)


def _sums(settings: Settings, asked: str) -> Sums:
    rows = open_warehouse(settings).ask("processed_campaign_data", asked)
    return rows[0] if rows else (0, None, None, None)


def _say(session: Session, what: str, sums: Sums, which: str = "") -> None:
    count, spend, first, last = sums
    days = f" of {first}" + (f" to {last}" if last != first else "") if count else ""
    money = f", spend {spend:,} {session.settings.currency}" if count and spend is not None else ""
    records = "1 record" if count == 1 else f"{count:,} records"
    session.terminal.result(f"  {what}: {records}{days}{money}" + (f": {which}" if which else ""))


def _check_presence(command: str, *, is_confirmed: bool) -> None:
    if not is_confirmed and not sys.stdin.isatty():
        raise CommandError(
            f"`adhouse {command}` changes published numbers, and nobody is here to confirm it", "say --yes", Exit.USAGE
        )


def _confirm(command: str, *, is_confirmed: bool) -> None:
    if not is_confirmed and not typer.confirm(f"{command}?"):
        raise CommandError("nothing was changed")
