"""The warehouse in DuckDB's files. The schema `ops` of the marts file (times in UTC) is the record of its builds."""

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from adhouse.dbt.results import BuildPlan, BuildResult, Finding
from adhouse.errors import CommandError
from adhouse.warehouse import publish
from adhouse.warehouse.base import (
    NUMBERED,
    Answer,
    BuildRecord,
    audited,
    build_order,
    nothing_published,
    versions,
)
from adhouse.warehouse.errors import explain_duckdb
from adhouse.warehouse.files import has_column, has_table, is_read_by_older_duckdb, opened, quoted, remove
from adhouse.warehouse.publish import LINK
from adhouse.warehouse.quarantine import quarantined
from adhouse.warehouse.wrong_query import wrong_query

EXAMPLES_PER_REASON = 20
ROWS_AT_ONCE = 10_000
SEAL = ".audited.json"

log = logging.getLogger(__name__)

NUMBER = f"coalesce(try_cast(regexp_extract(build_id, '^{NUMBERED.pattern}', 1) as bigint), 0)"

SCHEMA = """
create schema if not exists ops;
create table if not exists ops.builds (
    build_id varchar,
    command varchar,
    status varchar, -- building, audited, failed (an error test failed, or a model could not be built)
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
alter table ops.builds add column if not exists inputs varchar;
alter table ops.builds add column if not exists lake_change varchar;
alter table ops.builds add column if not exists report_timezone varchar;
alter table ops.builds add column if not exists restated_days bigint;
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
alter table ops.quarantine_examples add column if not exists kind varchar;
alter table ops.quarantine_examples add column if not exists line bigint;
alter table ops.quarantine_examples add column if not exists field varchar;
alter table ops.quarantine_examples add column if not exists value varchar;
alter table ops.quarantine_examples add column if not exists detail varchar;
"""


