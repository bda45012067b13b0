"""Which words of the program belong to a session's span, and the OpenTelemetry log records made of them."""

from __future__ import annotations

import logging
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final, cast

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.context import get_current
from opentelemetry.instrumentation.utils import is_instrumentation_enabled
from opentelemetry.trace import get_current_span

from agentops.sessions.current import session_in
from agentops.sessions.registry import registry
from agentops_instrumentors.core import content, semconv
from agentops_instrumentors.core.guard import swallowed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry._logs import LoggerProvider
    from opentelemetry.context import Context

_OURS: Final = ("agentops", "opentelemetry")
_CLIENTS: Final = frozenset(
    {
        *("openai", "anthropic", "google", "google_genai", "ollama", "botocore", "boto3", "aiobotocore", "groq", "mistralai", "cohere"),
        *(
            "litellm",
            "LiteLLM",
            "urllib3",
            "requests",
            "httpx",
            "httpx2",
            "httpcore",
            "httpcore2",
            "h11",
            "h2",
            "hpack",
            "aiohttp",
            "websockets",
        ),
    }
)
"""Loggers of clients: what they log for debugging holds requests and answers, images and headers; what they log else, URLs."""
_SEVERITY_TEXTS: Final = {"WARNING": "WARN", "CRITICAL": "FATAL"}
_STANDARD: Final = frozenset({*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"})

_emitting: Final[ContextVar[bool]] = ContextVar("agentops-emitting-log", default=False)


class Emitter:
    """Makes log records through one provider. `always`: also where content is not recorded, since an exporter of the
    program's own gets them; without it they are content like any prompt, and off with it.
    """

    def __init__(self, provider: LoggerProvider, always: bool) -> None:
        self.provider = provider
        self.always = always

    def context(self) -> Context | None:
        """The current context where a record belongs to a session's span and is wanted, else None."""
        context = get_current()
        if not in_session(context) or _emitting.get() or not is_instrumentation_enabled():
            return None
        return context if self.always or content.policy().mode is not content.ContentMode.NO_CONTENT else None

    def record(self, record: logging.LogRecord, context: Context) -> None:
        """Emit a record of `logging` under the name of its logger, but not a client's for debugging. Never raises."""
        extra = vars(record).items()
        attributes = {key: value for key, value in extra if key not in _STANDARD and isinstance(value, (str, bool, int, float))}
        error = record.exc_info[1] if record.exc_info else None
        try:
            policy = content.policy()
            quiet = policy.mode is content.ContentMode.NO_CONTENT or record.levelno < logging.INFO
            if quiet and record.name.partition(".")[0] in _CLIENTS:
                return
            made = {**content.to_values(attributes, policy), **(content.exception_attributes(error, policy) if error is not None else {})}
            self._emit(record.name, record.getMessage(), record.levelno, record.levelname, int(record.created * 1e9), made, context)
        except Exception as telemetry_error:
            swallowed("logs", telemetry_error)

    def line(self, scope: str, line: str, stream: str, time_unix_nano: int, context: Context) -> None:
        """Emit one line written to a standard stream. Never raises."""
        try:
            self._emit(scope, line, logging.INFO, "INFO", time_unix_nano, {semconv.LOG_IOSTREAM: stream}, context)
        except Exception as error:
            swallowed("logs", error)

    def _emit(
        self, scope: str, body: str, level: int, level_name: str, time_unix_nano: int, attributes: Mapping[str, object], context: Context
    ) -> None:
        # An exporter that prints, or a processor that logs, must not feed itself.
        token = _emitting.set(True)
        try:
            self.provider.get_logger(scope).emit(
                LogRecord(
                    timestamp=time_unix_nano,
                    context=context,
                    severity_number=severity(level),
                    severity_text=_SEVERITY_TEXTS.get(level_name, level_name),
                    body=cast("str", content.to_values(body, content.policy())),
                    attributes=cast("Mapping[str, str]", attributes),
                )
            )
        finally:
            _emitting.reset(token)


def in_session(context: Context) -> bool:
    """Whether the current span of `context` is a sampled one of a session, open or just ended."""
    span = get_current_span(context)
    place = span.get_span_context()
    if not place.is_valid or not place.trace_flags.sampled:
        return False
    if registry.of_trace(place.trace_id) is not None:
        return True
    session = session_in(context)
    if session is not None and session.trace_number == place.trace_id:
        return True
    return semconv.SESSION_ID in cast("Mapping[str, object]", getattr(span, "attributes", None) or {})


def is_ours(name: str) -> bool:
    """Whether a logger is telemetry's own."""
    return name.partition(".")[0] in _OURS


def severity(level: int) -> SeverityNumber:
    """The OpenTelemetry severity of a level of `logging`: each ten of levels are the four severities of one name, the rest its last."""
    if level < logging.DEBUG:
        return SeverityNumber.UNSPECIFIED
    name = min(level // 10, 5)
    return SeverityNumber(4 * name + 1 + min(level - 10 * name, 3))
