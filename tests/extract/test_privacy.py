"""What is private is nowhere in the lake: a fixed number of digits stands for it, the same for the same text."""

import hmac
import json
from ipaddress import ip_address, ip_network
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.extracting import RecordedProgress, drop, extracted, lines, record, rows

from extract.lake import tables
from extract.personal import coarse
from extract.privacy import Privacy
from extract.profile import renamed
from extract.registry import KINDS, SOURCES
from extract.schema import FieldType, Kind, RecordType
from extract.source import KindChoice, SourceConfig

KEY = "a key of sixteen or more"
FIELDS = {"id": FieldType.TEXT, "user_id": FieldType.TEXT, "pages": FieldType.COUNT}
RECORD_TYPE = RecordType(FIELDS, required=frozenset({"id"}), private=frozenset({"user_id"}))


def digits(text: str, key: str = KEY) -> str:
    return hmac.digest(key.encode(), text.encode(), "sha256").hex()


UID = {"user_id": "uid"}


@pytest.fixture
def visits(monkeypatch: pytest.MonkeyPatch) -> SourceConfig:
    """A source of a kind with a private field, which it calls `uid`."""
    return SourceConfig(
        "test_visits", (known(monkeypatch, Kind("test_visits", RECORD_TYPE, "add")),), profile=renamed(UID)
    )


def known(monkeypatch: pytest.MonkeyPatch, kind: Kind) -> Kind:
    monkeypatch.setitem(KINDS, kind.name, kind)
    monkeypatch.setitem(tables.RAW_TABLES, kind.name, tables.table_of(kind))
    return kind


def everything_in(lake: Path) -> str:
    """All that is in the lake: Parquet as its cells, for it may be compressed; all else as it is."""
    texts = []
    for path in lake.rglob("*"):
        if path.suffix == ".parquet":
            with duckdb.connect() as connection:
                texts.append(str(connection.execute(f"from '{path}'").fetchall()))
        elif path.is_file():
            texts.append(path.read_text())
    return "\n".join(texts)


TEXTS = st.text(st.characters(codec="utf-8"))


@given(key=st.text(st.characters(codec="utf-8"), min_size=1, max_size=200), texts=st.lists(TEXTS | st.none()))
def test_a_pseudonym_is_the_hmac_of_one_text_and_of_many(key: str, texts: list[str | None]) -> None:
    expected = [None if text is None else hmac.digest(key.encode(), text.encode(), "sha256").hex() for text in texts]
    privacy = Privacy(key, frozenset())
    assert [None if text is None else privacy.pseudonym(text) for text in texts] == expected
    assert privacy.pseudonyms(pa.array(texts, pa.string())).to_pylist() == expected


NEARLY = st.lists(st.sampled_from(["0", "7", "255", "256", "01", "9" * 5_000]), min_size=3, max_size=5).map(".".join)


@given(text=st.ip_addresses().map(str) | NEARLY)
def test_addresses_are_cut_and_nothing_that_is_none(text: str) -> None:
    try:
        bits = {4: 24, 6: 48}[ip_address(text).version]
    except ValueError:
        assert coarse("ip", text) == text
    else:
        assert coarse("ip", text) == str(ip_network(f"{text}/{bits}", strict=False))


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("from 10.2.3.4.", "from 10.2.3.0/24."),
        ("10.2.3.4...", "10.2.3.0/24..."),
        (".10.2.3.4", ".10.2.3.0/24"),
        ("::ffff:10.2.3.4.", "::/48."),
        ("at 2001:db8:1:2::3.", "at 2001:db8:1::/48."),
        ("version 2.16.0.0.1", "version 2.16.0.0.1"),
        ("16.0.0.1.2", "16.0.0.1.2"),
        ("Chrome/120.0.0.0", "Chrome/120.0.0.0"),
    ],
)
def test_addresses_end_where_a_sentence_does_and_a_version_is_none(text: str, kept: str) -> None:
    assert coarse("any", text) == kept


