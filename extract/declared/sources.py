"""Reads `sources.yml`: what a user's own sources are, or every mistake in the file, a line each."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from extract.convert import RecordRejected, converter_of
from extract.declared.api import NO_SECRETS, ApiKeys, AuthKeys, PagingKeys, is_secret
from extract.declared.keys import (
    FIELDS,
    PRESET_NAMES,
    PRESETS,
    SOURCE_NAME,
    ColumnKeys,
    FilesKeys,
    PresetKeys,
    ReplacesKeys,
    SourceKeys,
    ValueKeys,
)
from extract.declared.text import Place, TextError, read_text
from extract.declared.values import Keys
from extract.http.profile import ApiProfile
from extract.profile import ONE, Column, Profile
from extract.registry import KINDS
from extract.schema import FieldType, Kind, RecordType
from extract.source import KindChoice, Replaces, SourceConfig

NUMBERS = (FieldType.COUNT, FieldType.DECIMAL, FieldType.MONEY)
CURRENCY = "{currency}"  # in the name of a column: the code that `currency` says
_SETTINGS = {"url": "ADHOUSE_API_URL", "token_env": "ADHOUSE_API_TOKEN", "since": "ADHOUSE_SINCE"}
API_REPLACES, FILES_REPLACE = ("days", "nothing", "all"), ("file_name", "days", "nothing", "name_part")

Mistake = tuple[Place, str]
"""Where it is, and what is wrong with what stands there."""


class SourcesFileError(Exception):
    """The file cannot be used.

    Attributes:
        mistakes: What is wrong, a line each, with the file, the line in it, the source and the key.
    """

    def __init__(self, mistakes: Sequence[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


class _MistakenError(Exception):
    """What stands below a place has mistakes."""

    def __init__(self, *mistakes: Mistake) -> None:
        super().__init__(mistakes)
        self.mistakes = mistakes


def read_sources(path: Path, built_in: Mapping[str, SourceConfig]) -> dict[str, SourceConfig]:
    """Reads the sources that a file declares.

    A source that is built in keeps its kind and its API, and takes over all else that the file says of it.

    Args:
        path: The file.
        built_in: The sources that there are without it.

    Raises:
        SourcesFileError: It cannot be read, or has mistakes: all of them are told.
    """
    try:
        text = read_text(path.read_bytes())
    except OSError as error:
        raise SourcesFileError([f"{path}: {error.strerror}"]) from None
    except TextError as error:
        raise SourcesFileError([_told(path, error.line or 0, (), str(error))]) from None
    found: dict[str, SourceConfig] = {}
    entries, mistakes = _entries(text.data)
    for name, keys in entries.items():
        try:
            found[name] = _source(name, keys, built_in.get(name))
        except _MistakenError as error:
            mistakes += [(("sources", name, *place), said) for place, said in error.mistakes]
    mistakes += _asked_twice(found)
    told = [(text.line_of(place) or 0, place, said) for place, said in mistakes]
    told += [(line, place, "stands here twice; keep one of them") for place, line in text.twice]
    if told:
        raise SourcesFileError([_told(path, *one) for one in sorted(told)])
    return found


def preset(name: str) -> PresetKeys:
    """A preset that is shipped."""
    return PresetKeys.model_validate(_preset(name))


def _preset(name: str) -> Mapping[str, Any]:
    data = read_text((PRESETS / f"{name}.yml").read_bytes()).data
    assert isinstance(data, dict)
    return data


def _told(path: Path, line: int, place: Place, said: str) -> str:
    where = f"{path.name} line {line}" if line else path.name
    keys = ".".join(place[1:] if place[:1] == ("sources",) else place)
    return f"{where}: {keys} {said}" if keys else f"{where}: {said}"


def _entries(data: object) -> tuple[Mapping[str, object], list[Mistake]]:
    """The sources by their names, and what is wrong around them."""
    if data is None:
        return {}, []
    if not isinstance(data, dict):
        return {}, [((), "is not `sources:` with the names of sources below it")]
    mistakes: list[Mistake] = [
        ((key,), "is no key of this file: sources stand below `sources:`") for key in data if key != "sources"
    ]
    entries = data.get("sources") or {}
    if not isinstance(entries, dict):
        return {}, [*mistakes, (("sources",), "wants the names of sources below it")]
    return entries, mistakes


def _source(name: str, raw: object, built_in: SourceConfig | None) -> SourceConfig:
    if not re.fullmatch(SOURCE_NAME, name):
        plain = re.sub("[^a-z0-9]+", "_", name.lower()).strip("_")
        better = f", such as `{plain}`" if re.fullmatch(SOURCE_NAME, plain) else ""
        rule = "wants up to 50 small letters, digits and underscores, a letter first"
        raise _MistakenError(((), f"cannot be the name of a folder: a name {rule}{better}"))
    raw = {} if raw is None else raw
    if not isinstance(raw, dict):
        raise _MistakenError(((), "wants keys below it, such as `preset:` or `kind:`"))
    if "api" in raw and raw["api"] is None:
        raw = {**raw, "api": {}}
    shipped = _shipped(raw.get("preset"))
    merged = _merged(shipped, raw)
    kinds = _kinds(merged, built_in)
    _validated(raw, kinds)
    keys = _validated(merged, kinds)
    if not kinds:
        raise _MistakenError(((), f"wants `kind:` ({', '.join(KINDS)}) or a `preset:`"))
    if keys.api is not None and not built_in and keys.replaces is None:
        keys = keys.model_copy(update={"replaces": ReplacesKeys(what="days", name_part=None)})
    api = _api(keys, built_in)
    senseless = (mistake for kind in kinds for mistake in _senseless(keys, kind.record_type))
    mistakes = [*_misplaced(keys, built_in), *_fieldless(keys, kinds), *_undated(keys, api), *dict.fromkeys(senseless)]
    if mistakes:
        raise _MistakenError(*mistakes)
    return SourceConfig(
        name,
        kinds,
        kind_of=_choice(keys),
        api=api,
        profile=_profile(keys),
        replaces=_replaces(keys),
        name_part=keys.replaces.name_part if keys.replaces else None,
        timezone=keys.timezone,
        preset=keys.preset,
    )


def _api(keys: SourceKeys, built_in: SourceConfig | None) -> ApiProfile | None:
    """How it is asked, if it is an API: as the keys say, over what is built in."""
    base = built_in.api if built_in else None
    return base if keys.api is None else keys.api.profile(base or ApiProfile(path="", parameters={}))


def _kinds(merged: Mapping[str, Any], built_in: SourceConfig | None) -> tuple[Kind, ...]:
    """The kinds of a source, as far as what it says makes sense."""
    choice = merged.get("kind_of")
    if isinstance(choice, dict):
        told = [choice[key] for key in ("kinds", "columns") if isinstance(choice.get(key), dict)]
        named = [*(kind for kinds in told for kind in kinds), choice.get("otherwise")]
    else:
        named = [merged.get("kind") or (built_in.kinds[0].name if built_in else None)]
    return tuple(KINDS[name] for name in dict.fromkeys(map(str, named)) if name in KINDS)


def _choice(keys: SourceKeys) -> KindChoice | None:
    if keys.kind_of is None:
        return None
    otherwise = KINDS.get(keys.kind_of.otherwise or "")
    if keys.kind_of.columns is not None:
        return KindChoice("", {column: KINDS[kind] for kind, column in keys.kind_of.columns.items()}, otherwise)
    told = keys.kind_of.kinds or {}
    values = {value.strip(): KINDS[kind] for kind, named in told.items() for value in named}
    return KindChoice(keys.kind_of.column or "", values, otherwise)


def _shipped(name: object) -> Mapping[str, Any]:
    """The keys of a source that a preset gives; none if there is no such preset."""
    if name not in PRESET_NAMES:
        return {}
    return {key: value for key, value in _preset(str(name)).items() if key in SourceKeys.model_fields}


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of both, those above first; `files` and `columns` key by key. An empty one takes its key away."""
    merged = {**below, **above}
    for part in ("files", "columns"):
        if isinstance(below.get(part), dict) and isinstance(above.get(part), dict):
            merged[part] = {**below[part], **above[part]}
        if isinstance(merged.get(part), dict):
            merged[part] = {key: value for key, value in merged[part].items() if value is not None}
    return merged


