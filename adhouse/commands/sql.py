"""Runs a query on the published marts and prints what it gives."""

import json
import math
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from adhouse.console import Terminal
from adhouse.errors import CommandError, Exit
from adhouse.settings import Settings
from adhouse.warehouse.open import open_warehouse


def show(terminal: Terminal, settings: Settings, query: str, *, as_csv: bool, as_json: bool) -> None:
    """Prints the rows as a table, or as CSV or JSON; the query can neither change anything nor read anything else.

    Raises:
        CommandError: Nothing is published yet, or the query is wrong or not allowed.
    """
    if not query.strip("; \t\r\n"):
        raise CommandError("the query is empty", 'an example: adhouse sql "select * from campaign_summary"', Exit.USAGE)
    columns, rows = open_warehouse(settings).select(query)
    if as_csv:
        terminal.csv(columns, rows)
    elif as_json:
        names = _unique(columns)
        terminal.json([{name: _for_json(cell) for name, cell in zip(names, row, strict=True)} for row in rows])
    else:
        terminal.table(columns, [[_for_table(cell) for cell in row] for row in rows])


def _unique(columns: Sequence[str]) -> list[str]:
    """The names as keys of an object: of two columns of one name the second is called `name_2`."""
    seen: Counter[str] = Counter()
    names = []
    for column in columns:
        seen[column] += 1
        names.append(column if seen[column] == 1 else f"{column}_{seen[column]}")
    return names


def _for_table(cell: Any) -> str:
    if isinstance(cell, dict | list):
        return json.dumps(cell, default=str, ensure_ascii=False)
    return "NULL" if cell is None else str(cell)


def _for_json(cell: Any) -> Any:
    """A decimal stays exact: a JSON number would be read as a double, so it becomes text. JSON has no NaN: null."""
    if isinstance(cell, float) and not math.isfinite(cell):
        return None
    return str(cell) if isinstance(cell, Decimal) else cell
