"""Money of several currencies is converted by the seed of rates; without the rate nothing is published."""

import json
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from conftest import Workspace
from support.marts import as_rows

from adhouse.settings import read_settings

HEADER = (
    "account,campaign_id,ad_id,date,brand,country,state,city,zipcode,impressions,clicks,spend,currency,conversions\n"
)


@pytest.mark.cases
def test_a_missing_rate_is_named_and_blocks_and_a_new_one_converts(own_project: Workspace, tmp_path: Path) -> None:
    rows = (
        "in euros,c1,a1,2026-11-03,Acme,DE,,,,1000,10,100.01,eur,1",
        "in dollars,c1,a1,2026-11-03,Acme,DE,,,,1000,10,50.00,,1",
        "in euros,c1,a1,2026-11-03,Acme,DE,,,,1000,10,,EUR,1",
    )
    own_project.drop("several.csv", (HEADER + "\n".join(rows) + "\n").encode())
    ended = own_project.adhouse("run")
    assert ended.returncode == 3, ended.stderr
    assert "EUR to USD: no exchange rate for 2026-11-03 or the 7 days before it" in ended.stderr
    assert "or set ADHOUSE_CURRENCY=EUR if all your money is in that" in ended.stderr
    assert not (own_project.home / "published" / "marts.duckdb").exists()

    with (tmp_path / "project" / "seeds" / "exchange_rates.csv").open("a") as seed:
        seed.write("2026-10-27,EUR,USD,1.25\n")
    ended = own_project.adhouse("run")
    assert ended.returncode == 0, ended.stderr
    house = read_settings({"ADHOUSE_HOME": str(own_project.home)})
    spends = {
        (row["original_spend"], row["currency"], row["spend"]) for row in as_rows(house, "processed_campaign_data")
    }
    median = (Decimal("125.0125") + 50) / 2
    assert spends == {(Decimal("100.01"), "EUR", Decimal("125.0125")), (50, "USD", 50), (None, "EUR", median)}
    by_account = {row["account"]: row["spend"] for row in as_rows(house, "source_performance")}
    assert by_account == {"in euros": Decimal("125.0125") + median, "in dollars": 50}


@pytest.mark.cases
def test_a_changed_rate_builds_the_days_that_it_decides_and_no_others(own_project: Workspace, tmp_path: Path) -> None:
    seed = tmp_path / "project" / "seeds" / "exchange_rates.csv"
    house = read_settings({"ADHOUSE_HOME": str(own_project.home)})

    def rates(*days: str) -> None:
        seed.write_text("date,from_currency,to_currency,rate\n" + "".join(f"{day}\n" for day in days))

    def changed_in_build() -> dict[tuple[str, str], int]:
        with duckdb.connect(str(house.warehouse), read_only=True) as connection:
            asked = "select account, cast(date as varchar), changed_in_build from intermediate.int_unit_days"
            return {(account, day): number for account, day, number in connection.execute(asked).fetchall()}

    def spends() -> dict[str, Decimal]:
        return {str(row["date"]): row["spend"] for row in as_rows(house, "daily_performance")}

    rows = (
        "in euros,c1,a1,2026-11-03,Acme,DE,,,,1000,10,100,EUR,1",
        "in euros,c1,a1,2026-11-20,Acme,DE,,,,1000,10,100,EUR,1",
        "in dollars,c1,a1,2026-11-20,Acme,DE,,,,1000,10,50,,1",
        "in dollars,c1,a1,2026-11-21,Acme,DE,,,,1000,10,50,,1",
    )
    own_project.drop("several.csv", (HEADER + "\n".join(rows) + "\n").encode())
    rates("2026-11-03,EUR,USD,1.25", "2026-11-19,EUR,USD,1.5")
    assert (ended := own_project.adhouse("run")).returncode == 0, ended.stderr
    assert spends() == {"2026-11-03": 125, "2026-11-20": 200, "2026-11-21": 50}
    before = changed_in_build()

    rates("2026-11-03,EUR,USD,1.25", "2026-11-19,EUR,USD,1.5", "2026-11-20,EUR,USD,2")
    assert (ended := own_project.adhouse("run")).returncode == 0, ended.stderr
    assert "full refresh: " not in ended.stderr
    assert spends() == {"2026-11-03": 125, "2026-11-20": 250, "2026-11-21": 50}
    after = changed_in_build()
    assert {key for key, number in after.items() if number != before[key]} == {("in euros", "2026-11-20")}

    rates("2026-11-19,EUR,USD,1.5", "2026-11-20,EUR,USD,2")
    ended = own_project.adhouse("run")
    assert ended.returncode == 3, ended.stderr
    assert "EUR to USD: no exchange rate for 2026-11-03 or the 7 days before it" in ended.stderr

    rates("2026-10-27,EUR,USD,3", "2026-11-19,EUR,USD,1.5")
    assert (ended := own_project.adhouse("run")).returncode == 0, ended.stderr
    assert spends() == {"2026-11-03": 300, "2026-11-20": 200, "2026-11-21": 50}
    marts = ("campaign_summary", "campaign_performance", "creative_performance", "source_performance", "data_quality")
    followed = {mart: as_rows(house, mart) for mart in marts}
    assert (ended := own_project.adhouse("run", "--full-refresh")).returncode == 0, ended.stderr
    assert {mart: as_rows(house, mart) for mart in marts} == followed


