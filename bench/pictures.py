"""The pictures of the dashboard in README and docs, taken in headless Chromium of the demo: `python -m bench.pictures`.

Run it after a change of the looks. It makes the demo anew, which takes a minute, and needs a Chromium.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

FOLDER = Path(__file__).parents[1] / "docs" / "pictures"
COMMAND = Path(sys.executable).with_name("adhouse")
ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--force-color-profile=srgb"]
SIZE = {"width": 1440, "height": 900}
PATIENCE = 120_000  # milliseconds
SHOTS = (
    ("overview-light", "", "light"),
    ("overview-dark", "", "dark"),
    ("geography-light", "geography?country=US", "light"),
    ("attribution-light", "attribution", "light"),
)


def main() -> None:
    """Makes the demo, opens each page, and writes small pictures; a second run writes them again."""
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if found is None:
        sys.exit("no Chromium found: apt-get install chromium")
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "ADHOUSE_HOME": home}
        subprocess.run([COMMAND, "run"], env=environment, check=True, stdout=subprocess.DEVNULL)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        with subprocess.Popen([COMMAND, "dashboard", "--port", str(port)], env=environment) as server:
            try:
                _wait_for(f"http://127.0.0.1:{port}/_stcore/health")
                with sync_playwright() as driver:
                    browser = driver.chromium.launch(executable_path=found, args=ARGUMENTS)
                    for name, path, theme in SHOTS:
                        _take(browser, f"http://127.0.0.1:{port}/{path}", theme, FOLDER / f"{name}.webp")
                    browser.close()
            finally:
                server.terminate()


def _wait_for(address: str) -> None:
    for _ in range(PATIENCE // 200):
        try:
            with urllib.request.urlopen(address, timeout=5):  # noqa: S310 an address of our own
                return
        except OSError:
            time.sleep(0.2)
    sys.exit("the dashboard does not answer")


def _take(browser: Browser, address: str, theme: str, target: Path) -> None:
    context = browser.new_context(viewport=SIZE, color_scheme="dark" if theme == "dark" else "light")  # type: ignore[arg-type]
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(address)
    page.wait_for_selector("#done", state="attached")
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
    page.wait_for_timeout(1_500)  # charts draw themselves after the script
    shot = target.with_suffix(".png")
    target.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=shot)
    context.close()
    with Image.open(shot) as picture:
        picture.save(target, quality=80, method=6)
    shot.unlink()
    print(f"{target.name}: {target.stat().st_size // 1024} kB")


if __name__ == "__main__":
    main()
