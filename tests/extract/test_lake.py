"""The lake: only whole packages count, whatever was killed on the way."""

import errno
import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from support.cases import always
from support.extracting import (
    TOKEN,
    RecordedProgress,
    api_at,
    drop,
    extracted,
    lines,
    load_notes,
    rebuilt,
    record,
    rows,
)
from support.killing import SMALL, ends

from extract.lake import package
from extract.lake.lake import Lake, LakeDamagedError
from extract.lake.ledger import read_ledger
from extract.lake.load import clear_away
from extract.lake.tables import RAW_TABLES
from extract.landing import Landing
from extract.run import PrunedLandingError
from extract.storage import Entry, Folder
from simulate.mock_api import create_app
from simulate.serve import serving
from simulate.world import make_world

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def platform() -> Iterator[str]:
    world = make_world(5, impressions_per_day=3_000, zips=40, users=500)
    with serving(create_app(world, token=TOKEN, today=lambda: date(2026, 11, 4), page_size=400)) as url:
        yield url


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a lake, and with good, bad, big and odd files in the inbox."""
    home = tmp_path_factory.mktemp("prepared") / "data"
    drop(home, "yesterday.jsonl", lines(*map(record, range(5))))
    extracted(home, now=lambda: datetime(2026, 11, 22, tzinfo=UTC))
    drop(home, "yesterday.jsonl", lines(*map(record, range(4))))
    drop(home, "big.jsonl", lines(*map(record, range(2000))) + b"nonsense\n")
    drop(home, "broken.jsonl", lines(*map(record, range(2000))) + b'{"cut')
    drop(home, "told.jsonl.manifest.json", json.dumps({"rows": 3}).encode())
    drop(home, "told.jsonl", lines(*map(record, (7, 8, 9))))
    drop(home, "copy.jsonl", lines(*map(record, (7, 8, 9))))
    return home


def everything(home: Path) -> dict[str, Counter[tuple[Any, ...]]]:
    """All rows that count but for the load that brought them, and of fetches those that bring rows.

    A kill may leave receipt numbers unused, so they are left out too.
    """
    unnumbered = r"regexp_replace(_source, '/\d{8}-', '/') as _source"
    tables = {table: raw.schema.names for table, raw in RAW_TABLES.items() if table != "fetches"}
    found = {}
    for table, names in tables.items():
        # In quotes, because a bid request has columns that are words of SQL.
        columns = {name: unnumbered if name == "_source" else f'"{name}"' for name in names}
        own = ", ".join(sql for name, sql in columns.items() if name not in ("_dlt_load_id", "receipt_number"))
        found[table] = Counter(rows(home, table, own))
    facts = "_report_date, pages, total, records_loaded, sha256, complete"
    fetches = rows(home, "fetches", f"unchanged, {unnumbered}, {facts}")
    found["fetches"] = Counter(fetch for fetch in fetches if not fetch[0])
    return found


def nothing_is_half_there(home: Path) -> None:
    """Every Parquet file can be read, and every unit of the ledger has all of its rows and no others have any."""
    for path in (home / "lake").rglob("*.parquet"):
        pq.read_table(path)
    told = dict(rows(home, "loaded_files", "_source, records_loaded")) | dict(
        rows(home, "fetches", "_source, records_loaded")
    )
    counted = Counter(source for (source,) in rows(home, "campaign_delivery", "_source"))
    assert counted == Counter({source: count for source, count in told.items() if count})
    assert rows(home, "campaign_delivery", "count(*) = count(distinct (_source, _position))", "1") == [(True,)]


@pytest.fixture(scope="module")
def clean(prepared: Path, platform: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("clean") / "data"
    shutil.copytree(prepared, home)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(package, "HELD_BYTES", SMALL)
        extracted(home, api_at(platform, restated_days=1), now=lambda: NOON)
    return home


@pytest.mark.cases
def test_a_kill_at_any_change_of_a_file_is_healed_by_the_same_call(
    tmp_path: Path, prepared: Path, platform: str, clean: Path, killer: subprocess.Popen[str]
) -> None:
    """Dies with SIGKILL just before the n-th time that it creates, renames, links or removes something."""
    expected = everything(clean)
    counting = tmp_path / "counting"
    shutil.copytree(prepared, counting)
    assert ends(killer, "extract_all", counting, platform, float("inf")) == [0]
    assert everything(counting) == expected
    changes = int((counting / "changes").read_text())
    assert changes > 60
    for point in range(1, changes - 5, changes // 14):
        home = tmp_path / f"at_{point}"
        shutil.copytree(prepared, home)
        assert ends(killer, "extract_all", home, platform, point) == [-signal.SIGKILL], point
        nothing_is_half_there(home)
        assert ends(killer, "extract_all", home, platform, float("inf")) == [0], point
        nothing_is_half_there(home)
        assert everything(home) == expected, point
        shutil.rmtree(home)


@pytest.mark.cases
def test_kills_at_any_time_one_after_another_are_healed(
    tmp_path: Path, prepared: Path, platform: str, clean: Path, killer: subprocess.Popen[str]
) -> None:
    expected = everything(clean)
    chance = random.Random(7)
    for number in range(4):
        home = tmp_path / f"try_{number}"
        shutil.copytree(prepared, home)
        ends(
            killer,
            "extract_all",
            home,
            platform,
            *(chance.uniform(0.01, 0.6) for _ in range(3)),
            chance.randrange(20, 100),
        )
        nothing_is_half_there(home)
        assert ends(killer, "extract_all", home, platform, float("inf")) == [0]
        assert everything(home) == expected


def test_what_a_killed_load_left_is_swept_and_nothing_else(tmp_path: Path, prepared: Path) -> None:
    home = tmp_path / "data"
    shutil.copytree(prepared, home)
    before = sorted((home / "lake").rglob("*.parquet"))
    for table in ("campaign_delivery", "fetches"):
        (home / "lake" / "raw" / table / "1.5.left.parquet").write_bytes(b"")
        (home / "lake" / "raw" / table / "1.5.half.parquet.tmp").write_bytes(b"")
    torn = home / "dlt" / "adhouse"
    torn.mkdir(parents=True)
    (torn / "state.json").write_text("{")
    clear_away(home / "dlt", Lake(Folder.at(home / "lake")))
    assert sorted((home / "lake").rglob("*.parquet*")) == before
    assert not (home / "dlt").exists()


def test_a_full_disk_is_said_in_one_line_and_healed_by_space(
    tmp_path: Path, prepared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = full_disk(tmp_path, 3 << 20)
    try:
        shutil.copytree(prepared, home, dirs_exist_ok=True)
        monkeypatch.setattr(package, "HELD_BYTES", SMALL)
        before = rows(home, "campaign_delivery")
        hog = home / "hog"
        filled = subprocess.run(["dd", "if=/dev/zero", f"of={hog}", "bs=64k"], capture_output=True)
        assert b"No space left" in filled.stderr
        with pytest.raises(OSError, match="bytes free") as full:
            extracted(home)
        assert full.value.errno == errno.ENOSPC
        assert "\n" not in str(full.value)
        assert rows(home, "campaign_delivery") == before
        hog.unlink()
        extracted(home)
        nothing_is_half_there(home)
        assert len(rows(home, "loaded_files")) == 6
    finally:
        subprocess.run(["umount", home], check=True)


@pytest.mark.parametrize("number", always(1, [signal.SIGTERM, signal.SIGINT]))
@pytest.mark.parametrize("stage", ["parquet", "adhouse/load"])
def test_a_signal_comes_through_dlt_at_once(tmp_path: Path, number: signal.Signals, stage: str) -> None:
    """Dies of the signal as any program does, and the same call again ends as if nothing had been."""
    home = tmp_path / "data"
    drop(home, "long.jsonl", lines(*map(record, range(2000))))
    code = """
