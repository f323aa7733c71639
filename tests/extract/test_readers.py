"""Files and pages as people and systems really send them: cut off, zipped, misshapen, hostile."""

import gzip
import json
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.cases import always
from support.workbook import of_parts

from extract.as_received import ReceivedRecord, records_as_received
from extract.http.profile import ApiProfile
from extract.landing import Landing
from extract.profile import Profile
from extract.readers import BadAnswer, Batch, Page, UnreadableFile, read_file, read_page
from extract.readers.chunks import LONGEST_RECORD
from extract.records import RecordShape, concatenated
from extract.sources.campaign_delivery import KIND
from extract.storage import Folder

UTC = ZoneInfo("UTC")
DELIVERY = KIND.record_type
SHAPE = RecordShape(DELIVERY, DELIVERY.names({}), UTC)
FIELDS = [name for name in DELIVERY.fields if name in DELIVERY.required]
HEADER = ",".join(FIELDS)
ROW = "c1,a1,2024-05-20,B,US,CA,LA,00501,10,2,1.5,1"


def batches(folder: Path, name: str, content: bytes | str) -> list[Batch]:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(read_file(path, SHAPE))


def read(folder: Path, name: str, content: bytes | str) -> Batch:
    found = batches(folder, name, content)
    assert len(found) < 2
    return found[0] if found else concatenated([], DELIVERY.schema)


def joined(found: Iterable[Batch]) -> Batch:
    """Batches as they were read, as one."""
    found = [*found]
    rejected = [one for batch in found for one in batch.rejected]
    return Batch(pa.concat_tables([batch.records for batch in found]), rejected)


def why_unreadable(folder: Path, name: str, content: bytes | str) -> str:
    with pytest.raises(UnreadableFile) as caught:
        batches(folder, name, content)
    return caught.value.reason


def outcome(batch: Batch) -> tuple[list[int], list[tuple[int, str]]]:
    """The numbers of the records that can be loaded, and the others with their reasons."""
    return batch.records["_position"].to_pylist(), [(one.position, one.reason) for one in batch.rejected]


@pytest.mark.parametrize("name", ["a.json", "a.JSONL", "a.ndjson.GZ", "a.csv", "a.TSV.gz", "a.json.gz"])
def test_an_empty_file_has_no_records(tmp_path: Path, name: str) -> None:
    assert batches(tmp_path, name, gzip.compress(b"") if name.lower().endswith("gz") else b"") == []


@pytest.mark.parametrize(
    ("name", "content"), [("a.json", "[]"), ("a.json", " \n[ \n] \n"), ("a.csv", HEADER), ("a.json", "\n\n")]
)
def test_a_file_without_records_has_none(tmp_path: Path, name: str, content: str) -> None:
    assert batches(tmp_path, name, content) == []


