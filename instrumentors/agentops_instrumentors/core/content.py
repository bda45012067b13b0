"""The one choke point for content: whether it is recorded, what a redactor makes of it, how large it may be.

Everything a model or a user said passes through here, exceptions' text and status descriptions included.
"""

from __future__ import annotations

import traceback
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from agentops_instrumentors.core import environment, redactors, semconv
from agentops_instrumentors.core.guard import swallowed

if TYPE_CHECKING:
    from agentops_instrumentors.core.redactors import Redactor

CAPTURE_VARIABLE: Final = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
EMIT_EVENT_VARIABLE: Final = "OTEL_INSTRUMENTATION_GENAI_EMIT_EVENT"
MAX_BYTES_VARIABLE: Final = "AGENTOPS_CONTENT_MAX_BYTES"
DEFAULT_MAX_BYTES: Final = 1024 * 1024


class ContentMode(Enum):
    """Where content goes; the values of OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT."""

    NO_CONTENT = "NO_CONTENT"
    SPAN_ONLY = "SPAN_ONLY"
    EVENT_ONLY = "EVENT_ONLY"
    SPAN_AND_EVENT = "SPAN_AND_EVENT"


class Policy:
    """What may be recorded. Immutable by convention; `max_bytes` bounds each content attribute, encoded as UTF-8."""

    __slots__ = ("captures", "emit_event", "max_bytes", "mode", "on_event", "on_span", "redact", "redactor")

    def __init__(
        self,
        mode: ContentMode,
        *,
        emit_event: bool | None = None,
        redactor: Redactor | None = None,
        max_bytes: int = DEFAULT_MAX_BYTES,
    ) -> None:
        self.mode = mode
        self.on_span = mode in (ContentMode.SPAN_ONLY, ContentMode.SPAN_AND_EVENT)
        self.on_event = mode in (ContentMode.EVENT_ONLY, ContentMode.SPAN_AND_EVENT)
        self.emit_event = self.on_event if emit_event is None else emit_event
        self.captures = self.on_span or (self.on_event and self.emit_event)
        """Whether content is recorded anywhere."""
        self.redactor = redactor
        self.redact: Redactor | None = None if redactor is None else self._redacted
        self.max_bytes = max_bytes

    def _redacted(self, text: str) -> str:
        return redact(text, self)


_default_mode = ContentMode.NO_CONTENT
_declared_mode = ""
_policy: Policy | None = None


def set_default_mode(mode: ContentMode) -> None:
    """Choose the mode used while OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT is unset (NO_CONTENT at first)."""
    global _default_mode, _policy
    _default_mode, _policy = mode, None


def set_declared_mode(value: str) -> None:
    """Use what a configuration file says as long as the variable is unset: a name as in the variable, NO_CONTENT if it is none."""
    global _declared_mode, _policy
    _declared_mode, _policy = value, None


def declared_mode() -> str:
    """What a configuration file says, empty where none does."""
    return _declared_mode


def policy() -> Policy:
    """The process's policy: the environment's, read once and again after `set_default_mode`."""
    global _policy
    if _policy is None:
        _policy = _from_environment()
    return _policy


def _from_environment() -> Policy:
    # An invalid value is NO_CONTENT, as in the official packages: nobody's typo may publish prompts.
    fallback = ContentMode.NO_CONTENT if environment.text(CAPTURE_VARIABLE) else _default_mode
    mode = ContentMode(environment.choice(CAPTURE_VARIABLE, [m.value for m in ContentMode], fallback.value))
    if _declared_mode and not environment.text(CAPTURE_VARIABLE):
        mode = mode_of(_declared_mode)
    return policy_for(mode)


def mode_of(value: str) -> ContentMode:
    """The mode that a configuration file names; NO_CONTENT, said once, where it names none."""
    found = next((mode for mode in ContentMode if mode.value == value.strip().upper()), None)
    if found is None:
        environment.invalid("capture_message_content", value, "one of " + ", ".join(m.value for m in ContentMode), "NO_CONTENT")
    return found or ContentMode.NO_CONTENT


def policy_for(mode: ContentMode) -> Policy:
    """The policy that goes with a mode: redactors and limits are the process's."""
    emit_event = environment.boolean(EMIT_EVENT_VARIABLE, False) if environment.text(EMIT_EVENT_VARIABLE) else None
    references = redactors.chosen() if mode is not ContentMode.NO_CONTENT or environment.text(redactors.VARIABLE) else ()
    return Policy(
        mode,
        emit_event=emit_event,
        redactor=redactors.Chain(references) if references else None,
        max_bytes=environment.integer(MAX_BYTES_VARIABLE, DEFAULT_MAX_BYTES, minimum=1024),
    )


def redact(text: str, chosen: Policy) -> str:
    """`text` as the redactor lets it through, without lone surrogates."""
    from agentops_instrumentors.core.encoding import utf8

    if chosen.redactor is None:
        return utf8(text)
    try:
        return utf8(str(chosen.redactor(utf8(text))))
    except Exception as error:
        swallowed("redactor", error)
        return redactors.FAILED


def to_json(value: object, chosen: Policy) -> str:
    """`value` as JSON text, redacted and within the byte budget; always valid JSON, whatever is inside."""
    return _codec().to_json(value, chosen.max_bytes, chosen.redact)


def to_values(value: object, chosen: Policy) -> Any:
    """`value` as redacted plain lists, dicts and scalars, for events, within the byte budget."""
    return _codec().to_values(value, chosen.max_bytes, chosen.redact)


@cache
def _codec() -> Any:
    # msgspec loads with the first content, and an import statement in each call would cost a microsecond.
    from agentops_instrumentors.core import encoding

    return encoding


def exception_attributes(error: BaseException, chosen: Policy | None = None) -> dict[str, str]:
    """`exception.*` attributes of `error`; its message and stack trace only where content is recorded, since both quote it."""
    chosen = chosen or policy()
    found = {semconv.EXCEPTION_TYPE: exception_type(error)}
    if chosen.captures:
        found[semconv.EXCEPTION_MESSAGE] = redact(str(error), chosen)
        found[semconv.EXCEPTION_STACKTRACE] = redact("".join(traceback.format_exception(error)), chosen)
    return found


def status_description(error: BaseException, chosen: Policy | None = None) -> str | None:
    """A status description for `error`: its redacted message, or None where content is not recorded."""
    chosen = chosen or policy()
    return redact(str(error), chosen) if chosen.captures else None


def exception_type(error: BaseException) -> str:
    """The fully qualified type name, without the module for builtins."""
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
