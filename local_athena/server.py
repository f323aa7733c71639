"""The complete local Athena: moto's server in this process, and a Trino in its own."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
from moto.server import ThreadedMotoServer

from local_athena.aws import seams
from local_athena.queries import Queries
from local_athena.trino import running_trino

REGION = "us-east-1"


@dataclass(frozen=True)
class LocalAthena:
    """Where a local Athena is."""

    endpoint: str
    trino: str

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables with which boto3, dbt, dlt and the AWS CLI use it instead of Amazon."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
        }

    def client(self, service: str) -> Any:
        """Returns a client of one of its services."""
        session: Any = boto3.Session(aws_access_key_id="local", aws_secret_access_key="local", region_name=REGION)
        return session.client(service, endpoint_url=self.endpoint)


@contextmanager
def local_athena() -> Iterator[LocalAthena]:
    """Runs a local Athena, empty at first, for the length of the block.

    Raises:
        JavaMissingError: There is no Java for Trino.
        DownloadError: Trino cannot be downloaded.
        TrinoStartError: Trino did not start.
    """
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # one line per request would drown everything else
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    try:
        with running_trino(endpoint, REGION) as trino, seams(Queries(endpoint, REGION, trino)):
            yield LocalAthena(endpoint, trino)
    finally:
        server.stop()
