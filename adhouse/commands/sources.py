"""Lists the sources that there are, and shows how one of them would read a file or an API's answer."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from adhouse.apis import api_settings
from adhouse.commands.status import waiting_files
from adhouse.console import Terminal
from adhouse.errors import CommandError, Exit
from adhouse.settings import Settings, missing_key

if TYPE_CHECKING:
    from extract.profile import Profile
    from extract.readers import Batch, RejectedRecord
    from extract.schema import Kind
    from extract.source import SourceConfig

COLUMNS = ("source", "kind", "from", "preset", "replaces", "waiting")
ROWS_SHOWN, REJECTED_SHOWN, NAMES_SHOWN = 3, 10, 12
ROWS_IN_JSON, REJECTED_IN_JSON = 20, 1000
WIDEST_ORIGIN, WIDEST_VALUE = 22, 12  # characters, so that three records fit beside their fields


def sources(settings: Settings) -> dict[str, Any]:
    """Gathers the sources, and the names of folders in inbox and landing that belong to none."""
    waiting = {name: len(names) for name, names in waiting_files(settings).items()}
    landed = _landed(settings)
    return {
        "file": str(settings.sources_file) if settings.sources_file.exists() else None,
        "sources": [
            _listed(settings, source, waiting.get(name, 0), has_landed=name in landed)
            for name, source in settings.sources.items()
        ],
        "undeclared": {
            "inbox": {name: count for name, count in waiting.items() if not settings.takes_files(name)},
            "landing": [name for name in landed if name not in settings.sources],
        },
    }


def show_sources(terminal: Terminal, settings: Settings) -> None:
    """Prints the sources for a person."""
    found = sources(settings)
    terminal.table(COLUMNS, [[one[name] or "" for name in COLUMNS[:-1]] + [one["waiting"]] for one in found["sources"]])
    terminal.result(f"files are taken from a folder for each source: {_inbox(settings, '<source>')}")
    if found["file"]:
        terminal.result(f"{found['file']} is in order and declares {len(settings.declared)}")
    else:
        terminal.result(f"there is no {settings.sources_file}: copy sources.yml.example to declare sources of your own")
    for one in found["sources"]:
        if one["address"]:
            terminal.result(f"{one['source']} is asked at {one['address']}{_token_of(one)}")
        if one["report"]:
            terminal.result(f"{one['source']} has had no file yet. To download: {one['report']}")
    for name, count in found["undeclared"]["inbox"].items():
        terminal.message(undeclared_inbox(settings, name, count), "yellow")
    for name in found["undeclared"]["landing"]:
        said = f"{name} is declared no more: the rows that it brought stay and count, and nothing new is taken"
        terminal.message(said, "yellow")


def _token_of(listed: Mapping[str, Any]) -> str:
    if listed["token_env"] is None:
        return ""
    return f", with the token in {listed['token_env']}{'' if listed['has_token'] else ', which is not set'}"


def undeclared_inbox(settings: Settings, name: str, count: int) -> str:
    """Says that files wait in a folder from which no source takes any."""
    files = "1 file waits" if count == 1 else f"{count:,} files wait"
    if name in settings.sources:
        return f"warning: {files} in {_inbox(settings, name)}, and {name} is an API, which takes none"
    near = get_close_matches(name.lower(), settings.sources, 1)
    meant = f"move them to inbox/{near[0]}, or declare {name} in sources.yml" if near else "declare it in sources.yml"
    return f"warning: {files} in {_inbox(settings, name)}, and there is no such source: {meant}"


@dataclass
class Trial:
    """What a run would do with a file, or with an API's answer.

    Attributes:
        source: The name of the source.
        file: The file, or the day for which the API was asked.
        read: The number of its records.
        loaded: How many of them would be loaded.
        rejected: How many would not.
        quarantined: Why the whole file would be quarantined, in words; None if it would not.
        origins: Where each of our fields comes from.
        rows: The first records that would be loaded.
        unused: What comes beside our fields, and in how many records; it is kept as JSON.
        rejections: The first records that would not be loaded: line or record, reason, field, value, and words.
        doubts: What a run would warn about.
    """

    source: str
    file: str
    read: int = 0
    loaded: int = 0
    rejected: int = 0
    quarantined: str | None = None
    origins: dict[str, str] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)
    unused: Counter[str] = field(default_factory=Counter)
    rejections: list[dict[str, Any]] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)

    def drop(self) -> None:
        """Forgets the records that were added."""
        self.read = self.loaded = self.rejected = 0
        self.rows, self.rejections = [], []
        self.unused.clear()

    def add(self, fields: Mapping[str, str], kind: "Kind", batch: "Batch") -> None:
        """Adds some records, as a run would."""
        self.read += len(batch)
        self.loaded += batch.records.num_rows
        self.rejected += len(batch.rejected)
        for row in batch.records.slice(0, ROWS_IN_JSON - len(self.rows)).to_pylist():
            self.unused.update(json.loads(row.pop("_extra") or "{}").keys())
            self.rows.append({"record": row.pop("_position"), **{name: _plain(value) for name, value in row.items()}})
        for one in batch.rejected[: REJECTED_IN_JSON - len(self.rejections)]:
            self.rejections.append(_rejection(one, kind.name, fields))


def try_source(settings: Settings, name: str, what: Path | None) -> Trial:
    """Tries a source on a file, or an API on a day.

    Raises:
        CommandError: There is no such source, file or day, or it cannot be tried.
    """
    if settings.source(name).api is None:
        if what is None:
            raise CommandError(f"{name} is files, so it is tried on one", "give the path of a file", Exit.USAGE)
        return try_file(settings, name, what)
    try:
        day = None if what is None else date.fromisoformat(str(what))
    except ValueError:
        said = f"{name} is an API, which is asked for a day and reads no files"
        raise CommandError(said, "give a day as YYYY-MM-DD, or none", Exit.USAGE) from None
    return try_api(settings, name, day)


def try_file(settings: Settings, name: str, path: Path) -> Trial:
    """Reads a file as a source would, with the readers of a run, and neither takes nor loads anything.

    Raises:
        CommandError: There is no such file, or a key for its private fields is missing.
    """
    from extract.files import read_records, shape_of
    from extract.privacy import privacy_of
    from extract.readers import UnreadableFile

    source = settings.source(name)
    if not path.is_file():
        raise CommandError(f"there is no file {path}", "give the path of a file", Exit.USAGE)
    trial = _trial(settings, source, str(path))
    privacy = privacy_of(source.kinds, source.fields, settings.privacy_key)
    shapes = [(kind, shape_of(source, kind, settings.report_timezone, privacy)) for kind in source.kinds]
    try:
        trial.doubts = read_records(
            path, source, shapes, settings.max_rejected, partial(trial.add, source.fields), trial.drop
        )
    except UnreadableFile as why:
        trial.quarantined = str(why)
    return trial


def try_api(settings: Settings, name: str, day: date | None) -> Trial:
    """Asks an API for a day (None: the last one that is wanted) as a run does, and neither lands nor loads anything.

    Raises:
        CommandError: It has no address, token or usable answer, or a key for its private fields is missing.
    """
    from extract.http.client import ApiError
    from extract.http.source import try_api

    source, api = settings.source(name), api_settings(settings, name, datetime.now(UTC))
    if api is None:
        raise CommandError(f"{name} is not asked", "set ADHOUSE_API_URL to its address", Exit.USAGE)
    settings.check_tokens([name])
    asked = (day or api.until) if api.answers == "by_day" else None
    trial = _trial(settings, source, str(asked or "what there is"))
    try:
        with TemporaryDirectory() as folder:
            trial.doubts = try_api(
                source,
                api,
                asked,
                settings.report_timezone,
                settings.privacy_key,
                settings.max_rejected,
                Path(folder),
                partial(trial.add, source.fields),
            )
    except ApiError as error:
        raise CommandError(f"{name} {trial.file}: {error}", "a run would ask again; nothing was loaded") from None
    return trial


def _trial(settings: Settings, source: "SourceConfig", what: str) -> Trial:
    if source.has_private_fields and not settings.privacy_key:
        raise missing_key(source.name)
    fields = [name for kind in source.kinds for name in kind.record_type.fields]
    return Trial(source.name, what, origins={name: _origin(source.profile, name) for name in fields})


def show_trial(terminal: Terminal, trial: Trial) -> None:
    """Prints what a run would do: the first records field by field, and what is wrong with others."""
    if trial.rows and not trial.quarantined:
        first = trial.rows[:ROWS_SHOWN]
        heads = ["field", "from", *(f"record {row['record']}" for row in first)]
        terminal.table(
            heads,
            [
                [name, _cut(origin, WIDEST_ORIGIN), *(_cut(row[name], WIDEST_VALUE) for row in first)]
                for name, origin in trial.origins.items()
            ],
        )
    if trial.unused and not trial.quarantined:
        names = [*trial.unused]
        more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
        terminal.result(f"kept as JSON beside the fields: {', '.join(names[:NAMES_SHOWN])}{more}")
    for one in trial.rejections[:REJECTED_SHOWN]:
        terminal.result(f"{one['where']}: {one['wrong']} ({one['reason']})")
    if (more_rejected := trial.rejected - REJECTED_SHOWN) > 0:
        terminal.result(f"… and {more_rejected:,} more; --json has {min(trial.rejected, REJECTED_IN_JSON):,} of them")
    for doubt in trial.doubts:
        terminal.result(f"warning: {doubt}", "yellow")
    if trial.quarantined:
        terminal.result(f"{trial.file} would be quarantined as a whole: {trial.quarantined}", "bold")
    else:
        counts = f"{trial.read:,} records read, {trial.loaded:,} would be loaded, {trial.rejected:,} rejected"
        terminal.result(f"{trial.source}: {counts}; nothing was loaded", "bold")


def _listed(settings: Settings, source: "SourceConfig", waiting: int, *, has_landed: bool) -> dict[str, Any]:
    from extract.declared.sources import preset

    is_api = source.api is not None
    return {
        "source": source.name,
        "kind": ", ".join(kind.name for kind in source.kinds),
        "from": "API" if is_api else "files",
        "preset": source.preset,
        "replaces": source.name_part or source.replaces or source.files_replace(source.kinds[0]),
        "waiting": waiting,
        "inbox": None if is_api else _inbox(settings, source.name),
        "address": settings.address_of(source) if is_api else None,
        "token_env": source.api_profile.token_env,
        "has_token": bool(settings.token_of(source)),
        "is_declared": source.name in settings.declared,
        "timezone": source.timezone,
        "report": preset(source.preset).report if source.preset and not waiting and not has_landed else None,
        "profile": json.loads(json.dumps(source.profile.decides(), default=str)),
    }


def _inbox(settings: Settings, name: str) -> str:
    return f"{settings.data_url}/inbox/{name}/"


def _landed(settings: Settings) -> list[str]:
    from extract.storage import Folder

    entries = Folder.at(settings.data_url).below("landing").entries()
    return sorted(entry.name for entry in entries if entry.kind == "directory" and not entry.name.startswith("."))


def _origin(profile: "Profile", name: str) -> str:
    column = profile.columns.get(name)
    if column is None:
        return name
    if column.constant is not None:
        return "(constant)"
    names = " or ".join((column.name or name, *column.others))
    factors = f"{'' if column.multiply_by == 1 else f' * {column.multiply_by}'}"
    return f"{names}{factors}{'' if column.divide_by == 1 else f' / {column.divide_by}'}"


def _rejection(one: "RejectedRecord", kind: str, fields: Mapping[str, str]) -> dict[str, Any]:
    from extract.rejection import explain_rejection, type_of_field

    return {
        "where": f"record {one.position}" if one.line is None else f"line {one.line}",
        "wrong": explain_rejection(one.reason, one.field, one.value, type_of_field(kind, one.field, fields)),
        **{name: value for name, value in asdict(one).items() if name != "payload"},
    }


def _plain(value: object) -> object:
    """A value for a table and for JSON: exact, and without zeros that say nothing."""
    match value:
        case Decimal():
            return f"{value.normalize():f}"
        case date():
            return value.isoformat()
        case None | str() | bool() | int():
            return value
    return str(value)


def _cut(value: object, width: int) -> str:
    shown = "" if value is None else str(value)
    return shown if len(shown) <= width else f"{shown[: width - 1]}…"


def as_dict(trial: Trial) -> dict[str, Any]:
    """The trial for JSON."""
    return {**asdict(trial), "unused": sorted(trial.unused)}
