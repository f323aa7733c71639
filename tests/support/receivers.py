"""What alerts are sent to in tests: a webhook and a mail server, both real and on this machine."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Webhook:
    """A web server that keeps what it is sent.

    Attributes:
        port: Where it listens.
        received: The JSON of each message that it took.
        status: What it answers; what it does not take with 200 it does not keep.
        on_request: Called when a message has come, before it is answered.
    """

    port: int = 0
    received: list[dict[str, Any]] = field(default_factory=list)
    status: int = 200
    on_request: Callable[[], None] = lambda: None

    @property
    def url(self) -> str:
        """Its address as a channel, with a password."""
        return f"json://ops:canary-of-the-channel@127.0.0.1:{self.port}/alerts"

    @property
    def bodies(self) -> list[str]:
        """The bodies of the messages."""
        return [one["message"] for one in self.received]


@contextmanager
def webhook() -> Iterator[Webhook]:
    """Serves one for the block."""
    hook = Webhook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            hook.on_request()
            if hook.status == 200:
                hook.received.append(json.loads(body))
            self.send_response(hook.status)
            self.end_headers()

        def log_message(self, *arguments: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        hook.port = server.server_port
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield hook
        server.shutdown()


@contextmanager
def mail_server() -> Iterator[tuple[str, list[EmailMessage]]]:
    """Serves mail for the block: the address as a channel, and the mails that came."""
    from aiosmtpd.controller import Controller

    mails: list[EmailMessage] = []

    class Keeping:
        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
            mails.append(message_from_bytes(envelope.content, policy=policy.default))
            return "250 OK"

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(Keeping(), hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield f"mailto://127.0.0.1:{port}/?from=adhouse@example.com&to=ops@example.com&mode=insecure", mails
    finally:
        controller.stop()
