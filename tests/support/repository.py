"""What the convention tests look at: the files of this repository, read as text, syntax trees and YAML."""

import ast
import csv
import re
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]


@cache
def files() -> tuple[Path, ...]:
    """Every file that is in git or would be added to it, relative to the root."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    names = sorted({name for name in listed.split("\0") if name})
    return tuple(Path(name) for name in names if (ROOT / name).is_file())


@cache
def text_of(path: Path) -> str:
    """The text of a file; that of a binary one is nothing."""
    try:
        return (ROOT / path).read_text()
    except UnicodeDecodeError:
        return ""


@cache
def yaml_of(path: Path) -> Any:
    """What a YAML file holds."""
    return yaml.load(text_of(path), yaml.CSafeLoader)  # the one in Python takes seconds


@cache
def modules() -> dict[str, ast.Module]:
    """The syntax tree of each Python module outside the tests, by its dotted name."""
    trees = {}
    for path in files():
        if path.suffix == ".py" and path.parts[0] != "tests":
            name = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
            trees[name] = ast.parse(text_of(path), str(path))
    return trees


def imported(module: str, tree: ast.AST) -> set[str]:
    """The names of the modules that a module imports, also in functions, but not for type checking alone."""
    names: set[str] = set()
    for node in _run_time_nodes(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} has a relative import"
            names |= {_imported_from(node.module or "", alias.name) for alias in node.names}
    return names


def _imported_from(package: str, name: str) -> str:
    """`from a import b` imports the module a.b if there is one, else something that stands in a."""
    return f"{package}.{name}" if f"{package}.{name}" in modules() else package


def _run_time_nodes(tree: ast.AST) -> list[ast.AST]:
    nodes: list[ast.AST] = []
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            nodes += [inner for one in node.orelse for inner in [one, *_run_time_nodes(one)]]
        else:
            nodes += [node, *_run_time_nodes(node)]
    return nodes


@dataclass(frozen=True)
class Model:
    """A dbt model: its SQL, and what its folder's YAML says about it."""

    name: str
    path: Path
    sql: str
    properties: dict[str, Any]

    @property
    def layer(self) -> str:
        """Staging, intermediate or marts."""
        return self.path.parts[1]

    @property
    def columns(self) -> list[dict[str, Any]]:
        """The columns that the YAML lists."""
        return list(self.properties.get("columns") or [])

    @property
    def is_view(self) -> bool:
        """Whether it is surely a view: it says so itself, or its layer does and it says nothing."""
        own = re.search(r"materialized\s*=\s*'(\w+)'", self.sql)
        of_layer = yaml_of(Path("dbt_project.yml"))["models"]["adhouse"].get(self.layer, {}).get("+materialized")
        in_yaml = (self.properties.get("config") or {}).get("materialized")
        is_configured_by_macro = re.search(r"config\(\s*\*?\*?\s*\w+\(", self.sql)
        kind = own[1] if own else in_yaml or (None if is_configured_by_macro else of_layer)
        return kind in ("view", "ephemeral")

    @property
    def statement(self) -> str:
        """The SQL without comments, and without what Jinja adds for incremental builds."""
        text = re.sub(r"\{#.*?#\}", "", self.sql, flags=re.DOTALL)
        text = re.sub(r"\{%-? if is_incremental\(\).*?\{%-? endif -?%\}", "", text, flags=re.DOTALL)
        return re.sub(r"--[^\n]*", "", text)


@cache
def models() -> tuple[Model, ...]:
    """Every model of the dbt project."""
    described = {one["name"]: one for path in property_files() for one in yaml_of(path).get("models") or []}
    return tuple(
        Model(path.stem, path, text_of(path), described.get(path.stem, {}))
        for path in files()
        if path.parts[0] == "models" and path.suffix == ".sql"
    )


def property_files() -> list[Path]:
    """The YAML files of the models."""
    return [path for path in files() if path.parts[0] == "models" and path.suffix in (".yml", ".yaml")]


def unit_tests() -> list[tuple[Path, dict[str, Any]]]:
    """Each unit test of the dbt project, and the file that it stands in."""
    return [(path, test) for path in property_files() for test in yaml_of(path).get("unit_tests") or []]


def macro_files() -> list[Path]:
    """The SQL files of the macros and of the generic tests."""
    return [path for path in files() if path.suffix == ".sql" and path.parts[0] in ("macros", "tests")]


def quarantine_reasons() -> dict[str, dict[str, str]]:
    """The rows of the seed `quarantine_reasons`, by reason."""
    rows = csv.DictReader(text_of(Path("seeds/quarantine_reasons.csv")).splitlines())
    return {row["reason"]: row for row in rows}
