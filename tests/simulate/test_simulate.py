"""The simulated world is reproducible, has faults exactly as often as it says, and its truth agrees with examples."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulate.data_faults import NO_FAULTS, FaultRates
from simulate.delivery import FIELDS, SCHEMA, delivery, injected
from simulate.events import events
from simulate.files import split, write
from simulate.truth import Delivered, Truth, fetched, truth, truth_of
from simulate.world import World, make_world

DAY = date(2024, 5, 20)
LONG_AFTER = date(2024, 6, 30)
RECEIVED = datetime(2024, 6, 30, 6, tzinfo=UTC)
Record = dict[str, Any]


def small_world(**changes: Any) -> World:
    """A world of some thousand delivery records a day."""
    sizes: dict[str, Any] = {"seed": 7, "impressions_per_day": 20_000, "zips": 60, "users": 5_000}
    return make_world(**{**sizes, **changes})


def sha256(table: pa.Table) -> str:
    """The digest of a table's contents."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table.combine_chunks())
    return hashlib.sha256(sink.getvalue()).hexdigest()


def a_record(**fields: Any) -> Record:
    """A good delivery record with the given differences."""
    record: Record = {
        "campaign_id": "c1",
        "ad_id": "a1",
        "date": DAY,
        "brand": "b1",
        "country": "US",
        "state": "California",
        "city": "Los Angeles",
        "zipcode": "00501",
        "impressions": 100,
        "clicks": 10,
        "spend": Decimal(1),
        "conversions": 1,
    }
    return record | fields


def a_delivery(*records: Record, at: datetime = RECEIVED, **fields: Any) -> Delivered:
    """A file with these records."""
    schema = SCHEMA
    for name in ("spend", "conversions"):
        schema = schema.set(schema.get_field_index(name), pa.field(name, pa.decimal128(38, 12)))
    return Delivered(
        **{
            "source": f"campaign_files/{at:%Y%m%dT%H%M%S.%fZ}-00000000/a.csv",
            "records": pa.Table.from_pylist(list(records), schema),
            "received_at": at,
            **fields,
        }
    )


# The world


def test_same_seed_same_bytes() -> None:
    one, other = small_world(), small_world()
    assert sha256(delivery(one, DAY, LONG_AFTER)) == sha256(delivery(other, DAY, LONG_AFTER))
    assert sha256(events(one, DAY).clicks) == sha256(events(other, DAY).clicks)
    assert sha256(delivery(one, DAY, LONG_AFTER)) != sha256(delivery(small_world(seed=8), DAY, LONG_AFTER))


def test_the_bytes_of_a_seed_never_change() -> None:
    # Published numbers must be reproducible next year: whoever changes this on purpose changes it here too.
    table = delivery(small_world(), DAY, LONG_AFTER)
    texts = "\n".join(str(record) for record in table.to_pylist())
    assert hashlib.sha256(texts.encode()).hexdigest()[:16] == "b266a71753741e87"


def test_a_day_does_not_depend_on_which_other_days_are_asked() -> None:
    asked_alone = sha256(delivery(small_world(), DAY, LONG_AFTER))
    world = small_world()
    for days in range(5, -1, -1):
        last = sha256(delivery(world, DAY + timedelta(days=days), LONG_AFTER))
    assert last == asked_alone


