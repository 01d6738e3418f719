# make demo | make test | make check | make page: each from a fresh clone with no other set-up.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
CHECKED := agent modalities demos training benchmarks tests

.PHONY: demo test check page clean
.DELETE_ON_ERROR:

demo: $(VENV)/.installed  ## a scripted call on real inputs; leaves out/demo/
	$(BIN)/python -m demos.call demos/scenarios/demo.toml

test: $(VENV)/.installed-dev  ## every test that needs no GPU, no network and no data set
	$(BIN)/python -m pytest

check: $(VENV)/.installed-dev  ## lint, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(CHECKED)

page: $(VENV)/.installed  ## the web page on http://127.0.0.1:7860
	$(BIN)/python -m demos.web

clean:
	rm -rf out

$(VENV)/.installed: requirements.txt | $(BIN)/pip
	@echo "Installing requirements.txt into $(VENV): the first time this takes a few minutes and 6 GB of disk."
	@$(PIP) install --quiet --requirement requirements.txt
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	@echo "Installing requirements-dev.txt into $(VENV)."
	@$(PIP) install --quiet --requirement requirements-dev.txt
	@touch $@

# pip is what venv puts in last, so its presence says that the environment is whole. The date of an existing one
# does not matter: it changes whenever pip updates itself.
$(BIN)/pip: | python-3.11
	$(PYTHON) -m venv --clear $(VENV)

.PHONY: python-3.11
python-3.11:
	@if test ! -x $(BIN)/pip; then \
	  command -v $(PYTHON) >/dev/null || { \
	    echo "make: $(PYTHON) not found. Install Python 3.11 (Debian: apt-get install python3.11 python3.11-venv)," >&2; \
	    echo "      or name it: make PYTHON=/path/to/python3.11 ..." >&2; exit 1; }; \
	  $(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { \
	    echo "make: $(PYTHON) is $$($(PYTHON) --version 2>&1); Callsight needs Python 3.11. Name it: make PYTHON=..." >&2; \
	    exit 1; }; \
	  $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	    echo "make: $(PYTHON) has no venv module. Debian: apt-get install python3.11-venv" >&2; exit 1; }; \
	fi
