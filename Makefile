# Thin: every target sets up what it needs, on a machine that has only Python >= 3.10 with venv, and make.
PYTHON ?= python3
UV := .venv/bin/uv
RUN := .venv/bin/python
# Two processes, because two cores are what the suite promises to do with; a file stays in one of them.
PYTEST := -m pytest -q -n 2 --dist loadfile
# Behind a proxy with a certificate authority of its own, as pip does by itself.
export UV_SYSTEM_CERTS ?= 1
INSTALL := $(UV) pip install --quiet --require-hashes --python
# The provider suite runs once more with the oldest of the vendors' SDKs, and in `make e2e` with their previous major versions and with the
# oldest OpenTelemetry; `test-newest` is the newest of everything.
SDK_ENVIRONMENTS := sdks-oldest sdks-previous

.PHONY: demo test test-newest test-oldest test-neighbours check conformance weaver e2e bench bench-peers bench-record bench-gate lock clean $(SDK_ENVIRONMENTS:%=test-%)
.DELETE_ON_ERROR:

demo: .venv/.test
	$(RUN) -m examples.demo

test: test-newest test-sdks-oldest test-neighbours

test-newest: .venv/.test
	$(RUN) $(PYTEST) -m "not e2e"

$(SDK_ENVIRONMENTS:%=test-%): test-%: .venvs/%/.ready
	.venvs/$*/bin/python $(PYTEST) -m "not e2e" tests/providers

# Exporters and spools too. (That one's encoder leaves attributes without a value out, which test_spool_protobuf compares with.)
test-oldest: .venvs/oldest/.ready
	.venvs/oldest/bin/python $(PYTEST) -m "not e2e" tests/providers tests/unit/test_export_*.py tests/unit/test_spool.py tests/e2e/test_export*.py

# Beside other people's instrumentors.
test-neighbours: .venvs/neighbours/.ready
	.venvs/neighbours/bin/python $(PYTEST) -m "not e2e" tests/neighbours

check: .venv/.test .venv/.check
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m pyright
	$(RUN) -m pytest -q tests/unit/test_import_directions.py
	$(RUN) -m conformance

conformance: .venv/.test
	$(RUN) -m conformance.peers

weaver: .venv/.test
	$(RUN) -m conformance.weaver

e2e: .venv/.test test-sdks-previous test-oldest
	$(RUN) -m pytest -q -m e2e -o faulthandler_timeout=900
	$(RUN) -m benchmarks.instructions gate

bench: .venv/.test
	$(RUN) -m benchmarks.run

# Beside every peer; writes benchmarks/RESULTS.md. Goes on where it was interrupted.
bench-peers: .venv/.test
	$(RUN) -m benchmarks.run --peers

# What a call costs in instructions, which no busy machine changes; `e2e` holds the tree to the record.
bench-gate: .venv/.test
	$(RUN) -m benchmarks.instructions gate

bench-record: .venv/.test
	$(RUN) -m benchmarks.instructions record

lock: $(UV)
	UV=$(UV) sh requirements/lock.sh

clean:
	rm -rf .venv .venvs .bench .demo dist

$(UV): requirements/uv.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or newer is needed; set PYTHON=/path/to/it")'
	$(PYTHON) -m venv .venv
	$(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@touch $@

.venv/.test: $(UV) requirements/test.txt pyproject.toml
	$(INSTALL) .venv -r requirements/test.txt
	$(UV) pip install --quiet --no-deps --no-build-isolation --python .venv --editable .
	@touch $@

.venv/.check: $(UV) requirements/check.txt
	$(INSTALL) .venv -r requirements/check.txt
	@touch $@

.venvs/%/.ready: $(UV) requirements/%.txt pyproject.toml
	$(UV) venv --quiet --clear --python .venv/bin/python .venvs/$*
	$(INSTALL) .venvs/$* -r requirements/$*.txt
	$(UV) pip install --quiet --no-deps --no-build-isolation --python .venvs/$* --editable .
	@touch $@
