# `make demo` and `make test` set up all they need in .venv; Python 3.11 or newer is all that must be there. The tests
# start a real redis-server as well, which is installed with apt where it is missing.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test check bench interop conformance format lint types generate clean

demo: $(STAMP) ## a business day on the sandbox, through a real client over stdio
	$(BIN)/taskip-mcp demo

test: $(STAMP) redis-server ## everything
	$(BIN)/python -m pytest -n 4

check: $(STAMP) format lint types test generate ## what must hold before a commit
	git diff --exit-code

bench: $(STAMP) redis-server ## what a start, the tools, results, a call and the rate budget cost; some minutes
	$(BIN)/python bench/burst.py
	$(BIN)/python bench/overhead.py
	$(BIN)/python bench/startup.py
	$(BIN)/python bench/context.py
	$(BIN)/python bench/results.py

interop: $(STAMP) ## the tools in other clients and frameworks, from the package registries
	$(BIN)/python -m tests.interop.run

conformance: $(STAMP) ## the conformance suite of MCP, from the npm registry
	$(BIN)/python -m tests.conformance.run

format: $(STAMP)
	$(BIN)/ruff format

lint: $(STAMP)
	$(BIN)/ruff check

types: $(STAMP)
	$(BIN)/pyright --pythonpath $(BIN)/python

generate: $(STAMP) ## tool_schemas/, taskip_mcp/compiled.json, generated parts of the README
	$(BIN)/taskip-mcp schemas
	$(BIN)/python scripts/readme.py

$(STAMP): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable ".[redis]" --group dev
	touch $@

.PHONY: redis-server
redis-server: ## the tests start a real one
	@command -v redis-server >/dev/null || { apt-get update -qq && apt-get install -y -qq redis-server; } \
	  || { echo 'redis-server is needed for the tests: install it with your package manager'; exit 1; }

clean:
	rm -rf $(VENV) .venv-bench .venv-interop build dist .pytest_cache .ruff_cache .hypothesis
