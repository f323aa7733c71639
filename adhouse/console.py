"""What a person sees: results on stdout, messages on stderr, a bar on a terminal and plain lines in a pipe."""

import csv
import json
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Literal

from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from adhouse.errors import CommandError
from adhouse.log import Redact

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
SECONDS_BETWEEN_LINES = 10.0
GAP = 2  # between the columns of a table
SHORTEST_NAME = 6


class _Stream(Console):
    """A stream that falls silent when nobody reads on (`| head -1`): the work is not done for its words."""

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

    def result(self, text: str = "", style: str = "") -> None:
        """Prints a line of the result, on stdout."""
        with _written():
            self._out.print(self._clean(text, style), soft_wrap=True)

    def message(self, text: str, style: str = "") -> None:
        """Prints a line about the work, on stderr, above the bars."""
        self._err.print(self._clean(text, style), soft_wrap=True)

    @property
    def width(self) -> int:
        """Characters in a line on stdout."""
        return self._out.width

    def error(self, error: CommandError) -> None:
        """Prints why the command ended, and the way out, on stderr."""
        self.stop()
        self.message(f"adhouse: {error.message}" + (f" ({error.way_out})" if error.way_out else ""), "bold red")

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Prints a table on stdout: names to the left and cut to the width, numbers to the right and never cut."""
        table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
        texts = [[f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row] for row in rows]
        widths = [max(map(len, column)) for column in zip(columns, *texts, strict=True)]
        for index, (name, width) in enumerate(zip(columns, widths, strict=True)):
            room = width if index else self._out.width - sum(widths[1:]) - GAP * (len(columns) - 1)
            justify: Literal["left", "right"] = "right" if index else "left"
            table.add_column(
                name, justify=justify, no_wrap=True, overflow="ellipsis", max_width=max(room, SHORTEST_NAME)
            )
        for row in texts:
            table.add_row(*map(self._clean, row))
        with _written():
            self._out.print(table)
            self._out.print()

    def json(self, data: object) -> None:
        """Prints data as JSON on stdout."""
        with _written():
            sys.stdout.write(self._redact(json.dumps(data, indent=2, default=str, ensure_ascii=False)) + "\n")

    def csv(self, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Prints rows as CSV on stdout; a cell that a spreadsheet would run as a formula gets a quote in front."""
        writer = csv.writer(sys.stdout, lineterminator="\n")
        with _written():
            writer.writerow(columns)
            for row in rows:
                texts = ("" if cell is None else self._redact(str(cell)) for cell in row)
                writer.writerow("'" + text if text.startswith(FORMULA_STARTS) else text for text in texts)

    def start(self, label: str, total: int | None) -> None:
        """A step begins; `total` is how much there is to do, None when nobody knows."""
        self.stop()
        self._label, self._done, self._said_at = label, 0, time.monotonic()
        if not self._err.is_terminal:
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

    def _clean(self, text: str, style: str = "") -> Text:
        """Makes a text from outside harmless: no secrets, no control characters that could move the cursor."""
        shown = (c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in self._redact(text))
        return Text("".join(shown), style=style)


@contextmanager
def _written() -> Iterator[None]:
    """A result that finds no room ends the command; that nobody reads on does not."""
    try:
        yield
    except BrokenPipeError:
        return
    except OSError as error:
        raise CommandError(f"the output could not be written: {error.strerror}") from error
