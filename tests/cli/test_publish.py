"""Publishing: readers see the old build or the new one, never a broken one, whatever happens."""

import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest
import yaml

from adhouse.errors import CommandError
from adhouse.warehouse.base import KEPT_BUILDS
from adhouse.warehouse.files import STORAGE_VERSION, is_read_by_older_duckdb, opened
from adhouse.warehouse.publish import builds, current, is_rolled_back, publish, rollback

PUBLISH_FOREVER = """
import sys
from pathlib import Path
from adhouse.warehouse.publish import publish
marts, published = Path(sys.argv[1]), Path(sys.argv[2])
for number in range(int(sys.argv[3]), 10**6):
    publish(marts, published, f"{number:06}")
    print(number, flush=True)
"""

PUBLISH_WITHOUT_ROOM = """
import resource, sys
from pathlib import Path
from adhouse.warehouse.publish import publish
resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))
publish(Path(sys.argv[1]), Path(sys.argv[2]), "b2")
"""


@pytest.fixture
def marts(tmp_path: Path) -> Path:
    return write_marts(tmp_path / "marts.duckdb", 1)


def write_marts(path: Path, number: int) -> Path:
    with duckdb.connect(path) as connection:
        connection.execute("create schema if not exists marts.marts")
        connection.execute(
            f"create or replace table marts.marts.numbers as select {number} as number from range(100000)"
        )
        connection.execute("checkpoint")
    return path


def number_in(path: Path) -> int:
    with duckdb.connect(path, read_only=True) as connection:
        ((number, rows),) = connection.execute("select any_value(number), count(*) from marts.numbers").fetchall()
    assert rows == 100_000
    return int(number)


def test_readers_find_the_newest_build_behind_one_stable_path(marts: Path, tmp_path: Path) -> None:
    published = tmp_path / "published"
    publish(marts, published, "b1")
    publish(write_marts(marts, 2), published, "b2")
    link = published / "marts.duckdb"
    assert link.is_symlink()
    assert str(link.readlink()) == "b2/adhouse.duckdb"  # relative: the folder can be moved and mounted elsewhere
    assert current(published) == "b2"
    assert number_in(link) == 2


def test_an_open_reader_keeps_its_build_and_does_not_block(marts: Path, tmp_path: Path) -> None:
    published = tmp_path / "published"
    publish(marts, published, "b0")
    with duckdb.connect((published / "marts.duckdb").resolve(), read_only=True) as reader:
        for number in range(1, KEPT_BUILDS + 2):
            publish(write_marts(marts, number + 1), published, f"b{number}")
        assert "b0" not in builds(published)
        assert reader.execute("select any_value(number) from marts.numbers").fetchall() == [(1,)]
    assert number_in(published / "marts.duckdb") == KEPT_BUILDS + 2


def test_older_duckdb_reads_new_files_whoever_makes_them(tmp_path: Path) -> None:
    with opened(tmp_path / "ours.duckdb") as connection:
        connection.execute("create table numbers as select 1 as number")
        options = connection.execute(
            "select tags from duckdb_databases() where database_name = current_database()"
        ).fetchall()
    assert options == [({"storage_version": "v1.0.0+"},)]
    assert is_read_by_older_duckdb(tmp_path / "ours.duckdb")
    write_marts(tmp_path / "marts.duckdb", 1)
    assert not is_read_by_older_duckdb(tmp_path / "marts.duckdb")
    profile = yaml.safe_load((Path(__file__).parents[2] / "profiles.yml.example").read_text())
    (attached,) = profile["adhouse"]["outputs"]["duckdb"]["attach"]
    assert attached["options"] == {"storage_version": STORAGE_VERSION}


def test_every_build_has_the_same_catalog_name(marts: Path, tmp_path: Path) -> None:
    published = tmp_path / "published"
    for number in range(2):
        publish(marts, published, f"b{number}")
        for link in ("marts.duckdb", "adhouse.duckdb"):
            with duckdb.connect(published / link, read_only=True) as connection:
                ((rows,),) = connection.execute("select count(*) from adhouse.marts.numbers").fetchall()
            assert rows == 100_000
    # DuckDB 1.x takes the name of the link itself.
    assert (published / "adhouse.duckdb").readlink() == Path("marts.duckdb")


