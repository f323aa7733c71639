"""The truth of events joins clicks in event time, flags invalid traffic, and sums both up: short histories."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from support.event_records import bid, click, clicks_of, clock, conversion, impression

from simulate.event_truth import truth_of_events
from simulate.event_truth.accepted import Row
from simulate.event_truth.records import Record
from simulate.event_truth.rules import EventRules, Flight, Place
from simulate.event_truth.values import microseconds_of

NO_IMPRESSION = (None, None, "no_impression", None)


def by_id(name: str) -> tuple[str, str, None, None]:
    return name, "id", None, None


def by_user(name: str) -> tuple[str, str, None, None]:
    return name, "user", None, None


# Click and impression


def test_both_ends_of_the_window_are_in_it() -> None:
    seen = impression("i", clock("10:00:00.500"))
    assert clicks_of(
        seen,
        click("k1", clock("11:00:00.500"), impression_id="i"),
        click("k2", clock("11:00:00.500001"), impression_id="i"),
    ) == {"k1": by_id("i"), "k2": (None, None, "outside_window", None)}
    at_once = clicks_of(seen, click("k", clock("10:00:00.500"), impression_id="i"), fastest_click=0)
    before = clicks_of(seen, click("k", clock("10:00:00.499"), impression_id="i"), fastest_click=0)
    assert at_once == {"k": by_id("i")}
    assert before == {"k": (None, None, "before_impression", None)}


def test_times_of_different_resolution_are_compared_in_seconds() -> None:
    assert clicks_of(
        impression("i", clock("10:00:00.900")),
        impression("j", clock("10:00:02.100")),
        click("k1", clock("11:00:00"), impression_id="i"),
        click("k2", clock("11:00:01"), impression_id="i"),
        click("k3", clock("10:00:02"), impression_id="j"),
        click("k4", clock("10:00:01"), impression_id="j"),
        fastest_click=0,
    ) == {
        "k1": by_id("i"),
        "k2": (None, None, "outside_window", None),
        "k3": by_id("j"),
        "k4": (None, None, "before_impression", None),
    }


def test_a_click_takes_the_latest_impression_of_its_id() -> None:
    found = truth_of_events(
        [
            impression("i", clock("23:40:00")),
            impression("i", clock("00:10:00", 3)),
            click("k1", clock("00:09:59", 3), impression_id="i"),
            click("k2", clock("00:15:00", 3), impression_id="i"),
        ]
    )
    assert [one["impression"]["event_time"] for one in found.clicks] == [
        microseconds_of(datetime(2026, 11, 2, 23, 40, tzinfo=UTC)),
        microseconds_of(datetime(2026, 11, 3, 0, 10, tzinfo=UTC)),
    ]


def test_a_click_with_an_impression_id_never_joins_by_user() -> None:
    seen = impression("i", clock("10:00:00"))
    assert clicks_of(
        seen,
        click("k1", clock("10:01:00"), impression_id="gone"),
        click("k2", clock("10:02:00")),
    ) == {"k1": NO_IMPRESSION, "k2": by_user("i")}


def test_a_click_without_it_takes_the_latest_impression_of_its_user_and_ad() -> None:
    assert clicks_of(
        impression("i1", clock("10:00:00")),
        impression("i2", clock("10:10:00"), campaign_id="c2"),
        impression("i0", clock("10:10:00"), campaign_id="c3"),
        impression("i3", clock("10:20:00"), ad_id="a2"),
        impression("i4", clock("10:20:00"), user_id="u2"),
        impression("i5", clock("10:50:00")),
        click("k1", clock("10:30:00")),
        click("k2", clock("10:30:00"), campaign_id="c1", ad_id=None),
        click("k3", clock("10:30:00"), campaign_id="c2", ad_id="a2"),
        click("k4", clock("12:00:00")),
        fastest_click=0,
    ) == {
        "k1": by_user("i0"),  # the smaller id of two at one time
        "k2": by_user("i3"),  # without ad: of the same campaign
        "k3": ("i3", "user", None, "repeat_click"),
        "k4": NO_IMPRESSION,
    }


def test_nothing_joins_by_what_is_null() -> None:
    assert clicks_of(
        impression("i1", clock("10:00:00"), user_id="0"),
        impression("i2", clock("10:00:00"), campaign_id=None),
        impression("", clock("10:00:00"), user_id="u3"),
        click("k1", clock("10:10:00"), user_id="-1"),
        click("k2", clock("10:10:00"), ad_id=None, campaign_id=None),
        click("k3", clock("10:10:00"), impression_id="null", user_id="none"),
    ) == {"k1": NO_IMPRESSION, "k2": NO_IMPRESSION, "k3": NO_IMPRESSION}


def test_an_orphan_says_what_is_found_on_the_days_around_it() -> None:
    def reason(*times: str) -> str | None:
        seen = [impression("i", time) for time in times]
        return clicks_of(*seen, click("k", clock("12:00:00", 10), impression_id="i"))["k"][2]

    assert reason() == "no_impression"
    assert reason(clock("12:00:01", 10)) == "before_impression"
    assert reason(clock("23:59:59", 11)) == "before_impression"
    assert reason(clock("00:00:00", 12)) == "no_impression"
    assert reason(clock("00:00:00", 9)) == "outside_window"
    assert reason(clock("23:59:59", 8)) == "no_impression"
    assert reason(clock("00:00:00", 9), clock("12:00:01", 10)) == "outside_window"
    assert reason(clock("23:59:59", 8), clock("12:00:01", 10)) == "before_impression"


# Invalid traffic


def test_of_the_clicks_of_an_impression_all_but_the_first_are_repeats() -> None:
    assert clicks_of(
        impression("i", clock("10:00:00")),
        click("k3", clock("10:00:00"), impression_id="i"),
        click("k2", clock("10:05:00")),
        click("k1", clock("10:10:00"), impression_id="i"),
        click("k0", clock("12:10:00"), impression_id="i"),
    ) == {
        "k3": ("i", "id", None, "fast_click"),  # the first, though it is invalid itself
        "k2": ("i", "user", None, "repeat_click"),
        "k1": ("i", "id", None, "repeat_click"),
        "k0": (None, None, "outside_window", None),
    }
    tie = [click(name, clock("10:10:00"), impression_id="i") for name in ("k2", "k1")]
    found = clicks_of(impression("i", clock("10:00:00")), *tie)
    assert found == {"k1": by_id("i"), "k2": ("i", "id", None, "repeat_click")}


def test_a_click_within_a_second_is_fast() -> None:
    def reason(seen: str, clicked: str) -> str | None:
        return clicks_of(impression("i", clock(seen)), click("k", clock(clicked), impression_id="i"))["k"][3]

    assert reason("10:00:00.100", "10:00:01.099") == "fast_click"
    assert reason("10:00:00.100", "10:00:01.100") is None
    assert reason("10:00:00.900", "10:00:01") is None
    assert reason("10:00:00", "10:00:00.999") == "fast_click"


def test_a_flood_of_clicks_counts_all_of_a_user_on_a_utc_day() -> None:
    clicks = [
        click("k1", clock("00:00:00"), impression_id="gone", campaign_id="c9"),
        click("k2", clock("10:00:00"), impression_id="i"),
        click("k3", clock("23:59:59")),
        click("k4", clock("00:00:00", 3)),
        click("k5", clock("10:00:00"), user_id="u2"),
        *(click(f"n{number}", clock("10:00:00"), user_id="0") for number in range(4)),
    ]
    found = clicks_of(impression("i", clock("10:00:00")), *clicks, most_clicks_a_day=2)
    assert {name: one[3] for name, one in found.items()} == {
        "k1": "click_flood",
        "k2": "fast_click",
        "k3": "click_flood",
        "k4": None,
        "k5": None,
        **dict.fromkeys(("n0", "n1", "n2", "n3")),
    }
    assert {one[3] for one in clicks_of(*clicks, most_clicks_a_day=3).values()} == {None}


def test_a_flood_of_impressions_counts_a_utc_hour_and_leaves_the_clicks() -> None:
    records = [
        *(impression(f"i{number}", clock(f"10:{number}0:00")) for number in range(3)),
        impression("i0", clock("10:00:00")),
        impression("i3", clock("11:00:00")),
        *(impression(f"n{number}", clock("10:00:00"), user_id="null") for number in range(4)),
        click("k", clock("10:00:10"), impression_id="i0"),
    ]
    found = truth_of_events(records, EventRules(most_impressions_an_hour=2))
    flagged = [one["impression_id"] for one in found.impressions if one["invalid_reason"] == "impression_flood"]
    assert flagged == ["i0", "i1", "i2"]
    assert found.clicks[0]["invalid_reason"] is None
    calm = truth_of_events(records, EventRules(most_impressions_an_hour=3))
    assert not any(one["invalid_reason"] for one in calm.impressions)


# One row per impression


def ad_event(*records: Record, **rules: Any) -> Row:
    found = truth_of_events(records, EventRules(**rules)).ad_events
    return next(one for one in found if one["impression_id"] == "i")


def test_the_click_of_an_impression_is_its_net_one() -> None:
    one = ad_event(
        impression("i", clock("10:00:00.500")),
        click("k1", clock("10:00:10.750"), impression_id="i", click_price="0.7"),
        click("k2", clock("10:00:20"), impression_id="i", click_price="0.9"),
    )
    assert (one["clicks"], one["net_clicks"], one["click_revenue"]) == (2, 1, Decimal("0.7"))
    assert one["engagement_duration"] == Decimal("10.25")
    assert one["clicked_at"] == one["event_time"] + 10_250_000
    fast = ad_event(
        impression("i", clock("10:00:00")),
        click("k1", clock("10:00:00"), impression_id="i"),
        click("k2", clock("10:00:20"), impression_id="i"),
    )
    assert (fast["clicks"], fast["net_clicks"], fast["clicked_at"], fast["interaction_depth"]) == (2, 0, None, 0)
    assert (fast["engagement_duration"], fast["click_revenue"]) == (None, None)


def test_depth_is_two_where_the_default_model_credits_the_impression_or_its_click() -> None:
    seen = impression("i", clock("10:00:00"))
    clicked = click("k", clock("10:01:00"), impression_id="i")
    other = click("k9", clock("10:02:00"), impression_id="gone")
    assert ad_event(seen)["interaction_depth"] == 0
    assert ad_event(seen, clicked)["interaction_depth"] == 1
    assert ad_event(seen, clicked, conversion("v", clock("10:03:00")))["interaction_depth"] == 2
    assert ad_event(seen, conversion("v", clock("10:03:00")))["interaction_depth"] == 2
    assert ad_event(seen, other, conversion("v", clock("10:03:00")))["interaction_depth"] == 0
    assert ad_event(seen, clicked, other, conversion("v", clock("10:03:00")))["interaction_depth"] == 1


def test_an_ad_is_premium_from_its_price_on() -> None:
    prices = {"1.999999": False, "2": True, "2.5": True, "": False}
    assert {
        price: ad_event(impression("i", clock("10:00:00"), bid_price=price))["is_premium_ad"] for price in prices
    } == prices


def test_a_platform_has_a_category() -> None:
    platforms = {"youtube": "video"}
    for platform in ("youtube", "YouTube"):
        seen = impression("i", clock("10:00:00"), platform=platform)
        assert ad_event(seen, platforms=platforms)["platform_category"] == "video"
    elsewhere = impression("i", clock("10:00:00"), platform="x")
    assert ad_event(elsewhere, platforms=platforms)["platform_category"] == "other"


def test_a_place_has_its_code_its_clocks_and_its_season() -> None:
    places = {
        "US": Place("US"),
        "US-CA": Place("US", "California", "America/Los_Angeles"),
        "AU": Place("AU", is_southern=True),
        "NZ": Place("NZ", None, "Pacific/Auckland", is_southern=True),
    }
    rules = {"places": {"USA": "US", "CALIFORNIA": "US-CA"}, "known_places": places}
    names = ("geo_location", "country", "state", "part_of_day", "day_of_week", "season")

    def told(place: str, time: str = "2026-11-02T05:00:00Z") -> tuple[object, ...]:
        found = ad_event(impression("i", time, geo_location=place), **rules)
        return tuple(found[name] for name in names)

    assert told("usa-ca") == ("US-CA", "US", "California", "evening", 7, "autumn")
    assert told("California")[:3] == ("US-CA", "US", "California")
    assert told("US-XX") == ("US-XX", None, None, "night", 1, None)
    assert told("us") == ("US", "US", None, "night", 1, "autumn")
    assert told("NZ-AUK") == ("NZ-AUK", "NZ", None, "evening", 1, "spring")
    assert told("nowhere") == ("NOWHERE", None, None, "night", 1, None)
    assert told("") == (None, None, None, "night", 1, None)


def cost(*bids: Record, auction: str | None = "q", **rules: Any) -> Decimal | None:
    seen = impression("i", clock("10:00:00"), auction_id=auction, imp_id="1", bid_price="9")
    found: Decimal | None = ad_event(seen, *bids, **rules)["media_cost"]
    return found


def test_an_impression_costs_a_thousandth_of_the_clearing_price_of_its_won_bid() -> None:
    def won(time: str, price: str | None, **fields: Any) -> Record:
        return bid("q", clock(time), bid_price="5", won=True, clearing_price=price, **fields)

    lost = bid("q", clock("08:00:00"), bid_price="5", won=False, clearing_price="3", exchange="l")
    assert cost(lost) == Decimal("0.009")
    assert cost(won("09:00:00", "2.123456")) == Decimal("0.002123456")
    assert cost(won("09:00:00", "2", imp_id="2")) == Decimal("0.009")
    assert cost(won("09:00:00", "2"), auction=None) == Decimal("0.009")
    assert cost(won("09:00:01", "1"), won("09:00:00", "2", exchange="y")) == Decimal("0.002")
    assert cost(won("09:00:00", "1", exchange="z"), won("09:00:00", "2", exchange="y")) == Decimal("0.002")
    of_two = [won("09:00:00", price, bid_id=price, exchange=exchange) for price, exchange in (("2", "y"), ("1", "z"))]
    assert cost(*of_two) == Decimal("0.002"), "the exchange comes before the bid id"
    several = [won("09:00:00", price, bid_id=price, exchange="y") for price in ("2", "1")]
    assert cost(*several) == Decimal("0.001")
    assert cost(won("09:00:00", None)) == Decimal("0.009")
    assert cost(won("09:00:00", "0")) == 0


def test_a_clearing_price_is_converted_on_the_date_of_the_bid() -> None:
    rates = {("EUR", date(2026, 11, 2)): Decimal("1.5"), ("EUR", date(2026, 11, 3)): Decimal("2")}
    offer = bid("q", clock("23:59:59"), bid_price="5", currency="EUR")
    outcome = bid("q", clock("00:00:01", 3), won=True, clearing_price="0.000001", currency="EUR")
    assert cost(offer, outcome, exchange_rates=rates) == Decimal("0.000000002"), "half up at six decimals"


def test_what_was_processed_last_decides_the_time_of_processing() -> None:
    def received(day: int) -> Any:
        return {"received_at": datetime(2026, 12, day, tzinfo=UTC), "number": day}

    def processed(*days: int) -> int:
        seen, clicked, repeat, offer, outcome, again = days
        at: int = ad_event(
            impression("i", clock("10:00:00"), auction_id="q", imp_id="1", **received(seen)),
            click("k1", clock("10:01:00"), impression_id="i", **received(clicked)),
            click("k2", clock("10:02:00"), impression_id="i", **received(repeat)),
            bid("q", clock("09:00:00"), bid_price="1", **received(offer)),
            bid("q", clock("09:00:01"), won=True, clearing_price="1", **received(outcome)),
            impression("i", clock("10:00:00"), auction_id="q", imp_id="1", **received(again)),
            bid("q", clock("09:00:02"), bid_price="2", **received(again)),
        )["processed_time"]
        return (at - microseconds_of(datetime(2026, 12, 1, tzinfo=UTC))) // 86_400_000_000 + 1

    assert processed(9, 1, 1, 1, 1, 20) == 9
    assert processed(1, 9, 1, 1, 1, 20) == 9
    assert processed(1, 1, 9, 1, 1, 20) == 9
    assert processed(1, 1, 1, 9, 1, 20) == 9
    assert processed(1, 1, 1, 1, 9, 20) == 9


# Sums


def test_an_hour_counts_gross_and_net_and_a_click_with_its_impression() -> None:
    shared: Row = {"publisher_id": "p", "device_type": "tv", "geo_location": " us-ca"}
    found = truth_of_events(
        [
            impression("i1", clock("10:59:59.999999"), **shared),
            impression("i2", clock("10:00:00"), user_id="u2", **shared | {"geo_location": "California"}),
            impression("i3", clock("11:00:00"), user_id="u2", campaign_id=None, platform=None, bid_price=None),
            click("k1", clock("11:10:00"), impression_id="i1", ad_id="a9", platform="elsewhere"),
            click("k2", clock("11:20:00"), impression_id="i1"),
            click("k3", clock("11:20:00"), impression_id="gone"),
        ],
        EventRules(most_impressions_an_hour=0, places={"CALIFORNIA": "US-CA"}),
    )
    ten = microseconds_of(datetime(2026, 11, 2, 10, tzinfo=UTC))
    nothing: Row = {"net_impressions": 0, "click_revenue": 0}
    assert found.hourly_performance == [
        {
            "hour_at": ten,
            "campaign_id": "c1",
            "ad_id": "a1",
            "publisher_id": "p",
            "platform": "youtube",
            "device_type": "tv",
            "geo_location": "US-CA",
            **nothing,
            "impressions": 2,
            "clicks": 2,
            "net_clicks": 1,
            "media_cost": Decimal("0.003"),
            "click_revenue": Decimal("0.5"),
        },
        {
            "hour_at": ten + 3_600_000_000,
            "campaign_id": "unknown_campaign",
            "ad_id": "a1",
            "publisher_id": "Unknown",
            "platform": "Unknown",
            "device_type": "Unknown",
            "geo_location": "Unknown",
            **nothing,
            "impressions": 1,
            "clicks": 0,
            "net_clicks": 0,
            "media_cost": 0,
        },
    ]


def test_an_hour_is_one_of_the_clock_of_the_reports() -> None:
    found = truth_of_events([impression("i", clock("10:40:00"))], EventRules(report_timezone=ZoneInfo("Asia/Kolkata")))
    assert found.hourly_performance[0]["hour_at"] == microseconds_of(datetime(2026, 11, 2, 10, 30, tzinfo=UTC))


def test_people_are_counted_once_a_day_week_and_flight() -> None:
    found = truth_of_events(
        [
            impression("i1", clock("22:59:59", 1)),
            impression("i2", clock("23:00:00", 1)),
            impression("i3", clock("10:00:00", 2)),
            impression("i4", clock("10:00:00", 8), user_id="u2"),
            impression("i5", clock("10:00:00", 8), user_id="0"),
            impression("i6", clock("10:00:00", 8), campaign_id=None),
        ],
        EventRules(
            report_timezone=ZoneInfo("Europe/Berlin"),
            flights=(Flight("c1", date(2026, 11, 2), date(2026, 11, 8)), Flight("c2", date(2026, 11, 2), date.max)),
            most_impressions_an_hour=0,
        ),
    )
    rows = [tuple(row.values()) for row in found.reach_frequency]
    first, second, eighth, monday = (date(2026, 11, day) for day in (1, 2, 8, 2))
    last_monday = date(2026, 10, 26)
    assert rows == [
        ("c1", "day", first, 1, 1, 0, {1: 1}),
        ("c1", "day", second, 1, 2, 0, {2: 1}),
        ("c1", "day", eighth, 1, 1, 1, {1: 1}),
        ("c1", "flight", monday, 2, 3, 1, {2: 1, 1: 1}),
        ("c1", "week", last_monday, 1, 1, 0, {1: 1}),
        ("c1", "week", monday, 2, 3, 1, {2: 1, 1: 1}),
        ("unknown_campaign", "day", eighth, 1, 1, 0, {1: 1}),
        ("unknown_campaign", "week", monday, 1, 1, 0, {1: 1}),
    ]
