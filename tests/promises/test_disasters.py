"""What befalls a house: kills, no room, nothing to read, damaged files, a platform that tells secrets.

Of small files alone, so that a run is short. What is read afterwards is what readers see, cell by cell.
"""

import glob
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import pyarrow.parquet as pq
import pytest
from conftest import COMMAND, FILE_DAY, TODAY, Workspace, quiet
from support.extracting import record
from support.platform import Platform, answering, page

from simulate.delivery import delivery
from simulate.files import write
from simulate.world import World

TABLES = (
    "campaign_summary",
    "campaign_performance",
    "creative_performance",
    "daily_performance",
    "processed_campaign_data",
    "quarantined_deliveries",
    "source_balances",
)
# A record is the same whenever it came.
CONTENT = "columns(lambda name: name not in ('_source', '_received_at', 'received_at', '_dlt_load_id'))"
CANARY = "canary-5d41402abc4b2a76b9719d911017c592"
Marts = dict[str, list[tuple[Any, ...]]]
IsThere = Callable[[Path], bool]
Case = TypeVar("Case")


@dataclass(frozen=True)
class Scene:
    """A house before a run, what its readers see then (None: nothing), and what they see after a run that went well."""

    house: Workspace
    before: Marts | None
    after: Marts

    def played(self, home: Path) -> Workspace:
        """A copy of the house."""
        shutil.copytree(self.house.home, home, symlinks=True)
        return replace(self.house, home=home)


def seen(house: Workspace) -> Marts | None:
    """Every cell that readers see, but for when and where it was received; None when nothing is published."""
    link = house.home / "published" / "marts.duckdb"
    if not link.is_symlink():
        return None
    with duckdb.connect(link, read_only=True) as reader:
        return {mart: reader.execute(f"select {CONTENT} from marts.{mart} order by all").fetchall() for mart in TABLES}


def ran(house: Workspace, *arguments: str) -> Marts:
    """What readers see once the command has ended well."""
    ended = house.adhouse(*(arguments or ("run",)))
    assert ended.returncode == 0, ended.stderr
    marts = seen(house)
    assert marts
    return marts


def two_at_once(work: Callable[[Case], None], cases: Iterable[Case]) -> None:
    """Most of a run is one thread's work."""
    with ThreadPoolExecutor(2) as pool:
        for _ in pool.map(work, cases):
            pass


