"""What could not be read is read again once its source says how: of each kind of event, and counted once."""

import io
from collections.abc import Mapping
from pathlib import Path

import fastavro
import pytest
from conftest import Workspace
from support.marts import as_rows

from adhouse.settings import read_settings

LOGS: Mapping[str, str] = {
    "impressions": "impression_id,ad_id,event_time,user_id,bid_price,auction_id,imp_id\n"
    "i1,a,2026-11-02T10:00:00Z,u,2.5,q1,1\ni2,a,2026-11-02T10:00:01Z,u,EUR 3,q2,1\n",
    "clicks": "click_id,impression_id,event_time,user_id,click_price\n"
    "k1,i1,2026-11-02T10:01:00Z,u,1\nk2,i2,2026-11-02T10:02:00Z,u,EUR 2\n",
    "conversions": "conversion_id,user_id,event_time,conversion_type,conversion_value\n"
    "v1,u,2026-11-02T11:00:00Z,purchase,10\nv2,u,2026-11-02T12:00:00Z,purchase,EUR 20\n",
    "bids": "auction_id,imp_id,bid_id,event_time,bid_price,won,clearing_price\n"
    "q1,1,b1,2026-11-02T09:59:59Z,2.5,true,2\nq2,1,b2,2026-11-02T10:00:00Z,EUR 3,true,2\n",
}
KINDS = (*LOGS, "bid_requests")


def bid_requests() -> bytes:
    """Requests in Avro for the auctions of these bids; the floor of one, deep in a list, has a sign of its currency."""
    floor = {"name": "bidfloor", "type": ["string", "double"]}
    imp = {"type": "record", "name": "Imp", "fields": [{"name": "id", "type": "string"}, floor]}
    times, imps = {"name": "timestamp", "type": "string"}, {"name": "imp", "type": {"type": "array", "items": imp}}
    request = {"type": "record", "name": "Request", "fields": [{"name": "id", "type": "string"}, times, imps]}
    records = [
        {"id": "q1", "timestamp": "2026-11-02T09:59:59Z", "imp": [{"id": "1", "bidfloor": 1.5}]},
        {"id": "q2", "timestamp": "2026-11-02T10:00:00Z", "imp": [{"id": "1", "bidfloor": "EUR 2"}]},
    ]
    sink = io.BytesIO()
    fastavro.writer(sink, request, records)
    return sink.getvalue()


@pytest.mark.cases
def test_rejected_events_are_replayed_once_their_source_says_how_they_are_written(tmp_path: Path) -> None:
    sources = tmp_path / "sources.yml"
    environment = {
        "ADHOUSE_API_URL": "none",
        "ADHOUSE_PRIVACY_KEY": "a key of these tests",
        "ADHOUSE_SOURCES": str(sources),
    }
    workspace = Workspace(tmp_path / "data", environment)
    house = read_settings({"ADHOUSE_HOME": str(workspace.home)})
    sources.write_text("sources: {}\n")
    for kind, log in LOGS.items():
        workspace.drop("log.csv", log.encode(), source=kind)
    workspace.drop("log.avro", bid_requests(), source="bid_requests")

    def counts() -> dict[str, object]:
        balances = {row["source"]: row for row in as_rows(house, "data_quality")}
        return {kind: (balances[kind]["records_rejected"], balances[kind]["records_kept"]) for kind in KINDS}

    def replayed(*names: str) -> str:
        ended = workspace.adhouse("quarantine", "replay", *names)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout + ended.stderr

    assert (ended := workspace.adhouse("run")).returncode == 0, ended.stderr
    assert counts() == dict.fromkeys(KINDS, (1, 1))
    [said] = [line for line in replayed("clicks/log.csv").splitlines() if line.startswith("reading ")]
    assert "log.csv" in said
    assert counts() == dict.fromkeys(KINDS, (1, 1))

    says = "{files: {currency_signs: EUR}}"
    sources.write_text("sources:\n" + "".join(f"  {kind}: {says}\n" for kind in KINDS))
    replayed()
    assert counts() == dict.fromkeys(KINDS, (0, 2))
    events = {row["impression_id"]: row for row in as_rows(house, "ad_events")}
    assert [(events[name]["clicks"], str(events[name]["bid_price"])) for name in ("i1", "i2")] == [
        (1, "2.500000"),
        (1, "3.000000"),
    ]
    assert {row["conversion_id"] for row in as_rows(house, "attributed_conversions")} == {"v1", "v2"}
    assert "nothing to read again" in replayed()
    assert workspace.adhouse("quarantine", "replay", "clicks/log.csv").returncode == 2
