"""The settings: environment variables with defaults that work. No other module reads the environment."""

import json
import os
import re
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import Field, PrivateAttr, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic.config import JsonDict
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from adhouse.errors import CommandError, Exit
from extract.profile import renamed
from extract.redaction import Redaction, is_this_machine, secrets_of_address, secrets_of_channel
from extract.registry import SOURCES
from extract.source import MOST_REJECTED, Replaces, SourceConfig

PROJECT_FILE = "dbt_project.yml"
OUR_PROJECT = re.compile(r"^(name|profile):\s*['\"]?adhouse['\"]?\s*(#.*)?$", re.MULTILINE)
PATTERN_CHARACTERS = re.compile(r"[][?*%\\]")
CAMPAIGN_API = "campaign_api"
Answers = Literal["by_day", "add", "replace"]
API_REPLACES: Mapping[Answers, Replaces] = {
    "by_day": "days",
    "add": "nothing",
    "replace": "all",
}
FIRST_DAYS = 30
MOST_DAYS = 36_500  # a calendar does not go back forever
SHORTEST_PRIVACY_KEY = 16  # characters
SHORTEST_COOKIE_KEY = 32  # characters
LONGEST_DEADLINE = 86_400  # seconds
SHORTEST_TOKEN = 8  # characters
SHORTEST_AWS_SECRET = 16  # characters; shorter values stand for a local Athena, and are ordinary words


def _default_project() -> Path:
    """The current folder if it has adhouse's dbt project, otherwise the clone from which this package was installed."""
    clone = Path(__file__).parents[1]
    try:
        current = Path.cwd()
    except FileNotFoundError:  # somebody removed the folder under this process
        return clone
    return clone if _has_our_project(clone) and not _has_our_project(current) else current


def _has_our_project(folder: Path) -> bool:
    """Whether a folder has a dbt project that is called adhouse, or at least uses the profile of that name."""
    file = folder / PROJECT_FILE
    return file.is_file() and bool(OUR_PROJECT.search(file.read_text(encoding="utf-8", errors="replace")))


class _WantedError(ValueError):
    """What a setting may be, where that depends on another one."""


def _setting(
    name: str, meaning: str, *, shown_default: str = "", wanted: str = "", is_secret: bool = False, **options: Any
) -> Any:
    """A setting: its environment variable, what it means, its default as the documentation shows it, what it may be."""
    extra: JsonDict = {"shown_default": shown_default, "wanted": wanted, "is_secret": is_secret}
    return Field(validation_alias=name, description=meaning, json_schema_extra=extra, **options)


def _secret_of_aws(name: str) -> Any:
    """A secret by which AWS knows us, read only so that it is redacted; not one of our settings."""
    return Field(default="", validation_alias=name, repr=False)


