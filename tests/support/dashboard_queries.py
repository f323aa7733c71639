"""Every query of the pages, as somebody asks it; and the same of a build on both engines."""

import math
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from dashboard import published, queries
from dashboard.queries import Reader, Selection
from support.dashboard_pages import build_behind, days_back
from support.published_file import DAY, delivered, publish_invented
from support.repository import models

MARK = "Hush"  # what somebody may not see
# Campaigns of another brand, of both, of none that is known, and what stands where there is no campaign.
SHARED = "of both"  # its delivery of my brand is mine, its marts without brands are not
OTHERS = (f"{MARK} campaign", SHARED, f"{MARK} of events alone", *queries.NO_CAMPAIGNS)
# What differs by the way in which it was built, or by when it was read.
OF_ONE_ENGINE = {"freshness", "tests", "builds"}
LONG_AGO, LATER = date(2000, 1, 1), date(2100, 12, 31)

ASKED: Mapping[str, Callable[[Selection], object]] = {
    "delivery": lambda one: [
        queries.delivery(one, (column,), limit=None)
        for column in ("brand", "source", "zipcode", "campaign_id", "ad_id")
    ],
    "movers": lambda one: queries.movers(one, "brand", "spend", 9),
    "tiring": lambda one: queries.tiring(one, 0),
    "values_of": lambda one: [
        queries.values_of(one.build, one.reader, column, one)
        for column in ("brand", "source", "campaign_id", "ad_id", "country", "zipcode")
    ],
    "names_of": lambda one: [queries.names_of(one.build, one.reader, name) for name in ("campaign_id", "ad_id")],
    "campaigns_of": lambda one: queries.campaigns_of(one.build, one.reader),
    "whole_campaigns_of": lambda one: queries.whole_campaigns_of(one.build, one.reader),
    "sources_of": lambda one: queries.sources_of(one.build, one.reader),
    "days_of": lambda one: queries.days_of(one.build, one.reader, "auction_performance"),
    "flights": queries.flights,
    "funnel": lambda one: queries.funnel(one, ("campaign_id",), limit=None),
    "open_from": lambda one: [queries.open_from(one)],
    "auctions": lambda one: queries.auctions(one, ("exchange",), limit=None),
    "losses": lambda one: queries.losses(one, 9),
    "alerts": lambda one: [queries.alerts(one, scope, limit=None) for scope in ("", "campaign", "all")],
    "hours": queries.hours,
    "conversion_types": lambda one: queries.conversion_types(one.build, one.reader),
    "attribution": lambda one: queries.attribution(one, "touch", (), ("campaign_id",)),
    "credited_campaigns": lambda one: queries.credited_campaigns(one, "touch", (), queries.MODELS[0]),
    "freshness": lambda one: queries.freshness(one.build, one.reader, ()),
    "newest_days": lambda one: queries.newest_days(one.build, one.reader),
    "balance": lambda one: queries.balance(one.build, one.reader, ()),
    "quarantine": lambda one: queries.quarantine(one.build, one.reader, ()),
    "quarantine_examples": lambda one: queries.quarantine_examples(one.build, one.reader, (), MARK),
    "example_reasons": lambda one: queries.example_reasons(one.build, one.reader),
    "tests": lambda one: queries.tests(one.build, one.reader),
    "builds": lambda one: queries.builds(one.build, one.reader),
    "reconciliation": lambda one: queries.reconciliation(one.build, one.reader),
    "overlaps": lambda one: queries.overlaps(one.build, one.reader, ()),
}


def marked(**values: Any) -> dict[str, Any]:
    """A delivery of the other brand."""
    places = dict.fromkeys(("country", "state", "city", "zipcode", "source", "account"), f"{MARK} place")
    return delivered(**{"campaign_id": OTHERS[0], "ad_id": f"{MARK} ad", "brand": f"{MARK} brand", **places, **values})


