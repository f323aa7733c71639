"""Statements about databases, and statements that list things; all of them are answered from Glue."""

import re
from collections.abc import Callable, Iterable

from mypy_boto3_glue.type_defs import DatabaseInputTypeDef

from local_athena.lexer import Reader
from local_athena.statements import Context, Plan, Table, ddl_name, is_iceberg, rest_of, table_named
from local_athena.trino import ICEBERG_CATALOG
from local_athena.trino_client import Answer, QueryError


def create_database(reader: Reader) -> Plan:
    """Plans `create database`."""
    reader.expect("CREATE", "DATABASE|SCHEMA")
    may_exist = reader.take("IF", "NOT", "EXISTS")
    name = ddl_name(reader)[-1].value
    comment = reader.next("string").value if reader.take("COMMENT") else ""
    location = reader.next("string").value if reader.take("LOCATION") else ""
    if reader.take("WITH"):
        reader.expect("DBPROPERTIES")
        reader.in_parentheses()
    reader.expect_end()

    def run(context: Context) -> Answer:
        database: DatabaseInputTypeDef = {"Name": name, "Description": comment}
        if location:
            database["LocationUri"] = location
        try:
            context.glue.create_database(DatabaseInput=database)
        except context.glue.exceptions.AlreadyExistsException as error:
            if not may_exist:
                raise QueryError("FAILED", f"Database {name} already exists") from error
        return Answer()

    return Plan("DDL", "CREATE_DATABASE", run)


def drop_database(reader: Reader) -> Plan:
    """Plans `drop database`."""
    reader.expect("DROP", "DATABASE|SCHEMA")
    may_be_missing = reader.take("IF", "EXISTS")
    name = ddl_name(reader)[-1].value
    cascade = reader.take("CASCADE") or (reader.take("RESTRICT") and False)
    reader.expect_end()

    def run(context: Context) -> Answer:
        try:
            tables = context.glue.get_tables(DatabaseName=name)["TableList"]
        except context.glue.exceptions.EntityNotFoundException as error:
            if not may_be_missing:
                raise QueryError("SCHEMA_NOT_FOUND", f"Database does not exist: {name}") from error
            return Answer()
        if tables and not cascade:
            raise QueryError("FAILED", f"Database {name} is not empty. One or more tables exist.")
        for table in tables:
            context.glue.delete_table(DatabaseName=name, Name=table["Name"])
        context.glue.delete_database(Name=name)
        return Answer()

    return Plan("DDL", "DROP_DATABASE", run)


def drop_table(reader: Reader) -> Plan:
    """Plans `drop table`: the files of a Hive table are kept, those of an Iceberg table are deleted."""
    reader.expect("DROP", "TABLE")
    may_be_missing = reader.take("IF", "EXISTS")
    name = ddl_name(reader)
    reader.expect_end()

    def run(context: Context) -> Answer:
        table = table_named(name, context)
        match is_iceberg(table, context.glue):
            case True:
                context.trino.run(f"DROP TABLE {table.in_iceberg}")
            case False:
                context.glue.delete_table(DatabaseName=table.database, Name=table.name)
            case None if not may_be_missing:
                raise QueryError("TABLE_NOT_FOUND", f"Table not found {table.database}.{table.name}")
        return Answer()

    return Plan("DDL", "DROP_TABLE", run)


