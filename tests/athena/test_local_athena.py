"""The local Athena, used with Amazon's clients: it does what Athena does, and refuses what Athena refuses."""

import io
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from botocore.exceptions import ClientError
from pyathena import connect

from local_athena.__main__ import SETTINGS, WORKGROUP, furnish
from local_athena.download import VERSION
from local_athena.java import version_of
from local_athena.server import REGION, LocalAthena

pytest_plugins = ["pytester"]

LAKE = "shop-lake"
DATABASE = "shop"
RESULTS = f"s3://{LAKE}/results/"
ICEBERG = "table_type = 'ICEBERG', is_external = false"


@dataclass(frozen=True)
class Shop:
    """A database in the local Athena, and how to query it."""

    athena: LocalAthena
    api: Any
    cursor: Any

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """Runs a statement with pyathena."""
        return list(self.cursor.execute(statement).fetchall())

    def start(self, statement: str, **request: Any) -> str:
        """Starts a statement with boto3."""
        given = {"ResultConfiguration": {"OutputLocation": RESULTS}, "QueryExecutionContext": {"Database": DATABASE}}
        query_id: str = self.api.start_query_execution(QueryString=statement, **given | request)["QueryExecutionId"]
        return query_id

    def ended(self, query_id: str) -> dict[str, Any]:
        """Waits for a query and returns how it ended."""
        while True:
            execution: dict[str, Any] = self.api.get_query_execution(QueryExecutionId=query_id)["QueryExecution"]
            if execution["Status"]["State"] not in {"QUEUED", "RUNNING"}:
                return execution
            time.sleep(0.02)

    def failure(self, statement: str) -> str:
        """Runs a statement that is accepted and fails, and returns the reason."""
        status = self.ended(self.start(statement))["Status"]
        assert status["State"] == "FAILED", statement
        assert status["AthenaError"]["ErrorMessage"] == status["StateChangeReason"]
        return str(status["StateChangeReason"])

    def scanned(self, statement: str) -> int:
        """Runs a statement and returns how many bytes it read."""
        execution = self.ended(self.start(statement))
        assert execution["Status"]["State"] == "SUCCEEDED", execution
        return int(execution["Statistics"]["DataScannedInBytes"])

    def drop(self, *tables: str) -> None:
        """Drops tables, with the files of Hive tables."""
        for table in tables:
            self.rows(f"drop table if exists {table}")


@pytest.fixture(scope="module")
def shop(athena: LocalAthena) -> Iterator[Shop]:
    storage = athena.client("s3")
    storage.create_bucket(Bucket=LAKE)
    file = io.BytesIO()
    pq.write_table(
        pa.table({"id": [1, 2, 3], "name": ["a", "", None], "spend": pa.array([1, 2, None], pa.decimal128(38, 12))}),
        file,
    )
    storage.put_object(Bucket=LAKE, Key="orders/1.parquet", Body=file.getvalue())
    connection = connect(
        s3_staging_dir=RESULTS,
        schema_name=DATABASE,
        region_name=REGION,
        endpoint_url=athena.endpoint,
        aws_access_key_id="local",
        aws_secret_access_key="local",
        poll_interval=0.02,
    )
    shop = Shop(athena, athena.client("athena"), connection.cursor())
    shop.rows(f"create database if not exists `{DATABASE}`")
    shop.rows(
        f"""create external table if not exists `{DATABASE}`.`orders` (
            `id` bigint comment 'the order', `name` string, `spend` decimal(38,12)
        ) stored as parquet location 's3://{LAKE}/orders/'"""
    )
    yield shop
    shop.rows(f"drop schema `{DATABASE}` cascade")


def location(table: str) -> str:
    return f"location = 's3://{LAKE}/{table}'"


# What works


def test_an_external_table_is_read(shop: Shop) -> None:
    [one, two, three] = shop.rows("select * from orders order by id")
    assert [str(value) for value in one] == ["1", "a", "1.000000000000"]
    assert two[1] == ""
    assert three[1:] == (None, None)


