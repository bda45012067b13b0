"""Settings: every AGENTOPS_* variable, read once, with one clear warning for each that is unknown or not accepted.

`settings()` is what the whole distribution reads; `configure_settings()` is what arguments of `agentops.init()` become.
"""

from __future__ import annotations

import dataclasses
import difflib
import logging
import os
import sys
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from agentops.keys import is_api_key, masked
from agentops.otlp_settings import is_url
from agentops_instrumentors.core import environment
from agentops_instrumentors.core.guard import logger, warn_once

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

DEFAULT_API_ENDPOINT: Final = "https://api.agentops.ai"
DEFAULT_APP_URL: Final = "https://app.agentops.ai"
DEFAULT_EXPORTER_ENDPOINT: Final = "https://otlp.agentops.ai/v1/traces"
LOG_LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
PREFIX: Final = "AGENTOPS_"


@dataclass(frozen=True, slots=True)
class Settings:
    """What the user chose. The field `x` is read from AGENTOPS_X unless its name below says otherwise."""

    api_key: str = ""
    """The key the AgentOps exporter sends; empty: nothing goes to AgentOps."""
    endpoint: str = DEFAULT_API_ENDPOINT
    """AGENTOPS_API_ENDPOINT: base URL of the REST interface."""
    app_url: str = DEFAULT_APP_URL
    exporter_endpoint: str = DEFAULT_EXPORTER_ENDPOINT
    """Full URL of the OTLP/HTTP traces endpoint; metrics and logs go beside it."""
    max_wait_time: int = 5000
    """Milliseconds; the older name of `export_flush_interval`."""
    max_queue_size: int | None = None
    """Spans waiting for the AgentOps exporter; None: OTEL_BSP_MAX_QUEUE_SIZE."""
    export_flush_interval: int | None = None
    """Milliseconds between two exports to AgentOps; None: OTEL_BSP_SCHEDULE_DELAY, and 1000 where that is unset too."""
    default_tags: tuple[str, ...] = ()
    trace_name: str = ""
    instrument_llm_calls: bool = True
    auto_start_session: bool = True
    auto_init: bool = True
    skip_auto_end_session: bool = False
    env_data_opt_out: bool = False
    """True: no host, operating system or process attributes on the resource."""
    log_level: str = ""
    """Level of the `agentops` logger; empty: as the application configured it, with warnings on stderr where it did not."""
    fail_safe: bool = False
    log_session_replay_url: bool = True
    prefetch_jwt_token: bool = True
    project_id: str = ""
    capture_stdout: bool = False
    """True: what the program prints inside a session's spans becomes log records too."""
    upload_logs: bool = False
    """True: each session's log records also go to AgentOps' log view, as one text once the session has ended."""
    trace_parent: str = "root"
    """root: a session is its own trace; current: it nests under the current span."""
    export: str = "genai"
    """To AgentOps, genai: model calls, agents, tools, sessions, operations and the spans above them; all: every span."""
    spool: bool = False
    """True: what goes to AgentOps or over OTLP/HTTP is written to disk first and sent from there, by this process or a later one."""
    exporter: object | None = None
    """A further SpanExporter, given to `init()`; not in the environment."""
    processor: object | None = None
    """A further SpanProcessor, given to `init()`; not in the environment."""


def _optional_integer(name: str, fallback: str) -> int | None:
    value = environment.text(name)
    if not value:
        return None
    if value.isdecimal() and int(value) > 0:
        return int(value)
    environment.invalid(name, value, "a whole number from 1 up", fallback)
    return None


def _flush_interval(name: str, older: str) -> int | None:
    return _optional_integer(name if environment.text(name) else older, "OTEL_BSP_SCHEDULE_DELAY, else 1000")


def _tags(name: str) -> tuple[str, ...]:
    return tuple(tag for tag in (part.strip() for part in environment.text(name).split(",")) if tag)


