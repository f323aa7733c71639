"""Alerts reach people: once each, on each channel, whatever channels, kills and names do."""

import json
import logging
import os
import shutil
import signal
import socket
import sqlite3
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from conftest import Workspace
from support.alert_builds import fallen, publish_alerts, unusual
from support.receivers import Webhook, mail_server, webhook

from adhouse.alerts import send, state
from adhouse.alerts.channels import open_channels
from adhouse.alerts.send import Outcome, send_alerts
from adhouse.errors import CommandError, Exit
from adhouse.settings import read_settings

TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
YESTERDAY = TODAY.date() - timedelta(days=1)
HOSTILE = "<b>x</b> *y* [z](http://evil.invalid)\r\nBcc: a@evil.invalid\u202e @everyone <!channel>"
CANARY = "canary-of-the-channel"


def publish(home: Path, *names: str, number: int = 1, **values: Any) -> None:
    """Publishes a build in which the CTR of these campaigns fell yesterday."""
    alerts = [unusual(**{"campaign_id": name, "date": YESTERDAY, **values}) for name in names]
    publish_alerts(home, alerts, fallen(day=YESTERDAY), number=number, as_of=TODAY)


@pytest.fixture(scope="module")
def published_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("alerting") / "data"
    publish(home, "c1", "c2")
    return home


@pytest.fixture
def home(published_home: Path, tmp_path: Path) -> Path:
    """A data folder with a published build that has two alerts."""
    return Path(shutil.copytree(published_home, tmp_path / "data", symlinks=True))


@pytest.fixture
def hook() -> Iterator[Webhook]:
    with webhook() as one:
        yield one


def send_to(home: Path, *urls: str, **options: Any) -> Outcome:
    settings = {"ADHOUSE_HOME": str(home), "ADHOUSE_API_URL": "none", "ADHOUSE_ALERTS": " ".join(urls)}
    url = options.pop("dashboard", None)
    read = read_settings({**settings, **({"ADHOUSE_DASHBOARD_URL": url} if url else {})})
    return send_alerts(read, open_channels(read.alerts), print, command="test", **options)


def errors(outcome: Outcome) -> list[bool]:
    return [delivery.error is not None for delivery in outcome.deliveries]


def test_a_message_says_what_since_when_why_and_where_to_look(home: Path, hook: Webhook) -> None:
    send_to(home, hook.url, dashboard="https://ads.example.com/board/")
    [message] = hook.received
    assert message["title"] == "adhouse: 2 alerts"
    first, second, end = message["message"].split("\n\n")
    moved = "what moved: clicks 150, usually 600; most of it in US, Texas"
    head, why, link, name = first.split("\n")
    assert head == f"CTR of c1 was 75% below usual: 1.00% on {YESTERDAY:%-d %b}, usually 4.00%"
    assert why.startswith(f"  since {YESTERDAY:%-d %b %Y}; {moved}")
    assert link.startswith("  https://ads.example.com/board/daily?period=Custom&dates=")
    assert name == f"  id {send_to(home).open_alerts[0].alert_id}"
    assert second.startswith("CTR of c2")
    assert "build 000001-" in end


def test_what_was_sent_is_not_sent_again_by_a_new_process_or_build(home: Path, hook: Webhook) -> None:
    for number in (2, 3):
        send_to(home, hook.url)
        publish(home, "c1", "c2", number=number)
    publish(home, "c1", "c2", "c3", number=4)
    send_to(home, hook.url)
    titles = [one["title"].partition(" was")[0] for one in hook.received]
    assert titles == ["adhouse: 2 alerts", "adhouse: CTR of c3"]


def test_a_channel_that_is_down_is_caught_up_with_and_the_other_is_told_once(home: Path, hook: Webhook) -> None:
    with webhook() as down:
        down.status = 500
        assert errors(send_to(home, hook.url, down.url)) == [False, True]
        assert errors(send_to(home, hook.url, down.url)) == [False, True]
        publish(home, "c2", "c3", number=2)
        assert errors(send_to(home, hook.url, down.url)) == [False, True]
        down.status = 200
        assert errors(send_to(home, hook.url, down.url)) == [False, False]
        send_to(home, hook.url, down.url)
        assert [body.count("  id ") for body in hook.bodies] == [2, 1]
        [caught_up] = down.bodies
    assert [line.partition(" was")[0] for line in caught_up.splitlines() if "CTR of" in line] == [
        "CTR of c2",
        "CTR of c3",
        "over by now: CTR of c1",
    ]


