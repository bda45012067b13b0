"""What calls of Converse and of the agent runtime leave behind: attributes, messages and their parts."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

import pytest
from botocore.exceptions import ClientError
from opentelemetry.trace import SpanKind, StatusCode

from agentops_instrumentors.core import cost
from agentops_instrumentors.core.content import ContentMode
from tests.fakes import aws_eventstream
from tests.fakes.aws_bedrock import Reply
from tests.providers.bedrock.vendor import BASE, MODEL, SAID, SOURCES, knows, rag

if TYPE_CHECKING:
    from tests.providers.bedrock.conftest import BedrockRecorder

PICTURE: Final = b"\x89PNG\r\n\x1a\n" + bytes(24)
CACHE: Final[Any] = [{"cachePoint": {"type": "default"}}] if knows("bedrock-runtime", "ContentBlock", "cachePoint") else []
ARN: Final = "arn:aws:bedrock:eu-west-3:123456789012:"


def blob(modality: str, raw: bytes, mime_type: str | None = None) -> dict[str, Any]:
    part = {"type": "blob", "modality": modality, "content": "", "size": len(raw), "digest": "sha256:" + hashlib.sha256(raw).hexdigest()}
    return {**part, "mime_type": mime_type} if mime_type else part


def answer(*content: Any, **rest: Any) -> dict[str, Any]:
    """A Converse answer as the service sends it."""
    usage = {"inputTokens": 10, "outputTokens": 5, "totalTokens": 15}
    return {"output": {"message": {"role": "assistant", "content": list(content)}}, "stopReason": "end_turn", "usage": usage, **rest}


def test_every_attribute_of_a_plain_call(record: BedrockRecorder) -> None:
    returned = record.runtime.converse(modelId=MODEL, messages=SAID)
    span = record.span
    assert (span.name, span.kind) == (f"chat {MODEL}", SpanKind.CLIENT)
    assert (span.status.status_code, span.events) == (StatusCode.UNSET, ())
    assert span.instrumentation_scope
    assert span.instrumentation_scope.name == "agentops_instrumentors.bedrock"
    assert record.attributes() == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "aws.bedrock",
        "gen_ai.request.model": MODEL,
        "gen_ai.response.id": returned["ResponseMetadata"]["RequestId"],
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 18,
        "gen_ai.usage.output_tokens": 13,
        **record.where(),
    }
    assert record.content("input.messages") == [{"role": "user", "parts": [{"type": "text", "content": "hello there"}]}]
    said = {"role": "assistant", "parts": [{"type": "text", "content": "You said: hello there"}], "finish_reason": "stop"}
    assert record.content("output.messages") == [said]


@pytest.mark.parametrize("streamed", [False, True])
def test_request_parameters(record: BedrockRecorder, streamed: bool) -> None:
    method = record.runtime.converse_stream if streamed else record.runtime.converse
    returned = method(
        modelId=MODEL,
        messages=SAID,
        system=[{"text": "Be brief."}, *CACHE],
        inferenceConfig={"maxTokens": 64, "temperature": 0.5, "topP": 0.9, "stopSequences": ["END"]},
        guardrailConfig={"guardrailIdentifier": "gr-1", "guardrailVersion": "1"},
        additionalModelRequestFields={"top_k": 40},
    )
    if streamed:
        list(returned["stream"])
    assert record.attributes("gen_ai.request", "aws") == {
        "gen_ai.request.model": MODEL,
        **({"gen_ai.request.stream": True} if streamed else {}),
        "gen_ai.request.max_tokens": 64,
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.top_p": 0.9,
        "gen_ai.request.stop_sequences": ("END",),
        "gen_ai.request.top_k": 40,
        "aws.bedrock.guardrail.id": "gr-1",
    }
    assert record.content("system_instructions") == [{"type": "text", "content": "Be brief."}]


@pytest.mark.parametrize("streamed", [False, True])
def test_cached_tokens_are_part_of_the_input(record: BedrockRecorder, streamed: bool) -> None:
    asked = {"modelId": MODEL, "messages": [{"role": "user", "content": [{"text": "word " * 2000}, *CACHE]}]}
    if streamed:
        list(record.runtime.converse_stream(**asked)["stream"])
    else:
        record.runtime.converse(**asked)
    (bill,) = record.server.served()
    found = record.attributes("gen_ai.usage")
    assert bool(bill.cached_tokens) is bool(CACHE)
    assert found["gen_ai.usage.input_tokens"] == bill.input_tokens
    assert found.get("gen_ai.usage.cache_read.input_tokens") == (bill.cached_tokens if CACHE else None)
    assert found.get("gen_ai.usage.cache_write.input_tokens") == (7 if CACHE else None)


@pytest.mark.parametrize("streamed", [False, True])
def test_tools_and_thoughts(record: BedrockRecorder, streamed: bool) -> None:
    tools = {"tools": [{"toolSpec": {"name": "weather", "inputSchema": {"json": {"type": "object"}}}}, *CACHE]}
    method = record.runtime.converse_stream if streamed else record.runtime.converse
    returned = method(modelId=f"{MODEL}.thinking", messages=SAID, toolConfig=tools)
    if streamed:
        list(returned["stream"])
    assert record.content("tool.definitions") == [{"type": "function", "name": "weather", "parameters": {"type": "object"}}]
    young = not streamed and not knows("bedrock-runtime", "ContentBlock", "reasoningContent")
    assert record.said == [
        {"type": "reasoning_content"} if young else {"type": "reasoning", "content": "The user said something. I repeat it."},
        {"type": "tool_call", "name": "weather", "id": "tooluse_1", "arguments": {"city": "Paris"}},
    ]
    assert record.attributes("gen_ai.response.finish") == {"gen_ai.response.finish_reasons": ("tool_call",)}


def test_every_kind_of_block_asked(record: BedrockRecorder) -> None:
    link = {"type": "uri", "modality": "image", "uri": "s3://bucket/one.png", "mime_type": "image/png"}
    note = {"type": "document", "format": "txt", "name": "note", "source": {"text": "a note"}}
    asked: list[tuple[Any, Any]] = [
        ({"text": "look"}, {"type": "text", "content": "look"}),
        ({"image": {"format": "png", "source": {"bytes": PICTURE}}}, blob("image", PICTURE, "image/png")),
        ({"document": {"format": "pdf", "name": "paper", "source": {"bytes": b"%PDF"}}}, blob("document", b"%PDF", "application/pdf")),
        ({"video": {"format": "mp4", "source": {"bytes": b"film"}}}, blob("video", b"film", "video/mp4")),
        ({"guardContent": {"text": {"text": "watch this", "qualifiers": ["query"]}}}, {"type": "text", "content": "watch this"}),
    ]
    if knows("bedrock-runtime", "ImageSource", "s3Location"):
        asked.append(({"image": {"format": "png", "source": {"s3Location": {"uri": "s3://bucket/one.png"}}}}, link))
    if knows("bedrock-runtime", "DocumentSource", "text"):
        asked.append(({"document": {"format": "txt", "name": "note", "source": {"text": "a note"}}}, note))
    record.runtime.converse(modelId=MODEL, messages=[{"role": "user", "content": [*(block for block, _ in asked), *CACHE]}])
    assert record.asked == [part for _, part in asked]


def test_a_conversation_with_a_tool(record: BedrockRecorder) -> None:
    results = [{"json": {"rain": True}}, {"text": "all day"}, {"image": {"format": "png", "source": {"bytes": PICTURE}}}]
    record.runtime.converse(
        modelId=MODEL,
        messages=[
            *SAID,
            {"role": "assistant", "content": [{"toolUse": {"toolUseId": "t1", "name": "weather", "input": {"city": "Brest"}}}]},
            {"role": "user", "content": [{"toolResult": {"toolUseId": "t1", "content": results}}]},
        ],
    )
    _, called, answered = record.content("input.messages")
    assert called["parts"] == [{"type": "tool_call", "name": "weather", "id": "t1", "arguments": {"city": "Brest"}}]
    response = [{"rain": True}, "all day", blob("image", PICTURE, "image/png")]
    assert answered == {"role": "tool", "parts": [{"type": "tool_call_response", "id": "t1", "response": response}]}


def test_every_kind_of_block_answered(record: BedrockRecorder) -> None:
    cited = {"content": [{"text": "It rains."}], "citations": [{"title": "Almanac"}]}
    searched = {"toolUseId": "t1", "name": "search", "input": {}, "type": "server_tool_use"}
    served = {"type": "server_tool_call", "name": "search", "id": "t1", "server_tool_call": {"type": "search", "input": {}}}
    told: list[tuple[str, str, Any, list[Any]]] = [
        ("ContentBlock", "text", {"text": "Look."}, [{"type": "text", "content": "Look."}]),
        (
            "ContentBlock",
            "reasoningContent",
            {"reasoningContent": {"redactedContent": "c2VjcmV0"}},
            [{**blob("text", b"secret"), "type": "redacted_reasoning"}],
        ),
        (
            "ContentBlock",
            "citationsContent",
            {"citationsContent": cited},
            [{"type": "text", "content": "It rains."}, {"type": "citations", "citations": [{"title": "Almanac"}]}],
        ),
        ("ToolUseBlock", "type", {"toolUse": searched}, [served]),
    ]
    known = [(block, parts) for shape, member, block, parts in told if knows("bedrock-runtime", shape, member)]
    record.answer(answer(*(block for block, _ in known), stopReason="guardrail_intervened"))
    record.runtime.converse(modelId=MODEL, messages=SAID)
    assert record.said == [part for _, parts in known for part in parts]
    assert record.attributes("gen_ai.response.finish") == {"gen_ai.response.finish_reasons": ("content_filter",)}


def test_a_router_says_which_model_answered(record: BedrockRecorder) -> None:
    record.answer(answer({"text": "yes"}, trace={"promptRouter": {"invokedModelId": f"{ARN}inference-profile/us.amazon.nova-lite-v1:0"}}))
    record.runtime.converse(modelId=f"{ARN}default-prompt-router/amazon.nova:1", messages=SAID)
    told = knows("bedrock-runtime", "ConverseTrace", "promptRouter")
    assert record.attributes("gen_ai.response.model") == ({"gen_ai.response.model": "us.amazon.nova-lite-v1:0"} if told else {})


@pytest.mark.parametrize(
    ("identifier", "model"),
    [
        (f"{ARN}inference-profile/us.amazon.nova-pro-v1:0", "us.amazon.nova-pro-v1:0"),
        ("arn:aws:bedrock:eu-west-3::foundation-model/meta.llama3-8b-instruct-v1:0", "meta.llama3-8b-instruct-v1:0"),
        (f"{ARN}application-inference-profile/abc123", f"{ARN}application-inference-profile/abc123"),
        (f"{ARN}provisioned-model/xyz", f"{ARN}provisioned-model/xyz"),
        ("eu.anthropic.claude-sonnet-4-20250514-v1:0", "eu.anthropic.claude-sonnet-4-20250514-v1:0"),
    ],
)
def test_models_by_their_arn(record: BedrockRecorder, identifier: str, model: str) -> None:
    record.runtime.converse(modelId=identifier, messages=SAID)
    assert record.span.name == f"chat {model}"
    assert record.attributes("gen_ai.request.model") == {"gen_ai.request.model": model}


def test_a_managed_prompt_is_no_model(record: BedrockRecorder) -> None:
    record.answer(answer({"text": "yes"}))
    record.runtime.converse(modelId=f"{ARN}prompt/PROMPT1234:2", promptVariables={"city": {"text": "Brest"}})
    assert record.span.name == "chat"
    assert record.attributes("gen_ai.prompt", "gen_ai.request") == {"gen_ai.prompt.name": "PROMPT1234", "gen_ai.prompt.version": "2"}


@pytest.mark.parametrize("model", ["us.amazon.nova-pro-v1:0", f"{ARN}inference-profile/us.amazon.nova-pro-v1:0"])
def test_what_a_call_costs(record: BedrockRecorder, model: str) -> None:
    assert cost.ready(30)
    record.runtime.converse(modelId=model, messages=SAID)
    assert (record.span.attributes or {})["agentops.usage.cost.amount"] == pytest.approx((18 * 0.8 + 13 * 3.2) / 1e6)


@pytest.mark.parametrize(
    ("model", "code", "status"),
    [("error-429", "ThrottlingException", 429), ("error-400", "ValidationException", 400), ("error-403", "AccessDeniedException", 403)],
)
def test_a_refusal_says_the_services_code(record: BedrockRecorder, model: str, code: str, status: int) -> None:
    with pytest.raises(ClientError):
        record.runtime.converse(modelId=model, messages=SAID)
    assert record.span.status.status_code is StatusCode.ERROR
    assert record.attributes("error", "http") == {"error.type": code, "http.response.status_code": status}
    (event,) = record.span.events
    assert event.attributes
    assert str(event.attributes["exception.type"]).endswith(code)
    assert [point.attributes["error.type"] for point in record.telemetry.points("gen_ai.client.operation.duration")] == [code]


def test_an_exception_in_the_middle_of_a_stream(record: BedrockRecorder) -> None:
    with pytest.raises(ClientError, match="throttlingException"):
        list(record.runtime.converse_stream(modelId="error-stream", messages=SAID)["stream"])
    assert record.attributes("error", "gen_ai.response.finish") == {
        "error.type": "ThrottlingException",
        "gen_ai.response.finish_reasons": ("error",),
    }
    assert record.said == [{"type": "text", "content": "You said"}]
    assert [point.count for point in record.telemetry.points("gen_ai.client.operation.time_per_output_chunk")] == [2]


def test_tool_arguments_that_broke_off_are_kept_as_text(record: BedrockRecorder) -> None:
    events = [
        ("messageStart", {"role": "assistant"}),
        ("contentBlockStart", {"start": {"toolUse": {"toolUseId": "t1", "name": "weather"}}, "contentBlockIndex": 0}),
        ("contentBlockDelta", {"delta": {"toolUse": {"input": '{"ci'}}, "contentBlockIndex": 0}),
    ]
    record.server.enqueue(aws_eventstream.reply([aws_eventstream.encode_event(*event) for event in events]))
    list(record.runtime.converse_stream(modelId=MODEL, messages=SAID)["stream"])
    assert record.said == [{"type": "tool_call", "name": "weather", "id": "t1", "arguments": '{"ci'}]


def test_agents(record: BedrockRecorder) -> None:
    list(record.agents.invoke_agent(agentId="A1", agentAliasId="B1", sessionId="s-1", inputText="hi", enableTrace=True)["completion"])
    assert (record.span.name, record.span.kind) == ("invoke_agent", SpanKind.CLIENT)
    found = record.attributes("gen_ai.agent", "gen_ai.conversation", "gen_ai.usage", "gen_ai.response.finish")
    assert found == {
        "gen_ai.agent.id": "A1",
        "gen_ai.conversation.id": "s-1",
        "gen_ai.usage.input_tokens": 1,
        "gen_ai.usage.output_tokens": 4,
        "gen_ai.response.finish_reasons": ("stop",),
    }
    assert record.said == [{"type": "text", "content": "You said: hi"}]


def test_an_agent_that_returns_control(record: BedrockRecorder) -> None:
    results = [{"functionResult": {"actionGroup": "tides", "function": "height", "responseBody": {"TEXT": {"body": "7 m"}}}}]
    state = {"invocationId": "i-0", "returnControlInvocationResults": results}
    said = {"agentId": "A1", "agentAliasId": "B1", "sessionId": "s-1", "inputText": "call me", "sessionState": state}
    list(record.agents.invoke_agent(**said)["completion"])
    tool, user = record.content("input.messages")
    assert tool["parts"] == [{"type": "tool_call_response", "id": "i-0", "response": {"TEXT": {"body": "7 m"}}}]
    assert user["parts"] == [{"type": "text", "content": "call me"}]
    assert record.said == [{"type": "tool_call", "name": "height", "arguments": {"port": "Brest"}}]


def test_an_inline_agent_has_a_name_and_a_model(record: BedrockRecorder) -> None:
    named = {"agentName": "pilot"} if knows("bedrock-agent-runtime", "InvokeInlineAgentRequest", "agentName") else {}
    said = {"foundationModel": MODEL, "instruction": "Be an agent that does what it is asked for.", **named}
    list(record.agents.invoke_inline_agent(**said, sessionId="s-1", inputText="hi")["completion"])
    assert record.span.name == ("invoke_agent pilot" if named else "invoke_agent")
    found = {"gen_ai.agent.name": "pilot"} if named else {}
    assert record.attributes("gen_ai.agent", "gen_ai.request.model") == {**found, "gen_ai.request.model": MODEL}


def test_retrieval(record: BedrockRecorder) -> None:
    search = {"vectorSearchConfiguration": {"numberOfResults": 2}}
    record.agents.retrieve(knowledgeBaseId=BASE, retrievalQuery={"text": "tides"}, retrievalConfiguration=search)
    attributes = record.span.attributes or {}
    assert record.span.name == f"retrieval {BASE}"
    assert record.attributes("gen_ai.data", "gen_ai.retrieval.top", "aws") == {
        "gen_ai.data_source.id": BASE,
        "gen_ai.retrieval.top_k": 2,
        "aws.bedrock.knowledge_base.id": BASE,
    }
    assert attributes["gen_ai.retrieval.query.text"] == "tides"
    first, second = json.loads(str(attributes["gen_ai.retrieval.documents"]))
    assert (first["id"], first["score"], first["content"]["text"]) == ("s3://tides/1", 0.9, "The tide rises twice a day.")
    assert second["id"] == "https://brest.example"


def test_ranking(record: BedrockRecorder) -> None:
    configuration = {"modelConfiguration": {"modelArn": "arn:aws:bedrock:eu-west-3::foundation-model/cohere.rerank-v3-5:0"}}
    ranking: Any = {"type": "BEDROCK_RERANKING_MODEL", "bedrockRerankingConfiguration": {**configuration, "numberOfResults": 2}}
    record.agents.rerank(queries=[{"type": "TEXT", "textQuery": {"text": "b"}}], sources=SOURCES, rerankingConfiguration=ranking)
    attributes = record.span.attributes or {}
    assert record.span.name == "retrieval"
    assert (attributes["gen_ai.request.model"], attributes["gen_ai.retrieval.top_k"]) == ("cohere.rerank-v3-5:0", 2)
    assert json.loads(str(attributes["gen_ai.retrieval.documents"])) == [{"id": "0", "score": 0.9}, {"id": "1", "score": 0.8}]


@pytest.mark.parametrize("streamed", [False, True])
def test_generation_from_a_knowledge_base(record: BedrockRecorder, streamed: bool) -> None:
    method = record.agents.retrieve_and_generate_stream if streamed else record.agents.retrieve_and_generate
    returned = method(input={"text": "tides"}, retrieveAndGenerateConfiguration=rag())
    if streamed:
        list(returned["stream"])
    assert record.span.name == f"chat {MODEL}"
    assert record.attributes("aws", "gen_ai.conversation", "gen_ai.response.finish") == {
        "aws.bedrock.knowledge_base.id": BASE,
        "gen_ai.conversation.id": "s-1",
        "gen_ai.response.finish_reasons": ("stop",),
    }
    text, cited = record.said
    assert text == {"type": "text", "content": "You said: tides"}
    assert cited["citations"][0]["generatedResponsePart"] == {"textResponsePart": {"text": "You said: tides"}}


def test_guardrails(record: BedrockRecorder) -> None:
    said = {"guardrailIdentifier": "gr-1", "guardrailVersion": "1", "source": "INPUT", "content": [{"text": {"text": "a secret"}}]}
    record.runtime.apply_guardrail(**said)
    assert record.span.name == "apply_guardrail gr-1"
    assert record.attributes("aws", "agentops") == {"aws.bedrock.guardrail.id": "gr-1", "agentops.span.kind": "guardrail"}
    assert record.asked == [{"type": "text", "content": "a secret"}]
    assert record.said == [{"type": "text", "content": "That I may not say."}]


def test_without_content_nothing_of_it_is_recorded(record: BedrockRecorder) -> None:
    record.start(ContentMode.NO_CONTENT)
    record.runtime.converse(modelId=MODEL, messages=[{"role": "user", "content": [{"text": "canary"}]}])
    record.runtime.invoke_model(modelId="meta.llama3-8b-instruct-v1:0", body=json.dumps({"prompt": "canary"}))["body"].read()
    record.agents.retrieve(knowledgeBaseId=BASE, retrievalQuery={"text": "canary"})
    list(record.agents.invoke_agent(agentId="A1", agentAliasId="B1", sessionId="s-1", inputText="canary")["completion"])
    spans = record.telemetry.spans()
    assert len(spans) == 4
    assert not [span for span in spans if "canary" in str(span.attributes)]
    assert not [span for span in spans if "gen_ai.retrieval.documents" in (span.attributes or {})]


def test_other_operations_and_services_are_none_of_ours(record: BedrockRecorder) -> None:
    record.server.enqueue(Reply.json({"asyncInvokeSummaries": []}))
    record.runtime.list_async_invokes()
    record.telemetry.assert_balanced(0)
    assert record.telemetry.metrics() == []
