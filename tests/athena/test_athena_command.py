"""What a person asks of a house on Athena, through the real command: the quarantine, the doctor, and plain words."""

import csv
import gzip
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from conftest import FILE_DAY, TODAY, Workspace
from support.extracting import lines, record

from extract.athena import Athena
from local_athena.server import LocalAthena
from simulate.delivery import delivery
from simulate.files import write
from simulate.world import World

BUCKET = "athena-command"
INBOX = "ads/inbox/campaign_files"
OLD_MONTHS = 120  # more than one write of Athena's may have partitions
Rows = list[dict[str, Any]]

pytestmark = pytest.mark.cases


@dataclass(frozen=True)
class Twins:
    """Two houses that were given the same files, one of them on Athena; both are for looking at only."""

    disk: Workspace
    cloud: Workspace
    said: str


def on_athena(home: Path, athena: LocalAthena, lake: str) -> Workspace:
    """A house on Athena whose region is set as the README says, by one variable."""
    known = {name: value for name, value in athena.environment.items() if name != "AWS_DEFAULT_REGION"}
    nobodys = {"AWS_CONFIG_FILE": str(home / "none"), "AWS_SHARED_CREDENTIALS_FILE": str(home / "none")}
    ours = {"ADHOUSE_API_URL": "none", "ADHOUSE_TARGET": "athena", "ADHOUSE_LAKE_URL": lake}
    return Workspace(home, {**known, **nobodys, **ours})


@pytest.fixture(scope="module")
def twins(athena: LocalAthena, world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twins]:
    folder = tmp_path_factory.mktemp("twins")
    good = write(delivery(world, FILE_DAY, TODAY), folder / "good.jsonl").read_bytes()
    months = (f"{2005 + number // 12}-{number % 12 + 1:02}-15" for number in range(OLD_MONTHS))
    files = {
        "good.jsonl": good,
        "old.jsonl": lines(*(record(number, date=month) for number, month in enumerate(months))),
        "broken.jsonl": b'{"ad_id": "ad1"\n{"ad_id": "it\'s", "clicks": "many"}\n' + lines(record(99)),
        "it's cut.jsonl.gz": gzip.compress(good[:5000])[:-20],
    }
    disk = Workspace(folder / "disk", {"ADHOUSE_API_URL": "none"})
    cloud = on_athena(folder / "cloud", athena, f"s3://{BUCKET}/ads")
    s3 = athena.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    for name, content in files.items():
        disk.drop(name, content)
        s3.put_object(Bucket=BUCKET, Key=f"{INBOX}/{name}", Body=content)
    for house in (disk, cloud):
        ended = house.adhouse("run")
        assert ended.returncode == 0, ended.stdout + ended.stderr
    yield Twins(disk, cloud, ended.stderr)
    for database in athena.client("glue").get_databases()["DatabaseList"]:
        athena.client("glue").delete_database(Name=database["Name"])


def listed(house: Workspace, *filters: str) -> Rows:
    ended = house.adhouse("quarantine", "--json", *filters)
    assert ended.returncode == 0, ended.stderr
    rows: Rows = json.loads(ended.stdout)
    return rows


def without_times(rows: Rows) -> list[tuple[object, ...]]:
    """The rows without what depends on when their files came; the payload of a row as what it says."""

    def said(payload: str | None) -> object:
        return json.loads(payload) if payload and payload.startswith("{") else payload

    found = [
        (row["reason"], row["source"], row["delivered_in"].rpartition("/")[2], row["position"], said(row["payload"]))
        for row in rows
    ]
    return sorted(found, key=str)


def test_both_engines_list_the_same(twins: Twins) -> None:
    rows = listed(twins.cloud)
    assert without_times(rows) == without_times(listed(twins.disk))
    assert {"broken_json", "truncated_gzip", "null_clicks"} <= {row["reason"] for row in rows}
    assert [row["received_at"] for row in rows] == sorted((row["received_at"] for row in rows), reverse=True)


def test_its_filters_are_values_whatever_they_hold(twins: Twins) -> None:
    only = listed(twins.cloud, "--reason", "null_clicks", "--source", "campaign_files", "--limit", "2")
    assert [(row["reason"], row["source"]) for row in only] == [("null_clicks", "campaign_files")] * 2
    assert listed(twins.cloud, "--source", "campaign_api") == []
    for hostile in ("' or 1=1 --", "\\' or true --", "%s' or ? = '?"):
        assert listed(twins.cloud, "--reason", hostile) == []


def test_as_csv_it_has_the_same_rows(twins: Twins) -> None:
    rows = list(csv.DictReader(StringIO(twins.cloud.adhouse("quarantine", "--csv").stdout)))
    assert [row["delivered_in"] for row in rows] == [row["delivered_in"] for row in listed(twins.cloud)]
    assert any(row["problem"].startswith("it's cut.jsonl.gz: ") for row in rows)


def test_a_person_sees_the_newest_and_how_to_get_the_rest(twins: Twins) -> None:
    ended = twins.cloud.adhouse("quarantine", "--limit", "1")
    assert len([line for line in ended.stdout.splitlines() if not line.startswith("  ")]) == 1
    assert "the newest 1; all of them: --csv or --json" in ended.stderr


def test_a_run_says_nothing_but_its_own_words(twins: Twins) -> None:
    ours = r"campaign_(api|files): .*|load|building and testing(: \d+)?|built \d+ models; .*|warning: .*|1 file was .*"
    for line in twins.said.splitlines():
        assert re.fullmatch(ours, line)


