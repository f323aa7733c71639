"""The pictures of the dashboard in README and docs, taken in headless Chromium of the demo: `python -m bench.pictures`.

Run it after a change of the looks. It makes the demo anew, which takes a minute, and needs a Chromium.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser

from bench.browser import chromium
from bench.processes import ADHOUSE
from bench.serving import dashboard, serving

FOLDER = Path(__file__).parents[1] / "docs" / "pictures"
SIZE = {"width": 1440, "height": 900}
PATIENCE = 120_000  # milliseconds
NARROW = {"width": 390, "height": 844}
PAGES = (
    "campaigns",
    "creatives",
    "daily",
    "geography?country=US",
    "funnel",
    "attribution",
    "auctions",
    "alerts",
    "health",
)
SHOTS = (
    ("overview-light", "", "light", SIZE),
    ("overview-dark", "", "dark", SIZE),
    ("overview-narrow", "", "dark", NARROW),
    *((f"{page.partition('?')[0]}-light", page, "light", SIZE) for page in PAGES),
)


def main() -> None:
    """Makes the demo, opens each page, and writes small pictures; a second run writes them again."""
    with chromium() as browser, tempfile.TemporaryDirectory() as home:
        if browser is None:
            sys.exit("no Chromium found: apt-get install chromium")
        settings = {"ADHOUSE_HOME": home}
        subprocess.run([ADHOUSE, "run"], env={**os.environ, **settings}, check=True, stdout=subprocess.DEVNULL)
        with serving(dashboard, settings) as server:
            for name, path, theme, size in SHOTS:
                _take(browser, f"{server.url}/{path}", theme, size, FOLDER / f"{name}.webp")


def _take(browser: Browser, address: str, theme: str, size: dict[str, int], target: Path) -> None:
    context = browser.new_context(viewport=size, color_scheme="dark" if theme == "dark" else "light")  # type: ignore[arg-type]
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
