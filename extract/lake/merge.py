"""Merging: many small files of a table become one, so that no reader opens more files because many runs came before.

A table's files fall into tiers by their size. Once a tier has `FEW` files, a run merges all of them into one file,
which is larger, so that a row is rewritten only a few times however many loads follow. Files above the last tier stay
as they are. Rows keep everything they have, `_source`, `_position` and `_dlt_load_id` included, and the order in which
they were loaded, so that a row group still spans few sources.

A kill leaves the rows as they were or merged:

1. The index is opened, and merged files are made in a folder that no reader looks into.
2. The journal names which file replaces which. Whoever reads the tables while there is a journal may find rows twice.
3. The merged files are put into the tables.
4. The index names them in place of the others. A kill before this leaves merged files that do not count, a kill after
   it leaves replaced files that do not count; the next run removes either.
5. The replaced files, the journal and the folder are removed, and the index is closed.
"""

from __future__ import annotations

import json
import logging
import secrets
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import pyarrow as pa

from extract.athena import Athena, AthenaError
from extract.lake.index import MERGED, Index
from extract.lake.lake import DATASET, JOURNAL, LOADS, MERGING, Lake
from extract.lake.table_file import TableFile, read_in_pieces
from extract.storage import sync

FEW = 8  # files of a tier, and loads between two merges of a run
TIERS = (2 << 20, 16 << 20)  # the bytes below which a file belongs to a tier
LOADS_TO_OPTIMIZE = 64
_SNAPSHOT_SECONDS = 86_400  # a query that began before may still read what it found
Treat: TypeAlias = Callable[[str, pa.Table], pa.Table]
_log = logging.getLogger("extract")


def merge_if_due(lake: Lake) -> int:
    """Merges if enough loads came since the last time; returns the number of files that were replaced."""
    return _merge(lake, lambda _: None, FEW) if lake.index.loads_to_merge >= FEW else 0


def merge_small_files(lake: Lake, say: Callable[[str], None]) -> int:
    """Merges wherever a tier has two files or more; a second run finds nothing to do.

    Args:
        lake: A lake without leftovers: `clear_away` comes first.
        say: Is told each table of which files were merged.

    Returns:
        The number of files that were replaced.
    """
    return _merge(lake, say, 2)


def _merge(lake: Lake, say: Callable[[str], None], few: int) -> int:
    groups = [(table, names) for table in lake.stored_tables for names in _groups(lake, table, few)]
    index = replace(lake.index, loads_to_merge=0)
    if groups:
        index = replaced(lake, groups, index)
    for table, names in groups:
        say(f"{DATASET}.{table}: {len(names)} files merged into one")
    if lake.athena is not None and (index.loads_to_optimize >= LOADS_TO_OPTIMIZE or few < FEW):
        _optimize_loads(lake.athena)
        index = replace(index, loads_to_optimize=0)
    lake.write_index(replace(index, is_open=False))
    return sum(len(names) for _, names in groups)


def replaced(
    lake: Lake, groups: Collection[tuple[str, Sequence[str]]], index: Index, treat: Treat = lambda _, rows: rows
) -> Index:
    """Puts one file in the place of the files of each group, and gives the index, which is still open.

    Args:
        lake: A lake without leftovers.
        groups: Tables and names of their files.
        index: The index, which is to name the new files.
        treat: Gives of each table and some of its rows those that are to be kept.
    """
    lake.open()
    with _working_folder(lake) as folder:
        merged = [(table, names, _merged(lake, table, names, folder, treat)) for table, names in groups]
        journal = {f"{table}/{path.name}": [f"{table}/{name}" for name in names] for table, names, path in merged}
        lake.folder.write(JOURNAL, json.dumps(journal).encode())
        for table, names, path in merged:
            lake.folder.put(path, f"{table}/{path.name}")
            if lake.folder.is_local:
                sync(lake.folder.path(table))
            index = index.with_files(table, {path.name: path.stat().st_size}, frozenset(names))
    index = replace(index, is_open=True)
    lake.write_index(index)
    lake.folder.remove_all(path for names in journal.values() for path in names)
    lake.folder.remove_all([JOURNAL])
    return index


def _groups(lake: Lake, table: str, few: int) -> Iterator[list[str]]:
    """The files of a table that are worth merging, those of each tier together."""
    sizes = lake.index.files.get(table, {})
    least = 0
    for most in TIERS:
        names = [name for name in lake.index.names(table) if least <= sizes[name] < most]
        if len(names) >= few:
            yield names
        least = most


def _optimize_loads(athena: Athena) -> None:
    """Joins the files of dlt's list of complete loads and forgets what it was; no load is worse without it."""
    table = f"`{DATASET}`.`{LOADS}`"
    try:
        athena.rows(f"optimize {table} rewrite data using bin_pack")
        age = f"'vacuum_max_snapshot_age_seconds' = '{_SNAPSHOT_SECONDS}'"
        athena.rows(f"alter table {table} set tblproperties ({age})")
        athena.rows(f"vacuum {table}")
    except AthenaError as error:
        _log.warning("the list of complete loads could not be optimized: %s", error)


@contextmanager
def _working_folder(lake: Lake) -> Iterator[Path]:
    if not lake.folder.is_local:
        with tempfile.TemporaryDirectory(prefix="adhouse-") as folder:
            yield Path(folder)
        return
    making = lake.folder.below(MERGING)
    making.make()
    yield Path(making.root)
    lake.folder.remove(MERGING)


def _merged(lake: Lake, table: str, names: Sequence[str], folder: Path, treat: Treat) -> Path:
    """Writes the rows of these files into one, on the disk when it returns."""
    first = names[0].removeprefix(MERGED).partition("~")[0]
    ending = ".jsonl" if table == LOADS else ".parquet"
    path = folder / f"{MERGED}{first.removesuffix(ending)}~{secrets.token_hex(4)}{ending}"
    if table == LOADS:
        lines = [lake.folder.read(f"{table}/{name}").rstrip() for name in names]
        path.write_bytes(b"\n".join(lines))
    else:
        file = TableFile(path, table)
        for name in names:
            with lake.folder.local(f"{table}/{name}") as local:
                for rows in read_in_pieces(local, table):
                    file.write(treat(table, rows))
        file.close()
    sync(path)
    return path
