"""In a bucket a person is forgotten as on a disk; nobody who writes there meanwhile loses a file."""

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from support.bucket import CountingBucket, counting_bucket
from support.extracting import RecordedProgress, rows
from support.forgetting import text_of

from adhouse.aws.results import remove_results
from adhouse.aws.versions import warnings_of_versions
from extract.copying import ChangedMeanwhileError
from extract.forgetting import Found, Searcher, begin, end, pending, pseudonyms_of
from extract.registry import SOURCES
from extract.run import Places, extract, load_from_landing
from extract.storage import Folder

KEY = "a key of sixteen or more"
CANARY = "canary-ann"
QUERY = "1f0c7e62-53a4-4c4e-9d0a-3b1f2c4d5e6"


def impression(number: int, user: str) -> dict[str, Any]:
    return {"impression_id": f"i{number}", "ad_id": "a", "user_id": user, "event_time": f"2026-11-02T10:00:0{number}Z"}


def as_lines(*records: dict[str, Any]) -> bytes:
    return "".join(json.dumps(one) + "\n" for one in records).encode()


class House:
    """Inbox and landing in a bucket, the lake on a disk."""

    def __init__(self, home: Path, url: str) -> None:
        self.home = home
        self.data = Folder.at(url)
        self.places = Places(home, url, str(home / "lake"))
        self.reading: dict[str, Any] = {
            "places": self.places,
            "sources": SOURCES.values(),
            "report_timezone": ZoneInfo("UTC"),
            "privacy_key": KEY,
        }

    def drop(self, name: str, content: bytes) -> None:
        self.data.write(f"inbox/impressions/{name}", content)

    def take(self) -> None:
        extract(**self.reading, apis={}, now=lambda: datetime.now(UTC), progress=RecordedProgress())

    def searcher(self, *ids: str) -> Searcher:
        pseudonyms = frozenset().union(*(pseudonyms_of(one, KEY) for one in ids))
        pseudonyms |= pending(self.data.below("landing"))
        return Searcher(self.data, [*SOURCES.values()], KEY, ZoneInfo("UTC"), pseudonyms)

    def forget(self, *ids: str) -> Found:
        searcher, landing = self.searcher(*ids), self.data.below("landing")
        found = searcher.find()
        begin(landing, searcher.pseudonyms)
        searcher.remove(found)
        load_from_landing(**self.reading, progress=RecordedProgress(), forgotten=searcher.pseudonyms)
        end(landing)
        return found

    def ids(self) -> list[str]:
        return [one for (one,) in rows(self.home, "impressions", "impression_id", "impression_id")]

    def traces(self) -> list[str]:
        return [name for name in self.data.files() if CANARY in text_of(self.data.read(name))]


@pytest.fixture(scope="module")
def bucket() -> Iterator[CountingBucket]:
    with counting_bucket() as bucket:
        yield bucket


@pytest.fixture
def house(bucket: CountingBucket, tmp_path: Path) -> House:
    """Two files in landing and one that waits, each with the person and somebody else, below a prefix of its own."""
    house = House(tmp_path, f"{bucket.url}/{tmp_path.name}")
    house.drop("a.jsonl", as_lines(impression(1, CANARY), impression(2, "bob")))
    house.drop("b.jsonl.gz", gzip.compress(as_lines(impression(3, CANARY), impression(4, "bob"))))
    house.take()
    house.drop("c [1].jsonl", as_lines(impression(5, CANARY), impression(6, "bob")))
    house.drop("c [1].jsonl.manifest.json", b'{"rows": 2}')
    return house


def test_a_person_leaves_landing_and_inbox(house: House) -> None:
    assert len(house.traces()) == 3
    found = house.forget(CANARY)
    assert sorted(one.place for one in found.files) == ["inbox", "landing", "landing"]
    assert (house.traces(), house.ids()) == ([], ["i2", "i4"])
    assert house.data.below("inbox/impressions").files() == ["c [1].jsonl"]
    assert house.data.read("inbox/impressions/c [1].jsonl") == as_lines(impression(6, "bob"))
    assert not pending(house.data.below("landing"))
    assert house.forget(CANARY).files == []
    house.take()
    assert house.ids() == ["i2", "i4", "i6"]


