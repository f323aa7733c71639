from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from adhouse.apis import asked
from adhouse.errors import CommandError, Exit
from adhouse.settings import CAMPAIGN_API, read_settings, settings_table
from extract.profile import renamed
from extract.redaction import Redaction
from extract.registry import SOURCES


def test_without_any_setting_everything_has_a_working_default() -> None:
    settings = read_settings({})
    assert settings.home == Path(__file__).parents[2] / "data"
    assert settings.lake_url == str(settings.home / "lake")
    assert settings.api_url is None
    assert settings.api_answers == "by_day"
    days = settings.window(datetime(2026, 11, 23, 8, tzinfo=UTC), SOURCES["campaign_api"])
    assert days == (date(2026, 10, 24), date(2026, 11, 22))


def test_yesterday_is_that_of_the_report_time_zone_or_of_the_sources_own() -> None:
    settings = read_settings({"ADHOUSE_REPORT_TIMEZONE": "Pacific/Kiritimati"})  # 14 hours ahead
    api, noon = SOURCES["campaign_api"], datetime(2026, 11, 23, 12, tzinfo=UTC)
    assert settings.window(noon, api)[1] == date(2026, 11, 23)
    assert settings.window(noon, replace(api, timezone="Europe/Berlin"))[1] == date(2026, 11, 22)


def test_relative_paths_are_made_absolute_and_a_lake_url_never_ends_in_a_slash() -> None:
    settings = read_settings({"ADHOUSE_HOME": "there", "ADHOUSE_LAKE_URL": "lake/"})
    assert settings.home == Path.cwd() / "there"
    assert settings.lake_url == str(Path.cwd() / "lake")


def test_in_the_cloud_everything_received_is_beside_the_lake() -> None:
    settings = read_settings({"ADHOUSE_TARGET": "athena", "ADHOUSE_LAKE_URL": "s3://bucket/ads/"})
    assert settings.data_url == settings.lake_url == "s3://bucket/ads"
    assert settings.athena_results == "s3://bucket/ads/results/"
    assert settings.environment_for_dbt()["ADHOUSE_ATHENA_WORKGROUP"] == "primary"


@pytest.mark.parametrize(("target", "lake"), [("athena", "/a/folder"), ("duckdb", "s3://bucket"), ("duckdb", "gs://b")])
def test_a_lake_that_the_engine_cannot_read_is_refused(target: str, lake: str) -> None:
    with pytest.raises(CommandError, match="ADHOUSE_LAKE_URL") as raised:
        read_settings({"ADHOUSE_TARGET": target, "ADHOUSE_LAKE_URL": lake})
    assert f"ADHOUSE_TARGET is {target}" in raised.value.way_out


def test_the_secrets_of_amazon_are_redacted() -> None:
    settings = read_settings({"AWS_SECRET_ACCESS_KEY": "canary-of-twenty-chars", "AWS_SESSION_TOKEN": "x" * 40})
    assert settings.redact(f"canary-of-twenty-chars {'x' * 40}") == "[redacted] [redacted]"


def test_the_secrets_of_the_login_are_redacted() -> None:
    client, cookie = "canary-of-the-client", "canary-of-cookies-with-32-letters"
    settings = read_settings({"ADHOUSE_LOGIN_CLIENT_SECRET": client, "ADHOUSE_LOGIN_COOKIE_KEY": cookie})
    assert settings.redact(f"{client} {cookie}") == "[redacted] [redacted]"
    assert "canary" not in repr(settings)
    with pytest.raises(CommandError) as raised:
        read_settings({"ADHOUSE_LOGIN_COOKIE_KEY": "canary-short"})
    assert raised.value.message == "ADHOUSE_LOGIN_COOKIE_KEY is [redacted] in the environment"
    assert "at least 32 characters" in raised.value.way_out


@pytest.mark.parametrize(
    ("url", "secret"),
    [
        ("slack://T1JJ3T3L2/A1BRTD4JD/campaign-of-acme-2026", "campaign-of-acme-2026"),
        ("mailto://me:campaign-of-acme-2026@mail.example.com", "campaign-of-acme-2026"),
    ],
)
def test_an_alert_channel_is_redacted_in_what_is_shown_and_changes_no_data(url: str, secret: str) -> None:
    settings = read_settings({"ADHOUSE_ALERTS": url, "ADHOUSE_API_TOKEN": "canary-of-api"})
    assert settings.redact(f"{secret} canary-of-api") == "[redacted] [redacted]"
    api = asked(settings, CAMPAIGN_API, datetime(2026, 11, 6, tzinfo=UTC))
    assert Redaction(api["secrets"])(f"{secret} canary-of-api") == f"{secret} [redacted]"


