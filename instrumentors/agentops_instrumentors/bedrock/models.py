"""The body formats of the models behind `invoke_model`, each told by its shape: what is asked, and what an answer says.

An answer is a list of chunks; one that was not streamed is one chunk.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from msgspec.structs import replace

from agentops_instrumentors.core import semconv
from agentops_instrumentors.core.blobs import blob
from agentops_instrumentors.core.messages import Content, Message, Part, TextPart
from agentops_instrumentors.core.operation import AttributeValue, Response
from agentops_instrumentors.core.plain import dig, many
from agentops_instrumentors.core.usage import Usage
from agentops_instrumentors.formats import anthropic, anthropic_blocks, cohere, converse, openai_chat, prompts

if TYPE_CHECKING:
    from agentops_instrumentors.formats.answer import Answer

Body = Mapping[str, Any]
_EMBEDDING_KEYS: Final = frozenset({"texts", "images", "inputs", "embeddingConfig", "embeddingTypes", "dimensions", "normalize"})


class Family(NamedTuple):
    """One format: the operation it stands for, and how its bodies are read."""

    operation: str
    content: Callable[[Body], Content] | None
    response: Callable[[Answer], Response]
    attributes: Mapping[str, AttributeValue] = {}


def family_of(body: Body, model: str) -> Family:
    """The format of a request's body. The model's id only tells apart what bodies do not: an ARN may hide the model."""
    names = frozenset(body)
    if {"query", "documents"} <= names:
        return _RERANK
    if "EMBEDDING" in str(body.get("taskType")) or names & _EMBEDDING_KEYS or ("inputText" in names and "embed" in model):
        return _EMBEDDINGS
    if "messages" in names:
        return _ANTHROPIC if "anthropic_version" in names else _NOVA if _speaks_converse(body) else _CHAT
    if "message" in names:
        return _COHERE
    if "taskType" in names:
        return _IMAGE
    return _COMPLETION if names & {"prompt", "inputText"} else _UNKNOWN


def _speaks_converse(body: Body) -> bool:
    said = many(next(iter(many(body, "messages")), None), "content")
    return "schemaVersion" in body or (bool(said) and not any(dig(block, "type") for block in said))


# Anthropic's messages, OpenAI's chat (of Mistral, OpenAI, DeepSeek, Qwen) and Amazon's Nova, which speaks Converse.


def _anthropic(answer: Answer) -> Response:
    if len(answer.chunks) == 1 and "content" in answer.chunks[0]:
        found = anthropic.response(answer.chunks[0])
    else:
        stream = anthropic.MessageStream()
        for chunk in answer.chunks:
            stream.add(_event(chunk))
        found = stream.response()
    return replace(found, id=found.id or answer.id, usage=found.usage or answer.usage())


def _event(chunk: Body) -> SimpleNamespace:
    """An event as Anthropic's own client gives it."""
    found = {name: SimpleNamespace(**value) if isinstance(value, dict) else value for name, value in chunk.items()}
    if "message" in found:
        found["message"].usage = SimpleNamespace(**(chunk["message"].get("usage") or {}))
    return SimpleNamespace(**found)


def _chat_asked(body: Body) -> Content:
    tools = [openai_chat.tool_definition(tool) for tool in many(body, "tools")]
    return Content([openai_chat.input_message(message) for message in body["messages"]], tools=tools)


def _chat(answer: Answer) -> Response:
    choices: dict[int, dict[str, Any]] = {}
    reasons: dict[int, Any] = {}
    for chunk in answer.chunks:
        for choice in many(chunk, "choices"):
            index = choice.get("index") or 0
            _add(choices.setdefault(index, {"role": "assistant"}), choice.get("message") or choice.get("delta") or {})
            reasons[index] = choice.get("finish_reason") or choice.get("stop_reason") or reasons.get(index)
    said = [(converse.finish_reason(reasons[index]), _chat_message(choices[index])) for index in sorted(choices)]
    return answer.response(said, answer.usage(answer.last(("usage", "prompt_tokens")), answer.last(("usage", "completion_tokens"))))


def _add(message: dict[str, Any], piece: Body) -> None:
    for name, value in piece.items():
        known = message.get(name)
        if name == "tool_calls" and known:
            for call in value:
                position = call.get("index", len(known))
                if position < len(known):
                    known[position]["function"]["arguments"] += dig(call, "function", "arguments") or ""
                else:
                    known.append(call)
        elif value is not None:
            message[name] = known + value if isinstance(known, str) and isinstance(value, str) and name != "role" else value


def _chat_message(message: Body) -> Callable[[str], Message]:
    return lambda reason: Message("assistant", openai_chat.message_parts(message), finish_reason=reason)


def _nova(answer: Answer) -> Response:
    first: Any = answer.chunks[0] if answer.chunks else {}
    whole = first if "output" in first else converse.whole([event for chunk in answer.chunks for event in chunk.items()])
    return converse.response({"serviceTier": {"type": answer.tier}, "usage": answer.counted, **whole}, answer.id)


# Embeddings, ranking, pictures, and what is none of them.


def _embedded(answer: Answer) -> Response:
    vector: Any = answer.last("embedding", "embeddings")
    # A vector, a list of them, or of objects that hold one, or either by the type of their numbers.
    while vector and not isinstance(vector, str) and isinstance(inner := _within(vector), (list, dict)):
        vector = cast("Any", inner)
    attributes: dict[str, AttributeValue] = {semconv.EMBEDDINGS_DIMENSION_COUNT: len(vector)} if vector else {}
    usage = answer.usage(answer.last("inputTextTokenCount"))
    return Response(usage=Usage(usage.input_tokens) if usage else None, service_tier=answer.tier, attributes=attributes)


def _within(value: Any) -> Any:
    members = cast("list[Any] | dict[str, Any]", value)
    return members[0] if isinstance(members, list) else members.get("embedding") or next(iter(members.values()))


def _query(body: Body) -> Content:
    return Content([], query=str(body["query"]))


def _ranked(answer: Answer) -> Response:
    ranks = many(answer.last("results"))
    return Response(documents=lambda: [{"id": str(rank.get("index")), "score": rank.get("relevance_score")} for rank in ranks])


def _picture_asked(body: Body) -> Content:
    return Content([Message("user", [TextPart(str(dig(value, "text"))) for value in body.values() if dig(value, "text")])])


def _pictures(answer: Answer) -> Response:
    drawn = many(answer.last("images"))
    parts: list[Part] = [blob("image", str(image)) for image in drawn]
    return answer.response([("stop" if drawn else "error", lambda told: Message("assistant", parts, finish_reason=told))], answer.usage())


def _unread(answer: Answer) -> Response:
    return Response(id=answer.id, usage=answer.usage(), service_tier=answer.tier)


_ANTHROPIC: Final = Family(semconv.CHAT, anthropic_blocks.of_request, _anthropic)
_CHAT: Final = Family(semconv.CHAT, _chat_asked, _chat)
_NOVA: Final = Family(semconv.CHAT, converse.content, _nova)
_COHERE: Final = Family(semconv.CHAT, cohere.content, cohere.response)
_COMPLETION: Final = Family(semconv.TEXT_COMPLETION, prompts.content, prompts.response)
_EMBEDDINGS: Final = Family(semconv.EMBEDDINGS, None, _embedded)
_RERANK: Final = Family(semconv.RETRIEVAL, _query, _ranked)
_IMAGE: Final = Family(semconv.GENERATE_CONTENT, _picture_asked, _pictures, {semconv.OUTPUT_TYPE: "image"})
_UNKNOWN: Final = Family(semconv.GENERATE_CONTENT, None, _unread)