@pytest.mark.parametrize("is_done", [False, True])
@pytest.mark.parametrize("number", [1, 3])
@pytest.mark.cases
def test_a_forget_that_was_cut_off_is_ended(
    house: House, monkeypatch: pytest.MonkeyPatch, number: int, is_done: bool
) -> None:
    """Just before or after a file is written over."""
    written: list[str] = []
    overwrite = Folder.overwrite

    def cut_off(self: Folder, path: Path, name: str, etag: str = "") -> None:
        written.append(name)
        if len(written) < number or is_done:
            overwrite(self, path, name, etag)
        if len(written) == number:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Folder, "overwrite", cut_off)
        with pytest.raises(KeyboardInterrupt):
            house.forget(CANARY)
    assert pending(house.data.below("landing"))
    house.forget()
    assert (house.traces(), house.ids()) == ([], ["i2", "i4"])
    receipts = [house.data.read(name) for name in house.data.files() if name.endswith(".receipt.json")]
    assert not [one for one in receipts if b"before" in one]


@pytest.mark.parametrize("is_late", [False, True])
def test_what_somebody_drops_meanwhile_is_not_written_over(
    house: House, monkeypatch: pytest.MonkeyPatch, is_late: bool
) -> None:
    searcher = house.searcher(CANARY)
    found = searcher.find()
    overwrite, newer = Folder.overwrite, as_lines(impression(7, CANARY), impression(8, "eve"))

    def after_another(self: Folder, path: Path, name: str, etag: str = "") -> None:
        if name.startswith("inbox"):
            house.drop("c [1].jsonl", newer)
        overwrite(self, path, name, etag)

    if is_late:
        monkeypatch.setattr(Folder, "overwrite", after_another)
    else:
        house.drop("c [1].jsonl", newer)
    with pytest.raises(ChangedMeanwhileError, match=r"c \[1\]\.jsonl"):
        searcher.remove(found)
    assert house.data.read("inbox/impressions/c [1].jsonl") == newer


@pytest.mark.cases
def test_a_move_that_was_cut_off_is_ended_before_the_search(house: House) -> None:
    inbox, landing = house.data.below("inbox/impressions"), house.data.below("landing")
    place = "impressions/2026-11-29/00000009-20261129T100000.000Z-01234567"
    inbox.move("c [1].jsonl", landing, f"{place}/c [1].jsonl")
    assert len(house.forget(CANARY).files) == 3
    assert landing.has(f"{place}/.receipt.json")
    assert (house.traces(), house.ids()) == ([], ["i2", "i4", "i6"])


def test_results_of_queries_that_name_a_person_are_removed_and_no_others(house: House) -> None:
    results = house.data.below("results")
    for name, text in {f"{QUERY}0.csv": "bob", f"{QUERY}1.csv": CANARY, f"a folder/{QUERY}2.txt": CANARY}.items():
        results.write(name, f'"user"\n"{text}"\n'.encode())
        results.write(f"{name}.metadata", b"user")
    results.write("tables/of a reader.csv", CANARY.encode())
    assert remove_results(f"{results.url}/", [CANARY, "nobody"]) == 2
    assert results.files() == [f"{QUERY}0.csv", f"{QUERY}0.csv.metadata", "tables/of a reader.csv"]
    assert remove_results(f"{results.url}/", [CANARY]) == 0


def test_a_bucket_that_keeps_versions_is_warned_of(bucket: CountingBucket) -> None:
    import boto3

    client: Any = boto3.client("s3")
    client.create_bucket(Bucket="versioned")
    places = ["s3://versioned/ads", "s3://versioned/results/"]
    assert warnings_of_versions([*places, bucket.url]) == []
    for status in ("Enabled", "Suspended"):
        client.put_bucket_versioning(Bucket="versioned", VersioningConfiguration={"Status": status})
        (line,) = warnings_of_versions([*places, bucket.url])
        assert line.startswith("bucket versioned keeps older versions of its files")
    (line,) = warnings_of_versions(["s3://of-nobody/ads"])
    assert line.startswith("whether bucket of-nobody keeps older versions is not known (NoSuchBucket)")
