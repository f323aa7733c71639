"""What became of each alert: one small SQLite file beside the warehouse, which this module alone writes.

One row of `alerts` is one alert. An alert has occurrences: the first, and one more each time that it worsens or comes
back. One row of `sent` says which occurrence a channel got last, so a channel that was down is caught up with and the
others hear nothing twice. Every change is one transaction: a kill leaves the state before it or after it.
"""

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from adhouse.alerts.alert import KINDS, Alert
from adhouse.errors import CommandError

NAME = "alerts.sqlite"
VERSION = 1
WORSE = 1.5  # times as severe as when it was sent
LEAST_DAYS_AWAY = 2  # report days, after which an alert that returns is told again
TOLD_DAYS = 7  # that what is over is still told to a channel that has not heard of it
KEPT_DAYS = 92  # that an alert which is over stays listed; as far back as metrics are judged
SECONDS_TO_WAIT = 10  # for another process that is just writing

SCHEMA = """
create table if not exists alerts (
    alert_id text primary key,
    kind text not null,
    campaign_id text,
    title text not null,
    why text not null,
    link text not null,
    first_day text not null,
    last_day text not null,
    sent_severity real not null, -- how bad it was when the newest occurrence was noted
    occurrence integer not null,
    cause text not null, -- of the newest occurrence: new, worse or back
    noted_at text not null, -- when the newest occurrence was first seen
    gone_at text, -- null: it is open
    acknowledged_at text,
    build_id text not null
) strict;
create table if not exists channels (
    channel_id text primary key,
    known_since text not null,
    -- the last week of which it got the digest, or in which it was new; if the clock has gone back, also the week then
    digest_week text not null
) strict;
create table if not exists sent (
    alert_id text not null references alerts (alert_id) on delete cascade,
    channel_id text not null references channels (channel_id) on delete cascade,
    occurrence integer not null,
    sent_at text not null,
    primary key (alert_id, channel_id)
) strict;
"""
ORDER = "case kind {} end, sent_severity desc, title, alerts.alert_id".format(
    " ".join(f"when '{kind}' then {place}" for place, kind in enumerate(KINDS))
)


@dataclass(frozen=True)
class Noted:
    """An alert as the state has it; times are UTC.

    Attributes:
        occurrence: 1, and one more for each time that it worsened or came back.
        cause: Why there is this occurrence: `new`, `worse` or `back`.
        gone_at: When a build no longer had it; None: it is open.
        sent: How many of the channels have this occurrence.
        sent_before: The occurrence that the channel in question got last; 0: none, or no channel is in question.
    """

    alert_id: str
    kind: str
    campaign_id: str | None
    title: str
    why: str
    link: str
    first_day: date
    last_day: date
    occurrence: int
    cause: str
    noted_at: str
    gone_at: str | None
    acknowledged_at: str | None
    build_id: str
    sent: int
    sent_before: int

    @property
    def status(self) -> str:
        """In one word: over, acknowledged, sent, or open."""
        if self.gone_at:
            return "over"
        if self.acknowledged_at:
            return "acknowledged"
        return "sent" if self.sent else "open"


COLUMNS = """
    alerts.alert_id, kind, campaign_id, title, why, link, first_day, last_day, alerts.occurrence, cause, noted_at,
    gone_at, acknowledged_at, build_id,
    (
        select count(*) from sent as all_sent
        where all_sent.alert_id = alerts.alert_id and all_sent.occurrence = alerts.occurrence
    ) as sent
"""


