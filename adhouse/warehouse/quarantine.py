"""The select of everything quarantined: whole files, records that could not be read, records that broke a rule.

Both engines are asked the same; they differ in where a raw table is (`raw_table`) and in how a row becomes JSON
(`_record`).
"""

from collections.abc import Sequence
from typing import Literal

from extract.registry import KINDS

Engine = Literal["duckdb", "athena"]

_NO_BALANCES = """
    (
        select
            cast(null as varchar) as _source, cast(null as varchar) as kind, cast(null as varchar) as _dlt_load_id,
            cast(null as bigint) as records_loaded, cast(null as bigint) as records_superseded
        where false
    ) as nothing
"""
EVENT_FIELDS = ("event_id", "event_time", "ad_id", "campaign_id", "price")


def quarantined(engine: Engine, lake_url: str, *, has_records: bool = True, has_events: bool = True) -> str:
    """Gives the select, over the marts and the lake.

    Its columns are reason, source, kind, _source, _position, line, field, value, detail, payload, _received_at and
    is_repaired: whether a newer file or fetch, or a newer reading of the same one, took its place, or it was retracted,
    or newer ones have every day that it had;
    and is_broken_rule: whether it is a record that could be read and broke a rule.

    Args:
        engine: Which engine is asked.
        lake_url: The folder of the lake; of Athena's, the tables have names instead.
        has_records: Whether there are tables of the records of delivery that broke a rule, and of the balance.
        has_events: Whether there is one of those of events.
    """
    is_complete = f"_dlt_load_id in (select load_id from {raw_table(engine, lake_url, '_dlt_loads')} where status = 0)"  # noqa: S608
    parts = [
        """
        select
            rejected.reason, rejected.source, rejected.kind, rejected._source, rejected._position, rejected.line,
            rejected.field, rejected.value, cast(null as varchar) as detail, rejected.payload,
            cast(rejected._received_at as timestamp) as _received_at,
            (units.replaces is not null and units.newest_loaded > units.receipt_number)
            or units.reading < units.newest_reading or coalesce(balances.is_gone, false) as is_repaired,
            false as is_broken_rule
        from rejected inner join units
            on rejected._source = units._source and rejected.kind = units.kind
            and rejected._dlt_load_id = units._dlt_load_id
        left join balances
            on rejected._source = balances._source and rejected.kind = balances.kind
            and rejected._dlt_load_id = balances._dlt_load_id
        """,
        """
        select
            reason, source, kind, _source, cast(null as bigint) as _position, cast(null as bigint) as line,
            cast(null as varchar) as field, cast(null as varchar) as value, detail, cast(null as varchar) as payload,
            cast(_received_at as timestamp) as _received_at,
            coalesce(
                newest_loaded > receipt_number or reading < newest_reading or reading < newest_unloaded, false
            ) as is_repaired,
            false as is_broken_rule
        from units where status = 'quarantined'
        """,
    ]
    if has_records:
        parts.append(
            f"""
            select
                reason, source, 'campaign_delivery' as kind, _source, _position, cast(null as bigint) as line,
                cast(null as varchar) as field, cast(null as varchar) as value, cast(null as varchar) as detail,
                {_as_json(engine, _delivery_fields())} as payload, cast(_received_at as timestamp) as _received_at,
                false as is_repaired, true as is_broken_rule
            from marts.quarantined_deliveries
            """  # noqa: S608 the text is ours
        )
    if has_events:
        parts.append(
            f"""
            select
                reason, source, kind, _source, _position, cast(null as bigint) as line,
                cast(null as varchar) as field, cast(null as varchar) as value, cast(null as varchar) as detail,
                {_as_json(engine, EVENT_FIELDS)} as payload, cast(_received_at as timestamp) as _received_at,
                false as is_repaired, true as is_broken_rule
            from marts.quarantined_events
            """  # noqa: S608 the text is ours
        )
    return f"""
        with
        received as (
            select
                source, kind, _source, _dlt_load_id, _received_at, receipt_number, reading, _replaces as replaces,
                _replaces as place, complete and not unchanged as is_loaded, cast(null as varchar) as status,
                cast(null as varchar) as reason, cast(null as varchar) as detail
            from {raw_table(engine, lake_url, "fetches")} where {is_complete}
            union all
            select
                source, kind, _source, _dlt_load_id, _received_at, receipt_number, reading, _replaces as replaces,
                source || '/' || file_name as place, status = 'loaded' or _replaces is not null as is_loaded,
                status, reason, detail
            from {raw_table(engine, lake_url, "loaded_files")} where {is_complete}
        ),
        read_again as (
            select
                *,
                max(case when is_loaded or status = 'retracted' then reading end) over unit as newest_reading,
                max(case when status in ('retracted', 'quarantined') then reading end) over unit as newest_unloaded
            from received
            window unit as (partition by kind, _source)
        ),
        units as (
            select
                *,
                max(
                    case when is_loaded and coalesce(reading > newest_unloaded, true) then receipt_number end
                ) over (partition by kind, place) as newest_loaded
            from read_again
        ),
        balances as (
            select
                _source, kind, _dlt_load_id, records_loaded > 0 and records_superseded = records_loaded as is_gone
            from {"marts.source_balances" if has_records else _NO_BALANCES}
        ),
        rejected as (
            select * from {raw_table(engine, lake_url, "rejected_records")} where {is_complete}
        )
        {" union all ".join(parts)}
    """  # noqa: S608 the text is ours


def literal(text: str) -> str:
    """The text as a string in SQL; in that of both engines nothing but the quote has a meaning there."""
    return "'" + text.replace("'", "''") + "'"


def raw_table(engine: Engine, lake_url: str, table: str) -> str:
    """Where a raw table is, for use after `from`."""
    if engine == "athena":
        return f"raw.{table}"
    folder = literal(f"{lake_url}/raw/{table}")[:-1]
    if table == "_dlt_loads":
        return f"read_json({folder}/*.jsonl', columns = {{load_id: 'varchar', status: 'bigint'}})"
    return f"read_parquet({folder}/*.parquet', union_by_name = true)"


def _delivery_fields() -> list[str]:
    record_type = KINDS["campaign_delivery"].record_type
    return [*(name for name in record_type.fields if name in record_type.required), "currency"]


def _as_json(engine: Engine, fields: Sequence[str]) -> str:
    if engine == "athena":
        return f"json_format(cast((select {', '.join(fields)}) as json))"
    return f"to_json(struct_pack({', '.join(f'{name} := {name}' for name in fields)}))::varchar"