def test_a_hive_table_is_written_by_a_query_and_added_to(shop: Shop) -> None:
    shop.rows("create table days with (partitioned_by = ARRAY['day']) as select id, date '2026-01-01' day from orders")
    shop.rows("insert into days values (4, date '2026-01-02')")
    assert shop.rows("select day, count(*) from days group by day order by day")[1][1] == 1
    assert sorted(shop.rows("show partitions days")) == [("day=2026-01-01",), ("day=2026-01-02",)]
    shop.drop("days")


@pytest.mark.cases
def test_an_iceberg_table_is_merged_updated_and_thinned_out(shop: Shop) -> None:
    shop.rows(
        f"""create table spends with ({ICEBERG}, {location("spends")}, partitioning = ARRAY['bucket(id, 2)'],
            write_compression = 'zstd', vacuum_max_snapshot_age_seconds = 1) as select id, spend from orders"""
    )
    shop.rows(
        """merge into spends using (values (1, decimal '7'), (9, decimal '8')) as new (id, spend) on spends.id = new.id
        when matched then update set spend = new.spend when not matched then insert values (new.id, new.spend)"""
    )
    shop.rows("update spends set spend = 5 where id = 2")
    shop.rows("delete from spends where id = 3")
    expected = [(1, 7), (2, 5), (9, 8)]
    assert shop.rows("select * from spends order by id") == expected
    files = 'select count(*) from "spends$files"'
    [(before,)] = shop.rows(files)
    shop.rows("optimize spends rewrite data using bin_pack")
    assert shop.rows(files)[0][0] < before
    time.sleep(1.1)
    shop.rows("vacuum spends")
    assert shop.rows('select count(*) from "spends$snapshots"') == [(1,)]
    assert shop.rows("select * from spends order by id") == expected
    shop.drop("spends")
    assert "Contents" not in shop.athena.client("s3").list_objects_v2(Bucket=LAKE, Prefix="spends/")


@pytest.mark.cases
def test_vacuum_keeps_as_many_snapshots_as_the_table_says(shop: Shop) -> None:
    shop.rows(
        f"""create table kept (id int) location 's3://{LAKE}/kept' tblproperties ('table_type' = 'ICEBERG',
            'vacuum_max_snapshot_age_seconds' = '1', 'vacuum_min_snapshots_to_keep' = '1')"""
    )
    for number in range(3):
        shop.rows(f"insert into kept values ({number})")
    shop.rows("alter table kept set tblproperties ('vacuum_min_snapshots_to_keep' = '3')")
    time.sleep(1.1)
    shop.rows("vacuum kept")
    [(left,)] = shop.rows('select count(*) from "kept$snapshots"')
    assert left >= 3
    assert shop.rows("select count(*) from kept") == [(3,)]
    shop.drop("kept")


def test_an_iceberg_table_changes_its_columns_and_its_name(shop: Shop) -> None:
    shop.rows(
        f"""create table changing (`id` int, at timestamp, tags array<string>, place struct<city:string,zip:int>)
            partitioned by (bucket(4, id), month(at)) location 's3://{LAKE}/changing/'
            tblproperties ('table_type' = 'ICEBERG', 'format' = 'parquet', 'write_compression' = 'snappy')"""
    )
    shop.rows("alter table changing add columns (note string, `more` bigint)")
    shop.rows("alter table changing change column id key bigint")
    shop.rows("alter table changing drop column `more`")
    shop.rows("alter table `changing` rename to `shop`.`changed`")
    shop.rows("insert into changed values (1, timestamp '2026-01-01 00:00:00', array['x'], row('Bern', 3000), 'n')")
    assert shop.rows('select partition.id_bucket, partition.at_month from "changed$files"') == [(0, 672)]
    assert shop.rows("show columns in changed") == [("key",), ("at",), ("tags",), ("place",), ("note",)]
    shop.drop("changed")


