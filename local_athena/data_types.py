"""Translates type names between Hive (used by Athena's DDL and Glue) and Trino."""

import re

from local_athena.lexer import Reader, Token, UnreadableError, split_by_comma, text_of

_TO_TRINO = {
    "string": "varchar",
    "int": "integer",
    "float": "real",
    "binary": "varbinary",
    "timestamp": "timestamp(6)",
    "timestamptz": "timestamp(6) with time zone",
}
_TO_HIVE = {"integer": "int", "real": "float", "varbinary": "binary", "varchar": "string"}
_PLAIN_IN_ICEBERG = {"boolean", "int", "bigint", "float", "double", "decimal", "date", "string", "binary", "timestamp"}


def to_trino(hive_type: str) -> str:
    """Returns Trino's name for a type of an Iceberg table's DDL.

    Raises:
        UnreadableError: Iceberg tables in Athena have no such type.
    """
    reader = Reader(hive_type)
    base = reader.next("name").value
    if base == "array" and reader.take("<"):
        return f"array({to_trino(hive_type[reader.tokens[2].start : reader.tokens[-1].start])})"
    if base in {"map", "struct"} and reader.take("<"):
        parts = [text_of(part, hive_type) for part in split_by_comma(reader.tokens[2:-1])]
        if base == "map":
            return f"map({', '.join(map(to_trino, parts))})"
        fields = (part.split(":", 1) for part in parts)
        return f"row({', '.join(f'{name.strip()} {to_trino(kind)}' for name, kind in fields)})"
    if base not in _PLAIN_IN_ICEBERG | {"timestamptz"}:
        raise UnreadableError(f"Type not supported for Iceberg: {hive_type}")
    return _TO_TRINO.get(base, hive_type)


def to_hive(trino_type: str) -> str:
    """Returns Hive's name for a Trino type, as Athena writes it into Glue for a view's columns."""
    kind = trino_type.strip()
    if kind.startswith(("array(", "map(", "row(")):
        reader = Reader(kind)
        base = reader.next("name").value
        parts = split_by_comma(reader.in_parentheses())
        if base == "row":
            return f"struct<{','.join(_field(number, part, kind) for number, part in enumerate(parts))}>"
        return f"{base}<{','.join(to_hive(text_of(part, kind)) for part in parts)}>"
    if kind.startswith("timestamp"):
        return "timestamp"
    if kind.startswith(("time", "interval")) or kind in {"json", "uuid", "ipaddress"}:
        return "string"
    return _TO_HIVE.get(kind, kind.replace(", ", ","))


def _field(number: int, part: list[Token], kind: str) -> str:
    is_named = len(part) > 1 and part[1].word != "("
    name, rest = (part[0].value, part[1:]) if is_named else (f"field{number}", part)
    return f"{name}:{to_hive(text_of(rest, kind))}"


def not_in_iceberg(trino_type: str) -> str | None:
    """Returns why Athena refuses a column of this type in an Iceberg table, where a newer Trino would round it."""
    if match := re.search(r"\btimestamp\((?!6\))(\d+)\)( with time zone)?", trino_type):
        return (
            f'Timestamp precision ({match[1]}) not supported for Iceberg. Use "timestamp(6){match[2] or ""}" instead.'
        )
    if match := re.search(r"\b(tinyint|smallint|char\(\d+\)|json|interval [a-z ]+)", trino_type):
        return f"Type not supported for Iceberg: {match[1]}"
    return None
