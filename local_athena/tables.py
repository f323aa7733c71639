"""`create table` of Athena's Hive parser: a Hive table is an entry in Glue, an Iceberg table is created by Trino."""

from dataclasses import dataclass, field

from mypy_boto3_glue.type_defs import ColumnTypeDef, StorageDescriptorTypeDef

from local_athena.data_types import to_trino
from local_athena.dml import KEPT_BY_ICEBERG, extra_properties
from local_athena.lexer import Reader, Token, split_by_comma, text_of
from local_athena.statements import Context, Plan, Table, ddl_name, literal, table_named
from local_athena.trino import ICEBERG_CATALOG
from local_athena.trino_client import Answer, QueryError

_HADOOP = "org.apache.hadoop"
_TEXT = (f"{_HADOOP}.mapred.TextInputFormat", f"{_HADOOP}.hive.ql.io.HiveIgnoreKeyTextOutputFormat")
_SIMPLE_SERDE = f"{_HADOOP}.hive.serde2.lazy.LazySimpleSerDe"
# format: input format, output format, serde
_FORMATS = {
    "PARQUET": (
        f"{_HADOOP}.hive.ql.io.parquet.MapredParquetInputFormat",
        f"{_HADOOP}.hive.ql.io.parquet.MapredParquetOutputFormat",
        f"{_HADOOP}.hive.ql.io.parquet.serde.ParquetHiveSerDe",
    ),
    "ORC": (
        f"{_HADOOP}.hive.ql.io.orc.OrcInputFormat",
        f"{_HADOOP}.hive.ql.io.orc.OrcOutputFormat",
        f"{_HADOOP}.hive.ql.io.orc.OrcSerde",
    ),
    "AVRO": (
        f"{_HADOOP}.hive.ql.io.avro.AvroContainerInputFormat",
        f"{_HADOOP}.hive.ql.io.avro.AvroContainerOutputFormat",
        f"{_HADOOP}.hive.serde2.avro.AvroSerDe",
    ),
    "TEXTFILE": (*_TEXT, _SIMPLE_SERDE),
}


@dataclass
class _Definition:
    """What a `create table` says, in the order of Athena's reference."""

    name: list[Token]
    may_exist: bool
    columns: list[ColumnTypeDef] = field(default_factory=list)
    partitions: list[list[Token]] = field(default_factory=list)
    serde: str = ""
    serde_parameters: dict[str, str] = field(default_factory=dict)
    formats: tuple[str, str] = _TEXT
    location: str = ""
    properties: dict[str, str] = field(default_factory=dict)


def create_table(reader: Reader) -> Plan:
    """Plans `create external table`, or `create table` of an Iceberg table."""
    reader.expect("CREATE")
    is_external = reader.take("EXTERNAL")
    reader.expect("TABLE")
    defined = _definition(reader)
    is_iceberg = defined.properties.get("table_type", "").upper() == "ICEBERG"
    if is_iceberg == is_external:
        reader.at = 1
        raise reader.mismatch("'TABLE' of an Iceberg table" if is_iceberg else "'EXTERNAL'")
    statement = reader.statement

    def run(context: Context) -> Answer:
        table = table_named(defined.name, context)
        if is_iceberg:
            _create_iceberg(defined, table, context, statement)
        else:
            _create_hive(defined, table, context)
        return Answer()

    return Plan("DDL", "CREATE_TABLE", run)


def _definition(reader: Reader) -> _Definition:
    may_exist = reader.take("IF", "NOT", "EXISTS")
    defined = _Definition(ddl_name(reader), may_exist)
    defined.columns = columns_of(reader.in_parentheses(), reader.statement)
    if reader.take("COMMENT"):
        defined.properties["comment"] = reader.next("string").value
    if reader.take("PARTITIONED", "BY"):
        defined.partitions = split_by_comma(reader.in_parentheses())
    if reader.take("ROW", "FORMAT", "SERDE"):
        defined.serde = reader.next("string").value
        if reader.take("WITH", "SERDEPROPERTIES"):
            defined.serde_parameters = key_values(reader.in_parentheses())
    elif reader.take("ROW", "FORMAT", "DELIMITED"):
        defined.serde = _SIMPLE_SERDE
        _delimiters(reader, defined.serde_parameters)
    if reader.take("STORED", "AS", "INPUTFORMAT"):
        read = reader.next("string").value
        reader.expect("OUTPUTFORMAT")
        defined.formats = (read, reader.next("string").value)
    elif reader.take("STORED", "AS"):
        named = reader.next("name").word
        if named not in _FORMATS:
            reader.at -= 1
            raise reader.mismatch(", ".join(_FORMATS))
        read, write, serde = _FORMATS[named]
        defined.formats, defined.serde = (read, write), defined.serde or serde
    if reader.take("LOCATION"):
        defined.location = reader.next("string").value
    if reader.take("TBLPROPERTIES"):
        defined.properties |= key_values(reader.in_parentheses())
    reader.expect_end()
    return defined


