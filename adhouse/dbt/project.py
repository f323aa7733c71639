"""The dbt project: digests of its files, which say whether a build is needed, and the project as dbt parsed it.

Importing dbt and parsing the project takes seconds. Both happen beside the extraction, and what dbt parsed is kept in
`target/` of the project for as long as everything that parsing depends on is the same, whatever the data folder is.
"""

import gc
import hashlib
import logging
import os
import pickle
import re
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from dataclasses import fields
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from adhouse.dbt.results import BuildPlan
from adhouse.dbt.runner import call_dbt, environment
from adhouse.settings import PROJECT_FILE, Settings, whole_environment

# Where dbt looks unless `dbt_project.yml` says otherwise: for what tables depend on, and for the rest.
TABLES_FOLDERS = {
    "macro-paths": "macros",
    "model-paths": "models",
    "seed-paths": "seeds",
    "snapshot-paths": "snapshots",
}
OTHER_FOLDERS = {
    "test-paths": "tests",
    "analysis-paths": "analyses",
    "function-paths": "functions",
    "packages-install-path": "dbt_packages",
}
# Seeds whose changes the models follow by themselves: only what they decide is built again.
FOLLOWED_SEEDS = ("ad_names.csv", "campaign_names.csv", "campaign_targets.csv", "exchange_rates.csv")
PEOPLE = "dashboard_people.csv"  # no build depends on it: the dashboard reads it by itself
PROJECT_FILES = (PROJECT_FILE, "packages.yml", "dependencies.yml", "package-lock.yml")
SUFFIXES = (".sql", ".yml", ".yaml", ".csv", ".md", ".py")
READ_FROM_ENVIRONMENT = re.compile(rb"env_var\(\s*['\"](\w+)")

log = logging.getLogger(__name__)


class ProjectParser:
    """Parses the project in a thread of its own, from the moment it is known that a build is needed."""

    def __init__(self, settings: Settings, plan: BuildPlan) -> None:
        self._settings, self._plan = settings, plan
        self._parsed: Future[Any] | None = None
        self._lock = threading.Lock()

    def start(self) -> None:
        """Begins to parse; a second call does nothing."""
        with self._lock:
            if self._parsed is not None:
                return
            self._parsed = Future()
        import_module("jsonschema")  # imported beside other modules, it once failed half way
        sys.setswitchinterval(0.0005)  # seconds; a reader that waits for Arrow must not then wait as long for dbt
        gc.set_threshold(100_000)  # hundreds of thousands of objects come to stay, and each collection visits them
        # Not a thread of a pool, which would be waited for when a run is stopped.
        threading.Thread(target=self._parse, args=(self._parsed,), daemon=True, name="dbt-parse").start()

    def manifest(self) -> Any:
        """Gives dbt's manifest, once it is there.

        Raises:
            DbtError: The project is broken.
        """
        self.start()
        assert self._parsed
        return self._parsed.result()

    def _parse(self, parsed: "Future[Any]") -> None:
        try:
            began = time.monotonic()
            manifest = parsed_project(self._settings, self._plan)
            import_module("dbt.task.build")  # which takes a while too
            gc.freeze()  # all of this stays to the end
            log.info("parse", extra={"phase": "parse", "seconds": round(time.monotonic() - began, 3)})
            parsed.set_result(manifest)
        except BaseException as error:
            parsed.set_exception(error)


def fingerprint(settings: Settings) -> str:
    """Names what the tables' contents depend on as a whole: models, macros, seeds and settings."""
    digest = hashlib.sha256()
    for path in [settings.project / PROJECT_FILE, *_files(settings.project, TABLES_FOLDERS)]:
        if path.suffix != ".md" and path.name not in FOLLOWED_SEEDS:
            _add_file(digest, path, settings)
    for name, value in sorted(settings.environment_for_dbt().items()):
        _add_value(digest, name, value, settings)
    return digest.hexdigest()


def inputs_of(settings: Settings) -> str:
    """Names everything that a build depends on besides the data and the day: also tests, the profile and versions."""
    digest = hashlib.sha256(fingerprint(settings).encode())
    # Where an earlier build of this process wrote is still in the environment, and nothing depends on it.
    seen = whole_environment() | settings.environment_for_dbt() | {"ADHOUSE_GENERATION": ""}
    digest.update(state_of(settings, seen))
    for package in ("adhouse", "duckdb"):
        digest.update(f"{package} {version(package)}".encode())
    return digest.hexdigest()