def _url(name: str, default: str) -> str:
    value = environment.text(name, default)
    if is_url(value):
        return value.rstrip("/")
    environment.invalid(name, value, "an http:// or https:// URL", default)
    return default


def _key(name: str) -> str:
    value = environment.text(name)
    if value and not is_api_key(value):
        warn_once(f"env:{name}", "%s=%s does not look like an AgentOps API key: expected a UUID; it is sent as it is", name, masked(value))
    return value


_FIELDS: Final[Mapping[str, tuple[str, Callable[[str], object]]]] = {
    "AGENTOPS_API_KEY": ("api_key", _key),
    "AGENTOPS_API_ENDPOINT": ("endpoint", lambda name: _url(name, DEFAULT_API_ENDPOINT)),
    "AGENTOPS_APP_URL": ("app_url", lambda name: _url(name, DEFAULT_APP_URL)),
    "AGENTOPS_EXPORTER_ENDPOINT": ("exporter_endpoint", lambda name: _url(name, DEFAULT_EXPORTER_ENDPOINT)),
    "AGENTOPS_MAX_WAIT_TIME": ("max_wait_time", lambda name: environment.integer(name, Settings().max_wait_time)),
    "AGENTOPS_MAX_QUEUE_SIZE": ("max_queue_size", lambda name: _optional_integer(name, "OTEL_BSP_MAX_QUEUE_SIZE")),
    "AGENTOPS_EXPORT_FLUSH_INTERVAL": ("export_flush_interval", lambda name: _flush_interval(name, "AGENTOPS_MAX_WAIT_TIME")),
    "AGENTOPS_DEFAULT_TAGS": ("default_tags", _tags),
    "AGENTOPS_TRACE_NAME": ("trace_name", environment.text),
    "AGENTOPS_INSTRUMENT_LLM_CALLS": ("instrument_llm_calls", lambda name: environment.boolean(name, True)),
    "AGENTOPS_AUTO_START_SESSION": ("auto_start_session", lambda name: environment.boolean(name, True)),
    "AGENTOPS_AUTO_INIT": ("auto_init", lambda name: environment.boolean(name, True)),
    "AGENTOPS_SKIP_AUTO_END_SESSION": ("skip_auto_end_session", lambda name: environment.boolean(name, False)),
    "AGENTOPS_ENV_DATA_OPT_OUT": ("env_data_opt_out", lambda name: environment.boolean(name, False)),
    "AGENTOPS_LOG_LEVEL": ("log_level", lambda name: environment.choice(name, LOG_LEVELS, "")),
    "AGENTOPS_FAIL_SAFE": ("fail_safe", lambda name: environment.boolean(name, False)),
    "AGENTOPS_LOG_SESSION_REPLAY_URL": ("log_session_replay_url", lambda name: environment.boolean(name, True)),
    "AGENTOPS_PREFETCH_JWT_TOKEN": ("prefetch_jwt_token", lambda name: environment.boolean(name, True)),
    "AGENTOPS_PROJECT_ID": ("project_id", environment.text),
    "AGENTOPS_CAPTURE_STDOUT": ("capture_stdout", lambda name: environment.boolean(name, False)),
    "AGENTOPS_UPLOAD_LOGS": ("upload_logs", lambda name: environment.boolean(name, False)),
    "AGENTOPS_TRACE_PARENT": ("trace_parent", lambda name: environment.choice(name, ("root", "current"), "root")),
    "AGENTOPS_SPOOL": ("spool", lambda name: environment.boolean(name, False)),
    "AGENTOPS_EXPORT": ("export", lambda name: environment.choice(name, ("genai", "all"), "genai")),
}
_READ_WHERE_USED: Final = frozenset(
    {
        "AGENTOPS_LOCAL_DIR",
        "AGENTOPS_LOCAL_MAX_BYTES",
        "AGENTOPS_LOCAL_MAX_AGE_DAYS",
        "AGENTOPS_GENAI_METRICS",
        "AGENTOPS_INSTRUMENTATION_CONFLICT",
        "AGENTOPS_REDACTOR",
        "AGENTOPS_CONTENT_MAX_BYTES",
    }
)
"""Variables of the local store and of the kernel, which serves programs that never import this package."""
_TOLERATED: Final = frozenset({"AGENTOPS_LOGGING_TO_FILE"})  # An earlier package's: neither used nor worth a warning.

