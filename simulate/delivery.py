"""What the platform reports for a day: sums of its events per booked ad and place, with typical faults of platforms."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from simulate.draws import address, bits, uniform
from simulate.events import decimals, impressions_of
from simulate.world import World

FIELDS = (
    "campaign_id",
    "ad_id",
    "date",
    "brand",
    "country",
    "state",
    "city",
    "zipcode",
    "impressions",
    "clicks",
    "spend",
    "conversions",
)
SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("campaign_id", "ad_id")),
        ("date", pa.date32()),
        *((name, pa.string()) for name in ("brand", "country", "state", "city", "zipcode")),
        *((name, pa.int64()) for name in ("impressions", "clicks")),
        ("spend", pa.decimal128(38, 6)),
        ("conversions", pa.decimal128(38, 7)),
    ]
)
SETTLED = 3
"""A day's report no longer changes from this many days after it on."""

_FUTURE = date(9999, 12, 31)
_THIRTEEN_DIGITS = 10**18
_EPOCH = date(1970, 1, 1).toordinal()
_TENTHS_OF_MICROS = 10**7  # of a conversion: one decimal more than the warehouse keeps, so that it has to round
_PADDED = (" {}", "{}\t ", "\u00a0{}  ")


@dataclass(frozen=True, eq=False)
class _Tally:
    """A day's sums; `cell` numbers booking and place."""

    cell: NDArray[np.int64]
    impressions: NDArray[np.int64]
    clicks: NDArray[np.int64]
    conversions: NDArray[np.int64]
    micros: NDArray[np.int64]


def version(day: date, as_of: date) -> int:
    """Which report of `day` the platform gives on `as_of`: its age in days up to `SETTLED`, and -1 before the day."""
    return max(-1, min((as_of - day).days, SETTLED))


def delivery(world: World, day: date, as_of: date) -> pa.Table:
    """The records the platform reports for `day` when asked on `as_of`, by campaign, ad and place.

    Clicks and conversions count on the day of their impression, so without faults
    `conversions <= clicks <= impressions`. The day itself is reported up to noon; a day to come has no records. Until a
    day has settled, some records still lack a part of their events, and others are there that will be withdrawn.

    Returns:
        The twelve columns in the order of `FIELDS`; spend and conversions are exact, conversions with seven decimals.
    """
    return _report(world, day, as_of)[0]


def injected(world: World, day: date, as_of: date) -> dict[str, int]:
    """How many of the day's records have each fault, by the names in `FaultRates`, and `null_<column>` for the nulls.

    `restated` and `withdrawn` count the records that differ from, or are missing in, the settled report.
    """
    return _report(world, day, as_of)[1] | _unsettled(world, day, version(day, as_of))


def _tally(world: World, day: date, age: int) -> _Tally:
    sums = np.zeros((4, world.cells), np.int64)
    number = day.toordinal()
    cells = np.arange(world.cells)
    is_restated = uniform(address(world.seed, "restated", number), cells) < world.rates.restated
    for seen in impressions_of(world, day):
        cell = seen.booking.astype(np.int64) * len(world.places) + seen.place
        if age < SETTLED:
            is_known = np.ones(len(cell), np.bool_) if age else seen.second < 43_200
            late = np.flatnonzero(is_restated[cell])
            # Of a restated record's events half are known after a day, three quarters after two, all after three.
            delay = bits(address(world.seed, "delay", number), seen.index[late]) & np.uint64(3)
            is_known[late] &= delay < np.uint64((1, 2, 3)[age])
        else:
            is_known = np.ones(len(cell), np.bool_)
        weights = (is_known, is_known & seen.is_clicked, is_known & seen.is_converted, is_known * seen.price)
        for total, weight in zip(sums, weights, strict=True):
            # Sums of whole numbers stay exact in doubles up to 2^53.
            total += np.bincount(cell, weight, minlength=world.cells).astype(np.int64)
    is_there = sums[0] > 0
    if age >= 2:
        is_there &= ~_is_withdrawn(world, number, cells)
    cell = np.flatnonzero(is_there)
    impressions, clicks, conversions, micros = sums[:, cell]
    return _Tally(cell, impressions, clicks, conversions, micros)


def _is_withdrawn(world: World, day: int, cell: NDArray[np.int64]) -> NDArray[np.bool_]:
    return uniform(address(world.seed, "withdrawn", day), cell) < world.rates.withdrawn


