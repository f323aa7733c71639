"""Queries, writes and views: passed to Trino as they are written, except for `create table … as`."""

from mypy_boto3_glue.type_defs import ColumnTypeDef

from local_athena.data_types import not_in_iceberg, to_hive
from local_athena.lexer import Reader, Token, split_by_comma, text_of
from local_athena.statements import Context, Plan, Table, change_in_glue, is_iceberg, literal, rest_of, table_named
from local_athena.trino import HIVE_CATALOG, ICEBERG_CATALOG
from local_athena.trino_client import Answer, QueryError

# https://docs.aws.amazon.com/athena/latest/ug/create-table-as.html
_HIVE_PROPERTIES = {"format", "external_location", "partitioned_by", "bucketed_by", "bucket_count"}
_ICEBERG_PROPERTIES = {"format", "location", "partitioning"}
_COMPRESSIONS = {"write_compression", "parquet_compression", "orc_compression"}
KEPT_BY_ICEBERG = {
    "optimize_rewrite_data_file_threshold",
    "optimize_rewrite_delete_file_threshold",
    "optimize_rewrite_max_data_file_size_bytes",
    "optimize_rewrite_min_data_file_size_bytes",
    "vacuum_max_metadata_files_to_keep",
    "vacuum_max_snapshot_age_seconds",
    "vacuum_min_snapshots_to_keep",
    "write_target_data_file_size_bytes",
}


def select(reader: Reader) -> Plan:
    """Plans a query."""
    statement = rest_of(reader)
    return Plan("DML", "SELECT", lambda context: _run(context, statement), has_header=True)


def explain(reader: Reader) -> Plan:
    """Plans `explain`, whose answer is text without a header."""
    statement = rest_of(reader)
    return Plan("UTILITY", "EXPLAIN", lambda context: _run(context, statement))


def write(reader: Reader) -> Plan:
    """Plans `insert`, `update`, `delete` or `merge`; all but the first need an Iceberg table."""
    statement = rest_of(reader)
    verb = reader.next("name").word
    if verb != "UPDATE":
        reader.expect({"INSERT": "INTO", "DELETE": "FROM", "MERGE": "INTO"}[verb])
    name = reader.dotted_name()

    def run(context: Context) -> Answer:
        table = table_named(name, context)
        if verb != "INSERT" and is_iceberg(table, context.glue) is False:
            raise QueryError("NOT_SUPPORTED", "Modifying Hive table rows is only supported for transactional tables")
        if verb == "INSERT" and _is_bucketed(table, context):
            raise QueryError("NOT_SUPPORTED", "INSERT INTO is not supported on bucketed tables")
        return _run(context, statement)

    return Plan("DML", verb, run)


def create_view(reader: Reader) -> Plan:
    """Plans `create view`, and gives the view its real columns in Glue, which Trino leaves out."""
    statement = rest_of(reader)
    reader.expect("CREATE")
    reader.take("OR", "REPLACE")
    reader.expect("VIEW")
    name = reader.dotted_name()

    def run(context: Context) -> Answer:
        view = table_named(name, context)
        answer = _run(context, statement)
        shown = context.trino.run(f"SHOW COLUMNS FROM {view.in_trino}").rows
        columns: list[ColumnTypeDef] = [{"Name": column, "Type": to_hive(kind)} for column, kind, *_ in shown]
        change_in_glue(view, context, lambda found: found["StorageDescriptor"].update({"Columns": columns}))
        return answer

    return Plan("DDL", "CREATE_VIEW", run)


def drop_view(reader: Reader) -> Plan:
    """Plans `drop view`."""
    statement = rest_of(reader)
    return Plan("DDL", "DROP_VIEW", lambda context: _run(context, statement))


def create_table_as(reader: Reader) -> Plan:
    """Plans `create table … as`; its properties have other names in Trino."""
    reader.expect("CREATE", "TABLE")
    guard = "IF NOT EXISTS " if reader.take("IF", "NOT", "EXISTS") else ""
    name = reader.dotted_name()
    properties = _properties(reader)
    reader.expect("AS")
    query = rest_of(reader)
    # The query begins on the same line as in the user's statement, so that the engine's errors name the right one.
    lines_before = reader.statement[: reader.tokens[reader.at].start].count("\n")

    def run(context: Context) -> Answer:
        table = table_named(name, context)
        is_to_be_iceberg = properties.get("table_type", "").strip("'").upper() == "ICEBERG"
        settings = {}
        for compression in _COMPRESSIONS & set(properties):
            catalog = ICEBERG_CATALOG if is_to_be_iceberg else HIVE_CATALOG
            settings[f"{catalog}.compression_codec"] = properties[compression].strip("'").upper()
        if is_to_be_iceberg:
            chosen, target = _iceberg_properties(properties), table.in_iceberg
            _refuse_columns(context, "\n" * lines_before, query)
        else:
            chosen, target = _hive_properties(properties, context), table.in_trino
        written = ", ".join(f"{key} = {value}" for key, value in chosen.items())
        head = f"CREATE TABLE {guard}{target} WITH ({written}) AS "
        return context.trino.run(head + "\n" * lines_before + query, settings, context.when_accepted)

    return Plan("DDL", "CREATE_TABLE_AS_SELECT", run)


