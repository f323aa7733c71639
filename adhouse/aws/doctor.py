"""Checks what a run needs from an AWS account; each check returns the line to show, or raises what is wrong."""

import secrets
from typing import Any

from adhouse.aws.lease import lease_holder
from adhouse.errors import CommandError
from adhouse.settings import Settings
from adhouse.warehouse.open import open_warehouse
from extract.athena import Athena

ENGINE = "Athena engine version 3"


def identity(settings: Settings) -> str:
    """The AWS identity and region."""
    who = _client("sts").get_caller_identity()["Arn"]
    return f"{who} in {_client('athena').meta.region_name}"


def bucket(settings: Settings) -> str:
    """Writes, reads and removes an object beside the lake, and another where Athena puts results."""
    for url in (settings.lake_url, settings.athena_results):
        name, _, folder = url.removeprefix("s3://").partition("/")
        where = {"Bucket": name, "Key": f"{folder.rstrip('/')}/.doctor-{secrets.token_hex(4)}".lstrip("/")}
        _client("s3").put_object(**where, Body=b"")
        _client("s3").get_object(**where)
        _client("s3").delete_object(**where)
    return f"{settings.lake_url} and {settings.athena_results} can be read and written"


def workgroup(settings: Settings) -> str:
    """The state and engine of the workgroup, and a query that costs nothing."""
    name = settings.athena_workgroup
    found = _client("athena").get_work_group(WorkGroup=name).get("WorkGroup", {})
    if found.get("State") != "ENABLED":
        way_out = "create or enable it, or set ADHOUSE_ATHENA_WORKGROUP to another one"
        raise CommandError(f"there is no enabled workgroup {name!r}", way_out)
    engine = found.get("Configuration", {}).get("EngineVersion", {}).get("EffectiveEngineVersion", "unknown")
    if engine != ENGINE:
        raise CommandError(
            f"workgroup {name!r} has {engine}, not {ENGINE}", "select that version in the settings of the workgroup"
        )
    Athena(settings.athena_results, name).rows("select 1")
    return f"{name} answers, {engine}"


def glue(settings: Settings) -> str:
    """Whether Glue lists the tables of the database `raw`."""
    client = _client("glue")
    try:
        tables = client.get_tables(DatabaseName="raw")["TableList"]
    except client.exceptions.EntityNotFoundException:
        return "answers; the first run creates the database raw"
    return f"answers; {len(tables)} tables in the database raw"


def lock(settings: Settings) -> str:
    """Whether a run, on any machine, holds the lease of the lake."""
    holder = lease_holder(settings.lake_url)
    return "free" if holder is None else f"held by {holder}"


def published(settings: Settings) -> str:
    """Which build readers see, and whether its views answer."""
    warehouse = open_warehouse(settings)
    facts = warehouse.facts()
    if facts is None:
        return "nothing yet"
    shown = {build for (build,) in warehouse.ask("data_quality", "select distinct build_id from marts.data_quality")}
    if shown - {facts["build_id"]}:
        raise CommandError(
            f"views show build {', '.join(shown)}, not {facts['build_id']}", "`adhouse publish` switches all views"
        )
    return f"build {facts['build_id']}, {facts['path']}"


def _client(service: str) -> Any:
    import boto3

    session: Any = boto3.Session()
    return session.client(service)
