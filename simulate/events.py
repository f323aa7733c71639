"""What happens on a day: impressions, the clicks they get and the conversions those lead to."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from simulate.draws import address, bits
from simulate.world import World

_BLOCK = 1 << 20
_WEEKDAYS = (1.0, 1.02, 1.01, 0.99, 1.05, 0.86, 0.8)
_HALF = np.uint64(32)
_LOW_HALF = np.uint64(0xFFFFFFFF)
_LOW_QUARTER = np.uint64(0xFFFF)
_CONVERSION_TYPES = ("purchase", "sign_up", "add_to_cart")


@dataclass(frozen=True, eq=False)
class Impressions:
    """A block of one day's impressions as arrays, `index` being the impression's number in its day."""

    index: NDArray[np.int64]
    user: NDArray[np.int64]
    booking: NDArray[np.int32]
    place: NDArray[np.int32]
    site: NDArray[np.int64]
    second: NDArray[np.int64]
    """Of the UTC day."""
    price: NDArray[np.int64]
    """Thousandths of a CPM, so millionths of the currency for this impression."""
    is_clicked: NDArray[np.bool_]
    is_converted: NDArray[np.bool_]
    """Only ever where `is_clicked`: one impression leads to at most one click and one conversion."""


@dataclass(frozen=True, eq=False)
class Events:
    """The events that a day's impressions lead to, as Arrow tables; clicks and conversions may happen on later days."""

    impressions: pa.Table
    clicks: pa.Table
    conversions: pa.Table


def impressions_of(world: World, day: date, campaigns: Collection[str] | None = None) -> Iterator[Impressions]:
    """The day's impressions, a million at a time; of all campaigns, or of some."""
    number = day.toordinal()
    is_wanted = None if campaigns is None else np.array([one in campaigns for one in world.campaign_ids])
    count = round(world.impressions_per_day * _WEEKDAYS[day.weekday()])
    for first in range(0, count, _BLOCK):
        index = np.arange(first, min(first + _BLOCK, count))
        yield _drawn(world, number, index, is_wanted)


def _drawn(world: World, day: int, index: NDArray[np.int64], is_wanted: NDArray[np.bool_] | None) -> Impressions:
    # The smaller of two draws: some users see several times as many ads as others, none sees thousands.
    draw = bits(address(world.seed, "user", day), index)
    user = (np.minimum(draw & _LOW_HALF, draw >> _HALF) * np.uint64(len(world.user_ids)) >> _HALF).astype(np.int64)
    place = world.user_place[user]

    draw = bits(address(world.seed, "impression", day), index)
    slot = (draw & _LOW_QUARTER).astype(np.int64)
    booking = world.bookings_shown[world.places.country_index[place], slot]
    if is_wanted is not None:
        rows = np.flatnonzero(is_wanted[world.booking_campaign[booking]])
        index, user, place, booking, draw = index[rows], user[rows], place[rows], booking[rows], draw[rows]
    sites = np.uint64(len(world.site_domain))
    site = ((draw >> np.uint64(16) & _LOW_QUARTER) * sites >> np.uint64(16)).astype(np.int64)
    second = ((draw >> _HALF & _LOW_QUARTER) * np.uint64(86_400) >> np.uint64(16)).astype(np.int64)
    noise = (draw >> np.uint64(48)).astype(np.int64)
    base = world.booking_price[booking]
    price = (base * 3 >> 2) + (base * noise >> 17)

    draw = bits(address(world.seed, "response", day), index)
    is_clicked = (draw & _LOW_HALF) < world.booking_click_threshold[booking]
    is_converted = is_clicked & (draw >> _HALF < world.booking_conversion_threshold[booking])
    return Impressions(index, user, booking, place, site, second, price, is_clicked, is_converted)


