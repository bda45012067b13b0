"""The public functions for sessions; `agentops` re-exports them lazily."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Literal

from agentops.config import configure_settings, settings
from agentops.sessions import runtime
from agentops.sessions.registry import registry
from agentops.sessions.session import Session
from agentops.sessions.states import EndState
from agentops.sessions.tags import split
from agentops_instrumentors.core.guard import warn_once

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agentops.sessions.tags import Tags

_lock = threading.RLock()
_initialised = False
_session: Session | None = None


def init(
    api_key: str | None = None,
    endpoint: str | None = None,
    app_url: str | None = None,
    max_wait_time: int | None = None,
    max_queue_size: int | None = None,
    tags: Iterable[str] | None = None,
    default_tags: Iterable[str] | None = None,
    trace_name: str | None = None,
    instrument_llm_calls: bool | None = None,
    auto_start_session: bool | None = None,
    auto_init: bool | None = None,
    skip_auto_end_session: bool | None = None,
    env_data_opt_out: bool | None = None,
    log_level: str | int | None = None,
    fail_safe: bool | None = None,
    log_session_replay_url: bool | None = None,
    exporter_endpoint: str | None = None,
    *,
    export_flush_interval: int | None = None,
    prefetch_jwt_token: bool | None = None,
    exporter: object | None = None,
    processor: object | None = None,
) -> Session | None:
    """Start recording, and with `auto_start_session` (the default) a session, which is returned and made current.

    Each argument left out is read from its AGENTOPS_* variable; times are in milliseconds. `tags` is the older name of
    `default_tags`, which every session carries. While its session is open, another `init()` returns that session.
    """
    global _session
    arguments = dict(locals())
    tags, default_tags = arguments.pop("tags"), arguments.pop("default_tags")
    if tags is not None or default_tags is not None:
        arguments["default_tags"] = tuple(dict.fromkeys([*split(default_tags)[0], *split(tags)[0]]))
    if isinstance(log_level, int):
        arguments["log_level"] = logging.getLevelName(log_level)
    with _lock:
        configure_settings(**arguments)
        _start()
        if not settings().auto_start_session:
            if _session is None:
                runtime.defaults.adopt(None)
            return None
        if _session is None or not _session.is_open:
            _session = runtime.start_session(settings().trace_name or None, nested=_nested(None))
            runtime.defaults.adopt(_session)
        return _session


def start_trace(trace_name: str | None = None, tags: Tags | None = None, *, parent: Literal["root", "current"] | None = None) -> Session:
    """Start a session of its own trace and make it current; initialises from the environment where `init()` was not called.

    The root span is `invoke_workflow {trace_name}`, or `agentops.session` without a name. `parent="current"` nests it
    under the current span instead; the default is AGENTOPS_TRACE_PARENT.
    """
    _start()
    return runtime.start_session(trace_name, tags, nested=_nested(parent))


def end_trace(trace_context: Session | None = None, end_state: object = EndState.SUCCESS, end_state_reason: str | None = None) -> None:
    """End one session, or every open one where none is given."""
    if trace_context is None:
        end_all_sessions(end_state, end_state_reason)
    else:
        end_session(trace_context, end_state, end_state_reason)


def start_session(tags: Tags | None = None) -> Session:
    """Start a session without a name and make it current; initialises from the environment where `init()` was not called."""
    return start_trace(None, tags)


def end_session(
    session_or_status: Session | object | None = None, end_state: object = EndState.SUCCESS, end_state_reason: str | None = None
) -> None:
    """End the session given, or else the current one, that of `init()` or the latest still open, in this order.

    What is not a session is taken for the end state.
    """
    if isinstance(session_or_status, Session):
        session_or_status.end(end_state, end_state_reason)
        return
    session = _to_end()
    if session is None:
        warn_once("end_session", "There is no open session to end")
        return
    session.end(end_state if session_or_status is None else session_or_status, end_state_reason)


def end_all_sessions(end_state: object = EndState.SUCCESS, end_state_reason: str | None = None) -> None:
    """End every open session of this process."""
    runtime.end_all(end_state, end_state_reason)


def _start() -> None:
    """Wire everything up once; a program that starts its own sessions where nothing was wired gets no default one."""
    global _initialised
    if _initialised:
        return
    with _lock:
        if _initialised:
            return
        if not runtime.installed():
            runtime.defaults.adopt(None)
        from agentops import wiring

        wiring.start()
        _initialised = True


def _nested(parent: str | None) -> bool:
    return (parent or settings().trace_parent) == "current"


def _to_end() -> Session | None:
    current = runtime.current_session()
    if current is not None:
        return current
    if _session is not None and _session.is_open:
        return _session
    return next(reversed(registry.sessions()), None)
