"""What was set aside, in one list: whole files, records that could not be read, and records that broke a rule.

Both engines are asked the same; they differ in where a raw table is (`_raw`) and in how a row becomes JSON (`RECORD`).
"""

from datetime import datetime
from typing import NamedTuple

from adhouse.console import Terminal
from adhouse.errors import CommandError
from adhouse.settings import FIELDS, Settings
from adhouse.warehouse.base import open_warehouse

RECORD = {
    "duckdb": f"to_json(struct_pack({', '.join(f'{name} := {name}' for name in FIELDS)}))::varchar",
    "athena": f"json_format(cast((select {', '.join(FIELDS)}) as json))",
}


class Quarantined(NamedTuple):
    """One thing set aside: why, where it came from, and what it was; a file quarantined whole has no position."""

    reason: str
    source: str
    delivered_in: str
    position: int | None
    received_at: datetime
    payload: str | None


def show(terminal: Terminal, settings: Settings, reason: str | None, source: str | None, limit: int) -> None:
    """Prints the newest of the list, and how to get the rest."""
    found = quarantine(settings, reason, source, limit + 1)
    if not found:
        terminal.result("nothing is set aside")
        return
    for one in found[:limit]:
        place = one.delivered_in if one.position is None else f"{one.delivered_in} record {one.position}"
        terminal.result(one.reason, "bold")
        terminal.result(f"  {place}")
        terminal.result(f"  {one.payload or 'no payload'}"[: terminal.width])
    if len(found) > limit:
        terminal.message(f"the newest {limit}; all of them: --csv or --json, fewer: --reason, --source, --limit")


def quarantine(settings: Settings, reason: str | None, source: str | None, limit: int | None) -> list[Quarantined]:
    """Lists what was set aside, newest first, as the published build and the lake have it; never waits for a run."""
    builds = open_warehouse(settings)
    if builds.published() is None:
        raise CommandError("nothing is published yet", "`adhouse run` does it")
    wanted = {"reason": reason, "source": source}
    only = [f"{column} = {_literal(value)}" for column, value in wanted.items() if value is not None]
    listed = f"""
        select reason, source, _source, _position, _received_at, payload from ({set_aside(settings)}) as every_one
        where {" and ".join(only) or "true"}
        order by _received_at desc, _source, _position
        {f"limit {limit:d}" if limit else ""}
    """  # noqa: S608 the text is ours, the values are quoted
    return [Quarantined(*row) for row in builds.ask("quarantined_deliveries", listed)]


def set_aside(settings: Settings, *, has_records: bool = True) -> str:
    """Gives the select of everything set aside, over the marts and the lake; its columns are Quarantined's.

    Args:
        settings: Where everything is.
        has_records: Whether there is a table of the records that broke a rule.
    """
    parts = []
    for table, position, payload, only in (
        ("rejected_records", "_position", "payload", "true"),
        ("loaded_files", "cast(null as bigint)", "file_name", "status = 'quarantined'"),
    ):
        parts.append(
            f"""
            select
                reason, source, _source, {position} as _position,
                cast(_received_at as timestamp) as _received_at, {payload} as payload
            from {_raw(settings, table)}
            where {only} and _dlt_load_id in (select load_id from {_raw(settings, "_dlt_loads")} where status = 0)
            """  # noqa: S608 the text is ours
        )
    if has_records:
        parts.append(
            f"""
            select
                reason, split_part(_source, '/', 1) as source, _source, _position,
                cast(_received_at as timestamp) as _received_at, {RECORD[settings.target]} as payload
            from marts.quarantined_deliveries
            """  # noqa: S608 the text is ours
        )
    return " union all ".join(parts)


def _raw(settings: Settings, table: str) -> str:
    """Where a raw table is, for use after `from`."""
    if settings.is_in_cloud:
        return f"raw.{table}"
    folder = _literal(f"{settings.lake_url}/raw/{table}")[:-1]
    return f"read_json({folder}/*.jsonl')" if table == "_dlt_loads" else f"read_parquet({folder}/**/*.parquet')"


def _literal(text: str) -> str:
    """The text as a string in SQL; in that of both engines nothing but the quote has a meaning there."""
    return "'" + text.replace("'", "''") + "'"
