"""`converse` and `converse_stream`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from agentops_instrumentors.bedrock.surface import PROVIDER, Asked, Surface, guardrail, model_of, request_id
from agentops_instrumentors.core import semconv
from agentops_instrumentors.core.plain import dig
from agentops_instrumentors.formats import converse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agentops_instrumentors.core.operation import Response


class Converse(Surface):
    """`Converse`, a chat of any model."""

    def request(self, params: Mapping[str, Any], server: tuple[str, int] | None) -> Asked:
        model, attributes = model_of(params.get("modelId"))
        attributes.update(converse.attributes(params))
        attributes.update(guardrail(dig(params, "guardrailConfig", "guardrailIdentifier")))
        return Asked(
            semconv.CHAT, PROVIDER, model, server, self.stream is not None, attributes, lambda: converse.content(params), surface=self
        )

    def response(self, answer: Mapping[str, Any], asked: Asked) -> Response:
        routed = dig(answer, "trace", "promptRouter", "invokedModelId")
        return converse.response(answer, request_id(answer), model_of(routed)[0])


class ConverseStream(Converse):
    """`ConverseStream`."""

    stream: ClassVar[str | None] = "stream"

    def whole(self, head: Mapping[str, Any], events: Sequence[tuple[str, Any]]) -> Mapping[str, Any]:
        return {**head, **converse.whole(events)}
