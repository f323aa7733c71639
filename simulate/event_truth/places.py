"""What a place of an event is, and what clocks and seasons are there (RULES.md, "Places", "Local time")."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from simulate.event_truth.accepted import Row
from simulate.event_truth.rules import EventRules

_EPOCH = datetime(1970, 1, 1, tzinfo=ZoneInfo("UTC"))
_PARTS = ("night", "morning", "afternoon", "evening")
_SEASONS = ("winter", "spring", "summer", "autumn")


@dataclass(frozen=True)
class Located:
    """A place in ISO 3166-2, or as it came, and the columns that its event has of it."""

    place: str | None
    columns: Row


def located(written: str | None, at: int, rules: EventRules) -> Located:
    """Where and when an event was, by the clocks of its place; an unknown one has those of UTC and no season."""
    place = _place(written, rules) if written else None
    country, region = (place or "").partition("-")[::2]
    known = rules.known_places.get(place or "")
    home = rules.known_places.get(country)
    lists_regions = any(other.startswith(f"{country}-") for other in rules.known_places)
    is_known = known is not None or (
        home is not None and not lists_regions and re.fullmatch("[A-Z0-9]{1,3}", region, re.ASCII) is not None
    )
    zone = next((one.time_zone for one in (known, home) if is_known and one and one.time_zone), "UTC")
    clock = (_EPOCH + timedelta(microseconds=at)).astimezone(ZoneInfo(zone))
    season = _SEASONS[(clock.month % 12 // 3 + (2 if home and home.is_southern else 0)) % 4]
    first = known or home
    columns = {
        "country": first.country if is_known and first else None,
        "state": known.state if known else None,
        "part_of_day": _PARTS[clock.hour // 6],
        "day_of_week": clock.isoweekday(),
        "is_weekend": clock.isoweekday() > 5,
        "season": season if is_known and home else None,
    }
    return Located(place, columns)


def _place(written: str, rules: EventRules) -> str:
    upper = written.upper()
    if upper in rules.places:
        return rules.places[upper]
    country, hyphen, region = upper.partition("-")
    return rules.places.get(country, country) + hyphen + region