def test_a_view_has_its_columns_in_glue(shop: Shop) -> None:
    shop.rows(
        'create or replace view "shop"."shown" as select id, spend, cast(name as varchar(9)) as short, '
        "array[row(1, 'x')] as pairs, timestamp '2026-01-01 00:00:00.000001' as at from orders"
    )
    table = shop.athena.client("glue").get_table(DatabaseName=DATABASE, Name="shown")["Table"]
    assert table["TableType"] == "VIRTUAL_VIEW"
    assert [(column["Name"], column["Type"]) for column in table["StorageDescriptor"]["Columns"]] == [
        ("id", "bigint"),
        ("spend", "decimal(38,12)"),
        ("short", "varchar(9)"),
        ("pairs", "array<struct<field0:int,field1:varchar(1)>>"),
        ("at", "timestamp"),
    ]
    assert shop.rows("select id from shown order by 1") == [(1,), (2,), (3,)]
    assert shop.rows("show views") == [("shown",)]
    shop.rows("drop view shown")


def test_a_view_that_is_described_can_still_be_asked(shop: Shop) -> None:
    shop.rows("create view described as select id from orders")
    glue = shop.athena.client("glue")
    table = glue.get_table(DatabaseName=DATABASE, Name="described")["Table"]
    kept = ("Name", "TableType", "StorageDescriptor", "ViewOriginalText", "ViewExpandedText", "Parameters")
    described = {name: table[name] for name in kept} | {"Description": "One row per order."}
    described["Parameters"]["comment"] = "One row per order."
    glue.update_table(DatabaseName=DATABASE, TableInput=described)
    assert len(shop.rows("select id from described")) == 3
    shop.rows("drop view described")


def test_a_view_can_look_at_an_older_snapshot(shop: Shop) -> None:
    shop.rows(f"create table versions with ({ICEBERG}, {location('versions')}) as select 1 as id")
    [(snapshot,)] = shop.rows('select snapshot_id from "versions$snapshots"')
    shop.rows("insert into versions values (2)")
    assert shop.rows(f"select id from versions for version as of {snapshot}") == [(1,)]
    shop.rows(f"create view published as select id from versions for version as of {snapshot}")
    assert shop.rows("select * from published") == [(1,)]
    shop.rows("drop view published")
    shop.drop("versions")


def test_information_schema_lists_tables_of_every_kind(shop: Shop) -> None:
    shop.rows(f"create table listed with ({ICEBERG}, {location('listed')}) as select 1 as id")
    shop.rows("create view listing as select 'x' as letter")
    listed = shop.rows(
        "select table_name, column_name, data_type from information_schema.columns where table_schema = 'shop'"
    )
    assert {("orders", "id", "bigint"), ("listed", "id", "integer"), ("listing", "letter", "varchar(1)")} <= set(listed)
    kinds = dict(shop.rows("select table_name, table_type from information_schema.tables where table_schema = 'shop'"))
    assert (kinds["orders"], kinds["listed"], kinds["listing"]) == ("BASE TABLE", "BASE TABLE", "VIEW")
    shop.rows("drop view listing")
    shop.drop("listed")


def test_long_results_come_in_pages_and_lie_in_s3(shop: Shop) -> None:
    query_id = shop.start("select n, if(n > 1, '\"') as quote from unnest(sequence(1, 2500)) as numbers (n)")
    result_file = shop.ended(query_id)["ResultConfiguration"]["OutputLocation"]
    pages = list(shop.api.get_paginator("get_query_results").paginate(QueryExecutionId=query_id))
    assert [len(page["ResultSet"]["Rows"]) for page in pages] == [1000, 1000, 501]
    assert pages[0]["ResultSet"]["Rows"][:2] == [
        {"Data": [{"VarCharValue": "n"}, {"VarCharValue": "quote"}]},
        {"Data": [{"VarCharValue": "1"}, {}]},
    ]
    key = result_file.removeprefix(f"s3://{LAKE}/")
    lines = shop.athena.client("s3").get_object(Bucket=LAKE, Key=key)["Body"].read().decode().splitlines()
    assert lines[:3] == ['"n","quote"', '"1",', '"2",""""']


