"""What an Ollama server answers: chats, generations and embeddings, as one JSON value or line by line. Standard library only.

Model names steer it: `error-404` (any status) answers that error, `error-stream` fails in the middle of a stream; a model
thinks when it is asked to.
"""

from __future__ import annotations

import json
import math
import re
import zlib
from typing import Any, Final

from tests.fakes.openai_plan import Plan, Turn, decide
from tests.fakes.openai_wire import prompt_size, split_tokens

Json = dict[str, Any]
STREAMED: Final = ("/api/chat", "/api/generate")
"""What is streamed unless the request says otherwise."""
CREATED: Final = "2026-11-21T10:11:12.131415Z"
_ERROR: Final = re.compile(r"error-(\d{3})")
_ERRORS: Final = {401: "unauthorized", 429: "rate limit exceeded", 503: "server busy, please try again. maximum pending requests exceeded"}
_THOUGHT: Final = "The user wants an answer."
_IMAGE_TOKENS: Final = 256
_DIMENSIONS: Final = 8


class ApiError(Exception):
    """An error the service answers with."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def answer(path: str, body: Json) -> list[Json]:
    """The lines of an answer; the last one says what the others amount to, and is the whole one if nobody streams."""
    model = body.get("model") or ""
    failing = _ERROR.search(model)
    if failing:
        status = int(failing[1])
        raise ApiError(status, f"model '{model}' not found" if status == 404 else _ERRORS.get(status, "invalid request"))
    if path == "/api/chat":
        return _chat(model, body)
    if path == "/api/generate":
        return _generate(model, body)
    if path == "/api/embed":
        return [_embed(model, body)]
    if path == "/api/embeddings":
        return [{"embedding": _vector(body.get("prompt") or "")}]
    if path == "/api/tags":
        return [{"models": [{"model": "llama3.2", "size": 2019393189}]}]
    raise ApiError(404, "404 page not found")


def _chat(model: str, body: Json) -> list[Json]:
    messages: list[Json] = body.get("messages") or []
    if not messages:
        return [_end(model, {"message": {"role": "assistant", "content": ""}}, "load")]
    last_user = max((index for index, message in enumerate(messages) if message["role"] == "user"), default=-1)
    plan = decide(
        Turn(
            model=model,
            user=messages[last_user].get("content", "") if last_user >= 0 else "",
            results=tuple(message.get("content", "") for message in messages[last_user + 1 :] if message["role"] == "tool"),
            tools=tuple((tool["function"]["name"], tool["function"].get("parameters") or {}) for tool in body.get("tools") or ()),
            **_form(body),
        )
    )
    asked = sum(4 + prompt_size(message.get("content", "")) + _images(message) for message in messages)
    steps = [{"message": {"role": "assistant", **step}} for step in _steps(plan, body)]
    return _told(model, body, steps, {"message": {"role": "assistant", "content": ""}}, asked + prompt_size(body.get("tools") or []))


def _generate(model: str, body: Json) -> list[Json]:
    prompt = body.get("prompt") or ""
    if not prompt:
        return [_end(model, {"response": ""}, "unload" if body.get("keep_alive") == 0 else "load")]
    plan = decide(Turn(model=model, user=prompt, **_form(body)))
    steps = [{"response": step.pop("content", ""), **step} for step in _steps(plan, body)]
    asked = 4 + prompt_size(prompt) + prompt_size(body.get("system") or "") + _images(body)
    return _told(model, body, steps, {"response": "", "context": [1, 2, 3]}, asked)


def _form(body: Json) -> Json:
    form = body.get("format")
    return {"schema": form if isinstance(form, dict) else None, "json_object": form == "json"}


def _images(said: Json) -> int:
    return _IMAGE_TOKENS * len(said.get("images") or ())


def _steps(plan: Plan, body: Json) -> list[Json]:
    """What the model says, a token at a time: thoughts, then text, then tool calls."""
    thought = split_tokens(_THOUGHT) if body.get("think") else []
    calls = [{"function": {"name": name, "arguments": json.loads(arguments)}} for name, arguments in plan.calls]
    return [
        *({"content": "", "thinking": piece} for piece in thought),
        *({"content": piece} for piece in split_tokens(plan.text or plan.refusal or "")),
        *({"content": "", "tool_calls": [call]} for call in calls),
    ]


def _told(model: str, body: Json, steps: list[Json], end: Json, asked: int) -> list[Json]:
    limit = (body.get("options") or {}).get("num_predict", -1)
    cut = 0 <= limit < len(steps)
    steps = steps[:limit] if cut else steps
    if "error-stream" in model:
        return [*({"model": model, "created_at": CREATED, **step, "done": False} for step in steps[:3]), {"error": "llama runner exited"}]
    last = _end(model, end, "length" if cut else "stop", asked, len(steps))
    if body.get("stream", True):
        return [*({"model": model, "created_at": CREATED, **step, "done": False} for step in steps), last]
    return [_whole(last, steps)]


def _whole(last: Json, steps: list[Json]) -> Json:
    """One answer of all its steps."""
    for step in steps:
        for held, said in ((last["message"], step["message"]),) if "message" in step else ((last, step),):
            for name, piece in said.items():
                held[name] = piece if name == "role" else held[name] + piece if name in held else piece
    return last


def _end(model: str, said: Json, reason: str, asked: int | None = None, answered: int = 0) -> Json:
    head = {"model": model, "created_at": CREATED, **said, "done": True, "done_reason": reason}
    if asked is None:
        return head
    times = {"total_duration": 174560334, "load_duration": 101397084, "prompt_eval_duration": 13074791, "eval_duration": 52479709}
    return {**head, **times, "prompt_eval_count": asked, "eval_count": answered}


def _embed(model: str, body: Json) -> Json:
    given = body.get("input")
    texts: list[str] = given if isinstance(given, list) else [given or ""]
    vectors = [_vector(text, body.get("dimensions") or _DIMENSIONS) for text in texts]
    counted = sum(map(prompt_size, texts))
    return {"model": model, "embeddings": vectors, "total_duration": 14143917, "load_duration": 1019500, "prompt_eval_count": counted}


def _vector(text: str, size: int = _DIMENSIONS) -> list[float]:
    values = [0.0] * size
    for word in re.findall(r"\w+", text.lower()) or [""]:
        values[zlib.crc32(word.encode()) % size] += 1.0
    norm = math.sqrt(sum(value * value for value in values))
    return [value / norm for value in values]
