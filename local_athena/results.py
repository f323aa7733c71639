"""Formats results as Athena does: every value is text, in its API and in the result file in S3."""

import base64
import math
import re
from typing import Any

from local_athena.statements import Plan
from local_athena.trino_client import Answer

_SHOWN_AS = {"real": "float", "char": "char"}


def rows_of(plan: Plan, answer: Answer) -> list[list[str | None]]:
    """Returns the rows of a result as text; the first row of a query's result holds the column names."""
    if _is_count(plan, answer):
        return []
    kinds = [kind for _, kind in answer.columns]
    rows = [[shown(value, kind) for value, kind in zip(row, kinds, strict=True)] for row in answer.rows]
    if plan.has_header:
        return [[name for name, _ in answer.columns], *rows]
    if len(kinds) > 1:  # `describe` and the like return lines of text
        return [["\t".join(value or "" for value in row)] for row in rows]
    return rows


def column_info(plan: Plan, answer: Answer) -> list[dict[str, Any]]:
    """Returns the columns of a result as Athena's API describes them."""
    columns = [("rows", "bigint")] if _is_count(plan, answer) else answer.columns
    return [
        {
            "CatalogName": "hive",
            "SchemaName": "",
            "TableName": "",
            "Name": name,
            "Label": name,
            "Type": _base(kind),
            "Precision": _size(kind, 0),
            "Scale": _size(kind, 1),
            "Nullable": "UNKNOWN",
            "CaseSensitive": _base(kind) in {"varchar", "char"},
        }
        for name, kind in columns
    ]


def csv(rows: list[list[str | None]]) -> str:
    """Writes rows as Athena's result file: every value in quotes, a null as an empty field."""
    lines = (",".join("" if value is None else '"' + value.replace('"', '""') + '"' for value in row) for row in rows)
    return "".join(line + "\n" for line in lines)


def text(rows: list[list[str | None]]) -> str:
    """Writes rows as the plain text file of statements without a header."""
    return "".join("\t".join(value or "" for value in row) + "\n" for row in rows)


def shown(value: Any, kind: str) -> str | None:
    """Returns a value as Athena shows it."""
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return _double(value)
    if isinstance(value, list):
        if kind.startswith("row("):
            names = re.findall(r'(?:\(|, )"?(\w+)"? ', kind)
            names = names if len(names) == len(value) else [f"field{number}" for number in range(len(value))]
            return "{" + ", ".join(f"{name}={_inner(v)}" for name, v in zip(names, value, strict=True)) + "}"
        return "[" + ", ".join(_inner(each, kind.removeprefix("array(")) for each in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}={_inner(each)}" for name, each in value.items()) + "}"
    if kind == "varbinary":
        return base64.b64decode(value).hex(" ")
    if kind.startswith("timestamp"):  # at least milliseconds, which clients expect
        return re.sub(r"(:\d\d)(?:\.(\d*))?(?=$| )", lambda found: f"{found[1]}.{found[2] or '':0<3}", value)
    return str(value)


def _inner(value: Any, kind: str = "") -> str:
    said = shown(value, kind)
    return "null" if said is None else said


def _double(value: float) -> str:
    """Writes a double as Java does: with an exponent below 0.001 and from 10,000,000 on."""
    if value == 0 or not math.isfinite(value) or 1e-3 <= abs(value) < 1e7:
        return {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, str(value).replace("nan", "NaN"))
    mantissa, exponent = f"{value!r}".partition("e")[::2] if "e" in repr(value) else _shifted(value)
    return f"{mantissa if '.' in mantissa else mantissa + '.0'}E{int(exponent)}"


def _shifted(value: float) -> tuple[str, str]:
    digits = repr(abs(value)).replace(".", "").lstrip("0").rstrip("0")
    exponent = math.floor(math.log10(abs(value)))
    return f"{'-' if value < 0 else ''}{digits[0]}.{digits[1:] or '0'}", str(exponent)


def _is_count(plan: Plan, answer: Answer) -> bool:
    return not plan.has_header and [name for name, _ in answer.columns] == ["rows"] and answer.update_count is not None


def _base(kind: str) -> str:
    base = re.sub(r"\([^()]*\)", "", kind) if not kind.startswith(("row(", "array(", "map(")) else kind.split("(")[0]
    return _SHOWN_AS.get(base, base)


def _size(kind: str, position: int) -> int:
    sizes = re.findall(r"\d+", kind) if kind.startswith("decimal") else []
    return int(sizes[position]) if sizes else 0
