"""Channels: where alerts are sent to, by Apprise. Importing it takes a second, so only what sends does."""

import hashlib
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from adhouse.errors import CommandError, Exit
from extract.redaction import WEBHOOKS

if TYPE_CHECKING:
    from apprise import NotifyBase

MOST_SECONDS = 20.0  # that a channel may take for a message, whatever it does
LONGEST_REASON = 200  # characters
TWO_AT_SIGNS = re.compile(r"://[^/?]*:[^/?]*@[^/?]*@")


@dataclass(frozen=True)
class Channel:
    """One address of `ADHOUSE_ALERTS`.

    Attributes:
        channel_id: Tells it from others in the state, which must not have the address.
        shown: The address without what is secret in it; no two channels are shown alike.
        service: What Apprise made of it.
    """

    channel_id: str
    shown: str
    service: "NotifyBase"

    def send(self, title: str, body: str) -> str | None:
        """Sends a message, as plain text; says why it could not be sent, or None.

        Nothing is raised, and it takes at most `MOST_SECONDS`. What was cut off then may still arrive.
        """
        from apprise import Apprise, NotifyFormat

        sender = Apprise(asset=self.service.asset)
        sender.add(self.service)
        result = sender.notify(title=title, body=body, body_format=NotifyFormat.TEXT)
        if result:
            return None
        said = [entry.message for entry in result.logs()]
        return said[-1][:LONGEST_REASON] if said else f"no answer within {MOST_SECONDS:.0f} seconds"


def open_channels(urls: Sequence[str]) -> list[Channel]:
    """Opens the channels; nothing is sent.

    Raises:
        CommandError: Apprise cannot use an address; the message does not show it.
    """
    if not urls:
        return []
    # What Apprise logs of an address that it cannot use has the address in it.
    logger = logging.getLogger("apprise")
    logger.propagate = False
    logger.handlers = [logging.NullHandler()]
    from apprise import Apprise, AppriseAsset, OverflowMode

    asset = AppriseAsset(app_id="adhouse", app_desc="adhouse", app_url="", service_timeout=MOST_SECONDS)
    channels: list[Channel] = []
    for number, url in enumerate(urls, 1):
        if TWO_AT_SIGNS.search(url):  # what follows the first one would be taken for the host, and be shown
            raise CommandError(
                f"ADHOUSE_ALERTS: address {number} of {len(urls)} has two @ before its first /",
                "write an @ of a user or a password as %40",
                Exit.USAGE,
            )
        service = Apprise.instantiate(url, asset=asset)
        if service is None:
            scheme = url.partition("://")[0] if "://" in url else ""
            kind = f" ({scheme}://…)" if scheme.isalnum() else ""
            raise CommandError(
                f"ADHOUSE_ALERTS: address {number} of {len(urls)}{kind} cannot be used",
                "https://appriseit.com/services/ says how each service is addressed; blanks separate addresses",
                Exit.USAGE,
            )
        asked = url.partition("?")[2].lower()
        if "rto=" not in asked:  # else a slow service gets each message again, because Apprise waits 4 seconds
            service.socket_read_timeout = MOST_SECONDS
        if "overflow=" not in asked:  # else a service refuses what is too long for it
            service.overflow_mode = OverflowMode.SPLIT
        shown = _masked(service)
        if shown in {channel.shown for channel in channels}:
            shown += f" (address {number})"
        channels.append(Channel(_id_of(url), shown, service))
    return channels


def _masked(service: "NotifyBase") -> str:
    """The address as Apprise masks it; the path of a webhook, which it does not mask, may be a secret too."""
    address: str = service.url(privacy=True)  # type: ignore[no-untyped-call]
    shown = address.partition("?")[0]
    scheme, _, rest = shown.partition("://")
    host, _, path = rest.partition("/")
    return f"{scheme}://{host}/****" if scheme in WEBHOOKS and path else shown


def _id_of(url: str) -> str:
    """A name for the state; slow to compute, since the password in an address may be a short one."""
    return hashlib.scrypt(url.encode(errors="surrogatepass"), salt=b"adhouse", n=2**14, r=8, p=1, dklen=8).hex()
