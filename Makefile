# Two commands do all: `make run` and `make test`. The rest is for those who work on Fairstack.
# PARALLEL: test processes. One more than two cores have, since tests often wait for processes of their own.
PORT ?= 8000
PARALLEL ?= 3
PY := .venv/bin/python
export PORT

.PHONY: help run env dev-env test lint browser coverage bench full clean

help: ## What there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

run: env ## Set up everything and serve on http://127.0.0.1:$(PORT), workers and demo included; Ctrl-C stops it all
	@$(PY) manage.py migrate --verbosity 0
	@$(PY) manage.py collectstatic --noinput --verbosity 0
	@$(PY) manage.py rebuild_catalogue >/dev/null
	@exec $(PY) manage.py up --demo --port $(PORT)

env: .venv/.runtime ## The environment alone
dev-env: .venv/.dev

.venv/.runtime: requirements/runtime.txt requirements/whoosh.txt requirements/constraints.txt
	@scripts/make_env.sh

.venv/.dev: requirements/dev.txt .venv/.runtime
	@scripts/make_env.sh dev

test: dev-env ## Every test, in parallel, on SQLite (or on DATABASE_URL and REDIS_URL where they are set)
	$(PY) manage.py test --parallel $(PARALLEL)

coverage: dev-env ## The same tests under coverage, with the floors: 90% of all lines, 75% of each file
	rm -f .coverage .coverage.*
	$(PY) -m coverage run manage.py test --parallel $(PARALLEL) --exclude-tag browser
	$(PY) -m coverage combine --quiet
	$(PY) -m coverage report --fail-under 90
	$(PY) scripts/coverage_floor.py 75

browser: dev-env ## The browser tests alone (needs Chromium)
	$(PY) manage.py test --tag browser

lint: dev-env ## Linter, format, types, import rules, migrations
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/lint-imports
	$(PY) manage.py makemigrations --check --dry-run
	.venv/bin/mypy

bench: dev-env ## One benchmark: make bench NAME=curation
	$(PY) benchmarks/$(NAME).py --quick

full: dev-env ## What takes longer than the tests of every day
	$(PY) -m pip install --quiet -c requirements/constraints.txt -r requirements/ray.txt
	FAIRSTACK_FULL=1 $(PY) manage.py test --parallel $(PARALLEL)
	$(PY) benchmarks/curation.py --quick
	$(PY) benchmarks/governance.py --quick

clean: ## Delete the environment, the data and the keys of this folder's demo
	rm -rf .venv var .keys static_collected
