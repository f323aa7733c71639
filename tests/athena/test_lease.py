"""The lease in a bucket: real processes against a real S3 API (moto's), which honours conditional writes."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from adhouse.aws import lease as bucket_lock
from adhouse.aws.lease import NAME, lease_holder, leased
from adhouse.errors import CommandError, Exit

BUCKET = "lock-lake"
LAKE = f"s3://{BUCKET}/ads"

HOLD = """
import sys, time
from pathlib import Path
from adhouse.aws.lease import leased
with leased(sys.argv[1], Path(sys.argv[2]), "adhouse run", 0, print, print):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("s3")
    client.create_bucket(Bucket=BUCKET)
    yield client
    client.delete_object(Bucket=BUCKET, Key=f"ads/{NAME}")
    server.stop()


@contextmanager
def another_run(home: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", HOLD, LAKE, str(home)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_the_second_machine_is_refused_and_told_who_holds_it(bucket: Any, tmp_path: Path) -> None:
    with another_run(tmp_path / "a") as other:
        with pytest.raises(CommandError) as raised, leased(LAKE, tmp_path / "b", "adhouse build", 0, print, print):
            pass
        holder = lease_holder(LAKE)
    assert raised.value.code == Exit.LOCKED
    assert f"pid {other.pid} on " in raised.value.message
    assert "`adhouse run`" in raised.value.message
    assert holder is not None
    assert holder.pid == other.pid


def test_only_one_of_many_at_once_gets_it(bucket: Any, tmp_path: Path) -> None:
    got: list[int] = []
    refused: list[CommandError] = []
    together, done = threading.Barrier(8), threading.Event()

    def try_it(number: int) -> None:
        together.wait()
        try:
            with leased(LAKE, tmp_path / str(number), "adhouse run", 0, print, print):
                got.append(number)
                done.wait()
        except CommandError as error:
            refused.append(error)
        if len(refused) == 7:
            done.set()

    threads = [threading.Thread(target=try_it, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(got), len(refused)) == (1, 7)


def test_it_is_free_once_the_block_ends(bucket: Any, tmp_path: Path) -> None:
    with leased(LAKE, tmp_path / "a", "adhouse run", 0, print, print):
        assert lease_holder(LAKE) is not None
    assert lease_holder(LAKE) is None
    with leased(LAKE, tmp_path / "b", "adhouse run", 0, print, print):
        pass


def test_what_a_killed_run_left_is_taken_over_at_once_from_its_folder_and_else_when_it_has_expired(
    bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with another_run(tmp_path / "a") as other:
        os.kill(other.pid, signal.SIGKILL)
        other.wait()
        with pytest.raises(CommandError), leased(LAKE, tmp_path / "b", "adhouse run", 0, print, print):
            pass
    with leased(LAKE, tmp_path / "a", "adhouse run", 0, print, print):
        pass

    with another_run(tmp_path / "a") as other:
        os.kill(other.pid, signal.SIGKILL)
        other.wait()
    said: list[str] = []
    monkeypatch.setattr(bucket_lock, "LEASE_SECONDS", 3)
    monkeypatch.setattr(bucket_lock, "LOOK_SECONDS", 0.2)
    with leased(LAKE, tmp_path / "b", "adhouse run", 30, said.append, print):
        assert len(said) == 1


def test_a_living_run_keeps_its_lease_beyond_its_length(
    bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bucket_lock, "LEASE_SECONDS", 3)
    monkeypatch.setattr(bucket_lock, "RENEWAL_SECONDS", 0.5)
    lost: list[str] = []
    with (
        leased(LAKE, tmp_path / "a", "adhouse run", 0, print, lost.append),
        pytest.raises(CommandError),
        leased(LAKE, tmp_path / "b", "adhouse run", 5, print, print),
    ):
        pass
    assert lost == []


def test_a_run_whose_lease_was_taken_over_is_told(bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bucket_lock, "RENEWAL_SECONDS", 0.2)
    told = threading.Event()
    with leased(LAKE, tmp_path / "a", "adhouse run", 0, print, lambda _: told.set()):
        bucket.delete_object(Bucket=BUCKET, Key=f"ads/{NAME}")
        with leased(LAKE, tmp_path / "b", "adhouse run", 0, print, print):
            assert told.wait(10)
            assert lease_holder(LAKE) is not None
        assert lease_holder(LAKE) is None
