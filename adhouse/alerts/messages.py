"""What a message says: plain text, with a list of bounded length, however much there is to tell."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from adhouse.alerts.alert import harmless
from adhouse.alerts.state import Noted
from dashboard.text import days

MOST_LISTED = 20
AGAIN = {"worse": "worse than before: ", "back": "again: "}  # before an alert that a channel had before


@dataclass(frozen=True)
class Message:
    """A title in one line, and a body."""

    title: str
    body: str


def message_of(alerts: Sequence[Noted], as_of: str, dashboard_url: str | None) -> Message:
    """The one message with all alerts that a channel should get, the most urgent first.

    Args:
        alerts: At least one.
        as_of: What is said of the build that they are of.
        dashboard_url: Where the dashboard is; None: no links.
    """
    parts = [_told(alert, dashboard_url) for alert in alerts[:MOST_LISTED]]
    if len(alerts) > MOST_LISTED:
        parts.append(f"and {len(alerts) - MOST_LISTED:,} more: `adhouse alerts list` shows all")
    title = f"{_label(alerts[0])}{alerts[0].title}" if len(alerts) == 1 else f"{len(alerts):,} alerts"
    parts.append(f"{as_of}\nTo silence an alert: `adhouse alerts acknowledge ID`")
    return Message(f"adhouse: {title}", "\n\n".join(parts))


def listed(alerts: Sequence[Noted], most: int) -> list[str]:
    """A line for each alert, at most so many, and how many more there are."""
    lines = [f"- {alert.title} (since {_since(alert)}, {alert.status})" for alert in alerts[:most]]
    return lines + ([f"- and {len(alerts) - most:,} more"] if len(alerts) > most else [])


def build_line(build_id: str, day: date) -> str:
    """Which build is told of."""
    return f"As of {day:%-d %b %Y}, build {harmless(build_id)}"


def _told(alert: Noted, dashboard_url: str | None) -> str:
    since = f"since {_since(alert)}"
    if alert.gone_at:
        since = days(alert.first_day, alert.last_day)
    lines = [f"{_label(alert)}{alert.title}", f"  {since}" + (f"; {alert.why}" if alert.why else "")]
    if dashboard_url and alert.link:
        lines.append(f"  {dashboard_url}/{alert.link}")
    return "\n".join([*lines, f"  id {alert.alert_id}"])


def _label(alert: Noted) -> str:
    if alert.gone_at:
        return "over by now: "
    return AGAIN.get(alert.cause, "") if alert.sent_before else ""


def _since(alert: Noted) -> str:
    return f"{alert.first_day:%-d %b %Y}"
