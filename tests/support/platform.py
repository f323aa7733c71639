"""A platform that answers as a test tells it to."""

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

# A status, headers and a body; a body in pieces has its length in a header.
Answer = tuple[int, dict[str, str], bytes | Iterable[bytes]]


class Platform(ThreadingHTTPServer):
    """A server that answers whatever a test says, and records the requests; what the body asks for is asked for too."""

    def __init__(self, answer: Callable[[dict[str, str]], Answer]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.seen: list[tuple[dict[str, str], str]] = []
        self.paths: list[str] = []
        self.headers: list[dict[str, str]] = []


@contextmanager
def answering(answer: Callable[[dict[str, str]], Answer]) -> Iterator[tuple[str, Platform]]:
    with Platform(answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", server
        finally:
            server.shutdown()
            thread.join()


def page(asked: dict[str, str], *records: dict[str, Any], **says: object) -> tuple[int, dict[str, str], bytes]:
    told = {"date": asked.get("date"), "page": 1, "pages": 1, "total": len(records), "records": records, **says}
    return 200, {}, json.dumps(told).encode()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Platform

    def do_GET(self) -> None:
        self._answer({})

    def do_POST(self) -> None:
        self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def _answer(self, of_body: dict[str, Any]) -> None:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()} | of_body
        self.server.seen.append((asked, self.headers.get("Authorization", "")))
        self.server.paths.append(urlsplit(self.path).path)
        self.server.headers.append(dict(self.headers))
        status, headers, body = self.server.answer(asked)
        if isinstance(body, bytes):
            headers = {"Content-Length": str(len(body)), **headers}
            body = [body]
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        with suppress(ConnectionError):  # who asked has had enough
            for piece in body:
                self.wfile.write(piece)

    def log_message(self, *_: object) -> None:
        pass
