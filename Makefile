# The same commands for people and for CI; `make help` lists them. Everything is installed inside this folder.

VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --no-input
ROOMS := accounting api carbonmap gis grids scenarios
BENCH := $(if $(SIZE),--size $(SIZE)) $(if $(REPEAT),--repeat $(REPEAT))
WEB_SOURCES := $(shell find web \( -name node_modules -o -name dist \) -prune -o -type f -print 2>/dev/null)
# npm runs through the venv's folder, where Node stands on machines without a Node of their own
NPM := @cd web && PATH="$(CURDIR)/$(VENV)/bin:$$PATH" npm_config_update_notifier=false npm
# As many processes as tests/conftest.py says; each holds servers and stores of its own, about 1 GB.
# To debug: ARGS="-n 0 --pdb tests/api"
AT_ONCE := -n auto --maxprocesses 4 --dist worksteal

# Else each of the many processes that tests are would take every source, and every test, apart anew: a minute each.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-slow check bench screenshots format build web lock clean

help: ## list these commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/^\([a-z-]*\):.*## /  make \1	/' | expand -t 20

demo: $(VENV)/.compiled web/dist/index.html ## build the synthetic demo region and serve its map on loopback (ARGS="--help" for more)
	$(PY) -m carbonmap demo $(ARGS)

test: $(VENV)/.dev $(VENV)/.compiled web/dist/index.html ## run the tests: Python, browser (where a Chromium is installed) and web
	$(PY) -m pytest $(AT_ONCE) -m "not slow" $(ARGS)
	$(NPM) test
	@echo "Left out: great loads and sizes, killed processes, and stories in further languages and on further screens. They run with: make test-slow"

test-slow: $(VENV)/.dev $(VENV)/.compiled web/dist/index.html ## run what `make test` leaves out: great loads and sizes, kills, more languages and screens
	$(PY) -m pytest $(AT_ONCE) -m slow $(ARGS)

check: $(VENV)/.dev web/node_modules/.installed ## check format, lint, types, import directions and the repository itself
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy
	$(PY) -m pytest tests/test_rooms.py tests/test_repository.py
	$(NPM) run format:check
	$(NPM) run lint
	$(NPM) run typecheck

bench: $(VENV)/.bench ## measure times, memory and exactness against public tools (SIZE=10000: buildings; REPEAT=3)
	$(PY) -m bench cells $(BENCH) --json bench/results/cells.json
	$(PY) -m bench zones $(BENCH) --json bench/results/zones.json
	$(PY) -m bench read $(BENCH) --json bench/results/read.json
	$(PY) -m bench nation $(BENCH) --json bench/results/nation.json
	$(PY) -m bench build $(BENCH) --json bench/results/build.json
	$(PY) -m bench growth $(BENCH) --json bench/results/growth.json
	$(PY) -m bench vertices $(BENCH) --json bench/results/vertices.json
	$(PY) -m bench serve --json bench/results/serve.json
	$(PY) -m bench mix --json bench/results/mix.json
	$(PY) -m bench receipts --json bench/results/receipts.json
	$(PY) -m bench scenario --json bench/results/scenario.json
	$(PY) -m bench map --json bench/results/map.json

screenshots: $(VENV)/.dev $(VENV)/.compiled web/dist/index.html ## make twelve pictures of the map, in English and Korean, for a desk and a phone
	PYTHONPATH=. $(PY) tests/browser/screenshots.py $(ARGS)

format: $(VENV)/.dev ## rewrite the Python files in the project's format
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix .

build: $(VENV)/.run web/dist/index.html ## build the wheel and the source archive into dist/
	rm -rf dist
	@$(PY) -m hatchling build -d dist

web: web/dist/index.html ## build the web map into web/dist

