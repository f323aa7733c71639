"""The command `adhouse alerts`: shows what is open, sends it, and notes what a person knows."""

import logging
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from adhouse.alerts import state
from adhouse.alerts.alert import is_id
from adhouse.alerts.channels import Channel, open_channels
from adhouse.alerts.send import Delivery, Outcome, send_alerts
from adhouse.alerts.state import Noted
from adhouse.console import Terminal
from adhouse.errors import CommandError, Exit
from adhouse.explain import explain_error
from adhouse.settings import Settings

log = logging.getLogger(__name__)


def tell(terminal: Terminal, settings: Settings, *, is_dry: bool, wants_digest: bool, as_json: bool) -> bool:
    """Sends what the channels have not got yet; without channels it shows what is open. Says whether all went well.

    Raises:
        CommandError: An address cannot be used, or there is none and the digest is wanted.
    """
    channels = open_channels(settings.alerts)
    if wants_digest and not channels:
        raise _no_channels()
    outcome = send_alerts(
        settings,
        channels,
        terminal.message,
        command="adhouse alerts",
        is_dry=is_dry,
        wants_digest=wants_digest,
    )
    if as_json:
        terminal.json(_as_dict(outcome))
    elif not channels:
        show(terminal, outcome.open_alerts)
    for delivery in outcome.deliveries:
        if is_dry and delivery.message and not as_json:
            terminal.result(f"to {delivery.channel}", "bold")
            terminal.result(f"{delivery.message.title}\n\n{delivery.message.body}\n")
        else:
            terminal.message(_said(delivery, is_dry=is_dry), "yellow" if delivery.error else "")
    return not any(delivery.error for delivery in outcome.deliveries)


def tell_at_the_end(terminal: Terminal, settings: Settings, channels: list[Channel], command: str) -> None:
    """Does that at the end of a run, which nothing here may fail: what goes wrong is said in one line."""
    if not channels:
        return
    terminal.stop()
    try:
        outcome = send_alerts(settings, channels, terminal.message, command=command, is_in_run=True)
    except Exception as error:
        end = explain_error(error, settings)
        log.warning("alerts: %s", end.message)
        way_out = end.way_out or "the next run tries again"
        terminal.message(f"alerts could not be sent: {end.message} ({way_out})", "yellow")
        return
    failed = [delivery for delivery in outcome.deliveries if delivery.error]
    for delivery in outcome.deliveries:
        if delivery.message:
            again = "; the next run tries again" if delivery.error else ""
            terminal.message(_said(delivery, is_dry=False) + again, "yellow" if delivery.error else "")
    counts = {"open": len(outcome.open_alerts), "channels": len(channels), "failed": len(failed)}
    log.info("alerts", extra={"phase": "alerts", "counts": counts})


def send_test(terminal: Terminal, settings: Settings) -> bool:
    """Sends a test message to each channel, and says whether all got it; the state is not touched."""
    channels = open_channels(settings.alerts)
    if not channels:
        raise _no_channels()
    body = "This is a test: alerts of adhouse reach you here."
    errors = {channel.shown: channel.send("adhouse: a test", body) for channel in channels}
    for shown, error in errors.items():
        terminal.message(f"{shown}: {error or 'got the test message'}", "yellow" if error else "")
    return not any(errors.values())


def list_alerts(settings: Settings, *, has_all: bool) -> list[Noted]:
    """The alerts as they were noted last; it looks at no build."""
    with state.copied(settings.home) as noted:
        return noted.listed(has_all=has_all)


def show(terminal: Terminal, alerts: list[Noted]) -> None:
    """Prints alerts, the most urgent first."""
    for alert in alerts:
        terminal.result(f"{alert.alert_id}  {alert.title}", "" if alert.gone_at or alert.acknowledged_at else "bold")
        terminal.result(f"{'':14}{alert.status}, since {alert.first_day}" + (f"; {alert.why}" if alert.why else ""))
    if not alerts:
        terminal.result("no alert is open")


def acknowledge(terminal: Terminal, settings: Settings, alert_ids: Collection[str], *, is_undone: bool) -> None:
    """Notes that a person knows of these alerts, or undoes it; a second run changes nothing.

    Raises:
        CommandError: One of them is no id, or there is no such alert; then none is changed.
    """
    for one in alert_ids:
        if not is_id(one):
            raise CommandError(f"{one!r} is no id of an alert", "`adhouse alerts list` has their ids", Exit.USAGE)
    with state.opened(settings.home) as noted:
        noted.acknowledge(alert_ids, None if is_undone else datetime.now(UTC))
    what = "counts as not acknowledged" if is_undone else "is acknowledged: silent until it worsens or comes back"
    for one in alert_ids:
        terminal.result(f"{one} {what}")


def as_dicts(alerts: list[Noted]) -> list[dict[str, Any]]:
    """The alerts for JSON."""
    return [
        {
            "id": alert.alert_id,
            "status": alert.status,
            "kind": alert.kind,
            "campaign_id": alert.campaign_id,
            "title": alert.title,
            "why": alert.why,
            "since": alert.first_day,
            "last_day": alert.last_day,
            "noted_at": alert.noted_at,
            "gone_at": alert.gone_at,
            "acknowledged_at": alert.acknowledged_at,
            "channels_sent": alert.sent,
            "build_id": alert.build_id,
            "link": alert.link,
        }
        for alert in alerts
    ]


def _as_dict(outcome: Outcome) -> dict[str, Any]:
    sent = [
        {
            "channel": one.channel,
            "alerts": one.alerts,
            "title": one.message and one.message.title,
            "body": one.message and one.message.body,
            "error": one.error,
        }
        for one in outcome.deliveries
    ]
    return {"sent": sent, "open": as_dicts(outcome.open_alerts)}


def _said(delivery: Delivery, *, is_dry: bool) -> str:
    if delivery.message is None:
        return f"alerts: nothing new for {delivery.channel}"
    what = f"{delivery.alerts:,} alert{'' if delivery.alerts == 1 else 's'}" if delivery.alerts else "the digest"
    if delivery.error:
        return f"alerts: {what} could not be sent to {delivery.channel}: {delivery.error}"
    return f"alerts: {what} {'would be sent' if is_dry else 'sent'} to {delivery.channel}"


def _no_channels() -> CommandError:
    return CommandError(
        "ADHOUSE_ALERTS is not set: there is nobody to send to", "set it to addresses such as mailto://…", Exit.USAGE
    )
