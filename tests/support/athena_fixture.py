"""What is expensive is made once: the local Athena for all tests that ask for it, and what tests share."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from support.lacking import skip_or_fail

if TYPE_CHECKING:
    from local_athena.server import LocalAthena

MOST_SECONDS = 1200  # of one test, beside the tests of another worker: a build asks some 400 queries


# Two Trinos at once take three times as long; the built house is built once by each worker that needs it.
TOGETHER = {"tests/athena/": "athena", "tests/cli/": "built", "tests/promises/test_alerts.py": "built"}


class SharingScheduling(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """Keeps a file's tests on one worker, and all that share what is expensive."""

    def _split_scope(self, nodeid: str) -> str:
        shared = (name for start, name in TOGETHER.items() if nodeid.startswith(start))
        return next(shared, super()._split_scope(nodeid))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> SharingScheduling:
    """Gives the workers of `-n` their tests so."""
    return SharingScheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Gives tests on Athena more time."""
    for item in items:
        if "athena" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.timeout(MOST_SECONDS))


@pytest.fixture(scope="session")
def athena(request: pytest.FixtureRequest) -> Iterator["LocalAthena"]:
    """A local Athena for all tests; each test creates its own bucket and database.

    Where it cannot run, its tests are skipped and the end of the report says why; in CI that is a failure.
    """
    if why := _why_not():
        skip_or_fail(request.config, "not tested on Athena", why)
    from local_athena.server import local_athena  # imported late: most tests do not need it

    with local_athena() as running:
        yield running


def _why_not() -> str:
    from local_athena.download import DownloadError, trino_home
    from local_athena.java import JavaMissingError, find_java

    try:
        find_java()
        trino_home()
    except (JavaMissingError, DownloadError) as error:
        return str(error)
    return ""
