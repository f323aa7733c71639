"""A few of the random histories of `sequences.py`, which plays as many as you like."""

from pathlib import Path

import pytest
import sequences


@pytest.mark.cases
@pytest.mark.parametrize("seed", [1, 2])
def test_what_stands_is_published_whatever_happened_before(seed: int, tmp_path: Path) -> None:
    with sequences.on_disk(tmp_path / "data") as (house, put):
        sequences.play(seed, house, put)
