"""The command as a person meets it: real processes, real files, exit codes, what is on which stream."""

import csv
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from importlib.metadata import version
from io import StringIO
from pathlib import Path

import duckdb
import pytest
from conftest import COMMAND, Workspace
from support.cases import always

from adhouse.console import Terminal
from adhouse.errors import MEANINGS
from adhouse.explain import explain_error
from adhouse.settings import read_settings
from adhouse.warehouse.files import is_read_by_older_duckdb
from extract.redaction import Redaction

BALANCE = {"read", "loaded", "rejected", "superseded", "duplicate", "quarantined", "kept"}


def test_help_brings_in_nothing_that_is_slow() -> None:
    command = [sys.executable, "-X", "importtime", "-c", "from adhouse.cli import main; main()", "--help"]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in ended.stderr.splitlines()}
    assert not imported & {
        "dbt",
        "dlt",
        "duckdb",
        "pyarrow",
        "rich",
        "fastapi",
        "httpx",
        "numpy",
        "extract",
        "simulate",
        "sqlite3",
        "apprise",
    }


def test_help_tells_every_exit_code() -> None:
    text = subprocess.run([COMMAND, "--help"], capture_output=True, text=True, check=True).stdout
    for code, meaning in MEANINGS.items():
        assert re.search(rf"^ +{code:d}  {re.escape(meaning)}$", text, re.MULTILINE)
    assert max(map(len, text.splitlines())) <= 80
    assert "..." not in text.partition("Commands:")[2]


def test_the_version_is_that_of_the_package() -> None:
    ended = subprocess.run([COMMAND, "--version"], capture_output=True, text=True, check=True)
    assert ended.stdout == f"adhouse {version('adhouse')}\n"


