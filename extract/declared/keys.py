"""The language of `sources.yml`: its keys, what they mean, and what they may say."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, get_args
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)
from pydantic.json_schema import SkipJsonSchema

from extract.declared.api import ApiKeys
from extract.declared.values import Keys, Text, Texts, ValuesKeys, Verbatim, alone, listed, one_of
from extract.registry import KINDS
from extract.source import Replaces

SOURCE_NAME = "[a-z][a-z0-9_]{0,49}"  # it becomes the name of folders
PRESETS = Path(__file__).parents[1] / "presets"
PRESET_NAMES = sorted(path.stem for path in PRESETS.glob("*.yml"))
DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|", "space": " "}
FIELDS = sorted({name for kind in KINDS.values() for name in kind.record_type.fields})


def _encoding(name: str) -> str:
    try:
        "".encode(name)
    except (LookupError, ValueError):
        raise ValueError(f"is {name!r}, which is no encoding of text; such as utf-8, utf-16 or windows-1252") from None
    return name


def _timezone(key: str) -> str:
    try:
        return ZoneInfo(key).key
    except (ValueError, OSError, KeyError):
        raise ValueError(f"is {key!r}; it can be an IANA name such as Europe/Berlin") from None


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"is {text!r}, which is no regular expression: {error}") from None
    return text


def _replaces(value: object) -> object:
    possible = [repr(one) for one in get_args(Replaces) if one != "name_part"]
    if not isinstance(value, dict) and repr(value) not in possible:
        raise ValueError(f"is {value!r}; it can be {listed(possible)}, or `name_part:` with a pattern")
    return value if isinstance(value, dict) else {"what": value}


def _field(name: str, info: ValidationInfo) -> str:
    fields = (info.context or {}).get("fields", FIELDS)
    if name not in fields:
        raise ValueError("no-field")
    return name


def _id_fields(value: object) -> object:
    if value == "none":
        return ()
    if not isinstance(value, list) or not value:
        raise ValueError(f"is {value!r}; it can be 'none', or a list of our fields that are the id together")
    return value


def _known(names: list[str]) -> AfterValidator:
    def known(name: str) -> str:
        if name not in names:
            raise ValueError(f"is {name!r}; it can be {listed(names)}")
        return name

    return AfterValidator(known)


Kind = Annotated[Text, _known(sorted(KINDS)), WithJsonSchema({"enum": sorted(KINDS)})]
FieldName = Annotated[Text, AfterValidator(_field), WithJsonSchema({"enum": FIELDS})]

IdFields = Annotated[
    tuple[FieldName, ...],
    BeforeValidator(_id_fields),
    WithJsonSchema(
        {"anyOf": [{"const": "none"}, {"type": "array", "items": {"enum": FIELDS, "type": "string"}, "minItems": 1}]}
    ),
]
"""The fields that are the id of an event; none of them: no id is believed."""

Values = Annotated[
    tuple[str, ...],
    BeforeValidator(lambda value: value if isinstance(value, list) else (value or "",)),
    WithJsonSchema(
        {"anyOf": [{"type": "array", "items": {"type": ["string", "number"]}}, {"type": ["string", "number"]}]}
    ),
]


class ColumnKeys(Keys):
    """Where the value of one of our fields comes from."""

    name: Texts | None = Field(
        None,
        description="the source's name of the field, in JSON also a dotted path; of several the first that a file has, "
        "or a record of JSON",
    )
    constant: Text | None = Field(None, description="what every record says, whatever the source writes")
    divide_by: Annotated[Decimal, Field(gt=0, allow_inf_nan=False)] | None = Field(
        None, description="what a number is divided by, such as 1000000 for micros"
    )
    multiply_by: Annotated[Decimal, Field(gt=0, allow_inf_nan=False)] | None = Field(
        None, description="what a number is multiplied by, such as 1000 for the price of one impression"
    )
    if_null: Text | None = Field(None, description="what an empty value says, such as 0 where zeros are left out")
    nulls: Texts | None = Field(None, description="texts that say here that there is no value, beside `files.nulls`")

    @model_validator(mode="after")
    def _one_origin(self) -> ColumnKeys:
        others = {self.name, self.divide_by, self.multiply_by, self.if_null, self.nulls}
        if self.constant is not None and others != {None}:
            raise ValueError("has a constant, which goes with no other key")
        return self


class ValueKeys(Keys):
    """What is the same in all records, or the column that says it."""

    constant: Text | None = Field(None, description="what every record says")
    column: Texts | None = Field(None, description="the source's name of the column that says it, or several")

    @model_validator(mode="after")
    def _one_origin(self) -> ValueKeys:
        if (self.constant is None) == (self.column is None):
            raise ValueError("wants a text, or `column:` and nothing else")
        return self


ColumnOrName = Annotated[ColumnKeys, alone("name", ColumnKeys)]
Value = Annotated[ValueKeys, alone("constant", ValueKeys)]


class FilesKeys(ValuesKeys):
    """How the files are written."""

    format: Literal["csv", "json", "parquet", "xlsx", "avro"] | None = Field(
        None, description="`csv`, `json`, `parquet`, `xlsx` or `avro`; default: as name and content say"
    )
    encoding: Annotated[Text, AfterValidator(_encoding)] | None = Field(
        None, description="of text without a byte order mark; default: `utf-8`"
    )
    delimiter: Annotated[Verbatim, one_of(DELIMITERS)] | None = Field(
        None,
        description="what stands between fields: a character, `tab`, `comma`, `semicolon`, `bar`, or a code such as "
        "`0x01`; default: found",
    )
    header_line: Annotated[int, Field(ge=1)] | None = Field(
        None, description="the line with the names of columns, from 1; default: found among title lines"
    )
    header: Texts | None = Field(
        None, description="the names of the columns in their order, if the file has no line with them"
    )
    skip: Texts | None = Field(None, description="columns that are not kept, not even as JSON beside the fields")
    skip_rows: Annotated[int, Field(ge=0)] | None = Field(
        None, description="rows behind the header, or before the first record, that are no records; default: 0"
    )
    records: Text | None = Field(
        None, description="where the records are in JSON, or the record in each line, such as `data.items`"
    )
    sheet: Text | None = Field(None, description="the sheet of a workbook; default: the only one with records")


class ReplacesKeys(Keys):
    """What newer data replaces."""

    what: SkipJsonSchema[Replaces] = "name_part"
    name_part: Annotated[Verbatim, AfterValidator(_pattern)] | None = Field(
        None, description="a regular expression that finds the part of a file's name that is replaced as a whole"
    )

    @model_validator(mode="after")
    def _has_part(self) -> ReplacesKeys:
        if (self.what == "name_part") != (self.name_part is not None):
            raise ValueError("wants `name_part:` with a pattern, and nothing else")
        return self


class KindOfKeys(Keys):
    """How each record of a source with several kinds says which one it is."""

    column: Text | None = Field(None, description="the source's name of the column that tells")
    kinds: dict[Kind, Values] | None = Field(
        None,
        description='each kind: the value that names it, or several; `""` is an empty one',
        json_schema_extra={"propertyNames": {"enum": [*sorted(KINDS)]}},
    )
    columns: dict[Kind, Text] | None = Field(
        None,
        description="instead of `column` and `kinds`: each kind and the column that says so by having a value other "
        "than 0, no or false; of several the first here",
        json_schema_extra={"propertyNames": {"enum": [*sorted(KINDS)]}},
    )
    otherwise: Kind | None = Field(
        None,
        description="the kind of every other value that is not empty, or where no column says anything; "
        "default: rejected",
    )

    @model_validator(mode="after")
    def _one_way(self) -> KindOfKeys:
        by_values = (self.column is not None, self.kinds is not None)
        if by_values not in ((True, True), (False, False)) or by_values[0] == (self.columns is not None):
            raise ValueError("wants `column:` and `kinds:`, or `columns:` alone")
        if self.columns and len({*self.columns.values()}) < len(self.columns):
            raise ValueError("has a column in `columns:` that tells of two kinds")
        return self


class SourceKeys(Keys):
    """A source."""

    kind: Kind | None = Field(
        None, description=f"what its records are: {listed([f'`{name}`' for name in sorted(KINDS)])}; a preset says it"
    )
    kind_of: KindOfKeys | None = Field(
        None, description="instead of `kind`, where one file has records of several kinds"
    )
    preset: Annotated[Text, _known(PRESET_NAMES), WithJsonSchema({"enum": PRESET_NAMES})] | None = Field(
        None, description="the platform whose export it is; keys that stand beside it override the preset's"
    )
    account: Value | None = Field(None, description="the ad account: a text, or `{column: Account ID}`")
    currency: Value | None = Field(
        None, description="the currency of its prices: a code such as `EUR`, or `{column: Currency code}`"
    )
    timezone: Annotated[Text, AfterValidator(_timezone)] | None = Field(
        None,
        description="the time zone of its times without one, and of an API's yesterday; default: UTC, and the report's",
    )
    replaces: Annotated[ReplacesKeys, BeforeValidator(_replaces, Replaces | ReplacesKeys)] | None = Field(
        None,
        description="what newer data replaces: `file_name` (the older file of its name), `days` (the days that it "
        "has), `nothing`, or `{name_part: PATTERN}` (a regular expression finds the part of the name that is replaced; "
        "the later rest counts); for an API `days`, `nothing` or `all`",
    )
    id: IdFields | None = Field(
        None,
        description="a list of our fields that are an event's id together; `none`: the column with its id is not "
        "believed, and ids are made of what events say",
    )
    id_prefix: Verbatim | None = Field(
        None, description="what comes before ids of events, where another source has the same for other events"
    )
    identical_rows: Literal["count"] | None = Field(
        None, description="`count`: equal rows without an id are as many events; default: one event, with a warning"
    )
    files: FilesKeys | None = Field(None, description="how its files are written")
    api: ApiKeys | None = Field(None, description="how it is asked, if it is an API; then it has no files")
    columns: dict[FieldName, ColumnOrName] | None = Field(
        None,
        description="our fields: their columns; a field that is not named has our name",
        json_schema_extra={"propertyNames": {"enum": [*FIELDS]}},
    )
    optional: tuple[FieldName, ...] | None = Field(
        None, description="text fields without which a file is read too; they get their null default"
    )


class PresetKeys(SourceKeys):
    """A preset: a source as a platform exports it, and what a person has to know."""

    title: Text = Field(description="the name of the platform")
    report: Text = Field(description="which report to download, and how")


class SourcesFile(Keys):
    """Sources of your own, for adhouse."""

    sources: dict[str, SourceKeys] | None = Field(
        None,
        description="each source by its name; its files go into inbox/<name>/",
        json_schema_extra={"propertyNames": {"pattern": f"^{SOURCE_NAME}$"}},
    )


def json_schema() -> str:
    """The language as JSON Schema, for editors."""
    schema = SourcesFile.model_json_schema()
    return json.dumps({"$schema": "http://json-schema.org/draft-07/schema#", **schema}, indent=2) + "\n"
