# Targets for newcomers: demo, test, check, assurance, bench. All of them set up what they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test check assurance assurance-quick bench bench-liabilities million lock clean

demo: $(VENV)/.installed
	$(BIN)/proofolio demo

test: $(VENV)/.installed-dev contracts/node_modules/.installed
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile

check: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Attacks, vectors, random damage, fuzzing and mutants, as one table: an hour at most, or ten minutes.
assurance: $(VENV)/.installed-dev contracts/node_modules/.installed
	$(BIN)/python -m tests.assurance

assurance-quick: $(VENV)/.installed-dev contracts/node_modules/.installed
	$(BIN)/python -m tests.assurance --quick

bench: $(VENV)/.installed-dev
	$(BIN)/python -m benchmarks

bench-liabilities: $(VENV)/.installed-dev
	$(BIN)/python -m benchmarks.liabilities --cluster

million: $(VENV)/.installed-dev contracts/node_modules/.installed
	$(BIN)/python -m benchmarks.million

$(VENV)/.installed: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or later is needed: make PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/.installed-dev: requirements-dev.lock $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	touch $@

contracts/node_modules/.installed: contracts/package-lock.json
	cd contracts && npm install --no-save --no-audit --no-fund # `npm ci` asks for the tools of other platforms too
	touch $@

# Rewrites both lock files from pyproject.toml; needs uv.
lock:
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --extra build -o requirements.lock pyproject.toml
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --extra build --extra dev -c requirements.lock -o requirements-dev.lock pyproject.toml

clean:
	rm -rf $(VENV) contracts/node_modules contracts/out contracts/cache out
