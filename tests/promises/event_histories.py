"""Random histories of logs of events: `python tests/promises/event_histories.py --count 20 [--seed N]`.

Logs of some days, with every fault, are cut into files and dropped in any order; some come twice, under another name,
or again with less in them; files are retracted and restored, rates are changed, builds are killed. At the end every
table must have the cells that it has after it was built anew: what a build leaves alone is what a full refresh makes.
`test_event_histories.py` plays a few of them.
"""

import argparse
import csv
import io
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))  # as pytest does for the tests

import duckdb
from conftest import TODAY, Workspace
from support.event_files import drop_events, eventful_world, files_in

DAYS = [TODAY - timedelta(days=age) for age in (28, 9, 8, 7, 5, 4)]
SOURCES = r"""
sources:
  impressions: {kind: impressions, replaces: {name_part: 'impressions-\d{4}-\d\d-\d\d-\d'}}
"""
RATES = "date,from_currency,to_currency,rate\n{day},EUR,USD,{rate}\n{day},GBP,USD,1.25\n"
# What a full refresh makes anew in another order or under another number.
WITH_NUMBER = ("int_unit_days", "int_impressions_followed", "int_impressions_flooded")
NOT_COMPARED = {table: {"changed_in_build"} for table in WITH_NUMBER}
# Rows that say of what is no more that it is no more.
STANDING = {"int_impressions_followed": "clicks > 0 or is_credited", "int_impressions_flooded": "impressions > 0"}
Cells = dict[str, Counter[tuple[Any, ...]]]


@dataclass
class History:
    """One data folder and what was done to it."""

    house: Workspace
    project: Path
    chance: random.Random
    waiting: list[tuple[str, str, bytes]]
    told: list[str] = field(default_factory=list)
    dropped: list[tuple[str, str]] = field(default_factory=list)

    def drop(self) -> None:
        """Drops a few of the files that are still to come, one of them twice."""
        for kind, name, content in [
            self.waiting.pop() for _ in range(min(self.chance.randint(1, 16), len(self.waiting)))
        ]:
            self.told.append(f"{kind}/{name}")
            self.dropped.append((kind, name))
            self.house.drop(name, content, kind)
            if self.chance.random() < 0.1:
                self.house.drop(f"again-{name}", content if name.endswith(".avro") else content + b"\n", kind)

    def take_back(self) -> None:
        """Retracts or restores a file."""
        if self.dropped:
            command, (_, name) = self.chance.choice(("retract", "restore")), self.chance.choice(self.dropped)
            self.told.append(f"{command} {name}")
            self.house.adhouse("extract")  # a file in the inbox is not known yet
            ended = self.house.adhouse(command, name, "--yes")
            assert ended.returncode in (0, 1), ended.stderr

    def rate(self) -> None:
        """Changes the rates."""
        rate, day = self.chance.choice(("0.9", "1.1", "1.300000001")), self.chance.choice(DAYS)
        self.told.append(f"EUR {rate} on {day}")
        (self.project / "seeds" / "exchange_rates.csv").write_text(RATES.format(rate=rate, day=day))

    def killed(self) -> None:
        """Kills a run somewhere."""
        after = self.chance.uniform(3, 10)
        self.told.append(f"run killed after {after:.1f} s")
        with self.house.start("run") as process:
            try:
                process.wait(after)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
            process.communicate()

    def run(self) -> None:
        """Runs to the end."""
        self.told.append("run")
        ended = self.house.adhouse("run")
        assert ended.returncode == 0, ended.stdout + ended.stderr

    def cells(self) -> Cells:
        """Every row of every table, of the warehouse and of the marts."""
        found: Cells = {}
        with duckdb.connect(str(self.house.home / "warehouse.duckdb")) as connection:
            connection.execute(f"attach '{self.house.home / 'marts.duckdb'}' as marts")
            tables = connection.execute("""
                select database_name, schema_name, table_name from duckdb_tables()
                where schema_name in ('intermediate', 'marts') and table_name <> 'build_progress'
                and table_name not in ('int_event_days_changed', 'int_impressions_changed')
            """).fetchall()
            for database, schema, table in tables:
                left_out = NOT_COMPARED.get(table)
                columns = f"* exclude ({', '.join(left_out)})" if left_out else "*"
                rest = STANDING.get(table, "true")
                rows = connection.execute(f"select {columns} from {database}.{schema}.{table} where {rest}").fetchall()
                found[table] = Counter(rows)
        return found