lock: $(VENV)/.run ## resolve the dependencies of pyproject.toml anew (LOCK_ARGS=--upgrade: take the newest)
	@$(PY) -m uv --version >/dev/null 2>&1 || $(PIP) install -q uv
	$(PY) -m $(UV_COMPILE) pyproject.toml --group build -o requirements.lock
	$(PY) -m $(UV_COMPILE) pyproject.toml --group build --extra dev -c requirements.lock -o requirements-dev.lock
	$(PY) -m $(UV_COMPILE) --group node -o requirements-node.lock
	$(PY) -m $(UV_COMPILE) --group bench -c requirements-dev.lock -o requirements-bench.lock

clean: ## remove all that was installed or built here (the stores of your regions stay)
	rm -rf $(VENV) web/node_modules web/dist dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find $(ROOMS) bench tests -name __pycache__ -type d -prune -exec rm -rf {} +

UV_COMPILE := uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--custom-compile-command "make lock" $(LOCK_ARGS)

# Stamps: each is newer than what it was made from, so that a second command starts at once.

$(VENV)/.python:
	@for python in "$${PYTHON:-python3.12}" python3.13 python3.11 python3 python; do \
	  if "$$python" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null; \
	  then echo "creating $(VENV) with $$("$$python" --version)"; "$$python" -m venv $(VENV) && touch $@; exit; fi; \
	done; \
	echo "carbonmap needs Python 3.11, 3.12 or 3.13 with the modules venv and ensurepip, and found none on PATH." >&2; \
	echo "Install one (Debian and Ubuntu: apt install python3 python3-venv), or say where it is: make demo PYTHON=/path/to/python3.12" >&2; \
	exit 1

$(VENV)/.run: $(VENV)/.python requirements.lock pyproject.toml hatch_build.py
	@echo "installing Python packages into $(VENV) (a minute or two)"
	@$(PIP) install -q --progress-bar off --require-hashes -r requirements.lock
	@$(PIP) install -q --no-deps --no-build-isolation --editable .
	@$(PY) -m compileall -q $(ROOMS)
	@touch $@

# Tests start many processes: without this each of the first ones would compile the same.
$(VENV)/.compiled: $(VENV)/.run $(wildcard grids/*_kernels.py gis/*_kernels.py) $(wildcard grids/compiled.py)
	@echo "compiling for this machine (once, about half a minute)"
	@$(PY) -m carbonmap.warm_up
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements-dev.lock
	@echo "installing the tools for tests and checks into $(VENV)"
	@$(PIP) install -q --progress-bar off --require-hashes -r requirements-dev.lock
	@touch $@

# Peers differ in what machines they run on: one that cannot be had is named in the tables and stops nothing.
$(VENV)/.bench: $(VENV)/.dev requirements-bench.lock
	@echo "installing the tools to measure against into $(VENV)"
	@$(PIP) install -q --progress-bar off --require-hashes -r requirements-bench.lock || \
	  echo "not all of them could be installed; the tables name those that are missing"
	@touch $@

$(VENV)/.node: $(VENV)/.python requirements-node.lock
	@version=$$(node --version 2>/dev/null); \
	case "$$version" in v20.19.*|v20.[2-9][0-9].*|v22.1[2-9].*|v22.[2-9][0-9].*|v2[4-9].*|v[3-9][0-9].*) ;; *) version= ;; esac; \
	if [ -n "$$version" ] && npm --version >/dev/null 2>&1; \
	then echo "using Node $$version of this machine"; \
	else echo "installing Node into $(VENV)"; $(PIP) install -q --progress-bar off --require-hashes -r requirements-node.lock; fi
	@touch $@

web/node_modules/.installed: $(VENV)/.node web/package.json web/package-lock.json
	@echo "installing the web map's packages into web/node_modules"
	$(NPM) ci --no-audit --no-fund --loglevel=error
	@touch $@

web/dist/index.html: web/node_modules/.installed $(WEB_SOURCES)
	@echo "building the web map"
	$(NPM) run build --silent
	@touch $@
