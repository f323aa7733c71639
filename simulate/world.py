"""The simulated ad world: who advertises what, where, to whom and at which price. `events` has what happens in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulate.data_faults import FaultRates
from simulate.draws import address, uniform
from simulate.places import Places, make_places

_SLOTS = 65_536
_DEVICES = ("mobile", "desktop", "tablet", "ctv")
_PLATFORMS = ("google_search", "facebook", "youtube", "display_network", "mobile_app")
_AD_TYPES = ("banner", "video", "native", "text")


@dataclass(frozen=True, eq=False)
class World:
    """Everything that does not change from day to day.

    A booking is one ad in one campaign. An ad can be booked by several campaigns and has one brand in all of them.
    Probabilities are kept as thresholds of 32 random bits and prices as whole thousandths of a CPM, which are
    millionths of the currency for one impression: once a world is made, no float decides anything in it.
    """

    seed: int
    impressions_per_day: int
    rates: FaultRates
    places: Places
    campaign_ids: tuple[str, ...]
    ad_ids: tuple[str, ...]
    brands: tuple[str, ...]
    ad_brand: NDArray[np.int64]
    ad_type: tuple[str, ...]
    booking_campaign: NDArray[np.int64]
    booking_ad: NDArray[np.int64]
    booking_click_threshold: NDArray[np.uint32]
    booking_conversion_threshold: NDArray[np.uint32]
    booking_price: NDArray[np.int64]
    bookings_shown: NDArray[np.int32]
    """By country, the booking in each of 65,536 equally likely slots."""
    never_reports_spend: NDArray[np.bool_]
    """By ad and country."""
    user_ids: tuple[str, ...]
    user_place: NDArray[np.int32]
    user_device: tuple[str, ...]
    site_domain: tuple[str, ...]
    site_publisher: tuple[str, ...]
    site_platform: tuple[str, ...]

    @property
    def cells(self) -> int:
        """How many rows a day's delivery could have: one per booking and postal code."""
        return len(self.booking_ad) * len(self.places)


def make_world(
    seed: int = 20240520,
    *,
    impressions_per_day: int = 300_000,
    campaigns: int = 24,
    ads_per_campaign: int = 6,
    brands: int = 8,
    zips: int = 240,
    users: int = 60_000,
    sites: int = 60,
    rates: FaultRates | None = None,
) -> World:
    """An ad world; the same arguments make the same world.

    The defaults give about 14,000 delivery records a day. A day's delivery is tallied in arrays as long as there are
    bookings times postal codes, so keep `campaigns * ads_per_campaign * zips` below some ten millions.

    Args:
        seed: Another seed is another world of the same sizes.
        impressions_per_day: About how many impressions are shown on a day; weekdays differ.
        campaigns: At least as many as brands, so that every brand has ads.
        ads_per_campaign: Ads made for each campaign; one ad in six is booked by a second campaign too.
        brands: The last of them has one ad; `rates` says whether its spend is ever reported.
        zips: Postal codes, in 34 cities of nine countries.
        users: They live in one place each and have one device.
        sites: Where ads are shown; a publisher has three.
        rates: The faults in the platform's reports; the default has all of them.

    Raises:
        ValueError: No world can have these sizes.
    """
    if brands < 2 or campaigns < brands or ads_per_campaign < 1 or users < 1 or sites < 1:
        raise ValueError("a world needs two brands, a campaign a brand, an ad a campaign, a user and a site")
    rates = FaultRates() if rates is None else rates
    places = make_places(zips)
    countries = len(places.countries)
    ads = campaigns * ads_per_campaign
    ad_campaign = np.arange(ads) // ads_per_campaign
    # The last ad of a campaign is for the advertiser's other brand: a campaign does not imply a brand.
    is_cross_sold = (np.arange(ads) % ads_per_campaign == ads_per_campaign - 1) & (ads_per_campaign > 1)
    ad_brand = (ad_campaign + is_cross_sold) % (brands - 1)
    # The last brand has a single ad, so that records without any median stay rare.
    ad_brand[-1] = brands - 1

    shared = np.flatnonzero((np.arange(ads) % 6 == 2) & (campaigns >= brands))
    booking_ad = np.concatenate([np.arange(ads), shared])
    booking_campaign = np.concatenate([ad_campaign, (ad_campaign[shared] + brands - 1) % campaigns])
    bookings = np.arange(len(booking_ad))

    targets = _targets(seed, campaigns, countries)
    popularity = 1 / (0.15 + uniform(address(seed, "popularity"), bookings))
    shown = np.empty((countries, _SLOTS), np.int32)
    slots = (np.arange(_SLOTS) + 0.5) / _SLOTS
    for country in range(countries):
        weight = np.cumsum(popularity * targets[booking_campaign, country])
        shown[country] = np.searchsorted(weight / weight[-1], slots)

    people = np.arange(users)
    lives = np.cumsum(places.weight)
    lives /= lives[-1]
    site_platform = tuple(_PLATFORMS[site % len(_PLATFORMS)] for site in range(sites))
    return World(
        seed=seed,
        impressions_per_day=impressions_per_day,
        rates=rates,
        places=places,
        campaign_ids=tuple(f"cmp{number:03d}" for number in range(1, campaigns + 1)),
        ad_ids=tuple(f"ad{number:04d}" for number in range(1, ads + 1)),
        brands=tuple(f"Brand{_letters(number)}" for number in range(brands)),
        ad_brand=ad_brand,
        ad_type=tuple(_AD_TYPES[number % len(_AD_TYPES)] for number in range(ads)),
        booking_campaign=booking_campaign,
        booking_ad=booking_ad,
        booking_click_threshold=_threshold(0.01 + 0.05 * uniform(address(seed, "click rate"), bookings)),
        booking_conversion_threshold=_threshold(0.02 + 0.18 * uniform(address(seed, "conversion rate"), bookings)),
        booking_price=(800 + 7200 * uniform(address(seed, "price"), bookings)).astype(np.int64),
        bookings_shown=shown,
        never_reports_spend=_never_reports_spend(seed, rates, ad_brand, ad_campaign, brands, targets),
        user_ids=tuple(f"user{number:07d}" for number in range(1, users + 1)),
        user_place=np.searchsorted(lives, uniform(address(seed, "home"), people), side="right").astype(np.int32),
        user_device=tuple(
            _DEVICES[number] for number in (4 * uniform(address(seed, "device"), people) ** 2).astype(int).tolist()
        ),
        site_domain=tuple(f"site{number:03d}.example" for number in range(1, sites + 1)),
        site_publisher=tuple(f"pub{1 + site // 3:03d}" for site in range(sites)),
        site_platform=site_platform,
    )


