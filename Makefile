# Everything is set up in .venv by itself; PYTHON may name another interpreter (3.11 or newer).
PYTHON ?= python3
PORT ?= 3000
BIN := .venv/bin
# Compiled once, here: where Python is told to write no bytecode, each start would spend seconds on it.
UV := $(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python
TOOLS := .venv/.tools
CORE := .venv/.core
TEST := .venv/.test
UI := .venv/.ui
BENCH := .venv/.bench

.PHONY: help install nightly test lint ui bench lock clean

help:
	@echo "make nightly   install and run one night on the embedded sample"
	@echo "make test      install what tests need and run them"
	@echo "make lint      formatting, lint, types, import ladder"
	@echo "make ui        Dagster's own UI on http://localhost:$(PORT); the settings WARDCAST_… name what it runs"
	@echo "make bench     side-by-side benchmarks"
	@echo "make lock      resolve the dependencies anew"

install: $(CORE)

nightly: $(CORE)
	@$(BIN)/wardcast nightly

test: $(TEST)
	@$(BIN)/python -m pytest -n auto --dist loadfile

lint: $(TEST)
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

ui: $(UI)
	@home=$$($(BIN)/python -m pipelines.dagster_home) && DAGSTER_HOME="$$home" DAGSTER_EVENT_BATCH_SIZE=100 \
		DAGSTER_DISABLE_TELEMETRY=yes $(BIN)/dagster dev -h 127.0.0.1 -p $(PORT) -w workspace.yaml

bench: $(BENCH)
	@$(BIN)/python -m benchmarks

COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header --no-annotate

# The widest set first, the others within it: tests run on the very versions that a night runs on.
lock: $(TOOLS)
	@$(COMPILE) locks/tools.in -o locks/tools.txt
	@$(COMPILE) --group test --extra ui pyproject.toml -o locks/test.txt
	@$(COMPILE) -c locks/test.txt pyproject.toml -o locks/core.txt
	@$(COMPILE) -c locks/test.txt --extra ui pyproject.toml -o locks/ui.txt
	@$(COMPILE) -c locks/test.txt --group test --group bench --extra ui pyproject.toml -o locks/bench.txt

clean:
	rm -rf .venv var

$(TOOLS): locks/tools.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r locks/tools.txt
	@touch $@

$(CORE): $(TOOLS) locks/core.txt pyproject.toml
	@$(UV) --require-hashes -r locks/core.txt
	@$(UV) --no-deps --no-build-isolation --editable .
	@touch $@

$(TEST): $(CORE) locks/test.txt
	@$(UV) --require-hashes -r locks/test.txt
	@touch $@

$(UI): $(CORE) locks/ui.txt
	@$(UV) --require-hashes -r locks/ui.txt
	@touch $@

$(BENCH): $(TEST) locks/bench.txt
	@$(UV) --require-hashes -r locks/bench.txt
	@touch $@
