"""What a person sees: results on stdout, messages on stderr, a bar on a terminal and plain lines in a pipe."""

import csv
import json
import re
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Literal

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from adhouse.errors import CommandError
from adhouse.log import Redact
from extract.redaction import redacted_data

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
SECONDS_BETWEEN_LINES = 10.0
GAP = 2  # between the columns of a table
NARROWEST_NAME = 12
NUMBER = re.compile(r"-?[\d,.]*\d[%M]?")


class _Stream(Console):
    """A stream that falls silent when nobody reads on (`| head -1`): the work goes on without its words."""

    def on_broken_pipe(self) -> None:
        self.quiet = True


class Terminal:
    """The two streams of one command, and the progress of its long steps. rich honours NO_COLOR and the width."""

    def __init__(self, redact: Redact) -> None:
        self._redact = redact
        self._out = _Stream(highlight=False)
        self._err = _Stream(stderr=True, highlight=False)
        self._bars: Progress | None = None
        self._task: TaskID | None = None
        self._label, self._done, self._said_at = "", 0, 0.0
        self._is_gap_due = False
        self.has_results = True

    def result(self, text: str = "", style: str = "") -> None:
        """Prints a line of the result on stdout, unless the results are printed as JSON at the end."""
        if self.has_results:
            self._leave_gap()
            with _written():
                self._out.print(self._clean(text, style), soft_wrap=True)

    def message(self, text: str, style: str = "") -> None:
        """Prints a line about the work on stderr, above the bars."""
        self._err.print(self._clean(text, style), soft_wrap=True)

    def error(self, error: CommandError) -> None:
        """Prints why the command ended, and what helps, on stderr."""
        self.stop()
        self.message(f"adhouse: {error.message}" + (f" ({error.way_out})" if error.way_out else ""), "bold red")

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Prints a table on stdout, numbers to the right; nothing is cut: long names go on in the next line.

        A blank line comes between it and what is printed after it.
        """
        if not self.has_results:
            return
        self._leave_gap()
        table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
        texts = [[f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row] for row in rows]
        widths = [max(map(cell_len, column)) for column in zip(columns, *texts, strict=True)]
        others = sum(widths[1:]) + GAP * (len(columns) - 1)
        if self._out.is_terminal:
            widths[0] = min(widths[0], max(self._out.width - others, NARROWEST_NAME))
        for index, (name, width) in enumerate(zip(columns, widths, strict=True)):
            is_number = index > 0 and all(NUMBER.fullmatch(row[index]) for row in texts)
            justify: Literal["left", "right"] = "right" if is_number else "left"
            table.add_column(name, justify=justify, overflow="fold", min_width=width, max_width=width)
        for row in texts:
            table.add_row(*map(self._clean, row))
        with _written():
            self._out.print(table, width=widths[0] + others + GAP, crop=False)
        self.gap()

    def gap(self) -> None:
        """Leaves a blank line before the next result, if there is one."""
        self._is_gap_due = True

    def json(self, data: object) -> None:
        """Prints data as JSON on stdout."""
        with _written():
            text = json.dumps(redacted_data(data, self._redact), indent=2, ensure_ascii=False)
            sys.stdout.write("\n".join(map(_escaped, text.split("\n"))) + "\n")

    def csv(self, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Prints rows as CSV on stdout; a cell that a spreadsheet would run as a formula gets a quote in front.

        On a terminal, what could move its cursor or turn a text around is escaped; a file gets every cell as it is.
        """
        writer = csv.writer(sys.stdout, lineterminator="\n")
        with _written():
            writer.writerow(columns)
            for row in rows:
                writer.writerow(self._csv_cell(cell) for cell in row)

    def start(self, label: str, total: int | None) -> None:
        """A step begins; `total` is how much there is to do, None when nobody knows."""
        self.stop()
        self._label, self._done, self._said_at = label, 0, time.monotonic()
        if not self._err.is_terminal or self._err.is_dumb_terminal:
            self.message(label)
            return
        columns = (TextColumn("{task.description:<24}"), BarColumn(20), MofNCompleteColumn(), TimeElapsedColumn())
        self._bars = Progress(*columns, console=self._err)
        self._task = self._bars.add_task(label, total=total)
        self._bars.start()

    def advance(self, n: int = 1) -> None:
        """So much more of the step is done."""
        self._done += n
        if self._bars is not None and self._task is not None:
            self._bars.advance(self._task, n)
        elif time.monotonic() - self._said_at > SECONDS_BETWEEN_LINES:
            self._said_at = time.monotonic()
            self.message(f"{self._label}: {self._done:,}")

    def stop(self) -> None:
        """The step is over; its bar stays as it is."""
        if self._bars is not None:
            self._bars.stop()
        self._bars = self._task = None

    def _leave_gap(self) -> None:
        if self._is_gap_due:
            self._is_gap_due = False
            with _written():
                self._out.print()

    def _clean(self, text: str, style: str = "") -> Text:
        """Makes a text from outside harmless: no secrets, no control characters that could move the cursor."""
        # Alerts have a space of no width, by which names cannot become links; a terminal would show it.
        unmarked = self._redact(text).replace("\N{ZERO WIDTH SPACE}", "")
        shown = (c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in unmarked)
        return Text("".join(shown), style=style)

    def _csv_cell(self, cell: object) -> str:
        if cell is None:
            return ""
        text = self._redact(str(cell))
        is_formula = text.startswith(FORMULA_STARTS) and not isinstance(cell, int | float | Decimal)
        text = f"'{text}" if is_formula else text
        return "\n".join(map(_escaped, text.split("\n"))) if sys.stdout.isatty() else text


def _escaped(line: str) -> str:
    """The line with its control and direction characters as JSON writes them."""
    return line if line.isprintable() else "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in line)


@contextmanager
def _written() -> Iterator[None]:
    """A result that finds no room ends the command; that nobody reads on does not."""
    try:
        yield
    except BrokenPipeError:
        return
    except OSError as error:
        raise CommandError(f"the output could not be written: {error.strerror}") from error
