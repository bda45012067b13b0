"""Which tool an SDK is running right now: a function that is decorated too joins that call's span instead of making a second."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from opentelemetry.context import create_key

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span

RUNNING: Final = create_key("agentops-running-tool")
"""Context key of the `Joinable` call."""


class Joinable:
    """What a decorated function can see of the SDK's call that runs it, and what it says may be recorded of it."""

    __slots__ = ("captures_input", "captures_output", "name", "span")

    def __init__(self, name: str, span: Span) -> None:
        self.name = name
        self.span: Span | None = span
        self.captures_input = True
        self.captures_output = True


def join(context: Context, name: str, captures_input: bool = True, captures_output: bool = True) -> Span | None:
    """The span of the SDK's call of the tool `name` that runs in `context`; once, because a tool may call itself."""
    running = cast("Joinable | None", context.get(RUNNING))
    if running is None or running.name != name:
        return None
    span, running.span = running.span, None
    if span is not None:
        running.captures_input, running.captures_output = captures_input, captures_output
    return span
