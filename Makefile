# Needs python3.12, make and git. Everything goes into .venv/ and out/; nothing else on the machine changes.
#   make demo     install, build the code sets, show one note, open the review app on sample notes
#   make precode  pre-code the sample notes into out/
#   make test     install the test tools, run every check that CI runs
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3.12
VENV := .venv
BIN := $(VENV)/bin
OUT := out
EXAMPLE := docs/example/visit.txt

# An installation is done when the stamp named after its inputs is there, so a second run does nothing and an
# interrupted one is done again.
project := pyproject.toml suggester/version.py
run_stamp := $(VENV)/.installed-run-$(shell cat requirements.lock $(project) | sha256sum | cut -c1-16)
test_stamp := $(VENV)/.installed-test-$(shell cat requirements-test.lock $(project) | sha256sum | cut -c1-16)

.PHONY: help demo test install install-test codesets precode examples format lock clean

help:
	@sed -n '1,/^SHELL/{s/^#   *make/make/p}' Makefile

demo: codesets
	@echo
	@echo "One note ($(EXAMPLE)), its first suggestions:"
	@$(BIN)/suggester suggest $(EXAMPLE) --limit 5
	@echo
	@$(BIN)/suggester serve --demo

test:
	@bash .ci/run

install: $(run_stamp)
install-test: $(test_stamp)

# Installs the locked requirements, then the checkout itself with the locked build backend.
define install
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 12))' 2>/dev/null \
	  || { echo "error: $(PYTHON) is not Python 3.12; give one: make $(MAKECMDGOALS) PYTHON=path/to/python3.12" >&2; exit 1; }
	@$(BIN)/python -c 'import pip, sys; sys.exit(sys.version_info[:2] != (3, 12))' 2>/dev/null \
	  || { echo "creating $(VENV)"; $(PYTHON) -m venv --clear $(VENV); }
	@echo "installing $(1) (a minute or two the first time)"
	@$(BIN)/python -m pip install --disable-pip-version-check --require-hashes -r $(1) \
	  | sed -unE 's/^Collecting ([^ ]+).*/  \1/p; s/^Installing .*/  unpacking them/p'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@rm -f $(VENV)/.installed-$(2)-*
	@touch $@
endef

# The test lock holds everything of the other one, so one installation serves both.
$(run_stamp): ; $(call install,requirements.lock,run)
$(test_stamp): ; $(call install,requirements-test.lock,test)

codesets: install
	@$(BIN)/suggester codesets build

precode: codesets
	@mkdir -p $(OUT)
	@for gold in eval/gold/notes_*.jsonl; do \
	  echo "pre-coding $$gold"; \
	  $(BIN)/suggester batch "$$gold" --output "$(OUT)/$$(basename "$$gold")"; \
	done

# Writes the output of the commands in README.md and docs/guide/ anew; tests/test_docs.py compares it.
examples: install
	@$(BIN)/python docs/examples.py --write

format: install-test
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format --quiet .

# Needs uv. No address, path or date gets in, so the same inputs give the same files on every machine; hashes of
# every platform's files are in, and both platforms must resolve to the same versions. Locked versions stay;
# `make lock LOCK_OPTIONS=--upgrade` takes the newest.
UV ?= uv
compile = $(UV) pip compile pyproject.toml --quiet --python-version 3.12 --generate-hashes --no-header \
	--no-annotate --no-emit-index-url --no-emit-find-links
lock:
	@work=$$(mktemp -d); trap 'rm -rf "$$work"' EXIT; \
	for machine in x86_64 aarch64; do \
	  cp requirements.lock "$$work/$$machine.lock"; cp requirements-test.lock "$$work/$$machine-test.lock"; \
	  $(compile) --python-platform $$machine-manylinux_2_28 --group build $(LOCK_OPTIONS) \
	    --output-file "$$work/$$machine.lock" >/dev/null; \
	  $(compile) --python-platform $$machine-manylinux_2_28 --group build --group test $(LOCK_OPTIONS) \
	    --constraint "$$work/$$machine.lock" --output-file "$$work/$$machine-test.lock" >/dev/null; \
	done; \
	cmp "$$work/x86_64.lock" "$$work/aarch64.lock"; \
	cmp "$$work/x86_64-test.lock" "$$work/aarch64-test.lock"; \
	cp "$$work/x86_64.lock" requirements.lock; \
	cp "$$work/x86_64-test.lock" requirements-test.lock; \
	echo "locked $$(grep -c == requirements.lock) and $$(grep -c == requirements-test.lock) packages"

clean:
	rm -rf $(OUT) codesets/built dist .coverage htmlcov