def test_a_build_is_told_from_a_folder_without_its_file(marts: Path, tmp_path: Path) -> None:
    published = tmp_path / "published"
    publish(marts, published, "b1")
    (published / "b2.tmp").mkdir()
    (published / "b2.tmp" / "adhouse.duckdb").write_bytes(b"half of it")
    (published / "b0").mkdir()  # a removal that was killed
    (published / "exports").mkdir()
    (published / "exports" / "of_a_user.csv").write_text("kept")
    assert builds(published) == ["b1"]
    with pytest.raises(CommandError, match="there is no build b2"):
        rollback(published, "b2")
    publish(marts, published, "b3")
    assert sorted(path.name for path in published.iterdir()) == [
        "adhouse.duckdb",
        "b1",
        "b3",
        "exports",
        "marts.duckdb",
    ]


def test_builds_of_the_earlier_layout_are_seen_rolled_back_to_and_removed_in_turn(marts: Path, tmp_path: Path) -> None:
    published = tmp_path / "published"
    published.mkdir()
    (published / "marts-b0.duckdb").write_bytes(marts.read_bytes())
    (published / "marts.duckdb").symlink_to("marts-b0.duckdb")
    assert current(published) == "b0"
    publish(write_marts(marts, 2), published, "b1")
    assert builds(published) == ["b1", "b0"]
    assert rollback(published, None) == "b0"
    assert number_in(published / "marts.duckdb") == 1
    for number in range(2, 2 + KEPT_BUILDS):
        publish(marts, published, f"b{number}")
    assert not (published / "marts-b0.duckdb").exists()
    assert current(published) == f"b{1 + KEPT_BUILDS}"


def test_a_roll_back_is_remembered_until_the_next_publish(marts: Path, tmp_path: Path) -> None:
    published = tmp_path / "published"
    publish(marts, published, "b0")
    publish(marts, published, "b1")
    assert not is_rolled_back(published)
    rollback(published, None)
    assert is_rolled_back(published)
    publish(marts, published, "b2")
    assert not is_rolled_back(published)


def test_old_builds_are_removed_but_never_the_one_readers_see(marts: Path, tmp_path: Path) -> None:
    published = tmp_path / "published"
    for number in range(5):
        publish(marts, published, f"b{number}")
    assert builds(published) == ["b4", "b3", "b2"]
    assert rollback(published, "b2") == "b2"
    assert builds(published) == ["b4", "b3", "b2"]
    assert current(published) == "b2"


def test_rollback_goes_one_back_or_to_a_build_by_name(marts: Path, tmp_path: Path) -> None:
    published = tmp_path / "published"
    for number in range(3):
        publish(marts, published, f"b{number}")
    assert rollback(published, None) == "b1"
    assert rollback(published, None) == "b0"
    with pytest.raises(CommandError, match="there is no older build"):
        rollback(published, None)
    assert rollback(published, "b2") == "b2"
    with pytest.raises(CommandError, match=r"no build \.\./\.\./b2"):
        rollback(published, "../../b2")
    assert current(published) == "b2"


def test_a_copy_that_fails_leaves_no_trace_and_the_old_build(marts: Path, tmp_path: Path) -> None:
    published = tmp_path / "published"
    publish(marts, published, "b1")
    command = [sys.executable, "-c", PUBLISH_WITHOUT_ROOM, str(marts), str(published)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "File too large" in ended.stderr
    assert sorted(path.name for path in published.iterdir()) == ["adhouse.duckdb", "b1", "marts.duckdb"]
    assert number_in(published / "marts.duckdb") == 1


def test_killed_anywhere_readers_see_a_whole_build(marts: Path, tmp_path: Path) -> None:
    published = tmp_path / "published"
    publish(marts, published, "000000")
    for attempt in range(12):
        start = str(1000 * (attempt + 1))
        command = [sys.executable, "-c", PUBLISH_FOREVER, str(marts), str(published), start]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(0.003 * attempt)
            process.kill()
        assert number_in(published / "marts.duckdb") == 1
    publish(marts, published, "999999")
    assert len(builds(published)) == KEPT_BUILDS
    assert sorted(path.name for path in published.iterdir()) == sorted(
        [*builds(published), "adhouse.duckdb", "marts.duckdb"]
    )
