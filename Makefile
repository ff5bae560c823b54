# Set-up, checks and tests; `make` alone lists the targets.
#
# PYTHON=python3.12 makes the environment with another Python, ARGS="-k plan -x" goes to
# pytest or to `syncer run`, VENV=dir puts the environment elsewhere. Tests run in JOBS=3 processes at
# a time, since most of them wait for servers; JOBS=0 for one, to debug. LOCK=locks/tests.txt installs
# exactly the dependencies that are named there, as continuous integration does.

PYTHON ?= python3
VENV ?= .venv
LOCK ?=
ARGS ?=
JOBS ?= 3

BIN := $(VENV)/bin
PLUGINS := $(patsubst %/pyproject.toml,%,$(wildcard plugins/*/pyproject.toml))
METADATA := setup.cfg pyproject.toml $(LOCK) $(wildcard $(addsuffix /pyproject.toml,$(PLUGINS)))
# One for each Python, so that another PYTHON makes the environment anew: what running needs, and with
# the tools on top of it.
RUNNABLE := $(VENV)/.runs-by-$(notdir $(PYTHON))
INSTALLED := $(VENV)/.installed-by-$(notdir $(PYTHON))
# Building wheels needs three small packages, not what syncer or its tests need.
BUILDER := $(VENV)-wheels

# The environment's own programs first; the servers last, for a shell that leaves them out.
export PATH := $(abspath $(BIN)):$(PATH):/usr/local/sbin:/usr/sbin:/sbin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help venv run demo announce test unit faults mutants bench check check-docs docs wheels manual fmt servers clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-11s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

venv: $(INSTALLED) ## make .venv with syncer, its plugins and the tools, all editable

# All in one pip command, so that the plugins find this core and not one of an index; in
# editable mode "compat", so that type checkers see the core from outside its folder too. One
# setuptools builds all, in place of one fetched for each; Python compiles what it uses, when it does.
$(RUNNABLE): $(METADATA)
	@test -e $@ || contrib/make-venv.sh "$(PYTHON)" "$(VENV)"
	@echo "installing syncer$(if $(PLUGINS), with $(notdir $(PLUGINS))) into $(VENV)"
ifdef LOCK
	@$(BIN)/python -m pip install --quiet --require-hashes --only-binary :all: --requirement $(LOCK)
endif
	@$(if $(LOCK),,$(BIN)/python -m pip install --quiet --no-compile "setuptools>=77")
	@$(BIN)/python -m pip install --quiet --no-compile --config-settings editable_mode=compat \
		--no-build-isolation $(if $(LOCK),--no-index) \
		--editable ".[web]" $(addprefix --editable ./,$(PLUGINS))
	@touch $@

$(INSTALLED): $(RUNNABLE) requirements-dev.txt
	@echo "installing the tools in requirements-dev.txt into $(VENV)"
	@$(BIN)/python -m pip install --quiet $(if $(LOCK),--no-index) --requirement requirements-dev.txt
	@touch $@

run: $(RUNNABLE) ## keep a registry equal to what runs here: Docker and Consul if they answer (it asks), else a sample
	@exec env YES=$(YES) contrib/run.sh $(BIN)/syncer $(ARGS)

demo: $(RUNNABLE) ## a minute's tour with services of its own: register, repair, drain; removes all of it
	@$(BIN)/python contrib/demo/demo.py $(BIN)/syncer

test: announce venv servers ## set up, then run all tests, real servers included
	$(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadscope $(ARGS)

announce:
	@echo "make test: about 40 minutes, longer the first time. It installs, where they are missing:"
	@echo "  - into $(VENV): syncer and the tools in requirements-dev.txt (Python packages, about 500 MB)"
	@echo "  - with apt, as root on Debian: Docker, Consul, Podman, Prometheus, Chromium, etcd, ZooKeeper, Java for Eureka"
	@echo "  - for single tests: wheels from the Python index, into temporary folders"
	@echo "Ctrl-C now, and nothing was changed. The tests that need no server take minutes: make unit"

unit: venv ## the tests that need no server and no network
	$(BIN)/python -m pytest -m "not server and not network" $(ARGS)

faults: venv servers ## break servers, the lines to them and syncer itself, and see all made good
	$(BIN)/python -m pytest tests/faults $(ARGS)

mutants: venv ## take out one brake of the engine at a time, and see a test fail each time
	$(BIN)/python tests/mutations.py $(ARGS)

bench: venv servers ## measure beside a bare client: docs/performance.md (ARGS="start --sizes 1000")
	$(BIN)/python -m benchmarks $(ARGS)

check: venv check-docs ## format, lint, types, layers, documentation
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy syncer
	@for src in $(wildcard $(addsuffix /src,$(PLUGINS))); do \
		echo "$(BIN)/mypy $$src"; $(BIN)/mypy "$$src" || exit 1; \
	done
	$(BIN)/lint-imports

check-docs: venv ## the documentation against the code
	$(if $(wildcard tests/test_docs.py),$(BIN)/python -m pytest -q tests/test_docs.py,@echo "no tests/test_docs.py yet")

docs: venv ## build the documentation's site into build/site, strictly
	$(BIN)/python docs/site/build.py build/site

soak: venv servers ## thousands of container changes and many faults; does syncer keep its size? (10 minutes)
	PYTHONPATH=tests:benchmarks $(BIN)/python -m soak $(ARGS)

$(BUILDER)/.made-by-$(notdir $(PYTHON)): locks/build.txt
	@contrib/make-venv.sh "$(PYTHON)" $(BUILDER)
	@$(BUILDER)/bin/python -m pip install --quiet --require-hashes --only-binary :all: --requirement $<
	@touch $@

wheels: $(BUILDER)/.made-by-$(notdir $(PYTHON)) ## build the wheels of all distributions into dist/, the same bytes for the same commit
	@contrib/make-wheels.sh $(BUILDER)/bin/python dist

manual: venv ## write the manual pages into build/man
	$(BIN)/python contrib/make-manual.py build/man

fmt: venv ## format, and fix what can be fixed by itself
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

servers: ## install the real servers that tests use (root on Debian; elsewhere says what is missing)
	@tests/servers/install.sh

clean: ## remove the environment, caches and build results
	rm -rf $(VENV) $(BUILDER) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .grimp_cache .hypothesis .coverage build dist
	find . -name __pycache__ -prune -exec rm -rf {} + -o -name '*.egg-info' -prune -exec rm -rf {} +
