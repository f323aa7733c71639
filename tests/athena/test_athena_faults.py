"""What Amazon may answer amiss: only what passes is tried again, and the rest is one line that names what to change."""

import base64
import subprocess
from collections import Counter
from collections.abc import Iterator

import pytest
from conftest import Workspace
from support.athena_workspace import AthenaWorkspace, athena_workspace
from support.cases import always
from support.extracting import lines, record
from support.misbehaving_aws import QUERY, Fault, ended_query, json_error, s3_error

from local_athena.server import LocalAthena

CANARIES = {
    "AWS_SECRET_ACCESS_KEY": "canary-of-the-secret-key-9d7e1f0a",
    "AWS_SESSION_TOKEN": "canary-of-the-session-token-5b2c8e4f",
    "ADHOUSE_API_TOKEN": "canary-of-the-platform-3a6d0c91",
}
NOT_PERMITTED = "User: arn:aws:sts::123456789012:assumed-role/reader/me is not authorized to perform: "
EXPIRED = "The security token included in the request is expired"
# Amazon tells what should have been signed, and with it the session token.
UNSIGNED = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method. The Canonical String for this request should have been 'POST / x-amz-security-token:TOKEN'"
)
LOST_RACE = "ICEBERG_COMMIT_ERROR: Failed to commit Iceberg update to table: another update was there before"


@pytest.fixture(scope="module")
def lake(athena: LocalAthena, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AthenaWorkspace]:
    """One house for all tests here, in their order: what fails leaves it fit for the same command."""
    with athena_workspace(tmp_path_factory.mktemp("faults") / "data", athena, **CANARIES) as made:
        made.drop("first.jsonl", lines(*[record(number) for number in range(1, 9)]))
        yield made


@pytest.fixture(scope="module")
def loaded(lake: AthenaWorkspace) -> AthenaWorkspace:
    """The same house, once its file is in the lake."""
    assert lake.house.adhouse("extract").returncode == 0
    return lake


def failed(lake: AthenaWorkspace, *arguments: str, **settings: str) -> str:
    """The line that says why the command failed; it is the only such line, and no traceback is shown."""
    house = Workspace(lake.house.home, lake.house.settings | settings)
    ended = house.adhouse(*arguments)
    assert ended.returncode in (1, 2), ended.stdout + ended.stderr
    keep(lake, ended)
    assert "Traceback" not in ended.stderr
    [line] = [line for line in ended.stderr.splitlines() if line.startswith("adhouse: ")]
    assert ended.stderr.splitlines()[-1] == line
    return line


def keep(lake: AthenaWorkspace, ended: subprocess.CompletedProcess[str]) -> None:
    """Keeps what the command has said, where the canaries are looked for."""
    with (lake.house.home / "said.txt").open("a") as said:
        said.write(ended.stdout + ended.stderr)


def assert_no_secret(lake: AthenaWorkspace) -> list[str]:
    """Looks for the canaries in every file and object, plain and in base64, and gives the names of all of them."""
    written = {str(path): path.read_bytes() for path in lake.house.home.rglob("*") if path.is_file()} | lake.objects()
    for canary in map(str.encode, CANARIES.values()):
        shifted = (base64.b64encode(b"-" * shift + canary)[4:-4] for shift in range(3))
        for form in (canary, *shifted):
            assert [name for name, content in written.items() if form in content] == []
    return [*written]


