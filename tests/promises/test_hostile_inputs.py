"""Hostile and unlucky inputs, each through the real command: what is right comes of it, or a true reason is said.

The inputs that are files lie in `tests/cases/hostile/`. What is dropped as a file is played on one data folder, because
each command takes seconds: three extracts, a run and a rebuild.
Clocks, the end of a demo and time zones are tested in `test_order_is_a_counter.py` and `tests/cli/test_demo.py`.
"""

import json
import subprocess
import sys
import time
import unicodedata
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest
from conftest import COMMAND, Workspace, quiet
from support.extracting import TOKEN, lines, record, rows
from support.platform import Answer, answering, page

pytestmark = pytest.mark.cases
HOSTILE = Path(__file__).parents[1] / "cases" / "hostile"
FILES = {"ADHOUSE_API_URL": "none"}

# Runs a command, and says last how much memory the largest process of it had at its peak (KiB).
MEASURED = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:]).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)
"""


def spends(house: Workspace) -> dict[str, float]:
    """The spend of each campaign, as readers see it."""
    said = house.adhouse("sql", "select campaign_id, total_spend from campaign_summary", "--json")
    assert said.returncode == 0, said.stderr
    return {row["campaign_id"]: float(row["total_spend"]) for row in json.loads(said.stdout)}


def done(house: Workspace, *arguments: str, **settings: str) -> str:
    """Runs the command, which must succeed; gives all that it said."""
    ended = house.adhouse(*arguments, **settings)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


def of(campaign: str, spend: float, **changes: Any) -> dict[str, Any]:
    """A good record of a campaign."""
    return record(1, campaign_id=campaign, spend=spend, **changes)


def file_of(campaign: str, spend: float) -> bytes:
    return lines(of(campaign, spend))


@dataclass(frozen=True)
class Played:
    """What came of the files: the published spends after the run and after the rebuild."""

    house: Workspace
    outside: Path
    peak_kib: int
    after_run: dict[str, float]
    after_rebuild: dict[str, float]

    def outcome(self, name: str) -> list[tuple[str, str | None]]:
        """What became of each file of that name, in the order of receipt."""
        found = rows(self.house.home, "loaded_files", "file_name, status, reason", "receipt_number")
        return [(status, reason) for file_name, status, reason in found if file_name == name]

    def landed(self, name: str) -> list[bytes]:
        """What landing has under that name, in the order of receipt."""
        return [path.read_bytes() for path in sorted(self.house.home.glob(f"landing/campaign_files/*/*/{name}"))]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    house = Workspace(tmp_path_factory.mktemp("hostile") / "data", FILES)
    outside = house.home.parent / "outside.jsonl"
    outside.write_bytes(file_of("linked", 5))
    quiet(outside)

    for name in ("dictionary_bomb.parquet", "duplicate_key.json"):
        house.drop(name, (HOSTILE / name).read_bytes())
    house.drop("wide.csv", wide_header())
    house.drop("beside.jsonl", file_of("beside", 3))
    house.drop("linked.jsonl", b"").unlink()
    (house.home / "inbox" / "campaign_files" / "linked.jsonl").hardlink_to(outside)
    house.drop("may.jsonl", file_of("X", 1))
    house.drop("export.jsonl", file_of("A", 1))
    house.drop(unicodedata.normalize("NFC", "café.csv"), (HOSTILE / "nfc.csv").read_bytes())
    with subprocess.Popen([sys.executable, HOSTILE / "slow_writer.py", house.home / "inbox/campaign_files/slow.csv"]):
        command = [sys.executable, "-c", MEASURED, str(COMMAND), "extract"]
        first = subprocess.run(command, env=house.environment, capture_output=True, text=True, timeout=300)
    assert first.returncode == 0, first.stderr

    outside.write_bytes(file_of("changed outside", 6))
    house.drop("may.jsonl", file_of("Y", 2))
    house.drop("export.jsonl", file_of("B", 2))
    house.drop(unicodedata.normalize("NFD", "café.csv"), (HOSTILE / "nfd.csv").read_bytes())
    done(house, "extract")

    house.drop("june.jsonl", file_of("X", 1))
    house.drop("export.jsonl", file_of("A", 1))
    done(house, "run")
    after_run = spends(house)
    done(house, "rebuild")
    return Played(house, outside, int(first.stdout.split()[-1]), after_run, spends(house))


def test_slow_writer(played: Played) -> None:
    assert (played.after_run["slow 1"], played.after_run["slow 2"]) == (1.5, 1000.5)
    assert played.after_rebuild == played.after_run  # which also finds landing as it was received
    assert played.landed("slow.csv")[-1].count(b"slow ") == 2


def test_hard_link(played: Played) -> None:
    assert played.landed("linked.jsonl")[0] == file_of("linked", 5)
    assert played.outside.read_bytes() == file_of("changed outside", 6)


def test_duplicate_of_a_replaced_file(played: Played) -> None:
    counted = {name: played.after_run.get(name) for name in ("X", "Y", "A", "B")}
    assert counted == {"X": 1.0, "Y": 2.0, "A": 1.0, "B": None}


def test_nfc_nfd(played: Played) -> None:
    assert played.after_run["café"] == 11


def test_api_ignores_date(tmp_path: Path) -> None:
    """Which answers every day with the same three days."""
    days = ("2026-11-18", "2026-11-19", "2026-11-20")
    body = json.dumps([of("c", 100, date=day) for day in days]).encode()
    with answering(lambda _: (200, {}, body)) as (url, _):
        asked = {"ADHOUSE_SINCE": days[0], "ADHOUSE_UNTIL": days[-1]}
        house = Workspace(tmp_path / "data", {"ADHOUSE_API_URL": url, **asked})
        ended = house.adhouse("run")
    assert ended.returncode == 1
    failed = [line for line in ended.stderr.splitlines() if "about_another_day" in line]
    assert len(failed) >= 2
    assert all("ADHOUSE_API_ANSWERS=add or replace" in line for line in failed)
    assert not (house.home / "published" / "adhouse.duckdb").exists()


def test_evil_api(tmp_path: Path) -> None:
    """Each day is answered in another evil way, and no more than two of them one after another fail."""
    misbehaves = {
        "2026-11-01": other_day,
        "2026-11-02": bad_next,
        "2026-11-03": nested_records,
        "2026-11-04": redirected_without_location,
        "2026-11-05": drip,
        "2026-11-06": well,
        "2026-11-07": token_echo,
    }
    with answering(lambda asked: misbehaves[asked["date"]](asked)) as (url, _):
        asked = {"ADHOUSE_SINCE": min(misbehaves), "ADHOUSE_UNTIL": max(misbehaves), "ADHOUSE_API_DEADLINE": "3"}
        house = Workspace(tmp_path / "data", {"ADHOUSE_API_URL": url, "ADHOUSE_API_TOKEN": TOKEN, **asked})
        house.drop("good.jsonl", file_of("of a file", 7))
        ended = house.adhouse("extract")
    assert ended.returncode == 1
    assert len([line for line in ended.stderr.splitlines() if line.startswith("error: ")]) == 5
    for day, why in {
        "2026-11-01": "about_another_day",
        "2026-11-02": "its next page is on another host, an invalid address",
        "2026-11-04": "302 Found to nowhere",
        "2026-11-05": "no complete answer within 3 s",
        "2026-11-07": "says that there is another one",
    }.items():
        assert any(f"campaign_api {day}: " in line and why in line for line in ended.stderr.splitlines()), day
    loaded = rows(house.home, "campaign_delivery", "source, spend::double, date::varchar", "source")
    assert loaded == [("campaign_api", 1.5, "2026-11-06"), ("campaign_files", 7.0, "2026-11-01")]
    empty = rows(house.home, "fetches", "complete, records_read", "_report_date")[2]
    assert empty == (True, 0)
    assert_nowhere(house, [TOKEN], ended.stdout + ended.stderr)


def well(asked: dict[str, str]) -> Answer:
    return page(asked, of("c", 1.5, date=asked["date"]))


def other_day(asked: dict[str, str]) -> Answer:
    return page(asked, of("c", 1.5, date="2026-01-01"))


def bad_next(asked: dict[str, str]) -> Answer:
    return page(asked, of("c", 1.5, date=asked["date"]), next="http://[::1")


def nested_records(asked: dict[str, str]) -> Answer:
    deeper = {"records": [of("c", 777, date=asked["date"])]}
    return 200, {}, json.dumps({"date": asked["date"], "previous_day": deeper, "records": []}).encode()


def redirected_without_location(_: dict[str, str]) -> Answer:
    return 302, {}, b""


def drip(_: dict[str, str]) -> Answer:
    def drops() -> Iterator[bytes]:
        yield b"["
        while True:
            time.sleep(0.5)
            yield b" "

    return 200, {"Content-Length": "100000"}, drops()


def token_echo(asked: dict[str, str]) -> Answer:
    echo = of("c", 1.5, date=asked["date"], city=TOKEN, debug=f"Bearer {TOKEN}")
    return page(asked, echo, next=f"/x?access_token={TOKEN}")


def test_duplicate_key(played: Played) -> None:
    assert rows(played.house.home, "rejected_records", "reason, field", "1") == [("duplicate_key", "spend")]
    assert played.after_run["twice"] == 1.5


def test_wide_header(played: Played) -> None:
    assert played.outcome("wide.csv") == [("quarantined", "too_many_columns")]
    assert played.after_run["beside"] == 3
    logs = [json.loads(line) for path in played.house.home.glob("logs/run*") for line in path.open()]
    seconds = [line["seconds"] for line in logs if line.get("unit", "").endswith("/wide.csv")]
    assert seconds
    assert max(seconds) < 1


def wide_header() -> bytes:
    """A good record in a file with 100,000 columns more than it needs."""
    good = record(1)
    header, row = [*good, *(f"x{number}" for number in range(100_000))], [*map(str, good.values()), *["1"] * 100_000]
    return "\n".join(map(",".join, (header, row))).encode()


def test_dictionary_bomb(played: Played) -> None:
    assert played.outcome("dictionary_bomb.parquet") == [("quarantined", "decoded_too_large")]
    assert played.peak_kib < 1 << 20


# A file of that name ends whoever reads it.
POISON = """
import os, signal
import extract.readers as readers
read_file = readers.read_file
def deadly(path, *rest):
    if path.name.startswith("poison") or os.environ.get("KILLED_AT") == path.name:
        os.kill(os.getpid(), signal.SIGKILL)
    return read_file(path, *rest)
