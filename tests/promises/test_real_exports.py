"""Exports as people have them, all at once through the real command: what is right in the marts, and what is said."""

import json
from pathlib import Path

import pytest
from conftest import Workspace

CASES = Path(__file__).parents[1] / "cases"
HEADER = "campaign_id,ad_id,date,brand,country,state,city,zipcode,impressions,clicks,spend,conversions\n"
SOURCES = """
sources:
  again: {kind: campaign_delivery}
  totals: {kind: campaign_delivery}
  days: {kind: campaign_delivery, replaces: days}
  european: {kind: campaign_delivery, files: {decimal: ","}}
  doubtful: {kind: campaign_delivery}
  google: {preset: google_ads, currency: USD}
  weekly: {kind: campaign_delivery}
"""


def row(day: int, spend: str = "100.00", conversions: int = 1) -> str:
    """A record of a day."""
    return f"c1,a1,2026-11-{day:02},Acme,US,,,,1000,10,{spend},{conversions}\n"


@pytest.mark.cases
def test_exports_give_the_right_money_or_say_why_not(tmp_path: Path) -> None:
    (tmp_path / "sources.yml").write_text(SOURCES)
    home = Workspace(tmp_path / "data", {"ADHOUSE_API_URL": "none", "ADHOUSE_SOURCES": str(tmp_path / "sources.yml")})
    european = (CASES / "exports" / "european_numbers.csv").read_bytes()
    google = (CASES / "presets" / "google_ads.csv").read_text().replace("EUR", "USD")
    total = ",,,,,,,,2000,20,200.00,2\n"
    files = {
        "again": HEADER + row(1) + row(2),
        "totals": f"{HEADER}{row(1)}{row(2)}Total: Account{total}",
        "days": HEADER + "".join(row(day) for day in range(1, 8)),
        "european": european.decode(),
        "doubtful": european.decode(),
        "google": google,
        "weekly": HEADER + row(1) + row(8),
    }
    for name, content in files.items():
        home.drop("export.csv", content.encode(), source=name)
    first = home.adhouse("run")
    assert first.returncode == 0, first.stderr
    assert "warning: weekly: 'export.csv': its 2 dates are whole weeks apart" in first.stderr
    home.drop("export.csv", (HEADER + row(1, "$1") + row(2, "$1")).encode(), source="again")
    home.drop("export.csv", (HEADER + "".join(row(day, conversions=2) for day in range(7, 9))).encode(), source="days")
    second = home.adhouse("run")
    assert second.returncode == 0, second.stderr
    assert "again: 'export.csv' is quarantined: too_many_rejected: 2 of 2 records cannot be read" in second.stderr

    query = "select source, sum(impressions), sum(spend), sum(conversions) from source_performance group by 1"
    sums = json.loads(home.adhouse("sql", "--json", query).stdout)
    found = {one["source"]: [float(one[name]) for name in [*one][1:]] for one in sums}
    assert found == {
        "again": [2000, 200, 2],
        "totals": [2000, 200, 2],
        "days": [8000, 800, 10],
        "european": [16245, 2772.06, 25],
        "doubtful": [900, 12, 1],
        "google": [14325, 1144.06, 13.5],
        "weekly": [2000, 200, 2],
    }
    rejected = json.loads(home.adhouse("quarantine", "--json").stdout)
    assert {(one["source"], one["reason"]) for one in rejected} >= {
        ("again", "too_many_rejected"),
        ("totals", "total_row"),
        ("google", "total_row"),
        ("doubtful", "ambiguous_number"),
    }
