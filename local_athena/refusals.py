"""Which statements Athena has; all others are refused, although Trino would run many of them."""

import re
from collections.abc import Callable

from local_athena import alter, databases, dml, tables
from local_athena.lexer import Reader, UnreadableError
from local_athena.statements import Plan
from local_athena.trino import ICEBERG_CATALOG
from local_athena.trino_client import QueryError

LONGEST_STATEMENT = 262_144
# https://docs.aws.amazon.com/athena/latest/ug/ddl-reference.html, and the pages of its DML and of Iceberg tables
STATEMENTS: list[tuple[tuple[str, ...], Callable[[Reader], Plan]]] = [
    (("SELECT|WITH|VALUES|TABLE|(",), dml.select),
    (("EXPLAIN",), dml.explain),
    (("INSERT", "INTO"), dml.write),
    (("DELETE", "FROM"), dml.write),
    (("MERGE", "INTO"), dml.write),
    (("UPDATE",), dml.write),
    (("CREATE", "VIEW"), dml.create_view),
    (("CREATE", "OR", "REPLACE", "VIEW"), dml.create_view),
    (("DROP", "VIEW"), dml.drop_view),
    (("CREATE", "DATABASE|SCHEMA"), databases.create_database),
    (("DROP", "DATABASE|SCHEMA"), databases.drop_database),
    (("DROP", "TABLE"), databases.drop_table),
    (("SHOW",), databases.show),
    (("DESCRIBE",), databases.describe),
    (("CREATE", "EXTERNAL", "TABLE"), tables.create_table),
    (("ALTER", "TABLE"), alter.alter_table),
    (("MSCK", "REPAIR", "TABLE"), alter.repair_table),
    (("OPTIMIZE",), alter.optimize),
    (("VACUUM",), alter.vacuum),
]
# https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg-table-metadata.html
METADATA_TABLES = {"files", "manifests", "history", "partitions", "snapshots", "refs"}
# Functions that only newer engines than Athena's have.
UNKNOWN_FUNCTIONS = {"JSON_TABLE"}


def plan(statement: str) -> Plan:
    """Returns how to run a statement.

    Raises:
        UnreadableError: Athena has no such statement, or its syntax is wrong.
        QueryError: Athena would accept it, and it would fail.
    """
    if len(statement.encode()) > LONGEST_STATEMENT:
        raise UnreadableError(
            f"1 validation error detected: Value '{statement[:40]}…' at 'queryString' failed to satisfy constraint: "
            f"Member must have length less than or equal to {LONGEST_STATEMENT}"
        )
    reader = Reader(statement)
    _refuse_words(reader)
    if reader.looks_like("CREATE", "TABLE"):
        return (dml.create_table_as if _has_query(reader) else tables.create_table)(reader)
    for words, planner in STATEMENTS:
        if reader.looks_like(*words):
            return planner(reader)
    raise reader.mismatch(", ".join(sorted({f"'{words[0].split('|')[0]}'" for words, _ in STATEMENTS})))


def _refuse_words(reader: Reader) -> None:
    for token, following in zip(reader.tokens, [*reader.tokens[1:], None], strict=True):
        if token.value == ICEBERG_CATALOG and token.is_name:
            raise QueryError("CATALOG_NOT_FOUND", f"Catalog '{token.value}' not found")
        metadata = re.fullmatch(r"[^$]+\$([a-z_]+)", token.value) if token.kind == "quoted" else None
        if metadata and metadata[1] not in METADATA_TABLES:
            raise QueryError("TABLE_NOT_FOUND", f"Table '{token.value}' does not exist")
        if token.word in UNKNOWN_FUNCTIONS and following and following.word == "(":
            raise QueryError("FUNCTION_NOT_FOUND", f"Function '{token.value}' not registered")
        if token.word == "WITH" and following and following.word == "FUNCTION":
            reader.at = reader.tokens.index(following)
            raise reader.mismatch("<identifier>, 'RECURSIVE'")


def _has_query(reader: Reader) -> bool:
    depth = 0
    for token in reader.tokens:
        depth += {"(": 1, ")": -1}.get(token.word, 0)
        if token.word == "AS" and depth == 0:
            return True
    return False
