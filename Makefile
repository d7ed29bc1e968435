# Two commands do everything on a fresh machine: `make proof` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: proof test lint unit histories schedules prove baseline bench lock clean

proof: $(READY)  ## the main job: judge the embedded reference, and write the graded report
	$(BIN)/ocpp-conformance run --sut embedded -n 5
	$(BIN)/ocpp-conformance report

test: lint unit  ## lint, and the harness's own tests

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: $(READY)
	$(BIN)/coverage run -m pytest tests -n 4
	$(BIN)/coverage combine -q
	$(BIN)/coverage report

histories: $(READY)  ## 10,000 random histories of transactions with losses and repeats, in each version
	OCPP_HISTORIES=10000 $(BIN)/python -m pytest --timeout 0 tests/oracles/test_transaction_histories.py

schedules: $(READY)  ## the composite schedules of 20,000 random sets of charging profiles, in each version
	OCPP_SCHEDULES=20000 $(BIN)/python -m pytest --timeout 0 tests/oracles/test_composite_schedules.py

prove: $(READY)  ## each mutant of the reference must be blamed for exactly what it breaks
	$(BIN)/ocpp-conformance prove -n 12 --again

baseline: $(READY)  ## after a change of the reference stations' configuration that is meant to be one
	$(BIN)/ocpp-conformance inventory --sut embedded --save fixtures/baselines/reference-station.toml

bench: $(READY)  ## CPU of the wire against the ocpp library's own CSMS; writes reports/bench.json
	$(BIN)/python bench/wire.py

lock: $(READY)  ## renew requirements.lock from pyproject.toml
	$(PYTHON) -m venv .venv/lock
	.venv/lock/bin/python -m pip install --quiet uv
	.venv/lock/bin/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --python-version 3.11 \
		--all-extras --group dev --custom-compile-command 'make lock' --output-file requirements.lock pyproject.toml
	rm -rf .venv/lock

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) --version 2>&1). Set PYTHON=... to another one."; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "Python's venv module is missing; install it with: sudo apt install python3-venv"; exit 2; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(READY)

clean:
	rm -rf .venv dist .coverage* .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
