"""Asks a platform as `adhouse extract campaign_api` does: `python -m bench.http_client URL SINCE UNTIL HOME STEP`.

`landed` asks and lands every page; `loaded` does that and loads them into the lake. Prints the seconds it took, without
the imports.
"""

import sys
import time
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from extract.http.source import ApiSource
from extract.lake import dlt_pipeline
from extract.lake.lake import Lake
from extract.lake.ledger import read_ledger
from extract.landing import Landing
from extract.registry import SOURCES
from extract.run import ApiSettings, Places, extract
from extract.source import ExtractRun
from extract.storage import Folder
from simulate.mock_api import DEMO_TOKEN

__all__ = ["dlt_pipeline"]  # imported here so that it is not measured


class Silent:
    """A progress that nobody looks at."""

    def start(self, label: str, total: int | None) -> None:
        """Says nothing."""

    def advance(self, n: int = 1) -> None:
        """Says nothing."""

    def message(self, text: str) -> None:
        """Says it at the end of the world."""
        print(text, file=sys.stderr)


def main(url: str, since: str, until: str, home: Path, step: str) -> None:
    """Does the step, once.

    Raises:
        SystemExit: A day did not come whole.
    """
    api = ApiSettings(url, DEMO_TOKEN, "by_day", date.fromisoformat(since), date.fromisoformat(until))
    utc = ZoneInfo("UTC")

    def now() -> datetime:
        return datetime.now(UTC)

    started = time.perf_counter()
    if step == "landed":
        run = ExtractRun(
            landing=Landing(Folder.at(home / "landing")),
            ledger=read_ledger(Lake(Folder.at(home / "lake"))),
            inbox=Folder.at(home / "inbox"),
            scratch=home / "fetching",
            report_timezone=utc,
            now=now,
            progress=Silent(),
        )
        errors = ApiSource(SOURCES["campaign_api"], run, api).land([]).errors
    else:
        came = extract(
            places=Places(home, str(home), str(home / "lake")),
            sources=[SOURCES["campaign_api"]],
            apis={"campaign_api": api},
            report_timezone=utc,
            now=now,
            progress=Silent(),
        )
        errors = came.errors
    print(time.perf_counter() - started)
    if errors:
        raise SystemExit("\n".join(errors))


if __name__ == "__main__":
    url, since, until, home, step = sys.argv[1:]
    main(url, since, until, Path(home), step)