def publish_two_brands(folder: Path) -> Path:
    """Publishes a build in which only campaign c1 and brand Acme are mine; every mart has rows of the others."""
    days = [days_back(back) for back in range(20)]
    deliveries = [row(date=day, impressions=2000) for day in days for row in (delivered, marked)]
    deliveries += [marked(clicks=900, date=days[12])]  # an ad that is wearing out
    deliveries += [marked(campaign_id=SHARED), delivered(campaign_id=SHARED, ad_id="shared ad")]
    # A platform may call a campaign of mine what we call no campaign.
    deliveries += [delivered(campaign_id=name, ad_id="named so") for name in queries.NO_CAMPAIGNS]
    others: dict[str, list[dict[str, Any]]] = {
        model.name: [_row(model.columns, name) for name in (*OTHERS, "c1")]
        for model in models()
        if model.layer == "marts" and model.name not in queries.DELIVERY_MARTS and model.name != "campaign_summary"
    }
    others["ops.quarantine_examples"] = [{"source": MARK, "reason": MARK, "payload": MARK}]
    others["ops.test_results"] = [{"build_id": "000001-20261106T040000Z-test", "test": MARK, "status": "warn"}]
    return publish_invented(folder, deliveries, others)


def _row(columns: list[dict[str, Any]], campaign: str) -> dict[str, Any]:
    """A row of a mart with the campaign and, unless it is mine, marks in all other texts."""
    row: dict[str, Any] = {}
    for column in columns:
        name, kind = column["name"], column["data_type"]
        if name == "campaign_id":
            row[name] = campaign
        elif name == "brand":
            row[name] = "Acme" if campaign == "c1" else f"{MARK} brand"
        elif name in ("metric", "date_base", "model"):
            row[name] = {"metric": "ctr", "date_base": "touch", "model": queries.MODELS[0]}[name]
        elif kind == "varchar":
            row[name] = "mine" if campaign == "c1" else MARK
        elif kind == "date":
            row[name] = DAY
        elif kind == "timestamp":
            row[name] = f"{DAY} 10:00:00"
        elif kind == "boolean":
            row[name] = campaign == "c1" or name != "is_mature"
        elif kind in ("bigint", "double") or kind.startswith("decimal"):
            row[name] = 1
    return row


def assert_same_answers(
    link: Path, elsewhere: published.Elsewhere, brands: tuple[str, ...] = (), left_out: Collection[str] = ()
) -> None:
    """Asks everything of the build of a file and of the one elsewhere, as somebody who sees all, or some brands."""
    asked = {name: ask for name, ask in ASKED.items() if name not in left_out}
    for reader in (Reader(), Reader(brands)) if brands else (Reader(),):
        before = LONG_AGO, date(2026, 11, 2)
        there = Selection(build_behind(link), date(2026, 11, 3), LATER, before, reader=reader)
        ours = {name: _cells(ask(there)) for name, ask in asked.items()}
        published.read_from(elsewhere)
        try:
            build_id = elsewhere.newest()
            assert build_id
            build = published.build_of(build_id)
            theirs = {name: _cells(ask(replace(there, build=build))) for name, ask in asked.items()}
        finally:
            published.read_from(None)
        for name, cells in ours.items():
            if name in OF_ONE_ENGINE:
                assert bool(cells) == bool(theirs[name]), name
            else:
                assert len(cells) == len(theirs[name]), name
                assert all(map(_is_same, cells, theirs[name])), (name, cells, theirs[name])


def _cells(answer: object) -> list[Any]:
    """All cells of rows, of several rows or of a list, in their order."""
    return [*_flat(answer)]


def _flat(answer: object) -> Iterator[Any]:
    match answer:
        case published.Rows():
            yield from _flat([answer.columns, *sorted(answer.rows, key=str)])
        case list() | tuple():
            for one in answer:
                yield from _flat(one)
        case dict():
            yield from _flat(sorted(answer.items()))
        case _:
            yield answer


def _is_same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-12)
    return bool(one == other)
