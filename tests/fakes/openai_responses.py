"""The Responses API as the service answers it, background responses included. Standard library only."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Final

from tests.fakes.openai_chat import text_of
from tests.fakes.openai_plan import Plan, Turn, decide
from tests.fakes.openai_responses_stream import response_events
from tests.fakes.openai_wire import EPOCH, Answer, ApiError, Ids, Json, error_body, prompt_size, responses_usage, served_model, split_tokens

_KEPT: Final = 1000
_ECHOED: Final = {
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "reasoning": {"effort": None, "summary": None},
    "safety_identifier": None,
    "store": True,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}, "verbosity": "medium"},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}


class Responses:
    """The responses the service has stored, by id; a background one advances a step at every retrieval."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids
        self._finals: OrderedDict[str, Json] = OrderedDict()
        self._shown: dict[str, str] = {}

    def reset(self) -> None:
        self._finals.clear()
        self._shown.clear()

    def create(self, body: Json) -> Answer:
        """POST .../responses."""
        final = self._final(body)
        if final["store"]:
            self._keep(final)
        if body.get("background"):
            self._shown[final["id"]] = "queued"
        if body.get("stream"):
            return Answer(events=response_events(final, failing="error-stream" in body["model"]), usage=final["usage"])
        if body.get("background"):
            return Answer(body=_unfinished(final, "queued"), usage=final["usage"])
        return Answer(body=final)

    def retrieve(self, identifier: str, query: dict[str, str]) -> Answer:
        """GET .../responses/{id}, as a stream from `starting_after` on with `stream=true`."""
        final = self._stored(identifier)
        if query.get("stream") == "true":
            self._shown.pop(identifier, None)
            after = int(query.get("starting_after", -1))
            return Answer(events=[event for event in response_events(final) if event[1]["sequence_number"] > after])
        stage = self._shown.get(identifier)
        if stage == "queued":
            self._shown[identifier] = "in_progress"
            return Answer(body=_unfinished(final, "in_progress"))
        self._shown.pop(identifier, None)
        return Answer(body=final)

    def cancel(self, identifier: str) -> Answer:
        """POST .../responses/{id}/cancel."""
        final = self._stored(identifier)
        if not final["background"]:
            raise ApiError(400, "Only responses created with background=true can be cancelled.")
        if self._shown.pop(identifier, None):
            final = self._finals[identifier] = _unfinished(final, "cancelled")
        return Answer(body=final)

    def delete(self, identifier: str) -> Answer:
        """DELETE .../responses/{id}."""
        self._stored(identifier)
        del self._finals[identifier]
        return Answer(body={"id": identifier, "object": "response", "deleted": True})

    def _stored(self, identifier: str) -> Json:
        if identifier not in self._finals:
            raise ApiError(404, f"Response with id '{identifier}' not found.")
        return self._finals[identifier]

    def _keep(self, final: Json) -> None:
        self._finals[final["id"]] = final
        if len(self._finals) > _KEPT:
            oldest, _ = self._finals.popitem(last=False)
            self._shown.pop(oldest, None)

    def _final(self, body: Json) -> Json:
        items = body.get("input", "")
        if isinstance(items, str):
            items = [{"role": "user", "content": items}]
        plan = decide(_turn(body, items))
        tier = body.get("service_tier") or "auto"
        conversation = body.get("conversation")
        final: Json = {
            "id": self._ids.new("resp_", 48),
            "object": "response",
            "created_at": EPOCH,
            "status": "completed",
            "background": bool(body.get("background")),
            "completed_at": EPOCH + 1,
            "error": None,
            "incomplete_details": None,
            "model": served_model(body["model"]),
            "output": [],
            "service_tier": "default" if tier == "auto" else tier,
            "usage": None,
        }
        final |= {name: body.get(name) if body.get(name) is not None else default for name, default in _ECHOED.items()}
        if conversation:
            final["conversation"] = {"id": conversation} if isinstance(conversation, str) else conversation
        self._fill(final, plan, body, prompt_size([body.get("instructions"), items, body.get("tools")]))
        return final

    def _fill(self, final: Json, plan: Plan, body: Json, prompt: int) -> None:
        output: list[Json] = final["output"]
        count = plan.reasoning
        if plan.reasoning:
            output.append(_reasoning_item(self._ids, body))
        for name, arguments in plan.calls:
            call = {"id": self._ids.new("fc_", 48), "type": "function_call", "status": "completed"}
            output.append({**call, "arguments": arguments, "call_id": self._ids.new("call_"), "name": name})
            count += prompt_size(arguments) + 6
        tokens = split_tokens(plan.text or plan.refusal or "")
        limit = body.get("max_output_tokens")
        if limit and count + len(tokens) > limit:
            tokens = tokens[: max(0, limit - count)]
            final |= {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}, "completed_at": None}
        if not plan.calls:
            text = "".join(tokens)
            part: Json = {"type": "output_text", "annotations": [], "logprobs": [], "text": text}
            if plan.refusal:
                part = {"type": "refusal", "refusal": text}
            identity = {"id": self._ids.new("msg_", 48), "type": "message", "status": final["status"]}
            output.append({**identity, "content": [part], "role": "assistant"})
        final["usage"] = responses_usage(prompt, count + len(tokens), plan.reasoning)
        if "error-response" in body["model"]:
            failure = {"code": "server_error", "message": error_body(500)["message"]}
            final |= {"status": "failed", "error": failure, "output": [], "usage": None, "completed_at": None}


def _turn(body: Json, items: list[Json]) -> Turn:
    users = [index for index, item in enumerate(items) if item.get("role") == "user"]
    start = users[-1] if users else -1
    form: Any = (body.get("text") or {}).get("format") or {}
    return Turn(
        model=body["model"],
        user=text_of(items[start]["content"]) if users else "",
        results=tuple(str(item["output"]) for item in items[start + 1 :] if item.get("type") == "function_call_output"),
        tools=tuple((tool["name"], tool.get("parameters") or {}) for tool in body.get("tools") or () if tool["type"] == "function"),
        tool_choice=body.get("tool_choice"),
        schema=form.get("schema") if form.get("type") == "json_schema" else None,
        json_object=form.get("type") == "json_object",
    )


def _reasoning_item(ids: Ids, body: Json) -> Json:
    wanted = (body.get("reasoning") or {}).get("summary")
    summary = [{"type": "summary_text", "text": "**Thinking** about what was asked."}] if wanted else []
    item: Json = {"id": ids.new("rs_", 48), "type": "reasoning", "summary": summary}
    if "reasoning.encrypted_content" in (body.get("include") or ()):
        item["encrypted_content"] = "gAAAAABo"
    return item


def _unfinished(final: Json, status: str) -> Json:
    return {**final, "status": status, "output": [], "usage": None, "completed_at": None}
