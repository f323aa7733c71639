"""What events cost: their extraction against DuckDB's own reading, and their marts against a script by hand."""

import random
import shutil
from collections.abc import Callable
from pathlib import Path
from statistics import median

from bench.house import Workspace
from bench.processes import Usage, measured, script
from bench.report import gib, seconds

DAYS = 120
EXTENSIONS = {"impressions": ".jsonl", "clicks": ".csv", "conversions": ".csv"}
_KEY = {"ADHOUSE_PRIVACY_KEY": "a key of the benchmark, and of nothing else"}
Row = tuple[str, str, str, str, str]


def events(folder: Path, impressions: int, rounds: int, say: Callable[[str], None]) -> list[Row]:
    """Logs of so many impressions, with clicks and conversions: clean ones, then with a broken line in a thousand.

    Raises:
        SystemExit: The script by hand made other marts.
    """
    clean, broken = _clean_logs(folder / f"events-{impressions}", impressions), folder / "broken"
    home = Workspace(folder / "home", _KEY)
    database = folder / "events.duckdb"
    rows = []
    for what, logs, least in (("clean", clean, 0.5), ("a broken line in a thousand", _broken_logs(clean, broken), 0.3)):
        ours, theirs = [], []
        for _ in range(rounds):
            home.empty()
            for kind in EXTENSIONS:
                home.drop(logs / f"{kind}{EXTENSIONS[kind]}", source=kind)
            ours.append(home.extract())
            theirs.append(_peer("read", logs, database))
            say(f"events: {what}: extract {ours[-1].cpu_seconds:.1f} s of CPU, DuckDB {theirs[-1].cpu_seconds:.1f}")
        rows.append(
            _row(f"extract {impressions:,} impressions, {what}, seconds of CPU", theirs, ours, f"at least {least}")
        )
        if logs is clean:
            rows += _builds(home, database, rounds, say)
            rows += _increments(folder, home, clean, impressions, say)
    shutil.rmtree(broken)
    home.remove()
    return rows


def _builds(home: Workspace, database: Path, rounds: int, say: Callable[[str], None]) -> list[Row]:
    """The marts of what a data folder has extracted."""
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(home.build())
        theirs.append(_peer("build", home.path / "lake" / "raw", database))
        say(f"events: build {ours[-1].seconds:.1f} s, by hand {theirs[-1].seconds:.1f} s")
    measured(script("bench.agreement", database, home.path / "marts.duckdb", "events"))
    took = [median(one.seconds for one in side) for side in (ours, theirs)]
    ratio = f"{took[0] / took[1]:.2f}"
    peaks = [gib(max(one.peak_bytes for one in side)) for side in (ours, theirs)]
    return [
        (
            "build the marts of these events",
            seconds([one.seconds for one in ours]),
            f"{took[1]:.1f} s by hand",
            ratio,
            "2",
        ),
        ("its peak memory", peaks[0], f"{peaks[1]} by hand", "", "6 GiB"),
    ]


def _increments(folder: Path, home: Workspace, clean: Path, impressions: int, say: Callable[[str], None]) -> list[Row]:
    """One more day, one late click and one late conversion, in CPU and net of a build of nothing new."""
    anew, nothing = home.build().cpu_seconds, home.build(anew=False).cpu_seconds
    rows = []
    for what, part, target in (
        ("one more day of events", _next_day(folder / f"day-{impressions}", impressions), 15),
        ("a late click", _late(clean, folder / "late", "clicks"), 3),
        ("a late conversion", _late(clean, folder / "late", "conversions"), 3),
    ):
        for file in part:
            home.drop(file, f"{what}{file.suffix}", source=file.stem)
        home.extract()
        took = home.build(anew=False).cpu_seconds
        say(f"events: build {what} {took:.1f} s of CPU, anew {anew:.1f}, nothing {nothing:.1f}")
        whole = f"{anew:.1f} s for {DAYS} days, {nothing:.1f} s for nothing"
        ratio = f"{100 * (took - nothing) / (anew - nothing):.1f} %"
        rows.append((f"build {what}, seconds of CPU, net", f"{took:.1f} s", whole, ratio, f"{target} %"))
    return rows


def _next_day(folder: Path, impressions: int) -> list[Path]:
    """The logs of the day after the 120, of whose records 2 % are late by up to three weeks."""
    files = [folder / f"{kind}{extension}" for kind, extension in EXTENSIONS.items()]
    if not folder.exists():
        folder.mkdir()
        measured(script("bench.event_files", DAYS, DAYS, -(-impressions // DAYS), *files))
    return files


def _late(clean: Path, folder: Path, kind: str) -> list[Path]:
    """A file of one more record of a day a month ago."""
    folder.mkdir(exist_ok=True)
    header, *records = (clean / f"{kind}.csv").read_text().splitlines()
    file = folder / f"{kind}.csv"
    file.write_text(f"{header}\nlate{records[len(records) * 3 // 4]}\n")
    return [file]


def _row(what: str, theirs: list[Usage], ours: list[Usage], target: str) -> Row:
    base, cost = (median(one.cpu_seconds for one in side) for side in (theirs, ours))
    return (what, f"{cost:.1f} s", f"{base:.1f} s read by DuckDB", f"{base / cost:.2f}", target)


def _peer(step: str, folder: Path, database: Path) -> Usage:
    database.unlink(missing_ok=True)
    return measured(script("bench.handwritten_events", step, folder, database))


def _clean_logs(folder: Path, impressions: int) -> Path:
    """The logs of 120 days as one file a kind, made when they are first asked for."""
    if not folder.exists():
        part = folder.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        files = [part / f"{kind}{extension}" for kind, extension in EXTENSIONS.items()]
        measured(script("bench.event_files", 0, DAYS - 1, -(-impressions // DAYS), *files))
        part.rename(folder)
    return folder


def _broken_logs(clean: Path, folder: Path) -> Path:
    """The same logs, of whose impressions one line in a thousand is cut."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(clean, folder)
    draw = random.Random(1).random  # noqa: S311 it only has to be the same each time
    with (clean / "impressions.jsonl").open("rb") as lines, (folder / "impressions.jsonl").open("wb") as cut:
        cut.writelines(line[:100] + b"\n" if draw() < 0.001 else line for line in lines)
    return folder
