"""Spans that begin with what they were given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.trace import Span


def as_started(span: Span, given: dict[str, Any], telling: str | None = None) -> Span:
    """`span` with the attributes it was given at its start.

    The SDK's composite samplers (1.45), which other distributions use by default, start spans without them. `telling` is one of `given`
    that nobody else adds to a span.
    """
    kept: Mapping[str, object] | None = getattr(span, "attributes", None)
    if kept is None or not given:
        return span
    if telling is not None and telling in kept:
        return span
    # Not all of them, for every span pays for it; and not one, because span processors may have added that one again.
    if (next(iter(given)) not in kept or next(reversed(given)) not in kept) and span.is_recording():
        span.set_attributes(given)
    return span
