"""What the default mind of the fake Bedrock says to `invoke_model`, in the format of the body it is asked in. Standard library only.

Anthropic's bodies are answered by the fake of Anthropic's own service.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tests.fakes.aws_converse import converse, converse_events, reply_to, text_of
from tests.fakes.openai_wire import prompt_size, split_tokens

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fakes.aws_converse import Json

METRICS: Final = "amazon-bedrock-invocationMetrics"
PICTURE: Final = "iVBORw0KGgo="


class Spoken:
    """An answer in a model's own format: `body` when whole, `chunks` when streamed, `usage` by Converse's names."""

    def __init__(self, body: Json, chunks: list[Json], usage: Json) -> None:
        self.body = body
        self.usage = usage
        counted = {name.replace("Tokens", "TokenCount"): count for name, count in usage.items() if name != "totalTokens"}
        self.chunks = [*chunks[:-1], {**chunks[-1], METRICS: {**counted, "invocationLatency": 9, "firstByteLatency": 3}}] if chunks else []


def speak(model: str, body: Json) -> Spoken:
    """The answer to a body that is not Anthropic's."""
    return next(answer for fits, answer in _FORMATS if fits(model, body))(model, body)


def _usage(prompt: str, said: str) -> Json:
    return {"inputTokens": prompt_size(prompt), "outputTokens": len(split_tokens(said))}


def _nova(model: str, body: Json) -> Spoken:
    answer = converse(model, body)
    return Spoken({name: value for name, value in answer.items() if name != "metrics"}, _as_chunks(answer), answer["usage"])


def _as_chunks(answer: Json) -> list[Json]:
    return [{name: value} for name, value in converse_events(answer)]


def _chat(model: str, body: Json) -> Spoken:
    text = text_of(body["messages"][-1]["content"])
    said = reply_to(text)
    usage = _usage(text, said)
    if body.get("tools"):
        function = {"name": body["tools"][0]["function"]["name"], "arguments": '{"city": "Paris"}'}
        message: Json = {"role": "assistant", "content": "", "tool_calls": [{"id": "call_1", "type": "function", "function": function}]}
        reason, pieces = "tool_calls", [message]
    else:
        message, reason = {"role": "assistant", "content": said}, "stop"
        pieces = [{"role": "assistant", "content": ""}, *({"content": one} for one in split_tokens(said))]
    told = {"prompt_tokens": usage["inputTokens"], "completion_tokens": usage["outputTokens"]}
    chunks = [{"choices": [{"index": 0, "message": piece, "stop_reason": None}]} for piece in pieces]
    chunks.append({"choices": [{"index": 0, "message": {"role": "assistant", "content": ""}, "stop_reason": reason}]})
    return Spoken({"choices": [{"index": 0, "message": message, "stop_reason": reason}], "usage": told}, chunks, usage)


def _cohere(model: str, body: Json) -> Spoken:
    said = reply_to(body["message"])
    whole: Json = {"response_id": "r-1", "generation_id": "g-1", "text": said, "finish_reason": "COMPLETE"}
    if body.get("tools") and not body.get("tool_results"):
        whole |= {"text": "I will look.", "tool_calls": [{"name": body["tools"][0]["name"], "parameters": {"city": "Paris"}}]}
    pieces = [{"event_type": "text-generation", "is_finished": False, "text": one} for one in split_tokens(whole["text"])]
    ending = {"event_type": "stream-end", "is_finished": True, "finish_reason": "COMPLETE", "response": whole}
    return Spoken(whole, [*pieces, ending], _usage(body["message"], whole["text"]))


def _command(model: str, body: Json) -> Spoken:
    said = reply_to(body["prompt"])
    generations = [{"id": "g-1", "text": said, "finish_reason": "COMPLETE"}]
    pieces: list[Json] = [{"text": one, "is_finished": False} for one in split_tokens(said)]
    return Spoken(
        {"id": "c-1", "generations": generations},
        [*pieces, {"is_finished": True, "finish_reason": "COMPLETE"}],
        _usage(body["prompt"], said),
    )


