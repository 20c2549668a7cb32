# Everything runs from the project's own environment in .venv. `make help` lists what there is.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory --no-builtin-rules

BIN := .venv/bin
STAMP := .venv/.installed
TEST_JOBS := 4  # tests side by side: most of them wait
# The Pythons to try, the best first. `make setup PYTHON=/path/to/python3.12` chooses one.
PYTHON ?= python3 python3.12 python3.11 python3.13
CI_PACKAGES := ca-certificates chromium curl docker-compose docker.io git iptables jq procps prometheus prometheus-alertmanager \
  python3 python3-venv util-linux

.PHONY: help setup gameday test lint check bench lock clean ci

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP) ## Make .venv with the locked dependencies (does nothing the second time)
	@:

$(STAMP): requirements.lock pyproject.toml
	@python=
	for each in $(PYTHON); do
	  if "$$each" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; then python=$$each; break; fi
	done
	uv=$$(command -v uv || true)
	if [ -z "$$python" ]; then
	  if [ -z "$$uv" ]; then
	    echo "gameday needs Python 3.11, 3.12 or 3.13; tried: $(PYTHON); here is $$(python3 --version 2>&1 || true)." >&2
	    echo "Install one (Debian, Ubuntu: apt-get install python3 python3-venv) or name it: make setup PYTHON=/path/to/python3.12" >&2
	    exit 1
	  fi
	  python='>=3.11,<3.14'
	fi
	if [ -e .venv ] && ! $(BIN)/python -c '' 2>/dev/null; then rm -rf .venv; fi
	if [ -n "$$uv" ]; then
	  [ -e .venv ] || "$$uv" venv --quiet --python "$$python" .venv
	  "$$uv" pip install --quiet --python $(BIN)/python --require-hashes --requirement requirements.lock
	  "$$uv" pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	else
	  if ! "$$python" -c 'import ensurepip, venv' 2>/dev/null; then
	    package=$$("$$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
	    echo "$$python cannot make virtual environments: its ensurepip module is missing." >&2
	    echo "Install it (Debian, Ubuntu: apt-get install $$package), or install uv, then run make again." >&2
	    exit 1
	  fi
	  echo "Making .venv with pip (uv would be faster) ..."
	  [ -e $(BIN)/pip ] || "$$python" -m venv --clear .venv
	  $(BIN)/pip install --quiet --disable-pip-version-check --no-compile --require-hashes --requirement requirements.lock
	  $(BIN)/pip install --quiet --disable-pip-version-check --no-compile --no-deps --no-build-isolation --editable .
	fi
	touch $@

gameday: setup ## The main job: kill the primary database, recover it by the runbook, judge the recovery
	@$(BIN)/gameday run primary-database-failure --speed 20 $(ARGS)

test: setup ## Run the tests (GAMEDAY_REQUIRE=all: fail, not skip, where a part is missing)
	@tests/run --in-memory -n $(TEST_JOBS) --dist loadfile --ignore tests/drills
	tests/run -n 3 --dist loadfile -m 'not alone' tests/drills
	tests/run -m alone tests/drills

lint: setup ## Run ruff, its formatter's check and mypy --strict
	@$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

check: lint test ## What CI checks: lint, then the tests

bench: setup ## Boot time, memory, error, the two Toxiproxies, embedded beside containers, speed 1 beside 20, the whole catalogue (55 minutes)
	@$(BIN)/python tests/bench

lock: ## Renew requirements.lock from pyproject.toml (needs uv)
	@command -v uv >/dev/null || { echo "make lock needs uv: python3 -m pip install uv" >&2; exit 1; }
	uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --all-extras \
	  --custom-compile-command 'make lock' --output-file requirements.lock pyproject.toml

clean: ## Remove the environment, caches and builds; drills stay
	@rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# `make`, not $(MAKE): with the latter in it, `make -n ci` would truly run this recipe.
ci: export DEBIAN_FRONTEND := noninteractive
ci: export GAMEDAY_REQUIRE := all
ci: export CGO_ENABLED := 0
ci: export PATH := $(PATH):/usr/local/go/bin
# Stand-ins, for a machine that reaches no image registry. An image that the caller names is pulled instead.
ci: export GAMEDAY_IMAGE_POSTGRES ?= gameday-test/postgres:15
ci: export GAMEDAY_IMAGE_REDIS ?= gameday-test/redis:7
ci: export GAMEDAY_IMAGE_TOXIPROXY ?= gameday-test/toxiproxy:2.12.0
ci: export GAMEDAY_IMAGE_PROMETHEUS ?= gameday-test/prometheus:2.42.0
ci: export GAMEDAY_IMAGE_ALERTMANAGER ?= gameday-test/alertmanager:0.25.0
ci: export GAMEDAY_IMAGE_DRILL ?= gameday-test/drill:3.11
ci: ## check on a bare Debian 12 as root, with every optional part required
	@missing=
	for each in $(CI_PACKAGES); do
	  dpkg-query --show --showformat='$${db:Status-Status}' "$$each" 2>/dev/null | grep -qx installed || missing="$$missing $$each"
	done
	command -v kubectl >/dev/null || missing="$$missing kubernetes-client"  # other packages have a kubectl too, and conflict with this one
	if [ -n "$$missing" ]; then
	  apt-get -o Acquire::Retries=3 update -qq
	  apt-get -o Acquire::Retries=3 install -qq --yes --no-install-recommends $$missing
	fi
	# The images are built while everything that needs none of them runs, in a session of their own so that all of it can be ended.
	images=
	trap '[ -z "$$images" ] || kill -- "-$$images" 2>/dev/null || true; python3 tests/images/engine.py down' EXIT
	python3 tests/images/engine.py up
	mkdir -p build
	setsid python3 tests/images/build.py </dev/null >build/images.log 2>&1 & images=$$!
	make lint
	$(BIN)/python -m compileall -q -j 2 .venv/lib || true  # most tests start programs of their own, and each would compile what it imports
	if ! wait "$$images"; then images=; cat build/images.log >&2; exit 1; fi
	images=
	cat build/images.log
	$(BIN)/gameday tools install toxiproxy
	make test
