# One file a newcomer types at. `make` lists the targets; each installs what it needs first.
PYTHON ?= python3
UV_VERSION := 0.13.9
BIN := .venv/bin
INSTALLED := .venv/.installed

# Events must stay readable for those who read the last release, or the last commit where there is none.
BEFORE = $$(git describe --tags --abbrev=0 2>/dev/null || git rev-parse --verify --quiet HEAD^ || echo HEAD)

# A caller's interpreter settings must not leak into ours.
unexport PYTHONHOME PYTHONPATH VIRTUAL_ENV UV_PYTHON

.PHONY: help setup demo test chaos fuzz bench check contracts lock clean
.DEFAULT_GOAL := help

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(INSTALLED) ## Install Tekil and its tools into .venv, every package checked against its hash

demo: $(INSTALLED) ## Run the whole system here, with embedded Kafka and PostgreSQL
	$(BIN)/tekil demo

test: $(INSTALLED) ## Run every test
	$(BIN)/python -m pytest -q

chaos: $(INSTALLED) ## Play days on real servers that all fail, and judge what is left: ROUNDS=3, SEED=any
	$(BIN)/python -m tests.chaos --rounds $(or $(ROUNDS),3) $(if $(SEED),--seed $(SEED))

fuzz: $(INSTALLED) ## Send hostile messages through the five services in memory, and hostile requests to their HTTP
	$(BIN)/python -m tests.hostile --messages 200000
	TEKIL_FUZZ_EXAMPLES=$(or $(EXAMPLES),1000) $(BIN)/python -m pytest -q -s tests/hostile/test_http.py

bench: $(INSTALLED) ## Measure lifecycles a second, latency, growth: beside a plain build of the same
	$(BIN)/python -m tests.bench

check: $(INSTALLED) ## Format, lint, types, import law, and generated contracts still fresh
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m shared.events.contracts --check
	$(BIN)/python -m shared.events.compatibility --against $(BEFORE)

contracts: $(INSTALLED) ## Generate JSON Schemas, AsyncAPI and samples from the event models
	$(BIN)/python -m shared.events.contracts

lock: $(INSTALLED) ## Pin the newest versions that pyproject.toml allows
	$(BIN)/uv pip compile --upgrade --universal --python-version 3.11 --extra dev \
	  --generate-hashes --no-emit-index-url --quiet pyproject.toml --output-file requirements.lock
	echo uv==$(UV_VERSION) | $(BIN)/uv pip compile --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --quiet - --output-file requirements-uv.lock

clean: ## Remove everything that the other targets made
	rm -rf .venv .cache .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache tekil-report.html
	find . -name __pycache__ -prune -exec rm -rf {} +

# pip brings uv, uv brings the rest in seconds. Bytecode is compiled now because a caller may forbid it later
# (PYTHONDONTWRITEBYTECODE), and then every start would pay for it.
$(INSTALLED): pyproject.toml requirements.lock requirements-uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Tekil needs Python 3.11 or newer; '$(PYTHON)' is not. Try: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.lock
	$(BIN)/uv pip sync --quiet --system-certs --python $(BIN)/python --require-hashes --compile-bytecode requirements.lock
	$(BIN)/uv pip install --quiet --system-certs --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@
