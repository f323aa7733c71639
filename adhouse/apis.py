"""Which APIs are asked, and how: the settings of each, as the environment and `sources.yml` say them."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from adhouse.settings import CAMPAIGN_API, Settings

if TYPE_CHECKING:
    from extract.run import ApiSettings


def api_settings(settings: Settings, name: str, now: datetime) -> "ApiSettings | None":
    """The settings of a source that is an API; None if it is none, or has no address."""
    from extract.run import ApiSettings, declared_api

    if name in settings.declared_apis:
        source = settings.declared_apis[name]
        return declared_api(source, settings.token_of(source), **asked(settings, name, now))
    if name == CAMPAIGN_API and settings.api_url and settings.api_url != "none":
        return ApiSettings(settings.api_url, settings.api_token, **asked(settings, name, now))
    return None


def asked(settings: Settings, name: str, now: datetime) -> dict[str, Any]:
    """What an API is asked for, and how patiently."""
    since, until = settings.window(now, settings.sources[name])
    return {
        "answers": settings.answers_of(name),
        "since": since,
        "until": until,
        "restated_days": settings.restated_days,
        "deadline_seconds": settings.api_deadline,
        "secrets": settings.secrets,
    }
