"""Keeping: the rows of units that landing no longer has stay when the lake is loaded again from landing."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Collection
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from extract.lake.lake import Lake
from extract.lake.merge import replaced
from extract.lake.tables import LEDGERS, LOADED_FILES, RAW_TABLES, REJECTED_RECORDS
from extract.registry import KINDS


def keep_units(lake: Lake, paths: Collection[str], pseudonyms: Collection[str]) -> None:
    """Removes all rows but those of some units, and of those the rows of a person; the ledger counts what is left.

    A kill leaves the lake as it was, or as it is to be; what it then lacks, the next load brings.

    Args:
        lake: A lake without leftovers.
        paths: The paths of the units.
        pseudonyms: What stands for the person.
    """
    removed: Counter[tuple[str, str, str, str]] = Counter()

    def treat(table: str, rows: pa.Table) -> pa.Table:
        rows = rows.filter(pc.is_in(rows.column("_source").cast(pa.string()), pa.array(sorted(paths))))
        if table in LEDGERS:
            return _counted_less(table, rows, removed)
        is_theirs = rows_of(table, rows, pseudonyms)
        for row in rows.filter(is_theirs).to_pylist():
            is_rejected = table == REJECTED_RECORDS
            what = "records_rejected" if is_rejected else "records_loaded"
            removed[row["_source"], row["_dlt_load_id"], row["kind"] if is_rejected else table, what] += 1
        return rows.filter(pc.invert(is_theirs))

    # The ledgers come last: they count what was removed from the others.
    tables = [table for table in RAW_TABLES if table not in LEDGERS] + [*LEDGERS]
    groups = [(table, lake.index.names(table)) for table in tables if lake.index.names(table)]
    index = replace(lake.index, through=None, postponed=(), read_with={}, origin=secrets.token_hex(4))
    lake.write_index(replace(replaced(lake, groups, index, treat), is_open=False))


def rows_of(table: str, rows: pa.Table, pseudonyms: Collection[str]) -> pa.ChunkedArray:
    """Which rows of a table are of a person."""
    kind = KINDS.get(table)
    names = [*kind.record_type.private, "_extra"] if kind else ["payload", "value"]
    found = pc.is_null(rows.column("_source"))
    for name in names:
        texts = rows.column(name).cast(pa.string())
        found = pc.or_(found, pc.fill_null(pc.match_substring_regex(texts, "|".join(sorted(pseudonyms))), False))
    return found


def _counted_less(table: str, rows: pa.Table, removed: Counter[tuple[str, str, str, str]]) -> pa.Table:
    if table != LOADED_FILES:
        return rows
    told = rows.to_pylist()
    for row in told:
        for what in ("records_loaded", "records_rejected"):
            fewer = removed[row["_source"], row["_dlt_load_id"], row["kind"], what]
            row[what] -= fewer
            row["records_read"] -= fewer
    return pa.Table.from_pylist(told, schema=RAW_TABLES[table].schema)