def _report(world: World, day: date, as_of: date) -> tuple[pa.Table, dict[str, int]]:
    age = version(day, as_of)
    if age < 0:
        return SCHEMA.empty_table(), {}
    number = day.toordinal()
    tally = _tally(world, day, age)
    rates, cell, rows = world.rates, tally.cell, len(tally.cell)
    impressions, clicks, conversions, micros = tally.impressions, tally.clicks, tally.conversions, tally.micros
    days = np.full(rows, number - _EPOCH, np.int32)
    booking, place = np.divmod(cell, len(world.places))
    ad = world.booking_ad[booking]

    def chance(purpose: str) -> NDArray[np.float64]:
        # By cell, so that a record has the same fault in every version of its day.
        return uniform(address(world.seed, purpose, number), cell)

    kinds = rates.of_one_kind()
    kind = np.searchsorted(np.cumsum(list(kinds.values())), chance("fault"), side="right")
    has = {name: kind == position for position, name in enumerate(kinds)}
    by = 1 + (bits(address(world.seed, "by", number), cell) % np.uint64(3)).astype(np.int64)

    clicks = np.where(has["clicks_over_impressions"], impressions + by, clicks)
    conversions = np.where(has["conversions_over_clicks"], clicks + by, conversions)
    impressions = np.where(has["negative_count"] & (by == 1), -impressions, impressions)
    clicks = np.where(has["negative_count"] & (by == 2), -1 - clicks, clicks)
    conversions = np.where(has["negative_count"] & (by == 3), -1 - conversions, conversions)
    micros = np.where(has["credit"], -micros, micros)
    micros = np.where(has["out_of_range"], _THIRTEEN_DIGITS + micros, micros)
    days = np.where(has["future_date"], np.int32(_FUTURE.toordinal() - _EPOCH), days)

    is_silent = world.never_reports_spend[ad, world.places.country_index[place]]
    is_null = {name: chance(f"null {name}") < rates.null for name in FIELDS if name != "spend"}
    is_null["spend"] = is_silent | (chance("missing spend") < rates.missing_spend)
    has["credit"] &= ~is_null["spend"]
    has["out_of_range"] &= ~is_null["spend"]

    # What is left of the last conversion ends in a 5 on the seventh decimal half of the time, to be rounded up.
    taken = (1 + bits(address(world.seed, "taken", number), cell) % np.uint64(_TENTHS_OF_MICROS - 1)).astype(np.int64)
    taken = np.where(chance("tie") < 0.5, taken // 10 * 10 + 5, taken)
    has_fraction = (chance("fractional") < rates.fractional) & (conversions > 0) & (kind == len(kinds))
    parts = conversions * _TENTHS_OF_MICROS - np.where(has_fraction, taken, 0)

    is_blank = chance("blank") < 0.5
    is_padded = chance("padded") < rates.padded
    padding = np.where(is_padded, by, 0)
    texts: dict[str, tuple[tuple[str, ...], NDArray[np.int64]]] = {
        "campaign_id": (world.campaign_ids, world.booking_campaign[booking]),
        "ad_id": (world.ad_ids, ad),
        "brand": (world.brands, world.ad_brand[ad]),
        "country": (world.places.country, place),
        "state": (world.places.state, place),
        "city": (world.places.city, place),
        "zipcode": (world.places.zipcode, place),
    }
    columns = {name: _text(*text, padding, is_null[name], is_blank) for name, text in texts.items()}
    columns["date"] = pa.array(days, pa.date32(), mask=is_null["date"])
    columns["spend"] = decimals(micros, 6, is_null["spend"])
    columns["conversions"] = decimals(parts, 7, is_null["conversions"])
    counts = {"impressions": impressions, "clicks": clicks}
    columns |= {name: pa.array(count, mask=is_null[name]) for name, count in counts.items()}
    found = {name: int(rows_with.sum()) for name, rows_with in has.items()}
    found |= {"fractional": int((has_fraction & ~is_null["conversions"]).sum()), "padded": int(is_padded.sum())}
    found |= {f"null_{name}": int(rows_with.sum()) for name, rows_with in is_null.items()}
    return pa.table({name: columns[name] for name in FIELDS}, schema=SCHEMA), found


def _unsettled(world: World, day: date, age: int) -> dict[str, int]:
    """Which part of the report is not final yet."""
    if not 0 <= age < SETTLED:
        return {"restated": 0, "withdrawn": 0}
    now, settled = (_by_cell(_tally(world, day, then)) for then in (age, SETTLED))
    return {
        "restated": sum(now.get(cell) != sums for cell, sums in settled.items()),
        "withdrawn": len(now.keys() - settled.keys()),
    }


def _by_cell(tally: _Tally) -> dict[int, tuple[int, ...]]:
    sums = (tally.impressions, tally.clicks, tally.conversions, tally.micros)
    return dict(zip(tally.cell.tolist(), zip(*(column.tolist() for column in sums), strict=True), strict=True))


def _text(
    names: tuple[str, ...],
    index: NDArray[np.int64],
    padding: NDArray[np.int64],
    is_null: NDArray[np.bool_],
    is_blank: NDArray[np.bool_],
) -> pa.Array:
    """The named texts, with half of the missing ones sent as an empty string, as exports often do.

    A text with a padding has white space around it, in one of the ways of `_PADDED`.
    """
    padded = [pattern.format(name) for pattern in _PADDED for name in names]
    values = pa.array([*names, *padded, ""], pa.string())
    place = np.where(is_null & is_blank, len(values) - 1, padding * len(names) + index)
    return values.take(pa.array(place, mask=is_null & ~is_blank))