def test_delivery_is_the_daily_sum_of_events() -> None:
    world = small_world(rates=NO_FAULTS)
    seen = events(world, DAY)
    by_impression = {row["impression_id"]: row for row in seen.impressions.to_pylist()}
    sums: dict[tuple[str, ...], list[Any]] = {}

    def count(impression_id: str, position: int, by: Any) -> None:
        event = by_impression[impression_id]
        key = (event["campaign_id"], event["ad_id"], event["geo_location"], event["zipcode"])
        sums.setdefault(key, [0, 0, 0, Decimal(0)])[position] += by

    for impression in by_impression.values():
        count(impression["impression_id"], 0, 1)
        count(impression["impression_id"], 3, impression["bid_price"] / 1000)
        assert impression["event_time"].date() == DAY
    for click in seen.clicks.to_pylist():
        count(click["impression_id"], 1, 1)
    for conversion in seen.conversions.to_pylist():
        count(conversion["impression_id"], 2, 1)

    iso = dict(zip(zip(world.places.country, world.places.state, strict=True), world.places.geo_location, strict=True))
    reported = {
        (row["campaign_id"], row["ad_id"], iso[row["country"], row["state"]], row["zipcode"]): [
            row["impressions"],
            row["clicks"],
            row["conversions"],
            row["spend"],
        ]
        for row in delivery(world, DAY, LONG_AFTER).to_pylist()
    }
    assert reported == sums
    assert seen.conversions.num_rows > 50
    assert all(conversions <= clicks <= impressions for impressions, clicks, conversions, _ in reported.values())


def test_events_follow_each_other_in_time() -> None:
    seen = events(small_world(), DAY)
    seen_at = {row["impression_id"]: row["event_time"] for row in seen.impressions.to_pylist()}
    clicked_at = {row["impression_id"]: row["event_time"] for row in seen.clicks.to_pylist()}
    waits = [at - seen_at[impression_id] for impression_id, at in clicked_at.items()]
    assert min(waits) >= timedelta(seconds=1)
    assert any(wait > timedelta(hours=1) for wait in waits), "some clicks must miss the window"
    for row in seen.conversions.to_pylist():
        assert timedelta(0) < row["event_time"] - clicked_at[row["impression_id"]] < timedelta(days=30)


def test_places_nest_and_an_ad_has_one_brand() -> None:
    world = small_world(rates=NO_FAULTS, zips=900)
    table = delivery(world, DAY, LONG_AFTER)

    def different(*columns: str) -> int:
        return int(table.group_by(list(columns)).aggregate([]).num_rows)

    assert different("country", "zipcode", "city", "state") == different("country", "zipcode")
    assert different("country", "city", "state") == different("country", "city")
    assert different("ad_id", "brand") == different("ad_id")
    campaigns = (
        table.group_by(["campaign_id", "ad_id"]).aggregate([]).group_by("campaign_id").aggregate([("ad_id", "count")])
    )
    assert pc.min(campaigns["ad_id_count"]).as_py() >= 3
    bookings = (
        table.group_by(["campaign_id", "ad_id"]).aggregate([]).group_by("ad_id").aggregate([("campaign_id", "count")])
    )
    assert pc.max(bookings["campaign_id_count"]).as_py() == 2
    zips = set(world.places.zipcode)
    assert {"00501", "01067", "0800", "SW1A 1AA"} <= zips
    assert any("-" in code and code[:5].isdigit() for code in zips), "ZIP+4"


def test_sizes_that_make_no_world_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 34"):
        make_world(zips=33)
    with pytest.raises(ValueError, match="a campaign a brand"):
        make_world(campaigns=3, brands=4)
    with pytest.raises(ValueError, match="null is a share"):
        FaultRates(null=1.5)


# Faults


@pytest.mark.parametrize(
    "fault", ["clicks_over_impressions", "conversions_over_clicks", "negative_count", "out_of_range", "future_date"]
)
def test_an_injected_fault_is_quarantined_under_its_name(fault: str) -> None:
    rates: dict[str, Any] = {fault: 0.05}
    world = small_world(rates=replace(NO_FAULTS, **rates))
    told = injected(world, DAY, LONG_AFTER)[fault]
    found = truth(world, {DAY: RECEIVED}, LONG_AFTER)
    rows = found.balance["campaign_api"].loaded
    assert found.quarantined == {fault: told}
    assert 0.035 < told / rows < 0.065