def test_values_are_shown_as_athena_shows_them(shop: Shop) -> None:
    query_id = shop.start(
        """select 1e10, 0.5e0, -1e-5, nan(), cast(1.5 as real), decimal '1.50', true, x'00ff', date '2026-01-02',
        timestamp '2026-01-02 03:04:05', timestamp '2026-01-02 03:04:05.123456', array[1, null],
        map(array['a'], array[1]), cast(row(1, 'x') as row(a int, b varchar))"""
    )
    shop.ended(query_id)
    result = shop.api.get_query_results(QueryExecutionId=query_id)["ResultSet"]
    assert [value.get("VarCharValue") for value in result["Rows"][1]["Data"]] == [
        *("1.0E10", "0.5", "-1.0E-5", "NaN", "1.5", "1.50", "true", "00 ff", "2026-01-02"),
        *("2026-01-02 03:04:05.000", "2026-01-02 03:04:05.123456", "[1, null]", "{a=1}", "{a=1, b=x}"),
    ]
    kinds = [column["Type"] for column in result["ResultSetMetadata"]["ColumnInfo"]]
    assert kinds[4:7] == ["float", "decimal", "boolean"]
    assert kinds[9:] == ["timestamp", "timestamp", "array", "map", "row"]


def test_parameters_stand_for_question_marks(shop: Shop) -> None:
    query_id = shop.start("select name from orders where id = ? and name = ?", ExecutionParameters=["1", "'a'"])
    shop.ended(query_id)
    assert len(shop.api.get_query_results(QueryExecutionId=query_id)["ResultSet"]["Rows"]) == 2


def test_the_bytes_scanned_are_those_that_were_read(shop: Shop) -> None:
    shop.rows(
        f"""create table scanned with ({ICEBERG}, {location("scanned")}, partitioning = ARRAY['part']) as
        select n % 4 as part, random() as noise from unnest(sequence(1, 10000)) as numbers (n)"""
    )
    [(size,)] = shop.rows('select sum(file_size_in_bytes) from "scanned$files"')
    everything = shop.scanned("select sum(noise) from scanned")
    assert size * 0.8 < everything < size * 1.2
    assert shop.scanned("select sum(noise) from scanned where part = 1") < everything / 3
    assert shop.scanned("select 1") == 0
    assert shop.scanned("update scanned set noise = 0 where part = 2") > 0
    shop.drop("scanned")


def test_a_query_is_cancelled(shop: Shop) -> None:
    numbers = "unnest(sequence(1, 10000))"
    query_id = shop.start(f"select count(*) from {numbers} a (x), {numbers} b (y), {numbers} c (z) where x * y * z > 0")
    assert shop.api.get_query_execution(QueryExecutionId=query_id)["QueryExecution"]["Status"]["State"] == "RUNNING"
    shop.api.stop_query_execution(QueryExecutionId=query_id)
    assert shop.ended(query_id)["Status"]["State"] == "CANCELLED"


def test_writers_at_once_lose_nothing(shop: Shop) -> None:
    shop.rows(f"create table contested with ({ICEBERG}, {location('contested')}) as select 0 as id")
    at_once = [shop.start(f"insert into contested values ({number})") for number in range(1, 4)]
    assert {shop.ended(query_id)["Status"]["State"] for query_id in at_once} == {"SUCCEEDED"}
    assert shop.rows("select count(*) from contested") == [(4,)]
    shop.drop("contested")


def test_a_table_that_another_changed_is_not_overwritten(shop: Shop) -> None:
    glue = shop.athena.client("glue")
    table = glue.get_table(DatabaseName=DATABASE, Name="orders")["Table"]
    change = {
        "DatabaseName": DATABASE,
        "TableInput": {name: table[name] for name in ("Name", "TableType", "Parameters", "StorageDescriptor")},
        "VersionId": table["VersionId"],
    }
    glue.update_table(**change)
    with pytest.raises(ClientError, match="ConcurrentModificationException"):
        glue.update_table(**change)