def test_a_private_text_is_the_same_digits_in_every_format_and_file(tmp_path: Path, visits: SourceConfig) -> None:
    users = {"v1": " canary-ann ", "v2": "canary-ann", "v3": "canary-Ünï", "v4": "  ", "v5": "x" * 2000}
    records = [{"id": name, "uid": user, "pages": 1} for name, user in users.items()]
    drop(tmp_path, "a.jsonl", lines(*records), source="test_visits")
    drop(tmp_path, "b.json", json.dumps(records).encode(), source="test_visits")
    csv = "\n".join(["id,UID,pages", *(f"{name},{user},1" for name, user in users.items())]) + "\n"
    drop(tmp_path, "c.csv", csv.encode(), source="test_visits")
    pq.write_table(pa.Table.from_pylist(records), tmp_path / "d.parquet")
    drop(tmp_path, "d.parquet", (tmp_path / "d.parquet").read_bytes(), source="test_visits")
    extracted(tmp_path, sources=[visits], privacy_key=KEY)

    ann = digits("canary-ann")
    expected = [ann, ann, digits("canary-Ünï"), None, digits("x" * 2000)]
    assert rows(tmp_path, "test_visits", "id, user_id, _extra", "_source, _position") == [
        (name, user, None) for _ in range(4) for name, user in zip(users, expected, strict=True)
    ]
    assert len(ann) == 64
    assert "canary" not in everything_in(tmp_path / "lake")


def test_a_number_is_private_as_its_text(tmp_path: Path, visits: SourceConfig) -> None:
    drop(tmp_path, "a.jsonl", b'{"id":"v1","uid":12345678901234567890}\n', source="test_visits")
    extracted(tmp_path, sources=[visits], privacy_key=KEY)
    assert rows(tmp_path, "test_visits", "user_id") == [(digits("12345678901234567890"),)]


def test_another_key_gives_other_digits(tmp_path: Path, visits: SourceConfig) -> None:
    """Also in what was read with the key of before, because everything is read again."""
    other = KEY + "!"
    for number, key in enumerate((KEY, other)):
        drop(tmp_path, f"{number}.jsonl", lines({"id": key, "uid": "ann"}), source="test_visits")
        extracted(tmp_path, sources=[visits], privacy_key=key)
    assert dict(rows(tmp_path, "test_visits", "id, user_id")) == dict.fromkeys((KEY, other), digits("ann", other))
    assert digits("ann") != digits("ann", other)


def test_what_is_rejected_or_extra_keeps_nothing_private(tmp_path: Path, visits: SourceConfig) -> None:
    """Under the source's name or ours, in any case and depth; of what is no record, only the place is kept."""
    content = [
        '{"id":"v1","uid":"canary-1","pages":"many","User_ID":"canary-2","more":{"UID":["canary-3"]}}',
        '{"id":"v2","uid":["canary-4"],"pages":1}',
        '{"id":"v3","uid":null,"user_id":"canary-5","list":[{"uid":"canary-6"}],"pages":2}',
        '["canary-7"]',
        '"canary-8"',
        '{"id":"v4","uid":"canary-9",',
    ]
    drop(tmp_path, "a.jsonl", "\n".join([*content, "{}\n"]).encode(), source="test_visits")
    csv = "id,uid,pages,User_Id\nv5,canary-10,some,canary-11\nv6,canary-12\nv7,canary-13,3,canary-14\n"
    drop(tmp_path, "b.csv", csv.encode(), source="test_visits")
    extracted(tmp_path, sources=[visits], privacy_key=KEY)

    one, two, three, four = digits("canary-1"), digits("canary-2"), digits('["canary-3"]'), digits('["canary-4"]')
    wrong = f'{{"User_ID":"{two}","id":"v1","more":{{"UID":"{three}"}},"pages":"many","uid":"{one}"}}'
    csv_payload = f'{{"User_Id":"{digits("canary-11")}","id":"v5","pages":"some","uid":"{digits("canary-10")}"}}'
    columns = "line, reason, field, value, payload"
    assert rows(tmp_path, "rejected_records", columns, "_source, _position") == [
        (1, "wrong_type", "pages", "many", wrong),
        (2, "wrong_type", "uid", four, f'{{"id":"v2","pages":1,"uid":"{four}"}}'),
        (4, "not_an_object", None, None, None),
        (5, "not_an_object", None, None, None),
        (6, "broken_json", None, None, None),
        (7, "no_known_field", None, None, "{}"),
        (2, "wrong_type", "pages", "some", csv_payload),
        (3, "wrong_shape", None, None, None),
    ]
    assert rows(tmp_path, "test_visits", "id, user_id, _extra", "_source, _position") == [
        ("v3", None, f'{{"list":[{{"uid":"{digits("canary-6")}"}}],"user_id":"{digits("canary-5")}"}}'),
        ("v7", digits("canary-13"), f'{{"User_Id":"{digits("canary-14")}"}}'),
    ]
    assert "canary" not in everything_in(tmp_path / "lake")


