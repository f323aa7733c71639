"""Workbooks of spreadsheets (.xlsx): the rows of a sheet, behind its header, as cells say what they hold.

A cell's number is a binary float, and becomes the shortest decimal that reads back as the same one; a cell's date or
time is what the spreadsheet shows. calamine holds a sheet as a rectangle in memory, so how large that would be is found
out first.
"""

from __future__ import annotations

import json
import math
import re
import zipfile
import zlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from itertools import islice
from pathlib import Path
from typing import IO, TypeAlias

import numpy as np
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetVisibleEnum

from extract.convert import Moment, NotFinite, Number
from extract.readers.chunks import LONGEST_RECORD
from extract.readers.columns import header_again, missing_columns, named
from extract.readers.csv_text import MOST_TITLE_LINES
from extract.readers.unreadable import UnreadableFile
from extract.records import Batch, RecordShape, convert_records, renumbered
from extract.schema import NUMBERS

_ROWS = 10_000
_MOST_CELLS = 6_000_000  # of the rectangle, empty ones too: each takes some 70 bytes
_LARGEST_SHEET, _LARGEST_PART, _LARGEST_TEXTS = 512 << 20, 16 << 20, 128 << 20
_MOST_TEXTS = 3_000_000
_BLOCK = 1 << 20
_TAG = re.compile(rb"<(?:\w+:)?(row|c)(?=[\s/>])([^>]*)>")
_PLACE = re.compile(rb"""\sr\s*=\s*["']([A-Z]{0,3})([0-9]{1,7})["']""")
_SHARED = re.compile(rb"""\st\s*=\s*["']s["']""")
_SHARED_VALUE = re.compile(rb"""\st\s*=\s*["']s["'][^>]*>\s*<(?:\w+:)?v>([0-9]{1,9})<""")
# What a program writes that does not work formulas out; an empty text (`t="str"`) is a value.
_UNWORKED = re.compile(
    rb"""<(?:\w+:)?c(?=[\s>])(?![^>]*\st\s*=\s*["']str["'])[^>]*>\s*"""
    rb"""<(?:\w+:)?f(?=[\s/>])(?:[^>]*/>|[^>]*>[^<]*</(?:\w+:)?f>)\s*"""
    rb"""(?:<(?:\w+:)?v\s*/>\s*|<(?:\w+:)?v>\s*</(?:\w+:)?v>\s*)?</(?:\w+:)?c>"""
)
_TEXT = re.compile(rb"<(?:\w+:)?si(?=[\s/>])")

Row: TypeAlias = tuple[int, Sequence[object]]


def read_workbook(path: Path, shape: RecordShape) -> Iterator[Batch]:
    """Reads the sheet with records, in batches of some rows; rows have their numbers in the sheet as their lines.

    Raises:
        UnreadableFile: `broken_workbook`, `sheet_too_large`, `which_sheet`, `missing_column`, `duplicate_column` or
            `too_many_columns`.
    """
    header, rows = _records(path, shape)
    if not header:
        return
    columns, shape = named(header, shape)
    numbers = [theirs for name, theirs in shape.names.items() if shape.type.fields[name] in NUMBERS]
    place, count = columns.index(numbers[0]) if numbers else 0, 0  # of a column that has no texts but its name
    while some := [*islice(rows, _ROWS)]:
        values = [
            (isinstance(cells[place], str) and header_again(cells, header, shape))
            or dict(zip(columns, map(_plain, cells), strict=False))
            for _, cells in some
        ]
        batch = convert_records(values, shape, [number for number, _ in some])
        yield renumbered(batch, count)
        count += len(batch)


def workbook_rows(path: Path, shape: RecordShape, positions: Collection[int]) -> Iterator[tuple[int, int, str]]:
    """Some records by their numbers, from 1: the number, that of the row, and the row as JSON.

    Raises:
        UnreadableFile: The file as a whole cannot be read.
    """
    header, rows = _records(path, shape)
    columns, _ = named(header, shape) if header else ([], shape)
    for position, (number, cells) in enumerate(rows, 1):
        if position in positions:
            told = {name: cell for name, cell in zip(columns, cells, strict=False) if cell != ""}
            yield position, number, json.dumps(told, default=str, ensure_ascii=False)