def test_a_file_that_came_in_parts_can_be_moved_and_read(shop: Shop, tmp_path: Path) -> None:
    content = os.urandom(9 << 20)
    (tmp_path / "large").write_bytes(content)
    storage = shop.athena.client("s3")
    storage.upload_file(str(tmp_path / "large"), LAKE, "large")  # a file of this size is uploaded in parts
    storage.copy_object(Bucket=LAKE, Key="moved", CopySource=f"{LAKE}/large")
    assert storage.get_object(Bucket=LAKE, Key="moved")["Body"].read() == content


# What Athena refuses


@pytest.mark.cases
def test_a_write_has_at_most_a_hundred_partitions(shop: Shop) -> None:
    def parts(first: int, last: int) -> str:
        return f"select 'x' as letter, part from unnest(sequence({first}, {last})) as numbers (part)"

    properties = f"{ICEBERG}, {location('many')}, partitioning = ARRAY['part']"
    assert "ICEBERG_TOO_MANY_OPEN_PARTITIONS" in shop.failure(
        f"create table many with ({properties}) as {parts(1, 101)}"
    )
    shop.rows(f"create table many with ({properties.replace('many', 'many2')}) as {parts(1, 1)}")
    insert = "insert into many {}".format
    merge = (
        "merge into many using ({}) as new on many.part = new.part "
        "when not matched then insert values (new.letter, new.part)"
    ).format
    for write in (insert, merge):
        refusal = shop.failure(write(parts(2, 102)))
        assert refusal.startswith("ICEBERG_TOO_MANY_OPEN_PARTITIONS: Exceeded limit of 100 open writers for partitions")
        assert "Athena will not delete data in your account" in refusal
    shop.rows(insert(parts(2, 101)))
    assert shop.rows("select count(*) from many") == [(101,)]
    shop.drop("many")


@pytest.mark.cases
def test_a_write_to_a_hive_table_has_at_most_a_hundred_partitions(shop: Shop) -> None:
    statement = (
        "create table many with (partitioned_by = ARRAY['part']) as "
        "select 'x' as letter, part from unnest(sequence(1, {})) as numbers (part)"
    )
    assert shop.failure(statement.format(101)).startswith("HIVE_TOO_MANY_OPEN_PARTITIONS: Exceeded limit of 100")
    shop.rows(statement.format(100))
    assert shop.rows("select count(*) from many") == [(100,)]
    shop.drop("many")


