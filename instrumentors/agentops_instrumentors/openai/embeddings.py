"""`embeddings.create`: the shortest endpoint there is, and the one CONTRIBUTING.md walks through."""

from __future__ import annotations

from typing import Any, Final

from agentops_instrumentors.core import semconv
from agentops_instrumentors.core.operation import AttributeValue, Call, Request, Response
from agentops_instrumentors.core.usage import Usage
from agentops_instrumentors.core.values import field, given
from agentops_instrumentors.openai.parameters import CLIENT_REQUEST, request
from agentops_instrumentors.stainless import StainlessEndpoint, asked

# The client asks for this where the caller does not say, and gives the caller numbers all the same.
_BY_DEFAULT: Final = "base64"


class Embeddings(StainlessEndpoint):
    """Both forms of `embeddings.create`. Neither the texts nor the vectors are recorded."""

    beside = CLIENT_REQUEST

    def request(self, instance: Any, call: Call) -> Request:
        kwargs = asked(call)
        attributes: dict[str, AttributeValue] = {}
        dimensions = given(kwargs.get("dimensions"))
        if dimensions is not None:
            attributes[semconv.EMBEDDINGS_DIMENSION_COUNT] = dimensions
        attributes[semconv.REQUEST_ENCODING_FORMATS] = (given(kwargs.get("encoding_format")) or _BY_DEFAULT,)
        return request(semconv.EMBEDDINGS, instance, kwargs, attributes, None)

    def response(self, returned: Any) -> Response:
        attributes: dict[str, AttributeValue] = {}
        vectors = returned.data
        if vectors:
            attributes[semconv.EMBEDDINGS_DIMENSION_COUNT] = _dimensions(vectors[0].embedding)
        return Response(model=returned.model, usage=Usage(field(returned.usage, "prompt_tokens")), attributes=attributes)


def _dimensions(embedding: Any) -> int:
    """The length of a vector; as base64 text it holds four bytes a dimension."""
    return len(embedding.rstrip("=")) * 3 // 16 if isinstance(embedding, str) else len(embedding)
