"""`adhouse sources` and what the other commands make of `sources.yml`: real commands on real files."""

import json
from pathlib import Path

import duckdb
import pytest
from conftest import Workspace, quiet

from adhouse.commands.sources import as_dict, show_sources, show_trial, sources, try_file, try_source
from adhouse.console import Terminal
from adhouse.errors import CommandError, Exit
from adhouse.settings import Settings, read_settings

DECLARED = """
sources:
  partner:
    kind: campaign_delivery
    account: 0012
    optional: [state, city, zipcode]
    columns: {spend: Cost, brand: {constant: Acme}, conversions: {if_null: 0}}
"""
HEADER = "campaign_id,ad_id,date,country,impressions,clicks,Cost,conversions,Note\n"
EXPORT = f"{HEADER}c1,a1,2026-11-01,US,1000,10,12.50,,x\nc1,a2,2026-11-01,US,1000,ten,12.50,1,\n"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "sources.yml").write_text(DECLARED)
    return settings_in(tmp_path)


def settings_in(folder: Path) -> Settings:
    return read_settings({"ADHOUSE_SOURCES": str(folder / "sources.yml"), "ADHOUSE_HOME": str(folder / "data")})


def put(path: Path, content: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def test_every_source_is_listed_with_what_waits_for_it(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(tmp_path / "data" / "inbox" / "partner" / "one.csv", EXPORT)
    put(tmp_path / "data" / "inbox" / "partnr" / "two.csv", EXPORT)
    put(tmp_path / "data" / "landing" / "gone" / "anything", "")
    found = sources(settings)
    built_in = ["bid_requests", "bids", "campaign_api", "campaign_files", "clicks", "conversions", "impressions"]
    assert [one["source"] for one in found["sources"]] == [*built_in, "partner"]
    partner = found["sources"][-1]
    assert (partner["waiting"], partner["is_declared"], partner["inbox"]) == (
        1,
        True,
        f"{tmp_path / 'data'}/inbox/partner/",
    )
    assert partner["profile"]["columns"]["spend"]["name"] == "Cost"
    assert found["undeclared"] == {"inbox": {"partnr": 1}, "landing": ["gone"]}
    json.dumps(found)

    show_sources(Terminal(str), settings)
    shown = capsys.readouterr()
    assert "partner         campaign_delivery  files          file_name        1" in shown.out
    assert max(map(len, shown.out.splitlines()[:6])) <= 80
    assert f"{tmp_path / 'sources.yml'} is in order" in shown.out
    assert "1 file waits" in shown.err
    assert "move them to inbox/partner, or declare partnr in sources.yml" in shown.err
    assert "gone is declared no more: the rows that it brought stay and count" in shown.err


def test_a_preset_without_any_file_says_what_to_download(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(tmp_path / "sources.yml", "sources: {search: {preset: google_ads}}")
    show_sources(Terminal(str), settings_in(tmp_path))
    assert "search has had no file yet. To download: Reports, Custom" in capsys.readouterr().out
    put(tmp_path / "data" / "inbox" / "search" / "one.csv", "")
    show_sources(Terminal(str), settings_in(tmp_path))
    assert "To download" not in capsys.readouterr().out


def test_a_trial_shows_the_first_records_and_what_would_be_rejected(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trial = try_file(settings, "partner", put(tmp_path / "export.csv", EXPORT))
    assert (trial.read, trial.loaded, trial.rejected, trial.quarantined) == (2, 1, 1, None)
    (row,) = trial.rows
    assert (row["account"], row["brand"], row["spend"], row["conversions"]) == ("0012", "Acme", "12.5", "0")
    assert (row["impressions"], row["city"], row["date"]) == (1000, None, "2026-11-01")
    assert json.loads(json.dumps(as_dict(trial)))["unused"] == ["Note"]

    show_trial(Terminal(str), trial)
    shown = capsys.readouterr().out.splitlines()
    assert max(map(len, shown)) <= 80
    assert [line.split() for line in shown[2:6]] == [
        ["campaign_id", "campaign_id", "c1"],
        ["ad_id", "ad_id", "a1"],
        ["date", "date", "2026-11-01"],
        ["brand", "(constant)", "Acme"],
    ]
    assert shown[-3:] == [
        "kept as JSON beside the fields: Note",
        'line 3: clicks "ten" is not a whole number (wrong_type)',
        "partner: 2 records read, 1 would be loaded, 1 rejected; nothing was loaded",
    ]


def test_long_values_are_cut_in_the_table_and_whole_in_json(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = "".join(f"{'campaign ' * 9}{n},a,2026-11-01,US,9876543210,1,12345678.123456,1,\n" for n in range(30))
    trial = try_file(settings, "partner", put(tmp_path / "export.csv", HEADER + rows))
    assert len(trial.rows) == 20
    assert trial.rows[0]["campaign_id"] == "campaign " * 9 + "0"
    show_trial(Terminal(str), trial)
    shown = capsys.readouterr().out.splitlines()
    assert max(map(len, shown)) <= 80
    assert "campaign ca…" in shown[2]


def test_a_trial_of_what_cannot_be_tried_is_one_line(settings: Settings, tmp_path: Path) -> None:
    export = put(tmp_path / "export.csv", EXPORT)
    for source, file, said in [
        ("partnr", export, "there is no source 'partnr'"),
        ("partner", tmp_path / "nowhere.csv", "there is no file"),
        ("partner", tmp_path, "there is no file"),
        ("partner", None, "partner is files, so it is tried on one"),
        ("campaign_api", export, "campaign_api is an API, which is asked for a day and reads no files"),
        ("campaign_api", None, "campaign_api is not asked"),
    ]:
        with pytest.raises(CommandError, match=said) as raised:
            try_source(settings, source, file)
        assert raised.value.code == Exit.USAGE


def test_the_commands_list_try_and_name_mistakes(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "data", {"ADHOUSE_SOURCES": str(put(tmp_path / "sources.yml", DECLARED))})
    export = put(tmp_path / "export.csv", EXPORT)
    tried = workspace.adhouse("sources", "try", "partner", str(export), "--json")
    assert tried.returncode == Exit.OK, tried.stderr
    assert json.loads(tried.stdout)["loaded"] == 1
    refused = workspace.adhouse("sources", "try", "campaign_files", str(export))
    assert refused.returncode == Exit.FAILED
    assert "would be quarantined as a whole: missing_column: " in refused.stdout
    listed = workspace.adhouse("sources", "--json")
    assert [one["source"] for one in json.loads(listed.stdout)["sources"]][-1] == "partner"
    assert not (tmp_path / "data").exists() or not any((tmp_path / "data").iterdir())
    put(tmp_path / "sources.yml", "sources: {partner: {kind: campaign_delivery, colums: {}, file: {}}}")
    wrong = workspace.adhouse("extract")
    assert wrong.returncode == Exit.USAGE
    assert wrong.stderr.splitlines() == [
        "adhouse: sources.yml line 1: partner.colums is no key here; did you mean `columns`?",
        "sources.yml line 1: partner.file is no key here; did you mean `files`? "
        f"(mend {tmp_path / 'sources.yml'}; `adhouse sources` checks it)",
    ]


def test_a_new_data_folder_with_sources_of_ones_own_is_no_demo(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "data", {"ADHOUSE_SOURCES": str(put(tmp_path / "sources.yml", DECLARED))})
    ended = workspace.adhouse("extract")
    assert ended.returncode == Exit.OK, ended.stderr
    assert "ADHOUSE_API_URL is not set: files alone" in ended.stderr
    assert not (tmp_path / "data" / "landing" / "demo.json").exists()


def test_a_changed_declaration_reads_landing_again_and_a_removed_source_keeps_its_rows(tmp_path: Path) -> None:
    declaration = put(tmp_path / "sources.yml", DECLARED)
    workspace = Workspace(tmp_path / "data", {"ADHOUSE_SOURCES": str(declaration), "ADHOUSE_API_URL": "none"})
    quiet(put(tmp_path / "data" / "inbox" / "partner" / "export.csv", EXPORT))
    quiet(put(tmp_path / "data" / "inbox" / "partnr" / "export.csv", EXPORT))
    first = workspace.adhouse("extract")
    assert first.returncode == Exit.OK, first.stderr
    assert "partner: 1 received, 2 records read, 1 loaded, 1 rejected" in first.stderr
    assert "1 file waits" in first.stderr

    declaration.write_text(DECLARED.replace("0012", "0013"))
    again = workspace.adhouse("extract")
    assert "for partner: everything in landing is read again" in again.stderr
    assert accounts(workspace) == ["0013"]

    declaration.write_text("")
    without = workspace.adhouse("extract")
    assert without.returncode == Exit.OK, without.stderr
    assert accounts(workspace) == ["0013"]
    assert "partner is declared no more" in workspace.adhouse("sources").stderr

    refused = workspace.adhouse("extract", ADHOUSE_REPORT_TIMEZONE="Asia/Tokyo")
    assert refused.returncode == Exit.FAILED
    assert refused.stderr.splitlines()[-1].startswith(
        "adhouse: the lake has records of partner, which no source of today reads (declare it again as it was"
    )
    assert accounts(workspace) == ["0013"]


@pytest.mark.cases
def test_what_a_removed_source_left_is_still_told(house: Workspace, tmp_path: Path) -> None:
    declaration = put(tmp_path / "sources.yml", DECLARED)
    house.drop("export.csv", EXPORT.encode(), source="partner")
    ended = house.adhouse("run", ADHOUSE_SOURCES=str(declaration))
    assert ended.returncode == Exit.OK, ended.stderr
    declaration.write_text("")
    listed = house.adhouse("quarantine", "--source", "partner", ADHOUSE_SOURCES=str(declaration))
    assert listed.returncode == Exit.OK, listed.stderr
    assert 'export.csv line 3: clicks "ten"' in listed.stdout
    assert listed.stdout.rstrip().endswith("(its source is declared no more)")
    state = house.adhouse("status", "--json", ADHOUSE_SOURCES=str(declaration))
    assert json.loads(state.stdout)["sources"]["partner"]["read"] == 2


def accounts(workspace: Workspace) -> list[str]:
    files = f"{workspace.home}/lake/raw/campaign_delivery/*.parquet"
    query = f"select distinct account from read_parquet('{files}', union_by_name = true)"
    with duckdb.connect() as connection:
        return [account for (account,) in connection.execute(query).fetchall()]
