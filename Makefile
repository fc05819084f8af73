# Two commands for a fresh machine: `make demo` and `make test`. Each makes its own virtual environment first.
VENV   ?= .venv
PYTHON ?= python3
BIN    := $(VENV)/bin
UV     := $(BIN)/python -m uv pip install --python $(BIN)/python --quiet --compile-bytecode

.PHONY: demo test lint page clean

demo: $(VENV)/.installed
	$(BIN)/mezoo fit recipes/mesnet_samm.yaml --synthetic

test: $(VENV)/.installed-test
	$(BIN)/python -m pytest -n 2

lint: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -c "import sys; sys.exit('mezoo needs Python 3.11 or newer, this is ' + sys.version.split()[0] + '; make PYTHON=python3.12 ...' if sys.version_info < (3, 11) else 0)"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet uv
	$(UV) -e .
	touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	$(UV) -e ".[test]"
	touch $@

clean:
	rm -rf $(VENV) runs