@pytest.mark.parametrize(
    ("command", "code", "out", "err"),
    [
        ("status", 0, r"published  build .*clicks_over_impressions .*", ""),
        ("publish", 0, r"build \S+ is already published\n", ""),
        ("docs", 0, r"\S+/static_index.html\n", ""),
        ("extract campaign_files", 0, "", r"campaign_files: 0 received, 0 records read, 0 loaded\n"),
        ("rollback", 2, "", r"adhouse: there is no older build to roll back to \(kept builds: \S+\)\n"),
    ],
)
def test_a_command_says_what_it_did_and_no_more(twins: Twins, command: str, code: int, out: str, err: str) -> None:
    ended = twins.cloud.adhouse(*command.split())
    assert ended.returncode == code
    assert re.search(f"^{out}$" if not out.startswith("published") else out, ended.stdout, re.DOTALL)
    assert re.fullmatch(err, ended.stderr)


def test_before_the_first_run_each_says_what_comes_first(athena: LocalAthena, twins: Twins, tmp_path: Path) -> None:
    empty = on_athena(tmp_path, athena, f"s3://{BUCKET}/empty")
    ended = empty.adhouse("quarantine")
    assert (ended.returncode, ended.stderr) == (
        1,
        "adhouse: nothing is published yet (`adhouse run` publishes the first build)\n",
    )
    assert "none yet: `adhouse run`" in empty.adhouse("status").stdout
    assert re.search("^ok published +nothing yet$", empty.adhouse("doctor").stdout, re.MULTILINE)


def test_what_cannot_be_asked_is_not_taken_for_nothing(twins: Twins) -> None:
    ended = twins.cloud.adhouse("quarantine", AWS_ENDPOINT_URL="http://127.0.0.1:9", AWS_MAX_ATTEMPTS="1")
    assert ended.returncode == 1
    assert ended.stderr.startswith("adhouse: AWS cannot be reached")
    assert len(ended.stderr.splitlines()) == 1


def findings(house: Workspace, **settings: str) -> Mapping[str, str]:
    """What the doctor says: by the name of a check, `ok` or `no` and why."""
    ended = house.adhouse("doctor", **settings)
    assert ended.stderr == ""
    lines = [(line[3:14].strip(), f"{line[:2]} {line[14:]}") for line in ended.stdout.splitlines()]
    assert ended.returncode == any(said.startswith("no") for _, said in lines)
    return dict(lines)


def test_the_doctor_finds_a_built_house_well(twins: Twins, athena: LocalAthena) -> None:
    said = findings(twins.cloud)
    assert {line[:3] for line in said.values()} == {"ok "}
    assert said["amazon"].endswith(" in us-east-1")
    assert said["bucket"].startswith(f"ok s3://{BUCKET}/ads and s3://{BUCKET}/ads/results/")
    assert "Athena engine version 3" in said["workgroup"]
    assert "tables in the database raw" in said["glue"]
    assert said["lake lock"] == "ok free"
    assert re.match(r"ok build \S+, database marts", said["published"])
    assert "warehouse" not in said
    left = athena.client("s3").list_objects_v2(Bucket=BUCKET)["Contents"]
    assert [entry["Key"] for entry in left if "doctor" in entry["Key"]] == []


def test_the_doctor_names_what_is_wrong_and_the_way_out(twins: Twins, athena: LocalAthena) -> None:
    version_two = {"EngineVersion": {"SelectedEngineVersion": "2", "EffectiveEngineVersion": "Athena engine version 2"}}
    athena.client("athena").create_work_group(Name="old", Configuration=version_two)
    old = findings(twins.cloud, ADHOUSE_ATHENA_WORKGROUP="old", ADHOUSE_LAKE_URL="s3://nowhere")
    assert "no workgroup 'old' has Athena engine version 2" in old["workgroup"]
    assert "s3://nowhere" in old["bucket"]
    assert old["bucket"].startswith("no ")
    unknown = findings(twins.cloud, ADHOUSE_ATHENA_WORKGROUP="nobodys", AWS_REGION="")
    assert "no AWS region is set" in unknown["amazon"]
    nobody = findings(
        twins.cloud, ADHOUSE_ATHENA_WORKGROUP="nobodys", AWS_ACCESS_KEY_ID="", AWS_EC2_METADATA_DISABLED="true"
    )
    assert "no valid AWS credentials" in nobody["amazon"]


def test_the_region_may_be_in_amazons_own_files(twins: Twins, tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text("[default]\nregion = eu-central-1\n")
    said = findings(twins.cloud, AWS_REGION="", AWS_CONFIG_FILE=str(file))
    assert said["amazon"].endswith(" in eu-central-1")


def test_a_second_lake_in_the_account_is_refused(twins: Twins, athena: LocalAthena, tmp_path: Path) -> None:
    other = on_athena(tmp_path / "other", athena, f"s3://{BUCKET}/other")
    athena.client("s3").put_object(Bucket=BUCKET, Key="other/inbox/campaign_files/a.jsonl", Body=b'{"ad_id": "ad1"}\n')
    ended = other.adhouse("run")
    assert ended.returncode == 2
    [said] = [line for line in ended.stderr.splitlines() if line.startswith("adhouse: ")]
    assert said.startswith(f"adhouse: ADHOUSE_LAKE_URL is s3://{BUCKET}/other, but ")
    assert f"s3://{BUCKET}/ads (" in said


def test_a_table_may_have_more_months_than_one_write(
    twins: Twins, athena: LocalAthena, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in athena.environment.items():
        monkeypatch.setenv(name, value)
    for mart in ("processed_campaign_data", "campaign_performance", "daily_performance"):
        of_old = f"select count(distinct date) from marts.{mart} where date < date '2016-01-01'"
        assert Athena(f"s3://{BUCKET}/reading/", "primary").rows(of_old) == [(OLD_MONTHS,)]