def _delimiters(reader: Reader, parameters: dict[str, str]) -> None:
    if reader.take("FIELDS", "TERMINATED", "BY"):
        parameters["field.delim"] = parameters["serialization.format"] = reader.next("string").value
    if reader.take("ESCAPED", "BY"):
        parameters["escape.delim"] = reader.next("string").value
    if reader.take("LINES", "TERMINATED", "BY"):
        parameters["line.delim"] = reader.next("string").value


def columns_of(tokens: list[Token], statement: str) -> list[ColumnTypeDef]:
    """The columns that a `create table` declares, with their types."""
    columns: list[ColumnTypeDef] = []
    for name, *kind in split_by_comma(tokens):
        if not name.is_name_in_ddl:
            reader = Reader(statement)
            reader.at = reader.tokens.index(name)
            raise reader.mismatch("<identifier> or `identifier`")
        words = [token.word for token in kind]
        comment = kind[-1].value if "COMMENT" in words else ""
        typed = kind[: words.index("COMMENT")] if comment else kind
        columns.append({"Name": name.value, "Type": text_of(typed, statement).lower().replace(" ", "")})
        if comment:
            columns[-1]["Comment"] = comment
    return columns


def key_values(tokens: list[Token]) -> dict[str, str]:
    """Returns `'key' = 'value', …` as a dictionary."""
    return {group[0].value: group[-1].value for group in split_by_comma(tokens)}


def _create_hive(defined: _Definition, table: Table, context: Context) -> None:
    if not defined.location.startswith("s3://"):
        raise QueryError("FAILED", "ParseException: missing LOCATION: an external table needs a LOCATION 's3://…'")
    storage: StorageDescriptorTypeDef = {
        "Columns": defined.columns,
        "Location": defined.location,
        "InputFormat": defined.formats[0],
        "OutputFormat": defined.formats[1],
        "SerdeInfo": {
            "SerializationLibrary": defined.serde or _SIMPLE_SERDE,
            "Parameters": {"serialization.format": "1"} | defined.serde_parameters,
        },
    }
    try:
        context.glue.create_table(
            DatabaseName=table.database,
            TableInput={
                "Name": table.name,
                "TableType": "EXTERNAL_TABLE",
                "Parameters": {"EXTERNAL": "TRUE"} | defined.properties,
                "StorageDescriptor": storage,
                "PartitionKeys": [
                    {"Name": name.value, "Type": "".join(token.value for token in kind)}
                    for name, *kind in defined.partitions
                ],
            },
        )
    except context.glue.exceptions.AlreadyExistsException as error:
        if not defined.may_exist:
            raise QueryError("FAILED", f"Table {table.database}.{table.name} already exists") from error


def _create_iceberg(defined: _Definition, table: Table, context: Context, statement: str) -> None:
    if not defined.location.startswith("s3://"):
        raise QueryError("INVALID_TABLE_PROPERTY", "Table location must be specified for Iceberg tables")
    partitions = ", ".join(literal(_transform(tokens, statement)) for tokens in defined.partitions)
    form = defined.properties.get("format", "parquet").upper()
    given = {name: value for name, value in defined.properties.items() if name != "table_type"}
    kept = kept_properties(given)
    properties = {
        "location": literal(defined.location.rstrip("/")),
        "format": literal(form),
        "partitioning": f"ARRAY[{partitions}]",
    } | extra_properties(kept)
    columns = ", ".join(
        f'"{column["Name"]}" {to_trino(column.get("Type", ""))}'
        + (f" COMMENT {literal(column['Comment'])}" if "Comment" in column else "")
        for column in defined.columns
    )
    written = ", ".join(f"{name} = {value}" for name, value in properties.items())
    compression = given.get("write_compression")
    context.trino.run(
        f"CREATE TABLE {'IF NOT EXISTS ' if defined.may_exist else ''}{table.in_iceberg} ({columns}) WITH ({written})",
        {f"{ICEBERG_CATALOG}.compression_codec": compression.upper()} if compression else None,
    )


def kept_properties(properties: dict[str, str]) -> dict[str, str]:
    """Returns the properties of an Iceberg table that Trino keeps without knowing them.

    Raises:
        QueryError: Athena does not know one of them.
    """
    for name in set(properties) - KEPT_BY_ICEBERG - {"format", "write_compression", "comment"}:
        raise QueryError("INVALID_TABLE_PROPERTY", f"Unsupported table property key: {name}")
    return {name: value for name, value in properties.items() if name in KEPT_BY_ICEBERG}


def _transform(tokens: list[Token], statement: str) -> str:
    """Turns `bucket(16, id)` of Athena's DDL into Trino's `bucket(id, 16)`."""
    if len(tokens) == 1:
        return tokens[0].value
    arguments = [text_of(group, statement).strip("`").lower() for group in split_by_comma(tokens[2:-1])]
    return f"{tokens[0].value}({', '.join(reversed(arguments))})"
