"""One session: a root span with an identity of its own, ended exactly once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeVar

from opentelemetry.trace import Status, StatusCode

from agentops.config import settings
from agentops.parameters import checked, deprecated
from agentops.sessions import failure, tags
from agentops.sessions.current import leave
from agentops.sessions.registry import registry
from agentops.sessions.states import EndState, normalise
from agentops_instrumentors.core import semconv
from agentops_instrumentors.core.failures import Failures
from agentops_instrumentors.core.guard import swallowed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from opentelemetry.context import Context
    from opentelemetry.trace import Span
    from opentelemetry.util.types import AttributeValue

    from agentops.sessions.tags import Tags


Event = TypeVar("Event")


class Session:
    """What `init()`, `start_trace()` and `start_session()` return; `str(session)` is its id.

    `span` is its root span and `session_id` the UUID of its trace id. It ends once, from any thread or task, by `end`,
    by `with` (Success, or Fail on an exception) or, at the end of the process, by itself (Indeterminate). In a forked
    child it can be used on, but its root belongs to the parent process: ending it there only leaves it.
    """

    __slots__ = (
        "__weakref__",
        "_keyed_tags",
        "_open",
        "_tags",
        "agent_ids",
        "end_state",
        "end_state_reason",
        "failures",
        "is_root",
        "joined",
        "name",
        "on_activity",
        "outer",
        "session_id",
        "span",
        "span_name",
        "start_attributes",
        "start_time_unix_nano",
        "trace_number",
    )

    def __init__(
        self,
        span: Span,
        *,
        trace_number: int,
        session_id: str,
        name: str,
        span_name: str,
        start_attributes: Mapping[str, AttributeValue],
        start_time_unix_nano: int,
        outer: Context,
        is_root: bool = True,
    ) -> None:
        """`outer` is the context it was started in; `trace_number` its trace id; `is_root` whether the trace is its own."""
        self.span = span
        self.trace_number = trace_number
        self.session_id = session_id
        self.name = name
        self.span_name = span_name
        self.start_attributes = start_attributes
        self.start_time_unix_nano = start_time_unix_nano
        self.outer = outer
        self.is_root = is_root
        self.failures = Failures()
        self.agent_ids: dict[str, str] = {}
        self.joined = False
        self.end_state: EndState | None = None
        self.end_state_reason: str | None = None
        self.on_activity: Callable[[], None] | None = None
        self._tags: list[str] = []
        self._keyed_tags: dict[str, AttributeValue] = {}
        self._open = True

    @property
    def trace_id(self) -> str:
        """The trace id as 32 lower-case hexadecimal digits."""
        return f"{self.trace_number:032x}"

    @property
    def is_open(self) -> bool:
        """Whether it has not been ended."""
        return self._open

    @property
    def tags(self) -> list[str]:
        """Its plain tags, in the order given."""
        return list(self._tags)

    def add_tags(self, more: Tags) -> None:
        """Add tags to an open session: text, an iterable of text, or a mapping for keyed tags."""
        plain, keyed = tags.split(more)
        self._tag(list(dict.fromkeys(self._tags + plain)), keyed)

    def set_tags(self, only: Tags) -> None:
        """Replace the plain tags of an open session; keyed tags are added, because an attribute cannot be taken back."""
        self._tag(*tags.split(only))

    def _tag(self, plain: list[str], keyed: dict[str, AttributeValue]) -> None:
        self.note_tags(plain, keyed)
        if self.span.is_recording() and not self.joined:
            self.span.set_attributes({semconv.TAGS: plain, **tags.attributes([], keyed)})

    def note_tags(self, plain: list[str], keyed: Mapping[str, AttributeValue]) -> None:
        """Remember tags that its span carries already."""
        self._tags = list(plain)
        self._keyed_tags.update(keyed)

    def end(self, end_state: object = EndState.SUCCESS, end_state_reason: str | None = None) -> None:
        """End it; nothing happens if it has ended. `end_state` is read as `states.normalise` says.

        Where it is current, what was current before it and is still open becomes current again.
        """
        state, reason = normalise(end_state, end_state_reason)
        self.close(state, reason)

    @checked
    def end_session(
        self,
        end_state: object = EndState.SUCCESS,
        end_state_reason: str | None = None,
        video: str | None = None,
        is_auto_end: bool | None = None,
    ) -> None:
        """End it, with the URL of a `video` recording if there is one.

        `is_auto_end` says that a framework ends it, not the program: ignored under `skip_auto_end_session`.
        """
        if is_auto_end and settings().skip_auto_end_session:
            return
        if video is not None:
            self.set_video(video)
        self.end(end_state, end_state_reason)

    def set_video(self, url: str) -> None:
        """Link an open session to a video recording."""
        if self.span.is_recording() and not self.joined:
            self.span.set_attribute(semconv.SESSION_VIDEO, url)

    def record(self, event: Event) -> Event:
        """Nothing is recorded: spans have taken the place of events. Returns `event`."""
        from agentops.legacy import record

        return record(event)

    def create_agent(self, name: str | None = None, agent_id: str | None = None, **details: object) -> str | None:
        """Nothing is created: the decorator `agent` marks agents. Returns `agent_id`."""
        deprecated("create_agent", "create_agent() does nothing any more: mark agents with the decorator agentops.agent")
        return agent_id

    @property
    def session_url(self) -> str:
        """Where AgentOps shows it, if it is sent there."""
        return f"{settings().app_url}/sessions?trace_id={self.trace_id}"

    @property
    def trace_context(self) -> Session:
        """Itself: a session and its trace are one."""
        return self

    @property
    def token(self) -> None:
        """None: no context token is kept."""

    def close(
        self, state: EndState, reason: str | None = None, error: BaseException | None = None, end_time_unix_nano: int | None = None
    ) -> bool:
        """End it with a normalised state; True for the one caller that ended it.

        Fail also sets status ERROR and `error.type`: the type of `error`, or `session_failed` without one.
        """
        if not registry.claim(self):
            # Another thread or task ended it; here it may still be current.
            leave(self)
            return False
        self._open = False
        self.end_state, self.end_state_reason = state, reason
        try:
            if not self.joined and self.span.is_recording():
                self._close_span(state, reason, error)
                self.span.end(end_time_unix_nano)
        except Exception as telemetry_error:
            swallowed("ending a session", telemetry_error)
        leave(self)
        return True

    def _close_span(self, state: EndState, reason: str | None, error: BaseException | None) -> None:
        ending: dict[str, AttributeValue] = {semconv.SESSION_END_STATE: state.value}
        if reason:
            ending[semconv.SESSION_END_STATE_REASON] = reason
        if settings().project_id:
            ending[semconv.PROJECT_ID] = settings().project_id
        if state is EndState.FAIL:
            ending[semconv.ERROR_TYPE] = failure.error_type(error)
            ending[semconv.ERROR_SPAN_KIND] = "session"
            if error is not None:
                failure.record(self.span, error, self.outer, self.failures)
            self.span.set_status(Status(StatusCode.ERROR, reason))
        self.span.set_attributes(ending)

    def abandon(self) -> None:
        """Close it without ending its root, which another process owns."""
        self.joined = True
        self.close(EndState.INDETERMINATE)

    def __enter__(self) -> Session:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _traceback: TracebackType | None) -> Literal[False]:
        if error is None:
            self.close(EndState.SUCCESS)
        elif isinstance(error, (SystemExit, GeneratorExit)):
            self.close(EndState.INDETERMINATE, type(error).__name__)
        else:
            self.close(EndState.FAIL, failure.describe(error), error)
        return False

    def __str__(self) -> str:
        return self.session_id

    def __repr__(self) -> str:
        return f"<Session {self.name!r} {self.session_id} {'open' if self._open else 'ended'}>"


TraceContext = Session
