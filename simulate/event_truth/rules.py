"""The numbers and tables that the rules for events depend on, as a warehouse has them in variables and seeds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, tzinfo
from decimal import Decimal

MICROSECONDS = 1_000_000
DAY = 86_400 * MICROSECONDS


@dataclass(frozen=True)
class Flight:
    """A campaign's flight, both days included."""

    campaign_id: str
    start: date
    end: date


@dataclass(frozen=True)
class Place:
    """A country or one of its subdivisions: what delivery calls it, and its clocks."""

    country: str
    state: str | None = None
    time_zone: str | None = None
    is_southern: bool = False


@dataclass(frozen=True)
class EventRules:
    """Every setting of the rules; times are in microseconds.

    Attributes:
        privacy_key: Key of the HMAC that replaces user ids.
        timezone: Of times that are written without one.
        report_timezone: Whose days and hours reports have.
        currency: That of every price without its own; all sums are in it.
        exchange_rates: By currency and date, what one unit is worth.
        platforms: The category of a platform in lower case; one that is missing is `other`.
        places: The ISO 3166-2 code that a place in upper case, or what comes before its first hyphen, stands for.
        known_places: By their ISO 3166-2 codes.
        device_types: The word for a device type of OpenRTB; one that is missing stays as it is.
        loss_reasons: The word for a loss reason in lower case; one that is missing stays as it is.
        flights: Of which reach is counted.
        future_tolerance: How far after its receipt an event may lie.
        click_window: The longest time from an impression to its click.
        click_look_back: How long a click is a touch.
        view_look_back: How long an impression is a touch.
        fastest_click: A click that is faster is invalid.
        most_clicks_a_day: Of a user on a UTC day; with more, all are invalid.
        most_impressions_an_hour: Of a user in a UTC hour; with more, all are invalid.
        premium_bid_price: From this price on, an ad is premium.
    """

    privacy_key: bytes = b"a key of tests"
    timezone: tzinfo = UTC
    report_timezone: tzinfo = UTC
    currency: str = "USD"
    exchange_rates: Mapping[tuple[str, date], Decimal] = field(default_factory=dict)
    platforms: Mapping[str, str] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)
    known_places: Mapping[str, Place] = field(default_factory=dict)
    device_types: Mapping[str, str] = field(default_factory=dict)
    loss_reasons: Mapping[str, str] = field(default_factory=dict)
    flights: tuple[Flight, ...] = ()
    future_tolerance: int = 15 * 60 * MICROSECONDS
    click_window: int = 60 * 60 * MICROSECONDS
    click_look_back: int = 30 * DAY
    view_look_back: int = DAY
    fastest_click: int = MICROSECONDS
    most_clicks_a_day: int = 50
    most_impressions_an_hour: int = 500
    premium_bid_price: Decimal = Decimal("2.0")
