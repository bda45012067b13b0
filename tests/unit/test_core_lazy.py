"""Hooks that wait for an import, and instrumentors that wait for OpenTelemetry's base class: each in a process of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes.process import PythonRunner

WAITING: Final = """
import importlib, importlib.util, sys
from agentops_instrumentors.core.lazy import on_import

def said(module):
    print(module.__name__, module.VALUE)

for _ in range(2):
    on_import("vendor", said)
on_import("vendor.later", said)
on_import("vendor.missing", said)
assert not {"wrapt", "asyncio", "vendor"} & set(sys.modules)
"""
LOOKING: Final = 'assert importlib.util.find_spec("vendor").origin and "vendor" not in sys.modules\n'
WRAPT: Final = """
import wrapt
wrapt.register_post_import_hook(lambda module: print("theirs"), "vendor")
on_import("vendor", lambda module: print("ours, too"))
"""
FAILING: Final = 'import logging\nlogging.basicConfig()\non_import("vendor", lambda module: 1 / 0)\n'
IMPORTING: Final = """
import vendor
importlib.import_module("vendor.later")
for module in (vendor, vendor.later):
    assert type(module.__loader__).__name__ == type(module.__spec__.loader).__name__ == "SourceFileLoader", module.__loader__
try:
    import vendor.missing
except ModuleNotFoundError as error:
    assert error.name == "vendor.missing"
importlib.reload(vendor)
on_import("vendor", said)
"""
ONCE_EACH: Final = ["vendor 1", "vendor 1", "vendor 1", "vendor.later 2"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """On the import path: a package, and a module of it."""
    vendor = tmp_path / "path" / "vendor"
    vendor.mkdir(parents=True)
    (vendor / "__init__.py").write_text("VALUE = 1\n", encoding="utf-8")
    (vendor / "later.py").write_text("VALUE = 2\n", encoding="utf-8")
    return vendor.parent


@pytest.mark.parametrize("between", ["", LOOKING, WRAPT, WRAPT + LOOKING, FAILING])
def test_hooks_run_once_at_the_import(run_python: PythonRunner, folder: Path, between: str) -> None:
    done = run_python(WAITING + between + IMPORTING, pythonpath=[folder])
    also = ["ours, too", "theirs"] if between.startswith(WRAPT) else []
    assert sorted(done.stdout.splitlines()) == sorted(ONCE_EACH + also)
    assert ("Telemetry failed in instrumenting vendor" in done.stderr) == (between is FAILING), done.stderr


def test_threads_that_import_at_once_run_a_hook_once(run_python: PythonRunner, folder: Path) -> None:
    importing = """
import threading
together = threading.Barrier(8)

def work():
    together.wait()
    import vendor.later

threads = [threading.Thread(target=work) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""
    assert sorted(run_python(WAITING + importing, pythonpath=[folder]).stdout.splitlines()) == ["vendor 1", "vendor 1", "vendor.later 2"]


INSTRUMENTOR: Final = """
import sys
from agentops_instrumentors.openai import OpenAIInstrumentor
OpenAIInstrumentor().instrument(){after}
assert OpenAIInstrumentor() is OpenAIInstrumentor("whatever") and OpenAIInstrumentor().is_instrumented_by_opentelemetry
"""
UPSTREAM: Final = """
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor
assert issubclass(OpenAIInstrumentor, BaseInstrumentor) and isinstance(OpenAIInstrumentor(), BaseInstrumentor)
public = {name for name in vars(BaseInstrumentor) if not name.startswith("_")}
assert public <= set(dir(OpenAIInstrumentor)), public
"""


def test_an_instrumentor_is_opentelemetrys_without_importing_its_base(run_python: PythonRunner) -> None:
    alone = '\nassert not {"opentelemetry.instrumentation", "wrapt", "asyncio", "packaging", "importlib.metadata"} & set(sys.modules)'
    run_python(INSTRUMENTOR.format(after=alone) + UPSTREAM)
    run_python("import opentelemetry.instrumentation.instrumentor\n" + INSTRUMENTOR.format(after="") + UPSTREAM)


def test_instrumenting_twice_is_said_as_opentelemetry_says_it(run_python: PythonRunner) -> None:
    code = """
import logging
logging.basicConfig(format="%(name)s %(levelname)s %(message)s")
{imports}
for _ in range(2): one.instrument()
for _ in range(2): one.uninstrument()
one.instrument(skip_dep_check=True, raise_exception_on_conflict=True)
assert one.is_instrumented_by_opentelemetry
"""
    ours = "from agentops_instrumentors.ollama import OllamaInstrumentor\none = OllamaInstrumentor()"
    theirs = "from opentelemetry.instrumentation.threading import ThreadingInstrumentor\none = ThreadingInstrumentor()"
    said = run_python(code.format(imports=ours)).stderr
    assert said == run_python(code.format(imports=theirs)).stderr
    assert [line.split()[1] for line in said.splitlines()] == ["WARNING", "WARNING"]
