"""What a machine lacks for some tests: they are skipped and the report says why; in CI they fail."""

import os
from typing import Any

import pytest

REASONS = pytest.StashKey[dict[str, str]]()
WORKERS_REASONS = "lacking"


def skip_or_fail(config: pytest.Config, title: str, why: str) -> None:
    """Ends the test that asks; with CI=true as a failure.

    Args:
        config: The session's.
        title: What is not tested, as the heading of the report.
        why: What is missing.
    """
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(why, pytrace=False)
    reasons = config.stash.setdefault(REASONS, {})
    reasons[title] = why
    if hasattr(config, "workeroutput"):  # set by a worker for the process that reports
        config.workeroutput[WORKERS_REASONS] = reasons
    pytest.skip(why)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Takes over the reasons that a worker of pytest-xdist has set."""
    node.config.stash.setdefault(REASONS, {}).update(getattr(node, "workeroutput", {}).get(WORKERS_REASONS, {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Says at the end of the report what was not tested, and why."""
    for title, why in config.stash.get(REASONS, {}).items():
        terminalreporter.section(title, yellow=True)
        terminalreporter.write_line(why, yellow=True)
