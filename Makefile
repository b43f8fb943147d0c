# One door: every target works on a fresh clone with Python 3.11 or 3.12 and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
QUICK := not slow and not gpu and not s3 and not browser and not long
SLOW := (slow or s3 or browser) and not gpu and not long
SMOKE := build/smoke

.DEFAULT_GOAL := help
.PHONY: help setup hooks demo format check test test-slow test-long smoke coverage docs audit bench tools

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /: /' | column -t -s: -l 2

setup: $(STAMP) ## make the virtual environment and install everything

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if (3, 11) <= v < (3, 13) else "archive-colorizer needs Python 3.11 or 3.12: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt torch
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

hooks: $(STAMP) ## install the checks that run before each commit
	$(BIN)/pre-commit install

tools: ## what the tests use of other programs: Chromium, TypeScript, exiftool (Debian's packages, npm)
	infra/tools.sh

demo: $(STAMP) ## colour the sample photographs and say where to look
	$(BIN)/python jobs/demo.py demo

format: $(STAMP) ## rewrite the code as the style wants it
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

check: $(STAMP) ## style, types, import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy

test: check ## all checks and the quick tests (under 6 minutes on 2 quiet cores)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n logical --dist loadfile -m "$(QUICK)"

test-slow: $(STAMP) ## the kill, fault and end-to-end tests
	$(BIN)/python -m pytest -q -n logical --dist loadfile -m "$(SLOW)" --timeout 1200

test-long: $(STAMP) ## soaks, storms and loads, by hand: a quarter of an hour or more each
	$(BIN)/python -m pytest -q -m long --timeout 7200

smoke: ## the command in an environment of its own, without what developers use, then with all extras
	rm -rf build/lib build/bdist.*
	$(PYTHON) -m venv --clear $(SMOKE)
	$(SMOKE)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt torch
	$(SMOKE)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt .
	$(SMOKE)/bin/python infra/smoke.py
	$(SMOKE)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt 'archive-colorizer[all]'
	$(SMOKE)/bin/python infra/smoke.py --all

coverage: $(STAMP) ## which lines the quick tests run, as a table
	$(BIN)/python -m pytest -q -m "$(QUICK)" --timeout 900 --cov --cov-report term:skip-covered

docs: $(STAMP) ## the documentation as a site in build/site; a link to nothing is an error
	$(BIN)/python infra/site.py build/docs
	$(BIN)/zensical build --clean --strict

audit: $(STAMP) ## known weaknesses of the pinned libraries; asks PyPI's advisory service
	$(BIN)/python -m pip install --quiet --disable-pip-version-check pip-audit
	$(BIN)/pip-audit --requirement constraints.txt --no-deps --disable-pip

bench: $(STAMP) ## measure, and print what each step takes; figures go to benchmarks/results/
	$(BIN)/python benchmarks/bench_steps.py
	$(BIN)/python benchmarks/bench_pipeline.py
