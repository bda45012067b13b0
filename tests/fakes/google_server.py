"""A fake Gemini service on a real socket: the REST API of the Gemini API and of Vertex AI, with streams as server-sent events.

Queued replies come first, one a request; with none queued its default mind (`google_wire`) answers.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from tests.fakes.google_jobs import Jobs
from tests.fakes.google_wire import ApiError, Json, embed, generate, pictures, refuse, whole
from tests.fakes.scripted import Reply, Request, ScriptedServer, Served

if TYPE_CHECKING:
    from tests.fakes.http import Exchange

__all__ = ["FakeGoogle", "Reply", "Request", "Served", "stream"]

_JOBS: Final = ("predictLongRunning", "fetchPredictOperation", "batchGenerateContent", "asyncBatchEmbedContent")
_MODEL: Final = re.compile(r"/(?:models|endpoints)/([^/:]+):(\w+)$")


def stream(chunks: list[Json], **behaviour: Any) -> Reply:
    """An answer in chunks."""
    pieces = [b"data: " + Reply.json(chunk).body + b"\r\n\r\n" if isinstance(chunk, dict) else chunk for chunk in chunks]
    reply = Reply.sse(pieces, done=False, **behaviour)
    return Reply(headers=reply.headers, pieces=reply.pieces, payload=chunks, **behaviour)


class FakeGoogle(ScriptedServer):
    """The service; `url` is for `HttpOptions(base_url=...)`."""

    def __init__(self, port: int = 0, recording: bool = True, pace: tuple[float, float] = (0.0, 0.0)) -> None:
        super().__init__(port, recording, pace)
        self._answers = 0
        self._jobs = Jobs()

    def reset(self) -> None:
        """Forget jobs and start ids over too."""
        super().reset()
        self._answers = 0
        self._jobs = Jobs()

    def default_reply(self, request: Request) -> Reply:
        try:
            return self._route(request)
        except ApiError as error:
            return Reply.json(error.body, error.status, **self.pace)

    def _route(self, request: Request) -> Reply:
        found = _MODEL.search(request.path)
        if found is None or found[2] in _JOBS:
            return Reply.json(self._jobs.answer(request.method, request.path, request.json() or {}), **self.pace)
        model, method, sent = found[1], found[2], request.json()
        if method == "streamGenerateContent":
            return stream(self._generated(model, sent), **self.pace)
        return Reply.json(self._unary(model, method, sent), **self.pace)

    def _generated(self, model: str, sent: Json) -> list[Json]:
        self._answers += 1
        return generate(model, sent, self._answers)

    def _unary(self, model: str, method: str, sent: Json) -> Json:
        if method == "generateContent":
            return whole(self._generated(model, sent))
        if method == "batchEmbedContents":
            asked = sent["requests"]
            return {"embeddings": embed(model, asked, asked[0].get("outputDimensionality"))}
        if method == "embedContent":
            refuse(model)
            usage = {"promptTokenCount": 3, "totalTokenCount": 3}
            return {"embedding": embed(model, [sent], sent.get("outputDimensionality"))[0], "usageMetadata": usage}
        if method == "countTokens":
            refuse(model)
            return {"totalTokens": 7}
        if method == "predict" and "embedding" in model:
            vectors = embed(model, sent["instances"], (sent.get("parameters") or {}).get("outputDimensionality"))
            return {"predictions": [{"embeddings": {**vector, "statistics": {"token_count": 3, "truncated": False}}} for vector in vectors]}
        if method == "predict":
            return pictures(model, sent)
        raise ApiError(404, f"no method {method}")

    def bill(self, exchange: Exchange) -> Served | None:
        reply = exchange.reply
        if reply is None or reply.payload is None:
            return None
        chunks = reply.payload if isinstance(reply.payload, list) else [_with_usage(reply.payload)]
        listed = [(index, chunk) for index, chunk in enumerate(chunks) if isinstance(chunk, dict) and chunk.get("usageMetadata")]
        found = _MODEL.search(exchange.request.path)
        if not listed or found is None:
            return None
        index, last = listed[-1]
        usage = last["usageMetadata"]
        return Served(
            path=exchange.request.path,
            model=last.get("modelVersion") or found[1],
            input_tokens=usage.get("promptTokenCount", 0) + usage.get("toolUsePromptTokenCount", 0),
            output_tokens=usage.get("candidatesTokenCount", 0) + usage.get("thoughtsTokenCount", 0),
            cached_tokens=usage.get("cachedContentTokenCount", 0),
            reasoning_tokens=usage.get("thoughtsTokenCount", 0),
            told=exchange.pieces_sent > (index if reply.pieces is not None else 0),
        )


def _with_usage(answer: Any) -> Any:
    """Embeddings of Vertex AI say of each text what it took."""
    if not isinstance(answer, dict) or "predictions" not in answer:
        return answer
    told = [vector["embeddings"]["statistics"]["token_count"] for vector in answer["predictions"] if "embeddings" in vector]
    return {"usageMetadata": {"promptTokenCount": sum(told)} if told else None}