class Settings(BaseSettings):
    """Everything that can be set, read once at the start of a command. Paths are absolute."""

    model_config = SettingsConfigDict(
        frozen=True, case_sensitive=True, extra="ignore", hide_input_in_errors=True, validate_default=False
    )

    project: Path = _setting(
        "DBT_PROJECT_DIR",
        "the dbt project",
        shown_default="the current folder if it has adhouse's `dbt_project.yml`, otherwise the clone",
        default_factory=_default_project,
    )
    profiles: Path = _setting(
        "DBT_PROFILES_DIR",
        "the folder with `profiles.yml`",
        shown_default="`$DBT_PROJECT_DIR`",
        default_factory=lambda known: known["project"],
    )
    home: Path = _setting(
        "ADHOUSE_HOME",
        "the data folder: inbox, landing, lake, warehouse, published marts, logs",
        shown_default="`data/` in the dbt project",
        default_factory=lambda known: known["project"] / "data",
    )
    sources_file: Path = _setting(
        "ADHOUSE_SOURCES",
        "the file that declares [your own sources](sources.md)",
        shown_default="`sources.yml` in the dbt project, if there is one",
        default_factory=lambda known: known["project"] / "sources.yml",
    )
    target: Literal["duckdb", "athena"] = _setting(
        "ADHOUSE_TARGET",
        "the engine: `duckdb` or `athena`",
        shown_default="`duckdb`",
        wanted="duckdb or athena",
        default="duckdb",
    )
    lake_url: str = _setting(
        "ADHOUSE_LAKE_URL",
        "the raw Parquet lake; on Athena `s3://…`, with inbox and landing beside it",
        shown_default="`$ADHOUSE_HOME/lake`",
        default_factory=lambda known: str(known["home"] / "lake"),
        validate_default=True,
    )
    athena_results: str = _setting(
        "ADHOUSE_ATHENA_RESULTS",
        "where Athena puts the results of queries",
        shown_default="`$ADHOUSE_LAKE_URL/results/`",
        wanted="s3://bucket/folder/",
        default_factory=lambda known: f"{known['lake_url']}/results/",
    )
    athena_workgroup: str = _setting(
        "ADHOUSE_ATHENA_WORKGROUP", "the workgroup of Athena", shown_default="`primary`", default="primary"
    )
    api_url: str | None = _setting(
        "ADHOUSE_API_URL",
        "the campaign API; `none`: it is not asked",
        shown_default="not asked; in a new data folder without data of your own a demo with the mock API",
        wanted="http(s)://host[:port][/path], or none",
        default=None,
        repr=False,
    )
    api_token: str = _setting(
        "ADHOUSE_API_TOKEN", "the bearer token of the campaign API; never printed or written", default="", repr=False
    )
    api_answers: Answers = _setting(
        "ADHOUSE_API_ANSWERS",
        "`by_day`; `add`: an API without days, whose answers add up; `replace`: whose newest answer is all there is",
        shown_default="`by_day`, or as `replaces` of `campaign_api` in `sources.yml` says",
        wanted="by_day, add or replace",
        default="by_day",
    )
    api_deadline: int = _setting(
        "ADHOUSE_API_DEADLINE",
        "seconds that the API may take for a day's complete answer, all pages and tries together",
        shown_default="600",
        wanted=f"a whole number of seconds, 1 to {LONGEST_DEADLINE:,}",
        default=600,
        ge=1,
        le=LONGEST_DEADLINE,
    )
    api_fields: Annotated[Mapping[str, str], NoDecode] = _setting(
        "ADHOUSE_API_FIELDS",
        "our field names = the API's, as `spend=cost,ad_id=creative`",
        shown_default="the same names",
        default_factory=dict,
    )
    max_rejected: float = _setting(
        "ADHOUSE_MAX_REJECTED",
        "the largest share of a file's or fetch's records that may be unreadable; with more of them it is not loaded",
        shown_default="0.1",
        wanted="a share from 0 to 1, such as 0.1",
        default=MOST_REJECTED,
        ge=0,
        le=1,
    )
    since: date | None = _setting(
        "ADHOUSE_SINCE",
        "first report day",
        shown_default=f"{FIRST_DAYS - 1} days before the last",
        wanted="a day as YYYY-MM-DD",
        default=None,
    )
    until: date | None = _setting(
        "ADHOUSE_UNTIL",
        "last report day",
        shown_default="yesterday",
        wanted="a day as YYYY-MM-DD",
        default=None,
    )
    restated_days: int = _setting(
        "ADHOUSE_RESTATED_DAYS",
        "complete days to ask for again, because platforms correct them",
        shown_default="3",
        wanted=f"a whole number of days, 0 to {MOST_DAYS:,}",
        default=3,
        ge=0,
        le=MOST_DAYS,
    )
    report_timezone: ZoneInfo = _setting(
        "ADHOUSE_REPORT_TIMEZONE",
        "the time zone in which a report day begins and ends",
        shown_default="`UTC`",
        wanted="an IANA name such as Europe/Berlin",
        default=ZoneInfo("UTC"),
    )
    currency: str = _setting(
        "ADHOUSE_CURRENCY",
        "the currency of all sums and of every price that names none; `seeds/exchange_rates.csv` converts the others",
        shown_default="`USD`",
        wanted="an ISO 4217 code such as USD",
        default="USD",
        pattern="^[A-Z]{3}$",
    )
    landing_days: int | None = _setting(
        "ADHOUSE_LANDING_DAYS",
        "number of days that landing keeps what was received",
        shown_default="`keep`: forever",
        wanted=f"a whole number of days, 0 to {MOST_DAYS:,}, or keep",
        default=None,
        ge=0,
        le=MOST_DAYS,
    )
    privacy_key: str = _setting(
        "ADHOUSE_PRIVACY_KEY",
        "the key by which private fields become HMACs before they reach the lake; never printed or written",
        wanted=f"a secret of at least {SHORTEST_PRIVACY_KEY} characters",
        is_secret=True,
        default="",
        repr=False,
        min_length=SHORTEST_PRIVACY_KEY,
    )
    alerts: Annotated[tuple[str, ...], NoDecode] = _setting(
        "ADHOUSE_ALERTS",
        "the channels of [alerts](alerts.md) as addresses of Apprise, separated by blanks; never printed or written",
        shown_default="none: `adhouse alerts` shows them",
        wanted="addresses of Apprise such as mailto://… or slack://…, separated by blanks",
        is_secret=True,
        default=(),
        repr=False,
    )
    dashboard_url: str | None = _setting(
        "ADHOUSE_DASHBOARD_URL",
        "where people open the dashboard, for the links in alerts",
        shown_default="that of the login, else no links",
        wanted="http(s)://host[:port][/path]",
        default=None,
    )
    login_url: str = _setting(
        "ADHOUSE_LOGIN_URL",
        "the address at which people open the dashboard; with it [they log in](dashboard.md#who-sees-what)",
        shown_default="nobody logs in, everybody sees everything",
        wanted="https://host[:port], or http://localhost[:port]",
        default="",
    )
    login_provider: str = _setting(
        "ADHOUSE_LOGIN_PROVIDER",
        "where the login's OpenID Connect provider describes itself",
        wanted="https://…/.well-known/openid-configuration",
        default="",
    )
    login_client_id: str = _setting(
        "ADHOUSE_LOGIN_CLIENT_ID", "the client id that the provider gave the dashboard", default=""
    )
    login_client_secret: str = _setting(
        "ADHOUSE_LOGIN_CLIENT_SECRET",
        "the client secret; never printed or written",
        is_secret=True,
        default="",
        repr=False,
    )
    login_cookie_key: str = _setting(
        "ADHOUSE_LOGIN_COOKIE_KEY",
        "the key that signs the cookies of people who are logged in; never printed or written",
        wanted=f"a secret of at least {SHORTEST_COOKIE_KEY} characters",
        is_secret=True,
        default="",
        repr=False,
        min_length=SHORTEST_COOKIE_KEY,
    )
    login_contact: str = _setting(
        "ADHOUSE_LOGIN_CONTACT",
        "whom people are told to ask who may not see anything yet",
        shown_default="`whoever runs this dashboard`",
        default="whoever runs this dashboard",
    )
    aws_secret_access_key: str = _secret_of_aws("AWS_SECRET_ACCESS_KEY")
    aws_session_token: str = _secret_of_aws("AWS_SESSION_TOKEN")
    aws_access_key_id: str = _secret_of_aws("AWS_ACCESS_KEY_ID")
    _environment: Mapping[str, str] = PrivateAttr(default_factory=dict)  # has the tokens of declared APIs

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment alone, or the values given in its place."""
        return (init_settings,) if init_settings() else (env_settings,)

    @model_validator(mode="before")
    @classmethod
    def _without_blanks(cls, values: dict[str, Any]) -> dict[str, Any]:
        stripped = {name: value.strip() for name, value in values.items() if isinstance(value, str)}
        return {name: value for name, value in stripped.items() if value}

    @field_validator("project", "profiles", "home", "sources_file")
    @classmethod
    def _absolute(cls, path: Path) -> Path:
        return path.expanduser().absolute()

    @field_validator("lake_url")
    @classmethod
    def _readable_by_the_engine(cls, url: str, info: ValidationInfo) -> str:
        url, target = url.removeprefix("file://").rstrip("/"), info.data.get("target")
        if not (url.startswith("s3://") if target == "athena" else "://" not in url):
            wanted = "s3://bucket or s3://bucket/folder" if target == "athena" else "a folder"
            raise _WantedError(f"{wanted}, because ADHOUSE_TARGET is {target}")
        return url if "://" in url else str(Path(url).expanduser().absolute())

    @field_validator("athena_results")
    @classmethod
    def _s3_folder(cls, url: str) -> str:
        if not url.startswith("s3://"):
            raise ValueError
        return url.rstrip("/") + "/"

    @field_validator("api_url")
    @classmethod
    def _http(cls, url: str) -> str:
        parts = urlsplit(url)
        if url != "none" and not (parts.scheme in ("http", "https") and parts.hostname and parts.port != 0):
            raise ValueError
        return url.rstrip("/")

    @field_validator("dashboard_url")
    @classmethod
    def _page(cls, url: str) -> str:
        parts = urlsplit(url)
        is_page = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        if not is_page or parts.query or parts.fragment or "@" in parts.netloc:
            raise ValueError
        return url.rstrip("/")

    @field_validator("alerts", mode="before")
    @classmethod
    def _addresses(cls, text: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(text.split()))

    @field_validator("login_url", "login_provider")
    @classmethod
    def _https(cls, url: str, info: ValidationInfo) -> str:
        parts = urlsplit(url)
        is_safe = parts.scheme == "https" or (parts.scheme == "http" and is_this_machine(parts.hostname or ""))
        if not (is_safe and parts.hostname and parts.port != 0 and not parts.username):
            raise ValueError
        if info.field_name == "login_url" and (parts.path.rstrip("/") or parts.query or parts.fragment):
            raise ValueError
        return url.rstrip("/")

    @field_validator("api_fields", mode="before")
    @classmethod
    def _names(cls, text: str) -> dict[str, str]:
        """Reads `spend=cost,ad_id=creative`, or the same as a JSON object, into {our name: their name}."""
        (kind,) = SOURCES[CAMPAIGN_API].kinds
        ours = kind.record_type.fields
        wanted = f"our=theirs pairs such as spend=cost,ad_id=creative; ours are {', '.join(ours)}"
        try:
            pairs = (
                json.loads(text) if text.startswith("{") else dict(pair.split("=") for pair in text.split(",") if pair)
            )
        except ValueError:
            raise _WantedError(wanted) from None
        names = {str(our).strip(): their.strip() if isinstance(their, str) else "" for our, their in pairs.items()}
        if not all(our in ours and their for our, their in names.items()) or len(set(names.values())) < len(names):
            raise _WantedError(wanted)
        return names

    @field_validator("since", "until", mode="before")
    @classmethod
    def _day(cls, text: str) -> date:
        return date.fromisoformat(text)

    @field_validator("report_timezone", mode="before")
    @classmethod
    def _zone(cls, key: str) -> ZoneInfo:
        try:
            return ZoneInfo(key)
        except (KeyError, OSError):
            raise ValueError from None

    @field_validator("landing_days", mode="before")
    @classmethod
    def _kept_days(cls, text: str) -> str | None:
        return None if text == "keep" else text

    @property
    def dashboard_address(self) -> str | None:
        """Where people open the dashboard, as far as the settings say."""
        return self.dashboard_url or self.login_url or None

    @property
    def warehouse(self) -> Path:
        """The working warehouse; only a run opens it for writing."""
        return self.home / "warehouse.duckdb"

    @property
    def marts(self) -> Path:
        """The working marts, attached to the warehouse while dbt builds."""
        return self.home / "marts.duckdb"

    @property
    def published(self) -> Path:
        """Where readers look: `marts.duckdb` is a link to the audited build."""
        return self.home / "published"

    @property
    def logs(self) -> Path:
        """JSON lines, one file per run, and dbt's own log."""
        return self.home / "logs"

    @property
    def dbt_target(self) -> Path:
        """What dbt compiles and remembers between runs; beside the data, so that two data folders do not collide."""
        return self.home / "dbt"

    @property
    def is_in_cloud(self) -> bool:
        """Whether inbox, landing, lake and marts are in S3, and Athena builds them."""
        return self.target == "athena"

    @cached_property
    def declared(self) -> Mapping[str, SourceConfig]:
        """The sources of `sources.yml`, those of a built-in name too.

        Raises:
            CommandError: The file has mistakes, or there is none where the environment says.
        """
        if "sources_file" not in self.model_fields_set and not self.sources_file.exists():
            return {}
        from extract.declared.sources import SourcesFileError, read_sources

        try:
            return read_sources(self.sources_file, SOURCES)
        except SourcesFileError as error:
            way_out = f"mend {self.sources_file}; `adhouse sources` checks it"
            raise CommandError(str(error), way_out, Exit.USAGE) from None

    @cached_property
    def sources(self) -> Mapping[str, SourceConfig]:
        """All sources: built-in ones as `sources.yml` describes them, and its own; the environment decides last."""
        sources = {**SOURCES, **self.declared}
        api = sources[CAMPAIGN_API]
        columns = {**api.profile.columns, **renamed(self.api_fields).columns}
        is_asked = api.replaces is None or "api_answers" in self.model_fields_set
        replaces = API_REPLACES[self.api_answers] if is_asked else api.replaces
        sources[CAMPAIGN_API] = replace(api, profile=replace(api.profile, columns=columns), replaces=replaces)
        return sources

    def source(self, name: str) -> SourceConfig:
        """A source by its name.

        Raises:
            CommandError: There is none.
        """
        if name not in self.sources:
            raise CommandError(f"there is no source {name!r}", f"sources: {', '.join(self.sources)}", Exit.USAGE)
        return self.sources[name]

    def takes_files(self, name: str) -> bool:
        """Whether there is a source of this name that takes files from its inbox."""
        return name in self.sources and self.sources[name].api is None

    def answers_of(self, name: str) -> Answers:
        """How an API answers, as the environment or else `sources.yml` says it."""
        replaces = self.sources[name].replaces
        return next(answers for answers, what in API_REPLACES.items() if what == replaces)

    @cached_property
    def declared_apis(self) -> Mapping[str, SourceConfig]:
        """The APIs that have their address in `sources.yml`."""
        return {name: source for name, source in self.declared.items() if source.api_profile.url is not None}

    def address_of(self, source: SourceConfig) -> str | None:
        """Where an API is asked, without the user and password in it; None if it is not asked."""
        api = source.api_profile
        url = api.url or (None if self.api_url == "none" else self.api_url)
        if url is None:
            return None
        parts = urlsplit(url)
        return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl() + api.path

    def token_of(self, source: SourceConfig) -> str:
        """The token of a declared API; "" if it asks without one, or if there is none yet."""
        return self._environment.get(source.api_profile.token_env or "", "").strip()

    def check_tokens(self, names: Collection[str]) -> None:
        """Checks that the declared APIs among these sources have what they ask with.

        Raises:
            CommandError: The environment has no token for one, or one that is too short; a line each.
        """
        wrong = []
        for name in names:
            source = self.sources[name]
            variable, token = source.api_profile.token_env, self.token_of(source)
            if variable and not token:
                wrong.append(f"{variable} is not set in the environment, and {name} asks with it")
            elif variable and len(token) < SHORTEST_TOKEN:
                wrong.append(_too_short(variable, token))
            elif source.api_profile.auth.type == "basic" and ":" not in token:
                wrong.append(f"{variable} is not `user:password`, which {name} sends by `auth: basic`")
        if wrong:
            way_out = (
                f"set it to the token, at least {SHORTEST_TOKEN} characters, or take `token_env` out of sources.yml"
            )
            raise CommandError("\n".join(wrong), way_out, Exit.USAGE)

    def fields_of(self, source: str) -> Mapping[str, str]:
        """Our names of fields → the source's, where they differ; of a source that is declared no more, none."""
        return self.sources[source].fields if source in self.sources else {}

    @property
    def data_url(self) -> str:
        """Where `inbox` and `landing` are: beside the lake in its bucket, otherwise in the data folder."""
        return self.lake_url if self.is_in_cloud else str(self.home)

    @property
    def lake_folder(self) -> Path | None:
        """The lake as a local folder; None when it is a bucket."""
        return None if "://" in self.lake_url else Path(self.lake_url)

    @cached_property
    def secrets(self) -> frozenset[str]:
        """What must never be shown, and what no answer of an API may bring into the data.

        The addresses of alert channels are not among them: no API knows them, and what looks like a token in one may be
        a word of the data. Only `redact` takes them out, of what is printed or logged.
        """
        aws = (self.aws_secret_access_key, self.aws_session_token, self.aws_access_key_id)
        long = {one for one in aws if len(one) >= SHORTEST_AWS_SECRET}
        tokens: set[str] = set()
        with suppress(CommandError):  # where the file has mistakes, nothing is asked
            for source in self.declared_apis.values():
                token = self.token_of(source)
                tokens |= {token, token.partition(":")[2]} if source.api_profile.auth.type == "basic" else {token}
        login = {self.login_client_secret, self.login_cookie_key}
        known = {self.api_token, self.privacy_key, *login, *long, *tokens} - {""}
        return frozenset(known | secrets_of_address(self.api_url or ""))

    @cached_property
    def redact(self) -> Redaction:
        """Takes the secrets, also those of alert channels, out of a text that is printed or logged."""
        return Redaction({*self.secrets, *(secret for url in self.alerts for secret in secrets_of_channel(url))})

    @property
    def sends_secrets_openly(self) -> list[str]:
        """The settings and keys with the addresses to which a token or password is sent without encryption."""
        asked = {"ADHOUSE_API_URL": (self.api_url or "", self.api_token)}
        for name, source in self.declared_apis.items():
            asked[f"the `url` of {name}"] = source.api_profile.url or "", self.token_of(source)
        return [name for name, (url, token) in asked.items() if _is_sent_openly(url, token)]

    def today(self) -> date:
        """The current date in the report time zone."""
        return datetime.now(self.report_timezone).date()

    def report_day_start(self, now: datetime) -> datetime:
        """The beginning, in UTC, of the report day in which `now` lies."""
        day = now.astimezone(self.report_timezone).date()
        return datetime.combine(day, time(), self.report_timezone).astimezone(UTC)

    def window(self, now: datetime, source: SourceConfig) -> tuple[date, date]:
        """The report days that are wanted of an API at `now`, both ends included; its yesterday is that of its zone."""
        until = self.until or now.astimezone(source.zone or self.report_timezone).date() - timedelta(days=1)
        return source.api_profile.since or self.since or until - timedelta(days=FIRST_DAYS - 1), until

    def environment_for_dbt(self) -> dict[str, str]:
        """What `dbt_project.yml` and `profiles.yml` read; they have the same defaults, so dbt also runs by itself."""
        athena = {
            "ADHOUSE_ATHENA_RESULTS": self.athena_results,
            "ADHOUSE_ATHENA_WORKGROUP": self.athena_workgroup,
        }
        return {
            "ADHOUSE_HOME": str(self.home),
            "ADHOUSE_LAKE_URL": self.lake_url,
            "ADHOUSE_TARGET": self.target,
            "ADHOUSE_REPORT_TIMEZONE": self.report_timezone.key,
            "ADHOUSE_CURRENCY": self.currency,
            **(athena if self.is_in_cloud else {}),
        }


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Reads the settings from the environment, or from a mapping given in its place.

    Raises:
        CommandError: A value cannot be used; the message names the setting, what it held and what it may hold.
    """
    env = os.environ if environment is None else environment
    try:
        given = {str(field.validation_alias): env.get(str(field.validation_alias), "") for field in _fields().values()}
        settings = Settings() if environment is None else Settings.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = _fields()[str(first["loc"][0])]
        extra = field.json_schema_extra
        said = first.get("ctx", {}).get("error")
        wanted = said if isinstance(said, _WantedError) else isinstance(extra, dict) and extra["wanted"]
        raise _unusable(str(field.validation_alias), env, str(wanted)) from None
    settings._environment = env
    if settings.since and settings.until and settings.since > settings.until:
        raise _unusable("ADHOUSE_SINCE", env, f"a day not after ADHOUSE_UNTIL ({settings.until})")
    for name, path in (("ADHOUSE_HOME", str(settings.home)), ("ADHOUSE_LAKE_URL", settings.lake_url)):
        if found := PATTERN_CHARACTERS.search(path):
            raise CommandError(
                f"{name} is {path}, and to DuckDB and dlt the {found[0]} in it is no part of a name",
                "set it to a folder without any of [ ] ? * % \\ in its path",
                Exit.USAGE,
            )
    if settings.api_token and secrets_of_address(settings.api_url or ""):
        raise CommandError(
            "ADHOUSE_API_TOKEN is set, and ADHOUSE_API_URL has a password", "use one of the two", Exit.USAGE
        )
    if 0 < len(settings.api_token) < SHORTEST_TOKEN:
        raise CommandError(
            _too_short("ADHOUSE_API_TOKEN", settings.api_token),
            f"set it to a token of at least {SHORTEST_TOKEN}, or unset it",
            Exit.USAGE,
        )
    return settings


def missing_key(source: str) -> CommandError:
    """Says that a source has private fields, and that there is no key to replace them by."""
    wanted = f"a secret of at least {SHORTEST_PRIVACY_KEY} characters, and keep it: another key gives other ids"
    return CommandError(
        f"ADHOUSE_PRIVACY_KEY is not set, and {source} has private fields", f"set it to {wanted}", Exit.USAGE
    )


def settings_table() -> str:
    """The settings as a Markdown table, for the documentation."""
    rows = ["| setting | meaning | default |", "|---|---|---|"]
    for field in Settings.model_fields.values():
        if isinstance(field.json_schema_extra, dict):
            default = field.json_schema_extra["shown_default"]
            rows.append(f"| `{field.validation_alias}` | {field.description} | {default} |")
    return "\n".join(rows) + "\n"


def settle_region() -> None:
    """Sets AWS_REGION and AWS_DEFAULT_REGION to the same region, the one that the AWS command line would use.

    boto3 reads AWS_DEFAULT_REGION and its own files, dbt's profile only the two variables.
    """
    import boto3

    if region := os.environ.get("AWS_REGION") or boto3.Session().region_name:
        os.environ.update(AWS_REGION=region, AWS_DEFAULT_REGION=region)


def whole_environment() -> dict[str, str]:
    """Every environment variable: a dbt project and its profile may read any of them."""
    return dict(os.environ)


def export(values: Mapping[str, str]) -> None:
    """Sets environment variables for the libraries that read them."""
    os.environ.update(values)


def _is_sent_openly(url: str, token: str) -> bool:
    parts = urlsplit(url)
    has_secret = bool(token or parts.password)
    return has_secret and parts.scheme == "http" and not is_this_machine(parts.hostname or "")


def _too_short(variable: str, token: str) -> str:
    return f"{variable} has {len(token)} characters, too few to tell it from ordinary words"


def _fields() -> dict[str, FieldInfo]:
    """The fields by name and by environment variable; pydantic's errors use the one or the other."""
    fields = Settings.model_fields
    return fields | {str(field.validation_alias): field for field in fields.values()}


def _unusable(name: str, environment: Mapping[str, str], wanted: str) -> CommandError:
    held = environment.get(name, "").strip()
    shown = repr(held.rpartition("@")[2])  # without the password of an address
    extra = _fields()[name].json_schema_extra
    if isinstance(extra, dict) and extra["is_secret"]:
        shown = "[redacted]"
    said = f"{name} is {shown} in the environment" if held else f"{name} is not set in the environment"
    return CommandError(said, f"set it to {wanted}" + (", or unset it" if held else ""), Exit.USAGE)
