"""Results of queries, which Athena keeps as files until somebody removes them; some of them name people."""

import re
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor

from extract.storage import Folder

RESULT = re.compile(r"(.*/)?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.(csv|txt)")
READ_AT_ONCE = 16  # each waits for the network


def remove_results(results: str, texts: Collection[str]) -> int:
    """Removes each result that has one of these texts, and returns their number; a second call finds none.

    Other files are not looked into: readers may keep tables of their own there.

    Args:
        results: The S3 address where Athena puts the results of queries.
        texts: What is looked for, as it stands in cells.
    """
    folder = Folder.at(results.rstrip("/"))
    names = folder.files()
    pattern = re.compile("|".join(map(re.escape, texts)).encode())

    def has_text(name: str) -> bool:
        with folder.local(name) as path, path.open("rb") as lines:
            return any(map(pattern.search, lines))

    found = [name for name in names if RESULT.fullmatch(name)]
    with ThreadPoolExecutor(READ_AT_ONCE, "results") as pool:
        removed = [name for name, is_removed in zip(found, pool.map(has_text, found), strict=True) if is_removed]
    folder.remove_all(sorted({f"{name}.metadata" for name in removed}.intersection(names)))
    folder.remove_all(removed)
    return len(removed)
