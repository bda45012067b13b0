"""The google-genai client: generation, functions, embeddings, pictures, videos, batches, caches and live sessions, sync and async."""

from __future__ import annotations

import asyncio
import warnings
from contextlib import ExitStack, aclosing, closing, suppress
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, cast

import httpx
from google import genai
from google.genai import _extra_utils, errors, types
from google.genai._adapters import McpToGenAiToolAdapter
from tests.fakes.google_live import FakeLive
from tests.fakes.google_server import FakeGoogle, Served

from agentops_instrumentors.google_genai.endpoints import ENDPOINTS
from conformance.scenarios import Chunks, Driven, Provider, Reading, Scenario, missing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping

_MODEL: Final = "gemini-2.5-flash"
_ASKED: Final[Mapping[str, Any]] = {"model": _MODEL, "contents": "What is the weather in Paris?"}
_BOAT: Final[Mapping[str, Any]] = {"model": "imagen-3", "prompt": "a boat"}
_PICTURE: Final = types.Image(image_bytes=b"\x89PNG", mime_type="image/png")
_REFERENCE: Final = types.RawReferenceImage(reference_id=1, reference_image=_PICTURE)
_FILM: Final[Mapping[str, Any]] = {"model": "veo-2", "source": {"prompt": "a boat"}}
_BATCH: Final[Mapping[str, Any]] = {"model": _MODEL, "src": [{"contents": [{"parts": [{"text": "a"}], "role": "user"}]}]}
_SETTINGS: Final[Mapping[str, Any]] = {
    "system_instruction": "Be brief.",
    "temperature": 0.5,
    "top_k": 40,
    "top_p": 0.9,
    "max_output_tokens": 100,
    "stop_sequences": ["END"],
    "response_mime_type": "application/json",
    "response_schema": {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}},
}
_CONVERSATION: Final = [
    {"role": "user", "parts": [{"text": "And here?"}, {"inline_data": {"data": b"\x89PNG", "mime_type": "image/png"}}]},
    {"role": "model", "parts": [{"text": "A call.", "thought": True}, {"function_call": {"name": "weather", "args": {"city": "Brest"}}}]},
    {"role": "user", "parts": [{"function_response": {"name": "weather", "response": {"result": "rain"}}}]},
]
_BOTH: Final = ("input", "output")


def _weather(city: str) -> str:
    """The weather."""
    return f"rain in {city}"


async def _weather_async(city: str) -> str:
    """The weather."""
    return f"rain in {city}"


@dataclass(frozen=True, slots=True)
class _Case:
    """`call` is a method of the client, such as `models.generate_content`, or a key of `_SPECIAL`.

    `target` is what it is about, as sync code names it: `{}` stands for `Async` or nothing.
    """

    name: str
    call: str
    target: str
    operations: tuple[str, ...] = ("generate_content",)
    arguments: Mapping[str, Any] = field(default_factory=dict[str, Any])
    reading: Reading = Reading.NO_STREAM
    fails: bool = False
    tokens: tuple[str, ...] | None = None
    internal: tuple[str, ...] = ()
    vertex: bool = False


def _generation() -> Iterator[_Case]:
    def case(name: str, reading: Reading = Reading.NO_STREAM, fails: bool = False, vertex: bool = False, **more: Any) -> _Case:
        method = "generate_content" if reading is Reading.NO_STREAM else "generate_content_stream"
        target = f"models:{{}}Models._{method}"
        return _Case(name, f"models.{method}", target, ("generate_content",), {**_ASKED, **more}, reading, fails, vertex=vertex)

    yield case("generate")
    yield case("generate vertex", vertex=True)
    yield case("generate settings", config=_SETTINGS)
    yield case("generate conversation", contents=_CONVERSATION)
    yield case("generate thinking", model="thinking", config={"thinking_config": {"include_thoughts": True}})
    yield case("generate code", config={"tools": [{"code_execution": {}}]})
    yield case("generate picture", config={"response_modalities": ["TEXT", "IMAGE"]})
    yield case("generate error", fails=True, model="error-429")
    yield case("generate stream", Reading.ALL)
    yield case("generate stream thinking", Reading.ALL, model="thinking")
    yield case("generate stream closed", Reading.ONE)
    yield case("generate stream error", Reading.ALL, fails=True, model="error-500")


