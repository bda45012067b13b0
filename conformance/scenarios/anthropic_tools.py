"""Tools as the anthropic client runs them: by its tool runner, by themselves, as members of a toolset, in success and failure."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import anthropic

if TYPE_CHECKING:
    from collections.abc import Mapping

ASKED: Final[Mapping[str, Any]] = {
    "model": "claude-haiku-4-5",
    "max_tokens": 200,
    "messages": [{"role": "user", "content": "What is the weather in Paris?"}],
}
"""The request that most scenarios make."""


def _weather(city: str) -> str:
    """The weather."""
    return f"rain in {city}"


async def _weather_async(city: str) -> str:
    """The weather."""
    return f"rain in {city}"


def _run_tools(client: Any) -> None:
    client.beta.messages.tool_runner(**ASKED, tools=[anthropic.beta_tool(_weather, name="weather")]).until_done()


async def _run_tools_async(client: Any) -> None:
    tool = anthropic.beta_async_tool(_weather_async, name="weather")
    await client.beta.messages.tool_runner(**ASKED, tools=[tool]).until_done()


def _failing(city: str) -> str:
    """The weather."""
    raise LookupError(city)


async def _failing_async(city: str) -> str:
    """The weather."""
    raise LookupError(city)


def _fail_tool(_client: Any) -> None:
    with suppress(LookupError):
        anthropic.beta_tool(_failing, name="weather").call({"city": "Brest"})


async def _fail_tool_async(_client: Any) -> None:
    with suppress(LookupError):
        await anthropic.beta_async_tool(_failing_async, name="weather").call({"city": "Brest"})


def _remember(_client: Any) -> None:
    from anthropic.lib.tools._beta_builtin_memory_tool import BetaLocalFilesystemMemoryTool

    with tempfile.TemporaryDirectory() as folder:
        BetaLocalFilesystemMemoryTool(folder).call({"command": "view", "path": "/memories"})


async def _remember_async(_client: Any) -> None:
    from anthropic.lib.tools._beta_builtin_memory_tool import BetaAsyncLocalFilesystemMemoryTool

    with tempfile.TemporaryDirectory() as folder:
        await BetaAsyncLocalFilesystemMemoryTool(folder).call({"command": "view", "path": "/memories"})


def _tool_use() -> Any:
    from anthropic.types.beta import BetaToolUseBlock

    said: dict[str, Any] = {"type": "tool_use", "id": "toolu_1", "name": "click", "input": {}, "toolset_name": "browser"}
    return BetaToolUseBlock.construct(**said)


def _use_toolset(_client: Any) -> None:
    from anthropic.lib.tools._toolsets._runnable import BetaRunnableToolset

    class Browser(BetaRunnableToolset):
        toolset_name = "browser"

        def to_dict(self) -> Any:
            return {"type": "browser_toolset_20260801"}

        def call(self, context: Any, name: str, input: Any) -> str:
            return "clicked"

    Browser().tool_result(_tool_use())


async def _use_toolset_async(_client: Any) -> None:
    from anthropic.lib.tools._toolsets._runnable import BetaAsyncRunnableToolset

    class Browser(BetaAsyncRunnableToolset):
        toolset_name = "browser"

        def to_dict(self) -> Any:
            return {"type": "browser_toolset_20260801"}

        async def call(self, context: Any, name: str, input: Any) -> str:
            return "clicked"

    await Browser().tool_result(_tool_use())


TOOLS: Final[dict[str, Any]] = {
    "run_tools": _run_tools,
    "fail_tool": _fail_tool,
    "remember": _remember,
    "use_toolset": _use_toolset,
}
TOOLS_ASYNC: Final[dict[str, Any]] = {
    "run_tools": _run_tools_async,
    "fail_tool": _fail_tool_async,
    "remember": _remember_async,
    "use_toolset": _use_toolset_async,
}
