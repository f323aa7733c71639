"""The faults in the platform's reports, and how frequent they are."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True)
class FaultRates:
    """Shares of delivery records that have a fault, or of ads and pairs where it says so.

    Attributes:
        null: Of each column but spend; half of the missing texts are sent as an empty string.
        missing_spend: Records without spend, besides those of the ads that never report any.
        silent_ad_countries: Pairs of an ad and a country that never report spend.
        silent_ads: Ads that never report spend; at least one unless zero.
        silent_brand: Whether the last brand never reports spend, so that nothing can stand in for it.
        clicks_over_impressions: Records with more clicks than impressions.
        conversions_over_clicks: Records with more conversions than clicks.
        negative_count: Records with one count below zero.
        credit: Records with negative spend.
        out_of_range: Records with 13 integer digits of spend.
        future_date: Records dated in the year 9999.
        fractional: Records of which a fraction of a conversion is credited elsewhere, as data-driven attribution does.
        padded: Records with white space around their texts.
        restated: Records whose numbers are still short on the first two days after their day.
        withdrawn: Records that vanish from the second day after their day on.
    """

    null: float = 0.001
    missing_spend: float = 0.02
    silent_ad_countries: float = 0.01
    silent_ads: float = 0.03
    silent_brand: bool = True
    clicks_over_impressions: float = 0.002
    conversions_over_clicks: float = 0.002
    negative_count: float = 0.0005
    credit: float = 0.001
    out_of_range: float = 0.0002
    future_date: float = 0.0002
    fractional: float = 0.05
    padded: float = 0.01
    restated: float = 0.05
    withdrawn: float = 0.002

    def __post_init__(self) -> None:
        for field in fields(self):
            if not 0 <= getattr(self, field.name) <= 1:
                raise ValueError(f"{field.name} is a share from 0 to 1, not {getattr(self, field.name)}")
        if sum(self.of_one_kind().values()) > 1:
            raise ValueError("the faults of which a record has at most one add up to more than 1")

    def of_one_kind(self) -> dict[str, float]:
        """The faults of which a record has at most one, so that each can be counted separately."""
        names = (
            "clicks_over_impressions",
            "conversions_over_clicks",
            "negative_count",
            "credit",
            "out_of_range",
            "future_date",
        )
        return {name: getattr(self, name) for name in names}


_NONE: dict[str, Any] = {field.name: 0 for field in fields(FaultRates)}
NO_FAULTS = FaultRates(**_NONE)
