"""BI tools that come through SQLAlchemy read the published file during runs: each connection sees one build, whole."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine, inspect, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool
from support.published_file import delivered, publish_invented

from adhouse.warehouse.publish import publish

BUILDS, PUBLICATIONS, READERS = 3, 30, 2
# The impressions of a build are its number, whichever mart says so.
QUERIES = (
    "select max(cast(left(build_id, 6) as integer)) from ops.builds",
    "select sum(total_impressions) from marts.campaign_summary",
    "select sum(impressions) from marts.campaign_performance",
    "select sum(impressions) from adhouse.marts.daily_performance",
)


def build_of(folder: Path, number: int) -> Path:
    """The file of a build that is ready to be published."""
    folder.mkdir(exist_ok=True)
    build_id = f"{number:06}-20261106T040000Z-test"
    publish_invented(folder / "published", [delivered(impressions=number)], build_id=build_id)
    return folder / f"{build_id}.duckdb"


def url_of(published: Path) -> str:
    """The address that docs/bi.md gives."""
    return f"duckdb:///{published}/adhouse.duckdb?access_mode=read_only"


def number_in(connection: Connection) -> int:
    numbers = {int(connection.execute(text(query)).scalar_one()) for query in QUERIES}
    assert len(numbers) == 1, f"a mix of builds: {numbers}"
    return numbers.pop()


@contextmanager
def reading(url: str) -> Iterator[list[list[int]]]:
    """Reads all the time from several threads, each time by a new connection; gives what each thread saw, in turn."""
    engine = create_engine(url, poolclass=NullPool)
    is_over = threading.Event()
    seen: list[list[int]] = [[] for _ in range(READERS)]
    failed: list[BaseException] = []

    def read(numbers: list[int]) -> None:
        try:
            while not is_over.is_set():
                with engine.connect() as connection:
                    numbers.append(number_in(connection))
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=read, args=(numbers,)) for numbers in seen]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        is_over.set()
        for thread in threads:
            thread.join()
    assert failed == []


def test_a_tool_reads_while_builds_are_published(tmp_path: Path) -> None:
    files = [build_of(tmp_path / "made", number + 1) for number in range(BUILDS)]
    published = tmp_path / "published"
    first = publish(files[0], published, "000000")
    url = url_of(published)
    pooled = create_engine(url)
    with pooled.connect() as before, reading(url) as seen:
        for number in range(1, PUBLICATIONS):
            publish(files[number % BUILDS], published, f"{number:06}")
            with create_engine(url, poolclass=NullPool).connect() as after:
                assert number_in(after) == number % BUILDS + 1
        assert not first.exists()
        assert number_in(before) == 1  # although its build is gone
    assert all({*numbers} == {1, 2, 3} for numbers in seen)
    # A pool gives the old connection back; docs/bi.md says that it has to be closed.
    with pooled.connect() as kept:
        assert number_in(kept) == 1
    pooled.dispose()
    with pooled.connect() as anew:
        assert number_in(anew) == (PUBLICATIONS - 1) % BUILDS + 1


def test_a_tool_finds_the_marts_with_their_columns_and_can_change_nothing(tmp_path: Path) -> None:
    published = tmp_path / "published"
    publish(build_of(tmp_path / "made", 1), published, "000001")
    engine = create_engine(url_of(published), poolclass=NullPool)
    found = inspect(engine)
    assert "adhouse.marts" in found.get_schema_names()
    assert {"campaign_summary", "daily_performance"} <= {*found.get_table_names(schema="marts")}
    columns = {column["name"]: str(column["type"]) for column in found.get_columns("campaign_summary", schema="marts")}
    assert columns["campaign_id"] == "VARCHAR"
    assert columns["total_spend"] == "NUMERIC(38, 6)"
    for statement in ("delete from marts.campaign_summary", "create table marts.of_mine (number integer)"):
        with engine.connect() as connection, pytest.raises(DBAPIError, match="read-only"):
            connection.execute(text(statement))
