"""Dependencies point one way, and no two modules need each other."""

import ast
from graphlib import CycleError, TopologicalSorter

import pytest
from support.repository import imported, modules

# What each package may import of the others here. What is not listed imports none of them.
MAY_IMPORT = {
    "adhouse": {"extract", "simulate", "local_athena", "dashboard"},
    "bench": {"adhouse", "extract", "simulate"},
}
PACKAGES = sorted({name.partition(".")[0] for name in modules()})


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_only_those_below_it(package: str) -> None:
    allowed = {package} | MAY_IMPORT.get(package, set())
    for name, tree in modules().items():
        if name.partition(".")[0] == package:
            others = {one.partition(".")[0] for one in imported(name, tree)} & {*PACKAGES, "tests", "support"}
            assert others <= allowed, f"{name} imports {', '.join(sorted(others - allowed))}"


@pytest.mark.parametrize("package", PACKAGES)
def test_no_modules_import_each_other_in_a_circle(package: str) -> None:
    ours = {name: tree for name, tree in modules().items() if name.partition(".")[0] == package}
    graph = {name: imported(name, tree) & ours.keys() - {name} for name, tree in ours.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"imported in a circle: {' <- '.join(error.args[1])}")


def test_only_the_settings_read_the_environment() -> None:
    """What starts dbt in the process may add to the environment, for dbt reads nothing else."""
    for name, tree in modules().items():
        if name == "adhouse.settings" or name.partition(".")[0] not in ("adhouse", "extract", "simulate"):
            continue
        added = [
            ast.unparse(node.func.value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "update"
        ]
        used = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
        reads = [one for one in used if one in ("os.environ", "os.getenv")]
        assert len(reads) == added.count("os.environ"), f"{name} reads the environment"


def test_only_a_few_modules_know_a_cloud() -> None:
    clouds = {"boto3", "botocore", "pyathena", "s3fs"}
    know_one = {"adhouse.aws", "adhouse.settings", "adhouse.warehouse.athena", "extract.athena", "extract.storage"}
    for name, tree in modules().items():
        package = name.partition(".")[0]
        if (
            package in ("adhouse", "extract", "simulate")
            and {one.partition(".")[0] for one in imported(name, tree)} & clouds
        ):
            assert any(name == one or name.startswith((f"{one}.", f"{one}_")) for one in know_one), name