def _records(path: Path, shape: RecordShape) -> tuple[Sequence[str], Iterator[Row]]:
    """The header of the sheet with records, and the rows behind it that are not blank."""
    with _damage():
        check_size(path)
        book = CalamineWorkbook.from_path(path)
        names, wanted = book.sheet_names, shape.profile.sheet
        if wanted is not None and wanted not in names:
            raise UnreadableFile("which_sheet", f"there is no sheet {wanted!r}; there are {_listed(names)}")
        found: list[tuple[int, str, int, list[str]]] = []
        shown = [one.name for one in book.sheets_metadata if one.visible == SheetVisibleEnum.Visible] or names
        for name in shown if wanted is None else [wanted]:
            header = _header(_rows(book.get_sheet_by_name(name)), shape)
            if header is not None:
                found.append((header[0], name, *header[1:]))
    if not found:
        return [], iter(())
    complete = [name for missing, name, *_ in found if not missing]
    if len(complete) > 1:
        raise UnreadableFile("which_sheet", f"{_listed(complete)} have records: set `sheet` of the source")
    _, name, number, cells = min(found)
    first = number + 1 + shape.profile.skip_rows
    return cells, _behind(book, name, first)


def _behind(book: CalamineWorkbook, name: str, first: int) -> Iterator[Row]:
    with _damage():
        sheet = book.get_sheet_by_name(name)
        for number, cells in _rows(sheet):
            if number >= first and any(cell != "" and not (isinstance(cell, str) and cell.isspace()) for cell in cells):
                yield number, cells


def _rows(sheet: CalamineSheet) -> Iterator[Row]:
    """The rows from the first that has anything, with their numbers from 1."""
    return enumerate(sheet.iter_rows(), (sheet.start or (0, 0))[0] + 1)


def _header(rows: Iterator[Row], shape: RecordShape) -> tuple[int, int, list[str]] | None:
    """How many names the best header lacks, the number of its row, and its names; None if the sheet is empty."""
    said = shape.profile.header_line
    best: tuple[int, int, list[str]] | None = None
    for number, cells in rows:
        names = [str(cell) for cell in cells]
        if said is not None and number < said:
            continue
        if said is None and number > MOST_TITLE_LINES and best is not None:
            break
        if any(names) or said is not None:
            missing = len(missing_columns(names, shape))
            if best is None or missing < best[0]:
                best = missing, number, names
            if not missing or said is not None:
                break
    return best


def _listed(names: Sequence[str]) -> str:
    return " and ".join(repr(name) for name in names[:5]) + ", …" * (len(names) > 5)


def _plain(cell: object) -> object:
    """The value as JSON would have had it."""
    match cell:
        case "":
            return None
        case bool() | str():
            return cell
        case int():
            return Number(cell)
        case float():
            whole = math.isfinite(cell) and cell.is_integer() and abs(cell) < 1e15
            return Number(int(cell) if whole else cell) if math.isfinite(cell) else NotFinite(cell)
        case date():
            return Moment(cell)
        case _:
            return str(cell)


@contextmanager
def _damage() -> Iterator[None]:
    try:
        yield
    except (
        CalamineError,
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        KeyError,
        NotImplementedError,
        RuntimeError,
    ) as error:
        raise UnreadableFile("broken_workbook", str(error)) from None
    except BaseException as error:
        if type(error).__name__ == "PanicException":  # of Rust, which is no Exception
            raise UnreadableFile("broken_workbook", str(error)) from None
        raise