_lock: Final = threading.Lock()
_current: Settings | None = None


def settings() -> Settings:
    """The process's settings: the environment's, read at the first call, with what `configure_settings` changed."""
    global _current
    if _current is None:
        with _lock:
            if _current is None:
                _current = _from_environment()
    return _current


def configure_settings(**overrides: object) -> Settings:
    """Replace settings by name; None leaves one as it is, an unknown name is warned of and ignored. Returns the new settings."""
    global _current
    known = {field.name for field in dataclasses.fields(Settings)}
    for name in overrides.keys() - known:
        warn_once(f"setting:{name}", "Unknown setting %s: %s", name, _nearest(name, known))
    chosen = {name: value for name, value in overrides.items() if name in known and value is not None}
    if isinstance(key := chosen.get("api_key"), str) and key and not is_api_key(key):
        warn_once("setting:api_key", "api_key=%s does not look like an AgentOps API key: expected a UUID; it is sent as it is", masked(key))
    if "default_tags" in chosen:
        chosen["default_tags"] = tuple(chosen["default_tags"])  # pyright: ignore[reportArgumentType]
    base = settings()
    with _lock:
        _current = dataclasses.replace(base, **chosen)  # pyright: ignore[reportArgumentType]
        _apply_log_level(_current.log_level)
        return _current


def _from_environment() -> Settings:
    show_warnings()
    if environment.text("OTEL_CONFIG_FILE"):
        from agentops.declarative import publish

        publish()
    chosen = {field: read(name) for name, (field, read) in _FIELDS.items()}
    known = _FIELDS.keys() | _READ_WHERE_USED
    for name in os.environ:
        if name.startswith(PREFIX) and name not in known and name not in _TOLERATED:
            shown = masked(os.environ[name]) if "KEY" in name or "TOKEN" in name else repr(os.environ[name])
            warn_once(f"env:{name}", "Unknown variable %s=%s is ignored: %s", name, shown, _nearest(name, known))
    loaded = Settings(**chosen)  # pyright: ignore[reportArgumentType]
    _apply_log_level(loaded.log_level)
    return loaded


def _nearest(name: str, known: Iterable[str]) -> str:
    names = {item.removeprefix(PREFIX): item for item in sorted(known)}
    nearest = difflib.get_close_matches(name.removeprefix(PREFIX), names, n=1, cutoff=0.0)
    return f"the nearest known is {names[nearest[0]]}"


class _Unconfigured(logging.Handler):
    """Shows warnings of ours on stderr as long as the application has configured no logging, as Python does for any logger.

    Without it the `NullHandler` of the `agentops` logger would hide a misspelt variable for good. Tracebacks stay for those who log.
    """

    def emit(self, record: logging.LogRecord) -> None:
        if logging.getLogger().handlers or record.exc_info is not None:
            return
        try:
            # None under pythonw, and closed at the end of some programs.
            sys.stderr.write(f"agentops: {record.getMessage()}\n")
        except (AttributeError, OSError, ValueError):
            pass


def show_warnings() -> None:
    """Show warnings of the `agentops` logger on stderr while no logging is configured; idempotent."""
    if not any(isinstance(handler, _Unconfigured) for handler in logger.handlers):
        logger.addHandler(_Unconfigured(logging.WARNING))


def _apply_log_level(level: str) -> None:
    chosen = str(level).upper()
    if chosen not in LOG_LEVELS:
        return
    logger.setLevel(chosen)
    for handler in logger.handlers:
        if isinstance(handler, _Unconfigured):
            handler.setLevel(chosen)


def __getattr__(name: str) -> object:
    if name == "Config":
        from agentops import options

        return options.Config
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
