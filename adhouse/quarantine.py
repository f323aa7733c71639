"""What was set aside, in one list: whole files, records that could not be read, and records that broke a rule."""

from datetime import datetime
from typing import NamedTuple

import duckdb

from adhouse.console import Terminal
from adhouse.exits import CommandError
from adhouse.publish import LINK
from adhouse.settings import FIELDS, Settings
from adhouse.warehouse import has_table, opened


class SetAside(NamedTuple):
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


def quarantine(settings: Settings, reason: str | None, source: str | None, limit: int | None) -> list[SetAside]:
    """Lists what was set aside, newest first, as the published build and the lake have it; never waits for a run."""
    if settings.is_in_cloud:
        raise CommandError(
            "what is set aside in Athena is not listed here yet",
            "ask Athena: marts.quarantined_deliveries, raw.rejected_records, raw.loaded_files (quarantined)",
        )
    if not (settings.published / LINK).exists():
        raise CommandError(f"nothing is published yet: looked for {settings.published / LINK}", "`adhouse run` does it")
    with opened(settings.published / LINK, read_only=True) as connection:
        rows = connection.execute(
            f"""
            select reason, source, _source, _position, _received_at, payload from ({set_aside(connection, settings)})
            where (? is null or reason = ?) and (? is null or source = ?)
            order by _received_at desc, _source, _position
            limit ?
            """,  # noqa: S608 the text is ours, the values are parameters
            [reason, reason, source, source, limit],
        ).fetchall()
    return [SetAside(*row) for row in rows]


def set_aside(connection: duckdb.DuckDBPyConnection, settings: Settings) -> str:
    """Gives the select of everything set aside, over an opened marts file and the lake; its columns are SetAside's."""
    raw = f"{settings.lake_url}/raw".replace("'", "''")
    parts = []
    for table, position, payload, only in (
        ("rejected_records", "_position", "payload", "true"),
        ("loaded_files", "null::bigint", "file_name", "status = 'quarantined'"),
    ):
        parts.append(
            f"""
            select
                reason, source, _source, {position} as _position,
                make_timestamp(epoch_us(_received_at)) as _received_at, {payload} as payload
            from read_parquet('{raw}/{table}/**/*.parquet')
            where {only} and _dlt_load_id in (
                select load_id from read_json('{raw}/_dlt_loads/*.jsonl') where status = 0
            )
            """  # noqa: S608
        )
    if has_table(connection, "marts", "quarantined_deliveries"):
        fields = ", ".join(f"{name} := {name}" for name in FIELDS)
        parts.append(
            f"""
            select
                reason, split_part(_source, '/', 1) as source, _source, _position,
                make_timestamp(epoch_us(_received_at)) as _received_at,
                to_json(struct_pack({fields}))::varchar as payload
            from marts.quarantined_deliveries
            """  # noqa: S608
        )
    return " union all ".join(parts)
