"""A demo: a data folder that has the simulated platform's data, and nothing of a user's own.

Its landing has `demo.json`. When the demo ends, everything received until then is withdrawn: the file says up to which
receipt number, landing shows no unit of it any more, and so no load and no rebuild ever brings it back.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Literal

from extract.landing import LandingDamagedError
from extract.storage import Folder

FILE = "demo.json"


@dataclass(frozen=True)
class Demo:
    """What the file says.

    Attributes:
        state: `on`; `ending`: withdrawn from landing, but perhaps not yet from lake and warehouse; `over`.
        withdrawn_through: The receipt number up to which landing is withdrawn; 0 while the demo is on.
        events_since: The first day whose logs of events were received, as ISO 8601 says it; empty: none was.
        events_until: The last one.
        is_dropping: Whether logs may lie in the inbox that the demo itself has dropped.
    """

    state: Literal["on", "ending", "over"] = "on"
    withdrawn_through: int = 0
    events_since: str = ""
    events_until: str = ""
    is_dropping: bool = False


def read_demo(landing: Folder) -> Demo | None:
    """What landing says of a demo; None if there never was one. A bucket has none: demos are on a disk.

    Raises:
        LandingDamagedError: It cannot be read.
    """
    try:
        return Demo(**json.loads(landing.read(FILE))) if landing.is_local else None
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise LandingDamagedError(f"{landing.path(FILE)} does not say whether this is a demo") from error


def write_demo(landing: Folder, demo: Demo) -> None:
    """Says it, in one step."""
    landing.write(FILE, json.dumps(asdict(demo)).encode())