@pytest.mark.parametrize("text", ["spend=cost,ad_id=creative", '{"spend": "cost", "ad_id": "creative"}'])
def test_a_foreign_apis_names_are_mapped(text: str) -> None:
    assert read_settings({"ADHOUSE_API_FIELDS": text}).api_fields == {"spend": "cost", "ad_id": "creative"}


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("ADHOUSE_SINCE", "yesterday", "a day as YYYY-MM-DD"),
        ("ADHOUSE_UNTIL", "2026-02-30", "a day as YYYY-MM-DD"),
        ("ADHOUSE_RESTATED_DAYS", "-1", "a whole number of days, 0 to 36,500"),
        ("ADHOUSE_LANDING_DAYS", "some", "a whole number of days, 0 to 36,500, or keep"),
        ("ADHOUSE_LANDING_DAYS", "9999999", "a whole number of days, 0 to 36,500, or keep"),
        ("ADHOUSE_API_ANSWERS", "weekly", "by_day, add or replace"),
        ("ADHOUSE_API_URL", "ftp://example.org", "http(s)://host[:port][/path], or none"),
        ("ADHOUSE_API_URL", "http://[broken", "http(s)://host[:port][/path], or none"),
        ("ADHOUSE_API_URL", "http://host:99999", "http(s)://host[:port][/path], or none"),
        ("ADHOUSE_API_FIELDS", "cost", "our=theirs pairs such as spend=cost,ad_id=creative; ours are campaign_id, "),
        ("ADHOUSE_API_FIELDS", "costs=spend", "our=theirs pairs"),
        ("ADHOUSE_API_FIELDS", "spend=cost;ad_id=creative", "our=theirs pairs"),
        ("ADHOUSE_API_FIELDS", "spend=cost,clicks=cost", "our=theirs pairs"),
        ("ADHOUSE_API_FIELDS", '{"spend": 1}', "our=theirs pairs"),
        ("ADHOUSE_REPORT_TIMEZONE", "Mars/Olympus", "an IANA name such as Europe/Berlin"),
        ("ADHOUSE_REPORT_TIMEZONE", "America", "an IANA name such as Europe/Berlin"),
        ("ADHOUSE_REPORT_TIMEZONE", "../../etc/passwd", "an IANA name such as Europe/Berlin"),
        ("ADHOUSE_LOGIN_URL", "http://ads.example.org", "https://host[:port], or http://localhost[:port]"),
        ("ADHOUSE_LOGIN_URL", "https://ads.example.org/ads", "https://host[:port], or http://localhost[:port]"),
        ("ADHOUSE_LOGIN_PROVIDER", "http://login.example.org/x", "https://…/.well-known/openid-configuration"),
        ("ADHOUSE_CURRENCY", "dollars", "an ISO 4217 code such as USD"),
        ("ADHOUSE_TARGET", "oracle", "duckdb or athena"),
        ("ADHOUSE_ATHENA_RESULTS", "/a/folder", "s3://bucket/folder/"),
    ],
)
def test_a_wrong_setting_is_named_with_what_it_held_and_what_to_do(name: str, value: str, wanted: str) -> None:
    with pytest.raises(CommandError) as raised:
        read_settings({name: value})
    assert name in raised.value.message
    assert value in raised.value.message
    assert raised.value.way_out.startswith(f"set it to {wanted}")
    assert raised.value.way_out.endswith(", or unset it")
    assert raised.value.code == Exit.USAGE


def test_since_after_until_is_refused() -> None:
    with pytest.raises(CommandError, match="ADHOUSE_SINCE"):
        read_settings({"ADHOUSE_SINCE": "2026-02-02", "ADHOUSE_UNTIL": "2026-02-01"})


def test_an_empty_or_blank_setting_is_the_same_as_none() -> None:
    settings = read_settings({"ADHOUSE_CURRENCY": "", "ADHOUSE_RESTATED_DAYS": "  ", "ADHOUSE_TARGET": " duckdb "})
    assert (settings.currency, settings.restated_days, settings.target) == ("USD", 3, "duckdb")


def test_the_report_day_begins_at_midnight_of_its_zone_told_in_utc() -> None:
    berlin = read_settings({"ADHOUSE_REPORT_TIMEZONE": "Europe/Berlin"})
    assert berlin.report_day_start(datetime(2026, 7, 1, 22, 30, tzinfo=UTC)) == datetime(2026, 7, 1, 22, tzinfo=UTC)
    assert berlin.report_day_start(datetime(2026, 7, 1, 21, 59, tzinfo=UTC)) == datetime(2026, 6, 30, 22, tzinfo=UTC)


def test_a_project_of_ours_in_the_current_folder_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    clone = Path(__file__).parents[2]
    assert read_settings({}).project == clone
    (tmp_path / "dbt_project.yml").write_text("name: something_else\nprofile: another\n")
    assert read_settings({}).project == clone
    (tmp_path / "dbt_project.yml").write_text("name: my_ads\nprofile: 'adhouse'  # of profiles.yml\n")
    settings = read_settings({})
    assert (settings.project, settings.profiles, settings.home) == (tmp_path, tmp_path, tmp_path / "data")
    assert read_settings({"DBT_PROJECT_DIR": str(clone)}).project == clone


def test_the_table_of_the_documentation_has_every_setting_and_no_secret_of_aws() -> None:
    table = settings_table()
    assert "| `ADHOUSE_LANDING_DAYS` | number of days that landing keeps what was received | `keep`: forever |" in table
    assert table.count("\n") == 2 + sum(name.startswith(("ADHOUSE_", "DBT_")) for name in table.split("`"))
    assert "AWS" not in table


