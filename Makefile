# amani: set-up, the demo and the tests. `make demo` and `make test` need Python 3.11 or newer and nothing else.

# The first Python that is new enough; one that is there but can't run is passed over.
PYTHON ?= $(shell for p in python3 python3.12 python3.13 python3.11 python3.14; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; exit; }; done; echo python3)
UV ?= uv
BIN = .venv/bin
CODE = amani_cli benchmarks scripts tests
# Three more than there are processors: tests of lines that break spend much of their time waiting.
TEST_WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 3)

# Where Python keeps nothing that it compiled, each worker of pytest would compile every test anew.
unexport PYTHONDONTWRITEBYTECODE

simulate_words = $(if $(SEEDS),--seeds $(SEEDS)) $(if $(SEED),--seed $(SEED)) $(if $(STEPS),--steps $(STEPS)) \
	$(if $(MINUTES),--minutes $(MINUTES)) $(if $(STORE),--store $(STORE)) $(if $(INTO),--go-on --into $(INTO)) $(if $(SUM),--sum $(SUM))

.PHONY: help demo test test-postgres coverage faults simulate mutants lint style types compile-tests format generate picture bench dist lock clean setup setup-dev

help:
	@echo 'make demo    set up, start a sandbox LNbits, make a payment and a link on it'
	@echo 'make test    set up, lint and run every test'
	@echo 'make test-postgres  every test, with the ledger on a PostgreSQL server that the tests start'
	@echo 'make coverage  every test, and how much of the code they run, which must not fall below a floor'
	@echo 'make faults  the adversary alone, with every combination (takes long)'
	@echo 'make simulate  worlds drawn from seeds: SEEDS=N SEED=k STEPS=n MINUTES=m STORE=postgresql (docs/simulation.md)'
	@echo 'make mutants  put known faults back, one at a time: the simulated world must find each (takes long)'
	@echo 'make lint    only the linters and the type checker'
	@echo 'make format  let ruff rewrite the code'
	@echo 'make generate  write the files that are made from the code: completions, man pages, pages of docs/'
	@echo 'make picture  draw the picture in the README anew, on the sandbox'
	@echo 'make bench   measure speed beside the leanest program that does the same; BENCH="-n 5 balance" for a part'
	@echo 'make dist    build a release twice, compare, check and install it; what passed is in dist/'
	@echo 'make lock    choose the locked versions anew (needs uv)'
	@echo 'make clean   remove what set-up made (the sandbox and .amani stay)'

demo: setup
	@$(BIN)/python scripts/demo.py

test: setup-dev
	@$(MAKE) --no-print-directory -j2 types style compile-tests
	@$(BIN)/python -m pytest -n $(TEST_WORKERS) --dist worksteal $(PYTEST_ARGS)
	@AMANI_TEST_STORE=postgres $(BIN)/python -m pytest -n $(TEST_WORKERS) --dist worksteal -m store \
		--ignore tests/team $(PYTEST_ARGS)

# Those of tests/team are on PostgreSQL in `make test` too, with ledgers that they make themselves.
test-postgres: setup-dev
	@AMANI_TEST_STORE=postgres $(BIN)/python -m pytest -n $(TEST_WORKERS) --dist worksteal --ignore tests/team $(PYTEST_ARGS)

# Apart from `make test`: it takes a seventh more of the tests' own time. The floor is for a whole run.
coverage: setup-dev compile-tests
	@$(BIN)/python -m pytest -n $(TEST_WORKERS) --dist worksteal --cov --cov-report=term:skip-covered $(PYTEST_ARGS)

faults: setup-dev
	@AMANI_TEST_DEEP=1 $(BIN)/python -m pytest -n $(TEST_WORKERS) --dist worksteal tests/faults tests/team $(PYTEST_ARGS)

simulate: setup-dev
	@$(BIN)/python -m tests.simulation.run $(simulate_words)

mutants: setup-dev
	@$(BIN)/python -m tests.simulation.mutants

lint: style types

style: setup-dev
	@$(BIN)/ruff format --check $(CODE)
	@$(BIN)/ruff check $(CODE)
	@$(BIN)/lint-imports --no-logo

types: setup-dev
	@$(BIN)/mypy

# pytest rewrites each test file for its asserts, which takes twice as long as the rest of a worker's start: once for
# all of them, while mypy runs. What is wrong in a file is said by the tests themselves.
compile-tests: setup-dev
	@$(BIN)/python -m pytest --collect-only -qq >/dev/null 2>&1 || true

format: setup-dev
	@$(BIN)/ruff check --fix $(CODE)
	@$(BIN)/ruff format $(CODE)

generate: setup-dev
	@$(BIN)/python scripts/generate.py

picture: setup
	@$(BIN)/python -m scripts.picture

bench: setup-dev
	@$(BIN)/python -m benchmarks.run $(BENCH)

dist: setup-dev
	@$(BIN)/python scripts/dist.py

setup:
	@$(PYTHON) scripts/bootstrap.py

setup-dev:
	@$(PYTHON) scripts/bootstrap.py --dev

COMPILE = $(UV) pip compile --quiet --universal --generate-hashes --no-config --default-index https://pypi.org/simple \
	--custom-compile-command 'make lock' --upgrade
lock:
	@command -v $(UV) >/dev/null || { echo 'make lock needs uv: https://docs.astral.sh/uv/'; exit 1; }
	$(COMPILE) --python-version 3.11 --group build --extra serve pyproject.toml -o requirements.lock
	$(COMPILE) --python-version 3.11 --group build --group dev --all-extras -c requirements.lock pyproject.toml -o requirements-dev.lock
	$(COMPILE) --python-version 3.11 scripts/dist.in -o scripts/dist.lock
	$(COMPILE) --python-version 3.10 amani_cli/sandbox/lnbits.in -o amani_cli/sandbox/lnbits.lock
	$(COMPILE) --python-version 3.11 amani_cli/sandbox/uv.in -o amani_cli/sandbox/uv.lock

clean:
	rm -rf .coverage* .venv .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist *.egg-info
	find . -name __pycache__ -type d -not -path './.amani/*' -prune -exec rm -rf {} +
