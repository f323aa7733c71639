"""Asks an API over HTTP, as patiently as its answers allow; the token goes where the profile says and nowhere else."""

from __future__ import annotations

import logging
import math
import random
import re
import ssl
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property, partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import SplitResult, urljoin, urlsplit

from extract.http.profile import ApiProfile
from extract.readers import BadAnswer
from extract.redaction import Redaction, is_this_machine, secrets_of_address

if TYPE_CHECKING:
    import httpx  # which takes a while, and is not needed where no API is asked

EXCERPT_CHARACTERS = 200
MOST_READS_BEFORE_ANSWER = 200
READ_BYTES = 64 << 10  # far more than an excerpt and the longest token that a header carries
_TRANSIENT = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY}
_OF_PAGES = re.compile(r"x-.*(?:total|count|page|next|more)")
_log = logging.getLogger(__name__)
Accepted = TypeVar("Accepted")


@dataclass(frozen=True)
class ApiSettings:
    """Which API to ask, for what, and how patiently.

    Attributes:
        base_url: Root of the API, without the trailing slash.
        token: The bearer token; "" asks without one.
        answers: `by_day` asks for one report day at a time; without days each new answer adds up (`add`) or replaces
            all earlier ones (`replace`).
        since: First report day ever wanted.
        until: Last report day wanted.
        restated_days: How many complete days to ask for again, because platforms go on correcting a day after it ends.
        attempts: How often to ask for one page.
        backoff_seconds: The wait after the first failure; it doubles with each one.
        longest_wait_seconds: The cap on every wait, also on those the API asks for.
        timeout_seconds: How long to wait for a connection, and for each piece of an answer.
        deadline_seconds: How long all tries of one answer may take together, with all its pages.
        most_bytes: The longest answer that is read.
        token_name: What the setting with the token is called.
        url_name: What the setting with the address is called.
        secrets: Other secrets of ours, which an answer may repeat.
        way_without_days: What to do if the API does not go by the day that it is asked for.
    """

    base_url: str = field(repr=False)
    token: str = field(repr=False)
    answers: str
    since: date
    until: date
    restated_days: int = 3
    attempts: int = 5
    backoff_seconds: float = 0.5
    longest_wait_seconds: float = 60.0
    timeout_seconds: float = 60.0
    deadline_seconds: float = 600.0
    most_bytes: int = 256 << 20
    token_name: str = "ADHOUSE_API_TOKEN"  # noqa: S105
    url_name: str = "ADHOUSE_API_URL"
    secrets: frozenset[str] = field(default=frozenset(), repr=False)
    way_without_days: str = "if the API does not go by `date`, set ADHOUSE_API_ANSWERS=add or replace"

    @cached_property
    def redact(self) -> Redaction:
        """Takes the secrets out of what is said or received."""
        return Redaction({self.token, *secrets_of_address(self.base_url), *self.secrets})


@dataclass(frozen=True)
class Request:
    """What is asked: a path of the API's address, or a whole address on its host; parameters beside its own; a body."""

    address: str
    parameters: tuple[tuple[str, str], ...] = ()
    body: str | None = None


@dataclass(frozen=True)
class Received:
    """What came, of an answer that was accepted by its status.

    Attributes:
        body: Its body.
        is_empty: Its status says that there is nothing.
        next_link: Where its header `Link` says that the next page is.
        headers: Its headers that may say how much there is, such as `X-Total-Count`.
    """

    body: bytes
    is_empty: bool = False
    next_link: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class ApiError(Exception):
    """The API did not give a usable answer; the message is one line, without secrets."""


class DeniedError(ApiError):
    """The API does not accept the credential: there is no point in asking for anything else."""


class _TransientError(Exception):
    """This time there was no usable answer; `wait` is how many seconds the API wants to be left alone."""

    def __init__(self, message: str, wait: float | None = None) -> None:
        super().__init__(message)
        self.wait = wait


