"""Plain values between a provider and the kernel: what was asked and what came back.

Content is a callable on both sides, so that nobody builds messages that nobody records.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from agentops_instrumentors.core.messages import Content, Message
from agentops_instrumentors.core.usage import Usage

AttributeValue = str | bool | int | float | Sequence[str]


class Call(Struct, frozen=True):
    """The arguments a patched method was called with."""

    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]


class Request(Struct, frozen=True, gc=False):
    """One operation as asked for.

    `attributes` are the request parameters by their attribute names; `server` is the host name and port, if known. `subject` is what the
    span is named after where that is not the model: a data source, an agent, or nothing (empty).
    """

    operation: str
    provider: str
    model: str | None = None
    server: tuple[str, int] | None = None
    stream: bool = False
    attributes: Mapping[str, AttributeValue] = {}
    content: Callable[[], Content] | None = None
    subject: str | None = None

    def error_code(self, error: BaseException) -> str | None:
        """The provider's own code for `error`, where it says more than the exception's type."""
        return None

    def error_status(self, error: BaseException) -> int | None:
        """The HTTP status the provider refused with, where its exception says so (`status_code`, as most SDKs name it)."""
        status = getattr(error, "status_code", None)
        # Some say -1 where there was none.
        return status if type(status) is int and status > 0 else None


class Response(Struct, frozen=True, gc=False):
    """One operation as answered, whole or as far as it got.

    `attributes` are provider attributes of the answer by name; those in `metric_attributes` also go on the metrics.
    `service_tier` is what the answer was billed as, where the provider says so. `documents` is what a retrieval found.
    """

    id: str | None = None
    model: str | None = None
    finish_reasons: Sequence[str] = ()
    usage: Usage | None = None
    service_tier: str | None = None
    attributes: Mapping[str, AttributeValue] = {}
    metric_attributes: Mapping[str, AttributeValue] = {}
    messages: Callable[[], list[Message]] | None = None
    documents: Callable[[], list[dict[str, Any]]] | None = None
    error_type: str | None = None
