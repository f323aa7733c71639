"""One of the random histories of `event_histories.py`, which plays as many as you like."""

from pathlib import Path

import event_histories
import pytest


@pytest.mark.cases
@pytest.mark.timeout(900)
def test_what_a_build_leaves_alone_is_what_a_full_refresh_makes(tmp_path: Path) -> None:
    event_histories.play(11, *event_histories.house_at(tmp_path), steps=4)
