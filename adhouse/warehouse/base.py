"""What a warehouse is: it keeps builds on record, and shows readers the audited ones."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from typing import Any, NamedTuple, Protocol

from adhouse.dbt.results import BuildPlan, BuildResult, Finding
from adhouse.errors import CommandError, Exit

KEPT_BUILDS = 3
NUMBERED = re.compile(r"([0-9]+)-[0-9]{8}T")  # how the id of a build begins


@dataclass(frozen=True)
class BuildRecord:
    """What is on record of a build.

    Attributes:
        status: building; failed (an error test failed, or a model could not be built); audited; or changed (audited,
            but the tables were written to afterwards, for example by dbt by hand).
        inputs: Names everything that the build depends on besides the data; another value needs another build.
        lake_change: Names the newest change of the lake that the build has seen.
    """

    build_id: str
    status: str
    as_of: datetime
    inputs: str
    lake_change: str


def build_order(build_id: str) -> tuple[int, str]:
    """Sorts builds by their number, whatever the clock said; those of earlier versions have none and come first."""
    match = NUMBERED.match(build_id)
    return (int(match[1]) if match else 0), build_id


def next_build_id(number: int, run_id: str) -> str:
    """The id of the build after the one with the greatest number."""
    return f"{number + 1:06}-{run_id}"


class Answer(NamedTuple):
    """The columns and rows of a query."""

    columns: list[str]
    rows: Iterable[tuple[Any, ...]]


class Warehouse(Protocol):
    """The builds of one warehouse. Whatever kills a method, calling it again ends as if nothing had happened."""

    def why_full_refresh(self, fingerprint: str) -> str | None:
        """Says why every table must be rebuilt; None if the existing tables can be continued.

        They can if the last audited build, and whatever was tried after it, had this same fingerprint: an attempt
        with other models may have been killed half way.
        """

    def greatest_number(self) -> int:
        """Gives the greatest number of a build that is on record or published; 0 if none has one."""

    def generation(self, build_id: str, *, is_full_refresh: bool) -> str:
        """Gives the name of the databases that a build writes."""

    def newest(self) -> BuildRecord | None:
        """Gives the newest build on record, whatever came of it."""

    def begin(self, plan: BuildPlan) -> None:
        """Puts the build on record before dbt changes a table."""

    def finish(self, plan: BuildPlan, result: BuildResult, records: tuple[int, int, int]) -> None:
        """Puts on record what came of the build, and the numbers of records read, loaded and rejected before it."""

    def publish(self, build_id: str) -> None:
        """Shows an audited build to readers, and removes builds that are too old to go back to.

        Raises:
            CommandError: The tables are not those of this build, or the record says that it did not pass its audit.
        """

    def rollback(self, build_id: str | None) -> str:
        """Shows readers an older build, by default the one before the published one, and gives its id.

        Raises:
            CommandError: There is no such build.
        """

    def remove_others(self) -> None:
        """Removes all builds but the one that readers see, with all files of theirs; a second call finds none."""

    def published(self) -> str | None:
        """Gives the id of the build that readers see."""

    def is_rolled_back(self) -> bool:
        """Whether readers see what they see because of a roll-back."""

    def is_intact(self) -> bool:
        """Whether the published build can be read as it was published.

        Raises:
            CommandError: The tables that the next build continues are damaged.
        """

    def facts(self) -> dict[str, Any] | None:
        """What is known of the published build: build_id, path, as_of, is_rolled_back, tests, warnings, versions."""

    def test_findings(self, build_id: str) -> list[Finding]:
        """Gives the tests of a build that found something; none of a build that is not on record."""

    def bytes_read(self) -> dict[str, tuple[int, int]]:
        """Gives (queries, bytes read) of the last build, for each model, `tests` and `other`, where reading costs."""

    def ask(self, mart: str, query: str) -> Sequence[tuple[Any, ...]]:
        """Asks the published marts, in SQL that both engines have; gives no rows while the mart is not published."""

    def maintain(self, say: Callable[[str], None]) -> int:
        """Merges small files and removes what no kept build needs; returns the number of tables."""

    def select(self, query: str) -> Answer:
        """Runs a user's own query on the published marts, and lets it change and see nothing else.

        Raises:
            CommandError: Nothing is published yet, or the query is wrong or is not allowed.
        """


def is_published(warehouse: Warehouse, mart: str) -> bool:
    """Whether the published build has the mart; one that an older adhouse published may lack it."""
    asked = f"select 1 from information_schema.tables where table_schema = 'marts' and table_name = '{mart}'"  # noqa: S608
    return bool(warehouse.ask("quarantine_reasons", asked))


def audited(newest: BuildRecord | None) -> str:
    """Gives the id of the newest build if it may be published.

    Raises:
        CommandError: There is none, it was not finished, or it failed its audit (exit code 3).
    """
    if newest is None:
        raise CommandError("there is no build yet", "`adhouse run` makes one")
    if newest.status == "failed":
        raise CommandError(
            f"build {newest.build_id} failed its audit", "`adhouse build` builds and tests again", Exit.AUDIT
        )
    if newest.status == "changed":
        raise CommandError(
            f"the tables were changed after build {newest.build_id} passed its audit, for example by dbt by hand",
            "`adhouse build` audits them",
        )
    if newest.status != "audited":
        raise CommandError(f"build {newest.build_id} was not finished", "`adhouse build` finishes it")
    return newest.build_id


def nothing_published() -> CommandError:
    """The error of whoever wants to read marts that are not there yet."""
    return CommandError("nothing is published yet", "`adhouse run` publishes the first build")


def versions() -> str:
    """Gives the versions of what made a build, for whoever wants to make it again."""
    return ", ".join(f"{name} {version(name)}" for name in ("adhouse", "dbt-core", "dbt-duckdb", "duckdb", "dlt"))
