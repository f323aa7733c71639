"""Which of many parameters every run of the tests takes; the others are cases."""

from collections.abc import Iterable
from typing import Any

import pytest


def always(count: int, values: Iterable[Any]) -> list[Any]:
    """The first so many for every run, the others marked as cases."""
    every = [value if isinstance(value, tuple) else (value,) for value in values]
    return [*every[:count], *(pytest.param(*value, marks=pytest.mark.cases) for value in every[count:])]