@pytest.fixture(scope="module")
def first(world: World, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """A first run: two files in the inbox, and nothing else."""
    house = Workspace(tmp_path_factory.mktemp("first") / "data", {"ADHOUSE_API_URL": "none"})
    inbox = house.home / "inbox" / "campaign_files"
    inbox.mkdir(parents=True)
    records = delivery(world, FILE_DAY, TODAY)
    quiet(write(records.slice(0, 150), inbox / "export.csv"))
    quiet(write(records.slice(150, 150), inbox / "more.jsonl.gz"))
    scene = Scene(house, None, {})
    return replace(scene, after=ran(scene.played(house.home.with_name("done"))))


@pytest.fixture(scope="module")
def built(first: Scene) -> Scene:
    """What the first run has left, with nothing new to do."""
    return Scene(replace(first.house, home=first.house.home.with_name("done")), first.after, first.after)


@pytest.fixture(scope="module")
def second(built: Scene, world: World, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """A run with one file corrected and one new, on a house where all is built."""
    house = built.played(tmp_path_factory.mktemp("second") / "data")
    shutil.rmtree(house.home / "logs")
    inbox = house.home / "inbox" / "campaign_files"
    records = delivery(world, FILE_DAY, TODAY)
    quiet(write(records.slice(50, 60), inbox / "export.csv"))
    quiet(write(records.slice(300, 100), inbox / "new.parquet"))
    scene = Scene(house, built.after, {})
    after = ran(scene.played(house.home.with_name("done")))
    assert all(after[mart] != built.after[mart] for mart in TABLES)
    return replace(scene, after=after)


def there(pattern: str, count: int = 1) -> IsThere:
    """There are so many files of that name."""
    return lambda home: len(glob.glob(str(home / pattern))) >= count


def gone(name: str) -> IsThere:
    """There is no such file any more."""
    return lambda home: not (home / name).exists()


def logged(words: str) -> IsThere:
    """dbt has said so."""
    log = "logs/dbt.log"
    return lambda home: (home / log).exists() and bool(re.search(words, (home / log).read_text()))


def killed(house: Workspace, command: str, is_there: IsThere) -> None:
    """Runs a command and kills it as soon as that is to be seen from outside."""
    with house.start(command) as process:
        while process.poll() is None and not is_there(house.home):
            time.sleep(0.001)
        process.kill()
    assert process.returncode == -signal.SIGKILL, "it ended before it came to that"


def is_healed(scene: Scene, command: str, points: dict[str, IsThere], tmp_path: Path) -> None:
    """After a kill at each of the points readers see the old build or the new one, and a run then ends as ever."""

    def play(point: str) -> None:
        house = scene.played(tmp_path / point)
        killed(house, command, points[point])
        assert seen(house) in (scene.before, scene.after), point
        assert ran(house) == scene.after, point
        left = [*house.home.rglob("*.tmp"), *house.home.glob("dlt"), *house.home.glob("*.wal")]
        assert not left, point
        shutil.rmtree(house.home)

    two_at_once(play, points)


BUILDING: dict[str, IsThere] = {
    "models are being built": there("*.wal"),
    "half of the models are built": logged(r"OK created .*processed_campaign_data"),
    "all is built": logged(r"Done\. PASS"),
}


@pytest.mark.cases
def test_a_first_run_killed_anywhere_is_healed_by_the_same_command(first: Scene, tmp_path: Path) -> None:
    points = {
        "it has begun": there("logs/run-*"),
        "a file has landed": there("landing/campaign_files/*/*"),
        "a package is half in the lake": there("lake/raw/loaded_files/*.parquet"),
        "a package is loaded": there("lake/raw/_dlt_loads/*.jsonl"),
        **BUILDING,
        "it is being published": there("published"),
    }
    is_healed(first, "run", points, tmp_path)


@pytest.mark.cases
def test_a_run_with_a_correction_killed_anywhere_is_healed_by_the_same_command(second: Scene, tmp_path: Path) -> None:
    points = {
        "a file has landed": there("landing/campaign_files/*/*", 3),
        "a package is loaded": there("lake/raw/_dlt_loads/*.jsonl", 2),
        **BUILDING,
        "it is being published": there("published/*/adhouse.duckdb", 2),
    }
    is_healed(second, "run", points, tmp_path)


@pytest.mark.cases
def test_a_rebuild_killed_anywhere_is_healed_by_a_run(built: Scene, tmp_path: Path) -> None:
    points = {
        "the lake is gone": gone("lake/raw/_dlt_loads"),
        "models are being built": there("*.wal"),
    }
    is_healed(built, "rebuild", points, tmp_path)


def in_a_small_file_system(tmp_path: Path, house: Workspace, steps: str) -> Path:
    """Runs shell steps with the house at $ADHOUSE_HOME in a file system that only they see; gives their folder.

    `room` sets how many KiB are left in it; `told NAME COMMAND…` keeps the command's output in NAME.out, NAME.err and
    its exit code in NAME.code.
    """
    small = tmp_path / "small"
    small.mkdir()
    script = f"""
        mount -t tmpfs -o size=500m none {small} || exit 99
        cp -a {house.home} {small}/data || exit 98
        room() {{ mount -o remount,size=$(($(df -k --output=used {small} | tail -1) + $1))k {small} || exit 97; }}
        told() {{ name=$1; shift; "$@" > $name.out 2> $name.err; echo $? > $name.code; }}
        {steps}
    """
    command = ["unshare", "--map-root-user", "--mount", "sh", "-c", script]
    environment = house.environment | {"ADHOUSE_HOME": str(small / "data")}
    environment["PATH"] = f"{COMMAND.parent}:{environment['PATH']}"
    ended = None
    if shutil.which("unshare"):
        ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    if ended is None or ended.returncode == 99 or "unshare: " in ended.stderr:
        pytest.skip("this system lets nobody mount a small file system")
    assert ended.returncode == 0, ended.stderr
    return tmp_path


def last_line(folder: Path, name: str) -> tuple[int, str]:
    """How a command of `told` ended: its code, and the line that says why; none of it is a traceback."""
    err = (folder / f"{name}.err").read_text()
    assert "Traceback" not in err
    lines = err.splitlines()
    assert [line for line in lines if line.startswith("adhouse: ")] == lines[-1:]
    return int((folder / f"{name}.code").read_text()), lines[-1]


@pytest.mark.cases
def test_no_room_to_build_or_to_publish_is_one_line_and_healed_by_room(first: Scene, tmp_path: Path) -> None:
    steps = """
        room 1000; told building adhouse run
        room 100000; adhouse build || exit 3
        room 1000; told publishing adhouse publish
        test ! -e $ADHOUSE_HOME/published/marts.duckdb || exit 4
        room 100000; adhouse run || exit 5
        cp -a $ADHOUSE_HOME/published .
    """
    folder = in_a_small_file_system(tmp_path, first.house, steps)
    for name in ("building", "publishing"):
        code, line = last_line(folder, name)
        assert code == 1
        assert re.search(r"disk full: \S+/small/data has [\d,]+ bytes free \(free some space", line)
    assert "2 received" in (folder / "building.err").read_text()
    assert seen(Workspace(folder)) == first.after


@pytest.mark.cases
def test_a_folder_that_cannot_be_written_is_one_line(first: Scene, tmp_path: Path) -> None:
    steps = """
        mkdir other; mount -t tmpfs none other; mkdir other/lake; mount -o remount,ro other
        ADHOUSE_LAKE_URL=other/lake told lake adhouse run
        ADHOUSE_LAKE_URL=other/new told new_lake adhouse run
        ADHOUSE_HOME=other/new told new_home adhouse run
        mount -o remount,ro small; told home adhouse run
    """
    folder = in_a_small_file_system(tmp_path, first.house, steps)
    for name, code, said in [
        ("lake", 1, f"cannot write {folder}/other/lake"),
        ("new_lake", 2, f"ADHOUSE_LAKE_URL is {folder}/other/new"),
        ("new_home", 2, f"ADHOUSE_HOME is {folder}/other/new"),
        ("home", 1, f"cannot write {folder}/small/data"),
    ]:
        ended, line = last_line(folder, name)
        assert ended == code, line
        assert said in line
        assert "Read-only file system" in line


def overwritten(path: Path) -> None:
    path.write_bytes(b"no database" * 1000)


def cut_to_half(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


@pytest.mark.cases
@pytest.mark.parametrize("damage", [overwritten, cut_to_half])
def test_a_damaged_warehouse_is_told_and_rebuilt_from_landing(
    built: Scene, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    def play(file: str) -> None:
        house = built.played(tmp_path / file)
        damage(house.home / file)
        ended = house.adhouse("run")
        if damage is overwritten or ended.returncode:  # of one that was cut DuckDB may miss nothing: it is written anew
            last = ended.stderr.splitlines()[-1]
            assert re.search(
                rf"{house.home}/{file} is damaged: DuckDB cannot read the warehouse \(`adhouse rebuild`", last
            ), last
        assert seen(house) == built.after
        assert ran(house, "rebuild") == built.after

    two_at_once(play, ["warehouse.duckdb", "marts.duckdb"])


@pytest.mark.cases
def test_a_removed_warehouse_is_made_again_by_a_run(built: Scene, tmp_path: Path) -> None:
    def play(file: str) -> None:
        house = built.played(tmp_path / file)
        (house.home / file).unlink()
        ended = house.adhouse("run")
        assert ended.returncode == 0, ended.stderr
        assert "full refresh: one of the two warehouse files is missing" in ended.stderr
        assert seen(house) == built.after

    two_at_once(play, ["warehouse.duckdb", "marts.duckdb"])


@pytest.mark.cases
@pytest.mark.parametrize("damage", [overwritten, cut_to_half])
def test_a_damaged_published_file_is_replaced(built: Scene, tmp_path: Path, damage: Callable[[Path], None]) -> None:
    def play(command: str) -> None:
        house = built.played(tmp_path / command)
        damage((house.home / "published" / "marts.duckdb").resolve())
        ended = house.adhouse("status")
        assert ended.returncode == 1
        assert "`adhouse publish`" in ended.stderr
        assert ran(house, command) == built.after

    two_at_once(play, ["run", "publish", "rebuild"])


@pytest.mark.cases
@pytest.mark.parametrize("what", ["no file", "an empty file and a day without records"])
def test_nothing_to_read_is_a_success_and_the_marts_are_there(tmp_path: Path, what: str) -> None:
    house = Workspace(tmp_path / "data")
    with answering(lambda asked: page(asked)) as (url, _):
        settings = {"ADHOUSE_API_URL": "none"}
        if what != "no file":
            house.drop("empty.jsonl", b"")
            settings = {"ADHOUSE_API_URL": url, "ADHOUSE_SINCE": "2026-11-01", "ADHOUSE_UNTIL": "2026-11-01"}
        ended = house.adhouse("run", **settings)
    assert ended.returncode == 0, ended.stderr
    assert "no campaign has delivered yet" in ended.stdout
    assert "\n\nNext:\n" in ended.stdout
    marts = seen(house)
    assert marts
    assert [mart for mart in TABLES if marts[mart]] == ([] if what == "no file" else ["source_balances"])


@pytest.mark.cases
def test_a_token_that_the_platform_sends_back_is_written_nowhere(tmp_path: Path) -> None:
    """Neither in errors, nor cut in two where the log's excerpt of a bad answer ends."""
    begun = CANARY[:16]
    answers: list[Callable[[str], tuple[int, dict[str, str], bytes]]] = [
        lambda told: (500, {}, f'{{"headers": {{"Authorization": "{told}"}}}}'.encode()),
        lambda told: (401, {"WWW-Authenticate": told}, told.encode()),
        lambda told: (200, {}, f'{{"records": [], "told": "{told}'.encode()),
        lambda told: (200, {}, f"{'x' * (200 - len('Bearer ') - len(begun))}{told}".encode()),
        lambda told: (200, {}, f'{{"{told}": "{told}"}}'.encode()),
        lambda told: page({"date": "2026-11-01"}, record(1)),
    ]
    platforms: list[Platform] = []

    def answer(asked: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        return answers.pop(0)(platforms[0].seen[-1][1])

    with answering(answer) as (url, platform):
        platforms.append(platform)
        days = {"ADHOUSE_SINCE": "2026-11-01", "ADHOUSE_UNTIL": "2026-11-01"}
        house = Workspace(tmp_path / "data", {"ADHOUSE_API_URL": url, "ADHOUSE_API_TOKEN": CANARY, **days})
        refused, accepted = house.adhouse("extract"), house.adhouse("run")
    assert (refused.returncode, accepted.returncode) == (1, 0), accepted.stderr
    assert {told for _, told in platform.seen} == {f"Bearer {CANARY}"}
    shown = refused.stdout + refused.stderr + accepted.stdout + accepted.stderr
    assert begun not in shown
    files = [path for path in house.home.rglob("*") if path.is_file()]
    assert any(b"[redacted]" in path.read_bytes() for path in files)  # the answers came as far as the log
    assert {".parquet", ".duckdb", ".jsonl", ".json"} <= {path.suffix for path in files}
    assert [path for path in files if begun.encode() in path.read_bytes() or begun in table_cells(path)] == []


def table_cells(path: Path) -> str:
    """What the tables of a Parquet or DuckDB file hold; there it may be compressed."""
    if path.suffix == ".parquet":
        return str(pq.read_table(path).to_pylist())
    if path.suffix != ".duckdb":
        return ""
    with duckdb.connect(path, read_only=True) as connection:
        names = "select database_name, schema_name, table_name from duckdb_tables()"
        tables = [".".join(f'"{part}"' for part in name) for name in connection.execute(names).fetchall()]
        return str([connection.execute(f"from {table}").fetchall() for table in tables])
