"""What the warehouse must say, computed the slow and plain way: one record at a time, in integers, without SQL.

It shares nothing with the models but the rules, so that a mistake would have to be made twice to go unseen.
"""

from __future__ import annotations

import gzip
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

import pyarrow as pa

from simulate.delivery import FIELDS, delivery, version
from simulate.world import World

Row = dict[str, Any]
Day = tuple[str, str | None, date]  # of an account of a system

_NULL_DEFAULTS = {
    "campaign_id": "unknown_campaign",
    "ad_id": "unknown_ad",
    "brand": "Unknown",
    "country": "Unknown",
    "state": "Unknown",
    "city": "Unknown",
    "zipcode": "0000",
}
_TIERS: dict[str, tuple[str, ...]] = {
    "ad_country": ("ad_id", "country"),
    "ad": ("ad_id",),
    "brand_country": ("brand", "country"),
    "brand": ("brand",),
}
_PLACE_AND_DAY = ("brand", "country", "state", "city", "zipcode", "date")
_MARTS: dict[str, tuple[str, ...]] = {
    "campaign_summary": ("campaign_id",),
    "campaign_performance": ("campaign_id", *_PLACE_AND_DAY),
    "creative_performance": ("ad_id", "campaign_id", *_PLACE_AND_DAY),
    "daily_performance": ("date", "brand", "country"),
}
_OLDEST = date(2000, 1, 1)
_FUTURE_TOLERANCE = timedelta(days=1)
_MICROS = 10**6
_LIMIT = 10**12 * _MICROS
# Wide enough for every decimal(38): the default context would round at 28 digits.
_EXACT = Context(prec=80, rounding=ROUND_HALF_UP)
_MICRO = Decimal("0.000001")


@dataclass(frozen=True, eq=False)
class Delivered:
    """One fetch of an API or one file, as it was received.

    Attributes:
        source: Its path relative to landing, `<system>/<stamp>-<sha8>` and a file's name.
        records: The twelve columns: text, date32, int64 and decimals; conversions as decimals; perhaps an `account`.
        received_at: UTC.
        replaces: The scope in which it replaces everything received before it, such as `campaign_api/2024-05-20` or
            `campaign_files/a.csv`; None: it adds to what is there.
        is_by_days: It replaces, of each account, the days that its records name.
        content: Stands for what it says, of a file `content_of`: one that says what another one says, and that counts,
            is not taken. None: like no other.
        number: Its receipt number, which decides what came later; of equal numbers the time decides.
        asked: The day that it answers for; a record without a date is of that day.
    """

    source: str
    records: pa.Table
    received_at: datetime
    replaces: str | None = None
    content: object = None
    number: int = 0
    asked: date | None = None
    is_by_days: bool = False

    @property
    def system(self) -> str:
        """The source system, `campaign_api` or `campaign_files`."""
        return self.source.split("/", 1)[0]


@dataclass
class Balance:
    """Where a system's records went: `loaded = superseded + quarantined + kept`."""

    loaded: int = 0
    superseded: int = 0
    quarantined: int = 0
    kept: int = 0
    not_taken: int = 0
    """Deliveries, not records: equal to what was there, so never loaded."""


@dataclass
class Truth:
    """What must come out.

    Attributes:
        processed: One row per kept record: the twelve fields, `spend_source`, `date_source`, the rates, `source`,
            `_source` and `_position`.
        marts: By name, rows with the mart's columns, sorted by its grain. Spend and conversions are Decimals with six
            places.
        quarantined: Records by reason.
        spend_sources: Kept records by where their spend is from.
        balance: By source system.
    """

    processed: list[Row] = field(default_factory=list)
    marts: dict[str, list[Row]] = field(default_factory=dict)
    quarantined: Counter[str] = field(default_factory=Counter)
    spend_sources: Counter[str] = field(default_factory=Counter)
    balance: dict[str, Balance] = field(default_factory=dict)


