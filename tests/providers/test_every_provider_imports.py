"""Instrumenting every provider loads no vendor's SDK, and of a provider only the module that names its instrumentor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.providers.every_provider import INSTALLED, INSTRUMENTORS

if TYPE_CHECKING:
    from tests.fakes.process import PythonRunner

SCRIPT: Final = """
import sys
from importlib.metadata import entry_points

for point in entry_points(group="opentelemetry_instrumentor"):
    if point.name.startswith("agentops_"):
        instrumentor = point.load()()
        if not instrumentor.is_instrumented_by_opentelemetry:
            assert sys.argv[1] == "by hand", point
            instrumentor.instrument()
        assert instrumentor.is_instrumented_by_opentelemetry
        assert instrumentor.patches is None
print(*sys.modules, sep="\\n")
"""
LATER: Final = {"msgspec", "genai_prices", "pydantic", "httpx", "httpx2", "boto3", "aiobotocore"}
"""What comes with the first SDK and not before, beside the SDKs themselves."""


@pytest.mark.parametrize("how", ["by hand", "opentelemetry-instrument"])
def test_instrumenting_imports_no_sdk(run_python: PythonRunner, how: str) -> None:
    assert INSTALLED
    env = {"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}
    loaded = set(run_python(SCRIPT, args=[how], instrument=how != "by hand", env=env).stdout.split())
    sdks = {kind.sdk for kind in INSTRUMENTORS.values()}
    if how == "by hand":
        sdks |= LATER
    assert loaded & sdks == set()
    packages = tuple(f"agentops_instrumentors.{name}." for name in INSTRUMENTORS)
    assert [module for module in loaded if module.startswith(packages)] == []
