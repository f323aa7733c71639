"""What the state says of alerts: each once to each channel, and again only when it worsens or comes back."""

import sqlite3
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adhouse.alerts.alert import Alert, harmless, is_id
from adhouse.alerts.state import KEPT_DAYS, NAME, AlertState, copied, forget, opened
from adhouse.errors import CommandError

DAY = date(2026, 11, 5)
NOW = datetime(2026, 11, 6, 4, tzinfo=UTC)


def alert(name: str = "c1", severity: float = 1.0, **others: Any) -> Alert:
    return Alert(("metric", name), f"CTR of {name}", "why", severity, others.pop("last_day", DAY), **others)


def note(state: AlertState, *found: Alert, days: int = 0, unknown: tuple[str, ...] = ()) -> None:
    now = NOW + timedelta(days=days)
    state.note(found, f"b{days}", now.date(), now, unknown)


def send(state: AlertState, channel: str = "a") -> list[tuple[str, int, int]]:
    """Lets a channel get what it should; the titles, the occurrences and those that it had."""
    state.know([channel], "2026-W45", NOW)
    pending = state.pending(channel, NOW)
    state.note_sent(channel, pending, NOW)
    return [(one.title, one.occurrence, one.sent_before) for one in pending]


def test_an_alert_is_sent_once_however_many_builds_find_it(tmp_path: Path) -> None:
    for days in range(3):
        with opened(tmp_path) as state:  # as after a restart
            note(state, alert(severity=1.4 if days else 1.0), days=days)
            assert send(state) == ([] if days else [("CTR of c1", 1, 0)])


def test_it_is_sent_again_when_it_has_grown_by_half_since_it_was_sent(tmp_path: Path) -> None:
    with opened(tmp_path) as state:
        sent = []
        for days, severity in enumerate([1.0, 1.4, 1.5, 2.0, 1.0, 2.2, 2.25]):
            note(state, alert(severity=severity), days=days)
            sent.append(len(send(state)))
        assert sent == [1, 0, 1, 0, 0, 0, 1]
        assert [one.cause for one in state.listed()] == ["worse"]


def test_it_is_sent_again_when_it_was_over_and_comes_back(tmp_path: Path) -> None:
    with opened(tmp_path) as state:
        note(state, alert())
        assert send(state) == [("CTR of c1", 1, 0)]
        note(state, days=1)
        assert [one.status for one in state.listed(has_all=True)] == ["over"]
        assert (state.listed(), send(state)) == ([], [])
        note(state, alert(last_day=DAY + timedelta(days=3)), days=4)
        assert [one.cause for one in state.listed()] == ["back"]
        assert send(state) == [("CTR of c1", 2, 1)]


def test_what_flaps_from_day_to_day_goes_on_and_stays_acknowledged(tmp_path: Path) -> None:
    with opened(tmp_path) as state:
        for days in range(0, 8, 2):
            note(state, alert(last_day=DAY + timedelta(days=days)), days=days)
            assert len(send(state)) == (0 if days else 1)
            if not days:
                state.acknowledge([alert().alert_id], NOW)
            assert [(one.status, one.occurrence) for one in state.listed()] == [("acknowledged", 1)]
            note(state, days=days + 1)
            assert [one.status for one in state.listed(has_all=True)] == ["over"]


def test_every_failed_build_after_a_good_one_is_told(tmp_path: Path) -> None:
    failed = Alert(("audit",), "failed", "", 1, DAY)
    with opened(tmp_path) as state:
        note(state, failed)
        assert len(send(state)) == 1
        note(state)
        note(state, failed)
        assert len(send(state)) == 1


def test_what_is_long_over_is_not_told_to_a_channel_that_comes_back(tmp_path: Path) -> None:
    with opened(tmp_path) as state:
        send(state)
        note(state, alert("c1"), alert("c2"), alert("c3"))
        note(state, alert("c2"), alert("c3"), days=1)
        note(state, alert("c3"), days=9)
        assert [one.title for one in state.pending("a", NOW + timedelta(days=9))] == ["CTR of c3", "CTR of c2"]


def test_a_clock_that_was_ahead_or_is_behind_neither_ends_nor_repeats_digests(tmp_path: Path) -> None:
    def get(state: AlertState, *weeks: str) -> list[str]:
        sent = []
        for week in weeks:
            if state.is_digest_due("a", week):
                state.note_digest("a", week)
                sent.append(week)
        return sent

    with opened(tmp_path) as state:
        state.know(["a"], "2026-W44", NOW)
        assert get(state, "2026-W44", "2026-W45", "2026-W45") == ["2026-W45"]
        assert get(state, "2020-W01", "2020-W01", "2026-W45", "2026-W46") == ["2026-W46"]  # behind for a while
        assert get(state, "2099-W01", "2026-W46", "2026-W46", "2026-W47", "2026-W47", "2026-W48") == [
            *("2099-W01", "2026-W47", "2026-W48")
        ]


def test_a_gap_between_its_days_is_a_return_although_no_build_saw_it_gone(tmp_path: Path) -> None:
    with opened(tmp_path) as state:
        note(state, alert(first_day=DAY))
        send(state)
        note(state, alert(first_day=DAY, last_day=DAY + timedelta(days=1)), days=1)
        assert send(state) == []
        later = DAY + timedelta(days=4)
        note(state, alert(first_day=later, last_day=later), days=5)
        assert send(state) == [("CTR of c1", 2, 1)]
        assert state.listed()[0].first_day == later