def _functions(asynchronous: bool) -> Iterator[_Case]:
    called = "_async" if asynchronous else ""
    parts, invoke = (f"_extra_utils:{name}{called}" for name in ("get_function_response_parts", "invoke_function_from_dict_args"))
    twice = ("generate_content", "generate_content")
    yield _Case("functions", "chat", parts, twice, tokens=_BOTH * 2, internal=("execute_tool",))
    yield _Case("function", "function", invoke, (), tokens=(), internal=("execute_tool",))
    yield _Case("failing function", "fail", invoke, (), tokens=(), internal=("execute_tool",), fails=True)
    if asynchronous:
        adapter = "_adapters:McpToGenAiToolAdapter.call_tool"
        yield _Case("MCP tool", "mcp", adapter, (), tokens=(), internal=("execute_tool",))


def _others() -> Iterator[_Case]:
    embed, count = "models:{}Models.embed_content", "models:{}Models.count_tokens"
    yield _Case("embed", "models.embed_content", embed, ("embeddings",), {"model": "text-embedding-004", "contents": ["a", "b"]}, tokens=())
    both = {"model": "text-embedding-004", "contents": ["a", "b"], "config": {"output_dimensionality": 8}}
    yield _Case("embed vertex", "models.embed_content", embed, ("embeddings",), both, tokens=("input",), vertex=True)
    yield _Case("embed error", "models.embed_content", embed, ("embeddings",), {**both, "model": "error-400"}, fails=True)
    yield _Case("count", "models.count_tokens", count, ("count_tokens",), _ASKED, tokens=())
    yield _Case("count error", "models.count_tokens", count, ("count_tokens",), {**_ASKED, "model": "error-404"}, fails=True)
    for name, method, more in (
        ("picture", "generate_images", _BOAT),
        (
            "edited picture",
            "edit_image",
            {**_BOAT, "reference_images": [types.RawReferenceImage(reference_id=1, reference_image=_PICTURE)]},
        ),
        ("upscaled picture", "upscale_image", {"model": "imagen-3", "image": _PICTURE, "upscale_factor": "x2"}),
    ):
        yield _Case(name, f"models.{method}", f"models:{{}}Models._{method}", arguments=more, tokens=(), vertex=True)
    again = {"model": "imagen-3", "source": types.RecontextImageSource(person_image=_PICTURE)}
    target = "models:{}Models.recontext_image"
    yield _Case("picture in a new context", "models.recontext_image", target, arguments=again, tokens=(), vertex=True)
    video, get = "models:{}Models._generate_videos", "operations:{}Operations.get"
    yield _Case("video", "models.generate_videos", video, arguments=_FILM, tokens=(), vertex=True)
    yield _Case("fetched video", "fetch", get, ("generate_content", "fetch_response"), tokens=(), vertex=True)
    unknown = types.GenerateVideosOperation.model_validate({"name": "models/error-404/operations/none"})
    yield _Case("fetched video error", "operations.get", get, ("fetch_response",), {"operation": unknown}, fails=True, vertex=True)


