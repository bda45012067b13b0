"""Tests beside other people's instrumentors, each in the environment that has them: elsewhere they are not collected.

They run in a process whose global providers export into memory, because that is where a neighbour sends what it records.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fakes.in_memory import InMemory

_NEEDS: Final = {
    "test_anthropic.py": "opentelemetry.instrumentation.genai.anthropic",
    "test_bedrock.py": "opentelemetry.instrumentation.botocore",
}


def _installed(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False


collect_ignore = [file for file, module in _NEEDS.items() if not _installed(module)]


@pytest.fixture(scope="session")
def _global_telemetry() -> Iterator[InMemory]:
    from opentelemetry import _logs, metrics, trace

    from tests.fakes.in_memory import InMemory

    with InMemory() as telemetry:
        trace.set_tracer_provider(telemetry.tracer_provider)
        metrics.set_meter_provider(telemetry.meter_provider)
        _logs.set_logger_provider(telemetry.logger_provider)
        yield telemetry


@pytest.fixture
def everything(_global_telemetry: InMemory) -> InMemory:
    """What anybody in the process records."""
    _global_telemetry.clear()
    return _global_telemetry