@pytest.mark.parametrize("column", FIELDS)
def test_nulls_come_in_each_column_as_often_as_told(column: str) -> None:
    world = small_world(rates=replace(NO_FAULTS, null=0.05, missing_spend=0.05))
    values = delivery(world, DAY, LONG_AFTER).column(column)
    missing = [value for value in values.to_pylist() if value in (None, "")]
    assert len(missing) == injected(world, DAY, LONG_AFTER)[f"null_{column}"]
    assert 0.035 < len(missing) / len(values) < 0.065
    if pa.types.is_string(values.type):
        assert set(missing) == {None, ""}


def test_credits_are_kept() -> None:
    world = small_world(rates=replace(NO_FAULTS, credit=0.05))
    found = truth(world, {DAY: RECEIVED}, LONG_AFTER)
    assert sum(row["spend"] < 0 for row in found.processed) == injected(world, DAY, LONG_AFTER)["credit"] > 50
    assert not found.quarantined


def test_some_conversions_are_fractions_that_round_half_up() -> None:
    world = small_world(rates=replace(NO_FAULTS, fractional=1))
    conversions = delivery(world, DAY, LONG_AFTER).column("conversions").to_pylist()
    fractions = [one for one in conversions if one != one.to_integral_value()]
    assert len(fractions) == injected(world, DAY, LONG_AFTER)["fractional"] > 50
    assert sum(one.as_tuple().digits[-1] == 5 for one in fractions) > len(fractions) / 3
    found = truth(world, {DAY: RECEIVED}, LONG_AFTER)
    assert not found.quarantined
    kept = [row["conversions"] for row in found.processed]
    assert kept == [one.quantize(Decimal("0.000001"), ROUND_HALF_UP) for one in conversions]
    assert sum(row["total_conversions"] for row in found.marts["campaign_summary"]) == sum(kept)


def test_some_texts_have_white_space_around_them_that_does_not_count() -> None:
    world = small_world(rates=replace(NO_FAULTS, padded=0.05))
    records = delivery(world, DAY, LONG_AFTER).to_pylist()
    padded = [one for one in records if one["country"] != one["country"].strip()]
    assert len(padded) == injected(world, DAY, LONG_AFTER)["padded"] > 50
    assert len({one["country"].replace(one["country"].strip(), "") for one in padded}) == 3
    marts = truth(world, {DAY: RECEIVED}, LONG_AFTER).marts
    assert marts == truth(small_world(rates=NO_FAULTS), {DAY: RECEIVED}, LONG_AFTER).marts


def test_missing_spend_ends_in_every_tier_and_in_none() -> None:
    found = truth(small_world(), {DAY: RECEIVED, DAY + timedelta(days=1): RECEIVED}, LONG_AFTER)
    assert set(found.spend_sources) == {"observed", "ad_country", "ad", "brand_country", "brand"}
    assert found.quarantined["no_median"] > 0
    assert found.spend_sources["observed"] > 0.9 * found.spend_sources.total()


def test_a_day_changes_until_it_has_settled() -> None:
    world = small_world(rates=replace(NO_FAULTS, restated=0.1, withdrawn=0.05))

    def keyed(age: int) -> dict[tuple[str, ...], Record]:
        records = delivery(world, DAY, DAY + timedelta(days=age)).to_pylist()
        return {(row["campaign_id"], row["ad_id"], row["country"], row["zipcode"]): row for row in records}

    versions = [keyed(age) for age in range(6)]
    settled = versions[3]
    assert settled == versions[4] == versions[5]
    for age in (1, 2):
        told = injected(world, DAY, DAY + timedelta(days=age))
        assert told["restated"] == sum(versions[age].get(key) != row for key, row in settled.items()) > 0
        assert told["withdrawn"] == len(versions[age].keys() - settled.keys())
    assert len(versions[1].keys() - settled.keys()) > 50
    assert versions[2].keys() <= settled.keys()
    assert versions[0] != versions[1] != versions[2] != versions[3]
    assert sum(row["impressions"] for row in versions[0].values()) < 0.6 * world.impressions_per_day
    assert delivery(world, DAY, DAY - timedelta(days=1)).num_rows == 0


