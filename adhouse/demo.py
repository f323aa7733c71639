"""The demo: whether a run asks the simulated platform, and how a data folder becomes one for a user's own data.

A data folder has either the demo's data or a user's own, never both: they would add up silently.
"""

import shutil
from typing import TYPE_CHECKING

from adhouse.commands.status import waiting_files
from adhouse.errors import CommandError, Exit
from adhouse.session import Session
from adhouse.settings import Settings
from adhouse.warehouse.files import remove

if TYPE_CHECKING:
    from extract.run import Places

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
        _refuse_own_data(settings)
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


def _refuse_own_data(settings: Settings) -> None:
    own = []
    if settings.api_url not in (None, "none"):
        own.append("ADHOUSE_API_URL")
    own += [f"the API of {name}" for name in settings.declared_apis]
    own += [f"inbox/{source}/{name}" for source, names in waiting_files(settings).items() for name in names[:1]]
    if own:
        raise CommandError(
            f"{settings.home} is a demo, whose invented data would add up with {own[0]}",
            "set ADHOUSE_HOME to another folder, or end the demo with `adhouse demo --end`",
            Exit.USAGE,
        )
