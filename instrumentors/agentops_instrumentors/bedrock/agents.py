"""The agent runtime: agents, knowledge bases and ranking; and guardrails, which are applied without a model."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

from agentops_instrumentors.bedrock.surface import PROVIDER, Asked, Surface, guardrail, model_of, request_id
from agentops_instrumentors.core import plain, semconv
from agentops_instrumentors.core.blobs import blob
from agentops_instrumentors.core.messages import Content, Message, Part, TextPart, ToolCallPart, ToolCallResponsePart
from agentops_instrumentors.core.operation import AttributeValue, Response
from agentops_instrumentors.core.parts import elided
from agentops_instrumentors.core.plain import dig, inside, many
from agentops_instrumentors.core.usage import Usage
from agentops_instrumentors.formats import converse
from agentops_instrumentors.formats import converse_blocks as blocks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_TEXT_INFERENCE: Final = ("inferenceConfig", "textInferenceConfig")
_CONFIGURATIONS: Final = ("knowledgeBaseConfiguration", "externalSourcesConfiguration")
_SEARCHES: Final = ("vectorSearchConfiguration", "managedSearchConfiguration")


def _text(text: Any) -> list[Message]:
    return [Message("user", [TextPart(str(text))])] if text else []


class _AgentRuntime(Surface):
    service: ClassVar[str] = "bedrock-agent-runtime"


class InvokeAgent(_AgentRuntime):
    """`InvokeAgent` and `InvokeInlineAgent`: one turn of a session with an agent that the service runs."""

    stream: ClassVar[str | None] = "completion"

    def request(self, params: Mapping[str, Any], server: tuple[str, int] | None) -> Asked:
        model, attributes = model_of(params.get("foundationModel"))
        named = {"agentId": semconv.AGENT_ID, "agentName": semconv.AGENT_NAME, "sessionId": semconv.CONVERSATION_ID}
        attributes.update(plain.attributes(params, named))
        attributes.update(guardrail(dig(params, "guardrailConfiguration", "guardrailIdentifier")))
        name = str(params.get("agentName") or "")
        return Asked(semconv.INVOKE_AGENT, PROVIDER, model, server, True, attributes, lambda: _agent_asked(params), name, surface=self)

    def whole(self, head: Mapping[str, Any], events: Sequence[tuple[str, Any]]) -> Mapping[str, Any]:
        return {**head, "events": events}

    def response(self, answer: Mapping[str, Any], asked: Asked) -> Response:
        events: Sequence[tuple[str, Any]] = answer.get("events") or ()
        calls = [call for kind, event in events if kind == "returnControl" for call in many(event, "invocationInputs")]
        said = any(kind in ("chunk", "files", "returnControl") for kind, _ in events)
        reason = "tool_call" if calls else "stop" if said else "error"
        return Response(
            id=request_id(answer),
            finish_reasons=[reason],
            usage=_traced_usage(event for kind, event in events if kind == "trace"),
            messages=(lambda: [Message("assistant", _agent_said(events, calls), finish_reason=reason)]) if said else None,
        )


def _agent_asked(params: Mapping[str, Any]) -> Content:
    state = inside(params, "sessionState") or inside(params, "inlineSessionState")
    said = [blocks.message(message) for message in many(state, "conversationHistory", "messages")]
    results = [result for member in many(state, "returnControlInvocationResults") for result in member.values()]
    if results:
        answers = [ToolCallResponsePart(elided(result.get("responseBody")), state.get("invocationId")) for result in results]
        said.append(Message("tool", cast("list[Part]", answers)))
    return Content([*said, *_text(params.get("inputText"))], [TextPart(params["instruction"])] if params.get("instruction") else [])


def _agent_said(events: Iterable[tuple[str, Any]], calls: Sequence[Any]) -> list[Part]:
    found: list[Part] = []
    text = b"".join(base64.b64decode(event["bytes"]) for kind, event in events if kind == "chunk" and event.get("bytes"))
    if text:
        found.append(TextPart(text.decode("utf-8", "replace")))
    for kind, event in events:
        if kind == "files":
            found += [blob("document", str(file.get("bytes") or ""), file.get("type")) for file in many(event, "files")]
        citations = dig(event, "attribution", "citations")
        if citations:
            found.append({"type": "citations", "citations": citations})
    return [*found, *map(_returned_call, calls)]


def _returned_call(call: Mapping[str, Any]) -> Part:
    """A function of the caller's, or an API, that the agent wants called."""
    asked = inside(next(iter(call.values()), None))
    name = asked.get("function") or f"{asked.get('httpMethod', '')} {asked.get('apiPath', '')}".strip()
    given = {str(parameter.get("name")): parameter.get("value") for parameter in many(asked, "parameters")}
    body = asked.get("requestBody")
    return ToolCallPart(str(name), None, {**given, "requestBody": body} if body else given)