import os, signal, sys
from pathlib import Path
from support.extracting import extracted
home, stage, number = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])

def stop(*_):
    signal.signal(number, signal.SIG_DFL)
    raise KeyboardInterrupt

def watch(event, arguments):
    global number_to_send
    if event == "open" and f"/dlt/{stage}/" in str(arguments[0]) and number_to_send:
        number_to_send = None
        os.kill(os.getpid(), number)

signal.signal(number, stop)
number_to_send = number
sys.addaudithook(watch)
try:
    extracted(home)
except KeyboardInterrupt:
    sys.exit(77)
"""
    command = [sys.executable, "-c", code, str(home), stage, str(int(number))]
    ended = subprocess.run(command, cwd=Path(__file__).parent.parent, timeout=20)
    assert ended.returncode == 77
    extracted(home)
    nothing_is_half_there(home)
    assert len(rows(home, "campaign_delivery")) == 2000


def full_disk(tmp_path: Path, size: int) -> Path:
    """A small file system of its own."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", place], capture_output=True)
    if mounted.returncode:
        pytest.skip("may not mount a small file system")
    return place


def test_nothing_new_costs_nothing(tmp_path: Path, prepared: Path) -> None:
    """Not even the import of dlt."""
    home = tmp_path / "data"
    shutil.copytree(prepared, home)
    extracted(home)
    code = "import sys; from support.extracting import extracted; from pathlib import Path; "
    code += "extracted(Path(sys.argv[1])); assert 'dlt' not in sys.modules"
    subprocess.run([sys.executable, "-c", code, home], check=True, cwd=Path(__file__).parent.parent)