# Truth


def reasons(*records: Record, at: datetime = RECEIVED) -> list[str]:
    """The reason of each record, delivered one by one beside a record that gives a median."""
    found = []
    for record in records:
        quarantined = truth_of([a_delivery(a_record(), record, at=at)]).quarantined
        found.append(next(iter(quarantined), "kept"))
    return found


def test_a_record_has_the_first_reason_that_fits() -> None:
    assert reasons(
        a_record(),
        a_record(spend=Decimal("999999999999.9999994")),
        a_record(spend=Decimal("999999999999.9999995"), clicks=-1),
        a_record(spend=Decimal("-99999999999999999999999999.123456789012")),
        a_record(date=date(1999, 12, 31)),
        a_record(impressions=-1, clicks=None),
        a_record(impressions=None, clicks=None),
        a_record(clicks=None, conversions=None),
        a_record(clicks=200, conversions=None),
        a_record(clicks=101, conversions=102),
        a_record(conversions=11, date=date(2024, 7, 2)),
        a_record(date=date(2024, 7, 1)),
        a_record(date=date(2024, 7, 2)),
        a_record(spend=None, ad_id="a9", brand="b9"),
    ) == [
        "kept",
        "kept",
        "out_of_range",
        "out_of_range",
        "out_of_range",
        "negative_count",
        "null_impressions",
        "null_clicks",
        "null_conversions",
        "clicks_over_impressions",
        "conversions_over_clicks",
        "kept",
        "future_date",
        "no_median",
    ]


def test_null_defaults_come_before_the_median_keys() -> None:
    found = truth_of(
        [
            a_delivery(
                a_record(ad_id=None, country=None, brand="b1", spend=Decimal(5)),
                a_record(ad_id=" ", country="", brand="b2", spend=None, campaign_id=None, date=None, zipcode="\t"),
            )
        ]
    )
    row = found.processed[1]
    assert (row["spend_source"], row["spend"]) == ("ad_country", Decimal(5))
    assert (row["campaign_id"], row["ad_id"], row["country"], row["zipcode"]) == (
        "unknown_campaign",
        "unknown_ad",
        "Unknown",
        "0000",
    )
    assert row["date"] == RECEIVED.date()
    assert row["_position"] == 2


def test_missing_spend_takes_the_narrowest_median() -> None:
    def imputed(**fields: Any) -> tuple[str, int]:
        found = truth_of(
            [
                a_delivery(
                    a_record(spend=Decimal(1)),
                    a_record(spend=Decimal(7), country="GB"),
                    a_record(spend=Decimal(9), country="GB"),
                    a_record(spend=Decimal(30), country="DE", ad_id="a2"),
                    a_record(spend=Decimal(10**6), clicks=None),
                    a_record(**{"spend": None, **fields}),
                )
            ]
        )
        return found.processed[-1]["spend_source"], int(found.processed[-1]["spend"])

    assert imputed() == ("ad_country", 1)
    assert imputed(country="GB") == ("ad_country", 8)
    assert imputed(country="FR") == ("ad", 7)
    assert imputed(country="DE", ad_id="a3") == ("brand_country", 30)
    assert imputed(country="FR", ad_id="a3") == ("brand", 8)
    assert imputed(brand="b2") == ("ad_country", 1)


