"""Every patched method of the anthropic SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentops_instrumentors.anthropic.batches import BatchResults, CancelBatch, CountTokens, CreateBatch, FetchBatch
from agentops_instrumentors.anthropic.messages import Messages, MessageStream
from agentops_instrumentors.anthropic.native import NativeTracer
from agentops_instrumentors.anthropic.tools import FunctionTool, ToolRun, Toolset

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agentops_instrumentors.core.endpoint import Endpoint

_MESSAGES = "anthropic.resources.messages.messages"
_BETA = "anthropic.resources.beta.messages.messages"
_BATCHES = "anthropic.resources.messages.batches"
_BETA_BATCHES = "anthropic.resources.beta.messages.batches"
_PLATFORMS = {"anthropic.lib.bedrock._beta_messages": ">=0.122", "anthropic.lib.vertex._beta_messages": ">=0.60"}
"""Where platforms' clients have beta methods of their own, bound to Anthropic's when the SDK is imported; and since when they stream."""
_TOOLS = "anthropic.lib.tools"


def _endpoints() -> Iterator[Endpoint]:
    for kind in ("Messages", "AsyncMessages"):
        for module, parses in ((_MESSAGES, ">=0.77"), (_BETA, ">=0.73")):
            yield Messages(f"{module}:{kind}.create")
            yield Messages(f"{module}:{kind}.parse", parses)
            yield MessageStream(f"{module}:{kind}.stream")
            yield CountTokens(f"{module}:{kind}.count_tokens")
        for module, streams in _PLATFORMS.items():
            yield Messages(f"{module}:{kind}.create")
            yield Messages(f"{module}:{kind}.parse", ">=0.122")
            yield MessageStream(f"{module}:{kind}.stream", streams)
    for kind in ("Batches", "AsyncBatches"):
        for module in (_BATCHES, _BETA_BATCHES):
            yield CreateBatch(f"{module}:{kind}.create")
            yield FetchBatch(f"{module}:{kind}.retrieve")
            yield CancelBatch(f"{module}:{kind}.cancel")
            yield BatchResults(f"{module}:{kind}.results")
    for kind in ("BetaFunctionTool", "BetaAsyncFunctionTool"):
        yield FunctionTool(f"{_TOOLS}._beta_functions:{kind}.call")
    for kind in ("BetaAbstractMemoryTool", "BetaAsyncAbstractMemoryTool"):
        yield FunctionTool(f"{_TOOLS}._beta_builtin_memory_tool:{kind}.call")
    for kind in ("BetaRunnableToolset", "BetaAsyncRunnableToolset"):
        yield Toolset(f"{_TOOLS}._toolsets._runnable:{kind}.tool_result")
    for kind in ("BaseSyncToolRunner", "BaseAsyncToolRunner"):
        # Older runners call the tool themselves: there the call's id is not known.
        yield ToolRun(f"{_TOOLS}._beta_runner:{kind}._run_tool", ">=1.9")
    yield NativeTracer("anthropic._base_client:BaseClient._tracer", ">=1.14")


ENDPOINTS = tuple(_endpoints())
