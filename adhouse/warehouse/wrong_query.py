"""Turns what an engine says of a user's query into one line of plain words."""

import re

from adhouse.errors import CommandError, Exit

ONLY_READS = "`adhouse sql` only reads the published marts"
SCHEMA = "`adhouse docs` has every table and column"
# What an engine says → what we say, and what helps. DuckDB's first, then Athena's.
_KNOWN = (
    (re.compile(r"Table with name (\S+) does not exist!"), "there is no published table {0}", SCHEMA),
    (re.compile(r'Referenced column "([^"]+)" not found'), "there is no column {0} in the tables it names", SCHEMA),
    (re.compile(r'Referenced table "([^"]+)" not found'), "it does not read a table {0}", SCHEMA),
    (re.compile(r'does not have a column named "([^"]+)"'), "there is no column {0} in the tables it names", SCHEMA),
    (re.compile(r"Function with name (\S+) does not exist!"), "there is no function {0}", ""),
    (re.compile(r'syntax error at or near "([^"]+)"'), "it is not SQL at {0}", ""),
    (re.compile(r"read-only mode"), "it would change something", ONLY_READS),
    (re.compile(r"disabled by configuration"), "it would reach a file or the network", ONLY_READS),
    (
        re.compile(r"been locked|is locked"),
        "it would set an option",
        ONLY_READS,
    ),
    (re.compile(r"Table '([^']+)' does not exist"), "there is no published table {0}", SCHEMA),
    (re.compile(r"Column '([^']+)' cannot be resolved"), "there is no column {0} in the tables it names", SCHEMA),
)
_SUGGESTED = re.compile(r'(?:Did you mean|Candidate bindings:) "([^"]+)"')
_OF_ENGINE = re.compile(r"^(duckdb|pg|sqlite|pragma)_")
_KIND = re.compile(r"^(?:[A-Z]\w+ )*Error: |^[A-Z_]+: (?=line )")


def wrong_query(said: str) -> CommandError:
    """The error of a query that an engine does not run: in our words where we have some, with the text at fault.

    Args:
        said: What the engine said, which may quote a line of the query.
    """
    words, _, quotation = said.partition("\nLINE ")
    near = quotation.partition(":")[2].strip().partition("\n")[0].strip()
    shown = f" in: {near}" if near else ""
    for pattern, ours, way_out in _KNOWN:
        if found := pattern.search(words):
            suggested = _SUGGESTED.search(words)
            if suggested and not _OF_ENGINE.match(suggested[1]):
                way_out = f"did you mean {suggested[1]}?"
            return CommandError(f"the query failed: {ours.format(*found.groups())}{shown}", way_out, Exit.USAGE)
    plain = " ".join(_KIND.sub("", words.partition("\n\tCandidate ")[0]).split())
    return CommandError(f"the query failed: {plain}{shown}", code=Exit.USAGE)