def test_a_wrong_argument_is_a_usage_error() -> None:
    assert subprocess.run([COMMAND, "run", "--nonsense"], capture_output=True, check=False).returncode == 2
    ended = subprocess.run([COMMAND, "extract", "'; drop table"], capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "campaign_api, campaign_files" in ended.stderr


def test_a_run_ends_with_results_on_stdout_and_messages_on_stderr(built_home: Workspace) -> None:
    out, err = ((built_home.home / f"first_run.{name}").read_text() for name in ("out", "err"))
    assert "top campaign" in out
    assert "quarantined" in out
    assert "clicks_over_impressions" in out
    assert "uv run adhouse status" in out
    assert "campaign_api" in err
    assert "top campaign" not in err
    for text in (out, err):
        assert "\x1b" not in text
        assert "Traceback" not in text
    assert max(map(len, out.splitlines())) <= 80


def test_a_run_says_nothing_on_stderr_but_its_own_words(built_home: Workspace) -> None:
    steps = r"load(: [\d,]+)?|building and testing(: \d+)?"  # how far a long one is, is said now and then
    ours = rf"campaign_(api|files)(: .*)?|{steps}|built \d+ models; .*|warning: .*|1 file was quar.*"
    for line in (built_home.home / "first_run.err").read_text().splitlines():
        assert re.fullmatch(ours, line)


@pytest.mark.parametrize("arguments", [["status"], ["status", "--json"], ["quarantine"], ["quarantine", "--csv"]])
@pytest.mark.parametrize("unbuffered", always(1, ["", "1"]))
def test_who_reads_no_further_hears_no_complaint(built_home: Workspace, arguments: list[str], unbuffered: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    environment = built_home.environment | {"PYTHONUNBUFFERED": unbuffered}
    ended = subprocess.run(
        [COMMAND, *arguments], env=environment, stdout=writer, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writer)
    assert ended.returncode == 0
    assert "Traceback" not in ended.stderr
    assert "roken" not in ended.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_output_that_finds_no_room_is_an_error(built_home: Workspace, unbuffered: str) -> None:
    command, environment = f"{COMMAND} quarantine --csv", built_home.environment | {"PYTHONUNBUFFERED": unbuffered}
    with open("/dev/full", "w") as full:
        ended = subprocess.run(
            shlex.split(command), env=environment, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1
    assert "No space left on device" in ended.stderr


@pytest.mark.parametrize("is_terminal", [False, True])
def test_a_table_cuts_nothing_in_a_pipe_or_on_a_narrow_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, is_terminal: bool
) -> None:
    monkeypatch.setenv("COLUMNS", "45")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    if is_terminal:
        monkeypatch.setenv("FORCE_COLOR", "1")  # by which rich takes any stream for a terminal
    name = "-".join(map(str, range(20)))
    Terminal(str).table(["top campaign", "impressions", "clicks"], [[name, 123_456_789_012, 987_654_321]])
    out = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)
    assert "123,456,789,012" in out
    assert "987,654,321" in out
    assert "…" not in out
    rows = out.splitlines()[2:]
    width = max(map(len, rows))
    if is_terminal:
        assert width <= 45
        assert "".join(row[:15].strip() for row in rows) == name
    else:
        assert name in rows[0]


def test_without_a_terminal_there_is_no_bar_and_no_control_character(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal(str)
    terminal.start("load", 10)
    terminal.advance(3)
    terminal.stop()
    assert capsys.readouterr().err == "load\n"


def test_delivery_is_stored_by_day_so_that_a_period_is_read_alone(built_home: Workspace) -> None:
    with duckdb.connect(built_home.home / "published" / "marts.duckdb", read_only=True) as connection:
        for table in ("intermediate.int_source_performance_observed", "marts.daily_performance"):
            days = [day for (day,) in connection.execute(f"select date from {table} order by rowid").fetchall()]
            assert len(set(days)) > 1
            assert days == sorted(days)


def test_status_says_all_of_it_and_every_balance_closes(built_home: Workspace) -> None:
    state = json.loads(built_home.adhouse("status", "--json").stdout)
    warned = {"overlaps", "unusable", "quarantined_files"}
    assert set(state) == {"last_run", "published", "newest", "sources", "pending", "lock"} | warned
    assert state["last_run"]["outcome"] == "done"
    assert state["lock"] is None
    assert set(state["sources"]) == {"campaign_api", "campaign_files"}
    for counts in state["sources"].values():
        assert set(counts) == BALANCE
        assert counts["read"] == counts["loaded"] + counts["rejected"]
        assert counts["loaded"] == sum(counts[what] for what in ("superseded", "duplicate", "quarantined", "kept"))
        assert counts["kept"] > 0
    build_id = state["published"]["build_id"]
    assert str((built_home.home / "published" / "marts.duckdb").readlink()) == f"{build_id}/adhouse.duckdb"
    assert is_read_by_older_duckdb(built_home.home / "published" / "adhouse.duckdb")
    human = built_home.adhouse("status").stdout
    assert build_id in human
    assert max(map(len, human.splitlines())) <= 80


def test_the_published_file_says_why_it_can_be_trusted(built_home: Workspace) -> None:
    with duckdb.connect(built_home.home / "published" / "marts.duckdb", read_only=True) as connection:
        builds = connection.execute("select status, errors, as_of <= started_at, tests > 20 from ops.builds").fetchall()
        ((tests, failed),) = connection.execute(
            "select count(*), count(*) filter (status = 'fail') from ops.test_results"
        ).fetchall()
        reasons = connection.execute("select distinct reason from ops.quarantine_examples").fetchall()
        assert connection.execute("select count(*) from marts.campaign_summary").fetchall() != [(0,)]
    assert builds == [("audited", 0, True, True)]
    assert tests > 20
    assert failed == 0
    assert ("broken_json",) in reasons
    assert ("null_clicks",) in reasons


def test_quarantine_lists_files_records_and_rows(built_home: Workspace) -> None:
    listed = json.loads(built_home.adhouse("quarantine", "--json").stdout)
    one_of = {row["reason"]: row for row in listed}
    broken = one_of["broken_json"]
    assert (broken["position"], broken["line"], broken["is_repaired"]) == (6, 6, False)
    assert broken["problem"] == "lines.jsonl line 6: the text is not valid JSON"
    whole = next(row for row in listed if row["position"] is None)
    assert whole["problem"] == "cut.jsonl.gz: the file ends before its gzip stream does"
    assert whole["what_to_do"] == "Ask the sender for the file again; the transfer was cut off"
    assert json.loads(one_of["null_clicks"]["payload"])["clicks"] is None
    assert re.fullmatch(
        r"(campaign_api fetch \d+|export\.csv|export\.jsonl\.gz) record \d+: clicks are missing",
        one_of["null_clicks"]["problem"],
    )
    filtered = built_home.adhouse("quarantine", "--reason", "null_clicks", "--source", "campaign_api", "--json").stdout
    rows = json.loads(filtered)
    assert {(row["reason"], row["source"]) for row in rows} == {("null_clicks", "campaign_api")}
    assert len(json.loads(built_home.adhouse("quarantine", "--limit", "3", "--json").stdout)) == 3
    assert "' or 1=1" not in built_home.adhouse("quarantine", "--reason", "' or 1=1").stdout


def test_quarantine_shows_a_record_as_it_was_received_and_what_to_do(built_home: Workspace) -> None:
    shown = built_home.adhouse("quarantine", "--reason", "broken_json").stdout.splitlines()
    assert shown[0] == "lines.jsonl line 6: the text is not valid JSON"
    assert re.fullmatch(r"  reason  broken_json \(campaign_files, received [\d-]+ [\d:]+ UTC\)", shown[1])
    assert shown[2].startswith("  to do   Look at the record at its position in landing")
    assert re.fullmatch(r"  from    campaign_files/\S+/lines\.jsonl", shown[3])
    assert shown[4] == '  record  =cmd|"/c calc"!A1 is not JSON'


def test_quarantine_shows_what_broke_a_rule_as_it_was_received(house: Workspace) -> None:
    arguments = ("quarantine", "--reason", "clicks_over_impressions", "--limit", "1", "--source")
    problem, *_, delivered, record = house.adhouse(*arguments, "campaign_api").stdout.splitlines()
    said = re.fullmatch(
        r"campaign_api fetch \d+ record \d+: clicks (\d+) are more than the impressions, (\d+)", problem
    )
    assert said
    came = json.loads(record.removeprefix("  record  "))
    assert [came["clicks"], came["impressions"]] == [int(number) for number in said.groups()]
    (row,) = json.loads(house.adhouse(*arguments, "campaign_api", "--json").stdout)
    assert (row["field"], row["value"], row["problem"]) == ("clicks", said[1], problem)

    export = (*arguments, "campaign_files", "--limit", "100")
    *_, block = re.split(r"\n(?=export\.csv )", house.adhouse(*export).stdout)
    problem, _, _, delivered, record, *_ = block.splitlines()
    where = re.fullmatch(r"export\.csv line (\d+): clicks \d+ are more than the impressions, \d+", problem)
    assert where
    path = house.home / "landing" / delivered.removeprefix("  from    ")
    assert record == "  record  " + path.read_text().splitlines()[int(where[1]) - 1]

    shutil.rmtree(path.parent)
    *_, block = re.split(r"\n(?=export\.csv )", house.adhouse(*export).stdout)
    problem, _, _, _, record, *_ = block.splitlines()
    assert re.fullmatch(r"export\.csv record \d+: clicks \d+ are more than the impressions, \d+", problem)
    assert re.fullmatch(r'  record  \{"campaign_id":.*\} \(landing does not have it any more\)', record)


def test_quarantine_as_csv_has_the_same_rows(built_home: Workspace) -> None:
    rows = list(csv.DictReader(StringIO(built_home.adhouse("quarantine", "--csv").stdout)))
    listed = json.loads(built_home.adhouse("quarantine", "--json").stdout)
    assert [row["delivered_in"] for row in rows] == [row["delivered_in"] for row in listed]


def test_a_blank_line_comes_between_results_and_never_last(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal(str)
    terminal.result("nothing")
    terminal.gap()
    terminal.result("next")
    for _ in range(2):
        terminal.table(["n"], [[1]])
    assert capsys.readouterr().out.replace(" ", "") == "nothing\n\nnext\nn\n─\n1\n\nn\n─\n1\n"


def test_csv_holds_no_formula(capsys: pytest.CaptureFixture[str]) -> None:
    Terminal(str).csv(["name"], [["=cmd()"], ["+1"], ["-1"], ["@sum"], ["\tx"], ["a=b"], [None]])
    cells = [row["name"] for row in csv.DictReader(StringIO(capsys.readouterr().out))]
    assert cells == ["'=cmd()", "'+1", "'-1", "'@sum", "'\tx", "a=b", ""]


CONTROLS = "a\x1b[2J\x9b31m\u202eb\u2066\x7f\nc é🎯"
ESCAPED = "a\\u001b[2J\\u009b31m\\u202eb\\u2066\\u007f\nc é🎯"


@pytest.mark.parametrize("is_terminal", [True, False])
def test_no_output_moves_the_cursor_of_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, is_terminal: bool
) -> None:
    terminal = Terminal(str)
    monkeypatch.setattr("sys.stdout.isatty", lambda: is_terminal)
    terminal.csv(["name"], [[CONTROLS]])
    assert capsys.readouterr().out == f'name\n"{ESCAPED if is_terminal else CONTROLS}"\n'
    terminal.json({CONTROLS: CONTROLS})
    shown = capsys.readouterr().out
    assert all(line.isprintable() for line in shown.splitlines())
    assert json.loads(shown) == {CONTROLS: CONTROLS}


def test_json_stays_json_without_its_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    token = 'quo"te\\and/slash'
    Terminal(Redaction([token])).json({"error": f"said {token}", "at": Path("/tmp"), "n": [1, None]})
    assert json.loads(capsys.readouterr().out) == {"error": "said [redacted]", "at": "/tmp", "n": [1, None]}


@pytest.mark.parametrize(
    ("error", "said"),
    [(RuntimeError("can't start new thread"), "no more threads"), (MemoryError(), "no more memory")],
)
def test_a_limit_of_the_machine_is_said_with_the_way_out(error: Exception, said: str) -> None:
    try:
        raise ValueError("while loading") from error
    except ValueError as outer:
        explained = explain_error(outer, read_settings({}))
    assert said in explained.message
    assert "ulimit" in explained.way_out


def test_doctor_finds_nothing_wrong_with_a_built_workspace(built_home: Workspace) -> None:
    ended = built_home.adhouse("doctor")
    assert ended.returncode == 0, ended.stdout
    assert {line.split()[0] for line in ended.stdout.splitlines()} == {"ok"}


def test_doctor_names_what_is_wrong_and_suggests_a_fix(built_home: Workspace) -> None:
    ended = built_home.adhouse("doctor", ADHOUSE_API_URL="http://127.0.0.1:9")
    assert ended.returncode == 1
    assert re.search(r"^no api +ADHOUSE_API_URL does not answer", ended.stdout, re.MULTILINE)


@pytest.mark.parametrize(
    ("settings", "code", "said"),
    [
        ({"ADHOUSE_SINCE": "soon"}, 2, "ADHOUSE_SINCE is 'soon'"),
        ({"ADHOUSE_HOME": "/dev/null"}, 2, "ADHOUSE_HOME is /dev/null"),
        ({"ADHOUSE_HOME": "/dev/null/data"}, 2, "ADHOUSE_HOME is /dev/null/data"),
        ({"ADHOUSE_LAKE_URL": "/dev/null"}, 2, "ADHOUSE_LAKE_URL is /dev/null"),
        ({"ADHOUSE_LAKE_URL": "/dev/null/lake"}, 2, "ADHOUSE_LAKE_URL is /dev/null/lake"),
        ({"ADHOUSE_TARGET": "snowflake"}, 2, "ADHOUSE_TARGET is 'snowflake'"),
        ({"ADHOUSE_API_FIELDS": '{"spend": '}, 2, "ADHOUSE_API_FIELDS is '{\"spend\":'"),
        ({"DBT_PROJECT_DIR": "/nowhere"}, 2, "/nowhere/dbt_project.yml"),
    ],
)
def test_a_wrong_setting_is_one_line(tmp_path: Path, settings: dict[str, str], code: int, said: str) -> None:
    ended = Workspace(tmp_path / "data", {"ADHOUSE_API_URL": "none"}).adhouse("run", **settings)
    assert ended.returncode == code
    assert len(ended.stderr.splitlines()) == 1
    assert said in ended.stderr


@pytest.mark.parametrize("command", ["build", "publish", "quarantine", "rollback"])
def test_an_empty_workspace_says_what_comes_first(tmp_path: Path, command: str) -> None:
    ended = Workspace(tmp_path / "data").adhouse(command)
    assert ended.returncode in (1, 2)
    assert len(ended.stderr.splitlines()) == 1
    assert re.match("adhouse: (nothing|there is no build yet|there is no older build)", ended.stderr)