def play(seed: int, house: Workspace, project: Path, steps: int = 6) -> None:
    """Plays one history to its end, builds everything anew, and compares.

    Raises:
        AssertionError: A table has other rows; the message tells the history.
    """
    chance = random.Random(seed)
    history = History(house, project, chance, [*_files(house.home.parent / "logs", chance)])
    (house.home).mkdir(parents=True, exist_ok=True)
    (house.home.parent / "sources.yml").write_text(SOURCES)
    history.rate()
    moves = [history.drop, history.drop, history.run, history.run, history.take_back, history.rate, history.killed]
    try:
        history.drop()
        history.run()
        for _ in range(steps):
            chance.choice(moves)()
        history.run()
        while history.waiting:
            history.drop()
        history.run()
        grown = history.cells()
        ended = house.adhouse("build", "--full-refresh")
        assert ended.returncode == 0, ended.stdout + ended.stderr
        made_anew = history.cells()
        differences = {
            table: ([*(grown[table] - rows)][:2], [*(rows - grown[table])][:2])
            for table, rows in made_anew.items()
            if grown[table] != rows
        }
        assert not differences, f"tables that differ from a full refresh: {differences}"
        assert all(made_anew[table] for table in ("ad_events", "attributed_conversions", "orphan_clicks")), "no events"
    except AssertionError as error:
        raise AssertionError(f"seed {seed}: {'; '.join(history.told)}\n{error}") from error


def _files(folder: Path, chance: random.Random) -> Iterator[tuple[str, str, bytes]]:
    """The logs of the days, each cut into up to three files, in any order; some of them later with less in them."""
    drop_events(folder, eventful_world(), DAYS, impressions_a_day=300)
    parts: list[tuple[str, str, bytes]] = []
    for path in files_in(folder):
        kind, content = path.parent.name, path.read_bytes()
        if path.suffix == ".avro":
            parts.append((kind, path.name, content))
            continue
        head, lines = b"", content.splitlines(keepends=True)
        if path.suffix == ".csv":
            head, lines = _header_of(content)
        pieces = chance.randint(1, 3)
        for piece in range(pieces):
            part = head + b"".join(lines[piece::pieces])
            parts.append((kind, f"{path.stem}-{piece}{path.suffix}", part))
            if (
                chance.random() < 0.15
            ):  # it takes the place of that one, or the other way round; of no impressions it adds
                parts.append((kind, f"{path.stem}-{piece}-b{path.suffix}", head + b"".join(lines[piece :: pieces * 2])))
    chance.shuffle(parts)
    shutil.rmtree(folder)
    yield from parts


def _header_of(content: bytes) -> tuple[bytes, list[bytes]]:
    rows = list(csv.reader(io.StringIO(content.decode())))
    lines = content.splitlines(keepends=True)
    assert len(rows) == len(lines)
    return lines[0], lines[1:]


def house_at(folder: Path) -> tuple[Workspace, Path]:
    """A data folder, and a dbt project of its own, whose seeds may change."""
    project, shipped = folder / "project", Path(__file__).parents[2]
    for part in ("models", "macros", "seeds", "tests/sql"):
        shutil.copytree(shipped / part, project / part)
    for name in ("dbt_project.yml", "profiles.yml.example"):
        shutil.copy(shipped / name, project)
    settings = {
        "ADHOUSE_API_URL": "none",
        "ADHOUSE_PRIVACY_KEY": "a key of these tests",
        "ADHOUSE_SOURCES": str(folder / "sources.yml"),
        "DBT_PROJECT_DIR": str(project),
    }
    return Workspace(folder / "data", settings), project


def main() -> None:
    """Plays histories until one is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    for seed in range(asked.seed, asked.seed + asked.count):
        with tempfile.TemporaryDirectory() as folder:
            play(seed, *house_at(Path(folder)))
        sys.stdout.write(f"{seed}: right\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
