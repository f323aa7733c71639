"""What the tests of faults on Athena share: a house whose lake is in a bucket of its own, and what its readers see."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from conftest import Workspace

from extract.athena import Athena
from local_athena.server import LocalAthena
from support.misbehaving_aws import MisbehavingAws, misbehaving

# When and from where it was received, and which build shows it.
OF_A_RUN = {"_source", "_received_at", "received_at", "_dlt_load_id", "build_id"}
Rows = list[tuple[Any, ...]]


@dataclass(frozen=True)
class AthenaWorkspace:
    """A house that works through a proxy; what it wrote is read past it."""

    house: Workspace
    aws: MisbehavingAws
    bucket: str
    s3: Any
    readers: Athena = field(repr=False)

    def drop(self, name: str, content: bytes, source: str = "campaign_files") -> None:
        """Puts a file into an inbox."""
        self.s3.put_object(Bucket=self.bucket, Key=f"ads/inbox/{source}/{name}", Body=content)

    def objects(self) -> dict[str, bytes]:
        """Everything in the bucket."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        keys = [found["Key"] for page in pages for found in page.get("Contents", [])]
        return {key: self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read() for key in keys}

    def views(self, marts: Collection[str]) -> dict[str, tuple[set[str], Rows]]:
        """Of each of these marts that is there: which builds its view says it shows, and its cells."""
        names = columns_of_marts(self.readers)
        seen = {}
        for mart in names.keys() & set(marts):
            rows = self.readers.rows(f"select * from marts.{mart}")
            build_id = names[mart].index("build_id")
            seen[mart] = {row[build_id] for row in rows}, comparable(names[mart], rows)
        return seen


def columns_of_marts(readers: Athena) -> dict[str, list[str]]:
    """The columns of each view that readers have, in their order."""
    listed = """
        select table_name, column_name from information_schema.columns
        where table_schema = 'marts' order by ordinal_position
    """
    names: dict[str, list[str]] = {}
    for mart, name in readers.rows(listed):
        names.setdefault(mart, []).append(name)
    return names


def comparable(names: list[str], rows: Rows) -> Rows:
    """The cells that do not depend on the run or the engine, sorted."""
    kept = [index for index, name in enumerate(names) if name not in OF_A_RUN]
    # Two engines may differ in the last digits of a rate.
    cells = [tuple(f"{row[i]:.10g}" if isinstance(row[i], float) else row[i] for i in kept) for row in rows]
    return sorted(cells, key=str)


@contextmanager
def athena_workspace(home: Path, athena: LocalAthena, **settings: str) -> Iterator[AthenaWorkspace]:
    """A house of files alone on the local Athena, in whose account it leaves no table behind."""
    bucket = f"house-{home.parent.name.replace('_', '-')}"
    s3 = athena.client("s3")
    s3.create_bucket(Bucket=bucket)
    with misbehaving(athena.endpoint) as aws, pytest.MonkeyPatch.context() as patch:
        in_cloud = {
            **athena.environment,
            "AWS_ENDPOINT_URL": aws.url,
            "ADHOUSE_API_URL": "none",
            "ADHOUSE_TARGET": "athena",
            "ADHOUSE_LAKE_URL": f"s3://{bucket}/ads",
            "ADHOUSE_ATHENA_RESULTS": f"s3://{bucket}/results/",
            "ADHOUSE_ATHENA_WORKGROUP": "primary",
        }
        for name, value in athena.environment.items():
            patch.setenv(name, value)
        house = Workspace(home, in_cloud | settings)
        yield AthenaWorkspace(house, aws, bucket, s3, Athena(f"s3://{bucket}/reading/", "primary"))
    for database in athena.client("glue").get_databases()["DatabaseList"]:
        athena.client("glue").delete_database(Name=database["Name"])
