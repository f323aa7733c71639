"""How `make test` deals the tests out to its workers."""

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling


class _ByFile(LoadScopeScheduling):  # type: ignore[misc] # it has no types
    """Gives a file whole to one worker, and all that need the local Athena to one too, so that there is one Trino.

    pytest-xdist's own groups do nothing under pytest 9.2: it renames tests where pytest no longer looks.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        needs_athena = "local_athena" in (self.config.rootpath / file).read_text(encoding="utf-8")
        return "athena" if needs_athena else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _ByFile:
    """Deals out by file."""
    return _ByFile(config, log)
