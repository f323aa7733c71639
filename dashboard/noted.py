"""The alerts that `adhouse alerts` has noted. This reads its state; the command alone changes it."""

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
        alert_id, kind, campaign_id, title, why, first_day, last_day, acknowledged_at,
        (
            select count(*) from sent
            where sent.alert_id = alerts.alert_id and sent.occurrence = alerts.occurrence
        ) as channels
    from alerts
    where gone_at is null
    order by acknowledged_at is not null, last_day desc, sent_severity desc, title
"""


def open_alerts(home: Path, selection: Selection) -> list[dict[str, Any]] | None:
    """The open alerts of the chosen campaigns that this reader may see; None if none were ever noted.

    They add up all brands of a campaign, so they are for who may see them all; one that is of no single campaign is for
    readers who may see everything.
    """
    file = home / STATE
    if not file.exists():
        return None
    with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=2)) as connection:
        connection.row_factory = sqlite3.Row
        try:
            found = [dict(row) for row in connection.execute(OPEN)]
        except sqlite3.DatabaseError:  # damaged, or of another version: `adhouse alerts` says so
            return None
    if selection.reader.brands is not None:
        theirs = {*queries.whole_campaigns_of(selection.build, selection.reader)}
        found = [alert for alert in found if alert["campaign_id"] in theirs]
    chosen = next((values for column, values in selection.chosen if column == "campaign_id"), None)
    return [
        {**alert, "first_day": date.fromisoformat(alert["first_day"])}
        for alert in found
        if chosen is None or alert["campaign_id"] in chosen
    ]


def can_be_acknowledged(home: Path) -> bool:
    """Whether the state can be written from here, and the command that does it is there."""
    return COMMAND.exists() and all(os.access(path, os.W_OK) for path in (home, home / STATE))


def acknowledge(home: Path, alert_ids: Sequence[str], *, is_undone: bool) -> str | None:
    """Lets the command note that somebody knows of these alerts, or take it back; says what went wrong, or None."""
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
        return type(error).__name__
    return ended.stderr.strip() if ended.returncode else None
