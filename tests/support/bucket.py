"""A bucket for tests that need no engine: moto's server alone, up at once, behind a proxy that counts the calls."""

import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import boto3
import pytest
from moto.server import ThreadedMotoServer

from support.misbehaving_aws import misbehaving

NAME = "adhouse-tests"


@dataclass
class CountingBucket:
    """An empty bucket, and what S3 and Athena were asked since the counts were last cleared.

    Attributes:
        url: The bucket's address.
        calls: How often each method of S3, or operation of another service, was asked for.
    """

    url: str
    calls: Counter[str] = field(default_factory=Counter)


@contextmanager
def counting_bucket() -> Iterator[CountingBucket]:
    """Runs the server for the length of the block, where Amazon's tools look for Amazon."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a line a request drowns whatever else is said
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        with misbehaving(f"http://{host}:{port}") as aws, pytest.MonkeyPatch.context() as patch:
            bucket = CountingBucket(f"s3://{NAME}")
            aws.watch = lambda call, _: bucket.calls.update([call])
            for name, value in {
                "AWS_ENDPOINT_URL": aws.url,
                "AWS_ACCESS_KEY_ID": "local",
                "AWS_SECRET_ACCESS_KEY": "local",
                "AWS_REGION": "us-east-1",
                "AWS_DEFAULT_REGION": "us-east-1",
            }.items():
                patch.setenv(name, value)
            boto3.client("s3").create_bucket(Bucket=NAME)
            yield bucket
            contents = boto3.resource("s3").Bucket(NAME)
            contents.objects.all().delete()
            contents.delete()
    finally:
        server.stop()
