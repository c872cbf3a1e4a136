# Localizer: `make` lists the targets. GNU make (3.81 or later) and a POSIX shell are all that this file asks for.
# Everything runs from .venv, which is made from the pins of the running Python in requirements/, hashes checked.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
WHEELHOUSE := .wheelhouse
PACKAGES := localizer firmware_bridge training tests benchmarks

# --- Which Python -----------------------------------------------------------------------------------------------
# PYTHON=… is taken at its word. Otherwise .venv keeps the interpreter that it was made with, and a new .venv takes the
# first that *runs*: a version manager's shim is on the PATH even where its Python is not selected.
CANDIDATES := $(if $(PYTHON),$(PYTHON),$(shell cat $(VENV)/.python 2>/dev/null) python3.13 python3.12 python3.11 python3)
PROBE := import sys; print("%d.%d.%d" % sys.version_info[:3], getattr(sys, "_base_executable", "") or sys.executable)
FOUND := $(shell for p in $(CANDIDATES); do \
	found=$$("$$p" -c '$(PROBE)' 2>/dev/null) || continue; \
	case $$found in (3.11.*|3.12.*|3.13.*) echo "$$found"; break;; esac; \
	done)
PY_FULL := $(firstword $(FOUND))
PY := $(basename $(PY_FULL))
PY_PATH := $(wordlist 2,99,$(FOUND))
PY_REFUSED := $(or $(PYTHON),python3)

PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
STAMP := $(VENV)/.ready-$(PY)
EDGE_STAMP := $(WHEELHOUSE)/.edge-$(PY)
EDGE_32BIT_STAMP := $(WHEELHOUSE)/.edge-32bit-$(PY)
PROJECT_STAMP := $(WHEELHOUSE)/.project-$(PY)
SOURCES := $(shell find localizer firmware_bridge -type f ! -name '*.pyc' 2>/dev/null)

# --- The main job and the tests ---------------------------------------------------------------------------------

.PHONY: help
help: ## List the targets
	@echo "Localizer. Two commands do everything: make demo, make test. All targets:"
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo "PYTHON=/path/to/python3.x picks the interpreter (3.11, 3.12 or 3.13; now: $(or $(PY_FULL),none that fits))."

.PHONY: demo
demo: $(STAMP) ## Train on a real survey, serve the result, replay it on the live map (ARGS="--seconds 20")
	@$(BIN)/python -m training demo $(ARGS)

# Types take one process, and so side by side with the tests, which wait now and then.
.PHONY: test
test: $(STAMP) ## Run lint, types, import contracts and all tests but the long ones
	@$(MAKE) --no-print-directory lint contracts wheelhouse
	@$(MAKE) --no-print-directory -j2 types unit
	@echo "== make test: all passed"

.PHONY: lint
lint: $(STAMP) ## Check style and formatting (ruff)
	@echo "== lint"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

.PHONY: format
format: $(STAMP) ## Put the code into the house format, mend what ruff can mend
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

.PHONY: types
types: $(STAMP) ## Check types (mypy, strict)
	@echo "== types"
	@$(BIN)/mypy

.PHONY: contracts
contracts: $(STAMP) ## Check the import direction and the borders (import-linter)
	@echo "== contracts"
	@$(BIN)/lint-imports --no-logo

# A file of tests is one process's: its fixtures are made once. More than four would fill a small machine's memory.
.PHONY: unit
unit: $(STAMP) ## Run the tests alone (PYTEST_ARGS="-k windower -x")
	@echo "== tests"
	@$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

.PHONY: test-long
test-long: $(STAMP) wheelhouse ## Run the long tests (minutes each; PYTEST_ARGS as above)
	@$(BIN)/python -m pytest -m long $(PYTEST_ARGS)

.PHONY: bench
bench: $(STAMP) ## Measure against the goals, write benchmarks/results.json (ONLY=edge for a part)
	@$(BIN)/python -m benchmarks $(if $(ONLY),--only $(ONLY))

.PHONY: reproduce
reproduce: $(STAMP) ## Measure arXiv:2006.08925 again, write docs/reproduction.md (at most 15 minutes; ARGS="--seeds 4")
	@$(BIN)/python -m training reproduce $(ARGS)

.PHONY: accuracy
accuracy: $(STAMP) ## Score the recipe on three public surveys, write docs/accuracy.md and results.json
	@$(BIN)/python -m benchmarks.accuracy $(ARGS)

.PHONY: demo-bundle
demo-bundle: $(STAMP) ## Rebuild models/demo, the small bundle trained on the simulated site
	@$(BIN)/python -m training demo-bundle $(ARGS)

# --- Environments -----------------------------------------------------------------------------------------------

.PHONY: venv
venv: $(STAMP) ## Set up .venv only
	@:

