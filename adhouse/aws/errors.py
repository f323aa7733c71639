"""Turns AWS's error messages into one line that names the setting and says what helps."""

import re

from adhouse.errors import CommandError, Exit
from adhouse.settings import Settings
from extract.athena import OTHER_LAKE

_RESULTS = re.compile(r"verify/create output bucket")
_BUCKET = re.compile(r"NoSuchBucket|specified bucket does not exist")
_WORKGROUP = re.compile(r"WorkGroup .*(not found|disabled)", re.IGNORECASE)
_EXPIRED = re.compile(r"ExpiredToken|token .*expired|TokenRefreshRequired|SSOTokenLoadError", re.IGNORECASE)
_UNKNOWN = re.compile(
    r"NoCredentials|Unable to locate credentials|InvalidAccessKeyId|SignatureDoesNotMatch|InvalidSignature"
    r"|InvalidClientTokenId|UnrecognizedClient|PartialCredentials"
)
_DENIED = re.compile(
    r"AccessDenied|Access ?Denied|not authorized to perform|\bForbidden\b|Permission denied on S3|PERMISSION_DENIED"
    r"|Insufficient (Lake Formation )?permission"
)
_THROTTLED = re.compile(r"Throttling|TooManyRequests|SlowDown|Rate exceeded|reduce your request rate", re.IGNORECASE)
_REGION = re.compile(r"NoRegion|must specify a region", re.IGNORECASE)
_UNREACHED = re.compile(r"EndpointConnectionError|Could not connect to the endpoint")
_NO_TARGET = re.compile(r"does not have a target named 'athena'")
_OTHER_LAKE = re.compile(rf"{OTHER_LAKE} (\S+)")
_MESSAGE = re.compile(r"An error occurred \(.*")
_QUERY = re.compile(r"\bquery [0-9a-f-]{36}\b")
MOST_SAID = 300


def explain_cloud(text: str, settings: Settings) -> CommandError | None:
    """Gives the sentence for an AWS error that a person can do something about; otherwise None."""
    lake, results = f"ADHOUSE_LAKE_URL ({settings.lake_url})", f"ADHOUSE_ATHENA_RESULTS ({settings.athena_results})"
    workgroup = f"ADHOUSE_ATHENA_WORKGROUP ({settings.athena_workgroup})"
    said = _said(text)
    if other := _OTHER_LAKE.search(text):
        wrong = f"ADHOUSE_LAKE_URL is {settings.lake_url}, but {OTHER_LAKE} {other[1]}"
        return CommandError(wrong, "set it to that, or use another account or region", Exit.USAGE)
    if _RESULTS.search(text):
        return CommandError(f"the bucket of {results} does not exist", "create it, or correct the setting", Exit.USAGE)
    if _BUCKET.search(text):
        return CommandError(f"the bucket of {lake} does not exist", "create it, or correct the setting", Exit.USAGE)
    if _WORKGROUP.search(text):
        return CommandError(f"{workgroup} cannot be used: {said}", "create it, or choose another", Exit.USAGE)
    if _EXPIRED.search(text):
        way_out = "log in again, and repeat the command: it resumes"
        return CommandError("the AWS credentials (AWS_SESSION_TOKEN, or AWS_PROFILE's) have expired", way_out)
    if _UNKNOWN.search(text):
        way_out = "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run under a role"
        return CommandError("no valid AWS credentials found", way_out, Exit.USAGE)
    if _DENIED.search(text):
        way_out = f"allow the role to use {lake}, {results} and {workgroup}: deploy/aws has a policy"
        return CommandError(f"AWS does not permit it: {said}", way_out)
    if _THROTTLED.search(text):
        return CommandError(
            f"AWS still throttles requests after several retries: {said}", "repeat the command: it resumes"
        )
    if _REGION.search(text):
        return CommandError("no AWS region is set", "set AWS_REGION to the region of the bucket", Exit.USAGE)
    if _UNREACHED.search(text):
        return CommandError(f"AWS cannot be reached: {said}", "check the network, AWS_REGION and AWS_ENDPOINT_URL")
    if _NO_TARGET.search(text):
        return CommandError(
            f"{settings.profiles / 'profiles.yml'} has no target athena",
            "copy the target from profiles.yml.example",
            Exit.USAGE,
        )
    return None


def _said(text: str) -> str:
    """AWS's own message without those of the libraries around it, and the query if one is named."""
    words, query = _MESSAGE.search(text), _QUERY.search(text)
    said = " ".join((words[0] if words else text).split())[:MOST_SAID]
    return f"{query[0]}: {said}" if query and query[0] not in said else said
