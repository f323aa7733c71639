"""NOTICE names every package that comes with a wheel of ours, and its licence."""

import re
from importlib.metadata import PackageNotFoundError, distribution

from packaging.requirements import Requirement
from support.repository import ROOT

ROW = re.compile(r"^([a-z0-9-]+) {2,}(\S.*)$", re.MULTILINE)


def installed_with(name: str, found: set[tuple[str, str]]) -> None:
    """Adds a package and all that it needs here, each with its extra."""
    try:
        needs = distribution(name).requires or []
    except PackageNotFoundError:
        return  # not needed on this system
    extras = {extra for one, extra in found if one == name} | {""}
    for need in map(Requirement, needs):
        if need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in extras):
            one = re.sub(r"[-_.]+", "-", need.name).lower()
            new = {(one, extra) for extra in (*need.extras, "")} - found
            if new:
                found |= new
                installed_with(one, found)


def test_the_notice_names_every_package_that_a_user_gets() -> None:
    found: set[tuple[str, str]] = set()
    installed_with("adhouse", found)
    names = {name for name, _ in found}
    listed = dict(ROW.findall((ROOT / "NOTICE").read_text()))
    assert {"dbt-core", "s3fs", "text-unidecode"} <= names, "the search for packages does not work"
    assert names <= listed.keys(), f"not in NOTICE: {', '.join(sorted(names - listed.keys()))}"
    assert "Artistic" in listed["text-unidecode"]
    assert all(licence.strip() for licence in listed.values())