def _validated(raw: Mapping[str, object], kinds: Sequence[Kind]) -> SourceKeys:
    fields = [*dict.fromkeys(name for kind in kinds for name in kind.record_type.fields)] or FIELDS
    columns = raw.get("columns")
    if isinstance(columns, dict):  # an empty column takes away that of the preset
        raw = {**raw, "columns": {key: {} if value is None else value for key, value in columns.items()}}
    try:
        return SourceKeys.model_validate(raw, context={"fields": fields})
    except ValidationError as error:
        found = error.errors(include_url=False)
        raise _MistakenError(*(_mistake(one, fields, is_api="api" in raw) for one in found)) from None


def _mistake(error: ErrorDetails, fields: Sequence[str], *, is_api: bool) -> Mistake:
    """One of pydantic's errors in the words of a person who writes the file."""
    place = tuple(key for key in error["loc"] if isinstance(key, str) and key != "[key]")
    context, value = error.get("ctx", {}), error["input"]
    match error["type"]:
        case "extra_forbidden" if is_secret(place[-1]):
            return place, f"is no key here, and {NO_SECRETS}"
        case "extra_forbidden":
            return place, f"is no key here{_nearest(place, fields, is_api=is_api)}"
        case "value_error" if str(context["error"]) == "no-field":
            place = place if "[key]" in error["loc"] else (place[0], str(value))
            return place, f"is no field of ours{_suggested(place[-1], fields)}"
        case "value_error":
            return place, str(context["error"])
        case "literal_error" if "auth" in place:  # it may be the token that stands there
            return place, f"can be {context['expected']}"
        case "literal_error":
            return place, f"is {value!r}; it can be {context['expected']}"
        case "int_parsing" | "int_type":
            return place, f"is {value!r}, not a whole number"
        case "decimal_parsing" | "decimal_type" | "finite_number":
            return place, f"is {value!r}, not a number"
        case "greater_than" | "greater_than_equal":
            least = context["gt"] if "gt" in context else context["ge"]
            return place, f"is {value}; it must be {'greater than' if 'gt' in context else 'at least'} {least}"
        case "string_type":
            return place, "wants one text"
        case "string_too_short":
            return place, "wants a text that is not blank"
        case "tuple_type":
            return place, "wants a list, such as [a, b]"
        case "model_type" | "dict_type":
            return place, "wants keys below it"
    return place, error["msg"]


