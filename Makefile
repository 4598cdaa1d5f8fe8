# Every target makes what it needs: a virtual environment in .venv, installed once for each change
# of pyproject.toml or constraints.txt.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet -c constraints.txt
RUN_READY := $(VENV)/.ready-run
DEV_READY := $(VENV)/.ready-dev

# One thread a process: more only get in each other's way on matrices as small as ours.
export OMP_NUM_THREADS ?= 1
export OPENBLAS_NUM_THREADS ?= 1

.PHONY: run test check format models evaluate notebook notebooks comparison clean help

help: ## List the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: $(RUN_READY) ## Turn the calls in data/samples into jobs.jsonl
	@$(BIN)/tradecall process data/samples -o jobs.jsonl --table; status=$$?; \
	if [ $$status -eq 1 ]; then echo "(One sample is unreadable on purpose: it became a record that says so.)"; \
	else exit $$status; fi

test: $(DEV_READY) ## Run the whole test suite
	$(BIN)/python -m pytest

check: $(DEV_READY) ## Formatting, lint, types
	$(BIN)/ruff format --check src tests
	$(BIN)/ruff check src tests
	$(BIN)/mypy

format: $(DEV_READY) ## Format, and mend what ruff can mend
	$(BIN)/ruff format src tests
	$(BIN)/ruff check --fix src tests

models: $(DEV_READY) ## Train models/ from data/, then test what is shipped
	$(BIN)/tradecall train --data data --out models
	$(BIN)/python -m pytest -m models

evaluate: $(DEV_READY) ## Cross-validated figures on the labelled calls
	$(BIN)/tradecall evaluate data/calls/dev.jsonl.gz --cross-validate --workers 2

notebook: $(DEV_READY) ## Test the notebooks on a few calls
	$(BIN)/python -m pytest -m notebook

notebooks: $(DEV_READY) ## Execute both notebooks and store what they show
	$(BIN)/jupyter execute --inplace --startup_timeout=60 notebooks/quickstart.ipynb notebooks/evaluation.ipynb

comparison: $(DEV_READY) ## Cross-validate anew for the evaluation notebook (some minutes)
	$(BIN)/python -m tradecall.comparison data

clean: ## Remove the virtual environment and what the tools left
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis jobs.jsonl jobs.jsonl.partial

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
	{ echo "tradecall needs Python 3.11, 3.12 or 3.13; try: make PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
	{ rm -rf $(VENV); echo "cannot make a virtual environment; on Debian: apt-get install python3-venv" >&2; exit 1; }

$(RUN_READY): pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing into $(VENV); this takes a minute or two ..."
	@$(PIP) -e .
	@touch $@

$(DEV_READY): pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing into $(VENV), with what the tests need ..."
	@$(PIP) -e '.[dev]'
	@touch $@ $(RUN_READY)