@pytest.mark.parametrize("fault", ["refused", "silent"])
def test_a_channel_that_does_not_answer_is_an_error_within_its_time(
    home: Path, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adhouse.alerts.channels.MOST_SECONDS", 2.0)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        if fault == "silent":
            listening.listen()
        [delivery] = send_to(home, f"json://127.0.0.1:{listening.getsockname()[1]}/x?rto=3600").deliveries
    assert delivery.error
    assert delivery.channel.startswith("json://127.0.0.1:")


def test_a_slow_channel_is_waited_for_so_it_is_told_once(home: Path, hook: Webhook) -> None:
    hook.on_request = lambda: time.sleep(5)  # Apprise itself would have given up after 4
    assert errors(send_to(home, hook.url)) == [False]
    assert not send_to(home, hook.url).deliveries[0].alerts
    assert len(hook.bodies) == 1


def test_a_kill_between_sending_and_noting_repeats_one_message_at_most(home: Path, hook: Webhook) -> None:
    house = Workspace(home, {"ADHOUSE_API_URL": "none", "ADHOUSE_ALERTS": hook.url})
    process = house.start("alerts")
    hook.on_request = lambda: os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=120)
    hook.on_request = lambda: None
    assert process.returncode == -signal.SIGKILL
    for _ in range(2):
        assert house.adhouse("alerts").returncode == Exit.OK
    assert [one["title"] for one in hook.received] == ["adhouse: 2 alerts"] * 2


def test_mail_is_plain_text_and_no_name_adds_a_header_or_markup(tmp_path: Path) -> None:
    publish(tmp_path, HOSTILE)
    with mail_server() as (url, mails):
        assert errors(send_to(tmp_path, url)) == [False]
    [mail] = mails
    body = mail.get_body(("plain",))
    assert body is not None
    text = body.get_content()
    assert (mail["to"], mail["bcc"]) == ("ops@example.com", None)
    assert "\u202e" not in text + str(mail["subject"])
    assert "<b>x</b> *y*" in text
    assert "://evil" not in text
    assert "@everyone" not in text
    assert mail.get_body(("html",)) is None


def test_a_hostile_name_stays_in_its_line(tmp_path: Path, hook: Webhook) -> None:
    publish(tmp_path, HOSTILE)
    send_to(tmp_path, hook.url)
    [message] = hook.received
    assert len(message["title"].splitlines()) == 1
    begins = [line[:5] for line in message["message"].splitlines()]
    assert begins == ["CTR o", "  sin", "  id ", "", "As of", "To si"]
    assert "\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}Bcc" in message["message"]


def test_many_alerts_are_one_message_of_bounded_length(tmp_path: Path, hook: Webhook) -> None:
    publish(tmp_path, *(f"campaign {number} {'x' * 300}" for number in range(150)))
    send_to(tmp_path, hook.url)
    send_to(tmp_path, hook.url)
    [message] = hook.received
    assert message["title"] == "adhouse: 150 alerts"
    assert "and 130 more: `adhouse alerts list` shows all" in message["message"]
    assert len(message["message"]) < 10_000


def test_sns_gets_a_message(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import boto3
    from moto import mock_aws

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "AKIAIOSFODNN7EXAMPLE")
    with mock_aws():
        sns: Any = boto3.client("sns", region_name="us-east-1")
        sqs: Any = boto3.client("sqs", region_name="us-east-1")
        topic = sns.create_topic(Name="alerts")["TopicArn"]
        queue = sqs.create_queue(QueueName="alerts")["QueueUrl"]
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint="arn:aws:sqs:us-east-1:123456789012:alerts")
        url = "sns://AKIAIOSFODNN7EXAMPLE/wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY/us-east-1/alerts"
        [delivery] = send_to(home, url).deliveries
        assert delivery.error is None
        assert "wJalr" not in delivery.channel
        [message] = sqs.receive_message(QueueUrl=queue)["Messages"]
    assert "CTR of c1 was 75% below usual" in json.loads(message["Body"])["Message"]


