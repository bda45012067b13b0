"""Logfire, which makes the SDK's providers itself, sending nothing anywhere but through the pipeline's processor and reader."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import logfire

if TYPE_CHECKING:
    from collections.abc import Callable


def instrument(pipeline: Any) -> None:
    """Configure and instrument."""
    logfire.configure(
        send_to_logfire=False,
        console=False,
        inspect_arguments=False,
        additional_span_processors=[pipeline.processor],
        metrics=logfire.MetricsOptions(additional_readers=[pipeline.another_reader()]),
        sampling=logfire.SamplingOptions(head=pipeline.sampler),
    )
    logfire.instrument_openai()


def decorators(function: Callable[..., Any]) -> dict[str, Callable[..., Any]]:
    """The function with a span a call."""
    return {"operation": logfire.instrument("operation nothing", extract_args=False)(function)}