def check_size(path: Path) -> None:
    """Refuses a workbook that would take too much memory, whatever its parts say of their sizes.

    Raises:
        UnreadableFile: `sheet_too_large` or `broken_workbook`.
    """
    with zipfile.ZipFile(path) as archive:
        parts = [name for name in archive.namelist() if name.startswith("xl/") and name.endswith((".xml", ".rels"))]
        texts = np.zeros(0, np.int64)
        for name in parts:
            if name.lower().endswith("sharedstrings.xml"):
                with archive.open(name) as part:
                    texts = _lengths_of_texts(part)
        for name in parts:
            with archive.open(name) as part:
                if name.startswith("xl/worksheets/") and not name.endswith(".rels"):
                    _check_sheet(part, texts)
                elif not name.lower().endswith("sharedstrings.xml"):
                    for _ in _blocks(part, _LARGEST_PART):
                        pass


def _blocks(part: IO[bytes], most: int) -> Iterator[bytes]:
    size = 0
    while block := part.read(_BLOCK):
        size += len(block)
        if size > most:
            raise UnreadableFile("sheet_too_large", f"a part is larger than {most:,} bytes: export the sheet as CSV")
        yield block


def _lengths_of_texts(part: IO[bytes]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """How long each text is that cells share, at most."""
    starts: list[int] = []
    rest, before = b"", 0
    for block in _blocks(part, _LARGEST_TEXTS):
        text = rest + block
        cut = max(text.rfind(b"<"), 0)
        starts += [before + found.start() for found in _TEXT.finditer(text, 0, cut)]
        if len(starts) > _MOST_TEXTS:
            raise UnreadableFile("sheet_too_large", f"more than {_MOST_TEXTS:,} texts: export the sheet as CSV")
        before += cut
        rest = text[cut:]
        if len(rest) > LONGEST_RECORD:
            raise UnreadableFile("too_long", f"a text is longer than {LONGEST_RECORD:,} bytes")
    ends = np.array([*starts[1:], before + len(rest)], np.int64)
    return ends - np.array(starts, np.int64) if starts else np.zeros(0, np.int64)


def _check_sheet(part: IO[bytes], texts: np.ndarray[tuple[int], np.dtype[np.int64]]) -> None:
    longest = int(texts.max(initial=0))
    row = column = last_row = last_column = cells = shared = shared_bytes = 0
    first_row, first_column = 1 << 30, 1 << 30
    rest = b""
    for block in _blocks(part, _LARGEST_SHEET):
        text = rest + block
        cut = max(text.rfind(b"<"), 0)
        rest = text[cut:]
        if len(rest) > LONGEST_RECORD:
            raise UnreadableFile("too_long", f"a cell is longer than {LONGEST_RECORD:,} bytes")
        for tag in _TAG.finditer(text, 0, cut):
            kind, attributes = tag.groups()
            if attributes.count(b'"') % 2 or attributes.count(b"'") % 2:
                raise UnreadableFile("broken_workbook", "a tag in a sheet is not as a spreadsheet writes it")
            place = _PLACE.search(attributes)
            if kind == b"row":
                row, column = (int(place[2]) if place else row + 1), 0
                continue
            cells += 1
            column = _column(place[1]) if place else column + 1
            row = int(place[2]) if place else row
            first_row, last_row = min(first_row, row), max(last_row, row)
            first_column, last_column = min(first_column, column), max(last_column, column)
            shared += _SHARED.search(attributes) is not None
        if cells and (box := (last_row - first_row + 1) * (last_column - first_column + 1)) > _MOST_CELLS:
            raise UnreadableFile("sheet_too_large", f"{box:,} cells are more than {_MOST_CELLS:,}: export it as CSV")
        if b"f>" in text and _UNWORKED.search(text):
            raise UnreadableFile("broken_workbook", "it has formulas that were never worked out: open it and save it")
        places = np.array([int(one) for one in _SHARED_VALUE.findall(text, 0, cut)], np.int64)
        shared -= len(places)
        shared_bytes += int(texts[places[places < len(texts)]].sum())
    if shared_bytes + shared * longest > _LARGEST_TEXTS * 2:
        raise UnreadableFile("sheet_too_large", "the texts of its cells are too long together: export it as CSV")


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number