def test_dlt_is_alone(tmp_path: Path) -> None:
    """No other settings, no telemetry, no files in a home folder, and a working folder only while it works."""
    home = tmp_path / "data"
    drop(home, "a.jsonl", lines(record(1)))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / ".dlt").mkdir()
    (elsewhere / ".dlt" / "config.toml").write_text('[load]\nworkers = "none"\n')
    code = "import socket, sys; sys.path.insert(0, sys.argv[2]); from pathlib import Path\n"
    code += "from support.extracting import extracted\n"
    code += "def none(*_): raise AssertionError('asked the network')\n"
    code += "socket.getaddrinfo = socket.socket.connect = none; extracted(Path(sys.argv[1]))"
    environment = {"HOME": str(elsewhere), "PATH": os.environ["PATH"], "DLT_DATA_DIR": str(elsewhere / "dlt")}
    ended = subprocess.run(
        [sys.executable, "-c", code, home, Path(__file__).parent.parent],
        cwd=elsewhere,
        env=environment,
        capture_output=True,
    )
    assert ended.returncode == 0, ended.stderr.decode()
    assert ended.stderr == b""
    assert [path.name for path in elsewhere.rglob("*")] == [".dlt", "config.toml"]
    assert sorted(path.name for path in home.iterdir()) == ["inbox", "lake", "landing"]
    assert len(rows(home, "campaign_delivery")) == 1


def raw(home: Path) -> Path:
    return home / "lake" / "raw"


def parquet_files(home: Path) -> list[Path]:
    return sorted(raw(home).rglob("*.parquet"))


@pytest.mark.parametrize("damage", [None, b"", b"{", b"[]", b"null", b'{"files": {"fetches": {"a": "b"}}}'])
def test_a_lost_or_damaged_index_is_found_again_and_nothing_is_loaded_twice(
    tmp_path: Path, prepared: Path, damage: bytes | None
) -> None:
    home = tmp_path / "data"
    shutil.copytree(prepared, home)
    extracted(home)
    before, files = everything(home), parquet_files(home)
    (raw(home) / "campaign_delivery" / "1.5.left.parquet").write_bytes(b"")
    index = raw(home) / "_index.json"
    if damage is None:
        index.unlink()
    else:
        index.write_bytes(damage)
    assert extracted(home).units == 0
    assert everything(home) == before
    assert parquet_files(home) == files
    assert json.loads(index.read_text())["through"] is not None


def test_a_lake_of_an_older_format_is_loaded_again_from_landing(tmp_path: Path, prepared: Path) -> None:
    home = tmp_path / "data"
    shutil.copytree(prepared, home)
    extracted(home)
    before = everything(home)
    (raw(home) / "_index.json").unlink()
    for path in parquet_files(home):
        table = pq.read_table(path)
        pq.write_table(
            table.drop_columns([name for name in ("receipt_number", "account") if name in table.column_names]), path
        )
    said = RecordedProgress()
    assert Lake(Folder.at(home / "lake")).is_outdated
    assert extracted(home, said=said).units == 6
    assert said.messages[0] == "the lake has an older format: everything in landing is read again"
    assert everything(home) == before
    assert not Lake(Folder.at(home / "lake")).is_outdated


