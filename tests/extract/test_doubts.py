"""What is said of records that load, though their money may not be what it seems."""

import json
from pathlib import Path

import pytest
from support.extracting import RecordedProgress, api_at, drop, extracted, record, rows
from support.platform import answering, page

from adhouse.settings import read_settings

HEADER = "campaign_id,ad_id,date,brand,country,state,city,zipcode,impressions,clicks,spend,conversions"
PLAIN = "kind: campaign_delivery"
PRESET = "preset: google_ads"
EXPORT = "Day,Campaign ID,Impr.,Clicks,Cost,Conversions"


def doubts(home: Path, keys: str, content: str, name: str = "export.csv") -> list[str]:
    """What a run warns of a file of a source that is declared so; all of its records load."""
    file = home / "sources.yml"
    file.write_text(f"sources: {{shop: {{{keys}}}}}\n")
    said = RecordedProgress()
    drop(home, name, content.encode(), source="shop")
    source = read_settings({"ADHOUSE_SOURCES": str(file)}).sources["shop"]
    assert extracted(home, sources=[source], said=said).sources["shop"].rejected == 0
    begin = f"warning: shop: {name!r}: "
    return [line.removeprefix(begin) for line in said.messages if line.startswith(begin)]


def table(*days: str, header: str = HEADER, spend: str = "100.00", more: str = "") -> str:
    """An export with a row for each day."""
    made = (f"c1,a1,{day},Acme,US,,,,1000,10,{spend},1{more}" for day in days)
    return "\n".join([header, *made, ""])


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (["2026-11-02", "2026-11-09"], "its 2 dates are whole weeks apart"),
        (["2026-11-02", "2026-11-16", "2026-11-30"], "its 3 dates are whole weeks apart"),
        (["2026-10-01", "2026-11-01"], "its 2 dates are the first days of months"),
        (["2026-11-02", "2026-11-16"], None),
        (["2026-11-02", "2026-11-09", "2026-11-10"], None),
        (["2026-11-02"], None),
    ],
)
def test_dates_of_weeks_and_months_are_told(tmp_path: Path, days: list[str], said: str | None) -> None:
    found = doubts(tmp_path, PLAIN, table(*days))
    assert [line.partition(":")[0] for line in found] == ([said] if said else [])


ENDS = f"{HEADER},End date"


@pytest.mark.parametrize(
    ("content", "is_told"),
    [
        (table("2026-11-01", header=ENDS, more=",2026-11-30"), True),
        (table("2026-11-02", header=ENDS, more=",2026-11-08") + "c,a,2026-11-03,b,,,,,9,1,5,1,2026-11-09\n", True),
        (table("2026-11-01", "2026-11-02", header=ENDS, more=",2026-11-02"), False),  # that of the report
        (table("2026-11-01", header=ENDS, more=",2026-11-01"), False),
    ],
)
def test_an_end_behind_the_date_is_told(tmp_path: Path, content: str, *, is_told: bool) -> None:
    assert [" as the end of 2026-11-0" in line for line in doubts(tmp_path, PLAIN, content)] == [True] * is_told


@pytest.mark.parametrize(
    "levels",
    [
        ["c1,,2026-11-01,b,,,,,5,1,5,1", "c1,a1,2026-11-01,b,,,,,3,1,2,1", "c1,a2,2026-11-01,b,,,,,2,0,3,0"],
        ["c1,a,,b,,,,,5,1,5,1", ",,2026-11-01,b,,,,,3,1,2,1", ",,2026-11-02,b,,,,,2,0,3,0"],
    ],
)
def test_levels_of_a_report_that_add_up_to_the_same_are_told(tmp_path: Path, levels: list[str]) -> None:
    (found,) = doubts(tmp_path, PLAIN, "\n".join([HEADER, *levels, ""]))
    assert found.endswith("add up to as much as the others: money may count twice")


def test_a_key_that_is_almost_a_field_is_told(tmp_path: Path) -> None:
    text = '{"campaignId": "1", "date": "2026-11-01", "impressions": 10, "Spend": 100}\n'
    assert doubts(
        tmp_path, f"{PLAIN}, columns: {{brand: {{constant: b}}}}", text.replace("{", '{"Brand": "x", '), "a.json"
    ) == [
        "its key 'Spend' is not read as spend: set `columns: {spend: Spend}` if it is that",
        "its key 'campaignId' is not read as campaign_id: set `columns: {campaign_id: campaignId}` if it is that",
    ]


