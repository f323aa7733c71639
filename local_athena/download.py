"""Downloads Trino from Maven Central once and keeps it: the server, and the two of its 50 plugins that Athena has."""

import fcntl
import hashlib
import os
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree

import httpx
from platformdirs import user_cache_path
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

VERSION = "476"
SHA256 = "cfd5accde17e8ebd251eeeb78aed1f490e77bb3a164d95a0f454bf8a7c1cbd3f"
ARCHIVE = f"io/trino/trino-server/{VERSION}/trino-server-{VERSION}.tar.gz"
WANTED = ("lib/", "plugin/hive/", "plugin/iceberg/", "NOTICE")
UNWANTED = ("plugin/hive/hdfs/", "plugin/iceberg/hdfs/")  # Hadoop's file systems; for S3 Trino has its own
MAVEN_CENTRAL = "https://repo.maven.apache.org/maven2"
MAVEN_SETTINGS = Path("~/.m2/settings.xml")
CHUNK = 1 << 20


class DownloadError(Exception):
    """Trino could not be downloaded; the message says why."""


def trino_home() -> Path:
    """Returns the folder of an unpacked Trino, fetching it first if it is not there.

    An interrupted download is resumed; a file with the wrong checksum is deleted. Two processes that need it at once
    wait for each other.

    Raises:
        DownloadError: The repository cannot be reached, or sent something else.
    """
    cache = Path(os.environ.get("ADHOUSE_TRINO_CACHE") or user_cache_path("adhouse") / "trino")
    home = cache / f"trino-server-{VERSION}"
    cache.mkdir(parents=True, exist_ok=True)
    with _alone(cache / "lock"):
        if not home.is_dir():
            archive = cache / f"trino-server-{VERSION}.tar.gz.part"
            url = f"{repository()}/{ARCHIVE}"
            try:
                fetch(url, archive, SHA256)
            except (httpx.HTTPError, OSError) as error:
                raise DownloadError(f"Trino could not be fetched from {url}: {error}") from error
            unpack(archive, home)
            archive.unlink()
    return home


def repository(settings: Path = MAVEN_SETTINGS) -> str:
    """Returns the address of Maven Central, or of its mirror.

    ADHOUSE_MAVEN_REPOSITORY decides; without it, a mirror of `central` in Maven's own settings.
    """
    if address := os.environ.get("ADHOUSE_MAVEN_REPOSITORY"):
        return address.rstrip("/")
    path = settings.expanduser()
    if path.is_file():
        for mirror in ElementTree.parse(path).iterfind("{*}mirrors/{*}mirror"):
            mirrored = (mirror.findtext("{*}mirrorOf") or "").replace(" ", "").split(",")
            address = mirror.findtext("{*}url")
            if address and {"central", "*", "external:*"} & set(mirrored) and "!central" not in mirrored:
                return address.strip().rstrip("/")
    return MAVEN_CENTRAL


def fetch(url: str, path: Path, sha256: str) -> None:
    """Downloads a file, resuming from what `path` already has, and removes it if its checksum is wrong.

    Raises:
        DownloadError: The checksum is wrong.
        httpx.HTTPError: The server cannot be reached, or refuses.
    """
    bars = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*bars, console=Console(stderr=True)) as progress, path.open("ab") as file:
        started = file.tell()
        with httpx.stream("GET", url, headers={"Range": f"bytes={started}-"}, follow_redirects=True) as answer:
            if answer.status_code != httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:  # otherwise it is complete already
                answer.raise_for_status()
                if answer.status_code != httpx.codes.PARTIAL_CONTENT:
                    file.truncate(0)
                    started = 0
                total = started + int(answer.headers.get("Content-Length", 0))
                task = progress.add_task(f"Trino {VERSION}, once", total=total or None, completed=started)
                for chunk in answer.iter_raw(CHUNK):
                    file.write(chunk)
                    progress.advance(task, len(chunk))
    with path.open("rb") as file:
        got = hashlib.file_digest(file, "sha256").hexdigest()
    if got != sha256:
        path.unlink()
        raise DownloadError(f"{url} has the checksum {got}, and not {sha256}")


def unpack(archive: Path, home: Path) -> None:
    """Unpacks the needed part of the archive; `home` appears only when it is complete.

    The archive stores a jar that several plugins share only once, and the others as links to it, so a plugin may need
    files of plugins that are not unpacked.
    """
    half = home.with_suffix(".half")
    shutil.rmtree(half, ignore_errors=True)
    with tarfile.open(archive) as tar:
        places: dict[str, list[Path]] = {}
        for member in tar:
            _, _, inside = member.name.partition("/")
            if not member.isdir() and inside.startswith(WANTED) and not inside.startswith(UNWANTED):
                places.setdefault(member.linkname if member.islnk() else member.name, []).append(half / inside)
    with tarfile.open(archive) as tar:
        for member in tar:
            wanted = places.get(member.name, []) if member.isreg() else []
            content = tar.extractfile(member) if wanted else None
            if content is None:
                continue
            for place in wanted:
                place.parent.mkdir(parents=True, exist_ok=True)
            with content, wanted[0].open("wb") as file:
                shutil.copyfileobj(content, file)
            for place in wanted[1:]:
                place.hardlink_to(wanted[0])
    half.rename(home)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
