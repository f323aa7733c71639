"""The settings: environment variables with defaults that work. No other module reads the environment."""

import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from adhouse.errors import CommandError, Exit

FIELDS = (
    "campaign_id",
    "ad_id",
    "date",
    "brand",
    "country",
    "state",
    "city",
    "zipcode",
    "impressions",
    "clicks",
    "spend",
    "conversions",
)
SOURCES = ("campaign_api", "campaign_files")
ANSWERS = ("by_day", "add", "replace")
TARGETS = ("duckdb", "athena")
LEAST_SECRET = 16  # characters; shorter ones of Amazon's stand for a local Athena, and are words of our own
FIRST_DAYS = 30
MOST_DAYS = 36_500  # a calendar does not go back for ever
Get = Callable[[str, str], str]


@dataclass(frozen=True)
class Settings:
    """Everything that can be set, read once at the start of a command.

    Attributes:
        home: The data folder (inbox, landing, lake, warehouse, published, logs), absolute.
        project: Where the dbt project is (`DBT_PROJECT_DIR`; the clone this command was installed from).
        profiles: Where `profiles.yml` is (`DBT_PROFILES_DIR`; the dbt project).
        api_url: The campaign API; None is the mock API started for the run, "none" is files alone.
        since: First report day ever wanted; None is 30 days back from `until`.
        until: Last report day wanted; None is yesterday by the report time zone.
        landing_days: How long landing keeps what was received; None is for good.
        athena_results: Where Athena puts the results of queries, an S3 address.
        athena_workgroup: The workgroup in which Athena runs them.
    """

    home: Path
    project: Path
    profiles: Path
    target: str
    lake_url: str
    api_url: str | None = field(repr=False)
    api_token: str = field(repr=False)
    api_answers: str
    api_fields: Mapping[str, str]
    since: date | None
    until: date | None
    restated_days: int
    report_timezone: ZoneInfo
    currency: str
    landing_days: int | None
    athena_results: str
    athena_workgroup: str
    secrets: tuple[str, ...] = field(repr=False)

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
        """JSON lines, a file a run, and dbt's own log."""
        return self.home / "logs"

    @property
    def dbt_target(self) -> Path:
        """What dbt compiles and remembers between runs; beside the data, so two homes do not collide."""
        return self.home / "dbt"

    @property
    def is_in_cloud(self) -> bool:
        """Whether inbox, landing, lake and marts are in S3, and Athena builds them."""
        return self.target == "athena"

    @property
    def data_url(self) -> str:
        """Where `inbox` and `landing` are: beside the lake in its bucket, else in the data folder."""
        return self.lake_url if self.is_in_cloud else str(self.home)

    @property
    def lake_folder(self) -> Path | None:
        """The lake as a local folder; None when it is a bucket."""
        return None if "://" in self.lake_url else Path(self.lake_url)

    def today(self) -> date:
        """The date it is now, by the report time zone."""
        return datetime.now(self.report_timezone).date()

    def redact(self, text: str) -> str:
        """Gives the text without the secrets, the longest first: one may be inside another."""
        for secret in sorted(self.secrets, key=len, reverse=True):
            text = text.replace(secret, "[redacted]")
        return text

    def window(self, now: datetime) -> tuple[date, date]:
        """The report days wanted at `now`, both ends included."""
        until = self.until or now.astimezone(self.report_timezone).date() - timedelta(days=1)
        return self.since or until - timedelta(days=FIRST_DAYS - 1), until

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

    def get(name: str, default: str) -> str:
        return env.get(name, "").strip() or default

    project = Path(get("DBT_PROJECT_DIR", str(Path(__file__).parent.parent))).absolute()
    home = Path(get("ADHOUSE_HOME", str(project / "data"))).expanduser().absolute()
    target = _one_of(get, "ADHOUSE_TARGET", TARGETS)
    lake_url = get("ADHOUSE_LAKE_URL", str(home / "lake")).removeprefix("file://").rstrip("/")
    if not (lake_url.startswith("s3://") if target == "athena" else "://" not in lake_url):
        wanted = "s3://bucket or s3://bucket/folder" if target == "athena" else "a folder"
        raise _unusable("ADHOUSE_LAKE_URL", lake_url, f"{wanted}, because ADHOUSE_TARGET is {target}")
    since, until = _day(get, "ADHOUSE_SINCE"), _day(get, "ADHOUSE_UNTIL")
    if since and until and since > until:
        raise _unusable("ADHOUSE_SINCE", str(since), f"a day not after ADHOUSE_UNTIL ({until})")
    token = get("ADHOUSE_API_TOKEN", "")
    api_url = _api_url(get("ADHOUSE_API_URL", ""))
    return Settings(
        home=home,
        project=project,
        profiles=Path(get("DBT_PROFILES_DIR", str(project))).absolute(),
        target=target,
        lake_url=lake_url if "://" in lake_url else str(Path(lake_url).expanduser().absolute()),
        api_url=api_url,
        api_token=token,
        api_answers=_one_of(get, "ADHOUSE_API_ANSWERS", ANSWERS),
        api_fields=_fields(get("ADHOUSE_API_FIELDS", "")),
        since=since,
        until=until,
        restated_days=_count(get, "ADHOUSE_RESTATED_DAYS", "3"),
        report_timezone=_timezone(get("ADHOUSE_REPORT_TIMEZONE", "UTC")),
        currency=_currency(get("ADHOUSE_CURRENCY", "USD")),
        landing_days=None if get("ADHOUSE_LANDING_DAYS", "keep") == "keep" else _count(get, "ADHOUSE_LANDING_DAYS", ""),
        athena_results=_s3_folder(get, "ADHOUSE_ATHENA_RESULTS", f"{lake_url}/results"),
        athena_workgroup=get("ADHOUSE_ATHENA_WORKGROUP", "primary"),
        secrets=tuple(secret for secret in (token, _password(api_url), *_amazons(env)) if secret),
    )


