"""What a run ends with and `adhouse status` shows: the top campaigns, the balance of the sources, the state."""

from collections.abc import Mapping
from dataclasses import asdict
from decimal import Decimal
from textwrap import fill
from typing import Any

from adhouse.commands.quarantine import Quarantined, as_dicts, quarantine
from adhouse.console import Terminal
from adhouse.last_run import last_run
from adhouse.lock import holder_of
from adhouse.settings import Settings
from adhouse.warehouse.base import BuildRecord, is_published
from adhouse.warehouse.open import open_warehouse

COUNTS = ("read", "loaded", "rejected", "superseded", "duplicate", "quarantined", "kept")
TOP_CAMPAIGNS = 10
WARNINGS = 10  # of a kind that status shows; the marts have all
WIDTH = 80
MILLIONS_FROM = 10_000_000  # above this the table of top campaigns would be wider than 80 columns


def status(settings: Settings) -> dict[str, Any]:
    """Gathers the state without waiting for a run, as JSON has it; on Athena also what the last build read."""
    holder, warehouse = _holder(settings), open_warehouse(settings)
    state = {
        "last_run": last_run(settings.home, is_running=holder is not None),
        "published": warehouse.facts(),
        "newest": _newest(warehouse.newest()),
        "sources": sources(settings),
        "overlaps": overlaps(settings),
        "unusable": unusable(settings),
        "quarantined_files": as_dicts(_quarantined_files(settings)),
        "pending": waiting_files(settings),
        "lock": holder,
    }
    if read := warehouse.bytes_read():
        state["read"] = {name: {"queries": queries, "bytes": size} for name, (queries, size) in read.items()}
    return state


def show_status(terminal: Terminal, settings: Settings) -> None:
    """Prints the state for a person."""
    state = status(settings)
    last, lock = state["last_run"], state["lock"]
    lines = {
        "last run": f"{last['command']}, {last['started']}: {last['outcome']}" if last else "none yet: `adhouse run`",
        "published": _published(state["published"]),
        "newest": _unpublished(state["newest"], state["published"]),
        "lock": f"pid {lock['pid']} since {lock['started']}, {lock['command']}" if lock else "free",
        "inbox": ", ".join(f"{len(names)} for {source}" for source, names in state["pending"].items()) or "empty",
    }
    for name, text in lines.items():
        if text:
            terminal.result(f"{name:<10} {text}")
    for file in state["quarantined_files"]:
        said = f"not loaded {file['problem']} ({file['reason']}); to do: {file['what_to_do']}"
        terminal.result(fill(said, WIDTH, subsequent_indent=" " * 11))
    show_balance(terminal, settings)
    for message in state["unusable"] + state["overlaps"]:
        terminal.message(f"warning: {message}", "yellow")
    if read := state.get("read"):
        show_bytes_read(terminal, read)


def show_balance(terminal: Terminal, settings: Settings) -> None:
    """Prints what became of every record ever read: a column for each source, the reasons below their sum."""
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


def show_missing_dates(terminal: Terminal, settings: Settings) -> None:
    """Prints how many of the published records have no date of their own, and which day they count on instead."""
    counted = """
        select date_source, count(*) from marts.processed_campaign_data
        where date_source <> 'observed' group by 1 order by 1
    """
    days = {"asked": "on the day asked for", "received": "on the day of receipt"}
    counts = open_warehouse(settings).ask("processed_campaign_data", counted)
    if counts:
        said = ", ".join(f"{number:,} count {days[source]}" for source, number in counts)
        terminal.result(f"without a date: {said}")


def show_bytes_read(terminal: Terminal, read: Mapping[str, Mapping[str, int]]) -> None:
    """Prints how much the last build read, the most expensive model first."""
    dearest = sorted(read.items(), key=lambda of: (-of[1]["bytes"], of[0]))
    rows: list[list[object]] = [[name, of["queries"], _megabytes(of["bytes"])] for name, of in dearest if of["bytes"]]
    queries, size = (sum(of[unit] for of in read.values()) for unit in ("queries", "bytes"))
    rows.append(["all", queries, _megabytes(size)])
    terminal.table(["read by the last build", "queries", "MB"], rows)


def show_top_campaigns(terminal: Terminal, settings: Settings) -> None:
    """Prints the campaigns with the highest spend, from the published build."""
    best = f"""
        select campaign_id, total_impressions, total_clicks, total_spend, total_conversions, ctr, cpc, conversion_rate
        from marts.campaign_summary order by total_spend desc nulls last, campaign_id limit {TOP_CAMPAIGNS}
    """  # noqa: S608 the text is ours
    rows = open_warehouse(settings).ask("campaign_summary", best)
    if not rows:
        terminal.result("no campaign has delivered yet")
        return
    shown = [
        [campaign, *map(_short, (impressions, clicks, spend)), _count(conversions), *_rates(ctr, cpc, cvr)]
        for campaign, impressions, clicks, spend, conversions, ctr, cpc, cvr in rows
    ]
    columns = ["top campaign", "impressions", "clicks", f"spend {settings.currency}", "conv.", "ctr", "cpc", "cvr"]
    terminal.table(columns, shown)


