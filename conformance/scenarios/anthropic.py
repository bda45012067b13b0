"""The anthropic client: messages, token counts, batches and tools, sync and async, plain and streamed, in success and failure."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, cast

import anthropic
from tests.fakes.anthropic_server import FakeAnthropic

from agentops_instrumentors.anthropic.endpoints import ENDPOINTS
from conformance.scenarios import Chunks, Driven, Provider, Reading, Scenario, missing
from conformance.scenarios.anthropic_tools import ASKED, TOOLS, TOOLS_ASYNC

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

_TIMEOUT_SECONDS: Final = 10.0
_MODEL: Final = ASKED["model"]
_TOOL: Final = {
    "name": "weather",
    "description": "The weather.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
}
_SEARCH: Final = {"type": "web_search_20250305", "name": "web_search"}
_PICTURE: Final = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}}
_CACHED: Final = [{"type": "text", "text": "Be brief. " * 40, "cache_control": {"type": "ephemeral"}}]
_THINKING: Final = {"type": "enabled", "budget_tokens": 1024}
_CONVERSATION: Final = [
    {"role": "user", "content": [{"type": "text", "text": "And here?"}, _PICTURE]},
    {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Brest"}}]},
    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "rain"}]},
]
_EVENTS: Final = frozenset(
    {"message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta", "message_stop"}
)
"""Events of the service; `stream()` has more, made of these."""
_TOOLS: Final = "anthropic.lib.tools"
_CLIENTS: Final = {
    "": ("Anthropic", {"api_key": "conformance"}),
    "bedrock": ("AnthropicBedrock", {"aws_region": "eu-west-1", "aws_access_key": "a", "aws_secret_key": "s"}),
    "vertex": ("AnthropicVertex", {"region": "europe-west1", "project_id": "p", "access_token": "t"}),
}


@dataclass(frozen=True, slots=True)
class _Case:
    """`resource.method(**arguments)` of a platform's client, or what `special` names. `target` is what it is about, if not that method."""

    name: str
    call: str
    operations: tuple[str, ...] = ("chat",)
    arguments: Mapping[str, Any] = field(default_factory=dict[str, Any])
    reading: Reading = Reading.NO_STREAM
    fails: bool = False
    tokens: tuple[str, ...] | None = None
    platform: str = ""
    internal: tuple[str, ...] = ()
    target: str = ""


def _messages(resource: str) -> Iterator[_Case]:
    def case(name: str, method: str = "create", reading: Reading = Reading.NO_STREAM, **more: Any) -> _Case:
        fails, tokens = more.pop("fails", False), more.pop("tokens", None)
        return _Case(f"{resource}.{name}", f"{resource}.{method}", ("chat",), {**ASKED, **more}, reading, fails, tokens)

    yield case("create")
    yield case("create cached", system=_CACHED)
    yield case("create tools", tools=[_TOOL], extra_body={"temperature": 0.5}, stop_sequences=["END"])
    yield case("create server tool", tools=[_SEARCH])
    yield case("create conversation", messages=_CONVERSATION, tools=[_TOOL])
    yield case("create thinking", thinking=_THINKING)
    yield case("create error", fails=True, model="error-429")
    yield case("create stream", reading=Reading.ALL, stream=True)
    yield case("create stream thinking", reading=Reading.ALL, stream=True, thinking=_THINKING, tools=[_TOOL])
    yield case("create stream closed", reading=Reading.ONE, stream=True, tokens=("input",))
    yield case("create stream error", reading=Reading.ALL, stream=True, fails=True, model="error-stream", tokens=("input",))
    yield case("create stream refused", reading=Reading.ALL, stream=True, fails=True, model="error-529")
    yield case("parse", "parse")
    yield case("parse error", "parse", fails=True, model="error-400")
    yield case("stream", "stream", Reading.ALL)
    yield case("stream closed", "stream", Reading.ONE, tokens=("input",))
    yield case("stream error", "stream", Reading.ALL, fails=True, model="error-529")
    counted = {"model": _MODEL, "messages": ASKED["messages"]}
    yield _Case(f"{resource}.count_tokens", f"{resource}.count_tokens", ("count_tokens",), counted, tokens=())
    refused = {**counted, "model": "error-400"}
    yield _Case(f"{resource}.count_tokens error", f"{resource}.count_tokens", ("count_tokens",), refused, fails=True)


def _platform(platform: str) -> Iterator[_Case]:
    for resource in ("messages", "beta.messages"):
        name = f"{platform} {resource}"
        yield _Case(f"{name}.create", f"{resource}.create", arguments=ASKED, platform=platform)
        streamed = {**ASKED, "stream": True}
        yield _Case(f"{name}.create stream", f"{resource}.create", arguments=streamed, reading=Reading.ALL, platform=platform)
        yield _Case(f"{name}.stream", f"{resource}.stream", arguments=ASKED, reading=Reading.ALL, platform=platform)
        yield _Case(f"{name}.parse", f"{resource}.parse", arguments=ASKED, platform=platform)


def _batches(resource: str) -> Iterator[_Case]:
    wanted: dict[str, Any] = {"requests": [{"custom_id": "one", "params": ASKED}]}
    yield _Case(f"{resource}.create", f"{resource}.create", ("create_batch",), wanted, tokens=())
    yield _Case(f"{resource}.create error", f"{resource}.create", ("create_batch",), {"requests": []}, fails=True)
    for method, operation in (("retrieve", "fetch_response"), ("cancel", "cancel_batch"), ("results", "fetch_response")):
        yield _Case(f"{resource}.{method}", f"{resource}.{method}", ("create_batch", operation), tokens=())
        unknown = {"message_batch_id": "msgbatch_none"}
        yield _Case(f"{resource}.{method} error", f"{resource}.{method}", (operation,), unknown, fails=True)


