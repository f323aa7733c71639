"""Periods, what they are compared with, and what is said of a link that asks for what is not there."""

from datetime import date

import pytest

from dashboard.filters import COLUMNS, MOST_VALUES, Offered, compared, preset, problems
from dashboard.pages import PARAMETERS
from dashboard.published import Build
from dashboard.queries import Reader


@pytest.mark.parametrize(
    ("name", "since"),
    [
        ("Last 7 days", date(2026, 5, 8)),
        ("Last 28 days", date(2026, 4, 17)),
        ("Last 90 days", date(2026, 2, 14)),
        ("Week to date", date(2026, 5, 11)),
        ("Month to date", date(2026, 5, 1)),
        ("Quarter to date", date(2026, 4, 1)),
        ("Year to date", date(2026, 1, 1)),
    ],
)
def test_a_preset_ends_with_the_newest_day(name: str, since: date) -> None:
    assert preset(name, date(2026, 5, 14)) == (since, date(2026, 5, 14))


def test_a_period_is_compared_with_as_many_days_before_it() -> None:
    assert compared("Previous period", "Last 7 days", date(2026, 5, 8), date(2026, 5, 14)) == (
        date(2026, 5, 1),
        date(2026, 5, 7),
    )


def test_a_period_to_date_is_compared_with_the_same_days_of_the_one_before() -> None:
    assert compared("Previous period", "Month to date", date(2026, 5, 1), date(2026, 5, 14)) == (
        date(2026, 4, 1),
        date(2026, 4, 14),
    )
    assert compared("Previous period", "Month to date", date(2026, 3, 1), date(2026, 3, 31)) == (
        date(2026, 2, 1),
        date(2026, 2, 28),
    )
    assert compared("Previous period", "Year to date", date(2024, 1, 1), date(2024, 3, 1)) == (
        date(2023, 1, 1),
        date(2023, 3, 1),
    )


def test_a_period_can_be_compared_with_the_year_before_or_with_nothing() -> None:
    leap = date(2028, 2, 29)
    assert compared("Year before", "Custom", leap, leap) == (date(2027, 2, 28), date(2027, 2, 28))
    assert compared("Nothing", "Last 7 days", leap, leap) is None
    assert compared("Previous period", "All dates", leap, leap) is None


@pytest.mark.parametrize(
    ("link", "said"),
    [
        ({"brand": ["Acme", "Nowhere"]}, ["Brand Nowhere is not in this build"]),
        ({"country": ["US"], "state": ["Texas"], "city": ["Austin"]}, []),
        ({"country": ["DE"], "state": ["Texas"]}, ["State Texas is not in this build"]),
        ({"state": ["Texas"]}, ["State is not applied: it needs its country beside it"]),
        (
            {"source": ["campaign_api"], "country": ["US"], "state": ["Texas"]},
            ["State is not applied: no mart tells both sources and places below the country apart"],
        ),
        (
            {"campaign": [str(number) for number in range(MOST_VALUES + 1)]},
            ["Campaign has 101 values, and at most 100 can be chosen"],
        ),
        ({"period": ["Last 8 days"]}, ["period has no value Last 8 days"]),
        ({"period": ["Last 7 days", "Last 28 days"]}, ["period has 2 values, and at most 1 can be chosen"]),
        ({"grain": ["Hour"]}, ["grain has no value Hour"]),
        ({"sort": ["CPA"]}, ["sort is not a parameter of this page"]),
        ({"colour": ["red"]}, ["there is no parameter colour"]),
        ({"dates": ["2026-01-01", "2026-01-02"]}, ["dates count with period=Custom only"]),
        ({"period": ["Custom"], "dates": ["soon"]}, ["dates are not days as YYYY-MM-DD: soon"]),
        ({"period": ["Custom"], "dates": ["20261101"]}, ["dates are not days as YYYY-MM-DD: 20261101"]),
        ({"period": ["Custom"], "dates": ["1999-12-31"]}, ["dates lie outside 2000-01-01 to 2100-12-31: 1999-12-31"]),
        ({"period": ["Custom"]}, ["period=Custom has no dates beside it"]),
        ({"period": ["Custom"], "dates": ["2026-01-01", "2026-01-02"]}, []),
    ],
)
def test_what_a_link_asks_for_in_vain_is_said(invented: Build, link: dict[str, list[str]], said: list[str]) -> None:
    assert problems(link, invented, Reader(), Offered(choices={"grain": ("Day",)}), PARAMETERS) == said


def test_a_filter_that_a_page_has_not_is_said_with_the_reason(invented: Build) -> None:
    offered = Offered(filters=("campaign",), why_not="it is per campaign")
    assert problems({"brand": ["Acme"]}, invented, Reader(), offered, PARAMETERS) == [
        "Brand is not applied: it is per campaign"
    ]


def test_the_parameters_of_a_page_are_checked_too(invented: Build) -> None:
    offered = Offered(choices={"type": lambda build, reader: [build.time_zone]}, most={"type": 1})
    assert problems({"type": ["UTC"]}, invented, Reader(), offered, PARAMETERS) == []
    assert problems({"type": ["UTC", "x"]}, invented, Reader(), offered, PARAMETERS) == [
        "type has no value x",
        "type has 2 values, and at most 1 can be chosen",
    ]


def test_a_list_may_be_empty_and_another_page_leave_its_parameters(invented: Build) -> None:
    offered = Offered(choices={"cards": ("Spend", "CTR")}, has_period=False)
    assert problems({"cards": [""]}, invented, Reader(), offered, PARAMETERS) == []
    left = {"sort": ["CPA"], "period": ["Last 7 days"]}
    assert problems(left, invented, Reader(), offered, PARAMETERS, is_opened=False) == []
    assert len(problems(left, invented, Reader(), offered, PARAMETERS)) == 2


def test_a_brand_that_a_reader_may_not_see_is_one_that_does_not_exist(invented: Build) -> None:
    link = {"brand": ["Beta"]}
    assert problems(link, invented, Reader(("Acme",)), Offered(), PARAMETERS) == ["Brand Beta is not in this build"]


def test_every_filter_is_a_parameter() -> None:
    assert {*COLUMNS, "period", "compare", "dates", "sort", "columns"} <= PARAMETERS
