"""The places where the world's users live, with real names, so that maps, time zones and ISO codes can be joined."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, islice

import numpy as np
from numpy.typing import NDArray

# country, state, ISO 3166-2, city, a postal code to count up from, share of the world's users.
# Delivery names countries by their ISO 3166-1 code. Postal codes with leading zeros, letters, hyphens and spaces are
# there because each of them breaks a reader that takes postal codes for numbers.
_CITIES = (
    ("US", "California", "US-CA", "Los Angeles", "90001", 12),
    ("US", "California", "US-CA", "San Francisco", "94102", 6),
    ("US", "California", "US-CA", "San Diego", "92101", 4),
    ("US", "New York", "US-NY", "New York", "10001", 14),
    ("US", "New York", "US-NY", "Buffalo", "14201", 2),
    ("US", "New York", "US-NY", "Holtsville", "00501", 1),
    ("US", "Texas", "US-TX", "Houston", "77001", 6),
    ("US", "Texas", "US-TX", "Austin", "73301", 4),
    ("US", "Massachusetts", "US-MA", "Boston", "02108", 5),
    ("US", "New Jersey", "US-NJ", "Newark", "07101", 3),
    ("US", "Illinois", "US-IL", "Chicago", "60601", 6),
    ("US", "Florida", "US-FL", "Miami", "33101", 4),
    ("US", "Washington", "US-WA", "Seattle", "98101", 4),
    ("US", "Puerto Rico", "US-PR", "San Juan", "00901", 1),
    ("CA", "Ontario", "CA-ON", "Toronto", "M5V 2T6", 4),
    ("CA", "Quebec", "CA-QC", "Montréal", "H2Y 1C6", 3),
    ("CA", "British Columbia", "CA-BC", "Vancouver", "V5K 0A1", 2),
    ("GB", "England", "GB-ENG", "London", "SW1A 1AA", 7),
    ("GB", "England", "GB-ENG", "Manchester", "M1 1AE", 2),
    ("GB", "Scotland", "GB-SCT", "Edinburgh", "EH1 1YZ", 1),
    ("DE", "Berlin", "DE-BE", "Berlin", "10115", 4),
    ("DE", "Bayern", "DE-BY", "München", "80331", 3),
    ("DE", "Sachsen", "DE-SN", "Dresden", "01067", 1),
    ("FR", "Île-de-France", "FR-IDF", "Paris", "75001", 4),
    ("FR", "Provence-Alpes-Côte d'Azur", "FR-PAC", "Nice", "06000", 1),
    ("JP", "Tokyo", "JP-13", "Tokyo", "100-0001", 5),
    ("JP", "Osaka", "JP-27", "Osaka", "530-0001", 2),
    ("BR", "São Paulo", "BR-SP", "São Paulo", "01001-000", 4),
    ("BR", "Rio de Janeiro", "BR-RJ", "Rio de Janeiro", "20010-000", 2),
    ("IN", "Maharashtra", "IN-MH", "Mumbai", "400001", 4),
    ("IN", "Karnataka", "IN-KA", "Bengaluru", "560001", 3),
    ("AU", "New South Wales", "AU-NSW", "Sydney", "2000", 2),
    ("AU", "Victoria", "AU-VIC", "Melbourne", "3000", 2),
    ("AU", "Northern Territory", "AU-NT", "Darwin", "0800", 1),
)
CITIES = len(_CITIES)


@dataclass(frozen=True, eq=False)
class Places:
    """One entry per postal code; `country_index` points into `countries`."""

    country: tuple[str, ...]
    state: tuple[str, ...]
    geo_location: tuple[str, ...]
    city: tuple[str, ...]
    zipcode: tuple[str, ...]
    weight: NDArray[np.float64]
    countries: tuple[str, ...]
    country_index: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.zipcode)


def make_places(zips: int) -> Places:
    """Creates `zips` postal codes, spread evenly over the cities.

    They nest: within a country a postal code is in one city, a city in one state.

    Raises:
        ValueError: There are fewer postal codes than cities.
    """
    if zips < CITIES:
        raise ValueError(f"zips must be at least {CITIES}, one a city, not {zips}")
    taken: set[tuple[str, str]] = set()
    counting = [_counted_up(city[4], city[0] == "US") for city in _CITIES]
    rows: list[tuple[int, str]] = []
    for number in islice(cycle(range(CITIES)), zips):
        country = _CITIES[number][0]
        code = next(code for code in counting[number] if (country, code) not in taken)
        taken.add((country, code))
        rows.append((number, code))
    rows.sort(key=lambda row: row[0])
    codes_in_city = np.bincount([number for number, _ in rows])
    countries = tuple(dict.fromkeys(city[0] for city in _CITIES))
    return Places(
        country=tuple(_CITIES[number][0] for number, _ in rows),
        state=tuple(_CITIES[number][1] for number, _ in rows),
        geo_location=tuple(_CITIES[number][2] for number, _ in rows),
        city=tuple(_CITIES[number][3] for number, _ in rows),
        zipcode=tuple(code for _, code in rows),
        weight=np.array([_CITIES[number][5] / codes_in_city[number] for number, _ in rows]),
        countries=countries,
        country_index=np.array([countries.index(_CITIES[number][0]) for number, _ in rows], np.int64),
    )


def _counted_up(code: str, is_american: bool) -> Iterator[str]:
    """Postal codes from `code` on, each character counted within its own kind: `SW1A 1AZ` is followed by `SW1A 1BA`."""
    characters = list(code)
    nth = 0
    while True:
        nth += 1
        plain = "".join(characters)
        # Every seventh American code is written as ZIP+4.
        yield f"{plain}-{1000 + nth}" if is_american and nth % 7 == 0 else plain
        for position in reversed(range(len(characters))):
            character = characters[position]
            if character in "9Z":
                characters[position] = "0" if character == "9" else "A"
            elif character.isalnum():
                characters[position] = chr(ord(character) + 1)
                break
