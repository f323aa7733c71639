"""What is said of records that are loaded, though they may not be what they seem: nothing about money is silent."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from extract.profile import ONE
from extract.readers.numbers import characters_of
from extract.records import UNSURE_TIME, Batch
from extract.schema import FieldType, Kind
from extract.source import SourceConfig

MOST_LOOKED_AT = 1_000  # records of a batch whose other columns are looked at
LONGEST_CODE = 8  # of a currency, with blanks around it
WEEK = timedelta(days=7)
# The signs that are of one currency alone; `$` and `¥` are of several.
SIGNS = {"€": "EUR", "£": "GBP", "₹": "INR", "R$": "BRL", "zł": "PLN", "₺": "TRY", "₩": "KRW", "A$": "AUD", "C$": "CAD"}
CODES = frozenset(
    [
        *(
            "AED",
            "ARS",
            "AUD",
            "BRL",
            "CAD",
            "CHF",
            "CLP",
            "CNY",
            "COP",
            "CZK",
            "DKK",
            "EUR",
            "GBP",
            "HKD",
            "HUF",
            "IDR",
        ),
        *(
            "ILS",
            "INR",
            "JPY",
            "KRW",
            "MXN",
            "MYR",
            "NOK",
            "NZD",
            "PHP",
            "PLN",
            "RON",
            "SEK",
            "SGD",
            "THB",
            "TRY",
            "TWD",
        ),
        *("UAH", "USD", "VND", "ZAR"),
    ]
)

_EXPONENT_ID = r"^[0-9]+(\.[0-9]+)?[eE][+-]?[0-9]+$"
_LAST_WORD = re.compile(r"[(\[_ ]([A-Za-z]{3})[)\]]?\s*$")
_SAY_CURRENCY = "say `currency` of the source: a code, or the column that has it"


class Doubts:
    """Looks through the records of a file or fetch that are loaded."""

    def __init__(self, config: SourceConfig) -> None:
        """Takes how their source is declared."""
        self._config = config
        self._rounded, self._example = 0, ""
        self._noted: Counter[str] = Counter()
        self._days: set[date] = set()
        self._priced = self._with_currency = 0
        self._unread: dict[str, str] = {}  # what other columns say, if it is a currency

    def add(self, kind: Kind, batch: Batch) -> None:
        """Looks through the next records."""
        records, fields = batch.records, kind.record_type.fields
        self._noted.update(batch.noted)
        self._count_rounded(kind, records)
        if fields.get("date") is FieldType.DATE:
            self._days.update(pc.unique(records.column("date")).drop_null().to_pylist())
        if "currency" in fields:
            self._priced += records.num_rows
            self._with_currency += records.num_rows - records.column("currency").null_count
            self._look_for_currency(records.column("_extra").slice(0, MOST_LOOKED_AT))

    def lines(self) -> Iterator[str]:
        """What is to be said."""
        if self._rounded:
            ids = "1 id" if self._rounded == 1 else f"{self._rounded:,} ids"
            yield f"{ids} with an exponent, such as {self._example}: a spreadsheet rounded it; export ids as text"
        if unsure := self._noted[UNSURE_TIME]:
            times = "1 time lies" if unsure == 1 else f"{unsure:,} times lie"
            yield (
                f"{times} in an hour that clocks in {self._config.timezone} showed twice or left out: read as the "
                "first of the two, or with the offset before; export times with their offset"
            )
        if self._config.api is None and (grain := _grain(self._days)):
            yield (
                f"its {len(self._days):,} dates are {grain}: if a row is of more than a day, export it by day, because "
                "its money counts on that day alone, and twice beside files of single days"
            )
        if self._priced:
            yield from self._of_money()

    def _of_money(self) -> Iterator[str]:
        column = self._config.profile.columns.get("spend")
        name = (column.name if column else None) or "spend"
        if column and "micro" in name.casefold() and column.divide_by == ONE:
            yield f"spend is {name!r} as it stands there; if those are micros, set its `divide_by: 1000000`"
        said = self._config.profile.constants.get("currency", "").strip().upper()
        lacking = self._priced - self._with_currency
        if not said and not lacking:
            return
        taken = said or "the currency of the warehouse"
        evidence = {f"its amounts carry {sign}": _code_of(sign) for sign in sorted(self._noted) if sign != UNSURE_TIME}
        evidence |= {f"its column {other!r} says {code}": code for other, code in self._unread.items() if code}
        found = _LAST_WORD.search(name)
        evidence |= {f"its spend is {name!r}": found[1].upper() if found else None}
        others = [what for what, code in evidence.items() if code in CODES - {said}]
        if others:
            yield f"{' and '.join(others)}, but its money is taken as {taken}; {_SAY_CURRENCY}"
        elif not said and (self._with_currency or self._config.preset):
            count = f"{lacking:,} of {self._priced:,} records"
            yield f"nothing says the currency of {count}: taken as {taken}; {_SAY_CURRENCY}"

    def _count_rounded(self, kind: Kind, records: pa.Table) -> None:
        """Counts ids such as 1.2021E+17, which nobody can tell any more; private ones are not looked at."""
        for name in sorted(kind.record_type.ids - kind.record_type.private):
            for texts in records.column(name).chunks:
                if _has_exponent(texts):
                    found = texts.filter(pc.match_substring_regex(texts, _EXPONENT_ID))
                    self._rounded += len(found)
                    self._example = self._example or (f"{name} {found[0]}" if len(found) else "")

    def _look_for_currency(self, extras: pa.ChunkedArray) -> None:
        """Looks for other columns of which all values are currencies, whatever the columns are called."""
        for text in pc.unique(extras).drop_null().to_pylist():
            for name, value in json.loads(text).items():
                code = value.strip().upper() if isinstance(value, str) and len(value) <= LONGEST_CODE else ""
                said = self._unread.setdefault(name, code)
                self._unread[name] = said if code in CODES else ""


def _code_of(sign: str) -> str | None:
    return SIGNS.get(sign, sign.upper())


def _grain(days: set[date]) -> str | None:
    """What the dates have in common of a file with a row for each week or month."""
    ordered = sorted(days)
    gaps = {later - earlier for earlier, later in pairwise(ordered)}
    if len(ordered) > 1 and all(day.day == 1 for day in ordered):
        return "the first days of months"
    if gaps == {WEEK} or (len(ordered) > 2 and not any(gap % WEEK for gap in gaps)):
        return "whole weeks apart"
    return None


def _has_exponent(texts: pa.StringArray) -> bool:
    """Whether an `e` stands behind a digit anywhere."""
    bytes_, _ = characters_of(texts)
    places = np.flatnonzero((bytes_ | 0x20) == ord("e"))
    before = bytes_[places[places > 0] - 1]
    return bool(((before >= ord("0")) & (before <= ord("9"))).any())
