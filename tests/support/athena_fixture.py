"""The fixture that starts the local Athena once for all tests that ask for it."""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from local_athena.server import LocalAthena

WHY_NOT = pytest.StashKey[str]()
WORKERS_WHY_NOT = "why_not_athena"


@pytest.fixture(scope="session")
def athena(request: pytest.FixtureRequest) -> Iterator["LocalAthena"]:
    """A local Athena for all tests; each test creates its own bucket and database.

    Where it cannot run, its tests are skipped and the end of the report says why; in CI that is a failure.
    """
    if why := _why_not():
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(why, pytrace=False)
        request.config.stash[WHY_NOT] = why
        if hasattr(request.config, "workeroutput"):  # set by a worker for the process that reports
            request.config.workeroutput[WORKERS_WHY_NOT] = why
        pytest.skip(why)
    from local_athena.server import local_athena  # imported late: most tests do not need it

    with local_athena() as running:
        yield running


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Takes over the reason that a worker of pytest-xdist has set."""
    if why := getattr(node, "workeroutput", {}).get(WORKERS_WHY_NOT):
        node.config.stash[WHY_NOT] = why


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Says at the end of the report that no test ran on Athena, and why."""
    if why := config.stash.get(WHY_NOT, None):
        terminalreporter.section("not tested on Athena", yellow=True)
        terminalreporter.write_line(why, yellow=True)


def _why_not() -> str:
    from local_athena.download import DownloadError, trino_home
    from local_athena.java import JavaMissingError, find_java

    try:
        find_java()
        trino_home()
    except (JavaMissingError, DownloadError) as error:
        return str(error)
    return ""