@pytest.mark.cases
def test_a_kill_while_the_lake_is_emptied_is_healed(
    tmp_path: Path, prepared: Path, killer: subprocess.Popen[str]
) -> None:
    home = tmp_path / "data"
    shutil.copytree(prepared, home)
    extracted(home)
    before = everything(home)
    changes = 25
    for point in range(1, changes, 2):
        one = tmp_path / "one"
        shutil.copytree(home, one)
        ends(killer, "empty", one, "-", point)
        extracted(one)
        assert everything(one) == before, point
        shutil.rmtree(one)


def test_a_file_that_is_missing_or_damaged_is_named(tmp_path: Path, prepared: Path) -> None:
    home = tmp_path / "data"
    shutil.copytree(prepared, home)
    (ledger,) = (raw(home) / "loaded_files").iterdir()
    whole = ledger.read_bytes()
    for damage, why in (
        (whole[:-20], "(has another size than it had|is not a whole Parquet file)"),
        (b"", "(has another size than it had|is not a whole Parquet file)"),
        (whole[:-20] + b"\0" * 20, "is not a whole Parquet file"),
        (None, "is missing"),
    ):
        ledger.unlink(missing_ok=True)
        if damage is not None:
            ledger.write_bytes(damage)
        with pytest.raises(LakeDamagedError, match=f"loaded_files/{ledger.name} {why}"):
            extracted(home)


def test_the_ledger_gives_what_sources_ask_for(tmp_path: Path, platform: str) -> None:
    home = tmp_path / "data"
    api = api_at(platform, restated_days=3)
    for _ in range(3):
        extracted(home, api)
    load_notes(home)
    ledger = read_ledger(Lake(Folder.at(home / "lake")))
    fetches = ledger.fetches("campaign_api")
    assert [(one["_report_date"].day, one["complete"], one["unchanged"]) for one in fetches] == [
        (1, True, True),
        (2, True, True),
        (3, True, True),
    ]
    assert len(rows(home, "fetches")) == 9
    assert ledger.fetches("another") == []
    assert ledger.readings(fetches[0]["_source"]) == 1
    assert fetches[0]["_source"] in ledger
    assert "campaign_api/never" not in ledger
    assert ledger.readings("campaign_api/never") == 0


def test_a_run_without_anything_new_opens_no_file_of_the_lake_but_the_index(
    tmp_path: Path, prepared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "data"
    shutil.copytree(prepared, home)
    extracted(home)
    opened: list[str] = []
    listed: list[str] = []
    read, entries = Folder.read, Folder.entries

    def noted_read(folder: Folder, name: str) -> bytes:
        opened.append(folder.path(name))
        return read(folder, name)

    def noted_entries(folder: Folder) -> Iterator[Entry]:
        listed.append(folder.root)
        return entries(folder)

    monkeypatch.setattr(Folder, "read", noted_read)
    monkeypatch.setattr(Folder, "entries", noted_entries)
    extracted(home)
    assert [path for path in opened if "/lake/" in path] == [str(raw(home) / "_index.json")]
    assert [path for path in listed if "/lake" in path] == []


def test_a_lake_with_units_that_landing_no_longer_has_is_not_loaded_again(tmp_path: Path) -> None:
    home = tmp_path / "data"
    for day in (1, 2):
        drop(home, f"{day}.jsonl", lines(record(day)))
        extracted(home, now=lambda day=day: datetime(2026, 11, day, 12, tzinfo=UTC))  # type: ignore[misc]
    Landing(Folder.at(home / "landing")).prune(date(2026, 11, 2))
    before = rows(home, "campaign_delivery")
    with pytest.raises(PrunedLandingError, match=r"no longer has 1 units .* such as campaign_files/2026-11-01/"):
        rebuilt(home)
    assert rows(home, "campaign_delivery") == before
