"""What a run ends with and `adhouse status` shows: the best campaigns, the balance of the sources, the state."""

import json
import os
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import Any

from adhouse.console import Terminal
from adhouse.lock import holder_of
from adhouse.publish import LINK, current
from adhouse.settings import Settings
from adhouse.warehouse import has_table, opened

COUNTS = ("read", "loaded", "rejected", "superseded", "duplicate", "quarantined", "kept")
TOP_CAMPAIGNS = 10
MILLIONS_FROM = 10_000_000  # beyond, the table of top campaigns would be wider than 80 columns


def remember(settings: Settings, **facts: object) -> None:
    """Writes what is known of the last run, in one step, beside the data; `status` reads it."""
    path = settings.home / "last_run.json"
    unfinished = path.with_suffix(".json.tmp")
    unfinished.write_text(json.dumps(facts, default=str) + "\n")
    os.replace(unfinished, path)


def status(settings: Settings) -> dict[str, Any]:
    """Gathers the state, without waiting for a run: last_run, published, sources, pending, lock."""
    holder = holder_of(settings.home)
    return {
        "last_run": _last_run(settings, is_running=holder is not None),
        "published": _published(settings),
        "sources": sources(settings),
        "pending": {folder.name: names for folder in _folders(settings.inbox) if (names := _waiting(folder))},
        "lock": asdict(holder) if holder else None,
    }


def show_status(terminal: Terminal, settings: Settings) -> None:
    """Prints the state for a person."""
    state = status(settings)
    last, published, lock = state["last_run"], state["published"], state["lock"]
    lines = {
        "last run": f"{last['command']}, {last['started']}: {last['outcome']}" if last else "none yet: `adhouse run`",
        "published": f"build {published['build_id']}, as of {published['as_of']}" if published else "nothing yet",
        "lock": f"pid {lock['pid']} since {lock['started']}, {lock['command']}" if lock else "free",
        "inbox": ", ".join(f"{len(names)} for {source}" for source, names in state["pending"].items()) or "empty",
    }
    for name, text in lines.items():
        terminal.result(f"{name:<10} {text}")
    show_balance(terminal, settings)


def show_balance(terminal: Terminal, settings: Settings) -> None:
    """Prints what became of every record ever read: a column a source, the reasons of quarantine below their sum."""
    balance, reasons = sources(settings), quarantine_reasons(settings)
    if not balance:
        return
    rows: list[list[object]] = []
    for count in COUNTS:
        rows.append([count, *(numbers[count] for numbers in balance.values())])
        if count == "quarantined":
            for reason in dict.fromkeys(reason for reason, _, _ in reasons):
                per_source = {source: n for what, source, n in reasons if what == reason}
                rows.append([f"  {reason}", *(per_source.get(source, 0) for source in balance)])
    terminal.table(["records", *balance], rows)


def show_top_campaigns(terminal: Terminal, settings: Settings) -> None:
    """Prints the campaigns that spent most, from the published build."""
    with opened(settings.published / LINK, read_only=True) as connection:
        rows = connection.execute(
            """
            select
                campaign_id, total_impressions, total_clicks, total_spend, total_conversions, ctr, cpc, conversion_rate
            from marts.campaign_summary order by total_spend desc nulls last, campaign_id limit ?
            """,
            [TOP_CAMPAIGNS],
        ).fetchall()
    if not rows:
        terminal.result("no campaign has delivered yet")
        return
    shown = [
        [campaign, *map(_short, (impressions, clicks, spend, conversions)), f"{ctr:.2%}", f"{cpc:,.2f}", f"{cvr:.2%}"]
        for campaign, impressions, clicks, spend, conversions, ctr, cpc, cvr in rows
    ]
    columns = ["top campaign", "impressions", "clicks", f"spend {settings.currency}", "conv.", "ctr", "cpc", "cvr"]
    terminal.table(columns, shown)


def _short(number: int | Decimal) -> str:
    if not -MILLIONS_FROM < number < MILLIONS_FROM:
        return f"{number / 1_000_000:,.1f}M"
    return f"{number:,.2f}" if isinstance(number, Decimal) else f"{number:,}"


def sources(settings: Settings) -> dict[str, dict[str, int]]:
    """The balance of each source over all its days, from the published build."""
    totals = ", ".join(f"sum(records_{count})::bigint" for count in COUNTS)
    summed = f"select source, {totals} from marts.data_quality group by source order by source"  # noqa: S608
    rows = _ask(settings, "data_quality", summed)
    return {source: dict(zip(COUNTS, numbers, strict=True)) for source, *numbers in rows}


def quarantine_reasons(settings: Settings) -> list[Any]:
    """How many records each reason has set aside, per source: (reason, source, records), from the published build."""
    counted = """
        select reason, split_part(_source, '/', 1) as source, count(*) from marts.quarantined_deliveries
        group by all order by all
    """
    return _ask(settings, "quarantined_deliveries", counted)


def _ask(settings: Settings, table: str, query: str) -> list[Any]:
    link = settings.published / LINK
    if not link.exists():
        return []
    with opened(link, read_only=True) as connection:
        return connection.execute(query).fetchall() if has_table(connection, "marts", table) else []


def _last_run(settings: Settings, *, is_running: bool) -> dict[str, Any] | None:
    try:
        last: dict[str, Any] = json.loads((settings.home / "last_run.json").read_text())
    except FileNotFoundError:
        return None
    if last["ended"] is None and not is_running:
        last["outcome"] = "was killed; the same command resumes"
    return last


def _published(settings: Settings) -> dict[str, Any] | None:
    build_id = current(settings.published)
    if build_id is None:
        return None
    with opened(settings.published / LINK, read_only=True) as connection:
        found = connection.execute(
            "select as_of, tests, warnings, versions from ops.builds where build_id = ?", [build_id]
        ).fetchall()
    facts = {"build_id": build_id, "path": str(settings.published / LINK)}
    for as_of, tests, warnings, versions in found:
        facts |= {"as_of": f"{as_of:%Y-%m-%dT%H:%M:%SZ}", "tests": tests, "warnings": warnings, "versions": versions}
    return facts


def _folders(parent: Path) -> list[Path]:
    return sorted(path for path in parent.iterdir() if path.is_dir()) if parent.is_dir() else []


def _waiting(folder: Path) -> list[str]:
    taken_never = (".part", ".tmp")
    names = (path.name for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    return sorted(name for name in names if not name.endswith(taken_never))
