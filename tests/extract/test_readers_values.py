"""What each value of a source becomes, and that every format and every way of reading agrees."""

import csv
import gzip
import io
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from support.batches import same

from extract.convert import (
    RecordRejected,
    converter_of,
    decimal_of,
    event_id_of,
    id_of,
    parsed_json,
    timestamp_of,
)
from extract.privacy import Privacy
from extract.profile import Column, Profile
from extract.readers import Batch, UnreadableFile, read_file
from extract.readers.chunks import TextFormat, parsed
from extract.readers.columns import SPACES
from extract.readers.csv_text import Csv, Header, find_header
from extract.readers.events import instants, known_ids, known_people
from extract.readers.json_objects import JsonObjects
from extract.readers.json_text import JsonArray, JsonLines
from extract.readers.numbers import plain_numbers
from extract.records import RecordShape, RejectedRecord, concatenated, convert_records, renumbered
from extract.remarks import Remarked
from extract.schema import FieldType, RecordType
from extract.sources.campaign_delivery import KIND

UTC = ZoneInfo("UTC")
DELIVERY = {name: type_ for name, type_ in KIND.record_type.fields.items() if name in KIND.record_type.required}
# Every type of field that there is, those of delivery first, of a record that is an event.
EVERY_TYPE = RecordType(
    {
        **DELIVERY,
        "seen_at": FieldType.TIMESTAMP,
        "is_new": FieldType.BOOLEAN,
        "tags": FieldType.JSON,
        "user_id": FieldType.TEXT,
    },
    required=frozenset(DELIVERY),
    private=frozenset({"user_id"}),
    ids=frozenset({"ad_id", "campaign_id", "user_id"}),
    is_event=True,
    own_id="campaign_id",
    event_ids=frozenset({"campaign_id"}),
)
FIELDS = list(EVERY_TYPE.fields)
LAST = len(FIELDS) - 1  # how many commas a record of CSV has
TEXTS = ["campaign_id", "ad_id", "brand", "country", "state", "city", "zipcode"]
PRIVACY = Privacy("a key of sixteen", frozenset({"user_id"}))
SHAPE = RecordShape(EVERY_TYPE, EVERY_TYPE.names({}), UTC, privacy=PRIVACY)


def read(path: Path, size: int = 8 << 20, zone: str = "UTC") -> Batch:
    return concatenated(read_renumbered(path, size, zone), EVERY_TYPE.schema)


def read_renumbered(path: Path, size: int, zone: str) -> Iterator[Batch]:
    """The batches as read, each counting from one again, so that they can be concatenated."""
    count = lines = 0
    for batch in read_file(path, replace(SHAPE, report_timezone=ZoneInfo(zone)), size):
        yield renumbered(batch, -count, -lines)
        count += len(batch)
        lines += batch.lines


def written(folder: Path, name: str, content: bytes | str) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def one(folder: Path, field: str, json_value: str) -> object:
    """What a value becomes: its raw value, or the reason for which its record is rejected."""
    batch = read(written(folder, "one.jsonl", f'{{"{field}": {json_value}}}\n'))
    return batch.rejected[0].reason if batch.rejected else batch.records[field][0].as_py()


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("12", 12),
        ('"12"', 12),
        ("12.0", 12),
        ('" 12.00 "', 12),
        ("1.2e1", 12),
        ('"+7"', 7),
        ("-3", -3),
        ("-0", 0),
        ("0e999999999", 0),
        ("null", None),
        ('""', None),
        ('"  "', None),
        ("9223372036854775807", 2**63 - 1),
        ("9223372036854775807.0", 2**63 - 1),
        ("-9223372036854775808", -(2**63)),
        ("9223372036854775808", "out_of_range"),
        ("1e999999999", "out_of_range"),
        ("1e99999999999999999999", "out_of_range"),
        ("12.5", "wrong_type"),
        ("1e-999999999", "wrong_type"),
        ('"abc"', "wrong_type"),
        ('"1,234"', "wrong_type"),
        ('"1_000"', "wrong_type"),
        ('"0x1F"', "wrong_type"),
        ('"١٢"', "wrong_type"),
        ("true", "wrong_type"),
        ("[1]", "wrong_type"),
        ("{}", "wrong_type"),
        ("NaN", "non_finite"),
        ("-Infinity", "non_finite"),
        ('"NaN"', "non_finite"),
        ('"inf"', "non_finite"),
    ],
)
def test_a_count_is_a_whole_number_however_it_is_written(tmp_path: Path, text: str, count: object) -> None:
    assert one(tmp_path, "impressions", text) == count


@pytest.mark.parametrize(
    ("text", "money"),
    [
        ("275.50", "275.5"),
        ('"275.50"', "275.5"),
        ("1e2", "100"),
        ("0.1", "0.1"),
        ("-12.25", "-12.25"),
        ("12345678901234567890123456789012.123456", "12345678901234567890123456789012.123456"),
        ("0.30000000000000004", "0.3"),
        ("2.0000004999999999", "2"),
        ("2.0000005", "2.000001"),
        ("-2.0000005", "-2.000001"),
        ("-2.00000049999999999999999", "-2"),
        ("1.2345678901234567890123456789", "1.234568"),
        ("1e-13", "0"),
        ("99999999999999999999999999999999.9999994", "99999999999999999999999999999999.999999"),
        ("99999999999999999999999999999999.9999995", "out_of_range"),
        ("99999999999999999999999999999999", "99999999999999999999999999999999"),
        ("100000000000000000000000000000000", "out_of_range"),
        ("1e32", "out_of_range"),
        ("170141183460469231731687303715884", "out_of_range"),
        ("1e-39", "0"),
        ('"1e-77"', "0"),
        ("1e-999999999", "0"),
        ("0.%s1" % ("0" * 50), "0"),
        ('".%s1"' % ("0" * 90), "0"),
        ("123456789012345.5", "123456789012345.5"),
        ("1e400", "out_of_range"),
        ("Infinity", "non_finite"),
        ('"nan"', "non_finite"),
        ('"$5"', "wrong_type"),
        ("false", "wrong_type"),
    ],
)
def test_money_is_exact_and_rounded_half_up_at_six_decimals(tmp_path: Path, text: str, money: str) -> None:
    value = one(tmp_path, "spend", text)
    assert value == (money if money.isidentifier() else Decimal(money))


@pytest.mark.parametrize(
    ("text", "zone", "day"),
    [
        ('"2024-05-20"', "America/New_York", date(2024, 5, 20)),
        ('"20240520"', "America/New_York", date(2024, 5, 20)),
        ('"2024-05-20T00:00:00"', "America/New_York", date(2024, 5, 20)),
        ('"2024-05-20 00:00:00.000"', "Asia/Tokyo", date(2024, 5, 20)),
        ('"2024-05-20T00:00:00Z"', "America/New_York", date(2024, 5, 19)),
        ('"2024-05-20T00:00:01"', "America/New_York", date(2024, 5, 19)),
        ('"2024-05-20T02:00:00"', "America/New_York", date(2024, 5, 19)),
        ('"2024-05-20 02:00:00Z"', "UTC", date(2024, 5, 20)),
        ('"2024-05-20T02:00:00+05:30"', "UTC", date(2024, 5, 19)),
        ('"2024-05-20T02:00:00.123456789Z"', "UTC", date(2024, 5, 20)),
        ("1716163200", "UTC", date(2024, 5, 20)),
        ("1716163200", "America/New_York", date(2024, 5, 19)),
        ("1716163200.5", "UTC", date(2024, 5, 20)),
        ("46162", "UTC", "wrong_type"),
        ("171616320000", "UTC", "wrong_type"),
        ('"20240520.0"', "UTC", "wrong_type"),
        ('"2026-W36"', "UTC", "wrong_type"),
        ('"2026-W36-2"', "UTC", date(2026, 9, 1)),
        ('"1716163200000"', "UTC", date(2024, 5, 20)),
        ("1716163200000000", "UTC", date(2024, 5, 20)),
        ("0", "UTC", date(1970, 1, 1)),
        ("-1", "UTC", date(1969, 12, 31)),
        ('"9999-12-31"', "UTC", date(9999, 12, 31)),
        ('""', "UTC", None),
        ('"0000-01-01"', "UTC", "out_of_range"),
        ('"10000-01-01"', "UTC", "out_of_range"),
        ('"9999-12-31T23:59:59-01:00"', "UTC", "out_of_range"),
        ("1716163200000000000", "UTC", "out_of_range"),
        ("1e999999999", "UTC", "out_of_range"),
        ("1e99999999999999999999", "UTC", "out_of_range"),
        ('"2023-02-29"', "UTC", "wrong_type"),
        ('"20/05/2024"', "UTC", "wrong_type"),
        ('"yesterday"', "UTC", "wrong_type"),
        ("true", "UTC", "wrong_type"),
    ],
)
def test_a_date_is_the_report_day_of_a_time(tmp_path: Path, text: str, zone: str, day: object) -> None:
    batch = read(written(tmp_path, "one.jsonl", f'{{"date": {text}}}\n'), zone=zone)
    assert (batch.rejected[0].reason if batch.rejected else batch.records["date"][0].as_py()) == day


def microseconds(*moment: int) -> int:
    return (datetime(*moment) - datetime(1970, 1, 1)) // timedelta(microseconds=1)  # type: ignore[arg-type]  # noqa: DTZ001


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ('"2024-05-20T02:00:00"', microseconds(2024, 5, 20, 2)),
        ('" 2024-05-20 02:00:00+05:30 "', microseconds(2024, 5, 19, 20, 30)),
        ('"2024-05-20 02:00:00 UTC"', microseconds(2024, 5, 20, 2)),
        ('"2024-05-20 02:00:00gmt"', microseconds(2024, 5, 20, 2)),
        ('"2024-05-20T02:00:00.123456789Z"', microseconds(2024, 5, 20, 2, 0, 0, 123456)),
        ('"2024-05-20T02:00:00,25Z"', microseconds(2024, 5, 20, 2, 0, 0, 250_000)),
        ('"20240520T020000Z"', microseconds(2024, 5, 20, 2)),
        ("1716163200", microseconds(2024, 5, 20)),
        ("1716163200.5", microseconds(2024, 5, 20, 0, 0, 0, 500_000)),
        ("1716163200.1234567", microseconds(2024, 5, 20, 0, 0, 0, 123_456)),
        ('"1716163200."', microseconds(2024, 5, 20)),
        ("1716163200123", microseconds(2024, 5, 20, 0, 0, 0, 123_000)),
        ("1716163200123.4567", microseconds(2024, 5, 20, 0, 0, 0, 123_456)),
        ("1716163200123456", microseconds(2024, 5, 20, 0, 0, 0, 123_456)),
        ("1716163200123456789", microseconds(2024, 5, 20, 0, 0, 0, 123_456)),
        ("9999999999999999999", 9_999_999_999_999_999),
        ("0", 0),
        ('"2024-05-20"', microseconds(2024, 5, 20, 23, 59, 59)),
        ('"2024-W21-1"', microseconds(2024, 5, 20, 23, 59, 59)),
        ('""', None),
        ('"9999-12-31T23:59:59-01:00"', "out_of_range"),
        ('"10000-01-01T00:00:00Z"', "out_of_range"),
        ("1.7161632E9", "imprecise_time"),
        ('"1.71616E+12"', "imprecise_time"),
        ('"20240520"', "unreadable_time"),
        ('"20240520020000"', "unreadable_time"),
        ("171616320", "unreadable_time"),
        ("-1716163200", "unreadable_time"),
        ('"20/05/2024"', "unreadable_time"),
        ('"2024-W21"', "unreadable_time"),
        ('"Mon May 20 2024 02:00:00 GMT+0000"', "unreadable_time"),
        ("true", "wrong_type"),
        ("NaN", "non_finite"),
    ],
)
def test_a_timestamp_is_an_instant_in_utc(tmp_path: Path, text: str, moment: object) -> None:
    assert one(tmp_path, "seen_at", text) == moment


@pytest.mark.parametrize(
    ("text", "moment", "remark"),
    [
        ("2026-11-01T01:30:00", microseconds(2026, 11, 1, 5, 30), "ambiguous_time"),  # the first of two
        ("2026-03-08T02:30:00", microseconds(2026, 3, 8, 7, 30), "nonexistent_time"),  # by the offset before the gap
        ("2026-03-08T02:30:00Z", microseconds(2026, 3, 8, 2, 30), None),
        ("2026-03-08T03:30:00", microseconds(2026, 3, 8, 7, 30), None),
        ("2026-03-07", microseconds(2026, 3, 8, 4, 59, 59), "whole_day"),
    ],
)
def test_a_time_without_a_zone_is_of_its_source(text: str, moment: int, remark: str | None) -> None:
    shape = replace(SHAPE, timezone=ZoneInfo("America/New_York"))
    assert shape.converter("seen_at")(text) == (moment if remark is None else Remarked(moment, remark))


@pytest.mark.parametrize(
    ("written", "text", "moment", "is_day"),
    [
        ("%Y%m%d%H%M%S%f", "20261102000104008", microseconds(2026, 11, 1, 16, 1, 4, 8000), False),
        ("%d/%m/%Y %H:%M", "02/11/2026 10:00", microseconds(2026, 11, 2, 2, 0), False),
        ("%d/%m/%Y", "02/11/2026", microseconds(2026, 11, 2, 15, 59, 59), True),
        ("%d/%m/%Y", "2026-11-02T10:00:00", microseconds(2026, 11, 2, 2), False),
    ],
)
def test_a_time_is_as_its_source_writes_it(written: str, text: str, moment: int, is_day: bool) -> None:
    shape = replace(SHAPE, profile=Profile(date_format=written), timezone=ZoneInfo("Asia/Shanghai"))
    assert shape.converter("seen_at")(text) == (Remarked(moment, "whole_day") if is_day else moment)


@pytest.mark.parametrize(
    ("text", "yes"),
    [
        ("true", True),
        ("false", False),
        ("1", True),
        ("0", False),
        ('" Yes "', True),
        ('"N"', False),
        ('"t"', True),
        ('"FALSE"', False),
        ('" "', None),
        ("null", None),
        ("2", "wrong_type"),
        ('"maybe"', "wrong_type"),
        ("[]", "wrong_type"),
    ],
)
def test_a_boolean_is_yes_or_no(tmp_path: Path, text: str, yes: object) -> None:
    assert one(tmp_path, "is_new", text) == yes


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ('{"b": 1.50, "a": [null, "é"]}', '{"a":[null,"é"],"b":1.50}'),
        ("[]", "[]"),
        ('"[1, 2]"', "[1,2]"),
        ('" "', None),
        ("null", None),
        ('"x"', "wrong_type"),
        ('"1"', "wrong_type"),
        ("1", "wrong_type"),
        ("true", "wrong_type"),
        ('{"a": 1, "a": 2}', "duplicate_key"),
        ('"{\\"a\\": 1, \\"a\\": 2}"', "duplicate_key"),
        ('{"a": 1, "a": 1}', '{"a":1}'),
    ],
)
def test_a_nested_value_is_kept_as_canonical_text(tmp_path: Path, text: str, stored: object) -> None:
    assert one(tmp_path, "tags", text) == stored


def test_white_space_is_what_python_strips() -> None:
    assert set(SPACES) == {chr(code) for code in range(sys.maxunicode + 1) if chr(code).isspace()}
    texts = [f"{chr(code)}x{chr(code)}" for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000]
    trimmed = pc.utf8_trim_whitespace(pa.array(texts))
    assert trimmed.to_pylist() == [text.strip() for text in texts]


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ('"00501"', "00501"),
        ("90001", "90001"),
        ("90001.50", "90001.50"),
        ('"SW1A 1AA"', "SW1A 1AA"),
        ('""', None),
        ('" \\t"', None),
        ('" SW1A 1AA\\u00a0"', "SW1A 1AA"),
        ('"\\u3000\\u2028a b\\u0085\\u001f"', "a b"),
        ('"\\u200ba\\ufeff"', "\u200ba\ufeff"),
        ('"\\ufeff a"', "a"),
        ('"🎯 \\ud83c\\udfaf \\u202eabc \\"x\\" \'y\'"', "🎯 🎯 \u202eabc \"x\" 'y'"),
        ('"a\\u0000b"', "a\ufffdb"),
        ('"a\\ud800b\\udc00"', "a\ufffdb\ufffd"),
        ('"\\\\u0000"', "\\u0000"),
        ("null", None),
        ("true", "wrong_type"),
        ("[1]", "wrong_type"),
        ("{}", "wrong_type"),
        ("NaN", "non_finite"),
    ],
)
def test_text_stays_as_it_came_without_the_white_space_around_it(tmp_path: Path, text: str, stored: object) -> None:
    assert one(tmp_path, "zipcode", text) == stored


def test_a_long_text_is_cut_and_says_so(tmp_path: Path) -> None:
    lines = [json.dumps({"brand": "é" * length}, ensure_ascii=False) for length in (1024, 1025, 400_000)]
    batch = read(written(tmp_path, "a.jsonl", "\n".join(lines)))
    assert [len(text) for text in batch.records["brand"].to_pylist()] == [1024, 1024, 1024]
    assert batch.records["_extra"].to_pylist() == [None, '{"_cut":{"brand":1025}}', '{"_cut":{"brand":400000}}']


def test_what_is_not_a_field_goes_to_extra_as_it_was_written(tmp_path: Path) -> None:
    line = '{"z": 1.50, "Ad_id": "A", "ad_id": "a", "b": [1, {"y": true, "x": "\\u0000"}], "n": null, "blank": " "}'
    batch = read(written(tmp_path, "a.jsonl", line))
    assert batch.records["ad_id"].to_pylist() == ["a"]
    assert batch.records["_extra"].to_pylist() == ['{"Ad_id":"A","b":[1,{"x":"\ufffd","y":true}],"z":1.50}']


def test_a_rejected_record_keeps_what_it_said_as_canonical_text(tmp_path: Path) -> None:
    lines = [
        '{"spend": 1.50, "clicks": "x", "ad_id": "é\\u0000"}',
        '{"clicks": [], "brand": "%s"}' % ("é" * 40_000),
        "[1]",
    ]
    path = written(tmp_path, "a.jsonl", "\n".join(['{"clicks": 1}', *lines, ""]))
    (batch,) = read_file(path, RecordShape(KIND.record_type, KIND.record_type.names({}), UTC))
    first, second, third = batch.rejected
    payload = '{"ad_id":"é\ufffd","clicks":"x","spend":1.50}'
    assert first == RejectedRecord(2, "wrong_type", payload, line=2, field="clicks", value="x")
    assert (second.field, second.value) == ("clicks", "[]")
    assert second.payload is not None
    assert second.payload.startswith('{"brand":"éé')
    assert len(second.payload.encode()) in (64 * 1024 - 1, 64 * 1024)
    assert third == RejectedRecord(4, "not_an_object", "[1]", line=4)


# --- any way of reading gives the same rows ---------------------------------------------------------------------------

nobody = st.sampled_from(
    [
        "-", "NULL", " none", "n/a", "(not set)", "[object Object]", "Unknown", "0", "-1", "00-00", "0.0", "unknown 1",
        "${ID}", " %%ID%% ", "{{ id }}", "[GAID]", "__IDFA__", "${ID} x", "[1]", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11",
    ]
)  # fmt: skip
odd_text = nobody | st.one_of(
    st.sampled_from(
        [
            "",
            " ",
            "a,b",
            'say "x"',
            "{",
            "},{",
            "]",
            "},",
            "line\nbreak",
            "\r\n",
            "é🎯",
            "\\",
            "0x1F",
            "é" * 1030,
            "\ufeff a",
        ]
    ),
    st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=5),
)
number_text = st.one_of(
    st.integers(-(2**64), 2**64).map(str),
    st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.from_regex(r"[+-]?[0-9]{0,3}\.?[0-9]{0,14}([eE][+-]?[0-9]{1,2})?", fullmatch=True),
    st.sampled_from(["0", "1", "12", "12.0", "1e2"]),
)
our_moment = st.datetimes(datetime(1999, 1, 1), datetime(2030, 1, 1))  # noqa: DTZ001
time_text = st.one_of(
    our_moment.map(lambda moment: moment.isoformat()),
    our_moment.map(lambda moment: f"{moment.isoformat(timespec='seconds')}Z"),
    our_moment.map(lambda moment: f"{moment:%Y-%m-%d %H:%M:%S}"),
    our_moment.map(lambda moment: f"{moment.isoformat(' ', 'milliseconds')} UTC"),
    st.integers(10**9, 10**10 - 1).map(str),
    st.integers(10**12, 10**13 - 1).map(str),
    st.from_regex(
        r"20[0-9]{2}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}([.,][0-9]{0,9})?(Z|[+-]05:30)?", fullmatch=True
    ),
    st.sampled_from(
        ["2026-10-25T02:30:00", "2026-03-29T02:30:00", "2026-11-01 01:30:00", "1.5e9", "1793613600.25", "0"]
    ),
)
day_text = st.one_of(
    st.dates().map(str),
    st.datetimes(timezones=st.timezones() | st.none()).map(str),
    st.integers(0, 10**17).map(str),
    time_text,
)
mild = st.sampled_from(["1", "2.50", "2024-05-20", "x"])


def record_of(cells: Sequence[str]) -> dict[str, str]:
    return dict(zip(FIELDS, cells, strict=True))


boolean_text = st.sampled_from(["true", "False", " y", "0", "t", "maybe"])
nested_text = st.sampled_from(["[]", '{"b": 1.0, "a": "x"}', ' [{"c":null}] ', "{", '"x"'])
OF_TYPE = {
    FieldType.TEXT: odd_text,
    FieldType.DATE: day_text,
    FieldType.TIMESTAMP: day_text,
    FieldType.BOOLEAN: boolean_text,
    FieldType.JSON: nested_text,
}


def field(name: str) -> st.SearchStrategy[str]:
    return OF_TYPE.get(EVERY_TYPE.fields[name], number_text) | mild


GOOD = {
    FieldType.TEXT: odd_text,
    FieldType.COUNT: st.integers(-(2**63), 2**63 - 1).map(str),
    FieldType.DECIMAL: st.one_of(st.integers(0, 99).map(str), st.decimals(0, 10**9, places=6).map(str)),
    FieldType.MONEY: st.decimals(-(10**12), 10**12, places=6).map(str),
    FieldType.DATE: st.dates().map(str),
    FieldType.TIMESTAMP: (st.datetimes() | our_moment).map(lambda moment: moment.isoformat(timespec="microseconds")),
    FieldType.BOOLEAN: st.sampled_from(["true", "false", ""]),
    FieldType.JSON: st.sampled_from(["[]", '{"a":[1.50,{"b":null}]}', ""]),
}
good = st.tuples(*(GOOD[field_type] for field_type in EVERY_TYPE.fields.values())).map(record_of)
odd = st.tuples(*map(field, FIELDS)).map(record_of)
sizes = st.integers(1, 60) | st.integers(60, 4000)
MOST_PIECES = 200  # each of them is parsed anew with what is left over, so a thousand take a minute


