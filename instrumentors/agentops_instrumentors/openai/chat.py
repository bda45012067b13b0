"""`chat.completions.create` and `parse`, plain and streamed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agentops_instrumentors.core import semconv
from agentops_instrumentors.core.values import given, items
from agentops_instrumentors.formats import openai_chat
from agentops_instrumentors.formats.openai_chat_answer import ChatStream, response
from agentops_instrumentors.openai.parameters import CLIENT_REQUEST, output_type, parameters, request
from agentops_instrumentors.stainless import StainlessEndpoint, asked

if TYPE_CHECKING:
    from agentops_instrumentors.core.operation import Call, Request, Response
    from agentops_instrumentors.core.stream import Accumulator


class Chat(StainlessEndpoint):
    """A chat completion."""

    beside = CLIENT_REQUEST

    def request(self, instance: Any, call: Call) -> Request:
        kwargs = asked(call)
        attributes = parameters(kwargs)
        attributes[semconv.OPENAI_API_TYPE] = "chat_completions"
        spoken = "modalities" in kwargs and "audio" in items(kwargs["modalities"])
        produced = "speech" if spoken else output_type(given(kwargs["response_format"])) if "response_format" in kwargs else None
        if produced:
            attributes[semconv.OUTPUT_TYPE] = produced
        return request(semconv.CHAT, instance, kwargs, attributes, lambda: openai_chat.of_request(kwargs))

    def response(self, returned: Any) -> Response:
        return response(returned)

    def accumulator(self) -> Accumulator:
        return ChatStream()
