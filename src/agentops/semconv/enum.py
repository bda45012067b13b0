"""Values of `gen_ai.operation.name` for calls of models."""

from __future__ import annotations

from enum import Enum

from agentops_instrumentors.core import semconv


class LLMRequestTypeValues(Enum):
    """What a model is asked for."""

    COMPLETION = semconv.TEXT_COMPLETION
    CHAT = semconv.CHAT
    EMBEDDING = semconv.EMBEDDINGS
    RERANK = "rerank"
    UNKNOWN = "unknown"