def test_a_statement_has_at_most_262144_bytes(shop: Shop) -> None:
    def statement(size: int) -> str:
        return "select length('" + "ü" * ((size - 17) // 2) + "')" + " " * ((size - 17) % 2)

    longest = statement(262_144)
    assert len(longest.encode()) == 262_144
    assert shop.ended(shop.start(longest))["Status"]["State"] == "SUCCEEDED"
    with pytest.raises(ClientError, match=r"Member must have length less than or equal to 262144"):
        shop.start(statement(262_145))


@pytest.mark.parametrize(
    "statement",
    [
        "create or replace table t as select 1 as id",
        "create table t (id int)",
        "create table t (id integer) with (format = 'PARQUET')",
        "create table t (like orders)",
        "create external table t (id int) location 's3://shop-lake/t' tblproperties ('table_type' = 'ICEBERG')",
        "create schema t with (location = 's3://shop-lake/t')",
        "create materialized view t as select 1 as id",
        "create or replace materialized view t as select 1 as id",
        "refresh materialized view t",
        "create function f() returns int return 1",
        "with function f() returns int return 1 select f()",
        "create role r",
        "grant select on orders to user someone",
        "comment on table orders is 'text'",
        "call system.sync_partition_metadata('shop', 'orders', 'ADD')",
        "truncate table orders",
        "analyze orders",
        "use shop",
        "set session query_max_run_time = '1s'",
        "start transaction",
        "commit",
        "show functions",
        "show catalogs",
        "show stats for orders",
        "insert overwrite orders select * from orders",
        "alter table orders execute optimize",
        "alter table orders set properties format = 'ORC'",
        "alter table orders add column more int",
        "alter schema shop rename to shop2",
        "alter view v rename to w",
        'drop table "shop"."orders"',
        "drop table _orders",
        "create external table t (_id int) stored as parquet location 's3://shop-lake/t/'",
        "create external table t (id int, date date) stored as parquet location 's3://shop-lake/t/'",
        'vacuum "orders"',
        "select `id` from orders",
        "select 1; select 2",
        "select 1 frm orders where",
        "selct 1",
    ],
)
def test_a_statement_that_does_not_parse_is_not_started(shop: Shop, statement: str) -> None:
    with pytest.raises(ClientError, match=r"InvalidRequestException.*line \d+:\d+: ") as refusal:
        shop.start(statement)
    assert refusal.value.operation_name == "StartQueryExecution"


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("update orders set name = 'x'", "NOT_SUPPORTED: Modifying Hive table rows is only supported"),
        ("delete from orders", "NOT_SUPPORTED: Modifying Hive table rows is only supported"),
        (
            "merge into orders using orders as new on orders.id = new.id when matched then delete",
            "NOT_SUPPORTED: Modifying Hive table rows is only supported",
        ),
        ("alter table orders rename to other", "NOT_SUPPORTED: ALTER TABLE RENAME TO is not supported for Hive"),
        ("alter table orders drop column id", "NOT_SUPPORTED: ALTER TABLE DROP COLUMN is not supported for Hive"),
        ("optimize orders rewrite data using bin_pack", "NOT_SUPPORTED: Table shop.orders is not an Iceberg table"),
        ("vacuum orders", "NOT_SUPPORTED: Table shop.orders is not an Iceberg table"),
        (f"create table t with ({ICEBERG}) as select 1 as id", "INVALID_TABLE_PROPERTY: Table location must be"),
        (
            "create table t (id int) tblproperties ('table_type' = 'ICEBERG')",
            "INVALID_TABLE_PROPERTY: Table location must be",
        ),
        (
            f"create table t with (table_type = 'ICEBERG', {location('t')}) as select 1 as id",
            "INVALID_TABLE_PROPERTY: Iceberg tables cannot be external",
        ),
        (
            f"create table t with ({ICEBERG}, {location('t')}, sorted_by = ARRAY['id']) as select 1 as id",
            "INVALID_TABLE_PROPERTY: Table property 'sorted_by' does not exist",
        ),
        (
            "create table t with (partitioning = ARRAY['id']) as select 1 as id",
            "INVALID_TABLE_PROPERTY: Table property 'partitioning' does not exist",
        ),
        (
            f"create table t with ({ICEBERG}, {location('t')}) as select current_timestamp as at",
            'NOT_SUPPORTED: Timestamp precision (3) not supported for Iceberg. Use "timestamp(6) with time zone"',
        ),
        (
            f"create table t with ({ICEBERG}, {location('t')}) as select cast(1 as smallint) as n with no data",
            "NOT_SUPPORTED: Type not supported for Iceberg: smallint",
        ),
        (
            "create table t with (format = 'PARQUET') as select timestamp '2026-01-01 00:00:00.000001' as at",
            "NOT_SUPPORTED: Incorrect timestamp precision for timestamp(6); the configured precision is MILLISECONDS",
        ),
        ("select * from tpch.tiny.nation", "CATALOG_NOT_FOUND: line 1:15: Catalog 'tpch' not found"),
        ("select * from system.runtime.queries", "PERMISSION_DENIED: Access Denied: Cannot access catalog system"),
        ("select * from iceberg_behind_awsdatacatalog.shop.orders", "CATALOG_NOT_FOUND"),
        ("insert into other.shop.orders select * from orders", "CATALOG_NOT_FOUND: Catalog 'other' not found"),
        ('select * from "orders$properties"', "TABLE_NOT_FOUND"),
        ("select * from json_table('[]', 'lax $' columns (a int path '$'))", "FUNCTION_NOT_FOUND"),
        ("select\n  missing from orders", "COLUMN_NOT_FOUND: line 2:3: Column 'missing' cannot be resolved"),
        ("select * from missing", "TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.shop.missing' does not exist"),
        (
            f"create table t with ({ICEBERG}, {location('t')})\nas\nselect missing from orders",
            "COLUMN_NOT_FOUND: line 3:8",
        ),
        ("select * from missing.orders", "SCHEMA_NOT_FOUND: line 1:15: Schema 'missing' does not exist"),
        ("select 1 / (id - id) from orders", "DIVISION_BY_ZERO: Division by zero"),
        ("drop table missing", "TABLE_NOT_FOUND"),
    ],
)
def test_a_statement_that_fails_says_why(shop: Shop, statement: str, reason: str) -> None:
    assert shop.failure(statement).startswith(reason)


