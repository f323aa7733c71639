"""Speed and memory of adhouse: `python -m bench [PART ...]`; `--help` has the options.

Prints a page of Markdown: one table, and where the time of some runs goes. Each measure is a fresh process on the same
two cores, from start to end, imports included; where there are several the median counts and the range stands beside
it. Nothing here passes or fails: a ratio of two things measured in one run says more than any time, and no time says
much on another machine.

The parts and their rows:
- full: `adhouse run` end to end (extract, all models, all tests, publishing) on a year of delivery in one file of JSON
  lines, against `handwritten.sql` alone on the same file, in turns. The ratio is that of the medians, beside it the
  smallest and the largest of a turn. No ratio is printed unless both made the same marts, in files of the same format.
  dbt parses the project once after each change of it; a turn measures a run that finds it parsed, and one that parses.
  Then `adhouse run` again, with nothing new; and the peak memory of all of these.
- day: one more day on a history of 365 daily files, and the same day again with other figures; each against building
  the history from nothing; the time of a run with nothing new is subtracted from all. Then the same net of a run with
  one small file and no history, which is what Python and dbt take for themselves.
- history: `adhouse run` with nothing new and with one small file, after 50 small daily loads and after 5,000; the calls
  that a run makes to S3 after 50 and after 500; and 3,000 files of ten records in one run.
- http: records a second from a mock platform in a process of its own, whose pages of 10,000 records are ready: asked,
  checked and landed; then also loaded into the lake.
- reading: the records of a CSV file, 1,000,000 at most, read through a profile with other names, thousands, micros and
  a date format, against the same records in plain columns, in turns in one process; the ratio is that of the speeds.
- avro: bid requests read from Avro, 200,000 at most, with every check and pseudonym, in the schema of our fields and in
  another version of it, against `polars.read_avro` of the same file, in turns in one process, in CPU seconds.
- events: logs of 120 days of events: their extraction, with hashing and every check, against DuckDB's own reading of
  the same files into tables, clean and with one broken line in a thousand, in CPU seconds; then all models and tests of
  them against `handwritten_events.sql`, which starts from the same raw tables.
- dashboard: pages in a real browser with a cold and a warm cache, and one more value of a filter, in turn with an empty
  page of Streamlit; ten people at once without a browser; memory after 500 views. The build is generated, not run.
- tenfold (only with --tenfold: it takes 40 GB of disk): the peak memory for a file ten times as long.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

from bench import phases, report, small_days
from bench.dashboard import speed
from bench.events import events
from bench.house import Workspace
from bench.processes import PROJECT, Usage, measured, script, use_two_cores
from bench.year import DAYS, Year

PARTS = ("full", "day", "history", "http", "reading", "avro", "events", "dashboard")
HTTP_RECORDS = READING_RECORDS = 1_000_000
AVRO_RECORDS = 200_000
MOST_MEMORY = "3 GiB"
FEW_RUNS = 50
MANY_FILES, MANY_FILES_RECORDS = 3_000, 10
Row = tuple[str, str, str, str, str]


def say(text: str) -> None:
    """A line about the work."""
    print(text, file=sys.stderr, flush=True)


def full(year: Year, rounds: int, sections: list[str]) -> list[Row]:
    """A year from nothing, by adhouse and by hand, and then nothing new; adds where the time goes to the sections."""
    file, by_hand = year.file(), year.folder / "handwritten.duckdb"
    house: list[Usage] = []
    parsing: list[Usage] = []
    hand: list[Usage] = []
    home = Workspace(year.folder / "home")

    def run_house() -> None:
        for runs, is_parsed in ((parsing, False), (house, True)):
            home.empty()
            home.drop(file)
            if not is_parsed:
                home.forget_parsed_project()
            runs.append(home.run(publishes=True))
            say(f"full: adhouse {'parsed' if is_parsed else 'parsing'} {_told(runs[-1])}")

    def run_hand() -> None:
        by_hand.unlink(missing_ok=True)
        hand.append(measured(script("bench.handwritten", file, by_hand)))
        say(f"full: by hand {_told(hand[-1])}")

    for number in range(rounds):
        turn: list[Callable[[], None]] = [run_house, run_hand]
        for run in turn if number % 2 == 0 else reversed(turn):
            run()
    measured(script("bench.agreement", by_hand, home.published, "delivery"))
    say("full: the same marts")
    sections += _where_time_goes("A run from nothing", home, house[-1])
    again = []
    for _ in range(rounds):
        again.append(home.run(publishes=False))
        say(f"nothing new: {_told(again[-1])}")
    sections += _where_time_goes("A run with nothing new", home, again[-1])
    home.remove()
    by_hand.unlink()
    size = f"{year.records:,} records, {file.stat().st_size / 1e9:.2f} GB of JSON lines"
    peak, peak_by_hand = (max(one.peak_bytes for one in runs) for runs in ((*house, *parsing), hand))

    def row(what: str, runs: list[Usage]) -> Row:
        ratios = [ours.seconds / theirs.seconds for ours, theirs in zip(runs, hand, strict=True)]
        ratio = median(one.seconds for one in runs) / median(one.seconds for one in hand)
        return (
            what,
            report.seconds([one.seconds for one in runs]),
            f"{report.seconds([one.seconds for one in hand])} by hand",
            f"{ratio:.2f} ({min(ratios):.2f} to {max(ratios):.2f})",
            "1.9",
        )

    return [
        row(f"run from nothing, the project parsed before: {size}", house),
        row("the first run in a clone, which parses the project: the same records", parsing),
        ("its peak memory", report.gib(peak), f"{report.gib(peak_by_hand)} by hand", "", MOST_MEMORY),
        ("run with nothing new", report.seconds([one.seconds for one in again]), "", "", "3 s"),
        ("its peak memory", report.gib(max(one.peak_bytes for one in again)), "", "", MOST_MEMORY),
    ]


def day(year: Year, rounds: int, sections: list[str]) -> list[Row]:
    """One more day on a year of daily files, and that day again with other figures."""
    home = Workspace(year.folder / "home")
    for path in year.history():
        home.drop(path)
        path.unlink()
    whole = home.run(publishes=True)
    say(f"day: the history {_told(whole)}")
    again, days, restated = [], [], []
    for number in range(DAYS, DAYS + rounds):
        again.append(home.run(publishes=False))
        say(f"day: nothing new {_told(again[-1])}")
        home.drop(year.day(number))
        days.append(home.run(publishes=True))
        say(f"day: one more {_told(days[-1])}")
        if number == DAYS:
            sections += _where_time_goes("One more day", home, days[-1])
        home.drop(year.day(number, is_restated=True))
        restated.append(home.run(publishes=True))
        say(f"day: re-delivered {_told(restated[-1])}")
        if number == DAYS:
            sections += _where_time_goes("A day re-delivered with other figures", home, restated[-1])
    home.empty()
    small = []
    for number in range(rounds + 1):
        small_days.drop(home.path / "inbox" / small_days.SOURCE, number)
        small.append(home.run(publishes=True))
        say(f"day: a small file alone {_told(small[-1])}")
    home.remove()
    nothing = median(one.seconds for one in again)
    alone = median(one.seconds for one in small[1:])  # the first makes the warehouse

    def row(what: str, runs: list[Usage], most: str, less: float = nothing, called: str = "nothing") -> Row:
        share = (median(one.seconds for one in runs) - less) / (whole.seconds - less)
        against = f"{whole.seconds:.1f} s for {DAYS} days, {less:.1f} s for {called}"
        return (what, report.seconds([one.seconds for one in runs]), against, f"{share:.1%}", most)

    peak = max(one.peak_bytes for one in (*days, *restated))
    return [
        row(f"one more day, {year.per_day:,} records, net", days, "15 %"),
        row("a day re-delivered with other figures (one file replaced), net", restated, "20 %"),
        row("one more day, net of a small file alone", days, "", alone, "a small file alone"),
        row("a day re-delivered, net of a small file alone", restated, "", alone, "a small file alone"),
        ("their peak memory", report.gib(peak), "", "", MOST_MEMORY),
    ]


def long_history(folder: Path, rounds: int, runs: int) -> list[Row]:
    """What a run costs after a short and after a long history, and many small files in one run."""
    home = Workspace(folder / "home")
    inbox = home.path / "inbox" / small_days.SOURCE
    nothing: dict[int, list[float]] = {}
    small: dict[int, list[float]] = {}
    done = 0
    for length in (FEW_RUNS, runs):
        measured(script("bench.history", home.path, done, length))
        say(f"history: {length:,} loads made")
        home.run(publishes=True)
        done = length
        nothing[length], small[length] = [], []
        for _ in range(rounds):
            nothing[length].append(home.run(publishes=False).seconds)
            small_days.drop(inbox, done)
            done += 1
            small[length].append(home.run(publishes=True).seconds)
            say(f"history: {nothing[length][-1]:.1f} s for nothing, {small[length][-1]:.1f} s for one file")
    home.empty()
    for number in range(MANY_FILES):
        small_days.drop(inbox, number, MANY_FILES_RECORDS)
    many = home.run(publishes=True)
    say(f"history: {MANY_FILES:,} files {_told(many)}")
    home.remove()
    usage = measured(script("bench.history_calls", FEW_RUNS, FEW_RUNS * 10))
    calls = [tuple(map(float, line.split())) for line in usage.output.splitlines()]

    def row(what: str, seconds: dict[int, list[float]]) -> Row:
        ratio = median(seconds[runs]) / median(seconds[FEW_RUNS])
        after = f"{report.seconds(seconds[FEW_RUNS])} after {FEW_RUNS}"
        return (f"{what} after {runs:,} runs", report.seconds(seconds[runs]), after, f"{ratio:.2f}", "1.3")

    def calls_row(what: str, place: int) -> Row:
        few, many = (of_history[place] for of_history in calls)
        name = f"{what} after {FEW_RUNS * 10} runs, calls of S3 by extract"
        return (name, f"{many:.1f}", f"{few:.1f} after {FEW_RUNS}", f"{many / few:.2f}", "1.3")

    return [
        row("nothing new", nothing),
        row("one small file", small),
        calls_row("nothing new", 0),
        calls_row("one small file", 1),
        (f"{MANY_FILES:,} files of {MANY_FILES_RECORDS} records", f"{many.seconds:.1f} s", "", "", "60 s"),
        ("its peak memory", report.gib(many.peak_bytes), "", "", MOST_MEMORY),
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


def reading(folder: Path, records: int, rounds: int) -> list[Row]:
    """Reading CSV as a platform writes it, against plain columns."""
    with tempfile.TemporaryDirectory(dir=folder) as files:
        lines = measured(script("bench.reading", records, rounds, files)).output.splitlines()
    plain, written = zip(*(map(float, line.split()) for line in lines), strict=True)
    say(f"reading: plain {report.seconds(plain)}, through a profile {report.seconds(written)}")
    ratio = f"{median(plain) / median(written):.2f}"
    against = f"{report.seconds(plain)} in plain columns"
    return [(f"CSV, {records:,} records, through a profile", report.seconds(written), against, ratio, "at least 0.6")]


def avro(folder: Path, records: int, rounds: int) -> list[Row]:
    """Reading bid requests from Avro, against polars, which makes nothing of them."""
    with tempfile.TemporaryDirectory(dir=folder) as files:
        lines = measured(script("bench.avro_reading", records, rounds, files)).output.splitlines()
    took = [tuple(map(float, line.split())) for line in lines]
    rows = []
    for number, (schema, least) in enumerate((("our own schema", 0.4), ("another version of the schema", 0.08))):
        ours, theirs = zip(*took[number::2], strict=True)
        say(f"avro: {schema}: {report.seconds(ours)} of CPU, polars {report.seconds(theirs)}")
        what = f"Avro in {schema}, {records:,} bid requests, seconds of CPU"
        ratio = f"{median(theirs) / median(ours):.2f}"
        rows.append((what, report.seconds(ours), f"{report.seconds(theirs)} by polars", ratio, f"at least {least}"))
    return rows


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
    parser.add_argument("--events", type=int, default=10_000_000, help="impressions in the logs of events")
    parser.add_argument("--rounds", type=int, default=3, help="how often each measure is taken")
    parser.add_argument("--runs", type=int, default=5_000, help="in the long history")
    parser.add_argument("--page", type=Path, help="a file of Markdown for all that is printed")
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
        sections: list[str] = []
        if "full" in parts:
            rows += full(year, wanted.rounds, sections)
        if "day" in parts:
            rows += day(year, wanted.rounds, sections)
        if "history" in parts:
            rows += long_history(folder, wanted.rounds, wanted.runs)
        if "http" in parts:
            rows += http(folder, min(HTTP_RECORDS, wanted.records), wanted.rounds)
        if "reading" in parts:
            rows += reading(folder, min(READING_RECORDS, wanted.records), wanted.rounds)
        if "avro" in parts:
            rows += avro(folder, min(AVRO_RECORDS, wanted.records), wanted.rounds)
        if "events" in parts:
            rows += events(folder, wanted.events, wanted.rounds, say)
        if "dashboard" in parts:
            rows += speed(folder, wanted.records, wanted.events, wanted.rounds, say)
        if wanted.tenfold:
            rows += tenfold(year)
    page = "\n\n".join([report.table(rows), report.machine(), *sections])
    print(page)
    if wanted.page:
        wanted.page.write_text(f"# What adhouse costs\n\n{page}\n")


def _where_time_goes(title: str, home: Workspace, usage: Usage) -> list[str]:
    log = home.last_log
    return [phases.section(title, usage.seconds, phases.phases(log))] if log else []


def _told(usage: Usage) -> str:
    return f"{usage.seconds:.1f} s, {usage.cpu_seconds:.1f} s of CPU, {report.gib(usage.peak_bytes)}"


if __name__ == "__main__":
    main()
