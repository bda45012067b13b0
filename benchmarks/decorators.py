"""What a decorator costs around a function that does nothing, beside `start_as_current_span` on the same provider.

`python -m benchmarks.decorators` prints CPU microseconds a call, the least of several rounds.
"""

from __future__ import annotations

import time
import timeit
from typing import TYPE_CHECKING

from opentelemetry.sdk.trace import TracerProvider

from agentops.decorators import agent, operation, tool
from agentops.sessions import runtime

if TYPE_CHECKING:
    from collections.abc import Callable


def nothing() -> None:
    """What is decorated."""


def microseconds(call: Callable[[], object], calls: int) -> float:
    """CPU time of one call."""
    return min(timeit.repeat(call, number=calls, repeat=9, timer=time.process_time)) / calls * 1e6


def main() -> None:
    """Measure and print."""
    decorated = {"operation": operation(nothing), "tool": tool(nothing), "agent": agent(nothing)}
    off = microseconds(decorated["operation"], 100_000) - microseconds(nothing, 100_000)
    print(f"where nothing records: {off:.2f} more than the call")
    provider = TracerProvider(shutdown_on_exit=False)
    runtime.install(provider)
    tracer = provider.get_tracer("bare")

    def bare() -> None:
        with tracer.start_as_current_span("operation nothing"):
            nothing()

    with runtime.start_session("benchmark"):
        base = microseconds(bare, 5_000)
        print(f"start_as_current_span, no attributes: {base:.1f}")
        for name, function in decorated.items():
            cost = microseconds(function, 5_000)
            print(f"{name}: {cost:.1f} ({cost / base:.2f} times as much)")


if __name__ == "__main__":
    main()