@pytest.mark.parametrize(
    ("keys", "content", "said"),
    [
        (
            PLAIN,
            table("2026-11-01", header=f"{HEADER},Currency code", more=",EUR"),
            "its column 'Currency code' says EUR",
        ),
        (PLAIN, table("2026-11-01", header=f"{HEADER},Währung", more=",eur"), "its column 'Währung' says EUR"),
        (
            f"{PLAIN}, columns: {{spend: Cost (EUR)}}",
            table("2026-11-01", header=HEADER.replace("spend", "Cost (EUR)")),
            "its spend is 'Cost (EUR)'",
        ),
        (f"{PLAIN}, files: {{currency_signs: [$, €]}}", table("2026-11-01", spend="€5"), "its amounts carry €"),
        (
            f"{PLAIN}, currency: USD, files: {{currency_signs: [$, €]}}",
            table("2026-11-01", spend="$5") + table("2026-11-02", spend="5 €").partition("\n")[2],
            "its amounts carry €",
        ),
        (PRESET, f"{EXPORT}\n2026-11-01,1,10,1,5.00,1\n", "nothing says the currency of 1 of 1 records"),
        (
            PLAIN,
            f"{HEADER},Currency\nc,a,2026-11-01,b,,,,,9,1,5,1,EUR\nc,a,2026-11-02,b,,,,,9,1,5,1,\n",
            "nothing says the currency of 1 of 2 records",
        ),
        (
            f"{PLAIN}, columns: {{spend: cost_micros}}",
            table("2026-11-01", header=HEADER.replace("spend", "cost_micros")),
            "spend is 'cost_micros' as it stands there",
        ),
        (
            f"{PLAIN}, columns: {{spend: spend_cents}}",
            table("2026-11-01", header=HEADER.replace("spend", "spend_cents")),
            "spend is 'spend_cents' as it stands there",
        ),
    ],
)
def test_money_of_an_unknown_currency_or_unit_is_told(tmp_path: Path, keys: str, content: str, said: str) -> None:
    (found,) = doubts(tmp_path, keys, content)
    assert found.startswith(said)


@pytest.mark.parametrize(
    ("keys", "content"),
    [
        (PLAIN, table("2026-11-01", "2026-11-02")),
        (f"{PLAIN}, currency: EUR", table("2026-11-01", header=f"{HEADER},Currency code", more=",EUR")),
        (f"{PLAIN}, currency: {{column: Cur}}", table("2026-11-01", header=f"{HEADER},Cur,Other", more=",USD,EUR")),
        (PLAIN, table("2026-11-01", header=f"{HEADER},Note", more=",USA")),
        (f"{PLAIN}, files: {{currency_signs: [$]}}", table("2026-11-01", spend="$5")),
        (f"{PLAIN}, currency: EUR, files: {{currency_signs: [€]}}", table("2026-11-01", spend="€5")),
        (f"{PRESET}, currency: EUR", f"{EXPORT}\n2026-11-01,1,10,1,5.00,1\n"),
        (
            f"{PLAIN}, columns: {{spend: {{name: cost_micros, divide_by: 1000000}}}}",
            table("2026-11-01", header=HEADER.replace("spend", "cost_micros")),
        ),
    ],
)
def test_money_that_is_told_is_no_doubt(tmp_path: Path, keys: str, content: str) -> None:
    assert doubts(tmp_path, keys, content) == []


def test_an_api_says_it_once_in_a_run(tmp_path: Path) -> None:
    def answer(asked: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        return page(asked, record(1, date=asked["date"], cost_currency="EUR", campaign_id="1.2E+17"))

    said = RecordedProgress()
    with answering(answer) as (url, _):
        extracted(tmp_path, api_at(url), said=said)
    warned = [line.partition("Z-")[2].partition(": ")[2] for line in said.messages if line.startswith("warning: ")]
    assert len(rows(tmp_path, "fetches")) > 1
    assert [line[:30] for line in warned] == ["1 id with an exponent, such as", "its column 'cost_currency' say"]


def test_records_between_two_stray_quotes_are_missed_aloud(tmp_path: Path) -> None:
    first, second, third = (f"c1,a1,2026-11-0{day},Acme,US,,{{}},,1000,10,100.00,1\n" for day in (1, 2, 3))
    swallowed = "".join([HEADER, "\n", first.format('"LA'), second.format(""), third.format('LA"')])
    [said] = doubts(tmp_path, PLAIN, swallowed)
    assert said.startswith("1 text goes over several lines that look like records, such as city 'LA,")
    assert doubts(tmp_path, PLAIN, "".join([HEADER, "\n", first.format('"two\nlines"')]), "other.csv") == []


def test_a_saved_page_says_that_there_are_others(tmp_path: Path) -> None:
    content = {"data": [record(1)], "paging": {"next": "https://ads.example/2"}}
    [said] = doubts(tmp_path, PLAIN, json.dumps(content), "page.json")
    assert said.startswith("1 key says that this is one of several pages")


@pytest.mark.parametrize(("other", "is_said"), [("100.00,3", True), ("100.01,1", False)])
def test_a_report_by_conversion_action_counts_its_money_again_aloud(tmp_path: Path, other: str, is_said: bool) -> None:
    rows_of_a_day = [f"c1,a1,2026-11-01,Acme,US,,,,1000,10,{said}" for said in ("100.00,1", other)]
    said = doubts(tmp_path, PLAIN, "\n".join([HEADER, *rows_of_a_day, ""]))
    assert [line[:40] for line in said] == (["1 record says again what another one say"] if is_said else [])