def test_the_text_of_an_object_keeps_nothing_private(tmp_path: Path, visits: SourceConfig) -> None:
    """Also of one that cannot be read; a macro is no object."""
    inner = [
        json.dumps({"uid": "canary-1", "page": 7}),
        '{"uid":"canary-2",',
        '[{"uid":"canary-3"}]',
        "{GAID}",
        "[UID]",
    ]
    content = [json.dumps({"id": f"v{number}", "pages": 1, "more": text}) for number, text in enumerate(inner)]
    drop(tmp_path, "a.jsonl", "\n".join([*content, ""]).encode(), source="test_visits")
    extracted(tmp_path, sources=[visits], privacy_key=KEY)
    texts = [
        f'{{"page":7,"uid":"{digits("canary-1")}"}}',
        digits('{"uid":"canary-2",'),
        f'[{{"uid":"{digits("canary-3")}"}}]',
    ]
    assert [json.loads(row)["more"] for (row,) in rows(tmp_path, "test_visits", "_extra", "_position")] == [
        *texts,
        "{GAID}",
        "[UID]",
    ]
    assert "canary" not in everything_in(tmp_path / "lake")


@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_columns_that_are_read_at_once_keep_nothing_private(tmp_path: Path, visits: SourceConfig, name: str) -> None:
    record = {"id": "v1", "uid": "canary-1", "pages": 1, "user_id": "canary-2"}
    if name == "a.parquet":
        pq.write_table(pa.Table.from_pylist([record]), tmp_path / name)
        content = (tmp_path / name).read_bytes()
    else:
        content = f"{','.join(record)}\n{','.join(map(str, record.values()))}\n".encode()
    drop(tmp_path, name, content, source="test_visits")
    with pytest.MonkeyPatch.context() as patch:
        for module in ("csv_text", "parquet"):
            patch.delattr(f"extract.readers.{module}.convert_records")
        extracted(tmp_path, sources=[visits], privacy_key=KEY)
    expected = ("v1", digits("canary-1"), f'{{"user_id":"{digits("canary-2")}"}}')
    assert rows(tmp_path, "test_visits", "id, user_id, _extra") == [expected]


def test_what_is_private_in_one_kind_is_private_in_the_whole_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clicks = known(monkeypatch, Kind("test_clicks", RecordType({"id": FieldType.TEXT}), "add"))
    visits = known(monkeypatch, Kind("test_visits", RECORD_TYPE, "add"))
    source = SourceConfig("events", (clicks, visits), KindChoice("type", {"click": clicks, "visit": visits}))
    records = [{"type": kind, "id": kind, "user_id": "canary-ann"} for kind in ("click", "visit", "other")]
    drop(tmp_path, "a.jsonl", lines(*records), source="events")
    extracted(tmp_path, sources=[source], privacy_key=KEY)

    ann = digits("canary-ann")
    assert rows(tmp_path, "test_clicks", "_extra") == [(f'{{"type":"click","user_id":"{ann}"}}',)]
    assert rows(tmp_path, "rejected_records", "reason, payload") == [
        ("unknown_event_type", f'{{"id":"other","type":"other","user_id":"{ann}"}}')
    ]
    assert "canary" not in everything_in(tmp_path / "lake")


def test_nothing_private_is_read_without_a_key(tmp_path: Path, visits: SourceConfig) -> None:
    drop(tmp_path, "a.jsonl", lines({"id": "v1", "uid": "ann"}), source="test_visits")
    with pytest.raises(ValueError, match="private fields, which need a key"):
        extracted(tmp_path, sources=[visits])
    assert not (tmp_path / "landing").exists()


def test_only_a_text_field_can_be_private() -> None:
    for name in ("pages", "other"):
        with pytest.raises(ValueError, match=f"private, but not a text field: {name}"):
            RecordType(FIELDS, private=frozenset({name}))


def test_a_key_that_is_set_later_reads_nothing_again(tmp_path: Path, visits: SourceConfig) -> None:
    """A house without private records needs no key, and one that gets some has nothing to repeat for it."""
    sources = [SOURCES["campaign_files"], visits]
    drop(tmp_path, "export.jsonl", lines(record(1)))
    extracted(tmp_path, sources=sources)
    drop(tmp_path, "a.jsonl", lines({"id": "v1", "uid": "ann"}), source="test_visits")
    said = RecordedProgress()
    extracted(tmp_path, sources=sources, privacy_key=KEY, said=said)
    assert said.messages == []
    assert rows(tmp_path, "loaded_files", "file_name, reading") == [("export.jsonl", 1), ("a.jsonl", 1)]
