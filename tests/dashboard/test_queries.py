"""What the pages' SQL gives: the marts' own numbers, of the rows that were chosen and may be seen, and nothing else."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import Workspace
from support.dashboard_pages import build_behind, days_back
from support.published_file import DAY, delivered, publish_invented

from dashboard import published, queries
from dashboard.course import delivery_course
from dashboard.measures import ATTRIBUTION, AUCTIONS, BALANCE, DELIVERY, FUNNEL
from dashboard.published import Build, TooSlowError, descriptions, file_of
from dashboard.queries import Reader, Selection

LONG_AGO, LATER = date(2000, 1, 1), date(2100, 12, 31)
RATES = ("ctr", "cpc", "cpm", "conversion_rate")
COUNTS = ("impressions", "clicks", "conversions", "spend")
GRAINS = {
    "daily_performance": ("brand", "country"),
    "source_performance": ("source", "account", "campaign_id", "ad_id", "brand", "country"),
    "campaign_performance": ("campaign_id", "brand", "country", "state", "city", "zipcode"),
    "creative_performance": ("ad_id", "campaign_id", "brand", "country", "state", "city", "zipcode"),
}


@pytest.fixture(scope="module")
def real(built_home: Workspace) -> Build:
    """The build of a real run."""
    return build_behind(built_home.home / "published" / "marts.duckdb")


def every(build: Build, **values: Any) -> Selection:
    return Selection(build, LONG_AGO, LATER, **values)


def of_mart(build: Build, sql: str) -> list[dict[str, Any]]:
    return published.fetch(build.path, sql).dicts()


@pytest.mark.parametrize("mart", GRAINS)
def test_the_dashboard_and_the_mart_agree_at_the_marts_own_grain(real: Build, mart: str) -> None:
    columns = GRAINS[mart]
    shown = queries.delivery(every(real), columns, grain="day", limit=None).dicts()
    there = of_mart(real, f"select * from adhouse.marts.{mart} order by date, {', '.join(columns)}")
    assert queries.delivery_mart(columns) == mart
    assert len(shown) == len(there) > 0
    for ours, theirs in zip(shown, there, strict=True):
        assert [ours[name] for name in (*columns, *COUNTS)] == [theirs[name] for name in (*columns, *COUNTS)]
        assert ours["bucket"] == theirs["date"]
        # The delivery marts say 0 where a rate is undefined; the dashboard says that it is.
        assert [ours[name] or 0 for name in RATES] == [theirs[name] or 0 for name in RATES]


def test_the_campaigns_over_all_dates_are_the_mart_campaign_summary(real: Build) -> None:
    shown = queries.delivery(every(real), ("campaign_id",), limit=None).dicts()
    there = of_mart(real, "select * from adhouse.marts.campaign_summary order by campaign_id")
    assert [row["campaign_id"] for row in shown] == [row["campaign_id"] for row in there]
    for ours, theirs in zip(shown, there, strict=True):
        assert [ours[name] for name in COUNTS] == [theirs[f"total_{name}"] for name in COUNTS]
        assert [ours[name] or 0 for name in RATES] == [theirs[name] or 0 for name in RATES]


@pytest.mark.parametrize("by", [("brand",), ("source",), ("campaign_id", "state"), ("ad_id",)])
def test_groups_of_whatever_mart_add_up_to_the_same_totals(real: Build, by: Sequence[str]) -> None:
    (total,) = queries.delivery(every(real)).dicts()
    groups = queries.delivery(every(real), by, limit=None).dicts()
    assert {name: sum(row[name] for row in groups) for name in COUNTS} == {name: total[name] for name in COUNTS}


@pytest.mark.cases
def test_the_pages_of_events_show_what_the_marts_of_a_real_run_have(tmp_path: Path) -> None:
    home = Workspace(tmp_path / "demo")
    assert home.adhouse("run").returncode == 0
    build = build_behind(home.home / "published" / "marts.duckdb")
    shown = queries.funnel(every(build), ("campaign_id",), "day", limit=None).dicts()
    there = of_mart(build, "select * from adhouse.marts.campaign_funnel")
    by_grain = {(row["campaign_id"], row["date"]): row for row in there}
    assert len(shown) == len(by_grain) > 0
    for row in shown:
        mart = by_grain[row["campaign_id"], row["bucket"]]
        assert {name: row[name] for name in FUNNEL} == {name: mart[name] for name in FUNNEL}
    credited = queries.attribution(every(build), "touch", (), ("model", "campaign_id")).dicts()
    summed = """
        select model, campaign_id, sum(conversions) as conversions, sum(conversion_value) as conversion_value
        from adhouse.marts.campaign_attribution where date_base = 'touch' group by all order by all
    """
    names = ("model", "campaign_id", "conversions", "conversion_value")
    assert [[row[name] for name in names] for row in credited] == [[*row.values()] for row in of_mart(build, summed)]
    spent = {row["campaign_id"]: row["total_spend"] for row in of_mart(build, "from adhouse.marts.campaign_summary")}
    for row in queries.credited_campaigns(every(build), "touch", (), "linear").dicts():
        assert row["spend"] == spent.get(row["campaign_id"])


def test_a_run_ends_by_naming_the_dashboard(built_home: Workspace) -> None:
    assert "adhouse dashboard" in (built_home.home / "first_run.out").read_text().partition("Next:")[2]


def test_a_build_knows_its_report_days(real: Build) -> None:
    assert real.time_zone == "UTC"
    assert real.currency == "USD"
    assert real.provisional_from == real.today - timedelta(days=3)


def test_what_is_not_chosen_does_not_count(invented: Build) -> None:
    selection = Selection(invented, days_back(6), DAY, chosen=(("country", ("US",)), ("brand", ("Acme", "Beta"))))
    (total,) = queries.delivery(selection).dicts()
    assert [total[name] for name in COUNTS] == [2500, 150, 15, Decimal("24.75")]
    (texas,) = queries.delivery(replace(selection, chosen=(*selection.chosen, ("state", ("Texas",))))).dicts()
    assert texas["spend"] == Decimal("17.5")


def test_the_period_before_is_summed_beside_and_undefined_stays_undefined(invented: Build) -> None:
    selection = Selection(invented, days_back(13), DAY, (days_back(27), days_back(14)))
    rows = queries.delivery(selection, ("campaign_id",), order="change_spend").dicts()
    assert [row["campaign_id"] for row in rows] == ["c2", "c1"]
    assert rows[1]["spend"] == Decimal("17.5")
    assert rows[1]["before_spend"] == 25
    assert rows[1]["before_cpa"] is None
    assert rows[1]["before_ctr"] == 0.02
    (alone,) = queries.delivery(Selection(invented, days_back(13), DAY), ("campaign_id",), limit=1).dicts()
    assert alone["before_spend"] is None
    assert alone["groups"] == 2


def test_days_of_both_periods_count_in_both(invented: Build) -> None:
    selection = Selection(invented, days_back(20), DAY, (days_back(30), days_back(1)))
    total = queries.delivery(selection, ("brand",)).dicts()[0]
    assert total["brand"] == "Acme"
    assert total["spend"] == Decimal("42.5")  # of today, yesterday and 20 days ago
    assert total["before_spend"] == Decimal("42.5")  # of yesterday, 20 and 30 days ago


@pytest.mark.parametrize("grain", queries.GRAINS.values())
def test_a_compared_bucket_has_the_days_that_stand_under_its_own(invented: Build, grain: str) -> None:
    since, until = days_back(13), DAY
    for before in ((days_back(27), days_back(14)), (days_back(29), days_back(19)), (days_back(20), days_back(15))):
        selection = Selection(invented, since, until, before)
        (total,) = queries.delivery(selection).dicts()
        rows = queries.delivery(selection, grain=grain, limit=None).dicts()
        assert sum(row["before_spend"] for row in rows) == total["before_spend"] == 25
        assert sum(row["spend"] for row in rows) == total["spend"]
        (compared,) = [row["bucket"] for row in rows if row["before_spend"]]
        day = min(days_back(20) + (since - before[0]), until)
        begins = {"day": day, "week": day - timedelta(days=day.weekday()), "month": day.replace(day=1)}
        assert compared == begins[grain]


LEAP_YEARS = (
    # The earlier year has a 29 February, the later one has it, and neither.
    (date(2025, 1, 1), date(2025, 3, 30), [date(2024, 2, 28), date(2024, 2, 29), date(2024, 3, 30)]),
    (date(2024, 1, 1), date(2024, 3, 30), [date(2023, 2, 28), date(2023, 3, 1), date(2023, 3, 30)]),
    (date(2026, 2, 1), date(2026, 3, 30), [date(2025, 2, 28), date(2025, 3, 1), date(2025, 3, 30)]),
)


@pytest.mark.parametrize(("since", "until", "days"), LEAP_YEARS, ids=str)
def test_a_day_is_compared_with_the_same_day_of_a_leap_year(
    tmp_path: Path, since: date, until: date, days: list[date]
) -> None:
    rows = [delivered(date=day, spend=number) for number, day in enumerate(days, 1)] + [delivered(date=until)]
    build = build_behind(publish_invented(tmp_path / "published", rows))
    selection = Selection(build, since, until, (queries.year_before(since), queries.year_before(until)))
    by_day = {row["bucket"]: row for row in delivery_course(selection, "day")}
    compared = {day: row["before_spend"] for day, row in by_day.items() if row["before_spend"]}
    assert sum(compared.values()) == 6  # nothing is lost
    assert compared[until] == 3
    eve = date(since.year, 2, 28)
    assert compared[eve] == (3 if days[1].day == 29 else 1)
    assert selection.compared_days(eve, eve) == (days[0], days[1] if days[1].day == 29 else days[0])
    if since.year == 2024:
        assert by_day[date(2024, 2, 29)]["before_spend"] is None
        assert selection.compared_days(date(2024, 2, 29), date(2024, 2, 29)) is None
    for grain in ("week", "month"):
        assert sum(row["before_spend"] or 0 for row in delivery_course(selection, grain)) == 6


def test_what_a_bucket_is_compared_with_ends_with_the_earlier_period(invented: Build) -> None:
    march = Selection(invented, date(2025, 3, 1), date(2025, 3, 30), (date(2025, 2, 1), date(2025, 2, 28)))
    assert march.compared_days(march.since, march.until) == march.before
    assert march.compared_days(date(2025, 3, 29), date(2025, 3, 30)) is None
    assert Selection(invented, march.since, march.until).compared_days(march.since, march.until) is None


def test_undefined_comes_last_whichever_way_is_sorted(invented: Build) -> None:
    selection = Selection(invented, days_back(3), DAY, chosen=(("brand", ("Beta",)),))
    for is_descending in (True, False):
        rows = queries.delivery(selection, ("ad_id",), order="cpc", is_descending=is_descending).dicts()
        assert [row["ad_id"] for row in rows] == ["ad2", "ad3"]
        assert rows[1]["cpc"] is None


def test_groups_with_too_few_impressions_are_left_out(invented: Build) -> None:
    rows = queries.delivery(Selection(invented, days_back(3), DAY), ("ad_id",), least_impressions=1500).dicts()
    assert [row["ad_id"] for row in rows] == ["ad1"]


def test_the_biggest_changes_are_rises_and_falls(invented: Build) -> None:
    selection = Selection(invented, days_back(13), DAY, (days_back(27), days_back(14)))
    moved = queries.movers(selection, "campaign_id", "spend", 2).dicts()
    assert [(row["campaign_id"], row["spend"] - row["before_spend"]) for row in moved] == [
        ("c2", Decimal("19.75")),
        ("c1", Decimal("-7.5")),
    ]


def test_no_mart_has_both_sources_and_states(invented: Build) -> None:
    assert queries.delivery_mart({"source", "state"}) is None
    with pytest.raises(ValueError, match="no mart has source, state"):
        queries.delivery(every(invented), ("source", "state"))


def test_a_mart_without_brands_shows_the_campaigns_of_which_a_reader_may_see_every_brand(tmp_path: Path) -> None:
    deliveries = [
        delivered(campaign_id="both"),
        delivered(campaign_id="both", brand="Beta"),
        delivered(campaign_id="acme"),
    ]
    rows = [{"campaign_id": name, "date": DAY, "impressions": 1} for name in ("both", "acme", "of events alone")]
    others: dict[str, list[dict[str, Any]]] = {
        "campaign_funnel": rows,
        "data_quality": [{"source": "campaign_api", "records_read": 5}],
        "ops.quarantine_examples": [{"source": "campaign_api", "reason": "negative_count", "payload": "{}"}],
    }
    build = build_behind(publish_invented(tmp_path / "published", deliveries, others))

    def seen(*brands: str) -> list[str]:
        selection = every(build, reader=Reader(brands))
        return sorted(row["campaign_id"] for row in queries.funnel(selection, ("campaign_id",)).dicts())

    assert seen("Acme") == ["acme"]
    assert seen("Acme", "Beta") == ["acme", "both"]
    assert seen() == []
    everything, some = Reader(), Reader(("Acme", "Beta"))
    assert len(queries.funnel(every(build), ("campaign_id",)).rows) == 3
    assert queries.balance(build, everything, ()).rows
    assert not queries.balance(build, some, ()).rows
    assert queries.example_reasons(build, everything) == ["negative_count"]
    assert queries.example_reasons(build, some) == []
    assert not queries.quarantine_examples(build, some, (), "negative_count").rows


def test_a_reader_sees_their_brands_alone(invented: Build) -> None:
    reader = Reader(("Acme",))
    assert queries.values_of(invented, reader, "brand") == ["Acme"]
    assert queries.values_of(invented, reader, "campaign_id") == ["c1", "c3"]
    asked_for_more = every(invented, reader=reader, chosen=(("brand", ("Acme", "Beta")),))
    assert {row["brand"] for row in queries.delivery(asked_for_more, ("brand",)).dicts()} == {"Acme"}
    assert queries.delivery(every(invented), ("brand",)).dicts() != queries.delivery(asked_for_more, ("brand",)).dicts()
    nobody = every(invented, reader=Reader(()))
    assert queries.delivery(nobody, ("brand",)).rows == []
    assert queries.days_of(invented, Reader(())) is None


@pytest.mark.parametrize(
    "statement",
    [
        "select * from read_csv('/etc/passwd')",
        "select * from glob('/*')",
        "copy (select 1) to 'out.csv'",
        "attach 'other.duckdb'",
        "install httpfs",
        "set memory_limit = '8GB'",
        "set enable_external_access = true",
        "create table adhouse.marts.mine (one integer)",
        "delete from adhouse.marts.campaign_summary",
    ],
)
def test_the_connection_reaches_no_file_and_changes_nothing(invented: Build, statement: str) -> None:
    with pytest.raises(duckdb.Error):
        published.fetch(invented.path, statement)


def test_a_value_is_never_sql(invented: Build) -> None:
    hostile = "x') or 1=1 --"
    assert queries.delivery(every(invented, chosen=(("brand", (hostile,)),)), ("brand",)).rows == []


def test_a_query_that_takes_too_long_is_stopped_and_leaves_others_alone(
    invented: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(published, "MOST_SECONDS", 0.3)
    with pytest.raises(TooSlowError):
        published.fetch(invented.path, "select count(*) from range(100000000) a, range(1000000) b")
    assert published.fetch(invented.path, "select 1").rows == [(1,)]
    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer):
            thread.join(10)
            assert not thread.is_alive(), "a cancelled timer ends"


def test_every_measure_is_defined_by_dbt(real: Build) -> None:
    said = descriptions(real.path)
    measures = [*DELIVERY.values(), *FUNNEL.values(), *ATTRIBUTION.values(), *BALANCE.values(), *AUCTIONS.values()]
    undefined = {one.name for one in measures if not said.get((one.described_by, one.name))}
    assert not undefined
    assert said["source_performance", "ctr"] == "Click-through rate: clicks / impressions; null without impressions."


def test_a_link_that_leads_nowhere_is_no_build(tmp_path: Path) -> None:
    assert file_of(tmp_path / "marts.duckdb") is None
