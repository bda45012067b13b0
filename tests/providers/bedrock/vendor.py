"""The AWS clients as the laboratory needs them, and every way an application asks Bedrock for something."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import aiobotocore.session
import botocore.session
from aiobotocore.config import AioConfig
from aiohttp.client_reqrep import _CONNECTION_CLOSED_EXCEPTION
from botocore import UNSIGNED
from botocore.config import Config

from agentops_instrumentors.bedrock import BedrockInstrumentor
from tests.fakes.aws_converse import ERRORS
from tests.providers.differential import settle
from tests.providers.endings import Opened

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fakes.aws_bedrock import FakeBedrock

MODEL: Final = "anthropic.claude-3-5-sonnet-20241022-v2:0"
SAID: Final[Any] = [{"role": "user", "content": [{"text": "hello there"}]}]
TOOLS: Final[Any] = {
    "tools": [{"toolSpec": {"name": "weather", "description": "The weather.", "inputSchema": {"json": {"type": "object"}}}}]
}
SOURCES: Final[Any] = [{"type": "INLINE", "inlineDocumentSource": {"type": "TEXT", "textDocument": {"text": text}}} for text in ("a", "b")]
BASE: Final = "KB12345678"


class Clients:
    """Clients of the two runtimes."""

    def __init__(self, runtime: Any, agents: Any) -> None:
        self.runtime = runtime
        self.agents = agents


class BedrockVendor:
    """The clients, and the service at their endpoint URL."""

    instrumentor = BedrockInstrumentor
    unreadable = "agentops: Telemetry failed in "
    volatile_headers = ("amz-sdk-invocation-id",)
    error_codes = tuple(code for code, _ in ERRORS.values())
    evidence = "gen_ai.output.messages"

    def __init__(self, server: FakeBedrock) -> None:
        self.server = server

    def client(self, mode: str, **options: Any) -> Any:
        return clients(self.server.url, **options) if mode == "sync" else async_clients(self.server.url, **options)

    def close(self, client: Clients) -> Any:
        if isinstance(client.runtime, aiobotocore.client.AioBaseClient):
            return _close(client)
        client.runtime.close()
        client.agents.close()
        return None


async def _close(client: Clients) -> None:
    await client.runtime.close()
    await client.agents.close()


@lru_cache(maxsize=1)
def _session() -> botocore.session.Session:
    # Reading the services' descriptions takes 50 ms, and the session keeps them.
    return botocore.session.Session()


@lru_cache(maxsize=1)
def _async_session() -> aiobotocore.session.AioSession:
    return aiobotocore.session.AioSession()


def knows(service: str, shape: str, member: str) -> bool:
    """Whether the installed SDK has `member` in `shape`: the services' descriptions grow with every release."""
    return member in _session().get_service_model(service).shape_for(shape).members


def _options(kind: type[Config], **options: Any) -> Config:
    return kind(signature_version=UNSIGNED, retries={"total_max_attempts": 1}, **{"read_timeout": 5, "connect_timeout": 5, **options})


def clients(url: str, **options: Any) -> Clients:
    """Synchronous clients; `options` are botocore's."""
    settings = {"endpoint_url": url, "region_name": "eu-west-3", "config": _options(Config, **options)}
    return Clients(*(_session().create_client(name, **settings) for name in ("bedrock-runtime", "bedrock-agent-runtime")))


async def async_clients(url: str, **options: Any) -> Clients:
    """Asynchronous clients, entered."""
    # The HTTP library raises this one object again and again, with the frames of every time before.
    _CONNECTION_CLOSED_EXCEPTION.with_traceback(None)
    settings = {"endpoint_url": url, "region_name": "eu-west-3", "config": _options(AioConfig, **options)}
    made = [_async_session().create_client(name, **settings) for name in ("bedrock-runtime", "bedrock-agent-runtime")]
    return Clients(*[await one.__aenter__() for one in made])


