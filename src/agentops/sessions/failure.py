"""What a failed session says about the exception that ended it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentops_instrumentors.core import content, failures

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span

SESSION_FAILED: Final = "session_failed"


def describe(error: BaseException) -> str:
    """The exception's type, with its message only where content is recorded."""
    kind = content.exception_type(error)
    message = content.status_description(error)
    return f"{kind}: {message}" if message else kind


def error_type(error: BaseException | None) -> str:
    """The value of `error.type`: the exception's fully qualified type, or `session_failed` where there was none."""
    return SESSION_FAILED if error is None else content.exception_type(error)


def record(span: Span, error: BaseException, outer: Context, inside: failures.Failures) -> None:
    """Add `error` to `span` as its one exception event, by the content policy, unless a span `inside` has it.

    `outer` is the context the session was started in.
    """
    failures.record(span, error, outer, inside=inside)
