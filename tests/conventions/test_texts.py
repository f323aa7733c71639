"""Documentation that cannot go stale unseen: links, settings, commands, reasons, versions."""

import ast
import re
import tomllib
from pathlib import Path

import pytest
from support.repository import ROOT, files, modules, quarantine_reasons, text_of, unit_tests, yaml_of

PAGES = [path for path in files() if path.suffix == ".md" and path.parts[0] not in ("models", ".github")]
DOCS = [path for path in PAGES if path.parts[0] == "docs" or path.name in ("README.md", "CONTRIBUTING.md")]
PROJECT = tomllib.loads(text_of(Path("pyproject.toml")))["project"]
MAKEFILE = text_of(Path("Makefile"))


def test_the_readme_is_short() -> None:
    assert len(text_of(Path("README.md")).splitlines()) <= 100


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_link_leads_somewhere(page: Path) -> None:
    prose = re.sub(r"```.*?```", "", text_of(page), flags=re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", prose):
        if link.startswith(("http://", "https://", "mailto:")):
            continue
        target, _, anchor = link.partition("#")
        path = (ROOT / page.parent / target).resolve() if target else ROOT / page
        assert path.exists(), f"{link} leads nowhere"
        assert not anchor or anchor in _anchors(path.read_text()), f"{link}: there is no such heading"


def test_every_page_of_the_docs_can_be_found_from_the_readme() -> None:
    linked = {link for page in DOCS for link in _linked(page)}
    assert {page for page in PAGES if page.parts[0] == "docs"} <= linked


def _linked(page: Path) -> set[Path]:
    links = re.findall(r"\]\(([^)#\s]+)", text_of(page))
    return {(ROOT / page.parent / link).resolve().relative_to(ROOT) for link in links if "://" not in link}


def _anchors(text: str) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def test_the_table_of_settings_is_the_one_that_the_settings_generate() -> None:
    from adhouse.settings import settings_table

    begin, end = "<!-- settings: begin -->\n", "<!-- settings: end -->"
    page = text_of(Path("docs/settings.md"))
    assert page.partition(begin)[2].partition(end)[0].strip() == settings_table().strip()


def test_every_variable_that_is_read_is_documented() -> None:
    documented = {name for page in PAGES for name in re.findall(r"\bADHOUSE_[A-Z_]+\b", text_of(page))}
    for path in files():
        if path.parts[0] not in ("tests", "bench") and path.suffix in (".py", ".sql", ".yml", ".example"):
            read = set(re.findall(r"\bADHOUSE_[A-Z_]*[A-Z]\b", text_of(path)))
            assert read <= documented, f"{path} has {', '.join(sorted(read - documented))}"


def test_every_command_in_the_docs_exists() -> None:
    from typer.main import get_command

    from adhouse.cli import app

    commands = get_command(app).commands  # type: ignore[attr-defined]
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
    for page in DOCS:
        code = "\n".join(re.findall(r"```.*?```|`[^`]+`", text_of(page), re.DOTALL))
        for line in re.findall(r"(?:^|`|run |bin/|&& )adhouse ([a-z][^`\n|#]*)", code, re.MULTILINE):
            name, *rest = line.split()
            assert name in commands, f"{page}: adhouse {line}"
            command = commands[name]
            while rest and rest[0] in getattr(command, "commands", ()):
                command = command.commands[rest.pop(0)]
            options = {name for parameter in command.params for name in parameter.opts} | {"--help"}
            used = {word.partition("=")[0] for word in rest if word.startswith("--")}
            assert used <= options, f"{page}: adhouse {line}"
        for target in re.findall(r"(?:^|`)make ([a-z-]+)", code, re.MULTILINE):
            assert target in targets, f"{page}: make {target}"


def test_every_reason_is_explained_to_the_person_who_meets_it() -> None:
    given = _reasons_of_extract() | _reasons_of_models()
    assert given >= {"broken_json", "no_median"}, "the search for reasons does not work"
    explained = quarantine_reasons()
    assert given <= explained.keys(), f"not in the seed: {', '.join(sorted(given - explained.keys()))}"
    assert explained.keys() <= given, f"never given: {', '.join(sorted(explained.keys() - given))}"
    for row in explained.values():
        assert row["meaning"]
        assert row["what_to_do"]


def _reasons_of_extract() -> set[str]:
    """The words given as `reason` to the exceptions and records of extract that have such a parameter."""
    ours = [tree for name, tree in modules().items() if name.partition(".")[0] == "extract"]
    nodes = [node for tree in ours for node in ast.walk(tree)]
    takes_reason = {}
    for node in nodes:
        if isinstance(node, ast.ClassDef):
            for number, parameter in enumerate(_parameters(node)):
                if parameter == "reason":
                    takes_reason[node.name] = number
    given = set()
    for node in nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in takes_reason:
            by_name = [keyword.value for keyword in node.keywords if keyword.arg == "reason"]
            by_place = node.args[takes_reason[node.func.id] :][:1]
            for value in by_name or by_place:
                results = [value.body, value.orelse] if isinstance(value, ast.IfExp) else [value]
                given |= {one.value for one in results if isinstance(one, ast.Constant)}
    return {str(reason) for reason in given}


def _parameters(node: ast.ClassDef) -> list[str]:
    for one in node.body:
        if isinstance(one, ast.FunctionDef) and one.name == "__init__":
            return [argument.arg for argument in one.args.args[1:]]
    return [one.target.id for one in node.body if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)]