.PHONY: wheelhouse
wheelhouse: $(EDGE_STAMP) $(PROJECT_STAMP) $(if $(filter 3.11,$(PY)),$(EDGE_32BIT_STAMP)) ## Fetch what the clean installations need
	@:

.PHONY: lock
lock: ## Resolve requirements/ anew within pyproject.toml's ranges (needs uv; UPGRADE=--upgrade takes newer releases)
	@uv --version >/dev/null 2>&1 || { echo "make lock needs uv, which nothing else here does: pip install uv" >&2; exit 1; }
	@for v in 3.11 3.12 3.13; do \
		$(call resolve,$$v,dev-$$v,pyproject.toml $(EVERYTHING)) && \
		$(call resolve,$$v,edge-$$v,pyproject.toml --extra edge --constraints requirements/dev-$$v.txt) && \
		$(call resolve,$$v,build-$$v,--group build --constraints requirements/dev-$$v.txt) || exit 1; \
	done
	@$(call resolve,3.11,edge-32bit-3.11,pyproject.toml --extra edge-32bit)

EVERYTHING := $(foreach extra,edge ble mqtt serial survey training dev,--extra $(extra))

# One pin file for all platforms, without addresses.
resolve = echo "requirements/$(2).txt" && uv pip compile --quiet --universal --python-version $(1) \
	--generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links $(UPGRADE) $(3) \
	--output-file requirements/$(2).txt

.PHONY: clean
clean: ## Remove all that make has built: .venv, .wheelhouse, caches
	rm -rf $(VENV) $(WHEELHOUSE) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find $(PACKAGES) -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

ifeq ($(PY),)

.PHONY: $(STAMP) $(EDGE_STAMP) $(PROJECT_STAMP)
$(STAMP) $(EDGE_STAMP) $(PROJECT_STAMP):
	@version=$$("$(PY_REFUSED)" -c 'import sys; print("is %d.%d.%d" % sys.version_info[:3])' 2>/dev/null) || \
		version="does not run"; \
	echo "Localizer needs Python 3.11, 3.12 or 3.13, but $(PY_REFUSED) $$version;" \
		"install one of them or run: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)" >&2; exit 1

else

# TensorFlow is unpacked beside all the others: that is half of the time. The pins name whatever is needed.
install = $(PIP) install --quiet --no-compile --no-deps --require-hashes --requirement $(VENV)/.$(1)

# The pins are compared by content, not by date alone: a checkout of another branch and back costs nothing. When only
# pyproject.toml changed, the project is installed anew into the same .venv.
$(STAMP): requirements/dev-$(PY).txt pyproject.toml
	@if cmp -s $< $(VENV)/.pins && $(BIN)/python -c '' 2>/dev/null; then :; else \
		echo "Setting up $(VENV) with Python $(PY_FULL) (a few minutes, once) ..."; \
		rm -f $(VENV)/.pins $(VENV)/.ready-*; \
		"$(PY_PATH)" -m venv --clear $(VENV) && \
		echo "  installing $$(grep -c '==' $<) pinned packages, TensorFlow among them ..." && \
		awk '/^[a-z0-9]/ { big = /^tensorflow==/ } { print > ("$(VENV)/." (big ? "big" : "rest")) }' $< && \
		{ $(call install,big) & big=$$!; $(call install,rest) && wait $$big; } && \
		{ $(BIN)/python -m compileall -q -q -j 0 $(VENV)/lib || :; } && \
		echo "$(PY_PATH)" > $(VENV)/.python && cp $< $(VENV)/.pins; \
	fi
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(EDGE_STAMP): requirements/edge-$(PY).txt | $(STAMP)
	@$(call fetch,edge)

$(EDGE_32BIT_STAMP): requirements/edge-32bit-$(PY).txt | $(STAMP)
	@$(call fetch,edge-32bit)

fetch = if cmp -s $< $(WHEELHOUSE)/$(1)/.pins; then :; else \
		echo "Fetching $(1) for Python $(PY) into $(WHEELHOUSE)/$(1) ..." && rm -rf $(WHEELHOUSE)/$(1) && \
		$(PIP) download --quiet --require-hashes --only-binary :all: --requirement $< --dest $(WHEELHOUSE)/$(1) && \
		cp $< $(WHEELHOUSE)/$(1)/.pins || exit 1; \
	fi; touch $@

# The wheel lies beside what it needs, so that each folder is a whole installation.
$(PROJECT_STAMP): $(SOURCES) pyproject.toml README.md LICENSE $(EDGE_STAMP) $(if $(filter 3.11,$(PY)),$(EDGE_32BIT_STAMP)) | $(STAMP)
	@rm -f $(WHEELHOUSE)/*/ble_localizer-*.whl
	@for folder in edge $(if $(filter 3.11,$(PY)),edge-32bit); do \
		$(PIP) wheel --quiet --no-deps --no-build-isolation --wheel-dir $(WHEELHOUSE)/$$folder . || exit 1; \
	done
	@touch $@

endif
