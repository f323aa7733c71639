"""What is an alert and what is not, and what it says: by how much, since when, why, and where to look."""

import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from support.alert_builds import AS_OF, BUILD_ID, fallen, publish_alerts, unusual
from support.published_file import DAY, delivered

from adhouse.alerts.alert import KINDS, Alert
from adhouse.alerts.find import Found, find
from adhouse.settings import read_settings
from adhouse.warehouse.open import open_warehouse

Finding = Callable[..., list[Alert]]
NOW = datetime(2026, 11, 6, 5, tzinfo=UTC)


def back(days: int) -> date:
    return DAY - timedelta(days=days)


@pytest.fixture
def found(tmp_path: Path) -> Finding:
    """Publishes an invented build into a new data folder, and gives what it says somebody should know."""
    homes: list[Path] = []

    def look(
        alerts: Sequence[Mapping[str, Any]] = (),
        deliveries: Sequence[Mapping[str, Any]] | None = None,
        others: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
        now: datetime = NOW,
        **settings: str,
    ) -> list[Alert]:
        homes.append(tmp_path / str(len(homes)))
        publish_alerts(homes[-1], alerts, deliveries, others)
        read = read_settings({"ADHOUSE_HOME": str(homes[-1]), "ADHOUSE_API_URL": "none", **settings})
        return find(read, open_warehouse(read), now, is_in_run=False).alerts

    return look


def test_a_fallen_rate_says_by_how_much_since_when_and_why(found: Finding) -> None:
    days = [unusual(date=back(age)) for age in (0, 1, 3)]
    [alert] = found(days)
    assert alert.title == "CTR of c1 was 75% below usual: 1.00% on 5 Nov, usually 4.00%"
    assert (alert.first_day, alert.last_day) == (back(1), DAY)  # three days before is another time
    assert alert.why == "what moved: clicks 150, usually 600; most of it in US, Texas: -350 of -450 clicks"
    assert alert.link == ("daily?period=Custom&dates=2026-10-07&dates=2026-11-05&measure=CTR&campaign=c1")


def test_of_all_campaigns_together_it_names_the_campaign_behind_it(found: Finding) -> None:
    together = unusual(
        scope="all", campaign_id="all_campaigns", metric="clicks", value=150, median_value=600, moved=None
    )
    other = [delivered(campaign_id="c2", date=back(7 * week), clicks=90 if week else 80) for week in range(9)]
    [alert] = found([together], fallen() + other, {"dim_campaigns": [{"campaign_id": "c1", "name": "Spring"}]})
    assert alert.title == "Clicks of all campaigns together were 75% below usual: 150 on 5 Nov, usually 600"
    assert alert.why == "most of it in c1: -450 of -460 clicks"
    assert alert.campaign_id is None


def test_a_campaign_has_its_name(found: Finding) -> None:
    [alert] = found([unusual()], others={"dim_campaigns": [{"campaign_id": "c1", "name": "Spring\nsale"}]})
    assert alert.title.startswith("CTR of Spring\N{REPLACEMENT CHARACTER}sale (c1) was")


def test_only_the_newest_week_alerts(found: Finding) -> None:
    assert found([unusual(date=back(age)) for age in range(7, 92)]) == []
    assert len(found([unusual(date=back(6))])) == 1


def test_from_or_to_nothing_is_as_severe_as_can_be(found: Finding) -> None:
    rows = [unusual(value=value, median_value=usual, metric="spend", moved=None) for value, usual in ((0, 9), (9, 0))]
    alerts = found(rows)
    assert [alert.severity for alert in alerts] == [10, 10]
    assert "Spend of c1 was above usual: $9.00 on 5 Nov, usually $0.00" in [alert.title for alert in alerts]


def test_an_uneven_budget_is_an_alert_once_the_flight_runs_for_days(found: Finding) -> None:
    flight = {"campaign_id": "c1", "flight_start": back(4), "flight_end": back(-5), "flight_days": 10}
    flight |= {"elapsed_days": 5, "is_running": True, "budget": 1000, "spend": 250, "pacing": 0.5}
    others = [
        flight,
        {**flight, "campaign_id": "c2", "pacing": 1.1},
        {**flight, "campaign_id": "c3", "elapsed_days": 2},
        {**flight, "campaign_id": "c4", "is_running": False},
        {**flight, "campaign_id": "c5", "pacing": None},
    ]
    [alert] = found(others={"pacing": others})
    assert alert.title == "the budget of c1 is spent behind plan: pacing 0.50, 1 is even"
    assert alert.why.startswith("$250.00 of $1,000.00 after 5 of 10 days of the flight of 1 Nov")


def test_an_api_is_late_when_even_the_day_before_yesterday_is_missing(found: Finding) -> None:
    url = {"ADHOUSE_API_URL": "http://127.0.0.1:1"}
    assert found([], [delivered(date=back(1))], **url) == []
    [alert] = found([], [delivered(date=back(3))], **url)
    assert alert.title == "campaign_api is late: 3 days missing"
    assert (alert.first_day, alert.why) == (back(2), "the newest day is 2 Nov 2026, and 5 Nov 2026 should be there")
    assert found([], [delivered(date=back(3))]) == []  # nobody asks it
    assert found([], [delivered(date=back(3))], **url, ADHOUSE_UNTIL=str(back(3))) == []


