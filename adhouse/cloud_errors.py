"""Turns Amazon's words for what can be wrong with an account's settings into one line that names the setting."""

import re

from adhouse.exits import CommandError, Exit
from adhouse.settings import Settings

_BUCKET = re.compile(r"NoSuchBucket|specified bucket does not exist|verify/create output bucket")
_WORKGROUP = re.compile(r"WorkGroup .*(not found|disabled)", re.IGNORECASE)
_EXPIRED = re.compile(r"ExpiredToken|token .*expired|TokenRefreshRequired|SSOTokenLoadError|InvalidClientTokenId", re.I)
_UNKNOWN = re.compile(r"NoCredentials|Unable to locate credentials|InvalidAccessKeyId|SignatureDoesNotMatch")
_DENIED = re.compile(r"AccessDenied|Access ?Denied|not authorized to perform|\bForbidden\b")
_REGION = re.compile(r"NoRegion|must specify a region", re.IGNORECASE)
_UNREACHED = re.compile(r"EndpointConnectionError|Could not connect to the endpoint")
_NO_TARGET = re.compile(r"does not have a target named 'athena'")


def explain_cloud(text: str, settings: Settings) -> CommandError | None:
    """Gives the plain sentence for an error of Amazon's that a person can do something about; else None."""
    buckets = f"ADHOUSE_LAKE_URL ({settings.lake_url}) or ADHOUSE_ATHENA_RESULTS ({settings.athena_results})"
    said = f": {text[:300]}"
    if _BUCKET.search(text):
        return CommandError(f"a bucket of {buckets} does not exist", "make it, or correct the setting", Exit.USAGE)
    if _WORKGROUP.search(text):
        name = settings.athena_workgroup
        return CommandError(f"ADHOUSE_ATHENA_WORKGROUP is {name!r}{said}", "make it, or set it to one", Exit.USAGE)
    if _EXPIRED.search(text):
        return CommandError("the AWS credentials have expired", "log in again, and run the same again: it resumes")
    if _UNKNOWN.search(text):
        way_out = "set AWS_PROFILE, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run where there is a role"
        return CommandError("there are no AWS credentials that Amazon knows", way_out, Exit.USAGE)
    if _DENIED.search(text):
        way_out = f"let the role use {buckets} and workgroup {settings.athena_workgroup}: deploy/aws has a policy"
        return CommandError(f"AWS does not permit it{said}", way_out)
    if _REGION.search(text):
        return CommandError("no AWS region is set", "set AWS_REGION to the one of the bucket", Exit.USAGE)
    if _UNREACHED.search(text):
        return CommandError(f"AWS cannot be reached{said}", "look at the network, AWS_REGION and AWS_ENDPOINT_URL")
    if _NO_TARGET.search(text):
        return CommandError(
            f"{settings.profiles / 'profiles.yml'} has no target athena",
            "copy it from profiles.yml.example",
            Exit.USAGE,
        )
    return None
