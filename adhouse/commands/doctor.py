"""Checks the environment, and suggests a fix for each failure."""

import platform
import shutil
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path

from adhouse.console import Terminal
from adhouse.dbt.runner import ensure_profile
from adhouse.errors import CommandError
from adhouse.explain import explain_error
from adhouse.lock import holder_of
from adhouse.settings import CAMPAIGN_API, Settings
from adhouse.warehouse.files import opened
from adhouse.warehouse.publish import LINK, check_link
from extract.source import SourceConfig

LEAST_FREE_BYTES = 2 << 30
OLDEST_PYTHON, NEWEST_PYTHON = (3, 11), (3, 13)


def examine(settings: Settings, terminal: Terminal) -> bool:
    """Runs every check, prints a line for each, and says whether all passed."""
    all_passed = True
    for name, check in _checks(settings).items():
        try:
            line, style, mark = check(settings), "", "ok"
        except Exception as error:
            end = explain_error(error, settings)
            all_passed = False
            line, style, mark = f"{end.message}" + (f" ({end.way_out})" if end.way_out else ""), "red", "no"
        terminal.result(f"{mark:<3}{name:<10} {line}", style)
    return all_passed


def _python(settings: Settings) -> str:
    if not OLDEST_PYTHON <= sys.version_info[:2] <= NEWEST_PYTHON:
        raise CommandError(
            f"Python {platform.python_version()} is not supported: 3.11 to 3.13 are", "`uv sync` installs one"
        )
    engine = ("dbt-athena-community", "boto3") if settings.is_in_cloud else ("dbt-duckdb", "duckdb")
    packages = ", ".join(f"{name} {version(name)}" for name in ("dbt-core", "dlt", *engine))
    return f"Python {platform.python_version()}, {packages}"


def _folders(settings: Settings) -> str:
    settings.home.mkdir(parents=True, exist_ok=True)
    probe = settings.home / ".doctor"
    probe.write_bytes(b"")
    probe.unlink()
    return f"{settings.home} can be written"


def _space(settings: Settings) -> str:
    free = shutil.disk_usage(settings.home).free
    if free < LEAST_FREE_BYTES:
        raise CommandError(f"{free / 2**30:.1f} GiB free in {settings.home}", "a run may need 2 GiB or more")
    return f"{free / 2**30:.0f} GiB free"


def _lock(settings: Settings) -> str:
    holder = holder_of(settings.home)
    return "free" if holder is None else f"held by pid {holder.pid} since {holder.started}: {holder.command}"


def _profile(settings: Settings) -> str:
    import yaml

    ensure_profile(settings)
    path = settings.profiles / "profiles.yml"
    project = yaml.safe_load((settings.project / "dbt_project.yml").read_text())["profile"]
    if settings.target not in yaml.safe_load(path.read_text())[project]["outputs"]:
        raise CommandError(f"{path} has no target {settings.target}", "copy the target from profiles.yml.example")
    return str(path)


def _sources(settings: Settings) -> str:
    names = ", ".join(settings.sources)
    return f"{names}; {len(settings.declared)} of them in {settings.sources_file}" if settings.declared else names


def _lake(settings: Settings) -> str:
    folder = Path(settings.lake_url)
    if not folder.exists():
        return f"{folder} does not exist yet; the first extract makes it"
    return f"{folder}, {sum(1 for _ in folder.rglob('*.parquet')):,} files"


def _warehouse(settings: Settings) -> str:
    if holder_of(settings.home) is not None:
        return "in use by the run"
    for path in (settings.warehouse, settings.marts):
        if path.exists():
            with opened(path, read_only=True) as connection:
                connection.execute("select count(*) from duckdb_tables()")
    return "can be opened" if settings.warehouse.exists() else "does not exist yet; the first build makes it"


def _published(settings: Settings) -> str:
    check_link(settings.published)
    link = settings.published / LINK
    if not link.exists():
        return "nothing yet"
    with opened(link, read_only=True) as connection:
        connection.execute("select count(*) from duckdb_tables()")
    return f"{link} -> {link.readlink()}"


def _api(settings: Settings) -> str:
    if settings.api_url is None:
        asked = (
            "its declared APIs alone" if settings.declared_apis else "the mock API if it is a demo, else files alone"
        )
        return f"ADHOUSE_API_URL is not set: a run reads {asked}"
    if settings.api_url == "none":
        return "ADHOUSE_API_URL is none: campaign_api is not asked"
    return _answering(settings, settings.sources[CAMPAIGN_API], settings.api_url, "ADHOUSE_API_URL")


def _declared_api(source: SourceConfig, settings: Settings) -> str:
    settings.check_tokens([source.name])
    return _answering(settings, source, source.api_profile.url or "", f"the `url` of {source.name}")


def _answering(settings: Settings, source: SourceConfig, url: str, named: str) -> str:
    import httpx

    since, until = settings.window(datetime.now(UTC), source)
    try:
        answer = httpx.get(url, timeout=5)
    except httpx.HTTPError as error:
        raise CommandError(f"{named} does not answer: {error}", "start the API, or correct the address") from None
    return f"{url} answers ({answer.status_code}); report days wanted: {since} to {until}"


def _alerts(settings: Settings) -> str:
    from adhouse.alerts.channels import open_channels

    shown = ", ".join(channel.shown for channel in open_channels(settings.alerts))
    return f"{shown}; `adhouse alerts --test` sends a message" if shown else "ADHOUSE_ALERTS is not set: nobody is told"


def _checks(settings: Settings) -> Mapping[str, Callable[[Settings], str]]:
    every = {"python": _python, "folders": _folders, "space": _space, "lock": _lock, "profile": _profile}
    every["sources"] = _sources
    if settings.is_in_cloud:
        from adhouse.aws import doctor as athena

        engine = {
            "amazon": athena.identity,
            "bucket": athena.bucket,
            "workgroup": athena.workgroup,
            "glue": athena.glue,
            "lake lock": athena.lock,
            "published": athena.published,
        }
    else:
        engine = {"lake": _lake, "warehouse": _warehouse, "published": _published}
    apis: dict[str, Callable[[Settings], str]] = {"api": _api}
    with suppress(CommandError):  # which the check of the sources tells
        apis |= {name: partial(_declared_api, source) for name, source in settings.declared_apis.items()}
    return every | engine | apis | {"alerts": _alerts}
