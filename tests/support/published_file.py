"""A published build without a run: the marts as their contracts say, filled with a few invented rows."""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb

from adhouse.warehouse.duckdb import SCHEMA
from adhouse.warehouse.publish import publish
from support.repository import models, text_of

DELIVERY = ("source_performance", "campaign_performance", "creative_performance", "daily_performance")
MEASURES = ("impressions", "clicks", "conversions", "spend")
DAY = date(2026, 11, 5)

SEEDS = {
    "places": "place varchar, country varchar, state varchar",
    "place_aliases": "alias varchar, place varchar",
    "quarantine_reasons": "reason varchar, meaning varchar, what_to_do varchar",
}
A_DELIVERY: Mapping[str, Any] = {
    "source": "campaign_api",
    "account": "a1",
    "campaign_id": "c1",
    "ad_id": "ad1",
    "brand": "Acme",
    "country": "US",
    "state": "Texas",
    "city": "Austin",
    "zipcode": "73301",
    "date": DAY,
    "impressions": 1000,
    "clicks": 50,
    "conversions": 5,
    "spend": 12.5,
}


def delivered(**values: Any) -> dict[str, Any]:
    """A delivery record, like the usual one but for these values."""
    return {**A_DELIVERY, **values}


def publish_invented(
    folder: Path,
    deliveries: Sequence[Mapping[str, Any]],
    others: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    *,
    build_id: str = "000001-20261106T040000Z-test",
    as_of: datetime = datetime(2026, 11, 6),  # noqa: DTZ001 as it is stored
    time_zone: str = "UTC",
) -> Path:
    """Publishes marts with these rows and gives the link that readers open.

    Args:
        folder: The folder `published`.
        deliveries: Records as `delivered` makes them; each delivery mart has their sums.
        others: Rows of other marts, by mart; columns that are left out are null.
        build_id: The id of the build.
        as_of: Its report day begins (UTC).
        time_zone: Its report time zone.
    """
    file = folder.parent / f"{build_id}.duckdb"
    with duckdb.connect(file) as connection:
        connection.execute("begin")
        connection.execute("create schema marts")
        for model in models():
            if model.layer == "marts":
                columns = [f'"{column["name"]}" {column["data_type"]}' for column in model.columns]
                connection.execute(f"create table marts.{model.name} ({', '.join(columns)})")
                for column in model.columns:
                    text = _resolved(column["description"]).replace("'", "''")
                    connection.execute(f"comment on column marts.{model.name}.{column['name']} is '{text}'")
        for seed, seed_columns in SEEDS.items():
            connection.execute(f"create table marts.{seed} ({seed_columns})")
        connection.execute(SCHEMA)
        connection.execute(
            """
            insert into ops.builds (build_id, command, status, as_of, started_at, report_timezone, restated_days)
            values (?, 'adhouse run', 'audited', ?, ?, ?, 3)
            """,
            [build_id, as_of, as_of, time_zone],
        )
        _insert_deliveries(connection, deliveries)
        for mart, rows in (others or {}).items():
            for row in rows:
                names, marks = ", ".join(row), ", ".join("?" * len(row))
                table = mart if "." in mart else f"marts.{mart}"
                connection.execute(f"insert into {table} ({names}) values ({marks})", [*row.values()])
        connection.execute("commit")
        connection.execute("checkpoint")
    publish(file, folder, build_id)
    return folder / "marts.duckdb"


def _insert_deliveries(connection: duckdb.DuckDBPyConnection, deliveries: Sequence[Mapping[str, Any]]) -> None:
    connection.execute("create temp table delivered as from marts.creative_performance limit 0")
    connection.execute(
        "alter table delivered add column source varchar; alter table delivered add column account varchar"
    )
    for row in deliveries:
        names, marks = ", ".join(row), ", ".join("?" * len(row))
        connection.execute(f"insert into delivered ({names}) values ({marks})", [*row.values()])
    has = {model.name: [column["name"] for column in model.columns] for model in models()}
    for mart in DELIVERY:
        keys = [name for name in has[mart] if name in A_DELIVERY and name not in MEASURES]
        sums = ", ".join(f"sum({name}) as {name}" for name in MEASURES)
        currency = "'USD' as currency, " if "currency" in has[mart] else ""
        connection.execute(
            f"insert into marts.{mart} by name select {', '.join(keys)}, {currency}{sums} from delivered group by all"
        )
    connection.execute(
        """
        insert into marts.campaign_summary by name
        select
            campaign_id, sum(impressions) as total_impressions, sum(clicks) as total_clicks, sum(spend) as total_spend,
            sum(conversions) as total_conversions
        from delivered
        group by all
        """
    )


def _resolved(description: str) -> str:
    """A description with the text of the doc blocks that it names."""
    blocks = dict(re.findall(r"\{% docs (\w+) %\}(.*?)\{% enddocs %\}", text_of(Path("models/_docs.md")), re.DOTALL))
    return re.sub(r'\{\{ doc\("(\w+)"\) \}\}', lambda match: blocks[match[1]], description)