def test_since_when_is_kept_where_a_build_cannot_say_it(tmp_path: Path) -> None:
    with opened(tmp_path) as state:
        note(state, alert())
        note(state, alert(), days=5)
        assert state.listed()[0].first_day == NOW.date()


def test_a_channel_that_was_down_is_caught_up_with_and_the_others_hear_nothing_twice(tmp_path: Path) -> None:
    with opened(tmp_path) as state:
        state.know(["up", "down"], "2026-W45", NOW)
        note(state, alert("c1"), alert("c2"))
        assert len(send(state, "up")) == 2
        note(state, alert("c1"), days=1)  # c2 is over before the channel is back
        note(state, alert("c1"), alert("c3"), days=2)
        assert [title for title, *_ in send(state, "up")] == ["CTR of c3"]
        assert [title for title, *_ in send(state, "down")] == ["CTR of c1", "CTR of c3", "CTR of c2"]
        assert send(state, "down") == send(state, "up") == []


def test_a_new_channel_gets_what_is_open_and_nothing_older(tmp_path: Path) -> None:
    with opened(tmp_path) as state:
        note(state, alert("c1"), alert("c2"))
        note(state, alert("c2"), days=1)
        state.know(["new"], "2026-W45", NOW + timedelta(days=1))
        assert [one.title for one in state.pending("new", NOW + timedelta(days=1))] == ["CTR of c2"]


def test_what_is_acknowledged_is_silent_until_it_worsens(tmp_path: Path) -> None:
    with opened(tmp_path) as state:
        note(state, alert())
        [one] = state.listed()
        state.acknowledge([one.alert_id], NOW)
        assert send(state) == []
        assert state.listed()[0].status == "acknowledged"
        state.acknowledge([one.alert_id], None)
        assert len(send(state)) == 1
        state.acknowledge([one.alert_id], NOW)
        note(state, alert(severity=2), days=1)
        assert len(send(state)) == 1
        assert state.listed()[0].acknowledged_at is None


def test_of_several_ids_none_is_acknowledged_if_one_is_unknown(tmp_path: Path) -> None:
    with opened(tmp_path) as state:
        note(state, alert())
        with pytest.raises(CommandError, match="no alert 'ffffffffffff'"):
            state.acknowledge([alert().alert_id, "ffffffffffff"], NOW)
        assert state.listed()[0].acknowledged_at is None


def test_what_is_not_known_now_is_not_over(tmp_path: Path) -> None:
    with opened(tmp_path) as state:
        note(state, alert(), Alert(("audit",), "failed", "", 1, DAY))
        note(state, days=1, unknown=("audit",))
        assert [one.kind for one in state.listed()] == ["audit"]


def test_what_has_long_been_over_is_forgotten(tmp_path: Path) -> None:
    with opened(tmp_path) as state:
        note(state, alert())
        send(state)
        note(state, days=1)
        note(state, days=KEPT_DAYS + 2)
        assert state.listed(has_all=True) == []


def test_a_folder_whose_data_were_withdrawn_has_no_alerts(tmp_path: Path) -> None:
    forget(tmp_path)
    assert not (tmp_path / NAME).exists(), "nothing was ever noted"
    with opened(tmp_path) as state:
        note(state, alert())
        send(state)
    for _ in range(2):
        forget(tmp_path)
        with opened(tmp_path) as state:
            assert state.listed(has_all=True) == []


def test_a_copy_changes_nothing(tmp_path: Path) -> None:
    with copied(tmp_path) as state:
        note(state, alert())
        assert len(send(state)) == 1
    assert not (tmp_path / NAME).exists()
    with opened(tmp_path) as state:
        note(state, alert())
    with copied(tmp_path) as state:
        assert len(send(state)) == 1
    with opened(tmp_path) as state:
        assert len(send(state)) == 1


def test_a_damaged_file_or_one_of_a_newer_version_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"no database at all" * 100)
    with pytest.raises(CommandError, match=r"alerts\.sqlite") as raised, opened(tmp_path):
        pass
    assert "remove" in raised.value.way_out
    (tmp_path / NAME).unlink()
    with sqlite3.connect(tmp_path / NAME) as connection:
        connection.execute("pragma user_version = 99")
    with pytest.raises(CommandError, match="newer adhouse"), opened(tmp_path):
        pass


def test_no_name_becomes_a_link_or_a_mention() -> None:
    gap = "\N{ZERO WIDTH SPACE}"
    assert harmless("evil.example.com WWW.evil.de") == f"evil.{gap}example.{gap}com WWW.{gap}evil.{gap}de"
    assert harmless("https://me@b.co") == f"https://{gap}me@{gap}b.{gap}co"
    assert harmless("b\u00fccher.de") == f"b\u00fccher.{gap}de"
    assert harmless("Sale 2026. Up to 9.5 or 1.000.000") == "Sale 2026. Up to 9.5 or 1.000.000"


@given(st.text(st.characters(), max_size=200) | st.just("\u202ereversed\r\nBcc: x@y.invalid https://evil.invalid"))
def test_a_name_is_one_short_printable_line(name: str) -> None:
    shown = harmless(name)
    assert len(shown.splitlines()) <= 1
    assert all(letter.isprintable() or letter == "\N{ZERO WIDTH SPACE}" for letter in shown)
    assert "\u202e" not in shown
    assert "://" not in shown.replace("://\N{ZERO WIDTH SPACE}", "")


def test_the_id_of_an_alert_is_that_of_its_subject() -> None:
    assert alert().alert_id == alert(severity=9).alert_id != alert("c2").alert_id
    assert is_id(alert().alert_id)
    assert not is_id("--undo")
    assert not is_id(f"{alert().alert_id}\n")