def settle_region() -> None:
    """Lets everybody find the one region that Amazon's own command would: AWS_REGION, else what is set otherwise.

    Amazon's library for Python looks at AWS_DEFAULT_REGION and its own files, dbt's profile at both variables alone.
    """
    import boto3

    if region := os.environ.get("AWS_REGION") or boto3.Session().region_name:
        os.environ.update(AWS_REGION=region, AWS_DEFAULT_REGION=region)


def _unusable(name: str, held: str, wanted: str) -> CommandError:
    return CommandError(f"{name} is {held!r} in the environment", f"set it to {wanted}, or unset it", Exit.USAGE)


def _one_of(get: Get, name: str, allowed: tuple[str, ...]) -> str:
    value = get(name, allowed[0])
    if value not in allowed:
        raise _unusable(name, value, " or ".join(allowed))
    return value


def _day(get: Get, name: str) -> date | None:
    text = get(name, "")
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise _unusable(name, text, "a day as YYYY-MM-DD") from None


def _count(get: Get, name: str, default: str) -> int:
    text = get(name, default)
    if not (text.isdecimal() and int(text) <= MOST_DAYS):
        raise _unusable(name, text, f"a whole number of days, 0 to {MOST_DAYS:,}")
    return int(text)


def _timezone(key: str) -> ZoneInfo:
    try:
        return ZoneInfo(key)
    except (KeyError, ValueError, OSError):
        raise _unusable("ADHOUSE_REPORT_TIMEZONE", key, "an IANA name such as Europe/Berlin") from None


def _currency(code: str) -> str:
    if not re.fullmatch("[A-Z]{3}", code):
        raise _unusable("ADHOUSE_CURRENCY", code, "an ISO 4217 code such as USD")
    return code


def _api_url(url: str) -> str | None:
    if url in ("", "none"):
        return url or None
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise _unusable("ADHOUSE_API_URL", url.rpartition("@")[2], "http(s)://host[:port][/path], or none")
    return url.rstrip("/")


def _s3_folder(get: Get, name: str, default: str) -> str:
    url = get(name, "")
    if url and not url.startswith("s3://"):
        raise _unusable(name, url, "s3://bucket/folder/")
    return (url or default).rstrip("/") + "/"


def _amazons(env: Mapping[str, str]) -> list[str]:
    """The secrets by which Amazon knows us, as far as they are in the environment: only so that they are redacted."""
    held = (env.get(name, "") for name in ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID"))
    return [secret for secret in held if len(secret) >= LEAST_SECRET]


def _password(url: str | None) -> str | None:
    return urlsplit(url).password if url and url != "none" else None


def _fields(text: str) -> dict[str, str]:
    """Reads `spend=cost,ad_id=creative`, or the same as a JSON object, into {our name: their name}."""
    wanted = f"our=theirs pairs such as spend=cost,ad_id=creative; ours are {', '.join(FIELDS)}"
    try:
        pairs = json.loads(text) if text.startswith("{") else dict(pair.split("=") for pair in text.split(",") if pair)
    except ValueError:
        raise _unusable("ADHOUSE_API_FIELDS", text, wanted) from None
    names = {str(ours).strip(): theirs.strip() if isinstance(theirs, str) else "" for ours, theirs in pairs.items()}
    if not all(ours in FIELDS and theirs for ours, theirs in names.items()) or len(set(names.values())) < len(names):
        raise _unusable("ADHOUSE_API_FIELDS", text, wanted)
    return names
