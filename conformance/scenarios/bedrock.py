"""Bedrock's clients of boto3 and aiobotocore: every operation, sync and async, plain and streamed, in success and failure."""

# pyright: reportMissingTypeStubs=false
from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack, ExitStack, closing, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import botocore.session
from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from tests.fakes.aws_bedrock import FakeBedrock

from agentops_instrumentors.bedrock.endpoints import ENDPOINTS
from conformance.scenarios import Chunks, Driven, Provider, Reading, Scenario, missing

if TYPE_CHECKING:
    from collections.abc import Mapping

_CLAUDE: Final = "anthropic.claude-3-5-sonnet-20241022-v2:0"
_NOVA: Final = "us.amazon.nova-pro-v1:0"
_ARN: Final = "arn:aws:bedrock:eu-west-3::foundation-model/"
_RUNTIME, _AGENTS = "bedrock-runtime", "bedrock-agent-runtime"
_SAID: Final = [{"role": "user", "content": [{"text": "What is the weather in Paris?"}]}]
_SCHEMA: Final = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
_TOOL: Final = {"toolSpec": {"name": "weather", "description": "The weather.", "inputSchema": {"json": _SCHEMA}}}
_PICTURE: Final = {"image": {"format": "png", "source": {"bytes": b"\x89PNG\r\n\x1a\n"}}}
_CALLED: Final = {"toolUse": {"toolUseId": "t-1", "name": "weather", "input": {"city": "Brest"}}}
_ANSWERED: Final = {"toolResult": {"toolUseId": "t-1", "content": [{"json": {"weather": "rain"}}]}}
_CONVERSATION: Final = [
    {"role": "user", "content": [{"text": "And here?"}, _PICTURE]},
    {"role": "assistant", "content": [_CALLED]},
    {"role": "user", "content": [_ANSWERED]},
]
_INFERENCE: Final = {"maxTokens": 100, "temperature": 0.5, "topP": 0.9, "stopSequences": ["END"]}
_GUARDRAIL: Final = {"guardrailIdentifier": "gr-1", "guardrailVersion": "1"}
_BASE: Final = {"knowledgeBaseId": "KB12345678", "modelArn": _ARN + _CLAUDE}
_CHAT: Final = [{"role": "user", "content": "Once upon a time"}]
_BODIES: Final[dict[str, tuple[str, str, Mapping[str, Any]]]] = {
    "anthropic": (
        _CLAUDE,
        "chat",
        {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 100, "system": "Be brief", "messages": _CHAT},
    ),
    "nova": (_NOVA, "chat", {"messages": _SAID, "inferenceConfig": {"maxTokens": 100, "topK": 3}}),
    "mistral chat": ("mistral.mistral-large-2407-v1:0", "chat", {"messages": _CHAT, "max_tokens": 100}),
    "command r": ("cohere.command-r-v1:0", "chat", {"message": "Once upon a time", "preamble": "Be brief."}),
    "meta": ("meta.llama3-8b-instruct-v1:0", "text_completion", {"prompt": "Once upon a time", "max_gen_len": 100}),
    "mistral": ("mistral.mistral-7b-instruct-v0:2", "text_completion", {"prompt": "Once upon a time", "max_tokens": 100}),
    "titan": ("amazon.titan-text-express-v1", "text_completion", {"inputText": "Once upon a time"}),
    "command": ("cohere.command-text-v14", "text_completion", {"prompt": "Once upon a time", "max_tokens": 100}),
}

# A session reads the service's whole description once.
_SESSION: Final[Any] = botocore.session.Session()
_AIO_SESSION: Final[Any] = AioSession()


@dataclass(frozen=True, slots=True)
class _Case:
    """`member` is where the answer has its stream, or its body."""

    name: str
    service: str
    method: str
    operation: str
    arguments: Mapping[str, Any] = field(default_factory=dict[str, Any])
    member: str = ""
    reading: Reading = Reading.NO_STREAM
    fails: bool = False
    tokens: tuple[str, ...] | None = None


def _converse(name: str, reading: Reading = Reading.NO_STREAM, fails: bool = False, **arguments: Any) -> _Case:
    said = {"modelId": _CLAUDE, "messages": _SAID, **arguments}
    streamed = reading is not Reading.NO_STREAM
    method = "converse_stream" if streamed else "converse"
    return _Case(f"converse{name}", _RUNTIME, method, "chat", said, "stream" if streamed else "", reading, fails)