def _meta(model: str, body: Json) -> Spoken:
    said = reply_to(body["prompt"])
    usage = _usage(body["prompt"], said)
    counts = {"prompt_token_count": usage["inputTokens"], "generation_token_count": usage["outputTokens"]}
    head: Json = {"generation": "", "prompt_token_count": None, "generation_token_count": 0, "stop_reason": None}
    pieces = [{**head, "generation": one, "generation_token_count": count} for count, one in enumerate(split_tokens(said), 1)]
    return Spoken({"generation": said, **counts, "stop_reason": "stop"}, [*pieces, {**head, **counts, "stop_reason": "stop"}], usage)


def _mistral(model: str, body: Json) -> Spoken:
    said = reply_to(body["prompt"])
    pieces: list[Json] = [{"outputs": [{"text": one, "stop_reason": None}]} for one in split_tokens(said)]
    ending: Json = {"outputs": [{"text": "", "stop_reason": "stop"}]}
    return Spoken({"outputs": [{"text": said, "stop_reason": "stop"}]}, [*pieces, ending], _usage(body["prompt"], said))


def _titan(model: str, body: Json) -> Spoken:
    said = reply_to(body["inputText"])
    usage = _usage(body["inputText"], said)
    result = {"tokenCount": usage["outputTokens"], "outputText": said, "completionReason": "FINISH"}
    head = {"index": 0, "totalOutputTextTokenCount": None, "completionReason": None, "inputTextTokenCount": usage["inputTokens"]}
    pieces = [{**head, "outputText": one} for one in split_tokens(said)]
    ending = {**head, "outputText": "", "totalOutputTextTokenCount": usage["outputTokens"], "completionReason": "FINISH"}
    return Spoken({"inputTextTokenCount": usage["inputTokens"], "results": [result]}, [*pieces, ending], usage)


def _titan_embedding(model: str, body: Json) -> Spoken:
    count = prompt_size(body["inputText"])
    vector = [0.5] * body.get("dimensions", 8)
    return Spoken({"embedding": vector, "inputTextTokenCount": count}, [], {"inputTokens": count, "outputTokens": 0})


def _cohere_embedding(model: str, body: Json) -> Spoken:
    vectors: Any = [[0.25] * 8 for _ in body["texts"]]
    if "embedding_types" in body:
        vectors = dict.fromkeys(body["embedding_types"], vectors)
    count = sum(map(prompt_size, body["texts"]))
    return Spoken({"id": "e-1", "embeddings": vectors, "texts": body["texts"]}, [], {"inputTokens": count, "outputTokens": 0})


def _rank(model: str, body: Json) -> Spoken:
    order = sorted(range(len(body["documents"])), key=lambda index: (body["query"] not in str(body["documents"][index]), index))
    results = [{"index": index, "relevance_score": round(0.9 - place / 10, 1)} for place, index in enumerate(order)]
    return Spoken({"results": results[: body.get("top_n")]}, [], {"inputTokens": 0, "outputTokens": 0})


def _draw(model: str, body: Json) -> Spoken:
    return Spoken({"images": [PICTURE]}, [], {"inputTokens": 0, "outputTokens": 0})


_FORMATS: Final[tuple[tuple[Callable[[str, Json], object], Callable[[str, Json], Spoken]], ...]] = (
    (lambda model, body: "query" in body, _rank),
    (lambda model, body: "texts" in body, _cohere_embedding),
    (lambda model, body: "embed" in model, _titan_embedding),
    (lambda model, body: "nova" in model and "messages" in body, _nova),
    (lambda model, body: "messages" in body, _chat),
    (lambda model, body: "message" in body, _cohere),
    (lambda model, body: "taskType" in body, _draw),
    (lambda model, body: "inputText" in body, _titan),
    (lambda model, body: "cohere" in model, _command),
    (lambda model, body: "mistral" in model, _mistral),
    (lambda model, body: True, _meta),
)