def sources(settings: Settings) -> dict[str, dict[str, int]]:
    """The balance of each source over all its days, from the published build."""
    totals = ", ".join(f"cast(sum(records_{count}) as bigint)" for count in COUNTS)
    summed = f"select source, {totals} from marts.data_quality group by source order by source"  # noqa: S608
    rows = open_warehouse(settings).ask("data_quality", summed)
    return {source: dict(zip(COUNTS, numbers, strict=True)) for source, *numbers in rows}


def overlaps(settings: Settings) -> list[str]:
    """The published warnings about files that may count twice or be missing, the most money at stake first."""
    most = f"select message from marts.file_overlaps order by abs(spend) desc, message limit {WARNINGS}"  # noqa: S608
    return [message for (message,) in open_warehouse(settings).ask("file_overlaps", most)]


def unusable(settings: Settings) -> list[str]:
    """The published warnings about fetches and files that replace nothing, as no record of theirs passes the rules."""
    newest = f"""
        select warning from marts.source_balances
        where warning is not null order by received_at desc, warning limit {WARNINGS}
    """  # noqa: S608 the text is ours
    return [warning for (warning,) in open_warehouse(settings).ask("source_balances", newest)]


def quarantine_reasons(settings: Settings) -> list[Any]:
    """The number of records quarantined for each reason and source: (reason, source, records), as published."""
    warehouse = open_warehouse(settings)
    counted = [
        row
        for mart in ("quarantined_deliveries", "quarantined_events")
        if is_published(warehouse, mart)
        for row in warehouse.ask(mart, f"select reason, source, count(*) from marts.{mart} group by 1, 2")  # noqa: S608
    ]
    return sorted(counted)


def waiting_files(settings: Settings) -> dict[str, list[str]]:
    """The names of the files in each inbox that has any."""
    from extract import inbox
    from extract.storage import Folder

    folder = Folder.at(settings.data_url).below("inbox")
    sources = [entry.name for entry in folder.entries() if entry.kind == "directory"]
    waiting = {source: inbox.waiting_files(folder.below(source)) for source in sources}
    return {source: names for source, names in sorted(waiting.items()) if names}


def _quarantined_files(settings: Settings) -> list[Quarantined]:
    """The files that are quarantined whole, and were not repaired since."""
    if open_warehouse(settings).published() is None:
        return []
    return quarantine(settings, None, None, None, has_all=False, has_records=False)


def _published(facts: Mapping[str, Any] | None) -> str:
    if not facts:
        return "nothing yet"
    rolled_back = ", after a roll-back" if facts.get("is_rolled_back") else ""
    return f"build {facts['build_id']}, as of {facts['as_of']}{rolled_back}"


def _newest(build: BuildRecord | None) -> dict[str, str] | None:
    return {"build_id": build.build_id, "status": build.status} if build else None


def _unpublished(newest: Mapping[str, str] | None, published: Mapping[str, Any] | None) -> str:
    """What there is to say of a newest build that readers do not see."""
    if newest is None or (newest["status"] == "audited" and published and published["build_id"] == newest["build_id"]):
        return ""
    said = {
        "building": "was not finished: `adhouse run` finishes it",
        "failed": "failed its audit",
        "audited": "passed its audit and is not published: `adhouse publish`",
        "changed": "the tables were changed after it, for example by dbt by hand, and that is not published: "
        "`adhouse build` audits them, `adhouse publish` shows them to readers",
    }
    return f"build {newest['build_id']}: {said[newest['status']]}"


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:,.2f}"


def _short(number: int | Decimal) -> str:
    if not -MILLIONS_FROM < number < MILLIONS_FROM:
        return f"{number / 1_000_000:,.1f}M"
    return f"{number:,.2f}" if isinstance(number, Decimal) else f"{number:,}"


def _count(number: Decimal) -> str:
    """A count that may be a fraction."""
    return _short(int(number)) if number == int(number) else _short(number)


def _rates(ctr: float, cpc: float, cvr: float) -> tuple[str, str, str]:
    return f"{ctr:.2%}", f"{cpc:,.2f}", f"{cvr:.2%}"


def _holder(settings: Settings) -> dict[str, Any] | None:
    if holder := holder_of(settings.home):
        return asdict(holder)
    if not settings.is_in_cloud:
        return None
    from adhouse.aws.lease import lease_holder

    lessee = lease_holder(settings.lake_url)
    return asdict(lessee) if lessee else None
