"""A real HTTP proxy in front of the local Athena that answers chosen calls as Amazon does when something is wrong."""

import http.client
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

OF_ONE_HOP = {"connection", "content-length", "date", "host", "keep-alive", "server", "transfer-encoding"}
ALWAYS = 1_000_000
QUERY = "11111111-2222-4333-8444-555555555555"


@dataclass
class Fault:
    """How a call fails.

    Attributes:
        call: An operation (`StartQueryExecution`), or of S3 the method alone (`PUT`).
        body: The answer; `TOKEN` in it is replaced by the session token of the call.
        about: Words that must be in the URL or the body of the call, with its SQL on one line.
        spared: How many matching calls succeed first.
        times: How many fail then.
    """

    call: str
    status: int
    body: str
    about: str = ""
    spared: int = 0
    times: int = ALWAYS

    def meets(self, call: str, text: str) -> bool:
        """Whether this call fails."""
        if call != self.call or self.about not in text or self.times == 0:
            return False
        if self.spared:
            self.spared -= 1
            return False
        self.times -= 1
        return True


def json_error(call: str, code: str, message: str, **where: Any) -> Fault:
    """An error of Athena or Glue."""
    return Fault(call, 400, json.dumps({"__type": code, "message": message, "Message": message}), **where)


def s3_error(call: str, status: int, code: str, message: str, **where: Any) -> Fault:
    """An error of S3."""
    told = f"<Code>{code}</Code><Message>{message}</Message><Token-0>TOKEN</Token-0>"
    return Fault(call, status, f'<?xml version="1.0" encoding="UTF-8"?><Error>{told}</Error>', **where)


def ended_query(state: str, reason: str, **where: Any) -> list[Fault]:
    """A query that is started, and ends in this state without having done anything."""
    # https://docs.aws.amazon.com/athena/latest/ug/error-reference.html: 233 is any error of Iceberg's
    error = {"ErrorCategory": 1, "ErrorType": 233, "Retryable": False, "ErrorMessage": reason}
    status = {"State": state, "StateChangeReason": reason} | ({"AthenaError": error} if state == "FAILED" else {})
    execution = {"QueryExecutionId": QUERY, "Query": "select 1", "StatementType": "DML", "Status": status}
    return [
        Fault("StartQueryExecution", 200, json.dumps({"QueryExecutionId": QUERY}), **where),
        Fault("GetQueryExecution", 200, json.dumps({"QueryExecution": execution}), about=QUERY),
    ]


@dataclass
class MisbehavingAws:
    """The proxy: which faults are active, which calls failed, and who is told of each call before it goes on."""

    url: str
    faults: list[Fault] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    watch: Callable[[str, str], None] = lambda call, text: None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def fault_of(self, call: str, text: str) -> Fault | None:
        """The fault that this call meets, if any."""
        with self.lock:
            self.watch(call, text)
            fault = next((one for one in self.faults if one.meets(call, text)), None)
            if fault:
                self.refused.append((call, text))
            return fault

    @contextmanager
    def doing(self, *faults: Fault) -> Iterator[list[tuple[str, str]]]:
        """Activates the faults for the length of the block, and yields the calls that failed."""
        self.faults, self.refused = list(faults), []
        yield self.refused
        self.faults = []


@contextmanager
def misbehaving(endpoint: str) -> Iterator[MisbehavingAws]:
    """Runs a proxy in front of an endpoint for the length of the block."""
    behind = urlsplit(endpoint).netloc

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            call = self.headers.get("X-Amz-Target", self.command).rpartition(".")[2]
            text = sent.decode(errors="replace").replace("\\n", " ").replace('\\"', '"')
            text = re.sub(r'"ClientRequestToken": "[^"]*"', "", text)  # so that a retried call looks the same
            if fault := aws.fault_of(call, f"{self.path} {' '.join(text.split())}"):
                token = self.headers.get("X-Amz-Security-Token", "")
                self.send(fault.status, {}, fault.body.replace("TOKEN", token).encode())
                return
            headers = {name: value for name, value in self.headers.items() if name.lower() not in OF_ONE_HOP}
            connection = http.client.HTTPConnection(behind)
            connection.request(self.command, self.path, sent, headers)
            answer = connection.getresponse()
            self.send(answer.status, dict(answer.getheaders()), answer.read())
            connection.close()

        do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = answer  # noqa: N815 - the base class names them

        def send(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                if name.lower() not in OF_ONE_HOP:
                    self.send_header(name, value)
            is_head = self.command == "HEAD"
            self.send_header("Content-Length", headers.get("Content-Length", "0") if is_head else str(len(body)))
            self.end_headers()
            self.wfile.write(b"" if is_head else body)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """Ignores that the client was killed."""

    with Server(("127.0.0.1", 0), Handler) as server:
        aws = MisbehavingAws(f"http://127.0.0.1:{server.server_port}")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield aws
        server.shutdown()