def _traced_usage(traces: Iterable[Any]) -> Usage | None:
    """Tokens of all the model's calls within the turn, which only a trace tells."""
    counts = [(found.get("inputTokens") or 0, found.get("outputTokens") or 0) for trace in traces for found in _usages(trace)]
    return Usage(sum(count[0] for count in counts), sum(count[1] for count in counts)) if counts else None


def _usages(trace: Any) -> Iterator[Mapping[str, Any]]:
    for step in inside(trace, "trace").values():
        usage = dig(step, "modelInvocationOutput", "metadata", "usage")
        if usage:
            yield usage


class Retrieve(_AgentRuntime):
    """`Retrieve`: passages of a knowledge base."""

    def request(self, params: Mapping[str, Any], server: tuple[str, int] | None) -> Asked:
        base = params.get("knowledgeBaseId")
        attributes: dict[str, AttributeValue] = {} if base is None else {semconv.DATA_SOURCE_ID: base}
        attributes.update(_knowledge(base, params.get("retrievalConfiguration")))
        attributes.update(guardrail(dig(params, "guardrailConfiguration", "guardrailId")))
        query = dig(params, "retrievalQuery", "text")
        return Asked(
            semconv.RETRIEVAL, PROVIDER, None, server, False, attributes, lambda: Content([], query=query), str(base or ""), surface=self
        )

    def response(self, answer: Mapping[str, Any], asked: Asked) -> Response:
        return Response(documents=lambda: [_document(result) for result in many(answer, "retrievalResults")])


def _knowledge(base: Any, configuration: Any) -> dict[str, AttributeValue]:
    found: dict[str, AttributeValue] = {} if base is None else {semconv.AWS_BEDROCK_KNOWLEDGE_BASE_ID: base}
    for search in _SEARCHES:
        found.update(plain.attributes(dig(configuration, search), {"numberOfResults": semconv.RETRIEVAL_TOP_K}))
    return found


def _document(result: Mapping[str, Any]) -> dict[str, Any]:
    """A passage; its id is where it comes from."""
    places = (value for name, value in inside(result, "location").items() if name != "type")
    source = next((str(found) for place in places if (found := dig(place, "uri") or dig(place, "url") or dig(place, "id"))), None)
    found: dict[str, Any] = {"id": result.get("documentId") or source, "score": result.get("score")}
    return {name: value for name, value in {**found, "content": elided(result.get("content"))}.items() if value is not None}


class Rerank(_AgentRuntime):
    """`Rerank`: the caller's documents in the order of their relevance."""

    def request(self, params: Mapping[str, Any], server: tuple[str, int] | None) -> Asked:
        configuration = dig(params, "rerankingConfiguration", "bedrockRerankingConfiguration")
        model, attributes = model_of(dig(configuration, "modelConfiguration", "modelArn"))
        attributes.update(plain.attributes(configuration, {"numberOfResults": semconv.RETRIEVAL_TOP_K}))
        query = " ".join(str(dig(one, "textQuery", "text") or "") for one in many(params, "queries"))
        return Asked(semconv.RETRIEVAL, PROVIDER, model, server, False, attributes, lambda: Content([], query=query), "", surface=self)

    def response(self, answer: Mapping[str, Any], asked: Asked) -> Response:
        ranks = many(answer, "results")
        return Response(documents=lambda: [{"id": str(rank.get("index")), "score": rank.get("relevanceScore")} for rank in ranks])