@pytest.mark.cases
def test_what_a_bid_was_cleared_at_follows_the_rate_of_the_day_of_the_bid(
    own_project: Workspace, tmp_path: Path
) -> None:
    """Its offer names no currency, its outcome of a later day does."""
    own_project.settings.update({"ADHOUSE_API_URL": "none", "ADHOUSE_PRIVACY_KEY": "a key of these tests"})
    house = read_settings({"ADHOUSE_HOME": str(own_project.home)})
    bid = {"auction_id": "A", "imp_id": "1", "exchange": "x"}
    offer = {**bid, "event_time": "2026-11-02T10:00:00Z", "bid_price": 2}
    outcome = {**bid, "event_time": "2026-11-20T10:00:00Z", "won": True, "clearing_price": 10, "currency": "EUR"}
    shown = {
        "impression_id": "i1",
        "ad_id": "a1",
        "campaign_id": "c1",
        "event_time": "2026-11-02T10:00:05Z",
        "auction_id": "A",
        "imp_id": "1",
    }
    for number, (inbox, record) in enumerate((("bids", offer), ("bids", outcome), ("impressions", shown))):
        own_project.drop(f"{number}.jsonl", json.dumps(record).encode() + b"\n", inbox)

    def cost(*rates: str, expected: str | None, refresh: bool = False) -> str:
        seed = tmp_path / "project" / "seeds" / "exchange_rates.csv"
        seed.write_text("date,from_currency,to_currency,rate\n" + "".join(f"{rate}\n" for rate in rates))
        ended = own_project.adhouse("run", *(["--full-refresh"] if refresh else []))
        assert ended.returncode == 0, ended.stderr
        found = {row["media_cost"] for row in as_rows(house, "ad_events")}
        assert found == {None if expected is None else Decimal(expected)}
        return ended.stdout + ended.stderr

    late = "2026-11-20,EUR,USD,1.5"
    assert "do not count" not in cost("2026-11-02,EUR,USD,1.25", late, expected="0.0125")
    cost("2026-11-02,EUR,USD,3", late, expected="0.03")
    said = cost(late, expected=None)
    assert "bids: 1 clearing prices of 2026-11-02 to 2026-11-02 do not count, because their currency has no" in said
    cost(late, expected=None, refresh=True)
    cost("2026-11-02,EUR,USD,1.25", late, expected="0.0125")
