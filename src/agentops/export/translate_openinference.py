"""OpenInference's attributes of a span under the names of the GenAI conventions, for the copy that goes to AgentOps."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from agentops_instrumentors.core import semconv

Values = dict[str, Any]
KIND: Final = "openinference.span.kind"
_OPERATIONS: Final = {
    "LLM": semconv.CHAT,
    "EMBEDDING": semconv.EMBEDDINGS,
    "AGENT": semconv.INVOKE_AGENT,
    "TOOL": semconv.EXECUTE_TOOL,
}
_NAMES: Final = {
    "llm.system": semconv.PROVIDER_NAME,
    "llm.provider": semconv.PROVIDER_NAME,
    "llm.model_name": semconv.RESPONSE_MODEL,
    "embedding.model_name": semconv.RESPONSE_MODEL,
    "llm.token_count.prompt": semconv.USAGE_INPUT_TOKENS,
    "llm.token_count.completion": semconv.USAGE_OUTPUT_TOKENS,
    "llm.token_count.prompt_details.cache_read": semconv.USAGE_CACHE_READ_INPUT_TOKENS,
    "llm.token_count.prompt_details.cache_write": semconv.USAGE_CACHE_WRITE_INPUT_TOKENS,
    "llm.token_count.completion_details.reasoning": semconv.USAGE_REASONING_OUTPUT_TOKENS,
    "tool.name": semconv.TOOL_NAME,
    "tool.description": semconv.TOOL_DESCRIPTION,
    "agent.name": semconv.AGENT_NAME,
}
_MESSAGE: Final = re.compile(r"llm\.(input|output)_messages\.(\d+)\.message\.(.+)")
_TEXT: Final = re.compile(r"(?:content|contents\.\d+\.message_content\.text)")
_CALL: Final = re.compile(r"tool_calls\.(\d+)\.tool_call\.(id|function\.name|function\.arguments)")


def as_conventions(given: Values) -> Values:
    """`given` with what OpenInference says renamed; as it is where the span is no call, tool or agent of its vocabulary."""
    operation = _OPERATIONS.get(str(given.get(KIND)))
    if operation is None or semconv.OPERATION_NAME in given:
        return given
    found: Values = {semconv.OPERATION_NAME: operation}
    for name, value in given.items():
        if not _MESSAGE.fullmatch(name):
            found[_NAMES.get(name, name)] = value
    if operation == semconv.EXECUTE_TOOL:
        found |= {new: given[old] for old, new in _OF_A_TOOL.items() if old in given}
    if "llm.finish_reason" in given:
        found[semconv.RESPONSE_FINISH_REASONS] = [given["llm.finish_reason"]]
    for side, name in (("input", semconv.INPUT_MESSAGES), ("output", semconv.OUTPUT_MESSAGES)):
        messages = _messages(given, side)
        if messages:
            found[name] = json.dumps(messages)
    return found


_OF_A_TOOL: Final = {"input.value": semconv.TOOL_CALL_ARGUMENTS, "output.value": semconv.TOOL_CALL_RESULT}


def _messages(given: Values, side: str) -> list[Values]:
    """The messages of one side as the conventions write them, by their numbers."""
    told: dict[int, Values] = {}
    calls: dict[tuple[int, int], Values] = {}
    for name, value in given.items():
        found = _MESSAGE.fullmatch(name)
        if found is None or found[1] != side:
            continue
        number, field = int(found[2]), found[3]
        message = told.setdefault(number, {"role": "", "parts": []})
        call = _CALL.fullmatch(field)
        if field == "role":
            message["role"] = value
        elif _TEXT.fullmatch(field):
            message["parts"].append({"type": "text", "content": value})
        elif call is not None:
            calls.setdefault((number, int(call[1])), {"type": "tool_call"})[call[2].removeprefix("function.")] = value
    for (number, _), call in sorted(calls.items()):
        told[number]["parts"].append(call)
    return [told[number] for number in sorted(told)]
