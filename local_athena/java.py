"""Finds a Java that can run Trino: by JAVA_HOME, on the path, or in the usual folders for JVMs."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

NEEDED = 25
JVM_FOLDERS = (
    "/usr/lib/jvm/*",
    "/usr/java/*",
    "/opt/java/*",
    "/Library/Java/JavaVirtualMachines/*/Contents/Home",
    "~/.sdkman/candidates/java/*",
    "~/.jdks/*",
)


class JavaMissingError(Exception):
    """No Java on this machine is new enough; the message says what to do."""


def find_java(needed: int = NEEDED) -> Path:
    """Returns the first `java` that is new enough.

    Raises:
        JavaMissingError: There is none.
    """
    found = {java: version_of(java) for java in candidates()}
    for java, version in found.items():
        if version >= needed:
            return java
    seen = ", ".join(f"{version} at {java}" for java, version in found.items()) or "no Java at all"
    raise JavaMissingError(
        f"the local Athena needs Java {needed} or later, and found {seen}; install one (Temurin {needed}, say) or let "
        "JAVA_HOME name it"
    )


def candidates(folders: Iterable[str] = JVM_FOLDERS) -> Iterator[Path]:
    """Yields each `java` on this machine, those chosen by a person first."""
    if home := os.environ.get("JAVA_HOME"):
        yield Path(home, "bin", "java")
    if on_path := shutil.which("java"):
        yield Path(on_path).resolve()
    for folder in folders:
        pattern = Path(folder).expanduser()
        yield from (home / "bin" / "java" for home in sorted(Path("/").glob(str(pattern.relative_to("/")))))


def version_of(java: Path) -> int:
    """Returns the major version of a `java`; 0 if it cannot be run."""
    if not os.access(java, os.X_OK):
        return 0
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(?:1\.)?(\d+)', said)
    return int(version.group(1)) if version else 0
