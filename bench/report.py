"""The table: one row a measure, with the machine it was measured on."""

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median

HEADER = ("what", "adhouse", "against", "ratio", "target")
GIB = 1 << 30


def seconds(values: Sequence[float]) -> str:
    """The median, and the range if there is one."""
    return f"{median(values):.1f} s" + (f" ({min(values):.1f} to {max(values):.1f})" if len(values) > 1 else "")


def gib(count: float) -> str:
    """Bytes for people."""
    return f"{count / GIB:.2f} GiB"


def table(rows: Sequence[Sequence[str]]) -> str:
    """The rows as Markdown."""
    lines = [HEADER, ["---", *["---:"] * (len(HEADER) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def machine() -> str:
    """Where and when, and with which versions."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    versions = ", ".join(f"{name} {version(name)}" for name in ("duckdb", "dbt-core", "dbt-duckdb", "dlt", "pyarrow"))
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {cores} cores of {_processor()}, {gib(memory)} of memory, "
        f"{platform.system()} {platform.machine()}, Python {platform.python_version()}, {versions}."
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
