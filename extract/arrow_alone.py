"""Keeps pyarrow from importing pandas, which comes with the dashboard: that takes longer than a small file.

pyarrow looks for it once, when it makes its first array, and does without where it is missing; nothing of ours makes a
data frame. Whoever imports pandas afterwards gets it.
"""

import sys
from importlib.abc import MetaPathFinder

import pyarrow as pa


class _NoPandas(MetaPathFinder):
    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name == "pandas":
            raise ModuleNotFoundError(name)
        return


def _look_for_it_now() -> None:
    finder = _NoPandas()
    sys.meta_path.insert(0, finder)
    try:
        pa.array([])
    finally:
        sys.meta_path.remove(finder)


_look_for_it_now()