def _run(context: Context, statement: str) -> Answer:
    if context.parameters:
        statement = f"EXECUTE IMMEDIATE {literal(statement)} USING {', '.join(context.parameters)}"
    return context.trino.run(statement, when_accepted=context.when_accepted)


def _is_bucketed(table: Table, context: Context) -> bool:
    if is_iceberg(table, context.glue) is not False:
        return False
    found = context.glue.get_table(DatabaseName=table.database, Name=table.name)["Table"]
    return bool(found.get("StorageDescriptor", {}).get("BucketColumns"))


def _properties(reader: Reader) -> dict[str, str]:
    if not reader.take("WITH"):
        return {}
    properties = {}
    for group in split_by_comma(reader.in_parentheses()):
        properties[group[0].value] = text_of(_after_equals(group), reader.statement)
    return properties


def _after_equals(group: list[Token]) -> list[Token]:
    return group[2:] if len(group) > 2 and group[1].word == "=" else []


def _iceberg_properties(properties: dict[str, str]) -> dict[str, str]:
    known = _ICEBERG_PROPERTIES | _COMPRESSIONS | KEPT_BY_ICEBERG | {"table_type", "is_external"}
    _refuse_properties(properties, known, "Iceberg")
    if not properties.get("location", "").strip("'"):
        raise QueryError("INVALID_TABLE_PROPERTY", "Table location must be specified for Iceberg tables")
    if properties.get("is_external", "").lower() != "false":
        raise QueryError("INVALID_TABLE_PROPERTY", "Iceberg tables cannot be external: set is_external = false")
    chosen = {"format": "'PARQUET'"}
    chosen |= {name: value for name, value in properties.items() if name in _ICEBERG_PROPERTIES}
    chosen["location"] = chosen["location"].rstrip("/'") + "'"
    kept = {name: value.strip("'") for name, value in properties.items() if name in KEPT_BY_ICEBERG}
    return chosen | extra_properties(kept)


def extra_properties(kept: dict[str, str]) -> dict[str, str]:
    """Returns the property in which Trino keeps the properties of an Iceberg table that it does not know."""
    if not kept:
        return {}
    keys, values = (", ".join(map(literal, column)) for column in (kept.keys(), kept.values()))
    return {"extra_properties": f"MAP(ARRAY[{keys}], ARRAY[{values}])"}


def _hive_properties(properties: dict[str, str], context: Context) -> dict[str, str]:
    known = _HIVE_PROPERTIES | _COMPRESSIONS | {"table_type", "is_external", "field_delimiter"}
    _refuse_properties(properties, known, "Hive")
    chosen = {"format": "'PARQUET'", "external_location": f"'{context.results_folder}tables/{context.query_id}'"}
    chosen |= {name: value for name, value in properties.items() if name in _HIVE_PROPERTIES}
    chosen["external_location"] = chosen["external_location"].rstrip("/'") + "'"
    if delimiter := properties.get("field_delimiter"):
        chosen["textfile_field_separator"] = delimiter
    return chosen


def _refuse_properties(properties: dict[str, str], known: set[str], kind: str) -> None:
    for name in set(properties) - known:
        raise QueryError("INVALID_TABLE_PROPERTY", f"Table property '{name}' does not exist for {kind} tables")


def _refuse_columns(context: Context, lines_before: str, query: str) -> None:
    bare = query
    words = [token.word for token in Reader(query).tokens[-3:]]
    if words[-1:] == ["DATA"]:
        data = 2 if words[-2:] == ["WITH", "DATA"] else 3
        bare = query[: Reader(query).tokens[-data].start]
    for name, kind in context.trino.run(f"SELECT * FROM ({lines_before}{bare}\n) LIMIT 0").columns:
        if refusal := not_in_iceberg(kind):
            raise QueryError("NOT_SUPPORTED", f"{refusal} Column: {name}" if "Type" in refusal else refusal)
