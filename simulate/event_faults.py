"""What goes wrong in event logs: each fault is a function of an entry, and gives what the log has in its place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np

from simulate.draws import address, bits, uniform
from simulate.event_fault_rates import EventFaultRates
from simulate.event_log import Entry
from simulate.world import World

Fault = Callable[[Entry, int], list[Entry]]

LATEST = 10
"""A late entry comes at most so many days after its own."""

_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
_HOUR = 3_600 * _SECOND
_NOBODY = ("0", "-1", "-", "null", "(not set)", "00000000-0000-0000-0000-000000000000", "undefined", "")
_MACROS = ("${AUCTION_PRICE}", "%%WINNING_PRICE%%", "{{price}}", "[PRICE]", "__PRICE__")
_IDS = {"impressions": "impression_id", "clicks": "click_id", "conversions": "conversion_id"}
_PRICES = {
    "impressions": "bid_price",
    "clicks": "click_price",
    "conversions": "conversion_value",
    "bids": "bid_price",
}
_OTHERWISE: dict[str, dict[str, Any]] = {
    "impressions": {"site_domain": "elsewhere.example"},
    "clicks": {"device_type": "watch"},
    "conversions": {"conversion_value": "1.00"},
}


def with_faults(world: World, day: date, entries: Iterable[Entry], rates: EventFaultRates) -> Iterator[Entry]:
    """What the logs have of the entries that a day's impressions led to.

    Raises:
        ValueError: The faults of a kind, of which an entry has at most one, add up to more than 1.
    """
    of_kind: dict[str, list[Entry]] = {kind: [] for kind in FAULTS}
    for entry in entries:
        if entry.fields.get("test"):  # it is quarantined for that, so nobody would see what else is wrong
            yield entry
        else:
            of_kind[entry.kind].append(entry)
    for kind, faults in FAULTS.items():
        names = list(faults)
        limits = np.cumsum([getattr(rates, name) for name in names])
        if limits[-1] > 1:
            raise ValueError(f"the faults of {kind} add up to {limits[-1]:.3f}, which is more than 1")
        number = np.arange(len(of_kind[kind]))
        chance = uniform(address(world.seed, "event fault", kind, day.toordinal()), number)
        by = bits(address(world.seed, "by", kind, day.toordinal()), number)
        met = np.searchsorted(limits, chance, side="right")
        for entry, fault, draw in zip(of_kind[kind], met.tolist(), by.tolist(), strict=True):
            if fault == len(names):
                yield entry
            else:
                yield from faults[names[fault]](entry, draw)


def _named(name: str, entry: Entry, **changes: Any) -> Entry:
    return replace(entry, fault=name, **changes)


def _saying(name: str, entry: Entry, **changes: Any) -> Entry:
    return _named(name, entry, fields=entry.fields | changes)


def _duplicate(entry: Entry, by: int) -> list[Entry]:
    return [entry, _named("duplicate", entry, days_later=by % 2)]


def _conflicting(entry: Entry, by: int) -> list[Entry]:
    # A second nearer to noon, so that it stays on its day.
    shift = _SECOND * (by % 2) * (1 if entry.at % _DAY < _DAY // 2 else -1)
    return [entry, _named("conflicting", entry, at=entry.at + shift, fields=entry.fields | _OTHERWISE[entry.kind])]


def _returning_id(entry: Entry, by: int) -> list[Entry]:
    at = entry.at + _DAY
    return [entry, _named("returning_id", entry, at=at, seen_at=at)]


def _late(entry: Entry, by: int) -> list[Entry]:
    return [_named("late", entry, days_later=1 + (by % 4) ** 2)]


def _out_of_order(entry: Entry, by: int) -> list[Entry]:
    return [_named("out_of_order", entry, is_last=True)]


def _broken_line(entry: Entry, by: int) -> list[Entry]:
    return [_named("broken_line", entry, is_broken=True)]


def _missing_id(entry: Entry, by: int) -> list[Entry]:
    return [_saying("missing_id", entry, **{_IDS[entry.kind]: None})]


def _nobody(entry: Entry, by: int) -> list[Entry]:
    return [_saying("nobody", entry, user_id=_NOBODY[by % len(_NOBODY)])]


def _with(name: str, **changes: Any) -> Fault:
    return lambda entry, by: [_saying(name, entry, **changes)]


def _negative_price(entry: Entry, by: int) -> list[Entry]:
    name = _PRICES[entry.kind]
    return [_saying("negative_price", entry, **{name: -1 - entry.fields[name]})]


def _macro_price(entry: Entry, by: int) -> list[Entry]:
    return [_saying("macro_price", entry, **{_PRICES[entry.kind]: _MACROS[by % len(_MACROS)]})]


def _text_price(entry: Entry, by: int) -> list[Entry]:
    return [_saying("text_price", entry, **{_PRICES[entry.kind]: "free"})]


def _huge_price(entry: Entry, by: int) -> list[Entry]:
    return [_saying("huge_price", entry, **{_PRICES[entry.kind]: 10**12})]


def _click_before_impression(entry: Entry, by: int) -> list[Entry]:
    return [_named("click_before_impression", entry, at=entry.seen_at - _SECOND * (2 + by % 3600))]


def _orphan(entry: Entry, by: int) -> list[Entry]:
    return [_saying("orphan", entry, impression_id=f"{entry.fields['impression_id']}-lost")]


def _fast_click(entry: Entry, by: int) -> list[Entry]:
    return [_named("fast_click", entry, at=entry.seen_at + by % _SECOND)]


def _repeat_click(entry: Entry, by: int) -> list[Entry]:
    again = _saying("repeat_click", entry, click_id=f"{entry.fields['click_id']}-r")
    return [
        replace(entry, at=entry.seen_at + 10 * _SECOND),
        replace(again, at=entry.seen_at + _SECOND * (11 + by % 20)),
    ]


def _bot(entry: Entry, number: int) -> Entry:
    """One of the impressions of a bot in the hour of an impression, a few seconds after the one before."""
    at = entry.at // _HOUR * _HOUR + number * 6 * _SECOND + entry.at % _SECOND
    name = entry.fields["impression_id"]
    changes = {"impression_id": f"{name}-b{number}", "user_id": f"bot-{name}", "auction_id": None, "imp_id": None}
    return replace(entry, at=at, seen_at=at, fields=entry.fields | changes)


def _click_flood(entry: Entry, by: int) -> list[Entry]:
    flood = [entry]
    for number in range(6):
        seen = _bot(entry, number)
        shared = ("impression_id", "ad_id", "campaign_id", "publisher_id", "user_id", "device_type", "geo_location")
        fields = {name: seen.fields[name] for name in (*shared, "platform")}
        flood.append(seen)
        for nth in range(10):
            click = {"click_id": f"clk{seen.fields['impression_id'][3:]}-{nth}", "click_price": 0}
            at = seen.at + _SECOND * (2 + nth)
            flood.append(Entry("clicks", at, seen.at, fields | click, fault="click_flood"))
    return flood


def _impression_flood(entry: Entry, by: int) -> list[Entry]:
    return [entry, *(_named("impression_flood", _bot(entry, number)) for number in range(520))]


def _apart(entry: Entry, by: int) -> list[Entry]:
    outcome = dict.fromkeys(("won", "clearing_price", "loss_reason"))
    offer = dict.fromkeys(("bid_price", "campaign_id", "ad_id"))
    later = _saying("apart", entry, **offer)
    at = entry.at + _SECOND * (1 + by % 10)
    return [replace(entry, fields=entry.fields | outcome), replace(later, at=at, days_later=by >> 8 & 3 == 3)]


def _shifted(entry: Entry, by: int) -> list[Entry]:
    # By more than a clock that counts milliseconds cuts off, and so that it stays on its day.
    shift = _SECOND * (1 if entry.at % _DAY < _DAY // 2 else -1)
    return [entry, _saying("conflicting", replace(entry, at=entry.at + shift), tmax=999)]


def _floor(name: str, **floor: Any) -> Fault:
    def fault(entry: Entry, by: int) -> list[Entry]:
        first, *others = entry.fields["imp"]
        return [_saying(name, entry, imp=[first | floor, *others])]

    return fault


_ANYWHERE: dict[str, Fault] = {"duplicate": _duplicate, "late": _late, "out_of_order": _out_of_order}
_OF_ALL: dict[str, Fault] = {
    **_ANYWHERE,
    "broken_line": _broken_line,
    "future": _with("future", event_time="9999-12-31T00:00:00Z"),
    "missing_time": _with("missing_time", event_time=None),
    "text_price": _text_price,
    "huge_price": _huge_price,
}
_OF_PEOPLE: dict[str, Fault] = {"conflicting": _conflicting, "missing_id": _missing_id, "nobody": _nobody}
_OF_PRICES: dict[str, Fault] = {"negative_price": _negative_price, "macro_price": _macro_price}
FAULTS: dict[str, dict[str, Fault]] = {
    "impressions": {
        **_OF_ALL,
        **_OF_PEOPLE,
        **_OF_PRICES,
        "returning_id": _returning_id,
        "missing_ad": _with("missing_ad", ad_id=None),
        "click_flood": _click_flood,
        "impression_flood": _impression_flood,
    },
    "clicks": {
        **_OF_ALL,
        **_OF_PEOPLE,
        **_OF_PRICES,
        "click_before_impression": _click_before_impression,
        "without_impression_id": _with("without_impression_id", impression_id=None),
        "orphan": _orphan,
        "fast_click": _fast_click,
        "repeat_click": _repeat_click,
    },
    "conversions": {
        **_OF_ALL,
        **_OF_PEOPLE,
        "negative_count": _with("negative_count", conversion_count="-1"),
        "bad_currency": _with("bad_currency", currency="US$"),
        "foreign_currency": _with("foreign_currency", currency="EUR"),
    },
    "bid_requests": {
        **_ANYWHERE,
        "conflicting": _shifted,
        "future": _with("future", timestamp=253_402_214_400_000_000),  # the last day of the year 9999
        "missing_time": _with("missing_time", timestamp=None),
        "missing_auction": _with("missing_auction", id="-"),
        "missing_imp": _floor("missing_imp", id=""),
        "negative_price": _floor("negative_price", bidfloor=-0.5),
        "huge_price": _floor("huge_price", bidfloor=1e12),
        "bad_currency": _floor("bad_currency", bidfloor=0.5, bidfloorcur="US$"),
        "foreign_currency": _floor("foreign_currency", bidfloor=0.5, bidfloorcur="EUR"),
    },
    "bids": {
        **_OF_ALL,
        **_OF_PRICES,
        "missing_auction": _with("missing_auction", auction_id=None),
        "missing_imp": _with("missing_imp", imp_id=None),
        "apart": _apart,
        "no_outcome": _with("no_outcome", won=None, clearing_price=None, loss_reason=None),
    },
}
"""By kind, the faults that an entry of it can have."""
