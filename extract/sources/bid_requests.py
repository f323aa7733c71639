"""Bid requests: an exchange asked for bids on places of a page or app, one request a time, as OpenRTB 2.6 names it.

OpenRTB has no time of the request: a source that sends it as JSON says which key has it.
"""

from extract.schema import FieldType, Kind, Parts, RecordType

FIELDS = {
    "exchange": FieldType.TEXT,
    "id": FieldType.TEXT,
    "timestamp": FieldType.TIMESTAMP,
    "at": FieldType.COUNT,
    "tmax": FieldType.COUNT,
    "test": FieldType.BOOLEAN,
    "imp": FieldType.JSON,
    "site": FieldType.JSON,
    "app": FieldType.JSON,
    "device": FieldType.JSON,
    "geo": FieldType.JSON,
    "user": FieldType.JSON,
}
_ID = frozenset({"id"})
_PUBLISHER = Parts({"id": FieldType.TEXT}, ids=_ID)
_GEO = Parts({"country": FieldType.TEXT, "region": FieldType.TEXT})
_PARTS = {
    "imp": Parts({"id": FieldType.TEXT, "bidfloor": FieldType.MONEY, "bidfloorcur": FieldType.TEXT}, ids=_ID, key="id"),
    "site": Parts({"domain": FieldType.TEXT, "publisher": _PUBLISHER}),
    "app": Parts({"bundle": FieldType.TEXT, "publisher": _PUBLISHER}, ids=frozenset({"bundle"})),
    "device": Parts({"devicetype": FieldType.TEXT, "geo": _GEO}, ids=frozenset({"devicetype"})),
    "geo": _GEO,
    "user": Parts({"geo": _GEO}),
}
_PRIVATE_PARTS = {
    "user": ("id", "buyeruid", "customdata", "eids.uids.id", "ext.eids.uids.id"),
    "device": ("ifa", "didsha1", "didmd5", "dpidsha1", "dpidmd5", "macsha1", "macmd5"),
}
RECORD_TYPE = RecordType(
    FIELDS,
    required=frozenset({"id", "timestamp"}),
    ids=frozenset({"id", "exchange"}),
    is_event=True,
    event_ids=frozenset({"id"}),
    needed=frozenset({"timestamp"}),
    parts=_PARTS,
    private_parts=frozenset(f"{name}.{path}" for name, paths in _PRIVATE_PARTS.items() for path in paths),
)
KIND = Kind("bid_requests", RECORD_TYPE, same_name="add")
