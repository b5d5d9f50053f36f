# The only way to check, test, show and measure ovnloom. Every target installs what it needs; `make help` lists them.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory --no-builtin-rules

CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/ovnloom
UV := $(CACHE)/uv/$(shell sed -n 's/^uv==\([^ ]*\).*/\1/p' requirements/uv.txt)/bin/uv
PYTHON := .venv/bin/python
READY := .venv/.ready
LOCK := requirements/dev.lock
# Two workers suit two cores; tests that share a control plane run in one of them.
WORKERS ?= 2
# For example: make test TESTS="tests/sandbox -k port"
TESTS ?= tests

.PHONY: help
help: ## Show this list.
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r name text; do printf '  make %-12s %s\n' "$$name" "$$text"; done

.PHONY: check lint layout types imports fresh
check: lint layout types imports fresh ## Lint, types, import rules, and whether generated files are fresh (-k for all that fails).

lint: $(READY)
	@make/step 'ruff check' .venv/bin/ruff check
layout: $(READY)
	@make/step 'ruff format' .venv/bin/ruff format --check
types: $(READY)
	@make/step 'mypy' .venv/bin/mypy
imports: $(READY)
	@make/step 'import rules' .venv/bin/lint-imports --no-logo
fresh: $(READY)
	@make/step 'generated files' $(PYTHON) -m ovnloom.generate --check

.PHONY: test
test: $(READY) servers browser programs ## Run the tests, those with real servers included (TESTS=… for some of them).
	@.venv/bin/pytest -n $(WORKERS) --dist loadgroup $(TESTS)

.PHONY: demo
demo: $(READY) servers programs ## Show a cluster of real nodes with ovnloom as its network, and leave it up.
	@$(PYTHON) -m demo

.PHONY: demo-rows
demo-rows: $(READY) servers programs ## Show, without containers, rows in OVN, plans and verdicts.
	@$(PYTHON) -m demo rows

.PHONY: demo-docker
demo-docker: $(READY) servers programs ## Show Docker on two machines, without Kubernetes, and leave them up.
	@$(PYTHON) -m demo docker

.PHONY: demo-down
demo-down: $(READY) ## Remove all that `make demo` and `make demo-docker` brought up.
	@$(PYTHON) -m demo down

.PHONY: nodes
nodes: $(READY) servers programs ## Bring up a sandbox with two nodes that run containers (ARGS="--family dual …").
	@$(PYTHON) -m sandbox up --nodes 2 --kubelets $(ARGS)

.PHONY: bench
bench: $(READY) servers programs ## Measure Pods per second, memory and restart (ARGS=… are passed on).
	@$(PYTHON) -m bench $(ARGS)

.PHONY: e2e
e2e: $(READY) servers programs ## Run the network tests of Kubernetes' own end-to-end suite (WHICH=smoke for twelve of them, WHICH=docker for Docker's).
	@$(PYTHON) -m e2e $(WHICH)

.PHONY: generate
generate: $(READY) ## Write what follows from the code: crds/, settings of the chart, reference pages.
	@$(PYTHON) -m ovnloom.generate

.PHONY: lock
lock: $(UV) ## Pin the newest dependencies that pyproject.toml and requirements/*.in allow.
	@make/lock $(UV)

.PHONY: servers
servers:
	@make/servers

.PHONY: browser
browser:
	@make/browser

# The first run fetches OVN and compiles Kubernetes, and says how far it is; later ones find both in the cache.
.PHONY: programs
programs: $(READY)
	@$(PYTHON) -m sandbox programs >/dev/null

.PHONY: cni
cni: $(READY) ## Build the CNI plugin, static, and say where it is.
	@make/cni

# What tests with nodes need besides: kubelets, images, and Kubernetes' own tests. They make them as well, but silently.
.PHONY: images
images: $(READY) servers
	@$(PYTHON) -m sandbox programs --kubelets --e2e >/dev/null
	@$(PYTHON) -m sandbox.images >/dev/null

$(UV): requirements/uv.txt
	@make/uv $(CACHE)/uv

$(READY): $(LOCK) requirements/uv.txt pyproject.toml | $(UV)
	@make/venv $(UV) $(LOCK)
	@touch $@