def _invoke(family: str, reading: Reading = Reading.NO_STREAM, name: str = "", fails: bool = False, **arguments: Any) -> _Case:
    model, operation, body = _BODIES[family]
    streamed = reading is not Reading.NO_STREAM
    method = "invoke_model_with_response_stream" if streamed else "invoke_model"
    said = {"modelId": model, "body": json.dumps(body), **arguments}
    return _Case(f"invoke {family}{' stream' if streamed else ''}{name}", _RUNTIME, method, operation, said, "body", reading, fails)


def _body(name: str, model: str, operation: str, tokens: tuple[str, ...], fails: bool = False, **body: Any) -> _Case:
    said = {"modelId": model, "body": json.dumps(body)}
    return _Case(name, _RUNTIME, "invoke_model", operation, said, "body", fails=fails, tokens=tokens)


def _agent(name: str, reading: Reading = Reading.ALL, fails: bool = False, **arguments: Any) -> _Case:
    said = {"agentId": "A1", "agentAliasId": "B1", "sessionId": "s-1", "inputText": "Once upon a time", **arguments}
    traced = ("input", "output") if arguments.get("enableTrace") else ()
    return _Case(f"agent{name}", _AGENTS, "invoke_agent", "invoke_agent", said, "completion", reading, fails, traced)


def _generate(name: str, reading: Reading = Reading.NO_STREAM, fails: bool = False, **configured: Any) -> _Case:
    streamed = reading is not Reading.NO_STREAM
    configuration = {"type": "KNOWLEDGE_BASE", "knowledgeBaseConfiguration": {**_BASE, **configured}}
    said = {"input": {"text": "tides"}, "retrieveAndGenerateConfiguration": configuration}
    method = "retrieve_and_generate_stream" if streamed else "retrieve_and_generate"
    return _Case(f"generate{name}", _AGENTS, method, "chat", said, "stream" if streamed else "", reading, fails, ())


def _guard(name: str, fails: bool = False, identifier: str = "gr-1") -> _Case:
    said = {"guardrailIdentifier": identifier, "guardrailVersion": "1", "source": "INPUT", "content": [{"text": {"text": "a secret"}}]}
    return _Case(f"guardrail{name}", _RUNTIME, "apply_guardrail", "apply_guardrail", said, fails=fails, tokens=())