def rag(model: str = MODEL) -> Any:
    """What a generation from a knowledge base is asked with."""
    base = {"knowledgeBaseId": BASE, "modelArn": f"arn:aws:bedrock:eu-west-3::foundation-model/{model}"}
    return {"type": "KNOWLEDGE_BASE", "knowledgeBaseConfiguration": base}


def ranking(model: str) -> Any:
    """What a ranking is asked with."""
    arn = f"arn:aws:bedrock:eu-west-3::foundation-model/{model}"
    return {"type": "BEDROCK_RERANKING_MODEL", "bedrockRerankingConfiguration": {"modelConfiguration": {"modelArn": arn}}}


def _body(model: str) -> str:
    return json.dumps({"prompt": "hello there", "max_gen_len": 64})


_GUARDED: Final[Any] = {"guardrailVersion": "1", "source": "INPUT", "content": [{"text": {"text": "a secret"}}]}
_QUERY: Final[Any] = [{"type": "TEXT", "textQuery": {"text": "tide"}}]

PLAIN: Final[dict[str, Callable[..., Any]]] = {
    "converse": lambda client, model: client.runtime.converse(modelId=model, messages=SAID, inferenceConfig={"maxTokens": 64}),
    "converse tools": lambda client, model: client.runtime.converse(modelId=model, messages=SAID, toolConfig=TOOLS),
    "guardrail": lambda client, model: client.runtime.apply_guardrail(guardrailIdentifier=model[:9], **_GUARDED),
    "retrieve": lambda client, model: client.agents.retrieve(knowledgeBaseId=f"{model[:9]}x", retrievalQuery={"text": "tide"}),
    "generate": lambda client, model: client.agents.retrieve_and_generate(
        input={"text": "tides"}, retrieveAndGenerateConfiguration=rag(model)
    ),
    "rerank": lambda client, model: client.agents.rerank(queries=_QUERY, sources=SOURCES, rerankingConfiguration=ranking(model)),
}
_STREAMS: Final[dict[str, tuple[str, Callable[..., Any]]]] = {
    "converse": ("stream", lambda client, model: client.runtime.converse_stream(modelId=model, messages=SAID)),
    "invoke": ("body", lambda client, model: client.runtime.invoke_model_with_response_stream(modelId=model, body=_body(model))),
    "agent": (
        "completion",
        lambda client, model: client.agents.invoke_agent(agentId=model[:9], agentAliasId="A", sessionId="se-1", inputText="hi"),
    ),
    "generate": (
        "stream",
        lambda client, model: client.agents.retrieve_and_generate_stream(
            input={"text": "tides"}, retrieveAndGenerateConfiguration=rag(model)
        ),
    ),
}


def asking(surface: str, model: str = MODEL) -> Callable[[Any], Any]:
    """A plain call on `surface`."""

    async def ask(client: Any) -> Any:
        return await settle(PLAIN[surface](client, model))

    return ask


def invoking(model: str = "meta.llama3-8b-instruct-v1:0") -> Callable[[Any], Any]:
    """A call whose answer has a body to be read."""

    async def ask(client: Any) -> Any:
        return await settle(client.runtime.invoke_model(modelId=model, body=_body(model)))

    return ask


class Held:
    """An event stream with the one iterator over it that a program steps through by hand."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self.close = stream.close
        self._events = iter(stream)

    def __iter__(self) -> Held:
        return self

    def __next__(self) -> Any:
        return next(self._events)


class AsyncHeld:
    """`Held`, asynchronously."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self.close = stream.close
        self._events = stream.__aiter__()

    def __aiter__(self) -> AsyncHeld:
        return self

    async def __anext__(self) -> Any:
        return await anext(self._events)


def opening(surface: str, model: str = MODEL, held: bool = False) -> Callable[[Any], Any]:
    """A streamed call on `surface`."""
    member, call = _STREAMS[surface]

    async def opener(client: Any) -> Opened:
        stream = (await settle(call(client, model)))[member]
        if held:
            return Opened(AsyncHeld(stream) if hasattr(stream, "__aiter__") else Held(stream))
        return Opened(stream)

    return opener


STREAMS: Final = tuple(_STREAMS)