@pytest.mark.parametrize("name", ["a.pdf", "a.json.gz.gz", "a.jsonl.part1"])
def test_an_unknown_extension_is_no_format(tmp_path: Path, name: str) -> None:
    assert why_unreadable(tmp_path, name, "{}\n") == "unknown_format"


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.json", '[{"clicks": 1}, {"clic', "cut_off"),
        ("a.json", '[{"clicks": 1},', "cut_off"),
        ("a.json", '[{"clicks": 1}', "cut_off"),
        ("a.json", "[", "cut_off"),
        ("a.json", '[{"brand": "x]', "cut_off"),
        ("a.json", '[{"clicks": 1}] [2]', "broken_json"),
        ("a.jsonl", '{"clicks": 1}\n{"clicks": 2', "cut_off"),
        ("a.jsonl", '{"clicks": 1}\n' + '{"brand": "' + "x" * (1 << 21), "cut_off"),
        ("a.csv", f"{HEADER}\n{ROW}\nc2,a2,2024", "cut_off"),
        ("a.csv", f'{HEADER}\n{ROW}\n"c2,a2', "cut_off"),
        ("a.csv", HEADER.replace("zipcode", "zip") + "\n", "missing_column"),
        ("a.csv", HEADER + ",Date\n", "duplicate_column"),
        ("a.csv", HEADER + ",Zip Code\n", "duplicate_column"),
        ("a.jsonl", '{"brand": "caf\xe9"}\n'.encode("latin-1"), "unreadable_encoding"),
        ("a.json", '[{"brand": "caf\xe9"}]\n'.encode("latin-1"), "unreadable_encoding"),
        ("a.csv", f"{HEADER}\n{ROW}\n".replace("LA", "\xe9").encode("latin-1"), "unreadable_encoding"),
        ("a.jsonl", '{"clicks": 1}\n'.encode("utf-16-be"), "unreadable_encoding"),
        ("a.csv", f"{HEADER}\n".encode("utf-16-le"), "unreadable_encoding"),
        ("a.json.gz", gzip.compress(b'{"clicks": 1}\n' * 1000, mtime=0)[:-9], "truncated_gzip"),
        ("a.json.gz", gzip.compress(b'{"clicks": 1}\n' * 1000, mtime=0)[:30] + b"\xff" * 30, "broken_gzip"),
        ("a.json", b"\x1f\x8b and no gzip", "broken_gzip"),
        ("a.parquet", b"PAR1 and no more", "broken_parquet"),
        ("a.parquet", b"", "broken_parquet"),
    ],
)
def test_a_file_that_is_not_whole_is_unreadable(tmp_path: Path, name: str, content: bytes | str, reason: str) -> None:
    assert why_unreadable(tmp_path, name, content) == reason


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_whether_a_file_is_zipped_is_told_by_its_content(tmp_path: Path, name: str) -> None:
    content = f"{HEADER}\n{ROW}\n".encode()
    assert outcome(read(tmp_path, name, content)) == ([1], [])
    assert outcome(read(tmp_path, name, gzip.compress(content))) == ([1], [])
    records = ReceivedRecord(ROW, 2)
    (tmp_path / "landing").mkdir()
    (tmp_path / "landing" / name).write_bytes(gzip.compress(content))
    assert records_as_received(Landing(Folder.at(tmp_path / "landing")), name, [1], SHAPE) == {1: records}


def test_missing_columns_are_named(tmp_path: Path) -> None:
    pq.write_table(
        pa.table({name: pa.nulls(1) for name in FIELDS if name not in ("spend", "date")}), tmp_path / "a.parquet"
    )
    with pytest.raises(UnreadableFile) as caught:
        list(read_file(tmp_path / "a.parquet", SHAPE))
    assert (caught.value.reason, caught.value.detail) == ("missing_column", "date, spend")


