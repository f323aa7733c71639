"""Random histories of a data folder: `python tests/promises/sequences.py --count 200 [--seed N] [--athena]`.

Files are dropped, corrected, put back to what they were, and dropped again under other names; an API corrects its
days; files are retracted and restored; extracts are killed, and run with a clock that is a month ahead or behind; now
and then everything is rebuilt. At the end the published marts must be what stands, by one sentence: of each name the
newest content, of each day the newest answer, and equal contents once. `test_sequences.py` runs a few of them.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # as pytest does for the tests

from conftest import Workspace
from support.athena_workspace import athena_workspace
from support.platform import answering, page
from support.wrong_clock import FAKETIME, adhouse_at

from local_athena.server import LocalAthena, local_athena

NAMES = ("may.jsonl", "june.jsonl", "july.jsonl")
CONTENTS = 4
DAYS = [date(2026, 6, day) for day in (1, 2, 3)]  # past for every clock


@dataclass
class History:
    """One data folder, what was done to it, and what must come of that.

    Attributes:
        files: The contents dropped under each name, the newest last, and whether each was retracted.
        answers: What the API says of each day.
        told: What was done, for whoever has to look for a failure.
        waiting: The names dropped since the last extract that came to its end.
    """

    house: Workspace
    put: Callable[[str, bytes], object]
    chance: random.Random
    files: dict[str, list[tuple[int, bool]]] = field(default_factory=dict)
    answers: dict[date, int] = field(default_factory=lambda: dict.fromkeys(DAYS, 0))
    told: list[str] = field(default_factory=list)
    waiting: set[str] = field(default_factory=set)

    def expected(self) -> dict[str, Decimal]:
        """The spend of each campaign: equal files count once, however they are called."""
        standing = [[content for content, is_gone in told if not is_gone][-1:] for told in self.files.values()]
        files = {f"file {content}": spend_of(content) for last in standing for content in last}
        return files | {f"{day} {answer}": spend_of(answer) for day, answer in self.answers.items()}

    def drop(self) -> None:
        """Drops a file; few contents, so that equal bytes come again and again."""
        name, content = self.chance.choice(NAMES), self.chance.randrange(CONTENTS)
        if name in self.waiting:
            self.extract()  # else the older one would never be received
        self.waiting.add(name)
        self.files.setdefault(name, []).append((content, False))
        self.told.append(f"{name} = {content}")
        self.put(name, json.dumps(record(f"file {content}", DAYS[0], content)).encode() + b"\n")

    def take_back(self) -> None:
        """Retracts or restores the newest file of a name, with those before it that only said the same."""
        if not self.files:
            return
        command, name = self.chance.choice(("retract", "restore")), self.chance.choice([*self.files])
        self.extract()  # a file in the inbox is not known yet
        self.told.append(f"{command} {name}")
        ended = self.house.adhouse(command, name, "--yes")
        assert ended.returncode == 0, ended.stderr
        told, is_gone = self.files[name], command == "retract"
        if told[-1][1] == is_gone:
            return
        for place in reversed(range(len(told))):
            content, was_gone = told[place]
            if content != told[-1][0] and was_gone != is_gone:
                return
            if content == told[-1][0]:
                told[place] = (content, is_gone)

    def restate(self) -> None:
        """Lets the API say something else of a day, or what it said before."""
        day = self.chance.choice(DAYS)
        self.answers[day] = self.chance.randrange(CONTENTS)
        self.told.append(f"{day} = {self.answers[day]}")

    def extract(self) -> None:
        """Extracts to the end."""
        self.told.append("extract")
        ended = self.house.adhouse("extract")
        assert ended.returncode == 0, ended.stderr
        self.waiting.clear()

    def extract_killed(self) -> None:
        """Kills an extract somewhere."""
        after = self.chance.uniform(0.2, 1.6)
        self.told.append(f"extract killed after {after:.2f} s")
        with self.house.start("extract") as process:
            try:
                process.wait(after)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
            process.communicate()

    def extract_with_wrong_clock(self) -> None:
        """Extracts with a clock a month off; what it received keeps its place in the order."""
        shift = self.chance.choice(("+30 days", "-30 days"))
        self.told.append(f"extract at {shift}")
        adhouse_at(shift, self.house, "extract")
        self.waiting.clear()

    def rebuild(self) -> None:
        """Makes everything again from landing."""
        self.told.append("rebuild")
        ended = self.house.adhouse("rebuild")
        assert ended.returncode == 0, ended.stderr

    def published(self) -> dict[str, Decimal]:
        """The spend of each campaign, as readers see it."""
        query = "select campaign_id, total_spend from campaign_summary"
        rows = json.loads(self.house.adhouse("sql", query, "--json").stdout)
        return {row["campaign_id"]: Decimal(str(row["total_spend"])) for row in rows}


def spend_of(content: int) -> Decimal:
    """A spend by which each sum tells what is in it."""
    return Decimal(10**content) + Decimal("0.25")


def record(campaign: str, day: date, content: int) -> dict[str, object]:
    """The one record of a file or of a day."""
    texts = dict.fromkeys(("ad_id", "brand", "country", "state", "city", "zipcode"), "x")
    counts = {"impressions": 100, "clicks": 10, "conversions": 1}
    return {"campaign_id": campaign, "date": str(day), **texts, **counts, "spend": str(spend_of(content))}


def play(seed: int, house: Workspace, put: Callable[[str, bytes], object], steps: int = 8) -> None:
    """Plays one history to its end and compares.

    Raises:
        AssertionError: The marts are not what stands; the message tells the history.
    """
    history = History(house, put, random.Random(seed))

    def answer(asked: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        day = date.fromisoformat(asked["date"])
        return page(asked, record(f"{day} {history.answers[day]}", day, history.answers[day]))

    with answering(answer) as (url, _):
        days = {"ADHOUSE_SINCE": str(DAYS[0]), "ADHOUSE_UNTIL": str(DAYS[-1]), "ADHOUSE_RESTATED_DAYS": "9"}
        history.house.settings.update(days, ADHOUSE_API_URL=url, ADHOUSE_API_TOKEN="canary-of-sequences")
        moves = [history.drop, history.restate, history.extract, history.extract_killed]
        moves += [history.drop, history.extract_with_wrong_clock if FAKETIME else history.extract, history.take_back]
        rebuilds_at = history.chance.randrange(3 * steps)
        try:
            for step in range(steps):
                history.chance.choice(moves)()
                if step == rebuilds_at:
                    history.extract()
                    history.rebuild()
            ended = history.house.adhouse("run")
            assert ended.returncode == 0, ended.stderr
            published, expected = history.published(), history.expected()
            assert published == expected, f"published {published}, expected {expected}"
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {'; '.join(history.told)}\n{error}") from error


@contextmanager
def on_disk(home: Path) -> Iterator[tuple[Workspace, Callable[[str, bytes], object]]]:
    """A data folder on DuckDB, and how a file is dropped there."""
    house = Workspace(home)

    def put(name: str, content: bytes) -> None:
        path = house.drop(name, content)
        long_ago = time.time() - 100 * 86_400  # quiet for every clock
        os.utime(path, (long_ago, long_ago))

    yield house, put


@contextmanager
def in_cloud(home: Path, athena: LocalAthena) -> Iterator[tuple[Workspace, Callable[[str, bytes], object]]]:
    """The same on the local Athena."""
    home.parent.mkdir()
    with athena_workspace(home, athena) as cloud:
        yield cloud.house, cloud.drop


def main() -> None:
    """Plays many histories and says how many ended as they must."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--athena", action="store_true", help="on an Athena on this machine")
    options = parser.parse_args()
    failed = 0
    began = time.monotonic()
    with ExitStack() as stack:
        athena = stack.enter_context(local_athena()) if options.athena else None
        for number in range(options.seed, options.seed + options.count):
            with tempfile.TemporaryDirectory() as folder:
                home = Path(folder) / f"sequence-{number}" / "data"
                with in_cloud(home, athena) if athena else on_disk(home) as (house, put):
                    try:
                        play(number, house, put)
                    except AssertionError as error:
                        failed += 1
                        sys.stdout.write(f"{error}\n")
            spent = timedelta(seconds=round(time.monotonic() - began))
            sys.stdout.write(f"{number - options.seed + 1} played, {failed} failed, {spent}\n")
            sys.stdout.flush()
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