def _jobs() -> Iterator[_Case]:
    def case(name: str, call: str, operation: str, arguments: Mapping[str, Any], fails: bool = False) -> _Case:
        owner, method = call.split(".")
        target = f"{owner}:{{}}{owner.title()}.{method}"
        return _Case(name, call, target, (operation,), arguments, tokens=(), fails=fails)

    yield case("batch", "batches.create", "create_batch", _BATCH)
    texts = {"inlined_requests": {"contents": [{"parts": [{"text": "a"}]}]}}
    target = "batches:{}Batches._create_embeddings"
    arguments = {"model": "gemini-embedding-001", "src": texts}
    yield _Case("embeddings batch", "batches.create_embeddings", target, ("create_batch",), arguments, tokens=())
    yield case("batch error", "batches.create", "create_batch", {**_BATCH, "model": "error-400"}, fails=True)
    yield case("cache", "caches.create", "create_cache", {"model": _MODEL, "config": {"contents": ["a long text"]}})
    yield case("cache error", "caches.create", "create_cache", {"model": "error-400", "config": {"contents": ["a"]}}, fails=True)
    for name, call, operation in (
        ("fetched batch", "batches.get", "fetch_response"),
        ("cancelled batch", "batches.cancel", "cancel_batch"),
        ("updated cache", "caches.update", "update_cache"),
        ("deleted cache", "caches.delete", "delete_cache"),
    ):
        kind = "batches" if "batch" in name else "cachedContents"
        more = {"config": {"ttl": "60s"}} if "update" in name else {}
        yield case(name, call, operation, {"name": f"{kind}/kept", **more})
        yield case(f"{name} error", call, operation, {"name": f"{kind}/none", **more}, fails=True)


def _live() -> Iterator[_Case]:
    for name, target, text in (
        ("live", "AsyncLive.connect", "hello"),
        ("live message", "AsyncSession._receive", "hello"),
        ("live turn", "AsyncSession.send_client_content", "hello"),
        ("live tool", "AsyncSession.send_tool_response", "hello"),
        ("live realtime", "AsyncSession.send_realtime_input", "hello"),
        ("live error", "AsyncLive.connect", "hang up"),
    ):
        arguments = {"kind": name.removeprefix("live").strip(), "text": text}
        yield _Case(name, "live", f"live:{target}", arguments=arguments, reading=Reading.ALL, fails=text == "hang up")


def _cases(asynchronous: bool) -> Iterator[_Case]:
    yield from _generation()
    yield from _functions(asynchronous)
    yield from _others()
    yield from _jobs()
    if asynchronous:
        yield from _live()


def _scenario(case: _Case, asynchronous: bool) -> Scenario:
    return Scenario(
        name=f"google_genai {'async' if asynchronous else 'sync'} {case.name}",
        call=case,
        operations=case.operations,
        asynchronous=asynchronous,
        reading=case.reading,
        fails=case.fails,
        internal=case.internal,
        tokens=case.tokens,
    )


class _Service(FakeGoogle):
    """The fake service with its websocket, whose turns are in the same ledger."""

    def __init__(self) -> None:
        super().__init__()
        self._stack = ExitStack()
        self.live = FakeLive(cast("list[Any]", self.exchanges))

    def start(self) -> Any:
        self._stack.enter_context(self.live)
        return super().start()

    def stop(self) -> None:
        self._stack.close()
        super().stop()

    def bill(self, exchange: Any) -> Served | None:
        if exchange is None:
            return None
        if isinstance(exchange, tuple):
            asked, said = cast("tuple[int, int]", exchange)
            return Served("live", _MODEL, asked, said, 0, 0, told=True)
        return super().bill(exchange)


def _drive(scenario: Scenario, server: _Service) -> Driven:
    case: _Case = scenario.call
    options = types.HttpOptions(base_url=server.url, async_client_args={"transport": httpx.AsyncHTTPTransport()})
    client = genai.Client(vertexai=case.vertex, api_key="conformance", http_options=options)
    chunks = Chunks(scenario.reading)
    with suppress(errors.APIError, errors.FunctionInvocationError), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if scenario.asynchronous:
            asyncio.run(_run_async(case, client, server, chunks))
        else:
            _run(case, client, chunks)
    return Driven(f"google.genai.{case.target.format('Async' if scenario.asynchronous else '')}", len(chunks))


def _run(case: _Case, client: Any, chunks: Chunks) -> None:
    with client:
        if case.call in _SPECIAL:
            _SPECIAL[case.call](client)
            return
        answer = attrgetter(case.call)(client)(**case.arguments)
        if case.reading is not Reading.NO_STREAM:
            with closing(answer):
                chunks.read(answer)


