# `make demo` and `make test` need Python 3.11 to 3.14, make and a package index; they set up the rest themselves.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help setup check format test test-real chaos demo bench bench-kafka dashboards up up-embedded down clean

PYTHONS := python3 python3.14 python3.13 python3.12 python3.11 python
UV_RANGE := uv>=0.9,<1
BIN := .venv/bin
READY := .venv/.ready

help:
	@echo 'make demo        the whole daemon with a made-up town of mentions: a crisis, a page, an incident page'
	@echo 'make test        all tests that need nothing but Python'
	@echo 'make test-real   slow tests, and those with a real browser, Prometheus and Kafka'
	@echo '                 (Debian: apt-get install chromium prometheus prometheus-alertmanager default-jre-headless maven openssl)'
	@echo 'make chaos       faults on real Kafka and thousands of simulated seeds; takes long'
	@echo 'make check       format, lint, types, import rules: what CI asks before it tests'
	@echo 'make bench       speed;  make bench-kafka: on real Kafka, beside what others take'
	@echo 'make up          Kafka, warn in stages, Prometheus, Alertmanager and Grafana by docker compose'
	@echo 'make up-embedded warn in one process without Kafka, Prometheus and Grafana;  make down: ends either'
	@echo 'make format      put the code into its form;  make dashboards: rebuild grafana/dashboards'

setup: $(READY)

# A stamp, so that a second `make` costs nothing. uv makes the environment from uv.lock; where there is no uv, it is
# installed into .uv/ and touches nothing else. It trusts the certificates that this machine trusts, because many a
# company's network has one of its own.
$(READY): uv.lock pyproject.toml
	@python=; for p in $(PYTHONS); do \
	  if $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null; then python=$$p; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
	  echo 'warn needs Python 3.11, 3.12, 3.13 or 3.14, and none of "$(PYTHONS)" is one.' >&2; \
	  echo 'Debian 12 or Ubuntu 24.04: apt-get install python3 python3-venv. macOS: brew install python@3.13.' >&2; \
	  exit 1; \
	fi; \
	if command -v uv >/dev/null 2>&1; then uv=uv; else uv=.uv/bin/uv; fi; \
	if [ "$$uv" != uv ] && [ ! -x "$$uv" ]; then \
	  if ! $$python -c 'import ensurepip, venv' 2>/dev/null; then \
	    echo "$$python cannot make virtual environments: its venv package is missing." >&2; \
	    echo "Debian or Ubuntu: apt-get install python3-venv (for a second Python, python3.X-venv). Or install uv." >&2; \
	    exit 1; \
	  fi; \
	  echo 'Getting uv into .uv/ ...' >&2; \
	  $$python -m venv .uv && .uv/bin/python -m pip install --quiet --disable-pip-version-check '$(UV_RANGE)' || \
	    { rm -rf .uv; echo 'Could not install uv: is the package index reachable?' >&2; exit 1; }; \
	fi; \
	echo 'Setting up .venv/ (some 150 MB to download, once) ...' >&2; \
	export UV_PYTHON_DOWNLOADS=never UV_SYSTEM_CERTS=$${UV_SYSTEM_CERTS:-true}; \
	[ -x $(BIN)/python ] || $$uv venv --quiet --python $$python .venv || exit 1; \
	$$uv sync --quiet --locked || exit 1; \
	touch $@

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

test: $(READY)
	$(BIN)/pytest -n auto --dist worksteal

# Two at a time, because most of it is waiting for a broker; file by file, because what a file starts is its tests' own.
test-real: $(READY)
	$(BIN)/pytest -m "(real or slow) and not chaos" -n 2 --dist loadfile

# Prints what it injected and what it saw. One at a time: it needs the machine.
chaos: $(READY)
	$(BIN)/pytest -m chaos -s --timeout 3600

# It runs until Ctrl-C, and its last words say what to type next.
demo: $(READY)
	@$(BIN)/warn demo $(ARGS)

bench: $(READY)
	$(BIN)/python -m benchmarks.pipeline
	$(BIN)/python -m benchmarks.state
	$(BIN)/python -m benchmarks.jetstream --seconds 60
	$(BIN)/python -m benchmarks.jetstream --seconds 60 --keep all
	$(BIN)/python -m benchmarks.flat --hours 6 --rate 5 --remember 6000

# The dependency group `bench` is what warn is measured against.
bench-kafka: $(READY)
	@if command -v uv >/dev/null 2>&1; then uv=uv; else uv=.uv/bin/uv; fi; \
	UV_PYTHON_DOWNLOADS=never UV_SYSTEM_CERTS=$${UV_SYSTEM_CERTS:-true} $$uv sync --quiet --locked --group bench
	$(BIN)/python -m benchmarks.kafka $(ARGS)

dashboards: $(READY)
	$(BIN)/python -m grafana.build

up:
	docker compose up --build --detach --wait
	@echo 'warn http://127.0.0.1:8080  Grafana http://127.0.0.1:3000  Prometheus http://127.0.0.1:9090  Alertmanager http://127.0.0.1:9093'

up-embedded:
	docker compose --file docker-compose.embedded.yml up --build --detach --wait
	@echo 'warn http://127.0.0.1:8080  Grafana http://127.0.0.1:3000  Prometheus http://127.0.0.1:9090'

# Either set-up, by its project name; data stays in its volumes.
down:
	docker compose --file docker-compose.yml down
	docker compose --file docker-compose.embedded.yml down

clean:
	rm -rf .venv .uv dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
