"""A data folder of adhouse, into which files are dropped and on which `adhouse run` is measured."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from bench.processes import ADHOUSE, PROJECT, Usage, measured


class Workspace:
    """A data folder, new at first."""

    def __init__(self, home: Path, settings: Mapping[str, str] | None = None) -> None:
        """Takes where it is to be, and settings beside its place."""
        self._home = home
        self._settings = {"ADHOUSE_HOME": str(home), "ADHOUSE_API_URL": "none", **(settings or {})}
        self.empty()

    @property
    def published(self) -> Path:
        """The marts that readers see."""
        return self._home / "published" / "marts.duckdb"

    def empty(self) -> None:
        """Makes it new again; dbt's parsed project is kept."""
        shutil.rmtree(self._home, ignore_errors=True)
        self._home.mkdir(parents=True)

    def forget_parsed_project(self) -> None:
        """Makes the next run parse the dbt project, as the first one in a clone does."""
        for kept in (*(PROJECT / "target").glob("parsed-*"), PROJECT / "target" / "partial_parse.msgpack"):
            kept.unlink(missing_ok=True)

    def drop(self, file: Path, name: str = "", source: str = "campaign_files") -> None:
        """Puts a file into an inbox that has been quiet for an hour; it is linked, so that nothing is copied."""
        hour_ago = file.stat().st_mtime - 3600
        os.utime(file, (hour_ago, hour_ago))
        inbox = self._home / "inbox" / source
        inbox.mkdir(parents=True, exist_ok=True)
        os.link(file, inbox / (name or file.name))

    @property
    def path(self) -> Path:
        """The data folder itself."""
        return self._home

    @property
    def last_log(self) -> Path | None:
        """What the last run logged, a JSON object a line."""
        return max((self._home / "logs").glob("run-*.jsonl"), default=None)

    def run(self, *, publishes: bool) -> Usage:
        """Measures `adhouse run` on files alone.

        Raises:
            SystemExit: It failed, or it published when nothing was new, or nothing when something was.
        """
        usage = self._measured("run")
        if ("published build" in usage.output) is not publishes:
            raise SystemExit(f"adhouse run {'did not publish' if publishes else 'published'}:\n{usage.output}")
        return usage

    def extract(self) -> Usage:
        """Measures `adhouse extract`."""
        return self._measured("extract")

    def build(self, *, anew: bool = True) -> Usage:
        """Measures `adhouse build`, which makes every table anew, or what changed."""
        return self._measured("build", *(["--full-refresh"] if anew else []))

    def _measured(self, *command: str) -> Usage:
        return measured([ADHOUSE, *command], self._settings)

    def remove(self) -> None:
        """Frees the disk."""
        shutil.rmtree(self._home)