def _nearest(place: Place, fields: Sequence[str], *, is_api: bool) -> str:
    """Where a key that is unknown in its place would be right."""
    key, parent = place[-1], place[:-1]
    parts = ("files", "api") if is_api else ("api", "files")  # the last one has the keys that both have
    homes = {
        **{field: ("columns", field) for field in fields},
        **{name: (part, name) for part in parts for name in _names((part,))},
        **{name: (name,) for name in SourceKeys.model_fields},
    }
    if key in homes and homes[key][:-1] != parent:
        return f": it stands in the source's `{'.'.join(homes[key])}`"
    siblings = _names(parent)
    if not get_close_matches(key, siblings, 1) and (other := get_close_matches(key, homes, 1)):
        return f"; did you mean the source's `{'.'.join(homes[other[0]])}`?"
    return _suggested(key, siblings)


def _names(parent: Place) -> list[str]:
    """The keys that there are below a key."""
    below: dict[Place, type[Keys]] = {
        (): SourceKeys,
        ("files",): FilesKeys,
        ("api",): ApiKeys,
        ("api", "auth"): AuthKeys,
        ("api", "paging"): PagingKeys,
    }
    keys = below.get(parent) or (ColumnKeys if parent[:1] == ("columns",) else ValueKeys)
    return [field.alias or name for name, field in keys.model_fields.items()]


def _suggested(name: str, names: Sequence[str]) -> str:
    near = get_close_matches(name.lower(), names, 1)
    return f"; did you mean `{near[0]}`?" if near else f"; there are {', '.join(names)}"