def truth(world: World, received: Mapping[date, datetime], as_of: date | None = None) -> Truth:
    """What the warehouse must say after each of the days was fetched once.

    Args:
        world: The world that was served.
        received: When the fetch of each day began; a missing date becomes the UTC date of that.
        as_of: The date the platform took for today; None: the UTC date of each receipt.
    """
    return truth_of(fetched(world, day, at, as_of) for day, at in received.items())


def fetched(world: World, day: date, received_at: datetime, as_of: date | None = None) -> Delivered:
    """One fetch of a day, for use with `truth_of` where days are fetched several times or files come too."""
    asked_on = received_at.astimezone(UTC).date() if as_of is None else as_of
    return Delivered(
        source=f"campaign_api/{received_at.astimezone(UTC):%Y%m%dT%H%M%S.%fZ}-{day}",
        records=delivery(world, day, asked_on),
        received_at=received_at,
        replaces=f"campaign_api/{day}",
        content=(world, day, version(day, asked_on)),
        asked=day,
    )


def content_of(file: bytes) -> bytes:
    """What two files that say the same have in common: their bytes, or those that they unzip to."""
    if not file.startswith(b"\x1f\x8b"):
        return file
    try:
        return gzip.decompress(file)
    except (OSError, EOFError, zlib.error):
        return file


def truth_of(deliveries: Iterable[Delivered]) -> Truth:
    """What the warehouse must say of any deliveries, given in any order."""
    result = Truth()
    candidates: list[Row] = []
    received = sorted(deliveries, key=_receipt)
    whole = _standing([one for one in received if not one.is_by_days], result.balance)
    by_days = _standing_days([one for one in received if one.is_by_days], result.balance)
    for delivered, rows in [*((one, _rows(one)) for one in whole), *by_days]:
        balance = result.balance[delivered.system]
        for row in rows:
            reason = _reason(row, delivered.received_at, delivered.asked)
            if reason is None:
                candidates.append(row)
            else:
                result.quarantined[reason] += 1
                balance.quarantined += 1
    medians = _medians(candidates)
    for row in candidates:
        balance = result.balance[row["_source"].split("/", 1)[0]]
        row["spend_source"] = _give_spend(row, medians)
        if row["spend_source"] is None:
            result.quarantined["no_median"] += 1
            balance.quarantined += 1
        else:
            result.spend_sources[row["spend_source"]] += 1
            balance.kept += 1
            result.processed.append(row)
    for name, grain in _MARTS.items():
        result.marts[name] = _summed(result.processed, grain, "total_" if name == "campaign_summary" else "")
    for row in result.processed:
        row |= _rates(row["impressions"], row["clicks"], row["spend"], row["conversions"], otherwise=None)
        row |= {name: _decimal(row[name]) for name in ("spend", "conversions")}
        row["original_spend"] = row["spend"] if row["spend_source"] == "observed" else None
    return result


def _standing(received: list[Delivered], balances: dict[str, Balance]) -> list[Delivered]:
    """The deliveries that count after all were received, given in the order of receipt.

    Of each scope the newest content counts, from the first delivery that brought it without another one in between; one
    without a record that passes the rules replaces nothing, and stands beside. Of files with equal contents only one
    counts, the one received first of those that were taken. Which has records that pass nobody knows when it comes: it
    is taken if by then no equal one is the newest of its scope, or later if that one is replaced.
    """
    said: dict[object, list[Delivered]] = {}
    taken: dict[str, Delivered] = {}
    for delivered in received:
        balances.setdefault(delivered.system, Balance())
        words = said.setdefault(delivered.source if delivered.replaces is None else delivered.replaces, [])
        if not words or delivered.content is None or words[-1].content != delivered.content:
            words.append(delivered)
        newest: dict[object, Delivered] = {}
        for word in sorted((words[-1] for words in said.values()), key=_receipt):
            newest.setdefault(_likeness(word), word)
        taken |= {word.source: word for word in newest.values()}
    left = sorted((word for words in said.values() for word in words[_last_usable(words) :]), key=_receipt)
    first: dict[object, Delivered] = {}
    for one in [*(word for word in left if word.source in taken), *sorted(taken.values(), key=_receipt)]:
        first.setdefault(_likeness(one), one)
    counting = {_likeness(word): first[_likeness(word)] for word in left}
    standing = {one.source for one in counting.values()}
    for delivered in received:
        balance = balances[delivered.system]
        if delivered.source not in taken:
            balance.not_taken += 1
            continue
        balance.loaded += delivered.records.num_rows
        if delivered.source not in standing:
            balance.superseded += delivered.records.num_rows
    return [*counting.values()]


