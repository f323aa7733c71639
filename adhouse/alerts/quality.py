"""Alerts about the data themselves: what came late, what was left out, what counts twice, what tests found."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from adhouse.alerts import links
from adhouse.alerts.alert import Alert, harmless
from adhouse.alerts.metrics import NEWEST_DAYS
from adhouse.dbt.results import Finding
from adhouse.errors import CommandError
from adhouse.settings import Settings
from adhouse.warehouse.base import BuildRecord, Warehouse, is_published
from adhouse.warehouse.quarantine import literal
from dashboard.text import formatted

DAYS_OF_GRACE = 1  # a platform may have yesterday a little later
MOST_DAYS_WITHOUT_A_BUILD = 1
LEAST_DAYS_OF_RECEIPT = 5  # by fewer a source's rhythm is not known
RHYTHM_DAYS = 92
SPIKE_SHARE = 0.1  # of the records of a day of receipt; tests warn at the same
SPIKE_FACTOR = 2  # times the share that is usual for the source
SPIKE_RECORDS = 10
LONGEST_MESSAGE = 400  # characters of what a mart says in words
# Tests whose findings are alerts of their own, with more to say.
TOLD_OTHERWISE = {"assert_no_files_overlap", "assert_few_records_are_quarantined"}
OVERLAPS = {
    "counted_twice": "may count twice",
    "taken_away": "took days away from older files of their name",
    "campaigns_lacking": "lack campaigns that older files have",
}


def failed_audit(newest: BuildRecord, day: date, published: str | None, warehouse: Warehouse) -> list[Alert]:
    """That the newest build, of this report day, failed, so that readers keep an older one."""
    if newest.status != "failed" or newest.build_id == published:
        return []
    failed = [one for one in warehouse.test_findings(newest.build_id) if one.status in ("fail", "error")]
    names = ", ".join(one.name for one in failed[:3]) + (", …" if len(failed) > 3 else "")
    kept = f"readers keep build {published}" if published else "nothing is published yet"
    return [
        Alert(
            ("audit",),
            f"build {newest.build_id} failed and was not published; {kept}",
            f"failed: {names}" if failed else "a model could not be built; `adhouse run` says which",
            max(len(failed), 1),
            day,
            link=links.TESTS,
        )
    ]


def impossible_build(error: CommandError, today: date) -> list[Alert]:
    """That the warehouse cannot be read, so that no run can build until somebody does something."""
    title = f"no build is possible: {error.message[:LONGEST_MESSAGE]}"
    return [Alert(("audit", "warehouse"), title, error.way_out, 1, today, link=links.FRESHNESS)]


def warnings_of_tests(warehouse: Warehouse, build_id: str, build_day: date) -> list[Alert]:
    """The expectations that the published build does not meet, in the words of the test where it has any."""
    return [
        Alert(
            ("test", one.name),
            f"test {one.name} warns of {one.failures:,} {'row' if one.failures == 1 else 'rows'}",
            harmless(_words_of(one), LONGEST_MESSAGE) or "an expectation that is not met; it blocks nothing",
            max(one.failures, 1),
            build_day,
            link=links.TESTS,
        )
        for one in warehouse.test_findings(build_id)
        if one.status == "warn" and one.name not in TOLD_OTHERWISE
    ]


def late_build(build_id: str, build_day: date, today: date) -> list[Alert]:
    """That no run has published anything for a while."""
    missing = (today - build_day).days
    if missing <= MOST_DAYS_WITHOUT_A_BUILD:
        return []
    return [
        Alert(
            ("late", "build"),
            f"nothing was published for {missing} days: readers see build {build_id} of {build_day:%-d %b %Y}",
            "`adhouse status` says how the last run ended",
            missing,
            today,
            build_day + timedelta(days=1),
            link=links.FRESHNESS,
        )
    ]


def late_sources(warehouse: Warehouse, settings: Settings, build_day: date) -> list[Alert]:
    """The sources that should have brought something by the day of the build.

    An API should have all days up to the one before yesterday, if only by saying that there was nothing. Files and logs
    come in a rhythm of their own: late is what stays away for more than a day longer than nine in ten times before.
    """
    newest = _newest_days(warehouse)
    found = []
    wanted = min(build_day - timedelta(days=1), settings.until or date.max)
    asked_for = [one.name for one in settings.sources.values() if one.api is not None and settings.address_of(one)]
    for source in sorted({*asked_for} & newest.keys()):
        missing = (wanted - newest[source]).days
        if missing > DAYS_OF_GRACE:
            why = f"the newest day is {newest[source]:%-d %b %Y}, and {wanted:%-d %b %Y} should be there"
            found.append(_late(source, missing, why, newest[source] + timedelta(days=1), build_day))
    for source, received in sorted(_receipts(warehouse).items()):
        if not settings.takes_files(source) or len(received) < LEAST_DAYS_OF_RECEIPT:
            continue
        gaps = sorted((after - before).days for before, after in pairwise(received))
        usual = gaps[(len(gaps) * 9 - 1) // 10]
        away = (build_day - received[-1]).days
        if away > usual + 1:
            why = f"the last file came on {received[-1]:%-d %b %Y}; usually one comes within {_days(usual)}"
            found.append(_late(source, away - usual, why, received[-1] + timedelta(days=usual + 1), build_day))
    return found


def quarantine_spikes(warehouse: Warehouse, build_day: date) -> list[Alert]:
    """The sources of which unusually many records were rejected or quarantined on one of the newest days of receipt."""
    by_source: dict[str, list[tuple[date, int, int, int]]] = defaultdict(list)
    asked = """
        select source, received_date, records_read, records_rejected + records_quarantined, files_quarantined
        from marts.data_quality order by source, received_date
    """
    for source, day, read, bad, files in warehouse.ask("data_quality", asked):
        by_source[source].append((day, read or 0, bad or 0, files or 0))
    newest = build_day - timedelta(days=NEWEST_DAYS)
    found = []
    for source, days_of_it in by_source.items():
        spikes = [number for number, day in enumerate(days_of_it) if _is_spike(day, days_of_it[:number])]
        if spikes and days_of_it[spikes[-1]][0] >= newest:
            last = spikes[-1]
            first = last
            while first - 1 in spikes:
                first -= 1
            found.append(_spike(warehouse, source, days_of_it[last], days_of_it[first][0]))
        whole = [(day, files) for day, _, _, files in days_of_it if files and day >= newest]
        if whole:
            number = sum(files for _, files in whole)
            found.append(
                Alert(
                    ("quarantine", source, "files"),
                    f"{number:,} {'file' if number == 1 else 'files'} of {harmless(source)} could not be used at all",
                    "`adhouse quarantine` says why, and what to do",
                    number,
                    whole[-1][0],
                    whole[0][0],
                    link=links.QUARANTINE,
                )
            )
    return found


def overlapping_files(warehouse: Warehouse, build_day: date, currency: str) -> list[Alert]:
    """The sources whose files may count twice or lack something, with the money at stake."""
    asked = "select overlap, source, abs(coalesce(spend, 0)), message from marts.file_overlaps"
    groups: dict[tuple[str, str], list[tuple[Decimal, str]]] = defaultdict(list)
    for overlap, source, spend, message in warehouse.ask("file_overlaps", asked):
        groups[overlap, source].append((spend, message))
    found = []
    for (overlap, source), rows in sorted(groups.items()):
        money, worst = sum(spend for spend, _ in rows), max(rows, key=lambda row: (row[0], row[1]))[1]
        pairs = "1 file" if len(rows) == 1 else f"{len(rows):,} files"
        found.append(
            Alert(
                ("overlap", overlap, source),
                f"{pairs} of {harmless(source)} {OVERLAPS.get(overlap, overlap)}: "
                f"{formatted(money, 'money', currency)} at stake",
                harmless(worst, LONGEST_MESSAGE),
                max(float(money), 1.0),
                build_day,
                link=links.FRESHNESS,
            )
        )
    return found


def _words_of(finding: Finding) -> str:
    """What a test says of what it found; dbt's own message has a number alone."""
    return "" if finding.message.startswith("Got ") else finding.message


