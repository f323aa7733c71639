"""The schema `ops` of the marts file (times in UTC): what a reader needs to trust the numbers, and a run to go on."""

from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import duckdb

from adhouse.exits import CommandError, Exit
from adhouse.publish import LINK
from adhouse.quarantine import set_aside
from adhouse.settings import Settings
from adhouse.transform import Built
from adhouse.warehouse import has_table, opened, quoted

EXAMPLES_PER_REASON = 20

SCHEMA = """
create schema if not exists ops;
create table if not exists ops.builds (
    build_id varchar,
    command varchar,
    status varchar, -- building, audited, refused (an error test failed)
    as_of timestamp,
    started_at timestamp,
    ended_at timestamp,
    is_full_refresh boolean,
    fingerprint varchar,
    versions varchar,
    records_read bigint,
    records_loaded bigint,
    records_rejected bigint,
    models bigint,
    tests bigint,
    warnings bigint,
    errors bigint
);
create table if not exists ops.test_results (
    build_id varchar,
    test varchar,
    status varchar,
    failed_rows bigint,
    message varchar
);
create table if not exists ops.quarantine_examples (
    reason varchar,
    source varchar,
    _source varchar,
    _position bigint,
    _received_at timestamp,
    payload varchar
);
"""


@dataclass(frozen=True)
class Build:
    """One build: its id sorts by time, `as_of` is the one clock its models know."""

    build_id: str
    command: str
    as_of: datetime
    fingerprint: str
    is_full_refresh: bool


def why_full_refresh(settings: Settings, fingerprint: str) -> str | None:
    """Says why every table must be made anew; None when the last ones can be carried on.

    They can when the last audited build, and whatever was tried after it, had this same fingerprint: an attempt
    with other models may have been killed half way.
    """
    there = [path.exists() for path in (settings.marts, settings.warehouse)]
    if not any(there):
        return None  # nothing is there yet that could be stale
    if not all(there):
        return "one of the two warehouse files is gone"
    with opened(settings.marts, read_only=True) as connection:
        if not has_table(connection, "ops", "builds"):
            return "no build is on record"
        since_audited = """
            select bool_and(fingerprint = ?) from ops.builds
            where build_id >= (select max(build_id) from ops.builds where status = 'audited')
        """
        ((is_same,),) = connection.execute(since_audited, [fingerprint]).fetchall()
    if is_same is None:
        return "no build was audited yet"
    return None if is_same else "models, macros, seeds or settings changed since the last audited build"


def begin(settings: Settings, build: Build) -> None:
    """Puts the attempt on record before dbt touches a table; a new marts file takes over the published history."""
    with opened(settings.marts) as connection:
        is_new = not has_table(connection, "ops", "builds")
        connection.execute(SCHEMA)
        if is_new and (settings.published / LINK).exists():
            _take_over_history(connection, settings.published / LINK)
        connection.execute(
            """
            insert into ops.builds
                (build_id, command, status, as_of, started_at, is_full_refresh, fingerprint, versions)
            values (?, ?, 'building', ?, ?, ?, ?, ?)
            """,
            [
                build.build_id,
                build.command,
                _utc(build.as_of),
                _utc(datetime.now(UTC)),
                build.is_full_refresh,
                build.fingerprint,
                _versions(),
            ],
        )
        connection.execute("checkpoint")


def audited_build(settings: Settings) -> str:
    """Gives the id of the working build, if it may be published.

    Raises:
        CommandError: There is none, it was not finished, or its audit refused it.
    """
    found: list[tuple[str, str]] = []
    if settings.marts.exists():
        with opened(settings.marts, read_only=True) as connection:
            if has_table(connection, "ops", "builds"):
                last = "select build_id, status from ops.builds order by build_id desc limit 1"
                found = connection.execute(last).fetchall()
    if not found:
        raise CommandError(f"there is no build in {settings.marts}", "`adhouse run` makes one")
    build_id, status = found[0]
    if status == "refused":
        raise CommandError(f"the audit refused build {build_id}", "`adhouse build` audits again", Exit.AUDIT)
    if status != "audited":
        raise CommandError(f"build {build_id} was not finished", "`adhouse build` goes on with it")
    return build_id


def finish(settings: Settings, build: Build, built: Built, records: tuple[int, int, int]) -> None:
    """Writes what came of the build into the marts file and closes it clean, ready to be copied."""
    status = "refused" if built.errors else "audited"
    counts = [built.models, built.tests, len(built.warnings), len(built.errors)]
    with opened(settings.marts) as connection:
        connection.execute("begin")
        connection.execute(
            """
            update ops.builds set
                status = ?, ended_at = ?, records_read = ?, records_loaded = ?, records_rejected = ?,
                models = ?, tests = ?, warnings = ?, errors = ?
            where build_id = ?
            """,
            [status, _utc(datetime.now(UTC)), *records, *counts, build.build_id],
        )
        tests = [
            [build.build_id, result.name, result.status, result.failures, result.message]
            for result in built.results
            if result.kind == "test"
        ]
        if tests:
            connection.executemany("insert into ops.test_results values (?, ?, ?, ?, ?)", tests)
        connection.execute("delete from ops.quarantine_examples")
        connection.execute(
            f"""
            insert into ops.quarantine_examples by name
            select * from ({set_aside(connection, settings)})
            qualify row_number() over (partition by source, reason order by _source, _position) <= ?
            """,  # noqa: S608 the text is ours
            [EXAMPLES_PER_REASON],
        )
        connection.execute("commit")
        connection.execute("checkpoint")


def differing_marts(settings: Settings) -> list[str]:
    """The marts whose rows are not those that readers see, in whatever order: by their number and sums of hashes."""
    with opened(settings.marts, read_only=True) as connection:
        connection.execute(f"attach '{quoted(settings.published / LINK)}' as published (read_only)")
        ours, theirs = _digests(connection, "house"), _digests(connection, "published")
    return sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name))


def _digests(connection: duckdb.DuckDBPyConnection, database: str) -> dict[str, tuple[object, ...]]:
    tables = "select table_name from duckdb_tables() where database_name = ? and schema_name = 'marts'"
    digest = "select count(*), bit_xor(hash(t)), sum(hash(t)) from {}.marts.{} as t"
    return {
        name: connection.execute(digest.format(database, name)).fetchall()[0]
        for (name,) in connection.execute(tables, [database]).fetchall()
    }


def _take_over_history(connection: duckdb.DuckDBPyConnection, published: Path) -> None:
    connection.execute(f"attach '{quoted(published)}' as published (read_only)")
    for table in ("builds", "test_results"):
        connection.execute(f"insert into ops.{table} by name select * from published.ops.{table}")  # noqa: S608
    connection.execute("detach published")


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)


def _versions() -> str:
    return ", ".join(f"{name} {version(name)}" for name in ("adhouse", "dbt-core", "dbt-duckdb", "duckdb", "dlt"))
