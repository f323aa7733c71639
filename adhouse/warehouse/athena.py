"""The warehouse in Athena: readers see views in `marts`, which select snapshots of tables that runs go on writing.

A generation is a set of databases (`staging_<id>`, `intermediate_<id>`, `marts_<id>`) that a full refresh makes and
that later builds continue; nothing in it is dropped while a build kept for roll-back needs it. Publishing switches the
views one by one, so each has a column `build_id`. Builds are on record beside the lake, one JSON document per build.
"""

import json
import logging
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from adhouse.dbt.results import BuildPlan, BuildResult, Finding
from adhouse.warehouse.athena_select import READERS, check_reads_published
from adhouse.warehouse.base import (
    KEPT_BUILDS,
    Answer,
    BuildRecord,
    audited,
    build_order,
    nothing_published,
    versions,
)
from adhouse.warehouse.publish import no_build
from adhouse.warehouse.wrong_query import wrong_query
from extract.athena import Athena, AthenaError
from extract.storage import Folder

TABLES = ("intermediate", READERS)
LAYERS = ("staging", *TABLES)
POINTER = "published.json"
TABLE_FILES = "warehouse"  # where profiles.yml has dbt put the files of tables, in a folder for each database
KEPT_DOCUMENTS = 20
LEAST_SNAPSHOT_SECONDS = 86_400  # a query that began before a vacuum may still read the snapshot it began with
COMMENT = re.compile(r"^\s*--.*\n", re.MULTILINE)
RELATION = re.compile(r'"awsdatacatalog"\."(\w+)"\."(\w+)"')

log = logging.getLogger(__name__)


@dataclass
class Document:
    """What is on record of a build.

    Attributes:
        status: building; audited; or failed (an error test failed, or a model could not be built).
        shown: What a reader's view of each mart selects: the tables as they were audited.
        snapshots: The Iceberg snapshots that this needs, by `database.table`.
        read: Queries and bytes read of each model, of `tests` and of `other`.
    """

    build_id: str
    command: str
    status: str
    as_of: str
    started_at: str
    ended_at: str | None
    is_full_refresh: bool
    fingerprint: str
    generation: str
    versions: str
    inputs: str = ""
    lake_change: str = ""
    report_timezone: str = ""
    restated_days: int = 0
    records: dict[str, int] = field(default_factory=dict)
    models: int = 0
    tests: int = 0
    warnings: int = 0
    errors: int = 0
    findings: list[dict[str, Any]] = field(default_factory=list)
    shown: dict[str, str] = field(default_factory=dict)
    snapshots: dict[str, int] = field(default_factory=dict)
    read: dict[str, tuple[int, int]] = field(default_factory=dict)

    def as_record(self) -> BuildRecord:
        """What both engines tell of a build."""
        as_of = datetime.fromisoformat(self.as_of)
        return BuildRecord(self.build_id, self.status, as_of, self.inputs, self.lake_change)


