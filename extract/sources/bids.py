"""Bids: what was offered in an auction for one place on a page, and what came of it, in one record or several."""

from extract.schema import FieldType, Kind, RecordType

FIELDS = {
    "auction_id": FieldType.TEXT,
    "imp_id": FieldType.TEXT,
    "exchange": FieldType.TEXT,
    "bid_id": FieldType.TEXT,
    "event_time": FieldType.TIMESTAMP,
    "bid_price": FieldType.MONEY,
    "currency": FieldType.TEXT,
    "won": FieldType.BOOLEAN,
    "clearing_price": FieldType.MONEY,
    "loss_reason": FieldType.TEXT,
    "campaign_id": FieldType.TEXT,
    "ad_id": FieldType.TEXT,
}
RECORD_TYPE = RecordType(
    FIELDS,
    required=frozenset({"auction_id", "imp_id", "event_time"}),
    ids=frozenset({"auction_id", "imp_id", "bid_id", "campaign_id", "ad_id"}),
    is_event=True,
    event_ids=frozenset({"auction_id"}),
)
KIND = Kind("bids", RECORD_TYPE, same_name="add")
