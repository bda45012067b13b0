"""The openai client: every operation, sync and async, plain and streamed, in success and failure."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, cast

import openai
from tests.fakes.openai_server import FakeOpenAI

from agentops_instrumentors.openai.endpoints import ENDPOINTS
from conformance.scenarios import Chunks, Driven, Provider, Reading, Scenario, missing

if TYPE_CHECKING:
    from collections.abc import Mapping

_TIMEOUT_SECONDS: Final = 10.0
_MODEL: Final = "gpt-4o-mini"
_SAID: Final = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "What is the weather in Paris?"}]
_PARAMETERS: Final = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
_TOOLS: Final = [{"type": "function", "function": {"name": "weather", "description": "The weather.", "parameters": _PARAMETERS}}]
_IMAGE: Final = "data:image/png;base64,iVBORw0KGgo="
_USAGE: Final = {"include_usage": True}


@dataclass(frozen=True, slots=True)
class _Call:
    """`resource.method(**arguments)`, such as `chat.completions` and `create`. With `stored`, a response is made first, its id passed."""

    resource: str
    method: str
    arguments: Mapping[str, Any]
    stored: bool = False


@dataclass(frozen=True, slots=True)
class _Case:
    name: str
    call: str
    operations: tuple[str, ...]
    arguments: dict[str, Any] = field(default_factory=dict[str, Any])
    reading: Reading = Reading.NO_STREAM
    fails: bool = False
    stored: bool = False


def _chat(name: str, method: str = "create", reading: Reading = Reading.NO_STREAM, fails: bool = False, **arguments: Any) -> _Case:
    return _Case(name, f"chat.completions.{method}", ("chat",), {"model": _MODEL, "messages": _SAID, **arguments}, reading, fails)


def _respond(name: str, method: str = "create", reading: Reading = Reading.NO_STREAM, fails: bool = False, **arguments: Any) -> _Case:
    said = {"model": _MODEL, "input": "What is the weather in Paris?", "instructions": "Be brief.", **arguments}
    return _Case(name, f"responses.{method}", ("chat",), said, reading, fails)


def _complete(name: str, reading: Reading = Reading.NO_STREAM, fails: bool = False, **arguments: Any) -> _Case:
    said = {"model": "gpt-3.5-turbo-instruct", "prompt": "Once upon a time", **arguments}
    return _Case(name, "completions.create", ("text_completion",), said, reading, fails)


def _embed(name: str, fails: bool = False, **arguments: Any) -> _Case:
    said = {"model": "text-embedding-3-small", "input": ["one", "two"], **arguments}
    return _Case(name, "embeddings.create", ("embeddings",), said, fails=fails)


def _fetch(name: str, reading: Reading = Reading.NO_STREAM, **arguments: Any) -> _Case:
    return _Case(name, "responses.retrieve", ("chat", "fetch_response"), arguments, reading, stored=True)


_CONVERSATION: Final = [
    {"role": "user", "content": [{"type": "text", "text": "And here?"}, {"type": "image_url", "image_url": {"url": _IMAGE}}]},
    {"role": "assistant", "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}]},
    {"role": "tool", "tool_call_id": "call_1", "content": "rain"},
]
_ITEMS: Final = [
    {
        "role": "user",
        "content": [{"type": "input_text", "text": "And here?"}, {"type": "input_image", "image_url": _IMAGE, "detail": "low"}],
    },
    {"type": "function_call", "call_id": "call_1", "name": "weather", "arguments": "{}"},
    {"type": "function_call_output", "call_id": "call_1", "output": "rain"},
]
_RESPONSE_TOOLS: Final = [{"type": "function", "name": "weather", "parameters": _PARAMETERS, "strict": False}]
_HOSTED_TOOLS: Final = [
    {"type": "web_search"},
    {"type": "mcp", "server_label": "docs", "server_url": "https://example.org/mcp", "require_approval": "never"},
    {"type": "custom", "name": "shell", "description": "Runs a command."},
]
_LARGE: Final = "x" * 600_000
_LARGE_TOOLS: Final = [{"type": "function", "function": {"name": f"tool_{n}", "description": _LARGE}} for n in range(3)]
_FILES: Final = [
    {
        "role": "user",
        "content": [
            {"type": "text", "text": "Read and listen."},
            {"type": "file", "file": {"file_id": "file-1"}},
            {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
        ],
    }
]

_CASES: Final = (
    _chat("chat.create"),
    _chat("chat.create tools", tools=_TOOLS, temperature=0.5, max_tokens=100, seed=1, stop=["END"]),
    _chat("chat.create conversation", messages=_CONVERSATION, n=2),
    _chat("chat.create files", messages=_FILES),
    _chat("chat.create large messages", messages=[{"role": "user", "content": _LARGE}] * 3),
    _chat("chat.create large tools", tools=_LARGE_TOOLS),
    _chat("chat.create custom tool", tools=[{"type": "custom", "custom": {"name": "shell"}}, *_TOOLS]),
    _chat("chat.create refusal", model="gpt-4o-refusal"),
    _chat("chat.create stream", reading=Reading.ALL, stream=True, stream_options=_USAGE),
    _chat("chat.create stream tools", reading=Reading.ALL, stream=True, stream_options=_USAGE, tools=_TOOLS),
    _chat("chat.create stream without usage", reading=Reading.ALL, stream=True),
    _chat("chat.create stream closed", reading=Reading.ONE, stream=True, stream_options=_USAGE),
    _chat("chat.create stream error", reading=Reading.ALL, fails=True, model="error-stream", stream=True),
    _chat("chat.create stream refused", reading=Reading.ALL, fails=True, model="error-503", stream=True),
    _chat("chat.create error", fails=True, model="error-429"),
    _chat("chat.parse", method="parse"),
    _chat("chat.parse error", method="parse", fails=True, model="error-400"),
    _respond("responses.create"),
    _respond("responses.create reasoning", model="o3", reasoning={"effort": "low"}),
    _respond("responses.create tools", tools=_RESPONSE_TOOLS),
    _respond("responses.create hosted tools", tools=_HOSTED_TOOLS, tool_choice="none"),
    _respond("responses.create items", input=_ITEMS),
    _respond("responses.create background", background=True),
    _respond("responses.create stream", reading=Reading.ALL, stream=True),
    _respond("responses.create stream closed", reading=Reading.ONE, stream=True),
    _respond("responses.create stream error", reading=Reading.ALL, fails=True, model="error-stream", stream=True),
    _respond("responses.create stream refused", reading=Reading.ALL, fails=True, model="error-503", stream=True),
    _respond("responses.create failed", fails=True, model="error-response"),
    _respond("responses.create error", fails=True, model="error-500"),
    _respond("responses.parse", method="parse"),
    _respond("responses.parse error", method="parse", fails=True, model="error-400"),
    _fetch("responses.retrieve"),
    _fetch("responses.retrieve stream", reading=Reading.ALL, stream=True),
    _fetch("responses.retrieve stream closed", reading=Reading.ONE, stream=True),
    _Case(
        "responses.retrieve stream error",
        "responses.retrieve",
        ("fetch_response",),
        {"response_id": "resp_none", "stream": True},
        Reading.ALL,
        fails=True,
    ),
    _Case("responses.retrieve error", "responses.retrieve", ("fetch_response",), {"response_id": "resp_none"}, fails=True),
    _embed("embeddings.create", encoding_format="float"),
    _embed("embeddings.create defaults"),
    _embed("embeddings.create base64", encoding_format="base64", dimensions=256),
    _embed("embeddings.create error", fails=True, encoding_format="float", model="error-401"),
    _complete("completions.create"),
    _complete("completions.create several", prompt=["One", "Two"], n=2),
    _complete("completions.create stream", reading=Reading.ALL, stream=True, stream_options=_USAGE),
    _complete("completions.create stream closed", reading=Reading.ONE, stream=True),
    _complete("completions.create stream refused", reading=Reading.ALL, fails=True, model="error-503", stream=True),
    _complete("completions.create error", fails=True, model="error-503"),
)


def _scenario(case: _Case, asynchronous: bool) -> Scenario:
    resource, _, method = case.call.rpartition(".")
    return Scenario(
        name=f"openai {'async' if asynchronous else 'sync'} {case.name}",
        call=_Call(resource, method, case.arguments, case.stored),
        operations=case.operations,
        asynchronous=asynchronous,
        reading=case.reading,
        fails=case.fails,
        tokens=_tokens(case),
    )


def _tokens(case: _Case) -> tuple[str, ...] | None:
    """What the service tells of usage where that is not as ever: in streams of chat only what it is asked to."""
    if case.operations == ("embeddings",):
        return () if case.fails else ("input",)
    if case.stored:
        return ("input", "output")
    untold = "stream" in case.arguments and case.call == "chat.completions.create" and "stream_options" not in case.arguments
    return () if untold or "background" in case.arguments else None


def _drive(scenario: Scenario, server: FakeOpenAI) -> Driven:
    settings: dict[str, Any] = {"base_url": server.base_url, "api_key": "conformance", "max_retries": 0, "timeout": _TIMEOUT_SECONDS}
    client: Any = openai.AsyncOpenAI(**settings) if scenario.asynchronous else openai.OpenAI(**settings)
    call: _Call = scenario.call
    chunks = Chunks(scenario.reading)
    with suppress(openai.OpenAIError):
        if scenario.asynchronous:
            asyncio.run(_run_async(call, client, chunks, scenario.reading))
        else:
            _run(call, client, chunks, scenario.reading)
    kind = cast("type[object]", type(attrgetter(call.resource)(client)))
    return Driven(f"{kind.__module__}:{kind.__qualname__}.{call.method}", len(chunks))


def _run(call: _Call, client: Any, chunks: Chunks, reading: Reading) -> None:
    with client:
        arguments = dict(call.arguments)
        if call.stored:
            arguments["response_id"] = client.responses.create(model=_MODEL, input="Keep this.").id
        answer = getattr(attrgetter(call.resource)(client), call.method)(**arguments)
        if reading is not Reading.NO_STREAM:
            with answer:
                chunks.read(answer)


async def _run_async(call: _Call, client: Any, chunks: Chunks, reading: Reading) -> None:
    async with client:
        arguments = dict(call.arguments)
        if call.stored:
            arguments["response_id"] = (await client.responses.create(model=_MODEL, input="Keep this.")).id
        answer = await getattr(attrgetter(call.resource)(client), call.method)(**arguments)
        if reading is not Reading.NO_STREAM:
            async with answer:
                await chunks.read_async(answer)


PROVIDER: Final = Provider(
    name="openai",
    targets=tuple(endpoint.target for endpoint in ENDPOINTS),
    scenarios=tuple(_scenario(case, asynchronous) for asynchronous in (False, True) for case in _CASES),
    serve=FakeOpenAI,
    drive=_drive,
    absent=missing,
)
