"""A real browser, and when what it opens or changes is drawn."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from bench.serving import PATIENCE

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--force-color-profile=srgb"]

# Notes when the first number or table stood there, when what one sees of the page last changed, when its script last
# began or ended, and when a person last pressed the mouse; milliseconds since the page was asked for. A table is drawn
# on a canvas; inside that stands a copy for screen readers, which follows 0.2 s later and which nobody sees.
WATCH = """
const seen = window.seen = {first: 0, changed: 0, turned: 0, pressed: 0};
const number = '[data-testid=stMetricValue], [data-testid=stDataFrame] canvas';
new MutationObserver(mutations => {
    const now = performance.now();
    for (const {target, attributeName} of mutations) {
        const element = target.nodeType === Node.ELEMENT_NODE ? target : target.parentElement;
        if (element?.closest('[data-testid=stMain]') && !element.closest('canvas')) seen.changed = now;
        if (attributeName === 'data-test-script-state') seen.turned = now;
    }
    if (!seen.first && document.querySelector(number)) seen.first = now;
}).observe(document, {subtree: true, childList: true, characterData: true, attributes: true});
for (const name of ['drawImage', 'fillRect', 'fillText', 'stroke']) {
    const draw = CanvasRenderingContext2D.prototype[name];
    CanvasRenderingContext2D.prototype[name] = function (...how) {
        if (this.canvas.isConnected) seen.changed = performance.now();
        return draw.apply(this, how);
    };
}
document.addEventListener('pointerdown', () => seen.pressed = performance.now(), true);
"""
IS_AT_REST = """
const app = document.querySelector('[data-testid=stApp]');
return app?.dataset.testScriptState === 'notRunning' && document.querySelector('#done')
    && performance.now() - Math.max(seen.changed, seen.turned) > 500
"""
IS_OPEN = f"() => {{ {IS_AT_REST} && seen.first > 0 }}"
IS_CHANGED = f"() => {{ {IS_AT_REST} && seen.changed > seen.pressed }}"


@dataclass(frozen=True)
class Opened:
    """How long a page took, in seconds from when it was asked for.

    Attributes:
        first: Until the first number or table stood there.
        whole: Until nothing changed any more.
    """

    first: float
    whole: float


@contextmanager
def chromium() -> Iterator[Browser | None]:
    """The Chromium of this machine, without a window; None if there is none."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        yield None
        return
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def newcomer(browser: Browser) -> Iterator[BrowserContext]:
    """Somebody whose browser has nothing in its cache yet; what their pages do is watched."""
    with browser.new_context(viewport={"width": 1440, "height": 900}) as context:
        context.set_default_timeout(PATIENCE * 1000)
        context.add_init_script(WATCH)
        yield context


def opened(page: Page, address: str) -> Opened:
    """Opens an address and waits until it is drawn."""
    page.goto(address, wait_until="commit")
    page.wait_for_function(IS_OPEN, polling=50)
    seen = page.evaluate("seen")
    return Opened(seen["first"] / 1000, seen["changed"] / 1000)


def chosen(page: Page, label: str, value: str) -> float:
    """Chooses one more value of a filter, and gives the seconds from the press until the page is drawn again."""
    box = page.get_by_role("combobox", name=label)
    box.click()
    box.fill(value)
    page.get_by_role("option", name=value, exact=True).click()
    page.wait_for_function(IS_CHANGED, polling=50)
    seen = page.evaluate("seen")
    page.get_by_test_id("stMetric").first.click()  # closes the list of options
    return float(seen["changed"] - seen["pressed"]) / 1000
