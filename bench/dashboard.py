"""What the dashboard costs: a person in a real browser beside an empty page of Streamlit, and ten people at once."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median, quantiles

from playwright.sync_api import Browser

from bench import people
from bench.browser import Opened, chosen, chromium, newcomer, opened
from bench.processes import measured, script
from bench.report import gib
from bench.serving import Server, dashboard, empty_page, serving

PAGES = {"Overview": "", "Campaigns": "campaigns", "Geography": "geography"}
CHANGES = 10  # of a filter, each round
PEOPLE, CHANGES_EACH, THINKING = 10, 20, 3.0
SESSIONS, VIEWS = 6, 500
OPENED_BEFORE = 2  # a browser keeps compiled scripts when it has run them twice, and uses them from then on
Row = tuple[str, str, str, str, str]
Say = Callable[[str], None]


def speed(folder: Path, deliveries: int, impressions: int, rounds: int, say: Say) -> list[Row]:
    """Every row of the dashboard, over so many delivery records and impressions."""
    home = _home(folder / f"dashboard-{impressions}", deliveries, impressions)
    settings = {"ADHOUSE_HOME": str(home), "HOME": str(_streamlit_home(home))}
    with serving(dashboard, settings) as ours, serving(empty_page, {}) as empty, chromium() as browser:
        rows = _first_session(ours)
        if browser is None:
            say("dashboard: no Chromium found, so no person in a browser is measured")
        else:
            for title, path in PAGES.items():
                rows += _openings(browser, title, f"{ours.url}/{path}", empty.url, rounds, say)
                rows += _changes(browser, title, path, ours, empty, rounds, say)
        rows += _people(ours, say)
        people.look_at_views(ours.url, VIEWS)
        rows.append((f"memory after {VIEWS} different views", gib(ours.memory_bytes()), "", "", "0.68 GiB"))
    return [(f"dashboard: {row[0]}", *row[1:]) for row in rows]


def _home(folder: Path, deliveries: int, impressions: int) -> Path:
    """A data folder with a published build, made when it is first asked for."""
    if not folder.exists():
        part = folder.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        measured(script("bench.dashboard_file", deliveries, impressions, part))
        part.rename(folder)
    return folder


def _streamlit_home(home: Path) -> Path:
    """The home of somebody whose Streamlit has its agent API on, by which people without a browser come."""
    config = home / ".streamlit" / "config.toml"
    config.parent.mkdir(exist_ok=True)
    config.write_text("[server]\nenableAgentApi = true\n")
    return home


def _first_session(ours: Server) -> list[Row]:
    first, *later = people.first_views(ours.url, SESSIONS)
    ratio = f"{first / median(later):.2f}"
    return [("first session after the start", f"{first:.2f} s", f"{_range(later)} later ones", ratio, "1")]


def _openings(browser: Browser, title: str, ours: str, empty: str, rounds: int, say: Say) -> list[Row]:
    """A page with a cold and with a warm cache of the browser, in turn with the empty page."""
    rows = []
    for is_warm, most in ((False, "2.5 s, ratio 2"), (True, "2 s, ratio 2")):
        both = [_opening(browser, address, is_warm=is_warm) for _ in range(rounds) for address in (ours, empty)]
        what = f"{title}, {'warm' if is_warm else 'cold'} browser"
        for part, target in (("first", most), ("whole", "2.5 s" if is_warm else "")):
            mine, least = ([getattr(one, part) for one in both[side::2]] for side in (0, 1))
            name = f"{what}: {'first number' if part == 'first' else 'whole page'}"
            say(f"dashboard: {name} {_range(mine)}, of the empty page {_range(least)}")
            rows.append(_beside(name, mine, least, target))
    return rows


def _opening(browser: Browser, address: str, *, is_warm: bool) -> Opened:
    with newcomer(browser) as person:
        for _ in range(OPENED_BEFORE if is_warm else 0):
            with person.new_page() as before:
                opened(before, address)
        return opened(person.new_page(), address)


def _changes(browser: Browser, title: str, path: str, ours: Server, empty: Server, rounds: int, say: Say) -> list[Row]:
    """One brand more on a page, again and again, each a view that nobody saw; and the same on the empty page."""
    took: dict[Server, list[float]] = {ours: [], empty: []}
    cpu = 0.0
    for number in range(rounds):
        brands = [f"Brand {(number * CHANGES + one) % 40:02}" for one in range(CHANGES)]
        for server, address in ((ours, f"{ours.url}/{path}"), (empty, empty.url)):
            with newcomer(browser) as person:
                page = person.new_page()
                opened(page, address)
                before = server.cpu_seconds()
                took[server] += [chosen(page, "Brand", brand) for brand in brands]
                cpu += server.cpu_seconds() - before if server is ours else 0
    mine, least = took.values()
    say(f"dashboard: {title}, filter change {_range(mine)}, of the empty page {_range(least)}")
    per_change = f"{1000 * cpu / len(mine):.0f} ms"
    return [
        _beside(f"{title}: filter change, median", mine, least, "0.5 s"),
        (f"{title}: filter change, 95 % within", f"{_most(mine):.2f} s", f"{_most(least):.2f} s empty page", "", "1 s"),
        (f"{title}: CPU of the server for it", per_change, "", "", "200 ms"),
    ]


def _people(ours: Server, say: Say) -> list[Row]:
    rows = []
    for pause, how, target in ((THINKING, f"who think {THINKING:.0f} s", "1 s"), (0.0, "without a pause", "3 s")):
        took = people.changes(ours.url, PEOPLE, CHANGES_EACH, pause)
        say(f"dashboard: {PEOPLE} people {how}: {_range(took)}")
        what = f"{PEOPLE} people {how}: filter change, 95 % within"
        rows.append((what, f"{_most(took):.2f} s", f"{median(took):.2f} s at the median", "", target))
    return rows


def _beside(what: str, ours: Sequence[float], empty: Sequence[float], target: str) -> Row:
    ratio = f"{median(ours) / median(empty):.2f}"
    return (what, _range(ours), f"{_range(empty)} empty page", ratio, target)


def _range(values: Sequence[float]) -> str:
    return f"{median(values):.2f} s ({min(values):.2f} to {max(values):.2f})"


def _most(values: Sequence[float]) -> float:
    """What 95 of 100 are within."""
    return quantiles(values, n=20, method="inclusive")[-1]
