"""A kind of record costs one file: with it alone, records go from the inbox to raw, quarantine, status and balance."""

import hmac
import json
import shutil
from pathlib import Path

import duckdb
from conftest import Workspace

PROJECT = Path(__file__).parents[2]
STORE_VISITS = """
from extract.schema import FieldType, Kind, RecordType

FIELDS = {
    "visit_id": FieldType.TEXT,
    "visited_at": FieldType.TIMESTAMP,
    "visitors": FieldType.COUNT,
    "member_id": FieldType.TEXT,
}
RECORD_TYPE = RecordType(FIELDS, required=frozenset({"visit_id"}), private=frozenset({"member_id"}))
KIND = Kind("store_visits", RECORD_TYPE, same_name="replace")
"""
KEY = "a-canary-key-of-more-than-16"


def test_a_kind_in_one_file_is_loaded_shown_and_balanced(tmp_path: Path) -> None:
    package = tmp_path / "with_store_visits"
    shutil.copytree(PROJECT / "extract", package / "extract", ignore=shutil.ignore_patterns("__pycache__"))
    (package / "extract" / "sources" / "store_visits.py").write_text(f'"""Visits of stores."""\n{STORE_VISITS}')
    workspace = Workspace(tmp_path / "data", {"ADHOUSE_API_URL": "none", "PYTHONPATH": str(package)})
    header = "visit_id,visited_at,visitors,member_id\n"
    workspace.drop("may.csv", f"{header}v0,2026-05-01T10:00:00Z,9,canary-ann\n".encode(), source="store_visits")
    refused = workspace.adhouse("extract")
    assert refused.returncode == 2
    assert "ADHOUSE_PRIVACY_KEY is not set, and store_visits has private fields" in " ".join(refused.stderr.split())
    workspace.settings["ADHOUSE_PRIVACY_KEY"] = KEY
    assert workspace.adhouse("extract").returncode == 0
    visits = "v1,2026-05-01T10:00:00Z,3,canary-ann\nv2,yesterday,1,canary-bob\nv3,2026-05-02 11:30:00,5,\n"
    workspace.drop("may.csv", (header + visits).encode(), source="store_visits")

    ended = workspace.adhouse("run")

    assert ended.returncode == 0, ended.stdout + ended.stderr
    balance = json.loads(workspace.adhouse("status", "--json").stdout)["sources"]["store_visits"]
    counts = {"read": 4, "loaded": 3, "rejected": 1, "superseded": 1, "duplicate": 0, "quarantined": 0, "kept": 2}
    assert {name: balance[name] for name in counts} == counts
    assert "canary" not in workspace.adhouse("quarantine").stdout
    (rejected,) = json.loads(workspace.adhouse("quarantine", "--json").stdout)
    assert (rejected["source"], rejected["position"], rejected["line"]) == ("store_visits", 2, 3)
    assert hmac.digest(KEY.encode(), b"canary-bob", "sha256").hex() in rejected["payload"]
    raw = f"select visit_id, visitors, member_id from '{workspace.home}/lake/raw/store_visits/*.parquet' order by all"
    with duckdb.connect() as connection:
        ann = hmac.digest(KEY.encode(), b"canary-ann", "sha256").hex()
        assert connection.execute(raw).fetchall() == [("v0", 9, ann), ("v1", 3, ann), ("v3", 5, None)]
    assert not files_with(b"canary", workspace.home)


def files_with(text: bytes, home: Path) -> list[Path]:
    """The files in which a text stands, but for what was received."""
    received = ("inbox", "landing")
    files = [path for path in home.rglob("*") if path.is_file() and path.relative_to(home).parts[0] not in received]
    return [path for path in files if text in path.read_bytes()]
