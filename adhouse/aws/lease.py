"""One run at a time on a lake in S3, on whatever machine: a lease in one object, made by conditional writes alone.

The object says who holds the lease. The holder renews it every few seconds; a lease that was not renewed for
`LEASE_SECONDS` belongs to a dead run and may be taken over. All times are those of S3's own clock, so the clocks of
two machines may differ.
"""

import json
import os
import secrets
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from adhouse.errors import CommandError, Exit

NAME = "run.lock"
LEASE_SECONDS = 60.0
RENEWAL_SECONDS = 10.0
LOST_SECONDS = 40.0  # without a renewal the run ends well before another one may begin
LOOK_SECONDS = 2.0


@dataclass(frozen=True)
class LeaseHolder:
    """Who holds the lease, as written into it; `renewals` makes every write differ from the one before."""

    host: str
    home: str
    pid: int
    started: str
    command: str
    machine: str = field(default_factory=lambda: f"{uuid.getnode():012x}")  # two machines may have the same name
    token: str = field(default_factory=lambda: secrets.token_hex(8))
    renewals: int = 0

    def is_of_folder_of(self, other: "LeaseHolder") -> bool:
        """Whether both belong to the same data folder on the same machine."""
        return (self.host, self.machine, self.home) == (other.host, other.machine, other.home)

    def __str__(self) -> str:
        return f"pid {self.pid} on {self.host}, started {self.started}, `{self.command}`"


@dataclass(frozen=True)
class _Held:
    holder: LeaseHolder
    etag: str
    idle_seconds: float


@contextmanager
def leased(
    lake_url: str,
    home: Path,
    command: str,
    wait_seconds: float,
    say: Callable[[str], None],
    lost: Callable[[str], None],
) -> Iterator[LeaseHolder | None]:
    """Holds the lease `<lake_url>/run.lock` for the length of the block; gives the dead run that left it, if one did.

    The caller already holds the lock of its data folder; so a lease of this folder belongs to a dead process, and is
    taken over at once. Any other one is taken over when it has expired.

    Args:
        lake_url: An S3 address.
        home: The data folder of this run.
        command: The command that runs, for others to read.
        wait_seconds: How long to wait for another run.
        say: Is told once that this run waits.
        lost: Is told, from another thread, that the lease was lost: the run must end now.

    Raises:
        CommandError: Another run still holds it after `wait_seconds` (exit code 75).
        botocore.exceptions.ClientError: S3 does not permit it.
    """
    place = _Object(lake_url)
    holder = LeaseHolder(
        socket.gethostname(), str(home), os.getpid(), datetime.now(UTC).isoformat(timespec="seconds"), command
    )
    etag, dead = _taken(place, holder, wait_seconds, say)
    ended = threading.Event()
    renewal = threading.Thread(target=_renew, args=(place, holder, etag, ended, lost), daemon=True, name="lease")
    renewal.start()
    try:
        yield dead
    finally:
        ended.set()
        renewal.join()
        place.remove_if_of(holder)


def lease_holder(lake_url: str) -> LeaseHolder | None:
    """Gives the holder of the lease; None when nobody holds it, or when it has expired."""
    held = _Object(lake_url).read()
    return held.holder if held and held.idle_seconds < LEASE_SECONDS else None


def _taken(
    place: "_Object", holder: LeaseHolder, wait_seconds: float, say: Callable[[str], None]
) -> tuple[str, LeaseHolder | None]:
    started = time.monotonic()
    is_said = False
    while True:
        if etag := place.write(holder, IfNoneMatch="*"):
            return etag, None
        held = place.read()
        if held is None:
            continue  # it was released this moment
        if held.holder.is_of_folder_of(holder) or held.idle_seconds >= LEASE_SECONDS:
            if etag := place.write(holder, IfMatch=held.etag):
                return etag, held.holder
            continue  # another run was quicker
        if time.monotonic() - started >= wait_seconds:
            raise CommandError(
                f"another run holds the lock of the lake: {held.holder}",
                "wait for it, or use --wait SECONDS",
                Exit.LOCKED,
            )
        if not is_said:
            is_said = True
            say(f"another run holds the lock of the lake: {held.holder}; waiting up to {wait_seconds:g} s")
        time.sleep(LOOK_SECONDS)


def _renew(
    place: "_Object", holder: LeaseHolder, etag: str, ended: threading.Event, lost: Callable[[str], None]
) -> None:
    renewed = time.monotonic()
    while not ended.wait(RENEWAL_SECONDS):
        holder = replace(holder, renewals=holder.renewals + 1)
        try:
            written = place.write(holder, IfMatch=etag)
            if written is None:
                held = place.read()
                if held is None or held.holder.token != holder.token:
                    taker = held.holder if held else "another run, which released it"
                    lost(f"the lock of the lake was taken over by {taker}")
                    return
                written = held.etag  # an earlier write had succeeded, only its answer was lost
            etag, renewed = written, time.monotonic()
        except Exception as error:
            if time.monotonic() - renewed > LOST_SECONDS:
                lost(f"the lock of the lake could not be renewed for {LOST_SECONDS:g} s: {error}")
                return


class _Object:
    def __init__(self, lake_url: str) -> None:
        import boto3
        from botocore.config import Config

        bucket, _, folder = lake_url.removeprefix("s3://").partition("/")
        self._where = {"Bucket": bucket, "Key": f"{folder}/{NAME}".lstrip("/")}
        config = Config(connect_timeout=5, read_timeout=5, retries={"max_attempts": 2, "mode": "standard"})
        self._s3: Any = boto3.client("s3", config=config)

    def write(self, holder: LeaseHolder, **condition: str) -> str | None:
        """Writes the object under the condition, and returns its new tag; None if the condition does not hold."""
        from botocore.exceptions import ClientError

        try:
            answer = self._s3.put_object(**self._where, Body=json.dumps(asdict(holder)).encode(), **condition)
        except ClientError as error:
            if error.response["Error"]["Code"] in ("PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"):
                return None
            raise
        tag: str = answer["ETag"]
        return tag

    def read(self) -> _Held | None:
        from botocore.exceptions import ClientError

        try:
            answer = self._s3.get_object(**self._where)
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchKey":
                return None
            raise
        now = parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
        holder = LeaseHolder(**json.loads(answer["Body"].read()))
        return _Held(holder, answer["ETag"], (now - answer["LastModified"]).total_seconds())

    def remove_if_of(self, holder: LeaseHolder) -> None:
        """Releases the lease, unless another run holds it by now or S3 cannot be reached."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            held = self.read()
            if held and held.holder.token == holder.token:
                self._s3.delete_object(**self._where, IfMatch=held.etag)
        except (ClientError, BotoCoreError):
            return
