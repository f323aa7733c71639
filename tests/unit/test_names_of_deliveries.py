"""Which delivery a name means, when a person takes it back."""

from datetime import UTC, datetime

import pytest

from adhouse.commands.taking_back import _of_name
from adhouse.errors import CommandError
from extract.lake.ledger import Delivery
from extract.landing import LandedUnit


def delivery(number: int, source: str, name: str) -> Delivery:
    unit = LandedUnit(number, source, datetime(2026, 11, 1, tzinfo=UTC), f"{source}/2026-11-01/{number}/{name}")
    return Delivery(unit, name, "loaded", None, str(number), f"{source}/{name}", "", "1")


def test_a_name_of_several_sources_is_refused_with_the_choices() -> None:
    known = [delivery(1, "google", "may.csv"), delivery(2, "meta", "may.csv"), delivery(3, "meta", "may.csv")]
    with pytest.raises(CommandError, match="came from 2 sources") as refused:
        _of_name(known, "may.csv")
    assert refused.value.way_out == "say google/may.csv or meta/may.csv"
    assert [one.unit.number for one in _of_name(known, "meta/may.csv")] == [3, 2]
    assert _of_name(known, known[1].unit.path) == [known[1]]