async def _run_async(case: _Case, client: Any, server: _Service, chunks: Chunks) -> None:
    async with client.aio as asynchronous:
        if case.call == "live":
            await _talk(client, server, chunks, **case.arguments)
        elif case.call in _SPECIAL_ASYNC:
            await _SPECIAL_ASYNC[case.call](asynchronous)
        else:
            answer = await attrgetter(case.call)(asynchronous)(**case.arguments)
            if case.reading is not Reading.NO_STREAM:
                async with aclosing(answer):
                    await chunks.read_async(answer)


def _chat(client: Any) -> None:
    client.chats.create(model=_MODEL, config={"tools": [_weather]}).send_message("weather in Paris")


async def _chat_async(client: Any) -> None:
    await client.chats.create(model=_MODEL, config={"tools": [_weather_async]}).send_message("weather in Paris")


async def _mcp(_client: Any) -> None:
    class Session:
        async def call_tool(self, name: str, arguments: dict[str, Any]) -> str:
            return f"{name} of {arguments['city']}"

    adapter: Any = McpToGenAiToolAdapter(cast("Any", Session()), cast("Any", None))
    await adapter.call_tool(types.FunctionCall(name="weather", args={"city": "Brest"}))


def _fetch(client: Any) -> None:
    client.operations.get(client.models.generate_videos(**_FILM))


async def _fetch_async(client: Any) -> None:
    await client.operations.get(await client.models.generate_videos(**_FILM))


async def _talk(client: Any, server: _Service, chunks: Chunks, kind: str, text: str) -> None:
    # The SDK insists on TLS, which the fake service has not.
    inner = client._api_client
    inner._websocket_base_url = lambda _options=None: server.live.url.replace("http", "ws")  # pyright: ignore[reportUnknownLambdaType]
    inner._websocket_ssl_ctx = {}
    tools = [{"function_declarations": [{"name": "weather"}]}] if kind == "tool" else []
    async with client.aio.live.connect(model=_MODEL, config={"response_modalities": ["TEXT"], "tools": tools}) as session:
        if kind == "realtime":
            await session.send_realtime_input(text=text)
        else:
            await session.send_client_content(turns=types.Content(role="user", parts=[types.Part(text=text)]))
        await chunks.read_async(_answering(session))


async def _answering(session: Any) -> AsyncIterator[Any]:
    async for message in session.receive():
        if message.tool_call:
            call = message.tool_call.function_calls[0]
            await session.send_tool_response(
                function_responses=types.FunctionResponse(id=call.id, name=call.name, response={"result": "rain"})
            )
        yield message


def _function(_client: Any) -> None:
    _extra_utils.invoke_function_from_dict_args({"city": "Brest"}, _weather)


async def _function_async(_client: Any) -> None:
    await _extra_utils.invoke_function_from_dict_args_async({"city": "Brest"}, _weather_async)


def _fail(_client: Any) -> None:
    _extra_utils.invoke_function_from_dict_args({}, _weather)


async def _fail_async(_client: Any) -> None:
    await _extra_utils.invoke_function_from_dict_args_async({}, _weather_async)


_SPECIAL: Final[Mapping[str, Callable[[Any], None]]] = {"chat": _chat, "function": _function, "fail": _fail, "fetch": _fetch}
_SPECIAL_ASYNC: Final[Mapping[str, Callable[[Any], Any]]] = {
    "chat": _chat_async,
    "function": _function_async,
    "fail": _fail_async,
    "fetch": _fetch_async,
    "mcp": _mcp,
}

PROVIDER: Final = Provider(
    name="google_genai",
    targets=tuple(endpoint.target for endpoint in ENDPOINTS),
    scenarios=tuple(_scenario(case, asynchronous) for asynchronous in (False, True) for case in _cases(asynchronous)),
    serve=_Service,
    drive=_drive,
    absent=missing,
)
