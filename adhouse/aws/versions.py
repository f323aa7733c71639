"""Versions: a bucket may keep what was removed or written over, out of sight of whoever reads it."""

from collections.abc import Iterable
from typing import Any

WAY_OUT = "remove older versions there, or let a lifecycle rule do it"


def warnings_of_versions(urls: Iterable[str]) -> list[str]:
    """Gives a line for each bucket of these S3 addresses that keeps older versions, or does not say whether."""
    from botocore.exceptions import ClientError

    lines = []
    for bucket in sorted({url.removeprefix("s3://").partition("/")[0] for url in urls}):
        try:
            status = _s3().get_bucket_versioning(Bucket=bucket).get("Status")
        except ClientError as error:
            code = error.response["Error"]["Code"]
            lines.append(f"whether bucket {bucket} keeps older versions is not known ({code}): if it does, {WAY_OUT}")
            continue
        if status:  # a suspended bucket keeps those of before
            lines.append(f"bucket {bucket} keeps older versions of its files, also of those removed now: {WAY_OUT}")
    return lines


def _s3() -> Any:
    import boto3

    return boto3.client("s3")
