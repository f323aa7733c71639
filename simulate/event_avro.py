"""Bid requests as Avro files: in two versions of their schema, as exchanges come to have after some years.

The older version has floors of 32 bits and no time-out; its writer knows one name less and another codec.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable
from typing import Any

import fastavro


def avro_file(requests: Iterable[dict[str, Any]], name: str, *, is_newer: bool) -> bytes:
    """The bytes of a file with these requests; the same requests give the same bytes.

    Args:
        requests: Their fields, in the names of OpenRTB; `timestamp` in microseconds since 1970.
        name: Of the file: of it the marker between blocks is made, which writers draw at random.
        is_newer: Which version of the schema it has.
    """
    schema, codec = (_NEWER, "zstandard") if is_newer else (_OLDER, "snappy")
    file = io.BytesIO()
    fastavro.writer(
        file,
        schema,
        (request if is_newer else _in_milliseconds(request) for request in requests),
        codec=codec,
        sync_marker=hashlib.md5(name.encode(), usedforsecurity=False).digest(),
    )
    return file.getvalue()


def _in_milliseconds(request: dict[str, Any]) -> dict[str, Any]:
    at = request["timestamp"]
    return request | {"timestamp": None if at is None else at // 1_000}


def _record(name: str, **fields: Any) -> dict[str, Any]:
    return {"type": "record", "name": name, "fields": [{"name": one, "type": kind} for one, kind in fields.items()]}


def _schema(name: str, unit: str, floor: str, **newer: Any) -> Any:
    """The schema of a version; fastavro takes what a request lacks for null."""
    text, list_of_texts = ["null", "string"], {"type": "array", "items": "string"}
    segment = _record("Segment", id="string")
    data = _record("Data", id="string", segment={"type": "array", "items": segment})
    publisher = _record("Publisher", id=text)
    return fastavro.parse_schema(
        _record(
            name,
            exchange=text,
            id=text,
            timestamp=["null", {"type": "long", "logicalType": f"timestamp-{unit}"}],
            at="int",
            **newer,
            test="int",
            imp={"type": "array", "items": _record("Imp", id=text, bidfloor=["null", floor], bidfloorcur=text)},
            site=["null", _record("Site", domain=text, publisher=publisher, cat=list_of_texts)],
            app=["null", _record("App", bundle=text, publisher="Publisher", cat=list_of_texts)],
            device=_record("Device", devicetype="int", geo=_record("Geo", country=text, region=text)),
            user=_record("User", id=text, data={"type": "array", "items": data}),
        ),
        named_schemas={},
    )


_OLDER = _schema("exchange.v1.BidRequest", "millis", "float")
_NEWER = _schema("exchange.v2.BidRequest", "micros", "double", tmax=["null", "int"])
