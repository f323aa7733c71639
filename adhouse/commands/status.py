"""What a run ends with and `adhouse status` shows: the best campaigns, the balance of the sources, the state."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from adhouse.console import Terminal
from adhouse.lock import holder_of
from adhouse.settings import Settings
from adhouse.warehouse.base import open_warehouse

if TYPE_CHECKING:
    from extract.storage import Folder

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
    """Gathers the state, without waiting for a run: last_run, published, sources, pending, lock; on Athena, read."""
    holder = _holder(settings)
    state = {
        "last_run": _last_run(settings, is_running=holder is not None),
        "published": open_warehouse(settings).facts(),
        "sources": sources(settings),
        "pending": _pending(settings),
        "lock": holder,
    }
    if read := open_warehouse(settings).read():
        state["read"] = {name: {"queries": queries, "bytes": size} for name, (queries, size) in read.items()}
    return state


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
    if read := state.get("read"):
        show_bytes_read(terminal, read)


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


def show_bytes_read(terminal: Terminal, read: Mapping[str, Mapping[str, int]]) -> None:
    """Prints what the last build has read, the dearest model first."""
    dearest = sorted(read.items(), key=lambda of: (-of[1]["bytes"], of[0]))
    rows: list[list[object]] = [[name, of["queries"], _megabytes(of["bytes"])] for name, of in dearest if of["bytes"]]
    queries, size = (sum(of[unit] for of in read.values()) for unit in ("queries", "bytes"))
    rows.append(["all", queries, _megabytes(size)])
    terminal.table(["the last build read", "queries", "MB"], rows)


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:,.2f}"


def show_top_campaigns(terminal: Terminal, settings: Settings) -> None:
    """Prints the campaigns that spent most, from the published build."""
    best = f"""
        select campaign_id, total_impressions, total_clicks, total_spend, total_conversions, ctr, cpc, conversion_rate
        from marts.campaign_summary order by total_spend desc nulls last, campaign_id limit {TOP_CAMPAIGNS}
    """  # noqa: S608 the text is ours
    rows = open_warehouse(settings).ask("campaign_summary", best)
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
    totals = ", ".join(f"cast(sum(records_{count}) as bigint)" for count in COUNTS)
    summed = f"select source, {totals} from marts.data_quality group by source order by source"  # noqa: S608
    rows = open_warehouse(settings).ask("data_quality", summed)
    return {source: dict(zip(COUNTS, numbers, strict=True)) for source, *numbers in rows}


def quarantine_reasons(settings: Settings) -> list[Any]:
    """How many records each reason has set aside, per source: (reason, source, records), from the published build."""
    counted = """
        select reason, split_part(_source, '/', 1) as source, count(*) from marts.quarantined_deliveries
        group by 1, 2 order by 1, 2
    """
    return [*open_warehouse(settings).ask("quarantined_deliveries", counted)]


def _last_run(settings: Settings, *, is_running: bool) -> dict[str, Any] | None:
    try:
        last: dict[str, Any] = json.loads((settings.home / "last_run.json").read_text())
    except FileNotFoundError:
        return None
    if last["ended"] is None and not is_running:
        last["outcome"] = "was killed; the same command resumes"
    return last


def _pending(settings: Settings) -> dict[str, list[str]]:
    from extract.storage import Folder

    inbox = Folder.at(settings.data_url).below("inbox")
    waiting = {entry.name: _waiting(inbox.below(entry.name)) for entry in inbox.entries() if entry.kind == "directory"}
    return {source: names for source, names in sorted(waiting.items()) if names}


def _waiting(folder: "Folder") -> list[str]:
    taken_never = (".part", ".tmp")
    names = (entry.name for entry in folder.entries() if entry.kind == "file" and not entry.name.startswith("."))
    return sorted(name for name in names if not name.endswith(taken_never))


def _holder(settings: Settings) -> dict[str, Any] | None:
    if holder := holder_of(settings.home):
        return asdict(holder)
    if not settings.is_in_cloud:
        return None
    from adhouse.aws.lease import lease_holder

    lessee = lease_holder(settings.lake_url)
    return asdict(lessee) if lessee else None