@pytest.mark.parametrize("name", ["st*r", "wh?t", "[ab]", "a]b", "per%20cent", "back\\slash"])
def test_a_folder_that_would_be_a_pattern_is_refused_by_name(name: str) -> None:
    for setting, value in (
        ("ADHOUSE_HOME", f"/there/{name}"),
        ("ADHOUSE_LAKE_URL", f"/there/{name}"),
        ("DBT_PROJECT_DIR", f"/there/{name}/project"),
    ):
        with pytest.raises(CommandError) as raised:
            read_settings({setting: value})
        assert raised.value.code == 2
        assert f"/there/{name}" in raised.value.message
        assert "[ ] ? * % \\" in raised.value.way_out
    with pytest.raises(CommandError):
        read_settings({"ADHOUSE_TARGET": "athena", "ADHOUSE_LAKE_URL": f"s3://bucket/{name}"})


def test_no_secret_is_shown_or_passes_the_redaction() -> None:
    settings = read_settings({"ADHOUSE_API_TOKEN": "canary-one", "AWS_SESSION_TOKEN": "canary-one-and-more"})
    assert "canary" not in repr(settings)
    assert settings.redact("canary-one-and-more then canary-one") == "[redacted] then [redacted]"
    settings = read_settings({"ADHOUSE_API_URL": "https://me:canary%2Dtwo@api.example"})
    assert "canary" not in repr(settings)
    assert settings.redact("canary-two bWU6Y2FuYXJ5LXR3bw==") == "[redacted] [redacted]w=="


def test_the_key_of_private_fields_is_long_and_never_shown() -> None:
    settings = read_settings({"ADHOUSE_PRIVACY_KEY": "canary-of-sixteen"})
    assert "canary" not in repr(settings)
    assert settings.redact("it is canary-of-sixteen") == "it is [redacted]"
    with pytest.raises(CommandError) as raised:
        read_settings({"ADHOUSE_PRIVACY_KEY": "canary-of-15-ch"})
    assert raised.value.message == "ADHOUSE_PRIVACY_KEY is [redacted] in the environment"
    assert raised.value.way_out == "set it to a secret of at least 16 characters, or unset it"


@pytest.mark.parametrize("url", ["ftp://me:canary@example.org", "me:canary@example.org", "https://me:canary@:0/"])
def test_a_password_in_a_wrong_address_is_not_shown(url: str) -> None:
    with pytest.raises(CommandError) as raised:
        read_settings({"ADHOUSE_API_URL": url})
    assert "canary" not in raised.value.message


@pytest.mark.parametrize(
    "environment",
    [
        {"ADHOUSE_API_TOKEN": "canary7"},
        {"ADHOUSE_API_TOKEN": "canary-one", "ADHOUSE_API_URL": "https://me:canary-two@api.example"},
    ],
)
def test_a_secret_that_cannot_be_kept_is_refused_and_not_shown(environment: dict[str, str]) -> None:
    with pytest.raises(CommandError, match="ADHOUSE_API_TOKEN") as raised:
        read_settings(environment)
    assert raised.value.code == 2
    assert "canary" not in raised.value.message + raised.value.way_out


@pytest.mark.parametrize(
    ("url", "is_open"),
    [
        ("http://ads.example.com", True),
        ("http://10.0.0.7:8080/v1", True),
        ("https://ads.example.com", False),
        ("http://localhost:8000", False),
        ("http://127.0.0.1", False),
        ("http://[::1]:80", False),
        ("none", False),
    ],
)
def test_a_secret_that_is_sent_openly_is_noticed(url: str, is_open: bool) -> None:
    named = ["ADHOUSE_API_URL"] if is_open else []
    assert read_settings({"ADHOUSE_API_URL": url, "ADHOUSE_API_TOKEN": "canary-one"}).sends_secrets_openly == named
    assert not read_settings({"ADHOUSE_API_URL": url}).sends_secrets_openly


def test_dbt_is_given_what_its_files_read() -> None:
    settings = read_settings({"ADHOUSE_HOME": "/there", "ADHOUSE_CURRENCY": "EUR", "ADHOUSE_API_TOKEN": "canary-one"})
    assert settings.environment_for_dbt() == {
        "ADHOUSE_HOME": "/there",
        "ADHOUSE_LAKE_URL": "/there/lake",
        "ADHOUSE_TARGET": "duckdb",
        "ADHOUSE_REPORT_TIMEZONE": "UTC",
        "ADHOUSE_CURRENCY": "EUR",
    }


def test_a_source_keeps_the_names_of_fields_that_it_is_declared_with(monkeypatch: pytest.MonkeyPatch) -> None:
    partner = replace(SOURCES["campaign_files"], name="partner", profile=renamed({"spend": "cost"}))
    monkeypatch.setitem(SOURCES, "partner", partner)
    settings = read_settings({"ADHOUSE_API_FIELDS": "ad_id=creative"})
    assert settings.fields_of("partner") == {"spend": "cost"}
    assert settings.fields_of("campaign_files") == {}
    assert settings.fields_of("campaign_api") == {"ad_id": "creative"}
