# Everything a newcomer needs: `make demo`, `make test`. Both set up what they need in .venv and may be run again at will.
PYTHON ?= $(shell for p in python3.12 python3.13 python3.11 python3.14 python3; do command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' && echo $$p && break; done)
VENV := .venv
WORKERS ?= 3
RUN := $(VENV)/bin

.PHONY: demo test lint types check bench clean lock

demo: $(VENV)/ready
	$(RUN)/kaoping demo $(ARGS)

test: $(VENV)/ready lint
	$(RUN)/pytest -q -n $(WORKERS) --dist worksteal $(ARGS)

lint: $(VENV)/ready
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/mypy
	$(RUN)/lint-imports

bench: $(VENV)/ready
	$(RUN)/python -m benchmarks $(ARGS)

$(VENV)/ready: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "kaoping needs Python 3.11 or newer: install it, or say make PYTHON=/path/to/python3"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(RUN)/pip install --quiet --require-hashes -r constraints.txt
	$(RUN)/pip install --quiet --no-deps -e .
	@touch $@

# Pins every dependency by hash, with no address of any index in the file.
lock:
	uv pip compile pyproject.toml --group dev --universal --generate-hashes --no-header --no-annotate -o constraints.txt

clean:
	rm -rf $(VENV) build *.egg-info
