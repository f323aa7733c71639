"""Conversions: somebody bought, signed up or got a refund, one record a time."""

from extract.schema import FieldType, Kind, RecordType

FIELDS = {
    "conversion_id": FieldType.TEXT,
    "user_id": FieldType.TEXT,
    "campaign_id": FieldType.TEXT,
    "event_time": FieldType.TIMESTAMP,
    "conversion_type": FieldType.TEXT,
    "conversion_value": FieldType.MONEY,
    "currency": FieldType.TEXT,
    "conversion_count": FieldType.DECIMAL,
    "click_id": FieldType.TEXT,
    "impression_id": FieldType.TEXT,
}
RECORD_TYPE = RecordType(
    FIELDS,
    required=frozenset({"event_time"}),
    private=frozenset({"user_id"}),
    ids=frozenset({"conversion_id", "user_id", "campaign_id", "click_id", "impression_id"}),
    is_event=True,
    own_id="conversion_id",
    event_ids=frozenset({"conversion_id", "click_id", "impression_id"}),
)
KIND = Kind("conversions", RECORD_TYPE, same_name="add")
