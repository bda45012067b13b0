"""`responses.create`, `parse` and `retrieve`, plain and streamed, in the foreground and the background."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agentops_instrumentors.core import semconv
from agentops_instrumentors.core.messages import Content, Message, TextPart
from agentops_instrumentors.core.operation import AttributeValue, Call, Request, Response
from agentops_instrumentors.core.usage import Usage
from agentops_instrumentors.core.values import field, given, items
from agentops_instrumentors.formats.openai_chat import tool_definition
from agentops_instrumentors.openai.items import CLIENT_TOOL_CALLS, input_messages, output_parts
from agentops_instrumentors.openai.parameters import CLIENT_REQUEST, output_type, parameters, request
from agentops_instrumentors.stainless import StainlessEndpoint, asked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agentops_instrumentors.core.stream import Accumulator

_INCOMPLETE = {"max_output_tokens": "length", "content_filter": "content_filter"}
_LAST_EVENTS = frozenset({"response.completed", "response.incomplete", "response.failed", "response.cancelled"})


class Responses(StainlessEndpoint):
    """A model response."""

    beside = CLIENT_REQUEST

    def request(self, instance: Any, call: Call) -> Request:
        kwargs = asked(call)
        attributes = parameters(kwargs)
        attributes[semconv.OPENAI_API_TYPE] = "responses"
        produced = output_type(given(kwargs.get("text_format"))) or output_type(field(given(kwargs.get("text")), "format"))
        if produced:
            attributes[semconv.OUTPUT_TYPE] = produced
        effort = field(given(kwargs.get("reasoning")), "effort")
        if effort:
            attributes[semconv.REQUEST_REASONING_LEVEL] = effort
        attributes.update(_references(kwargs))
        return request(semconv.CHAT, instance, kwargs, attributes, lambda: _content(kwargs))

    def response(self, returned: Any) -> Response:
        return _response(returned)

    def accumulator(self) -> Accumulator:
        return ResponsesStream()


class FetchResponse(StainlessEndpoint):
    """A response fetched by its id: of a background run, or stored. Its tokens were counted where it was made."""

    def request(self, instance: Any, call: Call) -> Request:
        wanted = call.args[0] if call.args else call.kwargs.get("response_id")
        attributes: dict[str, AttributeValue] = {semconv.RESPONSE_ID: str(wanted), semconv.OPENAI_API_TYPE: "responses"}
        cursor = given(call.kwargs.get("starting_after"))
        if cursor is not None:
            attributes[semconv.REQUEST_STREAM_CURSOR] = str(cursor)
        asked = {"stream": call.kwargs.get("stream")}
        return request(semconv.FETCH_RESPONSE, instance, asked, attributes, None)

    def response(self, returned: Any) -> Response:
        return _response(returned)

    def accumulator(self) -> Accumulator:
        return ResponsesStream()


def _references(kwargs: Mapping[str, Any]) -> dict[str, AttributeValue]:
    found: dict[str, AttributeValue] = {}
    conversation = given(kwargs.get("conversation"))
    if conversation is not None:
        found[semconv.CONVERSATION_ID] = conversation if isinstance(conversation, str) else str(field(conversation, "id"))
    prompt = given(kwargs.get("prompt"))
    if prompt is not None:
        found[semconv.PROMPT_NAME] = str(field(prompt, "id"))
        if field(prompt, "version"):
            found[semconv.PROMPT_VERSION] = str(field(prompt, "version"))
    return found


def _content(kwargs: Mapping[str, Any]) -> Content:
    instructions = given(kwargs.get("instructions"))
    return Content(
        input_messages(given(kwargs.get("input"))),
        [TextPart(instructions)] if isinstance(instructions, str) else [],
        [tool_definition(tool) for tool in items(kwargs.get("tools"))],
    )


def _response(returned: Any) -> Response:
    attributes: dict[str, AttributeValue] = {}
    if field(returned, "service_tier"):
        attributes[semconv.OPENAI_RESPONSE_SERVICE_TIER] = returned.service_tier
    status = field(returned, "status")
    metric_attributes = dict(attributes)
    if status:
        attributes[semconv.RESPONSE_STATUS] = status
    if any(field(item, "type") == "compaction" for item in returned.output or ()):
        attributes[semconv.CONVERSATION_COMPACTED] = True
    reason = finish_reason(returned)
    error = field(returned, "error") if status == "failed" else None
    return Response(
        id=returned.id,
        model=returned.model,
        finish_reasons=[reason] if reason else [],
        usage=_usage(returned.usage),
        service_tier=field(returned, "service_tier"),
        attributes=attributes,
        metric_attributes=metric_attributes,
        messages=lambda: [Message("assistant", output_parts(returned.output or ()), finish_reason=reason)],
        error_type=str(field(error, "code") or "failed") if status == "failed" else None,
    )


def finish_reason(returned: Any) -> str | None:
    """Why the model stopped, by the conventions; None while a background response is still running."""
    status = field(returned, "status")
    if status in ("queued", "in_progress"):
        return None
    if status == "incomplete":
        reason = field(field(returned, "incomplete_details"), "reason")
        return _INCOMPLETE.get(str(reason), "error")
    if status in ("failed", "cancelled"):
        return "error"
    output = returned.output or ()
    return "tool_call" if any(field(item, "type") in CLIENT_TOOL_CALLS for item in output) else "stop"


def _usage(reported: Any) -> Usage | None:
    if reported is None:
        return None
    asked = field(reported, "input_tokens_details")
    return Usage(
        input_tokens=field(reported, "input_tokens"),
        output_tokens=field(reported, "output_tokens"),
        cache_read=field(asked, "cached_tokens"),
        cache_write=field(asked, "cache_write_tokens"),
        reasoning=field(field(reported, "output_tokens_details"), "reasoning_tokens"),
    )


class ResponsesStream:
    """Gathers the events of a streamed response; the last one carries the whole of it."""

    def __init__(self) -> None:
        self._events: list[Any] = []
        self.add = self._events.append

    def response(self) -> Response:
        if not self._events:
            return Response()
        for event in reversed(self._events):
            if event.type in _LAST_EVENTS:
                return _response(event.response)
        return self._partial()

    def _partial(self) -> Response:
        """A stream that broke off: what its first event says, the items that were done, the text that was not."""
        known = next((event.response for event in self._events if field(event, "response") is not None), None)
        failures = [failure for event in self._events if (failure := _failure(event)) is not None]
        items = [event.item for event in self._events if event.type == "response.output_item.done"]
        finished = {field(item, "id") for item in items}
        deltas = [e for e in self._events if e.type == "response.output_text.delta" and e.item_id not in finished]
        text = "".join(event.delta for event in deltas)
        return Response(
            id=field(known, "id"),
            model=field(known, "model"),
            finish_reasons=["error"],
            service_tier=field(known, "service_tier"),
            attributes={semconv.RESPONSE_STATUS: field(known, "status")} if field(known, "status") else {},
            messages=lambda: [Message("assistant", [*output_parts(items), *([TextPart(text)] if text else [])], finish_reason="error")],
            error_type=str(field(failures[0], "code") or "error") if failures else None,
        )


def _failure(event: Any) -> Any:
    """The error that an event is; early clients hand it over as the `data` of an event without a type."""
    if event.type == "error":
        return event
    return field(event, "data") if field(event, "event") == "error" else None
