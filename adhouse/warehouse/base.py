"""Warehouse: what was tried, audited and published, and where a reader sees it; on a disk or in Athena."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Protocol

from adhouse.settings import Settings

if TYPE_CHECKING:
    from adhouse.dbt.build import BuildResult

KEPT_BUILDS = 3


@dataclass(frozen=True)
class Build:
    """One build: its id sorts by time, `as_of` is the one clock its models know.

    Attributes:
        generation: What the tables that it writes are called by, where a full refresh writes beside the old ones.
    """

    build_id: str
    command: str
    as_of: datetime
    fingerprint: str
    is_full_refresh: bool
    generation: str = ""


class Warehouse(Protocol):
    """Keeps the builds of one warehouse. Whatever kills a method, the same again ends as if nothing had happened."""

    def why_full_refresh(self, fingerprint: str) -> str | None:
        """Says why every table must be made anew; None when the last ones can be carried on.

        They can when the last audited build, and whatever was tried after it, had this same fingerprint: an attempt
        with other models may have been killed half way.
        """

    def generation(self, build_id: str, *, is_full_refresh: bool) -> str:
        """Says what the tables that a build writes are called by."""

    def begin(self, build: Build) -> None:
        """Puts the attempt on record before dbt touches a table."""

    def finish(self, build: Build, built: "BuildResult", records: tuple[int, int, int]) -> None:
        """Writes down what came of the build: records read, loaded and rejected, and the outcome of each test."""

    def audited(self) -> str:
        """Gives the id of the last build, if it may be published.

        Raises:
            CommandError: There is none, it was not finished, or its audit refused it (exit code 3).
        """

    def differing_marts(self) -> list[str]:
        """The marts that may have other rows than those that readers see."""

    def publish(self, build_id: str) -> None:
        """Shows an audited build to readers, and lets go of builds too old to go back to."""

    def rollback(self, build_id: str | None) -> str:
        """Shows readers an older build, by default the one before the published one, and gives its id.

        Raises:
            CommandError: There is no such build.
        """

    def published(self) -> str | None:
        """The id of the build that readers see."""

    def facts(self) -> dict[str, Any] | None:
        """What is known of the build that readers see: build_id, where, as_of, tests, warnings, versions."""

    def read(self) -> dict[str, tuple[int, int]]:
        """What the last build has read where that costs: (queries, bytes) of each model, of `tests` and of `other`."""

    def ask(self, mart: str, query: str) -> Sequence[tuple[Any, ...]]:
        """Asks the published marts, in SQL that both engines have; no rows while the mart is not published."""


def open_warehouse(settings: Settings) -> Warehouse:
    """The builds of the warehouse that the settings name."""
    if settings.is_in_cloud:
        from adhouse.warehouse.athena import AthenaWarehouse

        return AthenaWarehouse(settings)
    from adhouse.warehouse.duckdb import DuckDBWarehouse

    return DuckDBWarehouse(settings)


def versions() -> str:
    """What made a build, for whoever wants to make it again."""
    return ", ".join(f"{name} {version(name)}" for name in ("adhouse", "dbt-core", "dbt-duckdb", "duckdb", "dlt"))
