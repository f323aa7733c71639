"""Counts what small loads ask of S3 after a short and a long history: `python -m bench.history_calls SHORT LONG`.

Inbox, landing and lake are in a bucket of moto's server, and calls are counted where s3fs makes them. Prints a line
for each history: the calls of a run with nothing new, and those of a run with one small file, as the mean of so many
runs as lie between two merges, because one of them merges.
"""

import logging
import os
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
from moto.server import ThreadedMotoServer
from s3fs import S3FileSystem

from bench.history import make, run
from bench.small_days import SOURCE, day_file, file_name
from extract import inbox
from extract.lake.merge import FEW
from extract.run import Places

BUCKET = "adhouse-bench"
HOUR = 3600
_calls = 0


def main(short: int, long: int) -> None:
    """Makes both histories, one after the other in the same bucket, and counts after each."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    os.environ |= {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    # So that a file that was just dropped has been quiet for an hour.
    clock = SimpleNamespace(time=lambda: time.time() + HOUR, monotonic=time.monotonic, sleep=time.sleep)
    vars(inbox)["time"] = clock
    _count_calls()

    def drop(number: int) -> None:
        s3.put_object(Bucket=BUCKET, Key=f"ads/inbox/{SOURCE}/{file_name(number)}", Body=day_file(number))

    with tempfile.TemporaryDirectory(prefix="adhouse-bench-") as work:
        places = Places(Path(work), f"s3://{BUCKET}/ads", f"s3://{BUCKET}/ads")
        done = 0
        for runs in (short, long):
            make(places, drop, done, runs)
            nothing = _calls_of(places)
            small = []
            for number in range(runs, runs + FEW):
                drop(number)
                small.append(_calls_of(places))
            done = runs + FEW
            print(nothing, sum(small) / FEW, flush=True)
    server.stop()


def _calls_of(places: Places) -> int:
    before = _calls
    run(places)
    return _calls - before


def _count_calls() -> None:
    call = S3FileSystem._call_s3

    async def counted(self: S3FileSystem, *arguments: Any, **options: Any) -> Any:
        global _calls
        _calls += 1
        return await call(self, *arguments, **options)

    S3FileSystem._call_s3 = counted


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