class AlertState:
    """The state, open for reading and writing."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Takes a connection to a file that has the tables."""
        self._connection = connection

    def forget(self) -> None:
        """Drops all alerts; what channels there are stays known."""
        with self._connection:
            self._connection.execute("delete from alerts")

    def note(
        self, found: Sequence[Alert], build_id: str, today: date, now: datetime, unknown: Collection[str] = ()
    ) -> None:
        """Takes over what a build says; a second call with the same changes nothing.

        Args:
            found: All that is wrong in the build.
            build_id: The build.
            today: The report day of now, since when it is so what the build cannot date.
            now: The current time.
            unknown: Kinds of which nothing is known now: their alerts stay as they are.
        """
        moment, here = _text(now), {alert.alert_id for alert in found}
        with self._connection:
            self._connection.execute("begin immediate")
            for alert in found:
                self._take(alert, build_id, today, moment)
            still_open = self._connection.execute("select alert_id, kind from alerts where gone_at is null").fetchall()
            gone = [(moment, one) for one, kind in still_open if one not in here and kind not in unknown]
            self._connection.executemany("update alerts set gone_at = ? where alert_id = ?", gone)
            old = _text(now - timedelta(days=KEPT_DAYS))
            self._connection.execute("delete from alerts where gone_at < ?", [old])

    def know(self, channel_ids: Sequence[str], week: str, now: datetime) -> None:
        """Remembers channels; a new one gets what is open now and nothing older, and its first digest next week."""
        with self._connection:
            known = [(one, _text(now), week) for one in channel_ids]
            self._connection.executemany("insert or ignore into channels values (?, ?, ?)", known)

    def pending(self, channel_id: str, now: datetime) -> list[Noted]:
        """What a channel should get, and nobody has acknowledged.

        That is what is open, and what ended in the last week but began while the channel was known.
        """
        return self._alerts(
            """
            where (mine.occurrence is null or mine.occurrence < alerts.occurrence)
                and acknowledged_at is null
                and (gone_at is null or gone_at >= :told_since and noted_at >= (
                    select known_since from channels where channel_id = :channel_id
                ))
            """,
            channel_id,
            told_since=_text(now - timedelta(days=TOLD_DAYS)),
        )

    def note_sent(self, channel_id: str, alerts: Sequence[Noted], now: datetime) -> None:
        """A channel got these; a kill before this call repeats the one message that it had them in."""
        with self._connection:
            self._connection.executemany(
                "insert or replace into sent values (?, ?, ?, ?)",
                [(alert.alert_id, channel_id, alert.occurrence, _text(now)) for alert in alerts],
            )

    def is_digest_due(self, channel_id: str, week: str) -> bool:
        """Whether a channel has not got the digest of this week, and was not new in it.

        A clock that is behind must not repeat digests, and one that was ahead not end them. Which of the two it is
        nobody knows when a week is before the last one, so that week is noted, and the next one is due.
        """
        sql = "select digest_week from channels where channel_id = ?"
        had, _, behind = str(self._connection.execute(sql, [channel_id]).fetchone()[0]).partition(" ")
        if week < had and not behind:
            self._note_week(channel_id, f"{had} {week}")
        return week > had or (week < had and bool(behind) and week > behind)

    def note_digest(self, channel_id: str, week: str) -> None:
        """A channel got the digest in this week."""
        sql = "select digest_week from channels where channel_id = ?"
        had = str(self._connection.execute(sql, [channel_id]).fetchone()[0]).partition(" ")[0]
        self._note_week(channel_id, week if week >= had else f"{had} {week}")

    def _note_week(self, channel_id: str, noted: str) -> None:
        with self._connection:
            self._connection.execute("update channels set digest_week = ? where channel_id = ?", [noted, channel_id])

    def listed(self, *, has_all: bool = False) -> list[Noted]:
        """The open alerts, the most urgent first; also those that are over, if asked for."""
        return self._alerts("" if has_all else "where gone_at is null")

    def acknowledge(self, alert_ids: Collection[str], now: datetime | None) -> None:
        """Notes that a person knows of these, so that nobody hears of them until they worsen or come back; None undoes.

        Raises:
            CommandError: There is no such alert; then none of them is changed.
        """
        with self._connection:
            self._connection.execute("begin immediate")
            for one in alert_ids:
                changed = self._connection.execute(
                    "update alerts set acknowledged_at = ? where alert_id = ?", [now and _text(now), one]
                )
                if not changed.rowcount:
                    raise CommandError(f"there is no alert {one!r}", "`adhouse alerts list` has their ids")

    def _alerts(self, where: str, channel_id: str = "", **values: str) -> list[Noted]:
        sql = f"""
            select {COLUMNS}, coalesce(mine.occurrence, 0) as sent_before
            from alerts
            left join sent as mine on mine.alert_id = alerts.alert_id and mine.channel_id = :channel_id
            {where}
            order by gone_at is not null, {ORDER}
        """  # noqa: S608 the text is ours
        rows = self._connection.execute(sql, {"channel_id": channel_id, **values}).fetchall()
        return [_noted(row) for row in rows]

    def _take(self, alert: Alert, build_id: str, today: date, moment: str) -> None:
        first_day = str(alert.first_day or today)
        values: dict[str, Any] = {
            "alert_id": alert.alert_id,
            "kind": alert.kind,
            "campaign_id": alert.campaign_id,
            "title": alert.title,
            "why": alert.why,
            "link": alert.link,
            "first_day": first_day,
            "last_day": str(alert.last_day),
            "build_id": build_id,
        }
        sql = "select occurrence, sent_severity, first_day, last_day, gone_at from alerts where alert_id = ?"
        row = self._connection.execute(sql, [alert.alert_id]).fetchone()
        is_back = row is not None and _is_back(row, alert)
        if row is not None and not is_back:
            values["first_day"] = min(first_day, row["first_day"])
            values["gone_at"] = None
        if row is None or is_back or alert.severity >= WORSE * row["sent_severity"]:
            values |= {"sent_severity": alert.severity, "occurrence": row["occurrence"] + 1 if row else 1}
            values["cause"] = "new" if row is None else "back" if is_back else "worse"
            values |= {"noted_at": moment, "gone_at": None, "acknowledged_at": None}
        names = ", ".join(values)
        if row is None:
            marks = ", ".join(f":{name}" for name in values)
            self._connection.execute(f"insert into alerts ({names}) values ({marks})", values)  # noqa: S608
        else:
            sets = ", ".join(f"{name} = :{name}" for name in values)
            self._connection.execute(f"update alerts set {sets} where alert_id = :alert_id", values)  # noqa: S608


