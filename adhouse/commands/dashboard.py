"""Starts the dashboard over the published marts."""

import errno
import gc
import os
import socket
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from adhouse.console import Terminal
from adhouse.dbt.project import PEOPLE
from adhouse.errors import CommandError, Exit
from adhouse.settings import Settings
from adhouse.warehouse.base import nothing_published
from adhouse.warehouse.open import open_warehouse
from adhouse.warehouse.publish import LINK, check_link

PORT = 8501
# The pages import and read once what the first visitor would wait for; on a loaded machine that takes a while.
WARM_UP_SECONDS = 120


def serve(terminal: Terminal, settings: Settings, *, host: str, port: int, is_opened: bool) -> None:
    """Serves the dashboard until Ctrl-C; a build that is published meanwhile is shown at the next reload.

    Raises:
        CommandError: Nothing is published, the port is taken, or the login is half set up.
    """
    login = _login(settings)
    check_link(settings.published)
    link = settings.published / LINK
    if open_warehouse(settings).published() is None:
        raise nothing_published()
    _check_port(host, port)

    from streamlit import config
    from streamlit.runtime.secrets import secrets_singleton
    from streamlit.testing.v1 import AppTest
    from streamlit.web import bootstrap

    import dashboard

    script = Path(dashboard.__file__).with_name("app.py")
    flags: dict[str, object] = {"server_address": host, "server_port": port, "server_headless": not is_opened}
    flags |= {"logger_hideWelcomeMessage": True, "logger_level": "error"}
    # What this user has set up for another app of Streamlit's must not say who somebody is in ours.
    flags |= {"secrets_files": [], "server_trustedUserHeaders": {}}
    config._main_script_path = str(script)  # where its config.toml is; Streamlit's own command sets it so
    bootstrap.load_config_options(flags)
    bootstrap._fix_sys_argv(str(script), [str(link)])
    if settings.is_in_cloud:
        _read_from_athena(settings)
    terminal.message("preparing the pages …")
    AppTest.from_file(str(script), default_timeout=WARM_UP_SECONDS).run()
    # Streamlit collects garbage after each run of a page, and the page waits: what stays to the end is not looked at.
    gc.collect()
    gc.freeze()
    if login:
        # In memory alone: a file would have to be kept from others, and removed whatever ends this process.
        secrets_singleton.merge_programmatic_secrets(login)
    address = settings.login_url or f"http://{f'[{host}]' if ':' in host else host}:{port}"
    terminal.result(f"dashboard: {address} (Ctrl-C ends it)")
    # Who reads this through a pipe may have closed it; what Streamlit says at the end must not keep it from ending.
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere):
        bootstrap.run(str(script), is_hello=False, args=[str(link)], flag_options=flags)


def _read_from_athena(settings: Settings) -> None:
    """Lets the pages, which run in this process, ask Athena; they are imported once Streamlit knows what to log."""
    from adhouse.warehouse.athena import AthenaWarehouse
    from adhouse.warehouse.athena_pages import AthenaPages
    from dashboard import published

    warehouse = AthenaWarehouse(settings.lake_url, settings.athena_results, settings.athena_workgroup)
    published.read_from(AthenaPages(warehouse))


def _login(settings: Settings) -> dict[str, Any] | None:
    """The login as Streamlit's secrets and the pages want it; None without one.

    Raises:
        CommandError: Only some of its settings are set, or the list of people cannot be used.
    """
    needed = {
        "ADHOUSE_LOGIN_URL": settings.login_url,
        "ADHOUSE_LOGIN_PROVIDER": settings.login_provider,
        "ADHOUSE_LOGIN_CLIENT_ID": settings.login_client_id,
        "ADHOUSE_LOGIN_CLIENT_SECRET": settings.login_client_secret,
        "ADHOUSE_LOGIN_COOKIE_KEY": settings.login_cookie_key,
    }
    missing = [name for name, value in needed.items() if not value]
    if len(missing) == len(needed):
        return None
    if missing:
        raise CommandError(
            f"the dashboard's login is only half set up, without {', '.join(missing)}",
            "set ADHOUSE_LOGIN_URL, _PROVIDER, _CLIENT_ID, _CLIENT_SECRET and _COOKIE_KEY, or none of them",
            Exit.USAGE,
        )
    from dashboard.people import PeopleError, read_people

    people = settings.project / "seeds" / PEOPLE
    try:
        read_people(people)
    except PeopleError as error:
        raise CommandError(str(error), f"mend {people}: docs/dashboard.md says what it has", Exit.USAGE) from None
    return {
        "auth": {
            "redirect_uri": f"{settings.login_url}/oauth2callback",
            "server_metadata_url": settings.login_provider,
            "client_id": settings.login_client_id,
            "client_secret": settings.login_client_secret,
            "cookie_secret": settings.login_cookie_key,
        },
        "dashboard": {"people": str(people), "contact": settings.login_contact},
    }


def _check_port(host: str, port: int) -> None:
    if not host.strip():
        raise CommandError("--host is empty", "name an address of this machine, such as 127.0.0.1", Exit.USAGE)
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            is_port = error.errno in (errno.EADDRINUSE, errno.EACCES)
            way_out = "choose another --port" if is_port else "name an address of this machine with --host"
            raise CommandError(f"cannot listen on {host}:{port}: {error.strerror}", way_out) from None
