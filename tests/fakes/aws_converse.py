"""What the default mind of the fake Bedrock says to `converse`, whole and as events. Standard library only."""

from __future__ import annotations

import json
from typing import Any, Final

from tests.fakes.openai_wire import cached_part, prompt_size, split_tokens

Json = dict[str, Any]
Event = tuple[str, Json]
ERRORS: Final = {
    400: ("ValidationException", "The provided model identifier is invalid."),
    403: ("AccessDeniedException", "You don't have access to the model with the specified model ID."),
    404: ("ResourceNotFoundException", "Could not resolve the foundation model from the provided model identifier."),
    408: ("ModelTimeoutException", "The request took too long to process."),
    424: ("ModelErrorException", "The request failed due to an error while processing the model."),
    429: ("ThrottlingException", "Too many requests, please wait before trying again."),
    500: ("InternalServerException", "The system encountered an unexpected error during processing."),
    503: ("ServiceUnavailableException", "Too many connections, please wait before trying again."),
}
"""AWS's error codes by HTTP status."""
THOUGHT: Final = "The user said something. I repeat it."
SIGNATURE: Final = "c2lnbmF0dXJl"


def converse(model: str, body: Json) -> Json:
    """The answer to a Converse-shaped request."""
    content: list[Json] = []
    if "thinking" in model:
        content.append({"reasoningContent": {"reasoningText": {"text": THOUGHT, "signature": SIGNATURE}}})
    last = body["messages"][-1]["content"]
    tools = [tool["toolSpec"] for tool in (body.get("toolConfig") or {}).get("tools", ()) if "toolSpec" in tool]
    answered = any("toolResult" in block for block in last)
    limit = (body.get("inferenceConfig") or {}).get("maxTokens", 4096)
    said = split_tokens(reply_to(text_of(last)))
    reason = "end_turn" if len(said) <= limit else "max_tokens"
    if tools and not answered:
        reason = "tool_use"
        for number, tool in enumerate(tools, 1):
            content.append({"toolUse": {"toolUseId": f"tooluse_{number}", "name": tool["name"], "input": {"city": "Paris"}}})
    else:
        content.append({"text": "".join(said[:limit])})
    return {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": reason,
        "usage": _usage(body, content),
        "metrics": {"latencyMs": 12},
    }


def converse_events(answer: Json) -> list[Event]:
    """`answer` as the events of a stream."""
    events: list[Event] = [("messageStart", {"role": "assistant"})]
    for index, block in enumerate(answer["output"]["message"]["content"]):
        start, deltas = _deltas(block)
        if start:
            events.append(("contentBlockStart", {"start": start, "contentBlockIndex": index}))
        events += [("contentBlockDelta", {"delta": delta, "contentBlockIndex": index}) for delta in deltas]
        events.append(("contentBlockStop", {"contentBlockIndex": index}))
    rest = {name: value for name, value in answer.items() if name not in ("output", "stopReason")}
    return [*events, ("messageStop", {"stopReason": answer["stopReason"]}), ("metadata", rest)]


def _deltas(block: Json) -> tuple[Json | None, list[Json]]:
    if "toolUse" in block:
        called = block["toolUse"]
        pieces = split_tokens(json.dumps(called["input"]))
        return {"toolUse": {"toolUseId": called["toolUseId"], "name": called["name"]}}, [{"toolUse": {"input": one}} for one in pieces]
    if "reasoningContent" in block:
        thought = block["reasoningContent"]["reasoningText"]
        deltas = [{"reasoningContent": {"text": one}} for one in split_tokens(thought["text"])]
        return None, [*deltas, {"reasoningContent": {"signature": thought["signature"]}}]
    return None, [{"text": one} for one in split_tokens(block["text"])]


def text_of(content: Any) -> str:
    """The text of a list of blocks."""
    return content if isinstance(content, str) else " ".join(block["text"] for block in content if isinstance(block.get("text"), str))


def reply_to(text: str) -> str:
    """What the mind says."""
    return f"You said: {text or 'nothing'}"


def _usage(body: Json, content: list[Json]) -> Json:
    asked = prompt_size({name: body[name] for name in ("messages", "system", "toolConfig") if name in body})
    answered = sum(len(split_tokens(json.dumps(block))) for block in content)
    usage = {"inputTokens": asked, "outputTokens": answered, "totalTokens": asked + answered}
    if "cachePoint" in json.dumps(body):
        read, written = cached_part(asked), 7
        usage |= {"inputTokens": asked - read, "cacheReadInputTokens": read, "cacheWriteInputTokens": written}
        usage["totalTokens"] += written
    return usage