@contextmanager
def opened(home: Path) -> Iterator[AlertState]:
    """Opens the state of a data folder for the block; a new file is made if there is none.

    Raises:
        CommandError: The file is damaged, of a newer adhouse, or cannot be written.
    """
    with _explained(home), closing(_connected(home / NAME)) as connection:
        yield AlertState(connection)


@contextmanager
def copied(home: Path) -> Iterator[AlertState]:
    """The same with a copy in memory: what the block does is forgotten."""
    with _explained(home), closing(sqlite3.connect(":memory:")) as connection:
        if (home / NAME).exists():
            with closing(sqlite3.connect(f"{(home / NAME).absolute().as_uri()}?mode=ro", uri=True)) as file:
                file.backup(connection)
        _prepare(connection)
        yield AlertState(connection)


def _connected(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=SECONDS_TO_WAIT)
    try:
        _prepare(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    connection.row_factory = sqlite3.Row
    connection.execute("pragma foreign_keys = on")
    ((version,),) = connection.execute("pragma user_version").fetchall()
    if version > VERSION:
        raise CommandError(f"{NAME} is of a newer adhouse (version {version})", "update adhouse")
    if version < VERSION:
        # In one transaction, so that nobody finds a file with half of the tables.
        connection.executescript(f"begin immediate; {SCHEMA}; pragma user_version = {VERSION}; commit")


def forget(home: Path) -> None:
    """Drops every alert of a data folder whose data were withdrawn; a second call finds nothing to drop.

    Raises:
        CommandError: The state cannot be used.
    """
    if not (home / NAME).exists():
        return
    with opened(home) as noted:
        noted.forget()


@contextmanager
def _explained(home: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        way_out = f"remove {home / NAME}: alerts that are open are then sent again" if _is_damaged(error) else ""
        raise CommandError(f"{home / NAME} cannot be used: {error}", way_out) from error


def _is_damaged(error: sqlite3.DatabaseError) -> bool:
    return getattr(error, "sqlite_errorcode", None) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _is_back(row: Any, alert: Alert) -> bool:
    """Whether it was over before it was found again: a build saw that, or its days have a gap.

    What is not there on a single day goes on: a value at the edge would else be told every other day, acknowledged or
    not. Each failed build is a thing of its own.
    """
    if alert.kind == "audit":
        return row["gone_at"] is not None
    if alert.first_day is None and row["gone_at"] is None:
        return False
    days_away = (alert.first_day or alert.last_day) - date.fromisoformat(row["last_day"]) - timedelta(days=1)
    return days_away >= timedelta(days=LEAST_DAYS_AWAY)


def _noted(row: sqlite3.Row) -> Noted:
    days = {name: date.fromisoformat(row[name]) for name in ("first_day", "last_day")}
    return Noted(**{**dict(row), **days})


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
