"""Which of many parameters every run of the tests takes; the others are cases."""

from collections.abc import Sequence
from typing import Any

import pytest


def always(count: int, values: Sequence[Any]) -> list[Any]:
    """The first so many for every run, the others marked as cases."""
    others = [value if isinstance(value, tuple) else (value,) for value in values[count:]]
    return [*values[:count], *(pytest.param(*value, marks=pytest.mark.cases) for value in others)]