def show(reader: Reader) -> Plan:
    """Plans `show …`."""
    statement = rest_of(reader)
    reader.expect("SHOW")
    if reader.take("DATABASES|SCHEMAS"):
        reader.take("LIKE")
        fits = _pattern(reader)
        return _listing("SHOW_DATABASES", "database_name", lambda context: filter(fits, _databases(context)))
    if reader.looks_like("TABLES") or reader.looks_like("VIEWS"):
        wants_views = reader.next("name").word == "VIEWS"
        database = ddl_name(reader)[-1].value if reader.take("IN|FROM") else ""
        reader.take("LIKE")
        fits = _pattern(reader)
        return _listing(
            "SHOW_VIEWS" if wants_views else "SHOW_TABLES",
            "tab_name",
            lambda context: filter(fits, _tables(context, database or context.database, wants_views)),
        )
    if reader.take("COLUMNS"):
        reader.expect("FROM|IN")
        return _of_table(reader, "SHOW_COLUMNS", ["field"], lambda found: [[name] for name, _ in found.columns])
    if reader.take("PARTITIONS"):
        return _of_table(reader, "SHOW_PARTITIONS", ["partition"], lambda found: [[each] for each in found.partitions])
    if reader.take("TBLPROPERTIES"):
        return _of_table(
            reader,
            "SHOW_TBLPROPERTIES",
            ["prpt_name", "prpt_value"],
            lambda found: [[name, value] for name, value in found.parameters.items()],
        )
    if reader.take("CREATE", "TABLE|VIEW"):
        return Plan("UTILITY", "SHOW_CREATE", lambda context: _created(statement, context))
    raise reader.mismatch(
        "'COLUMNS', 'CREATE', 'DATABASES', 'PARTITIONS', 'SCHEMAS', 'TABLES', 'TBLPROPERTIES', 'VIEWS'"
    )


def _created(statement: str, context: Context) -> Answer:
    answer = context.trino.run(statement.replace("`", '"'))
    answer.rows = [[str(row[0]).replace(f"{ICEBERG_CATALOG}.", "")] for row in answer.rows]
    return answer


def describe(reader: Reader) -> Plan:
    """Plans `describe`."""
    reader.expect("DESCRIBE")
    reader.take("EXTENDED|FORMATTED")
    return _of_table(reader, "DESCRIBE_TABLE", ["col_name", "data_type"], lambda found: list(map(list, found.columns)))


class _Found:
    """A table as Glue describes it."""

    def __init__(self, table: Table, context: Context) -> None:
        try:
            described = context.glue.get_table(DatabaseName=table.database, Name=table.name)["Table"]
        except context.glue.exceptions.EntityNotFoundException as error:
            raise QueryError("TABLE_NOT_FOUND", f"Table not found {table.database}.{table.name}") from error
        keys = described.get("PartitionKeys", [])
        self.parameters = described.get("Parameters", {})
        self.columns = [
            (column["Name"], column.get("Type", "")) for column in [*described["StorageDescriptor"]["Columns"], *keys]
        ]
        self.partitions = [
            "/".join(f"{key['Name']}={value}" for key, value in zip(keys, partition["Values"], strict=True))
            for page in context.glue.get_paginator("get_partitions").paginate(
                DatabaseName=table.database, TableName=table.name
            )
            for partition in page["Partitions"]
        ]


def _of_table(reader: Reader, detail: str, columns: list[str], rows: Callable[[_Found], list[list[str]]]) -> Plan:
    name = ddl_name(reader)
    reader.expect_end()
    return Plan(
        "UTILITY",
        detail,
        lambda context: Answer(
            [(column, "varchar") for column in columns], rows(_Found(table_named(name, context), context))
        ),
    )


def _listing(detail: str, column: str, names: Callable[[Context], Iterable[str]]) -> Plan:
    return Plan(
        "UTILITY", detail, lambda context: Answer([(column, "varchar")], [[name] for name in sorted(names(context))])
    )


def _databases(context: Context) -> list[str]:
    pages = context.glue.get_paginator("get_databases").paginate()
    return [database["Name"] for page in pages for database in page["DatabaseList"]]


def _tables(context: Context, database: str, wants_views: bool) -> list[str]:
    try:
        return [
            table["Name"]
            for page in context.glue.get_paginator("get_tables").paginate(DatabaseName=database)
            for table in page["TableList"]
            if not wants_views or table.get("TableType") == "VIRTUAL_VIEW"
        ]
    except context.glue.exceptions.EntityNotFoundException as error:
        raise QueryError("SCHEMA_NOT_FOUND", f"Database {database} not found") from error


def _pattern(reader: Reader) -> Callable[[str], bool]:
    """Takes a pattern, with `*` and `|` as in Hive."""
    token = reader.peek()
    text = reader.next("string").value if token and token.kind == "string" else "*"
    reader.expect_end()
    expression = re.compile(text.replace(".*", "*").replace("*", ".*"))
    return lambda name: bool(expression.fullmatch(name))
