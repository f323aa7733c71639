"""A provider of OpenID Connect on this machine, and the dashboard with a login by it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support.browser import dashboard, free_port

CLIENT_SECRET, COOKIE_KEY = "canary-client-secret", "canary-cookie-key-of-32-characters"


@contextmanager
def provider(people: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Serves a provider that knows people by their name, with what it says of each, and gives its address."""
    from oidc_provider_mock import User, run_server_in_thread  # imported late: most tests do not need it

    users = [User(sub=name, claims=dict(claims)) for name, claims in people.items()]
    with run_server_in_thread(user_claims=users) as server:
        yield f"http://localhost:{server.server_port}"


def login_settings(url: str, issuer: str) -> dict[str, str]:
    """The settings of a login at a dashboard by a provider."""
    return {
        "ADHOUSE_LOGIN_URL": url,
        "ADHOUSE_LOGIN_PROVIDER": f"{issuer}/.well-known/openid-configuration",
        "ADHOUSE_LOGIN_CLIENT_ID": "adhouse",
        "ADHOUSE_LOGIN_CLIENT_SECRET": CLIENT_SECRET,
        "ADHOUSE_LOGIN_COOKIE_KEY": COOKIE_KEY,
        "ADHOUSE_LOGIN_CONTACT": "the ads team",
    }


@contextmanager
def dashboard_with_login(home: Path, issuer: str, people: str, **settings: str) -> Iterator[str]:
    """Serves the dashboard of a data folder to the people of a list, and gives its address."""
    project = home.parent / f"{home.name}_project"
    (project / "seeds").mkdir(parents=True)
    (project / "seeds" / "dashboard_people.csv").write_text(people)
    (project / "dbt_project.yml").write_text("name: adhouse\n")
    port = free_port()
    url = f"http://localhost:{port}"
    with dashboard(home, port, DBT_PROJECT_DIR=str(project), **login_settings(url, issuer), **settings):
        yield url
