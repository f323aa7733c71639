"""A file or fetch of which no record passes the rules replaces nothing, and everybody is told."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from conftest import Workspace
from support.extracting import lines, record
from support.platform import answering, page

pytestmark = pytest.mark.cases
GOOD, BROKEN = {"spend": "10.00"}, {"clicks": 9, "impressions": 1}


def ran(house: Workspace) -> list[str]:
    """Runs, and gives the warnings about units that replace nothing."""
    ended = house.adhouse("run")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return [line for line in ended.stderr.splitlines() if "has no record that passes" in line]


def asked(house: Workspace, query: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(house.adhouse("sql", query, "--json").stdout)
    return rows


def spend(house: Workspace) -> Decimal:
    return Decimal(str(asked(house, "select sum(total_spend) as spend from campaign_summary")[0]["spend"]))


def test_a_file_without_a_record_that_passes_replaces_nothing(tmp_path: Path) -> None:
    house = Workspace(tmp_path / "data", {"ADHOUSE_API_URL": "none"})
    house.drop("may.jsonl", lines(record(1, **GOOD), record(2, **GOOD)))
    assert ran(house) == []
    house.drop("may.jsonl", lines(record(3, **BROKEN), record(4, **BROKEN)))
    [said] = ran(house)
    assert said.startswith(
        "warning: campaign_files: may.jsonl has no record that passes the rules, of 2, so it replaces"
    )
    assert '`adhouse retract "may.jsonl"`' in said
    assert json.loads(house.adhouse("status", "--json").stdout)["unusable"] == [said.removeprefix("warning: ")]
    assert said in house.adhouse("status").stderr.splitlines()
    counted = "select files_unusable, records_kept, records_quarantined, records_superseded from data_quality"
    assert [*asked(house, counted)[0].values()] == [1, 2, 2, 0]
    assert spend(house) == 20

    house.drop("may.jsonl", lines(record(5, **GOOD)))
    assert ran(house) == []
    assert spend(house) == 10
    assert [*asked(house, counted)[0].values()] == [0, 1, 0, 4]


def test_neither_does_a_fetch_but_an_empty_one_does(tmp_path: Path) -> None:
    answers = [[record(1, **GOOD)], [record(1, **BROKEN)], []]

    def answer(query: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        return page(query, *answers[0])

    with answering(answer) as (url, _):
        day = {"ADHOUSE_SINCE": "2026-11-01", "ADHOUSE_UNTIL": "2026-11-01"}
        house = Workspace(tmp_path / "data", {"ADHOUSE_API_URL": url, "ADHOUSE_API_TOKEN": "canary-unusable", **day})
        assert ran(house) == []
        answers.pop(0)
        [said] = ran(house)
        assert "campaign_api: fetch 2 of 2026-11-01 has no record that passes the rules, of 1" in said
        assert spend(house) == 10
        answers.pop(0)
        assert ran(house) == []
        assert asked(house, "select * from campaign_summary") == []


def test_a_rejected_record_is_repaired_once_newer_files_have_every_day_of_its_own(tmp_path: Path) -> None:
    house = Workspace(tmp_path / "data", {"ADHOUSE_API_URL": "none", "ADHOUSE_SOURCES": str(tmp_path / "sources.yml")})
    (tmp_path / "sources.yml").write_text("sources: {shop: {kind: campaign_delivery, replaces: days}}")

    def open_records() -> int:
        return len(json.loads(house.adhouse("quarantine", "--json").stdout))

    days = [record(1, date=f"2026-11-0{day}", **GOOD) for day in (1, 2)]
    house.drop("week1.jsonl", lines(*days) + b'{"campaign_id": "c", "clicks": "many"}\n', "shop")
    ran(house)
    assert open_records() == 1
    house.drop("week2.jsonl", lines(days[0]), "shop")
    ran(house)
    assert open_records() == 1, "a day of the file still counts"
    house.drop("week3.jsonl", lines(days[1]), "shop")
    ran(house)
    assert open_records() == 0
