"""What is said of records that are loaded, though they may not be what they seem: nothing about money is silent."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from extract.profile import ONE
from extract.readers.columns import plain_name
from extract.readers.numbers import Bytes, characters_of
from extract.records import NAMED, UNSURE_TIME, Batch
from extract.schema import FieldType, Kind
from extract.source import SourceConfig

MOST_LOOKED_AT = 1_000  # records of a batch whose other columns are looked at
DELIMITERS, FEWEST_DELIMITERS = ",;\t|", 4  # in a text that may be records
LONGEST_SHOWN = 40
NO_CHANCE = 100  # impressions, from which two records have not the same numbers by chance
LONGEST_CODE = 8  # of a currency, with blanks around it
WEEK = timedelta(days=7)
# The signs that are of one currency alone; `$` and `¥` are of several.
SIGNS = {"€": "EUR", "£": "GBP", "₹": "INR", "R$": "BRL", "zł": "PLN", "₺": "TRY", "₩": "KRW", "A$": "AUD", "C$": "CAD"}
CODES = re.compile(
    "AED|ARS|AUD|BRL|CAD|CHF|CLP|CNY|COP|CZK|DKK|EUR|GBP|HKD|HUF|IDR|ILS|INR|JPY|KRW|MXN|MYR|NOK|NZD|PHP|PLN|RON|SEK|SGD|"
    "THB|TRY|TWD|UAH|USD|VND|ZAR"
)

_PARTS = re.compile("micro|(?<!per)cents|minor|thousand", re.IGNORECASE)
_END = re.compile("end|until|stop|to$")
_ISO_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_EXPONENT_ID = r"^[0-9]+(\.[0-9]+)?[eE][+-]?[0-9]+$"
_LAST_WORD = re.compile(r"[(\[_ ]([A-Za-z]{3})[)\]]?\s*$")
_SAY_CURRENCY = "say `currency` of the source: a code, or the column that has it"


class Doubts:
    """Looks through the records of a file or fetch that are loaded."""

    def __init__(self, config: SourceConfig) -> None:
        """Takes how their source is declared."""
        self._config = config
        self._rounded, self._example = 0, ""
        self._swallowed, self._swallowing = 0, ""
        self._repeated = 0
        self._noted: Counter[str] = Counter()
        self._days: set[date] = set()
        self._sums: Counter[str] = Counter()  # of the counts of all records
        self._lacking: dict[str, Counter[str]] = {}  # and of those that lack a field
        self._spans: set[tuple[date, str]] = set()  # dates, and what a column about an end says beside them
        self._misspelt: dict[str, str] = {}  # keys that are almost those of fields, and the fields
        self._priced = self._with_currency = 0
        self._unread: dict[str, str] = {}  # what other columns say, if it is a currency

    def add(self, kind: Kind, batch: Batch) -> None:
        """Looks through the next records."""
        records, fields = batch.records, kind.record_type.fields
        self._noted.update(batch.noted)
        self._count_rounded(kind, records)
        self._count_swallowed(kind, records)
        if fields.get("date") is FieldType.DATE:
            self._days.update(pc.unique(records.column("date")).drop_null().to_pylist())
            self._look_at_others(kind, records.slice(0, MOST_LOOKED_AT))
            if kind.record_type.keys:
                self._add_up(kind, records)
                self._count_repeated(kind, records.slice(0, MOST_LOOKED_AT))
        if "currency" in fields and not kind.record_type.is_event:  # the outcome of a bid has no price of its own
            self._priced += records.num_rows
            self._with_currency += records.num_rows - records.column("currency").null_count

    def lines(self) -> Iterator[str]:
        """What is to be said."""
        if self._rounded:
            ids = "1 id" if self._rounded == 1 else f"{self._rounded:,} ids"
            yield f"{ids} with an exponent, such as {self._example}: a spreadsheet rounded it; export ids as text"
        if self._swallowed:
            texts = "1 text goes" if self._swallowed == 1 else f"{self._swallowed:,} texts go"
            yield (
                f"{texts} over several lines that look like records, such as {self._swallowing}: if a quote is not "
                "closed where it should be, these records do not count"
            )
        if self._repeated:
            records = "1 record says" if self._repeated == 1 else f"{self._repeated:,} records say"
            yield (
                f"{records} again what another one says of the same day, ad and place, spend too: if the report is "
                "segmented, such as by conversion action, its money counts several times; download it without segments"
            )
        if unsure := self._noted[UNSURE_TIME]:
            times = "1 time lies" if unsure == 1 else f"{unsure:,} times lie"
            yield (
                f"{times} in an hour that clocks in {self._config.timezone} showed twice or left out: read as the "
                "first of the two, or with the offset before; export times with their offset"
            )
        yield from self._of_names()
        if self._config.api is None and (grain := _grain(self._days) or _spans(self._spans)):
            yield (
                f"{grain}: if a row is of more than a day, export it by day, because its money counts on that day "
                "alone, and twice beside files of single days"
            )
        if twice := [name for name, sums in self._lacking.items() if _is_half(sums, self._sums)]:
            yield f"the records without {' or '.join(twice)} add up to as much as the others: money may count twice"
        for key, field in self._misspelt.items():
            yield f"its key {key!r} is not read as {field}: set `columns: {{{field}: {key}}}` if it is that"
        if self._priced:
            yield from self._of_money()

    def _of_names(self) -> Iterator[str]:
        """Of fields that have one of several names: a column of a file is always one and the same."""
        names: dict[str, list[str]] = defaultdict(list)
        for noted, count in self._noted.items():
            field, is_named, theirs = noted.partition(NAMED)
            if is_named and count:
                names[field].append(f"{theirs} ({count:,})")
        for field, found in names.items():
            if len(found) > 1:
                yield f"its records have {field} by several names, each of which counts: {', '.join(found)}"

    def _of_money(self) -> Iterator[str]:
        column = self._config.profile.columns.get("spend")
        name = (column.name if column else None) or "spend"
        if column and _PARTS.search(name) and column.divide_by == ONE:
            yield f"spend is {name!r} as it stands there; if that is not in whole units, set its `divide_by`"
        said = self._config.profile.constants.get("currency", "").strip().upper()
        lacking = self._priced - self._with_currency
        if not said and not lacking:
            return
        taken = said or "the currency of the warehouse"
        signs = self._config.profile.currency_signs
        evidence = {f"its amounts carry {sign}": _code_of(sign) for sign in sorted(self._noted) if sign in signs}
        evidence |= {f"its column {other!r} says {code}": code for other, code in self._unread.items() if code}
        found = _LAST_WORD.search(name)
        evidence |= {f"its spend is {name!r}": found[1].upper() if found else None}
        others = [what for what, code in evidence.items() if code and code != said and CODES.fullmatch(code)]
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

    def _count_swallowed(self, kind: Kind, records: pa.Table) -> None:
        """Counts texts with a line break and as many delimiters as a record has, as between two stray quotes."""
        delimiters = {*DELIMITERS, *(self._config.profile.delimiter or "").strip(" ")}
        for name in (name for name, field_type in kind.record_type.fields.items() if field_type is FieldType.TEXT):
            for texts in records.column(name).chunks:
                if not (characters_of(texts)[0] == ord("\n")).any():
                    continue
                for text in texts.filter(pc.match_substring(texts, "\n")).to_pylist():
                    if max(map(text.count, delimiters)) >= FEWEST_DELIMITERS:
                        self._swallowed += 1
                        self._swallowing = self._swallowing or f"{name} {text[:LONGEST_SHOWN]!r}"

    def _add_up(self, kind: Kind, records: pa.Table) -> None:
        """Adds up all records, and those that lack a field: levels of a report that are listed one by one."""
        measures = [name for name, field_type in kind.record_type.fields.items() if field_type is FieldType.COUNT]
        self._sums.update(_sums(records, measures))
        for name in (*kind.record_type.keys, "date"):
            lacking = records.filter(column.is_null()) if (column := records.column(name)).null_count else None
            if lacking is not None:
                self._lacking.setdefault(name, Counter()).update(_sums(lacking, measures))

    def _count_repeated(self, kind: Kind, records: pa.Table) -> None:
        """Counts records that repeat what so large numbers cannot be by chance; conversions may differ."""
        fields = kind.record_type.fields
        texts = [name for name, field_type in fields.items() if field_type in (FieldType.TEXT, FieldType.DATE)]
        counts = [name for name, field_type in fields.items() if field_type is FieldType.COUNT]
        money = [name for name, field_type in fields.items() if field_type is FieldType.MONEY]
        for name in (*counts, *money):
            least = NO_CHANCE if name in counts[:1] else 0
            records = records.filter(pc.greater(records.column(name), least))
        groups = records.group_by([*texts, *counts, *money]).aggregate([([], "count_all")])
        self._repeated += records.num_rows - groups.num_rows

    def _look_at_others(self, kind: Kind, records: pa.Table) -> None:
        """Looks at columns that nobody asked for, whatever they are called."""
        names = {**dict.fromkeys(kind.record_type.fields), **self._config.fields}
        constants = self._config.profile.constants
        ours = {plain_name(theirs or name): name for name, theirs in names.items() if name not in constants}
        for text, day in zip(records.column("_extra").to_pylist(), records.column("date").to_pylist(), strict=True):
            for key, value in json.loads(text).items() if text else ():
                plain = plain_name(key)
                if plain in ours:
                    self._misspelt[key] = ours[plain]
                code = value.strip().upper() if isinstance(value, str) and len(value) <= LONGEST_CODE else ""
                said = self._unread.setdefault(key, code)
                self._unread[key] = said if CODES.fullmatch(code) else ""
                if day is not None and _END.search(plain) and isinstance(value, str) and _ISO_DAY.match(value):
                    self._spans.add((day, value[:10]))


def _sums(records: pa.Table, measures: Iterable[str]) -> dict[str, Any]:
    return {name: pc.sum(records.column(name)).as_py() or 0 for name in measures}


def _is_half(part: Counter[str], whole: Counter[str]) -> bool:
    return any(whole.values()) and all(part[name] * 2 == number for name, number in whole.items())


def _code_of(sign: str) -> str | None:
    return SIGNS.get(sign, sign.upper())


def _grain(days: set[date]) -> str | None:
    """What the dates have in common of a file with a row for each week or month."""
    ordered = sorted(days)
    gaps = {later - earlier for earlier, later in pairwise(ordered)}
    if len(ordered) > 1 and all(day.day == 1 for day in ordered):
        return f"its {len(ordered):,} dates are the first days of months"
    if gaps == {WEEK} or (len(ordered) > 2 and not any(gap % WEEK for gap in gaps)):
        return f"its {len(ordered):,} dates are whole weeks apart"
    return None


def _spans(spans: set[tuple[date, str]]) -> str | None:
    """What is to be said of records that end behind their date; an end that all dates share is that of the report."""
    is_of_report = len({end for _, end in spans}) == 1 < len({day for day, _ in spans})
    later = sorted((day, end) for day, end in spans if end > day.isoformat())
    return f"a column says {later[0][1]} as the end of {later[0][0]}" if later and not is_of_report else None


def _has_exponent(texts: pa.StringArray) -> bool:
    """Whether an `e` stands behind a digit in some text that begins with one."""
    bytes_, edges = characters_of(texts)
    first = bytes_.take(edges[:-1][edges[:-1] < edges[1:]])  # most ids begin with a letter, and that is told at once
    if not _are_digits(first).any():
        return False
    places = np.flatnonzero((bytes_ | 0x20) == ord("e"))
    return bool(_are_digits(bytes_[places[places > 0] - 1]).any())


def _are_digits(bytes_: Bytes) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return (bytes_ >= ord("0")) & (bytes_ <= ord("9"))
