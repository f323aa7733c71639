"""What the tests of kills share: work in a process of its own that dies by SIGKILL at a chosen point."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SMALL = 20_000  # what a unit may hold in memory in these tests, so that some files are big

# Works in a process of its own that dies by SIGKILL just before it creates, renames, links or removes something for the
# n-th time, or after so many seconds (below one).
KILLER = """
import os, signal, sys, threading, time
from datetime import UTC, datetime
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from support.extracting import api_at, extracted
from support.forgetting import forgotten
from support.killing import SMALL
import extract.lake.dlt_pipeline  # once for all
from extract.lake import merge, package
from extract.lake.lake import Lake
from extract.lake.load import clear_away
from extract.storage import Folder
package.HELD_BYTES = SMALL
CHANGES = {"os.rename", "os.link", "os.remove", "os.rmdir", "os.mkdir", "os.truncate", "shutil.rmtree"}

def is_change(event, arguments):
    return event in CHANGES or (event == "open" and isinstance(arguments[2], int) and arguments[2] & os.O_CREAT)

def extract_all(home, url):
    extracted(home, api_at(url, restated_days=1), now=lambda: datetime(2026, 11, 23, 12, tzinfo=UTC))

def extract_files(home, url):
    extracted(home)

def merge_all(home, url):
    lake = Lake(Folder.at(home / "lake"))
    clear_away(home / "dlt", lake)
    merge.merge_small_files(lake, lambda _: None)

def forget(home, key):
    forgotten(home, key, "canary-ann")

def empty(home, url):
    Lake(Folder.at(home / "lake")).empty()

def run(work, home, url, kill):
    changes = 0
    def watch(event, arguments):
        nonlocal changes
        if is_change(event, arguments):
            changes += 1
            if changes == kill:
                os.kill(os.getpid(), signal.SIGKILL)
    if kill is None or kill >= 1:
        sys.addaudithook(watch)
    else:
        threading.Thread(target=lambda: (time.sleep(kill), os.kill(os.getpid(), signal.SIGKILL)), daemon=True).start()
    work(home, url)
    return changes

def forked(work, home, url, kill):
    child = os.fork()
    if not child:
        try:
            changes = run(work, home, url, kill)
            (home / "changes").write_text(str(changes))
            os._exit(0)
        except BaseException:
            import traceback
            traceback.print_exc()
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

for line in sys.stdin:
    work, home, url, *kills = line.split()
    ends = [forked(globals()[work], Path(home), url, float(kill)) for kill in kills]
    print(*ends, flush=True)
"""


@pytest.fixture
def killer() -> Iterator[subprocess.Popen[str]]:
    """A process that works and dies as it is told by `ends`."""
    command = [sys.executable, "-c", KILLER, str(Path(__file__).parent.parent)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.stdin.close()  # type: ignore[union-attr]


def ends(killer: subprocess.Popen[str], work: str, home: Path, url: str, *kills: float) -> list[int]:
    """Does one of the works in the killer and kills it, as often as there are kills; `inf` lets it be."""
    assert killer.stdin
    assert killer.stdout
    killer.stdin.write(f"{work} {home} {url} {' '.join(map(str, kills))}\n")
    killer.stdin.flush()
    return [int(end) for end in killer.stdout.readline().split()]