_SEARCH: Final = {"vectorSearchConfiguration": {"numberOfResults": 2}}
_RETRIEVED: Final = {"knowledgeBaseId": "KB12345678", "retrievalQuery": {"text": "tides"}, "retrievalConfiguration": _SEARCH}
_RANKING: Final = {"modelConfiguration": {"modelArn": f"{_ARN}cohere.rerank-v3-5:0"}, "numberOfResults": 1}
_RANKED: Final = {
    "queries": [{"type": "TEXT", "textQuery": {"text": "tides"}}],
    "sources": [{"type": "INLINE", "inlineDocumentSource": {"type": "TEXT", "textDocument": {"text": "a tide"}}}],
    "rerankingConfiguration": {"type": "BEDROCK_RERANKING_MODEL", "bedrockRerankingConfiguration": _RANKING},
}
_CASES: Final = (
    _converse(""),
    _converse(" parameters", inferenceConfig=_INFERENCE, system=[{"text": "Be brief."}], guardrailConfig=_GUARDRAIL),
    _converse(" tools", toolConfig={"tools": [_TOOL]}),
    _converse(" conversation", messages=_CONVERSATION),
    _converse(" cached", system=[{"text": "Be brief."}, {"cachePoint": {"type": "default"}}], modelId=_ARN + _CLAUDE),
    _converse(" thinking", modelId=f"{_NOVA}.thinking"),
    _converse(" error", fails=True, modelId="error-429"),
    _converse(" stream", Reading.ALL, guardrailConfig=_GUARDRAIL),
    _converse(" stream tools", Reading.ALL, toolConfig={"tools": [_TOOL]}),
    _converse(" stream thinking", Reading.ALL, modelId=f"{_NOVA}.thinking"),
    _converse(" stream closed", Reading.ONE),
    _converse(" stream error", Reading.ALL, fails=True, modelId="error-stream"),
    _converse(" stream refused", Reading.ALL, fails=True, modelId="error-503"),
    *(_invoke(family, reading) for family in _BODIES for reading in (Reading.NO_STREAM, Reading.ALL)),
    _invoke("meta", name=" guarded", guardrailIdentifier="gr-1", guardrailVersion="1"),
    _invoke("meta", name=" error", fails=True, modelId="error-400"),
    _invoke("meta", Reading.ONE, name=" closed"),
    _invoke("meta", Reading.ALL, name=" error", fails=True, modelId="error-stream"),
    _body(
        "embed titan", "amazon.titan-embed-text-v2:0", "embeddings", ("input",), inputText="one", dimensions=16, embeddingTypes=["float"]
    ),
    _body("embed error", "error-400", "embeddings", (), fails=True, texts=["one"], embedding_types=["float"]),
    _body("embed cohere", "cohere.embed-english-v3", "embeddings", ("input",), texts=["one", "two"], embedding_types=["float"]),
    _body("rerank body", "cohere.rerank-v3-5:0", "retrieval", (), query="tides", documents=["a tide"], top_n=1, api_version=2),
    _body("picture", "amazon.nova-canvas-v1:0", "generate_content", (), taskType="TEXT_IMAGE", textToImageParams={"text": "a tide"}),
    _body("picture error", "error-400", "generate_content", (), fails=True, taskType="TEXT_IMAGE", textToImageParams={"text": "a tide"}),
    _guard(""),
    _guard(" error", fails=True, identifier="error-403"),
    _agent(""),
    _agent(" traced", enableTrace=True),
    _agent(" returns control", inputText="call me"),
    _agent(" closed", Reading.ONE),
    _agent(" error", fails=True, agentId="error-429"),
    _Case("retrieve", _AGENTS, "retrieve", "retrieval", _RETRIEVED, tokens=()),
    _Case("retrieve error", _AGENTS, "retrieve", "retrieval", {**_RETRIEVED, "knowledgeBaseId": "error-4040"}, fails=True),
    _generate(""),
    _generate(" error", fails=True, modelArn=f"{_ARN}error-429"),
    _generate(" stream", Reading.ALL),
    _Case("rerank", _AGENTS, "rerank", "retrieval", _RANKED, tokens=()),
)


def _scenario(case: _Case, asynchronous: bool) -> Scenario:
    return Scenario(
        name=f"bedrock {'async' if asynchronous else 'sync'} {case.name}",
        call=case,
        operations=(case.operation,),
        asynchronous=asynchronous,
        reading=case.reading,
        fails=case.fails,
        tokens=case.tokens,
    )


def _settings(config: type[Config], server: FakeBedrock) -> dict[str, Any]:
    chosen = config(signature_version=UNSIGNED, retries={"total_max_attempts": 1})
    return {"endpoint_url": server.url, "region_name": "eu-west-3", "config": chosen}


def _drive(scenario: Scenario, server: FakeBedrock) -> Driven:
    chunks = Chunks(scenario.reading)
    with suppress(ClientError):
        if scenario.asynchronous:
            asyncio.run(_run_async(scenario.call, server, chunks))
        else:
            _run(scenario.call, server, chunks)
    return Driven(ENDPOINTS[scenario.asynchronous].target, len(chunks))


def _run(case: _Case, server: FakeBedrock, chunks: Chunks) -> None:
    with ExitStack() as stack:
        made = _SESSION.create_client(case.service, **_settings(Config, server))
        answer = getattr(stack.enter_context(closing(made)), case.method)(**case.arguments)
        later = answer.get(case.member)
        if case.reading is not Reading.NO_STREAM:
            chunks.read(stack.enter_context(closing(later)))
        elif later is not None:
            later.read()


async def _run_async(case: _Case, server: FakeBedrock, chunks: Chunks) -> None:
    async with AsyncExitStack() as stack:
        made = _AIO_SESSION.create_client(case.service, **_settings(AioConfig, server))
        answer = await getattr(await stack.enter_async_context(made), case.method)(**case.arguments)
        later = answer.get(case.member)
        if case.reading is not Reading.NO_STREAM:
            await chunks.read_async(stack.enter_context(closing(later)))
        elif later is not None:
            await later.read()


PROVIDER: Final = Provider(
    name="bedrock",
    targets=tuple(endpoint.target for endpoint in ENDPOINTS),
    scenarios=tuple(_scenario(case, asynchronous) for asynchronous in (False, True) for case in _CASES),
    serve=FakeBedrock,
    drive=_drive,
    absent=missing,
)
