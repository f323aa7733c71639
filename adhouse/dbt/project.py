"""The dbt project: what its files make of the data, named by a fingerprint, and the project as dbt parsed it.

Parsing takes dbt seconds, and the result is the same for every data folder. So it is kept beside the project, in dbt's
own folder for what can be made again (`target/`), and given to dbt while these files and this environment are the same.
"""

import gc
import hashlib
import logging
import os
import re
import sys
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from datetime import datetime
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from adhouse.dbt.runner import call_dbt, ensure_profile, environment
from adhouse.settings import Settings

# Where dbt looks unless `dbt_project.yml` says otherwise, for what tables depend on and for the rest.
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
    "docs-paths": "docs",
    "packages-install-path": "dbt_packages",
}
PROJECT_FILES = ("dbt_project.yml", "packages.yml", "dependencies.yml", "package-lock.yml")
SUFFIXES = (".sql", ".yml", ".yaml", ".csv", ".md", ".py")
READ_FROM_ENVIRONMENT = re.compile(rb"env_var\(\s*['\"](\w+)")

log = logging.getLogger(__name__)


def fingerprint(settings: Settings) -> str:
    """Names what the tables' contents depend on besides the data: models, macros, seeds, project and settings."""
    digest = hashlib.sha256()
    for path in [settings.project / "dbt_project.yml", *_files(settings.project, TABLES_FOLDERS)]:
        if path.suffix != ".md":
            _add_file(digest, path, settings)
    for name, value in sorted(settings.environment_for_dbt().items()):
        _add_value(digest, name, value, settings)
    return digest.hexdigest()


def parse_ahead(settings: Settings, as_of: datetime, generation: str) -> "Future[Any]":
    """Gets the parsed project beside the extraction: importing dbt alone takes more than a second.

    Returns:
        The manifest, for `transform.build`; what was wrong with the project is raised there.
    """
    import_module("jsonschema")  # imported beside other modules, it has once failed half way
    sys.setswitchinterval(0.0005)  # seconds: a reader that waits for Arrow must not then wait as long for the parser
    gc.set_threshold(100_000)  # hundreds of thousands of objects come to stay, and looking for garbage among them costs
    parsed: Future[Any] = Future()

    def parse() -> None:
        try:
            manifest = parsed_project(settings, as_of, generation)
            import_module("dbt.task.build")  # which takes a while too
            gc.freeze()  # all of this stays to the end
            parsed.set_result(manifest)
        except BaseException as error:
            parsed.set_exception(error)

    # Not of a pool, which would wait for its end when a run is stopped.
    threading.Thread(target=parse, daemon=True, name="dbt-parse").start()
    return parsed


def parsed_project(settings: Settings, as_of: datetime, generation: str) -> Any:
    """Gives dbt's manifest of the project; the second time for the same files, from what the first time kept.

    Raises:
        CommandError: The project is broken; nothing is kept then.
    """
    # What a stopped run cannot give back of dbt's semaphores, Python's keeper of them frees; it need not complain.
    sys.warnoptions.append("ignore:resource_tracker")
    ensure_profile(settings)
    kept = settings.project / "target" / f"parsed-{settings.target}.msgpack"
    seen = os.environ | environment(settings, as_of, generation)
    key = state_of(settings, seen)
    try:
        manifest = _read(kept, key, seen)
    except Exception as error:
        log.warning("%s cannot be read, and is made anew: %s", kept, error)
        manifest = None
    if manifest is None:
        manifest = call_dbt(settings, ["parse", "--no-write-json"], as_of, generation)
        try:
            _write(kept, key, manifest)
        except OSError as error:
            log.warning("the parsed project cannot be kept: %s", error)
    return manifest


def _read(kept: Path, key: bytes, seen: dict[str, str]) -> Any:
    """Does what dbt does with what it keeps itself (`ManifestLoader.load`, when nothing has changed)."""
    if not kept.exists():
        return None
    content = kept.read_bytes()
    if not content.startswith(key):
        return None
    from dbt.constants import DEFAULT_ENV_PLACEHOLDER
    from dbt.contracts.graph.manifest import Manifest
    from dbt.parser.manifest import extended_mashumuro_decoder

    manifest: Any = Manifest.from_msgpack(content.removeprefix(key), decoder=extended_mashumuro_decoder)
    if any(seen.get(name, DEFAULT_ENV_PLACEHOLDER) != value for name, value in manifest.env_vars.items()):
        return None
    manifest.build_parent_and_child_maps()
    manifest.build_flat_graph()
    return manifest


def _write(kept: Path, key: bytes, manifest: Any) -> None:
    from dbt.parser.manifest import extended_mashumaro_encoder

    kept.parent.mkdir(exist_ok=True)
    unfinished = kept.with_suffix(f".{os.getpid()}.tmp")
    try:
        unfinished.write_bytes(key + manifest.to_msgpack(extended_mashumaro_encoder))
        os.replace(unfinished, kept)
    finally:
        unfinished.unlink(missing_ok=True)


def state_of(settings: Settings, seen: dict[str, str]) -> bytes:
    """Names all that parsing depends on but the environment that models read, which dbt notes in the manifest."""
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
        configured = yaml.safe_load((project / "dbt_project.yml").read_bytes())
    except yaml.YAMLError:
        configured = None  # dbt will say what is wrong with it
    configured = configured if isinstance(configured, dict) else {}
    for name, default in folders.items():
        value = configured.get(name, default)
        for folder in value if isinstance(value, list) else [value]:
            yield from sorted(path for path in (project / str(folder)).rglob("*") if path.suffix in SUFFIXES)


def _add_file(digest: "hashlib._Hash", path: Path, settings: Settings) -> None:
    name = path.relative_to(settings.project) if path.is_relative_to(settings.project) else path
    digest.update(name.as_posix().encode() + b"\0" + path.read_bytes() + b"\0")


def _add_value(digest: "hashlib._Hash", name: str, value: str, settings: Settings) -> None:
    # A data folder that was moved or copied whole is still the same.
    digest.update(f"{name}={value.replace(str(settings.home), '')}\0".encode())