def _targets(seed: int, campaigns: int, countries: int) -> NDArray[np.bool_]:
    """By campaign and country, whether it runs there: at least in two, and the first campaign everywhere."""
    pairs = np.arange(campaigns * countries)
    targets = uniform(address(seed, "targets"), pairs).reshape(campaigns, countries) < 0.4
    home = np.arange(campaigns) % countries
    targets[np.arange(campaigns), home] = True
    targets[np.arange(campaigns), (home + 1) % countries] = True
    targets[0] = True
    return targets


def _never_reports_spend(
    seed: int,
    rates: FaultRates,
    ad_brand: NDArray[np.int64],
    ad_campaign: NDArray[np.int64],
    brands: int,
    targets: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """By ad and country, whether spend is never reported, chosen so that every tier of the median is needed somewhere.

    - some ads not in some country (their other countries help: tier `ad`);
    - some ads nowhere (other ads of the brand in that country help: `brand_country`);
    - one brand not in one of the countries of such an ad (the brand elsewhere helps: `brand`);
    - one brand nowhere: nothing helps.
    """
    ads, countries = len(ad_brand), targets.shape[1]
    silent = np.zeros((ads, countries), np.bool_)
    pairs = np.arange(ads * countries)
    silent |= uniform(address(seed, "silent ad country"), pairs).reshape(ads, countries) < rates.silent_ad_countries
    if rates.silent_ads > 0:
        wanted = max(1, round(rates.silent_ads * ads))
        spared = set(range(brands))
        is_brand_silenced = False
        for ad in np.argsort(uniform(address(seed, "silent ad"), np.arange(ads))).tolist():
            brand = int(ad_brand[ad])
            if rates.silent_brand and brand == brands - 1:
                continue
            if brand in spared:
                # The first ad of each brand keeps reporting, so that its brand has a median.
                spared.remove(brand)
            elif wanted:
                wanted -= 1
                silent[ad] = True
                if not is_brand_silenced:
                    silent[ad_brand == brand, np.flatnonzero(targets[ad_campaign[ad]])[-1]] = True
                    is_brand_silenced = True
    if rates.silent_brand:
        silent[ad_brand == brands - 1] = True
    return silent


def _threshold(probability: NDArray[np.float64]) -> NDArray[np.uint32]:
    return (probability * 2.0**32).astype(np.uint32)


def _letters(number: int) -> str:
    """A, B, …, Z, AA, AB, … as spreadsheets name columns."""
    letters = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters
