# Every target sets up what it needs: a bare clone and Python 3.11 are enough.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEMO := demo-output
# Tests are divided by file; two processes suit two cores.
TEST_PROCESSES ?= 2

.PHONY: help setup demo test test-slow test-ui lint format bench lock clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

setup: $(STAMP) ## Create .venv and install the locked packages and this project

# Once per change of the lock or of the project's metadata. The project is built with the locked
# setuptools, so that nothing outside the lock is ever fetched.
$(STAMP): requirements.lock pyproject.toml
	@echo "Installing the locked packages into $(VENV); the first time takes some minutes"
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $(STAMP)

demo: setup ## Show everything once: corpus, version, trainings, rendered clips, and a page about it
	$(BIN)/flowvqtalker demo --out $(DEMO)

test: setup ## Run the fast tests
	$(BIN)/python -m pytest --numprocesses $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder

test-slow: setup ## Run the slow tests too, with those that kill processes and fill disks
	$(BIN)/python -m pytest -m "slow or chaos"

test-ui: setup ## Run the tests that drive a browser, where Chromium is installed
	$(BIN)/python -m pytest -m ui

lint: setup ## Check style, formatting, types and the import arrow
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: setup ## Put the sources into the one format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup ## Measure the throughput of a build and the cost of planning at scale
	$(BIN)/flowvqtalker bench build
	$(BIN)/flowvqtalker bench scale

# Accelerator builds of torch bring packages of their own, which differ by build and do not belong in
# the lock; a local version suffix would tie it to one build.
lock: setup ## Resolve pyproject.toml afresh into requirements.lock
	$(BIN)/pip-compile --quiet --upgrade --extra dev --extra speech --strip-extras --allow-unsafe \
		--no-header --no-annotate --no-emit-index-url --no-emit-trusted-host --no-emit-find-links \
		--output-file build-requirements.tmp pyproject.toml
	{ sed -n '/^#/p;/^[^#]/q' requirements.lock; \
		sed -E '/^(#|-|$$|pip==|nvidia-|cuda-|triton==)/d; s/\+[a-z0-9.]+$$//' build-requirements.tmp \
		| LC_ALL=C sort -t= -k1,1; } > requirements.lock.new
	mv requirements.lock.new requirements.lock
	rm build-requirements.tmp

clean: ## Remove what the demonstration built; the virtual environment stays
	rm -rf $(DEMO)