@given(st.lists(st.decimals(-(10**5), 10**5, places=8), min_size=1, max_size=9))
def test_the_median_is_exact(spends: list[Decimal]) -> None:
    found = truth_of([a_delivery(*(a_record(spend=spend) for spend in spends), a_record(spend=None))])
    rounded = sorted(spend.quantize(Decimal("0.000001"), ROUND_HALF_UP) for spend in spends)
    low, high = Fraction(rounded[(len(rounded) - 1) // 2]), Fraction(rounded[len(rounded) // 2])
    exact = (low + high) / 2
    median = Fraction(found.processed[-1]["spend"])
    assert abs(median - exact) <= Fraction(1, 2_000_000)
    assert abs(median) >= abs(exact), "a half goes away from zero"
    total = sum(rounded, found.processed[-1]["spend"])
    assert found.marts["campaign_summary"][0]["total_spend"] == total


def test_rates_are_ratios_of_sums_and_zero_without_denominator() -> None:
    found = truth_of(
        [
            a_delivery(
                a_record(impressions=900, clicks=9, spend=Decimal(9), conversions=0),
                a_record(impressions=100, clicks=11, spend=Decimal(1), conversions=5, city="San Diego"),
                a_record(campaign_id="c2", impressions=0, clicks=0, conversions=0),
            )
        ]
    )
    assert found.marts["campaign_summary"] == [
        {
            "campaign_id": "c1",
            "total_impressions": 1000,
            "total_clicks": 20,
            "total_conversions": 5,
            "total_spend": Decimal(10),
            "ctr": 0.02,
            "cpc": 0.5,
            "cpm": 10.0,
            "conversion_rate": 0.25,
        },
        {
            "campaign_id": "c2",
            "total_impressions": 0,
            "total_clicks": 0,
            "total_conversions": 0,
            "total_spend": Decimal(1),
            "ctr": 0.0,
            "cpc": 0.0,
            "cpm": 0.0,
            "conversion_rate": 0.0,
        },
    ]
    assert [
        len(found.marts[name]) for name in ("campaign_performance", "creative_performance", "daily_performance")
    ] == [
        3,
        3,
        1,
    ]
    assert found.processed[2]["ctr"] is None


def test_an_ad_has_a_row_for_each_of_its_campaigns_and_conversions_may_be_fractions() -> None:
    found = truth_of(
        [
            a_delivery(
                a_record(campaign_id="c1", clicks=2, conversions=Decimal("1.5")),
                a_record(campaign_id="c2", clicks=1, conversions=Decimal("1.000001")),
                a_record(campaign_id="c2", clicks=1, conversions=Decimal("0.25")),
                a_record(campaign_id="c2", conversions=Decimal(10**12)),
            )
        ]
    )
    assert [(row["ad_id"], row["campaign_id"], row["conversions"]) for row in found.marts["creative_performance"]] == [
        ("a1", "c1", Decimal("1.5")),
        ("a1", "c2", Decimal("0.25")),
    ]
    assert found.quarantined == {"conversions_over_clicks": 1, "out_of_range": 1}


def at(hour: int) -> datetime:
    """An hour of the day of receipt."""
    return RECEIVED.replace(hour=hour)


def spend_of(found: Truth) -> Decimal:
    """The total spend."""
    return sum((row["total_spend"] for row in found.marts["campaign_summary"]), Decimal(0))


def test_the_newest_of_a_scope_replaces_the_older_whole() -> None:
    scope = f"campaign_api/{DAY}"
    old = a_delivery(a_record(), a_record(clicks=-1), at=at(1), source="campaign_api/1", replaces=scope)
    new = a_delivery(a_record(spend=Decimal(3)), at=at(2), source="campaign_api/2", replaces=scope)
    other = a_delivery(a_record(spend=Decimal(5)), at=at(1))
    found = truth_of([new, other, old])
    assert spend_of(found) == 8
    assert vars(found.balance["campaign_api"]) == {
        "loaded": 3,
        "superseded": 2,
        "quarantined": 0,
        "kept": 1,
        "not_taken": 0,
    }
    assert not found.quarantined, "what is superseded is not looked at"
    emptied = a_delivery(at=at(3), source="campaign_api/3", replaces=scope)
    assert spend_of(truth_of([old, new, emptied, other])) == 5


def test_equal_bytes_are_taken_once_but_a_day_may_go_back() -> None:
    one = a_delivery(a_record(), at=at(1), content="x")
    again = a_delivery(a_record(), at=at(2), content="x")
    assert spend_of(truth_of([again, one])) == 1
    assert truth_of([again, one]).balance["campaign_files"].not_taken == 1

    scope = f"campaign_api/{DAY}"

    def fetch(hour: int, content: str, spend: int) -> Delivered:
        record = a_record(spend=Decimal(spend), date=None)
        return a_delivery(record, at=at(hour), source=f"campaign_api/{hour}", replaces=scope, content=content)

    assert spend_of(truth_of([fetch(1, "x", 1), fetch(2, "y", 2), fetch(3, "x", 1)])) == 1
    unchanged = truth_of([fetch(1, "x", 1), fetch(2, "x", 1)])
    assert unchanged.processed[0]["_source"] == "campaign_api/1"


def test_the_newest_delivery_of_a_day_has_it() -> None:
    def dated(hour: int, *records: Record, content: object = None) -> Delivered:
        return a_delivery(*records, at=at(hour), source=f"campaign_files/{hour}", content=content, is_by_days=True)

    monday, tuesday = a_record(date=DAY, spend=Decimal(1)), a_record(date=DAY + timedelta(1))
    undated = a_record(date=None, spend=Decimal(8))
    first = dated(1, monday, tuesday, undated, content="x")
    between = dated(2, a_record(date=DAY, spend=Decimal(4)))
    assert spend_of(truth_of([between, first])) == 1 + 8 + 4
    assert spend_of(truth_of([first, between, dated(3, monday, tuesday, undated, content="x")])) == 1 + 8 + 1
    again = truth_of([first, dated(3, monday, tuesday, undated, content="x")])
    assert spend_of(again) == 10
    assert again.balance["campaign_files"].not_taken == 1


def test_refetching_days_gives_the_truth_of_their_newest_version() -> None:
    world = small_world()
    runs = [(DAY, 1), (DAY, 2), (DAY, 3), (DAY, 4)]
    fetches = [
        fetched(world, day, datetime.combine(day + timedelta(days=age), datetime.min.time(), UTC)) for day, age in runs
    ]
    found = truth_of(fetches)
    assert found.marts == truth_of([fetches[2]]).marts
    assert found.marts != truth_of([fetches[1]]).marts
    assert found.balance["campaign_api"].not_taken == 1


records = st.builds(
    a_record,
    campaign_id=st.sampled_from(["c1", "c2", None]),
    ad_id=st.sampled_from(["a1", "a2", "a3", "", None]),
    brand=st.sampled_from(["b1", "b2"]),
    country=st.sampled_from(["US", "GB", None]),
    clicks=st.sampled_from([0, 1, 10, 101, -1, None]),
    spend=st.none() | st.decimals(-10, 10, places=6),
)


@given(st.lists(records, max_size=25), st.data())
def test_any_split_in_any_order_has_one_truth(all_records: list[Record], data: st.DataObject) -> None:
    whole = truth_of([a_delivery(*all_records)])
    table = a_delivery(*all_records).records
    cuts = data.draw(st.lists(st.integers(0, len(all_records)), max_size=4))
    parts = [
        Delivered(f"campaign_files/{number}/part{number}.csv", part, RECEIVED)
        for number, part in enumerate(split(table, cuts))
    ]
    assert sum(part.records.num_rows for part in parts) == len(all_records)
    found = truth_of(data.draw(st.permutations(parts)))
    assert (found.marts, found.quarantined, found.spend_sources) == (
        whole.marts,
        whole.quarantined,
        whole.spend_sources,
    )


# Files


def as_json(record: Record) -> Record:
    """The record as JSON has it."""
    return record | {"date": record["date"] and record["date"].isoformat()}


def read_lines(content: bytes) -> list[Record]:
    return [json.loads(line, parse_float=Decimal) for line in content.decode().split("\n")[:-1]]


def read_array(content: bytes) -> list[Record]:
    array: list[Record] = json.loads(content, parse_float=Decimal)
    return array


def read_parquet(content: bytes) -> list[Record]:
    return [as_json(record) for record in pq.read_table(pa.py_buffer(content)).to_pylist()]


def read_csv(content: bytes) -> list[Record]:
    rows = [dict(row) for row in csv.DictReader(io.StringIO(content.decode(), newline=""))]
    return [
        {
            name: (
                int(text)
                if name in ("impressions", "clicks")
                else Decimal(text)
                if name in ("spend", "conversions")
                else text
            )
            if text
            else None
            for name, text in row.items()
        }
        for row in rows
    ]


@pytest.mark.parametrize(
    ("extension", "read"),
    [(".jsonl", read_lines), (".json", read_array), (".csv", read_csv), (".parquet", read_parquet)],
)
@pytest.mark.parametrize("is_zipped", [False, True])
def test_files_say_exactly_what_was_delivered(
    tmp_path: Path, extension: str, read: Callable[[bytes], list[Record]], is_zipped: bool
) -> None:
    awkward = a_record(
        campaign_id='comma, "quote"\nnewline },', city="Zürich 🚲 \u202e", spend=Decimal("0.000001"), zipcode="00501"
    )
    extremes = a_record(spend=Decimal("-999999999999.123456"), impressions=2**63 - 1)
    table = pa.concat_tables(
        [delivery(small_world(), DAY, LONG_AFTER), pa.Table.from_pylist([awkward, extremes, a_record()], SCHEMA)]
    )
    path = write(table, tmp_path / f"delivery{extension}{'.gz' if is_zipped else ''}")
    again = write(table, tmp_path / f"again{extension}{'.gz' if is_zipped else ''}")
    assert path.read_bytes() == again.read_bytes()
    if is_zipped:
        assert path.read_bytes()[4:8] == bytes(4), "no time of writing"
    content = gzip.decompress(path.read_bytes()) if is_zipped else path.read_bytes()
    expected = [as_json(record) for record in table.to_pylist()]
    if extension == ".csv":
        expected = [{name: None if value == "" else value for name, value in record.items()} for record in expected]
    assert read(content) == expected
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted([path.name, again.name]), "no .part is left"


def test_spend_is_written_digit_by_digit(tmp_path: Path) -> None:
    schema = pa.schema([("spend", pa.decimal128(38, 12))])
    spends = ["0", "275.5", "0.1", "12345678901234567890.123456789012", "-0.000000000001", "1e-9", "100"]
    table = pa.Table.from_pylist([{"spend": Decimal(spend)} for spend in spends], schema)
    lines = write(table, tmp_path / "a.jsonl").read_text().splitlines()
    assert [line.removeprefix('{"spend":').removesuffix("}") for line in lines] == [
        "0.00",
        "275.50",
        "0.10",
        "12345678901234567890.123456789012",
        "-0.000000000001",
        "0.000000001",
        "100.00",
    ]


def test_empty_files_are_good_files(tmp_path: Path) -> None:
    empty = SCHEMA.empty_table()
    assert write(empty, tmp_path / "a.jsonl").read_bytes() == b""
    assert json.loads(write(empty, tmp_path / "a.json").read_bytes()) == []
    assert write(empty, tmp_path / "a.csv").read_text().count("\n") == 1
    assert pq.read_table(write(empty, tmp_path / "a.parquet")).num_rows == 0


def test_other_formats_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"report\.xlsx does not end in"):
        write(SCHEMA.empty_table(), tmp_path / "report.xlsx")


def test_events_and_delivery_count_the_same_faultless_day() -> None:
    world = small_world(rates=NO_FAULTS)
    found = truth(world, {DAY: RECEIVED}, LONG_AFTER)
    clicks = Counter(events(world, DAY).clicks["campaign_id"].to_pylist())
    assert clicks == {row["campaign_id"]: row["total_clicks"] for row in found.marts["campaign_summary"]}