def _late(source: str, missing: int, why: str, since: date, build_day: date) -> Alert:
    title = f"{harmless(source)} is late: {_days(missing)} missing"
    return Alert(("late", "source", source), title, why, missing, build_day, since, link=links.FRESHNESS)


def _newest_days(warehouse: Warehouse) -> Mapping[str, date]:
    """The newest day of each source that is there: delivered, or asked for when every answer was complete."""
    newest: dict[str, date] = dict(
        warehouse.ask("source_performance", "select source, max(date) from marts.source_performance group by source")
    )
    asked = """
        select source, max(received_date) from marts.data_quality
        where fetches > 0 and coalesce(fetches_failed, 0) + coalesce(fetches_unusable, 0) = 0 group by source
    """
    for source, received in warehouse.ask("data_quality", asked):
        newest[source] = max(received - timedelta(days=1), newest.get(source, date.min))
    return newest


def _receipts(warehouse: Warehouse) -> Mapping[str, Sequence[date]]:
    """The days on which each source brought a file, of the quarter before its newest: what stays away stays late."""
    asked = """
        select distinct source, cast(received_at as date) as received_date from marts.source_balances
        where unit_type = 'file' and status = 'loaded' order by source, received_date
    """
    received: dict[str, list[date]] = defaultdict(list)
    for source, day in warehouse.ask("source_balances", asked):
        received[source].append(day)
    quarter = timedelta(days=RHYTHM_DAYS)
    return {source: [day for day in days if day >= days[-1] - quarter] for source, days in received.items()}


def _is_spike(day: tuple[date, int, int, int], before: Sequence[tuple[date, int, int, int]]) -> bool:
    _, read, bad, _ = day
    if bad < SPIKE_RECORDS or bad <= SPIKE_SHARE * read:
        return False
    all_read, all_bad = sum(one[1] for one in before), sum(one[2] for one in before)
    return not all_read or bad * all_read > SPIKE_FACTOR * all_bad * read


def _spike(warehouse: Warehouse, source: str, day: tuple[date, int, int, int], first_day: date) -> Alert:
    received, read, bad, _ = day
    asked = " union all ".join(
        f"""
        select reason, count(*) as records from marts.{mart}
        where source = {literal(source)} and split_part(_source, '/', 2) = '{received}' group by reason
        """  # noqa: S608 the text is ours, the values are quoted
        for mart in ("quarantined_deliveries", "quarantined_events")
        if is_published(warehouse, mart)
    )
    rows: Sequence[tuple[Any, ...]] = warehouse.ask("quarantine_reasons", asked) if asked else []
    reason = max(rows, key=lambda row: (row[1], row[0]), default=None)
    most = f"most often {reason[0]} ({reason[1]:,}); " if reason else ""
    return Alert(
        ("quarantine", source, "records"),
        f"{bad / max(read, bad):.0%} of the records of {harmless(source)} were rejected or quarantined: "
        f"{bad:,} of {read:,} received on {received:%-d %b}",
        f"{most}`adhouse quarantine` says why, and what to do",
        bad / max(read, bad),
        received,
        first_day,
        link=links.QUARANTINE,
    )


def _days(number: int) -> str:
    return "1 day" if number == 1 else f"{number:,} days"