class RetrieveAndGenerate(_AgentRuntime):
    """`RetrieveAndGenerate`: a model's answer from what a knowledge base, or documents of the caller's, say."""

    def request(self, params: Mapping[str, Any], server: tuple[str, int] | None) -> Asked:
        configured = params.get("retrieveAndGenerateConfiguration")
        used = next((found for name in _CONFIGURATIONS if (found := inside(configured, name))), inside(None))
        generation = used.get("generationConfiguration")
        model, attributes = model_of(used.get("modelArn"))
        attributes.update(_knowledge(used.get("knowledgeBaseId"), used.get("retrievalConfiguration")))
        attributes.update(plain.attributes(dig(generation, *_TEXT_INFERENCE), converse.INFERENCE))
        attributes.update(guardrail(dig(generation, "guardrailConfiguration", "guardrailId")))
        attributes.update(plain.attributes(params, {"sessionId": semconv.CONVERSATION_ID}))
        text = dig(params, "input", "text")
        streamed = self.stream is not None
        return Asked(semconv.CHAT, PROVIDER, model, server, streamed, attributes, lambda: Content(_text(text)), surface=self)

    def response(self, answer: Mapping[str, Any], asked: Asked) -> Response:
        reason = "content_filter" if answer.get("guardrailAction") == "INTERVENED" else "stop"
        text = dig(answer, "output", "text")
        if text is None:
            return Response(id=request_id(answer))
        cited: list[Part] = [{"type": "citations", "citations": elided(answer["citations"])}] if answer.get("citations") else []
        return Response(
            id=request_id(answer),
            finish_reasons=[reason],
            attributes=plain.attributes(answer, {"sessionId": semconv.CONVERSATION_ID}),
            messages=lambda: [Message("assistant", [TextPart(str(text)), *cited], finish_reason=reason)],
        )


class RetrieveAndGenerateStream(RetrieveAndGenerate):
    """`RetrieveAndGenerateStream`."""

    stream: ClassVar[str | None] = "stream"

    def whole(self, head: Mapping[str, Any], events: Sequence[tuple[str, Any]]) -> Mapping[str, Any]:
        found: dict[str, Any] = {**head, "citations": [event.get("citation") for kind, event in events if kind == "citation"]}
        texts = [str(event.get("text") or "") for kind, event in events if kind == "output"]
        guarded = [event.get("action") for kind, event in events if kind == "guardrail"]
        return {**found, "output": {"text": "".join(texts) if texts else None}, "guardrailAction": guarded[-1] if guarded else None}


class ApplyGuardrail(Surface):
    """`ApplyGuardrail`: what a guardrail says of a text. No operation of the conventions; its span says that it is a guardrail's."""

    def request(self, params: Mapping[str, Any], server: tuple[str, int] | None) -> Asked:
        identifier = params.get("guardrailIdentifier")
        attributes: dict[str, AttributeValue] = {semconv.SPAN_KIND: "guardrail", **guardrail(identifier)}
        role = "assistant" if params.get("source") == "OUTPUT" else "user"
        asked = lambda: Content([Message(role, blocks.parts({"guardContent": item} for item in many(params, "content")))])  # noqa: E731
        return Asked(semconv.APPLY_GUARDRAIL, PROVIDER, None, server, False, attributes, asked, str(identifier or ""), surface=self)

    def response(self, answer: Mapping[str, Any], asked: Asked) -> Response:
        outputs = many(answer, "outputs")
        return Response(id=request_id(answer), messages=(lambda: [Message("assistant", blocks.parts(outputs))]) if outputs else None)
