"""What the tests of forgetting share: the call, as the command makes it, and a search through everything."""

import gzip
import io
import zipfile
from collections.abc import Collection
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import fastavro
import pyarrow as pa
import pyarrow.parquet as pq

from extract.forgetting import Found, Searcher, begin, end, pending, pseudonyms_of
from extract.registry import SOURCES
from extract.run import Places, load_from_landing
from extract.source import SourceConfig
from extract.storage import Folder
from support.extracting import RecordedProgress


def searcher(home: Path, key: str, sources: Collection[SourceConfig], pseudonyms: frozenset[str]) -> Searcher:
    return Searcher(Folder.at(home), [*sources], key, ZoneInfo("UTC"), pseudonyms)


def forgotten(home: Path, key: str, *ids: str, sources: Collection[SourceConfig] = ()) -> Found:
    """Forgets people in landing, inboxes and the lake, and whom a killed forget has left."""
    landing = Folder.at(home / "landing")
    pseudonyms = frozenset().union(*(pseudonyms_of(one, key) for one in ids), pending(landing))
    searching = searcher(home, key, sources or SOURCES.values(), pseudonyms)
    found = searching.find()
    begin(landing, pseudonyms)
    searching.remove(found)
    load_from_landing(
        places=Places(home, str(home), str(home / "lake")),
        sources=sources or SOURCES.values(),
        report_timezone=ZoneInfo("UTC"),
        progress=RecordedProgress(),
        privacy_key=key,
        forgotten=pseudonyms,
    )
    end(landing)
    return found


def files_that_say(folder: Path, *texts: str) -> list[str]:
    """The files below a folder in which one of these texts stands, in whatever they are packed or encoded."""
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink() and any(text.lower() in _text_of(path).lower() for text in texts)
    )


def _text_of(path: Path) -> str:
    content = path.read_bytes()
    return f"{_cells_of(path)} {content.decode(errors='replace')}" if content[8:12] == b"DUCK" else text_of(content)


def text_of(content: bytes) -> str:
    """What a file says, unpacked and decoded."""
    if content.startswith(b"PAR1"):
        return str(pq.read_table(pa.BufferReader(content)).to_pylist())
    if content.startswith(b"Obj\x01"):
        return str([*fastavro.reader(io.BytesIO(content))])
    if content.startswith(b"\x1f\x8b"):
        content = gzip.decompress(content)
    elif content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            content = b"".join(map(archive.read, archive.namelist()))
    return content.decode("utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8", "replace")


def _cells_of(path: Path) -> str:
    """Every cell of a DuckDB file, which may be compressed; its views only look elsewhere."""
    with duckdb.connect() as connection:
        connection.execute(f"attach '{path}' as house (read_only)")
        found = "select schema_name, table_name from duckdb_tables() where database_name = 'house'"
        tables = connection.execute(found).fetchall()
        return " ".join(
            str(connection.execute(f'from house."{schema}"."{table}"').fetchall()) for schema, table in tables
        )