@dataclass(frozen=True)
class DuckDBWarehouse:
    """The builds in DuckDB's files; readers see a copy of the marts file.

    Attributes:
        working: The file with everything before the marts.
        marts: The file with the marts, which a build writes in place.
        published_folder: Where the copies for readers are.
        lake_url: The folder of the lake.
    """

    working: Path
    marts: Path
    published_folder: Path
    lake_url: str

    def why_full_refresh(self, fingerprint: str) -> str | None:
        """Looks at what the marts file has on record."""
        there = [path.exists() for path in (self.marts, self.working)]
        if not any(there):
            return None  # nothing is there yet that could be stale
        if not all(there):
            return "one of the two warehouse files is missing"
        with opened(self.marts, read_only=True) as connection:
            if not has_table(connection, "ops", "builds"):
                return "no build is on record"
            since_audited = f"""
                with numbered as (select *, row_number() over (order by {NUMBER}, build_id) as place from ops.builds)
                select bool_and(fingerprint = ?) from numbered
                where place >= (select max(place) from numbered where status = 'audited')
            """  # noqa: S608 the text is ours
            ((is_same,),) = connection.execute(since_audited, [fingerprint]).fetchall()
        if not is_read_by_older_duckdb(self.marts):
            return "the marts file has a format that BI tools cannot read"
        if is_same is None:
            return "no build has passed its audit yet"
        if not is_same:
            return "models, macros, seeds or settings changed since the last audited build"
        newest = self.newest()
        if newest is not None and newest.status == "changed":
            return "the tables were changed after the last audit, for example by dbt by hand"
        return None

    def greatest_number(self) -> int:
        """Looks at the marts file, unless it is damaged, and at the published files."""
        known = [*publish.builds(self.published_folder), self.published() or ""]
        try:
            if self.marts.exists():
                with opened(self.marts, read_only=True) as connection:
                    if has_table(connection, "ops", "builds"):
                        known += [
                            found for (found,) in connection.execute("select build_id from ops.builds").fetchall()
                        ]
        except CommandError as damaged:
            log.warning("the builds on record cannot be read: %s", damaged)
        return max(build_order(one)[0] for one in known)

    def generation(self, build_id: str, *, is_full_refresh: bool) -> str:
        """None: the marts file is written in place, readers have a copy of their own."""
        return ""

    def newest(self) -> BuildRecord | None:
        """The last build of the marts file."""
        if not self.marts.exists():
            return None
        last = f"""
            select build_id, status, as_of, coalesce(inputs, ''), coalesce(lake_change, '')
            from ops.builds order by {NUMBER} desc, build_id desc limit 1
        """  # noqa: S608 the text is ours
        with opened(self.marts, read_only=True) as connection:
            if not has_column(connection, "ops", "builds", "lake_change"):
                return None
            found = connection.execute(last).fetchall()
        if not found:
            return None
        build_id, status, as_of, inputs, lake_change = found[0]
        if status == "audited" and self._seal(build_id) != _read_seal(self.marts):
            status = "changed"
        return BuildRecord(build_id, status, as_of.replace(tzinfo=UTC), inputs, lake_change)

    def begin(self, plan: BuildPlan) -> None:
        """Puts the build on record; a new marts file takes over the published history.

        DuckDB cannot lower the format of a file, so a full refresh replaces one that BI tools cannot read.
        """
        if plan.is_full_refresh and self.marts.exists() and not is_read_by_older_duckdb(self.marts):
            remove(self.marts)
        with opened(self.marts) as connection:
            is_new = not has_table(connection, "ops", "builds")
            connection.execute(SCHEMA)
            if is_new and (self.published_folder / LINK).exists():
                _take_over_history(connection, self.published_folder / LINK)
            connection.execute(
                """
                insert into ops.builds by name
                select
                    ? as build_id, ? as command, 'building' as status, ? as as_of, ? as started_at,
                    ? as is_full_refresh, ? as fingerprint, ? as inputs, ? as lake_change, ? as versions,
                    ? as report_timezone, ? as restated_days
                """,
                [
                    plan.build_id,
                    plan.command,
                    _utc(plan.as_of),
                    _utc(datetime.now(UTC)),
                    plan.is_full_refresh,
                    plan.fingerprint,
                    plan.inputs,
                    plan.lake_change,
                    versions(),
                    plan.report_timezone,
                    plan.restated_days,
                ],
            )
            connection.execute("checkpoint")

    def finish(self, plan: BuildPlan, result: BuildResult, records: tuple[int, int, int]) -> None:
        """Writes what came of the build into the marts file and closes it clean, ready to be copied."""
        status = "failed" if result.errors else "audited"
        counts = [result.models, result.tests, len(result.warnings), len(result.errors)]
        with opened(self.marts) as connection:
            tables = ("quarantined_deliveries", "source_balances")
            has_records = all(has_table(connection, "marts", table) for table in tables)
            has_events = has_table(connection, "marts", "quarantined_events")
            rejected = quarantined("duckdb", self.lake_url, has_records=has_records, has_events=has_events)
            connection.execute("begin")
            connection.execute(
                """
                update ops.builds set
                    status = ?, ended_at = ?, records_read = ?, records_loaded = ?, records_rejected = ?,
                    models = ?, tests = ?, warnings = ?, errors = ?
                where build_id = ?
                """,
                [status, _utc(datetime.now(UTC)), *records, *counts, plan.build_id],
            )
            tests = [
                [plan.build_id, test.name, test.status, test.failures, test.recorded]
                for test in result.findings
                if test.kind == "test"
            ]
            if tests:
                connection.executemany("insert into ops.test_results values (?, ?, ?, ?, ?)", tests)
            connection.execute("delete from ops.quarantine_examples")
            connection.execute(
                f"""
                insert into ops.quarantine_examples by name
                select * exclude (is_repaired, is_broken_rule) from ({rejected}) where not is_repaired
                qualify row_number() over (partition by source, reason order by _source, _position) <= ?
                """,  # noqa: S608 the text is ours
                [EXAMPLES_PER_REASON],
            )
            connection.execute("commit")
            connection.execute("checkpoint")
        if status == "audited":
            self.marts.with_suffix(SEAL).write_text(json.dumps(self._seal(plan.build_id)))

    def publish(self, build_id: str) -> None:
        """Copies the marts file, if it is the one that passed this build's audit, and moves the link onto the copy."""
        newest = audited(self.newest())
        if newest != build_id:
            raise CommandError(f"the tables are those of build {newest}, not of {build_id}", "`adhouse publish`")
        publish.publish(self.marts, self.published_folder, build_id)

    def rollback(self, build_id: str | None) -> str:
        """Moves the link onto an older copy."""
        return publish.rollback(self.published_folder, build_id)

    def remove_others(self) -> None:
        """Removes the older copies."""
        publish.remove_others(self.published_folder)

    def published(self) -> str | None:
        """What the link points at."""
        return publish.current(self.published_folder)

    def is_rolled_back(self) -> bool:
        """What the roll-back noted."""
        return publish.is_rolled_back(self.published_folder)

    def is_intact(self) -> bool:
        """Opens all three files; the copy of the newest build must be as long as the file it was copied from."""
        for path in (self.working, self.marts):
            _look_into(path)
        link = self.published_folder / LINK
        try:
            _look_into(link)
        except CommandError:
            return False
        return self.is_rolled_back() or link.stat().st_size == self.marts.stat().st_size

    def facts(self) -> dict[str, Any] | None:
        """What the published file has on record of its build."""
        publish.check_link(self.published_folder)
        build_id = self.published()
        if build_id is None:
            return None
        link = self.published_folder / LINK
        with opened(link, read_only=True) as connection:
            found = connection.execute(
                "select as_of, tests, warnings, versions from ops.builds where build_id = ?", [build_id]
            ).fetchall()
        facts = {"build_id": build_id, "path": str(link), "is_rolled_back": self.is_rolled_back()}
        for as_of, tests, warnings, made_by in found:
            facts |= {"as_of": f"{as_of:%Y-%m-%dT%H:%M:%SZ}", "tests": tests, "warnings": warnings, "versions": made_by}
        return facts

    def test_findings(self, build_id: str) -> list[Finding]:
        """What the published file has on record of its build, and the marts file of any other."""
        file = self.published_folder / LINK if build_id == self.published() else self.marts
        if not file.exists():
            return []
        with opened(file, read_only=True) as connection:
            found = connection.execute(
                """
                select test, status, failed_rows, message from ops.test_results
                where build_id = ? and status <> 'pass' order by test
                """,
                [build_id],
            ).fetchall()
        return [Finding(name, "test", status, rows or 0, said or "") for name, status, rows, said in found]

    def bytes_read(self) -> dict[str, tuple[int, int]]:
        """Nothing: reading a disk of one's own is free."""
        return {}

    def maintain(self, say: Callable[[str], None]) -> int:
        """Nothing: DuckDB's files need no maintenance."""
        return 0

    def select(self, query: str) -> Answer:
        """Runs the query on the published file; nothing can be written, and no other file can be read.

        A table without a schema is looked for in `marts`, as on Athena. Rows are fetched while they are read.
        """
        publish.check_link(self.published_folder)
        link = self.published_folder / LINK
        if not link.exists():
            raise nothing_published()
        with _query_errors(link):
            connection = duckdb.connect(link, read_only=True, config={"enable_external_access": False})
            connection.execute("use marts")
            connection.execute("set lock_configuration = true")
            connection.execute(query)
            return Answer([name for name, *_ in connection.description or ()], _fetched(connection, link))

    def _seal(self, build_id: str) -> dict[str, object]:
        """What the files look like: whoever writes to the marts after their audit, or cuts a file, breaks the seal."""
        state = self.marts.stat()
        working = self.working.stat().st_size if self.working.exists() else None
        return {
            "build_id": build_id,
            "bytes": state.st_size,
            "changed_ns": state.st_mtime_ns,
            "working_bytes": working,
        }

    def ask(self, mart: str, query: str) -> Sequence[tuple[Any, ...]]:
        """Asks the published file."""
        link = self.published_folder / LINK
        if not link.exists():
            return []
        with opened(link, read_only=True) as connection:
            return connection.execute(query).fetchall() if has_table(connection, "marts", mart) else []


