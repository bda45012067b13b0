"""Spans in the vocabulary that the AgentOps backend reads, which is older than the GenAI conventions.

Works on an encoded request, a copy by nature: what other exporters see is untouched. Names of spans end in their kind, as in
`research.session` or `search.tool`; model calls carry messages and tokens under indexed and older names; of the other kinds nothing
is called `gen_ai.*`, or the backend would take them for model calls. That backend looks for the kind in the first attribute whose
name tells one, so those that do come first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from agentops.export.parents import reattach
from agentops.export.translate_messages import completions, functions, names_of_tools, prompts
from agentops.export.translate_openinference import as_conventions
from agentops.export.translate_values import plain, put
from agentops_instrumentors.core import semconv
from agentops_instrumentors.core.guard import swallowed

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
    from opentelemetry.proto.trace.v1.trace_pb2 import Span

Values = dict[str, Any]
OK: Final = 1
ERROR: Final = 2
_INTERNAL: Final = 1
_GEN_AI: Final = "gen_ai."
_USAGE: Final = "gen_ai.usage."
_TOKENS: Final = {
    semconv.USAGE_INPUT_TOKENS: "gen_ai.usage.prompt_tokens",
    semconv.USAGE_OUTPUT_TOKENS: "gen_ai.usage.completion_tokens",
    semconv.USAGE_CACHE_READ_INPUT_TOKENS: "gen_ai.usage.cache_read_input_tokens",
    semconv.USAGE_CACHE_WRITE_INPUT_TOKENS: "gen_ai.usage.cache_creation_input_tokens",
    semconv.USAGE_REASONING_OUTPUT_TOKENS: "gen_ai.usage.reasoning_tokens",
}
_RENAMED: Final = {
    semconv.PROVIDER_NAME: "gen_ai.system",
    semconv.OPERATION_NAME: "gen_ai.request.type",
    semconv.REQUEST_STREAM: "gen_ai.request.streaming",
    semconv.RESPONSE_TIME_TO_FIRST_CHUNK: "gen_ai.streaming.time_to_first_token",
}
_AGENT_OPERATIONS: Final = frozenset({semconv.INVOKE_AGENT, "create_agent"})
_OF_AN_AGENT: Final = {
    "gen_ai.agent.id": "agent.id",
    "gen_ai.agent.name": "agent.name",
    "gen_ai.agent.description": "agent.description",
    "gen_ai.agent.version": "agent.version",
}
_OF_A_TOOL: Final = {
    semconv.TOOL_NAME: "tool.name",
    semconv.TOOL_DESCRIPTION: "tool.description",
    semconv.TOOL_TYPE: "tool.type",
    semconv.TOOL_CALL_ID: "tool.call.id",
    semconv.TOOL_CALL_ARGUMENTS: "tool.parameters",
    semconv.TOOL_CALL_RESULT: "tool.result",
}
_BELONGING: Final = {semconv.AGENTOPS_AGENT_ID: "agent_id", semconv.AGENTOPS_AGENT_NAME: "agent_name"}
"""The agent that a span belongs to, under names that do not make the span an agent."""
_SAID_BY_THE_NAME: Final = frozenset({semconv.OPERATION_NAME, semconv.CONVERSATION_ID})
_LLM: Final = "llm"
_SESSION: Final = "session"


def translated(request: ExportTraceServiceRequest) -> ExportTraceServiceRequest:
    """`request` itself, its spans translated; one that cannot be is left as it is."""
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            for span in scope.spans:
                try:
                    reattach(span)
                    _translate(span)
                except Exception as error:
                    swallowed("translating a span for AgentOps", error)
    return request


def _translate(span: Span) -> None:
    given: Values = as_conventions({pair.key: plain(pair.value) for pair in span.attributes})
    kind = kind_of(given)
    if kind is None:
        return
    made = _TRANSLATIONS.get(kind, _other)(span, given)
    made[semconv.SPAN_KIND] = kind
    put(span, made)


def kind_of(attributes: Values) -> str | None:
    """What the span is to the backend: session, agent, tool, llm, workflow, task, operation, guardrail; None where nothing tells."""
    said = attributes.get(semconv.SPAN_KIND)
    if isinstance(said, str) and said:
        return said
    operation = attributes.get(semconv.OPERATION_NAME)
    if operation in _AGENT_OPERATIONS:
        return "agent"
    if operation == semconv.EXECUTE_TOOL:
        return "tool"
    if operation == semconv.INVOKE_WORKFLOW:
        return "workflow"
    return _LLM if any(name.startswith(_GEN_AI) for name in attributes) else None


def _llm(span: Span, given: Values) -> Values:
    made: Values = {}
    for name, value in given.items():
        if name.startswith(_GEN_AI) and name not in _WRITTEN_ANEW:
            made[_RENAMED.get(name) or _TOKENS.get(name) or name] = value
    counted = [given[name] for name in (semconv.USAGE_INPUT_TOKENS, semconv.USAGE_OUTPUT_TOKENS) if isinstance(given.get(name), int)]
    if counted:
        # Without it the backend adds cached and reasoning tokens, which are in the two already.
        made["gen_ai.usage.total_tokens"] = sum(counted)
    made |= _cost(given)
    made |= prompts(given.get(semconv.SYSTEM_INSTRUCTIONS), given.get(semconv.INPUT_MESSAGES))
    made |= completions(given.get(semconv.OUTPUT_MESSAGES), given.get(semconv.RESPONSE_FINISH_REASONS))
    made |= functions(given.get(semconv.TOOL_DEFINITIONS))
    return made | _rest(given)


_WRITTEN_ANEW: Final = frozenset(
    {semconv.SYSTEM_INSTRUCTIONS, semconv.INPUT_MESSAGES, semconv.OUTPUT_MESSAGES, semconv.TOOL_DEFINITIONS, semconv.CONVERSATION_ID}
)


def _agent(span: Span, given: Values) -> Values:
    made = {new: given[name] for name, new in _OF_AN_AGENT.items() if name in given}
    name = made.get("agent.name") or given.get(semconv.AGENTOPS_AGENT_NAME) or _named(span, semconv.INVOKE_AGENT)
    made["agent.name"] = name
    if "agent.id" not in made and semconv.AGENTOPS_AGENT_ID in given:
        made["agent.id"] = given[semconv.AGENTOPS_AGENT_ID]
    model = given.get(semconv.RESPONSE_MODEL) or given.get(semconv.REQUEST_MODEL)
    if model:
        made["agent.models"] = [model]
    tools = names_of_tools(given.get(semconv.TOOL_DEFINITIONS))
    if tools:
        made["agent.tools"] = tools
    span.name = f"{name}.agent"
    made["operation.name"] = name
    if span.kind != _INTERNAL:
        # A remote agent's own calls are nobody else's to count; of a local one, each call is a span of its own.
        made |= {_TOKENS[known]: given[known] for known in _TOKENS if known in given} | _total(given) | _cost(given)
    return made | _without_gen_ai(given, {*_OF_AN_AGENT, semconv.TOOL_DEFINITIONS}) | _rest(given, without=_BELONGING)


def _tool(span: Span, given: Values) -> Values:
    made = {new: given[name] for name, new in _OF_A_TOOL.items() if name in given}
    name = made.get("tool.name") or _named(span, semconv.EXECUTE_TOOL)
    made["tool.name"] = made["operation.name"] = name
    made["tool.status"] = "failed" if span.status.code == ERROR else "succeeded"
    span.name = f"{name}.tool"
    made |= _cost(given)
    return made | _without_gen_ai(given, {*_OF_A_TOOL, semconv.AGENT_NAME}) | _rest(given)


def _session(span: Span, given: Values) -> Values:
    name = given.get(semconv.WORKFLOW_NAME) or _named(span, semconv.INVOKE_WORKFLOW)
    span.name = name if name.endswith(f".{_SESSION}") else f"{name}.{_SESSION}"
    state = given.get(semconv.SESSION_END_STATE)
    if state == "Success":
        span.status.code = OK  # pyright: ignore[reportAttributeAccessIssue]
    elif state == "Fail":
        span.status.code = ERROR  # pyright: ignore[reportAttributeAccessIssue]
    made: Values = {"operation.name": name.removesuffix(f".{_SESSION}")}
    return made | _without_gen_ai(given, {semconv.WORKFLOW_NAME}) | _rest(given)


def _other(span: Span, given: Values) -> Values:
    kind = kind_of(given) or ""
    name = given.get(semconv.WORKFLOW_NAME) or _named(span, kind, semconv.INVOKE_WORKFLOW)
    span.name = f"{name}.{kind}"
    made: Values = {"operation.name": name}
    if semconv.ENTITY_VERSION in given:
        made["operation.version"] = given[semconv.ENTITY_VERSION]
    return made | _without_gen_ai(given, {semconv.WORKFLOW_NAME}) | _rest(given)


_TRANSLATIONS: Final[dict[str, Callable[[Any, Values], Values]]] = {_LLM: _llm, "agent": _agent, "tool": _tool, _SESSION: _session}


def _named(span: Span, *prefixes: str) -> str:
    """The span's name without the operation before it."""
    for prefix in prefixes:
        if span.name.startswith(f"{prefix} "):
            return span.name[len(prefix) + 1 :]
    return span.name


