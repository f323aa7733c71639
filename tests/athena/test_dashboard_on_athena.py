"""The pages ask Athena: the same answers as from a file, one build throughout, and what it cost.

The tables are those of an invented build, put into the bucket as Parquet; of a real run, on both engines, the same is
compared in test_athena_equals_duckdb.py.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pytest
from support.browser import Visit, dashboard
from support.dashboard_pages import RunPage
from support.dashboard_queries import assert_same_answers, publish_two_brands

from adhouse.warehouse.athena import AthenaWarehouse, Document
from adhouse.warehouse.athena_pages import AthenaPages
from dashboard import published, queries
from dashboard.queries import Reader
from local_athena.server import LocalAthena

if TYPE_CHECKING:
    from playwright.sync_api import Browser

BUCKET, DATABASE = "dashboard-pages", "invented"
HIVE_TYPES = {"VARCHAR": "string", "TIMESTAMP": "timestamp"}
OF_RAW = ("quarantine_examples", "example_reasons")  # they read tables that a run loads
pytestmark = pytest.mark.cases


@pytest.fixture(scope="module")
def link(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return publish_two_brands(tmp_path_factory.mktemp("pages") / "published")


@pytest.fixture(scope="module")
def in_bucket(link: Path, athena: LocalAthena, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Document]:
    """The marts of the build as tables in Athena, its document beside them, and the pointer on it."""
    s3, glue = athena.client("s3"), athena.client("glue")
    s3.create_bucket(Bucket=BUCKET)
    for database in (DATABASE, "marts", f"marts_{DATABASE}"):
        glue.create_database(DatabaseInput={"Name": database})
    file = tmp_path_factory.mktemp("parquet") / "mart.parquet"
    with duckdb.connect(link, read_only=True) as connection:
        listed = "select table_name from duckdb_tables() where schema_name = 'marts'"
        marts = [mart for (mart,) in connection.execute(listed).fetchall()]
        described = "select column_name, data_type, comment from duckdb_columns() where table_name = ?"
        for mart in marts:
            connection.execute(f"copy marts.{mart} to '{file}'")
            s3.upload_file(str(file), BUCKET, f"{mart}/1.parquet")
            table = _table(mart, connection.execute(described, [mart]).fetchall())
            for database in (DATABASE, f"marts_{DATABASE}"):
                glue.create_table(DatabaseName=database, TableInput=table)
        [(build_id, as_of)] = connection.execute("select build_id, as_of from ops.builds").fetchall()
    document = Document(
        build_id=build_id,
        command="adhouse run",
        status="audited",
        as_of=f"{as_of.isoformat()}+00:00",
        started_at=f"{as_of.isoformat()}+00:00",
        ended_at=f"{as_of.isoformat()}+00:00",
        is_full_refresh=False,
        fingerprint="",
        generation=DATABASE,
        versions="",
        report_timezone="UTC",
        restated_days=3,
        findings=[{"name": "a test", "kind": "test", "status": "pass", "failures": 0, "message": "", "said": []}],
        shown={mart: f"select * from {DATABASE}.{mart}" for mart in marts},
    )
    _put(athena, document)
    yield document
    for database in glue.get_databases()["DatabaseList"]:
        glue.delete_database(Name=database["Name"])


def _table(mart: str, columns: list[tuple[str, str, str | None]]) -> dict[str, object]:
    described = [
        {"Name": name, "Type": HIVE_TYPES.get(kind, kind.lower()), "Comment": comment or ""}
        for name, kind, comment in columns
    ]
    formats = {
        "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
        "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
        "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"},
    }
    place = {"Columns": described, "Location": f"s3://{BUCKET}/{mart}/", **formats}
    return {"Name": mart, "TableType": "EXTERNAL_TABLE", "StorageDescriptor": place, "Parameters": {"EXTERNAL": "TRUE"}}


def _put(athena: LocalAthena, document: Document) -> None:
    """Puts a document on record, and the pointer on it, as a publishing does."""
    s3 = athena.client("s3")
    for name, content in (
        (f"ops/builds/{document.build_id}.json", asdict(document)),
        ("ops/published.json", {"build_id": document.build_id}),
    ):
        s3.put_object(Bucket=BUCKET, Key=name, Body=json.dumps(content).encode())


@pytest.fixture
def pages(in_bucket: Document, athena: LocalAthena, monkeypatch: pytest.MonkeyPatch) -> AthenaPages:
    for name, value in athena.environment.items():
        monkeypatch.setenv(name, value)
    _put(athena, in_bucket)
    return _pages()


def _pages(workgroup: str = "primary") -> AthenaPages:
    return AthenaPages(AthenaWarehouse(f"s3://{BUCKET}", f"s3://{BUCKET}/results/", workgroup))


@pytest.fixture
def on_athena(pages: AthenaPages) -> Iterator[AthenaPages]:
    published.read_from(pages)
    yield pages
    published.read_from(None)


def test_every_query_gives_what_it_gives_on_a_file(link: Path, pages: AthenaPages) -> None:
    assert_same_answers(link, pages, ("Acme",), OF_RAW)


def test_every_page_is_drawn_and_says_what_athena_scanned(
    on_athena: AthenaPages, link: Path, run_page: RunPage
) -> None:
    for page in ("overview", "campaigns", "creatives", "daily", "geography", "funnel", "attribution", "auctions"):
        shown = run_page(link, page, period="All dates")
        said = [caption.value for caption in shown.caption]
        assert any(re.search("For this view Athena scanned", one) for one in said), (page, said)
    assert any("Athena scanned nothing" in one.value for one in run_page(link, "overview", period="All dates").caption)


def test_a_value_with_a_quote_stays_a_value(on_athena: AthenaPages, in_bucket: Document, link: Path) -> None:
    build = published.build_of(in_bucket.build_id)
    selection = queries.Selection(build, *(queries.days_of(build, Reader()) or pytest.fail("no days")))
    injected = ("it's", "' or '1' = '1", "\\' or 1 = 1 --", "$since", "adhouse.marts.daily_performance", "\u03b1")
    for value in injected:
        [row] = queries.delivery(replace(selection, chosen=(("brand", (value,)),))).dicts()
        assert row["impressions"] == 0, value


def test_a_page_goes_on_with_its_build_while_another_is_published(
    on_athena: AthenaPages, in_bucket: Document, athena: LocalAthena
) -> None:
    asked = "select count(*) from adhouse.marts.campaign_summary"
    before = published.fetch(in_bucket.build_id, asked).rows
    shown = in_bucket.shown | {
        "campaign_summary": f"select * from {DATABASE}.campaign_summary where campaign_id = 'c1'"
    }
    _put(athena, replace(in_bucket, build_id="000002-20261107T040000Z-next", shown=shown))
    assert on_athena.newest() == "000002-20261107T040000Z-next"
    assert published.fetch("000002-20261107T040000Z-next", asked).rows == [(1,)] != before
    assert published.fetch(in_bucket.build_id, asked).rows == before


def test_a_warehouse_that_does_not_answer_is_said_without_its_words(
    pages: AthenaPages, link: Path, run_page: RunPage
) -> None:
    published.read_from(_pages("nobodys"))
    try:
        shown = run_page(link, period="Last 7 days")
        assert [error.value for error in shown.error] == [
            "The warehouse could not be asked; the log of the dashboard says why. Reload the page to try again."
        ]
    finally:
        published.read_from(None)


def test_a_build_of_an_older_adhouse_is_said(on_athena: AthenaPages, in_bucket: Document, athena: LocalAthena) -> None:
    _put(athena, replace(in_bucket, build_id="000003-older", report_timezone=""))
    with pytest.raises(published.OlderBuildError):
        published.build_of("000003-older")
    _put(athena, replace(in_bucket, build_id="000004-without", shown={}))
    with pytest.raises(published.OlderBuildError):
        published.build_of("000004-without")


def test_the_command_serves_what_is_in_the_bucket(
    pages: AthenaPages, athena: LocalAthena, chromium: "Browser", tmp_path: Path
) -> None:
    place = {"ADHOUSE_LAKE_URL": f"s3://{BUCKET}", "ADHOUSE_ATHENA_RESULTS": f"s3://{BUCKET}/results/"}
    settings = {**athena.environment, **place, "ADHOUSE_TARGET": "athena", "ADHOUSE_ATHENA_WORKGROUP": "primary"}
    with dashboard(tmp_path, port=None, **settings) as url:
        visit = Visit(chromium, url)
        page = visit.open("?period=All+dates")
        page.get_by_text("For this view Athena scanned").wait_for()
        assert page.get_by_test_id("stException").count() == 0
        assert visit.unexpected() == []
        visit.close()
