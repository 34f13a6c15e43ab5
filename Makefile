# Every target sets up what it needs by itself; `make` alone says what there is.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# What `hub check` and `hub run` need of the environment; a real installation sets its own.
export PORTAL_URL      ?= http://127.0.0.1:9100/XrdAdapter/RestService/forward
export PORTAL_USERNAME ?= simulated
export PORTAL_PASSWORD ?= simulated
# Long forms that print figures: they run alone, one after the other.
MEASURED := tests/seams/test_flood.py tests/seams/test_drop_folder_many.py tests/imports/test_import_many.py tests/flow/test_reload_under_load.py

.PHONY: help setup demo test check run bench soak reference format clean

help:
	@echo "make setup   the hub and its commands in .venv"
	@echo "make demo    the main path, shown and checked: ends by itself, exit 0 only if nothing is lost, doubled or out of order"
	@echo "make test    every test, the ten slowest printed"
	@echo "make check   format, lint, types, imports, hub check, docs"
	@echo "make run     a hub on a home of its own (var/home), with the portal's simulator beside it"
	@echo "make bench   speed as ratios to a floor, measured in the same run"
	@echo "make soak    the long forms: a flood, a folder of 200,000 records, an import of 1,000,000 and reloads under load with their figures, many kills at every seam, every fault at every call of the kit, the demo at ten times its size"
	@echo "make reference  write docs/reference from the code; make check says when it is stale"
	@echo "make format  write the format that make check wants"

setup: $(VENV)/.hub

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 …")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.hub: $(VENV)/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.hub
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

demo: $(VENV)/.hub
	@$(BIN)/hub demo

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n 4 --dist loadgroup

check: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/hub check
	$(BIN)/python -m pytest -q tests/docs/test_papers.py tests/docs/test_reference.py

run: $(VENV)/.hub
	@test -f var/home/config.yaml || $(BIN)/hub init var/home; export HUB_HOME=var/home; \
	$(BIN)/hub simulate national-portal --port 9100 --state var/home/var/portal.jsonl --set later_fields=optional & simulator=$$!; \
	trap "kill $$simulator" EXIT; \
	until $(BIN)/hub endpoint check portal >/dev/null 2>&1; do kill -0 $$simulator; done; \
	$(BIN)/hub catalog refresh && $(BIN)/hub run

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks

soak: $(VENV)/.dev
	SOAK=1 $(BIN)/python -m pytest -s $(MEASURED)
	SOAK=1 $(BIN)/python -m pytest -n 2 --dist loadgroup $(MEASURED:%=--ignore=%) tests/seams tests/store tests/ministry_portal tests/kafka tests/kit tests/imports tests/events
	$(BIN)/hub demo --dossiers 5000 --seconds 900

reference: $(VENV)/.dev
	$(BIN)/python docs/generate.py
	$(BIN)/python docs/verified.py

format: $(VENV)/.dev
	$(BIN)/ruff check --fix --quiet . || true
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .hypothesis .import_linter_cache
