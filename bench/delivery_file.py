"""Writes the JSON lines that are measured: `python -m bench.delivery_file FIRST LAST PER_DAY PATH [restated]`.

A year of 300 campaigns, 1,500 ads and 40 brands in 240 places that nest, of which 2 % lack their spend and 2 % break a
rule: every rule is broken by some, and every tier of the median is needed by some, the last in vain.
"""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from string import Template

import duckdb
import pyarrow as pa

from simulate.data_faults import FaultRates
from simulate.world import World, make_world

SQL = Path(__file__).with_suffix(".sql")
SILENT = FaultRates(silent_ad_countries=0.003, silent_ads=0.005)


def write(first: int, last: int, per_day: int, path: str, *, is_restated: bool) -> None:
    """Writes the records from `first` to before `last`, as one file."""
    world = make_world(campaigns=300, ads_per_campaign=5, brands=40, zips=240, users=1, sites=1, rates=SILENT)
    bookings, places = _bookings(world), _places(world)
    with duckdb.connect(config={"threads": 2}) as connection:
        connection.register("bookings", bookings)
        connection.register("places", places)
        query = Template(SQL.read_text()).substitute(
            first=first,
            last=last,
            per_day=per_day,
            bookings=bookings.num_rows,
            places=places.num_rows,
            is_restated=is_restated,
            path=path.replace("'", "''"),
        )
        connection.execute(query)


def _bookings(world: World) -> pa.Table:
    silent = [row.nonzero()[0].tolist() for row in world.never_reports_spend]
    return pa.table(
        {
            "booking_number": range(len(world.booking_ad)),
            "campaign_id": _quoted(world.campaign_ids[number] for number in world.booking_campaign),
            "ad_id": _quoted(world.ad_ids[number] for number in world.booking_ad),
            "brand": _quoted(world.brands[world.ad_brand[number]] for number in world.booking_ad),
            "silent_countries": pa.array([silent[number] for number in world.booking_ad], pa.list_(pa.int64())),
        }
    )


def _places(world: World) -> pa.Table:
    places = world.places
    return pa.table(
        {
            "place_number": range(len(places)),
            "country_index": places.country_index,
            "country": _quoted(places.country),
            "state": _quoted(places.state),
            "city": _quoted(places.city),
            "zipcode": _quoted(places.zipcode),
        }
    )


def _quoted(texts: Iterable[str]) -> list[str]:
    return [json.dumps(text, ensure_ascii=False) for text in texts]


if __name__ == "__main__":
    first, last, per_day, path, *restated = sys.argv[1:]
    write(int(first), int(last), int(per_day), path, is_restated=restated == ["restated"])