@dataclass(frozen=True)
class AthenaWarehouse:
    """The builds on record beside the lake, and the views in Athena.

    Attributes:
        lake_url: The S3 address of the lake.
        results: The S3 address where Athena puts the results of queries.
        workgroup: The workgroup that runs them.
    """

    lake_url: str
    results: str
    workgroup: str

    def why_full_refresh(self, fingerprint: str) -> str | None:
        """Looks at the builds on record; where none was audited the first generation begins anyway."""
        since_audited: list[Document] = []
        for record in self.documents():
            since_audited.append(record)
            if record.status == "audited":
                is_same = all(one.fingerprint == fingerprint for one in since_audited)
                return None if is_same else "models, macros, seeds or settings changed since the last audited build"
        return None

    def greatest_number(self) -> int:
        """Looks at the names of the documents, and at the published one."""
        return max(build_order(one)[0] for one in [*self._on_record(), self.published() or ""])

    def generation(self, build_id: str, *, is_full_refresh: bool) -> str:
        """That of the last audited build, or a new one."""
        last = next((record for record in self.documents() if record.status == "audited"), None)
        if last is None or is_full_refresh:
            return build_id.lower().replace("-", "_") or "work"
        return last.generation

    def newest(self) -> BuildRecord | None:
        """The newest document."""
        last = next(self.documents(), None)
        return last.as_record() if last else None

    def begin(self, plan: BuildPlan) -> None:
        """Writes the build's document."""
        self._write(
            Document(
                build_id=plan.build_id,
                command=plan.command,
                status="building",
                as_of=plan.as_of.isoformat(timespec="seconds"),
                started_at=_now(),
                ended_at=None,
                is_full_refresh=plan.is_full_refresh,
                fingerprint=plan.fingerprint,
                generation=plan.generation,
                versions=versions(),
                inputs=plan.inputs,
                lake_change=plan.lake_change,
                report_timezone=plan.report_timezone,
                restated_days=plan.restated_days,
            )
        )

    def finish(self, plan: BuildPlan, result: BuildResult, records: tuple[int, int, int]) -> None:
        """Completes the build's document; of an audited one it has the snapshots that were audited."""
        record = self.document(plan.build_id)
        record.status = "failed" if result.errors else "audited"
        record.ended_at = _now()
        record.records = dict(zip(("read", "loaded", "rejected"), records, strict=True))
        record.models, record.tests = result.models, result.tests
        record.warnings, record.errors = len(result.warnings), len(result.errors)
        record.read = self._read_by(result.queries)
        record.findings = [asdict(test) | {"message": test.recorded} for test in result.findings if test.kind == "test"]
        if record.status == "audited":
            record.snapshots = self._snapshots(plan.generation)
            record.shown = self._selects(plan.generation, result.views, record.snapshots)
        self._write(record)

    def publish(self, build_id: str) -> None:
        """Points the views at the build's snapshots, then notes that they do, and drops what no kept build needs."""
        record = self.document(build_id)
        audited(record.as_record())
        self._show(record)
        self._drop_old_generations()
        names = [record.build_id for record in self.documents()]
        needed = {record.build_id for record in self._kept()}
        for old in names[KEPT_DOCUMENTS:]:
            if old not in needed:
                self._folder.remove(f"builds/{old}.json")

    def rollback(self, build_id: str | None) -> str:
        """Points the views at an older build's snapshots."""
        now = self.published()
        kept = [record.build_id for record in self._kept()]
        older = [one for one in kept if now is None or build_order(one) < build_order(now)]
        wanted = build_id or (older[0] if older else None)
        if wanted is None or wanted not in kept:
            raise no_build(build_id, kept)
        self._show(self.document(wanted), is_rolled_back=True)
        return wanted

    def remove_others(self) -> None:
        """Drops the databases of other generations, removes files that are left, and at last the documents."""
        shown = self.published()
        if shown is None:
            raise nothing_published()
        kept = f"_{self.document(shown).generation}"
        others = [record for record in self.documents() if record.build_id != shown]
        files = Folder.at(self.lake_url).below(TABLE_FILES)
        named = {entry.name for entry in files.entries()}  # also those that dbt by hand made
        recorded = {f"{layer}_{record.generation}" for record in others for layer in LAYERS}
        self._drop_databases({name for name in recorded | named if not name.endswith(kept)})
        for name in sorted(named):
            if not name.endswith(kept):
                files.remove(name)  # what dropping a Hive table leaves, and a query that was killed
        for record in others:
            self._folder.remove(f"builds/{record.build_id}.json")

    def published(self) -> str | None:
        """What was noted when the views were last switched."""
        build_id: str | None = self._pointer().get("build_id")
        return build_id

    def is_rolled_back(self) -> bool:
        """What was noted when the views were last switched."""
        return bool(self._pointer().get("is_rolled_back"))

    def is_intact(self) -> bool:
        """Nothing of it is a file of ours."""
        return True

    def facts(self) -> dict[str, Any] | None:
        """What the published build's document says."""
        build_id = self.published()
        if build_id is None:
            return None
        record = self.document(build_id)
        return {
            "build_id": build_id,
            "path": f"database {READERS} in Athena, workgroup {self.workgroup}",
            "is_rolled_back": self.is_rolled_back(),
            "as_of": record.as_of.replace("+00:00", "Z"),
            "tests": record.tests,
            "warnings": record.warnings,
            "versions": record.versions,
        }

    def test_findings(self, build_id: str) -> list[Finding]:
        """What the build's document says."""
        if build_id not in self._on_record():
            return []
        found = [Finding(**test) for test in self.document(build_id).findings]
        return [test for test in found if test.status != "pass"]

    def bytes_read(self) -> dict[str, tuple[int, int]]:
        """What the document of the newest build that came to its end says."""
        ended = next((record for record in self.documents() if record.ended_at), None)
        return ended.read if ended else {}

    def ask(self, mart: str, query: str) -> Sequence[tuple[Any, ...]]:
        """Asks the views."""
        return self.athena.rows(query) if self.published() else []

    def select(self, query: str) -> Answer:
        """Runs the query in the database of the views; it may name those alone."""
        if not self.published():
            raise nothing_published()
        check_reads_published(query)
        try:
            names, rows, _ = self.athena.select(query, READERS)
            return Answer(names, rows)
        except AthenaError as error:
            raise wrong_query(str(error)) from error

    def maintain(self, say: Callable[[str], None]) -> int:
        """Merges small files, and removes snapshots that no kept build needs; returns the number of tables.

        A kill leaves each table as it was or done; a second run finds little to do.
        """
        kept = self._kept()
        if not kept:
            return 0
        pinned: dict[str, set[int]] = {}
        for record in kept:
            for table, snapshot in record.snapshots.items():
                pinned.setdefault(table, set()).add(snapshot)
        tables = self._iceberg_tables(kept[0].generation)
        for database, table in tables:
            say(f"{database}.{table}")
            self._tidy(database, table, pinned.get(f"{database}.{table}", set()))
        return len(tables)

    def _tidy(self, database: str, table: str, pinned: set[int]) -> None:
        self.athena.rows(f"optimize {database}.{table} rewrite data using bin_pack")
        seconds = LEAST_SNAPSHOT_SECONDS
        if pinned:
            ids = ", ".join(map(str, sorted(pinned)))
            age = (
                "select date_diff('second', min(committed_at), current_timestamp) "  # noqa: S608 names and ids are ours
                f'from "{database}"."{table}$snapshots" where snapshot_id in ({ids})'
            )
            [(oldest,)] = self.athena.rows(age)
            seconds += int(oldest or 0)
        properties = f"'vacuum_max_snapshot_age_seconds' = '{seconds}'"
        self.athena.rows(f"alter table `{database}`.`{table}` set tblproperties ({properties})")
        self.athena.rows(f"vacuum {database}.{table}")

    @cached_property
    def _folder(self) -> Folder:
        return Folder.at(self.lake_url).below("ops")

    @property
    def athena(self) -> Athena:
        """Where its statements run."""
        return Athena(self.results, self.workgroup)

    @cached_property
    def _glue(self) -> Any:
        import boto3

        return boto3.client("glue")

    def documents(self) -> Iterator[Document]:
        """What is on record of every build, the newest first."""
        for build_id in sorted(self._on_record(), key=build_order, reverse=True):
            yield self.document(build_id)

    def _on_record(self) -> list[str]:
        files = self._folder.below("builds").files()
        return [name.removesuffix(".json") for name in files if name.endswith(".json")]

    def document(self, build_id: str) -> Document:
        """What is on record of a build; it changes no more once the build has ended."""
        return Document(**json.loads(self._folder.read(f"builds/{build_id}.json")))

    def _write(self, record: Document) -> None:
        self._folder.write(f"builds/{record.build_id}.json", json.dumps(asdict(record), indent=2).encode())

    def _kept(self) -> list[Document]:
        """The builds that readers can be shown: the newest audited ones, and the one they see."""
        audited = [record for record in self.documents() if record.status == "audited"]
        now = self.published()
        return audited[:KEPT_BUILDS] + [record for record in audited[KEPT_BUILDS:] if record.build_id == now]

    def tables(self, database: str) -> list[dict[str, Any]]:
        """What Glue has on record of the tables and views of a database."""
        pages = self._glue.get_paginator("get_tables").paginate(DatabaseName=database)
        return [table for page in pages for table in page["TableList"]]

    def _read_by(self, queries: Mapping[str, Sequence[str]]) -> dict[str, tuple[int, int]]:
        try:
            read = self.athena.bytes_read(query for ids in queries.values() for query in ids)
        except Exception as error:
            log.warning("the bytes read are not known: %s", error)  # the build is as good without
            return {}
        return {name: (len(ids), sum(read.get(one, 0) for one in ids)) for name, ids in queries.items()}

    def _iceberg_tables(self, generation: str) -> list[tuple[str, str]]:
        return [
            (database, table["Name"])
            for database in (f"{layer}_{generation}" for layer in TABLES)
            for table in self.tables(database)
            if _kind(table) == "ICEBERG" and "__dbt_" not in table["Name"]
        ]

    def _snapshots(self, generation: str) -> dict[str, int]:
        queries = [
            f"select '{database}.{name}', snapshot_id from \"{database}\".\"{name}$refs\" where name = 'main'"  # noqa: S608
            for database, name in self._iceberg_tables(generation)
        ]
        return {table: int(snapshot) for table, snapshot in self.athena.rows(" union all ".join(queries))}

    def _selects(self, generation: str, views: Mapping[str, str], snapshots: Mapping[str, int]) -> dict[str, str]:
        """What each mart selects, a view's own text included, from tables as of their snapshots."""

        def as_audited(relation: re.Match[str]) -> str:
            database, name = relation.groups()
            table = f"{database}.{name}"
            if table in snapshots:
                return f"{table} for version as of {snapshots[table]}"
            if table not in views:
                return table
            return f"(\n{RELATION.sub(as_audited, COMMENT.sub('', views[table]))}\n)"

        database = f"{READERS}_{generation}"
        marts = sorted(table["Name"] for table in self.tables(database) if "__dbt_" not in table["Name"])
        return {
            name: RELATION.sub(as_audited, f'select * from "awsdatacatalog"."{database}"."{name}"')  # noqa: S608
            for name in marts
        }

    def _pointer(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._folder.read(POINTER)) if self._folder.has(POINTER) else {}
        return found

    def _show(self, record: Document, *, is_rolled_back: bool = False) -> None:
        self.athena.rows(f"create database if not exists {READERS}")
        for name, select in record.shown.items():
            shown = f"select *, '{record.build_id}' as build_id from (\n{select}\n)"  # noqa: S608 all of it is ours
            self.athena.rows(f"create or replace view {READERS}.{name} as {shown}")
        pointer = {"build_id": record.build_id, "published_at": _now(), "is_rolled_back": is_rolled_back}
        self._folder.write(POINTER, json.dumps(pointer).encode())

    def _drop_old_generations(self) -> None:
        needed = {record.generation for record in self._kept()}
        ours = {record.generation for record in self.documents()}
        self._drop_databases({f"{layer}_{generation}" for generation in ours - needed for layer in LAYERS})

    def _drop_databases(self, databases: Collection[str]) -> None:
        """Drops those of these databases that are there."""
        pages = self._glue.get_paginator("get_databases").paginate()
        there = {found["Name"] for page in pages for found in page["DatabaseList"]}
        for database in sorted(there.intersection(databases)):
            for table in self.tables(database):
                is_view = table.get("TableType") == "VIRTUAL_VIEW"  # of which Trino's grammar is, without backticks
                name = f'"{database}"."{table["Name"]}"' if is_view else f"`{database}`.`{table['Name']}`"
                self.athena.rows(f"drop {'view' if is_view else 'table'} if exists {name}")
            self.athena.rows(f"drop database if exists `{database}`")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _kind(table: Mapping[str, Any]) -> str:
    kind: str = table.get("Parameters", {}).get("table_type", "")
    return kind.upper()
