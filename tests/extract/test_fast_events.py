"""Logs of events are read by column wherever that says what each record by itself would."""

import io
import json
import os
from collections.abc import Sequence
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from support.batches import same

from extract.privacy import Privacy
from extract.readers import Batch, UnreadableFile, json_text
from extract.readers.chunks import parsed
from extract.readers.json_objects import JsonObjects
from extract.readers.json_text import JsonLines
from extract.records import RecordShape, concatenated, convert_records, renumbered
from extract.sources.impressions import RECORD_TYPE

SHAPE = RecordShape(
    RECORD_TYPE,
    RECORD_TYPE.names({}),
    ZoneInfo("UTC"),
    privacy=Privacy("a key of sixteen", frozenset({"user_id"})),
)


def impression(number: int, **values: object) -> str:
    good = {
        "impression_id": f"i-{number:016x}",
        "ad_id": f"ad{number % 7}",
        "campaign_id": f"cmp{number % 3}",
        "publisher_id": "pub1",
        "user_id": None if number % 20 == 0 else f"9395a2e9-fa8b-4046-887c-{number % 50:012x}",
        "event_time": f"2026-07-01T10:{number % 60:02}:00.123Z",
        "device_type": "tablet",
        "geo_location": "US-NY",
        "platform": "facebook",
        "ad_type": "banner",
        "bid_price": 4.206,
        "site_domain": "site1379.example",
        "auction_id": None,
        "imp_id": None,
    }
    return json.dumps({**good, **values})


CUT = impression(1)[:100]
# Lines that break JSON, those with values that are refused, and those that Arrow reads otherwise than the rules do.
HOSTILE = [
    CUT, "", "   ", "null", "[1]", "3", "{", "}", "{}", "{},", '{"ad_id":"a"} {"ad_id":"b"}', '{"ad_id":"a"}}',
    '{"ad_id":"a",}', '{"ad_id":"a","ad_id":"b"}', '{"ad_id":"a","ad_id":"a"}', '{"ad_id":[1]}', '{"ad_id":{"x":1}}',
    '{"ad_id":true}', '{"ad_id":7.0}', '{"ad_id":"\\ud800"}', '{"ad_id":"\\u0000"}', '{"ad_id":NaN}', '{"z":1}',
    '\N{ZERO WIDTH NO-BREAK SPACE}{"ad_id":"a"}', '{"ad_id":"a\tb"}', '{"ad_id":"a","x":' + "[" * 250 + "]" * 250 + "}",
    '{"ad_id": "a", "bid_price": ' + "9" * 300 + "}", "\0", '{"ad_id":"\0"}',
    *(
        impression(2, bid_price=price)
        for price in ("1.5", " 1.5 ", "", "abc", "${AUCTION_PRICE}", "1e2", "1e400", "NaN", True, 1e-7, "1,5", "-")
    ),
    *(impression(3).replace("4.206", price) for price in ("1e400", "1e-77", "-1", "0.12345678901234567890", "1" * 13)),
    *(
        impression(3).replace("4.206", f'"{price}"')
        for price in (
            "9999999999999999999999\\u0065-80", "1\\u0065-999999999", "1e\\u002d999999999", "1\\u002e000", "1.0\\u00300"
        )
    ),
    *(
        impression(4, event_time=time)
        for time in ("yesterday", "", None, "2026-07-01", "2026-7-1T10:00:00Z", "2026-07-01T24:00:00Z", "infinity",
                     1782900000, 1782900000123, "1.78e9", "0", "2026-07-01T10:00:00+05:30", "2026-07-01 10:00:00 UTC")
    ),
    *(impression(5, user_id=user) for user in ("-1", "0000-0000", "none", "9395A2E9-FA8B-4046-887C-DA1BF7772213", 7)),
    *(impression(6, ad_id=ad) for ad in (None, " a ", "[NAME]", "__AD__", '="7"', "7.0", "x" * 2000, "N/A")),
]  # fmt: skip


def read(content: bytes, size: int) -> Batch | str:
    count = lines = 0
    batches = []
    try:
        for batch in parsed(io.BytesIO(content), JsonLines(SHAPE), size):
            batches.append(renumbered(batch, -count, -lines))
            count, lines = count + len(batch), lines + batch.lines
    except UnreadableFile as error:
        return error.reason
    return concatenated(batches, RECORD_TYPE.schema)


def strictly(content: bytes) -> Batch | str:
    try:
        return JsonLines(SHAPE).parse_strict(content, True)[0]
    except UnreadableFile as error:
        return error.reason


many = settings(
    max_examples=int(os.environ.get("READER_EXAMPLES", "60")),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking what was read in thousands of ways takes minutes
)
logs = st.lists(st.one_of(st.integers(1, 99).map(impression), st.sampled_from(HOSTILE)), min_size=1, max_size=24)


@many
@given(
    lines=logs,
    newline=st.sampled_from(["\n", "\r\n"]),
    end=st.sampled_from(["", "\n", "\n\n"]),
    size=st.sampled_from([2_000, 8 << 20]),
)
def test_lines_mean_the_same_whatever_lies_around_them(lines: list[str], newline: str, end: str, size: int) -> None:
    content = (newline.join([impression(0), *lines]) + end).encode()
    assert same(read(content, size), strictly(content))


@pytest.mark.parametrize("line", HOSTILE)
def test_an_odd_line_costs_only_itself(line: str) -> None:
    content = "\n".join([*map(impression, range(50)), line, *map(impression, range(50)), ""]).encode()
    assert same(read(content, 8 << 20), strictly(content))


BROKEN = [CUT, "", "{}", '{"ad_id":"a","ad_id":"b"}', '{"ad_id":{"x":1}}', impression(2, bid_price="${AUCTION_PRICE}")]


def test_only_broken_lines_are_looked_at_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many good records, of which one in two hundred is broken in one of the usual ways."""
    looked_at: list[object] = []
    convert = convert_records

    def counted(values: Sequence[object], shape: RecordShape, *others: object) -> Batch:
        looked_at.extend(values)
        return convert(values, shape, *others)  # type: ignore[arg-type]

    lines = [impression(number) if number % 200 else BROKEN[number // 200 % 6] for number in range(24_000)]
    content = "\n".join([impression(1), *lines, ""]).encode()
    monkeypatch.setattr("extract.readers.json_text.convert_records", counted)
    found = read(content, 8 << 20)
    assert isinstance(found, Batch)
    assert (found.records.num_rows, len(found.rejected)) == (23_880 + 1 + 20, 80)
    assert len(looked_at) == 100


def test_wrong_values_are_looked_for_a_few_times_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look parses all that comes behind."""
    looked_at = 0
    why_not = json_text._why_not

    def counted(text: bytes, schema: pa.Schema) -> str | None:
        nonlocal looked_at
        looked_at += len(text)
        return why_not(text, schema)

    monkeypatch.setattr(json_text, "_why_not", counted)
    lines = [impression(number, **({} if number % 50 else {"bid_price": f"{number},5"})) for number in range(2_000)]
    content = "\n".join([*lines, ""]).encode()
    assert same(read(content, 8 << 20), strictly(content))
    assert looked_at < 12 * len(content)


@pytest.mark.parametrize("content", [b'{"ad_id":"a"}\f{"ad_id":"b"}', b'\v{"ad_id":"a"}{"ad_id":"b"}'])
def test_only_what_json_takes_for_white_space_stands_between_objects(content: bytes) -> None:
    fast = JsonObjects(SHAPE).parse_fast(content, True)
    assert fast is None or same(fast, JsonObjects(SHAPE).parse_strict(content, True)[0])
