"""The public functions for sessions; `agentops` re-exports them lazily."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Literal, cast

from agentops import options
from agentops.config import configure_settings, settings
from agentops.exceptions import ConfigurationError
from agentops.mixed import warn_if_mixed
from agentops.notebook import sessions_start_by_themselves
from agentops.parameters import checked
from agentops.sessions import runtime
from agentops.sessions.inherit import join, names
from agentops.sessions.registry import registry
from agentops.sessions.session import Session
from agentops.sessions.states import EndState
from agentops_instrumentors.core.guard import logger, warn_once

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from agentops.sessions.tags import Tags

_lock = threading.RLock()
_initialised = False
_session: Session | None = None


@checked
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
    parent_key: str | None = None,
    inherited_session_id: str | Session | None = None,
) -> Session | None:
    """Start recording, and with `auto_start_session` (the default) a session, which is returned and made current.

    Each argument left out is read from its AGENTOPS_* variable; times are in milliseconds. `tags` is the older name of
    `default_tags`, which every session carries. `inherited_session_id` joins the session of another process instead of
    starting one. While its session is open, another `init()` returns that session. In IPython no session starts unless
    asked for.
    """
    global _session
    arguments = {name: value for name, value in locals().items() if name != "inherited_session_id"}
    chosen = options.normalised("init", arguments)
    with _lock:
        _start(chosen)
        _say_again()
        if inherited_session_id is not None:
            if _session is None or not _session.is_open or not names(inherited_session_id, _session):
                _session = join(inherited_session_id)
                runtime.defaults.adopt(_session)
            return _session
        if not (auto_start_session if auto_start_session is not None else sessions_start_by_themselves()):
            if _session is None:
                runtime.defaults.adopt(None)
            return None
        if _session is None or not _session.is_open:
            _session = runtime.start_session(settings().trace_name or None, nested=_nested(None))
            runtime.defaults.adopt(_session)
        return _session


@checked
def start_trace(trace_name: str | None = None, tags: Tags | None = None, *, parent: Literal["root", "current"] | None = None) -> Session:
    """Start a session of its own trace and make it current; initialises from the environment where `init()` was not called.

    The root span is `invoke_workflow {trace_name}`, or `agentops.session` without a name. `parent="current"` nests it
    under the current span instead; the default is AGENTOPS_TRACE_PARENT.
    """
    _start()
    return runtime.start_session(trace_name, tags, nested=_nested(parent))


@checked
def end_trace(
    trace_context: Session | None = None,
    end_state: object = EndState.SUCCESS,
    end_state_reason: str | None = None,
    *,
    trace: Session | None = None,
) -> None:
    """End one session, or every open one where none is given. `trace` is another name of `trace_context`."""
    ending = trace_context if trace_context is not None else trace
    if ending is None:
        end_all_sessions(end_state, end_state_reason)
    else:
        end_session(ending, end_state, end_state_reason)


@checked
def start_session(
    tags: Tags | None = None,
    config: options.Config | Mapping[str, object] | None = None,
    inherited_session_id: str | Session | None = None,
) -> Session:
    """Start a session without a name and make it current, or join that of another process by its id.

    Of `config`, tags and trace name are this session's alone; what else it says takes effect as by `configure()`, except
    that what can't change any more is kept and said. Initialises from the environment where `init()` was not called.
    """
    chosen = options.of(config)
    own = {name: chosen.pop(name) for name in options.OF_ONE_SESSION & chosen.keys()}
    with _lock:
        _start(chosen)
    if inherited_session_id is not None:
        return join(inherited_session_id, tags)
    name = own.get("trace_name")
    session = start_trace(str(name) if name else None, tags)
    if own.get("default_tags"):
        session.add_tags(cast("Tags", own["default_tags"]))
    return session


@checked
def end_session(
    session_or_status: Session | object | None = None,
    end_state: object = EndState.SUCCESS,
    end_state_reason: str | None = None,
    video: str | None = None,
    is_auto_end: bool | None = None,
) -> None:
    """End the session given, or else the current one, that of `init()` or the latest still open, in this order.

    What is not a session is taken for the end state. `video` and `is_auto_end` are those of `Session.end_session`.
    """
    if isinstance(session_or_status, Session):
        session, state = session_or_status, end_state
    else:
        session, state = _to_end(), end_state if session_or_status is None else session_or_status
    if session is None:
        warn_once("end_session", "There is no open session to end")
        return
    session.end_session(state, end_state_reason, video, is_auto_end)


@checked
def end_all_sessions(end_state: object = EndState.SUCCESS, end_state_reason: str | None = None) -> None:
    """End every open session of this process."""
    runtime.end_all(end_state, end_state_reason)


def configure(**chosen: object) -> None:
    """Change settings, by the names of `init()`'s parameters, from now on; None leaves one as it is.

    Raises TypeError for an unknown name and `ConfigurationError`, changing nothing, for what recording was set up with.
    """
    settled = options.normalised("configure", chosen)
    with _lock:
        if not _recording():
            configure_settings(**settled)
            return
        fixed = options.unchangeable(settled)
        if fixed:
            raise ConfigurationError(f"configure() can't change {_listed(fixed)} any more; give it to init(), before anything is recorded")
        _change(settled)


def started() -> bool:
    """Whether recording was started from here."""
    return _initialised


def _start(chosen: Mapping[str, object] | None = None) -> None:
    """Put `chosen` in force, as far as it can change, and wire everything up, once.

    A program that starts its own sessions where nothing was wired gets no default one.
    """
    global _initialised
    if _initialised and not chosen:
        return
    with _lock:
        if _recording():
            fixed = options.unchangeable(chosen or {})
            if fixed:
                logger.warning("Kept as it was: %s", _listed(fixed))
            _change({name: value for name, value in (chosen or {}).items() if name not in fixed})
        else:
            configure_settings(**(chosen or {}))
            runtime.defaults.adopt(None)
        if not _initialised:
            warn_if_mixed()
            from agentops import wiring

            wiring.start()
            _initialised = True


def _change(chosen: Mapping[str, object]) -> None:
    """Put settings in force while recording."""
    from agentops import instrumentation, wiring

    configure_settings(**chosen)
    wiring.ensure()
    if "instrument_llm_calls" in chosen:
        if chosen["instrument_llm_calls"]:
            instrumentation.instrument_all()
        else:
            instrumentation.uninstrument_all()


def _recording() -> bool:
    return _initialised or runtime.installed()


def _listed(fixed: Mapping[str, str]) -> str:
    return ", ".join(f"{name} ({reason})" for name, reason in sorted(fixed.items()))


def _say_again() -> None:
    if _session is not None and _session.is_open:
        logger.info("init() was called before: session %s goes on", _session)


def _nested(parent: str | None) -> bool:
    return (parent or settings().trace_parent) == "current"


def _to_end() -> Session | None:
    current = runtime.current_session()
    if current is not None:
        return current
    if _session is not None and _session.is_open:
        return _session
    return next(reversed(registry.sessions()), None)
