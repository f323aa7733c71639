"""Which kinds of records there are, and which sources: a module of `extract.sources` for each kind.

Such a module has the constant `KIND`, and `SOURCES` if records of the kind come otherwise than as files in an inbox of
the kind's name.
"""

from __future__ import annotations

import importlib
import pkgutil

import extract.sources
from extract.schema import Kind
from extract.source import SourceConfig


def _discovered() -> tuple[dict[str, Kind], dict[str, SourceConfig]]:
    kinds: dict[str, Kind] = {}
    sources: dict[str, SourceConfig] = {}
    for found in sorted(pkgutil.iter_modules(extract.sources.__path__), key=lambda module: module.name):
        module = importlib.import_module(f"extract.sources.{found.name}")
        kind: Kind = module.KIND
        kinds[kind.name] = kind
        for source in getattr(module, "SOURCES", (SourceConfig(kind.name, (kind,)),)):
            sources[source.name] = source
    return kinds, sources


KINDS, SOURCES = _discovered()