def _reasons_of_models() -> set[str]:
    """The words that a model puts into a column `reason` or `rejection_reason`."""
    given: set[str] = set()
    for path in files():
        if path.suffix == ".sql" and path.parts[0] in ("models", "macros"):
            text = re.sub(r"--[^\n]*", "", text_of(path))
            for case in re.findall(r"\bcase\b((?:(?!\bcase\b).)*?)\bend\b(?:[\s)]+as (\w+))?", text, re.DOTALL):
                if case[1] in ("reason", "rejection_reason") or "rejection_reason" in path.name:
                    given |= set(re.findall(r"\b(?:then|else) '(\w+)'", case[0]))
            given |= set(re.findall(r"'(\w+)'\)? as (?:rejection_)?reason\b", text))
    return given


def test_no_file_names_a_machine_or_leaves_work_for_later() -> None:
    a_machine = re.compile(r"(?<![\w.:/])/(?:root|work|home/\w+|Users/\w+)/")
    for path in files():
        assert not a_machine.search(text_of(path)), path
        assert not re.search(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X)\b", text_of(path)), path


def test_pre_commit_runs_what_make_check_runs() -> None:
    recipes = re.findall(r"^(?:check|types|sql):.*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)
    assert len(recipes) == 3
    commands = re.findall(r"^\t\$\(UV_RUN\) (.*)$", "".join(recipes), re.MULTILINE)
    hooks = [hook for repository in yaml_of(Path(".pre-commit-config.yaml"))["repos"] for hook in repository["hooks"]]
    assert [hook["entry"].removeprefix(".venv/bin/") for hook in hooks] == commands


def test_ci_tries_every_python_that_is_promised() -> None:
    promised = [one.rpartition(" ")[2] for one in PROJECT["classifiers"] if re.search(r"Python :: 3\.\d", one)]
    workflow = yaml_of(Path(".github/workflows/check.yml"))
    assert workflow["jobs"]["fast"]["strategy"]["matrix"]["python"] == promised
    first, last = promised[0], promised[-1]
    assert PROJECT["requires-python"] == f">={first},<3.{int(last.partition('.')[2]) + 1}"


def test_cases_of_every_folder_run_each_night() -> None:
    matrix = yaml_of(Path(".github/workflows/nightly.yml"))["jobs"]["cases"]["strategy"]["matrix"]
    tests = [path for path in files() if re.fullmatch(r"tests/\w+/test_\w+\.py", path.as_posix())]
    marked = [path for path in tests if re.search(r"pytest\.mark\.cases|\balways\(", text_of(path))]
    assert {path.parent.as_posix() for path in marked} == set(matrix["folder"])


def test_actions_are_pinned_and_keep_no_credentials() -> None:
    for path in files():
        if path.parts[:2] == (".github", "workflows"):
            for use in re.findall(r"uses: (.+)", text_of(path)):
                assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v[\d.]+", use), f"{path}: {use}"
            for job in yaml_of(path)["jobs"].values():
                for step in job["steps"]:
                    if step.get("uses", "").startswith("actions/checkout@"):
                        assert step["with"]["persist-credentials"] is False


def test_versions_agree() -> None:
    assert yaml_of(Path("dbt_project.yml"))["version"] == PROJECT["version"]
    assert unit_tests(), "the project was found"