def test_a_cut_parquet_file_is_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({name: pa.array(["1"] * 1000) for name in FIELDS}), path)
    whole = path.read_bytes()
    assert why_unreadable(tmp_path, "a.parquet", whole[: len(whole) // 2]) == "broken_parquet"


def test_a_file_that_is_not_there_is_the_callers_mistake(tmp_path: Path) -> None:
    for name in ("a.json", "a.parquet"):
        with pytest.raises(FileNotFoundError):
            list(read_file(tmp_path / name, SHAPE))


def test_one_bad_line_costs_one_record(tmp_path: Path) -> None:
    deep, good = '{"clicks":' + "[" * 1000 + "]" * 1000 + "}", '{"clicks":1}'
    long = '{"brand":"' + "x" * LONGEST_RECORD + '"}'
    lines = [good, "{]", "", good, "7", '{"clicks":"x"}', good, deep, long, '{"clicks":1,"x":[[1]]}', good]
    batch = joined(batches(tmp_path, "a.jsonl", "\ufeff" + "\r\n".join(lines) + "\r\n"))
    reasons = [(2, "broken_json"), (4, "not_an_object"), (5, "wrong_type"), (7, "too_deep"), (8, "too_long")]
    assert outcome(batch) == ([1, 3, 6, 9, 10], reasons)
    assert [one.payload for one in batch.rejected] == [None, "7", '{"clicks":"x"}', None, None]


@pytest.mark.cases
def test_a_record_may_be_long_deep_and_wide_up_to_a_bound(tmp_path: Path) -> None:
    deep = ['{"clicks":1,"x":' + "[" * levels + "1" + "]" * levels + "}" for levels in (199, 200)]
    wide = ['{"x":[' + ",".join(["1"] * count) + '],"clicks":1}' for count in (99_999, 100_001)]
    long = ['{"brand":"' + "x" * (LONGEST_RECORD - 12 + more) + '"}' for more in (0, 1)]
    commas = '{"brand":"' + "," * 200_000 + '"}'
    reasons = [(2, "too_deep"), (4, "too_many_values"), (6, "too_long")]
    for name, text in (("a.jsonl", "\n".join), ("a.json", lambda records: f"[{','.join(records)}]")):
        batch = joined(batches(tmp_path, name, text([*deep, *wide, *long, commas]) + "\n"))
        assert outcome(batch) == ([1, 3, 5, 7], reasons), name


def parquet(**columns: pa.Array) -> pa.Table:
    """A good record for each value of the columns, which come beside or instead of those of the kind."""
    count = len(next(iter(columns.values())))
    values = dict(zip(FIELDS, ROW.split(","), strict=True))
    return pa.table({**{name: pa.array([value] * count) for name, value in values.items()}, **columns})


def parquet_read(folder: Path, table: pa.Table) -> Batch:
    pq.write_table(table, folder / "a.parquet")
    return joined(read_file(folder / "a.parquet", SHAPE))


def test_a_column_of_no_field_never_decides(tmp_path: Path) -> None:
    """Whatever it holds, and however Arrow writes that."""
    bad_utf8 = pa.Array.from_buffers(pa.string(), 2, [None, *pa.array([b"\xff", b"ok"]).buffers()[1:]])
    nanoseconds = pa.array([1_000_000_001, None], pa.time64("ns"))
    batch = parquet_read(
        tmp_path,
        parquet(
            at=nanoseconds,
            moment=pa.array([1, None], pa.timestamp("ns")),
            lasted=pa.array([1_000_000_001, None], pa.duration("ns")),
            nested=pa.StructArray.from_arrays([nanoseconds], ["at"]),
            text=bad_utf8,
            listed=pa.array([["a", "b"], None]),
            mapped=pa.array([[("k", "v")], None], pa.map_(pa.string(), pa.string())),
            half=pa.array([1.5, None], pa.float16()),
        ),
    )
    assert outcome(batch) == ([1, 2], [])
    extra = json.loads(batch.records["_extra"][0].as_py())
    assert extra["at"] == "00:00:01.000000001"
    assert extra["moment"] == "1970-01-01 00:00:00.000000001"
    assert extra["text"] == "\ufffd"
    assert extra["listed"] == ["a", "b"]
    assert extra["half"] == 1.5
    assert set(extra) == {"at", "moment", "lasted", "nested", "text", "listed", "mapped", "half"}


@pytest.mark.parametrize("date_format", [None, "%d/%m/%Y"])
def test_a_day_that_pandas_has_written_is_a_day(tmp_path: Path, date_format: str | None) -> None:
    """In nanoseconds, beside one that has some; a format is that of texts."""
    shape = RecordShape(DELIVERY, DELIVERY.names({}), UTC, profile=Profile(date_format=date_format))
    days = pa.array([date(2026, 11, 1), date(2026, 11, 2)]).cast(pa.timestamp("ns"))
    odd = pa.array([1_793_491_200_000_000_000, 1_793_491_200_000_000_001], pa.timestamp("ns"))
    for column in (days, odd):
        pq.write_table(parquet(date=column, seen=column), tmp_path / "a.parquet")
        batch = joined(read_file(tmp_path / "a.parquet", shape))
        assert batch.records["date"][0].as_py() == date(2026, 11, 1)
        assert batch.records["_extra"][0].as_py() == '{"seen":"2026-11-01 00:00:00"}'


def test_nanoseconds_are_whole_where_arrow_has_found_pandas(tmp_path: Path) -> None:
    """It cuts them off then, which the process of an extraction never sees, but one that shows a dashboard does."""
    nanoseconds = pa.array([1_000_000_001, None], pa.time64("ns"))
    nested = pa.StructArray.from_arrays([nanoseconds], ["at"])
    listed = pa.array([[("k", [1])], None], pa.map_(pa.string(), pa.list_(pa.timestamp("ns", "UTC"))))
    pq.write_table(parquet(at=nanoseconds, nested=nested, listed=listed), tmp_path / "a.parquet")
    program = """if True:
        import sys, pandas, pyarrow
        pyarrow.scalar(0, "timestamp[ns]").as_py()
        from pathlib import Path
        from extract.readers.parquet import parquet_rows
        print(next(parquet_rows(Path(sys.argv[1]), [1])))
    """
    run = subprocess.run([sys.executable, "-c", program, tmp_path / "a.parquet"], capture_output=True, text=True)
    assert "'at': '00:00:01.000000001'" in run.stdout
    assert "'nested': {'at': '00:00:01.000000001'}" in run.stdout
    assert "'listed': [('k', ['1970-01-01 00:00:00.000000001Z'])]" in run.stdout


@pytest.mark.parametrize("kind", [pa.string(), pa.binary()])
def test_a_text_of_parquet_that_is_not_utf8_is_named_as_that(tmp_path: Path, kind: pa.DataType) -> None:
    city = pa.Array.from_buffers(kind, 2, [None, *pa.array([b"\xff", b"ok"]).buffers()[1:]])
    pq.write_table(parquet(city=city), tmp_path / "a.parquet")
    assert why_unreadable(tmp_path, "a.parquet", (tmp_path / "a.parquet").read_bytes()) == "unreadable_encoding"


@pytest.mark.parametrize("nested", [False, True])
def test_a_small_parquet_that_decodes_to_much_is_a_bomb(tmp_path: Path, nested: bool) -> None:
    cities = pa.DictionaryArray.from_arrays(pa.array([0] * 100_000, pa.int32()), ["x" * (1 << 20)])
    column = pa.StructArray.from_arrays([cities], ["city"]) if nested else cities
    pq.write_table(parquet(**{"more" if nested else "city": column}), tmp_path / "a.parquet")
    content = (tmp_path / "a.parquet").read_bytes()
    assert len(content) < 100_000
    command = [sys.executable, "-c", PEAK, str(tmp_path / "a.parquet")]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert shown[0] == "decoded_too_large"
    assert int(shown[1]) < 1 << 20  # KiB


PEAK = """
import sys
from pathlib import Path
from zoneinfo import ZoneInfo
from extract.readers import UnreadableFile, read_file
from extract.profile import Profile
from extract.records import RecordShape
from extract.sources.campaign_delivery import KIND
shape = RecordShape(KIND.record_type, KIND.record_type.names({}), ZoneInfo("UTC"))
try:
    list(read_file(Path(sys.argv[1]), shape))
except UnreadableFile as why:
    status = Path("/proc/self/status").read_text()  # getrusage would count the memory of whoever started this
    print(why.reason, *(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))
"""


def test_large_records_of_parquet_are_decoded_a_few_at_once(tmp_path: Path) -> None:
    texts = ["x" * (LONGEST_RECORD // 4), "y", "z" * (LONGEST_RECORD + 1)]
    places = [0] * 40 + [1, 2, 1]
    batch = parquet_read(tmp_path, parquet(city=pa.DictionaryArray.from_arrays(pa.array(places, pa.int32()), texts)))
    assert outcome(batch) == ([*range(1, 42), 43], [(42, "too_long")])
    assert batch.records["city"].to_pylist() == ["x" * 1024] * 40 + ["y", "y"]


def test_a_file_has_a_bounded_number_of_columns(tmp_path: Path) -> None:
    for count, reason in ((2_000 - len(FIELDS), None), (100_000, "too_many_columns")):
        names = [f"x{number}" for number in range(count)]
        content = "\n".join(",".join(row) for row in ([HEADER, *names], [ROW, *["1"] * count]))
        started = time.monotonic()
        if reason:
            assert why_unreadable(tmp_path, "a.csv", content) == reason
        else:
            assert len(read(tmp_path, "a.csv", content)) == 1
        assert time.monotonic() - started < 1
    wide = parquet(**{f"x{number}": pa.array([1]) for number in range(2_000)})
    pq.write_table(wide, tmp_path / "a.parquet")
    assert why_unreadable(tmp_path, "a.parquet", (tmp_path / "a.parquet").read_bytes()) == "too_many_columns"
    assert why_unreadable(tmp_path, "a.csv", HEADER + "," + "x" * (1 << 20)) == "too_long"
    assert why_unreadable(tmp_path, "a.csv", "\n" * (1 << 20) + HEADER) == "too_long"
    assert outcome(read(tmp_path, "a.csv", " \n" * 1000 + f"{HEADER}\n{ROW}\nx\n")) == ([1], [(2, "wrong_shape")])


@pytest.mark.parametrize("name", ["a.jsonl", "a.json"])
def test_a_key_that_comes_twice_may_not_contradict_itself(tmp_path: Path, name: str) -> None:
    records = [
        '{"spend":1.5,"spend":99999}',
        '{"spend":1.5,"spend":1.5}',
        '{"spend":1.5,"s\\u0070end":null}',
        '{"x":[{"a":1,"a":"1"}]}',
        '{"spend":1.5}',
    ]
    text = "\n".join(records) if name == "a.jsonl" else f"[{','.join(records)}]"
    batch = read(tmp_path, name, f"{text}\n")
    assert outcome(batch) == ([2, 5], [(1, "duplicate_key"), (3, "duplicate_key"), (4, "duplicate_key")])
    assert [one.field for one in batch.rejected] == ["spend", "spend", "a"]


def test_one_bad_element_costs_one_record(tmp_path: Path) -> None:
    deep = "[" * 1000 + "]" * 1000
    good = '{"clicks":1}'
    elements = [good, "null", '{"x":tru}', '{"clicks":true}', f'{{"x":{deep}}}', '{"ad_id":"},{"}', "", good]
    batch = read(tmp_path, "a.json", "[" + ",\n  ".join(elements) + "]\n")
    reasons = [(2, "not_an_object"), (3, "broken_json"), (4, "wrong_type"), (5, "too_deep"), (7, "broken_json")]
    assert outcome(batch) == ([1, 6, 8], reasons)


def test_csv_columns_are_found_by_name(tmp_path: Path) -> None:
    names = [*reversed(FIELDS), "note", ""]
    header = ";".join(f' "{name.upper()}"'.strip() if name else "" for name in names)
    cells = dict(zip(FIELDS, ROW.split(","), strict=True)) | {"note": '"a;""b""\n c"'}
    row = ";".join(cells.get(name, "") for name in names)
    batch = read(tmp_path, "a.csv", f"\ufeff{header}\r\n{row}\r\n\r\n{row.replace('00501', '')}\r\n")
    assert outcome(batch) == ([1, 2], [])
    first, second = batch.records.to_pylist()
    assert [first["zipcode"], second["zipcode"]] == ["00501", None]
    assert (first["campaign_id"], first["date"], first["impressions"]) == ("c1", date(2024, 5, 20), 10)
    assert first["_extra"] == '{"NOTE":"a;\\"b\\"\\n c"}'


def test_an_open_quote_costs_its_line_alone(tmp_path: Path) -> None:
    split = ROW.replace("LA", '"L\nA"')
    lines = [
        ROW,
        '"' + ROW,
        ROW,
        split,
        ROW.replace("LA", '5" tv'),
        ROW + ",x",
        "x",
        ROW.replace("LA", '"LA'),
        *[ROW] * 100,
    ]
    batch = read(tmp_path, "a.csv", "\n".join([HEADER, *lines, ""]))
    assert [(one.position, one.reason) for one in batch.rejected] == [(n, "wrong_shape") for n in (2, 6, 7, 8)]
    assert batch.records.num_rows == 104
    assert batch.records["city"].to_pylist()[:4] == ["LA", "LA", "L\nA", '5" tv']


def test_numbers_that_arrow_would_misread_are_decided_one_by_one(tmp_path: Path) -> None:
    """Arrow 26 ends the process on the first and the second, and makes other numbers of the rest."""
    spends = ["1e-999999999", "1E-2147483647", "1e-77", "0." + "0" * 60 + "1", "170141183460469231731687304"]
    lines = [f'{{"spend": {spend}}}' for spend in spends]
    rows = [ROW.replace("1.5", spend) for spend in spends]
    found = [
        read(tmp_path, "a.jsonl", "null\n" + "\n".join(lines)),
        read(tmp_path, "a.json", "[null," + ",".join(lines) + "]"),
        read(tmp_path, "a.csv", "\n".join([HEADER, "x", *rows, ""])),
    ]
    for batch in found:
        assert batch.records["spend"].to_pylist() == [0, 0, 0, 0, 170141183460469231731687304]
        assert len(batch.rejected) == 1


def test_a_good_file_is_read_by_column_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The quick ways take ordinary files whole: quoted numbers, long decimals, a UUID with an `e-` in it."""
    monkeypatch.setattr("extract.readers.json_text.convert_records", None)
    monkeypatch.setattr("extract.readers.csv_text.convert_records", None)
    monkeypatch.setattr("extract.readers.parquet.convert_records", None)
    values: dict[str, object] = dict(zip(FIELDS, ROW.split(","), strict=True))
    values |= {
        "campaign_id": "2f1e-1234-4a1e-b Site-wide",
        "spend": "0.30000000000000004",
        "clicks": 2,
        "city": "Zürich",
    }
    records = [values] * 3
    table = pa.Table.from_pylist(records)
    pq.write_table(
        table.set_column(table.column_names.index("spend"), "spend", pa.array([0.3] * 3)), tmp_path / "p.parquet"
    )
    lines = "\n".join(json.dumps(record) for record in records)
    rows = [",".join(map(str, record.values())) for record in records]
    for batch in (
        read(tmp_path, "a.jsonl", lines),
        read(tmp_path, "a.jsonl", lines + "\n"),
        read(tmp_path, "a.json", json.dumps(records, indent=2)),
        read(tmp_path, "a.csv", "\r\n".join([",".join(values), *rows, ""])),
        *read_file(tmp_path / "p.parquet", SHAPE),
    ):
        assert outcome(batch) == ([1, 2, 3], [])
        assert {str(spend) for spend in batch.records["spend"].to_pylist()} == {"0.300000"}


def test_records_are_numbered_through_a_file_of_many_chunks(tmp_path: Path) -> None:
    line = '{"brand":"' + "x" * 1000 + '","clicks":1}\n'
    bad = '{"clicks":"x"}\n'
    found = batches(tmp_path, "a.jsonl.gz", gzip.compress((line * 5000 + bad).encode() * 4, 1))
    assert len(found) > 1
    assert [one.position for batch in found for one in batch.rejected] == [5001, 10002, 15003, 20004]
    positions = [position for batch in found for position in batch.records["_position"].to_pylist()]
    assert positions == [position for position in range(1, 20005) if position % 5001]


@pytest.mark.parametrize("size", [50, 300, 8 << 20])
def test_a_rejected_record_says_in_which_line_it_begins(tmp_path: Path, size: int) -> None:
    split, bad = ROW.replace("LA", '"L\n\nA"'), ROW.replace("2024-05-20", "20/05/2024")
    good = '{"clicks":1}'
    rows = ["", HEADER, ROW, "", split, bad, split.replace("1.5", "x"), "too,short", *[ROW] * 50, "x", split, bad, ""]
    texts = {
        "a.csv": "\n".join(rows),
        "a.jsonl": f'\n{good}\n\n{{"clicks":"x"}}\n' + f"{good}\n" * 50 + f"{{]\n \n{good}\n[1]\n",
        "a.json": f'\n[{good},\n {{"clicks":"x"}},\n\n{{\n"clicks":\n"x"}}, 3' + f",{good}\n" * 50 + ",\n{]\n]\n",
    }
    wanted = {
        "a.csv": [(6 + 2, "date"), (7 + 2, "spend"), (8 + 4, None), (59 + 4, None), (61 + 6, "date")],
        "a.jsonl": [(4, "clicks"), (55, None), (58, None)],
        "a.json": [(3, "clicks"), (5, "clicks"), (7, None), (58, None)],
    }
    for name, text in texts.items():
        path = tmp_path / name
        path.write_text(text)
        rejected = [one for batch in read_file(path, SHAPE, size) for one in batch.rejected]
        assert [(one.line, one.field) for one in rejected] == wanted[name], name


def long_list(path: Path) -> None:
    values = pa.repeat(pa.scalar(7, pa.int8()), 100_000_000)
    lists = pa.ListArray.from_arrays(pa.array([0, len(values)], pa.int32()), values)
    columns = {name: pa.nulls(1, pa.string()) for name in FIELDS}
    pq.write_table(pa.table({**columns, "more": lists}), path)
    assert path.stat().st_size < 1_000_000


def gzip_bomb(path: Path) -> None:
    with gzip.open(path, "wb") as file:
        for _ in range(40):
            file.write(bytes(8 << 20).replace(b"\0", b" "))


def zip_bomb(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.jsonl", "w") as file:
        for _ in range(40):
            file.write(bytes(8 << 20).replace(b"\0", b" "))


def shared_text(path: Path) -> None:
    rows = "".join(f'<row r="{n}"><c r="A{n}" t="s"><v>0</v></c></row>' for n in range(1, 100_000))
    path.write_bytes(of_parts({"S": rows}, f"<si><t>{'x' * 32_000}</t></si>"))


def long_line_of_utf16(path: Path) -> None:
    with path.open("w", encoding="utf-16") as file:
        file.write(HEADER.replace("spend", "cost") + "\n")
        for _ in range(25):
            file.write("x" * (4 << 20))


def long_line(path: Path) -> None:
    with path.open("wb") as file:
        file.write(b'{"clicks":1}\n{"brand":"')
        for _ in range(25):
            file.write(b"x" * (8 << 20))
        file.write(b'"}\n{"clicks":2}\n')


def long_element(path: Path) -> None:
    long_line(path)
    path.write_bytes(b"[" + path.read_bytes() + b"]")


def deep_line(path: Path) -> None:
    path.write_bytes(b'{"clicks":1}\n' + b"[" * (100 << 20) + b'\n{"clicks":2}\n')


def many_lines(path: Path) -> None:
    with path.open("wb") as file:
        for _ in range(10):
            file.write(b'{"campaign_id":"c","brand":"Brand","clicks":1,"spend":12.34}\n' * 500_000)


@pytest.mark.parametrize(
    ("write", "name", "said"),
    always(
        1,
        [
            (gzip_bomb, "a.jsonl.gz", "gzip_bomb"),
            (long_list, "a.parquet", "decoded_too_large"),
            (zip_bomb, "a.zip", "zip_bomb"),
            (shared_text, "a.xlsx", "sheet_too_large"),
            (long_line_of_utf16, "a.csv", "missing_column"),
            (long_line, "a.jsonl", "2 [(2, 'too_long')]"),
            (long_element, "a.json", "too_long"),
            (deep_line, "a.jsonl", "2 [(2, 'too_long')]"),
            (many_lines, "a.jsonl", "5000000 []"),
        ],
    ),
)
def test_memory_stays_bounded(tmp_path: Path, write: Callable[[Path], None], name: str, said: str) -> None:
    write(tmp_path / name)
    script = """
import resource, sys
from pathlib import Path
from zoneinfo import ZoneInfo
from extract.readers import UnreadableFile, read_file
from extract.profile import Profile
from extract.records import RecordShape
from extract.sources.campaign_delivery import KIND
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
rows, rejected = 0, []
try:
    shape = RecordShape(KIND.record_type, KIND.record_type.names({}), ZoneInfo("UTC"))
    for batch in read_file(Path(sys.argv[1]), shape):
        rows += batch.records.num_rows
        rejected += [(one.position, one.reason) for one in batch.rejected]
    print(rows, rejected)
except UnreadableFile as error:
    print(error.reason)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10)
"""
    result = subprocess.run([sys.executable, "-c", script, tmp_path / name], capture_output=True, text=True, check=True)
    outcome, mebibytes = result.stdout.splitlines()
    assert outcome == said
    assert int(mebibytes) < 400


def page(payload: str | bytes, **fields: str) -> Page:
    shape = RecordShape(DELIVERY, DELIVERY.names(fields), UTC)
    return read_page(payload.encode() if isinstance(payload, str) else payload, shape, ApiProfile().renamed(fields))


def test_a_page_says_what_it_is() -> None:
    body = '{"date":"2024-05-20","page":2,"pages":3,"total":12,"records":[{"clicks":1},{"clicks":"x"}],"next":"/p3"}'
    found = page("\ufeff" + body)
    assert (found.date, found.page, found.pages, found.total, found.next) == (date(2024, 5, 20), 2, 3, 12, "/p3")
    assert outcome(found.batch) == ([1], [(2, "wrong_type")])


@pytest.mark.parametrize("records", ["[]", '[{"clicks":1}]', '[{"clicks":1,"x":[1]},{"brand":"]}"}]'])
@pytest.mark.parametrize(
    "body", ["%s", '{"records" : %s}', '{"a":"\\"records\\":[","records":%s,"links":[{"a":[]}],"page":null}']
)
def test_a_page_is_an_array_or_has_one(records: str, body: str) -> None:
    assert len(page(body % records).batch) == len(json.loads(records))


def test_foreign_names_are_mapped_and_are_not_extra() -> None:
    found = page(
        '{"data":[{"cid":"c","day":"2024-05-20","clicks":"7","campaign_id":"x"}],"count":1}',
        campaign_id="cid",
        date="day",
        records="data",
        total="count",
    )
    (record,) = found.batch.records.to_pylist()
    assert (record["campaign_id"], record["date"], record["clicks"]) == ("c", date(2024, 5, 20), 7)
    assert record["_extra"] == '{"campaign_id":"x"}'
    assert found.total == 1


@pytest.mark.parametrize(
    "body",
    [
        "", " ", "<html>", "null", "7", '"x"', '{"error":"no"}', '{"records":{}}', '{"records":[{}',
        '{"records":[{}]', "[", "[{}", "[{}]]", "[{},]x", '[{"a":tru}]', "[{},{},,{}]", '{"meta":{"records":[]}}',
        '{"records":[],"total":"x"}', '{"records":[],"total":true}', '{"records":[],"date":"x"}',
        '{"records":[],"date":5}', '{"records":[],"next":5}',
        b'{"records":[{"brand":"\xe9"}]}', b'{"records":[],"next":"\xe9"}', '{"records":[{}]}{"records":[]}',
    ],
)  # fmt: skip
def test_what_is_no_page_is_a_bad_answer(body: str | bytes) -> None:
    with pytest.raises(BadAnswer):
        page(body)
