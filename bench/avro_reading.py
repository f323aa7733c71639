"""Reads bid requests from Avro as adhouse and polars do: `python -m bench.avro_reading RECORDS ROUNDS FOLDER`.

Two files have the same requests: as our fields are called, and in another version of the schema, which has some names
only as aliases, other types of times and floors, and a field more. Each is read by both in each round, in turns; prints
their seconds of CPU, first those of adhouse, a round and file a line.

Raises:
    SystemExit: The requests that were read differ.
"""

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import fastavro
import polars as pl
import pyarrow as pa

from extract.files import shape_of
from extract.privacy import privacy_of
from extract.readers import read_file
from extract.registry import SOURCES

AT = 1_735_689_600_000  # milliseconds since 1970
_TEXT = ["null", "string"]
_PLACES = (("USA", "CA"), ("USA", "NY"), ("DEU", "BE"), ("GBR", "ENG"), ("FRA", "IDF"), ("JPN", "13"), ("BRA", None))


def requests(count: int) -> Iterator[dict[str, Any]]:
    """So many requests, always the same: of 2,000,000 people, 300 publishers and 2,000 sites, a fifth of them apps."""
    draw = Random(1)  # noqa: S311 it only has to be the same each time
    for number in range(count):
        country, region = draw.choice(_PLACES)
        site = draw.randrange(2_000)
        page = {"publisher": {"id": f"pub{site % 300:04}"}, "cat": [f"IAB{1 + site % 20}"]}
        floor = draw.randrange(400) / 100
        imps = [{"id": str(1 + place), "bidfloor": floor, "bidfloorcur": "USD"} for place in range(1 + number % 2)]
        person = draw.randrange(2_000_000)
        yield {
            "exchange": f"exchange-{site % 4}",
            "id": f"a-{number:08x}-{draw.randrange(1 << 32):08x}",
            "timestamp": AT + number * 7 + draw.randrange(1_000),
            "at": 1 + site % 2,
            "tmax": 100 + 20 * (site % 4),
            "test": 0,
            "imp": imps,
            "site": {"domain": f"site{site}.example", **page} if site % 5 else None,
            "app": None if site % 5 else {"bundle": f"app.site{site}.example", **page},
            "device": {"devicetype": 1 + site % 5, "geo": {"country": country, "region": region}},
            "user": {
                "id": f"{person:08x}-6f1c-4000-8000-{person * 7919:012x}" if person % 20 else None,
                "data": [{"id": "dmp", "segment": [{"id": f"s{draw.randrange(32)}"}]}],
            },
        }


def _record(name: str, **fields: Any) -> dict[str, Any]:
    return {"type": "record", "name": name, "fields": [{"name": one, "type": kind} for one, kind in fields.items()]}


def _schema(unit: str, floor: str) -> dict[str, Any]:
    texts = {"type": "array", "items": "string"}
    data = _record("Data", id="string", segment={"type": "array", "items": _record("Segment", id="string")})
    return _record(
        "BidRequest",
        exchange=_TEXT,
        id=_TEXT,
        timestamp=["null", {"type": "long", "logicalType": f"timestamp-{unit}"}],
        at="int",
        tmax=["null", "int"],
        test="int",
        imp={"type": "array", "items": _record("Imp", id=_TEXT, bidfloor=["null", floor], bidfloorcur=_TEXT)},
        site=["null", _record("Site", domain=_TEXT, publisher=_record("Publisher", id=_TEXT), cat=texts)],
        app=["null", _record("App", bundle=_TEXT, publisher=_record("AppPublisher", id=_TEXT), cat=texts)],
        device=_record("Device", devicetype="int", geo=_record("Geo", country=_TEXT, region=_TEXT)),
        user=_record("User", id=_TEXT, data={"type": "array", "items": data}),
    )


def _other_version() -> dict[str, Any]:
    schema = _schema("micros", "float")
    for field in schema["fields"]:
        if field["name"] in ("id", "exchange"):
            field.update(name=f"{field['name']}_name", aliases=[field["name"]])
    schema["fields"].append({"name": "seatbid_limit", "type": "int"})
    return schema


def _in_other_version(request: dict[str, Any]) -> dict[str, Any]:
    named = {f"{name}_name" if name in ("id", "exchange") else name: value for name, value in request.items()}
    return named | {"timestamp": request["timestamp"] * 1_000, "seatbid_limit": 3}


def write(count: int, own: Path, other: Path) -> None:
    """Writes both files."""
    with own.open("wb") as file:
        fastavro.writer(file, _schema("millis", "double"), requests(count), codec="snappy")
    with other.open("wb") as file:
        fastavro.writer(file, _other_version(), map(_in_other_version, requests(count)), codec="snappy")


def read(path: Path) -> pa.Table:
    """What adhouse reads, with every check and pseudonym."""
    config = SOURCES["bid_requests"]
    privacy = privacy_of(config.kinds, config.fields, "a key of the benchmark, and of nothing else")
    batches = read_file(path, shape_of(config, config.kinds[0], ZoneInfo("UTC"), privacy))
    return pa.concat_tables([batch.records for batch in batches])


def main(count: int, rounds: int, folder: Path) -> None:
    """Writes the files and reads both in each round."""
    paths = folder / "own.avro", folder / "other.avro"
    write(count, *paths)
    first = read(paths[0]).drop_columns("_extra")
    if first.num_rows != count or not read(paths[1]).drop_columns("_extra").equals(first):
        raise SystemExit("the requests that were read differ")
    for _ in range(rounds):
        for path in paths:
            started = time.process_time()
            read(path)
            between = time.process_time()
            pl.read_avro(path)
            print(between - started, time.process_time() - between)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
