"""What Ollama answers, whole or in pieces: the last piece of a stream has the counts and the reason for its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from agentops_instrumentors.core import semconv
from agentops_instrumentors.core.blobs import blob
from agentops_instrumentors.core.messages import Message, Part
from agentops_instrumentors.core.operation import Response
from agentops_instrumentors.core.usage import Usage
from agentops_instrumentors.ollama import request

if TYPE_CHECKING:
    from collections.abc import Sequence

_FINISH_REASONS: Final = {"load": "stop", "unload": "stop"}
"""The vendor's finish reasons that the conventions' messages do not know: nothing was asked but to have the model in memory, or out."""


class Chunks:
    """Gathers the chunks of a streamed answer."""

    __slots__ = ("_chunks", "add")

    def __init__(self) -> None:
        self._chunks: list[Any] = []
        self.add = self._chunks.append

    def response(self) -> Response:
        return of(self._chunks) if self._chunks else Response()


def of(pieces: Sequence[Any]) -> Response:
    """What `pieces` of one answer amount to."""
    last = pieces[-1]
    for name in ("embedding", "embeddings"):
        if hasattr(last, name):
            return _embedded(last, getattr(last, name))
    # A server that does not say why it is done is done as it should be.
    reason = last.done_reason or ("stop" if last.done else "error")
    return Response(
        model=last.model,
        finish_reasons=(reason,),
        usage=_usage(last),
        messages=lambda: [Message(_role(last), _parts(pieces), finish_reason=_FINISH_REASONS.get(reason, reason))],
    )


def _embedded(answer: Any, vectors: Any) -> Response:
    vector = vectors[0] if vectors and not isinstance(vectors[0], float) else vectors
    attributes = {semconv.EMBEDDINGS_DIMENSION_COUNT: len(vector)} if vector else {}
    return Response(model=getattr(answer, "model", None), usage=_usage(answer), attributes=attributes)


def _usage(piece: Any) -> Usage | None:
    asked, answered = getattr(piece, "prompt_eval_count", None), getattr(piece, "eval_count", None)
    return None if asked is None and answered is None else Usage(asked, answered)


def _role(piece: Any) -> str:
    return piece.message.role if hasattr(piece, "message") else "assistant"


def _parts(pieces: Sequence[Any]) -> list[Part]:
    if not hasattr(pieces[-1], "message"):
        found = request.parts({"thinking": _joined(pieces, "thinking"), "content": _joined(pieces, "response")})
        return found + [blob("image", piece.image) for piece in pieces if getattr(piece, "image", None)]
    said = [piece.message for piece in pieces]
    whole = {
        "thinking": _joined(said, "thinking"),
        "content": _joined(said, "content"),
        "images": [image.value for message in said for image in message.images or ()],
        "tool_calls": [call.model_dump() for message in said for call in message.tool_calls or ()],
    }
    return request.parts(whole)


def _joined(pieces: Sequence[Any], name: str) -> str:
    return "".join(getattr(piece, name, None) or "" for piece in pieces)
