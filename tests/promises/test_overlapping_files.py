"""Downloads that overlap, and a name that comes again: seen where names are replaced, right where days are."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import Workspace
from support.extracting import drop
from support.marts import as_rows, build

from adhouse.settings import read_settings
from extract.registry import SOURCES

HEADER = "account,campaign_id,ad_id,date,brand,country,state,city,zipcode,impressions,clicks,spend,conversions\n"


def week(campaign: str, first: int, conversions: int) -> bytes:
    """Seven days of a campaign with an account of its own, each with 100.00."""
    days = range(first, first + 7)
    rows = (f"of {campaign},{campaign},a1,2026-11-{day:02},Acme,US,,,,1000,10,100.00,{conversions}\n" for day in days)
    return (HEADER + "".join(rows)).encode()


FIRST = {"Campaign report.csv": week("c1", 1, 1), "weekly.csv": week("c2", 1, 1)}
SECOND = {"Campaign report (1).csv": week("c1", 2, 2), "weekly.csv": week("c2", 8, 1)}


@pytest.mark.cases
def test_what_may_count_twice_or_is_gone_is_said_with_the_way_out(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "data", {"ADHOUSE_API_URL": "none"})
    for files in (FIRST, SECOND):
        for name, content in files.items():
            workspace.drop(name, content)
        ended = workspace.adhouse("run")
        assert ended.returncode == 0, ended.stderr
        warned = [line for line in ended.stderr.splitlines() if line.startswith("warning: campaign_files: ")]
        assert len(warned) == (0 if files is FIRST else 2)
    twice, gone = warned
    assert "Campaign report (1).csv has again what Campaign report.csv has on 6 days" in twice
    assert "2026-11-02 to 2026-11-07: 600.00 USD may count twice" in twice
    assert "weekly.csv took the place of an older file of its name, and lacks its 7 days" in gone
    assert "2026-11-01 to 2026-11-07: 700.00 USD no longer count" in gone
    assert all("`replaces: days` for campaign_files" in line for line in warned)
    assert json.loads(workspace.adhouse("status", "--json").stdout)["overlaps"] == [
        gone.removeprefix("warning: "),
        twice.removeprefix("warning: "),
    ]


@pytest.mark.cases
def test_the_newest_file_of_a_day_replaces_it_whatever_its_name(tmp_path: Path) -> None:
    house = read_settings({"ADHOUSE_HOME": str(tmp_path), "ADHOUSE_API_URL": "none"})
    for files in (FIRST, SECOND):
        for name, content in files.items():
            drop(tmp_path, name, content)
        build(house, replace(SOURCES["campaign_files"], replaces="days"))
    summary = {row["campaign_id"]: row for row in as_rows(house, "campaign_summary")}
    c1, c2 = summary["c1"], summary["c2"]
    assert (c1["total_spend"], c1["total_conversions"]) == (800, 15)
    assert (c2["total_spend"], c2["total_conversions"]) == (1_400, 14)
    assert as_rows(house, "file_overlaps") == []
    by_source = as_rows(house, "source_performance")
    assert {row["account"] for row in by_source} == {"of c1", "of c2"}
    assert sum(row["spend"] for row in by_source) == 2_200


@pytest.mark.cases
def test_a_file_that_takes_a_day_without_some_of_its_campaigns_is_warned_of(tmp_path: Path) -> None:
    house = read_settings({"ADHOUSE_HOME": str(tmp_path), "ADHOUSE_API_URL": "none"})
    whole = week("c1", 1, 1) + week("c1", 1, 1).replace(b",c1,", b",c2,").removeprefix(HEADER.encode())
    for name, content in {"all.csv": whole, "one.csv": week("c1", 2, 2)}.items():
        drop(tmp_path, name, content)
        build(house, replace(SOURCES["campaign_files"], replaces="days"))
    [found] = as_rows(house, "file_overlaps")
    assert (found["overlap"], found["day_count"], found["spend"]) == ("campaigns_lacking", 6, 600)
    assert (
        "one.csv lacks campaigns that all.csv has on 6 days, 2026-11-02 to 2026-11-07: 600.00 USD" in found["message"]
    )
    drop(tmp_path, "again.csv", whole)
    build(house, replace(SOURCES["campaign_files"], replaces="days"))
    assert as_rows(house, "file_overlaps") == []
