"""The pages without a browser: what they show of a build, and what they say where there is nothing to show."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.ipc
from support.dashboard_pages import RunPage, build_behind, days_back
from support.published_file import DAY, delivered, publish_invented

from dashboard import maps, queries, show
from dashboard.course import buckets, delivery_course
from dashboard.hours import by_weekday_and_hour
from dashboard.queries import Selection

UNDEFINED = "–"  # noqa: RUF001


NEW_YORK = "America/New_York"


def at(*parts: int) -> datetime:
    """A time in UTC, as it is stored."""
    return datetime(*parts, tzinfo=UTC).replace(tzinfo=None)  # type: ignore[misc,arg-type]


def metrics(shown: object) -> dict[str, str]:
    return {metric.label: metric.value for metric in shown.metric}  # type: ignore[attr-defined]


def test_a_folder_without_a_build_says_what_to_do(run_page: RunPage, tmp_path: Path) -> None:
    shown = run_page(tmp_path / "marts.duckdb")
    assert [info.value for info in shown.info] == [
        "Nothing is published yet. Run `adhouse run` first; this page shows it at the next reload."
    ]


def test_an_empty_build_has_empty_pages(run_page: RunPage, tmp_path: Path) -> None:
    empty = publish_invented(tmp_path / "published", [])
    shown = run_page(empty)
    said = {"overview": [info.value for info in shown.info]}
    for page in (
        "campaigns",
        "creatives",
        "daily",
        "geography",
        "funnel",
        "attribution",
        "auctions",
        "alerts",
        "health",
    ):
        shown.switch_page(f"pages_/{page}.py").run()
        assert not shown.exception
        said[page] = [info.value for info in shown.info]
    nothing = show.NO_DELIVERY
    assert [page for page, infos in said.items() if infos == [nothing]] == [*said][:5]
    assert "There are no events in this period" in said["funnel"][0]
    assert "No conversions are known in this period" in said["attribution"][0]
    assert "There are no auctions in this period" in said["auctions"][0]
    assert said["alerts"] == ["No metric was unusual in this period."]
    assert said["health"] == ["Nothing has come yet."]


def test_the_overview_sums_the_chosen_and_compares_it(run_page: RunPage, invented_link: Path) -> None:
    shown = run_page(
        invented_link, cards=["Spend", "CTR", "CPA"], brand="Acme", period="Last 7 days", compare="Nothing"
    )
    assert metrics(shown) == {"Spend": "&#36;17&#46;50", "CTR": "6&#46;67&#37;", "CPA": "&#36;1&#46;75"}
    assert not shown.warning
    assert f"Data as of {DAY.replace(day=6)} 00:00 UTC" in shown.caption[0].value


def test_an_undefined_rate_is_a_dash(run_page: RunPage, invented_link: Path) -> None:
    shown = run_page(invented_link, cards=["CPC", "CPA"], ad="ad3")
    assert metrics(shown) == {"CPC": UNDEFINED, "CPA": UNDEFINED}


def test_a_period_with_nothing_before_it_is_not_compared(run_page: RunPage, invented_link: Path) -> None:
    shown = run_page(invented_link, period="Last 28 days")
    assert [metric.delta for metric in shown.metric] == [""] * 6
    assert any("not compared with" in caption.value for caption in shown.caption)


def test_campaigns_are_sorted_and_reduced_by_the_link(run_page: RunPage, invented_link: Path) -> None:
    shown = run_page(
        invented_link, "campaigns", sort="CTR", direction="Lowest first", columns=["CTR"], compare="Nothing"
    )
    table = shown.dataframe[0].value
    assert list(table.columns) == ["campaign_id", "ctr"]
    assert list(table["campaign_id"]) == ["c2", "c1"]


def test_a_table_has_the_decimals_that_its_numbers_need(run_page: RunPage, tmp_path: Path) -> None:
    rows = [delivered(), delivered(campaign_id="c2", clicks=1000, conversions=Decimal("1.5"))]
    shown = run_page(publish_invented(tmp_path / "published", rows), "campaigns")
    columns = json.loads(shown.dataframe[0].proto.columns)
    written = {name: columns[name]["type_config"] for name in ("clicks", "conversions", "spend", "cpc", "ctr")}
    assert {name: (config["format"], config.get("step")) for name, config in written.items()} == {
        "clicks": ("accounting", 1),
        "conversions": ("accounting", None),
        "spend": ("accounting", None),
        "cpc": ("accounting", 0.0001),
        "ctr": ("%.2f%%", None),
    }
    assert columns["spend"]["label"] == "Spend (USD)"


def test_campaigns_and_ads_have_the_names_of_the_seeds(run_page: RunPage, tmp_path: Path) -> None:
    names = {"dim_campaigns": [{"campaign_id": "c1", "name": "Summer"}, {"campaign_id": "c2", "name": "c2"}]}
    link = publish_invented(tmp_path / "published", [delivered(), delivered(campaign_id="c2", spend=1)], names)
    table = run_page(link, "campaigns").dataframe[0].value
    assert list(table.columns[:2]) == ["campaign_id", "name"]
    assert list(table["name"]) == ["Summer", ""]
    assert "name" not in run_page(link, "creatives").dataframe[0].value


def test_a_chosen_campaign_is_called_by_its_name_below_the_filter(run_page: RunPage, tmp_path: Path) -> None:
    names = {"dim_campaigns": [{"campaign_id": "c1", "name": "*Summer*"}]}
    link = publish_invented(tmp_path / "published", [delivered(), delivered(campaign_id="c2")], names)

    def said(**chosen: object) -> list[str]:
        captions = [caption.value for caption in run_page(link, "campaigns", **chosen).sidebar.caption]
        return [caption for caption in captions if "Summer" in caption]

    assert said(campaign=["c1", "c2"]) == ["c1&#58; &#42;Summer&#42;"]
    assert said(campaign=["c2"]) == []


def test_creatives_shown_too_rarely_are_left_out(run_page: RunPage, invented_link: Path) -> None:
    everyone = run_page(invented_link, "creatives", least="0").dataframe[0].value
    assert sorted(everyone["ad_id"]) == ["ad1", "ad2", "ad3"]
    often = run_page(invented_link, "creatives", least="1,000").dataframe[0].value
    assert sorted(often["ad_id"]) == ["ad1", "ad2", "ad3"]
    shown = run_page(invented_link, "creatives", least="10,000")
    assert "Nothing has 10,000 impressions." in [info.value for info in shown.info]


def test_creatives_that_are_left_out_are_counted(run_page: RunPage, tmp_path: Path) -> None:
    days = [delivered(), delivered(ad_id="ad2", impressions=999), delivered(ad_id="ad3", impressions=1)]
    shown = run_page(publish_invented(tmp_path / "published", days), "creatives")
    said = [caption.value for caption in shown.caption]
    assert any("1 row by ad. Another 2 had fewer than 1,000 impressions." in one for one in said)


def test_a_change_that_is_not_compared_does_not_sort(run_page: RunPage, invented_link: Path) -> None:
    shown = run_page(invented_link, "campaigns", sort="Change of Spend", compare="Nothing")
    assert list(shown.dataframe[0].value["campaign_id"]) == ["c2", "c1"]
    assert any("Nothing is compared, so they are sorted by Spend." in one.value for one in shown.caption)


def test_a_column_is_as_wide_as_its_longest_number(run_page: RunPage, tmp_path: Path) -> None:
    def width(impressions: int) -> int:
        (folder := tmp_path / str(impressions)).mkdir(exist_ok=True)
        link = publish_invented(folder / "published", [delivered(impressions=impressions)])
        return int(json.loads(run_page(link, "campaigns").dataframe[0].proto.columns)["impressions"]["width"])

    long = width(9_999_999_999)
    assert long >= 8 * len("9,999,999,999")
    assert width(100) < long


def test_an_ad_whose_ctr_falls_within_the_period_is_wearing_out(run_page: RunPage, tmp_path: Path) -> None:
    days = [
        *(delivered(ad_id="tired", date=days_back(back), clicks=20 if back < 7 else 50) for back in range(14)),
        *(delivered(ad_id="fresh", date=days_back(back), clicks=50 if back < 7 else 20) for back in range(14)),
        *(
            delivered(ad_id="rare", date=days_back(back), impressions=10, clicks=0 if back < 7 else 5)
            for back in range(14)
        ),
    ]
    shown = run_page(publish_invented(tmp_path / "published", days), "creatives")
    (row,) = shown.dataframe[1].value.to_dict("records")
    assert row["ad_id"] == "tired"
    assert row["ctr"] == 2.0  # percent
    assert round(row["change_ctr"], 9) == -60


def test_places_lead_down_from_countries_to_zip_codes(run_page: RunPage, invented_link: Path) -> None:
    def first_column(**link: str) -> tuple[str, list[str]]:
        table = run_page(invented_link, "geography", **link).dataframe[0].value
        return table.columns[0], sorted(table[table.columns[0]])

    assert first_column() == ("country", ["DE", "US"])
    assert first_column(country="US") == ("state", ["Ohio", "Texas"])
    assert first_column(country="US", state="Ohio") == ("city", ["Columbus"])
    assert first_column(country="US", state="Ohio", city="Columbus") == ("zipcode", ["43004"])


def test_what_a_map_cannot_draw_is_named(run_page: RunPage, tmp_path: Path) -> None:
    places = [{"place": "US", "country": "US"}, {"place": "DE", "country": "DE"}]
    deliveries = [delivered(), delivered(country="USA"), delivered(country="Germany"), delivered(country="Atlantis")]
    others = {"places": places, "place_aliases": [{"alias": "USA", "place": "US"}]}
    shown = run_page(publish_invented(tmp_path / "published", deliveries, others), "geography")
    (said,) = [caption.value for caption in shown.caption if "on the map" in caption.value]
    assert said.endswith("Not on the map&#58; Atlantis&#44; USA&#46;")
    (places_drawn,) = shown.get("vega_lite_chart")[0].proto.datasets
    drawn = pyarrow.ipc.open_stream(places_drawn.data.data).read_all().to_pylist()
    assert [(row["code"], row["place"], row["text"]) for row in drawn] == [
        ("DE", "Germany", "$12.50"),
        ("US", "US", "$12.50"),
    ]
    assert [one.proto.body for one in shown.get("html") if "up to $12.5" in one.proto.body]


def test_only_what_may_still_change_is_shaded(run_page: RunPage, tmp_path: Path) -> None:
    def shaded(link: Path, page: str = "daily", **parameters: object) -> bool:
        return any("Shaded" in one.value for one in run_page(link, page, **parameters).caption)

    days = [delivered(date=days_back(back)) for back in range(20)]
    (tmp_path / "files").mkdir()
    assert not shaded(publish_invented(tmp_path / "files" / "published", days))
    fetched: dict[str, list[dict[str, Any]]] = {"source_balances": [{"source": "campaign_api", "unit_type": "fetch"}]}
    funnel = {"campaign_id": "c1", "wins": 1, "net_clicks": 1, "conversions": 1}
    credited = {"campaign_id": "c1", "date_base": "touch", "model": "linear", "is_mature": False}
    others: dict[str, list[dict[str, Any]]] = {
        **fetched,
        "campaign_funnel": [{**funnel, "date": days_back(back)} for back in range(20)],
        "campaign_attribution": [{**credited, "date": days_back(5)}],
    }
    link = publish_invented(tmp_path / "published", days, others)
    assert shaded(link)
    closed: dict[str, Any] = {"period": "Custom", "dates": [str(days_back(10)), str(days_back(6))]}
    assert not shaded(link, **closed, grain="Month")
    assert shaded(link, "funnel", rate="CVR")
    assert not shaded(link, "funnel", rate="Win rate")
    assert not shaded(link, "funnel", rate="CVR", grain="Month", **closed)


def test_a_state_is_known_by_its_name_or_its_code() -> None:
    named = [maps.code_of_state("US", one, {("US", "Cal."): "US-CA"}) for one in ("Cal.", "california", "CA", "Bayern")]
    assert named == ["US-CA", "US-CA", "US-CA", None]


def test_hours_are_those_of_the_report_time_zone_and_say_which_filters_they_lack(
    run_page: RunPage, tmp_path: Path
) -> None:
    hours = {"report_date": DAY, "campaign_id": "c1", "ad_id": "ad1", "net_impressions": 200, "net_clicks": 10}
    others = {
        "hourly_performance": [{**hours, "hour_at": at(2026, 11, 5, 23)}, {**hours, "hour_at": at(2026, 11, 6, 1)}]
    }
    link = publish_invented(tmp_path / "published", [delivered()], others, as_of=at(2026, 11, 6, 5), time_zone=NEW_YORK)
    shown = run_page(link, "daily", brand="Acme")
    assert any("clocks of America/New_York. Not filtered by Brand" in caption.value for caption in shown.caption)
    selection = Selection(build_behind(link), DAY, DAY)
    cells = by_weekday_and_hour(queries.hours(selection).dicts(), NEW_YORK)
    assert [(cell["row"], cell["hour"], cell["text"]) for cell in cells] == [("Thu", 18, "5.00%"), ("Thu", 20, "5.00%")]
    assert queries.hours(replace(selection, chosen=(("campaign_id", ("c2",)),))).rows == []


def test_days_without_delivery_are_drawn_as_such(invented_link: Path) -> None:
    selection = Selection(build_behind(invented_link), days_back(3), DAY)
    days = delivery_course(selection, "day")
    assert [(row["bucket"], row["spend"], row["ctr"]) for row in days[:3]] == [
        (days_back(3), 0, None),
        (days_back(2), 0, None),
        (days_back(1), 5, 0.1),
    ]
    weeks = delivery_course(replace(selection, since=days_back(21)), "week")
    assert [(row["bucket"], row["impressions"]) for row in weeks] == [
        (date(2026, 10, 12), 2000),
        (date(2026, 10, 19), 0),
        (date(2026, 10, 26), 0),
        (date(2026, 11, 2), 3500),
    ]
    assert buckets(date(2026, 1, 31), date(2026, 3, 1), "month") == [date(2026, month, 1) for month in (1, 2, 3)]


def test_the_funnel_divides_sums_and_has_filters_by_campaign_alone(run_page: RunPage, tmp_path: Path) -> None:
    one = {"date": DAY, "opportunities": 200, "wins": 100, "net_impressions": 80, "net_clicks": 8, "conversions": 2}
    others = {
        "campaign_funnel": [
            {"campaign_id": "c1", **one},
            {"campaign_id": "c1", **one, "date": days_back(1), "opportunities": 100, "wins": 80},
            {"campaign_id": "c9", **one, "wins": 0, "net_clicks": 0, "conversions": 0},
        ]
    }
    link = publish_invented(tmp_path / "published", [delivered()], others)
    cards = metrics(run_page(link, "funnel", campaign="c1", brand="Acme"))
    assert {name: cards[name] for name in ("Bid on", "Win rate", "CVR")} == {
        "Bid on": "300",
        "Win rate": "60&#46;00&#37;",
        "CVR": "25&#46;00&#37;",
    }
    assert metrics(run_page(link, "funnel", campaign="c9"))["CVR"] == UNDEFINED
    disabled = [box.label for box in run_page(link, "funnel").multiselect if box.disabled]
    assert disabled == ["Source", "Brand", "Ad", "Country", "State", "City", "ZIP code"]


def test_attribution_models_stand_side_by_side(run_page: RunPage, tmp_path: Path) -> None:
    def credited(model: str, base: str, conversions: int, **values: object) -> dict[str, object]:
        row = {"campaign_id": "c1", "date": DAY, "conversion_type": "purchase", "model": model, "date_base": base}
        row |= {"conversions": conversions, "conversion_value": conversions * 10, "is_mature": False}
        zero = dict.fromkeys(("view_through_conversions", "unattributed_conversions", "view_through_value"), 0)
        return {**row, **zero, "unattributed_value": 0, **values}

    others = {
        "campaign_attribution": [
            credited("last_click_else_view", "touch", 5),
            credited("linear", "touch", 3, view_through_conversions=2),
            credited("last_click_else_view", "touch", 70, conversion_type="sign_up", is_mature=True),
            credited("last_click_else_view", "conversion", 900),
        ]
    }
    shown = run_page(publish_invented(tmp_path / "published", [delivered()], others), "attribution", type="purchase")
    models = shown.dataframe[0].value
    assert list(models["conversions"]) == [5, 3]
    assert list(models["view_through_conversions"]) == [0, 2]
    (campaign,) = shown.dataframe[1].value.to_dict("records")
    assert (campaign["spend"], campaign["cpa"], campaign["roas"]) == (12.5, 2.5, 4.0)
    assert any("The look-back window of 5 conversions" in caption.value for caption in shown.caption)


def test_auctions_divide_sums_and_name_why_bids_lost(run_page: RunPage, tmp_path: Path) -> None:
    auction = {"date": DAY, "exchange": "x1", "opportunities": 100, "requested_and_bid_on": 40, "wins": 10}
    auction |= {"opportunities_bid_on": 50, "clearing_prices": 30, "bids_cleared": 10}
    others = {
        "auction_performance": [
            auction,
            {**auction, "exchange": "x2", "opportunities": 300, "wins": 0, "bids_cleared": 0, "clearing_prices": 0},
            {**auction, "date": days_back(40)},
        ],
        "auction_losses": [
            {"date": DAY, "loss_reason": "outbid", "bids_lost": 3},
            {"date": DAY, "loss_reason": "below floor", "bids_lost": 1},
            {"date": days_back(40), "loss_reason": "outbid", "bids_lost": 100},
        ],
    }
    shown = run_page(publish_invented(tmp_path / "published", [delivered()], others), "auctions", by="Exchange")
    cards = metrics(shown)
    assert {name: cards[name] for name in ("Opportunities", "Bid rate", "Win rate", "Clearing price")} == {
        "Opportunities": "400",
        "Bid rate": "20&#46;00&#37;",
        "Win rate": "10&#46;00&#37;",
        "Clearing price": "&#36;3&#46;00",
    }
    losses, exchanges = (frame.value for frame in shown.dataframe)
    assert losses.to_dict("list") == {"Reason": ["outbid", "below floor"], "Bids lost": [3, 1], "Share": [75.0, 25.0]}
    assert list(exchanges["exchange"]) == ["x2", "x1"]
    assert exchanges["average_clearing_price"].isna().tolist() == [True, False]


def test_alerts_say_what_was_usual_and_what_moved(run_page: RunPage, tmp_path: Path) -> None:
    alert = {
        "scope": "campaign",
        "campaign_id": "c1",
        "date": DAY,
        "metric": "ctr",
        "value": 0.01,
        "median_value": 0.04,
    }
    others = {
        "kpi_alerts": [
            {**alert, "compared_days": 8, "moved": "numerator"},
            {
                **alert,
                "scope": "all",
                "campaign_id": "all_campaigns",
                "metric": "spend",
                "value": 90,
                "median_value": 0,
            },
            {**alert, "date": days_back(60)},
        ]
    }
    link = publish_invented(tmp_path / "published", [delivered(), delivered(date=days_back(1))], others)
    table = run_page(link, "alerts").dataframe[0].value
    assert list(table["Campaign"]) == ["all together", "c1"]
    assert list(table["Value"]) == ["$90.00", "1.00%"]
    assert list(table["Usually"]) == ["$0.00", "4.00%"]
    assert list(table["Metric"]) == ["Spend", "CTR"]
    assert list(table["What moved"]) == ["", "Clicks"]
    assert table["Change"].isna().tolist() == [True, False]
    assert list(run_page(link, "alerts", scope="Campaigns").dataframe[0].value["Campaign"]) == ["c1"]


def test_data_health_shows_what_was_left_out_and_why(run_page: RunPage, tmp_path: Path) -> None:
    received = at(2026, 11, 6, 4)
    others: dict[str, list[dict[str, object]]] = {
        "source_balances": [
            {"source": name, "kind": "k", "_source": name, "status": "loaded", "received_at": received}
            for name in ("campaign_api", "clicks")
        ],
        "data_quality": [
            {"source": "campaign_api", "records_read": 10, "records_rejected": 1, "records_loaded": 9}
            | {"records_superseded": 0, "records_duplicate": 0, "records_quarantined": 2, "records_kept": 7}
            | {"files_quarantined": 0, "fetches_failed": 0}
        ],
        "quarantined_deliveries": [{"source": "campaign_api", "reason": "negative_count"}] * 2,
        "quarantined_events": [{"source": "clicks", "reason": "negative_price"}],
        "quarantine_reasons": [{"reason": "negative_count", "meaning": "A count is below 0", "what_to_do": "Ask"}],
        "file_overlaps": [{"source": "campaign_api", "message": "![x](http://evil.example/x.png) may count twice"}],
        "ops.quarantine_examples": [{"source": "campaign_api", "reason": "negative_count", "payload": "{}"}],
        "ops.test_results": [
            {"build_id": "000001-20261106T040000Z-test", "test": "good", "status": "pass", "failed_rows": 0},
            {"build_id": "000001-20261106T040000Z-test", "test": "late", "status": "warn", "failed_rows": 3},
        ],
    }
    link = publish_invented(tmp_path / "published", [delivered()], others)
    shown = run_page(link, "health")
    assert metrics(shown) == {
        "Tests passed": "1 of 2",
        "Records read": "10",
        "Records that count": "7",
        "Records left out": "3",
    }
    assert "http://" not in shown.warning[0].value
    assert list(shown.dataframe[0].value["Source"]) == ["campaign_api", "clicks"]
    assert list(shown.dataframe[0].value["Newest report day"]) == [DAY, None]
    quarantine = run_page(link, "health", tab="Quarantine", source="campaign_api").dataframe[0].value
    assert quarantine[["Reason", "Records", "What it means"]].to_dict("list") == {
        "Reason": ["negative_count"],
        "Records": [2],
        "What it means": ["A count is below 0"],
    }
    tests = run_page(link, "health", tab="Tests and builds").dataframe[0].value
    assert list(tests["Test"]) == ["late", "good"]


def test_flights_stand_beside_their_targets(run_page: RunPage, tmp_path: Path) -> None:
    flight = {"flight_start": days_back(5), "flight_end": DAY, "is_running": True, "budget": 100, "spend": 70}
    others = {
        "pacing": [
            {"campaign_id": "c1", **flight, "pacing": 0.7, "target_ctr": 0.05, "roas": 2.5},
            {"campaign_id": "c2", **flight, "pacing": None},
            {"campaign_id": "c3", **flight, "flight_start": days_back(90), "flight_end": days_back(80)},
        ]
    }
    shown = run_page(publish_invented(tmp_path / "published", [delivered()], others), "campaigns")
    flights = shown.dataframe[1].value
    assert list(flights["campaign_id"]) == ["c1", "c2"]
    assert list(flights["status"]) == ["running, behind", "running"]
    assert flights["target_ctr"][0] == 5.0  # percent
    assert flights["roas"][0] == 2.5


def test_flights_say_which_filters_they_lack_and_need_no_delivery(run_page: RunPage, tmp_path: Path) -> None:
    flight = {"flight_start": days_back(5), "flight_end": DAY, "is_running": True, "budget": 100, "spend": 0}
    others = {"pacing": [{"campaign_id": name, **flight} for name in ("c1", "misspelt")]}
    link = publish_invented(tmp_path / "published", [delivered()], others)
    shown = run_page(link, "campaigns", brand="Acme")
    assert list(shown.dataframe[1].value["campaign_id"]) == ["c1", "misspelt"]
    assert any("Not filtered by Brand" in one.value for one in shown.caption)
    (flights,) = run_page(link, "campaigns", campaign="misspelt").dataframe
    assert list(flights.value["campaign_id"]) == ["misspelt"]


def test_reversed_dates_are_said(run_page: RunPage, invented_link: Path) -> None:
    shown = run_page(invented_link, period="Custom", dates=[str(DAY), str(days_back(3))], compare="Nothing")
    assert [warning.value for warning in shown.warning] == ["The dates were in reverse order."]
    assert metrics(shown)["Spend"] == "&#36;37&#46;25"


def test_a_value_that_is_not_there_is_said_until_it_is_read(run_page: RunPage, invented_link: Path) -> None:
    shown = run_page(invented_link, brand=["Acme", "![x](http://evil.example/x.png)"])
    (warning,) = shown.warning
    assert "is not in this build" in warning.value
    assert "http://" not in warning.value
    shown.run()
    assert shown.warning, "another run does not take it away"
    next(button for button in shown.button if button.label == "Understood").click()
    shown.run()
    assert not shown.warning


def test_a_new_build_is_shown_at_the_next_run(run_page: RunPage, tmp_path: Path) -> None:
    folder = tmp_path / "published"
    old = publish_invented(folder, [delivered()])
    shown = run_page(old, cards=["Impressions"])
    assert metrics(shown) == {"Impressions": "1&#44;000"}
    publish_invented(folder, [delivered(impressions=3000)], build_id="000002-20261106T050000Z-test")
    assert metrics(shown.run()) == {"Impressions": "3&#44;000"}
