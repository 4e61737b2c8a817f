# Everything a developer or CI does with this repository; `make` alone lists it.
# A fresh machine needs Python 3.11 or later, make, and a network.

PYTHON ?= python3
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

BIN := .venv/bin
UV := .uv/bin/uv
# The Python that is there, never one that uv would download.
export UV_PYTHON_DOWNLOADS := never
# Python keeps what it has compiled, whatever the environment says: a run of the tests starts hundreds of
# processes, and each would compile all that it imports.
export PYTHONDONTWRITEBYTECODE :=

PROJECTS := $(wildcard libs/*/pyproject.toml services/*/pyproject.toml proto/python/pyproject.toml examples/pyproject.toml)
PACKAGES := $(dir $(PROJECTS))
NAMES := $(patsubst libs/%/,dsr-%,$(patsubst services/%/,dsr-%,$(filter libs/% services/%,$(PACKAGES)))) dsr-contracts dsr-examples
SOURCES := libs services examples tools tests
# Of the images.
TAG ?= 0.1.0
# Tests run in so many processes, each with parts of its own. A file stays in one, as does all that shares
# the loop, and the longest begins first (tests/support/spreading.py).
TEST_JOBS ?= 2
PYTEST := $(BIN)/pytest --numprocesses $(TEST_JOBS) --dist loadfile --no-loadscope-reorder
# The contracts as they were last published.
BASELINE := proto/baseline.binpb

.PHONY: help
help: ## List what there is to make
	@awk 'BEGIN {FS = ":.*## "} /^##@ / {printf "\n%s\n", substr($$0, 5)} \
	  /^[a-z0-9-]+:.*## / {printf "  \033[36m%-17s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##@ Setting up

.PHONY: bootstrap
bootstrap: .venv/.complete ## Install everything into .venv; at once when nothing has changed

.venv/.complete: requirements.lock pyproject.toml $(PROJECTS) $(UV)
	$(UV) venv --quiet --allow-existing --python "$(abspath .uv/bin/python)" .venv
	$(UV) pip sync --quiet --compile-bytecode --python $(BIN)/python --require-hashes requirements.lock
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation \
	  $(addprefix --editable ./,$(PACKAGES))
	@touch $@