def piece(size: int, content: bytes) -> int:
    """The drawn size of a piece, or one that cuts the content into fewer."""
    return max(size, -(-len(content) // MOST_PIECES))


def slowly(text: TextFormat, content: bytes) -> Batch | str:
    """What a file means: all of it in one piece, every record by itself."""
    try:
        batch, left_over = text.parse_strict(content, True)
    except UnreadableFile as error:
        return error.reason
    assert not left_over
    return batch


def quickly_or_not(path: Path, size: int) -> Batch | str:
    try:
        return read(path, size)
    except UnreadableFile as error:
        return error.reason


many = settings(
    max_examples=int(os.environ.get("READER_EXAMPLES", "15")),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking what was read in thousands of ways takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def typed_json(record: dict[str, str]) -> str:
    """The record with numbers, booleans and nested values as JSON has them."""
    texts = (FieldType.TEXT, FieldType.DATE, FieldType.TIMESTAMP)
    members = (
        f"{json.dumps(name)}: {json.dumps(text) if EVERY_TYPE.fields[name] in texts else text}"
        for name, text in record.items()
        if text
    )
    return "{" + ", ".join(members) + "}"


json_lines = st.lists(
    st.one_of(
        good.map(json.dumps),
        good.map(typed_json),
        odd.map(json.dumps),
        odd.map(lambda record: json.dumps(record, ensure_ascii=False)),
        number_text.map(lambda number: f'{{"spend":{number},"clicks":{number},"zipcode":{number},"date":{number}}}'),
        st.sampled_from(
            [
                "{}", " {} ", "", "\r", "null", "[]", "[1]", "3", '"x"', "{}{}", "{} null", "{},", "{",
                "}", '{"a":', "[[",
                "]", '{"brand":"\\u0000"}', '{"brand":"\\ud800"}', '{"clicks":1,"clicks":2}', '{"x":1}',
                '{"x":{"y":[1,"]}"]}}', '{"clicks":1,"clicks":1}', '{"clicks":null,"clicks":1}',
                '{"x":[{"a":1,"a":2}]}',
                '{"r":[]}', '{"clicks":{}}', '{"brand":"a\tb"}', "NaN", '{"clicks":NaN}', '{"clicks":tru}', "\ufeff{}",
            ]
        ),
    ),
    max_size=12,
)  # fmt: skip


@many
@given(lines=json_lines, size=sizes, newline=st.sampled_from(["\n", "\r\n"]), ends=st.booleans())
def test_json_lines_mean_the_same_wherever_they_are_cut(
    tmp_path: Path, lines: list[str], size: int, newline: str, ends: bool
) -> None:
    content = ("{}" + newline + newline.join(lines) + newline * ends).encode(errors="replace")
    path = written(tmp_path, "a.jsonl", content)
    expected = slowly(JsonLines(SHAPE), content)
    assert same(quickly_or_not(path, piece(size, content)), expected)
    assert same(quickly_or_not(path, 8 << 20), expected)


@many
@given(elements=json_lines, size=sizes, separator=st.sampled_from([",", ",\n", " ,\n  "]), ends=st.sampled_from("] x,"))
def test_a_json_array_means_the_same_wherever_it_is_cut(
    tmp_path: Path, elements: list[str], size: int, separator: str, ends: str
) -> None:
    content = (separator.join(elements) + ends.strip()).encode(errors="replace")
    path = written(tmp_path, "a.json", b"[" + content)
    expected = slowly(JsonArray(SHAPE), content)
    assert same(quickly_or_not(path, piece(size, content)), expected)
    assert same(quickly_or_not(path, 8 << 20), expected)


@many
@given(
    objects=st.lists(
        st.one_of(good.map(json.dumps), good.map(typed_json), odd.map(json.dumps)), min_size=1, max_size=8
    ),
    size=sizes,
    between=st.sampled_from(["", " ", "\n", " \r\n "]),
    behind=st.sampled_from(["", "\n", "{", "x", "}"]),
)
def test_objects_mean_the_same_wherever_they_are_cut(
    tmp_path: Path, objects: list[str], size: int, between: str, behind: str
) -> None:
    content = (between.join(objects) + behind).encode(errors="replace")
    expected = slowly(JsonObjects(SHAPE), content)
    for chunk in (piece(size, content), 8 << 20):
        count = lines = 0
        batches = []
        found: Batch | str
        try:
            for batch in parsed(io.BytesIO(content), JsonObjects(SHAPE), chunk):
                batches.append(renumbered(batch, -count, -lines))
                count, lines = count + len(batch), lines + batch.lines
            found = concatenated(batches, EVERY_TYPE.schema)
        except UnreadableFile as error:
            found = error.reason
        assert same(found, expected)


def csv_text(records: Sequence[dict[str, str]], delimiter: str = ",", newline: str = "\n") -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, FIELDS, delimiter=delimiter, lineterminator=newline)
    writer.writeheader()
    writer.writerows(records)
    return text.getvalue()


HEADER = ",".join(FIELDS)


def header_of(shape: RecordShape) -> Header:
    header = find_header(HEADER.encode(), shape)
    assert header
    return header


csv_lines = st.lists(
    st.one_of(
        good.map(lambda record: csv_text([record])[len(HEADER) + 1 : -1]),
        odd.map(lambda record: csv_text([record])[len(HEADER) + 1 : -1]),
        st.sampled_from(
            [
                "", " ", "a", '"', '"a', '"a"b,', 'a"b' + "," * LAST, "," * LAST, "," * (LAST + 1), "," * (LAST - 1),
                '"' + "," * LAST, "," * LAST + '"x',
                '""' + "," * LAST, '"a\n"' + "," * LAST, '"a\n"' + "," * (LAST - 1), "\r",
                "," * 8 + "0x1F" + "," * (LAST - 8), "," * 8 + " 5 " + "," * (LAST - 8),
                "\ra" + "," * LAST,
                "," * LAST + '"5', '"5' + "," * LAST + '"', "," * 8 + '"12\n"' + "," * (LAST - 8),
            ]
        ),
    ),
    max_size=12,
)  # fmt: skip


@many
@given(lines=csv_lines, size=sizes, newline=st.sampled_from(["\n", "\r\n"]), ends=st.booleans())
def test_csv_means_the_same_wherever_it_is_cut(
    tmp_path: Path, lines: list[str], size: int, newline: str, ends: bool
) -> None:
    content = (newline.join(lines) + newline * ends).encode()
    path = written(tmp_path, "a.csv", f"{HEADER}\n".encode() + content)
    expected = slowly(Csv(header_of(SHAPE), SHAPE), content)
    if not isinstance(expected, str):
        expected = renumbered(expected, 0, 1)  # after the header
    assert same(quickly_or_not(path, piece(size, content)), expected)
    assert same(quickly_or_not(path, 8 << 20), expected)


@pytest.mark.parametrize("spend", ['"9999999999999999999999"e-80', '"1"e-999999999', '"1e"-999999999'])
def test_a_number_that_only_begins_in_quotes_means_the_same(tmp_path: Path, spend: str) -> None:
    values = dict.fromkeys(FIELDS, "") | dict.fromkeys(TEXTS, "x") | dict.fromkeys(("impressions", "clicks"), "1")
    line = ",".join((values | {"conversions": "1", "date": "2026-11-01", "spend": spend})[name] for name in FIELDS)
    path = written(tmp_path, "a.csv", f"{HEADER}\n{line}\n".encode())
    expected = slowly(Csv(header_of(SHAPE), SHAPE), f"{line}\n".encode())
    assert isinstance(expected, Batch)
    assert same(read(path), renumbered(expected, 0, 1))


TYPED: dict[FieldType, Callable[[str], object]] = {
    FieldType.COUNT: int,
    FieldType.DECIMAL: Decimal,
    FieldType.MONEY: Decimal,
    FieldType.DATE: date.fromisoformat,
    FieldType.TIMESTAMP: datetime.fromisoformat,
    FieldType.BOOLEAN: lambda text: text == "true",
}


@many
@given(records=st.lists(good, min_size=1, max_size=4), size=st.integers(300, 5000), delimiter=st.sampled_from(",;\t|"))
def test_the_same_records_are_the_same_table_in_every_format(
    tmp_path: Path, records: list[dict[str, str]], size: int, delimiter: str
) -> None:
    nulled = [{name: value or None for name, value in record.items()} for record in records]
    expected = convert_records([parsed_json(json.dumps(record)) for record in nulled], SHAPE)
    assert not expected.rejected
    typed = [
        {name: None if value is None else TYPED.get(EVERY_TYPE.fields[name], str)(value) for name, value in one.items()}
        for one in nulled
    ]
    lines = "\n".join(json.dumps(record) for record in nulled)
    plain = pa.schema(
        [
            (name, pa.timestamp("us") if field_type is FieldType.TIMESTAMP else field_type.raw_type)
            for name, field_type in EVERY_TYPE.fields.items()
        ]
    )
    pq.write_table(pa.Table.from_pylist(typed, plain), tmp_path / "a.parquet")
    pq.write_table(
        pa.Table.from_pylist(nulled, pa.schema([(name, pa.string()) for name in FIELDS])), tmp_path / "b.parquet"
    )
    paths = [
        written(tmp_path, "a.jsonl", lines),
        written(tmp_path, "a.ndjson", typed_json(records[0]) + "\n" + "\n".join(lines.split("\n")[1:])),
        written(tmp_path, "a.JSON", json.dumps(nulled)),
        written(tmp_path, "b.json", json.dumps(nulled, indent=2, ensure_ascii=False)),
        written(tmp_path, "a.JSONL.GZ", gzip.compress(lines.encode(), 1)),
        written(
            tmp_path, "a.csv.gz", gzip.compress(b"\xef\xbb\xbf" + csv_text(records, delimiter, "\r\n").encode(), 1)
        ),
        written(tmp_path, "a.csv", csv_text(records, delimiter)),
        tmp_path / "a.parquet",
        tmp_path / "b.parquet",
    ]
    for path in paths:
        assert same(read(path, size), expected), path.name


def test_parquet_columns_are_read_by_what_they_hold(tmp_path: Path) -> None:
    table = pa.table(
        {
            " Campaign_ID ": pa.array(["c", None]).dictionary_encode(),
            "ad_id": pa.array([b"a", b"b"]),
            "DATE": pa.array([datetime(2024, 5, 20, 2), None], pa.timestamp("ns")),  # noqa: DTZ001
            "brand": pa.array(["b", "x" * 2000], pa.large_string()),
            "country": pa.array([None, None]),
            "state": pa.array([1, 2]),
            "city": pa.array(["a\0", "b"]),
            "zipcode": pa.array([501.0, None]),
            "impressions": pa.array([12.0, None]),
            "clicks": pa.array([Decimal("3.00"), None]),
            "spend": pa.array([0.1, 5e-7]),
            "conversions": pa.array([1, 2], pa.uint64()),
            "seen_at": pa.array([1716163200123456789, None], pa.timestamp("ns", "Asia/Tokyo")),
            "is_new": pa.array([True, None]),
            "tags": pa.array([{"b": [1, 2], "a": "x"}, None]),
            "seen": pa.array([1.5, None]),
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    batch = read(tmp_path / "a.parquet", zone="America/New_York")
    assert batch.rejected == []
    assert batch.records.drop_columns(["_position", "brand"]).to_pylist() == [
        {
            "campaign_id": "c",
            "ad_id": "a",
            "date": date(2024, 5, 19),
            "country": None,
            "state": "1",
            "city": "a\ufffd",
            "zipcode": "501",
            "impressions": 12,
            "clicks": 3,
            "spend": Decimal("0.1"),
            "conversions": 1,
            "seen_at": microseconds(2024, 5, 20, 0, 0, 0, 123456),
            "is_new": True,
            "tags": '{"a":"x","b":[1,2]}',
            "user_id": None,
            "_is_whole_day": False,
            "_extra": '{"seen":1.5}',
        },
        {
            "campaign_id": None,
            "ad_id": "b",
            "date": None,
            "country": None,
            "state": "2",
            "city": "b",
            "zipcode": None,
            "impressions": None,
            "clicks": None,
            "spend": Decimal("0.000001"),
            "conversions": 2,
            "seen_at": None,
            "is_new": None,
            "tags": None,
            "user_id": None,
            "_is_whole_day": False,
            "_extra": '{"_cut":{"brand":2000}}',
        },
    ]


def test_a_wrong_parquet_value_rejects_its_record_alone(tmp_path: Path) -> None:
    columns: dict[str, pa.Array] = {name: pa.nulls(6) for name in FIELDS}
    columns["impressions"] = pa.array([1.0, 1.5, float("nan"), 1e19, 2.0, 2.0])
    columns["conversions"] = pa.array([None, None, None, None, True, None])
    columns["spend"] = pa.array([Decimal("1.5"), None, None, None, None, Decimal(10) ** 32], pa.decimal256(50, 2))
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    batch = read(tmp_path / "a.parquet")
    assert batch.records["_position"].to_pylist() == [1]
    reasons = ["wrong_type", "non_finite", "out_of_range", "wrong_type", "out_of_range"]
    assert [(one.position, one.reason) for one in batch.rejected] == list(enumerate(reasons, 2))


# --- a profile is read the same in both ways --------------------------------------------------------------------------

PROFILES = [
    Profile(thousands=",", nulls=frozenset({"--", "(not set)"}), date_format="%d/%m/%Y"),
    Profile(decimal=",", currency_signs=("€", "USD"), nulls=frozenset({"-", "x"})),
    Profile(decimal=".", thousands="'", date_format="%Y%m%d %H:%M"),
    Profile(thousands=" ", nulls=frozenset({"0"})),
    Profile(
        {
            "spend": Column(divide_by=Decimal(1_000_000)),
            "clicks": Column(divide_by=Decimal(10)),
            "conversions": Column(divide_by=Decimal(3)),
            "brand": Column("campaign_id"),
            "state": Column(constant="CA"),
        },
        thousands=".",
        optional=frozenset({"city"}),
    ),
    Profile({"spend": Column("clicks", divide_by=Decimal(1000))}, date_format="%b %d, %Y"),
    Profile(id_prefix="partner:"),
    Profile(
        {
            "spend": Column(multiply_by=Decimal(1000), divide_by=Decimal(3)),
            "conversions": Column(multiply_by=Decimal(1000)),
            "clicks": Column(nulls=("0", "-")),
            "impressions": Column(nulls=("x",), divide_by=Decimal(10)),
            "state": Column("brand", nulls=("x", "--")),
        },
        nulls=frozenset({"unknown 1"}),
        skip=frozenset({"STATE"}),
    ),
]
as_written = nobody | st.one_of(
    st.from_regex(r"-?[0-9]{1,3}([.,' ][0-9]{3}){0,3}([.,][0-9]{0,7})?", fullmatch=True),
    st.from_regex(r"[(+-]?(€|USD )?[0-9]{1,4}([.,][0-9]{1,3}){0,2}( €)?\)?", fullmatch=True),
    st.sampled_from(
        ["--", " -- ", "-", "(not set)", '="--"', '="12"', "", " ", "0", " 0", "1.000.000,5", "1,5,0", ",5"]
    ),
    number_text,
)
day_as_written = st.one_of(
    st.dates().map(lambda day: day.strftime("%d/%m/%Y")),
    st.datetimes().map(lambda moment: moment.strftime("%Y%m%d %H:%M")),
    st.sampled_from(["Nov 01, 2026", "2026-11-01", "31/02/2026", "--", "2026-W36"]),
    day_text,
)
text_as_written = odd_text | st.sampled_from(["--", " -- ", '="x"', '="--"', "708746.0", "1.20E+17", "=", "x"])
WRITTEN = {FieldType.TEXT: text_as_written, FieldType.DATE: day_as_written, FieldType.TIMESTAMP: day_as_written}


def written_record(names: Sequence[str]) -> st.SearchStrategy[list[str]]:
    fields = (EVERY_TYPE.fields[name] for name in names)
    odd_cells = [
        OF_TYPE[one] if one in (FieldType.BOOLEAN, FieldType.JSON) else WRITTEN.get(one, as_written) for one in fields
    ]
    return st.tuples(*odd_cells).map(list)


def csv_of(rows: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


@many
@given(
    profile=st.sampled_from(PROFILES),
    records=st.lists(written_record(FIELDS), max_size=8),
    plain=st.lists(good, max_size=4),
    size=sizes,
)
def test_a_profile_means_the_same_in_both_ways(
    tmp_path: Path, profile: Profile, records: list[list[str]], plain: list[dict[str, str]], size: int
) -> None:
    names = EVERY_TYPE.names(profile.names, profile.constants)
    zone = ZoneInfo("America/New_York")
    shape = replace(SHAPE, names=names, profile=profile, timezone=zone, skip=profile.skip)
    content = csv_of([*(list(one.values()) for one in plain), *records]).encode(errors="replace")
    path = written(tmp_path, "a.csv", f"{HEADER}\n".encode() + content)
    expected = slowly(Csv(header_of(shape), shape), content)
    if not isinstance(expected, str):
        expected = renumbered(expected, 0, 1)
    for chunk in (piece(size, content), 8 << 20):
        assert same(read_as(path, shape, chunk), expected)


def times_in(written: Sequence[str]) -> st.SearchStrategy[list[str]]:
    """Times that are all written in one way, as in a file."""
    return st.sampled_from(written).flatmap(
        lambda one: st.lists(our_moment.map(lambda moment: moment.strftime(one)), min_size=1, max_size=5)
    )


TIMES = (
    "%Y-%m-%dT%H:%M:%SZ",
    "%Y-%m-%d %H:%M:%S.%fZ",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%dT%H:%M:%S.%f",
    "%Y-%m-%dT%H:%M:%S+00:00",
)


@many
@given(
    texts=times_in(TIMES)
    | st.sampled_from([10, 13, 16, 19]).flatmap(
        lambda n: st.lists(st.integers(10 ** (n - 1), 10**n - 1).map(str), min_size=1)
    )
    | st.lists(time_text, min_size=1, max_size=3),
    is_null=st.integers(0, 5),
)
def test_times_of_many_texts_are_those_of_each(texts: list[str], is_null: int) -> None:
    column = [None if number == is_null else text for number, text in enumerate([*texts, texts[0]])]
    found = instants(pa.array(column, pa.string()), is_utc=True)
    if found is not None:
        assert found.to_pylist() == [None if text is None else timestamp_of(text) for text in column]


@pytest.mark.parametrize(
    "texts",
    [
        ["2026-11-02T10:00:00Z", None, "2026-11-02T10:00:00.250Z"],
        ["2026-11-02 10:00:00", "2026-11-02 10:00:00.5"],
        ["1793613600000", "1793613600001"],
    ],
)
def test_usual_times_are_read_at_once(texts: list[str | None]) -> None:
    assert instants(pa.array(texts, pa.string()), is_utc=True) is not None


people = st.sampled_from(["0", "-1", "00000000-0000-0000-0000-000000000000", "--", "0-0"]) | st.uuids().flatmap(
    lambda one: st.sampled_from([str(one), str(one).upper(), f"{one}0", str(one).replace("-", "")])
)


@many
@given(texts=st.lists((nobody | odd_text | people).map(str.strip), min_size=1, max_size=8), is_person=st.booleans())
def test_ids_of_many_texts_are_those_of_each(texts: list[str], is_person: bool) -> None:
    found, macros = (known_people if is_person else known_ids)(pa.array([None, *texts], pa.string()))
    each = [event_id_of(text, is_person=is_person) for text in texts]
    is_macro = [isinstance(one, Remarked) for one in each]
    floating = {text for text in texts if id_of(text) != text}  # these become ids before
    assert [one for text, one in zip(texts, found.to_pylist()[1:], strict=True) if text not in floating] == [
        None if isinstance(one, Remarked) else one
        for text, one in zip(texts, each, strict=True)
        if text not in floating
    ]
    assert macros == sum(is_macro)


@many
@given(texts=st.lists(as_written, min_size=1, max_size=6), profile=st.sampled_from(PROFILES))
def test_numbers_of_many_texts_are_those_of_each(texts: list[str], profile: Profile) -> None:
    """What the columns take at once, `convert` takes one by one, and makes the same of it."""
    if not profile.writes_numbers:
        return
    plain = plain_numbers(pa.array([None, *texts, None], pa.string())[1:-1], profile)
    if plain is None:
        return
    convert = converter_of(FieldType.MONEY, UTC, profile=replace(profile, nulls=frozenset()))
    for text, found in zip(texts, plain.to_pylist(), strict=True):
        try:
            assert decimal_of(found) == convert(text)
        except RecordRejected as why:
            with pytest.raises(RecordRejected, match=why.reason):
                decimal_of(found)


@many
@given(profile=st.sampled_from(PROFILES), records=st.lists(written_record(FIELDS), max_size=6))
def test_a_profile_means_the_same_in_every_format(tmp_path: Path, profile: Profile, records: list[list[str]]) -> None:
    shape = replace(
        SHAPE,
        names=EVERY_TYPE.names(profile.names, profile.constants),
        profile=profile,
        skip=frozenset({"state"} if profile.skip else ()),
    )
    told = [{name: cell or None for name, cell in zip(FIELDS, cells, strict=True)} for cells in records]
    expected = convert_records([parsed_json(json.dumps(one)) for one in told], shape)
    lines = written(tmp_path, "a.jsonl", "\n".join(["", *map(json.dumps, told), ""]))
    pq.write_table(
        pa.Table.from_pylist(told, pa.schema([(name, pa.string()) for name in FIELDS])), tmp_path / "a.parquet"
    )
    for path in (lines, tmp_path / "a.parquet"):
        found = read_as(path, shape, 8 << 20)
        assert not isinstance(found, str)
        assert found.records.equals(expected.records), path.name
        assert [(one.position, one.reason, one.field) for one in found.rejected] == [
            (one.position, one.reason, one.field) for one in expected.rejected
        ]


def read_as(path: Path, shape: RecordShape, size: int) -> Batch | str:
    count = lines = 0
    batches = []
    try:
        for batch in read_file(path, shape, size):
            batches.append(renumbered(batch, -count, -lines))
            count += len(batch)
            lines += batch.lines
    except UnreadableFile as error:
        return error.reason
    found = concatenated(batches, EVERY_TYPE.schema)
    return replace(found, lines=0)
