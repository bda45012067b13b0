"""The ollama client: chats, generations and embeddings, sync and async, plain and streamed, in success and failure."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, closing, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import ollama
from tests.fakes.ollama_server import FakeOllama

from agentops_instrumentors.ollama.endpoints import ENDPOINTS
from conformance.scenarios import Chunks, Driven, Provider, Reading, Scenario, missing

if TYPE_CHECKING:
    from collections.abc import Mapping

_MODEL: Final = "llama3.2"
_SAID: Final = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "What is the weather in Paris?"}]
_PARAMETERS: Final = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
_TOOLS: Final = [{"type": "function", "function": {"name": "weather", "description": "The weather.", "parameters": _PARAMETERS}}]
_PICTURE: Final = b"\x89PNG\r\n\x1a\n"
_CONVERSATION: Final = [
    {"role": "user", "content": "And here?", "images": [_PICTURE]},
    {"role": "assistant", "thinking": "A call.", "tool_calls": [{"function": {"name": "weather", "arguments": {"city": "Brest"}}}]},
    {"role": "tool", "tool_name": "weather", "content": "rain"},
]
_OPTIONS: Final = {"temperature": 0.5, "top_p": 0.9, "top_k": 40, "seed": 1, "num_predict": 100, "stop": ["END"]}


@dataclass(frozen=True, slots=True)
class _Case:
    name: str
    method: str
    operation: str
    arguments: Mapping[str, Any] = field(default_factory=dict[str, Any])
    reading: Reading = Reading.NO_STREAM
    fails: bool = False
    tokens: tuple[str, ...] | None = None


def _chat(name: str, reading: Reading = Reading.NO_STREAM, fails: bool = False, **arguments: Any) -> _Case:
    said = {"model": _MODEL, "messages": _SAID, "stream": reading is not Reading.NO_STREAM, **arguments}
    return _Case(f"chat{name}", "chat", "chat", said, reading, fails)


def _generate(name: str, reading: Reading = Reading.NO_STREAM, fails: bool = False, **arguments: Any) -> _Case:
    said = {"model": _MODEL, "prompt": "Once upon a time", "stream": reading is not Reading.NO_STREAM, **arguments}
    return _Case(f"generate{name}", "generate", "text_completion", said, reading, fails)


def _embed(name: str, method: str = "embed", fails: bool = False, tokens: tuple[str, ...] = ("input",), **arguments: Any) -> _Case:
    return _Case(name, method, "embeddings", {"model": "all-minilm", **arguments}, fails=fails, tokens=tokens)


_CASES: Final = (
    _chat(""),
    _chat(" options", options=_OPTIONS),
    _chat(" tools", tools=_TOOLS),
    _chat(" conversation", messages=_CONVERSATION),
    _chat(" format", format=_PARAMETERS),
    _chat(" thinking", model="qwen3", think=True),
    _chat(" error", fails=True, model="error-404"),
    _chat(" stream", Reading.ALL),
    _chat(" stream tools", Reading.ALL, tools=_TOOLS),
    _chat(" stream thinking", Reading.ALL, model="qwen3", think="high"),
    _chat(" stream closed", Reading.ONE),
    _chat(" stream error", Reading.ALL, fails=True, model="error-stream"),
    _chat(" stream refused", Reading.ALL, fails=True, model="error-503"),
    _generate(""),
    _generate(" image", system="Be brief.", images=[_PICTURE], suffix="the end"),
    _generate(" error", fails=True, model="error-400"),
    _generate(" stream", Reading.ALL),
    _generate(" stream closed", Reading.ONE),
    _generate(" stream error", Reading.ALL, fails=True, model="error-stream"),
    _embed("embed", input=["one", "two"]),
    _embed("embed dimensions", input="one", dimensions=4),
    _embed("embed error", input="one", fails=True, model="error-404", tokens=()),
    _embed("embeddings", "embeddings", prompt="one", tokens=()),
)


def _scenario(case: _Case, asynchronous: bool) -> Scenario:
    return Scenario(
        name=f"ollama {'async' if asynchronous else 'sync'} {case.name}",
        call=case,
        operations=(case.operation,),
        asynchronous=asynchronous,
        reading=case.reading,
        fails=case.fails,
        tokens=case.tokens,
    )


def _drive(scenario: Scenario, server: FakeOllama) -> Driven:
    chunks = Chunks(scenario.reading)
    kind = ollama.AsyncClient if scenario.asynchronous else ollama.Client
    with suppress(ollama.ResponseError):
        if scenario.asynchronous:
            asyncio.run(_run_async(scenario.call, ollama.AsyncClient(server.url), chunks))
        else:
            _run(scenario.call, ollama.Client(server.url), chunks)
    return Driven(f"{kind.__module__}:{kind.__qualname__}._request", len(chunks))


def _run(case: _Case, client: Any, chunks: Chunks) -> None:
    with client:
        answer = getattr(client, case.method)(**case.arguments)
        if case.reading is not Reading.NO_STREAM:
            with closing(answer):
                chunks.read(answer)


async def _run_async(case: _Case, client: Any, chunks: Chunks) -> None:
    async with client:
        answer = await getattr(client, case.method)(**case.arguments)
        if case.reading is not Reading.NO_STREAM:
            async with aclosing(answer):
                await chunks.read_async(answer)


PROVIDER: Final = Provider(
    name="ollama",
    targets=tuple(endpoint.target for endpoint in ENDPOINTS),
    scenarios=tuple(_scenario(case, asynchronous) for asynchronous in (False, True) for case in _CASES),
    serve=FakeOllama,
    drive=_drive,
    absent=missing,
)