def _misplaced(keys: SourceKeys, built_in: SourceConfig | None) -> Iterator[Mistake]:
    """What goes with files alone, or with an API alone, or not with what is built in."""
    if keys.kind_of is not None and (keys.kind is not None or built_in):
        yield ("kind_of",), "goes with no `kind`, and with no source that is built in"
    if built_in and len(built_in.kinds) > 1:
        yield (), "has several kinds of records, so it is declared in code alone"
    if built_in and keys.kind not in (None, built_in.kinds[0].name):
        yield ("kind",), f"is {keys.kind!r}, but {built_in.name} is built in with {built_in.kinds[0].name}"
    is_api = keys.api is not None or (built_in is not None and built_in.api is not None)
    if keys.api is not None and built_in and built_in.api is None:
        yield ("api",), f"is not for {built_in.name}, which is files: declare another source"
    if keys.api is not None and not built_in and keys.api.url is None:
        yield ("api",), "wants `url:`, the address of the API"
    for name in _SETTINGS:
        if built_in and built_in.api and keys.api and getattr(keys.api, name) is not None:
            yield ("api", name), f"is said in the environment for {built_in.name}: {_SETTINGS[name]}"
    for name in ("files", "preset") if is_api else ():
        if getattr(keys, name) is not None:
            yield (name,), "goes with files, and this source is an API"
    possible = API_REPLACES if is_api else FILES_REPLACE
    if keys.replaces is not None and _replaces(keys) not in possible:
        said = f"{'an API' if is_api else 'files'} can replace {', '.join(possible)}"
        yield ("replaces",), f"is {_replaces(keys)!r}; {said}"


def _replaces(keys: SourceKeys) -> Replaces | None:
    return keys.replaces.what if keys.replaces else None


def _undated(keys: SourceKeys, api: ApiProfile | None) -> Iterator[Mistake]:
    """Asked for a day that it is not told, an API would give the same money for each."""
    if keys.api is None or keys.api.url is None or api is None:
        return
    has_day = bool(api.named_dates & {"day", "next_day"})
    if _replaces(keys) == "days" and not has_day:
        way_out = 'say it, as in `params: {date: "{day}"}`; an API without days replaces `nothing` or `all`'
        yield ("api",), f"is asked for a day and has no {{day}}: {way_out}"
    if _replaces(keys) in ("nothing", "all") and has_day:
        said = f"with `{_replaces(keys)}` there are {{since}} and {{until}}"
        yield ("api",), f"has a {{day}}, which goes with `replaces: days`; {said}"


def _asked_twice(sources: Mapping[str, SourceConfig]) -> Iterator[Mistake]:
    """Two APIs that are asked for the same would have the same money."""
    first: dict[str, str] = {}
    for name, source in sources.items():
        api = source.api_profile
        if api.url is not None:
            asked = (api.url, api.path, api.parameters, api.json, api.headers, api.token_env)
            other = first.setdefault(json.dumps(asked, sort_keys=True), name)
            if other != name:
                yield ("sources", name, "api"), f"asks for the same as {other}, and its money would count twice"


def _fieldless(keys: SourceKeys, kinds: Sequence[Kind]) -> Iterator[Mistake]:
    """What no kind of record has a field for."""
    for name, value in (("account", keys.account), ("currency", keys.currency)):
        if value is not None and all(name not in kind.record_type.fields for kind in kinds):
            yield (name,), "is no field of this kind"


