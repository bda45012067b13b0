"""`invoke_model`, plain and streamed: the body is the model's own format, told by its shape, since an ARN may hide the model."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

from agentops_instrumentors.bedrock import models
from agentops_instrumentors.bedrock.surface import PROVIDER, Asked, Surface, guardrail, header_count, model_of, request_id
from agentops_instrumentors.botocore_answers import decoded
from agentops_instrumentors.core import plain, semconv
from agentops_instrumentors.core.plain import dig
from agentops_instrumentors.formats import converse
from agentops_instrumentors.formats.answer import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agentops_instrumentors.core.operation import Response

_PARAMETERS: Final = {
    "temperature": semconv.REQUEST_TEMPERATURE,
    "top_p": semconv.REQUEST_TOP_P,
    "p": semconv.REQUEST_TOP_P,
    "top_k": semconv.REQUEST_TOP_K,
    "k": semconv.REQUEST_TOP_K,
    "max_tokens": semconv.REQUEST_MAX_TOKENS,
    "max_completion_tokens": semconv.REQUEST_MAX_TOKENS,
    "max_tokens_to_sample": semconv.REQUEST_MAX_TOKENS,
    "max_gen_len": semconv.REQUEST_MAX_TOKENS,
    "maxTokenCount": semconv.REQUEST_MAX_TOKENS,
    "maxTokens": semconv.REQUEST_MAX_TOKENS,
    "stop": semconv.REQUEST_STOP_SEQUENCES,
    "stop_sequences": semconv.REQUEST_STOP_SEQUENCES,
    "stopSequences": semconv.REQUEST_STOP_SEQUENCES,
    "seed": semconv.REQUEST_SEED,
    "frequency_penalty": semconv.REQUEST_FREQUENCY_PENALTY,
    "presence_penalty": semconv.REQUEST_PRESENCE_PENALTY,
    "reasoning_effort": semconv.REQUEST_REASONING_LEVEL,
    "dimensions": semconv.EMBEDDINGS_DIMENSION_COUNT,
    "output_dimension": semconv.EMBEDDINGS_DIMENSION_COUNT,
    "outputEmbeddingLength": semconv.EMBEDDINGS_DIMENSION_COUNT,
    "embedding_types": semconv.REQUEST_ENCODING_FORMATS,
    "embeddingTypes": semconv.REQUEST_ENCODING_FORMATS,
    "top_n": semconv.RETRIEVAL_TOP_K,
    "topP": semconv.REQUEST_TOP_P,
}
"""What the models' own formats call the same things."""
_NESTED: Final = ("inferenceConfig", "textGenerationConfig", "embeddingConfig")
_METRICS: Final = "amazon-bedrock-invocationMetrics"


class InvokeModel(Surface):
    """`InvokeModel`."""

    body: ClassVar[str | None] = "body"

    def request(self, params: Mapping[str, Any], server: tuple[str, int] | None) -> Asked:
        model, attributes = model_of(params.get("modelId"))
        asked = _body(params.get("body"))
        family = models.family_of(asked, model or "")
        read = family.content
        attributes.update(plain.attributes(asked, _PARAMETERS))
        for name in _NESTED:
            attributes.update(plain.attributes(dig(asked, name), {**_PARAMETERS, **converse.INFERENCE}))
        attributes.update(family.attributes)
        attributes.update(guardrail(params.get("guardrailIdentifier")))
        return Asked(
            family.operation,
            PROVIDER,
            model,
            server,
            self.stream is not None,
            attributes,
            None if read is None else lambda: read(asked),
            "" if family.operation == semconv.RETRIEVAL else None,
            surface=self,
            detail=family,
        )

    def response(self, answer: Mapping[str, Any], asked: Asked) -> Response:
        family = cast("models.Family", asked.detail)
        chunks = [chunk for chunk in answer["chunks"] if chunk]
        return family.response(Answer(chunks, request_id(answer), _counted(answer, chunks), answer.get("serviceTier")))

    def whole(self, head: Mapping[str, Any], events: Sequence[tuple[str, Any]]) -> Mapping[str, Any]:
        pieces = [base64.b64decode(event["bytes"]) for kind, event in events if kind == "chunk" and "bytes" in event]
        return {**head, "chunks": [decoded(piece) for piece in pieces]}


class InvokeModelStream(InvokeModel):
    """`InvokeModelWithResponseStream`."""

    stream: ClassVar[str | None] = "body"
    body: ClassVar[str | None] = None


def _body(given: Any) -> dict[str, Any]:
    """A request's body decoded; empty where it is no JSON object, or a file that only the SDK may read."""
    return decoded(given if isinstance(given, bytes) else str(given).encode()) if isinstance(given, (bytes, bytearray, str)) else {}


def _counted(answer: Mapping[str, Any], chunks: Sequence[Any]) -> dict[str, int | None]:
    """Tokens as the service itself counts them, whatever the model says: in the last event, or in headers."""
    told = next((found for chunk in reversed(chunks) if (found := dig(chunk, _METRICS))), None)
    if told:
        names = ("inputTokenCount", "outputTokenCount", "cacheReadInputTokenCount", "cacheWriteInputTokenCount")
        found = [dig(told, name) for name in names]
    else:
        names = ("input-token-count", "output-token-count", "cache-read-input-token-count", "cache-write-input-token-count")
        found = [header_count(answer, name) for name in names]
    return dict(zip(("inputTokens", "outputTokens", "cacheReadInputTokens", "cacheWriteInputTokens"), found, strict=True))
