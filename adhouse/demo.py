"""The demo: whether a run asks the simulated platform, and how a data folder becomes one for a user's own data.

A data folder has either the demo's data or a user's own, never both: they would add up silently.
"""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from adhouse.alerts.state import forget
from adhouse.commands.status import waiting_files
from adhouse.errors import CommandError, Exit
from adhouse.session import Session
from adhouse.settings import CAMPAIGN_API, Settings
from adhouse.warehouse.files import remove

if TYPE_CHECKING:
    from extract.demo import Demo
    from extract.run import Places
    from simulate.world import World

PRIVACY_KEY = "the demo's key is no secret"
EVENT_SOURCES = ("impressions", "clicks", "conversions", "bid_requests", "bids")
EVENT_DAYS = 30
IMPRESSIONS_A_DAY = 4_300
QUIET_SECONDS = 60  # a file that nobody has written to for so long is taken at once
_LOG = re.compile(r"[a-z_]+-[0-9]{4}-[0-9]{2}-[0-9]{2}\.[a-z]+")
FILES_ALONE = "ADHOUSE_API_URL is not set: files alone"


def asks_mock(session: Session, places: "Places") -> bool:
    """Says whether this run asks the simulated platform; a new data folder without anything of its own becomes a demo.

    A run finishes the end of a demo that a kill cut off.

    Raises:
        CommandError: The folder is a demo, and there are files or an API of the user's own.
    """
    from extract.demo import Demo, read_demo, write_demo
    from extract.landing import Landing
    from extract.storage import Folder

    settings = session.settings
    folder = Folder.at(settings.data_url).below("landing")
    demo = read_demo(folder)
    if demo and demo.state == "ending":
        end(session, places)
    if demo and demo.state == "on":
        _refuse_own_data(settings, demo)
        return settings.api_url is None
    if settings.api_url is not None:
        return False
    is_own = settings.declared or waiting_files(settings)
    if demo or settings.is_in_cloud or is_own or Landing(folder).is_used:
        if not settings.declared_apis:
            session.terminal.message(FILES_ALONE)
        return False
    write_demo(folder, Demo())
    return True


def end(session: Session, places: "Places") -> None:
    """Withdraws all of the demo from landing, lake, warehouse and readers; a second call, or one after a kill, too.

    Raises:
        CommandError: There is no demo here.
    """
    from extract.demo import Demo, read_demo, write_demo
    from extract.run import withdraw_demo
    from extract.storage import Folder

    settings = session.settings
    folder = Folder.at(settings.data_url).below("landing")
    demo = read_demo(folder)
    if demo is None or demo.state == "over":
        raise CommandError(f"{settings.home} is not a demo", "nothing is to be ended", Exit.USAGE)
    withdraw_demo(places)
    for path in (settings.warehouse, settings.marts):
        remove(path)
    if settings.published.exists():
        shutil.rmtree(settings.published)
    forget(settings.home)
    ended = read_demo(folder)
    assert ended
    write_demo(folder, Demo("over", ended.withdrawn_through))
    session.terminal.result("the demo is over: its data is withdrawn, and this data folder is ready for your own")


def is_on(settings: Settings) -> bool:
    """Whether the data folder is a demo."""
    from extract.demo import read_demo
    from extract.storage import Folder

    demo = read_demo(Folder.at(settings.data_url).below("landing"))
    return demo is not None and demo.state == "on"


@contextmanager
def dropped_events(session: Session, world: "World") -> Iterator[None]:
    """Drops the logs of events of the days that have none yet, and notes at the end of the block that they came.

    After a kill in the block the same logs are dropped again: they have the same bytes, so none counts twice.
    """
    from extract.demo import read_demo, write_demo
    from extract.storage import Folder
    from simulate.event_files import write_event_files

    settings = session.settings
    landing = Folder.at(settings.data_url).below("landing")
    demo = read_demo(landing)
    assert demo
    _, newest = settings.window(session.started, settings.sources[CAMPAIGN_API])
    wanted = [newest - timedelta(days=ago) for ago in reversed(range(EVENT_DAYS))]
    days = [day for day in wanted if not demo.events_since <= day.isoformat() <= demo.events_until]
    if not days:
        yield
        return
    write_demo(landing, replace(demo, is_dropping=True))
    session.terminal.message(f"a demo: writing the logs of events of {len(days)} days")
    written = settings.home / "demo-logs"
    shutil.rmtree(written, ignore_errors=True)  # a killed run may have left some
    write_event_files(world, days, written, impressions_a_day=IMPRESSIONS_A_DAY)
    for path in sorted(written.glob("*/*")):
        os.utime(path, (path.stat().st_mtime - QUIET_SECONDS,) * 2)
        inbox = settings.home / "inbox" / path.parent.name
        inbox.mkdir(parents=True, exist_ok=True)
        path.rename(inbox / path.name)
    shutil.rmtree(written)
    yield
    since, until = (day.isoformat() for day in (wanted[0], wanted[-1]))
    since, until = min(demo.events_since or since, since), max(demo.events_until, until)
    write_demo(landing, replace(demo, events_since=since, events_until=until, is_dropping=False))


def privacy_key_of(settings: Settings) -> str:
    """The key by which private fields are replaced; a demo has one of its own."""
    return settings.privacy_key or (PRIVACY_KEY if is_on(settings) else "")


def _refuse_own_data(settings: Settings, demo: "Demo") -> None:
    own = []
    if settings.api_url not in (None, "none"):
        own.append("ADHOUSE_API_URL")
    own += [f"the API of {name}" for name in settings.declared_apis]
    own += [
        f"inbox/{source}/{name}"
        for source, names in waiting_files(settings).items()
        for name in names
        if not (demo.is_dropping and _LOG.fullmatch(name))
    ]
    if own:
        raise CommandError(
            f"{settings.home} is a demo, whose invented data would add up with {own[0]}",
            "set ADHOUSE_HOME to another folder, or end the demo with `adhouse demo --end`",
            Exit.USAGE,
        )