def _tools(asynchronous: bool) -> Iterator[_Case]:
    kind, runner = ("Async", "BaseAsyncToolRunner") if asynchronous else ("", "BaseSyncToolRunner")
    for name, target in (
        ("tool runner", f"{_TOOLS}._beta_functions:Beta{kind}FunctionTool.call"),
        ("tool runner's call", f"{_TOOLS}._beta_runner:{runner}._run_tool"),
    ):
        yield _Case(name, "run_tools", ("chat", "chat"), internal=("execute_tool",), target=target)
    failing = f"{_TOOLS}._beta_functions:Beta{kind}FunctionTool.call"
    yield _Case("failing tool", "fail_tool", (), fails=True, internal=("execute_tool",), target=failing)
    memory = f"{_TOOLS}._beta_builtin_memory_tool:Beta{kind}AbstractMemoryTool.call"
    yield _Case("memory tool", "remember", (), internal=("execute_tool",), tokens=(), target=memory)
    toolset = f"{_TOOLS}._toolsets._runnable:Beta{kind}RunnableToolset.tool_result"
    yield _Case("toolset", "use_toolset", (), internal=("execute_tool",), tokens=(), target=toolset)
    native = "anthropic._base_client:BaseClient._tracer"
    yield _Case("the client's own spans", "messages.create", arguments=ASKED, target=native)


def _cases(asynchronous: bool) -> Iterator[_Case]:
    for resource in ("messages", "beta.messages"):
        yield from _messages(resource)
        yield from _batches(f"{resource}.batches")
    for platform in ("bedrock", "vertex"):
        yield from _platform(platform)
    yield from _tools(asynchronous)


def _scenario(case: _Case, asynchronous: bool) -> Scenario:
    return Scenario(
        name=f"anthropic {'async' if asynchronous else 'sync'} {case.name}",
        call=case,
        operations=case.operations,
        asynchronous=asynchronous,
        reading=case.reading,
        fails=case.fails,
        internal=case.internal,
        tokens=case.tokens,
    )


def _client(case: _Case, server: FakeAnthropic, asynchronous: bool) -> Any:
    name, options = _CLIENTS[case.platform]
    kind = getattr(anthropic, f"Async{name}" if asynchronous else name)
    if case.call == "run_tools":
        # The SDK's own span around its runner says OK, which the conventions leave to the program.
        options = {**options, "open_telemetry": False}
    return kind(base_url=server.base_url, max_retries=0, timeout=_TIMEOUT_SECONDS, **options)


def _drive(scenario: Scenario, server: FakeAnthropic) -> Driven:
    case: _Case = scenario.call
    client: Any = _client(case, server, scenario.asynchronous)
    chunks = Chunks(scenario.reading)
    with suppress(anthropic.AnthropicError):
        if scenario.asynchronous:
            asyncio.run(_run_async(case, client, chunks))
        else:
            _run(case, client, chunks)
    if case.target:
        return Driven(case.target, len(chunks))
    resource, _, method = case.call.rpartition(".")
    kind = cast("type[object]", type(attrgetter(resource)(client)))
    return Driven(f"{kind.__module__}:{kind.__qualname__}.{method}", len(chunks))


def _run(case: _Case, client: Any, chunks: Chunks) -> None:
    with client:
        if case.call in TOOLS:
            TOOLS[case.call](client)
            return
        resource, _, method = case.call.rpartition(".")
        arguments = dict(case.arguments)
        if case.operations[0] == "create_batch" and method != "create":
            arguments["message_batch_id"] = client.messages.batches.create(requests=[{"custom_id": "one", "params": ASKED}]).id
        answer = getattr(attrgetter(resource)(client), method)(**arguments)
        if case.reading is not Reading.NO_STREAM:
            with answer as stream:
                chunks.read(event for event in stream if event.type in _EVENTS)


async def _run_async(case: _Case, client: Any, chunks: Chunks) -> None:
    async with client:
        if case.call in TOOLS_ASYNC:
            await TOOLS_ASYNC[case.call](client)
            return
        resource, _, method = case.call.rpartition(".")
        arguments = dict(case.arguments)
        if case.operations[0] == "create_batch" and method != "create":
            made = await client.messages.batches.create(requests=[{"custom_id": "one", "params": ASKED}])
            arguments["message_batch_id"] = made.id
        answer: Any = getattr(attrgetter(resource)(client), method)(**arguments)
        if method != "stream":
            answer = await answer
        if case.reading is not Reading.NO_STREAM:
            async with answer as stream:
                await chunks.read_async(_events(stream))


async def _events(stream: Any) -> AsyncIterator[Any]:
    async for event in stream:
        if event.type in _EVENTS:
            yield event


PROVIDER: Final = Provider(
    name="anthropic",
    targets=tuple(endpoint.target for endpoint in ENDPOINTS),
    scenarios=tuple(_scenario(case, asynchronous) for asynchronous in (False, True) for case in _cases(asynchronous)),
    serve=FakeAnthropic,
    drive=_drive,
    absent=missing,
)