@pytest.mark.parametrize(
    ("url", "secrets"),
    [
        ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ", ["TIiajkdnlazkcOXrIdevi7FQ", "A1BRTD4JD"]),
        ("workflows://host.example.com:443/workflowid1234567/signature-of-canary-9", ["signature-of-canary-9"]),
        ("mailto://me:canary-9-password@mail.example.com?to=you@example.com", ["canary-9-password"]),
    ],
)
def test_slack_teams_and_mail_are_accepted_and_masked(url: str, secrets: list[str]) -> None:
    [channel] = open_channels([url])
    settings = read_settings({"ADHOUSE_ALERTS": url})
    for secret in secrets:
        assert secret not in channel.shown
        assert secret not in channel.channel_id
        assert secret not in repr(settings)
    assert secrets[0] not in settings.redact(f"cannot reach {url} with {secrets[0]}")


def test_the_path_of_a_webhook_is_masked_and_two_of_a_host_are_told_apart() -> None:
    urls = [f"{kind}://127.0.0.1:8080/secret-of-2026-{kind}" for kind in ("json", "xmls", "form")]
    urls += ["json://127.0.0.1:8080/secret-of-another", "json://127.0.0.1:8080"]
    settings = read_settings({"ADHOUSE_ALERTS": " ".join(urls)})
    shown = [settings.redact(channel.shown) for channel in open_channels(settings.alerts)]
    assert shown == [
        "json://127.0.0.1:8080/****",
        "xmls://127.0.0.1:8080/****",
        "form://127.0.0.1:8080/****",
        "json://127.0.0.1:8080/**** (address 4)",
        "json://127.0.0.1:8080/",
    ]