def test_insert_into_a_bucketed_hive_table_is_refused(shop: Shop) -> None:
    shop.rows("create table buckets with (bucketed_by = ARRAY['id'], bucket_count = 2) as select id from orders")
    assert "not supported on bucketed tables" in shop.failure("insert into buckets select id from orders")
    shop.drop("buckets")


def test_another_catalog_in_the_context_is_refused(shop: Shop) -> None:
    ended = shop.ended(shop.start("select 1", QueryExecutionContext={"Catalog": "other", "Database": DATABASE}))
    assert ended["Status"]["StateChangeReason"].startswith("CATALOG_NOT_FOUND: Catalog 'other' not found")


def test_a_wrong_workgroup_or_place_for_results_is_named(shop: Shop) -> None:
    with pytest.raises(ClientError, match="WorkGroup missing is not found"):
        shop.start("select 1", WorkGroup="missing")
    with pytest.raises(ClientError, match="Unable to verify/create output bucket missing"):
        shop.start("select 1", ResultConfiguration={"OutputLocation": "s3://missing/results/"})
    with pytest.raises(ClientError, match="No output location provided"):
        shop.api.start_query_execution(QueryString="select 1")


def test_a_workgroup_decides_where_results_go(shop: Shop) -> None:
    place = {"OutputLocation": f"s3://{LAKE}/of-the-group/"}
    shop.api.create_work_group(Name="strict", Configuration={"ResultConfiguration": place})
    ended = shop.ended(shop.start("select 1", WorkGroup="strict"))
    assert ended["ResultConfiguration"]["OutputLocation"].startswith(place["OutputLocation"])


# How it is run

# A Java that says it is new enough, and a Trino that says it is ready and then waits.
STAND_IN = """\
#!{python}
import http.server, pathlib, re, sys
if sys.argv[1:] == ["-version"]:
    sys.exit('openjdk version "25.0.1" 2025-10-21')
[settings] = [pathlib.Path(given[9:]) for given in sys.argv if given.startswith("-Dconfig=")]
class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{{"starting": false}}')
port = int(re.search(r"http-server.http.port=([0-9]+)", settings.read_text())[1])
http.server.HTTPServer(("127.0.0.1", port), Ready).serve_forever()
"""


def java_in(folder: Path, script: str) -> Path:
    """Makes a `java` that is this script, and returns its JAVA_HOME."""
    java = folder / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(script)
    java.chmod(0o755)
    return folder


