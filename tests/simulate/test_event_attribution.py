"""The truth of events credits conversions to touches by six models, exactly: short histories, credits written out."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st
from support.event_records import click, clock, conversion, impression, touches_of

from simulate.event_truth import truth_of_events
from simulate.event_truth.accepted import Row
from simulate.event_truth.credit import MODELS, WHOLE, Touch, credits_of, decay_weight
from simulate.event_truth.records import Record
from simulate.event_truth.rules import DAY, EventRules

# Touches


def test_a_click_is_a_touch_for_thirty_days_and_an_impression_for_one() -> None:
    sold = conversion("v", clock("12:00:00.500", 30))
    assert touches_of(
        click("k1", "2026-10-31T12:00:00.500Z"),
        click("k2", "2026-10-31T12:00:00.499999Z"),
        click("k3", clock("12:00:00.500", 30), impression_id="gone"),
        click("k4", clock("12:00:00.500001", 30)),
        impression("i1", clock("12:00:00.500", 29)),
        impression("i2", clock("12:00:00.499999", 29)),
        impression("i3", clock("12:00:00.500", 30)),
        impression("i4", clock("12:00:00.500001", 30)),
        sold,
    ) == ["k1", "i1", "i3", "k3"]


def test_touches_of_another_resolution_are_compared_in_seconds() -> None:
    sold = conversion("v", clock("12:00:00", 30))
    clicks = [click("k1", "2026-10-31T12:00:00.001Z"), click("k2", clock("12:00:00.900", 30))]
    assert touches_of(*clicks, click("k3", "2026-10-31T11:59:59.999Z"), sold) == ["k1", "k2"]


def test_only_net_traffic_touches() -> None:
    assert touches_of(
        impression("i1", clock("10:00:00")),
        click("k1", clock("10:01:00"), impression_id="i1"),
        click("k2", clock("10:02:00"), impression_id="i1"),
        impression("i2", clock("11:00:00")),
        impression("i3", clock("11:00:00")),
        conversion("v", clock("12:00:00")),
        most_impressions_an_hour=1,
    ) == ["k1"]


def test_touches_are_of_the_user_and_of_the_campaign_that_the_conversion_names() -> None:
    events = [
        click("k1", clock("10:00:00")),
        click("k2", clock("10:01:00"), campaign_id="c2"),
        click("k3", clock("10:02:00"), user_id="u2"),
        impression("i4", clock("10:03:00"), campaign_id="c2"),
        impression("i5", clock("10:04:00")),
        impression("i6", clock("10:05:00"), campaign_id="c3", ad_id="a3"),
        click("k7", clock("10:06:00"), campaign_id=None, impression_id="i6"),
        click("k8", clock("10:07:00"), campaign_id=None, impression_id="gone"),
    ]
    assert touches_of(*events, conversion("v", clock("12:00:00"))) == ["k1", "i5"]
    assert touches_of(*events, conversion("v", clock("12:00:00"), campaign_id="c3")) == ["k7"]
    anywhere = touches_of(*events, conversion("v", clock("12:00:00"), campaign_id=None))
    assert anywhere == ["k1", "k2", "i4", "i5", "k7", "k8"]


def test_a_named_click_or_impression_is_a_touch_whoever_the_user_is() -> None:
    events = [
        click("k1", clock("10:00:00", 2), user_id="u2", campaign_id="c2"),
        impression("i1", clock("10:00:00", 3), user_id=None, campaign_id="c2"),
    ]

    def touched(time: str, **fields: Any) -> list[str | None]:
        return touches_of(*events, conversion("v", time, **{"user_id": None, **fields}))

    assert touched(clock("10:00:00", 4), click_id="k1", impression_id="i1") == ["k1", "i1"]
    assert touched(clock("10:00:01", 4), click_id="k1", impression_id="i1") == ["k1"], "each within its own look-back"
    assert touched("2026-12-02T10:00:01Z", click_id="k1") == [None]
    assert touched(clock("09:59:59", 2), click_id="k1", impression_id="i1") == [None]
    assert touched(clock("10:00:00", 4)) == [None]
    assert touched(clock("10:00:00", 4), user_id="u2", campaign_id="c2", click_id="k1") == ["k1"], "once"


def test_who_names_an_impression_means_the_latest_with_its_id() -> None:
    times = (clock("21:59:59", 3), clock("10:00:00", 4), clock("10:00:00", 5))
    seen = [impression("i", time, user_id="u2", ad_id=time) for time in times]
    found = truth_of_events([*seen, conversion("v", clock("21:30:00", 4), user_id=None, impression_id="i")])
    assert [row["touch"]["ad_id"] for row in found.attributed_conversions] == [times[1]]


def test_an_impression_with_a_click_that_touches_counts_as_its_click() -> None:
    seen = impression("i1", clock("10:00:00"))
    assert touches_of(seen, click("k1", clock("10:01:00"), impression_id="i1"), conversion("v", clock("12:00:00"))) == [
        "k1"
    ]
    later = click("k1", clock("10:01:00"), impression_id="i1")
    assert touches_of(seen, later, conversion("v", clock("10:00:30"))) == ["i1"]
    other = click("k1", clock("10:01:00"), impression_id="i1", campaign_id="c2")
    assert touches_of(seen, other, conversion("v", clock("12:00:00"))) == ["i1"]
    named = conversion("v", clock("12:00:00"), impression_id="i1")
    assert touches_of(seen, later, named) == ["k1"]


def test_the_order_is_time_then_impression_before_click_then_id() -> None:
    at = clock("10:00:00")
    assert touches_of(
        click("a", at, impression_id="gone"),
        click("b", clock("09:59:59.999")),
        impression("z", at),
        impression("y", at),
        conversion("v", clock("12:00:00")),
    ) == ["b", "y", "z", "a"]


# Credit


def shares(*touches: str) -> dict[str, list[int]]:
    """Credits of touches such as `click 8`, eight complete days before the conversion."""
    parts = [touch.split() for touch in touches]
    return credits_of([Touch(kind == "click", int(days) * DAY + DAY - 1) for kind, days in parts])


def test_each_model_shares_a_conversion_in_its_way() -> None:
    assert shares("view 7") == {model: [WHOLE] for model in MODELS}
    assert shares("click 7", "view 0") == {
        "last_click_else_view": [WHOLE, 0],
        "first_touch": [WHOLE, 0],
        "last_touch": [0, WHOLE],
        "linear": [500_000_000_000, 500_000_000_000],
        "time_decay": [333_333_333_333, 666_666_666_667],
        "position": [500_000_000_000, 500_000_000_000],
    }
    assert shares("click 14", "view 7", "click 7", "view 0", "view 0") == {
        "last_click_else_view": [0, 0, WHOLE, 0, 0],
        "first_touch": [WHOLE, 0, 0, 0, 0],
        "last_touch": [0, 0, 0, 0, WHOLE],
        "linear": [200_000_000_000] * 5,
        "time_decay": [76_923_076_923, 153_846_153_846, 153_846_153_846, 307_692_307_692, 307_692_307_693],
        "position": [400_000_000_000, 66_666_666_666, 66_666_666_666, 66_666_666_666, 400_000_000_002],
    }
    assert shares("view 1", "view 0", "view 0") == {
        "last_click_else_view": [0, 0, WHOLE],
        "first_touch": [WHOLE, 0, 0],
        "last_touch": [0, 0, WHOLE],
        "linear": [333_333_333_333, 333_333_333_333, 333_333_333_334],
        "time_decay": [311_703_382_702, 344_148_308_648, 344_148_308_650],
        "position": [400_000_000_000, 200_000_000_000, 400_000_000_000],
    }


def test_the_weights_halve_every_seven_days_half_up() -> None:
    assert [decay_weight(days) for days in (0, 1, 6, 7, 8, 14, 21, 28, 30)] == [
        1_000_000,
        905_724,
        552_045,
        500_000,
        452_862,
        250_000,
        125_000,
        62_500,
        51_271,
    ]
    for days in range(31):
        doubled = Fraction(2 * decay_weight(days), 2 * 10**6)
        half = Fraction(1, 2 * 10**6)
        assert (doubled - half) ** 7 <= Fraction(1, 2**days) < (doubled + half) ** 7


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 30 * DAY)), min_size=1, max_size=20))
def test_every_model_gives_exactly_one(touches: list[tuple[bool, int]]) -> None:
    found = credits_of([Touch(*touch) for touch in touches])
    assert set(found) == set(MODELS)
    for shared in found.values():
        assert sum(shared) == WHOLE
        assert len(shared) == len(touches)
        assert min(shared) >= 0


def test_the_age_of_a_touch_is_in_complete_days() -> None:
    def decay(time: str) -> list[int]:
        events = [click("k1", time), click("k2", clock("12:00:00", 9)), conversion("v", clock("12:00:00", 9))]
        return [row["time_decay"] for row in truth_of_events(events).attributed_conversions]

    assert decay(clock("12:00:00", 2)) == [333_333_333_333, 666_666_666_667]
    assert decay(clock("12:00:00.900", 2)) == [333_333_333_333, 666_666_666_667], "cut to the second"
    assert decay(clock("12:00:01", 2)) == [355_688_784_796, 644_311_215_204]


# Sums


def attribution(*records: Record, model: str, base: str, **rules: Any) -> list[tuple[Any, ...]]:
    """Campaign, day of the month, type, and the six sums of one model and base in millionths."""
    rows = truth_of_events(records, EventRules(**rules)).campaign_attribution
    names = [prefix + name for prefix in ("", "view_through_", "unattributed_") for name in ("conversions", "value")]
    return [
        (row["campaign_id"], row["date"].day, row["conversion_type"], *(row[name] / WHOLE for name in names))
        for row in rows
        if (row["model"], row["base"]) == (model, base)
    ]


def test_credit_is_summed_by_campaign_and_day_of_touch_or_conversion() -> None:
    events = [
        click("k1", clock("23:30:00", 1)),
        impression("i2", clock("22:00:00", 2), campaign_id=None),
        conversion("v1", clock("21:00:00", 3), campaign_id=None, conversion_count="2"),
        conversion("v2", clock("21:00:00", 3), campaign_id=None, conversion_value=None, conversion_type=None),
        conversion("v3", clock("21:00:00", 4), user_id=None),
        conversion("v4", clock("21:00:00", 5), user_id=None, campaign_id=None, conversion_value="-3"),
    ]
    linear = {"model": "linear", "base": "touch"}
    assert attribution(*events, **linear) == [
        ("c1", 1, "", 500_000, 0, 0, 0, 0, 0),
        ("c1", 1, "purchase", 1_000_000, 5_000_000, 0, 0, 0, 0),
        ("c1", 4, "purchase", 0, 0, 0, 0, 1_000_000, 10_000_000),
        ("unattributed", 5, "purchase", 0, 0, 0, 0, 1_000_000, -3_000_000),
        ("unknown_campaign", 2, "", 0, 0, 500_000, 0, 0, 0),
        ("unknown_campaign", 2, "purchase", 0, 0, 1_000_000, 5_000_000, 0, 0),
    ]
    assert attribution(*events, model="last_click_else_view", base="conversion") == [
        ("c1", 3, "", 1_000_000, 0, 0, 0, 0, 0),
        ("c1", 3, "purchase", 2_000_000, 10_000_000, 0, 0, 0, 0),
        ("c1", 4, "purchase", 0, 0, 0, 0, 1_000_000, 10_000_000),
        ("unattributed", 5, "purchase", 0, 0, 0, 0, 1_000_000, -3_000_000),
    ]
    berlin = attribution(*events, **linear, report_timezone=ZoneInfo("Europe/Berlin"))
    assert [row[1] for row in berlin] == [2, 2, 4, 5, 2, 2]


def test_an_unattributed_conversion_has_one_row_with_all_credit() -> None:
    rows = truth_of_events([conversion("v", clock("10:00:00"), user_id=None)]).attributed_conversions
    assert [(row["touch_type"], row["campaign_id"], *(row[model] for model in MODELS)) for row in rows] == [
        ("unattributed", "c1", *[WHOLE] * 6)
    ]


def test_a_value_is_converted_before_it_is_shared() -> None:
    rates = {("EUR", date(2026, 11, 3)): Decimal("1.1")}
    events: list[Record] = [click("k1", clock("10:00:00")), click("k2", clock("11:00:00"))]
    sold = conversion("v", clock("10:00:00", 3), conversion_value="3.333333", currency="EUR")
    found: list[Row] = truth_of_events([*events, sold], EventRules(exchange_rates=rates)).campaign_attribution
    linear = [row["value"] for row in found if (row["model"], row["base"]) == ("linear", "touch")]
    assert linear == [3_666_666 * WHOLE]


def test_no_row_of_a_conversion_is_lost() -> None:
    at = datetime(2026, 11, 9, tzinfo=UTC)
    events = [
        *(click(f"k{number}", clock("10:00:00", 2 + number), campaign_id=f"c{number}") for number in range(5)),
        *(conversion(f"v{number}", at.isoformat(), campaign_id=f"c{number}") for number in range(7)),
        conversion("w", at.isoformat(), campaign_id=None, conversion_count="0.5"),
    ]
    found = truth_of_events(events)
    for model in MODELS:
        for base in ("touch", "conversion"):
            rows = [row for row in found.campaign_attribution if (row["model"], row["base"]) == (model, base)]
            for name, number in (("conversions", 7_500_000), ("value", 80_000_000)):
                parts = [row[prefix + name] for row in rows for prefix in ("", "view_through_", "unattributed_")]
                assert sum(parts) == number * WHOLE