def _cost(given: Values) -> Values:
    """What it cost, where it is in the backend's own currency."""
    amount = given.get(semconv.COST_AMOUNT)
    return {"gen_ai.usage.total_cost": amount} if amount is not None and given.get(semconv.COST_CURRENCY, "USD") == "USD" else {}


def _total(given: Values) -> Values:
    counted = [given[name] for name in (semconv.USAGE_INPUT_TOKENS, semconv.USAGE_OUTPUT_TOKENS) if isinstance(given.get(name), int)]
    return {"gen_ai.usage.total_tokens": sum(counted)} if counted else {}


def _without_gen_ai(given: Values, used: set[str]) -> Values:
    """What is left of the conventions' attributes, under names that do not make the span a model call."""
    return {
        name.removeprefix(_GEN_AI): value
        for name, value in given.items()
        if name.startswith(_GEN_AI) and name not in used and name not in _SAID_BY_THE_NAME and not name.startswith(_USAGE)
    }


def _rest(given: Values, without: dict[str, str] | None = None) -> Values:
    """Everything that is no `gen_ai.*`, and the conversation's id."""
    found: Values = {}
    for name, value in given.items():
        if name == semconv.CONVERSATION_ID:
            found["conversation.id"] = value
        elif not name.startswith(_GEN_AI) and not (without and name in without):
            found[_BELONGING.get(name, name)] = value
    return found
