"""A real browser, and the dashboard as the real command serves it."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

from support.lacking import skip_or_fail

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--force-color-profile=srgb"]
COMMAND = Path(sys.executable).with_name("adhouse")
# A loaded machine may need long; a test waits for what it wants to see, and never just sleeps.
PATIENCE = 60_000  # milliseconds
WIDE, NARROW = (1440, 1000), (390, 844)


@pytest.fixture(scope="session")
def chromium(request: pytest.FixtureRequest) -> Iterator["Browser"]:
    """The Chromium of this machine; without one its tests are skipped, and fail in CI."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        skip_or_fail(request.config, "not tested in a browser", "no Chromium found: apt-get install chromium")
    from playwright.sync_api import sync_playwright  # imported late: most tests do not need it

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def dashboard(home: Path, port: int | None = None, **settings: str) -> Iterator[str]:
    """Serves the dashboard of a data folder by the real command, and gives its address.

    Args:
        home: The data folder.
        port: Where it listens; None: on a free port.
        settings: What else its environment has.
    """
    port = port or free_port()
    others = {name: value for name, value in os.environ.items() if not name.startswith(("ADHOUSE_", "DBT_"))}
    command = [str(COMMAND), "dashboard", "--port", str(port)]
    url = f"http://127.0.0.1:{port}"
    environment = {**others, "ADHOUSE_HOME": str(home), **settings}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            wait_for(url, process)
            yield url
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(30)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def wait_for(url: str, process: "subprocess.Popen[str]") -> None:
    """Waits until a dashboard answers, and fails if it does not or has ended."""
    for _ in range(PATIENCE // 100):
        assert process.poll() is None, "the dashboard ended"
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail("the dashboard does not answer")


class Visit:
    """A page of the dashboard in a session of its own, and what the browser complained of."""

    def __init__(
        self,
        browser: "Browser",
        url: str,
        size: tuple[int, int] = WIDE,
        theme: Literal["light", "dark"] = "light",
        time_zone: str = "UTC",
    ) -> None:
        self._url = url
        self._context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme=theme,
            timezone_id=time_zone,
            accept_downloads=True,
        )
        self._context.set_default_timeout(PATIENCE)
        self.page: Page = self._context.new_page()
        self.errors: list[str] = []
        self.foreign: list[str] = []
        self.page.on(
            "console",
            lambda said: self.errors.append(f"{said.text} {said.location['url']}") if said.type == "error" else None,
        )
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda asked: self.foreign.append(asked.url) if not self._is_ours(asked.url) else None)

    def open(self, path: str = "") -> "Page":
        """Opens a path and waits until it is drawn."""
        self.page.goto(f"{self._url}/{path}")
        self.settle()
        return self.page

    def settle(self) -> None:
        """Waits until the script of the page has run to its end, and each element has loaded what draws it."""
        self.page.wait_for_selector("#done", state="attached")
        self.page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
        self.page.wait_for_function("!document.querySelector('[data-testid=stSkeleton]')")

    def unexpected(self) -> list[str]:
        """The errors of the console but two of Streamlit's own, which looks for its health below the path of a page."""
        known = ("/_stcore/health", "/_stcore/host-config")
        return [error for error in self.errors if not error.strip().endswith(known)]

    def close(self) -> None:
        self._context.close()

    def _is_ours(self, url: str) -> bool:
        return url.startswith((self._url, self._url.replace("http", "ws", 1), "data:", "blob:"))


Visiting = Callable[..., Visit]


@pytest.fixture
def visit(chromium: "Browser", url: str) -> Iterator[Visiting]:
    """Opens sessions with the dashboard at the test's `url`, which are closed after it."""
    opened: list[Visit] = []

    def begin(size: tuple[int, int] = WIDE, theme: Literal["light", "dark"] = "light", time_zone: str = "UTC") -> Visit:
        opened.append(Visit(chromium, url, size, theme, time_zone))
        return opened[-1]

    yield begin
    for one in opened:
        one.close()
