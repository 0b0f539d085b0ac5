# Two commands do all the set-up: `make run` and `make test`. `make check` and `make test-fast` are
# the quick look.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Tests wait more than they compute: one more at a time than there are cores.
CORES := $(shell $(PYTHON) -c "import os; print(os.cpu_count() or 1)")
WORKERS ?= $(shell $(PYTHON) -c "print(1 + $(CORES))")

.PHONY: run test test-fast test-deep test-redis test-rabbitmq test-pgbouncer fuzz check format messages hashes unmaintained clean

$(VENV)/.runtime: requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

$(VENV)/.tools: requirements-dev.txt $(VENV)/.runtime
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@

$(VENV)/.fuzzing: requirements-fuzz.txt $(VENV)/.tools
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-fuzz.txt
	touch $@

run: $(VENV)/.runtime
	$(BIN)/python manage.py migrate --verbosity 0
	$(BIN)/python manage.py seed_demo --check-ports > /dev/null
	PATH="$(CURDIR)/$(BIN):$$PATH" deploy/run-all

# Of what starts no server it is otherwise.
test-fast: WORKERS = $(shell $(PYTHON) -c "print(2 * $(CORES))")
PYTEST = $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -q $(if $(SEED),--randomly-seed=$(SEED))

# Compiled tests are kept, whatever the environment says: to compile them takes as long as many run.
test test-fast test-deep test-redis test-rabbitmq test-pgbouncer: export PYTHONDONTWRITEBYTECODE =

test: $(VENV)/.tools
	PYTHONDEVMODE=1 $(PYTEST) $(ARGS)

test-fast: $(VENV)/.tools
	$(PYTEST) -m "not (services or slow or growth or hypothesis or deep)" $(ARGS)

test-deep: $(VENV)/.tools
	TEST_DEPTH=5 $(PYTEST) -m "deep or fault or growth or hypothesis" $(ARGS)

# The journeys by every process of the Procfile, with PostgreSQL and these.
test-redis test-rabbitmq test-pgbouncer: $(VENV)/.tools
	TEST_SERVICES=$(@:test-%=%) $(BIN)/python -m pytest -q tests/journeys/test_every_process.py $(ARGS)

# All targets in turn, or those of ARGS: see docs/testing.md.
fuzz: MINUTES ?= 60
fuzz: $(VENV)/.fuzzing
	$(BIN)/python -m tests.fuzzing --minutes $(MINUTES) $(ARGS)

check: $(VENV)/.tools
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy config incoming_email issues servicedesk
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python manage.py check --fail-level WARNING
	$(BIN)/python -m tests.translating

format: $(VENV)/.tools
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# After a change of a sentence; GNU gettext must be installed. Run it again after translating.
messages: $(VENV)/.tools
	$(BIN)/python manage.py makemessages -l ko --add-location file --no-obsolete \
		-i .venv -i var -i tests -i benchmarks -i build
	$(BIN)/python -m tests.translating --write

# After a change of requirements.in or requirements-dev.in: the digests of all files of each version, for
# every platform, as the index names them. uv must be installed.
hashes: LOCK = uv pip compile --quiet --universal --python-version 3.11 --no-deps --no-strip-extras --no-annotate --no-header --generate-hashes
hashes:
	{ printf '# Made by `make hashes` of requirements.in.\n--require-hashes\n'; $(LOCK) requirements.in; } > hashes.new
	mv hashes.new requirements.txt
	{ printf '# Made by `make hashes` of requirements-dev.in.\n--require-hashes\n-r requirements.txt\n'; \
		$(LOCK) requirements-dev.in; } > hashes.new
	mv hashes.new requirements-dev.txt

# Which packages had no release for two years.
unmaintained: $(VENV)/.tools
	$(BIN)/python -m tests.unmaintained

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
