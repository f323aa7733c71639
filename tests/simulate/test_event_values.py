"""The truth of events reads values, and refuses records, as the rules say."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from support.event_records import bid, click, clock, conversion, impression

from simulate.event_truth import truth_of_events
from simulate.event_truth.records import Record, Rejected, read
from simulate.event_truth.rules import EventRules
from simulate.event_truth.values import (
    boolean_of,
    decimal_of,
    elapsed,
    id_of,
    microseconds_of,
    moment_of,
    price_of,
    user_of,
)

TEN = microseconds_of(datetime(2026, 11, 2, 10, tzinfo=UTC))
KEY = b"key"


def the_hmac(text: str) -> str:
    return hmac.new(KEY, text.encode(), hashlib.sha256).hexdigest()


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (" a1 ", "a1"),
        ('="007"', "007"),
        ("7.0", "7"),
        (Decimal("7.0"), "7"),
        (9007199254740993, "9007199254740993"),
        ("7.5", "7.5"),
        ("0", "0"),
        ("-1", "-1"),
        ("N/A", None),
        ("(Not Set)", None),
        ("[object Object]", None),
        ("-", None),
        (" ", None),
        (None, None),
        ("${AD_ID}", None),
        ("%%AD%%", None),
        ("{{ad}}", None),
        ("[AD_ID]", None),
        ("__AD__", None),
        ("x${AD_ID}", "x${AD_ID}"),
        ("nullable", "nullable"),
    ],
)
def test_an_id_is_text_and_words_for_nothing_are_none(written: Any, meant: str | None) -> None:
    assert id_of(written) == meant


@pytest.mark.parametrize(
    "nobody", ["0", "-1", "000", "00000000-0000-0000-0000-000000000000", "--", "NULL", "[GAID]", ""]
)
def test_nobody_is_not_hashed(nobody: str) -> None:
    assert user_of(nobody, KEY) is None


def test_a_user_becomes_an_hmac_of_the_cleaned_id_and_uuids_are_one_in_any_case() -> None:
    assert user_of(" Ann ", KEY) == the_hmac("Ann") != user_of("ann", KEY)
    uuid = "6D92078A-8246-4BA4-AE5B-76104861E7DC"
    assert user_of(uuid, KEY) == user_of(uuid.lower(), KEY) == the_hmac(uuid.lower())


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("0.0000005", Decimal("0.000001")),
        ("-0.0000005", Decimal("-0.000001")),
        ("0.0000004999", Decimal("0.000000")),
        ("999999999999.9999995", Decimal("1000000000000.000000")),
        ("1e-3", Decimal("0.001000")),
        (" 1.5 ", Decimal("1.500000")),
        (Decimal("0.10"), Decimal("0.100000")),
        (None, None),
    ],
)
def test_a_price_has_six_decimals_half_up(written: Any, meant: Decimal | None) -> None:
    assert decimal_of(written) == meant
    assert str(decimal_of("-0")) == "0.000000"


@pytest.mark.parametrize(
    ("written", "reason"), [("free", "wrong_type"), (True, "wrong_type"), ("1,5", "wrong_type"), ("NaN", "non_finite")]
)
def test_any_other_price_rejects_its_row(written: Any, reason: str) -> None:
    with pytest.raises(Rejected, match=f"^{reason}$"):
        price_of(written)


def test_a_macro_is_no_price() -> None:
    assert price_of("${AUCTION_PRICE}") is None
    with pytest.raises(Rejected, match="wrong_type"):
        decimal_of("${AUCTION_PRICE}")


@pytest.mark.parametrize(
    ("written", "microseconds"),
    [
        ("2026-11-02T10:00:00Z", 0),
        ("2026-11-02 10:00:00", 0),
        ("2026-11-02 10:00:00 UTC", 0),
        ("2026-11-02T15:30:00+05:30", 0),
        ("2026-11-02T06:30:00-0330", 0),
        ("1793613600", 0),
        (1793613600000, 0),
        ("1793613600000000", 0),
        ("1793613600000000999", 0),
        (Decimal("1793613600.25"), 250_000),
        ("1793613600000.5", 500),
        ("2026-11-02T10:00:00.1234569Z", 123_456),
        ("2026-11-02T10:00:00,25Z", 250_000),
        ("2026-11-02", 50_399_000_000),
    ],
)
def test_a_time_is_utc_in_microseconds(written: Any, microseconds: int) -> None:
    moment = moment_of(written, UTC)
    assert moment
    assert moment.at == TEN + microseconds


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("1.7936136E9", "imprecise_time"),
        ("20261102100000", "unreadable_time"),
        ("02/11/2026 10:00", "unreadable_time"),
        ("2026-11-02T24:00:00Z", "unreadable_time"),
        ("2026-13-02", "unreadable_time"),
        ("2026-11-2", "unreadable_time"),
        ("17936136001", "unreadable_time"),
        (True, "wrong_type"),
    ],
)
def test_what_is_no_time_says_so(written: Any, reason: str) -> None:
    with pytest.raises(Rejected, match=f"^{reason}$"):
        moment_of(written, UTC)


def test_a_time_without_a_zone_is_of_the_source() -> None:
    berlin = ZoneInfo("Europe/Berlin")

    def utc(written: str) -> str:
        moment = moment_of(written, berlin)
        assert moment
        return datetime.fromtimestamp(moment.at / 1_000_000, UTC).isoformat()

    assert utc("2026-11-02 11:00:00") == "2026-11-02T10:00:00+00:00"
    assert utc("2026-11-02") == "2026-11-02T22:59:59+00:00"
    assert utc("2026-10-25 02:30:00") == "2026-10-25T00:30:00+00:00", "of two instants the first"
    assert utc("2026-03-29 02:30:00") == "2026-03-29T01:30:00+00:00", "in a gap the offset before it"


def test_differences_are_cut_to_the_second_where_one_side_has_no_fraction() -> None:
    assert elapsed(TEN + 700_000, TEN) == 0
    assert elapsed(TEN + 900_000, TEN + 5_000_000) == 5_000_000
    assert elapsed(TEN, TEN + 1_999_999) == 1_000_000
    assert elapsed(TEN + 900_000, TEN + 1_100_000) == 200_000
    assert elapsed(TEN + 1_100_000, TEN + 900_000) == -200_000


def test_yes_and_no_have_several_words() -> None:
    assert [boolean_of(one) for one in (True, "TRUE", "1", "yes", "Y", "t")] == [True] * 6
    assert [boolean_of(one) for one in (False, "false", "0", "no", "N", "f")] == [False] * 6
    assert boolean_of("") is None
    with pytest.raises(Rejected, match="wrong_type"):
        boolean_of("perhaps")


def reason_of(record: Record, **rules: Any) -> str:
    balance = truth_of_events([record], EventRules(**rules)).balances[record.kind]
    return next(iter(balance.rejected + balance.quarantined), "kept")


def test_a_record_has_the_first_reason_that_fits() -> None:
    noon = clock("12:00:00")
    received = datetime(2026, 11, 2, 12, tzinfo=UTC)
    assert [
        reason_of(impression("i", noon)),
        reason_of(impression("i", noon, ad_id="null", bid_price="-1")),
        reason_of(impression("i", "", ad_id=None)),
        reason_of(impression("i", "", bid_price="free")),
        reason_of(impression("i", noon, bid_price="1000000000000", ad_id="")),
        reason_of(impression("i", noon, bid_price="-1000000000000")),
        reason_of(impression("i", "1999-12-31T23:59:59Z", bid_price="-1")),
        reason_of(impression("i", "0")),
        reason_of(impression("i", noon, bid_price="-0.000001")),
        reason_of(impression("i", clock("12:15:00"), received_at=received)),
        reason_of(impression("i", clock("12:15:01"), received_at=received)),
        reason_of(conversion("v", "2026-11-02", received_at=received)),
        reason_of(conversion("v", "2026-11-03", received_at=received)),
        reason_of(bid("q", noon, auction_id="-", imp_id=None)),
        reason_of(bid("q", noon, imp_id="n/a")),
        reason_of(bid("q", noon, clearing_price="-1", currency="US$")),
        reason_of(click("k", noon, click_price="-1")),
        reason_of(click("k", noon, ad_id=None, campaign_id=None, user_id=None)),
        reason_of(conversion("v", noon, conversion_value="-10")),
        reason_of(conversion("v", noon, conversion_count="-1", currency="?")),
        reason_of(conversion("v", noon, currency="US$")),
        reason_of(conversion("v", noon, currency=" usd ")),
        reason_of(conversion("v", noon, currency="EUR")),
        reason_of(conversion("v", noon, currency="EUR", conversion_value=None)),
        reason_of(Record("clicks", {"something": "else"})),
        reason_of(Record("clicks", "broken_json")),
    ] == [
        "kept",
        "null_ad_id",
        "null_event_time",
        "wrong_type",
        "null_ad_id",
        "out_of_range",
        "out_of_range",
        "out_of_range",
        "negative_price",
        "kept",
        "future_event",
        "kept",
        "future_event",
        "null_auction_id",
        "null_imp_id",
        "negative_price",
        "negative_price",
        "kept",
        "kept",
        "negative_count",
        "bad_currency",
        "kept",
        "no_exchange_rate",
        "kept",
        "no_known_field",
        "broken_json",
    ]


def test_values_convert_at_the_newest_rate_of_seven_days_half_up() -> None:
    rates = {("EUR", date(2026, 11, 2)): Decimal("1.5"), ("EUR", date(2026, 11, 3)): Decimal("1.234567895")}

    def value(amount: str, day: int, currency: str = "EUR") -> Decimal | None:
        record = conversion("v", clock("23:59:59", day), conversion_value=amount, currency=currency)
        found = truth_of_events([record], EventRules(exchange_rates=rates)).attributed_conversions
        return found[0]["value"] if found else None

    assert value("10", 1) is None
    assert value("10", 2) == 15
    assert value("1", 3) == Decimal("1.234568")
    assert value("0.1", 10) == Decimal("0.123457")
    assert value("10", 11) is None
    assert value("10", 11, "USD") == 10


def test_a_file_is_read_line_by_line_and_a_broken_line_costs_itself() -> None:
    lines = b'{"click_id":1.50}\n{"a":1,"a":1}\n{"a":1,"a":2}\n[]\n{"a":\n'
    assert [one.fields for one in read("bids", lines, datetime.now(UTC), 1, "f")] == [
        {"click_id": Decimal("1.50")},
        {"a": 1},
        "duplicate_key",
        "not_an_object",
        "broken_json",
    ]
    table = b'click_id,ad_id\nk1,"a\n1"\nk2\nk3,a,b\n'
    read_csv = list(read("clicks", table, datetime.now(UTC), 1, "f"))
    assert [one.fields for one in read_csv] == [{"click_id": "k1", "ad_id": "a\n1"}, "wrong_shape", "wrong_shape"]
    assert [one.position for one in read_csv] == [1, 2, 3]
