"""Forgetting: removes people from everything that has them, and from what readers see, for good."""

import sys
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import typer

from adhouse.demo import privacy_key_of
from adhouse.errors import CommandError, Exit
from adhouse.run import make_anew, places_of
from adhouse.session import Session
from adhouse.settings import Settings
from adhouse.warehouse.open import open_warehouse

if TYPE_CHECKING:
    from extract.forgetting import Found, Searcher

SHOWN = 12  # digits of a pseudonym


def forget(session: Session, ids: Sequence[str], *, is_confirmed: bool) -> None:
    """Removes people; a second run finds nothing, and one after a kill ends what was begun.

    Raises:
        CommandError: An id means nobody, a file cannot be written without them, or nobody confirmed it.
    """
    from extract.forgetting import begin, pending, pseudonyms_of
    from extract.run import rows_of_person
    from extract.storage import Folder

    settings = session.settings
    key = privacy_key_of(settings)
    if not key:
        raise CommandError(
            "ADHOUSE_PRIVACY_KEY is not set, and without it nobody can be found in the lake",
            "set it to the key with which the events were read",
            Exit.USAGE,
        )
    people = [pseudonyms_of(one, key) for one in ids if one.strip()]
    if not people or not all(people):
        raise CommandError(
            "one of the ids is a word for nobody" if people else "no id was given",
            "say ids as the logs of events write them",
            Exit.USAGE,
        )
    if not is_confirmed and not sys.stdin.isatty():
        raise CommandError(
            "`adhouse forget` removes records for good, and nobody is here to confirm it", "say --yes", Exit.USAGE
        )
    landing = Folder.at(settings.data_url).below("landing")
    pseudonyms = frozenset().union(*people, pending(landing))
    searcher = _searcher(settings, pseudonyms)
    found, rows = _found(searcher), rows_of_person(places_of(settings), pseudonyms)
    names = ", ".join(sorted(min(one)[:SHOWN] for one in people))
    session.terminal.result(f"forget {_number(len(people), 'person', 'people')}, in the lake {names}…", "bold")
    _say_found(session, found, rows)
    if not found.files and not rows and not pending(landing):
        session.terminal.result("nothing is known of them: nothing was changed")
        return
    if not is_confirmed:
        if not typer.confirm("remove them for good?"):
            raise CommandError("nothing was changed")
        found = _found(searcher)  # files that wait in an inbox may have changed meanwhile
    begin(landing, pseudonyms)
    _remove(session, searcher, found)


def finish_killed(session: Session) -> None:
    """Ends a forget that was killed: its people are known by their pseudonyms."""
    from extract.forgetting import pending
    from extract.storage import Folder

    settings = session.settings
    if pseudonyms := pending(Folder.at(settings.data_url).below("landing")):
        session.terminal.message("a forget was cut off: ending it")
        searcher = _searcher(settings, pseudonyms)
        _remove(session, searcher, _found(searcher))


def _remove(session: Session, searcher: "Searcher", found: "Found") -> None:
    """Takes the people out of landing and the inboxes, makes everything else again, and removes older builds."""
    from extract.copying import ChangedMeanwhileError
    from extract.forgetting import end

    settings = session.settings
    try:
        searcher.remove(found)
    except ChangedMeanwhileError as error:
        raise CommandError(f"{error} changed while people were taken out", "`adhouse run` ends it") from None
    make_anew(session, searcher.pseudonyms)
    open_warehouse(settings).remove_others()
    if settings.is_in_cloud:
        _remove_results(session, searcher.pseudonyms)
    end(searcher.data.below("landing"))
    session.terminal.result(f"forgotten: removed {_told(found.kinds)}; older builds are removed too")


def _remove_results(session: Session, pseudonyms: Collection[str]) -> None:
    """Removes results of queries that have the people, and warns of what buckets go on keeping."""
    from adhouse.aws.results import remove_results
    from adhouse.aws.versions import warnings_of_versions

    settings = session.settings
    if count := remove_results(settings.athena_results, pseudonyms):
        session.terminal.result(f"  results of queries: removed {_number(count, 'file', 'files')}")
    for line in warnings_of_versions((settings.lake_url, settings.athena_results)):
        session.terminal.message(f"warning: {line}", "yellow")


def _searcher(settings: Settings, pseudonyms: frozenset[str]) -> "Searcher":
    from extract.forgetting import Searcher
    from extract.storage import Folder

    sources = [*settings.sources.values()]
    data = Folder.at(settings.data_url)
    return Searcher(data, sources, privacy_key_of(settings), settings.report_timezone, pseudonyms)


def _found(searcher: "Searcher") -> "Found":
    from extract.forgetting import NotForgettableError

    try:
        return searcher.find()
    except NotForgettableError as error:
        raise CommandError(f"nothing was changed: {error}", error.way_out) from None


def _say_found(session: Session, found: "Found", rows: Mapping[str, int]) -> None:
    for place in ("landing", "inbox", "set aside"):
        if files := [one for one in found.files if one.place == place]:
            kinds = Counter(kind for one in files for kind in one.mentions.kinds.values())
            session.terminal.result(f"  {place}: {_told(kinds)} in {_number(len(files), 'file', 'files')}")
    session.terminal.result(f"  lake: {_told(rows)}")
    for path in found.unread:
        session.terminal.message(f"warning: not searched, as it cannot be read: {path}", "yellow")


def _told(kinds: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} of {kind}" for kind, count in sorted(kinds.items())) or "no records"


def _number(count: int, one: str, many: str) -> str:
    return f"1 {one}" if count == 1 else f"{count:,} {many}"
