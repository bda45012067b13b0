"""When an attribute that is required on a condition is required: the conventions' prose as named functions.

A condition is decided from the telemetry alone: True, False, or None where only the program can know (whether a value was
available, or the request named a seed).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentops_conformance.values import Attributes

_OF_A_PROVIDER: Final = frozenset({"chat", "generate_content", "text_completion", "embeddings", "fetch_response", "create_agent"})
_WITH_A_RESOURCE: Final = frozenset({"resources/read", "resources/subscribe", "resources/unsubscribe", "notifications/resources/updated"})


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of an operation; `failed` is None on signals that have no status."""

    attributes: Attributes
    failed: bool | None = None


def ended_in_error(facts: Facts) -> bool | None:
    return facts.failed


def server_address_is_set(facts: Facts) -> bool | None:
    return "server.address" in facts.attributes


def client_address_is_set(facts: Facts) -> bool | None:
    return "client.address" in facts.attributes


def no_exception_message(facts: Facts) -> bool | None:
    return "exception.message" not in facts.attributes


def no_exception_type(facts: Facts) -> bool | None:
    return "exception.type" not in facts.attributes


def calls_a_provider(facts: Facts) -> bool | None:
    return True if str(facts.attributes.get("gen_ai.operation.name")) in _OF_A_PROVIDER else None


def uses_a_named_prompt(facts: Facts) -> bool | None:
    told = any(key == "gen_ai.prompt.version" or key.startswith("gen_ai.prompt.variable.") for key in facts.attributes)
    return True if told else None


def the_named_prompt_has_a_version(facts: Facts) -> bool | None:
    return None if "gen_ai.prompt.name" in facts.attributes else False


def was_streamed(facts: Facts) -> bool | None:
    if facts.attributes.get("gen_ai.request.stream") is not True:
        return False
    return None if facts.failed else True


def concerns_a_tool(facts: Facts) -> bool | None:
    return facts.attributes.get("mcp.method.name") == "tools/call"


def concerns_a_prompt(facts: Facts) -> bool | None:
    return facts.attributes.get("mcp.method.name") == "prompts/get"


def names_a_resource(facts: Facts) -> bool | None:
    return str(facts.attributes.get("mcp.method.name")) in _WITH_A_RESOURCE


def is_a_request(facts: Facts) -> bool | None:
    return not str(facts.attributes.get("mcp.method.name", "")).startswith("notifications/")


def has_a_skill(facts: Facts) -> bool | None:
    return True if any(key.startswith("gen_ai.skill.") for key in facts.attributes) else None


DECIDED: Final[dict[str, Callable[[Facts], bool | None]]] = {
    function.__name__: function
    for function in (
        ended_in_error,
        server_address_is_set,
        client_address_is_set,
        no_exception_message,
        no_exception_type,
        calls_a_provider,
        uses_a_named_prompt,
        the_named_prompt_has_a_version,
        was_streamed,
        concerns_a_tool,
        concerns_a_prompt,
        names_a_resource,
        is_a_request,
        has_a_skill,
    )
}

NAMES: Final = {
    "If `server.address` is set.": "server_address_is_set",
    "When `server.address` is set.": "server_address_is_set",
    "When `client.address` is set.": "client_address_is_set",
    "If the operation ended in an error.": "ended_in_error",
    "If and only if the operation fails.": "ended_in_error",
    "If and only if session ends with an error.": "ended_in_error",
    "Required if `exception.message` is not set, recommended otherwise.": "no_exception_message",
    "Required if `exception.type` is not set, recommended otherwise.": "no_exception_type",
    "If the operation involves a call to a GenAI provider.": "calls_a_provider",
    "when a named prompt template is used": "uses_a_named_prompt",
    "when `gen_ai.prompt.name` is set and a version is available": "the_named_prompt_has_a_version",
    "If the request was a streaming request.": "was_streamed",
    "When operation is related to a specific tool.": "concerns_a_tool",
    "SHOULD be set to `execute_tool` when the operation describes a tool call and SHOULD NOT be set otherwise.": "concerns_a_tool",
    "When operation is related to a specific prompt.": "concerns_a_prompt",
    "When the client executes a request type that includes a resource URI parameter.": "names_a_resource",
    "When the client executes a request.": "is_a_request",
    "If the skill name is available.": "has_a_skill",
    "If available.": "available",
    "When available.": "available",
    "when available": "available",
    "If applicable.": "applicable",
    "When applicable.": "applicable",
    "If provided by the application.": "given_by_the_application",
    "If and only if the instrumented library has one readily available, or the user application provides one through "
    "OpenTelemetry context or library-specific mechanisms.": "conversation_is_known",
    "If and only if the request is streaming. If unset, the request is assumed to be non-streaming.": "stream_was_asked_for",
    "If applicable and if the request includes a seed.": "seed_was_asked_for",
    "If available, in the request, and !=1.": "several_choices_were_asked_for",
    "When applicable and if the request includes an output format.": "output_format_was_asked_for",
    "If the request includes a service_tier and the value is not 'auto'.": "service_tier_was_asked_for",
    "If the response was received and includes a service_tier.": "service_tier_was_answered",
    "When available and if the request references a previous response.": "previous_response_was_named",
    "If not default (443).": "port_is_unusual",
    "If response contains an error code.": "error_code_was_answered",
    "If the new session continues a previous one.": "session_continues_another",
    "If the operation is handled by a named external GenAI provider or service.": "provider_is_external",
    "If the operation involves memory records and the count is available.": "memory_count_is_known",
    "When the operation applies to a specific memory record.": "memory_record_is_named",
    "When the fetch resumes a streamed response from a prior position.": "fetch_resumes",
    "If the resource name is available.": "skill_resource_is_known",
    "If the tool directly executes a single process and the executable name is available.": "executable_is_known",
    "If the tool reports a single command or process exit code.": "exit_code_is_known",
    "When it's not `2.0`.": "protocol_is_unusual",
    "When the MCP request or notification is part of a session.": "has_an_mcp_session",
}
"""Every condition of the registry by its text. A name without a function is one that only the program can decide."""


def holds(name: str, facts: Facts) -> bool | None:
    """Whether the condition named `name` holds."""
    decide = DECIDED.get(name)
    return decide(facts) if decide else None
