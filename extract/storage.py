"""Folders of whole files, wherever they are kept: on a disk, or in a bucket by another fsspec address.

A bucket shows a file under its name when it is whole, and never half of it. Everything here rests on that, so the disk
is taught the same.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from glob import has_magic
from io import FileIO
from pathlib import Path
from typing import Any

from fsspec import AbstractFileSystem
from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

_PIECE = 16 << 20


class WholeFiles(LocalFileSystem):  # type: ignore[misc]
    """A disk on which a file is whole under its name or is not there, whenever the writer is killed."""

    def put_file(self, path1: str, path2: str, *args: object, **options: object) -> None:
        """Links the file there, which copies nothing; copies it where the file systems differ.

        What is there already under that name came from an earlier try, and is whole.
        """
        try:
            os.link(path1, path2)
        except FileExistsError:
            return
        except OSError as error:
            if error.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP):
                raise
            _replace(path2, lambda unfinished: shutil.copyfile(path1, unfinished))

    def mv(self, path1: str, path2: str, *args: object, **options: object) -> None:
        """Renames a file; between file systems copies it to the disk before the first one is removed."""
        try:
            os.rename(path1, path2)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            _replace(path2, lambda unfinished: shutil.copyfile(path1, unfinished))
            os.unlink(path1)

    def pipe_file(self, path: str, value: bytes, *args: object, **options: object) -> None:
        """Writes a file, to the disk."""
        _replace(path, lambda unfinished: Path(unfinished).write_bytes(value))

    def find(self, path: str, *args: object, **options: object) -> list[str]:
        """Finds all files below a folder, without asking for more than their names."""
        return [f"{folder}/{name}" for folder, _, names in os.walk(path) for name in names]

    def write_text(self, path: str, value: str, *args: object, **options: object) -> None:
        """Writes a file of UTF-8, to the disk."""
        os.makedirs(os.path.dirname(path), exist_ok=True)
        self.pipe_file(path, value.encode())


def _replace(path: str, write: Callable[[str], object]) -> None:
    unfinished = f"{path}.tmp"
    try:
        write(unfinished)
        sync(unfinished)
        os.replace(unfinished, path)
    except BaseException:
        Path(unfinished).unlink(missing_ok=True)
        raise


def sha256_of(path: Path) -> str:
    """The sha256 of a file."""
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        hash_into(digest, file)
    return digest.hexdigest()


def hash_into(digest: hashlib._Hash, file: FileIO) -> int:
    """Adds the rest of a file to a digest, and gives the number of its bytes.

    It is read in pieces so large that threads beside this one do not hold it up between them.
    """
    # No more than the file needs: to fill 16 MiB with zeros takes longer than to read a small file.
    buffer, size = memoryview(bytearray(min(_PIECE, os.fstat(file.fileno()).st_size + 1))), 0
    while count := file.readinto(buffer):
        digest.update(buffer[:count])
        size += count
    return size


def sync(path: str | Path) -> None:
    """Waits until what the file holds is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class PreconditionError(Exception):
    """An object is not the one that was seen."""


@dataclass(frozen=True)
class Entry:
    """What a folder has under a name; `changed` is its time of last change in seconds since 1970.

    In a bucket `etag` names the object: another one under the same name has another.
    """

    name: str
    kind: str
    size: int
    changed: float
    etag: str = ""


