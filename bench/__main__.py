"""Speed and memory of adhouse: `python -m bench [PART ...] [--records N] [--rounds N] [--work FOLDER] [--tenfold]`.

Prints one Markdown table. Each measure is a fresh process on the same two cores, from start to end, imports included;
where there are several the median counts and the range stands beside it. Nothing here passes or fails: a ratio of two
things measured in one run says more than any time, and no time says much on another machine.

The parts and their rows:
- full: `adhouse run` end to end (extract, all models, all tests, publishing) on a year of delivery in one file of JSON
  lines, against `handwritten.sql` alone on the same file, in turns. The ratio is that of the medians, beside it the
  smallest and the largest of a turn. No ratio is printed unless both made the same marts.
  Then `adhouse run` again, with nothing new; and the peak memory of all of these.
- day: one more day on a history of 365 daily files, with the day before in a corrected version; against building the
  history from nothing; the time of a run with nothing new is subtracted from both.
- http: records a second from a mock platform in a process of its own, whose pages of 10,000 records are ready: asked,
  checked and landed; then also loaded into the lake.
- tenfold (only with --tenfold: it takes 40 GB of disk): the peak memory for a file ten times as long.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

from bench import report
from bench.house import Workspace
from bench.processes import PROJECT, Usage, measured, script, use_two_cores
from bench.year import DAYS, Year

PARTS = ("full", "day", "http")
HTTP_RECORDS = 1_000_000
MOST_MEMORY = "3 GiB"
Row = tuple[str, str, str, str, str]


def say(text: str) -> None:
    """A line about the work."""
    print(text, file=sys.stderr, flush=True)


def full(year: Year, rounds: int) -> list[Row]:
    """A year from nothing, by adhouse and by hand, and then nothing new."""
    file, by_hand = year.file(), year.folder / "handwritten.duckdb"
    house: list[Usage] = []
    hand: list[Usage] = []
    home = Workspace(year.folder / "home")

    def run_house() -> None:
        home.empty()
        home.drop(file)
        house.append(home.run(publishes=True))
        say(f"full: adhouse {_told(house[-1])}")

    def run_hand() -> None:
        by_hand.unlink(missing_ok=True)
        hand.append(measured(script("bench.handwritten", file, by_hand)))
        say(f"full: by hand {_told(hand[-1])}")

    for number in range(rounds):
        turn: list[Callable[[], None]] = [run_house, run_hand]
        for run in turn if number % 2 == 0 else reversed(turn):
            run()
    measured(script("bench.agreement", by_hand, home.published))
    say("full: the same marts")
    again = []
    for _ in range(rounds):
        again.append(home.run(publishes=False))
        say(f"nothing new: {_told(again[-1])}")
    home.remove()
    by_hand.unlink()
    ratios = [ours.seconds / theirs.seconds for ours, theirs in zip(house, hand, strict=True)]
    ratio = median(one.seconds for one in house) / median(one.seconds for one in hand)
    size = f"{year.records:,} records, {file.stat().st_size / 1e9:.2f} GB of JSON lines"
    peak, peak_by_hand = (max(one.peak_bytes for one in runs) for runs in (house, hand))
    return [
        (
            f"run from nothing: {size}",
            report.seconds([one.seconds for one in house]),
            f"{report.seconds([one.seconds for one in hand])} by hand",
            f"{ratio:.2f} ({min(ratios):.2f} to {max(ratios):.2f})",
            "2.0",
        ),
        ("its peak memory", report.gib(peak), f"{report.gib(peak_by_hand)} by hand", "", MOST_MEMORY),
        ("run with nothing new", report.seconds([one.seconds for one in again]), "", "", "15 s"),
        ("its peak memory", report.gib(max(one.peak_bytes for one in again)), "", "", MOST_MEMORY),
    ]


def day(year: Year, rounds: int) -> list[Row]:
    """One more day, some of it restated, on a year of daily files."""
    home = Workspace(year.folder / "home")
    for path in year.history():
        home.drop(path)
        path.unlink()
    whole = home.run(publishes=True)
    say(f"day: the history {_told(whole)}")
    again, days = [], []
    for number in range(DAYS, DAYS + rounds):
        again.append(home.run(publishes=False))
        say(f"day: nothing new {_told(again[-1])}")
        home.drop(year.day(number))
        home.drop(year.day(number - 1, is_restated=True))
        days.append(home.run(publishes=True))
        say(f"day: one more {_told(days[-1])}")
    home.remove()
    nothing = median(one.seconds for one in again)
    share = (median(one.seconds for one in days) - nothing) / (whole.seconds - nothing)
    return [
        (
            f"one more day, {year.per_day:,} records, and a corrected one",
            report.seconds([one.seconds for one in days]),
            f"{whole.seconds:.1f} s for {DAYS} days, {nothing:.1f} s for nothing",
            f"{share:.1%}",
            "20 %",
        ),
        ("its peak memory", report.gib(max(one.peak_bytes for one in days)), "", "", MOST_MEMORY),
    ]


def http(folder: Path, records: int, rounds: int) -> list[Row]:
    """Records a second over HTTP, landed and loaded."""
    with subprocess.Popen(
        script("bench.http_server", records), cwd=PROJECT, stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stdout
            url, since, until, ready = server.stdout.readline().split()
            rows = []
            for step in ("landed", "loaded"):
                speeds, peaks = [], []
                for _ in range(rounds):
                    with tempfile.TemporaryDirectory(dir=folder) as home:
                        usage = measured(script("bench.http_client", url, since, until, home, step))
                    speeds.append(int(ready) / float(usage.output))
                    peaks.append(usage.peak_bytes)
                    say(f"http: {step} {speeds[-1]:,.0f} records/s, {report.gib(peaks[-1])}")
                spread = f" ({min(speeds):,.0f} to {max(speeds):,.0f})" if rounds > 1 else ""
                what = f"HTTP, {int(ready):,} records, {step}"
                least = "at least 100,000" if step == "loaded" else ""
                rows.append((what, f"{median(speeds):,.0f} records/s{spread}", "", "", least))
            return rows
        finally:
            server.kill()


def tenfold(year: Year) -> list[Row]:
    """The peak memory for a file, and for one ten times as long."""
    peaks = []
    for one in (year, Year(year.folder / "tenfold", year.records * 10)):
        one.folder.mkdir(exist_ok=True)
        file = one.file()
        home = Workspace(one.folder / "home")
        home.drop(file)
        usage = home.run(publishes=True)
        say(f"tenfold: {one.records:,} records {_told(usage)}")
        peaks.append(usage.peak_bytes)
        home.remove()
    ratio = f"{peaks[1] / peaks[0]:.2f}"
    what = f"peak memory for {year.records * 10:,} records"
    return [(what, report.gib(peaks[1]), f"{report.gib(peaks[0])} for {year.records:,}", ratio, MOST_MEMORY)]


def main() -> None:
    """Measures the parts that are asked for and prints the table."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measures speed and memory.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; all when left out")
    parser.add_argument("--records", type=int, default=5_000_000, help="in the year of delivery")
    parser.add_argument("--rounds", type=int, default=3, help="how often each measure is taken")
    parser.add_argument("--work", type=Path, help="a folder for files of some GB, which are kept for the next time")
    parser.add_argument("--tenfold", action="store_true", help="also a file ten times as long; takes 40 GB of disk")
    wanted = parser.parse_args()
    if unknown := set(wanted.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(unknown)}")
    use_two_cores()
    parts = wanted.parts or ([] if wanted.tenfold else PARTS)
    with tempfile.TemporaryDirectory(prefix="adhouse-bench-") as temporary:
        folder = (wanted.work or Path(temporary)).absolute() / str(wanted.records)
        folder.mkdir(parents=True, exist_ok=True)
        year = Year(folder, wanted.records)
        rows: list[Row] = []
        if "full" in parts:
            rows += full(year, wanted.rounds)
        if "day" in parts:
            rows += day(year, wanted.rounds)
        if "http" in parts:
            rows += http(folder, min(HTTP_RECORDS, wanted.records), wanted.rounds)
        if wanted.tenfold:
            rows += tenfold(year)
    print(f"{report.table(rows)}\n\n{report.machine()}")


def _told(usage: Usage) -> str:
    return f"{usage.seconds:.1f} s, {usage.cpu_seconds:.1f} s of CPU, {report.gib(usage.peak_bytes)}"


if __name__ == "__main__":
    main()
