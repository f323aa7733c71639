"""What the documentation shows of the keys and the presets, as Markdown."""

from __future__ import annotations

from types import MappingProxyType

from extract.declared.api import ApiKeys, AuthKeys, PagingKeys
from extract.declared.keys import PRESET_NAMES, ColumnKeys, FilesKeys, KindOfKeys, SourceKeys
from extract.declared.sources import preset
from extract.declared.values import Keys, ValuesKeys

LEVELS: MappingProxyType[str, type[Keys]] = MappingProxyType(
    {
        "": SourceKeys,
        "kind_of.": KindOfKeys,
        "files.": FilesKeys,
        "columns.FIELD.": ColumnKeys,
        "api.": ApiKeys,
        "api.auth.": AuthKeys,
        "api.paging.": PagingKeys,
    }
)


def keys_table() -> str:
    """Every key of a source, and what it means."""
    rows = ["| key | meaning |", "|---|---|"]
    for level, keys in LEVELS.items():
        # What is said of values comes last, for files and APIs alike.
        for name, field in sorted(keys.model_fields.items(), key=lambda one: one[0] in ValuesKeys.model_fields):
            rows.append(f"| `{level}{field.alias or name}` | {(field.description or '').replace('|', chr(92) + '|')} |")
    return "\n".join(rows) + "\n"


def presets_list() -> str:
    """Every preset: which report to download, which columns it needs, and what it cannot know."""
    lines = []
    for name in PRESET_NAMES:
        shipped = preset(name)
        columns, optional = shipped.columns or {}, shipped.optional or ()
        needed = ", ".join(
            " or ".join(f"`{name}`" for name in column.name or [ours])
            for ours, column in columns.items()
            if ours not in optional
        )
        unknown = [ours for ours in optional if ours not in columns]
        cannot_know = f" It cannot know {', '.join(f'`{name}`' for name in unknown)}." if unknown else ""
        lines.append(f"- **`{name}`**, {shipped.title}: {shipped.report} It needs {needed}.{cannot_know}")
    return "\n".join(lines) + "\n"
