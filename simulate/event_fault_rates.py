"""The faults in event logs, and how frequent they are."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class EventFaultRates:
    """Shares of the entries of a log that have a fault; an entry has at most one.

    Attributes:
        duplicate: Sent twice, half of them a day later.
        conflicting: Sent twice, and the second row says something else.
        returning_id: Impressions whose id comes back on the next day.
        late: Come 1 to 10 days late.
        out_of_order: Stand at the end of their file.
        broken_line: A part of the line is missing.
        future: Dated in the year 9999.
        missing_time: Without time.
        missing_id: Without an id of their own.
        missing_ad: Impressions without ad.
        missing_auction: Bids and bid requests without auction.
        missing_imp: Bids without imp, and bid requests with an imp without id.
        nobody: A word for no user in place of the user, such as `0` or `null`.
        negative_price: A price below zero.
        macro_price: A macro in place of the price.
        text_price: A word in place of the price or value.
        huge_price: 13 integer digits of price.
        negative_count: Conversions that count less than nothing.
        bad_currency: Conversions and floors whose currency is no code.
        foreign_currency: Conversions and floors in EUR; none by default, since a warehouse needs a rate for them.
        click_before_impression: Clicks up to an hour before their impression, by a wrong clock.
        without_impression_id: Clicks that do not say of which impression.
        orphan: Clicks of an impression that no log has.
        fast_click: Clicks within a second.
        repeat_click: Clicks that are followed by another one on the same impression.
        click_flood: Impressions that attract a bot that clicks 60 times on six impressions of its own.
        impression_flood: Impressions that attract a bot that sees 520 within the hour.
        apart: Bids whose outcome is a row of its own, a quarter of them a day later.
        no_outcome: Bids without outcome.
    """

    duplicate: float = 0.005
    conflicting: float = 0.001
    returning_id: float = 0.0005
    late: float = 0.01
    out_of_order: float = 0.01
    broken_line: float = 0.0005
    future: float = 0.0003
    missing_time: float = 0.0002
    missing_id: float = 0.002
    missing_ad: float = 0.0003
    missing_auction: float = 0.0003
    missing_imp: float = 0.0003
    nobody: float = 0.02
    negative_price: float = 0.0003
    macro_price: float = 0.001
    text_price: float = 0.0002
    huge_price: float = 0.0001
    negative_count: float = 0.002
    bad_currency: float = 0.002
    foreign_currency: float = 0
    click_before_impression: float = 0.004
    without_impression_id: float = 0.05
    orphan: float = 0.01
    fast_click: float = 0.01
    repeat_click: float = 0.02
    click_flood: float = 0.00002
    impression_flood: float = 0.00001
    apart: float = 0.1
    no_outcome: float = 0.01

    def __post_init__(self) -> None:
        for field in fields(self):
            if not 0 <= getattr(self, field.name) <= 1:
                raise ValueError(f"{field.name} is a share from 0 to 1, not {getattr(self, field.name)}")


NO_EVENT_FAULTS = EventFaultRates(**{field.name: 0 for field in fields(EventFaultRates)})
