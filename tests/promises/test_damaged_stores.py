"""A damaged store names the way out: a file that was cut, emptied, overwritten or removed, or that cannot be read.

Either the next command heals it and the numbers are right, or it ends with one line: the path, what it means, and the
command that helps, which then does help.
"""

import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from conftest import Workspace

from adhouse.explain import explain_error
from adhouse.settings import read_settings
from extract.landing import Landing, LandingDamagedError
from extract.storage import Folder

pytestmark = pytest.mark.cases

# Words of libraries, which tell nobody what to do.
OF_LIBRARIES = re.compile(
    r"Traceback|thrift|Arrow|JSONDecode|Invalid Input|IO Error|Serialization|Expecting value|\w(Error|Exception)\b"
)
COMMAND_THAT_HELPS = re.compile(r"`adhouse (\w+)`")
ONE_FILE, TWO_FILES = [("c1", 100, 1)], [("c1", 110, 2)]


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def emptied(path: Path) -> None:
    os.truncate(path, 0)


def overwritten(path: Path) -> None:
    path.write_bytes(b"not what was written here\n" * 400)


def removed(path: Path) -> None:
    path.unlink()


def unreadable(path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root reads everything")
    path.chmod(0)


DAMAGES = (cut, emptied, overwritten, removed, unreadable)


@dataclass(frozen=True)
class Store:
    """A file that adhouse keeps between two commands.

    Attributes:
        name: A pattern below the data folder; of several files that fit, the largest is damaged.
        commands: What is tried then, in this order.
        has_new_file: Whether a file waits in the inbox, so that a run reads everything.
        heals: The damages that must be healed, without a word.
    """

    name: str
    commands: tuple[str, ...] = ("run",)
    has_new_file: bool = True
    heals: tuple[Callable[[Path], None], ...] = ()


STORES = {
    "raw table": Store("lake/raw/campaign_delivery/*.parquet"),
    "ledger": Store("lake/raw/loaded_files/*.parquet"),
    "list of loads": Store("lake/raw/_dlt_loads/*.jsonl"),
    "index of the lake": Store("lake/raw/_index.json", heals=DAMAGES[:4]),
    "counter of receipts": Store("landing/receipts.json", heals=DAMAGES[:4]),
    "working warehouse": Store("warehouse.duckdb", ("doctor", "run"), heals=(removed,)),
    "working marts": Store("marts.duckdb", ("doctor", "run"), heals=(removed,)),
    "seal of the audited build": Store("marts.audited.json", has_new_file=False, heals=DAMAGES[:4]),
    "published file": Store("published/*/adhouse.duckdb", ("doctor", "status", "sql", "run"), has_new_file=False),
    "last run": Store("last_run.json", ("status", "run"), has_new_file=False, heals=(removed,)),
}


def record(**changes: object) -> bytes:
    texts = dict.fromkeys(("ad_id", "brand", "country", "state", "city", "zipcode"), "x")
    counts = {"impressions": 100, "clicks": 10, "conversions": 1, "spend": "5.25"}
    return json.dumps({"campaign_id": "c1", "date": "2026-11-01", **texts, **counts, **changes}).encode() + b"\n"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """One small file, loaded, built and published."""
    made = Workspace(tmp_path_factory.mktemp("stores") / "data", {"ADHOUSE_API_URL": "none"})
    made.drop("first.jsonl", record() + b"not JSON\n")
    ended = made.adhouse("run")
    assert ended.returncode == 0, ended.stderr
    assert published(made) == ONE_FILE
    return made


def copy_of(workspace: Workspace, folder: Path) -> Workspace:
    shutil.copytree(workspace.home, folder / "data", symlinks=True)
    return Workspace(folder / "data", workspace.settings)


def published(workspace: Workspace) -> list[tuple[object, ...]]:
    with duckdb.connect(workspace.home / "published" / "marts.duckdb", read_only=True) as connection:
        sums = "campaign_id, total_impressions, cast(total_conversions as integer)"
        return connection.execute(f"select {sums} from marts.campaign_summary").fetchall()


def tried(workspace: Workspace, command: str, path: Path) -> str | None:
    """Runs a command; None if all went well, else what helps, once the one line is as it should be."""
    ended = workspace.adhouse(command, *(["select 1 from campaign_summary"] if command == "sql" else []))
    text = ended.stdout + ended.stderr
    assert not OF_LIBRARIES.search(text), text
    if ended.returncode == 0:
        return None
    if command == "doctor":
        (line,) = (line for line in ended.stdout.splitlines() if line.startswith("no "))
    else:
        line = ended.stderr.splitlines()[-1]
        assert line.startswith("adhouse: "), ended.stderr
    assert str(path) in line or str(path.resolve()) in line, line
    helps = COMMAND_THAT_HELPS.search(line)
    if helps is None:
        assert "the next run writes it again" in line or "give this user access" in line, line
    return helps[1] if helps else "run"


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
@pytest.mark.parametrize("name", STORES)
def test_a_damaged_store_is_healed_or_names_the_way_out(
    workspace: Workspace, tmp_path: Path, name: str, damage: Callable[[Path], None]
) -> None:
    store, house = STORES[name], copy_of(workspace, tmp_path)
    path = max(house.home.glob(store.name), key=lambda file: file.stat().st_size)
    before = TWO_FILES if store.has_new_file else ONE_FILE
    if store.has_new_file:
        house.drop("second.jsonl", record(impressions=10, clicks=1))
    damage(path)
    answers = [tried(house, command, path) for command in store.commands]
    if damage in store.heals:
        assert not any(answers)
    if answers[-1] is None:
        assert published(house) == before
    elif damage is cut:  # the others end with the same words
        ended = house.adhouse(answers[-1])
        assert ended.returncode == 0, ended.stderr
        assert published(house) in (ONE_FILE, before)
        assert tried(house, "status", path) is None


def test_a_link_to_a_build_that_is_gone_is_made_again(workspace: Workspace, tmp_path: Path) -> None:
    for number, damage in enumerate((removed, overwritten)):
        house = copy_of(workspace, tmp_path / str(number))
        link = house.home / "published" / "marts.duckdb"
        link.unlink()
        if damage is overwritten:
            overwritten(link)
        for command in ("status", "run"):
            tried(house, command, link)
        assert link.is_symlink()
        assert published(house) == ONE_FILE


@pytest.mark.parametrize("damage", [cut, emptied, overwritten, removed])
def test_a_receipt_that_is_damaged_is_named(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    landing = Landing(Folder.at(tmp_path))
    unit = landing.place("campaign_api", datetime(2026, 11, 1, tzinfo=UTC), "0" * 64)
    landing.write_receipt(unit, 1, "0" * 64, {})
    path = tmp_path / unit.path / ".receipt.json"
    assert landing.receipt(unit.path)["bytes"] == 1
    damage(path)
    with pytest.raises(LandingDamagedError) as raised:
        landing.receipt(unit.path)
    explained = explain_error(raised.value, read_settings({}))
    assert str(path) in explained.message
    assert "restore it from a backup" in explained.way_out
    assert not OF_LIBRARIES.search(explained.message)