def test_an_api_that_says_completely_that_there_was_nothing_is_not_late(found: Finding) -> None:
    url = {"ADHOUSE_API_URL": "http://127.0.0.1:1"}

    def asked(age: int, **failed: int) -> dict[str, Any]:
        fetches = {"source": "campaign_api", "received_date": back(age), "fetches": 4, **failed}
        return {"data_quality": [fetches]}

    assert found([], [delivered(date=back(9))], asked(-1), **url) == []
    for wrong in (asked(5), asked(-1, fetches_failed=1), asked(-1, fetches_unusable=1)):
        assert [alert.kind for alert in found([], [delivered(date=back(9))], wrong, **url)] == ["late"]


def test_files_are_late_when_they_stay_away_longer_than_usual(found: Finding) -> None:
    def received(*ages: int) -> dict[str, Any]:
        of_file = {"source": "campaign_files", "kind": "campaign_delivery", "unit_type": "file", "status": "loaded"}
        return {"source_balances": [of_file | {"received_at": AS_OF - timedelta(days=age)} for age in ages]}

    assert found(others=received(*range(8, 60, 7))) == []
    [alert] = found(others=received(*range(9, 60, 7)))
    assert alert.title == "campaign_files is late: 2 days missing"
    assert alert.why == "the last file came on 28 Oct 2026; usually one comes within 7 days"
    [alert] = found(others=received(*range(90, 150, 7)))  # for a quarter: not what it is used to
    assert alert.title == "campaign_files is late: 83 days missing"
    assert found(others=received(9, 10, 11)) == []  # too few to know its rhythm


def test_that_nothing_is_published_any_more_is_an_alert(found: Finding) -> None:
    assert found(now=NOW + timedelta(days=1)) == []
    [alert] = found(now=NOW + timedelta(days=2))
    assert alert.title == f"nothing was published for 2 days: readers see build {BUILD_ID} of 6 Nov 2026"


def test_a_spike_of_quarantined_records_names_the_reason(found: Finding) -> None:
    def day(age: int, quarantined: int, **others: int) -> dict[str, Any]:
        counts = {"records_read": 100, "records_rejected": 5, "records_quarantined": quarantined, **others}
        return {"source": "campaign_api", "received_date": back(age), **counts}

    path = f"campaign_api/{DAY}/00000007-x/fetch.jsonl"
    broken = [
        {"reason": reason, "source": "campaign_api", "_source": path} for reason in ["no_median"] * 2 + ["other_day"]
    ]
    spike = {"data_quality": [day(2, 0), day(1, 1), day(0, 35)], "quarantined_deliveries": broken}
    [alert] = found(others=spike)
    assert alert.title == (
        "40% of the records of campaign_api were rejected or quarantined: 40 of 100 received on 5 Nov"
    )
    assert alert.why.startswith("most often no_median (2); ")
    assert alert.first_day == DAY
    assert found(others={"data_quality": [day(12, 20), day(11, 20), day(0, 35)]}) == []  # as always of this source
    assert found(others={"data_quality": [day(9, 0), day(8, 35), day(0, 0)]}) == []  # long ago
    [whole] = found(others={"data_quality": [day(0, 0, files_quarantined=2)]})
    assert whole.title == "2 files of campaign_api could not be used at all"


def test_overlapping_files_are_one_alert_for_each_source(found: Finding) -> None:
    overlap = {"overlap": "counted_twice", "source": "exports", "first_date": back(40), "last_date": back(40)}
    rows = [
        {**overlap, "spend": 10, "message": "exports: b.csv has again what a.csv has"},
        {**overlap, "spend": 90, "message": "exports: d.csv has again what c.csv has"},
    ]
    [alert] = found(others={"file_overlaps": rows})
    assert alert.title == "2 files of exports may count twice: $100.00 at stake"
    assert alert.why.replace("\N{ZERO WIDTH SPACE}", "") == "exports: d.csv has again what c.csv has"


def test_warnings_of_tests_are_alerts_unless_they_are_told_otherwise(found: Finding) -> None:
    def test(name: str, status: str) -> dict[str, Any]:
        said = "Got 3 results" if name.endswith("known") else "ten rows of c1 have no name"
        return {"build_id": BUILD_ID, "test": name, "status": status, "failed_rows": 3, "message": said}

    rows = [
        test("assert_every_place_is_known", "warn"),
        test("unique_x", "pass"),
        test("assert_no_files_overlap", "warn"),
    ]
    [alert] = found(others={"ops.test_results": [*rows, test("old", "warn") | {"build_id": "other"}]})
    assert alert.title == "test assert_every_place_is_known warns of 3 rows"
    assert "an expectation that is not met" in alert.why
    [alert] = found(others={"ops.test_results": [test("assert_every_name_is_used", "warn")]})
    assert alert.why == "ten rows of c1 have no name"


