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
