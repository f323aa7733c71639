"""Campaign delivery: what a campaign's ads delivered, by day and place, as platforms report it."""

from extract.http.profile import ApiProfile
from extract.schema import FieldType, Kind, RecordType
from extract.source import SourceConfig

FIELDS = {
    "campaign_id": FieldType.TEXT,
    "ad_id": FieldType.TEXT,
    "date": FieldType.DATE,
    "brand": FieldType.TEXT,
    "country": FieldType.TEXT,
    "state": FieldType.TEXT,
    "city": FieldType.TEXT,
    "zipcode": FieldType.TEXT,
    "impressions": FieldType.COUNT,
    "clicks": FieldType.COUNT,
    "spend": FieldType.MONEY,
    "conversions": FieldType.DECIMAL,
}
OPTIONAL = {"account": FieldType.TEXT, "currency": FieldType.TEXT}
RECORD_TYPE = RecordType(
    FIELDS | OPTIONAL,
    required=frozenset(FIELDS),
    ids=frozenset({"campaign_id", "ad_id", "zipcode", "account"}),
    keys=("campaign_id", "ad_id"),
    labels=("brand", "country", "account"),
)
KIND = Kind("campaign_delivery", RECORD_TYPE, same_name="replace")
SOURCES = (
    SourceConfig("campaign_api", (KIND,), api=ApiProfile()),
    SourceConfig("campaign_files", (KIND,)),
)