@pytest.mark.parametrize(
    ("settings", "named"),
    always(
        2,
        [
            (
                {"ADHOUSE_LAKE_URL": "s3://nowhere/ads"},
                "the bucket of ADHOUSE_LAKE_URL (s3://nowhere/ads) does not exist",
            ),
            (
                {"ADHOUSE_ATHENA_RESULTS": "s3://nowhere/"},
                "the bucket of ADHOUSE_ATHENA_RESULTS (s3://nowhere/) does not",
            ),
            ({"ADHOUSE_ATHENA_WORKGROUP": "nobody"}, "ADHOUSE_ATHENA_WORKGROUP (nobody) cannot be used: "),
            ({"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
            ({"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, "AWS cannot be reached: "),
        ],
    ),
)
def test_a_wrong_setting_is_named_in_one_line(lake: AthenaWorkspace, settings: dict[str, str], named: str) -> None:
    of_no_machine = {"HOME": "/nowhere", "AWS_EC2_METADATA_DISABLED": "true"}
    assert named in failed(lake, "extract", **settings, **of_no_machine)


@pytest.mark.parametrize(
    ("fault", "named"),
    always(
        2,
        [
            (s3_error("PUT", 403, "AccessDenied", "Access Denied"), "allow the role to use ADHOUSE_LAKE_URL"),
            (s3_error("PUT", 400, "ExpiredToken", "The provided token has expired."), "AWS_SESSION_TOKEN"),
            (s3_error("GET", 403, "SignatureDoesNotMatch", UNSIGNED), "AWS_SECRET_ACCESS_KEY"),
            (json_error("StartQueryExecution", "AccessDeniedException", NOT_PERMITTED), "ADHOUSE_ATHENA_WORKGROUP"),
            (json_error("StartQueryExecution", "ExpiredTokenException", EXPIRED), "AWS_SESSION_TOKEN"),
            (json_error("StartQueryExecution", "UnrecognizedClientException", "is invalid"), "AWS_ACCESS_KEY_ID"),
        ],
    ),
)
def test_what_amazon_refuses_is_not_asked_again(lake: AthenaWorkspace, fault: Fault, named: str) -> None:
    with lake.aws.doing(fault) as refused:
        assert named in failed(lake, "extract")
    assert set(Counter(refused).values()) == {1}


@pytest.mark.cases
def test_a_query_of_the_load_that_was_cancelled_is_named(lake: AthenaWorkspace) -> None:
    with lake.aws.doing(*ended_query("CANCELLED", "Query cancelled by user", about="CREATE DATABASE")) as refused:
        line = failed(lake, "extract")
    assert f"Query cancelled by user (query {QUERY})" in line
    assert [call for call, _ in refused].count("StartQueryExecution") == 1


@pytest.mark.cases
def test_what_passes_is_waited_for(lake: AthenaWorkspace) -> None:
    slow_down = "Please reduce your request rate."
    with lake.aws.doing(
        s3_error("PUT", 503, "SlowDown", slow_down, about="run.lock", times=2),
        s3_error("GET", 503, "SlowDown", slow_down, about="inbox", times=2),
        s3_error("PUT", 503, "SlowDown", slow_down, about="ads/raw/", times=2),
        json_error("StartQueryExecution", "TooManyRequestsException", "Rate exceeded", times=2),
        json_error("StartQueryExecution", "ThrottlingException", "Rate exceeded", about="create table", times=2),
        json_error("GetQueryExecution", "ThrottlingException", "Rate exceeded", spared=40, times=2),
        json_error("GetTable", "ThrottlingException", "Rate exceeded", times=2),
        *ended_query("FAILED", LOST_RACE, about='INSERT INTO "awsdatacatalog"."raw"."_dlt_loads"', times=1),
        *ended_query("FAILED", LOST_RACE, about="select max(changed_in_build)", times=1),
    ) as refused:
        ended = lake.house.adhouse("run")
    keep(lake, ended)
    assert ended.returncode == 0, ended.stderr
    assert [fault for fault in lake.aws.faults if 0 < fault.times < 3] == []
    asked = Counter(call for call, _ in refused)
    assert asked == {"PUT": 4, "GET": 2, "StartQueryExecution": 6, "GetQueryExecution": 4, "GetTable": 2}


@pytest.mark.cases
def test_a_build_that_is_denied_ends_without_asking_again(loaded: AthenaWorkspace) -> None:
    denied = json_error("StartQueryExecution", "AccessDeniedException", NOT_PERMITTED + "athena:Start", spared=10)
    with loaded.aws.doing(denied) as refused:
        line = failed(loaded, "build")
    assert line.startswith("adhouse: AWS does not permit it: An error occurred (AccessDeniedException) when calling")
    assert set(Counter(refused).values()) == {1}


@pytest.mark.cases
def test_a_token_that_amazon_repeats_is_kept_out_of_dbts_files(loaded: AthenaWorkspace) -> None:
    with loaded.aws.doing(json_error("GetTable", "InvalidSignatureException", UNSIGNED)):
        assert "AWS_SECRET_ACCESS_KEY" in failed(loaded, "build")
    assert "x-amz-security-token:" in (loaded.house.home / "dbt" / "run_results.json").read_text()
    assert_no_secret(loaded)


@pytest.mark.cases
def test_a_cancelled_query_of_a_model_is_named_and_not_asked_again(loaded: AthenaWorkspace) -> None:
    model = "base_campaign_delivery__records"
    with loaded.aws.doing(*ended_query("CANCELLED", "Query cancelled by user", about=f'{model}" as')) as refused:
        line = failed(loaded, "build")
    assert line.startswith(f"adhouse: the build failed, nothing was published: {model}")
    assert f"error: model {model}: query {QUERY}: " in (loaded.house.home / "said.txt").read_text()
    assert [call for call, _ in refused].count("StartQueryExecution") == 1


@pytest.mark.cases
def test_no_secret_of_a_load_is_in_any_file_or_object(loaded: AthenaWorkspace) -> None:
    names = assert_no_secret(loaded)
    for part in ("said.txt", "logs/run-", "ads/raw/", "results/"):
        assert any(part in name for name in names), part


@pytest.mark.cases
def test_no_secret_of_a_build_is_in_any_file_or_object(loaded: AthenaWorkspace) -> None:
    keep(loaded, loaded.house.adhouse("build"))
    names = assert_no_secret(loaded)
    for part in ("said.txt", "logs/dbt.log", "dbt/run_results.json", "ads/ops/"):
        assert any(part in name for name in names), part
