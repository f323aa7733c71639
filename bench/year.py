"""The delivery that is measured: a year of it as one file, or as a file a day, and the days after it."""

from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from bench.processes import measured, script

DAYS = 365


@dataclass(frozen=True)
class Year:
    """Delivery records in a folder, made when they are first asked for.

    Attributes:
        records: In the 365 days.
    """

    folder: Path
    records: int

    @property
    def per_day(self) -> int:
        """Records a day."""
        return -(-self.records // DAYS)

    def file(self) -> Path:
        """The year as one file."""
        return self._made("year", 0, self.records)

    def history(self) -> list[Path]:
        """The year as a file a day."""
        paths = [self._day_path(number) for number in range(DAYS)]
        with self.file().open("rb") as lines:
            for path in paths:
                with path.open("wb") as day:
                    day.writelines(islice(lines, self.per_day))
        return paths

    def day(self, number: int, *, is_restated: bool = False) -> Path:
        """One more day, or a day as the platform corrected it, under the name it had."""
        folder = self.folder / ("restated" if is_restated else "new")
        folder.mkdir(exist_ok=True)
        first = number * self.per_day
        last = min(first + self.per_day, self.records) if number < DAYS else first + self.per_day
        return self._made(f"{folder.name}/{self._day_path(number).stem}", first, last, is_restated=is_restated)

    def _day_path(self, number: int) -> Path:
        return self.folder / f"day-{number + 1:03d}.jsonl"

    def _made(self, name: str, first: int, last: int, *, is_restated: bool = False) -> Path:
        path = self.folder / f"{name}.jsonl"
        if not path.exists():
            part = path.with_suffix(".part")
            restated = ["restated"] if is_restated else []
            measured(script("bench.delivery_file", first, last, self.per_day, part, *restated))
            part.rename(path)
        return path
