"""The alerts that `adhouse alerts` has noted. This reads its state; the command alone changes it."""

import logging
import os
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

from dashboard import queries
from dashboard.queries import Selection

STATE = "alerts.sqlite"
COMMAND = Path(sys.executable).with_name("adhouse")
SECONDS = 60
OPEN = """
    select
        alert_id, kind, campaign_id, title, why, first_day, last_day, acknowledged_at, build_id,
        (
            select count(*) from sent
            where sent.alert_id = alerts.alert_id and sent.occurrence = alerts.occurrence
        ) as channels
    from alerts
    where gone_at is null
    -- Unusual metrics are the most, and seldom the worst.
    order by acknowledged_at is not null, kind = 'metric', last_day desc, sent_severity desc, title
"""


log = logging.getLogger(__name__)


class UnreadableError(Exception):
    """The state is there and cannot be read: damaged, of another version, or not readable for this user."""


def open_alerts(home: Path, selection: Selection) -> list[dict[str, Any]] | None:
    """The open alerts of the chosen campaigns that this reader may see; None if none were ever noted.

    A reader of some brands sees those of campaigns of which they may see every brand, and none of all together; and
    those of the shown build alone, since in another one a campaign may have been of other brands.

    Raises:
        UnreadableError: The alerts that were noted cannot be read.
    """
    file = home / STATE
    try:
        if not file.exists():
            return None
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=2)) as connection:
            connection.row_factory = sqlite3.Row
            found = [dict(row) for row in connection.execute(OPEN)]
    except (OSError, sqlite3.Error) as error:
        log.warning("%s cannot be read: %s", file, error)
        raise UnreadableError from error
    if selection.reader.brands is not None:
        theirs = {*queries.whole_campaigns_of(selection.build, selection.reader)}
        shown = selection.build.build_id
        found = [alert for alert in found if alert["campaign_id"] in theirs and alert["build_id"] == shown]
    chosen = next((values for column, values in selection.chosen if column == "campaign_id"), None)
    return [
        {**alert, "first_day": date.fromisoformat(alert["first_day"])}
        for alert in found
        if chosen is None or alert["campaign_id"] in chosen
    ]


def can_be_acknowledged(home: Path) -> bool:
    """Whether the state can be written from here, and the command that does it is there."""
    return COMMAND.exists() and all(os.access(path, os.W_OK) for path in (home, home / STATE))


def acknowledge(home: Path, alert_ids: Sequence[str], *, is_undone: bool) -> bool:
    """Lets the command note that somebody knows of these alerts, or take it back; says whether it did.

    What the command says of a mistake has paths and settings in it, so it goes into the server's log alone.
    """
    undo = ["--undo"] if is_undone else []
    try:
        ended = subprocess.run(
            [COMMAND, "alerts", "acknowledge", *undo, "--", *alert_ids],
            env={**os.environ, "ADHOUSE_HOME": str(home)},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        log.error("alerts could not be acknowledged: %s", error)
        return False
    if ended.returncode:
        log.error("alerts could not be acknowledged: %s", ended.stderr.strip())
    return ended.returncode == 0
