"""What every dbt model, column, unit test and macro has to have, read from their files: dbt itself is not started."""

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from support.repository import Model, files, macro_files, models, property_files, text_of, unit_tests, yaml_of

MODELS = pytest.mark.parametrize("model", models(), ids=lambda model: model.name)
# dbt finds these by their names; everything else must be used somewhere.
OVERRIDES = {"generate_schema_name", "generate_database_name", "generate_alias_name", "duckdb__load_csv_rows"}
ENGINES = ("duckdb", "athena")
LAYERS = ("staging", "intermediate", "marts")
# What decides something about a row; a model without any of it only selects, renames and puts together.
RULES = r"\b(case|where|join|group by|coalesce|having)\b|\bover \("
CLOCKS = r"\b(current_timestamp|current_date|current_time|localtimestamp|now\(|today\(|getdate\(|get_current_timestamp)"


@MODELS
def test_a_model_is_described_in_its_own_folder(model: Model) -> None:
    described = model.path.parent / f"_{model.path.parent.name}__models.yml"
    assert described in files(), f"{described} is missing"
    assert model.name in [one["name"] for one in yaml_of(described)["models"]]
    assert re.match("One row per ", model.properties["description"]), model.properties["description"]


def test_only_models_that_exist_are_described() -> None:
    described = [one["name"] for path in property_files() for one in yaml_of(path).get("models") or []]
    assert sorted(described) == sorted(model.name for model in models())


def test_tables_of_raw_and_seeds_are_described() -> None:
    described: list[dict[str, Any]] = []
    for path in [*property_files(), *(path for path in files() if path.parts[0] == "seeds" and path.suffix == ".yml")]:
        described += [table for source in yaml_of(path).get("sources") or [] for table in source["tables"]]
        described += yaml_of(path).get("seeds") or []
    assert described
    for one in described:
        assert re.match("One row per ", one.get("description", "")), one["name"]


@MODELS
def test_every_column_says_what_it_is(model: Model) -> None:
    assert model.columns or model.layer != "marts", "a mart lists all its columns"
    for column in model.columns:
        assert column.get("description"), column["name"]
        assert model.layer != "marts" or column.get("data_type"), f"{column['name']} has no data_type"


@MODELS
def test_a_table_has_its_grain_tested(model: Model) -> None:
    if model.is_view and model.layer != "marts":
        return
    on_model = [test for test in model.properties.get("data_tests") or [] if "unique_combination_of_columns" in test]
    on_column = [column for column in model.columns if {"unique", "not_null"} <= {*_names(column.get("data_tests"))}]
    assert on_model or on_column, "neither unique_combination_of_columns nor a column that is unique and not_null"


def _names(tests: list[Any] | None) -> list[str]:
    return [test if isinstance(test, str) else next(iter(test)) for test in tests or []]


@MODELS
def test_a_model_knows_no_engine_no_clock_and_no_rate_of_its_own(model: Model) -> None:
    assert not re.search(r"\btarget\b", model.statement), "the target is asked for in dispatched macros only"
    assert "depends_on" not in model.sql, "a ref is enough"
    assert not re.search(CLOCKS, model.statement, re.IGNORECASE), "a model that reads a clock gives no number twice"
    sql = re.sub(r"\{[{%].*?[}%]\}|'[^']*'", "", model.statement, flags=re.DOTALL)
    assert "/" not in sql, "rates come from ratio and ratio_or_zero"


@MODELS
def test_only_staging_reads_sources(model: Model) -> None:
    assert model.layer in LAYERS
    assert model.layer == "staging" or not re.search(r"\bsource\(", model.statement)


@MODELS
def test_a_model_with_a_rule_has_a_unit_test(model: Model) -> None:
    if re.search(RULES, model.statement):
        assert model.name in [test["model"] for _, test in unit_tests()]


def test_unit_tests_are_sentences_and_stand_beside_their_models() -> None:
    folders = {model.name: model.path.parent for model in models()}
    names = Counter(test["name"] for _, test in unit_tests())
    assert names
    for path, test in unit_tests():
        folder = folders[test["model"]]
        assert path == folder / f"_{folder.name}__unit_tests.yml", test["name"]
        assert len(test["name"].split("_")) >= 3, f"{test['name']} is not a sentence"
        assert names[test["name"]] == 1, f"{test['name']} stands there twice"
        assert "target" not in str(test.get("config", "")), f"{test['name']} does not run on every engine"


def test_a_dispatched_macro_exists_for_every_engine() -> None:
    macros = _macros()
    dispatched = set()
    for path in macro_files():
        dispatched |= set(re.findall(r"adapter\.dispatch\(\s*'(\w+)'", text_of(path)))
    for name in dispatched:
        missing = [engine for engine in ENGINES if f"{engine}__{name}" not in macros]
        assert f"default__{name}" in macros or not missing, f"{name} has no variant for {', '.join(missing)}"
        assert not (f"default__{name}" in macros and not missing), f"default__{name} is never used"


def test_every_macro_is_used() -> None:
    everything = "\n".join(
        text_of(path)
        for path in files()
        if path.parts[0] in ("models", "macros", "tests", "snapshots") and path.suffix in (".sql", ".yml")
    ) + text_of(Path("dbt_project.yml"))
    for name in _macros() - OVERRIDES:
        prefix, _, bare = name.rpartition("__")
        if prefix in (*ENGINES, "default"):
            # The variant of a dispatched macro of ours, or of one of dbt's own.
            assert f"dispatch('{bare}')" in everything or bare.startswith(("get_", "create_", "drop_")), name
        else:
            assert len(re.findall(rf"\b{name}\b", everything)) > 1, f"{name} is never used"


def _macros() -> set[str]:
    return {name for path in macro_files() for name in re.findall(r"\{%-? macro (\w+)\(", text_of(path))}