def parsed_project(settings: Settings, plan: BuildPlan) -> Any:
    """Gives dbt's manifest of the project; for unchanged files and settings, the one that an earlier call has kept.

    Raises:
        DbtError: The project is broken; nothing is kept then.
    """
    # A stopped run cannot give dbt's semaphores back; Python frees them, and need not warn about it.
    sys.warnoptions.append("ignore:resource_tracker")
    kept = settings.project / "target" / f"parsed-{settings.target}.pickle"
    seen = whole_environment() | environment(settings, plan.as_of, plan.generation)
    key = state_of(settings, seen)
    try:
        manifest = _read(kept, key, seen)
    except Exception as error:
        log.warning("%s cannot be read, and is written again: %s", kept, error)
        manifest = None
    if manifest is None:
        manifest = call_dbt(settings, ["parse", "--no-write-json"], plan.as_of, plan.generation)
        try:
            _write(kept, key, manifest)
        except OSError as error:
            log.warning("the parsed project cannot be kept: %s", error)
    return manifest


def _read(kept: Path, key: bytes, seen: Mapping[str, str]) -> Any:
    content = kept.read_bytes() if kept.exists() else b""
    if not content.startswith(key):
        return None
    import_module("dbt.cli.main")  # which is needed anyway, and knows in which order dbt can be imported
    from dbt.constants import DEFAULT_ENV_PLACEHOLDER
    from dbt.contracts.graph.manifest import Manifest

    # Our own file, as trustworthy as the project beside it.
    manifest: Any = Manifest(**pickle.loads(content.removeprefix(key)))  # noqa: S301
    if any(seen.get(name, DEFAULT_ENV_PLACEHOLDER) != value for name, value in manifest.env_vars.items()):
        return None
    manifest.build_parent_and_child_maps()
    return manifest


def _write(kept: Path, key: bytes, manifest: Any) -> None:
    kept.parent.mkdir(exist_ok=True)
    unfinished = kept.with_suffix(f".{os.getpid()}.tmp")
    try:
        # Field by field: a manifest's own way to be pickled mixes its fields up (dbt-core 1.11).
        names = [one.name for one in fields(manifest) if not one.name.startswith("_")]
        unfinished.write_bytes(key + pickle.dumps({name: getattr(manifest, name) for name in names}))
        os.replace(unfinished, kept)
    finally:
        unfinished.unlink(missing_ok=True)


def state_of(settings: Settings, seen: Mapping[str, str]) -> bytes:
    """Names all that parsing depends on, except the variables that models read, which dbt notes in the manifest."""
    digest = hashlib.sha256()
    versions = [version(f"dbt-{package}") for package in ("core", "adapters", settings.target)]
    for value in (sys.version, *versions, str(settings.project)):
        digest.update(value.encode() + b"\0")
    configuration = [*(settings.project / name for name in PROJECT_FILES), settings.profiles / "profiles.yml"]
    for path in filter(Path.exists, configuration):
        _add_file(digest, path, settings)
        for name in sorted(set(READ_FROM_ENVIRONMENT.findall(path.read_bytes()))):
            _add_value(digest, name.decode(), seen.get(name.decode(), ""), settings)
    for path in _files(settings.project, TABLES_FOLDERS | OTHER_FOLDERS):
        _add_file(digest, path, settings)
    return digest.digest()


def _files(project: Path, folders: Mapping[str, str]) -> Iterator[Path]:
    try:
        configured = yaml.safe_load((project / PROJECT_FILE).read_bytes())
    except yaml.YAMLError:
        configured = None  # dbt will say what is wrong with it
    configured = configured if isinstance(configured, dict) else {}
    for name, default in folders.items():
        value = configured.get(name, default)
        for folder in value if isinstance(value, list) else [value]:
            found = (project / str(folder)).rglob("*")
            yield from sorted(path for path in found if path.suffix in SUFFIXES and path.name != PEOPLE)


def _add_file(digest: "hashlib._Hash", path: Path, settings: Settings) -> None:
    name = path.relative_to(settings.project) if path.is_relative_to(settings.project) else path
    digest.update(name.as_posix().encode() + b"\0" + path.read_bytes() + b"\0")


def _add_value(digest: "hashlib._Hash", name: str, value: str, settings: Settings) -> None:
    # A data folder that was moved or copied whole is still the same.
    digest.update(f"{name}={value.replace(str(settings.home), '')}\0".encode())