class ApiClient:
    """A connection to one host, for any number of threads. `with` closes it, and ends every wait at once."""

    def __init__(self, settings: ApiSettings, connections: int, api: ApiProfile) -> None:
        import httpx

        self._settings = settings
        self._api = api
        self._empty = {HTTPStatus.NO_CONTENT, *api.empty}
        self._stopped = threading.Event()
        self._ends_at = math.inf
        self._reads_before_answer = threading.local()
        token = settings.token
        if not (token.isascii() and token.isprintable()):
            raise DeniedError(f"{settings.token_name} has characters that no header can carry")
        host = urlsplit(settings.base_url).hostname or ""
        headers = httpx.Headers({"Content-Type": "application/json"} if api.method == "POST" else {})
        headers.update(api.headers)
        if token and api.auth.type != "query":
            headers[api.auth.name] = _credential(api.auth.type, token)
        try:
            self._http = httpx.Client(
                headers=headers,
                limits=httpx.Limits(max_connections=connections),
                follow_redirects=False,  # a redirect could carry the token to another host
                trust_env=not is_this_machine(host),
            )
        except Exception as error:  # the environment may name a proxy or certificates that are not there
            raise ApiError(f"nothing can be asked: {type(error).__name__}: {error}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._http.close()

    def stop(self) -> None:
        """Ends every wait and lets nothing be asked again."""
        self._stopped.set()

    def begin(self) -> None:
        """Another answer is asked for: all its pages and tries have `deadline_seconds` together from now on."""
        self._ends_at = time.monotonic() + self._settings.deadline_seconds

    def pause(self, failures: int, wanted: float | None = None) -> None:
        """Waits as long as wanted, up to the cap, or else the longer the more failures there were, with jitter."""
        backoff = self._settings.backoff_seconds * 2 ** (failures - 1) * random.uniform(0.5, 1)  # noqa: S311
        wait = min(backoff if wanted is None else wanted, self._settings.longest_wait_seconds)
        self._stopped.wait(min(wait, self._seconds_left()))

    def ask(self, request: Request, accept: Callable[[Received], Accepted]) -> Accepted:
        """Gives what `accept` makes of the answer.

        What may pass is asked again: 429 after the time it names, up to a cap; 5xx, timeouts, broken connections and
        what `accept` calls a `BadAnswer` after a time that doubles, with jitter.

        Raises:
            DeniedError: 401 or 403.
            ApiError: Any other refusal, or the last try failed too.
        """
        limit = self._settings.attempts
        for attempt in range(1, limit + 1):
            try:
                return self._accepted(self._get(request), accept)
            except _TransientError as error:
                if attempt == limit or self._stopped.is_set():
                    raise ApiError(f"{error}, in the last of {attempt} tries") from None
                _log.info("%s; asking again", self._settings.redact(str(error)))
                try:
                    self.pause(attempt, error.wait)
                    self._seconds_left()
                except ApiError as late:
                    raise ApiError(f"{late}; the last try: {error}") from None
        raise AssertionError("unreachable")

    def redacted(self, payload: bytes) -> tuple[bytes, int]:
        """What the API sent without our secrets, and how many of them it repeated."""
        return self._settings.redact.of_bytes(payload)

    def is_elsewhere(self, link: str) -> str | None:
        """The host a link leads to, if it is not the one that is asked."""
        asked = urlsplit(self._settings.base_url)
        try:
            found = urlsplit(urljoin(self._settings.base_url, link))
            return None if _host(found) == _host(asked) else found.hostname or "?"
        except ValueError:
            return "an invalid address"

    def following(self, link: str, asked: Request) -> Request:
        """What a link in an answer asks for: of the scheme and host that were asked before, whatever scheme it names.

        Where the token is a parameter, it takes the place of the one in the link.
        """
        before = urlsplit(self._address(asked))
        found = urlsplit(urljoin(before.geturl(), link))
        address = found._replace(scheme=before.scheme, netloc=before.netloc, fragment="").geturl()
        return Request(address, body=asked.body)

    def _address(self, request: Request) -> str:
        is_whole = "://" in request.address.partition("?")[0]
        return request.address if is_whole else f"{self._settings.base_url}{request.address}"

    def _get(self, request: Request) -> Received:
        import httpx

        most = self._settings.most_bytes
        parameters = dict(request.parameters)
        if self._api.auth.type == "query" and self._settings.token:
            parameters[self._api.auth.name] = self._settings.token
        try:
            url = httpx.URL(self._address(request))
            with self._http.stream(
                self._api.method,
                url.copy_merge_params(parameters) if parameters else url,
                content=None if request.body is None else request.body.encode(),
                timeout=min(self._settings.timeout_seconds, self._seconds_left()),
                extensions={"trace": self._note_step},
            ) as answer:
                if answer.status_code in self._empty:
                    return Received(b"", is_empty=True)
                self._check(answer)
                body = bytearray()
                for piece in answer.iter_bytes():
                    body += piece
                    if len(body) > most:
                        raise ApiError(f"the answer is longer than {most} bytes")
                own = {name.title(): value for name, value in answer.headers.items() if _OF_PAGES.match(name)}
                return Received(bytes(body), False, _next_link(answer), own)
        except httpx.InvalidURL as error:
            raise ApiError(f"it cannot be asked for: {error}") from None
        except httpx.TimeoutException:
            self._seconds_left()
            raise _TransientError(f"no answer within {self._settings.timeout_seconds:g} s") from None
        except (httpx.TransportError, httpx.DecodingError) as error:
            said = f": {error}" if str(error) else ""
            if isinstance(error, httpx.ConnectError) and _is_of_tls(error):
                host = urlsplit(self._settings.base_url).hostname
                way_out = "; if its certificate is of an authority of your own, set SSL_CERT_FILE to that"
                raise ApiError(f"there is no secure connection to {host}{said}{way_out}") from None
            raise _TransientError(f"the connection failed ({type(error).__name__}{said})") from None

    def _note_step(self, step: str, facts: Mapping[str, Any]) -> None:
        """Is called by httpx for each step of a request: watches what is read from a connection, and when it begins."""
        if step in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            stream = facts["return_value"]
            stream.read = partial(self._read, stream.read)
        elif step.endswith("send_request_headers.started"):
            self._reads_before_answer.count = 0
        elif step.endswith("receive_response_headers.complete"):
            self._reads_before_answer.count = -math.inf

    def _read(self, read: Callable[..., bytes], most_bytes: int, timeout: float | None = None) -> bytes:
        """Reads no longer than the answer has, and no endless row of answers that say that one will come (1xx)."""
        self._reads_before_answer.count = getattr(self._reads_before_answer, "count", -math.inf) + 1
        if self._reads_before_answer.count > MOST_READS_BEFORE_ANSWER:
            raise _TransientError("the answer does not begin, only interim ones come")
        left = self._seconds_left()
        return read(most_bytes, timeout=left if timeout is None else min(timeout, left))

    def _seconds_left(self) -> float:
        left = self._ends_at - time.monotonic()
        if left <= 0:
            seconds = self._settings.deadline_seconds
            raise ApiError(
                f"no complete answer within {seconds:g} s; if the API is only slow, raise ADHOUSE_API_DEADLINE"
            )
        return left

    def _check(self, answer: httpx.Response) -> None:
        status = answer.status_code
        said = f"{status} {answer.reason_phrase}".strip()
        if status == HTTPStatus.OK:
            return
        if answer.is_success:  # such as 202, that the report is still being made
            raise _TransientError(f"{said} is not an answer")
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            is_set = "is not accepted" if self._settings.token else "is not set"
            raise DeniedError(f"{said}: {self._settings.token_name} {is_set}")
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            raise _TransientError(said, _seconds(answer.headers.get("Retry-After")))
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _TRANSIENT:
            raise _TransientError(said)
        if answer.is_redirect:
            location = answer.headers.get("Location")
            host = "nowhere" if location is None else self.is_elsewhere(location) or "another path"
            raise ApiError(
                f"{said} to {host}, which is not followed: set {self._settings.url_name} to where the API is"
            )
        raise ApiError(said)

    def _accepted(self, received: Received, accept: Callable[[Received], Accepted]) -> Accepted:
        try:
            return accept(received)
        except BadAnswer as bad:
            # Redacted before it is cut, or a secret across the cut would pass by halves.
            excerpt = self._settings.redact(received.body[:READ_BYTES].decode(errors="replace"))[:EXCERPT_CHARACTERS]
            _log.warning("an answer cannot be used, %s: %r", bad, excerpt)
            raise _TransientError(f"the answer cannot be used: {bad}") from None


def _credential(auth_type: str, token: str) -> str:
    """What a header says to whom it may concern that we may ask."""
    match auth_type:
        case "bearer":
            return f"Bearer {token}"
        case "basic":
            return f"Basic {b64encode(token.encode()).decode()}"
    return token


def _host(parts: SplitResult) -> tuple[str | None, int | None]:
    """Host and port of an address; the usual port is as good as none."""
    return parts.hostname, None if parts.port == {"http": 80, "https": 443}.get(parts.scheme) else parts.port


def _next_link(answer: httpx.Response) -> str | None:
    """Where the header `Link` says that the next page is (RFC 8288)."""
    links = ((rel, link.get("url")) for rel, link in answer.links.items())
    return next((url for rel, url in links if rel and url and "next" in rel.lower().split()), None)


def _seconds(retry_after: str | None) -> float | None:
    """Reads Retry-After, seconds or a date (RFC 9110, 10.2.3)."""
    if retry_after is None:
        return None
    try:
        return max(0.0, float(retry_after))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def _is_of_tls(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return True
        error = error.__cause__ or error.__context__
    return False
