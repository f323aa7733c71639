"""`adhouse sql`: what a query gives, in each format, and what it must not do."""

import csv
import json
import signal
import subprocess
import time
from io import StringIO
from pathlib import Path

import pytest
from conftest import COMMAND, Workspace

from adhouse.errors import Exit


def test_a_table_shows_every_row_and_cuts_nothing(built_home: Workspace) -> None:
    query = "select campaign_id, repeat('x', 300) as long, null as empty from marts.campaign_summary order by 1"
    ended = built_home.adhouse("sql", query, COLUMNS="40")
    assert ended.returncode == Exit.OK, ended.stderr
    header, _, *rows = ended.stdout.splitlines()
    assert header.split() == ["campaign_id", "long", "empty"]
    assert all(row.split()[1:] == ["x" * 300, "NULL"] for row in rows)
    counted = built_home.adhouse("sql", "--csv", "select count(*) as n from campaign_summary")
    assert counted.stdout == f"n\n{len(rows)}\n"


def test_csv_keeps_numbers_and_defuses_formulas(built_home: Workspace) -> None:
    query = """select '=1+1' as formula, -1.50::decimal(9, 2) as credit, null as missing, 'a,"b' as quoted"""
    ended = built_home.adhouse("sql", "--csv", query)
    assert [*csv.DictReader(StringIO(ended.stdout))] == [
        {"formula": "'=1+1", "credit": "-1.50", "missing": "", "quoted": 'a,"b'}
    ]


def test_json_keeps_decimals_exact_and_every_column(built_home: Workspace) -> None:
    query = "select 0.1::decimal(18, 6) as spend, 1 as n, 2 as n, 'nan'::double as x, null as y, date '2026-11-01' as d"
    ended = built_home.adhouse("sql", "--json", query)
    assert json.loads(ended.stdout) == [
        {"spend": "0.100000", "n": 1, "n_2": 2, "x": None, "y": None, "d": "2026-11-01"}
    ]


def test_a_query_comes_from_stdin_too(built_home: Workspace) -> None:
    ended = subprocess.run(
        [COMMAND, "sql", "--csv", "-"],
        input="select count(*) > 0 as has_rows\nfrom campaign_summary;\n",
        env=built_home.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout == "has_rows\nTrue\n"


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("drop table marts.campaign_summary", "it would change something (`adhouse sql` only reads"),
        ("create table x as select 1", "it would change something (`adhouse sql` only reads"),
        ("from read_csv('/etc/passwd')", "it would reach a file or the network"),
        ("copy campaign_summary to 'out.csv'", "it would reach a file or the network"),
        ("attach 'other.duckdb'", "it would reach a file or the network"),
        ("install httpfs", "it would reach a file or the network"),
        ("set enable_external_access = true", "it would set an option"),
        (
            "from campaign_sumary",
            "there is no published table campaign_sumary in: from campaign_sumary (",
        ),
        ("select spent from campaign_summary", "there is no column spent in the tables it names"),
        ("selec 1", "it is not SQL at selec in: selec 1"),
        ("select serialize(1)", "there is no function serialize in: select serialize(1)"),
        ("select 'a'::integer from campaign_summary", "Could not convert string 'a'"),
        (" ", "the query is empty"),
        (" ; ", "the query is empty"),
    ],
)
def test_what_is_wrong_or_not_allowed_is_one_line(built_home: Workspace, query: str, said: str) -> None:
    before = (built_home.home / "published" / "marts.duckdb").read_bytes()
    ended = built_home.adhouse("sql", query)
    assert ended.returncode == Exit.USAGE
    assert ended.stdout == ""
    assert len(ended.stderr.splitlines()) == 1
    assert said in ended.stderr
    assert "Error:" not in ended.stderr
    assert (built_home.home / "published" / "marts.duckdb").read_bytes() == before
    assert not Path("out.csv").exists()


def test_a_long_query_is_stopped_by_ctrl_c(built_home: Workspace) -> None:
    slow = "select count(*) from range(1000000) a, range(1000000) b where a.range % 7 = b.range % 11"
    with built_home.start("sql", slow) as process:
        time.sleep(1.5)
        process.send_signal(signal.SIGINT)
        started = time.monotonic()
        _, err = process.communicate(timeout=30)
    assert process.returncode in (-signal.SIGINT, Exit.INTERRUPTED)  # a shell says 130 for both
    assert "Traceback" not in err
    assert time.monotonic() - started < 5


def test_two_formats_at_once_are_refused(built_home: Workspace) -> None:
    for command in (("sql", "from campaign_summary"), ("quarantine",)):
        ended = built_home.adhouse(*command, "--csv", "--json")
        assert (ended.returncode, ended.stdout) == (2, "")
        assert "choose one of them" in ended.stderr


def test_before_the_first_build_it_says_what_comes_first(tmp_path: Path) -> None:
    ended = Workspace(tmp_path / "data").adhouse("sql", "select 1")
    assert ended.returncode == Exit.FAILED
    assert ended.stderr == "adhouse: nothing is published yet (`adhouse run` publishes the first build)\n"
