"""Starts the dashboard over the published marts."""

import socket
from pathlib import Path

from adhouse.console import Terminal
from adhouse.errors import CommandError, Exit
from adhouse.settings import Settings
from adhouse.warehouse.base import nothing_published
from adhouse.warehouse.publish import LINK, check_link

PORT = 8501
# The pages import and read once what the first visitor would wait for; on a loaded machine that takes a while.
WARM_UP_SECONDS = 120


def serve(terminal: Terminal, settings: Settings, *, host: str, port: int, is_opened: bool) -> None:
    """Serves the dashboard until Ctrl-C; a build that is published meanwhile is shown at the next reload.

    Raises:
        CommandError: Nothing is published, the marts are on Athena, or the port is taken.
    """
    if settings.is_in_cloud:
        raise CommandError(
            "the dashboard shows marts that are published on DuckDB, and ADHOUSE_TARGET is athena",
            "BI tools read the marts on Athena: docs/athena.md",
            Exit.USAGE,
        )
    check_link(settings.published)
    link = settings.published / LINK
    if not link.exists():
        raise nothing_published()
    _check_port(host, port)

    from streamlit import config
    from streamlit.testing.v1 import AppTest
    from streamlit.web import bootstrap

    import dashboard

    script = Path(dashboard.__file__).with_name("app.py")
    flags: dict[str, object] = {"server_address": host, "server_port": port, "server_headless": not is_opened}
    flags |= {"logger_hideWelcomeMessage": True, "logger_level": "error"}
    config._main_script_path = str(script)  # where its config.toml is; Streamlit's own command sets it so
    bootstrap.load_config_options(flags)
    bootstrap._fix_sys_argv(str(script), [str(link)])
    terminal.message("preparing the pages …")
    AppTest.from_file(str(script), default_timeout=WARM_UP_SECONDS).run()
    terminal.result(f"dashboard: http://{f'[{host}]' if ':' in host else host}:{port} (Ctrl-C ends it)")
    bootstrap.run(str(script), is_hello=False, args=[str(link)], flag_options=flags)


def _check_port(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CommandError(f"cannot listen on {host}:{port}: {error.strerror}", "choose another --port") from None
