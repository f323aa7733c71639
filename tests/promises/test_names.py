"""What people call their campaigns and ads takes effect with the next run, and builds nothing else again."""

from pathlib import Path

import pytest
from conftest import Workspace
from support.extracting import lines, record
from support.marts import as_rows

from adhouse.settings import read_settings

PRIVACY = {"ADHOUSE_PRIVACY_KEY": "a key of these tests"}


@pytest.mark.cases
def test_a_changed_name_takes_effect_without_a_full_refresh(own_project: Workspace, tmp_path: Path) -> None:
    house = read_settings({"ADHOUSE_HOME": str(own_project.home)})
    seeds = tmp_path / "project" / "seeds"
    headers = {name: (seeds / f"{name}.csv").read_text() for name in ("campaign_names", "ad_names")}
    own_project.drop("a.jsonl", lines(record(1, campaign_id="c1", ad_id="a1", brand="BrandA")))
    shown = {"impression_id": "i1", "ad_id": "a2", "campaign_id": "c2", "event_time": "2026-11-02T10:00:00Z"}
    own_project.drop("i.jsonl", lines(shown), source="impressions")
    ended = own_project.adhouse("run", **PRIVACY)
    assert ended.returncode == 0, ended.stderr
    assert [(row["campaign_id"], row["name"], row["brands"]) for row in as_rows(house, "dim_campaigns")] == [
        ("c1", "c1", "BrandA"),
        ("c2", "c2", None),
    ]

    for name, brand in (("Autumn sale", "BrandB"), ("Sale, all shoes", "BrandC")):
        (seeds / "campaign_names.csv").write_text(headers["campaign_names"] + f'c2,"{name}",ACME,video,active\n')
        (seeds / "ad_names.csv").write_text(headers["ad_names"] + f"a2,Red shoe,{brand},shoes,\n")
        ended = own_project.adhouse("run", **PRIVACY)
        assert ended.returncode == 0, ended.stderr
        assert "full refresh" not in ended.stderr
        assert "warning" not in ended.stderr
        [_, campaign] = as_rows(house, "dim_campaigns")
        assert (campaign["name"], campaign["advertiser"], campaign["brands"]) == (name, "ACME", brand)
        query = "select a.impression_id, d.name, d.brand from ad_events as a join dim_ads as d on a.ad_id = d.ad_id"
        assert own_project.adhouse("sql", query, "--csv").stdout.splitlines()[1:] == [f"i1,Red shoe,{brand}"]
    assert "nothing new" in own_project.adhouse("run", **PRIVACY).stdout


@pytest.mark.cases
def test_what_is_wrong_with_a_name_is_said_in_one_line(own_project: Workspace, tmp_path: Path) -> None:
    seeds = tmp_path / "project" / "seeds"
    headers = {name: (seeds / f"{name}.csv").read_text() for name in ("campaign_names", "ad_names")}
    own_project.drop(
        "a.jsonl",
        lines(
            record(1, campaign_id="c1", ad_id="a1", brand="BrandA"),
            record(2, campaign_id="c1", ad_id="a1", brand="BrandB"),
            record(3, campaign_id="c1", ad_id="a2", brand="BrandA"),
            record(4, campaign_id="c1", ad_id="a2", brand="Unknown"),
        ),
    )

    def said(**rows: list[str]) -> list[str]:
        for name, header in headers.items():
            (seeds / f"{name}.csv").write_text(header + "".join(f"{row}\n" for row in rows.get(name, [])))
        ended = own_project.adhouse("run")
        return sorted(line for line in ended.stderr.splitlines() if line.startswith(("warning: ", "error: ")))

    assert said(campaign_names=["c1,One,,,", " c1 ,Two,,,", ",Three,,,"], ad_names=["a1,,A,,", "a1,,A,,"]) == [
        "error: seeds/ad_names.csv: ad_id a1 stands there 2 times; correct it, and run again",
        "error: seeds/campaign_names.csv: 1 rows have no campaign_id; correct it, and run again",
        "error: seeds/campaign_names.csv: campaign_id c1 stands there 2 times; correct it, and run again",
    ]
    assert said(campaign_names=["c1,Sale,,,", "c1,Sale, all shoes,ACME,video,active"])[0] == (
        "error: seeds/campaign_names.csv row 2: 6 values for 5 columns; put double quotes around a "
        "text that has a comma in it"
    )
    assert not (own_project.home / "published" / "marts.duckdb").exists()
    assert said(campaign_names=["c1,One,,,", "c3,Two,,,", "c2,Two,,,"], ad_names=["a3,One,,,"]) == [
        "warning: ad a1 has 2 brands, BrandA and BrandB among them; dim_ads takes BrandB, which has most impressions: "
        "add the right one to seeds/ad_names.csv",
        "warning: seeds/ad_names.csv: nothing was delivered or logged of a3; is the id right?",
        "warning: seeds/campaign_names.csv: nothing was delivered or logged of c2 and 1 others; is the id right?",
    ]
    assert said(ad_names=["a1,,BrandA,,"]) == []