readers.read_file = deadly
"""


def test_poison(tmp_path: Path) -> None:
    """A file that kills its reader every time, and an ordinary one during which two runs were killed."""
    (tmp_path / "sitecustomize.py").write_text(POISON)
    house = Workspace(tmp_path / "data", FILES | {"PYTHONPATH": str(tmp_path)})
    house.drop("a.jsonl", file_of("a", 1))
    ends = [house.adhouse("extract", KILLED_AT="a.jsonl").returncode for _ in range(2)]
    house.drop("poison.jsonl", file_of("poison", 2))
    house.drop("z.jsonl", file_of("z", 3))
    ends += [house.adhouse("extract").returncode for _ in range(3)]
    assert ends == [-9, -9, -9, -9, 0]
    assert rows(house.home, "loaded_files", "file_name, status, reason", "file_name") == [
        ("a.jsonl", "loaded", None),
        ("poison.jsonl", "quarantined", "kills_its_reader"),
        ("z.jsonl", "loaded", None),
    ]
    assert "signal 9" in rows(house.home, "loaded_files", "detail", "file_name")[1][0]
    assert not (house.home / "reading.json").exists()


@pytest.mark.parametrize("name", ["st*r", "st[a]r", "st?r", "st%61r", "st\\ar"])
def test_home_folders(tmp_path: Path, name: str) -> None:
    star = Workspace(tmp_path / "star", FILES)
    star.drop("own.jsonl", file_of("of star", 1))
    before = sorted(tmp_path.rglob("*"))
    refused = Workspace(tmp_path / name, FILES).adhouse("run")
    assert refused.returncode == 2
    (line,) = refused.stderr.splitlines()
    assert name in line
    assert sorted(tmp_path.rglob("*")) == before


def test_demo_never_comes_to_own_data(tmp_path: Path) -> None:
    house = Workspace(tmp_path / "data")
    house.drop("own.jsonl", file_of("own", 1.5))
    for _ in range(2):
        assert "files alone" in done(house, "extract")  # as cron starts it, without any setting
    assert not (house.home / "landing" / "demo.json").exists()
    assert not (house.home / "landing" / "campaign_api").exists()


@pytest.mark.parametrize(("user", "secret"), [("", 'tok/en"with\\more'), ("user", "p%40w")])
def test_redaction(tmp_path: Path, user: str, secret: str) -> None:
    """A token, or a password in the address, that errors repeat JSON-escaped and as Basic."""
    basic = b64encode(f"{user}:{unquote(secret)}".encode()).decode()
    escaped = json.dumps(secret)[1:-1].replace("/", "\\/")
    answers: dict[str, Answer] = {
        "2026-11-01": (500, {}, json.dumps({"told": f"{escaped} Basic {basic}"}).encode()),
        "2026-11-02": (200, {}, f'{{"records": [], "told": "{escaped}" and "{basic}"'.encode()),
        "2026-11-03": (200, {}, json.dumps({"records": [of("c", 1, city=f"Basic {basic} {secret}")]}).encode()),
    }
    with answering(lambda asked: answers[asked["date"]]) as (url, _):
        asked = {"ADHOUSE_SINCE": min(answers), "ADHOUSE_UNTIL": max(answers), "ADHOUSE_API_DEADLINE": "2"}
        told = {"ADHOUSE_API_URL": url.replace("http://", f"http://{user}:{secret}@")} if user else {}
        told = told or {"ADHOUSE_API_URL": url, "ADHOUSE_API_TOKEN": secret}
        house = Workspace(tmp_path / "data", asked | told)
        ended = house.adhouse("extract")
    assert ended.returncode == 1
    status = house.adhouse("status", "--json")
    json.loads(status.stdout)
    spelled = {secret, unquote(secret), quote(unquote(secret), safe=""), escaped, basic}
    assert_nowhere(house, spelled, ended.stdout + ended.stderr + status.stdout + status.stderr)


def assert_nowhere(house: Workspace, secrets: "set[str] | list[str]", shown: str) -> None:
    """None of these stands in what was shown, in any file, or in a table, where it could be compressed."""
    tables = str([rows(house.home, table) for table in ("campaign_delivery", "rejected_records", "fetches")])
    files = {str(path): path.read_bytes() for path in house.home.rglob("*") if path.is_file()}
    assert any("campaign_api" in path for path in files)
    for name, content in {"what was shown": shown.encode(), "tables": tables.encode(), **files}.items():
        assert [secret for secret in secrets if secret.encode() in content] == [], name
