"""An answer in a model's own format, whole or streamed, and what is told around it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from agentops_instrumentors.core.operation import Response
from agentops_instrumentors.core.plain import dig
from agentops_instrumentors.formats import converse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from agentops_instrumentors.core.messages import Message
    from agentops_instrumentors.core.usage import Usage


class Answer(NamedTuple):
    """What came back: the body's chunks; the request's id, the tokens the service counted and the service tier, from around the body."""

    chunks: Sequence[Any]
    id: str | None
    counted: Mapping[str, Any]
    tier: str | None

    def usage(self, asked: Any = None, answered: Any = None) -> Usage | None:
        """Tokens as the body tells them, else as the service counted them."""
        told = {"inputTokens": asked, "outputTokens": answered}
        return converse.usage({**self.counted, **{name: count for name, count in told.items() if count is not None}})

    def last(self, *paths: tuple[str, ...] | str) -> Any:
        """The last word of the chunks on what lies at one of `paths`."""
        for chunk in reversed(self.chunks):
            for path in paths:
                found = dig(chunk, path) if isinstance(path, str) else dig(chunk, *path)
                if found is not None:
                    return found
        return None

    def response(self, said: Sequence[tuple[str, Callable[[str], Message]]], usage: Usage | None) -> Response:
        """A response of messages, each made with its finish reason."""
        reasons = [reason for reason, _ in said]
        messages = (lambda: [make(reason) for reason, make in said]) if said else None
        return Response(self.id, None, reasons, usage, self.tier, messages=messages)
