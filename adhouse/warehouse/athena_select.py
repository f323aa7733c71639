"""Which statements of a user may go to Athena: those that read the published views, and nothing else.

Athena itself would let a reader see every database that the role sees, and change them too.
"""

import re
from collections.abc import Iterator
from itertools import pairwise

from adhouse.errors import CommandError, Exit

READERS = "marts"
READING = ("select", "with", "show", "describe")
CATALOG = "awsdatacatalog"
_QUOTED = r"\"(?:[^\"]|\"\")*\" | `[^`]*`"
_NO_NAMES = re.compile(rf"(--[^\r\n]* | /\*.*?\*/ | '(?:[^']|'')*') | {_QUOTED}", re.VERBOSE | re.DOTALL)
_TOKEN = re.compile(rf"(?:{_QUOTED} | \w+) (?:\s*\.\s*(?:{_QUOTED} | \w+))* | [(),;&]", re.VERBOSE)
_PART = re.compile(rf"{_QUOTED} | \w+", re.VERBOSE)
# Inside these `from` is part of a function, as in extract(day from received_at).
_FUNCTIONS_WITH_FROM = ("extract", "trim", "substring", "overlay")
# Reserved words that end a list of tables; after any other word a comma may be followed by one more.
_AFTER_TABLES = ("where", "group", "having", "order", "union", "except", "intersect", "select", "with")


def check_reads_published(statement: str) -> None:
    """Does nothing if the statement only reads the published views.

    Raises:
        CommandError: It is of another kind, or names a table of another database.
    """
    tokens = _TOKEN.findall(_NO_NAMES.sub(lambda found: " " if found[1] else found[0], statement))
    if tokens and tokens[-1] == ";":
        tokens.pop()
    first = tokens[0].lower() if tokens else ""
    if first not in READING or ";" in tokens or "&" in tokens:
        raise CommandError(
            "only one statement is allowed, and only one that reads", f"begin it with {', '.join(READING)}", Exit.USAGE
        )
    for name in _tables(tokens) if first in ("select", "with") else _shown(tokens):
        *database, _ = (part.strip('"`').lower() for part in _PART.findall(name))
        if database not in ([], [READERS], [CATALOG, READERS]):
            raise CommandError(
                f"{name} is not one of the published views", f"those are in the database {READERS}", Exit.USAGE
            )


def _tables(tokens: list[str]) -> Iterator[str]:
    """The names after `from`, `join` and `table`, and after a comma between tables."""
    levels = [(False, False)]  # for each open parenthesis: is it of such a function, and are tables listed in it
    is_wanted, last = False, ""
    for symbol in tokens:
        word = symbol.lower()
        is_function, is_list = levels[-1]
        if symbol == "(":
            levels.append((last in _FUNCTIONS_WITH_FROM, is_wanted))
        elif symbol == ")":
            levels = levels[:-1] or [(False, False)]
            is_wanted = False
        elif symbol == ",":
            is_wanted = is_list
        elif word in ("from", "join", "table") and not (is_function and word == "from"):
            levels[-1] = (is_function, True)
            is_wanted = True
        elif word in _AFTER_TABLES:
            levels[-1] = (is_function, False)
            is_wanted = False
        elif is_wanted:
            yield symbol
            is_wanted = False
        last = word


def _shown(tokens: list[str]) -> Iterator[str]:
    """The names in a statement that shows or describes something; of a database, as if with a table in it."""
    is_about_tables = {"tables", "views"} & {token.lower() for token in tokens[:2]}
    for last, token in pairwise(tokens):
        if is_about_tables and last.lower() in ("in", "from"):
            yield f"{token}.tables"
        elif "." in token:
            yield token
