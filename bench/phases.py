"""Where the time of a run goes, by the lines of its log."""

import json
from collections.abc import Sequence
from pathlib import Path

LEAST = 0.05  # seconds: what took less is left out
Row = tuple[str, int, float]


def phases(log: Path) -> list[Row]:
    """The steps of a run in the order of their end: what each was, how often it came, and its seconds in all.

    Models have a row each. Tests and units have one together, as they may be thousands.
    """
    found: dict[str, tuple[int, float]] = {}
    for line in map(json.loads, log.read_text().splitlines()):
        if "seconds" in line:
            label = _label(line)
            count, seconds = found.get(label, (0, 0.0))
            found[label] = (count + 1, seconds + line["seconds"])
    return [(label, count, seconds) for label, (count, seconds) in found.items() if seconds >= LEAST]


def section(title: str, seconds: float, rows: Sequence[Row]) -> str:
    """A section of a page in Markdown."""
    lines = [f"| {label} | {count:,} | {took:.2f} | {took / seconds:.0%} |" for label, count, took in rows]
    return "\n".join(
        [
            f"### {title}: {seconds:.1f} s",
            "",
            "Steps overlap: models and tests run two at a time, parsing runs beside the extraction, and a step",
            "contains the finer ones. `start` is the CPU time until the command begins to work.",
            "",
            "| step | number | seconds | of the run |",
            "| --- | ---: | ---: | ---: |",
            *lines,
        ]
    )


def _label(line: dict[str, object]) -> str:
    kind, phase = line.get("kind"), line.get("phase") or line.get("message")
    if line.get("node"):
        return f"{phase}: model {line['node']}" if kind == "model" else f"{phase}: every {kind}"
    return f"{phase}: every unit" if line.get("unit") else str(phase)