def _senseless(keys: SourceKeys, record_type: RecordType) -> Iterator[Mistake]:
    """What each key may say, but not together with the others."""
    types, profile = record_type.fields, _profile(keys)
    columns = {name: column for name, column in (keys.columns or {}).items() if name in types}
    if keys.id is not None and record_type.own_id is None:
        yield ("id",), "is for kinds whose records have an id of their own"
    for name in keys.id or ():
        if name not in types:
            yield ("id",), f"names {name}, which is not among the fields of all its kinds"
    if not record_type.is_event:
        for key in ("identical_rows", "id_prefix"):
            if getattr(keys, key) is not None:
                yield (key,), "is for events"
        if profile.time_origin is not None:
            yield ("files" if keys.api is None else "api", "time_origin"), "is for events"
    if _replaces(keys) == "days" and types.get("date") is not FieldType.DATE:
        yield ("replaces",), "is 'days', and records of this kind have none"
    for name, value in (("account", keys.account), ("currency", keys.currency)):
        if value is not None and name in columns:
            yield ("columns", name), f"is said twice: also by `{name}:` of the source"
    code = profile.constants.get("currency")
    if code is not None and not re.fullmatch("[A-Z]{3}", code):
        yield ("currency",), f"is {code!r}, not a code of three letters such as EUR"
    for name, column in columns.items():
        place = ("columns", name)
        for key, verb, factor in (
            ("divide_by", "divides", column.divide_by),
            ("multiply_by", "multiplies", column.multiply_by),
        ):
            counts_time = types[name] is FieldType.TIMESTAMP and profile.time_origin is not None
            if factor is not None and types[name] not in NUMBERS and not counts_time:
                yield (*place, key), f"{verb} a number, and {name} is not one"
        for key, text in (("constant", column.constant), ("if_null", column.if_null)):
            if text is not None and types[name] is FieldType.TIMESTAMP:
                yield (*place, key), "is for what can be the same in all records, and a time is not"
            elif text is not None and (why := _unreadable(text, types[name])):
                yield (*place, key), f"is {text!r}, {why}"
        for theirs in column.name or ():
            if CURRENCY in theirs and code is None:
                yield ("currency",), f"is to be said as a code such as EUR: the column of {name} is called {theirs!r}"
        if len(column.name or ()) > 1 and name in record_type.private:
            yield (*place, "name"), "is private, so it has one name, by which it is known everywhere"
    for name in keys.optional or ():
        if name in types and types[name] is not FieldType.TEXT:
            yield ("optional",), f"can name text fields alone; give {name} a column or a constant"
    same: dict[str, list[str]] = defaultdict(list)
    for name in types.keys() - profile.constants.keys():
        written = profile.columns.get(name, Column())
        for theirs in {re.sub(r"[\s_]+", "", one).lower() for one in (written.name or name, *written.others)}:
            same[theirs].append(name)
    for names in same.values():
        if len(names) > 1 and any(types[name] is not FieldType.TEXT for name in names):
            first, *_, last = sorted(names, key=lambda name: (name in columns, [*types].index(name)))
            yield ("columns", last), f"takes the same column as {first}"


def _unreadable(text: str, field_type: FieldType) -> str | None:
    try:
        converter_of(field_type, ZoneInfo("UTC"))(text)
    except RecordRejected:
        return f"which is no {field_type.value}"
    return None


def _profile(keys: SourceKeys) -> Profile:
    files = keys.files or FilesKeys.model_validate({})
    values = keys.api or files
    columns = {
        name: replace(
            _named(column.name),
            constant=column.constant,
            divide_by=column.divide_by or ONE,
            multiply_by=column.multiply_by or ONE,
            nulls=column.nulls or (),
            if_null=column.if_null,
        )
        for name, column in (keys.columns or {}).items()
    }
    for name, value in (("account", keys.account), ("currency", keys.currency)):
        if value is not None:
            columns[name] = replace(_named(value.column), constant=value.constant)
    currency = columns.get("currency", Column()).constant
    if currency is not None:
        columns = {name: _with_currency(column, currency.upper()) for name, column in columns.items()}
        columns["currency"] = Column(constant=currency.upper())
    return Profile(
        columns,
        format=files.format,
        encoding=files.encoding,
        delimiter=files.delimiter,
        header_line=files.header_line,
        skip_rows=files.skip_rows or 0,
        header=files.header or (),
        skip=frozenset(files.skip or ()),
        decimal=values.decimal,
        thousands=values.thousands,
        currency_signs=values.currency_signs or (),
        nulls=frozenset(values.nulls or ()),
        date_format=values.date_format,
        time_origin=datetime.fromisoformat(values.time_origin) if values.time_origin else None,
        records=files.records,
        sheet=files.sheet,
        optional=frozenset(keys.optional or ()),
        id_prefix=keys.id_prefix or "",
        ignores_own_id=keys.id == (),
        id_fields=keys.id or (),
        counts_identical_rows=keys.identical_rows == "count",
    )


def _named(names: Sequence[str] | None) -> Column:
    return Column(names[0], others=tuple(names[1:])) if names else Column()


def _with_currency(column: Column, code: str) -> Column:
    names = [name.replace(CURRENCY, code) for name in (column.name, *column.others) if name is not None]
    named = _named(names)
    return replace(column, name=named.name, others=named.others)
