"""The select of everything quarantined: whole files, records that could not be read, records that broke a rule.

Both engines are asked the same; they differ in where a raw table is (`_raw`) and in how a row becomes JSON (`_record`).
"""

from typing import Literal

from extract.registry import KINDS

Engine = Literal["duckdb", "athena"]


def quarantined(engine: Engine, lake_url: str, *, has_records: bool = True) -> str:
    """Gives the select, over the marts and the lake: reason, source, _source, _position, _received_at, payload.

    Args:
        engine: Which engine is asked.
        lake_url: The folder of the lake; of Athena's, the tables have names instead.
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
            from {_raw(engine, lake_url, table)}
            where {only} and _dlt_load_id in (
                select load_id from {_raw(engine, lake_url, "_dlt_loads")} where status = 0
            )
            """  # noqa: S608 the text is ours
        )
    if has_records:
        parts.append(
            f"""
            select
                reason, source, _source, _position,
                cast(_received_at as timestamp) as _received_at, {_record(engine)} as payload
            from marts.quarantined_deliveries
            """  # noqa: S608 the text is ours
        )
    return " union all ".join(parts)


def literal(text: str) -> str:
    """The text as a string in SQL; in that of both engines nothing but the quote has a meaning there."""
    return "'" + text.replace("'", "''") + "'"


def _raw(engine: Engine, lake_url: str, table: str) -> str:
    """Where a raw table is, for use after `from`."""
    if engine == "athena":
        return f"raw.{table}"
    folder = literal(f"{lake_url}/raw/{table}")[:-1]
    return f"read_json({folder}/*.jsonl')" if table == "_dlt_loads" else f"read_parquet({folder}/**/*.parquet')"


def _record(engine: Engine) -> str:
    fields = KINDS["campaign_delivery"].record_type.fields
    if engine == "athena":
        return f"json_format(cast((select {', '.join(fields)}) as json))"
    return f"to_json(struct_pack({', '.join(f'{name} := {name}' for name in fields)}))::varchar"