def _receipt(delivered: Delivered) -> tuple[int, datetime, str]:
    return delivered.number, delivered.received_at, delivered.source


def _likeness(delivered: Delivered) -> object:
    """What equal files have in common, and fetches with nothing."""
    is_day = delivered.system == "campaign_api" and delivered.replaces is not None
    return delivered.source if delivered.content is None or is_day else (delivered.system, delivered.content)


def _last_usable(words: list[Delivered]) -> int:
    """The place of the newest one that replaces what was before it."""
    return max((place for place, word in enumerate(words) if _is_usable(word)), default=0)


def _is_usable(delivered: Delivered) -> bool:
    """Whether a record passes the rules before imputation, or there is none."""
    reasons = (_reason(row, delivered.received_at, delivered.asked) for row in _rows(delivered))
    return delivered.records.num_rows == 0 or any(reason is None for reason in reasons)


def _standing_days(received: list[Delivered], balances: dict[str, Balance]) -> list[tuple[Delivered, list[Row]]]:
    """The rows that count of deliveries that replace days, given in the order of receipt.

    Whoever names a day of an account last has it, but for one without a record that passes the rules: it takes no day,
    and only loses its own. A delivery whose days were all named last with the same content is not taken. Rows that name
    no day are never replaced, and of the same content count once.
    """
    named_last: dict[Day, Delivered] = {}
    owned_since: dict[Day, int] = {}
    taken: list[tuple[int, Delivered, list[tuple[Day | None, Row]]]] = []
    contents: dict[tuple[str, object], Delivered] = {}
    for place, delivered in enumerate(received):
        balance = balances.setdefault(delivered.system, Balance())
        rows = [*zip(_named_days(delivered), _rows(delivered), strict=True)]
        days = {day for day, _ in rows if day is not None}
        first = contents.setdefault((delivered.system, delivered.content or delivered.source), delivered)
        if first is not delivered and all(named_last[day].content == delivered.content for day in days):
            balance.not_taken += 1
            continue
        named_last |= dict.fromkeys(days, delivered)
        owned_since |= dict.fromkeys(days if _is_usable(delivered) else (), place)
        balance.loaded += len(rows)
        taken.append((place, delivered, [(day, row) for day, row in rows if day is not None or first is delivered]))
    standing = []
    for place, delivered, rows in taken:
        left = [row for day, row in rows if day is None or owned_since.get(day, place) <= place]
        balances[delivered.system].superseded += delivered.records.num_rows - len(left)
        standing.append((delivered, left))
    return standing


def _named_days(delivered: Delivered) -> Iterable[Day | None]:
    """The day that each record names; None where it names none."""
    has_account = "account" in delivered.records.schema.names
    for record in delivered.records.select(["date", *(["account"] if has_account else [])]).to_pylist():
        yield record["date"] and (delivered.system, record.get("account"), record["date"])


def _rows(delivered: Delivered) -> Iterable[Row]:
    """The records with the defaults applied, and spend and conversions in whole millionths."""
    received_on = delivered.received_at.astimezone(UTC).date()
    columns = [delivered.records.column(name).to_pylist() for name in FIELDS]
    for position, values in enumerate(zip(*columns, strict=True), start=1):
        row: Row = dict(zip(FIELDS, values, strict=True))
        for name, default in _NULL_DEFAULTS.items():
            row[name] = (row[name] or "").strip() or default
        row["date_source"] = "observed"
        if row["date"] is None:
            row["date_source"] = "received" if delivered.asked is None else "asked"
            row["date"] = received_on if delivered.asked is None else delivered.asked
        for name in ("spend", "conversions"):
            if row[name] is not None:
                row[name] = int(Decimal(row[name]).quantize(_MICRO, context=_EXACT).scaleb(6, _EXACT))
        row |= {"account": "unknown_account", "currency": "USD", "original_spend": row["spend"]}
        row["source"] = delivered.system
        row["_source"] = delivered.source
        row["_position"] = position
        yield row


