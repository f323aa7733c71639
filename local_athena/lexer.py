"""Splits a statement into tokens with their positions, so that it can be checked, and changed in one place only."""

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
    (?P<skip>\s+|--[^\n]*|/\*.*?\*/)
  | (?P<string>'(?:[^']|'')*')
  | (?P<quoted>"(?:[^"]|"")*")
  | (?P<backquoted>`(?:[^`]|``)*`)
  | (?P<word>[^\W\d]\w*)
  | (?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)
  | (?P<symbol>.)
    """,
    re.VERBOSE | re.DOTALL,
)


# https://docs.aws.amazon.com/athena/latest/ug/reserved-words.html
_RESERVED_IN_DDL = """
ALL ALTER AND ARRAY AS AUTHORIZATION BETWEEN BIGINT BINARY BOOLEAN BOTH BY CASE CASHE CAST CHAR COLUMN COMMIT CONF
CONSTRAINT CREATE CROSS CUBE CURRENT CURRENT_DATE CURRENT_TIMESTAMP CURSOR DATABASE DATE DAYOFWEEK DECIMAL DELETE
DESCRIBE DISTINCT DIV DOUBLE DROP ELSE END EXCHANGE EXISTS EXTENDED EXTERNAL EXTRACT FALSE FETCH FLOAT FLOOR
FOLLOWING FOR FOREIGN FROM FULL FUNCTION GRANT GROUP GROUPING HAVING IF IMPORT IN INNER INSERT INT INTEGER INTERSECT
INTERVAL INTO IS JOIN LATERAL LEFT LESS LIKE LOCAL MACRO MAP MORE NONE NOT NULL NUMERIC OF ON ONLY OR ORDER OUT
OUTER OVER PARTIALSCAN PARTITION PERCENT PRECEDING PRECISION PRESERVE PRIMARY PROCEDURE RANGE READS REDUCE
REFERENCES REGEXP REVOKE RIGHT RLIKE ROLLBACK ROLLUP ROW ROWS SELECT SET SMALLINT START TABLE TABLESAMPLE THEN TIME
TIMESTAMP TO TRANSFORM TRIGGER TRUE TRUNCATE UNBOUNDED UNION UNIQUEJOIN UPDATE USER USING UTC_TIMESTAMP VALUES
VARCHAR VIEWS WHEN WHERE WINDOW WITH
"""
RESERVED_IN_DDL = frozenset(_RESERVED_IN_DDL.split())


@dataclass(frozen=True)
class Token:
    """A word, name, string, number or symbol of a statement."""

    kind: str
    text: str
    start: int
    end: int

    @property
    def word(self) -> str:
        """The keyword that it may be, in upper case; empty if it is quoted."""
        return self.text.upper() if self.kind in {"word", "symbol"} else ""

    @property
    def value(self) -> str:
        """Its text without quotes; names are lower case, as in Glue."""
        if self.kind == "string":
            return self.text[1:-1].replace("''", "'")
        if self.kind in {"quoted", "backquoted"}:
            quote = self.text[0]
            return self.text[1:-1].replace(quote * 2, quote).lower()
        return self.text.lower()

    @property
    def is_name(self) -> bool:
        """Whether it can be a name."""
        return self.kind in {"word", "quoted", "backquoted"}

    @property
    def is_name_in_ddl(self) -> bool:
        """Whether it can be a name for Athena's Hive parser, which quotes with backticks."""
        return self.kind == "backquoted" or (
            self.kind == "word" and not self.text.startswith("_") and self.word not in RESERVED_IN_DDL
        )


def tokens_of(statement: str) -> list[Token]:
    """Returns the tokens of a statement, without its comments."""
    return [
        Token(match.lastgroup, match.group(), match.start(), match.end())
        for match in _TOKEN.finditer(statement)
        if match.lastgroup and match.lastgroup != "skip"
    ]


class UnreadableError(Exception):
    """A statement does not follow Athena's reference; the message has Athena's form."""


class Reader:
    """Reads a statement from left to right."""

    def __init__(self, statement: str) -> None:
        self.statement = statement
        self.tokens = tokens_of(statement)
        self.at = 0

    def peek(self, ahead: int = 0) -> Token | None:
        """Returns the next token without taking it."""
        return self.tokens[self.at + ahead] if self.at + ahead < len(self.tokens) else None

    def looks_like(self, *words: str) -> bool:
        """Whether these keywords come next; `|` separates alternatives."""
        coming = [token.word for token in self.tokens[self.at : self.at + len(words)]]
        return len(coming) == len(words) and all(
            word in wanted.split("|") for word, wanted in zip(coming, words, strict=True)
        )

    def take(self, *words: str) -> bool:
        """Takes these keywords if they come next."""
        found = self.looks_like(*words)
        self.at += len(words) if found else 0
        return found

    def expect(self, *words: str) -> None:
        """Takes these keywords.

        Raises:
            UnreadableError: Something else comes next.
        """
        for word in words:
            if not self.take(word):
                raise self.mismatch(", ".join(f"'{each}'" for each in word.split("|")))

    def mismatch(self, expected: str) -> UnreadableError:
        """Returns the error for a next token that is not what it should be."""
        token = self.peek()
        where = token.start if token else len(self.statement)
        line = self.statement.count("\n", 0, where) + 1
        column = where - (self.statement.rfind("\n", 0, where) + 1) + 1
        return UnreadableError(
            f"line {line}:{column}: mismatched input '{token.text if token else '<EOF>'}'. Expecting: {expected}"
        )

    def next(self, kind: str) -> Token:
        """Takes a token of a kind: `name`, `string` or `number`.

        Raises:
            UnreadableError: Another kind comes next.
        """
        token = self.peek()
        if token is None or not (token.is_name if kind == "name" else token.kind == kind):
            raise self.mismatch(f"<{'identifier' if kind == 'name' else kind}>")
        self.at += 1
        return token

    def dotted_name(self) -> list[Token]:
        """Takes a name of one or more parts."""
        parts = [self.next("name")]
        while self.take("."):
            parts.append(self.next("name"))
        return parts

    def in_parentheses(self) -> list[Token]:
        """Takes a group in parentheses and returns what is between them."""
        self.expect("(")
        started, depth = self.at, 1
        while depth:
            token = self.peek()
            if token is None:
                raise self.mismatch("')'")
            depth += {"(": 1, ")": -1}.get(token.word, 0)
            self.at += 1
        return self.tokens[started : self.at - 1]

    def expect_end(self) -> None:
        """Raises an error if anything but one semicolon comes next."""
        self.take(";")
        if self.peek() is not None:
            raise self.mismatch("<EOF>")


def split_by_comma(tokens: list[Token]) -> list[list[Token]]:
    """Splits a list at the commas outside of brackets."""
    groups: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        depth += {"(": 1, "[": 1, "<": 1, ")": -1, "]": -1, ">": -1}.get(token.word, 0)
        if token.word == "," and depth == 0:
            groups.append([])
        else:
            groups[-1].append(token)
    return [group for group in groups if group]


def text_of(tokens: list[Token], statement: str) -> str:
    """Returns the tokens as they were written."""
    return statement[tokens[0].start : tokens[-1].end] if tokens else ""