def events(world: World, day: date, campaigns: Collection[str] | None = None) -> Events:
    """The day's impressions, and whatever clicks and conversions they led to, as their own systems would log them.

    Auctions, invalid traffic, view-through conversions and late or broken records are not part of it: they are added
    where logs are written.

    Args:
        world: Whose events they are.
        day: The UTC day of the impressions.
        campaigns: Only events of these; None: of all.
    """
    blocks = list(impressions_of(world, day, campaigns))
    seen = Impressions(*(np.concatenate([vars(block)[name] for block in blocks]) for name in vars(blocks[0])))
    number = day.toordinal()
    microsecond = seen.second * 1_000_000 + _below(world, "microsecond", number, seen.index, 1_000_000)
    midnight = (number - date(1970, 1, 1).toordinal()) * 86_400_000_000
    seen_at = midnight + microsecond

    clicked = np.flatnonzero(seen.is_clicked)
    # The product of two draws: half of the clicks follow within minutes, the last after an hour and a half.
    hurry = _below(world, "hurry", number, seen.index[clicked], 5400)
    clicked_at = seen_at[clicked] + 1_000 * (1_000 + hurry * _below(world, "linger", number, seen.index[clicked], 1000))
    converted = np.flatnonzero(seen.is_converted)
    days_later = _below(world, "days", number, seen.index[converted], 8) * _below(
        world, "more days", number, seen.index[converted], 5
    )
    converted_at = clicked_at[np.searchsorted(clicked, converted)] + 1_000_000 * (
        60 + days_later * 86_400 + _below(world, "second", number, seen.index[converted], 7200)
    )

    def named(names: tuple[str, ...], index: NDArray[np.integer]) -> pa.Array:
        return pa.array(names, pa.string()).take(pa.array(index))

    def ids(kind: str, rows: NDArray[np.int64]) -> pa.Array:
        return pa.array([f"{kind}-{day:%Y%m%d}-{number:07d}" for number in seen.index[rows].tolist()], pa.string())

    def times(microseconds: NDArray[np.int64]) -> pa.Array:
        return pa.array(microseconds, pa.timestamp("us", "UTC"))

    def shared(rows: NDArray[np.int64]) -> dict[str, pa.Array]:
        return {
            "ad_id": named(world.ad_ids, world.booking_ad[seen.booking[rows]]),
            "campaign_id": named(world.campaign_ids, world.booking_campaign[seen.booking[rows]]),
            "publisher_id": named(world.site_publisher, seen.site[rows]),
            "user_id": named(world.user_ids, seen.user[rows]),
            "device_type": named(world.user_device, seen.user[rows]),
            "geo_location": named(world.places.geo_location, seen.place[rows]),
            "platform": named(world.site_platform, seen.site[rows]),
        }

    everything = np.arange(len(seen.index))
    conversion = _below(world, "conversion", number, seen.index[converted], 100)
    return Events(
        impressions=pa.table(
            {
                "impression_id": ids("imp", everything),
                **shared(everything),
                "event_time": times(seen_at),
                "ad_type": named(world.ad_type, world.booking_ad[seen.booking]),
                "bid_price": decimals(seen.price, 3),
                "site_domain": named(world.site_domain, seen.site),
                "zipcode": named(world.places.zipcode, seen.place),
            }
        ),
        clicks=pa.table(
            {
                "click_id": ids("clk", clicked),
                "impression_id": ids("imp", clicked),
                **shared(clicked),
                "event_time": times(clicked_at),
                "click_price": decimals(seen.price[clicked] // 20, 3),
            }
        ),
        conversions=pa.table(
            {
                "conversion_id": ids("cnv", converted),
                "impression_id": ids("imp", converted),
                "user_id": named(world.user_ids, seen.user[converted]),
                "campaign_id": named(world.campaign_ids, world.booking_campaign[seen.booking[converted]]),
                "event_time": times(converted_at),
                "conversion_type": named(_CONVERSION_TYPES, conversion % len(_CONVERSION_TYPES)),
                "conversion_value": decimals(500 + conversion * 173, 2),
                "currency": pa.repeat(pa.scalar("USD"), len(converted)),
            }
        ),
    )


def _below(world: World, purpose: str, day: int, index: NDArray[np.int64], limit: int) -> NDArray[np.int64]:
    draw = bits(address(world.seed, purpose, day), index) >> _HALF
    return (draw * np.uint64(limit) >> _HALF).astype(np.int64)


def decimals(units: NDArray[np.int64], scale: int, is_null: NDArray[np.bool_] | None = None) -> pa.Array:
    """Converts whole units of 10^-scale to exact decimals, without passing through a float."""
    halves = np.empty((len(units), 2), np.int64)
    halves[:, 0] = units
    halves[:, 1] = units >> 63
    validity = None if is_null is None else pa.py_buffer(np.packbits(~is_null, bitorder="little"))
    return pa.Array.from_buffers(pa.decimal128(38, scale), len(units), [validity, pa.py_buffer(halves)])
