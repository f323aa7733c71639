"""What axe says of a page, without what only Streamlit could mend."""

from typing import TYPE_CHECKING, Any

from axe_playwright_python.sync_playwright import Axe

if TYPE_CHECKING:
    from playwright.sync_api import Page

# Streamlit's own: the labels of disabled widgets are pale, which WCAG allows.
STREAMLITS = {
    "color-contrast": "[data-testid=stMultiSelect], [data-testid=stSelectbox], [data-testid=stButton]",
}


def violations(page: "Page") -> list[str]:
    """The rules that a page breaks, each with what breaks it."""
    found: list[dict[str, Any]] = Axe().run(page).response["violations"]
    return [
        f"{rule['id']}: {node['html'][:200]} {node.get('failureSummary')}"
        for rule in found
        for node in rule["nodes"]
        if not _is_streamlits(page, rule["id"], node)
    ]


def _is_streamlits(page: "Page", rule: str, node: dict[str, Any]) -> bool:
    if rule not in STREAMLITS:
        return False
    inside: bool = page.locator(node["target"][0]).first.evaluate(
        """(element, [rule, inside]) => {
            const widget = element.closest(inside);
            return !!widget && (rule !== 'color-contrast' || !!widget.querySelector(':disabled, [aria-disabled=true]'));
        }""",
        [rule, STREAMLITS[rule]],
    )
    return inside
