"""Serves an app on this machine: from a thread for the length of a `with` block, or until it is interrupted."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import sleep
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import uvicorn
    from starlette.types import ASGIApp


@contextmanager
def serving(app: ASGIApp, *, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serves `app` from a thread and yields its base URL; a free port is taken unless one is given.

    Leaving the block stops the server within a second and cuts off running requests.

    Raises:
        OSError: The port is taken.
    """
    with _listening(host, port) as listener:
        server = _server(app)
        thread = threading.Thread(target=server.run, args=([listener],), name="serving", daemon=True)
        thread.start()
        try:
            while not server.started:
                if not thread.is_alive():
                    raise RuntimeError("the server did not start")
                sleep(0.002)
            yield _url(listener)
        finally:
            server.should_exit = server.force_exit = True
            thread.join()


def serve(app: ASGIApp, *, host: str = "127.0.0.1", port: int = 8000, ready: Callable[[str], None]) -> None:
    """Serves `app` until SIGINT or SIGTERM; calls `ready` with the base URL as soon as clients can connect.

    Raises:
        OSError: The port is taken.
    """
    with _listening(host, port) as listener:
        ready(_url(listener))
        _server(app).run([listener])


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio disables Nagle's algorithm only if the protocol is named; with it, each small answer takes 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        # Allows restarting a server at once after it stopped; a port in use is still refused.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _server(app: ASGIApp) -> uvicorn.Server:
    import uvicorn
    from uvicorn.protocols.http.h11_impl import H11Protocol

    class Protocol(H11Protocol):
        """Gives the app its connection as `request.state.transport`, so that it can break it."""

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            self.app_state: dict[str, Any] = {**self.app_state, "transport": transport}
            super().connection_made(transport)

    return uvicorn.Server(
        uvicorn.Config(
            app,
            http=Protocol,
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_level="critical",
            log_config=None,
            # From Python 3.12 on, asyncio waits for every open connection; a hanging request would hold up the end.
            timeout_graceful_shutdown=1,
        )
    )
