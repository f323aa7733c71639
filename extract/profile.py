"""How a source writes its records, where that is not as adhouse's own API and plain files do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

ONE = Decimal(1)


@dataclass(frozen=True)
class Column:
    """Where the value of one of our fields comes from.

    Attributes:
        name: The source's name of the field, or a dotted path in JSON; None: ours.
        constant: What every record says, whatever the source writes.
        divide_by: What a number is divided by, such as 1,000,000 for micros.
        multiply_by: What a number is multiplied by, such as 1,000 for the price of one impression.
        others: Other names of it, in the order of preference: a file, or a record of JSON, may have any one of them.
        if_null: What an empty value says, where the source leaves zeros out; None: that nobody knows.
        nulls: Texts that say that there is no value, beside those of the profile.
    """

    name: str | None = None
    constant: str | None = None
    divide_by: Decimal = ONE
    if_null: str | None = None
    others: tuple[str, ...] = ()
    multiply_by: Decimal = ONE
    nulls: tuple[str, ...] = ()


PLAIN_COLUMN = Column()
"""A field that a source writes as its name and the profile say."""


@dataclass(frozen=True)
class Profile:
    """How a source writes its records. As it is made without arguments, it changes nothing.

    Attributes:
        columns: Our fields → where their values come from; a field that is not named has our name.
        format: `csv`, `json`, `parquet` or `xlsx`, whatever the file is called; None: as name and content say.
        encoding: Of text without a byte order mark; None: UTF-8.
        delimiter: What stands between fields; None: found by itself.
        header_line: The line with the names, from 1; None: found by itself.
        skip_rows: How many rows behind the header are no records, such as a row of units.
        header: The names of the columns of a file that has no line with them.
        skip: Names of columns that are not kept, not even beside the fields.
        decimal: The decimal sign of numbers; None: a point, and what could be read two ways is rejected.
        thousands: What stands between groups of three digits; None: the other one of point and comma where `decimal`
            is said, else nothing may.
        currency_signs: Texts that may stand before or behind a number.
        nulls: Texts that say that there is no value.
        date_format: How dates are written, as in `datetime.strptime`; None: as ISO 8601 says.
        time_origin: The instant since which numbers count seconds, where an event's time should be; None: as many
            digits as a time since 1970 has.
        records: Where the records are in a JSON document, or the record in each line, a dotted path; None: the usual
            places.
        sheet: Which sheet of a workbook; None: the only one with records.
        optional: Our fields that a file with columns may lack, beside those that its kind does not require.
        id_prefix: What comes before each id that names an event, where sources use the same ids for other events.
        ignores_own_id: Whether the column with the id of an event is not believed.
        id_fields: Our fields that are the id of an event together; none: the field that its kind has for it.
        counts_identical_rows: Whether rows of events without an id that are equal are as many events.
    """

    columns: Mapping[str, Column] = field(default_factory=dict)
    format: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    header_line: int | None = None
    skip_rows: int = 0
    header: tuple[str, ...] = ()
    skip: frozenset[str] = frozenset()
    decimal: str | None = None
    thousands: str | None = None
    currency_signs: tuple[str, ...] = ()
    nulls: frozenset[str] = frozenset()
    date_format: str | None = None
    time_origin: datetime | None = None
    records: str | None = None
    sheet: str | None = None
    optional: frozenset[str] = frozenset()
    id_prefix: str = ""
    ignores_own_id: bool = False
    id_fields: tuple[str, ...] = ()
    counts_identical_rows: bool = False

    def __post_init__(self) -> None:
        if self.decimal not in (None, ".", ","):
            raise ValueError(f"`decimal` is a point or a comma, not {self.decimal!r}")
        if self.thousands is not None and (len(self.thousands) != 1 or self.thousands.isalnum()):
            raise ValueError(f"`thousands` is one sign, not {self.thousands!r}")
        if self.thousands == self.decimal_sign:
            raise ValueError(f"`decimal` and `thousands` are both {self.thousands!r}")

    @property
    def writes_numbers(self) -> bool:
        """Whether it says how numbers are written; JSON's own numbers are always plain."""
        return self.decimal is not None or self.thousands is not None or bool(self.currency_signs)

    @property
    def has_odd_nulls(self) -> bool:
        """Whether a text that means null could also be a number, or yes or no."""
        return any(any(map(str.isdigit, text)) or text.casefold() in ("true", "false") for text in self.nulls)

    @property
    def decimal_sign(self) -> str:
        """The decimal sign of numbers that are written as text."""
        return self.decimal or ("," if self.thousands == "." else ".")

    @property
    def thousands_sign(self) -> str | None:
        """What stands between groups of three digits."""
        return self.thousands or {None: None, ".": ",", ",": "."}[self.decimal]

    @property
    def names(self) -> Mapping[str, str]:
        """Our names of fields → the source's, where they differ."""
        return {ours: column.name for ours, column in self.columns.items() if column.name is not None}

    @property
    def constants(self) -> Mapping[str, str]:
        """What fields say in every record, whatever the source writes."""
        return {ours: column.constant for ours, column in self.columns.items() if column.constant is not None}

    def decides(self) -> dict[str, Any]:
        """What decides how records are read, for JSON; the same for the same profile."""
        told = {name: value for name, value in asdict(self).items() if value != getattr(PLAIN, name)}
        return {name: sorted(value) if isinstance(value, frozenset) else value for name, value in told.items()}


PLAIN = Profile()
"""How adhouse's own API and plain files write their records."""


def renamed(names: Mapping[str, str]) -> Profile:
    """A profile in which fields have other names: ours → the source's."""
    return Profile({ours: Column(theirs) for ours, theirs in names.items()})
