"""What a build is to be, and what came of it: plain data, which the warehouse keeps on record."""

import re
from dataclasses import dataclass, field
from datetime import datetime

# What DuckDB says of a cell of a seed; it also names a column, but not always the one that is wrong.
_WRONG_CELL = re.compile(r"CSV Error on Line: (\d+)\s+Original Line: ([^\n]*)")
# What dbt says of a row of a seed, counted from 0 without the header.
_TOO_MANY_CELLS = re.compile(r"Row (\d+) has (\d+) values, but Table only has (\d+) columns")


@dataclass(frozen=True)
class BuildPlan:
    """What a build is to be, decided before dbt starts.

    Attributes:
        build_id: Begins with its number, which is above that of every earlier build, and ends with the id of the run.
        as_of: The only time that models know: the beginning, in UTC, of the report day in which the run starts.
        fingerprint: Names what the tables' contents depend on besides the data: models, macros, seeds and settings.
        inputs: Names everything that the build depends on besides the data, tests too.
        lake_change: Names the newest change of the lake that the build will see.
        generation: On Athena, the name of the databases that it writes; empty on DuckDB.
        report_timezone: The zone whose days are report days, for those who read the build.
        restated_days: How many complete days later runs ask for again, so that their numbers may still change.
    """

    build_id: str
    command: str
    as_of: datetime
    fingerprint: str
    is_full_refresh: bool
    inputs: str = ""
    lake_change: str = ""
    generation: str = ""
    report_timezone: str = "UTC"
    restated_days: int = 0


@dataclass(frozen=True)
class Finding:
    """What came of one test, model or seed.

    Attributes:
        said: The first rows that a test found, in words, if it has words for them.
    """

    name: str
    kind: str
    status: str
    failures: int
    message: str
    said: tuple[str, ...] = ()

    @property
    def lines(self) -> list[str]:
        """What to tell a person: the test's own words, and that there is more of it; else its name and count."""
        more = self.failures - len(self.said)
        return [*self.said, *([f"{self.name}: {more:,} more"] if more > 0 else [])] if self.said else [str(self)]

    @property
    def recorded(self) -> str:
        """What is kept on record of it: the test's own words, else dbt's message."""
        return "; ".join(self.lines) if self.said else self.message

    def __str__(self) -> str:
        """The number of rows that a test found, or the whole message of what broke, such as a broken contract."""
        if self.status in ("fail", "warn"):
            return f"{self.name}: {self.failures:,} {'row' if self.failures == 1 else 'rows'}"
        if self.kind == "seed" and (wrong := _WRONG_CELL.search(self.message)):
            return (
                f"seeds/{self.name}.csv line {wrong[1]}: {wrong[2]!r} cannot be read: write dates as 2026-11-30, "
                "numbers as 1234.56, and nothing where there is no value"
            )
        if self.kind == "seed" and (wrong := _TOO_MANY_CELLS.search(self.message)):
            return (
                f"seeds/{self.name}.csv row {int(wrong[1]) + 1}: {wrong[2]} values for {wrong[3]} columns; put "
                "double quotes around a text that has a comma in it"
            )
        if self.kind == "seed" and "sniffing" in self.message:
            return f"seeds/{self.name}.csv has not the columns that it came with; its first line has to name them"
        lines = [line.strip() for line in self.message.splitlines() if line.strip()]
        return "\n  ".join([f"{self.kind} {self.name}: {lines[0] if lines else self.status}", *lines[1:]])


@dataclass
class BuildResult:
    """What one `dbt build` did.

    Attributes:
        views: The SQL of each view, by `schema.name`.
        queries: The ids of Athena's queries for each model and seed, for all tests, and for what is neither.
        test_seconds: How long the tests took together.
    """

    models: int = 0
    tests: int = 0
    test_seconds: float = 0.0
    findings: list[Finding] = field(default_factory=list)
    views: dict[str, str] = field(default_factory=dict)
    queries: dict[str, list[str]] = field(default_factory=dict)

    def with_status(self, *statuses: str) -> list[Finding]:
        """The findings that ended in one of these ways."""
        return [finding for finding in self.findings if finding.status in statuses]

    @property
    def errors(self) -> list[Finding]:
        """What blocks publishing."""
        return self.with_status("fail", "error", "runtime error")

    @property
    def warnings(self) -> list[Finding]:
        """What is shown and never blocks."""
        return self.with_status("warn")