def _reason(row: Row, received_at: datetime, asked: date | None) -> str | None:
    """Why a record is quarantined before imputation: the first rule it breaks."""
    impressions, clicks, conversions, spend = row["impressions"], row["clicks"], row["conversions"], row["spend"]
    if row["date"] < _OLDEST or any(micros is not None and abs(micros) >= _LIMIT for micros in (spend, conversions)):
        return "out_of_range"
    if any(count is not None and count < 0 for count in (impressions, clicks, conversions)):
        return "negative_count"
    for name in ("impressions", "clicks", "conversions"):
        if row[name] is None:
            return f"null_{name}"
    if clicks > impressions:
        return "clicks_over_impressions"
    if conversions > clicks * _MICROS:
        return "conversions_over_clicks"
    if row["date"] > (received_at.astimezone(UTC) + _FUTURE_TOLERANCE).date():
        return "future_date"
    return "other_day" if asked is not None and row["date"] != asked else None


def _medians(rows: list[Row]) -> dict[tuple[str, ...], int]:
    """The median spend in millionths by tier and key, for the keys that miss spend."""
    missing = {
        (tier, *(row[name] for name in key)) for row in rows if row["spend"] is None for tier, key in _TIERS.items()
    }
    observed: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for row in rows:
        if row["spend"] is not None:
            for tier, key in _TIERS.items():
                group = (tier, *(row[name] for name in key))
                if group in missing:
                    observed[group].append(row["spend"])
    return {group: _median(spends) for group, spends in observed.items()}


def _median(values: list[int]) -> int:
    """The middle value, or the mean of the middle two, a half rounded away from zero as SQL's `round` does."""
    values.sort()
    middle = len(values) // 2
    if len(values) % 2:
        return values[middle]
    total = values[middle - 1] + values[middle]
    half = (abs(total) + 1) // 2
    return half if total >= 0 else -half


def _give_spend(row: Row, medians: dict[tuple[str, ...], int]) -> str | None:
    """Fills in missing spend; says where spend is from, None if it stays missing."""
    if row["spend"] is not None:
        return "observed"
    for tier, key in _TIERS.items():
        group = (tier, *(row[name] for name in key))
        if group in medians:
            row["spend"] = medians[group]
            return tier
    return None


def _summed(rows: list[Row], grain: tuple[str, ...], prefix: str) -> list[Row]:
    sums: dict[tuple[Any, ...], list[int]] = {}
    for row in rows:
        total = sums.setdefault(tuple(row[name] for name in grain), [0, 0, 0, 0])
        total[0] += row["impressions"]
        total[1] += row["clicks"]
        total[2] += row["conversions"]
        total[3] += row["spend"]
    marts = []
    for key, (impressions, clicks, conversions, spend) in sorted(sums.items()):
        mart = dict(zip(grain, key, strict=True))
        mart |= {
            f"{prefix}impressions": impressions,
            f"{prefix}clicks": clicks,
            f"{prefix}conversions": _decimal(conversions),
            f"{prefix}spend": _decimal(spend),
        }
        marts.append(mart | _rates(impressions, clicks, spend, conversions, otherwise=0.0))
    return marts


def _rates(impressions: int, clicks: int, spend: int, conversions: int, otherwise: float | None) -> Row:
    # Each division is of the two nearest doubles; a millionth is not one, so millionths are divided out first.
    spent, converted = spend / _MICROS, conversions / _MICROS
    return {
        "ctr": clicks / impressions if impressions else otherwise,
        "cpc": spent / clicks if clicks else otherwise,
        "cpm": spent / impressions * 1000 if impressions else otherwise,
        "conversion_rate": converted / clicks if clicks else otherwise,
    }


def _decimal(micros: int) -> Decimal:
    return Decimal(micros).scaleb(-6, _EXACT)
