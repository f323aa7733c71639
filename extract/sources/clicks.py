"""Clicks: somebody clicked an ad, one record a time."""

from extract.schema import FieldType, Kind, RecordType

FIELDS = {
    "click_id": FieldType.TEXT,
    "impression_id": FieldType.TEXT,
    "ad_id": FieldType.TEXT,
    "campaign_id": FieldType.TEXT,
    "publisher_id": FieldType.TEXT,
    "user_id": FieldType.TEXT,
    "event_time": FieldType.TIMESTAMP,
    "device_type": FieldType.TEXT,
    "geo_location": FieldType.TEXT,
    "platform": FieldType.TEXT,
    "click_price": FieldType.MONEY,
}
RECORD_TYPE = RecordType(
    FIELDS,
    required=frozenset({"event_time"}),
    private=frozenset({"user_id"}),
    ids=frozenset({"click_id", "impression_id", "ad_id", "campaign_id", "publisher_id", "user_id"}),
    is_event=True,
    own_id="click_id",
    event_ids=frozenset({"click_id", "impression_id"}),
)
KIND = Kind("clicks", RECORD_TYPE, same_name="add")