def record_attempt(home: Path, status: str, tests: Mapping[str, str], as_of: str = "2026-11-06") -> str:
    """Puts a second build on record, which is not published, with what became of its tests; gives its id."""
    build_id = BUILD_ID.replace("000001", "000002")
    with duckdb.connect(home / "marts.duckdb") as connection:
        connection.execute(f"attach '{home}/published/marts.duckdb' as published (read_only)")
        connection.execute("create schema ops")
        for table in ("builds", "test_results"):
            connection.execute(f"create table ops.{table} as from published.ops.{table}")
        connection.execute(
            "insert into ops.builds by name select ? as build_id, ? as status, ?::timestamp as as_of",
            [build_id, status, as_of],
        )
        for name, became in tests.items():
            connection.execute("insert into ops.test_results values (?, ?, ?, 1, '')", [build_id, name, became])
    return build_id


def look_at(home: Path, now: datetime = NOW, *, is_in_run: bool = False, **settings: str) -> Found:
    read = read_settings({"ADHOUSE_HOME": str(home), "ADHOUSE_API_URL": "none", **settings})
    return find(read, open_warehouse(read), now, is_in_run=is_in_run)


def test_a_failed_audit_is_the_first_alert_and_names_what_failed(tmp_path: Path) -> None:
    publish_alerts(tmp_path, [unusual()])
    tests = {"assert_a": "skipped", "assert_every_balance_closes": "fail", "assert_z": "error", "warning": "warn"}
    failed = record_attempt(tmp_path, "failed", tests, as_of="2026-11-06 23:00")
    seen = look_at(tmp_path, ADHOUSE_REPORT_TIMEZONE="Europe/Berlin")
    alert, *_ = seen.alerts
    assert alert.title == f"build {failed} failed and was not published; readers keep build {BUILD_ID}"
    assert alert.why == "failed: assert_every_balance_closes, assert_z"
    assert alert.last_day == date(2026, 11, 7)  # in the report time zone


def test_since_when_a_build_fails_is_the_day_on_which_that_was_seen(tmp_path: Path) -> None:
    publish_alerts(tmp_path, [])
    record_attempt(tmp_path, "failed", {})
    seen = look_at(tmp_path, NOW + timedelta(days=1))
    assert (seen.day, seen.today) == (date(2026, 11, 6), date(2026, 11, 7))


def test_a_build_that_never_ended_says_nothing_of_its_audit(tmp_path: Path) -> None:
    publish_alerts(tmp_path, [unusual()])
    record_attempt(tmp_path, "building", {})
    seen = look_at(tmp_path, is_in_run=True)
    assert ([*seen.unknown], [alert.kind for alert in seen.alerts]) == (["audit"], ["metric"])


@pytest.mark.parametrize("is_in_run", [True, False])
def test_a_damaged_warehouse_is_an_alert_beside_the_others(tmp_path: Path, is_in_run: bool) -> None:
    publish_alerts(tmp_path, [unusual()])
    (tmp_path / "marts.duckdb").write_bytes(b"damaged" * 1000)
    seen = look_at(tmp_path, is_in_run=is_in_run)
    assert [alert.kind for alert in seen.alerts] == ["audit", "metric"]
    assert seen.alerts[0].title.startswith("no build is possible: ")
    assert "marts.duckdb is damaged" in seen.alerts[0].title
    assert seen.alerts[0].why == "`adhouse rebuild` makes it again from landing"


def test_after_a_roll_back_only_the_audit_is_known(tmp_path: Path) -> None:
    publish_alerts(tmp_path, [])
    publish_alerts(tmp_path, [unusual()], number=2)
    settings = read_settings({"ADHOUSE_HOME": str(tmp_path)})
    open_warehouse(settings).rollback(None)
    seen = look_at(tmp_path, NOW + timedelta(days=9))
    assert (seen.build_id, seen.alerts, {*seen.unknown}) == (BUILD_ID, [], {*KINDS} - {"audit"})


def test_without_a_published_build_there_is_nothing_to_say(tmp_path: Path) -> None:
    settings = read_settings({"ADHOUSE_HOME": str(tmp_path)})
    found = find(settings, open_warehouse(settings), NOW, is_in_run=False)
    assert (found.alerts, found.build_id) == ([], "")
    assert {*found.unknown} == {*KINDS} - {"audit"}


BUSY = """
import sys, duckdb
from pathlib import Path
from adhouse.lock import locked
home = Path(sys.argv[1])
with locked(home, "adhouse run", 0, print), duckdb.connect(home / "marts.duckdb"):
    print("busy", flush=True)
    sys.stdin.read()
"""


def test_while_a_run_writes_nothing_is_said_of_its_audit(tmp_path: Path) -> None:
    publish_alerts(tmp_path, [unusual()])
    settings = read_settings({"ADHOUSE_HOME": str(tmp_path), "ADHOUSE_API_URL": "none"})
    command = [sys.executable, "-c", BUSY, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout
        assert run.stdout.readline() == "busy\n"
        during = find(settings, open_warehouse(settings), NOW, is_in_run=False)
        run.communicate("")
    assert (tuple(during.unknown), [alert.kind for alert in during.alerts]) == (("audit",), ["metric"])
