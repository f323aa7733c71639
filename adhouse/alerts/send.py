"""Sends what is to be told: each alert once to each channel, in one message, and the digest once a week.

Only one process at a time sends. A channel that fails is told what it missed the next time. A kill between sending and
noting repeats that one message.
"""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime

from adhouse.alerts import state
from adhouse.alerts.channels import Channel
from adhouse.alerts.digest import digest, week_of
from adhouse.alerts.find import find
from adhouse.alerts.messages import Message, build_line, message_of
from adhouse.alerts.state import AlertState, Noted
from adhouse.lock import locked
from adhouse.settings import Settings
from adhouse.warehouse.base import nothing_published
from adhouse.warehouse.open import open_warehouse

LOCK = ".alerts.lock"
SECONDS_TO_WAIT = 60.0  # for another process that is sending


@dataclass(frozen=True)
class Delivery:
    """What became of a message to a channel.

    Attributes:
        channel: The address, without what is secret in it.
        message: What was to be sent; None: there was nothing to send.
        alerts: How many alerts were in it.
        error: Why it could not be sent; None: it was, or nothing was to be.
    """

    channel: str
    message: Message | None
    alerts: int
    error: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What a round of sending did, and what is open after it."""

    deliveries: list[Delivery] = field(default_factory=list)
    open_alerts: list[Noted] = field(default_factory=list)


def send_alerts(
    settings: Settings,
    channels: Sequence[Channel],
    say: Callable[[str], None],
    *,
    command: str,
    is_in_run: bool = False,
    is_dry: bool = False,
    wants_digest: bool = False,
) -> Outcome:
    """Looks at the builds, notes what is open, and sends to each channel what it has not got yet.

    A second run sends nothing, unless something is new, worse or back, or a channel was down.

    Args:
        settings: The settings.
        channels: To whom; none: what is open is noted only.
        say: Told when another process has to be waited for.
        command: Who is sending, for whoever waits.
        is_in_run: Whether a run calls this; it sends the digest too, once a week.
        is_dry: Whether nothing is sent or noted.
        wants_digest: Whether the digest is sent in any case, and nothing but it.

    Raises:
        CommandError: The marts or the state cannot be read, another process keeps sending, or the digest is wanted and
            nothing is published.
    """
    if not settings.home.is_dir():
        if wants_digest:
            raise nothing_published()
        return Outcome()
    now = datetime.now(UTC)
    alone = nullcontext() if is_dry else locked(settings.home, command, SECONDS_TO_WAIT, say, name=LOCK)
    opened = state.copied if is_dry else state.opened
    with alone, opened(settings.home) as noted:
        week = week_of(now, settings)
        noted.know([channel.channel_id for channel in channels], week, now)
        warehouse = open_warehouse(settings)
        found = find(settings, warehouse, now, is_in_run=is_in_run)
        if wants_digest and not found.build_id:
            raise nothing_published()
        noted.note(found.alerts, found.build_id, found.today, now, found.unknown)
        deliveries: list[Delivery] = []
        weekly: Message | None = None
        as_of = build_line(found.build_id, found.day) if found.build_id else "Nothing is published yet"
        for channel in channels:
            if not wants_digest:
                deliveries.append(_tell(noted, channel, as_of, settings, is_dry=is_dry))
                if deliveries[-1].error:
                    continue  # to try it again at once would delay a run twice
            is_due = is_in_run and noted.is_digest_due(channel.channel_id, week)
            if found.build_id and (wants_digest or is_due):
                weekly = weekly or digest(warehouse, settings, found.day, noted.listed(), as_of)
                deliveries.append(_tell_week(noted, channel, week, weekly, is_dry=is_dry))
        return Outcome(deliveries, noted.listed())


def _tell(noted: AlertState, channel: Channel, as_of: str, settings: Settings, *, is_dry: bool) -> Delivery:
    pending = noted.pending(channel.channel_id, datetime.now(UTC))
    if not pending:
        return Delivery(channel.shown, None, 0)
    message = message_of(pending, as_of, settings.dashboard_address)
    error = None if is_dry else channel.send(message.title, message.body)
    if error is None:
        noted.note_sent(channel.channel_id, pending, datetime.now(UTC))
    return Delivery(channel.shown, message, len(pending), error)


def _tell_week(noted: AlertState, channel: Channel, week: str, message: Message, *, is_dry: bool) -> Delivery:
    error = None if is_dry else channel.send(message.title, message.body)
    if error is None:
        noted.note_digest(channel.channel_id, week)
    return Delivery(channel.shown, message, 0, error)
