"""The schema `ops` of the marts file (times in UTC): what a reader needs to trust the numbers, and a run to go on."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from adhouse.errors import CommandError, Exit
from adhouse.settings import Settings
from adhouse.warehouse import publish
from adhouse.warehouse.base import Build, versions
from adhouse.warehouse.files import has_table, opened, quoted
from adhouse.warehouse.publish import LINK

if TYPE_CHECKING:
    from adhouse.dbt.build import BuildResult

EXAMPLES_PER_REASON = 20

log = logging.getLogger(__name__)

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
class DuckDBWarehouse:
    """The builds in DuckDB's files; readers see a copy of the marts file."""

    settings: Settings

    def why_full_refresh(self, fingerprint: str) -> str | None:
        """Looks at what the marts file has on record."""
        settings = self.settings
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

    def begin(self, build: Build) -> None:
        """Puts the attempt on record; a new marts file takes over the published history."""
        settings = self.settings
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
                    versions(),
                ],
            )
            connection.execute("checkpoint")

    def audited(self) -> str:
        """The last build of the marts file."""
        settings = self.settings
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

    def finish(self, build: Build, built: "BuildResult", records: tuple[int, int, int]) -> None:
        """Writes what came of the build into the marts file and closes it clean, ready to be copied."""
        from adhouse.commands.quarantine import set_aside

        settings = self.settings
        status = "refused" if built.errors else "audited"
        counts = [built.models, built.tests, len(built.warnings), len(built.errors)]
        with opened(settings.marts) as connection:
            aside = set_aside(settings, has_records=has_table(connection, "marts", "quarantined_deliveries"))
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
                select * from ({aside})
                qualify row_number() over (partition by source, reason order by _source, _position) <= ?
                """,  # noqa: S608 the text is ours
                [EXAMPLES_PER_REASON],
            )
            connection.execute("commit")
            connection.execute("checkpoint")

    def differing_marts(self) -> list[str]:
        """Compares rows in whatever order: by their number and sums of hashes."""
        settings = self.settings
        with opened(settings.marts, read_only=True) as connection:
            ours = _digests(connection, "house")
            try:
                connection.execute(f"attach '{quoted(settings.published / LINK)}' as published (read_only)")
                theirs = _digests(connection, "published")
            except duckdb.Error as error:
                log.warning("what is published cannot be read, and is replaced: %s", error)
                theirs = {}
        return sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name))

    def generation(self, build_id: str, *, is_full_refresh: bool) -> str:
        """None: the marts file is written in place, readers have a copy of their own."""
        return ""

    def publish(self, build_id: str) -> None:
        """Copies the marts file and moves the link onto the copy."""
        publish.publish(self.settings.marts, self.settings.published, build_id)

    def rollback(self, build_id: str | None) -> str:
        """Moves the link onto an older copy."""
        return publish.rollback(self.settings.published, build_id)

    def published(self) -> str | None:
        """What the link points at."""
        return publish.current(self.settings.published)

    def facts(self) -> dict[str, Any] | None:
        """What the published file has on record of its build."""
        build_id = self.published()
        if build_id is None:
            return None
        link = self.settings.published / LINK
        with opened(link, read_only=True) as connection:
            found = connection.execute(
                "select as_of, tests, warnings, versions from ops.builds where build_id = ?", [build_id]
            ).fetchall()
        facts = {"build_id": build_id, "path": str(link)}
        for as_of, tests, warnings, made_by in found:
            facts |= {"as_of": f"{as_of:%Y-%m-%dT%H:%M:%SZ}", "tests": tests, "warnings": warnings, "versions": made_by}
        return facts

    def read(self) -> dict[str, tuple[int, int]]:
        """Nothing: a disk of one's own is read for free."""
        return {}

    def ask(self, mart: str, query: str) -> Sequence[tuple[Any, ...]]:
        """Asks the published file."""
        link = self.settings.published / LINK
        if not link.exists():
            return []
        with opened(link, read_only=True) as connection:
            return connection.execute(query).fetchall() if has_table(connection, "marts", mart) else []


def _digests(connection: duckdb.DuckDBPyConnection, database: str) -> dict[str, tuple[object, ...]]:
    """Digests all tables that a mart is or looks at; `ops` is about builds, and has no numbers of theirs."""
    tables = "select schema_name, table_name from duckdb_tables() where database_name = ? and schema_name <> 'ops'"
    digest = "select count(*), bit_xor(hash(t)), sum(hash(t)) from {}.{}.{} as t"
    return {
        name: connection.execute(digest.format(database, schema, name)).fetchall()[0]
        for schema, name in connection.execute(tables, [database]).fetchall()
    }


def _take_over_history(connection: duckdb.DuckDBPyConnection, published: Path) -> None:
    try:
        connection.execute(f"attach '{quoted(published)}' as published (read_only)")
        for table in ("builds", "test_results"):
            connection.execute(f"insert into ops.{table} by name select * from published.ops.{table}")  # noqa: S608
        connection.execute("detach published")
    except duckdb.Error as error:
        log.warning("the published history cannot be read, and is given up: %s", error)


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)