$(UV): requirements-uv.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or later is needed: make PYTHON=/path/to/python3 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
	  || { echo "This Python has no venv and pip; on Debian: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv --clear .uv
	.uv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.txt
	@touch $@

.PHONY: lock
lock: $(UV) ## Resolve the dependencies anew into requirements.lock
	$(UV) pip compile pyproject.toml --group dev --universal --generate-hashes \
	  $(addprefix --no-emit-package ,$(NAMES)) --no-annotate --no-header -o requirements.lock

.PHONY: pins
pins: bootstrap ## Resolve the jars of Kafka anew into deploy/local/kafka.toml
	$(BIN)/python -m dsr_cli.stack.maven

##@ Checking

.PHONY: check
check: static test-unit ## All that needs no running part, in order of speed

.PHONY: static
static: fmt-check lint imports types proto-check docs-check collect ## The checks that run no test

.PHONY: fmt
fmt: bootstrap ## Format the code
	$(BIN)/ruff check --quiet --fix-only $(SOURCES)
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/buf format --write proto

.PHONY: fmt-check
fmt-check: bootstrap ## Say what is not formatted
	$(BIN)/ruff format --check $(SOURCES)

.PHONY: lint
lint: bootstrap ## Check the code with ruff
	$(BIN)/ruff check $(SOURCES)

.PHONY: types
types: bootstrap ## Check the types with mypy
	$(BIN)/mypy

.PHONY: collect
collect: bootstrap ## Check that every test can be imported, those too that run elsewhere
	@found=$$($(BIN)/pytest --collect-only -qq tests 2>&1) || { echo "$$found"; exit 1; }

.PHONY: imports
imports: bootstrap ## Check who imports whom
	$(BIN)/lint-imports --no-logo

.PHONY: proto
proto: bootstrap ## Generate the Python modules of the contracts
	$(BIN)/python tools/gen_proto.py

.PHONY: proto-check
proto-check: bootstrap ## Check the contracts: lint, format, compatibility, generated code
	$(BIN)/buf lint proto
	$(BIN)/buf format --diff --exit-code proto
	$(BIN)/buf breaking proto --against $(BASELINE)
	$(BIN)/python tools/gen_proto.py --check

.PHONY: proto-baseline
proto-baseline: bootstrap ## Publish the contracts: from then on nothing in them is taken back
	$(BIN)/buf build proto --exclude-source-info --output $(BASELINE)

.PHONY: docs
docs: bootstrap ## Generate what the documentation takes from the code
	$(BIN)/python tools/gen_settings.py
	$(BIN)/python tools/gen_lifecycle.py
	$(BIN)/python tools/gen_security.py
	$(BIN)/python tools/gen_access.py
	$(BIN)/python tools/gen_metrics.py
	$(BIN)/python tools/gen_dashboards.py
	$(BIN)/python tools/gen_chart.py
	$(BIN)/python tools/gen_images.py
	$(BIN)/python tools/gen_plan.py

.PHONY: docs-check
docs-check: bootstrap ## Check that the generated documentation is fresh
	$(BIN)/python tools/gen_settings.py --check
	$(BIN)/python tools/gen_lifecycle.py --check
	$(BIN)/python tools/gen_security.py --check
	$(BIN)/python tools/gen_access.py --check
	$(BIN)/python tools/gen_metrics.py --check
	$(BIN)/python tools/gen_dashboards.py --check
	$(BIN)/python tools/gen_chart.py --check
	$(BIN)/python tools/gen_images.py --check
	$(BIN)/python tools/gen_plan.py --check

.PHONY: schemas
schemas: bootstrap ## Take the schemas of Kubernetes and of custom resources anew from their projects
	$(BIN)/python tools/gen_schemas.py

.PHONY: sbom
sbom: bootstrap ## Write a CycloneDX bill of what is installed into dist/sbom.json
	@mkdir -p dist
	$(BIN)/python tools/sbom.py --out dist/sbom.json

.PHONY: audit
audit: bootstrap ## Ask a database of vulnerabilities about all of it; says so where none can be reached
	$(BIN)/python tools/audit.py

##@ Testing

# Those that need an engine or a cluster have targets of their own.
ELSEWHERE := tests/containers tests/cluster
HERE := $(addprefix --ignore=,$(ELSEWHERE))
# What failed beside others, by itself: a busy machine is told from a broken loop.
ONCE_MORE = echo "What failed is run once more, by itself; the failures above stay to be looked at."; \
  $(BIN)/pytest -q --no-skips --last-failed --last-failed-no-failures none

.PHONY: test
test: test-processes test-containers ## Run every test but the chaos ones; those in containers where an engine runs

.PHONY: test-processes
test-processes: bootstrap browser ## Run every test that needs no container engine
	$(PYTEST) -q --no-skips $(HERE) || { $(ONCE_MORE) $(HERE); }

.PHONY: browser
browser: ## Install Chromium (Debian's package) where there is none, for the tests of the console
	@command -v chromium >/dev/null || { apt-get -qq update && \
	  DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends chromium >/dev/null; } \
	  || echo "There is no Chromium: its tests are skipped, which make test takes as failed." >&2

.PHONY: test-unit
test-unit: bootstrap ## Run the tests that need nothing but Python
	$(PYTEST) -q $(wildcard tests/architecture tests/unit tests/property)

.PHONY: test-integration
test-integration: bootstrap ## Run the tests against a real Kafka, Temporal and PostgreSQL
	$(PYTEST) $(wildcard tests/contract tests/workflow tests/integration)

.PHONY: test-deploy
test-deploy: bootstrap ## Render the Helm chart, and hold it to the code and to true schemas
	$(BIN)/pytest tests/deploy

.PHONY: test-containers
test-containers: bootstrap ## Run the loop in containers of our images, and kill, pause, cut off, replace them
	@if docker version > /dev/null 2>&1; then \
	  $(MAKE) images && \
	  { $(BIN)/pytest -q --no-skips tests/containers || { $(ONCE_MORE) tests/containers; }; }; \
	else \
	  echo "No container engine answers here: tests/containers was not run."; \
	fi

.PHONY: test-cluster
test-cluster: bootstrap ## Install the chart on the cluster of KUBECONFIG; LOAD_IMAGE takes an image archive there
	$(BIN)/pytest -q --no-skips tests/cluster || { $(ONCE_MORE) tests/cluster; }

.PHONY: test-e2e
test-e2e: bootstrap ## Run the tests of the whole loop
	$(BIN)/pytest tests/e2e

.PHONY: chaos
chaos: bootstrap ## Kill what runs at each numbered step, and see that nothing is lost
	$(BIN)/pytest -m chaos

.PHONY: bench-trust
bench-trust: bootstrap ## Measure signed answers, seals, the log and the suppression list, for a core
	PYTHONPATH=tests $(BIN)/python tests/bench/verifier_answers.py
	PYTHONPATH=tests $(BIN)/python tests/bench/verifier_answers.py --systems 5 --requests 5000
	$(BIN)/python tests/bench/seals.py
	$(BIN)/python tests/bench/suppression.py

.PHONY: bench-package
bench-package: bootstrap ## Measure a package of 5 GB from 20 systems, and the memory of each process
	$(BIN)/dsr bench package --svg docs/package-memory.svg

.PHONY: bench
bench: bootstrap ## Measure the loop on this machine
	$(BIN)/dsr bench loop --systems 5 --requests 500 --lean

##@ Running

.PHONY: demo
demo: bootstrap ## Send deletion requests round the whole loop, and show what was proved
	$(BIN)/dsr demo

.PHONY: up
up: bootstrap ## Start the local stack and leave it running
	$(BIN)/dsr stack up

.PHONY: prometheus
prometheus: bootstrap ## Fetch Prometheus (Debian's package), which make up then starts as well
	$(BIN)/python -m dsr_cli.stack.prometheus

.PHONY: down
down: bootstrap ## Stop the local stack; its data stays
	$(BIN)/dsr stack down

.PHONY: logs
logs: bootstrap ## Follow the logs of the local stack
	$(BIN)/dsr stack logs --follow


.PHONY: images
images: ## Build the images of services, command and example systems; BASE, TAG, DOCKER_BUILD_FLAGS may be set
	@$(call build_images,intake fanout verifier cli examples)

.PHONY: images-parts
images-parts: ## Build images of Kafka, Temporal and PostgreSQL, where the official ones cannot be had
	@$(call build_images,kafka temporal postgresql)

# What a build says is shown where it fails.
define build_images
for target in $(1); do \
  said=$$(docker build --file deploy/docker/Dockerfile --target $$target --tag dsr-$$target:$(TAG) \
    $(if $(BASE),--build-arg BASE=$(BASE)) $(DOCKER_BUILD_FLAGS) . 2>&1) \
    && echo "dsr-$$target:$(TAG)" || { tail -n 20 <<< "$$said" >&2; exit 1; }; \
done
endef

.PHONY: clean
clean: ## Remove what was installed and cached; the stack's data stays
	rm -rf .venv .uv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage
	find $(SOURCES) proto -name __pycache__ -type d -prune -exec rm -rf {} +
