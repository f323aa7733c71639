"""Impressions: an ad was shown, one record a time."""

from extract.schema import FieldType, Kind, RecordType

FIELDS = {
    "impression_id": FieldType.TEXT,
    "ad_id": FieldType.TEXT,
    "campaign_id": FieldType.TEXT,
    "publisher_id": FieldType.TEXT,
    "user_id": FieldType.TEXT,
    "event_time": FieldType.TIMESTAMP,
    "device_type": FieldType.TEXT,
    "geo_location": FieldType.TEXT,
    "platform": FieldType.TEXT,
    "ad_type": FieldType.TEXT,
    "bid_price": FieldType.MONEY,
    "site_domain": FieldType.TEXT,
    "auction_id": FieldType.TEXT,
    "imp_id": FieldType.TEXT,
}
RECORD_TYPE = RecordType(
    FIELDS,
    required=frozenset({"ad_id", "event_time"}),
    private=frozenset({"user_id"}),
    ids=frozenset({"impression_id", "ad_id", "campaign_id", "publisher_id", "user_id", "auction_id", "imp_id"}),
    is_event=True,
    own_id="impression_id",
    event_ids=frozenset({"impression_id", "auction_id"}),
)
KIND = Kind("impressions", RECORD_TYPE, same_name="add")
