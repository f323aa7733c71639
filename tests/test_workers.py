"""The tests are dealt out so that what several of them share is started once."""

from collections import defaultdict
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

FILE = """
import os
from pathlib import Path

import pytest


@pytest.mark.parametrize("number", range(6))
def test_one(number):
    with Path("who_had_what").open("a") as file:
        file.write(f"{Path(__file__).stem} {os.environ['PYTEST_XDIST_WORKER']}\\n")
"""
CONFTEST = "from workers import pytest_xdist_make_scheduler"


def test_a_file_is_one_workers_and_so_is_all_of_athena(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    pytester.makeconftest(CONFTEST)
    files = {f"test_{name}": FILE for name in "abcd"} | {f"test_{name}": f"# local_athena\n{FILE}" for name in "xyz"}
    pytester.makepyfile(**files)
    result = pytester.runpytest_subprocess("-n", "2", "--dist", "loadscope", "--no-loadscope-reorder")
    result.assert_outcomes(passed=42)
    workers = defaultdict(set)
    for line in (pytester.path / "who_had_what").read_text().splitlines():
        what, worker = line.split()
        workers[what].add(worker)
    assert {len(names) for names in workers.values()} == {1}
    assert workers.keys() == files.keys()
    assert workers["test_x"] == workers["test_y"] == workers["test_z"]
    assert set.union(*workers.values()) == {"gw0", "gw1"}