def _fetched(connection: duckdb.DuckDBPyConnection, file: Path) -> Iterator[tuple[Any, ...]]:
    with _query_errors(file), connection:
        while rows := connection.fetchmany(ROWS_AT_ONCE):
            yield from rows


@contextmanager
def _query_errors(file: Path) -> Iterator[None]:
    """Turns what DuckDB says of a user's query into one line; only a damaged file is no fault of the query."""
    try:
        yield
    except (
        duckdb.IOException,
        duckdb.SerializationException,
        duckdb.FatalException,
        duckdb.InternalException,
    ) as error:
        raise explain_duckdb(str(error), file) or wrong_query(str(error)) from None
    except duckdb.Error as error:
        raise wrong_query(str(error)) from None


def _read_seal(marts: Path) -> object:
    try:
        return json.loads(marts.with_suffix(SEAL).read_bytes())
    except (OSError, ValueError):
        return None  # without it nobody can say that the file is as it was audited


def _look_into(path: Path) -> None:
    with opened(path, read_only=True) as connection:
        connection.execute("select count(*) from duckdb_columns()").fetchall()


def _take_over_history(connection: duckdb.DuckDBPyConnection, published: Path) -> None:
    try:
        connection.execute(f"attach '{quoted(published)}' as published (read_only)")
        for table in ("builds", "test_results"):
            connection.execute(f"insert into ops.{table} by name select * from published.ops.{table}")  # noqa: S608
        connection.execute("detach published")
    except duckdb.Error as error:
        log.warning("the published history cannot be read and is lost: %s", error)


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)
