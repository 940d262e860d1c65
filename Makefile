# Two commands do everything on a fresh machine with Python 3.11+, git and make:
#   make demo   own environment with the runtime only, screens the shipped samples, says where to look
#   make test   installs what the tests need, runs format, lint, types and all tests
PYTHON ?= python3
RUNTIME := .venv-demo
DEV := .venv-dev
# Two processes of tests share the cores: threads within each would only wait for one another.
ONE_THREAD := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1

.PHONY: demo test lint clean
demo: $(RUNTIME)/.done
	$(RUNTIME)/bin/xrayscan demo --out demo-out

test: $(DEV)/.done lint
	$(ONE_THREAD) $(DEV)/bin/python -m pytest -n 2 --dist loadfile -m "not slow"

lint: $(DEV)/.done
	$(DEV)/bin/ruff check .
	$(DEV)/bin/ruff format --check .
	$(DEV)/bin/mypy

$(RUNTIME)/.done: setup.cfg pyproject.toml constraints.txt
	@echo "installing the runtime into $(RUNTIME): about a minute"
	$(PYTHON) -m venv --clear $(RUNTIME)
	$(RUNTIME)/bin/python -m pip install -qq --upgrade pip
	$(RUNTIME)/bin/python -m pip install -qq -c constraints.txt -e .
	touch $@

$(DEV)/.done: setup.cfg pyproject.toml constraints.txt
	@echo "installing what the tests need into $(DEV): some minutes"
	$(PYTHON) -m venv --clear $(DEV)
	$(DEV)/bin/python -m pip install -qq --upgrade pip
	$(DEV)/bin/python -m pip install -qq -c constraints.txt -e ".[dev]"
	touch $@

clean:
	rm -rf $(RUNTIME) $(DEV) demo-out build dist *.egg-info