def test_the_command_says_what_to_paste_and_leaves_nothing_when_it_is_killed(tmp_path: Path) -> None:
    java = java_in(tmp_path / "jdk", STAND_IN.format(python=sys.executable))
    trino_home = tmp_path / "trino" / f"trino-server-{VERSION}"
    trino_home.mkdir(parents=True)
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "TMPDIR": str(tmp_path),
        "JAVA_HOME": str(java),
        "ADHOUSE_TRINO_CACHE": str(trino_home.parent),
    }
    with subprocess.Popen(
        [sys.executable, "-m", "local_athena"], env=environment, stdout=subprocess.PIPE, text=True
    ) as command:
        assert command.stdout is not None
        said = "".join(iter(command.stdout.readline, "# Ctrl-C here stops it and deletes everything in it.\n"))
        [trino] = re.findall(r"jdbc:trino://([\d.:]+)", said)
        assert httpx.get(f"http://{trino}/v1/info").status_code == 200
        settings = {name: value.strip("'") for name, value in re.findall(r"export (\w+)=(\S+)", said)}
        assert settings["ADHOUSE_TARGET"] == "athena"
        storage = boto3.client(
            "s3",
            endpoint_url=settings["AWS_ENDPOINT_URL"],
            region_name=settings["AWS_REGION"],
            aws_access_key_id=settings["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=settings["AWS_SECRET_ACCESS_KEY"],
        )
        buckets = [bucket["Name"] for bucket in storage.list_buckets()["Buckets"]]
        assert settings["ADHOUSE_LAKE_URL"] in {f"s3://{bucket}" for bucket in buckets}
        command.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 20
    while list(tmp_path.glob("local-athena-*")):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://{trino}/v1/info")


def test_what_the_command_prepares_takes_a_query(athena: LocalAthena) -> None:
    furnish(athena)
    started = athena.client("athena").start_query_execution(QueryString="show databases", WorkGroup=WORKGROUP)
    ended = Shop(athena, athena.client("athena"), None).ended(started["QueryExecutionId"])
    assert ended["Status"]["State"] == "SUCCEEDED"
    assert ended["ResultConfiguration"]["OutputLocation"].startswith(SETTINGS["ADHOUSE_ATHENA_RESULTS"])


@pytest.mark.parametrize(
    ("said", "version"), [('openjdk version "25.0.1" 2025-10-21', 25), ('java version "1.8.0_402"', 8), ("oops", 0)]
)
def test_a_java_is_asked_for_its_version(said: str, version: int, tmp_path: Path) -> None:
    assert version_of(java_in(tmp_path, f"#!/bin/sh\necho '{said}' >&2\n") / "bin" / "java") == version
    assert version_of(tmp_path / "none") == 0


@pytest.fixture
def no_java(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project with tests that need the local Athena, on a machine where the only Java is too old."""
    old = java_in(pytester.path / "jdk-17", "#!/bin/sh\necho 'openjdk version \"17.0.2\"' >&2\n")
    monkeypatch.setattr("local_athena.java.candidates", lambda: iter([old / "bin" / "java"]))
    pytester.makeconftest(
        "from support.athena_fixture import athena\nfrom support.lacking import pytest_terminal_summary"
    )
    pytester.makepyfile("def test_one(athena): pass\ndef test_two(athena): pass")
    return pytester


def test_without_java_its_tests_are_skipped_and_the_report_ends_with_why(
    no_java: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CI", raising=False)
    result = no_java.runpytest_inprocess()
    result.assert_outcomes(skipped=2)
    result.stdout.fnmatch_lines(
        ["*not tested on Athena*", "the local Athena needs Java 25 or later, and found 17 at *; install one*"]
    )


@pytest.mark.cases
def test_without_java_the_report_of_two_workers_ends_with_why(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CI", raising=False)
    tests = Path(__file__).parents[1]
    monkeypatch.setenv("PYTHONPATH", f"{tests.parent}{os.pathsep}{tests}")
    pytester.makeconftest(
        """
        from local_athena import java
        from support.athena_fixture import athena
        from support.lacking import pytest_terminal_summary, pytest_testnodedown

        java.candidates = lambda: iter(())
        """
    )
    pytester.makepyfile("def test_one(athena): pass\ndef test_two(): pass")
    result = pytester.runpytest_subprocess("-n", "2")
    result.assert_outcomes(skipped=1, passed=1)
    result.stdout.fnmatch_lines(["*not tested on Athena*", "the local Athena needs Java 25 or later*"])


def test_without_java_its_tests_fail_in_ci(no_java: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    result = no_java.runpytest_inprocess()
    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(["*the local Athena needs Java 25 or later, and found 17 at *; install one*"])
    assert result.ret == pytest.ExitCode.TESTS_FAILED
