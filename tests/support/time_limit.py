"""A limit of time for a session of tests: CI has so many minutes, and the report says that something was left out."""

import time

import pytest

from support.lacking import note

STARTED = time.monotonic()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds `--minutes`."""
    parser.addoption("--minutes", type=float, help="begin no test after so many minutes; the report says so")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leaves the test out if the time is over, before it asks for anything."""
    minutes = item.config.getoption("--minutes")
    if minutes is not None and time.monotonic() - STARTED > minutes * 60:
        why = f"{minutes:g} minutes were over, and what was skipped for it did not run: leave out --minutes to run all"
        note(item.config, "not everything was run", why)
        pytest.skip(why)
