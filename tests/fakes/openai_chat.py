"""Chat completions, legacy completions and embeddings as the service answers them. Standard library only."""

from __future__ import annotations

import array
import base64
import math
import re
import sys
import zlib
from typing import Any, Final

from tests.fakes.openai_plan import Plan, Turn, decide
from tests.fakes.openai_wire import (
    DONE,
    EPOCH,
    FINGERPRINT,
    Answer,
    ApiError,
    Ids,
    Json,
    chat_usage,
    error_body,
    prompt_size,
    served_model,
    split_tokens,
)

_DIMENSIONS: Final = {"text-embedding-3-large": 3072}
_AZURE_FILTER: Final = {name: {"filtered": False, "severity": "safe"} for name in ("hate", "self_harm", "sexual", "violence")}
_PART_TOKENS: Final = {"image_url": 85, "file": 200}
_PCM: Final = base64.b64encode(b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00" + b"\x00" * 32).decode()


def complete_chat(body: Json, ids: Ids, azure: bool = False) -> Answer:
    """POST .../chat/completions."""
    messages = body.get("messages")
    if not messages:
        raise ApiError(400, "Invalid 'messages': empty array. Expected an array with minimum length 1.", "messages")
    plan = decide(_turn(body, messages))
    audio = "audio" in (body.get("modalities") or ())
    choices = [_choice(index, plan, body, ids, audio) for index in range(body.get("n") or 1)]
    usage = _usage(body, messages, plan, choices, audio)
    head = {
        "id": ids.new("chatcmpl-", 29),
        "object": "chat.completion",
        "created": EPOCH,
        "model": served_model(body["model"]),
    }
    tail = {"service_tier": _tier(body), "system_fingerprint": FINGERPRINT}
    if body.get("stream"):
        return Answer(events=_chat_events(body, head, tail, choices, usage, azure), usage=usage)
    if azure:
        head["prompt_filter_results"] = [{"prompt_index": 0, "content_filter_results": _AZURE_FILTER}]
        for choice in choices:
            choice["content_filter_results"] = _AZURE_FILTER
    return Answer(body={**head, "choices": choices, "usage": usage, **tail})


def text_of(content: Any) -> str:
    """The text in a message's content, whether a string or a list of parts."""
    if content is None or isinstance(content, str):
        return content or ""
    return " ".join(part["text"] for part in content if "text" in part)


def _tier(body: Json) -> str:
    tier = body.get("service_tier") or "auto"
    return "default" if tier == "auto" else tier


def _turn(body: Json, messages: list[Json]) -> Turn:
    last_user = max((index for index, message in enumerate(messages) if message["role"] == "user"), default=-1)
    form = body.get("response_format") or {}
    functions = [tool["function"] for tool in body.get("tools") or () if tool.get("type") == "function"]
    return Turn(
        model=body["model"],
        user=text_of(messages[last_user].get("content")) if last_user >= 0 else "",
        results=tuple(text_of(message["content"]) for message in messages[last_user + 1 :] if message["role"] == "tool"),
        tools=tuple((function["name"], function.get("parameters") or {}) for function in functions),
        tool_choice=body.get("tool_choice"),
        schema=form["json_schema"].get("schema", {}) if form.get("type") == "json_schema" else None,
        json_object=form.get("type") == "json_object",
    )


def _choice(index: int, plan: Plan, body: Json, ids: Ids, audio: bool) -> Json:
    message: Json = {"role": "assistant", "content": plan.text, "refusal": plan.refusal, "annotations": []}
    reason = "stop"
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    tokens = split_tokens(plan.text or "")
    if limit and len(tokens) > limit:
        message["content"] = "".join(tokens[:limit])
        reason = "length"
    if plan.calls:
        message["tool_calls"] = [
            {"id": ids.new("call_"), "type": "function", "function": {"name": name, "arguments": arguments}}
            for name, arguments in plan.calls
        ]
        reason = "tool_calls"
    elif audio:
        spoken = {"id": ids.new("audio_"), "data": _PCM, "expires_at": EPOCH + 3600, "transcript": message["content"] or ""}
        message |= {"content": None, "audio": spoken}
    return {"index": index, "message": message, "logprobs": _logprobs(message, body), "finish_reason": reason}


def _logprobs(message: Json, body: Json) -> Json | None:
    if not body.get("logprobs"):
        return None
    tokens = split_tokens(message["content"] or "")
    return {"content": [{"token": one, "logprob": -0.01, "bytes": [*one.encode()], "top_logprobs": []} for one in tokens], "refusal": None}


def _usage(body: Json, messages: list[Json], plan: Plan, choices: list[Json], audio: bool) -> Json:
    prompt, audio_in = 3 + prompt_size(body["tools"]) if body.get("tools") else 3, 0
    for message in messages:
        prompt += 4 + prompt_size(text_of(message.get("content")))
        content = message.get("content")
        parts: list[Json] = content if isinstance(content, list) else []
        audio_in += sum(10 + len(part["input_audio"]["data"]) // 100 for part in parts if part["type"] == "input_audio")
        prompt += sum(_PART_TOKENS.get(part["type"], 0) for part in parts)
        prompt += sum(prompt_size(call) for call in message.get("tool_calls") or ())
    output, audio_out = plan.reasoning * len(choices), 0
    for choice in choices:
        message = choice["message"]
        output += len(split_tokens(message["content"] or message["refusal"] or ""))
        output += sum(prompt_size(call["function"]["arguments"]) + 6 for call in message.get("tool_calls", ()))
        audio_out += 20 if audio and "audio" in message else 0
    reasoning = plan.reasoning * len(choices)
    return chat_usage(prompt + audio_in, output + audio_out, reasoning=reasoning, audio_in=audio_in, audio_out=audio_out)


def _chat_events(body: Json, head: Json, tail: Json, choices: list[Json], usage: Json, azure: bool) -> list[Any]:
    head = {**head, "object": "chat.completion.chunk"}
    told = bool((body.get("stream_options") or {}).get("include_usage"))
    rest = {**tail, "usage": None} if told else tail
    events: list[Any] = []
    if azure:
        filters = [{"prompt_index": 0, "content_filter_results": _AZURE_FILTER}]
        events.append({**head, "id": "", "created": 0, "model": "", "object": "", "choices": [], "prompt_filter_results": filters})
    for choice in choices:
        for delta in _deltas(choice["message"]):
            part = {"index": choice["index"], "delta": delta, "logprobs": None, "finish_reason": None}
            events.append({**head, "choices": [part], **rest, "obfuscation": "x8Fq2"})
        part = {"index": choice["index"], "delta": {}, "logprobs": None, "finish_reason": choice["finish_reason"]}
        events.append({**head, "choices": [part], **rest, "obfuscation": "k"})
    if "error-stream" in body["model"]:
        return [*events[:3], {"error": error_body(500)}]
    if told:
        events.append({**head, "choices": [], **tail, "usage": usage})
    return [*events, DONE]


def _deltas(message: Json) -> list[Json]:
    if "tool_calls" in message:
        deltas: list[Json] = [{"role": "assistant", "content": None, "refusal": None}]
        for index, call in enumerate(message["tool_calls"]):
            first = {"index": index, **call, "function": {"name": call["function"]["name"], "arguments": ""}}
            deltas.append({"tool_calls": [first]})
            for piece in split_tokens(call["function"]["arguments"]):
                deltas.append({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
        return deltas
    if "audio" in message:
        sound = message["audio"]
        words = [{"audio": {"transcript": piece}} for piece in split_tokens(sound["transcript"])]
        ending = [{"audio": {"data": sound["data"]}}, {"audio": {"expires_at": sound["expires_at"]}}]
        return [{"role": "assistant", "content": None, "refusal": None, "audio": {"id": sound["id"], "transcript": ""}}, *words, *ending]
    key = "refusal" if message["refusal"] else "content"
    start = {"role": "assistant", "content": "" if key == "content" else None, "refusal": None}
    return [start, *({key: piece} for piece in split_tokens(message[key] or ""))]


def complete_text(body: Json, ids: Ids) -> Answer:
    """POST .../completions, the legacy endpoint."""
    prompts = body.get("prompt") or ""
    listed: list[Any] = prompts if isinstance(prompts, list) and not (prompts and isinstance(prompts[0], int)) else [prompts]
    limit = body.get("max_tokens") or 16
    texts: list[list[str]] = []
    for prompt in listed:
        said = split_tokens(f" You said: {prompt}")[:limit]
        texts += [split_tokens(prompt) + said if body.get("echo") and isinstance(prompt, str) else said] * (body.get("n") or 1)
    usage = chat_usage(sum(map(prompt_size, listed)), sum(map(len, texts)))
    head = {"id": ids.new("cmpl-", 29), "object": "text_completion", "created": EPOCH, "model": served_model(body["model"])}
    ends = ["length" if len(tokens) >= limit else "stop" for tokens in texts]
    if not body.get("stream"):
        choices = [
            {"text": "".join(tokens), "index": index, "logprobs": None, "finish_reason": ends[index]} for index, tokens in enumerate(texts)
        ]
        return Answer(body={**head, "choices": choices, "usage": usage})
    events: list[Any] = []
    for index, tokens in enumerate(texts):
        for piece in tokens:
            events.append({**head, "choices": [{"text": piece, "index": index, "logprobs": None, "finish_reason": None}]})
        events.append({**head, "choices": [{"text": "", "index": index, "logprobs": None, "finish_reason": ends[index]}]})
    if (body.get("stream_options") or {}).get("include_usage"):
        events = [*({**event, "usage": None} for event in events), {**head, "choices": [], "usage": usage}]
    return Answer(events=[*events, DONE], usage=usage)


def embed(body: Json) -> Answer:
    """POST .../embeddings: hashed bags of words, so texts that share words are near each other."""
    given = body.get("input")
    if not given:
        raise ApiError(400, "'$.input' is invalid.", "input")
    listed: list[Any] = given if isinstance(given, list) and not isinstance(given[0], int) else [given]
    size = body.get("dimensions") or _DIMENSIONS.get(body["model"], 1536)
    encoded = body.get("encoding_format") == "base64"
    data = [{"object": "embedding", "index": index, "embedding": _vector(text, size, encoded)} for index, text in enumerate(listed)]
    count = sum(prompt_size(text) if isinstance(text, str) else len(text) for text in listed)
    return Answer(body={"object": "list", "data": data, "model": body["model"], "usage": {"prompt_tokens": count, "total_tokens": count}})


def _vector(text: Any, size: int, encoded: bool) -> str | list[float]:
    words = re.findall(r"\w+", text.lower()) if isinstance(text, str) else [str(token) for token in text]
    values = array.array("f", bytes(4 * size))
    for word in words or [""]:
        values[zlib.crc32(word.encode()) % size] += 1.0
    norm = math.sqrt(sum(value * value for value in values))
    values = array.array("f", (value / norm for value in values))
    if sys.byteorder == "big":
        values.byteswap()
    return base64.b64encode(values.tobytes()).decode() if encoded else list(values)
