# uv is taken from the path; where it is missing it is brought into .uv/, and nothing outside this folder changes.
UV := $(or $(shell command -v uv 2>/dev/null),.uv/bin/uv)
IN_HOUSE := $(UV) run --frozen --no-sync

.PHONY: help run test lint docs bench athena install
.DEFAULT_GOAL := help

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: install ## Pull 30 days from the mock API (or yours), build, test, publish
	@$(IN_HOUSE) adhouse run

test: lint ## Run everything a pull request must pass
	$(IN_HOUSE) pytest -n 2 --dist loadfile --no-loadscope-reorder

lint: install ## Check style and types of Python and SQL
	$(IN_HOUSE) ruff check .
	$(IN_HOUSE) ruff format --check .
	$(IN_HOUSE) mypy
	$(IN_HOUSE) sqlfluff lint --disable-progress-bar models tests/sql

docs: install ## Write the documentation of every model as one page
	@$(IN_HOUSE) adhouse docs

bench: install ## Measure speed and memory against a hand-written script
	@$(IN_HOUSE) python -m bench

athena: install ## Run an Athena on this machine, for dbt, notebooks and BI tools, until Ctrl-C
	@$(IN_HOUSE) python -m local_athena

install: profiles.yml $(filter .uv/%,$(UV))
	@$(UV) sync --frozen --quiet --compile-bytecode

profiles.yml:
	@cp profiles.yml.example $@

# Into a folder of its own, because many a system forbids pip to touch its Python; or, without pip, by a venv or pipx.
.uv/bin/uv:
	@echo "bringing uv into .uv/"
	@python3 -m pip install --quiet --target .uv uv 2>/dev/null \
		|| { python3 -m venv .uv && .uv/bin/pip install --quiet uv; } 2>/dev/null \
		|| PIPX_BIN_DIR=$(CURDIR)/.uv/bin pipx install --quiet uv