@dataclass(frozen=True)
class Folder:
    """A folder whose names are relative to it and have slashes. No name is a pattern, as it is to fsspec's buckets."""

    fs: AbstractFileSystem
    root: str

    @classmethod
    def at(cls, url: str | Path) -> Folder:
        """The folder at a path or an address such as `s3://bucket/prefix`."""
        text = str(url)
        if "://" in text and not text.startswith("file://"):
            # Other machines write there too, so what was listed a moment ago says nothing.
            return cls(*url_to_fs(text, use_listings_cache=False, skip_instance_cache=True))
        return cls(WholeFiles(), os.path.abspath(text.removeprefix("file://")))

    @property
    def is_local(self) -> bool:
        """Whether it is on a disk, where a file is moved in one step; in a bucket it is copied, then removed."""
        return isinstance(self.fs, LocalFileSystem)

    @property
    def url(self) -> str:
        """The folder's address."""
        return str(self.fs.unstrip_protocol(self.root))

    def path(self, name: str = "") -> str:
        """The name as the file system wants it."""
        return f"{self.root}/{name}" if name else self.root

    def below(self, name: str) -> Folder:
        """A folder in this one."""
        return Folder(self.fs, self.path(name))

    def make(self) -> None:
        """Makes the folder, where folders are made."""
        if self.is_local:
            self.fs.makedirs(self.root, exist_ok=True)

    def has(self, name: str) -> bool:
        """Whether there is a file of that name; what cannot be asked is an error, not a no."""
        if self.is_local:
            return bool(self.fs.isfile(self.path(name)))
        found = self.entry(name)  # `isfile` of a bucket takes every error for a no
        return found is not None and found.kind == "file"

    def entries(self) -> Iterator[Entry]:
        """What lies directly in the folder; nothing when there is none."""
        try:
            found: list[dict[str, Any]] = self.fs.ls(self.root, detail=True)
        except FileNotFoundError:
            return
        # A bucket may have an empty file that stands for the folder itself.
        yield from (_entry(info) for info in found if info["name"].rstrip("/") != self.root)

    def all_entries(self) -> Iterator[Entry]:
        """What lies in the folder and in those below it, named by its path; no link is followed.

        On a disk a folder is there itself only if it cannot be read; a bucket has none.
        """
        if not self.is_local:
            start = len(self.root.rstrip("/")) + 1
            found = self.fs.find(self.root, detail=True)
            yield from (replace(_entry(found[path]), name=path[start:]) for path in found if not path.endswith("/"))
            return
        folders = [Entry("", "directory", 0, 0)]
        while folders:
            folder = folders.pop()
            try:
                found_here = [*self.below(folder.name).entries()]
            except OSError:
                if not folder.name:
                    raise
                yield folder
                continue
            for entry in found_here:
                named = replace(entry, name=f"{folder.name}/{entry.name}") if folder.name else entry
                if entry.kind == "directory":
                    folders.append(named)
                else:
                    yield named

    def entry(self, name: str) -> Entry | None:
        """What lies under a name."""
        try:
            return replace(_entry(self.fs.info(self.path(name))), name=name)
        except FileNotFoundError:
            return None

    def files(self) -> list[str]:
        """The names of all files, however deep, in order."""
        start = len(self.root.rstrip("/")) + 1
        return sorted(path[start:] for path in self.fs.find(self.root) if not path.endswith("/"))

    def read(self, name: str) -> bytes:
        """The content of a file."""
        content: bytes = self.fs.cat_file(self.path(name), **self._in_one_call)
        return content

    def read_all(self, names: Iterable[str]) -> Mapping[str, bytes]:
        """The contents of files by name; from a bucket many at once."""
        paths = {self.path(name): name for name in names}
        if self.is_local or not paths:
            return {name: self.read(name) for name in paths.values()}
        return {paths[path]: content for path, content in self.fs.cat([*paths], **self._in_one_call).items()}

    def size(self, name: str) -> int:
        """The size of a file in bytes."""
        return int(self.fs.size(self.path(name)))

    def write(self, name: str, content: bytes) -> None:
        """Writes a file, to the disk."""
        self._make_parent(name)
        self.fs.pipe_file(self.path(name), content)

    def put(self, path: Path, name: str) -> None:
        """Puts a finished local file there; the local one may from then on be removed, but not changed."""
        self._make_parent(name)
        self.fs.put_file(str(path), self.path(name))

    def overwrite(self, path: Path, name: str, etag: str = "") -> None:
        """Puts a finished local file in the place of the one under a name, in one step.

        On a disk both are on the same one, and the new file gets the old one's time of change.

        Raises:
            PreconditionError: By now there is another object than the one with this ETag; it stays.
        """
        target = self.path(name)
        if self.is_local:
            state = os.stat(target)
            os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
            sync(path)
            os.replace(path, target)
            sync(os.path.dirname(target))
            return
        try:
            self.fs.put_file(str(path), target, **({"IfMatch": etag} if etag else {}))
        except OSError as error:
            if error.errno == errno.EINVAL:  # so s3fs says that a condition does not hold
                raise PreconditionError(name) from error
            raise

    def move(self, name: str, target: Folder, target_name: str, etag: str = "") -> None:
        """Moves a file to another folder of the same file system.

        Raises:
            PreconditionError: There is, or by now is, another object than the one with this ETag; it stays.
        """
        target._make_parent(target_name)
        source = self.path(name)
        if self.is_local:
            self.fs.mv(source, target.path(target_name))
            return
        try:
            options = {"CopySourceIfMatch": etag} if etag else {}
            self.fs.cp_file(source, target.path(target_name), **options)
        except OSError as error:
            if error.errno == errno.EINVAL:  # so s3fs says that a condition does not hold
                raise PreconditionError(name) from error
            raise
        if etag and (found := self.entry(name)) and found.etag != etag:
            raise PreconditionError(name)
        self.fs.rm_file(source)  # a name is never a pattern

    def remove(self, name: str = "") -> None:
        """Removes a file, or a folder with all that is in it; nothing when there is none."""
        path = self.path(name)
        if not self.is_local and has_magic(path):
            for found in self.fs.find(path):
                self.fs.rm_file(found)
            return
        try:
            self.fs.rm(path, recursive=True)
        except FileNotFoundError:
            return

    def remove_all(self, names: Iterable[str]) -> None:
        """Removes files that are there; from a bucket many at once."""
        paths = [self.path(name) for name in names]
        patterns = [] if self.is_local else [path for path in paths if has_magic(path)]
        for path in patterns:
            self.fs.rm_file(path)
        if plain := [path for path in paths if path not in patterns]:
            self.fs.rm(plain)

    @contextmanager
    def local(self, name: str) -> Iterator[Path]:
        """A file as a local path, for the length of the block; one of a bucket is fetched."""
        if self.is_local:
            yield Path(self.path(name))
            return
        with tempfile.TemporaryDirectory(prefix="adhouse-") as folder:
            path = Path(folder, name.rpartition("/")[2])
            self.fs.get_file(self.path(name), str(path))
            yield path

    @property
    def _in_one_call(self) -> dict[str, int]:
        """How to read a file whole: s3fs would otherwise ask for its size first, to read a long one in pieces."""
        return {"max_concurrency": 1} if "s3" in self.fs.protocol else {}

    def _make_parent(self, name: str) -> None:
        if self.is_local:
            self.fs.makedirs(self.path(name).rpartition("/")[0], exist_ok=True)


def _entry(info: dict[str, Any]) -> Entry:
    kind = "symbolic link" if info.get("islink") else info["type"]
    changed = info["LastModified"].timestamp() if "LastModified" in info else info.get("mtime", 0.0)
    return Entry(info["name"].rpartition("/")[2], kind, info["size"], changed, info.get("ETag", ""))
