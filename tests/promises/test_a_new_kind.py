"""A kind of record costs one file: with it alone, records go from the inbox to raw, quarantine, status and balance."""

import json
import shutil
from pathlib import Path

import duckdb
import pytest
from conftest import Workspace

PROJECT = Path(__file__).parents[2]
STORE_VISITS = """
from extract.schema import FieldType, Kind, RecordType

FIELDS = {"visit_id": FieldType.TEXT, "visited_at": FieldType.TIMESTAMP, "visitors": FieldType.COUNT}
KIND = Kind("store_visits", RecordType(FIELDS, required=frozenset({"visit_id"})), same_name="replace")
"""


@pytest.mark.timeout(300)
def test_a_kind_in_one_file_is_loaded_shown_and_balanced(tmp_path: Path) -> None:
    package = tmp_path / "with_store_visits"
    shutil.copytree(PROJECT / "extract", package / "extract", ignore=shutil.ignore_patterns("__pycache__"))
    (package / "extract" / "sources" / "store_visits.py").write_text(f'"""Visits of stores."""\n{STORE_VISITS}')
    workspace = Workspace(tmp_path / "data", {"ADHOUSE_API_URL": "none", "PYTHONPATH": str(package)})
    header = "visit_id,visited_at,visitors\n"
    workspace.drop("may.csv", f"{header}v0,2026-05-01T10:00:00Z,9\n".encode(), source="store_visits")
    assert workspace.adhouse("extract").returncode == 0
    visits = "v1,2026-05-01T10:00:00Z,3\nv2,yesterday,1\nv3,2026-05-02 11:30:00,5\n"
    workspace.drop("may.csv", (header + visits).encode(), source="store_visits")

    ended = workspace.adhouse("run")

    assert ended.returncode == 0, ended.stdout + ended.stderr
    balance = json.loads(workspace.adhouse("status", "--json").stdout)["sources"]["store_visits"]
    counts = {"read": 4, "loaded": 3, "rejected": 1, "superseded": 1, "duplicate": 0, "quarantined": 0, "kept": 2}
    assert {name: balance[name] for name in counts} == counts
    (rejected,) = json.loads(workspace.adhouse("quarantine", "--json").stdout)
    assert (rejected["source"], rejected["position"], rejected["line"]) == ("store_visits", 2, 3)
    raw = f"select visit_id, visitors from '{workspace.home}/lake/raw/store_visits/*.parquet' order by all"
    with duckdb.connect() as connection:
        assert connection.execute(raw).fetchall() == [("v0", 9), ("v1", 3), ("v3", 5)]
