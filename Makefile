# make test    set up, then lint, types, import arrows and the whole test suite
# make demo    set up, then one question and its answer through the official SDK
#
# The virtual environment is .venv, or the active one, or VENV=path. PYTHON=python3.12 picks the
# interpreter that a new one is made from. Set-up runs once and again when a dependency changes.

PYTHON ?= python3
VENV ?= $(or $(VIRTUAL_ENV),.venv)
UV ?= uv

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --constraint requirements.lock
# The serving environment and the developer's, each marked as installed by an empty file.
SERVE_READY := $(VENV)/.glmscope-serve-ready
DEV_READY := $(VENV)/.glmscope-dev-ready
# The PyTorch that the built-in model was made with.
TORCH := 2.13.0
# Official SDKs that the protocol's checks are run with, each in an environment of its own.
SDKS := 1.14.0 1.26.2 2.0.2

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help test demo setup lint types arrows pytest sdk-envs train-env nano format lock clean

help: ## List these commands
	@sed -n 's/^\([a-z-]*\):.*## /make \1\t/p' $(MAKEFILE_LIST) | expand -t 16

test: lint types arrows pytest ## Set up, then run every check and the whole test suite

demo: $(SERVE_READY) ## Set up, start a server, ask it the service page's question, stop it
	@$(BIN)/python scripts/demo.py

setup: $(DEV_READY) ## Set up the developer's environment

lint: $(DEV_READY) ## Check style and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(DEV_READY) ## Check types
	$(BIN)/mypy

arrows: $(DEV_READY) ## Check which room imports which
	$(BIN)/lint-imports

pytest: $(DEV_READY) ## Run the tests alone
	$(BIN)/python -m pytest

sdk-envs: $(SDKS:%=.venv-sdk/%/.ready) ## Install the official SDKs that the protocol checks drive

format: $(DEV_READY) ## Rewrite the source in the house style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

train-env: $(DEV_READY) ## Install PyTorch, which only training needs
	@$(BIN)/python -m pip install --quiet 'torch==$(TORCH)' matplotlib

nano: train-env ## Make the built-in model anew: train/nano.toml says how, docs/nano.md how long
	$(BIN)/glmscope train --work build/nano
	rm -rf src/glmscope/nano/model
	$(BIN)/glmscope convert build/nano/chatglm3-nano src/glmscope/nano/model --weights int8

# One version for all Pythons where there is one: what is tested on one is then run on every other.
lock: ## Choose dependency versions anew (needs uv)
	@command -v $(UV) >/dev/null || { echo "make lock needs uv: install it with pipx, or name it with UV=path." >&2; exit 1; }
	$(UV) pip compile --upgrade --universal --fork-strategy fewest --python-version 3.10 \
	  --extra bench --extra calibrate --extra dev --extra hub --extra interpreter --extra mcp --extra postgres --extra redis \
	  --extra tools --strip-extras \
	  --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
	  --output-file requirements.lock pyproject.toml

clean: ## Remove what the checks leave behind
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 14))' || { \
	  echo "GLMScope runs on Python 3.10 to 3.13; '$(PYTHON)' is $$($(PYTHON) --version 2>&1). Choose another with PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || { \
	  echo "'$(PYTHON)' has no venv module. On Debian: apt-get install python3-venv" >&2; exit 1; }
	@echo "Making a virtual environment in $(VENV)"
	@$(PYTHON) -m venv "$(VENV)"

.venv-sdk/%/.ready: | $(BIN)/python
	@echo "Installing the dashscope SDK $* into .venv-sdk/$*"
	@$(BIN)/python -m venv .venv-sdk/$*
	@.venv-sdk/$*/bin/python -m pip install --quiet dashscope==$*
	@touch $@

$(SERVE_READY): pyproject.toml requirements.lock | $(BIN)/python
	@echo "Installing GLMScope and the official SDK; this takes a minute, once"
	@$(PIP) --editable . dashscope
	@touch $@

$(DEV_READY): pyproject.toml requirements.lock | $(BIN)/python
	@echo "Installing GLMScope and its development tools; this takes a minute, once"
	@$(PIP) --editable '.[bench,calibrate,dev,hub,interpreter,mcp,postgres,redis,tools]'
	@touch $(SERVE_READY) $@
