# Uses the uv on the path; where there is none, installs it into .uv/, and changes nothing outside this folder.
UV := $(or $(shell command -v uv 2>/dev/null),.uv/bin/uv)
UV_RUN := $(UV) run --frozen --no-sync
# Two workers, because most tests wait for processes; tests that share a file or what is expensive stay together.
PYTEST := $(UV_RUN) pytest -n 2 --dist loadfile --no-loadscope-reorder
FAST_TESTS := tests/unit tests/extract tests/conventions tests/simulate

# The tests start hundreds of commands, each of which would compile adhouse again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help run dashboard check types sql test-fast test test-cases docs bench athena install
.DEFAULT_GOAL := help

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: install ## Pull 30 days from the mock API (or yours), build, test, publish
	@$(UV_RUN) adhouse run

dashboard: install ## Look at the published marts in the browser, until Ctrl-C
	@$(UV_RUN) adhouse dashboard

check: install ## Check style and types of Python and SQL (what the pre-commit hooks run)
	$(UV_RUN) ruff check .
	$(UV_RUN) ruff format --check .
	@$(MAKE) --no-print-directory --jobs 2 types sql

types:
	$(UV_RUN) mypy

sql:
	$(UV_RUN) sqlfluff lint --disable-progress-bar models tests/sql

test-fast: install ## Run the tests that need no dbt build (under 2 minutes)
	$(PYTEST) -m 'not cases' $(FAST_TESTS)

test: check ## Check, and run the tests of everything (about 15 minutes)
	$(PYTEST) -m 'not cases'

test-cases: install ## Run what takes hours: damaged stores, kills at every point (FOLDER=tests/cli: those of one folder)
	$(PYTEST) -m cases $(FOLDER)

docs: install ## Write the documentation of every model as one page
	@$(UV_RUN) adhouse docs

bench: install ## Measure speed and memory against a hand-written script
	@$(UV_RUN) python -m bench

athena: install ## Run an Athena on this machine, for dbt, notebooks and BI tools, until Ctrl-C
	@$(UV_RUN) python -m local_athena

install: profiles.yml $(filter .uv/%,$(UV)) ## Install everything into .venv/
	@$(UV) sync --frozen --quiet --compile-bytecode

profiles.yml:
	@cp profiles.yml.example $@

# pip with a folder of its own, because many systems forbid pip to touch their Python; without pip, a venv or pipx.
.uv/bin/uv:
	@echo "installing uv into .uv/"
	@python3 -m pip install --quiet --target .uv uv 2>/dev/null \
		|| { python3 -m venv .uv && .uv/bin/pip install --quiet uv; } 2>/dev/null \
		|| PIPX_BIN_DIR=$(CURDIR)/.uv/bin pipx install --quiet uv
