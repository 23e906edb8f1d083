# Needs make and Python 3.11 or newer; everything else goes into $(VENV).

PYTHON ?= python3
VENV ?= .venv
OUT ?= out
CUDA_EXTRA ?= cuda13
TIME_LIMIT ?= 45

BIN := $(VENV)/bin
EXAMPLE := colossus-tenth
INSTALLED := $(VENV)/.installed
DEVELOPED := $(VENV)/.installed-dev
CUDA_READY := $(VENV)/.installed-$(CUDA_EXTRA)

.DEFAULT_GOAL := help
.PHONY: help plan test lint bench gpu clean machine-code

help:  ## show what there is to make
	@sed -n 's/^\([a-z]*\):.*##  *\(.*\)/  make \1\t\2/p' Makefile

plan: $(INSTALLED) machine-code  ## plan the one-tenth Colossus, then verify the plan
	$(BIN)/rackwatt plan examples/$(EXAMPLE)/site.yaml examples/$(EXAMPLE)/workload.yaml \
		--out $(OUT)/$(EXAMPLE) --time-limit $(TIME_LIMIT)
	$(BIN)/rackwatt check $(OUT)/$(EXAMPLE)

test: $(DEVELOPED) machine-code  ## run all tests
	$(BIN)/pytest -n 2 -ra

lint: $(DEVELOPED)  ## style, formatting, types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(DEVELOPED) machine-code  ## time the kernels, the main job on every example, the planner beside baselines
	mkdir -p $(OUT)
	$(BIN)/python -m benchmarks kernels --json $(OUT)/bench-kernels.json
	$(BIN)/python -m benchmarks main --json $(OUT)/bench-main.json
	$(BIN)/python -m benchmarks planner --sizes S,M --seeds 0 --time-limit 20 \
		--json $(OUT)/bench-planner.json

gpu:  ## on a machine with an NVIDIA GPU: tests, memory checks and benchmarks
	@nvidia-smi -L || { echo "make gpu: no NVIDIA GPU found: nvidia-smi -L lists none" >&2; exit 1; }
	@$(MAKE) --no-print-directory $(CUDA_READY)
	@PATH="$(CURDIR)/$(BIN):$$PATH" OUT="$(OUT)" .ci/gpu

# Compiles the planner's inner loop, a minute after every change of it, else a moment.
machine-code:
	@$(BIN)/python -m scheduler.planner.fast

clean:  ## remove everything that make created
	rm -rf $(VENV) .ci-venv $(OUT) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache \
		.hypothesis
	find scheduler kernels benchmarks tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or \
		sys.exit("rackwatt: expected Python >= 3.11, got " + sys.version.split()[0])'
	$(PYTHON) -m venv $(VENV)

# pip answers for what is installed; a stamp is newer than pyproject.toml once it has run.
$(INSTALLED): pyproject.toml | $(BIN)/python
	$(BIN)/pip install -qq --disable-pip-version-check --editable '.[fast]'
	@touch $@

$(DEVELOPED): pyproject.toml | $(BIN)/python
	$(BIN)/pip install -qq --disable-pip-version-check --editable '.[dev]'
	@touch $(INSTALLED) $@

$(CUDA_READY): pyproject.toml | $(BIN)/python
	$(BIN)/pip install -qq --disable-pip-version-check --editable '.[dev,$(CUDA_EXTRA)]'
	@touch $(INSTALLED) $(DEVELOPED) $@
