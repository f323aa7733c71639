"""What the planners of all statements share: the plan, its context, and names of tables."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mypy_boto3_glue import GlueClient

from local_athena.lexer import Reader, Token
from local_athena.trino import HIVE_CATALOG, ICEBERG_CATALOG
from local_athena.trino_client import Answer, QueryError, TrinoSession

_TABLE_INPUT = {
    "Name",
    "Description",
    "Owner",
    "Retention",
    "StorageDescriptor",
    "PartitionKeys",
    "ViewOriginalText",
    "ViewExpandedText",
    "TableType",
    "Parameters",
}


@dataclass(frozen=True)
class Context:
    """What a statement has to work with."""

    trino: TrinoSession
    glue: GlueClient
    database: str
    parameters: list[str]
    results_folder: str
    query_id: str
    when_accepted: Callable[[], None]


@dataclass(frozen=True)
class Plan:
    """How a statement is run, and how its result is shown.

    Attributes:
        kind: Athena's StatementType: DDL, DML or UTILITY.
        detail: Athena's SubstatementType.
        run: Runs the statement.
        has_header: Whether the first row of the result holds the column names.
    """

    kind: str
    detail: str
    run: Callable[[Context], Answer]
    has_header: bool = False


@dataclass(frozen=True)
class Table:
    """The complete name of a table."""

    database: str
    name: str

    @property
    def in_trino(self) -> str:
        """Its name in Trino's catalog for both kinds of tables."""
        return f'{HIVE_CATALOG}."{self.database}"."{self.name}"'

    @property
    def in_iceberg(self) -> str:
        """Its name in Trino's catalog for Iceberg tables."""
        return f'{ICEBERG_CATALOG}."{self.database}"."{self.name}"'


def table_named(parts: list[Token], context: Context) -> Table:
    """Completes a table's name.

    Raises:
        QueryError: It names a catalog that Athena does not have.
    """
    values = [part.value for part in parts]
    if len(values) > 2 and values[0] != HIVE_CATALOG:
        raise QueryError("CATALOG_NOT_FOUND", f"Catalog '{values[0]}' not found")
    return Table(values[-2] if len(values) > 1 else context.database, values[-1])


def ddl_name(reader: Reader) -> list[Token]:
    """Takes a table's name in a statement of Athena's Hive parser."""
    started = reader.at
    parts = reader.dotted_name()
    for offset, part in enumerate(parts):
        if not part.is_name_in_ddl:
            reader.at = started + 2 * offset
            raise reader.mismatch("<identifier> or `identifier`")
    return parts


def is_iceberg(table: Table, glue: GlueClient) -> bool | None:
    """Whether a table is an Iceberg table; None if there is no such table."""
    try:
        found = glue.get_table(DatabaseName=table.database, Name=table.name)["Table"]
    except glue.exceptions.EntityNotFoundException:
        return None
    return found.get("Parameters", {}).get("table_type", "").upper() == "ICEBERG"


def change_in_glue(table: Table, context: Context, change: Callable[[dict[str, Any]], object]) -> None:
    """Changes a table's entry in Glue and keeps the rest of it."""
    found: dict[str, Any] = {**context.glue.get_table(DatabaseName=table.database, Name=table.name)["Table"]}
    change(found)
    kept: Any = {name: value for name, value in found.items() if name in _TABLE_INPUT}
    context.glue.update_table(DatabaseName=table.database, TableInput=kept)


def rest_of(reader: Reader) -> str:
    """Returns the rest of the statement as written, without the semicolon at its end."""
    token = reader.peek()
    return reader.statement[token.start if token else len(reader.statement) :].rstrip().rstrip(";")


def literal(text: str) -> str:
    """Writes a text as a string literal."""
    return "'" + text.replace("'", "''") + "'"
