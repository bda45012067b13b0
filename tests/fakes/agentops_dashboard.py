"""What AgentOps' dashboard makes of spans: the rules of the backend's queries and of its pages, and nothing kinder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tests.fakes.otlp_values import SinkSpan

_SUFFIXES: Final = ("session", "agent", "operation", "task", "workflow", "tool")
_PREFIXES: Final = ("adk.", "ag2.", "agno.")
_TYPES: Final = {"gen_ai": "request", "agent": "agent", "tool": "tool"}
_TOKENS: Final = ("prompt_tokens", "completion_tokens", "cache_read_input_tokens", "reasoning_tokens")


@dataclass(frozen=True, slots=True)
class TraceRow:
    """One line of the trace list. `duration` is nanoseconds from the first start to the last."""

    trace_id: str
    name: str
    tags: list[str]
    spans: int
    errors: int
    duration: int


@dataclass(frozen=True, slots=True)
class ChatMessage:
    role: str
    content: str
    finish_reason: str = ""
    tool_calls: tuple[tuple[str, str, str], ...] = ()
    """Id, name and arguments of each."""


@dataclass(frozen=True, slots=True)
class ToolPanel:
    name: str
    parameters: str
    result: str
    status: str


@dataclass(frozen=True, slots=True)
class AgentPanel:
    name: str
    tools: list[str]
    models: list[str]


def trace_row(spans: Sequence[SinkSpan]) -> TraceRow:
    """The spans of one trace as the list shows them."""
    ordered = sorted(spans, key=lambda span: span.start)
    oldest = ordered[0]
    return TraceRow(
        trace_id=oldest.trace_id,
        name=oldest.name,
        tags=_tags(oldest),
        spans=len(spans),
        errors=sum(span.status_code == "ERROR" for span in spans),
        duration=ordered[-1].start - oldest.start,
    )


def metrics(spans: Iterable[SinkSpan]) -> dict[str, Any]:
    """The counts, tokens and costs of a trace or a span."""
    listed = list(spans)
    states = [span.status_code for span in listed]
    counted = [span for span in listed if _has_metrics(span)]
    tokens = {name: sum(_number(span, name) for span in counted) for name in _TOKENS}
    prompt_cost = sum(_number(span, "prompt_cost") for span in counted)
    completion_cost = sum(_number(span, "completion_cost") for span in counted)
    cost = sum(_number(span, "total_cost") or _number(span, "prompt_cost") + _number(span, "completion_cost") for span in counted)
    traces = len({span.trace_id for span in listed}) or 1
    return {
        "span_count": len(listed),
        "trace_count": traces,
        "success_count": states.count("OK"),
        "fail_count": states.count("ERROR"),
        "indeterminate_count": states.count("UNSET"),
        **tokens,
        "total_tokens": sum(_total(span) for span in counted),
        "prompt_cost": f"{prompt_cost:.7f}",
        "completion_cost": f"{completion_cost:.7f}",
        "average_cost_per_trace": f"{cost / traces:.7f}",
        "total_cost": f"{cost:.7f}",
    }


def span_type(span: SinkSpan) -> str:
    """The kind by the first telling key, depth first in the order of the attributes."""
    return _first_type(_nested(span.attributes)) or "other"


def visual_type(span: SinkSpan) -> str:
    """How the page draws the span: error, or its kind by its name, else by its attributes."""
    if span.status_code == "ERROR":
        return "error"
    if span.name.startswith(_PREFIXES):
        return span.name.partition(".")[0]
    suffix = span.name.rpartition(".")[2]
    if "." in span.name and suffix in _SUFFIXES:
        return suffix
    if any(name.startswith("gen_ai.") for name in span.attributes):
        return "llm"
    return str(span.attributes.get("agentops.span.kind") or span_type(span))


def chat(span: SinkSpan) -> tuple[str, list[ChatMessage], list[ChatMessage]]:
    """The model and what the chat view shows as prompts and completions."""
    attributes = span.attributes
    model = attributes.get("gen_ai.response.model") or attributes.get("gen_ai.request.model") or attributes.get("gen_ai.system", "")
    nested = _nested(attributes).get("gen_ai", {})
    return str(model), _messages(nested.get("prompt")), _messages(nested.get("completion"))


def tool_panel(span: SinkSpan) -> ToolPanel:
    """What the tool panel shows; empty fields where the attributes are not there."""
    values = span.attributes
    return ToolPanel(
        name=str(values.get("tool.name") or values.get("operation.name", "")),
        parameters=_text(values.get("tool.parameters", values.get("agentops.entity.input", ""))),
        result=_text(values.get("tool.result", values.get("agentops.entity.output", ""))),
        status=str(values.get("tool.status", "")),
    )


def agent_panel(span: SinkSpan) -> AgentPanel:
    """What the agents panel shows."""
    values = span.attributes
    return AgentPanel(str(values.get("agent.name", "")), _array(values.get("agent.tools")), _array(values.get("agent.models")))


def stored(attributes: Mapping[str, Any]) -> dict[str, str]:
    """Attributes as the database keeps them: text, arrays as JSON."""
    return {name: _text(value) for name, value in attributes.items()}


def _tags(span: SinkSpan) -> list[str]:
    return _array(span.attributes.get("agentops.tags"))


def _array(value: object) -> list[str]:
    if isinstance(value, list):
        return [str(one) for one in value]
    try:
        found = json.loads(value) if isinstance(value, str) else []
    except ValueError:
        return []
    return [str(one) for one in found] if isinstance(found, list) else []


def _has_metrics(span: SinkSpan) -> bool:
    return any(name.startswith(("gen_ai.usage.", "llm.")) or name in ("gen_ai.completion", "gen_ai.prompt") for name in span.attributes)


def _number(span: SinkSpan, name: str) -> float:
    value = span.attributes.get(f"gen_ai.usage.{name}", 0)
    return float(value) if name.endswith("cost") else int(value)


def _total(span: SinkSpan) -> int:
    total = span.attributes.get("gen_ai.usage.total_tokens")
    return int(total) if total is not None else int(sum(_number(span, name) for name in _TOKENS))


def _first_type(nested: object) -> str | None:
    if isinstance(nested, dict):
        for key, value in nested.items():
            found = _TYPES.get(key) or _first_type(value)
            if found:
                return found
    return None


def _nested(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted keys as objects; an array where the first index that comes is 0."""
    whole: dict[str, Any] = {}
    for name, value in attributes.items():
        at: Any = whole
        *path, last = name.split(".")
        for number, step in enumerate(path):
            following = [*path, last][number + 1]
            at = _step(at, step, following)
        _put(at, last, value)
    return whole


def _step(at: Any, step: str, following: str) -> Any:
    if isinstance(at, list):
        index = int(step)
        while len(at) <= index:
            at.append({})
        return at[index]
    if not isinstance(at.get(step), (dict, list)):
        at[step] = [] if following == "0" else {}
    return at[step]


def _put(at: Any, last: str, value: Any) -> None:
    if isinstance(at, list):
        at.append(value)
    elif not isinstance(at.get(last), (dict, list)):
        at[last] = value


def _messages(entries: object) -> list[ChatMessage]:
    return [
        ChatMessage(
            str(entry.get("role", "")),
            str(entry.get("content", "")),
            str(entry.get("finish_reason", "")),
            tuple((call.get("id", ""), call.get("name", ""), call.get("arguments", "")) for call in entry.get("tool_calls", ())),
        )
        for entry in (entries if isinstance(entries, list) else ())
    ]


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