def test_a_long_message_is_split_for_a_service_with_a_limit(
    tmp_path: Path, hook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    from apprise.plugins.custom_json import NotifyJSON

    monkeypatch.setattr(NotifyJSON, "body_maxlen", 2000)
    publish(tmp_path, *(f"campaign {number} {'x' * 300}" for number in range(30)))
    assert errors(send_to(tmp_path, hook.url)) == [False]
    assert len(hook.bodies) > 1
    assert all(len(body) <= 2000 for body in hook.bodies)
    assert sum(body.count("CTR of") for body in hook.bodies) == 20
    assert send_to(tmp_path, hook.url).deliveries[0].message is None
    [mine] = open_channels([f"{hook.url}?overflow=truncate"])
    assert mine.service.overflow_mode == "truncate"


def test_an_address_that_cannot_be_used_ends_the_command_and_is_not_shown(
    home: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    log = StringIO()
    logging.getLogger().addHandler(handler := logging.StreamHandler(log))  # as a run's log is
    with pytest.raises(CommandError, match=r"address 2 of 2 \(slack://…\) cannot be used") as raised:
        open_channels(["json://127.0.0.1:1/x", "slack://canary"])
    assert raised.value.code == Exit.USAGE
    logging.getLogger().removeHandler(handler)
    assert "canary" not in "".join(capfd.readouterr()) + log.getvalue()
    ended = Workspace(home, {"ADHOUSE_API_URL": "none", "ADHOUSE_ALERTS": "canary"}).adhouse("run")
    assert (ended.returncode, "canary" in ended.stdout + ended.stderr) == (Exit.USAGE, False)
    assert not (home / "landing").exists()


def test_an_at_sign_in_a_password_is_refused_because_it_would_show_the_rest() -> None:
    with pytest.raises(CommandError, match="address 1 of 1 has two @") as raised:
        open_channels(["json://me:S3cret@canary@127.0.0.1:1/hook"])
    assert "canary" not in str(raised.value)
    [channel] = open_channels(["json://me:S3cret%40canary@127.0.0.1:1/hook?to=a@b.example"])
    assert "canary" not in channel.shown


def test_the_digest_compares_the_week_and_comes_once_a_week_with_a_run(home: Path, hook: Webhook) -> None:
    send_to(home, hook.url, is_in_run=True)
    assert len(hook.received) == 1  # a channel that is new this week gets its first digest in the next
    with sqlite3.connect(home / state.NAME) as connection:
        connection.execute("update channels set digest_week = '2020-W01'")
    for _ in range(2):
        send_to(home, hook.url, is_in_run=True)
    send_to(home, hook.url)
    assert len(hook.received) == 2
    send_to(home, hook.url, wants_digest=True)
    assert [one["title"] for one in hook.received[1:]] == ["adhouse: the week"] * 2
    figures, alerts, _ = hook.bodies[-1].split("\n\n")
    assert "Clicks: 150 (-75.0%)" in figures
    assert "CTR: 1.00% (-75.0%)" in figures
    assert "CPM: $1.67 (+0.0%)" in figures
    assert alerts.splitlines()[0] == "Open alerts: 2"
    assert f"- CTR of c1 was 75% below usual: 1.00% on {YESTERDAY:%-d %b}, usually 4.00% (since " in alerts


def test_the_command_shows_sends_lists_and_acknowledges(home: Path, hook: Webhook) -> None:
    silent = Workspace(home, {"ADHOUSE_API_URL": "none"})
    house = Workspace(home, {"ADHOUSE_API_URL": "none", "ADHOUSE_ALERTS": hook.url})
    dry = house.adhouse("alerts", "--dry-run")
    assert "adhouse: 2 alerts" in dry.stdout
    assert not (home / state.NAME).exists()
    shown = silent.adhouse("alerts")
    assert "open, since" in shown.stdout
    [first, second] = json.loads(silent.adhouse("alerts", "list", "--json").stdout)
    ended = silent.adhouse("alerts", "acknowledge", first["id"])
    assert (ended.returncode, "is acknowledged" in ended.stdout) == (Exit.OK, True)
    hook.status = 503
    failed = house.adhouse("alerts")
    assert failed.returncode == Exit.FAILED
    assert f"1 alert could not be sent to json://ops:****@127.0.0.1:{hook.port}/****" in failed.stderr
    hook.status = 200
    sent = json.loads(house.adhouse("alerts", "--json").stdout)
    assert [(one["alerts"], one["error"]) for one in sent["sent"]] == [(1, None)]
    assert [one["status"] for one in sent["open"]] == ["acknowledged", "sent"]
    assert second["id"] in hook.bodies[0]
    assert silent.adhouse("alerts", "acknowledge", "--undo", first["id"]).returncode == Exit.OK
    assert house.adhouse("alerts").returncode == Exit.OK
    assert first["id"] in hook.bodies[1]
    for wrong in ("x", "'; drop table alerts", "ffffffffffff"):
        assert silent.adhouse("alerts", "acknowledge", wrong).returncode != Exit.OK
    assert house.adhouse("alerts", "--test").returncode == Exit.OK
    assert hook.received[-1]["title"] == "adhouse: a test"
    for option in ("--dry-run", "--digest", "--json"):
        assert house.adhouse("alerts", "--test", option).returncode == Exit.USAGE
    assert len([one for one in hook.received if one["title"] == "adhouse: a test"]) == 1
    for option in ("--test", "--digest"):
        assert silent.adhouse("alerts", option).returncode == Exit.USAGE
    everything = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    assert CANARY.encode() not in everything


def test_options_before_a_command_of_alerts_are_refused(home: Path) -> None:
    for options in (["--json"], ["--dry-run"]):
        ended = Workspace(home).adhouse("alerts", *options, "list")
        assert (ended.returncode, ended.stdout) == (Exit.USAGE, "")
        assert "options of `adhouse alerts list` stand after it" in ended.stderr


def test_a_second_process_waits_for_the_one_that_sends(
    home: Path, hook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(send, "SECONDS_TO_WAIT", 0.5)
    said: list[str] = []

    def other() -> None:
        with pytest.raises(CommandError, match=r"another run holds the lock"):
            send_to(home, hook.url)
        said.append("held")

    hook.on_request = other
    assert errors(send_to(home, hook.url)) == [False]
    assert said == ["held"]


def test_what_worsens_or_comes_back_says_so(tmp_path: Path, hook: Webhook) -> None:
    long_ago = YESTERDAY - timedelta(days=3)
    publish(tmp_path, "c1", value=0.02, date=long_ago)
    send_to(tmp_path, hook.url)
    publish(tmp_path, "c1", value=0.005, date=long_ago, number=2)
    send_to(tmp_path, hook.url)
    publish(tmp_path, number=3)
    send_to(tmp_path, hook.url)
    publish(tmp_path, "c1", value=0.005, number=4)
    send_to(tmp_path, hook.url)
    begins = [one["title"].partition(" CTR of c1")[0] for one in hook.received]
    assert begins == ["adhouse:", "adhouse: worse than before:", "adhouse: again:"]


def test_a_digest_of_nothing_says_so(tmp_path: Path, hook: Webhook) -> None:
    for home in (tmp_path, tmp_path / "no folder"):
        with pytest.raises(CommandError, match="nothing is published"):
            send_to(home, hook.url, wants_digest=True)
